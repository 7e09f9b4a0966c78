"""The notebook that a student gets: no solution, no hidden test, no output, no secret; numbers of his own.

nbgrader's own preprocessors take out what must not be seen. Then nothing of the source's metadata is
kept but what a list here names: even the name of a cell could tell, for tools/notebooks.py makes it
from the cell's text, the solution included.
"""
from __future__ import annotations

import copy
import io
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from typing import Any

import nbformat
import numpy as np
from nbgrader import preprocessors

from . import cells
from .cells import Json
from .folder import Course, fingerprint, write
from .numbers import drawing

# in nbgrader's order; the checksums come last, of the text that the student gets
STEPS = [preprocessors.LockCells, preprocessors.ClearSolutions, preprocessors.ClearOutput,
         preprocessors.ClearHiddenTests, preprocessors.ClearMarkScheme, preprocessors.ComputeChecksums]
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
          "language_info": {"name": "python"}}
KEPT = ("nbgrader", "tags", "deletable", "editable")


def literal(name: str, value: object) -> str:
    """Return Python text for a number, string, list or array; raises `ValueError` for anything else."""
    if isinstance(value, (list, tuple)):
        parts = [literal(name, part) for part in value]
        return f"[{', '.join(parts)}]" if isinstance(value, list) else f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size and np.isfinite(value).all():
        plain = np.array(value.tolist()).dtype == value.dtype
        return f"np.array({value.tolist()!r}{'' if plain else f', dtype=np.{value.dtype}'})"
    if value is None or type(value) in (bool, int, str) or type(value) is float and np.isfinite(value):
        return repr(value)
    raise ValueError(f"{name} holds a {type(value).__name__} that cannot be handed out: expected finite numbers, "
                     "strings, lists and non-empty arrays of these")


def draw(notebook: Json, given_numbers: AbstractContextManager[None]) -> Json:
    """Replace the drawing of numbers by what came out, in the context that says for whom."""
    names: dict[str, Any] = {}
    parts = cells.cells_of(notebook)
    last = max((n for n, cell in enumerate(parts) if cell.kind == "numbers"), default=-1)
    with given_numbers, redirect_stdout(io.StringIO()):
        for n, cell in enumerate(parts[:last + 1]):
            if cell.kind in ("given", "numbers"):
                try:
                    exec(compile(cell.source, f"cell {n}", "exec"), names)
                except (Exception, SystemExit) as error:
                    raise ValueError(f"cell {cell.id} of the source fails: {type(error).__name__}: {error}") from error
            if cell.kind == "numbers":
                region = cells.NUMBERS.search(cell.source)
                assert region, "that makes it such a cell"
                bound = [name for name in cells.bound(region.group()) if not name.startswith("_")]
                if missing := [name for name in bound if name not in names]:
                    raise ValueError(f"cell {cell.id} of the source: a value is expected for {missing[0]}, "
                                     "but none came")
                drawn = [name for name in bound if not isinstance(names[name], np.random.Generator)]
                lines = "\n".join(f"{name} = {literal(name, names[name])}" for name in drawn)
                notebook["cells"][n]["source"] = cell.source[:region.start()] + lines + cell.source[region.end():]
    return notebook


def release(source: Json, name: str, student: str | None = None, secret: bytes = b"public") -> Any:
    """Return the notebook `source` (as JSON) for a student, or for everybody where there is none.

    Raises `ValueError` where a cell of the source fails, or draws what cannot be handed out.
    """
    whose = drawing(secret, name, student) if student else nullcontext()
    notebook = nbformat.from_dict(draw(copy.deepcopy(source), whose))
    resources = {"nbgrader": {"notebook": name, "assignment": name}}
    for step in STEPS:
        try:
            notebook, resources = step(parent=None).preprocess(notebook, resources)
        except RuntimeError as error:       # a region that is begun and not ended
            raise ValueError(f"nbgrader cannot take what is hidden out of {name}: {error}") from None
    for n, cell in enumerate(notebook.cells):
        cell.id = f"cell-{n}"
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
    notebook.metadata = KERNEL | {"nnlib": {"assignment": name, "copy": fingerprint(secret, name, student)}}
    return notebook


def release_all(course: Course, name: str) -> int:
    """Write the notebooks of all students and the public example; returns how many."""
    source = cells.read(course.source(name))
    texts = {student: nbformat.writes(release(source, name, student, course.secret)) + "\n"
             for student in course.students}
    texts["example"] = example(source, name)
    for student, text in texts.items():     # after all of them could be made
        write(course.released(name, student), text)
    return len(texts)


def example(source: Json, name: str) -> str:
    """Return the text of the notebook for everybody."""
    return nbformat.writes(release(source, name)) + "\n"


def outdated(course: Course, name: str) -> bool:
    """True where the source makes another example now than the one that was handed out."""
    path = course.released(name, "example")
    return path.exists() and path.read_text(encoding="utf-8") != example(cells.read(course.source(name)), name)
