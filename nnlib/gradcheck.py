"""Numerical derivatives, to hold the formulas against.

Central differences lose half of the digits to rounding; the complex step loses none, but needs a
function that computes with complex numbers, as all functions of nnlib do.
"""
from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import numpy as np

from .checks import choice, function, in_range, instance, numbers, reals
from .kinds import Array, ArrayLike, Loss, Shape
from .network import Network


@in_range
def numerical_gradient(f: Callable[[Array], ArrayLike], X: ArrayLike, method: str = "central") -> Array:
    """Return G with G[j] = ∂f/∂X[j], the derivative tensor of f at X.

    f takes an array of the shape of X and returns a number or an array. G has the shape of f(X)
    followed by that of X; for a scalar f it has the shape of X. "central" uses
    (f(x + h) − f(x − h)) / 2h with h = 6e-6 (1 + |x|); "complex" uses Im f(x + ih) / h with
    h = 1e-30. Both are for float64. Raises ValueError where f returns what is no finite numbers,
    or real ones for complex ones: then it drops the part that counts. Source: S1-54, S2-51, S2-52, S2-53.

    >>> numerical_gradient(lambda x: x ** 2, [1.0, 2.0], "complex")
    array([[2., 0.],
           [0., 4.]])
    """
    choice("method", method, ("central", "complex")), function("f", f)
    X = reals("X", X).astype(np.float64)
    columns: list[Array] = []
    for at in np.ndindex(X.shape):
        if method == "central":
            h = 6e-6 * (1 + abs(float(X[at])))
            after, before = (numbers("f(X)", f(_moved(X, at, step))) for step in (h, -h))
            columns.append((after - before) / (2 * h))
        else:
            value = numbers("f(X)", f(_moved(X.astype(complex), at, 1e-30j)))
            if value.dtype.kind != "c":
                raise ValueError(f"f must compute with complex numbers, but returned {value.dtype} for complex128")
            columns.append(np.imag(value) / 1e-30)
    G = np.stack(columns, axis=-1)
    return G.reshape(G.shape[:-1] + X.shape)


def _moved(X: Array, at: Shape, h: complex) -> Array:
    X = X.copy()
    X[at] += h
    return X


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Return max |a − b| / max(1, |a|, |b|), the largest taken over all entries.

    >>> relative_error([1.0, 200.0], [1.0, 201.0])
    0.004975124378109453
    """
    a = numbers("a", a)
    b = numbers("b", b, shape=a.shape)
    size = np.maximum(1, np.maximum(np.abs(a), np.abs(b)))
    return float(2 * np.max(np.abs(a / 2 - b / 2) / size))  # halves, for a − b may be too large for a float


def gradient_check(network: Network, X: ArrayLike, Y: ArrayLike, method: str = "central") -> dict[str, float]:
    """Return {parameter: relative error} between back-propagation and a numerical derivative.

    The network is checked in float64 at the samples X, Y. About 1e-9 is to be expected of
    "central", 1e-14 of "complex". Close to a kink of ReLU the numerical derivative is the one that
    is wrong. Source: S0-37 … S0-43.

    >>> from nnlib import dense_network
    >>> net = dense_network([3, 4, 2], np.random.default_rng(0), activation="tanh")
    >>> errors = gradient_check(net, np.eye(3), [0, 1, 1], "complex")
    >>> max(errors.values()) < 1e-12
    True
    """
    X = reals("X", X).astype(np.float64)
    network = deepcopy(instance("network", network, Network, "a nnlib.Network"))  # the caller's network stays as it is
    exact = {name: array.astype(np.float64) for name, array in network.parameters.items()}
    network.parameters = exact
    found = network.gradients(X, Y)[1]

    def loss_at(name: str, array: Array) -> Loss:
        network.parameters = exact | {name: array}
        return network.loss(X, Y)

    return {name: relative_error(found[name], numerical_gradient(partial(loss_at, name), array, method))
            for name, array in exact.items()}
