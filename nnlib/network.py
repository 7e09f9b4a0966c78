"""Networks: a list of layers, and an output map that says what the last numbers mean.

`forward` returns every stage A⁰ = X, A¹, … , the book's own notation, and `backward` walks the same
list from its end. A network remembers nothing between the two.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import NoReturn

import numpy as np

from . import losses
from .activations import sigmoid, softmax
from .checks import (
    all_finite,
    choice,
    generator,
    instance,
    numbers,
    reals,
    trusted,
    values_are_checked,
    whole,
)
from .in_place import Step
from .kinds import Array, ArrayLike, Arrays, DTypeLike, Labels, Loss, Shape
from .layers import Activation, Dense, Layer

ROWS = 512  # samples in a block of a long prediction

# the task decides the output map, and with it the loss of the logits (S2-10, S2-72)
OUTPUTS: dict[str, tuple[Callable[[Array], Array], Callable[..., Loss], Callable[..., Array]]] = {
    "identity": (lambda Z: Z, losses.squared_error, losses.squared_error_backward),
    "sigmoid": (sigmoid, losses.sigmoid_cross_entropy, losses.sigmoid_cross_entropy_backward),
    "softmax": (softmax, losses.softmax_cross_entropy, losses.softmax_cross_entropy_backward),
}


class Network:
    """Layers in a row, followed by an output map: "identity" for regression, "sigmoid" for two
    classes, "softmax" for K classes.

    The last layer returns the logits Z. The output map turns them into a prediction, and decides
    the loss: squared error, sigmoid cross-entropy or softmax cross-entropy.
    Source: S0-34, S1-14, S2-10, S4-24.

    >>> net = Network([Dense([[1.0, -1.0]]), Activation("relu"), Dense([[1.0], [2.0]])], "identity")
    >>> [A.tolist() for A in net.forward([[3.0]])]
    [[[3.0]], [[3.0, -3.0]], [[3.0, 0.0]], [[3.0]]]
    """

    def __init__(self, layers: Iterable[Layer], output: str) -> None:
        layers = list(instance("layers", layers, (list, tuple), "a list of layers"))
        for layer in layers:
            if isinstance(layer, type) or not (hasattr(layer, "forward") and hasattr(layer, "backward")):
                raise ValueError(f"layers must hold layers, but holds {layer!r}")
        if not layers:
            raise ValueError("layers is empty: a network needs at least one layer")
        self.layers = layers
        self.output = choice("output", output, tuple(OUTPUTS))
        self._output_map, self._loss, self._loss_backward = OUTPUTS[output]

    @property
    def parameters(self) -> Arrays:
        """The parameters by name: {"W1": …, "b1": …, "W2": …}, numbered by layers that have any.

        The arrays are the network's own: changing them in place changes the network.

        >>> net = Network([Dense([[2.0]]), Activation("relu"), Dense([[3.0]], [1.0])], "identity")
        >>> net.parameters
        {'W1': array([[2.]]), 'W2': array([[3.]]), 'b2': array([1.])}
        >>> net.parameters["W1"][0, 0] = 5.0
        >>> net.predict([[1.0]])
        array([[16.]])
        """
        return {name + str(l): array for l, (_, layer) in enumerate(self._with_parameters(), start=1)
                for name, array in layer.parameters.items()}

    @parameters.setter
    def parameters(self, arrays: Mapping[str, ArrayLike]) -> None:
        own = self.parameters
        if set(instance("parameters", arrays, dict, "a dictionary of arrays")) != set(own):
            raise ValueError(f"parameters must be named {sorted(own)}, but are named {sorted(arrays, key=str)}")
        checked = {name: numbers(name, arrays[name], shape=own[name].shape).copy() for name in own}
        for l, (_, layer) in enumerate(self._with_parameters(), start=1):
            layer.parameters = {name: checked[name + str(l)] for name in layer.parameters}

    def _with_parameters(self) -> list[tuple[int, Layer]]:
        return [(at, layer) for at, layer in enumerate(self.layers) if layer.parameters]

    def forward(self, X: ArrayLike) -> list[Array]:
        """Return the list of all stages: the input, then the output of each layer.

        X has shape (m, n), or (m, c, h, w) where the first layer is a convolution.
        Source: S0-34, S4-25.

        >>> Network([Dense([[2.0]]), Dense([[3.0]])], "identity").forward([[1.0]])
        [array([[1.]]), array([[2.]]), array([[6.]])]
        """
        stages = [numbers("X", X)]
        with self._naming_the_layer(stages):
            for layer in self.layers:
                stages.append(layer.forward(stages[-1]))
        return stages

    @contextmanager
    def _naming_the_layer(self, stages: Sized) -> Iterator[None]:
        try:
            yield
        except (ValueError, OverflowError) as error:
            kind = OverflowError if isinstance(error, OverflowError) else ValueError
            layer = self.layers[len(stages) - 1]
            raise kind(f"layer {len(stages)}, {type(layer).__name__}: {error}") from error

    def backward(self, dOut: ArrayLike, stages: Sequence[ArrayLike],
                 input_gradient: bool = True) -> tuple[list[Array], Arrays]:
        """Return (dstages, gradients) for the upstream gradient dOut of the last stage.

        dstages[i] is ∂L/∂stages[i]; gradients has the names and shapes of `parameters`. With
        `input_gradient=False` dstages[0], the gradient of the data, may be None.
        Source: S0-45, S1-55, S2-80, S4-31.

        >>> net = Network([Dense([[2.0]]), Dense([[3.0]])], "identity")
        >>> dstages, gradients = net.backward([[1.0]], net.forward([[10.0]]))
        >>> dstages
        [array([[6.]]), array([[3.]]), array([[1.]])]
        >>> gradients
        {'W1': array([[30.]]), 'W2': array([[20.]])}
        """
        instance("stages", stages, (list, tuple), "a list of arrays")
        if len(stages) != len(self.layers) + 1:
            raise ValueError(f"stages must hold {len(self.layers) + 1} arrays, but holds {len(stages)}")
        dstages = [numbers("dOut", dOut, shape=numbers("the last of stages", stages[-1]).shape)]
        found: list[Arrays] = []
        for l in reversed(range(len(self.layers))):
            dA, gradients = self.layers[l].backward(dstages[0], stages[l], input_gradient or l > 0)
            dstages.insert(0, dA)
            found.insert(0, gradients)
        with_parameters = [gradients for gradients in found if gradients]
        return dstages, {name + str(l): g for l, gradients in enumerate(with_parameters, start=1)
                         for name, g in gradients.items()}

    def logits(self, X: ArrayLike) -> Array:
        """Return Z, the output of the last layer, before the output map.

        Raises ValueError for a parameter that was changed in place to what is no finite number, and
        OverflowError where a layer's result is too large for a float. (Of more than 1,024 samples the
        last layer's result alone is looked at.) Source: S0-07, S2-11.

        >>> Network([Dense([[1.0, -1.0]])], "softmax").logits([[3.0]])
        array([[ 3., -3.]])
        """
        A = numbers("X", X)
        if A.ndim > 1 and len(A) > 2 * ROWS:
            return self._logits_in_blocks(A)
        # ReLU would hide −∞. A layer's output shows whatever its parameters hold, and is smaller than they are
        finite, checked = [True], values_are_checked()
        with trusted(), self._naming_the_layer(finite):
            for layer in self.layers:
                A = layer.forward(A)
                finite.append(not checked or not layer.parameters or all_finite(A))
        if not all(finite):
            self._complain()
        return A

    def _complain(self) -> NoReturn:
        for name, array in self.parameters.items():
            numbers(name, array)
        raise OverflowError("a layer's result is too large for a float: X or a parameter holds numbers too large")

    def _logits_in_blocks(self, X: Array) -> Array:
        # so that what a block's layers hand on stays in the cache, and memory does not grow with m
        for name, array in self.parameters.items():
            numbers(name, array)
        step = Step(self, (ROWS, *X.shape[1:]), X.dtype)
        Z = np.empty((len(X), *step.Z.shape[1:]), step.Z.dtype)
        end = len(X) - len(X) % ROWS
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, end, ROWS):
                Z[start:start + ROWS] = step.predict(X[start:start + ROWS])
        if end < len(X):
            Z[end:] = self.logits(X[end:])
        if values_are_checked() and not all_finite(Z):
            self._complain()
        return Z

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the soft prediction: rows of probabilities (softmax), P(y = 1) (sigmoid), or the
        value itself (identity). Source: S0-49, S1-04, S2-11, S2-13, S2-15.

        >>> Network([Dense([[1.0, 1.0]])], "softmax").predict_proba([[3.0]])
        array([[0.5, 0.5]])
        """
        Z = self.logits(X)
        with trusted():
            return self._output_map(Z)

    def predict(self, X: ArrayLike) -> Array | Labels:
        """Return the hard decision: the label with the largest logit, the first of equal ones
        (softmax); 1 where the logit is ≥ 0 (sigmoid); the value itself (identity).
        Labels count from 0; one sigmoid output gives a vector of m labels.
        Source: S2-12, S2-14, S0-48.

        >>> Network([Dense([[1.0, -1.0]])], "softmax").predict([[3.0], [-2.0]])
        array([0, 1])
        >>> Network([Dense([[1.0]])], "sigmoid").predict([[3.0], [-2.0]])
        array([1, 0])
        """
        Z = reals("the logits of X", self.logits(X))  # complex numbers have no order
        if self.output == "softmax":
            return Z.argmax(axis=1)
        if self.output == "sigmoid":
            labels = (Z >= 0).astype(int)
            return labels[:, 0] if labels.shape[1:] == (1,) else labels
        return Z

    def loss(self, X: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Loss:
        """Return the loss of the batch; Y as the network's loss function wants it. Source: S0-35.

        >>> float(Network([Dense([[2.0]])], "identity").loss([[1.0]], [[5.0]]))
        9.0
        """
        return self.loss_of_logits(self.logits(X), Y, reduction)

    def loss_of_logits(self, Z: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> Loss:
        """Return the loss of a batch from its logits Z. Source: S2-72.

        >>> float(Network([Dense([[2.0]])], "identity").loss_of_logits([[4.0]], [[5.0]]))
        1.0
        """
        return self._loss(Z, Y, reduction)

    def gradients(self, X: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> tuple[Loss, Arrays]:
        """Return (loss, gradients): the forward pass, the loss and the backward pass in one.

        Source: S0-45.

        >>> loss, gradients = Network([Dense([[2.0]])], "identity").gradients([[1.0]], [[5.0]])
        >>> float(loss), gradients
        (9.0, {'W1': array([[-6.]])})
        """
        stages = self.forward(X)
        loss = self._loss(stages[-1], Y, reduction)
        dZ = self._loss_backward(stages[-1], Y, reduction)
        return loss, self.backward(dZ, stages, input_gradient=False)[1]

    def shapes(self, X: ArrayLike) -> list[tuple[str, Shape, dict[str, Shape]]]:
        """Return rows (stage, shape, shapes of the parameters) for the input X. Source: S0-21.

        >>> Network([Dense([[1.0, -1.0]]), Activation("relu")], "identity").shapes([[3.0]])
        [('input', (1, 1), {}), ('Dense', (1, 2), {'W': (1, 2)}), ('relu', (1, 2), {})]
        """
        first, *stages = self.forward(X)
        rows: list[tuple[str, Shape, dict[str, Shape]]] = [("input", first.shape, {})]
        for layer, A in zip(self.layers, stages):
            rows.append((getattr(layer, "name", type(layer).__name__), A.shape,
                         {name: array.shape for name, array in layer.parameters.items()}))
        return rows


def dense_network(widths: Sequence[int], rng: np.random.Generator, activation: str = "relu", output: str = "softmax",
                  weights: str = "he", bias: bool = True, dtype: DTypeLike = "float32") -> Network:
    """Return a network of dense layers with n₀, n₁, …, n_L = `widths` neurons.

    The activation stands between them. `dense_network([784, 800, 10], rng)` is the network of S1;
    `dense_network([784, n, n, 10], rng, bias=False)` is that of S4. Source: S0-18, S1-01, S4-14.

    >>> net = dense_network([4, 3, 2], np.random.default_rng(0))
    >>> {name: array.shape for name, array in net.parameters.items()}
    {'W1': (4, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
    """
    generator("rng", rng)
    if not isinstance(widths, (list, tuple)) or len(widths) < 2:
        raise ValueError(f"widths must name at least an input and an output width, but is {widths!r}")
    widths = [whole("widths", n) for n in widths]
    layers: list[Layer] = []
    for n_in, n_out in zip(widths[:-1], widths[1:]):
        layers += [Dense.random(n_in, n_out, rng, weights, bias, dtype), Activation(activation)]
    return Network(layers[:-1], output)


def regression_network(n_in: int, n_hidden: int, n_out: int, rng: np.random.Generator,
                       activation: str = "sigmoid") -> Network:
    """Return S2's network with one hidden layer for regression: the prediction is z^O.

    Source: S2-15.

    >>> regression_network(3, 5, 2, np.random.default_rng(0)).predict(np.zeros((4, 3))).shape
    (4, 2)
    """
    widths = [whole("n_in", n_in), whole("n_hidden", n_hidden), whole("n_out", n_out)]
    return dense_network(widths, rng, activation, "identity", "glorot", dtype="float64")


def binary_network(n_in: int, n_hidden: int, rng: np.random.Generator, activation: str = "sigmoid") -> Network:
    """Return S2's network with one hidden layer for two classes: P(y = 1) = σ(z^O).

    Source: S2-11.

    >>> binary_network(3, 5, np.random.default_rng(0)).predict_proba(np.zeros((4, 3))).shape
    (4, 1)
    """
    widths = [whole("n_in", n_in), whole("n_hidden", n_hidden), 1]
    return dense_network(widths, rng, activation, "sigmoid", "glorot", dtype="float64")


def class_network(n_in: int, n_hidden: int, classes: int, rng: np.random.Generator,
                  activation: str = "sigmoid") -> Network:
    """Return S2's network with one hidden layer for K classes: P(y = k) = softmax(z^O)_k.

    Source: S2-13.

    >>> class_network(3, 5, 4, np.random.default_rng(0)).predict_proba(np.zeros((2, 3))).shape
    (2, 4)
    """
    widths = [whole("n_in", n_in), whole("n_hidden", n_hidden), whole("classes", classes, least=2)]
    return dense_network(widths, rng, activation, "softmax", "glorot", dtype="float64")
