"""For teachers: is an assignment fit to be handed out? Everything that a class would find out is tried first."""
from __future__ import annotations

import ast
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import nbformat
from nbgrader.nbgraderformat import MetadataValidator

from . import batch, cells
from .cells import Cell, Json
from .folder import Course, write
from .release import release


def complaints(course: Course, name: str) -> list[str]:
    """Return what is wrong with an assignment, as a list of sentences; empty where nothing is."""
    source = cells.read(course.source(name))
    found = about_cells(source)
    return found or about_marks(course, name, source)


def about_cells(source: Json) -> list[str]:
    """What the cells themselves show."""
    parts = cells.cells_of(source)
    found = [f"the code of {c.id} cannot be read: {error}" for c in parts
             if c.code and (error := syntax_error(c.source))]
    if found:
        return found
    try:
        MetadataValidator().validate_nb(nbformat.from_dict(source))
    except Exception as error:
        found.append(f"nbgrader refuses the metadata: {str(error).partition(chr(10))[0]}")
    found += [f"the grade_id {id} is given to {n} cells"
              for id, n in Counter(c.id for c in parts if c.id).items() if n > 1]
    found += [f"a code cell has no nbgrader metadata, so it would not be locked: {c.source[:60]!r}"
              for c in parts if c.code and not c.id]
    tests, answers = ([c for c in parts if c.kind == kind] for kind in ("test", "answer"))
    if len(tests) < 6:
        found.append(f"{len(tests)} questions are graded automatically, expected at least 6")
    if not any(c.kind == "manual" for c in parts):
        found.append("no question is for a person to grade")
    found += [f"the answer {c.id} has no ### BEGIN SOLUTION" for c in answers if "### BEGIN SOLUTION" not in c.source]
    students = {name for c in answers for name in cells.bound(c.source)}
    for cell in tests:
        found += about_test(cell, students)
    twice = students & {name for c in parts if c.kind in ("given", "numbers", "test") for name in cells.bound(c.source)}
    return found + [f"{name} is bound by an answer and by a cell of the teacher's" for name in sorted(twice)]


def syntax_error(source: str) -> str | None:
    """Say what is wrong with the syntax of a cell, or return None."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return f"{error.msg}, line {error.lineno}"
    return None


def about_test(cell: Cell, students: set[str]) -> list[str]:
    """What a test cell must not do."""
    found, tree = [], ast.parse(cell.source)
    inside = {id(node) for outer in ast.walk(tree) if isinstance(outer, (ast.Lambda, ast.FunctionDef))
              for node in ast.walk(outer)}
    outside = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in inside}
    found += [f"{cell.id} names the student's {name} outside a lambda" for name in sorted(outside & students)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if getattr(call.func, "id", "") == "Question"]
    points = [k.value for call in made for k in call.keywords if k.arg == "points"]
    if len(points) != 1 or not isinstance(points[0], ast.Constant) or points[0].value != cell.points:
        found.append(f"{cell.id} makes a Question whose points are not those of its metadata, {cell.points}")
    for call in calls:
        broad = {"Exception", "BaseException"} & {getattr(arg, "id", "") for arg in call.args}
        if getattr(call.func, "attr", "") == "raises" and broad:
            found.append(f"{cell.id} expects any error at all, which a missing answer raises too: name the error")
    if [mark.group(1) for mark in cells.HIDDEN.finditer(cell.source)] not in ([], ["BEGIN", "END"]):
        found.append(f"{cell.id} does not have its hidden tests between one ### BEGIN and one ### END HIDDEN TESTS")
    return found


def about_marks(course: Course, name: str, source: Json) -> list[str]:
    """Grade the source's own answers, which must earn every point, and the empty release, which must earn none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write(path / "roster.csv", "id\nsolution\nempty\n")
        shutil.copy(course.path / "secret", path)
        shutil.copytree(course.source(name).parent, path / "source" / name)
        trial = Course(path)
        for student in trial.students:
            handed_in = release(source, name, student, trial.secret)
            if student == "solution":
                texts = {c.id: c.source for c in cells.cells_of(source) if c.kind in ("answer", "manual")}
                for cell in handed_in.cells:
                    cell.source = texts.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
            write(trial.submitted(name, student) / f"{name}.ipynb", nbformat.writes(handed_in))
        batch.grade(trial, name, trial.students)
        results = trial.results(name)
    said = [*results["solution"]["flags"], results["solution"]["reason"]]
    found = [f"the solution: {text}" for text in said if text]
    for student, wanted in (("solution", lambda q: q["points"]), ("empty", lambda q: 0.0)):
        for q in results[student]["questions"]:
            if q["earned"] != wanted(q):
                odd = [c for c in q["checks"] if c["held"] == (student == "empty")]
                wrong = "; ".join(f"{c['words']}: {c['message']}" for c in odd)
                found.append(f"{q['id']}: the {student} earns {q['earned']:g} of {q['points']:g} points "
                             f"({wrong or q['note']})")
    return found
