"""A course's folder: who takes part, its secret, and where everything lies (nbgrader's own layout).

    roster.csv                                the students: id, first_name, last_name, email (further columns are kept)
    secret                                    the numbers of all students come from it: never hand it out
    source/NAME/NAME.ipynb                    the assignments with their solutions
    release/STUDENT/NAME/NAME.ipynb           what is handed out
    submitted/STUDENT/NAME/NAME.ipynb         what came back
    results/NAME/STUDENT.json                 one file a student, written whole or not at all
    autograded/, feedback/, gradebook.db      nbgrader's, filled from the results
    export/                                   tables for people and for other systems
"""
from __future__ import annotations

import csv
import hmac
import json
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

RESULT = {"student", "assignment", "reason", "missing", "flags", "given", "outputs", "questions", "key"}
ASSIGNMENTS = Path(__file__).parents[2] / "book" / "assignments"
CONFIG = '''# Formgrader and feedback show what students wrote: their HTML is made harmless first.
c = get_config()
c.CourseDirectory.course_id = "default_course"
c.HTMLExporter.sanitize_html = True
'''


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the folders above it; what UTF-8 cannot hold becomes "?"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def name_of_file(text: str) -> bool:
    """True for a name that is safe as the name of a folder.

    >>> [name_of_file(text) for text in ("ada@example.org", "../ada", "-rf", "=1+2")]
    [True, False, False, False]
    """
    return bool(re.fullmatch(r"\w[\w.@+-]{0,99}", text))      # begun otherwise it is an option, or a formula


def fingerprint(secret: bytes, name: str, student: str | None) -> str:
    """What a released notebook says of whose it is: nothing, to whoever has not the secret.

    >>> fingerprint(b"of this term", "forward", "ada") == fingerprint(b"of the next", "forward", "ada")
    False
    """
    return hmac.digest(secret, json.dumps(["fingerprint", name, student]).encode(), "sha256").hex()[:16]


class Course:
    """The folder at `path`; raises `ValueError` where roster or secret are missing or wrong."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).resolve()
        for name in ("roster.csv", "source"):
            if not (self.path / name).exists():
                raise ValueError(f"{self.path} has no {name}: make a course by `python -m nnlib.course new {path}`")
        self.secret = self._secret()
        self.students = self._roster()
        self.assignments = sorted(folder.name for folder in (self.path / "source").iterdir()
                                  if (folder / f"{folder.name}.ipynb").is_file())

    def _secret(self) -> bytes:
        try:
            secret = bytes.fromhex((self.path / "secret").read_text())
        except FileNotFoundError:
            raise ValueError(f"{self.path}/secret is missing: put back the one with which the notebooks were released, "
                             "for the numbers of all students come from it") from None
        except ValueError:
            secret = b""
        if len(secret) < 16:
            raise ValueError(f"{self.path}/secret: expected at least 32 hexadecimal digits, as the command new writes "
                             "them")
        return secret

    def _roster(self) -> dict[str, dict[str, str]]:
        try:
            with open(self.path / "roster.csv", encoding="utf-8-sig", newline="") as file:
                table = csv.DictReader(file, strict=True)
                rows, columns = list(table), table.fieldnames or []
        except csv.Error as error:
            raise ValueError("roster.csv: a table with commas is expected, but it cannot be read behind line "
                             f"{table.line_num}: {error}") from None
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise ValueError(f"roster.csv is not UTF-8, but has the byte {byte:#x}: save it as UTF-8") from None
        if columns.count("id") != 1:
            raise ValueError(f"roster.csv: expected a column id, between commas, but the columns are {columns}")
        for row in rows:        # where a line is cut off, or a comma is not in quotes
            if None in row or None in row.values():
                came = [value for value in row.values() if value is not None]
                raise ValueError(f"roster.csv: {len(columns)} values are expected in each line, as in the first, but "
                                 f"{came} came")
        ids = [row["id"] for row in rows]
        bad = [name for name in ids if not name_of_file(name) or name == "example" or ids.count(name) > 1]
        if not rows or bad:
            raise ValueError("roster.csv: expected a column id with unique names of letters, digits and . @ + - _, "
                             f"none begun with a sign, but found {sorted(set(bad)) or 'no row'}")
        return {row["id"]: row for row in rows}

    def source(self, name: str) -> Path:
        """The path of an assignment's source; raises `ValueError` for an unknown name."""
        if name not in self.assignments:
            raise ValueError(f"there is no assignment {name!r} in {self.path}/source; "
                             f"there are: {', '.join(self.assignments)}")
        return self.path / "source" / name / f"{name}.ipynb"

    def released(self, name: str, student: str) -> Path:
        """The path of the notebook that a student gets."""
        return self.path / "release" / student / name / f"{name}.ipynb"

    def autograded(self, name: str, student: str) -> Path:
        """The path of the notebook that nbgrader shows of a graded student."""
        return self.path / "autograded" / student / name / f"{name}.ipynb"

    def submitted(self, name: str, student: str) -> Path:
        """The folder into which a student's notebook is put."""
        return self.path / "submitted" / student / name

    def result(self, name: str, student: str) -> Path:
        """The path of a student's stored result."""
        return self.path / "results" / name / f"{student}.json"

    def stored(self, name: str, student: str) -> dict[str, Any] | None:
        """A student's stored result; None where there is none, or one that a full or failing disk has damaged."""
        try:
            found = json.loads(self.result(name, student).read_text())
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) and RESULT <= set(found) else None

    def results(self, name: str) -> dict[str, dict[str, Any]]:
        """The stored results {student: result} of an assignment, in the order of the roster."""
        return {student: result for student in self.students if (result := self.stored(name, student))}


def new(path: str | os.PathLike[str]) -> Course:
    """Make a course folder: a fresh secret, the book's assignments, and a roster of two made-up students."""
    path = Path(path)
    if path.exists() and any(path.iterdir()):
        raise ValueError(f"{path} exists and is not empty: nothing was changed")
    for source in sorted(ASSIGNMENTS.glob("*.ipynb")):
        (path / "source" / source.stem).mkdir(parents=True)
        shutil.copy(source, path / "source" / source.stem)
    (path / "submitted").mkdir(parents=True)
    handle = os.open(path / "secret", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    write(path / "roster.csv", "id,first_name,last_name,email\nada,Ada,Lovelace,ada@example.org\n"
                               "emmy,Emmy,Noether,emmy@example.org\n")
    write(path / "nbgrader_config.py", CONFIG)
    return Course(path)
