"""Derivations: a step must be true, follow from its reasons, and need each of them."""

import pytest

from nnlib.derivations import derivation as der
from nnlib.derivations import prover, refuter
from nnlib.derivations.derivation import (FalseStep, KernelBug, Lemma, Refused, Theory, Unproved, Vacuous, by_lemma,
                                          cases, chain_rule, definition, delta_rule, differentiation, given,
                                          linearity, product_rule, quotient_rule)
from nnlib.derivations.language import D, Sum, delta, exp, relu, step


def softmax():
    t = Theory("softmax")
    K = t.size("K")
    i, j, k = t.indices("i j k", K)
    z = t.array("z", K)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    return t, i, j, k, z, s


def rows():
    t = Theory("rows")
    m, K = t.size("m"), t.size("K")
    i, (k, _) = t.indices("i", m), t.indices("k l", K)
    Y, g = t.array("Y", m, K), t.array("g", m)
    return t, i, k, Y, g, t.hypothesis("rows sum to 1", Sum(Y[i, k], k), 1)


def refused(kind, chain, expr, by=()):
    with pytest.raises(kind) as caught:
        chain.step(expr, by=by)
    assert type(caught.value) is kind, caught.value
    assert not chain.lines
    return str(caught.value)


def test_a_false_step_shows_numbers():
    t, i, j, k, z, s = softmax()
    text = refused(FalseStep, t.derive(Sum(z[k], k)), Sum(z[k], k) + 1)
    assert "Step 1 is false" in text and "K = " in text and "left" in text and "right" in text


def test_wrong_softmax_jacobians():
    t, i, j, k, z, s = softmax()
    by = (definition(s), differentiation, delta_rule)
    for wrong in (s[k] * (1 - s[k]), s[i] * (delta(k, i) + s[k]), -s[k] * s[i], s[k] * (delta(k, i) - s[k]),
                  delta(k, i) - s[i], s[k] * (delta(k, i) - s[i])**2):
        refused(FalseStep, t.derive(D(s[k], z[i])), wrong, by)
    t.derive(D(s[k], z[i])).step(s[k] * (delta(k, i) - s[i]), by=by)


def test_a_transposition_is_seen_on_a_square_shape():
    t = Theory("square")
    n = t.size("n")
    i, j, k = t.indices("i j k", n)
    A, B = t.array("A", n, n), t.array("B", n, n)
    refused(FalseStep, t.derive(Sum(A[i, k] * B[k, j], k)), Sum(A[i, k] * B[j, k], k))
    refused(FalseStep, t.derive(A[i, j]), A[j, i])


def test_true_but_unexplained():
    t, i, j, k, z, s = softmax()
    refused(Unproved, t.derive(Sum(delta(i, k) * z[k], k)), z[i])
    refused(Unproved, t.derive(s[k]), exp(z[k]) / Sum(exp(z[j]), j))
    refused(Unproved, t.derive(D(z[k]**2, z[i])), 2 * z[k] * delta(k, i))
    refused(Unproved, t.derive(D(z[k]**2, z[i])), 2 * z[k] * delta(k, i), product_rule)
    refused(Unproved, t.derive(Sum(delta(i, k) * z[k], k)), z[i], linearity)


def test_a_reason_that_is_not_needed():
    t, i, j, k, z, s = softmax()
    for reason in (delta_rule, quotient_rule, definition(s), differentiation):
        assert "not needed" in refused(Refused, t.derive(z[k] + z[i]), z[i] + z[k], reason)


def test_an_unproved_truth():
    t = Theory("t")
    x = t.scalar("x")
    refused(Unproved, t.derive(relu(x)), x * step(x))


def test_a_hypothesis_must_be_cited():
    t, i, k, Y, g, one = rows()
    assert "rows" not in refused(FalseStep, t.derive(Sum(Y[i, k], k)), 1)
    lemma = t.derive(Sum(Y[i, k], k)).step(1, by=given(one)).done("l")
    assert lemma.hypotheses == (one,) and lemma.without()[0] is None
    assert lemma.without(one)[0] is not None            # it is needed: here are numbers


def test_a_hypothesis_as_a_linear_combination():
    t, i, k, Y, g, one = rows()
    start = Sum(Y[i, k] * g[i], i, k)
    t.derive(start).step(Sum(g[i], i), by=given(one, times=g[i], over=[i]))
    refused(Unproved, t.derive(start), Sum(g[i], i), given(one, times=g[i]**2, over=[i]))
    refused(FalseStep, t.derive(start), 2 * Sum(g[i], i), given(one, times=g[i], over=[i]))
    with pytest.raises(Refused):
        given(one, at={i: k})                           # k runs over something else


def test_lemmas_carry_what_they_rest_on():
    t, i, k, Y, g, one = rows()
    lemma = t.derive(Sum(Y[i, k], k)).step(1, by=given(one)).done("l")
    result = t.derive(g[i] * Sum(Y[i, k], k)).step(g[i], by=by_lemma(lemma)).done("r")
    assert result.hypotheses == (one,) and result.parts == (lemma,)
    x = Theory("x")
    h = x.scalar("h")
    quotient = x.derive(h / h).step(1).done("q")
    assert [(c.relation, c.left) for c in quotient.sides] == [("nonzero", h)]
    assert x.derive(h * (h / h)).step(h).done("p").sides == quotient.sides


def test_a_lemma_about_other_symbols():
    t, i, j, k, z, s = softmax()
    lemma = t.derive(D(s[k], z[i])).step(s[k] * (delta(k, i) - s[i]), by=(definition(s), differentiation,
                                                                          delta_rule)).done("l")
    other = Theory("other")
    K = other.size("K")
    I, J, N = other.indices("i j k", K)
    y = other.array("z", K)
    r = other.define("s", [N], exp(-y[N]) / Sum(exp(-y[J]), J))
    assert "means something else" in refused(Refused, other.derive(D(r[N], y[I])), r[N] * (delta(N, I) - r[I]),
                                             by_lemma(lemma))
    again, i2, j2, k2, z2, s2 = softmax()               # declared alike: the lemma may be cited
    again.derive(2 * D(s2[k2], z2[i2])).step(2 * s2[k2] * (delta(k2, i2) - s2[i2]), by=by_lemma(lemma))


def test_a_lemma_about_an_unknown_function():
    def composed(name):
        t = Theory("composed")
        z, f = t.scalar("z"), t.opaque(name)
        return t, z, f, t.define("a", [], f(z))[()]
    t, z, f, a = composed("f")
    lemma = t.derive(D(a, z)).step(f.prime(z), by=(definition(a.args[0]), differentiation)).done("l")
    t, z, f, a = composed("f")                           # declared alike
    t.derive(2 * D(a, z)).step(2 * f.prime(z), by=by_lemma(lemma))
    t, z, g, a = composed("g")
    assert "means something else" in refused(Refused, t.derive(2 * D(a, z)), 2 * g.prime(z), by_lemma(lemma))


def test_only_a_derivation_makes_a_lemma():
    t, i, j, k, z, s = softmax()
    with pytest.raises(Refused):
        Lemma("mine", t.derive(z[k]))
    with pytest.raises(Refused):
        t.derive(z[k]).done("empty")
    with pytest.raises(Refused):
        by_lemma(t.derive(z[k]))


def test_no_circles():
    from nnlib.derivations.registry import THEOREMS, theorem
    first = theorem("c", "x")(lambda: second())
    THEOREMS.pop("<lambda>")
    second = theorem("c", "x")(lambda: first())
    THEOREMS.pop("<lambda>")
    with pytest.raises(RuntimeError, match="by way of itself"):
        first()


def test_cases():
    t, i, j, k, z, s = softmax()
    by = (definition(s), differentiation, delta_rule)
    same = t.derive(D(s[i], z[i])).step(s[i] * (1 - s[i]), by=by).done("same")
    other = t.derive(D(s[k], z[i]), distinct=(k, i)).step(-s[k] * s[i], by=by).done("other")
    goal = s[k] * (delta(k, i) - s[i])
    result = t.derive(D(s[k], z[i])).step(goal, by=cases(k, i, same, other)).done("both")
    assert not result.assumptions
    refused(FalseStep, t.derive(D(s[k], z[i])), s[k] * (delta(k, i) + s[i]), cases(k, i, same, other))
    refused(FalseStep, t.derive(D(s[k], z[i])), -s[k] * s[i], cases(k, i, same, other))
    with pytest.raises(Refused):
        by_lemma(other)                                 # half a proof
    with pytest.raises(Refused):
        cases(k, i, same, same)
    with pytest.raises(Refused):
        cases(k, i, other, other)                       # the second case cannot stand for the first
    refused(FalseStep, t.derive(D(s[k], z[i])), -s[k] * s[i], by)


def test_chain_rule_needs_all_paths():
    t = Theory("paths")
    x = t.scalar("x")
    u = t.define("u", [], x**2)
    y = t.define("y", [], u[()] * x)
    refused(FalseStep, t.derive(D(y[()], x)), D(y[()], u[()]) * D(u[()], x), chain_rule(u))
    v = t.define("v", [], exp(u[()]))
    t.derive(D(v[()], x)).step(D(v[()], u[()]) * D(u[()], x), by=chain_rule(u))


def test_kinks():
    t = Theory("relu")
    z = t.scalar("z")
    kink = t.assume("away from the kink", z, "nonzero")
    refused(FalseStep, t.derive(D(relu(z), z)), step(z), differentiation)
    d = t.derive(D(relu(z), z)).step(step(z), by=(differentiation, given(kink)))
    d.convention(D(relu(z), z), at={z: 0}, value=0)
    lemma = d.done("relu")
    assert lemma.assumptions == (kink,) and lemma.right == step(z) and lemma.conventions
    refused(FalseStep, t.derive(D(relu(z), z)), 1 - step(z), (differentiation, given(kink)))
    refused(FalseStep, t.derive(step(z)), 1 - step(-z))  # they differ only at 0


def test_vacuous():
    t = Theory("never")
    x = t.scalar("x")
    never = t.assume("never", -x**2 - 1, "positive")
    refused(Vacuous, t.derive(relu(-x**2 - 1)), -x**2 - 1, given(never))


def test_declarations():
    t, i, j, k, z, s = softmax()
    with pytest.raises(Refused):
        t.array("z", z.shape[0])                        # twice
    with pytest.raises(Refused):
        t.array("other", z.shape[0], latex="z")         # looks like z
    with pytest.raises(Refused):
        t.define("r", [k], z[k] * z[i])                 # i is free
    with pytest.raises(Refused):
        t.indices("e", z.shape[0])
    elsewhere = Theory("elsewhere")
    with pytest.raises(Refused):
        elsewhere.derive(z[k])
    assert "comes out of nothing" in refused(Refused, t.derive(z[k] * 0 + z[k]), z[k] + 0 * z[i])


def test_a_contradiction_is_a_bug_of_the_kernel(monkeypatch):
    t, i, j, k, z, s = softmax()
    monkeypatch.setattr(prover, "prove", lambda *args: True)
    with pytest.raises(KernelBug):
        t.derive(z[k]).step(z[k] + 1)
    monkeypatch.undo()
    example = refuter.refute(z[k], z[k] + 1)
    monkeypatch.setattr(refuter, "refute", lambda *args, **more: example)
    with pytest.raises(KernelBug):
        t.derive(z[k] + 1).step(1 + z[k])


def test_the_whole_is_checked_again():
    t, i, j, k, z, s = softmax()
    d = t.derive(z[k])
    d.step(z[k] * 1)
    d.lines.append(der.Line(z[k] + 1, (), "smuggled in"))
    with pytest.raises(KernelBug):
        d.done("smuggled")
