"""Networks of hard thresholds, solved exactly: one hidden layer, one output, rational numbers.

Every number is a `fractions.Fraction`, a float counts as the exact number that it stores. So "is z
exactly 0?" has an answer, and borders are known to belong to a set or not. The parameters are those
of a network with two dense layers: W1 (n, r), b1 (r,), W2 (r,) or (r, 1), b2 a number or (1,), for
n inputs and r hidden units. So `line_pieces(**network.parameters)` works. r may be 0.
Sets of the plane are in `nnlib.half_planes`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from numbers import Rational
from typing import NamedTuple, TypeAlias

import numpy as np

from .checks import rectangular
from .kinds import Array, NDArray
from .layers import Activation, Dense
from .network import Network


Rationals: TypeAlias = object  # a number, nested sequences or an array; each entry as `rational` takes it


class Parameters(NamedTuple):
    """Exact weights and biases: W1 is a tuple of n rows, b1 and W2 are tuples of r numbers.

    >>> net = exact_parameters([["1/3"]], [0], [2], -0.5)
    >>> net.W1, net.b2
    (((Fraction(1, 3),),), Fraction(-1, 2))
    """

    W1: tuple[tuple[Fraction, ...], ...]
    b1: tuple[Fraction, ...]
    W2: tuple[Fraction, ...]
    b2: Fraction


class Values(NamedTuple):
    """What a network computes at one point: z1 and a1 of the hidden units, z2 and ŷ of the output.

    >>> values = threshold_at(3, [[1]], [0], [2], -1)
    >>> values.a1, values.yhat
    ((1,), 1)
    """

    z1: tuple[Fraction, ...]
    a1: tuple[int, ...]
    z2: Fraction
    yhat: int


class Interval(NamedTuple):
    """The points between two ends; an end None lies at infinity, equal ends make a single point.

    >>> str(Interval(Fraction(1), Fraction(5, 2), True, False)), str(Interval(None, None, False, False))
    ('[1, 5/2)', '(-∞, ∞)')
    >>> 1 in Interval(Fraction(1), None, True, False)
    True
    """

    left: Fraction | None
    right: Fraction | None
    has_left: bool
    has_right: bool

    def __contains__(self, x: object) -> bool:
        x = rational("x", x)
        return ((self.left is None or self.left < x or self.has_left and x == self.left)
                and (self.right is None or x < self.right or self.has_right and x == self.right))

    def __str__(self) -> str:
        if self.left is not None and self.left == self.right:
            return f"{{{self.left}}}"
        return (f"{'[' if self.has_left else '('}{'-∞' if self.left is None else self.left}, "
                f"{'∞' if self.right is None else self.right}{']' if self.has_right else ')'}")


class Piece(NamedTuple):
    """An interval on which every hidden unit is constant.

    z1 holds a pair (w, b) for each hidden unit: z1_j(x) = wx + b. On the piece a1 (a tuple of 0 and
    1), z2 and ŷ are constant.

    >>> piece = line_pieces([[1]], [-3], [2], -1)[1]
    >>> str(piece.interval), piece.a1, piece.yhat
    ('[3, ∞)', (1,), 1)
    """

    interval: Interval
    z1: tuple[tuple[Fraction, Fraction], ...]
    a1: tuple[int, ...]
    z2: Fraction
    yhat: int


def rational(name: str, value: object) -> Fraction:
    """Return `value` as a Fraction, or raise ValueError that names the argument.

    Whole numbers, fractions, decimals, finite floats and strings are rational numbers.

    >>> rational("x", "1/3") + rational("x", 0.5)
    Fraction(5, 6)
    """
    value = value.item() if isinstance(value, np.generic) else value
    try:
        if isinstance(value, Rational):  # whose own parts need not be plain whole numbers
            return Fraction(int(value.numerator), int(value.denominator))
        if isinstance(value, str) and "e" in value.lower():
            value = Decimal(value)
        # a power of ten may be short to write and too long to compute with
        if isinstance(value, (float, str)) or isinstance(value, Decimal) and abs(value.adjusted()) < 10_000:
            return Fraction(value)
    except (ValueError, ArithmeticError):
        pass  # nan, inf, a string that is no number, "1/0"
    raise ValueError(f"{name} must hold rational numbers (whole numbers, fractions, finite floats, "
                     f"strings such as '1/3'), but holds {value!r}")


def rationals(name: str, value: Rationals, *shapes: tuple[int | None, ...]) -> NDArray[np.object_]:
    """Return `value` as an array of Fractions with one of the shapes, or raise ValueError.

    None in a shape stands for any length.

    >>> rationals("b1", ["1/3", 0.5], (None,)).tolist()
    [Fraction(1, 3), Fraction(1, 2)]
    """
    array = rectangular(name, value, object)  # any other type would change some of the numbers
    if not any(len(shape) == array.ndim and all(n in (None, k) for n, k in zip(shape, array.shape))
               for shape in shapes):
        wanted = " or ".join(str(tuple("any" if n is None else n for n in shape)) for shape in shapes).replace("'", "")
        raise ValueError(f"{name} must have shape {wanted}, but has shape {array.shape}")
    exact = [rational(name, entry) for entry in array.flat]
    return np.array(exact, dtype=object).reshape(array.shape)


def exact_parameters(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals, n_in: int | None = None) -> Parameters:
    """Return the `Parameters` as Fractions; ValueError where shapes do not fit (to n_in inputs).

    >>> exact_parameters([[1]], [0.5], [2], "1/3").b2
    Fraction(1, 3)
    """
    W1 = rationals("W1", W1, (n_in, None))
    if len(W1) == 0:
        raise ValueError(f"W1 must have a row for each input, but has shape {W1.shape}")
    r = W1.shape[1]
    return Parameters(tuple(map(tuple, W1)), tuple(rationals("b1", b1, (r,))),
                      tuple(rationals("W2", W2, (r,), (r, 1)).ravel()), rationals("b2", b2, (), (1,)).item())


def threshold_at(x: Rationals, W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals) -> Values:
    """Return the `Values` at the point x: z1 = xW1 + b1, a1 = step(z1), z2 = a1·W2 + b2, ŷ = step(z2).

    x has shape (n,), or is a number where n is 1. Raises ValueError for what is not rational or does
    not fit. Source: S2-07, S2-12, S2-17.

    >>> values = threshold_at(1, [[1, 1]], [-1, -3], [-1, 2], 0.5)
    >>> values.a1, values.yhat
    ((1, 0), 0)
    """
    net = exact_parameters(W1, b1, W2, b2)
    shapes = [(len(net.W1),)] + [()] * (len(net.W1) == 1)
    return values_at(rationals("x", x, *shapes).ravel(), net)


def values_at(x: Iterable[Fraction], net: Parameters) -> Values:
    """Return the `Values` of exact parameters at the exact point x.

    >>> values_at([Fraction(1, 2)], exact_parameters([[4]], [-1], [3], 0)).z2
    Fraction(3, 1)
    """
    z1 = tuple(sum((x_i * row[j] for x_i, row in zip(x, net.W1)), b) for j, b in enumerate(net.b1))
    a1 = tuple(int(z >= 0) for z in z1)
    z2 = sum((a * w for a, w in zip(a1, net.W2)), net.b2)
    return Values(z1, a1, z2, int(z2 >= 0))


def line_pieces(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals) -> list[Piece]:
    """Return the pieces of a network with scalar input, from left to right.

    Unit j can change at x = −b1_j / W1_1j only. The pieces are the largest intervals on which no
    unit changes; they cover the line, and a piece may be a single point. W1 has shape (1, r).
    Raises ValueError for other shapes and for what is not rational. Source: S2-25 … S2-30.

    >>> for piece in line_pieces([[1, 1]], [-1, -3], [-1, 2], 0.5):
    ...     print(piece.interval, piece.a1, piece.z2, piece.yhat)
    (-∞, 1) (0, 0) 1/2 1
    [1, 3) (1, 0) -1/2 0
    [3, ∞) (1, 1) 3/2 1
    """
    net = exact_parameters(W1, b1, W2, b2, n_in=1)
    z1 = tuple(zip(net.W1[0], net.b1))
    parts = [Piece(interval, z1, *values_at([x], net)[1:])
             for interval, x in _elementary(sorted({-b / w for w, b in z1 if w != 0}))]
    return [group[0]._replace(interval=_joined(group)) for group in _runs(parts, lambda part: part.a1)]


def line_ones(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals) -> list[Interval]:
    """Return the set where ŷ = 1 as a list of intervals, none of which touches the next.

    Raises ValueError as `line_pieces` does. Source: S2-30.

    >>> [str(interval) for interval in line_ones([[1, -1]], [-2, 2], [1, 1], -2)]
    ['{2}']
    """
    runs = _runs(line_pieces(W1, b1, W2, b2), lambda piece: piece.yhat)
    return [_joined(run) for run in runs if run[0].yhat]


def _elementary(breakpoints: list[Fraction]) -> Iterator[tuple[Interval, Fraction]]:
    # (interval, a point of it) for the breakpoints and the open intervals between them
    if not breakpoints:
        yield Interval(None, None, False, False), Fraction(0)
        return
    yield Interval(None, breakpoints[0], False, False), breakpoints[0] - 1
    for t, after in zip(breakpoints, [*breakpoints[1:], None]):
        yield Interval(t, t, True, True), t
        yield Interval(t, after, False, False), t + 1 if after is None else (t + after) / 2


def _runs(pieces: list[Piece], key: Callable[[Piece], object]) -> list[list[Piece]]:
    return [list(run) for _, run in groupby(pieces, key)]


def _joined(pieces: list[Piece]) -> Interval:
    first, last = pieces[0].interval, pieces[-1].interval
    return Interval(first.left, last.right, first.has_left, last.has_right)


def fit_line(x: Rationals, y: Rationals) -> Parameters:
    """Return `Parameters` of a network with ŷ = y at every point x and the fewest hidden units.

    x has shape (m,), y (m,) holds 0 and 1. As many units as the labels have changes, read from left
    to right: fewer cannot do, since a unit changes its value once along the line. Each unit is
    1 where x ≥ t, with t a float half-way between two points with different labels, or the right one
    of them. Raises ValueError for other shapes and labels, and where one point has both labels.
    Source: S2-31, S2-32.

    >>> fitted = fit_line([0, 1, 3, 5], [0, 0, 1, 0])
    >>> [str(b) for b in fitted.b1], [str(interval) for interval in line_ones(*fitted)]
    (['-2', '-4'], ['[2, 4)'])
    """
    x = rationals("x", x, (None,))
    y = rationals("y", y, x.shape)
    if len(x) == 0:
        raise ValueError("x is empty: there is nothing to fit")
    label: dict[Fraction, Fraction] = {}
    for point, value in zip(x, y):
        if value not in (0, 1):
            raise ValueError(f"y must hold the labels 0 and 1, but holds {value}")
        if label.setdefault(point, value) != value:
            raise ValueError(f"x = {point} has both labels, 0 and 1: no network fits")
    points = sorted(label)
    changes = [(a, b) for a, b in zip(points, points[1:]) if label[a] != label[b]]
    return Parameters(((Fraction(1),) * len(changes),), tuple(-_between(a, b) for a, b in changes),
                      tuple(label[b] - label[a] for a, b in changes), label[points[0]] - Fraction(1, 2))


def _between(a: Fraction, b: Fraction) -> Fraction:
    # a number in (a, b], a float if there is one: then a network of floats has the same breakpoint
    middle = _rounded((a + b) / 2)
    return middle if middle is not None and a < middle <= b else b


def _rounded(q: Fraction) -> Fraction | None:
    try:
        return Fraction(float(q))
    except OverflowError:
        return None


def threshold_network(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals) -> Network:
    """Return the network of nnlib: dense, step, dense, and a sigmoid whose decision is 1 where z2 ≥ 0.

    `predict` returns ŷ, with floats: a product or sum that is rounded can move x across a breakpoint.
    With the weights 1 of `fit_line` it cannot. With no hidden unit the output has a bias and weights 0.
    Raises ValueError where a parameter is not exactly a float. Source: S2-05, S2-12.

    >>> threshold_network(*fit_line([0, 1, 3, 5], [0, 0, 1, 0])).predict([[0.0], [2.0], [4.0]])
    array([0, 1, 0])
    """
    net = exact_parameters(W1, b1, W2, b2)
    W1, b1, W2, b2 = (_floats(name, values) for name, values in zip(net._fields, net))
    if len(b1) == 0:
        return Network([Dense(np.zeros((len(W1), 1)), b2[None])], "sigmoid")
    return Network([Dense(W1, b1), Activation("step"), Dense(W2[:, None], b2[None])], "sigmoid")


def _floats(name: str, values: Rationals) -> Array:
    exact = np.array(values, dtype=object)
    for q in exact.flat:
        if _rounded(q) != q:
            raise ValueError(f"{name} must hold floats, but {q} is not exactly a float")
    return exact.astype(float)
