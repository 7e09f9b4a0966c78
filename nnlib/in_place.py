"""The formulas of a training step once more, as a list of calls on arrays that are made once.

The plain functions make a new array for each result. That is easy to read, and it costs: a large new
array is a new piece of memory, which the operating system first fills with zeros, page by page; and
each formula is one more pass over numbers that have left the cache. `Step` makes all arrays of a step
beforehand, lets ReLU overwrite its input, and takes the softmax, its loss and its gradient together.
What is left to do for a batch is a list of calls such as `np.matmul(A, W, Z)`, the last argument being
where the result goes. Nothing is computed differently but for the order of a few roundings: the tests
hold each part to the plain function. The page `cost` measures what each saves.
"""
from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache, partial
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from .by_rows import Rows
from .kinds import Array, Arrays, DTypeLike, InputGradient, Labels, Loss, NDArray, Shape
from .layers import Activation, Conv2d, Dense, Flatten, Layer

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from .network import Network

T = TypeVar("T")
R = TypeVar("R")
Calls: TypeAlias = list[tuple[Callable[..., object], tuple[Any, ...]]]  # functions, and the arguments of each

BLOCK = 2**18  # entries; a pass over more is cut into blocks that stay in the cache, one for each thread in turn


class Step:
    """The forward and backward pass of a network for batches of one shape.

    `step(X, y, scale)` returns (loss, gradients): the loss of the batch and `scale` times its
    gradients, in arrays that the next call overwrites. `gradients` may name the arrays to be written.
    The parameters may be changed in place between two calls, and not be replaced.

    >>> from nnlib import Network
    >>> step = Step(Network([Dense([[2.0]])], "identity"), (1, 1), np.float64)
    >>> loss, gradients = step(np.array([[1.0]]), np.array([[5.0]]))
    >>> float(loss), gradients
    (9.0, {'W1': array([[-6.]])})
    """

    def __init__(self, network: Network, shape: Shape, dtype: DTypeLike,
                 gradients: Arrays | None = None) -> None:
        self.network, self.X = network, np.empty(shape, dtype)
        self.gradients = gradients or {name: np.empty_like(array) for name, array in network.parameters.items()}
        self.forward_calls: Calls = []
        self.backward_calls: Calls = []
        parts: list[_Part] = []
        A, number = self.X, 0
        for layer in network.layers:
            number += bool(layer.parameters)
            own = {name: self.gradients[name + str(number)] for name in layer.parameters}
            parts.append(_part(layer)(layer, A, own, bool(parts)))
            self.forward_calls += parts[-1].forward
            A = parts[-1].out
        self.parts, self.Z, self.fused = parts, A, network.output == "softmax" and type(parts[-1]) is _Dense
        dA = self.dZ = A if self.fused else np.empty_like(A)  # nobody asks for the logits again
        for part in reversed(parts):
            calls, dA = part.backward(dA)
            self.backward_calls += calls

    def logits(self, X: Array) -> Array:
        """Return the logits of X; the next call overwrites them.

        >>> from nnlib import Network
        >>> step = Step(Network([Dense([[2.0]])], "identity"), (1, 1), np.float64)
        >>> Z = step.logits(np.array([[3.0]]))
        >>> step.logits(np.array([[5.0]])) is Z, Z
        (True, array([[10.]]))
        """
        if X is not self.X:
            np.copyto(self.X, X)
        return self._forward()

    def predict(self, X: Array) -> Array:
        """Do the same for a batch that needs no backward: a first dense layer reads X where it lies.

        >>> from nnlib import Network
        >>> step = Step(Network([Dense([[2.0]])], "identity"), (1, 1), np.float64)
        >>> step.predict(np.array([[3.0]]))
        array([[6.]])
        """
        if type(self.parts[0]) is not _Dense:
            return self.logits(X)
        np.matmul(X, self.parts[0].layer.W, out=self.parts[0].out)
        return self._forward(1)

    def _forward(self, start: int = 0) -> Array:
        for function, arguments in self.forward_calls[start:]:
            function(*arguments)
        return self.Z

    def __call__(self, X: Array, Y: NDArray[Any], scale: float = 1.0) -> tuple[Loss, Arrays]:
        """Return the loss of the batch, and `scale` times its gradients.

        >>> from nnlib import Network
        >>> step = Step(Network([Dense([[2.0]])], "identity"), (1, 1), np.float64)
        >>> step(np.array([[1.0]]), np.array([[5.0]]), scale=0.5)[1]
        {'W1': array([[-3.]])}
        """
        Z, network = self.logits(X), self.network
        if self.fused and np.ndim(Y) == 1:
            loss: Loss = softmax_cross_entropy_in_place(Z, Y, scale / len(Z)) / len(Z)
        else:
            loss = network.loss_of_logits(Z, Y)
            np.multiply(network._loss_backward(Z, Y), scale, self.dZ)
        for function, arguments in self.backward_calls:
            function(*arguments)
        return loss, self.gradients


class Steps:
    """`Step` for batches of any shape: one is made for each shape that comes.

    >>> from nnlib import Network
    >>> steps = Steps(Network([Dense([[2.0]])], "identity"))
    >>> [steps(X, 2 * X)[1]["W1"].item() for X in (np.ones((4, 1)), np.ones((3, 1)))]
    [0.0, 0.0]
    >>> [shape for shape, _ in steps.made]
    [(4, 1), (3, 1)]
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.made: dict[tuple[Shape, np.dtype[Any]], Step] = {}
        self.gradients: Arrays | None = None

    def of(self, shape: Shape, dtype: np.dtype[Any]) -> Step:
        """Return the step for batches of this shape and type.

        >>> from nnlib import Network
        >>> steps = Steps(Network([Dense([[2.0]])], "identity"))
        >>> step = steps.of((4, 1), np.dtype(float))
        >>> step.X.shape, steps.of((4, 1), np.dtype(float)) is step
        ((4, 1), True)
        """
        if (shape, dtype) not in self.made:
            self.network.logits(np.zeros((1, *shape[1:]), dtype))  # refuses what the network cannot take
            self.made[shape, dtype] = Step(self.network, shape, dtype, self.gradients)
            self.gradients = self.made[shape, dtype].gradients
        return self.made[shape, dtype]

    def batch(self, X: Array, index: Labels) -> Array:
        """Return X[index] in the array from which its step reads.

        >>> from nnlib import Network
        >>> Steps(Network([Dense([[2.0]])], "identity")).batch(np.array([[5.0], [6.0], [7.0]]), np.array([2, 0]))
        array([[7.],
               [5.]])
        """
        # "clip": every index is in range, and without a second check NumPy copies straight into the array
        return X.take(index, axis=0, out=self.of((len(index), *X.shape[1:]), X.dtype).X, mode="clip")

    def __call__(self, X: Array, Y: NDArray[Any], scale: float = 1.0) -> tuple[Loss, Arrays]:
        """Return what the step for batches of the shape and type of X returns.

        >>> from nnlib import Network
        >>> steps = Steps(Network([Dense([[2.0]])], "identity"))
        >>> steps(np.array([[1.0]]), np.array([[5.0]]))[1]
        {'W1': array([[-6.]])}
        """
        return self.of(X.shape, X.dtype)(X, Y, scale)


def _part(layer: Layer) -> type[_Part]:
    kind = layer.name if type(layer) is Activation else type(layer)
    return {Dense: _Dense, Conv2d: _Conv2d, Flatten: _Flatten, "relu": _Relu}.get(kind, _Plain)


class _Part:
    """A layer as calls: `forward` leads from the array A to the array `out`, and `backward(dOut)` returns
    its calls with the array of dA, which is None unless the layer is an inner one."""

    def __init__(self, layer: Layer, A: Array, gradients: Arrays, inner: bool) -> None:
        self.layer, self.A, self.gradients, self.inner = layer, A, gradients, inner
        self.dtype = np.result_type(A, *layer.parameters.values())
        self.forward: Calls = []
        self.out: Array
        self.prepare()

    def prepare(self) -> None:
        raise NotImplementedError

    def backward(self, dOut: Array, /) -> tuple[Calls, InputGradient]:
        raise NotImplementedError


class _Dense(_Part):
    layer: Dense

    def prepare(self) -> None:
        W, b = self.layer.W, self.layer.b
        self.out = np.empty((len(self.A), W.shape[1]), self.dtype)
        self.forward = [(np.matmul, (self.A, W, self.out))]
        if b is not None:
            self.forward.append((np.add, (self.out, b, self.out)))

    def backward(self, dZ: Array) -> tuple[Calls, InputGradient]:
        A, W, gradients = self.A, self.layer.W, self.gradients
        calls: Calls = [(np.matmul, (A.T, dZ, gradients["W"]))]
        if "b" in gradients:
            ones = np.ones(len(A), self.dtype)  # the sum of the rows, as a product
            calls.append((np.matmul, (ones, dZ, gradients["b"])))
        if not self.inner:
            return calls, None
        dA = np.empty_like(A)
        if A.flags.c_contiguous:
            return calls + [(np.matmul, (dZ, W.T, dA))], dA
        # images come with the samples last; their gradient shall lie in memory in the same way
        return calls + [(np.matmul, (W, dZ.T, dA.T))], dA


class _Relu(_Part):
    def prepare(self) -> None:
        # A takes the place of Z: the backward asks for Z > 0, and A > 0 says the same
        self.out = self.A if self.inner else np.empty_like(self.A)
        # zeros: the maximum of two arrays is more than twice as fast as that of an array and a number
        self.forward = [(partial(np.maximum, out=self.out), (self.A, np.zeros_like(self.A)))]

    def backward(self, dA: Array) -> tuple[Calls, InputGradient]:
        positive = np.empty_like(self.out, dtype=bool)
        return [(np.greater, (self.out, np.zeros((), self.dtype), positive)), (np.multiply, (dA, positive, dA))], dA


class _Flatten(_Part):
    def prepare(self) -> None:
        A = self.A
        if A.flags.c_contiguous:
            self.out = A.reshape(len(A), -1)
        else:  # images that come with the samples last; the rows shall lie in memory in the same way
            self.out = np.empty((prod(A.shape[1:]), len(A)), A.dtype).T
            self.forward = [(np.copyto, (self.out.reshape(A.shape), A))]

    def backward(self, dOut: Array) -> tuple[Calls, InputGradient]:
        return [], dOut.reshape(self.A.shape)


class _Conv2d(_Part):
    layer: Conv2d

    def prepare(self) -> None:
        W, b = self.layer.W, self.layer.b
        self.rows = Rows(self.A.shape, W.shape, self.layer.padding, self.dtype)
        self.out = self.rows.out
        self.forward = [(self.rows.forward, (self.A, W, b))]

    def backward(self, dY: Array) -> tuple[Calls, InputGradient]:
        rows, W = self.rows, self.layer.W
        dA = rows.make_input_gradient() if self.inner else None
        return [(rows.backward, (dY, W, dA, self.gradients["W"], self.gradients.get("b")))], dA


class _Plain(_Part):
    """Any other layer: its own forward and backward, copied into arrays of the step."""

    def prepare(self) -> None:
        self.kept = np.empty_like(self.A)  # what comes next may write over its input
        self.out = np.array(self.layer.forward(np.zeros_like(self.A)))
        self.forward = [(self.run, ())]

    def run(self) -> None:
        np.copyto(self.kept, self.A)
        np.copyto(self.out, self.layer.forward(self.kept))

    def backward(self, dOut: Array) -> tuple[Calls, InputGradient]:
        dA = np.empty_like(self.A) if self.inner else None
        return [(self.run_backward, (dOut, dA))], dA

    def run_backward(self, dOut: Array, dA: InputGradient) -> None:
        found, gradients = self.layer.backward(dOut, self.kept, self.inner)
        if self.inner:
            np.copyto(dA, found)
        for name, gradient in self.gradients.items():
            np.copyto(gradient, gradients[name])


def softmax_cross_entropy_in_place(Z: Array, y: Labels, scale: float, dZ: Array | None = None) -> float:
    """Return the sum over samples of the loss, and write scale · (softmax(Z) − Y) into dZ, or into Z.

    Z and dZ have shape (m, K) and are contiguous, y holds m labels. One exp serves both results.

    >>> Z = np.zeros((1, 2))
    >>> round(softmax_cross_entropy_in_place(Z, np.array([0]), scale=1.0), 4), Z
    (0.6931, array([[-0.5,  0.5]]))
    """
    dZ = Z if dZ is None else dZ
    if Z.size <= BLOCK:
        return _softmax_block(Z, y, scale, dZ)
    rows = max(1, BLOCK // Z.shape[1])
    blocks = [slice(start, start + rows) for start in range(0, len(Z), rows)]
    return sum(in_threads(lambda part: _softmax_block(Z[part], y[part], scale, dZ[part]), blocks))


def _softmax_block(Z: Array, y: Labels, scale: float, dZ: Array) -> float:
    start = np.arange(0, Z.size, Z.shape[1])  # where the rows start in memory
    at = start + y
    true, largest = Z.take(at), Z.take(start + Z.argmax(axis=1))
    # a pass is spared where no exponential that matters can leave the range of float32, e^±87
    far = not (-1 < largest.min() and largest.max() < 40 and -80 < true.min())
    if far:
        np.subtract(Z, largest[:, None], out=dZ)
        true = dZ.take(at)
    np.exp(dZ if far else Z, out=dZ)
    e = dZ.take(at)
    dZ.put(at, 0)
    others = np.einsum("ij->i", dZ)  # two to three times as fast as the sum along an axis
    factor = scale / (others + e)
    np.multiply(dZ, factor[:, None], out=dZ)
    # the entries of a row sum to 0; s − 1 would lose its digits where s is close to 1
    dZ.put(at, -factor * others)
    if not far:
        return float(np.log1p(others.astype(float) / e).sum())
    # where the true class is the largest, e = 1, and log1p keeps the digits of a small loss
    return float(np.where(true == 0, np.log1p(others), np.log(others + e) - true).sum())


def threads() -> int:
    """Return how many threads the matrix library has been given: as many as there are cores, or
    what OPENBLAS_NUM_THREADS or OMP_NUM_THREADS says. Where no thread can be started, 1.

    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, OPENBLAS_NUM_THREADS="3"):
    ...     threads()
    3
    """
    given = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    cores = os.cpu_count() or 1 if not hasattr(os, "sched_getaffinity") else len(os.sched_getaffinity(0))
    return 1 if sys.platform == "emscripten" else int(given) if given.isdigit() else cores


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # here: most programs never start a thread
    return ThreadPoolExecutor(workers, "nnlib")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has the pool, and none of its threads


@contextmanager
def _on_core(n: int) -> Iterator[None]:
    """Keep this thread on one core inside the block. Else the system may leave a thread that has just been woken,
    for many milliseconds, on the core of the thread that woke it, and the two take turns."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    thread = threading.get_native_id()
    allowed = os.sched_getaffinity(thread)
    if n < len(allowed):
        os.sched_setaffinity(thread, {sorted(allowed)[n]})
    try:
        yield
    finally:
        os.sched_setaffinity(thread, allowed)


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return work(item) for each item, in any order, computed by as many threads as `threads()` says.

    >>> sorted(in_threads(lambda x: x * x, [1, 2, 3]))
    [1, 4, 9]
    """
    count = min(threads(), len(items))
    if count < 2:
        return [work(item) for item in items]
    def share(n: int) -> list[R]:
        with _on_core(n):
            return [work(item) for item in items[n::count]]

    # each in a copy of the context: what is trusted and which warnings are off holds there too
    others = [_pool(count - 1).submit(copy_context().run, share, n) for n in range(1, count)]
    return share(0) + [result for other in others for result in other.result()]
