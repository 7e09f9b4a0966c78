"""The page on conventions: a row for each of the 55, and code for each that says it is checked."""
import json
import re
from pathlib import Path

CELLS = json.loads((Path(__file__).parents[1] / "book/conventions.ipynb").read_text(encoding="utf-8"))["cells"]
TEXT, CODE = ("\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == kind) for kind in ("markdown", "code"))
ROWS = dict(re.findall(r"^\| (C\d\d) \|.*\| ([✓–]) \|$", TEXT, re.M))


def test_there_is_a_row_for_each_of_the_55():
    assert sorted(ROWS) == [f"C{n:02}" for n in range(1, 56)]
    assert len(re.findall(r"^\| C\d\d \|", TEXT, re.M)) == 55


def test_what_is_marked_as_checked_is_checked_by_a_cell():
    assert set(re.findall(r"\bC\d\d\b", CODE)) == {name for name, mark in ROWS.items() if mark == "✓"}
    assert CODE.count("assert") > len(ROWS) / 2
