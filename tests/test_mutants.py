"""The list of mutants that survive, and the outcome that the page `verified` shows."""
import ast
import doctest
import json
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import mutants  # noqa: E402

LISTED = tomllib.loads(mutants.SURVIVORS.read_text(encoding="utf-8"))
ENTRIES = [(module, entry) for module, entries in LISTED.items() for entry in entries]
OUTCOME = json.loads(mutants.OUTCOME.read_text(encoding="utf-8"))


def test_the_examples_in_its_docstrings():
    failed, tried = doctest.testmod(mutants)
    assert failed == 0 < tried


def lines_of(module, function):
    """Return the source of a function, or Class.method, line by line without indentation."""
    text = (ROOT / mutants.file_of(module)).read_text(encoding="utf-8")
    body, lines = ast.parse(text).body, text.splitlines()
    for name in function.split("."):
        node = next(node for node in body if getattr(node, "name", "") == name)
        body = node.body
    return [line.strip() for line in lines[node.lineno - 1:node.end_lineno]]


@pytest.mark.parametrize("module, entry", ENTRIES, ids=lambda x: x if isinstance(x, str) else x["function"])
def test_a_listed_survivor_has_a_reason_and_is_still_in_the_code(module, entry):
    assert set(entry) == {"function", "line", "becomes", "reason"} and entry["becomes"] and len(entry["reason"]) > 20
    assert set(entry["line"].strip().splitlines()) <= set(lines_of(module, entry["function"]))


def test_every_module_that_computes_is_tried():
    left_out = {"__init__": "names alone", "kinds": "types alone"}
    there = {path.stem for path in (ROOT / "nnlib").glob("*.py")} | {"data"}  # derivations and course have tests of another kind
    assert there == {*mutants.MODULES, *left_out}


def test_the_stored_outcome_is_that_of_the_list():
    assert set(OUTCOME) == set(mutants.MODULES)
    for module, found in OUTCOME.items():
        assert set(found) == {"mutants", "killed", "equivalent", "source", "date"}, module
        assert found["mutants"] - found["killed"] == found["equivalent"], module
        assert found["equivalent"] == sum(len(entry["becomes"]) for entry in LISTED.get(module, [])), module
        assert found["killed"] >= mutants.LEAST * found["mutants"], module


def test_survivors_are_compared_one_by_one():
    listed = [{"function": "f", "line": "a", "becomes": ["b", "c"]}, {"function": "g", "line": "a", "becomes": ["b"]}]
    assert mutants.compare([("f", "a", "b")] * 2, listed) == ([("f", "a", "b")], [("f", "a", "c"), ("g", "a", "b")])
    assert mutants.compare([("g", "a", "b"), ("f", "a", "c"), ("f", "a", "b")], listed) == ([], [])
    assert mutants.compare([], []) == ([], [])
