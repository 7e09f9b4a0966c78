"""nbgrader's gradebook and its autograded notebooks, filled from the stored results by one process.

What a person entered (marks, comments, extra credit) is never touched: only nbgrader's `auto_score`,
`auto_comment` and `needs_manual_grade` are written.
"""
from __future__ import annotations

import contextlib
import copy
import os
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import SaveCells

from . import cells
from .cells import Json
from .folder import Course, write
from .release import release

# In Markdown and TeX, what makes a link (which may run a script) or borrows the page's looks; a space ends that.
NO_LINK = re.compile(r"\](?=[(:\[])|\\(?=(?:href|class|style|cssId|require)\b)")


def opened(course: Course) -> Gradebook:
    """Return nbgrader's Gradebook of a course; use it in a `with` block."""
    program = str(Path(sys.executable).parent)      # nbgrader calls the bare name alembic
    if program not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([program, os.environ.get("PATH", os.defpath)])
    path = course.path / "gradebook.db"
    if path.exists():       # looked at here: nbgrader would leave a damaged one open
        try:
            with contextlib.closing(sqlite3.connect(path)) as database:
                found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            raise ValueError(f"{path}: nbgrader's gradebook is expected, but it cannot be read: {found}")
    return Gradebook(url(course))


def url(course: Course) -> str:
    """The gradebook's address for SQLAlchemy."""
    return f"sqlite:///{course.path / 'gradebook.db'}"


def fill(course: Course, name: str) -> int:
    """Write the results of an assignment into the gradebook and the autograded notebooks; return how many."""
    source, results = cells.read(course.source(name)), course.results(name)
    with opened(course) as book:
        have = {student.id for student in book.students}
        for student, row in course.students.items():
            if student not in have:
                book.add_student(student, **{key: row.get(key) or None for key in ("first_name", "last_name", "email")})
        book.update_or_create_assignment(name)
        wanted = {n.name for n in book.find_assignment(name).notebooks}
        if wanted - {name}:
            raise ValueError(f"gradebook.db has other notebooks for {name}: {sorted(wanted)}")
    SaveCells().preprocess(nbformat.from_dict(copy.deepcopy(source)),
                           {"nbgrader": {"notebook": name, "assignment": name, "db_url": url(course)}})
    graded = 0
    with opened(course) as book:
        for student, result in results.items():
            if result.get("missing"):
                withdraw(book, course, name, student)
            else:
                enter(book, course, source, result)
                graded += 1
    return graded


def withdraw(book: Gradebook, course: Course, name: str, student: str) -> None:
    """Take back the points that the grader once gave to a notebook that is no longer there; marks by a person stay."""
    with contextlib.suppress(MissingEntry):
        for grade in book.find_submission(name, student).notebooks[0].grades:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        book.db.commit()
    for page in (course.autograded(name, student), course.path / "feedback" / student / name / f"{name}.html"):
        page.unlink(missing_ok=True)


def enter(book: Gradebook, course: Course, source: Json, result: Json) -> None:
    """Enter one student's result."""
    name, student = result["assignment"], result["student"]
    try:
        submission = book.find_submission(name, student)
    except MissingEntry:
        with book.db.no_autoflush:      # nbgrader makes the parts before it adds the whole
            submission = book.add_submission(name, student)
    released = release(source, name, student, course.secret)
    empty = {cell.metadata.nbgrader["grade_id"]: cell.source for cell in released.cells if "nbgrader" in cell.metadata}
    before = manual_answers(course.autograded(name, student))
    given = {id: "\n\n".join(texts) for id, texts in result["given"].items()}
    scores = {question["id"]: question for question in result["questions"]}
    for grade in submission.notebooks[0].grades:
        if grade.name in scores:
            grade.auto_score = scores[grade.name]["earned"]
            grade.needs_manual_grade = scores[grade.name].get("for_a_person", False) and grade.manual_score is None
        else:
            answered = given.get(grade.name, empty[grade.name]).strip() != empty[grade.name].strip()
            changed = before.get(grade.name) != given.get(grade.name, empty[grade.name])
            grade.auto_score = None if answered else 0.0
            grade.needs_manual_grade = answered and (grade.manual_score is None or changed)
    for comment in submission.notebooks[0].comments:
        same = given.get(comment.name, empty[comment.name]).strip() == empty[comment.name].strip()
        comment.auto_comment = "No response." if same else None
    book.db.commit()
    write(course.autograded(name, student), nbformat.writes(autograded(released, result, given)) + "\n")


def manual_answers(path: Path) -> dict[str, str]:
    """The answers for a person in an autograded notebook, {} where there is none."""
    if not path.exists():
        return {}
    return {cells.meta_of(cell)["grade_id"]: cells.text_of(cell) for cell in cells.read(path)["cells"]
            if cells.meta_of(cell).get("solution")}


def autograded(released: Any, result: Json, given: dict[str, str]) -> Any:
    """Return the notebook that the formgrader and the feedback show: the student's answers, and what came of them.

    The frame is the released notebook: no hidden test, and no cell or output of the student's own making.
    """
    notebook, scores = copy.deepcopy(released), {question["id"]: question for question in result["questions"]}
    notes = [result["reason"]] * bool(result["reason"]) + result["flags"]
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = given.get(name) or cell.source
        text = shown(scores[name]) if name in scores else result["outputs"].get(name, "")
        if cell.cell_type == "code" and text:
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text + "\n")]
    SanitizeHTML().preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.metadata.nbgrader["grade_id"] in given:
            cell.source = NO_LINK.sub(r"\g<0> ", cell.source)
    if notes:
        text = "Notes of the grader:\n\n" + "\n".join(f"    {note}" for note in notes)
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="notes"))
    return notebook


def shown(question: Json) -> str:
    """The result of a question as text: of a hidden check only whether it holds and what it asks."""
    lines = [f"{question['earned']:g} of {question['points']:g} points"]
    for check in question["checks"]:
        message = f": {check['message']}" * (bool(check["message"]) and not check["hidden"])
        lines.append(f"  {'yes' if check['held'] else 'no '}  {'(hidden) ' * check['hidden']}{check['words']}{message}")
    return "\n".join(lines + [text for text in (question["error"], question["note"]) if text])
