"""The dense layer (also called linear or fully connected), and the single neuron.

Samples are rows. W[i, j] joins input i to neuron j, so W has shape (n_in, n_out).
"""
from __future__ import annotations

import numpy as np

from .activations import activation as named_activation
from .checks import in_range, numbers
from .kinds import Array, ArrayLike, InputGradient


@in_range
def matmul_backward(dC: ArrayLike, A: ArrayLike, B: ArrayLike) -> tuple[Array, Array]:
    """Return (dA, dB) = (dC Bᵀ, Aᵀ dC) for C = AB.

    A has shape (m, k), B (k, n), dC (m, n); a gradient has the shape of its variable.
    Raises ValueError where shapes do not fit. Source: S0-37.

    >>> dA, dB = matmul_backward([[1.0]], [[2.0, 3.0]], [[4.0], [5.0]])
    >>> dA, dB.T
    (array([[4., 5.]]), array([[2., 3.]]))
    """
    A = numbers("A", A, ndim=2)
    B = numbers("B", B, shape=(A.shape[1], None))
    dC = numbers("dC", dC, shape=(A.shape[0], B.shape[1]))
    return dC @ B.T, A.T @ dC


@in_range
def dense(X: ArrayLike, W: ArrayLike, b: ArrayLike | None = None) -> Array:
    """Return Z = XW + b.

    X has shape (m, n_in), W (n_in, n_out), b (n_out,), Z (m, n_out); b is added to every row,
    and left out where it is None. Raises ValueError where shapes do not fit.
    Source: S0-13, S0-20, S1-11, S3-16, S4-40.

    >>> dense([[1.0, 2.0]], [[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]], [0.5, 0.0, 0.0])
    array([[1.5, 2. , 5. ]])
    """
    X = numbers("X", X, ndim=2)
    W = numbers("W", W, shape=(X.shape[1], None))
    Z = X @ W
    return Z if b is None else Z + numbers("b", b, shape=W.shape[1:])


@in_range
def dense_backward(dZ: ArrayLike, X: ArrayLike, W: ArrayLike,
                   input_gradient: bool = True) -> tuple[InputGradient, Array, Array]:
    """Return (dX, dW, db) = (dZ Wᵀ, Xᵀ dZ, Σ_i dZ_i).

    dZ has shape (m, n_out); dX, dW and db have the shapes of X, W and b. With
    `input_gradient=False` dX is None: where X is data, nobody wants its gradient (S2-80), and it
    costs as much as dW. Source: S0-41, S0-42, S0-43, S4-42, S4-43.

    >>> dX, dW, db = dense_backward([[1.0], [2.0]], [[3.0], [4.0]], [[5.0]])
    >>> dX.T, dW, db
    (array([[ 5., 10.]]), array([[11.]]), array([3.]))
    """
    X = numbers("X", X, ndim=2)
    W = numbers("W", W, shape=(X.shape[1], None))
    dZ = numbers("dZ", dZ, shape=(X.shape[0], W.shape[1]))
    dX, dW = matmul_backward(dZ, X, W) if input_gradient else (None, X.T @ dZ)
    return dX, dW, dZ.sum(axis=0)


def augment(X: ArrayLike) -> Array:
    """Return X with a first column of ones, so that the bias becomes the weight of x₀ = 1.

    X has shape (m, n), the result (m, n + 1). Source: S0-05.

    >>> augment([[7.0, 8.0]])
    array([[1., 7., 8.]])
    """
    X = numbers("X", X, ndim=2)
    return np.hstack([np.ones_like(X[:, :1]), X])


@in_range
def neuron(x: ArrayLike, w: ArrayLike, b: float, activation: str) -> np.floating:
    """Return a = σ(z) with z = Σ_i w_i x_i + b, a single number.

    x and w have shape (n,), b is a number, `activation` a name such as "relu".
    Source: S0-05.

    >>> float(neuron([1.0, 2.0], [3.0, -1.0], 0.5, "relu"))
    1.5
    """
    return named_activation(activation)[0](_net(x, w, b))[0]


@in_range
def neuron_backward(da: float, x: ArrayLike, w: ArrayLike, b: float,
                    activation: str) -> tuple[Array, Array, np.floating]:
    """Return (dx, dw, db) = (δ w, δ x, δ) with δ = da σ′(z), for one neuron.

    da is a number; dx and dw have shape (n,), db is a number. Source: S3-43, S3-44.

    >>> dx, dw, db = neuron_backward(1.0, [1.0, 2.0], [3.0, -1.0], 0.5, "relu")
    >>> dx, dw, float(db)
    (array([ 3., -1.]), array([1., 2.]), 1.0)
    """
    z = _net(x, w, b)
    numbers("da", da, ndim=0)
    delta = (da * named_activation(activation)[1](np.ones_like(z), z))[0]
    return delta * numbers("w", w), delta * numbers("x", x), delta


@in_range
def _net(x: ArrayLike, w: ArrayLike, b: float) -> Array:
    x = numbers("x", x, ndim=1)
    w = numbers("w", w, shape=x.shape)
    numbers("b", b, ndim=0)
    return np.atleast_1d(x @ w + b)  # b as it came: a Python number leaves float32 alone
