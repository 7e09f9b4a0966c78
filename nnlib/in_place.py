"""The formulas of a training step once more, written into arrays that are made once.

The plain functions make a new array for each result. That is easy to read, and it costs: a large new
array is a new piece of memory, which the operating system first fills with zeros, page by page; and
each formula is one more pass over numbers that have left the cache. `Step` makes all arrays of a step
beforehand, lets ReLU overwrite its input, and takes the softmax, its loss and its gradient together.
Nothing is computed differently but for the order of a few roundings: the tests hold each part to the
plain function. The page `cost` measures what each saves.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from math import prod

import numpy as np

from .by_rows import Rows
from .layers import Activation, Conv2d, Dense, Flatten

BLOCK = 2**16  # entries; what is computed in several passes is cut into blocks that stay in the cache


class Step:
    """The forward and backward pass of a network for batches of one shape.

    `step(X, y, scale)` returns (loss, gradients): the loss of the batch and `scale` times its
    gradients, in arrays that the next call overwrites. The shape is that of X; `gradients` may
    name the arrays to be written.
    """

    def __init__(self, network, shape, dtype, gradients=None):
        self.network, self.parts = network, []
        arrays = gradients or {name: np.empty_like(array) for name, array in network.parameters.items()}
        number = 0
        for layer in network.layers:
            number += bool(layer.parameters)
            own = {name: arrays[name + str(number)] for name in layer.parameters}
            inner = bool(self.parts)
            part = _part(layer)(layer, shape, dtype, own, inner)
            self.parts.append(part)
            shape, dtype = part.shape, part.dtype
        self.gradients, self.shape, self.dtype = arrays, shape, dtype

    def logits(self, X):
        """Return the logits of X; the next call overwrites them."""
        for part in self.parts:
            X = part.forward(X)
        return X

    def __call__(self, X, Y, scale=1.0):
        Z, network = self.logits(X), self.network
        if network.output == "softmax" and np.ndim(Y) == 1 and type(self.parts[-1]) is _Dense:
            loss = softmax_cross_entropy_in_place(Z, Y, scale / len(Z)) / len(Z)
            dA = Z  # nobody asks for the logits again
        else:
            loss, dA = network.loss_of_logits(Z, Y), network._loss_backward(Z, Y) * scale
        for part in reversed(self.parts):
            dA = part.backward(dA)
        return loss, self.gradients


class Steps:
    """`Step` for batches of any shape: one is made for each shape that comes."""

    def __init__(self, network):
        self.network, self.made, self.gradients = network, {}, None

    def __call__(self, X, Y, scale=1.0):
        key = X.shape, X.dtype
        if key not in self.made:
            self.network.logits(X[:1])  # refuses samples that the network cannot take
            self.made[key] = Step(self.network, *key, self.gradients)
            self.gradients = self.made[key].gradients
        return self.made[key](X, Y, scale)


def _part(layer):
    kind = getattr(layer, "name", None) if type(layer) is Activation else type(layer)
    return {Dense: _Dense, Conv2d: _Conv2d, Flatten: _Flatten, "relu": _Relu}.get(kind, _Plain)


class _Part:
    """A layer with its arrays. `inner` says that a layer stands before it, which wants its dA."""

    def __init__(self, layer, shape, dtype, gradients, inner):
        self.layer, self.gradients, self.inner = layer, gradients, inner
        self.dtype = np.result_type(dtype, *layer.parameters.values())
        self.make(shape)

    def copy_gradients(self, found):
        for name, gradient in self.gradients.items():
            gradient[...] = found[name]


class _Dense(_Part):
    def make(self, shape):
        self.shape = shape[0], self.layer.n_out
        self.Z, self.ones = np.empty(self.shape, self.dtype), np.ones(shape[0], self.dtype)
        self.dA = np.empty(shape, self.dtype) if self.inner else None

    def forward(self, A):
        self.A = A
        np.matmul(A, self.layer.W, out=self.Z)
        if self.layer.b is not None:
            np.add(self.Z, self.layer.b, out=self.Z)
        return self.Z

    def backward(self, dZ):
        np.matmul(self.A.T, dZ, out=self.gradients["W"])
        if self.layer.b is not None:
            np.matmul(self.ones, dZ, out=self.gradients["b"])  # the sum of the rows, as a product
        if not self.inner:
            return None
        if self.A.flags.c_contiguous:
            return np.matmul(dZ, self.layer.W.T, out=self.dA)
        # images come with the samples last; their gradient shall lie in memory in the same way
        return np.matmul(self.layer.W, dZ.T, out=self.dA.reshape(self.dA.shape[::-1])).T


class _Relu(_Part):
    def make(self, shape):
        self.shape = shape
        self.A = self.positive = None

    def forward(self, Z):
        # A takes the place of Z: the backward asks for Z > 0, and A > 0 says the same
        self.A = np.maximum(Z, 0, out=Z if self.inner else None)
        if self.positive is None:
            self.positive = np.empty_like(self.A, dtype=bool)
        return self.A

    def backward(self, dA):
        np.greater(self.A, 0, out=self.positive)
        return np.multiply(dA, self.positive, out=dA)


class _Flatten(_Part):
    def make(self, shape):
        self.images, self.shape = shape, (shape[0], prod(shape[1:]))

    def forward(self, A):
        self.samples_last = not A.flags.c_contiguous
        return A.transpose(1, 2, 3, 0).reshape(-1, len(A)).T if self.samples_last else A.reshape(self.shape)

    def backward(self, dOut):
        if self.samples_last:
            return dOut.T.reshape(*self.images[1:], -1).transpose(3, 0, 1, 2)
        return dOut.reshape(self.images)


class _Conv2d(_Part):
    def make(self, shape):
        W = self.layer.W
        self.rows = Rows(shape, W.shape, self.layer.padding, self.dtype)
        self.shape = self.rows.shape

    def forward(self, A):
        return self.rows.forward(A, self.layer.W, self.layer.b)

    def backward(self, dY):
        dA, dW, db = self.rows.backward(dY, self.layer.W, self.inner)
        self.copy_gradients({"W": dW, "b": db})
        return dA


class _Plain(_Part):
    """Any other layer: its own forward and backward."""

    def make(self, shape):
        self.shape = self.layer.forward(np.zeros(shape, self.dtype)).shape

    def forward(self, A):
        self.A = A.copy()  # what comes next may write over its input
        return self.layer.forward(A)

    def backward(self, dOut):
        dA, found = self.layer.backward(dOut, self.A, self.inner)
        self.copy_gradients(found)
        return dA.copy() if self.inner else None


def softmax_cross_entropy_in_place(Z, y, scale):
    """Return the sum over samples of the loss, and write scale · (softmax(Z) − Y) into Z.

    Z has shape (m, K) and is contiguous, y holds m labels. One exp serves both.
    """
    if Z.size <= BLOCK:
        return _softmax_block(Z, y, scale)
    rows = max(1, BLOCK // Z.shape[1])
    blocks = [slice(start, start + rows) for start in range(0, len(Z), rows)]
    return sum(in_threads(lambda part: _softmax_block(Z[part], y[part], scale), blocks))


def _softmax_block(Z, y, scale):
    flat, start = Z.reshape(-1), np.arange(0, Z.size, Z.shape[1])
    at = start + y
    largest = flat.take(start + Z.argmax(axis=1))
    np.subtract(Z, largest[:, None], out=Z)
    true = flat.take(at)
    np.exp(Z, out=Z)
    e = flat.take(at)
    flat[at] = 0
    others = Z @ np.ones(Z.shape[1], Z.dtype)  # the sum of each row, as a product
    factor = scale / (others + e)
    np.multiply(Z, factor[:, None], out=Z)
    # the entries of a row sum to 0; s − 1 would lose its digits where s is close to 1
    flat[at] = -factor * others
    # where the true class is the largest, e = 1, and log1p keeps the digits of a small loss
    return float(np.where(true == 0, np.log1p(others), np.log(others + e) - true).sum())


def threads():
    """Return how many threads the matrix library has been given: as many as there are cores, or
    what OPENBLAS_NUM_THREADS or OMP_NUM_THREADS says. Where no thread can be started, 1."""
    given = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    cores = os.cpu_count() if not hasattr(os, "sched_getaffinity") else len(os.sched_getaffinity(0))
    return 1 if sys.platform == "emscripten" else int(given) if given.isdigit() else cores


@cache
def _pool(workers):
    return ThreadPoolExecutor(workers, "nnlib")


def in_threads(work, items):
    """Return work(item) for each item, in any order, computed by as many threads as `threads()` says."""
    count = min(threads(), len(items))
    if count < 2:
        return [work(item) for item in items]
    def share(n):
        return [work(item) for item in items[n::count]]

    # each in a copy of the context: what is trusted and which warnings are off holds there too
    others = [_pool(count - 1).submit(copy_context().run, share, n) for n in range(1, count)]
    return share(0) + [result for other in others for result in other.result()]
