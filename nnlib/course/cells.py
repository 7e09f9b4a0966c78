"""What the cells of an assignment are for, by their nbgrader metadata.

text: read only · given: code that is run and may not be changed · numbers: given code that draws a
student's numbers · answer: code that the student writes · test: code that checks it, for points ·
manual: an answer that a person grades.
"""
from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]  # a notebook, a cell, a result: as they are stored

NUMBERS = re.compile(r"^### BEGIN NUMBERS\n.*?^### END NUMBERS$", re.M | re.S)
HIDDEN = re.compile(r"^### (BEGIN|END) HIDDEN TESTS$", re.M)
SECONDS = {"question": 10, "submission": 60}


class Cell:
    """A cell of a source or release: `kind`, `id` (nbgrader's grade_id), `source`, `points`."""

    def __init__(self, cell: Json) -> None:
        self.source = text_of(cell)
        meta = meta_of(cell)
        self.id: str | Any = meta.get("grade_id")       # None where nbgrader has none
        self.points, self.code = meta.get("points", 0), cell.get("cell_type") == "code"
        graded, solution = meta.get("grade", False), meta.get("solution", False)
        self.kind = ("manual" if graded and solution else "test" if graded else "answer" if solution else
                     "text" if not self.code else "numbers" if NUMBERS.search(self.source) else "given")


def text_of(cell: Json) -> str:
    """The source of a cell of anybody's notebook, as one string.

    >>> text_of({"source": ["a = 1\\n", "b = 2"]}), text_of({"source": 3})
    ('a = 1\\nb = 2', '')
    """
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def meta_of(cell: Json) -> Json:
    """The nbgrader metadata of a cell of anybody's notebook, {} where there is none.

    >>> meta_of({"metadata": {"nbgrader": {"grade_id": "area"}}}), meta_of({"metadata": []})
    ({'grade_id': 'area'}, {})
    """
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    return meta if isinstance(meta, dict) else {}


def cells_of(notebook: Json) -> list[Cell]:
    """The cells of a teacher's notebook, as `Cell`."""
    return [Cell(cell) for cell in notebook["cells"]]


def read(path: Path) -> Json:
    """Return a teacher's notebook as plain JSON, the source of each cell one string.

    Raises `ValueError`, which names the file, where it is no notebook of format 4, or where points, names or
    limits are none.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(notebook, ensure_ascii=False).encode()       # half of a character, as JSON can write it
    except (ValueError, RecursionError) as error:       # UnicodeDecodeError is a ValueError
        raise ValueError(f"{path} is no notebook: {error}") from None
    if complaint := about_form(notebook):
        raise ValueError(f"{path}: {complaint}")
    for cell in notebook["cells"]:
        cell["source"] = text_of(cell)
    return notebook


def about_form(notebook: Any) -> str:
    """Say what keeps JSON from being a teacher's notebook, or return ""."""
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        return "a notebook of format 4 is expected"
    found, meta = notebook.get("cells"), notebook.get("metadata")
    if not isinstance(found, list) or not isinstance(meta, dict):
        return f"a list of cells and metadata are expected, but {list(notebook)[:9]} came"
    for n, cell in enumerate(found):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw") \
                or not isinstance(cell.get("metadata"), dict):
            return f"cell {n}: a cell of code or text, with metadata, is expected, but {str(cell)[:60]!r} came"
        name, points = meta_of(cell).get("grade_id", ""), meta_of(cell).get("points", 0)
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]*", name):
            return f"cell {n}: a grade_id of letters, digits, - and _ is expected, but {str(name)[:60]!r} came"
        if not number(points) or points < 0:
            return f"cell {name or n}: points from 0 on are expected, but {str(points)[:60]!r} came"
        if text_of(cell).count("### BEGIN NUMBERS") != len(NUMBERS.findall(text_of(cell))):
            return f"cell {name or n}: a line ### END NUMBERS is expected behind ### BEGIN NUMBERS"
    return about_limits(meta)


def about_limits(meta: Json) -> str:
    """Say what is wrong with the time limits of an assignment, or return ""."""
    own = meta.get("nnlib", {})
    limits = own.get("seconds", {}) if isinstance(own, dict) else own
    if isinstance(limits, dict) and set(limits) <= set(SECONDS) and all(number(n) and n > 0 for n in limits.values()):
        return ""
    return f'seconds: {{"question": 10, "submission": 60}}, positive numbers, are expected, but {str(limits)[:60]} came'


def number(value: object) -> bool:
    """True for a finite number of JSON, which has true, NaN and Infinity too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 10 ** 9


def seconds(notebook: Json) -> dict[str, float]:
    """The time limits of an assignment: {"question": …, "submission": …}, in seconds.

    >>> seconds({"metadata": {"nnlib": {"seconds": {"question": 3}}}})
    {'question': 3, 'submission': 60}
    """
    return SECONDS | notebook["metadata"].get("nnlib", {}).get("seconds", {})


def bound(source: str) -> list[str]:
    """The names that a cell binds at its top level by assignments and definitions, in order; imports are left out.

    >>> bound("import os\\na, b = 1, 2\\ndef f(x): y = [z for z in x]")
    ['a', 'b', 'f']
    """
    names: dict[str, None] = {}

    class Binder(ast.NodeVisitor):
        def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
            names[node.name] = None
        visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

        def visit_Name(self, node: ast.Name) -> None:
            if isinstance(node.ctx, ast.Store):
                names[node.id] = None

        def visit_Lambda(self, node: ast.AST) -> None:       # what these bind is theirs alone
            pass
        visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Lambda
    Binder().visit(ast.parse(source))
    return list(names)


def read_names(source: str) -> set[str]:
    """The names that a cell reads, anywhere in it.

    >>> sorted(read_names("a = b + f(c)"))
    ['b', 'c', 'f']
    """
    names = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}
