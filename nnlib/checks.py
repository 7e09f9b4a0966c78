"""Checks at the door: every public function looks at its arguments here before it computes.

A check either returns the argument as an array that is safe to compute with, or raises a
`ValueError` that names the argument, what came and what was expected. Nothing is changed in place.
At the other door `in_range` looks at the result: large numbers may lead out of the range of floats.

Looking for NaN in every array of every step would cost a training run more than its additions do.
So a run checks its data once and then works inside `with trusted():`, where shapes are still
compared and values are not searched again.
"""
from __future__ import annotations

import cmath
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .kinds import Array, ArrayLike, DTypeLike, Labels, NDArray

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_values_are_checked = ContextVar("values_are_checked", default=True)


@contextmanager
def trusted() -> Iterator[None]:
    """Skip the search for non-finite values inside this block, and warnings of them; shapes are still checked.

    >>> with trusted():
    ...     numbers("X", [1.0, np.inf])
    array([ 1., inf])
    """
    token = _values_are_checked.set(False)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    finally:
        _values_are_checked.reset(token)


def values_are_checked() -> bool:
    """Return whether arrays are searched for non-finite values here.

    >>> with trusted():
    ...     values_are_checked()
    False
    >>> values_are_checked()
    True
    """
    return _values_are_checked.get()


def in_range(function: Callable[P, R]) -> Callable[P, R]:
    """Make `function` raise `OverflowError` where its result, an array or a tuple of them, is not finite.

    Its arguments are finite, so an infinite result is one that no float can hold. A number on the way
    that overflows to its limit, such as e^(−∞) = 0, gives no warning.

    >>> square = in_range(lambda x: x * x)
    >>> float(square(np.float64(3.0)))
    9.0
    >>> square(np.float64(1e200))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    OverflowError: the result of <lambda> has left the range of float64: its arguments hold numbers that are too...
    """
    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not values_are_checked():
            return function(*args, **kwargs)
        with np.errstate(over="ignore", invalid="ignore"):
            result = function(*args, **kwargs)
        parts: tuple[Any, ...] = result if isinstance(result, tuple) else (result,)
        for part in parts:
            if part is not None and not all_finite(part):
                raise OverflowError(f"the result of {function.__qualname__} has left the range of {part.dtype}: "
                                    "its arguments hold numbers that are too large, or divisors too small")
        return result
    return checked


def numbers(name: str, value: ArrayLike, ndim: int | None = None, shape: Sequence[int | None] | None = None) -> Array:
    """Return `value` as a float or complex array, or raise `ValueError`.

    `ndim` is the number of axes wanted, `shape` a tuple in which None stands for any length.
    float32, float64 and complex128 keep their type; integers and booleans become float64.
    Complex numbers are accepted because the complex-step derivative needs them.

    >>> numbers("X", [[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    >>> numbers("X", [[1, 2], [3, 4]], shape=(None, 3))
    Traceback (most recent call last):
    ValueError: X must have shape (any, 3), but has shape (2, 2)
    """
    array = _as_array(name, value)
    if shape is not None:
        ndim = len(shape)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} {'axis' if ndim == 1 else 'axes'}, but has shape {array.shape}")
    if shape is not None and any(n not in (None, k) for n, k in zip(shape, array.shape)):
        wanted = str(tuple("any" if n is None else n for n in shape)).replace("'", "")
        raise ValueError(f"{name} must have shape {wanted}, but has shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if values_are_checked() and not all_finite(array):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, but {name}{list(where)} is {array[where]}")
    return array


def reals(name: str, value: ArrayLike, ndim: int | None = None, shape: Sequence[int | None] | None = None) -> Array:
    """Do as `numbers` does, and refuse complex numbers: for what has no meaning with them.

    >>> reals("X", [1, 2])
    array([1., 2.])
    >>> reals("X", [1j])
    Traceback (most recent call last):
    ValueError: X must hold real numbers, but its type is complex128
    """
    array = numbers(name, value, ndim, shape)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers, but its type is {array.dtype}")
    return array


def all_finite(array: Array | np.floating) -> bool:
    """Return whether no entry is NaN or infinite.

    >>> all_finite(np.array([1.0, 2.0])), all_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    # one NaN or infinity spoils the sum of the squares; asking it first needs one pass and no second array
    with np.errstate(over="ignore", invalid="ignore"):
        if array.flags.c_contiguous and cmath.isfinite(np.dot(flat := array.ravel(), flat)):
            return True
    return bool(np.isfinite(array).all())


def rectangular(name: str, value: object, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return `value` as an array, or raise `ValueError` for rows that differ in length and for masked entries.

    >>> rectangular("X", [[1, 2], [3]])
    Traceback (most recent call last):
    ValueError: X must be a rectangular array of numbers: its rows differ in length
    """
    if type(value) is not np.ndarray and np.ma.is_masked(value):
        raise ValueError(f"{name} must have a number in each place, but {np.ma.count_masked(value)} are masked")
    try:
        return np.asarray(value, dtype=dtype)
    except ValueError:
        raise ValueError(f"{name} must be a rectangular array of numbers: its rows differ in length") from None


def _as_array(name: str, value: ArrayLike) -> Array:
    array = rectangular(name, value)
    if array.dtype.type in (np.float32, np.float64, np.complex128):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "biu" or array.dtype == np.longdouble:
        with np.errstate(over="ignore"):  # becomes infinite, and is refused as that
            return array.astype(np.float64)
    raise ValueError(f"{name} must hold real numbers, but its type is {array.dtype}")


def axes(name: str, value: ArrayLike) -> int:
    """Return how many axes `value` has, or raise `ValueError`.

    >>> axes("X", 5), axes("X", [[1, 2]])
    (0, 2)
    """
    return rectangular(name, value).ndim


def labels(name: str, value: ArrayLike, classes: int) -> Labels:
    """Return `value` as a vector of integer labels in 0 … classes − 1, or raise `ValueError`.

    >>> labels("y", [0, 2, 1], classes=3)
    array([0, 2, 1])
    >>> labels("y", [0, 3, 1], classes=3)
    Traceback (most recent call last):
    ValueError: y must lie in 0 … 2, but holds the label 3
    """
    array = rectangular(name, value)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold integer labels, but its type is {array.dtype}")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a vector of labels, but has shape {array.shape}")
    if values_are_checked() and (array.min() < 0 or array.max() >= classes):
        wrong = array[(array < 0) | (array >= classes)][0]
        raise ValueError(f"{name} must lie in 0 … {classes - 1}, but holds the label {wrong}")
    return array


def distributions(name: str, value: ArrayLike, shape: Sequence[int | None]) -> Array:
    """Return `value` as rows of probabilities (each row sums to one), or raise `ValueError`.

    >>> distributions("P", [[0.25, 0.75]], shape=(None, 2))
    array([[0.25, 0.75]])
    >>> distributions("P", [[0.5, 0.75]], shape=(None, 2))
    Traceback (most recent call last):
    ValueError: each row of P must sum to 1, but row 0 sums to 1.25
    """
    array = numbers(name, value, shape=shape)
    if values_are_checked():
        if array.real.min() < 0:
            raise ValueError(f"{name} must not be negative, but holds {array.real.min()}")
        with np.errstate(over="ignore"):
            sums = array.real.sum(axis=1)
        row = int(np.argmax(np.abs(sums - 1)))
        if abs(sums[row] - 1) > 1e-4:
            raise ValueError(f"each row of {name} must sum to 1, but row {row} sums to {sums[row]:.6g}")
    return array


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """Return `value` if it is one of `options`, or raise `ValueError` that lists them.

    >>> choice("reduction", "average", ("mean", "sum"))
    Traceback (most recent call last):
    ValueError: reduction must be one of 'mean', 'sum', but is 'average'
    """
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, but is {value!r}")
    return value


def generator(name: str, value: object) -> np.random.Generator:
    """Return `value` if it is a random generator, or raise `ValueError`.

    >>> generator("rng", 7)
    Traceback (most recent call last):
    ValueError: rng must be a numpy.random.Generator, but is 7
    """
    return instance(name, value, np.random.Generator, "a numpy.random.Generator")


def instance(name: str, value: object, kind: type[T] | tuple[type[T], ...], called: str) -> T:
    """Return `value` if it is an object of the class (or one of the classes) `kind`, or raise `ValueError`.

    >>> instance("layers", 3, (list, tuple), "a list of layers")
    Traceback (most recent call last):
    ValueError: layers must be a list of layers, but is 3
    """
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be {called}, but is {value!r}")
    return value


def function(name: str, value: object) -> Callable[..., Any]:
    """Return `value` if it can be called, or raise `ValueError`.

    >>> function("change", None)
    Traceback (most recent call last):
    ValueError: change must be a function, but is None
    """
    if not callable(value):
        raise ValueError(f"{name} must be a function, but is {value!r}")
    return value


def whole(name: str, value: object, least: int = 1) -> int:
    """Return `value` as an int that is at least `least`, or raise `ValueError`.

    >>> whole("epochs", np.int64(3))
    3
    >>> whole("epochs", 0)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number of at least 1, but is 0
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {value!r}")
    return int(value)


def real(name: str, value: object, least: float = 0.0, below: float = np.inf) -> float:
    """Return `value` as a float in [least, below), or raise `ValueError`.

    >>> real("momentum", 0, below=1)
    0.0
    >>> real("momentum", 1.5, below=1)
    Traceback (most recent call last):
    ValueError: momentum must be a number in [0.0, 1), but is 1.5
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)) \
            or not least <= value < below or value > sys.float_info.max:  # as a whole number may be
        raise ValueError(f"{name} must be a number in [{least}, {below}), but is {value!r}")
    return float(value)
