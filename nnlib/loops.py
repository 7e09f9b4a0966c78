"""The definitions, one index at a time: slow, and hard to get wrong.

The vectorised functions are tested against these, and the book measures how much slower they are.
"""
import numpy as np


def dense_loops(X, W, b):
    """Return Z with Z_ij = Σ_k X_ik W_kj + b_j, for X (m, n), W (n, r), b (r,).

    Source: S0-12, S2-06, S2-19.

    >>> dense_loops(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    Z = np.zeros((len(X), len(b)), dtype=np.result_type(X, W))
    for i in range(len(X)):
        for j in range(len(b)):
            for k in range(len(W)):
                Z[i, j] += X[i, k] * W[k, j]
            Z[i, j] += b[j]
    return Z


def conv2d_loops(X, W, b, padding=0):
    """Return Y_iors = Σ_cuv W_ocuv X_ic(r+u−P)(s+v−P) + b_o, shapes as in `conv2d`.

    Source: S4-35, S4-36, S4-37, S4-59.

    >>> conv2d_loops(np.ones((1, 1, 1, 3)), np.ones((1, 1, 1, 2)), np.zeros(1))
    array([[[[2., 2.]]]])
    """
    m, channels, h, w = X.shape
    k, _, p, q = W.shape
    Y = np.zeros((m, k, h + 2 * padding - p + 1, w + 2 * padding - q + 1))
    for i, o, r, s in np.ndindex(Y.shape):
        Y[i, o, r, s] = b[o]
        for c, u, v in np.ndindex(channels, p, q):
            row, column = r + u - padding, s + v - padding
            if 0 <= row < h and 0 <= column < w:  # outside the image stands 0
                Y[i, o, r, s] += W[o, c, u, v] * X[i, c, row, column]
    return Y
