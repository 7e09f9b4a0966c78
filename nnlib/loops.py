"""The definitions, one index at a time: slow, and hard to get wrong.

The vectorised functions are tested against these, and the book measures how much slower they are.
"""
from __future__ import annotations

import numpy as np

from .checks import in_range, numbers, whole
from .kinds import Array, ArrayLike


@in_range
def dense_loops(X: ArrayLike, W: ArrayLike, b: ArrayLike) -> Array:
    """Return Z with Z_ij = Σ_k X_ik W_kj + b_j, for X (m, n), W (n, r), b (r,).

    Source: S0-12, S2-06, S2-19.

    >>> dense_loops(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    X = numbers("X", X, ndim=2)
    W = numbers("W", W, shape=(X.shape[1], None))
    b = numbers("b", b, shape=W.shape[1:])
    Z = np.zeros((len(X), len(b)), dtype=np.result_type(X, W, b))
    for i in range(len(X)):
        for j in range(len(b)):
            for k in range(len(W)):
                Z[i, j] += X[i, k] * W[k, j]
            Z[i, j] += b[j]
    return Z


@in_range
def conv2d_loops(X: ArrayLike, W: ArrayLike, b: ArrayLike, padding: int = 0) -> Array:
    """Return Y_iors = Σ_cuv W_ocuv X_ic(r+u−P)(s+v−P) + b_o, shapes as in `conv2d`.

    Source: S4-35, S4-36, S4-37, S4-59.

    >>> conv2d_loops(np.ones((1, 1, 1, 3)), np.ones((1, 1, 1, 2)), np.zeros(1))
    array([[[[2., 2.]]]])
    """
    X = numbers("X", X, ndim=4)
    m, channels, h, w = X.shape
    W = numbers("W", W, shape=(None, channels, None, None))
    k, _, p, q = W.shape
    b = numbers("b", b, shape=(k,))
    rows, columns = (n + 2 * whole("padding", padding, least=0) - u + 1 for n, u in ((h, p), (w, q)))
    if rows < 1 or columns < 1:
        raise ValueError(f"W of shape {W.shape} does not fit into X of shape {X.shape} with padding {padding}")
    Y = np.zeros((m, k, rows, columns), dtype=np.result_type(X, W, b))
    for i, o, r, s in np.ndindex(Y.shape):
        Y[i, o, r, s] = b[o]
        for c, u, v in np.ndindex(channels, p, q):
            row, column = r + u - padding, s + v - padding
            if 0 <= row < h and 0 <= column < w:  # outside the image stands 0
                Y[i, o, r, s] += W[o, c, u, v] * X[i, c, row, column]
    return Y
