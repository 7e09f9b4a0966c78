"""What came back: found, read as plain JSON, and compared with what was handed out. Nothing here is run.

A submission is anybody's bytes. It may be no notebook, of another assignment, or changed anywhere; what
is taken from it are the texts of answers, found by their ids. Tests and given cells are the teacher's.
"""
from __future__ import annotations

import json
import os
import stat
from collections import Counter
from pathlib import Path

from .cells import Cell, Json, meta_of, text_of

LARGEST = 20 * 2 ** 20      # bytes of a notebook
LONGEST = {"answer": 200_000, "manual": 20_000}     # characters of one answer; what shows Markdown takes their square
MOST = 50                   # cells that belong to one answer


class Unusable(ValueError):
    """Nothing can be graded; the text is the reason that the teacher reads."""


class Missing(Unusable):
    """Nothing was handed in."""


def find(folder: Path, name: str) -> tuple[Path, list[str]]:
    """Return (path, flags) of the notebook handed in; raises `Unusable` where none or several may be meant.

    A folder that is a link, as an archive may hold, could lead to the source or to another student's work.
    """
    if folder.is_symlink() or folder.parent.is_symlink():
        raise Unusable("the folder is a link")
    found = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
    meant = [path for path in found if path.name == f"{name}.ipynb"] or found
    if not found:
        raise Missing("missing: no notebook was handed in")
    if len(meant) > 1:
        names = ", ".join(path.name for path in found)
        raise Unusable(f"several notebooks, and none is named {name}.ipynb: {names[:200]}")
    flags = [f"renamed: {meant[0].name[:100]}"] * (meant[0].name != f"{name}.ipynb")
    return meant[0], flags + [f"{len(found) - 1} other notebooks were not looked at"] * (len(found) > 1)


def content(path: Path) -> bytes:
    """Return the bytes of a regular file; raises `Unusable` for a link, a pipe, or one that is empty or too large."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Unusable(f"the file cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):     # before a file is made of it, which no folder can be
        os.close(handle)
        raise Unusable("the notebook is no regular file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unusable(f"the notebook is larger than {LARGEST >> 20} MB")
    if not data.strip():
        raise Unusable("empty: the file holds nothing")
    return data


def parsed(data: bytes) -> tuple[list[Json], Json]:
    """Return the cells and the metadata of a notebook's bytes; raises `Unusable`."""
    try:
        notebook = json.loads(data)
        found = notebook["cells"]
        given = notebook.get("metadata")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise Unusable("truncated or damaged: the file is no notebook") from None
    cells = [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else []
    if not cells:
        raise Unusable("empty: the notebook has no cells")
    note = given.get("nnlib") if isinstance(given, dict) else None
    return cells, note if isinstance(note, dict) else {}


def answers(cells: list[Json], released: list[Json]) -> tuple[dict[str, list[str]], list[str]]:
    """Return ({id: texts of an answer}, flags) of submitted cells beside the cells that were released.

    Code that the student added belongs to the answer above it (else to the first). Raises `Unusable`
    where no answer of this assignment is there.
    """
    wanted = {cell.id: cell for cell in map(Cell, released) if cell.id}
    code = [cell.id for cell in wanted.values() if cell.kind == "answer"]
    found: dict[str, list[str]] = {cell.id: [] for cell in wanted.values() if cell.kind in ("answer", "manual")}
    seen: Counter[str] = Counter()
    flags: set[str] = set()     # a set: one flag, however many cells earn it
    last = code[0] if code else None

    def add(name: str, text: str) -> None:
        kind = wanted[name].kind
        room = LONGEST[kind] - sum(map(len, found[name])) if len(found[name]) < MOST else 0
        if len(text) > room:
            flags.add(f"{name}: only the first {MOST} cells and {LONGEST[kind]} characters are looked at")
            text = text[:room] if kind == "manual" else ""      # half of a program is another one
        if text:
            found[name].append(text)

    for cell in cells:
        name, text = meta_of(cell).get("grade_id"), text_of(cell)
        if not isinstance(name, str) or name not in wanted:
            if cell.get("cell_type") == "code" and text.strip() and last:
                add(last, text)
            continue
        seen[name] += 1
        if name in found:
            add(name, text)
            last = name if wanted[name].kind == "answer" else last
        elif text.rstrip() != wanted[name].source.rstrip() and wanted[name].kind != "text":
            flags.add(f"{wanted[name].kind} cell edited: {name}")
    if not any(name in found for name in seen):
        raise Unusable("foreign: no answer of this assignment is in the notebook")
    for name, asked in wanted.items():
        if seen[name] != 1 and asked.kind != "text":
            flags.add(f"{asked.kind} cell {'duplicated' if seen[name] else 'deleted'}: {name}")
    return found, sorted(flags)


def whose(note: Json, name: str, student: str, prints: dict[str, str]) -> list[str]:
    """Return flags of a notebook made for another assignment or student; `prints` is {fingerprint: student}."""
    copy, other = note.get("copy"), note.get("assignment")
    owner = prints.get(copy) if isinstance(copy, str) else None
    flags = [f"foreign: handed out as {other[:60]!r}"] if isinstance(other, str) and other != name else []
    if owner is None and not flags:
        return ["the notebook does not say to whom it was handed out"]
    return flags + [f"foreign: handed out to {owner or 'another student'}"] * (owner != student)
