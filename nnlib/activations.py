"""Activation functions, each beside its backward.

A backward takes the upstream gradient dA = ∂L/∂A and the function's own input Z, and returns
dZ = ∂L/∂Z. All but softmax act entry by entry, on arrays of any shape; softmax acts on rows.
Results have the type of the input: float32 stays float32.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .checks import choice, in_range, numbers
from .kinds import Array, ArrayLike

Forward: TypeAlias = Callable[[ArrayLike], Array]
Backward: TypeAlias = Callable[[ArrayLike, ArrayLike], Array]


def _pair(dA: ArrayLike, Z: ArrayLike) -> tuple[Array, Array]:
    Z = numbers("Z", Z)
    return numbers("dA", dA, shape=Z.shape), Z


def identity(Z: ArrayLike) -> Array:
    """Return A = Z, the "activation" of a regression output.

    Z and A have the same shape. Raises ValueError for input that is not finite numbers.
    Source: S2-15.

    >>> identity([-1.0, 2.0])
    array([-1.,  2.])
    """
    return numbers("Z", Z).copy()


def identity_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = dA.

    dA and Z have the same shape, else ValueError. Source: S2-15.

    >>> identity_backward([3.0, 4.0], [-1.0, 2.0])
    array([3., 4.])
    """
    return _pair(dA, Z)[0].copy()


def step(Z: ArrayLike) -> Array:
    """Return the hard threshold: A = 1 where Z ≥ 0, and 0 where Z < 0.

    Any shape. The value at exactly 0 is 1. Source: S2-07.

    >>> step([-0.5, 0.0, 2.0])
    array([0., 1., 1.])
    """
    Z = numbers("Z", Z)
    return (Z.real >= 0).astype(Z.dtype)


def step_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = 0: the hard threshold is flat on both sides of 0.

    At Z = 0 it jumps and has no derivative; the value 0 there is a convention.
    Gradient descent learns nothing through it. Source: S2-07.

    >>> step_backward([3.0, 4.0], [-1.0, 2.0])
    array([0., 0.])
    """
    return np.zeros_like(_pair(dA, Z)[0])


def sigmoid(Z: ArrayLike) -> Array:
    """Return A = 1 / (1 + e^(−Z)).

    Any shape; finite and correct for any finite Z. Source: S2-08, S3-20.

    >>> sigmoid([0.0, 1e4, -1e4])
    array([0.5, 1. , 0. ])
    """
    Z = numbers("Z", Z)
    E = np.exp(-_abs(Z))  # e^(−|Z|) lies in (0, 1]: it cannot overflow
    return np.where(Z.real >= 0, 1, E) / (1 + E)


def sigmoid_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = dA ⊙ σ(Z) (1 − σ(Z)).

    Same shapes as Z. The second factor is computed as σ(−Z), which keeps its digits where σ(Z)
    rounds to 1. Source: S2-62.

    >>> sigmoid_backward([1.0, 1.0], [0.0, 40.0])
    array([2.50000000e-01, 4.24835426e-18])
    """
    dA, Z = _pair(dA, Z)
    return dA * sigmoid(Z) * sigmoid(-Z)


def tanh(Z: ArrayLike) -> Array:
    """Return A = (e^Z − e^(−Z)) / (e^Z + e^(−Z)).

    Any shape. Source: S0-28.

    >>> tanh([0.0, 1e4])
    array([0., 1.])
    """
    return np.tanh(numbers("Z", Z))


def tanh_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = dA ⊙ (1 − tanh²(Z)).

    Same shapes as Z. The second factor is computed as (2e / (1 + e²))² with e = e^(−|Z|), which
    keeps its digits where tanh²(Z) rounds to 1. Source: S0-30.

    >>> tanh_backward([2.0], [0.0])
    array([2.])
    """
    dA, Z = _pair(dA, Z)
    E = np.exp(-_abs(Z))
    return dA * (2 * E / (1 + E * E)) ** 2


def relu(Z: ArrayLike) -> Array:
    """Return A = max(0, Z).

    Any shape. Source: S0-25, S2-09, S3-22, S4-44.

    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    Z = numbers("Z", Z)
    # np.where is an order of magnitude slower, but max does not know complex numbers
    return np.where(Z.real > 0, Z, 0) if Z.dtype.kind == "c" else np.maximum(Z, 0)


def relu_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = dA where Z > 0, and 0 elsewhere.

    Same shapes as Z. ReLU has no derivative at 0; the value 0 there is a convention.
    Source: S0-27, S3-42.

    >>> relu_backward([5.0, 5.0, 5.0], [-2.0, 0.0, 3.0])
    array([0., 0., 5.])
    """
    dA, Z = _pair(dA, Z)
    return np.add(dA * (Z.real > 0), 0)  # a product is faster than np.where; adding 0 makes −0 a 0


def softplus(Z: ArrayLike) -> Array:
    """Return A = ln(1 + e^Z), computed as max(0, Z) + ln(1 + e^(−|Z|)).

    Any shape; finite and correct for any finite Z. Source: the loss of S2-73 at y = 0.

    >>> softplus([-1e4, 0.0, 1e4])
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+04])
    """
    Z = numbers("Z", Z)
    # Z itself at 0, and not relu's constant: the two terms join smoothly there
    return np.where(Z.real >= 0, Z, 0) + np.log1p(np.exp(-_abs(Z)))


def softplus_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ = dA ⊙ σ(Z).

    Same shapes as Z. Source: S2-58 at y = 0.

    >>> softplus_backward([1.0], [0.0])
    array([0.5])
    """
    dA, Z = _pair(dA, Z)
    return dA * sigmoid(Z)


@in_range
def log_sum_exp(Z: ArrayLike) -> Array:
    """Return ln Σ_k e^(Z_ik) for each row i.

    Z has shape (m, K), the result (m,). Computed as z + ln(1 + Σ e^(Z_ik − z)) with z the largest
    entry of the row and the sum over the others, so nothing overflows. Source: S2-74, S0-69.

    >>> log_sum_exp([[0.0, 0.0], [1e4, 0.0]])
    array([6.93147181e-01, 1.00000000e+04])
    """
    Z = numbers("Z", Z, ndim=2)
    largest = np.arange(len(Z)), Z.real.argmax(axis=1)
    E = np.exp(Z - Z[largest][:, None])
    E[largest] = 0  # its 1 is the 1 of log1p: small other terms keep their digits
    return Z[largest] + np.log1p(E.sum(axis=1))


def log_sum_exp_backward(da: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ_ik = da_i softmax(Z)_ik.

    da has shape (m,), Z and dZ have shape (m, K). Source: S0-70, S2-85.

    >>> log_sum_exp_backward([1.0], [[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    S = softmax(Z)
    return numbers("da", da, shape=S.shape[:1])[:, None] * S


@in_range
def softmax(Z: ArrayLike) -> Array:
    """Return S_ik = e^(Z_ik) / Σ_j e^(Z_ij): each row becomes positive and sums to one.

    Z and S have shape (m, K). The row maximum is subtracted first: it changes nothing in exact
    arithmetic, and exp cannot overflow. Source: S0-51, S0-62, S2-13, S3-25, S4-50.

    >>> softmax([[0.0, 0.0], [1e4, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    Z = numbers("Z", Z, ndim=2)
    E = np.exp(Z - Z.real.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


@in_range
def softmax_backward(dA: ArrayLike, Z: ArrayLike) -> Array:
    """Return dZ_i = s_i ⊙ (g_i − (g_i · s_i)) for each row g_i of dA, with s_i = softmax(Z)_i.

    Shapes (m, K). It costs O(mK): the Jacobian is never formed. Source: S0-61.

    >>> softmax_backward([[1.0, 0.0]], [[0.0, 0.0]])
    array([[ 0.25, -0.25]])
    """
    S = softmax(Z)
    G = numbers("dA", dA, shape=S.shape)
    # the same number may be taken from all of g_i; this one leaves no 1 − s to lose its digits
    G = G - np.take_along_axis(G, S.real.argmax(axis=1, keepdims=True), axis=1)
    return S * (G - (G * S).sum(axis=1, keepdims=True))


def softmax_jacobian(Z: ArrayLike) -> Array:
    """Return J_ikj = ∂S_ik/∂Z_ij = S_ik (δ_kj − S_ij), a K × K matrix for each sample.

    Z has shape (m, K), J has shape (m, K, K). It is here to be looked at; training uses
    `softmax_backward`. Source: S0-57 … S0-60, S1-56, S3-50, S4-52.

    >>> softmax_jacobian([[0.0, 0.0]])
    array([[[ 0.25, -0.25],
            [-0.25,  0.25]]])
    """
    S = softmax(Z)
    return S[:, :, None] * (np.eye(S.shape[1], dtype=S.dtype) - S[:, None, :])


def _abs(Z: Array) -> Array:
    # |Z| as an analytic function of each half-plane, so that a complex step passes through
    return np.where(Z.real >= 0, Z, -Z)


ACTIVATIONS = {
    "identity": (identity, identity_backward),
    "step": (step, step_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "tanh": (tanh, tanh_backward),
    "relu": (relu, relu_backward),
    "softplus": (softplus, softplus_backward),
    "softmax": (softmax, softmax_backward),
}


def activation(name: str) -> tuple[Forward, Backward]:
    """Return the pair (function, backward) called `name`, or raise ValueError with the names.

    >>> activation("relu")[0].__name__
    'relu'
    """
    return ACTIVATIONS[choice("activation", name, tuple(ACTIVATIONS))]
