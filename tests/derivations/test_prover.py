"""The prover: what it must prove, and what it must not."""

import random

import pytest

from nnlib.derivations import refuter
from nnlib.derivations.derivation import Condition, Refused, Theory
from nnlib.derivations.language import (D, Array, Entry, Func, Index, Num, Size, Sum, Add, Mul, delta, exp, log,
                                        free_indices, matrix_product, relu, replace_indices, step, tanh)
from nnlib.derivations.prover import chain, conditions, depends, match, prove, put_for, unfold

K, M = Size("K", "K", 0), Size("m", "m", 0)
i, j, k = (Index(n, K) for n in "ijk")
a, b = (Index(n, M) for n in "ab")
z, y = Array("z", "z", [K]), Array("y", "y", [K])
w, v = Array("w", "w", [M, K]), Array("v", "v", [K, K])
x, t = (Array(n, n, [])[()] for n in "xt")
S = Sum(exp(z[j]), j)
s = Array("s", "s", [K], ((k,), exp(z[k]) / S))
DELTA = [("delta", None)]
ALL = [("differentiation", None), ("delta", None)]


def test_ring():
    assert prove((x + t)**2, x**2 + 2 * x * t + t**2)
    assert not prove((x + t)**2, x**2 + t**2)
    assert not prove(x - t, t - x)
    assert prove(x - t, -(t - x))
    assert prove(1 / x - 1 / t, (t - x) / (x * t))
    assert not prove(1 / x, x)
    assert prove(x**-2 * x, 1 / x)


def test_bound_indices_are_not_captured():
    assert not prove(Sum(z[j] * y[i], j), Sum(z[j] * y[j], j))
    assert prove(Sum(z[j] * y[i], j), y[i] * Sum(z[k], k))
    assert replace_indices(Sum(v[i, j], j), {i: j}) != Sum(v[j, j], j)
    assert prove(replace_indices(Sum(v[i, j], j), {i: j}), Sum(v[j, k], k))
    assert not prove(Sum(z[j], j) * Sum(z[j], j), Sum(z[j] * z[j], j))
    assert prove(Sum(z[j], j)**2, Sum(z[i] * z[j], i, j))


def test_nested_sums_keep_their_levels():
    inner = Sum(v[j, k] * z[k], k)
    assert prove(Sum(log(1 + exp(inner)), j), Sum(log(1 + exp(Sum(v[i, j] * z[j], j))), i))
    assert not prove(Sum(exp(inner), j), Sum(exp(Sum(v[j, j] * z[k], k)), j))
    assert not prove(Sum(exp(Sum(v[j, k], k)), j), Sum(exp(Sum(v[k, j], k)), j))
    assert prove(Sum(z[j] / Sum(exp(v[j, k]), k), j) * S, Sum(exp(z[i]) * z[j] / Sum(exp(v[j, k]), k), i, j))


def test_sums_of_what_does_not_depend_on_the_index():
    assert prove(Sum(x, j), K * x)
    assert not prove(Sum(x, j), x)
    assert not prove(Sum(x, j), M * x)
    assert prove(Sum(w[a, j], a, j), Sum(w[a, j], j, a))
    assert not prove(Sum(w[a, j], a, j), Sum(w[a, j], j))
    longer, wider = Index("c", K + 1), Index("d", K + 2 * M)
    assert prove(Sum(x, longer), (K + 1) * x) and not prove(Sum(x, longer), K * x)
    assert prove(Sum(x, longer, wider), (K + 1) * (K + 2 * M) * x) and not prove(Sum(x, wider), 2 * K * M * x)


def test_exp_and_log():
    assert prove(exp(x + t), exp(x) * exp(t))
    assert not prove(exp(x + t), exp(x) + exp(t))
    assert prove(exp(-2 * x), 1 / exp(x)**2)
    assert prove(log(exp(x) / (1 + exp(t))), x - log(1 + exp(t)))
    assert prove(log(1 + exp(-x)), log(1 + exp(x)) - x)
    assert not prove(log(x * t), log(x) + log(t))          # x and t may be negative
    assert not prove(log(x + t), log(x) + log(t))
    assert not prove(log(S), t) and prove(log(S * exp(x)), log(S) + x, sizes=[K])
    assert not prove(log(S * exp(x) * S), 2 * log(S) + x)  # an empty sum is not positive


def test_deltas_collapse_only_where_they_may():
    assert prove(Sum(delta(i, k) * y[k], k), y[i], DELTA)
    assert not prove(Sum(delta(i, k) * y[k], k), y[i])     # not without the reason
    assert not prove(Sum(delta(a, k), k), Num(1), DELTA)   # a may lie beyond K
    assert prove(Sum(delta(i, k), k), Num(1), DELTA)
    assert prove(Sum(delta(a, k) * y[k], k), y[a], DELTA)  # y is 0 beyond K
    assert not prove(Sum(delta(a, k) * exp(y[k]), k), exp(y[a]), DELTA)
    assert prove(delta(i, k) * y[i], delta(i, k) * y[k], DELTA)
    assert prove(delta(i, k)**2, delta(i, k), DELTA)
    assert not prove(Sum(delta(2 * k, i) * y[k], k), y[i], DELTA)
    assert prove(Sum(delta(k + 1, i) * y[k], k), y[i - 1], DELTA)
    assert not prove(Sum(delta(k + 1, i) * y[k], k), y[i + 1], DELTA)
    assert not prove(Sum(delta(k + 1, i), k), Num(1), DELTA)


def test_entries_outside_are_zero():
    assert prove(y[K + 1], Num(0)) and prove(y[0], Num(0)) and not prove(y[K], Num(0))
    longer = Index("c", Add(K, Num(1)))
    assert prove(Sum(y[longer], longer), Sum(y[k], k))
    assert not prove(Sum(exp(y[longer]), longer), S)


def test_a_sum_is_counted_anew_where_an_entry_is_zero_elsewhere():
    longer, two = Index("c", K + 1), Index("c", K + 2)
    assert prove(Sum(y[longer - 1] * z[longer - 1], longer), Sum(y[k] * z[k], k))
    assert prove(Sum(y[two - 1], two), Sum(y[k], k)) and prove(Sum(y[longer - 1] * longer, longer), Sum(y[k] * (k + 1), k))
    assert not prove(Sum(y[longer - 1] * longer, longer), Sum(y[k] * k, k))
    assert not prove(Sum(y[longer - 2], longer), Sum(y[k], k))          # the last entry is lost
    assert not prove(Sum(y[longer + 1], longer), Sum(y[k], k))          # the first one is
    assert not prove(Sum(y[k - 1], k), Sum(y[k], k))
    assert not prove(Sum(exp(y[longer - 1]), longer), S)
    assert not prove(Sum(y[longer - 1] / z[longer - 1], longer), Sum(y[k] / z[k], k))   # 0/0 where c = 1


def test_known_ranges_are_written_out():
    pair = Index("c", Num(2))
    assert prove(Sum(w[a, pair], pair), w[a, 1] + w[a, 2])
    assert not prove(Sum(w[a, pair], pair), w[a, 1])


def test_matrix_products():
    assert prove(matrix_product((w, "T"), w)[i, j], Sum(w[a, i] * w[a, j], a))
    assert not prove(matrix_product((v, "T"), v)[i, j], Sum(v[i, a] * v[a, j], a))
    assert not prove(matrix_product(v, v)[i, j], matrix_product((v, "T"), v)[i, j])
    column, row = Array("c", "c", [K, Num(1)]), Array("r", "r", [Num(1), K])
    assert prove(matrix_product(column, row)[i, j], column[i, 1] * row[1, j])


def test_derivatives():
    d = [("differentiation", None)]
    assert prove(D(x**3, x), 3 * x**2, d) and not prove(D(x**3, x), 3 * x**2)
    assert prove(D(t, x), Num(0), d) and prove(D(x, x), Num(1), d)
    assert prove(D(tanh(2 * x), x), 2 * (1 - tanh(2 * x)**2), d)
    assert not prove(D(tanh(2 * x), x), 1 - tanh(2 * x)**2, d)
    assert prove(D(log(1 + exp(x)), x), exp(x) / (1 + exp(x)), d)
    assert prove(D(x * t, x), t, d) and not prove(D(x * t, x), x, d)
    assert prove(D(Sum(z[j]**2, j), z[i]), 2 * z[i], ALL)
    assert prove(D(Sum(z[i]**2, i), z[i]), 2 * z[i], ALL)            # the sum must not capture i
    assert not prove(D(Sum(z[j]**2, j), z[i]), 2 * Sum(z[j], j), ALL)
    assert prove(D(v[j, k], v[i, j]), delta(j, i) * delta(k, j), ALL)
    sigma = Func("f", "f", opaque=True)
    assert prove(D(sigma(x**2), x), sigma.prime(x**2) * (2 * x), d)
    assert not prove(D(sigma(x**2), x), sigma.prime(x**2), d)


def test_a_definition_is_unfolded_only_if_cited():
    d = [("differentiation", None), ("delta", None)]
    goal = s[k] * (delta(k, i) - s[i])
    assert not prove(D(s[k], z[i]), Num(0), d)
    assert not prove(D(s[k], z[i]), goal, d)
    assert prove(D(s[k], z[i]), goal, [*d, ("definition", s)])
    assert unfold(s[i + 1], s) == s[i + 1]                 # beyond K the entry is 0, the formula is not
    c = Index("c", K + 1)
    u = Array("u", "u", [K + 1], ((c,), 1 + x))
    assert unfold(u[i], u) == unfold(u[i + 1], u) == 1 + x  # both lie in 1..K+1
    assert all(unfold(e, u) == e for e in (*(u[at] for at in (i - 1, i + 2, c + 1, a, a + 1)), Entry(u, (i + x,))))


def test_each_rule_does_only_its_own_work():
    quotient = [("quotient", None)]
    assert prove(D(x / t, x), (D(x, x) * t - x * D(t, x)) / t**2, quotient)
    assert not prove(D(x / t, x), (D(x, x) * t + x * D(t, x)) / t**2, quotient)
    assert not prove(D(x / t, x), 1 / t, quotient)
    assert prove(D(x * t, x), D(x, x) * t + x * D(t, x), [("product", None)])
    assert not prove(D(x * t, x), D(x, x) * t + x * D(t, x), [("power", None)])
    assert prove(D(Sum(z[j]**2, j), z[i]), Sum(D(z[j]**2, z[i]), j), [("linearity", None)])
    assert not prove(D(Sum(z[j]**2, j), z[i]), Sum(D(z[j]**2, z[i]), j))


def test_kinks_need_an_assumption():
    d = [("differentiation", None)]
    smooth, above, below = (("assumption", Condition("", x, r)) for r in ("nonzero", "positive", "negative"))
    assert not prove(D(relu(x), x), step(x), d)
    assert prove(D(relu(x), x), step(x), [*d, smooth])
    assert prove(D(relu(x), x), Num(1), [*d, above]) and prove(D(relu(x), x), Num(0), [*d, below])
    assert not prove(D(relu(x), x), Num(0), [*d, above])
    assert not prove(D(relu(t), t), step(t), [*d, smooth])     # the assumption is about x
    assert not prove(D(step(x), x), Num(0), d) and prove(D(step(x), x), Num(0), [*d, smooth])
    assert prove(relu(Num(0)), Num(0)) and prove(step(Num(0)), Num(1))


def test_the_chain_rule_refuses_to_skip_a_path():
    u = Array("u", "u", [], ((), x**2))
    both = Array("c", "c", [], ((), u[()] * x))
    only = Array("o", "o", [], ((), exp(u[()])))
    through = [("chain", (u,))]
    good = D(only[()], u[()]) * D(u[()], x)
    assert prove(D(only[()], x), good, through)
    assert not prove(D(both[()], x), D(both[()], u[()]) * D(u[()], x), through)
    assert not prove(D(only[()], x), good)
    p = Array("p", "p", [], ((), exp(u[()])))
    nested = Array("n", "n", [], ((), p[()] * u[()]))
    wrong = D(nested[()], p[()]) * D(p[()], x) + D(nested[()], u[()]) * D(u[()], x)
    assert not prove(D(nested[()], x), wrong, [("chain", (p, u))])     # p depends on u
    h = Array("h", "h", [K], ((k,), exp(z[k])))
    L = Array("L", "L", [], depends=(h,))
    assert prove(D(L[()], z[i]), Sum(D(L[()], h[k]) * D(h[k], z[i]), k), [("chain", (h,))])
    assert not prove(D(L[()], z[i]), D(L[()], h[i]) * D(h[i], z[i]), [("chain", (h,))])
    assert chain(D(L[()], h[i]), (h,)) == D(L[()], h[i])


def test_equations_do_not_reach_into_derivatives():
    rule = [("equation", (z[k], Num(0)))]
    assert prove(Sum(z[k], k), Num(0), rule)
    assert not prove(D(z[k], z[i]), D(Num(0), z[i]), rule)


def test_side_conditions_are_recorded():
    assert conditions(1 / x) == [("nonzero", x)]
    assert conditions(1 / (1 + exp(x))) == [] and conditions(z[i] / S) == []
    assert conditions(1 / S) == [("nonzero", S)]            # K may be 0
    assert conditions(1 / S, sizes=[K]) == []
    assert conditions(log(x)) == [("positive", x)] and conditions(1 / (x * t**2)) == [("nonzero", x), ("nonzero", t)]
    assert conditions(1 / (exp(x) - 1)) != []


# --- fuzz: the normal form against direct evaluation ----------------------------

def random_expression(rng, scope, depth):
    """A random expression over the free and bound indices in `scope`."""
    pick = rng.randrange(10 if depth else 4)
    if pick == 0:
        return Num(rng.randint(-2, 3))
    if pick in (1, 2):
        return rng.choice((z, y))[rng.choice(scope)]
    if pick == 3:
        return rng.choice((v[rng.choice(scope), rng.choice(scope)], delta(rng.choice(scope), rng.choice(scope)), x))
    if pick in (4, 5):
        return random_expression(rng, scope, depth - 1) * random_expression(rng, scope, depth - 1)
    if pick == 6:
        return random_expression(rng, scope, depth - 1) - random_expression(rng, scope, depth - 1)
    if pick == 7:
        new = Index(rng.choice("ijk"), K)
        return Sum(random_expression(rng, (*scope, new), depth - 1), new)
    if pick == 8:
        return exp(rng.choice((z, y))[rng.choice(scope)] - x) * random_expression(rng, scope, depth - 1)
    return random_expression(rng, scope, depth - 1) / (1 + exp(z[rng.choice(scope)]))


def shuffled(e, rng):
    """An equal copy: bound indices renamed, terms and factors in another order."""
    if isinstance(e, Sum):
        body, n = e.args
        new = Index(rng.choice("pqr") + "'" * rng.randrange(40), n.size)
        return Sum(shuffled(replace_indices(body, {n: new}), rng), new)
    parts = [shuffled(p, rng) if not isinstance(p, Index) else p
             for p in (e.args if isinstance(e, (Add, Mul)) else ())]
    rng.shuffle(parts)
    return type(e)(*parts) if parts else e


def test_fuzz_copies_are_recognised():
    for seed in range(120):
        rng = random.Random(seed)
        e = random_expression(rng, (i,), 3)
        assert prove(e, shuffled(e, rng), DELTA if seed % 2 else ()), seed


def test_fuzz_against_evaluation():
    proved = 0
    for seed in range(200):
        rng = random.Random(1000 + seed)
        e, f = (random_expression(rng, (i,), 2) for _ in "ef")
        for left, right in ((e, f), (e * f, f * e + rng.randint(0, 1) * x), (Sum(e, i), Sum(e, i) * rng.choice((1, K)))):
            if prove(left, right, DELTA):
                proved += 1
                found, _ = refuter.refute(left, right, wanted=5)
                assert not found, (seed, str(found))
    assert proved > 100


def test_fuzz_derivatives():
    for seed in range(40):
        rng = random.Random(seed)
        e = random_expression(rng, (j,), 2)
        slope = D(Sum(e, j), z[i])
        from nnlib.derivations.prover import RULES, differentiate
        found, _ = refuter.refute(slope, differentiate(slope, RULES["differentiation"], lambda u: False), wanted=4)
        assert not found, (seed, str(found))


def test_what_depends_on_an_array():
    t = Theory("t")
    n = t.size("n")
    i, k = t.indices("i k", n)
    A, B, x = t.array("A", n, n), t.array("B", n, n), t.array("x", n)
    y = t.define("y", [i], exp(x[i]))
    AB = matrix_product(A, B)[i, k]
    assert depends(AB, A) and depends(AB, B) and not depends(AB, x)
    assert depends(y[i], x) and not depends(y[i], x, cut=[y])
    assert depends(D(y[i], x[k]), x) and not depends(D(x[i], x[k]), A)
    z = t.scalar("z")
    f = t.function("f", z, x[1] * z)
    assert depends(f(B[i, k]), x) and depends(f(B[i, k]), B) and not depends(f(B[i, k]), A)


def test_an_index_of_a_value_that_is_put_in_is_not_captured():
    t = Theory("t")
    n = t.size("n")
    i, j = t.indices("i j", n)
    x, c = t.array("x", n), t.scalar("c")
    put = put_for(Sum(x[j] * c, j), c, x[j])
    assert free_indices(put) == {j} and put.args[1] != j
    assert put_for(Sum(x[i] * c, i), c, x[j]) == Sum(x[i] * x[j], i)


def test_products_of_matrices_match_only_themselves():
    t = Theory("t")
    n = t.size("n")
    i, j, k = t.indices("i j k", n)
    A, B = t.array("A", n, n), t.array("B", n, n)
    AB, BA = matrix_product(A, B), matrix_product(B, A)
    assert match(AB[i, j], AB[k, j], {}, frozenset({i, j})) == {i: k, j: j}
    assert match(AB[i, j], BA[i, j], {}, frozenset({i, j})) is None
    assert match(Num(2), Num(3), {}, frozenset()) is None and match(Num(2), Num(2), {}, frozenset()) == {}


def test_a_negative_power_and_a_quotient_rest_on_the_same_condition():
    t = Theory("t")
    x = t.scalar("x")
    assert conditions(x**-2) == conditions(1 / x**2) == [("nonzero", x)]
    with pytest.raises(Refused):
        t.derive(1 / (x - x)).step(2 / (x - x))


def test_an_entry_of_a_product_has_two_indices():
    t = Theory("t")
    n = t.size("n")
    with pytest.raises(TypeError, match="^an entry of a product of matrices has 2 indices, but"):
        matrix_product(t.array("A", n, n), t.array("B", n, n))[t.indices("i", n)]
