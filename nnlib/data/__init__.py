"""Data: the MNIST digits, which come with the library, and small sets made from a formula."""
from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ..checks import generator, in_range, numbers, real, reals, whole
from ..kinds import Array, ArrayLike, Labels, NDArray

Images: TypeAlias = NDArray[np.uint8]

MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"


def load_mnist(path: str | os.PathLike[str] | None = None) -> tuple[Images, Images, Images, Images]:
    """Return (x_train, y_train, x_test, y_test): 60,000 and 10,000 digits and their labels.

    Images are uint8 of shape (m, 28, 28) with 0 for paper and 255 for ink, labels uint8 in 0 … 9.
    The file is the one that comes with nnlib, unless `path` names a copy. Raises ValueError where
    its SHA-256 is not the expected one, and FileNotFoundError where it is missing.
    Source: S1-28, S4-12; data by Y. LeCun and C. Cortes, CC BY-SA 3.0.

    >>> x_train, y_train, x_test, y_test = load_mnist()
    >>> x_train.shape, y_train[:4]
    ((60000, 28, 28), array([5, 0, 4, 1], dtype=uint8))
    """
    path = Path(__file__).with_name("mnist.npz") if path is None else Path(path)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_SHA256:
        raise ValueError(f"{path} is damaged or not MNIST: its SHA-256 is {found}, expected {MNIST_SHA256}")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return tuple(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))


def pixels(images: ArrayLike) -> Array:
    """Return images of shape (m, h, w) with values 0 … 255 as float32 rows (m, hw) in [0, 1].

    Source: S1-06, S3-04.

    >>> pixels([[[0, 255]], [[51, 0]]])
    array([[0. , 1. ],
           [0.2, 0. ]], dtype=float32)
    """
    images = reals("images", images, ndim=3)
    if images.min() < 0 or images.max() > 255:
        raise ValueError(f"images must lie in 0 … 255, but range from {images.min()} to {images.max()}")
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


def shift_images(X: ArrayLike, rng: np.random.Generator, side: int = 28) -> Array:
    """Return the images, rows of side² pixels, each moved by −1, 0 or 1 pixel down and right.

    The moves are drawn from `rng`; what leaves the image is lost, what enters is 0.
    X and the result have shape (m, side²).

    >>> shift_images(np.eye(4), np.random.default_rng(0), side=2).shape
    (4, 4)
    """
    side = whole("side", side)
    X = numbers("X", X, shape=(None, side * side))
    framed = np.pad(X.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    down, right = generator("rng", rng).integers(0, 3, (2, len(X)))
    moved = np.empty_like(X).reshape(-1, side, side)
    for a, b in np.ndindex(3, 3):
        chosen = (down == a) & (right == b)
        moved[chosen] = framed[chosen, a:a + side, b:b + side]
    return moved.reshape(X.shape)


class Standardizer:
    """Shift and scale each column to mean 0 and variance 1, as measured on the data it was made of.

    A constant column becomes 0. Make it of the training data, and use it on all. Raises ValueError
    for a column whose entries differ by less than a float can measure. Source: S3-04.

    >>> Standardizer([[0.0, 5.0], [2.0, 5.0]])([[4.0, 5.0]])
    array([[3., 0.]])
    """

    def __init__(self, X: ArrayLike) -> None:
        X = reals("X", X, ndim=2)
        constant = (X == X[0]).all(axis=0)  # asked of the data: rounding may leave a tiny deviation
        power = np.frexp(np.abs(X).max(axis=0))[1]  # by a power of 2, which costs no digit: squares stay in range
        scaled = np.ldexp(X, -power)
        self.mean = np.where(constant, X[0], np.ldexp(scaled.mean(axis=0), power))
        self.deviation = np.where(constant, 1, np.ldexp(scaled.std(axis=0), power))
        if (self.deviation < np.finfo(X.dtype).tiny).any():
            raise ValueError(f"column {self.deviation.argmin()} of X varies by less than {np.finfo(X.dtype).tiny:.1e}")

    @in_range
    def __call__(self, X: ArrayLike) -> Array:
        """Return (X − mean) / deviation, column by column.

        >>> Standardizer([[1.0], [3.0]])([[2.0], [5.0]])
        array([[0.],
               [3.]])
        """
        return (numbers("X", X, shape=(None, len(self.mean))) - self.mean) / self.deviation


def _scatter(noise: float, rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
    if real("noise", noise) > 1e300:
        raise ValueError(f"noise must be at most 1e300, but is {noise}")
    return noise * rng.standard_normal(shape)


def xor(m: int, rng: np.random.Generator, noise: float = 0.2) -> tuple[Array, Labels]:
    """Return (X, y): m points around the corners (±1, ±1), labelled 1 where the signs differ.

    X has shape (m, 2), y holds the labels 0 and 1. No line separates the two classes.

    >>> X, y = xor(5, np.random.default_rng(0))
    >>> X.shape, set(y.tolist()) <= {0, 1}
    ((5, 2), True)
    """
    corners = generator("rng", rng).choice([-1.0, 1.0], (whole("m", m), 2))
    return corners + _scatter(noise, rng, corners.shape), (corners[:, 0] != corners[:, 1]).astype(int)


def rings(m: int, rng: np.random.Generator, noise: float = 0.1) -> tuple[Array, Labels]:
    """Return (X, y): m points on two circles, of radius 1 (label 0) and 2 (label 1).

    X has shape (m, 2), y holds the labels 0 and 1.

    >>> X, y = rings(5, np.random.default_rng(0), noise=0.0)
    >>> np.allclose(np.linalg.norm(X, axis=1), 1 + y)
    True
    """
    y = generator("rng", rng).integers(0, 2, whole("m", m))
    angle, radius = rng.uniform(0, 2 * np.pi, m), 1 + y + _scatter(noise, rng, m)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y
