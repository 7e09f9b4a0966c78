"""The work that every contender does: the same data, first weights and batches, in float32.

A contender is a module `with_NAME`. For each kind of work that it takes part in, it has a function of
that name, which gets the data below and returns `start`. `start()` makes what a run changes, and
returns `go`; only `go()` is timed. `go()` returns a function that gives the numbers to be compared.
"""
from functools import cache

import numpy as np

from nnlib import load_mnist, pixels

SAMPLES = 7_680


@cache
def digits():
    x, y, _, _ = load_mnist()
    return pixels(x[:10_000]), y[:10_000].astype(np.int64)


def weights(shapes, seed=0):
    """Return weights of the size that suits ReLU: 2 / inputs is their variance."""
    rng = np.random.default_rng(seed)
    inputs = [shape[0] if len(shape) == 2 else int(np.prod(shape[1:])) for shape in shapes]
    return [(rng.standard_normal(shape) * np.sqrt(2 / n)).astype(np.float32) for shape, n in zip(shapes, inputs)]


def normal(*shapes):
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def train(widths, batch, samples=SAMPLES, bias=True, rate=0.1):
    """One epoch of plain gradient descent on the digits; the batches are those of `minibatches`."""
    X, y = digits()
    order = np.random.default_rng(2).permutation(samples)
    return {"X": X[:samples, :widths[0]], "y": y[:samples], "order": order, "batch": batch,
            "weights": weights(list(zip(widths, widths[1:]))), "bias": bias, "rate": rate, "seed": 2}


def train_images(batch, samples):
    """The same for two convolutions, 1 → 8 → 16 channels with 5 × 5 kernels, and a dense layer."""
    data = train([784, 10], batch, samples, rate=0.01)  # at 0.1 the first steps leap, and roundings grow
    data["X"] = data["X"].reshape(-1, 1, 28, 28)
    data["weights"] = weights([(8, 1, 5, 5), (16, 8, 5, 5), (16 * 20 * 20, 10)])
    return data


def convolution(m, c, h, k, p):
    """Forward and backward, with all three gradients."""
    X, dY = normal((m, c, h, h), (m, k, h - p + 1, h - p + 1))
    return {"X": X, "W": weights([(k, c, p, p)])[0], "b": normal((k,))[0], "dY": dY}


def loss(m, classes):
    """Softmax cross-entropy and its gradient by the logits."""
    return {"Z": 3 * normal((m, classes))[0], "y": np.arange(m) * 7 % classes}


def predict(m):
    """Probabilities of 784-800-10 for m images."""
    return {"X": digits()[0][:m], "weights": weights([(784, 800), (800, 10)])}


def some(array):
    """Return about a hundred entries of an array, spread over it."""
    flat = np.asarray(array, np.float64).reshape(-1)
    return flat[::max(1, flat.size // 97)].tolist()
