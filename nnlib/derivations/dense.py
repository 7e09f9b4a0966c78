"""Derivations of `nnlib.dense`."""

from .derivation import Theory, chain_rule, definition, delta_rule, differentiation
from .language import D, Sum, delta, matrix_product
from .registry import theorem


def dense_theory():
    """Z = XW + b, and an unknown smooth loss L of Z; G is ∂L/∂Z."""
    t = Theory("dense")
    m, n, p = t.size("m"), t.size("n_in", r"n_{\mathrm{in}}"), t.size("n_out", r"n_{\mathrm{out}}")
    i = t.indices("i r", m)
    k = t.indices("k q", n)
    j = t.indices("j c", p)
    X, W, b = t.array("X", m, n), t.array("W", n, p), t.array("b", p)
    Z = t.define("Z", [i[0], j[0]], Sum(X[i[0], k[0]] * W[k[0], j[0]], k[0]) + b[j[0]])
    L = t.unknown("L", Z)
    G = t.define("G", [i[0], j[0]], D(L[()], Z[i[0], j[0]]))
    return t, i, j, k, (X, W, b, Z, L[()], G)


@theorem("backprop", code="dense.dense_backward")
def dense_backward_X():
    t, (i, r), (j, _), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, X[i, k]))
    d.step(Sum(D(L, Z[r, j]) * D(Z[r, j], X[i, k]), r, j), by=chain_rule(Z))
    d.step(Sum(G[r, j] * D(Z[r, j], X[i, k]), r, j), by=definition(G))
    d.step(Sum(G[r, j] * D(Sum(X[r, q] * W[q, j], q) + b[j], X[i, k]), r, j), by=definition(Z))
    d.step(Sum(G[r, j] * Sum(delta(r, i) * delta(q, k) * W[q, j], q), r, j), by=differentiation)
    d.step(Sum(G[i, j] * W[k, j], j), by=delta_rule)
    d.step(matrix_product(G, (W, "T"))[i, k], words="a product of matrices")
    return d.done("dense_backward_X")


@theorem("backprop", code="dense.dense_backward")
def dense_backward_W():
    t, (i, r), (j, c), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, W[k, j]))
    d.step(Sum(D(L, Z[i, c]) * D(Z[i, c], W[k, j]), i, c), by=chain_rule(Z))
    d.step(Sum(G[i, c] * D(Z[i, c], W[k, j]), i, c), by=definition(G))
    d.step(Sum(G[i, c] * D(Sum(X[i, q] * W[q, c], q) + b[c], W[k, j]), i, c), by=definition(Z))
    d.step(Sum(G[i, c] * Sum(X[i, q] * delta(q, k) * delta(c, j), q), i, c), by=differentiation)
    d.step(Sum(X[i, k] * G[i, j], i), by=delta_rule)
    d.step(matrix_product((X, "T"), G)[k, j], words="a product of matrices")
    return d.done("dense_backward_W")


@theorem("backprop", code="dense.dense_backward")
def dense_backward_b():
    t, (i, r), (j, c), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, b[j]))
    d.step(Sum(D(L, Z[i, c]) * D(Z[i, c], b[j]), i, c), by=chain_rule(Z))
    d.step(Sum(G[i, c] * D(Z[i, c], b[j]), i, c), by=definition(G))
    d.step(Sum(G[i, c] * D(Sum(X[i, q] * W[q, c], q) + b[c], b[j]), i, c), by=definition(Z))
    d.step(Sum(G[i, c] * delta(c, j), i, c), by=differentiation)
    d.step(Sum(G[i, j], i), by=delta_rule)
    return d.done("dense_backward_b")
