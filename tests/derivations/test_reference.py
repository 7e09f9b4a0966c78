"""The evaluator of proved formulas, against the refuter's own evaluation and against NumPy."""

import random

import numpy as np
import pytest

from nnlib.derivations import THEOREMS, Theory, refuter
from nnlib.derivations.language import Array, D, Func, Index, Num, Size, Sum, delta, exp, log, matrix_product, relu, step, tanh
from nnlib.derivations.reference import evaluator

K, M = Size("K", "K", 0), Size("m", "m", 0)
i, j, k = (Index(n, K) for n in "ijk")
a, b = (Index(n, M) for n in "ab")
z, w, v = Array("z", "z", [K]), Array("w", "w", [M, K]), Array("v", "v", [K, K])
x = Array("x", "x", [])[()]
S = Sum(exp(z[j]), j)
s = Array("s", "s", [K], ((k,), exp(z[k]) / S))
f = Func("f", "f", definition=(x, x / (1 + x**2)))
FORMULAS = [s[k] * (delta(k, i) - s[i]), Sum(w[a, j] * z[j], j) + x, matrix_product((w, "T"), w)[i, j], w[a, j + 1] - w[a, j - 1],
            Sum(v[i, j] * Sum(w[a, k] * v[k, j], k), j), relu(z[i]) * step(z[j]) - tanh(x), log(S) / 3, Sum(x, a, j), f(z[i] + x),
            Sum(w[a, i] * delta(i, j) * (2 + x**2)**-1, a, i), -K * z[i] / (1 + z[i]**2), f(Sum(w[a, j], j)), s[i] * f(s[i]), Num(2) * x]


@pytest.mark.parametrize("e", FORMULAS, ids=str)
def test_it_agrees_with_the_refuter(e):
    formula = evaluator(e)
    for seed, (m, n) in enumerate(((1, 1), (2, 3), (3, 2), (0, 2), (2, 1))):
        world = refuter.World(seed, {"K": n, "m": m})
        data = {name: np.array([[float(world.entry(array, (p, q)[:len(array.shape)])) for q in range(1, width + 1)]
                                for p in range(1, height + 1)]).reshape([height, width][:len(array.shape)])
                for name, array, height, width in (("z", z, n, 1), ("w", w, m, n), ("v", v, n, n), ("x", x.args[0], 1, 1))}
        got = formula(np, {"K": n, "m": m}, **data)
        assert got.shape == tuple({"K": n, "m": m}[q.size.args[0]] for q in formula.indices)
        for at in np.ndindex(got.shape):
            want = world.value(e, {q: int(p) + 1 for q, p in zip(formula.indices, at)})
            assert abs(got[at] - float(want)) < 1e-12, (at, m, n)


def test_axes_come_in_the_order_asked_for():
    data = np.arange(6.0).reshape(2, 3)
    sizes = {"m": 2, "K": 3}
    assert np.array_equal(evaluator(w[a, k], [a, k])(np, sizes, w=data), data)
    assert np.array_equal(evaluator(w[a, k], [k, a])(np, sizes, w=data), data.T)
    with pytest.raises(ValueError):
        evaluator(w[a, k], [a])


def test_what_is_missing_is_named():
    with pytest.raises(KeyError, match="no data for z"):
        evaluator(z[k])(np, {"K": 2})
    with pytest.raises(TypeError):
        evaluator(D(x, x))(np, {}, x=1.0)


def shapes(seed, *names):
    rng = random.Random(seed)
    return {n: rng.randint(1, 4) for n in names}


def test_dense_against_numpy():
    formulas = [evaluator(THEOREMS["dense_backward_" + n].build()) for n in "XWb"]
    for seed in range(50):
        size = shapes(seed, "m", "n_in", "n_out")
        rng = np.random.default_rng(seed)
        X, W, G = (rng.normal(size=(size[p], size[q])) for p, q in (("m", "n_in"), ("n_in", "n_out"), ("m", "n_out")))
        dX, dW, db = (formula(np, size, X=X, W=W, G=G) for formula in formulas)
        np.testing.assert_allclose(dX, G @ W.T, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dW, (X.T @ G).T, rtol=1e-12, atol=1e-12)      # axes j, k: alphabetical
        np.testing.assert_allclose(db, G.sum(axis=0), rtol=1e-12, atol=1e-12)


def test_convolution_against_loops():
    lemma = THEOREMS["conv2d_backward_X"].build()
    n, c, x, y = lemma.left.args[1].args[1]
    formula = evaluator(lemma, [n, c, x, y])
    for seed in range(10):
        size = shapes(seed, "m", "c", "k", "h", "w", "p", "q")
        P = seed % 3
        size |= {"P": P, "h'": max(0, size["h"] + 2 * P - size["p"] + 1), "w'": max(0, size["w"] + 2 * P - size["q"] + 1)}
        rng = np.random.default_rng(seed)
        W = rng.normal(size=[size[n] for n in "kcpq"])
        G = rng.normal(size=[size["m"], size["k"], size["h'"], size["w'"]])
        padded = np.zeros((size["m"], size["c"], size["h"] + 2 * P, size["w"] + 2 * P))
        for i, j in np.ndindex(size["h'"], size["w'"]):
            padded[:, :, i:i + size["p"], j:j + size["q"]] += np.einsum("nk,kcpq->ncpq", G[:, :, i, j], W)
        want = padded[:, :, P:P + size["h"], P:P + size["w"]]
        np.testing.assert_allclose(formula(np, size, W=W, G=G), want, rtol=1e-12, atol=1e-12)


def test_products_of_matrices_without_rows_or_inner_entries():
    t = Theory("t")
    m, n = t.size("m"), t.size("n")
    i, j = t.indices("i j", m)
    A, B = t.array("A", m, n), t.array("B", n, m)
    product = evaluator(matrix_product(A, B)[i, j], [i, j])
    assert product(np, {"m": 0, "n": 2}, A=np.ones((0, 2)), B=np.ones((2, 0))).shape == (0, 0)
    np.testing.assert_array_equal(product(np, {"m": 2, "n": 0}, A=np.ones((2, 0)), B=np.ones((0, 2))), np.zeros((2, 2)))
