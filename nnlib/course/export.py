"""Tables of marks: for people (CSV), for Canvas (CSV) and for Gradescope (JSON).

Every student of the roster is in each of them. Marks are the gradebook's, those of persons included.
"""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from nbgrader.api import Gradebook, MissingEntry

from . import cells, gradebook
from .cells import Json
from .folder import Course, write

Row: TypeAlias = dict[str, Any]  # of one student, as `rows_of` makes it


def rows_of(course: Course, name: str) -> list[Row]:
    """Return one dict a student: its marks, what a person still has to mark, flags, and the reason of a zero."""
    graded = [cell for cell in cells.cells_of(cells.read(course.source(name))) if cell.kind in ("test", "manual")]
    results, rows = course.results(name), []
    with gradebook.opened(course) as book:
        for student, person in course.students.items():
            result = results.get(student)
            grades = grades_of(book, name, student) if result else {}
            scores = {cell.id: grades[cell.id].score if cell.id in grades else 0.0 for cell in graded}
            rows.append({"student": student, "person": person, "result": result, "scores": scores,
                         "points": {cell.id: cell.points for cell in graded}, "score": sum(scores.values()),
                         "pending": [id for id, grade in grades.items() if grade.needs_manual_grade],
                         "flags": result["flags"] if result else [],
                         "reason": reason(result, scores)})
    return rows


def grades_of(book: Gradebook, name: str, student: str) -> dict[str, Any]:
    """The gradebook's grades {cell: grade} of a student, {} where there is no submission."""
    try:
        return {grade.name: grade for grade in book.find_submission(name, student).notebooks[0].grades}
    except MissingEntry:
        return {}


def reason(result: Json | None, scores: dict[str, float]) -> str:
    """Why a student has no marks, or none for some question; "" where there is nothing to explain."""
    if result is None:
        return "not graded yet"
    if result["reason"]:
        return result["reason"]
    zeros = [f"{q['id']}: {' '.join(why(q).split())[:200]}" for q in result["questions"] if not scores[q["id"]]]
    return " | ".join(zeros)


def why(question: Json) -> str:
    """Why a question earns nothing: what went wrong first."""
    wrong = next((check for check in question["checks"] if not check["held"]), None)
    shown = f"{wrong['words']}: {wrong['message']}" if wrong and not wrong["hidden"] else ""
    said = question["note"] or question["error"] or shown
    if said and "NotImplementedError" in said:
        return "not answered"
    return said or ("a hidden check fails" if wrong else "a person gave 0")


def table(header: list[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as the text of a CSV file.

    >>> print(table(["student", "score"], [["Lovelace, Ada", 2.5]]), end="")
    student,score
    "Lovelace, Ada",2.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *([plain(cell) for cell in row] for row in rows)])
    return text.getvalue()


def plain(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: part of its text may be a student's.

    >>> plain("=1+2"), plain(-3)
    ("'=1+2", -3)
    """
    return "'" + cell if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def export(course: Course, name: str) -> Path:
    """Write export/NAME.csv, NAME-canvas.csv and NAME-gradescope/STUDENT.json; return the path of the first."""
    rows, folder = rows_of(course, name), course.path / "export"
    total = sum(rows[0]["points"].values())
    header = ["student", "last_name", "first_name", "email", "score", "max_score", *rows[0]["points"],
              "pending", "flags", "reason"]
    write(folder / f"{name}.csv", table(header, (
        [row["student"], *(row["person"].get(key) or "" for key in ("last_name", "first_name", "email")),
         row["score"], total, *row["scores"].values(), " ".join(row["pending"]), " | ".join(row["flags"]),
         row["reason"]]
        for row in rows)))
    write(folder / f"{name}-canvas.csv", canvas(name, rows, total))
    for row in rows:
        write(folder / f"{name}-gradescope" / f"{row['student']}.json", json.dumps(gradescope(row), indent=1) + "\n")
    return folder / f"{name}.csv"


def canvas(name: str, rows: list[Row], total: float) -> str:
    """Canvas' import of marks: a mark that a person has still to give is left empty, so that nothing is overwritten.

    The columns canvas_id, sis_id and section of the roster are used where they are.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", name]
    return table(header, [["    Points Possible", "", "", "", "", total], *(
        [f"{row['person'].get('last_name') or row['student']}, {row['person'].get('first_name') or ''}",
         row["person"].get("canvas_id") or "", row["person"].get("sis_id") or "", row["student"],
         row["person"].get("section") or "", "" if row["pending"] or row["result"] is None else row["score"]]
        for row in rows)])


def gradescope(row: Row) -> Json:
    """Gradescope's results.json of one student: what is hidden from students keeps its words alone."""
    questions = {q["id"]: q for q in row["result"]["questions"]} if row["result"] else {}
    tests = []
    for id, score in row["scores"].items():
        text = gradebook.shown(questions[id]) if id in questions else "marked by a person"
        text = "not yet marked by a person" if id in row["pending"] else text
        tests.append({"name": id, "score": score, "max_score": row["points"][id], "output": text,
                      "output_format": "text", "visibility": "visible"})
    said = [row["reason"]] * bool(row["reason"]) + row["flags"]
    return {"score": row["score"], "output": "\n".join(said), "output_format": "text", "tests": tests}
