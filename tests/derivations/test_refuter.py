"""The refuter: finds false equations, derivatives at kinks, empty sums; says when it saw nothing."""

from nnlib.derivations.derivation import Condition
from nnlib.derivations.language import (D, Array, Index, Num, Size, Sum, delta, exp, log, matrix_product, relu,
                                        step)
from nnlib.derivations.refuter import World, mp, refute

K, M = Size("K", "K", 0), Size("m", "m", 0)
i, j, k = (Index(n, K) for n in "ijk")
a = Index("a", M)
z, y, v = Array("z", "z", [K]), Array("y", "y", [K]), Array("v", "v", [K, K])
w = Array("w", "w", [M, K])
x, t = (Array(n, n, [])[()] for n in "xt")
S = Sum(exp(z[j]), j)


def false(left, right, **given):
    return refute(left, right, **given)[0] is not None


def test_false_equations_are_refuted():
    assert false(Sum(z[j] * y[i], j), Sum(z[j] * y[j], j))
    assert false(v[i, j], v[j, i])                          # a transposition, on a square shape
    assert false(z[i], z[i + 1]) and false(x, -x) and false(x * x, x * x * x)
    assert false(Sum(delta(i, j), j), Num(0)) and not false(Sum(delta(i, j), j), Num(1))
    assert false(matrix_product(v, v)[i, j], matrix_product((v, "T"), v)[i, j])
    assert not false(matrix_product((w, "T"), w)[i, j], Sum(w[a, i] * w[a, j], a))


def test_empty_and_single_sizes_are_tried():
    assert false(Sum(exp(z[j]) / S, j), Num(1))             # wrong only for K = 0
    assert false(Sum(z[j], j) * Num(0), 1 - Sum(delta(j, 1), j))  # likewise
    sizes = {refute(x, x + 1, sizes=[K], seed=n)[0].sizes["K"] for n in range(60)}
    assert sizes == {0, 1, 2, 3}


def test_entries_outside_are_zero():
    assert not false(y[K + 1] + y[0], Num(0)) and false(y[K], Num(0))


def test_derivatives_are_right_and_kinks_undefined():
    assert not false(D(x**3 * t, x), 3 * x**2 * t) and false(D(x**3, x), 2 * x**2)
    assert not false(D(S, z[i]), exp(z[i])) and false(D(S, z[i]), S)
    world = World(0, {})
    world.data["x", ()] = mp.mpf(0)
    assert false(D(relu(x), x), step(x)) and false(D(step(x), x), Num(0))     # at 0 neither has a slope
    away = [Condition("", x, "nonzero")]
    assert not false(D(relu(x), x), step(x), assumptions=away)
    assert not false(D(step(x), x), Num(0), assumptions=away)
    assert false(D(relu(x), x), 1 - step(-x), assumptions=[])


def test_undefined_on_one_side_counts():
    assert false(x / x, Num(1)) and false(exp(log(x)), x) and not false(log(exp(x)), x)
    assert not false(x / x, Num(1), sides=[Condition("", x, "nonzero")])


def test_definitions_and_unknown_functions():
    Z = Array("Z", "Z", [K], ((k,), z[k]**2 * t))
    L = Array("L", "L", [], depends=(Z,))
    assert not false(D(L[()], z[i]), Sum(D(L[()], Z[k]) * D(Z[k], z[i]), k))
    assert false(D(L[()], z[i]), D(L[()], Z[i]))
    assert not false(D(L[()], Z[K + 1]), Num(0))
    assert not false(D(Z[k] * t, Z[i]), t * delta(k, i))    # Z is read as data: t stays
    assert false(D(L[()], Z[i]), Num(0))


def test_hypotheses_hold_where_they_are_given():
    one = Condition("rows", Sum(w[a, k], k), "equal", Num(1))
    assert false(Sum(w[a, k], k), Num(1))
    found, points = refute(Sum(w[a, k], k) * x, x, hypotheses=[one])
    assert not found and points > 10
    assert false(w[a, k], Num(1), hypotheses=[one])


def test_vacuous_runs_show():
    never = Condition("", -x * x - 1, "positive")
    assert refute(x, x + 1, assumptions=[never]) == (None, 0)


def test_counterexamples_name_sizes_and_values():
    text = str(refute(z[i], Num(1))[0])
    assert "K = " in text and "i = " in text and "z[1] = " in text and "left" in text


def test_it_is_deterministic():
    assert str(refute(v[i, j], v[j, i])[0]) == str(refute(v[i, j], v[j, i])[0])
