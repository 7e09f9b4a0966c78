"""What `check` tells a teacher before a class finds it out."""
import json
import re
from pathlib import Path

import pytest
from classroom import TINY, classroom, everything, source

from nnlib.course import cells
from nnlib.course.__main__ import main
from nnlib.course.check import about_cells, complaints

SOURCES = sorted((Path(__file__).parents[2] / "book" / "assignments").glob("*.ipynb"))


def changed(id, old, new, **meta):
    """The small assignment with another text or other metadata in one cell."""
    notebook = json.loads(json.dumps(source()))
    for cell in notebook["cells"]:
        if cell["metadata"]["nbgrader"]["grade_id"] == id:
            assert old in cell["source"]
            cell["source"] = cell["source"].replace(old, new)
            cell["metadata"]["nbgrader"] |= meta
    return notebook


def without(id):
    notebook = json.loads(json.dumps(source()))
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["metadata"]["nbgrader"]["grade_id"] != id]
    return notebook


def test_the_small_assignment_is_fit(tmp_path, capsys):
    course = classroom(tmp_path / "course", ["ada"])
    before = everything(course.path)
    assert main(["check", str(course.path)]) == 0
    assert "tiny: fit to be handed out" in capsys.readouterr().out
    assert everything(course.path) == before


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_cells_of_the_books_assignments_are_fit(path):
    assert about_cells(cells.read(path)) == []


@pytest.mark.parametrize("notebook, complaint", [
    (changed("double-check", "points=4", "points=3"), "points are not those of its metadata"),
    (changed("double-check", "", "", points=5), "points are not those of its metadata, 5"),
    (changed("double-check", 'lambda: double(np.eye(2, 3)), 2', 'lambda: double(np.eye(2, 3)), double(1)'), "names the student's double outside a lambda"),
    (changed("half-check", "ValueError", "Exception"), "expects any error at all"),
    (changed("half-check", "### END HIDDEN TESTS", ""), "does not have its hidden tests between"),
    (changed("double", "### BEGIN SOLUTION", ""), "has no ### BEGIN SOLUTION"),
    (changed("imports", "import numpy", "area = 1\nimport numpy"), "area is bound by an answer and by a cell of the teacher's"),
    (changed("half-check", "", "", grade_id="double-check"), "is given to 2 cells"),
    (changed("half-check", "q.result()", "q.result("), "the code of half-check cannot be read: '(' was never closed"),
    (without("rows-check"), "5 questions are graded automatically, expected at least 6"),
    (without("explain"), "no question is for a person"),
], ids=lambda value: value[:30] if isinstance(value, str) else "")
def test_cells_that_are_not_fit_are_named(notebook, complaint):
    assert any(complaint in found for found in about_cells(notebook)), about_cells(notebook)


def test_code_without_metadata_is_named():
    notebook = json.loads(json.dumps(source()))
    notebook["cells"][1]["metadata"] = {}
    assert any("has no nbgrader metadata" in found for found in about_cells(notebook))


def test_a_solution_that_fails_and_an_empty_answer_that_earns_are_named(tmp_path, capsys):
    notebook = changed("half-check", 'q.equal("of 8", lambda: half(8), 4)', 'q.equal("of 8", lambda: half(8), 5)')
    for cell in notebook["cells"]:
        if cell["metadata"]["nbgrader"]["grade_id"] == "rows-check":
            cell["source"] = re.sub(r"rows\(np.ones\(\(3, 2\)\)\)", "3", cell["source"])
    course = classroom(tmp_path / "course", ["ada"])
    course.source(TINY).write_text(json.dumps(notebook))
    found = complaints(course, TINY)
    assert len(found) == 2
    assert "half-check: the solution earns 2 of 4 points (of 8: 4 came, 5 is expected)" in found
    assert any("rows-check: the empty earns 2 of 4 points" in line for line in found)
    assert main(["check", str(course.path)]) == 1
    assert "tiny: 2 complaints" in capsys.readouterr().out
