"""Losses, each beside its backward.

A loss sums over the outputs of a sample; over the m samples it takes the mean
(`reduction="mean"`), the sum ("sum"), or returns one number per sample ("none").
A backward returns the gradient of the mean or of the sum by the loss's first argument.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .activations import log_sum_exp, sigmoid, softmax, softplus
from .checks import (
    all_finite,
    axes,
    choice,
    distributions,
    in_range,
    labels,
    numbers,
    real,
    values_are_checked,
    whole,
)
from .kinds import Array, ArrayLike, Loss, NDArray


def one_hot(y: ArrayLike, classes: int) -> Array:
    """Return Y with Y_ik = 1 if y_i = k, else 0.

    y holds m integer labels in 0 … classes − 1; Y has shape (m, classes) and is float64.
    Raises ValueError for labels out of range. Source: S1-48, S2-75, S4-12.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    classes = whole("classes", classes)
    y = labels("y", y, classes)
    Y = np.zeros((len(y), classes))
    Y[np.arange(len(y)), y] = 1
    return Y


@in_range
def squared_error(Yhat: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Loss:
    """Return the mean over samples of Σ_k (ŷ_ik − y_ik)².

    Yhat and Y have the same shape, (m, d) or (m,). No factor ½, no division by d.
    Source: S2-76, S3-29, S4-10.

    >>> float(squared_error([[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]))
    3.0
    """
    Yhat, Y = _pair("Yhat", Yhat, Y)
    return _reduce(_per_sample((Yhat - Y) ** 2), reduction)


@in_range
def squared_error_backward(Yhat: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Array:
    """Return dŶ = 2 (Ŷ − Y) / m, without the division for the sum.

    Shapes as for `squared_error`. Source: S2-66, S4-19.

    >>> squared_error_backward([[1.0, 2.0]], [[0.0, 0.0]])
    array([[2., 4.]])
    """
    Yhat, Y = _pair("Yhat", Yhat, Y)
    return 2 * (Yhat - Y) / _divisor(len(Yhat), reduction)


@in_range
def sigmoid_cross_entropy(Z: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Loss:
    """Return the mean over samples of ln(1 + e^z) − yz: binary cross-entropy from the logit z.

    Equal to −y ln σ(z) − (1 − y) ln(1 − σ(z)), computed as y ln(1 + e^(−z)) + (1 − y) ln(1 + e^z).
    Z and Y have the same shape, (m,) or (m, d); Y lies in [0, 1]. Source: S2-57, S2-73.

    >>> float(sigmoid_cross_entropy([0.0, 1e4], [1.0, 1.0]))
    0.34657359027997264
    """
    Z, Y = _binary_pair(Z, Y)
    # a sum of positive terms: no difference of large numbers
    return _reduce(_per_sample(Y * softplus(-Z) + (1 - Y) * softplus(Z)), reduction)


def sigmoid_cross_entropy_backward(Z: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Array:
    """Return dZ = (σ(Z) − Y) / m, without the division for the sum.

    Shapes as for `sigmoid_cross_entropy`. Computed as (1 − Y) σ(Z) − Y σ(−Z), which keeps its
    digits where σ(Z) is close to Y. Source: S2-58.

    >>> sigmoid_cross_entropy_backward([0.0], [1.0])
    array([-0.5])
    """
    Z, Y = _binary_pair(Z, Y)
    return ((1 - Y) * sigmoid(Z) - Y * sigmoid(-Z)) / _divisor(len(Z), reduction)


def cross_entropy(S: ArrayLike, Y: ArrayLike, reduction: str = "mean", epsilon: float = 0.0) -> Loss:
    """Return the mean over samples of −Σ_k y_ik ln s_ik, for probabilities S.

    S has shape (m, K) and rows of probabilities; Y is a matrix of that shape with rows that sum
    to one, or m integer labels. 0 ln 0 counts as 0. A class that occurs and has probability 0
    makes the loss infinite: that is refused, unless `epsilon` > 0 clips S to
    [epsilon, 1 − epsilon]. `softmax_cross_entropy` has no such difficulty.
    Source: S0-66, S0-67, S3-30 … S3-33, S4-55.

    >>> float(cross_entropy([[0.5, 0.5]], [[1.0, 0.0]]))
    0.6931471805599453
    """
    S, Y = _probability_pair(S, Y, epsilon)
    return _reduce(-(Y * np.log(np.where(Y != 0, S, 1))).sum(axis=1), reduction)


@in_range
def cross_entropy_backward(S: ArrayLike, Y: ArrayLike, reduction: str = "mean", epsilon: float = 0.0) -> Array:
    """Return dS = −Y / S / m, without the division by m for the sum.

    The entry is 0 where Y is 0, and where `epsilon` clips S (the clipped value is constant).
    Shapes as for `cross_entropy`. Source: S0-68, S3-45, S4-56.

    >>> cross_entropy_backward([[0.5, 0.5]], [[1.0, 0.0]])
    array([[-2., -0.]])
    """
    clipped, Y = _probability_pair(S, Y, epsilon)
    dS = -Y / np.where(Y != 0, clipped, 1) / _divisor(len(Y), reduction)
    return np.where(clipped == np.asarray(S), dS, 0)


@in_range
def softmax_cross_entropy(Z: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Loss:
    """Return the mean over samples of ln Σ_j e^(z_ij) − Σ_k y_ik z_ik: cross-entropy from logits.

    Z has shape (m, K); Y is a matrix of that shape with rows that sum to one, or m integer
    labels. Finite wherever the differences of logits are. Source: S0-69, S0-71, S1-46, S2-74.

    >>> float(softmax_cross_entropy([[0.0, 0.0]], [1]))
    0.6931471805599453
    """
    Z, Y = _logits(Z, Y)
    if Y.ndim == 1:
        true_logits = Z[np.arange(len(Z)), Y]
        return _reduce(log_sum_exp(_differences(Z, true_logits)), reduction)
    # Σ_k y_k = 1 lets the row maximum be taken out of both terms: no large numbers are subtracted
    Z = _differences(Z, Z.real.max(axis=1))
    return _reduce(log_sum_exp(Z) - (Y * Z).sum(axis=1), reduction)


def softmax_cross_entropy_backward(Z: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Array:
    """Return dZ = (softmax(Z) − Y) / m, without the division for the sum.

    Shapes as for `softmax_cross_entropy`. Source: S0-74, S0-75, S1-24, S2-85, S3-54, S4-58.

    >>> softmax_cross_entropy_backward([[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    Z, Y = _logits(Z, Y)
    dZ = softmax(Z) if Y.ndim == 1 else softmax(Z) - Y
    true = np.arange(len(Z)), Y if Y.ndim == 1 else Y.argmax(axis=1)
    # the entries of a row sum to 0; s − 1 would lose its digits where s is close to 1
    dZ[true] = 0
    dZ[true] = -dZ.sum(axis=1)
    return dZ / _divisor(len(Z), reduction)


def _pair(name: str, Z: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
    Z = numbers(name, Z)
    if Z.ndim == 0:
        raise ValueError(f"{name} must have at least one axis, the samples, but is a single number")
    if Z.shape[1:] == (1,) and axes("Y", Y) == 1:
        Y = np.reshape(Y, (-1, 1))  # one output: targets may come as a vector
    return Z, _as_type(Z, numbers("Y", Y, shape=Z.shape))


def _binary_pair(Z: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
    Z, Y = _pair("Z", Z, Y)
    if Y.real.min() < 0 or Y.real.max() > 1:
        raise ValueError(f"Y must lie in [0, 1], but ranges from {Y.real.min()} to {Y.real.max()}")
    return Z, Y


def _logits(Z: ArrayLike, Y: ArrayLike) -> tuple[Array, NDArray[Any]]:
    Z = numbers("Z", Z, ndim=2)
    if axes("Y", Y) == 1:
        Y = labels("Y", Y, Z.shape[1])
        if len(Y) != len(Z):
            raise ValueError(f"Y must hold {len(Z)} labels, one for each row of Z, but holds {len(Y)}")
        return Z, Y
    return Z, _as_type(Z, distributions("Y", Y, Z.shape))


def _as_type(Z: Array, Y: Array) -> Array:
    if Y.dtype.kind == "c" != Z.dtype.kind:
        raise ValueError(f"Y must hold real numbers, as the first argument does, but its type is {Y.dtype}")
    return np.asarray(Y, Z.dtype)


def _differences(Z: Array, z: Array) -> Array:
    D = Z - z[:, None]
    if values_are_checked() and not all_finite(D):
        raise OverflowError(f"the logits in a row of Z differ by more than a number of type {D.dtype} can hold")
    return D


def _probability_pair(S: ArrayLike, Y: ArrayLike, epsilon: float) -> tuple[Array, Array]:
    S = numbers("S", S, ndim=2)
    if S.real.min() < 0 or S.real.max() > 1 + 1e-6:
        raise ValueError(f"S must lie in [0, 1], but ranges from {S.real.min()} to {S.real.max()}")
    S, Y = _logits(S, Y)
    if Y.ndim == 1:
        Y = one_hot(Y, S.shape[1]).astype(S.dtype)
    if real("epsilon", epsilon, below=0.5) > 0:
        S = np.clip(S, epsilon, 1 - epsilon)
    impossible = (Y != 0) & (S == 0)
    if impossible.any():
        i, k = (int(n) for n in np.argwhere(impossible)[0])
        raise ValueError(f"S[{i}, {k}] is 0 for a class that occurs, so the loss is infinite: "
                         "use softmax_cross_entropy on the logits, or epsilon > 0")
    return S, Y


def _per_sample(entries: Array) -> Array:
    return entries.reshape(len(entries), -1).sum(axis=1)


def _reduce(losses: Array, reduction: str) -> Loss:
    choice("reduction", reduction, ("mean", "sum", "none"))
    return losses if reduction == "none" else getattr(losses, reduction)()


def _divisor(m: int, reduction: str) -> int:
    return m if choice("reduction", reduction, ("mean", "sum")) == "mean" else 1
