"""The display: what is printed reads back equal to what was checked."""

import re

import pytest

from nnlib.derivations import THEOREMS, display, refuter
from nnlib.derivations.derivation import Condition, FalseStep, Refused, Theory, Unproved
from nnlib.derivations.display import (chain_latex, derivation_markdown, latex, line_words, statement_latex,
                                       statement_markdown)
from nnlib.derivations.language import (Add, D, Div, Index, Mul, Neg, Num, Pow, Sum, delta, exp, log, matrix_product,
                                        relu, step, tanh)
from nnlib.derivations.reader import Unreadable, read


def theory():
    t = Theory("all")
    n = t.size("n", r"n_{\mathrm{in}}", least=1)
    i, j, k = t.indices("i j k'", n)
    A, B = t.array("A", n, n, latex="A^{l}"), t.array("B", n, n)
    return t, n, i, j, k, A, B, t.array("z", n), t.scalar("c"), t.opaque("f", r"\sigma")


def reads_back(e, t):
    found, points = refuter.refute(e, read(latex(e), t), wanted=6)
    assert not found, (latex(e), str(found))
    assert points, latex(e)


def test_formulas_read_back():
    t, n, i, j, k, A, B, z, c, f = theory()
    S = Sum(exp(z[j]), j)
    for e in (1 / (1 + exp(-c)), exp(z[i]) / S, (c + 1)**2, -(c - z[i]), c - (z[i] - 1), c - (-z[i]), Neg(Neg(c)),
              S * c, Mul(S, S), Mul(log(1 + S), c), c * log(1 + S), Mul(log(S), c), c + log(S), Sum(z[j] + c, j) * 2,
              Sum(Sum(B[i, j] * z[j], j)**2, i), A[i, j]**2, B[i, j]**2, exp(c)**2, 1 / exp(c), 2 - c**-1,
              B[i + 1, j] + z[i - 1], Mul(Num(2), Num(3)), Mul(c, Num(2)), c * Num(2) / 3 + n, Num(-2) * c,
              Add(c, Num(-2)), Pow(Num(-2), 2), Pow(Div(c, Num(2)), 2), Neg(c)**2, relu(c - 1), step(c - 1), tanh(c)**2,
              tanh(z[i]) * c, tanh(S) + c, f(c), f.prime(c + 1) * c, delta(i, j + 1), delta(i, k), matrix_product(B, (B, "T"))[i, j],
              matrix_product((A, "T"), B)[j, i], matrix_product(B, B, A)[i, j], D(c**2, c), D(f(c), c), D(exp(c), c) * c,
              D(S, z[i]), D(c * c, c) * S, D(z[i], z[j]), Div(Num(-1), n) * S, -1 / n * S, Sum(-z[j], j), Sum(Neg(z[j]), j) * c,
              (c - 1) / (c**2 + 1) * (c + 2), Mul(Neg(c), c), Mul(c, Neg(c)), c / 2 / (n + 1), exp(-(c - 1)), z[1], B[1, n]):
        reads_back(e, t)


def test_the_reader_rejects_what_it_does_not_know():
    t, *_ = theory()
    for wrong in ("q_i", r"\foo", "c +", r"\frac{1}{", "z"):
        with pytest.raises((Unreadable, IndexError, TypeError, AttributeError)):
            read(wrong, t)


def test_the_reader_keeps_ranges():
    t, n, i, j, k, A, B, z, c, f = theory()
    m = t.size("m")
    assert read(r"\sum_{j=1}^{m} z_j", t) == Sum(z[Index("j", m)], Index("j", m))


@pytest.mark.parametrize("name", THEOREMS)
def test_every_line_reads_back(name):
    todo = [THEOREMS[name].build()]
    while todo:
        lemma = todo.pop()
        todo += [p for p in lemma.parts if p.name not in THEOREMS]
        t, kept = lemma.theory, (lemma.hypotheses, lemma.assumptions, lemma.sides)
        for e in (lemma.left, *(line.expr for line in lemma.lines), *(c.left for c in kept[0])):
            found, points = refuter.refute(e, read(latex(e), t), *kept, wanted=3)
            assert not found and points, (latex(e), str(found))


@pytest.mark.parametrize("name", THEOREMS)
def test_a_page_shows_every_line_and_reason(name):
    lemma = THEOREMS[name].build()
    text, page = chain_latex(lemma), derivation_markdown(lemma)
    for line in lemma.lines:
        assert latex(line.expr) in text and line_words(line) in text
    assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}") == page.count(r"\end{aligned}") == 1
    assert not re.search(r"[a-z]{2,}_[a-z]{2,}", text + statement_markdown(lemma))       # no machine names
    for c in (*lemma.hypotheses, *lemma.assumptions, *lemma.sides):
        assert display.condition_latex(c) in statement_markdown(lemma)
    assert statement_latex(lemma) in statement_markdown(lemma)


def test_a_minus_is_not_lost():
    t, n, i, j, k, A, B, z, c, f = theory()
    assert latex(1 / (1 + exp(-c))) == r"\frac{1}{1 + e^{-c}}"
    assert latex(-1 / n * c) == r"-\frac{1}{n_{\mathrm{in}}} c"
    assert latex(c - (z[i] + 1)) == "c - (z_i + 1)"


def test_conventions_are_labelled():
    assert "Convention, not proved" in statement_markdown(THEOREMS["relu_backward"].build())


@pytest.mark.parametrize("name", THEOREMS)
def test_what_a_notebook_shows_of_a_theorem(name):
    lemma = THEOREMS[name].build()
    shown = lemma._repr_markdown_()
    assert shown == derivation_markdown(lemma)
    own = [part for part in lemma.parts if part.name not in THEOREMS]
    said = display.parts_markdown(lemma, THEOREMS)
    assert len(said) >= len(own) and all(re.match(r"\*(Case|First,) .*:\*\n\n", text) for text in said)
    assert display.parts_markdown(lemma, {part.name for part in lemma.parts}) == []
    assert f"def {name}(" in THEOREMS[name].source


def test_what_a_notebook_shows_of_a_refusal():
    t = Theory("t")
    x = t.scalar("x")
    with pytest.raises(FalseStep) as refused:
        t.derive(x * x).step(2 * x)
    text = refused.value._repr_markdown_()
    assert text.startswith("**False.** ") and r"\stackrel{?}{=}" in text
    with pytest.raises(Unproved) as refused:
        t.derive(t.define("y", [], x * x)[()]).step(x**2)
    assert refused.value._repr_markdown_().startswith("**Not proved.** ")
    assert display.refusal_markdown(Refused("no sides")) == "**Refused.** no sides"


def test_a_condition_says_equal_or_distinct():
    t = Theory("t")
    x, y = t.scalar("x"), t.scalar("y")
    i, j = t.indices("i j", t.size("n"))
    assert display.condition_latex(Condition("", x, "equal", y)) == "x = y"
    assert display.condition_latex(Condition("", i, "distinct", j)) == r"i \ne j"
    assert display.condition_latex(Condition("", x, "positive")) == "x > 0"


@pytest.mark.parametrize("text, words", [("z_{i} )", "stopped before"), ("z_{i,j}", "1 indices expected, 2 found"), ("A_{i}", "expected, None found")])
def test_what_the_reader_of_latex_refuses(text, words):
    t = Theory("t")
    n = t.size("n")
    t.indices("i j", n), t.array("z", n), t.array("A", n, n)
    with pytest.raises(Unreadable, match=words):
        read(text, t)
