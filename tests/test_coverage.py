"""The map from the sources' items to the book: whole, and every place in it exists."""
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import coverage_map  # noqa: E402

ITEMS = json.loads((ROOT / "book/coverage.json").read_text(encoding="utf-8"))


def test_every_item_of_the_sources_is_covered():
    assert coverage_map.check(ITEMS) == []


@pytest.mark.parametrize("change, fault", [
    ({"places": []}, "no place in the book"),
    ({"places": ["softmax#thm-no_such_theorem"]}, "no such label"),
    ({"places": ["no_such_page#chap-softmax"]}, "no such label"),
    ({"places": ["verified#chap-verified"]}, "does not name S0-01"),
    ({"code": ["activations.no_such_function"]}, "no such function"),
    ({"code": ["no_such_module.softmax"]}, "no such function"),
    ({"tests": ["tests/test_activations.py::test_no_such"]}, "no such test"),
    ({"tests": ["tests/test_activations.py"]}, "no such test"),
    ({"id": "S9-01"}, "no source has such an item"),
])
def test_a_wrong_entry_is_noticed(change, fault):
    assert any(fault in found for found in coverage_map.check([ITEMS[0] | change, *ITEMS[1:]]))


def test_a_missing_and_a_double_entry_are_noticed():
    assert "S0-01: listed 0 times" in coverage_map.check(ITEMS[1:])
    assert "S0-01: listed 2 times" in coverage_map.check([ITEMS[0], *ITEMS])
