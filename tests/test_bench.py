"""The bench itself: what it compares and how it judges. No time is asserted."""
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).parents[1] / "tools"
sys.path[:0] = [str(TOOLS), str(TOOLS / "contenders")]

import bench  # noqa: E402
import with_nnlib  # noqa: E402
import with_products  # noqa: E402
import work  # noqa: E402


def small(name):
    kind, arguments, _ = bench.WORK[name]
    less = {"samples": 2 * arguments["batch"]} if "batch" in arguments else {}
    less |= {"m": min(arguments["m"], 3)} if "m" in arguments else {}
    return kind, getattr(work, kind)(**arguments | less)


@pytest.mark.parametrize("name", bench.WORK)
def test_nnlib_can_do_every_work_twice_with_the_same_result(name):
    kind, data = small(name)
    start = getattr(with_nnlib, kind)(**data)
    first, second = (start()()() for _ in range(2))
    assert len(first) > 1 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)


def test_the_floor_takes_part_where_a_bar_names_it():
    for name, (_, _, bars) in bench.WORK.items():
        if "products" in bars:
            assert with_products.train(**small(name)[1])()()() == []


def test_ratios_are_taken_round_by_round():
    rounds = [{"nnlib": 1.0, "jax": 2.0}, {"nnlib": 10.0, "jax": 30.0, "sklearn": 50.0}, {"nnlib": 2.0, "jax": 8.0}]
    found = bench.ratios(rounds)
    assert found["jax"] == (3.0, 2.0, 4.0) and found["sklearn"] == (5.0, 5.0, 5.0) and found["nnlib"][0] == 1


def test_a_bar_is_met_or_missed_by_the_best_peer():
    name = "train 784-800-10, batch 128"
    ratio = {"nnlib": (1, 1, 1), "jax": (1.3, 1.2, 1.4), "torch": (1.05, 1, 1.1), "products": (0.9, 0.9, 0.9)}
    rows = bench.verdicts({name: ({}, ratio, 0.0)}, {name: {"nnlib": 30, "jax": 25, "torch": 15}})
    assert [(row[1], row[-1]) for row in rows] == [
        ("time of PyTorch / ours", False), ("time of products alone / ours", True), ("memory, ours / PyTorch", False)]
    busy = {"nnlib": [4.0, 9.0], "torch": [8.0, 5.0], "jax": [9.0, 8.0], "products": [3.0, 7.0]}
    rows = bench.verdicts({name: (busy, ratio, 0.5)}, {})
    assert [(row[1], row[2][0]) for row in rows] == [("time of PyTorch / ours, least", 1.25), ("time of products alone / ours, least", 0.75)]
    del ratio["torch"]
    assert bench.verdicts({name: ({}, ratio, 0.0)}, {})[0][-1]


class Fake:
    def __init__(self, name, answer):
        self.name, self.answer = name, answer

    def __call__(self, **order):
        return self.answer


@pytest.mark.parametrize("other, fits", [([2.0, 3.0], True), ([2.0, 3.0002], True), ([2.0, 3.001], False), ([2.0, float("nan")], False)])
def test_nothing_is_timed_where_results_disagree(other, fits):
    contenders = [Fake("nnlib", [2.0, 3.0]), Fake("jax", other), Fake("products", []), Fake("sklearn", None)]
    if fits:
        assert [c.name for c in bench.agree("predict 1 image", contenders)] == ["nnlib", "jax", "products"]
    else:
        with pytest.raises(SystemExit, match="nnlib and JAX disagree by"):
            bench.agree("predict 1 image", contenders)


def test_a_contender_answers_in_a_process_of_its_own():
    with bench.Contender("nnlib") as c:
        assert len(c(work=["loss", {"m": 5, "classes": 3}])) > 1
        assert len(c(time=2)) == 2 and c(memory=True) >= 0
        assert c(work=["loss", {"m": 5, "classes": 4}]) is not None
    assert c.process.returncode == 0
