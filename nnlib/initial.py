"""Initial weights: random numbers drawn from a generator that the caller passes in.

A weight matrix has shape (n_in, n_out), a convolution's kernels (k, c, p, q). Biases start at 0.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .checks import choice, generator, whole
from .kinds import Array, DTypeLike


def _normal(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    return generator("rng", rng).standard_normal(_shape(shape))


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 4):
        raise ValueError(f"shape must have 2 lengths (dense) or 4 (convolution), but is {shape!r}")
    return tuple(whole("shape", n) for n in shape)


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    shape = _shape(shape)
    # the number of inputs that one output sees, and of outputs that one input reaches
    return (shape[0], shape[1]) if len(shape) == 2 else (
        int(np.prod(shape[1:])), shape[0] * int(np.prod(shape[2:])))


def small(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return weights from a normal distribution with standard deviation 0.01.

    Source: S3-08.

    >>> small(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return 0.01 * _normal(rng, shape)


def he(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return weights with mean 0 and variance 2 / n_in, made for ReLU.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.

    >>> he(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return np.sqrt(2 / _fans(shape)[0]) * _normal(rng, shape)


def glorot(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return weights with mean 0 and variance 2 / (n_in + n_out), made for tanh and sigmoid.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.

    >>> glorot(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return np.sqrt(2 / sum(_fans(shape))) * _normal(rng, shape)


INITIAL_WEIGHTS = {"small": small, "he": he, "glorot": glorot}


def initial_weights(name: str, rng: np.random.Generator, shape: Sequence[int], dtype: DTypeLike) -> Array:
    """Return weights of `shape` by the scheme `name` ("small", "he" or "glorot") in `dtype`.

    >>> initial_weights("he", np.random.default_rng(0), (2, 3), np.float32).dtype
    dtype('float32')
    """
    scheme = INITIAL_WEIGHTS[choice("weights", name, tuple(INITIAL_WEIGHTS))]
    if not isinstance(dtype, (str, type, np.dtype)) or dtype not in ("float32", "float64", np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, but is {dtype!r}")
    return scheme(rng, shape).astype(dtype)
