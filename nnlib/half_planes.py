"""Networks of hard thresholds with two inputs, solved exactly.

A hidden unit is 1 on a closed half-plane and 0 on the open rest. So a pattern a1 of hidden outputs
belongs to a set of the plane that is cut out by inequalities z ≥ 0 and z < 0: convex, with some of
its border and without the rest, and perhaps only a line, a point, or empty. Here a constraint is
(u, v, c, strict): ux + vy + c > 0 if strict, else ≥ 0.
"""
from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, product
from typing import NamedTuple, TypeAlias

from .hard_threshold import Parameters, Rationals, exact_parameters, rationals, values_at


Point: TypeAlias = tuple[Fraction, Fraction]
Line: TypeAlias = tuple[Fraction, Fraction, Fraction]
Constraint: TypeAlias = tuple[Fraction, Fraction, Fraction, bool]
Pattern: TypeAlias = tuple[int, ...]


class Region(NamedTuple):
    """The points of the plane with one pattern a1 of hidden outputs, and its part inside a box.

    `point` is one of its points. `corners` are those of the part inside the box, counter-clockwise:
    two for a segment, one for a point, none if the box misses the region. `has_corner` says which of
    them belong to the region. `has_edge` says it of the edges, corner i to corner i + 1: None is an
    edge of the box and not of the region. A segment has one edge, a point has none.

    >>> sorted(region.a1 for region in plane_regions([[1], [0]], [0], [1], -1))  # x₁ < 0 and x₁ ≥ 0
    [(0,), (1,)]
    """

    a1: Pattern
    z2: Fraction
    yhat: int
    point: Point
    corners: tuple[Point, ...]
    has_corner: tuple[bool, ...]
    has_edge: tuple[bool | None, ...]


class Border(NamedTuple):
    """A piece of the border of the set ŷ = 1: a segment without its ends, or a point (start = end).

    ŷ is the answer on the piece itself: 1 where it belongs to the set.

    >>> [piece.yhat for piece in plane_border([[1], [0]], [0], [1], -1)]  # x₁ = 0, where ŷ = 1
    [1]
    """

    start: Point
    end: Point
    yhat: int


def plane_regions(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals,
                  box: Rationals = (-3, 3, -3, 3)) -> list[Region]:
    """Return a `Region` for each pattern of hidden outputs that some point of the plane has.

    The set ŷ = 1 is the union of the regions with yhat 1. W1 has shape (2, r), b1 (r,), W2 (r,) or
    (r, 1); box is (left, right, bottom, top). Emptiness is decided exactly, by Fourier–Motzkin
    elimination. Raises ValueError for wrong shapes and for what is not rational. Source: S2-36 … S2-38.

    >>> for region in plane_regions([[1, 0], [0, 1]], [0, 0], [1, 1], -2, box=(-1, 1, -1, 1)):
    ...     print(region.a1, region.yhat, region.has_edge)
    (1, 1) 1 (True, None, None, True)
    (1, 0) 0 (None, None, False, True)
    (0, 1) 0 (True, False, None, None)
    (0, 0) 0 (None, False, False, None)
    """
    net, walls = exact_parameters(W1, b1, W2, b2, n_in=2), _walls(box)
    patterns: list[Pattern] = [()]
    for _ in net.b1:
        longer = [pattern + (a,) for pattern in patterns for a in (1, 0)]
        patterns = [pattern for pattern in longer if _inside(_constraints(net, pattern)) is not None]
    return [_region(net, pattern, walls) for pattern in patterns]


def plane_border(W1: Rationals, b1: Rationals, W2: Rationals, b2: Rationals,
                 box: Rationals = (-3, 3, -3, 3)) -> list[Border]:
    """Return the pieces inside the box on which ŷ is not the same in every direction, a `Border` each.

    They are segments of the lines z1_j = 0 and points where such lines cross. Arguments and errors
    are those of `plane_regions`. Source: S2-38.

    >>> for piece in plane_border([[1, 1], [0, 0]], [0, -1], [1, -1], -1, box=(-2, 2, 0, 1)):
    ...     print(*(f"{x},{y}" for x, y in piece[:2]), piece.yhat)
    1,0 1,1 0
    0,0 0,1 1
    """
    net, walls = exact_parameters(W1, b1, W2, b2, n_in=2), _walls(box)
    lines = sorted({_normalised(u, v, c) for u, v, c in zip(*net.W1, net.b1) if (u, v) != (0, 0)})
    pieces: list[Border] = []
    around: defaultdict[Point, set[int]] = defaultdict(set)
    others: list[Line | Constraint] = [*lines, *walls]
    for line in lines:
        met = {p for other in others if (p := _meeting(line, other))}
        on_line = sorted(p for p in met if all(_height(wall, p) >= 0 for wall in walls))
        for start, end in zip(on_line, on_line[1:]):
            middle = _middle(start, end)
            labels = [_label(net, middle, (k * line[0], k * line[1])) for k in (-1, 0, 1)]
            around[start] |= set(labels)
            around[end] |= set(labels)
            if len(set(labels)) > 1:
                pieces.append(Border(start, end, labels[1]))
    crossings = {p for f, g in combinations(lines, 2) if (p := _meeting(f, g))}
    return pieces + [Border(p, p, values_at(p, net).yhat) for p in sorted(crossings)
                     if len(around[p] | {values_at(p, net).yhat}) > 1]  # beyond the box: nothing is around


def _walls(box: Rationals) -> list[Constraint]:
    left, right, bottom, top = rationals("box", box, (4,))
    if left >= right or bottom >= top:
        raise ValueError(f"box must be (left, right, bottom, top) with left < right and bottom < top, but is {box!r}")
    one, zero = Fraction(1), Fraction(0)
    return [(one, zero, -left, False), (-one, zero, right, False),
            (zero, one, -bottom, False), (zero, -one, top, False)]


def _constraints(net: Parameters, pattern: Pattern) -> list[Constraint]:
    # the first len(pattern) units: z ≥ 0 where the pattern has 1, −z > 0 where it has 0
    return [(u, v, c, False) if a else (-u, -v, -c, True) for a, u, v, c in zip(pattern, *net.W1, net.b1)]


def _inside(constraints: list[Constraint]) -> Point | None:
    """Return a point that satisfies all constraints, or None if there is none.

    Fourier–Motzkin: y can be chosen if every lower bound of y lies below every upper bound. That is
    one constraint on x for each such pair, strict if one of the two is.
    """
    lower, upper = ([f for f in constraints if sign * f[1] > 0] for sign in (1, -1))
    on_x = [(u, c, strict) for u, v, c, strict in constraints if v == 0]
    on_x += [(p * v - u * q, r * v - c * q, strict or also)  # v > 0 > q: y cancels in v·upper − q·lower
             for (u, v, c, strict), (p, q, r, also) in product(lower, upper)]
    x = _choose(on_x)
    if x is None:
        return None
    y = _choose([(v, u * x + c, strict) for u, v, c, strict in constraints])
    assert y is not None  # by Fourier and Motzkin
    return x, y


def _choose(constraints: list[tuple[Fraction, Fraction, bool]]) -> Fraction | None:
    # a number t with wt + c > 0 (strict) or ≥ 0 for every (w, c, strict), or None
    lows, highs = [], []
    for w, c, strict in constraints:
        if w > 0:
            lows.append((-c / w, strict))
        elif w < 0:
            highs.append((-c / w, not strict))
        elif c < 0 or strict and c == 0:
            return None
    if not lows or not highs:
        return max(lows)[0] + 1 if lows else min(highs)[0] - 1 if highs else Fraction(0)
    (low, open_low), (high, closed_high) = max(lows), min(highs)  # of equal bounds the strict one
    if low < high or low == high and closed_high and not open_low:
        return (low + high) / 2
    return None


def _region(net: Parameters, pattern: Pattern, walls: list[Constraint]) -> Region:
    constraints = _constraints(net, pattern)
    point = _inside(constraints)
    assert point is not None  # only patterns that some point has come here
    # the box may meet the closure of the region and miss the region
    corners = _outline(constraints + walls) if _inside(constraints + walls) else []
    edges = list(zip(corners, corners[1:] + corners[:1]))[:len(corners) if len(corners) > 2 else len(corners) - 1]
    return Region(pattern, *values_at(point, net)[2:], point, tuple(corners),
                  tuple(_belongs(constraints, p) for p in corners),
                  tuple(_belongs(constraints, m) if _touches(constraints, m) else None
                        for m in (_middle(*edge) for edge in edges)))


def _outline(constraints: list[Constraint]) -> list[Point]:
    """Return the corners of the closed and bounded set that the constraints enclose."""
    met = {p for f, g in combinations(constraints, 2) if (p := _meeting(f, g))}
    points = sorted(p for p in met if all(_height(line, p) >= 0 for line in constraints))
    # each lies on two lines that are not parallel, so it is a corner; in order: the convex hull
    return points if len(points) < 3 else _chain(points) + _chain(points[::-1])


def _chain(points: list[Point]) -> list[Point]:
    chain: list[Point] = []
    for p in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
            chain.pop()
        chain.append(p)
    return chain[:-1]


def _turn(p: Point, q: Point, r: Point) -> Fraction:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _height(line: Line | Constraint, point: Point) -> Fraction:
    return line[0] * point[0] + line[1] * point[1] + line[2]


def _meeting(f: Line | Constraint, g: Line | Constraint) -> Point | None:
    # the point where two lines cross, None for parallel lines
    slant = f[0] * g[1] - f[1] * g[0]
    return None if slant == 0 else ((f[1] * g[2] - f[2] * g[1]) / slant,
                                    (f[2] * g[0] - f[0] * g[2]) / slant)


def _middle(p: Point, q: Point) -> Point:
    return (p[0] + q[0]) / 2, (p[1] + q[1]) / 2


def _belongs(constraints: list[Constraint], point: Point) -> bool:
    return all(_height(f, point) > 0 or not f[3] and _height(f, point) == 0 for f in constraints)


def _touches(constraints: list[Constraint], point: Point) -> bool:
    return any(any(f[:2]) and _height(f, point) == 0 for f in constraints)


def _normalised(u: Fraction, v: Fraction, c: Fraction) -> Line:
    # the same three numbers for every way to write one line
    return (Fraction(1), v / u, c / u) if u != 0 else (Fraction(0), Fraction(1), c / v)


def _label(net: Parameters, point: Point, direction: Point) -> int:
    """Return ŷ just beside the point: a unit at 0 there takes the side to which it rises or falls."""
    a1 = [(z, u * direction[0] + v * direction[1]) >= (0, 0) for z, u, v in zip(values_at(point, net).z1, *net.W1)]
    return int(sum((w for a, w in zip(a1, net.W2) if a), net.b2) >= 0)
