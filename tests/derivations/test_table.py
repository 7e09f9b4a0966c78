"""The table that `make theorems` prints, and how it ends."""
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from nnlib.derivations import THEOREMS, mutate
from nnlib.derivations import __main__ as table


def test_the_table_of_one_theorem():
    run = subprocess.run([sys.executable, "-m", "nnlib.derivations", "sigmoid_negative"], capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == ""
    assert re.search(r"^sigmoid_negative +all sizes +3 .* single numbers$", run.stdout, re.M)
    last = re.fullmatch(r"1 theorems, 1 for all sizes, 3 steps, (\d+) wrong steps refused of (\d+), [\d.]+ s", run.stdout.splitlines()[-1])
    assert int(last[1]) == int(last[2]) > 10


@pytest.fixture
def in_this_process(monkeypatch):
    """The table without processes of its own: they would not see what a test changes."""
    monkeypatch.setattr(table, "pool", lambda: ThreadPoolExecutor(1))


def test_wrong_steps_that_are_accepted_are_named_and_end_it_badly(in_this_process, monkeypatch, capsys):
    monkeypatch.setattr(mutate, "check_step", lambda *arguments, **more: ())
    assert table.main("sigmoid_negative", most=2) == 1
    assert "\nACCEPTED THOUGH WRONG: sigmoid_negative, step 1, " in capsys.readouterr().out


def test_equivalent_steps_are_named_and_no_fault(in_this_process, capsys):
    assert table.main("relu_quotient_right") == 0
    assert "\nequivalent to the right line: relu_quotient_right, step " in capsys.readouterr().out


@pytest.mark.parametrize("name, words", [("softmax", "K 2"), ("sigmoid", "single numbers"), ("softmax_order", "undecided")])
def test_what_sympy_says(name, words):
    assert table.opinion(THEOREMS[name].build()) == words


def test_where_sympy_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "nnlib.derivations.symbolic", None)
    assert table.opinion(THEOREMS["sigmoid"].build()) == "not installed"
