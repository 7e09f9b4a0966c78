"""Checks of a question: what holds, what is said, and values that try to be taken for right ones."""
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from nnlib.course.question import Question
from nnlib.derivations import D, Problem, Sum, Theory, definition, delta_rule, differentiation


def said(kind, value, *expected, **options):
    """Return the one check's message: of a value, or of what a function returns."""
    q = Question("Test", points=1)
    getattr(q, kind)("it", value if callable(value) else lambda: value, *expected, **options)
    check, = q.checks
    assert check.held == (not check.message) == (check.share == 1) and q.earned == check.share
    return check.message


class Always:
    """Equal to everything, and everything at once."""
    shape, dtype, size, ndim, __name__ = (2,), np.dtype(float), 2, 1, "float"
    __eq__ = __le__ = __ge__ = __lt__ = lambda self, other: True
    __hash__ = lambda self: 0
    __array__ = lambda self, *a, **k: np.array([1.0, 2.0])
    __float__ = lambda self: 1.0
    __index__ = __int__ = __len__ = lambda self: 2
    __iter__ = lambda self: iter([1.0, 2.0])
    __getitem__ = lambda self, at: 1.0


class MyFloat(float):
    __eq__ = lambda self, other: True
    __hash__ = float.__hash__


class MyArray(np.ndarray):
    __eq__ = lambda self, other: np.ones(self.shape, dtype=bool)


class Broken(Exception):
    def __str__(self):
        raise SystemExit


def fails(error):
    def get():
        raise error
    return get


# --- arrays and numbers ---------------------------------------------------------

RIGHT = [np.array([1.0, 2.0]), [1, 2], (1.0, 2), [np.float32(1), np.int64(2)], np.array([1, 2], dtype=np.uint8), np.array([1, 2], dtype=np.float16),
         np.array([1 + 1e-9, 2]), [True, 2.0]]


@pytest.mark.parametrize("value", RIGHT, ids=repr)
def test_values_that_are_right(value):
    assert said("close", value, [1, 2]) == ""


WRONG = {
    "a value of type Always": Always(), "a value of type MyFloat": [MyFloat(1), 2.0], "type MyArray": np.array([3.0, 4.0]).view(MyArray),
    "type complex128": np.array([1, 2j]), "type object": np.array([1, Always()], dtype=object), "type <U1": np.array(["1", "2"]),
    "nothing (None)": None, "a text": "12", "type dict": {1: 2}, "type Fraction": [Fraction(1), 2], "huge numbers": [10**400, 2],
    "different lengths": [[1], [1, 2]], "type datetime64": np.array(["2020", "2021"], dtype="datetime64[Y]"), "type set": {1.0, 2.0},
    "type MaskedArray": np.ma.array([1.0, 2.0], mask=[1, 1]), "2000001 entries": np.ones(2_000_001), "type range": range(1, 3),
    "an array of shape (2, 1) came, an array of shape (2,) is expected; the entries are right": np.array([[1.0], [2.0]]),
    "a number came": 1.0, "shape (0,)": [], "at [1] 3 came, 2 is expected": [1, 3], "nan is not a number": [1, np.nan], "at [1] inf came": [1.0, np.inf],
    "the sign is the other way round": [-1, -2], "every entry is 5 times": [5.0, 10.0], "1 of 2 entries are wrong": [1.1, 2],
}


@pytest.mark.parametrize("words, value", WRONG.items())
def test_values_that_are_wrong_are_told(words, value):
    assert words in said("close", value, [1, 2])


def test_nan_and_infinity():
    assert "nan" in said("close", np.nan, 1.0)
    assert said("close", [np.inf, -np.inf], [np.inf, -np.inf]) == "" != said("close", [np.inf, np.inf], [np.inf, -np.inf])
    assert said("close", 1e308, np.inf) and said("close", np.inf, 1e308) and said("close", np.nan, np.nan)


def test_how_close():
    assert said("close", 1000.0005, 1000) == "" != said("close", 1000.002, 1000)
    assert said("close", 0.52, 0.5, within=0.02000001) == "" != said("close", 0.53, 0.5, within=0.02)
    assert said("close", 1e-12, 0) == "" and said("close", 1e-12, 2e-12, within=1e-15)


def test_a_transpose_and_slips_are_recognised():
    a = np.array([[1.0, 2, 3], [4, 5, 6]])
    assert "this is the transpose" in said("close", a.T, a)
    assert said("close", 6.0, 2.0, slips={"the sum": 6, "the product": 8}) == "6 came, 2 is expected; the sum"
    assert "the column" in said("close", [[1.0], [2]], [1, 2], slips={"the column": [[1], [2]]})


def test_lists_in_lists_have_an_end():
    deep = inner = []
    for _ in range(50):
        inner.append([])
        inner = inner[0]
    assert "a list came" in said("close", deep, [1]) and "a list came" in said("equal", deep, [1])
    loop = []
    loop.append(loop)
    assert "a list came" in said("equal", loop, [1])


# --- equal, between, raises -----------------------------------------------------

@pytest.mark.parametrize("came, expected", [(47, 47), (np.int32(47), 47), ("a", "a"), (True, True), (np.bool_(1), True), ((2, 3), [2, 3]), ([(1,), "x"], [[1], "x"]),
                                            (np.array([1, 2]), [1, 2]), (2.0, 2.0), (None, None)])
def test_equal(came, expected):
    assert said("equal", came, expected) == ""


@pytest.mark.parametrize("came, expected, words", [
    (46, 47, "46 came, 47 is expected"), (47.0, 47, "47.0 (float) came, 47 (int) is expected"), (True, 1, "True (bool) came"), (1, True, "1 (int) came"),
    ("47", 47, "a text came"), ([1, 2], [1, 3], "at [1]: 2 came, 3"), ([1], [1, 2], "1 entries came, 2"), (Always(), 47, "type Always"), ([Always()], [47], "type Always"),
    (MyFloat(1), 1.0, "type MyFloat"), (None, 47, "nothing (None)"), ({}, [], "type dict"), ("x" * 9999, "y", "came")])
def test_not_equal(came, expected, words):
    message = said("equal", came, expected)
    assert words in message and len(message) < 700


def test_a_number_that_is_too_long_to_print():
    assert said("equal", lambda: 10**5000, 47) == "a whole number of more than 40 digits came, 47 is expected"
    assert said("equal", lambda: [10**5000], [47.5]) == "at [0]: a whole number of more than 40 digits (int) came, 47.5 (float) is expected"
    assert "huge" in said("close", lambda: 10**5000, 47) and "huge" in said("between", lambda: 10**5000, 0, 1)


def test_between():
    assert said("between", 0.5, 0, 1) == "" == said("between", np.float32(1), 0, 1)
    assert said("between", 1.5, 0, 1) == "1.5 came, a number from 0 to 1 is expected"
    for value in (np.nan, np.inf, Always(), None, "0.5", [0.5]):
        assert said("between", value, 0, 1)


def test_raises():
    q = Question("Errors", points=3)
    q.raises("the right one", fails(ValueError("x")), ValueError)
    q.raises("another", fails(KeyError("x")), ValueError)
    q.raises("none", lambda: 3, ValueError)
    assert [c.held for c in q.checks] == [True, False, False] and q.earned == 1
    assert [c.message for c in q.checks[1:]] == ["ValueError is expected; KeyError: 'x'", "ValueError is expected, but 3 (int) came"]


@pytest.mark.parametrize("error, words", [(NameError("name 'f' is not defined"), "NameError: name 'f'"), (NotImplementedError(), "NotImplementedError"), (SystemExit(0), "SystemExit: 0"),
                                          (Broken(), "Broken"), (RecursionError("deep"), "RecursionError"), (ValueError("x" * 9999), "ValueError: xxx")])
def test_an_error_costs_its_own_check_only(error, words):
    q = Question("Errors", points=2)
    for kind, expected in (("close", (1,)), ("equal", (1,)), ("between", (0, 1))):
        getattr(q, kind)("fails", fails(error), *expected)
    q.close("holds", lambda: 1, 1, weight=3)
    assert all(words in c.message and len(c.message) < 400 for c in q.checks[:3]) and q.earned == 1.0


def test_an_interruption_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        Question("Errors", points=1).close("it", fails(KeyboardInterrupt()), 1)


# --- derivations ----------------------------------------------------------------

@pytest.fixture(scope="module")
def problem():
    t = Theory("half a square")
    i, j = t.indices("i j", t.size("n"))
    x, y = t.array("x", i.size), t.array("y", i.size)
    L = t.define("L", [], Sum((x[j] - y[j])**2, j) / 2)
    return Problem(t, D(L[()], x[i]), x[i] - y[i], by=(definition(L), differentiation, delta_rule))


def test_lines_earn_up_to_the_first_that_fails(problem):
    good = ["D(sum_j (x_j - y_j)^2 / 2, x_i)", "sum_j (x_j - y_j) delta_ji", "x_i - y_i"]
    q = Question("A proof", points=6)
    for lines in (good, good[:1], good[:2], [good[0], "x_i + y_i", *good[1:]], []):
        q.lines("it", lambda: lines, problem)
    assert [c.share for c in q.checks] == [1, 1 / 3, 2 / 3, 1 / 3, 0] and [c.held for c in q.checks] == [True] + [False] * 4
    assert "2. False: " in q.checks[3].message and q.earned == round(6 * (1 + 1 / 3 + 2 / 3 + 1 / 3) / 5, 2)


@pytest.mark.parametrize("lines", [None, "x_i - y_i", 5, [5], [None], [["x"]], Always(), {"a": 1}, ["x_i"] * 31])
def test_what_are_no_lines(problem, lines):
    assert said("lines", lambda: lines, problem)


def test_lines_that_raise(problem):
    assert said("lines", fails(NameError("no lines")), problem) == "NameError: no lines"


# --- how it shows itself --------------------------------------------------------

@pytest.fixture
def question():
    q = Question("A <b>layer</b>", points=4, read="layer#sec-layer-a-picture")
    q.close("the *shape*", lambda: 1, 2, slips={"one <i>less</i>": 1})
    q.equal("a name", lambda: "x", "x", weight=3)
    return q


def test_points_are_in_proportion_to_the_weights(question):
    assert question.earned == 3.0 and question.result() is question
    assert Question("Nothing", points=4).earned == 0.0
    q = Question("Form only", points=4)
    q.close("a form", lambda: 1, 1, weight=0)
    assert q.earned == 0.0
    q.close("third", lambda: 1, 1), q.close("third", lambda: 1, 2), q.close("third", lambda: 1, 2)
    assert q.earned == 1.33


def test_text_html_and_markdown(question):
    assert repr(question) == ("A <b>layer</b>: 1 of 2 checks hold\n  no   the *shape*: 1 came, 2 is expected; one <i>less</i>\n"
                              "  yes  a name\nRead: http://localhost:8000/book/layer.html#sec-layer-a-picture")
    page = question._repr_html_()
    assert "<b>" not in page and "<i>" not in page and '<a href="http://localhost:8000/book/layer.html#sec-layer-a-picture">the chapter layer</a>' in page
    assert "✗ the *shape*" in page and "✓ a name" in page
    assert all(line.startswith("    ") for line in question._repr_markdown_().splitlines())
    question.checks.pop(0)
    assert "Read" not in repr(question) + question._repr_html_() and "All" not in repr(question)


def test_no_address_of_an_object_is_shown():
    for value in (Always(), [Always()], object(), len, lambda: 1):
        for kind in ("close", "equal"):
            assert "0x" not in said(kind, lambda: value, 1)


def test_texts_and_proofs_are_checked_where_there_is_no_numpy():
    code = """
import sys
sys.modules["numpy"] = None
from nnlib.course.question import Question
from nnlib.derivations import *
t = Theory("t")
a = t.scalar("a"); b = t.define("b", [], a * a)
q = Question("t", points=3)
q.equal("a text", lambda: ["x", 3], ["x", 3])
q.lines("lines", lambda: ["a a", "a^2"], Problem(t, b[()], a**2, by=(definition(b),)))
q.close("an array", lambda: [1.0], [1.0])
print(q.earned, q.checks[-1].message)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.startswith("2.0 ") and "numpy" in run.stdout, run.stderr
