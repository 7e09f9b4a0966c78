"""Initial weights: random numbers drawn from a generator that the caller passes in.

A weight matrix has shape (n_in, n_out), a convolution's kernels (k, c, p, q). Biases start at 0.
"""
import numpy as np

from .checks import choice


def _fans(shape):
    # the number of inputs that one output sees, and of outputs that one input reaches
    return (shape[0], shape[1]) if len(shape) == 2 else (
        int(np.prod(shape[1:])), shape[0] * int(np.prod(shape[2:])))


def small(rng, shape):
    """Return weights from a normal distribution with standard deviation 0.01.

    Source: S3-08.

    >>> small(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return 0.01 * rng.standard_normal(shape)


def he(rng, shape):
    """Return weights with mean 0 and variance 2 / n_in, made for ReLU.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.

    >>> he(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return np.sqrt(2 / _fans(shape)[0]) * rng.standard_normal(shape)


def glorot(rng, shape):
    """Return weights with mean 0 and variance 2 / (n_in + n_out), made for tanh and sigmoid.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.

    >>> glorot(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return np.sqrt(2 / sum(_fans(shape))) * rng.standard_normal(shape)


INITIAL_WEIGHTS = {"small": small, "he": he, "glorot": glorot}


def initial_weights(name, rng, shape, dtype):
    """Return weights of `shape` by the scheme `name` ("small", "he" or "glorot") in `dtype`.

    >>> initial_weights("he", np.random.default_rng(0), (2, 3), np.float32).dtype
    dtype('float32')
    """
    scheme = INITIAL_WEIGHTS[choice("weights", name, tuple(INITIAL_WEIGHTS))]
    return scheme(_generator(rng), shape).astype(dtype)


def _generator(rng):
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, but is {rng!r}")
    return rng
