"""Derivations of `nnlib.conv`: cross-correlation with zero padding P and stride 1."""

from __future__ import annotations

from .derivation import Lemma, Symbols, Theory, chain_rule, definition, delta_rule, differentiation
from .language import D, Sum, delta
from .registry import theorem


def conv_theory() -> Symbols:
    """Y = X ⋆ W + b: X (m, c, h, w), W (k, c, p, q), b (k,), Y (m, k, h', w'), entries outside are 0."""
    t = Theory("conv")
    m, c, k = t.size("m"), t.size("c"), t.size("k")
    h, w, p, q = t.size("h"), t.size("w"), t.size("p"), t.size("q")
    H, V = t.size("h'"), t.size("w'")
    P = t.size("P")
    n, N = t.indices("n N", m)
    a, A = t.indices("a A", c)
    f, F = t.indices("f F", k)
    x, y = t.indices("x", h), t.indices("y", w)
    u, U = t.indices("u U", p)
    v, O = t.indices("v O", q)
    i, j = t.indices("i", H), t.indices("j", V)
    X, W, b = t.array("X", m, c, h, w), t.array("W", k, c, p, q), t.array("b", k)
    Y = t.define("Y", [n, f, i, j],
                 Sum(X[n, a, i + u - 1 - P, j + v - 1 - P] * W[f, a, u, v], a, u, v) + b[f])
    L = t.unknown("L", Y)[()]
    G = t.define("G", [n, f, i, j], D(L, Y[n, f, i, j]))
    return t, (n, N, a, A, f, F, x, y, u, U, v, O, i, j), (X, W, b, Y, L, G), P


@theorem("convolution", code="conv.conv2d_backward")
def conv2d_backward_X() -> Lemma:
    """The gradient by the input of a convolution is G, the gradient by its output, convolved with flipped kernels."""
    t, (n, N, a, A, f, F, x, y, u, U, v, O, i, j), (X, W, b, Y, L, G), P = conv_theory()
    d = t.derive(D(L, X[n, a, x, y]))
    d.step(Sum(D(L, Y[N, f, i, j]) * D(Y[N, f, i, j], X[n, a, x, y]), N, f, i, j), by=chain_rule(Y))
    d.step(Sum(G[N, f, i, j] * D(Y[N, f, i, j], X[n, a, x, y]), N, f, i, j), by=definition(G))
    d.step(Sum(G[N, f, i, j] * Sum(delta(N, n) * delta(A, a) * delta(i + u - 1 - P, x) * delta(j + v - 1 - P, y)
                                   * W[f, A, u, v], A, u, v), N, f, i, j), by=(definition(Y), differentiation))
    d.step(Sum(G[n, f, x - u + 1 + P, y - v + 1 + P] * W[f, a, u, v], f, u, v), by=delta_rule)
    return d.done("conv2d_backward_X")


@theorem("convolution", code="conv.conv2d_backward")
def conv2d_backward_W() -> Lemma:
    """The gradient by the kernels correlates the input with G, the gradient by the output, summed over the samples."""
    t, (n, N, a, A, f, F, x, y, u, U, v, O, i, j), (X, W, b, Y, L, G), P = conv_theory()
    d = t.derive(D(L, W[f, a, u, v]))
    d.step(Sum(D(L, Y[n, F, i, j]) * D(Y[n, F, i, j], W[f, a, u, v]), n, F, i, j), by=chain_rule(Y))
    d.step(Sum(G[n, F, i, j] * D(Y[n, F, i, j], W[f, a, u, v]), n, F, i, j), by=definition(G))
    d.step(Sum(G[n, F, i, j] * Sum(X[n, A, i + U - 1 - P, j + O - 1 - P]
                                   * delta(F, f) * delta(A, a) * delta(U, u) * delta(O, v), A, U, O), n, F, i, j),
           by=(definition(Y), differentiation))
    d.step(Sum(G[n, f, i, j] * X[n, a, i + u - 1 - P, j + v - 1 - P], n, i, j), by=delta_rule)
    return d.done("conv2d_backward_W")


@theorem("convolution", code="conv.conv2d_backward")
def conv2d_backward_b() -> Lemma:
    """The gradient by the bias of a channel sums G, the gradient by the output, over samples and places."""
    t, (n, N, a, A, f, F, x, y, u, U, v, O, i, j), (X, W, b, Y, L, G), P = conv_theory()
    d = t.derive(D(L, b[f]))
    d.step(Sum(D(L, Y[n, F, i, j]) * D(Y[n, F, i, j], b[f]), n, F, i, j), by=chain_rule(Y))
    d.step(Sum(G[n, F, i, j] * D(Y[n, F, i, j], b[f]), n, F, i, j), by=definition(G))
    d.step(Sum(G[n, F, i, j] * delta(F, f), n, F, i, j), by=(definition(Y), differentiation))
    d.step(Sum(G[n, f, i, j], n, i, j), by=delta_rule)
    return d.done("conv2d_backward_b")
