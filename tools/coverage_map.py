"""Check that the book covers every item of the five sources, where book/coverage.json says so.

Usage: python tools/coverage_map.py

Each item has an ID (S0-01 …), a title, and the places that cover it: "page#label" in the book,
functions of nnlib, tests. The last line says how many items are covered; the exit code is 1 if any
is not. `book/coverage.ipynb` shows the same file as a table.
"""
import ast
import json
import re
import sys
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COUNTS = {"S0": 76, "S1": 58, "S2": 95, "S3": 54, "S4": 59}
IDS = [f"{source}-{number:02}" for source, count in COUNTS.items() for number in range(1, count + 1)]


@cache
def page(name):
    """Return the labels of a page, and the IDs of the items that it names."""
    path = ROOT / "book" / f"{name}.ipynb"
    if not path.exists():
        return set(), set()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    figures = {cell["metadata"]["mystnb"]["figure"]["name"] for cell in cells
               if "name" in cell["metadata"].get("mystnb", {}).get("figure", {})}
    labels = set(re.findall(r"^\(([\w.-]+)\)=|^:(?:label|name): ([\w.-]+)|solution(?:-start)?\} ([\w.-]+)", text, re.M))
    # a line *Sources: …* ends a section; below the title of a mistake stands *Wrong step · minor · S3-29 · line 110*
    lines = re.findall(r"^\*Sources?: .*?\*$|^\*(?:Wrong|False|Right)\b[^*\n]*\*$", text, re.M | re.S)
    named = set(re.findall(r"S\d-\d\d", "".join(lines)))
    return figures | {label for match in labels for label in match if label}, named


@cache
def tests_of(file):
    """Return the names of the test functions and classes in a test module."""
    path = ROOT / file
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))} if path.exists() else set()


def faults(item):
    """Yield what is wrong with the entry of one item."""
    if not item["places"]:
        yield "no place in the book"
    for place in item["places"]:
        name, _, label = place.partition("#")
        labels, named = page(name)
        if label not in labels:
            yield f"{place}: there is no such label"
        if item["id"] not in named:
            yield f"{place}: the page does not name {item['id']}"
    for function in item["code"]:
        module, _, name = function.partition(".")
        try:
            attrgetter(name)(import_module(f"nnlib.{module}"))
        except (ImportError, AttributeError):
            yield f"{function}: nnlib has no such function"
    for test in item["tests"]:
        file, _, name = test.partition("::")
        if not name or name.partition("[")[0] not in tests_of(file):
            yield f"{test}: there is no such test"


def check(items):
    """Return all faults, with the IDs that are missing or stand twice; none is good."""
    listed = [item["id"] for item in items]
    found = [f"{id}: listed {listed.count(id)} times" for id in IDS if listed.count(id) != 1]
    found += [f"{id}: no source has such an item" for id in listed if id not in IDS]
    return found + [f"{item['id']}: {fault}" for item in items for fault in faults(item)]


def main():
    items = json.loads((ROOT / "book/coverage.json").read_text(encoding="utf-8"))
    found = check(items)
    for fault in found:
        print(fault)
    bad = {fault.partition(":")[0] for fault in found}
    print(f"{sum(id not in bad for id in IDS)} of {len(IDS)} covered")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
