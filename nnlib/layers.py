"""Layers: they hold parameters and no mathematics.

Each has `parameters` (a dictionary of arrays), `forward(A)` which returns the layer's output, and
`backward(dOut, A)` which returns the gradient by the layer's input A and a dictionary of gradients
with the names and shapes of the parameters. Nothing is remembered between the two. With
`input_gradient=False` a layer need not compute the gradient by A.
"""
from __future__ import annotations

from typing import Protocol, Self

import numpy as np

from .activations import activation
from .by_rows import conv2d_by_rows, conv2d_by_rows_backward
from .checks import numbers, whole
from .initial import initial_weights
from .kinds import Array, ArrayLike, Arrays, DTypeLike, InputGradient
from .linear import dense, dense_backward


class Layer(Protocol):
    """What a network asks of a layer; a reader's own class with these three is a layer too.

    >>> from nnlib import Network
    >>> class Doubled:
    ...     parameters = {}
    ...     def forward(self, A):
    ...         return 2 * A
    ...     def backward(self, dOut, A, input_gradient=True):
    ...         return 2 * dOut, {}
    >>> Network([Dense([[1.0], [1.0]]), Doubled()], "identity").predict([[3.0, 4.0]])
    array([[14.]])
    """

    parameters: Arrays

    def forward(self, A: ArrayLike, /) -> Array: ...

    def backward(self, dOut: ArrayLike, A: ArrayLike, /,
                 input_gradient: bool = True) -> tuple[InputGradient, Arrays]: ...


class _Linear:
    """A layer with weights W and, if it has one, a bias b."""

    axes: int  # of W
    out_axis: int  # the one that counts the outputs

    def __init__(self, W: ArrayLike, b: ArrayLike | None = None) -> None:
        # copies: training changes them in place, and the caller's arrays stay as they are
        self.parameters: Arrays = {"W": numbers("W", W, ndim=self.axes).copy()}
        if b is not None:
            self.parameters["b"] = numbers("b", b, shape=(self.n_out,)).copy()

    @property
    def W(self) -> Array:
        return self.parameters["W"]

    @property
    def b(self) -> Array | None:
        return self.parameters.get("b")

    @property
    def n_out(self) -> int:
        return self.W.shape[self.out_axis]

    def _gradients(self, dW: Array, db: Array) -> Arrays:
        return {"W": dW} if self.b is None else {"W": dW, "b": db}


class Dense(_Linear):
    """The dense layer Z = AW + b, or Z = AW where b is None (also: linear, fully connected).

    W has shape (n_in, n_out), b (n_out,). Raises ValueError where they do not fit.
    Source: S0-13, S3-07, S4-40; without bias S4-14.

    >>> Dense([[1.0], [2.0]], [0.5]).forward([[3.0, 4.0]])
    array([[11.5]])
    """

    axes = 2
    out_axis = 1

    @classmethod
    def random(cls, n_in: int, n_out: int, rng: np.random.Generator, weights: str = "he", bias: bool = True,
               dtype: DTypeLike = "float32") -> Self:
        """Return a layer with random weights ("he", "glorot" or "small") and zero biases.

        >>> layer = Dense.random(3, 2, np.random.default_rng(0))
        >>> layer.W.shape, layer.b.shape, bool(layer.b.any())
        ((3, 2), (2,), False)
        """
        shape = whole("n_in", n_in), whole("n_out", n_out)
        W = initial_weights(weights, rng, shape, dtype)
        return cls(W, 0 * W[0] if bias else None)

    def forward(self, A: ArrayLike) -> Array:
        """Return Z = AW + b, of shape (m, n_out).

        >>> Dense([[1.0], [2.0]]).forward([[3.0, 4.0], [5.0, 6.0]])
        array([[11.],
               [17.]])
        """
        return dense(A, self.W, self.b)

    def backward(self, dZ: ArrayLike, A: ArrayLike, input_gradient: bool = True) -> tuple[InputGradient, Arrays]:
        """Return dA (None without `input_gradient`) and {"W": dW, "b": db}.

        >>> dA, gradients = Dense([[1.0], [2.0]], [0.5]).backward([[10.0]], [[3.0, 4.0]])
        >>> dA, gradients["W"].tolist(), gradients["b"].tolist()
        (array([[10., 20.]]), [[30.0], [40.0]], [10.0])
        """
        dA, dW, db = dense_backward(dZ, A, self.W, input_gradient)
        return dA, self._gradients(dW, db)


class Conv2d(_Linear):
    """The convolution layer Z = conv2d(A, W, b, padding).

    W has shape (k, c, p, q), b (k,) or None. Raises ValueError where they do not fit.
    Source: S4-36, S4-37.

    >>> Conv2d([[[[1.0, -1.0]]]]).forward([[[[1.0, 2.0, 4.0]]]])
    array([[[[-1., -2.]]]])
    """

    axes = 4
    out_axis = 0

    def __init__(self, W: ArrayLike, b: ArrayLike | None = None, padding: int = 0) -> None:
        super().__init__(W, b)
        self.padding = whole("padding", padding, least=0)

    @classmethod
    def random(cls, n_in: int, n_out: int, size: int, rng: np.random.Generator, padding: int = 0, weights: str = "he",
               bias: bool = True, dtype: DTypeLike = "float32") -> Self:
        """Return a layer of n_out random kernels of size × size over n_in channels.

        >>> Conv2d.random(3, 8, 5, np.random.default_rng(0)).W.shape
        (8, 3, 5, 5)
        """
        shape = whole("n_out", n_out), whole("n_in", n_in), whole("size", size), size
        W = initial_weights(weights, rng, shape, dtype)
        return cls(W, 0 * W[:, 0, 0, 0] if bias else None, padding)

    def forward(self, A: ArrayLike) -> Array:
        """Return Z, of shape (m, k, rows, columns).

        >>> Conv2d([[[[1.0, 1.0]]]], [10.0]).forward([[[[1.0, 2.0, 4.0]]]])
        array([[[[13., 16.]]]])
        """
        return conv2d_by_rows(A, self.W, self.b, self.padding)

    def backward(self, dZ: ArrayLike, A: ArrayLike, input_gradient: bool = True) -> tuple[InputGradient, Arrays]:
        """Return dA (None without `input_gradient`) and {"W": dW, "b": db}.

        >>> Conv2d([[[[1.0, -1.0]]]], [0.0]).backward([[[[1.0, 0.0]]]], [[[[1.0, 2.0, 3.0]]]])
        (array([[[[ 1., -1.,  0.]]]]), {'W': array([[[[1., 2.]]]]), 'b': array([1.])})
        """
        dA, dW, db = conv2d_by_rows_backward(dZ, A, self.W, self.padding, input_gradient)
        return dA, self._gradients(dW, db)


class Flatten:
    """Lay the axes of a sample in a row: (m, c, h, w) becomes (m, chw).

    >>> Flatten().forward([[[[1.0, 2.0], [3.0, 4.0]]]])
    array([[1., 2., 3., 4.]])
    """

    def __init__(self) -> None:
        self.parameters: Arrays = {}

    def forward(self, A: ArrayLike) -> Array:
        """Return A with one row per sample.

        >>> Flatten().forward(np.zeros((2, 3, 4, 5))).shape
        (2, 60)
        """
        A = _samples(A)
        return A.reshape(len(A), -1)

    def backward(self, dOut: ArrayLike, A: ArrayLike, input_gradient: bool = True) -> tuple[Array, Arrays]:
        """Return dOut in the shape of A, and no gradients.

        >>> Flatten().backward([[1.0, 2.0]], [[[[5.0, 6.0]]]])
        (array([[[[1., 2.]]]]), {})
        """
        A = _samples(A)
        return numbers("dOut", dOut, shape=(len(A), A[0].size)).reshape(A.shape), {}


def _samples(A: ArrayLike) -> Array:
    A = numbers("A", A)
    if A.ndim < 2:
        raise ValueError(f"A must have an axis of samples and at least one more, but has shape {A.shape}")
    return A


class Activation:
    """An activation function as a layer: "identity", "step", "sigmoid", "tanh", "relu", "softplus"
    or "softmax".

    >>> Activation("relu").forward([[-1.0, 2.0]])
    array([[0., 2.]])
    """

    def __init__(self, name: str) -> None:
        self._forward, self._backward = activation(name)
        self.name = name
        self.parameters: Arrays = {}

    def forward(self, Z: ArrayLike) -> Array:
        """Return A = σ(Z).

        >>> Activation("step").forward([[-3.0, 0.5]])
        array([[0., 1.]])
        """
        return self._forward(Z)

    def backward(self, dA: ArrayLike, Z: ArrayLike, input_gradient: bool = True) -> tuple[Array, Arrays]:
        """Return dZ, and no gradients.

        >>> Activation("relu").backward([[5.0, 5.0]], [[-1.0, 2.0]])
        (array([[0., 5.]]), {})
        """
        return self._backward(dA, Z), {}
