"""Derivations typed line by line: right ones, wrong ones, jumps, padding, and nasty input."""
import subprocess
import sys
import time

import pytest
from yardstick import in_time

from nnlib.derivations import (THEOREMS, D, Problem, Refused, Sum, Theory, by_lemma, definition, delta, delta_rule, differentiation, exp, given,
                               product_rule, step)
from nnlib.derivations.lines import WORK_OF_ALL, Purse


@pytest.fixture(scope="module")
def problem():
    """The squared error of a softmax, by its Jacobian: four rules."""
    t = Theory("squared error of a softmax")
    i, j, k = t.indices("i j k", t.size("K", least=1))
    z, y = t.array("z", k.size), t.array("y", k.size)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    L = t.define("L", [], Sum((s[k] - y[k])**2, k) / 2)
    return Problem(t, D(L[()], z[i]), s[i] * (s[i] - y[i] - Sum((s[k] - y[k]) * s[k], k)),
                   by=(definition(L), differentiation, by_lemma(THEOREMS["softmax"].build()), delta_rule))


GOOD = ["D(sum_k (s_k - y_k)^2 / 2, z_i)", "sum_k (s_k - y_k) D(s_k, z_i)", "sum_k (s_k - y_k) s_k (delta_ki - s_i)", "s_i (s_i - y_i) - s_i sum_k (s_k - y_k) s_k"]
# what else may stand there, and how many of the four rules it is worth
LINES = {
    "all": (GOOD, 4), "in LaTeX": ([GOOD[0], r"\sum_{k=1}^{K} (s_k - y_k) \frac{\partial s_k}{\partial z_i}", *GOOD[2:]], 4),
    "with an equals sign in front": ([f"= {line}" for line in GOOD], 4), "with a line of algebra": ([*GOOD, "s_i (s_i - y_i - sum_k (s_k - y_k) s_k)"], 4),
    "a delta collapsed with the lemma": ([*GOOD[:2], GOOD[3]], 4), "none": ([], 0), "one": (GOOD[:1], 1), "two": (GOOD[:2], 2), "three": (GOOD[:3], 3),
    "a repeated line": ([GOOD[0]] * 5, 1), "a reordered line": ([GOOD[0], "D(sum_q (y_q - s_q)^2 / 2, z_i)", "D(sum_k (s_k - y_k)^2, z_i) / 2"], 1),
    "padding by deltas": (["D(L, z_i) delta(i, i)", "D(L, z_i) delta(i, i)^2", "D(L, z_i) delta(i, i)^2 + 0"], 0),
    "padding by a definition": (["D(L, z_i) + L - L", "D(L, z_i) + sum_k (s_k - y_k)^2 / 2 - L"], 0),
    "backwards": ([GOOD[0], "D(L, z_i)"], 1), "the goal at once": (GOOD[3:], 0), "a jump over a line": ([GOOD[0], GOOD[2], GOOD[3]], 1),
    "lines in another order": ([GOOD[1], GOOD[0], *GOOD[2:]], 0), "a wrong line, then right ones": ([*GOOD[:2], "sum_k (s_k - y_k) s_k (1 - s_k)", *GOOD[2:]], 2),
    "a lost factor": ([GOOD[0], "2 sum_k (s_k - y_k) D(s_k, z_i)"], 1), "unreadable": ([GOOD[0], "sum_k (s_k - "], 1), "unknown names": (["x_i"], 0),
}


@pytest.mark.parametrize("lines, done", LINES.values(), ids=LINES)
def test_credit_is_given_up_to_the_first_line_that_fails(problem, lines, done):
    checked = problem.check(lines)
    assert checked.rules == 4 and checked.done == done and checked.share == done / 4
    assert all(v.kind == "true" for v in checked.verdicts[:-1]) and len(checked.verdicts) <= len(lines)
    assert str(checked).endswith("The goal is reached." if done == 4 else f"have done {done} of 4 rules.")


@pytest.mark.parametrize("lines, kind, words", [
    (GOOD[3:], "jump", "takes several rules (the definition of L; differentiation; the theorem softmax)"), ([GOOD[0], "0"], "false", "your line is 0"),
    (["D(L, z_i) +"], "unreadable", "too early"), ([""], "unreadable", "Type an expression"), (["x" * 501], "unreadable", "501 characters"),
    (["D(L, z_j)"], "unreadable", "index j is free"), (["1/0"], "false", "no value"), (["__import__('os')"], "unreadable", "does not belong")])
def test_what_is_wrong_is_told(problem, lines, kind, words):
    verdict = problem.check(lines).verdicts[-1]
    assert verdict.kind == kind and words in verdict.message


@pytest.mark.parametrize("lines", [None, "text", 5, [5], [["a"]], {"a": 1}, [b"a"], ["z_i"] * 31, [type("S", (str,), {})("a")]])
def test_what_are_no_lines(problem, lines):
    checked = problem.check(lines)
    assert checked.share == 0 and checked.verdicts[0].kind == "unreadable"


@pytest.mark.parametrize("line", ["exp(exp(exp(exp(9))))", "(z_i+s_i+y_i+1)^64*(z_i+2)^64", "(" * 200, "9^9^9^9"])
def test_the_work_of_a_line_is_limited(problem, line):
    before = time.process_time()
    checked = problem.check([line] * 30)
    assert checked.share == 0 and len(checked.verdicts) <= 30
    assert in_time(time.process_time() - before, 8)


def test_the_work_of_all_lines_is_limited(problem, monkeypatch):
    spent = []
    monkeypatch.setattr(Purse, "__init__", lambda purse: spent.append(purse))
    assert problem.check(GOOD).share == 1
    normal = WORK_OF_ALL - spent[0].left
    assert 0 < normal < WORK_OF_ALL / 5
    many = " + ".join(f"(z_i + {n} s_i)^2 - (z_i + {n} s_i)^2" for n in range(9))
    before = time.process_time()
    checked = problem.check([f"D(L, z_i) + ({many}) + {n} - {n}" for n in range(30)])
    assert {v.kind for v in checked.verdicts} <= {"true", "undecided"} and spent[1].left >= 0
    assert in_time(time.process_time() - before, 10)


def test_the_student_sees_no_line_between(problem):
    shown = problem._repr_markdown_() + repr(problem)
    assert "the theorem softmax" in shown and r"\frac{\partial \mathcal{L}}{\partial z_i}" in shown and r"\mathcal{L} = " in shown
    assert r"\frac{\partial s" not in shown and r"\delta" not in shown and "0x" not in shown and not vars(problem)["lines"]


def scalar_problem(by=None, goal=None):
    t = Theory("a product")
    a, b = t.scalar("a"), t.scalar("b")
    away = t.assume("a is not 0", a, "nonzero")
    c = t.define("c", [], step(a) * b)
    return Problem(t, D(c[()], a), 0 if goal is None else goal(a, b), by=by(c, away) if by else (definition(c), differentiation, given(away)))


def test_an_assumption_comes_free_and_is_no_rule():
    checked = scalar_problem().check(["D(step(a) b, a)", "0"])
    assert checked.rules == 2 and checked.share == 1 and "the assumption: a is not 0" in str(checked)


def test_a_problem_that_its_rules_do_not_prove_is_refused():
    with pytest.raises(Refused):
        scalar_problem(goal=lambda a, b: b)                            # false
    with pytest.raises(Refused):
        scalar_problem(by=lambda c, away: (differentiation, given(away)))  # no definition
    t = Theory("algebra")
    a = t.scalar("a")
    with pytest.raises(Refused, match="nothing to derive"):
        Problem(t, a + a, 2 * a, by=())


def test_a_product_by_its_rule():
    t = Theory("swish")
    z, x = t.scalar("z"), t.scalar("x")
    f = t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")
    problem = Problem(t, D(z * f(z), z), f(z) + z * f(z) * (1 - f(z)), by=(product_rule, differentiation, by_lemma(THEOREMS["sigmoid_backward"].build())))
    assert problem.check(["D(z, z) σ(z) + z D(σ(z), z)", "σ(z) + z D(σ(z), z)", "σ(z) + z σ(z) (1 - σ(z))"]).share == 1
    assert problem.check(["σ(z) + z σ(z)"]).verdicts[0].kind == "false"


def test_sizes_that_are_bound_by_sums():
    t = Theory("a sum of deltas")
    i, j = t.indices("i j", t.size("n"))
    x = t.array("x", i.size)
    y = t.define("y", [i], Sum(x[j] * delta(i, j), j))
    assert Problem(t, y[i], x[i], by=(definition(y), delta_rule)).check(["sum_q x_q delta_iq", "x_i"]).share == 1


def test_it_runs_without_numpy_and_sympy():
    code = ("import sys; sys.modules['numpy'] = sys.modules['sympy'] = None\nfrom nnlib.derivations import *\nt = Theory('t')\n"
            "a = t.scalar('a'); b = t.define('b', [], a * a)\nprint(Problem(t, b[()], a**2, by=(definition(b),)).check(['a^2']).share)")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "1.0", run.stderr
