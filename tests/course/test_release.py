"""What is handed out: no trace of a solution, a hidden test or a secret; each student's own numbers; the same bytes each time."""
import base64
import hashlib
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from classroom import HIDDEN_MARK, SECRET, SOLUTION_MARK, TINY, classroom, everything, source

from nnlib.course import cells
from nnlib.course.__main__ import main
from nnlib.course.release import draw, literal, release

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "book" / "assignments").glob("*.ipynb"))
REGIONS = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.S)


def secrets_of(notebook):
    """The lines of a source that no student may see; those that also stand where he may see them left out."""
    whole = [cells.text_of(cell) for cell in notebook["cells"]]
    seen = {line.strip() for text in whole for line in REGIONS.sub("", text).split("\n")}
    inside = {line.strip() for text in whole for found in REGIONS.finditer(text) for line in found.group(2).split("\n")}
    return {line for line in inside - seen if len(line) > 3}


@pytest.fixture(scope="module", params=[None, *SOURCES], ids=lambda path: path.stem if path else TINY)
def handed_out(request, tmp_path_factory):
    notebook = cells.read(request.param) if request.param else json.loads(json.dumps(source()))
    name = request.param.stem if request.param else TINY
    return notebook, name, {student: release(notebook, name, student, bytes.fromhex(SECRET)) for student in ("ada", "emmy")} | {
        "example": release(notebook, name)}


def test_no_line_of_a_solution_or_a_hidden_test_is_in_it(handed_out):
    notebook, _, released = handed_out
    hidden = secrets_of(notebook)
    assert len(hidden) > 6
    for copy in released.values():
        text = nbformat.writes(copy)
        lines = {line.strip() for cell in copy.cells for line in cell.source.split("\n")}
        assert not hidden & lines
        long = {json.dumps(line)[1:-1] for line in hidden if len(line) > 25}
        assert not [line for line in long if line in text]
        assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|NUMBERS|MARK SCHEME)|numbers\(|generator\(", text)


def test_it_is_what_a_student_should_see(handed_out):
    """Cell by cell: the teacher's text without its regions, and nothing of the metadata but nbgrader's."""
    notebook, name, released = handed_out
    for copy in released.values():
        assert len(copy.cells) == len(notebook["cells"])
        for mine, theirs in zip(copy.cells, notebook["cells"]):
            text = cells.text_of(theirs)
            assert mine.cell_type == theirs["cell_type"] and mine.id == f"cell-{copy.cells.index(mine)}"
            assert set(mine.metadata) <= {"nbgrader", "tags", "deletable", "editable"}
            assert {k: v for k, v in mine.metadata.nbgrader.items() if k not in ("checksum", "cell_type")} == {
                k: v for k, v in theirs["metadata"]["nbgrader"].items() if k not in ("checksum", "cell_type")}
            if mine.cell_type == "code":
                assert mine.outputs == [] and mine.execution_count is None
            kind = cells.Cell(theirs).kind
            if kind in ("given", "text", "test"):
                shown = re.sub(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS\n?", "", text, flags=re.S)
                assert mine.source.split() == shown.split()
            elif kind == "answer":
                shown = re.sub(r"[ \t]*### BEGIN SOLUTION\n.*?### END SOLUTION", "", text, flags=re.S)
                assert re.sub(r"# YOUR CODE HERE\s+raise NotImplementedError\(\)", "", mine.source).split() == shown.split()
            elif kind == "manual":
                assert "YOUR ANSWER HERE" in mine.source
        assert set(copy.metadata) == {"kernelspec", "language_info", "nnlib"} and set(copy.metadata.nnlib) == {"assignment", "copy"}


def test_nothing_can_be_guessed_from_hashes(handed_out):
    """Names of cells and checksums are made from what the student sees: a hash of a solution would confirm a guess."""
    notebook, _, released = handed_out
    for theirs in notebook["cells"]:
        content = cells.text_of(theirs).encode()
        if not REGIONS.search(content.decode()):
            continue
        digests = [f(content).hexdigest()[:8] for f in (hashlib.sha256, hashlib.md5, hashlib.sha1)]
        digests += [theirs["metadata"]["nbgrader"].get("checksum") or theirs.get("id")]
        for copy in released.values():
            assert not [digest for digest in digests if digest in nbformat.writes(copy)]


def test_no_secret_is_in_it(handed_out):
    _, _, released = handed_out
    key = bytes.fromhex(SECRET)
    for student, copy in released.items():
        text = nbformat.writes(copy)
        for spelled in (SECRET, SECRET[:16], base64.b64encode(key).decode()[:12], str(int(SECRET, 16))[:12], hashlib.sha256(key).hexdigest()[:12]):
            assert spelled not in text
        assert student == "example" or student not in copy.metadata.nnlib["copy"]


def test_it_is_a_notebook(handed_out):
    for copy in handed_out[2].values():
        nbformat.validate(copy)


def test_numbers_differ_from_student_to_student(handed_out):
    _, name, released = handed_out
    notes = {copy.metadata.nnlib["copy"] for copy in released.values()}
    assert len(notes) == 3
    drawn = {"\n".join(cell.source for cell in copy.cells if cell.cell_type == "code") for copy in released.values()}
    assert len(drawn) == 3 or "BEGIN NUMBERS" not in json.dumps(handed_out[0])


def test_two_runs_write_the_same_bytes(tmp_path):
    course = classroom(tmp_path / "course", ["ada", "emmy"])
    before = everything(course.path)
    assert main(["release", str(course.path)]) == 0
    first = everything(course.path / "release")
    assert sorted(first) == [f"{who}/{TINY}/{TINY}.ipynb" for who in ("ada", "emmy", "example")]
    assert main(["release", str(course.path), TINY]) == 0
    assert everything(course.path / "release") == first
    assert {name: data for name, data in everything(course.path).items() if name in before} == before
    for data in first.values():
        assert SOLUTION_MARK.encode() not in data and HIDDEN_MARK.encode() not in data


@pytest.mark.parametrize("value", [3, -1.5, True, None, "a'b\n", [1, [2.5]], (1,), (), np.int64(3), np.float64(0.1), np.bool_(False),
                                   np.array([[1, 2], [3, 4]]), np.array([0.1, 1e-300]), np.float32([0.1]), np.array([True]), np.array(2),
                                   np.array([1, 2], np.uint8), [np.array([1.0]), "x"]], ids=repr)
def test_literals_say_what_they_stand_for(value):
    found = eval(literal("x", value), {"np": np})
    assert repr(found) == repr(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype and (found == value).all()


@pytest.mark.parametrize("value", [object(), 1j, {1}, float("nan"), np.array([np.inf]), np.array([]), np.array(["a"]), len],
                         ids=lambda value: type(value).__name__)
def test_what_cannot_be_handed_out_is_refused(value):
    with pytest.raises(ValueError, match="W holds a .* cannot be handed out"):
        literal("W", value)


def test_a_drawing_cell_that_fails_is_named():
    notebook = json.loads(json.dumps(source()))
    notebook["cells"][2]["source"] = "### BEGIN NUMBERS\nwidth = 1 / 0\n### END NUMBERS"
    with pytest.raises(ValueError, match="cell sides of the source fails: ZeroDivisionError"):
        release(notebook, TINY)


def test_generators_and_private_names_are_not_handed_out():
    from contextlib import nullcontext
    notebook = json.loads(json.dumps(source()))
    notebook["cells"][2]["source"] = "a = 1\n### BEGIN NUMBERS\nrng = numbers('x')\n_b = rng.integers(9)\nc: int = 5\nd, (e, f) = 1, (2, 3)\n" \
                                     "g = [h for h in range(2)]\n### END NUMBERS\nprint(a)"
    assert draw(notebook, nullcontext())["cells"][2]["source"] == "a = 1\nc = 5\nd = 1\ne = 2\nf = 3\ng = [0, 1]\nprint(a)"
