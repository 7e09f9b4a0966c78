"""Sets of the plane, against direct evaluation at points of every face of the arrangement."""
from fractions import Fraction as F
from itertools import combinations, product
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.half_planes import plane_border, plane_regions

PROBLEM_3 = [[1, 0, 1], [0, 1, 1]], [0, 0, -1], [1, 1, -1], -1.5
WIDE = -40, 40, -40, 40
few = st.integers(-2, 2).map(F) | st.sampled_from([F(1, 2), F(-3, 2)])


@st.composite
def plane_networks(draw, most=3):
    r = draw(st.integers(0, most))
    row = st.lists(few, min_size=r, max_size=r)
    return [draw(row), draw(row)], draw(row), draw(row), draw(few)


def direct(p, W1, b1, W2, b2):
    """Return (a1, ŷ) with nothing but a loop over the units."""
    a1 = tuple(0 if F(u) * p[0] + F(v) * p[1] < -F(c) else 1 for u, v, c in zip(*W1, b1))
    return a1, 0 if sum((F(w) for a, w in zip(a1, W2) if a), F(b2)) < 0 else 1


def corners_of(network, box):
    """Return the points where two of the lines and walls cross, inside the box."""
    lines = [(F(u), F(v), F(c)) for u, v, c in zip(*network[0], network[1])]
    lines += [(1, 0, -box[0]), (1, 0, -box[1]), (0, 1, -box[2]), (0, 1, -box[3])]
    found = set()
    for (a, b, c), (d, e, f) in combinations(lines, 2):
        if a * e != b * d:
            x, y = F(b * f - c * e) / (a * e - b * d), F(c * d - a * f) / (a * e - b * d)
            if box[0] <= x <= box[1] and box[2] <= y <= box[3]:
                found.add((x, y))
    return sorted(found)


def points_of_every_face(network, box):
    """A vertex, the middle of two, or the mean of three vertices lies in each face that meets the box."""
    corners = corners_of(network, box)
    return {(sum(x for x, _ in some) / F(k), sum(y for _, y in some) / F(k))
            for k in (1, 2, 3) for some in combinations(corners, k)}


def area(corners):
    return sum(p[0] * q[1] - p[1] * q[0] for p, q in zip(corners, corners[1:] + corners[:1])) / F(2)


def turn(p, q, r):
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def drawn_in(region, p):
    """Is the point part of what the region's corners, edges and flags draw?"""
    corners = list(region.corners)
    if p in corners:
        return region.has_corner[corners.index(p)]
    edges = list(zip(corners, corners[1:] + corners[:1]))[:len(region.has_edge)]
    for (q, r), has in zip(edges, region.has_edge):
        if turn(q, r, p) == 0 and min(q, r) < p < max(q, r):
            return has is not False
    return len(corners) > 2 and all(turn(q, r, p) > 0 for q, r in edges)


@given(plane_networks())
def test_regions_are_the_patterns_of_all_faces(network):
    regions = plane_regions(*network, box=WIDE)
    found = {region.a1: region.yhat for region in regions}
    assert len(found) == len(regions)
    assert found == dict(direct(p, *network) for p in points_of_every_face(network, WIDE))
    for region in regions:
        assert direct(region.point, *network) == (region.a1, region.yhat)
        assert sum((F(w) for a, w in zip(region.a1, network[2]) if a), network[3]) == region.z2


@given(plane_networks(), st.sampled_from([(-3, 3, -3, 3), (-1, 2, 0, "1/2"), (2, 5, -1, 1)]))
def test_outlines_hold_exactly_their_points(network, box):
    regions = plane_regions(*network, box=box)
    box = [F(end) for end in box]
    assert sum(area(list(r.corners)) for r in regions if len(r.corners) > 2) == (box[1] - box[0]) * (box[3] - box[2])
    points = corners_of(network, box)
    points += [((p[0] + q[0]) / 2, (p[1] + q[1]) / 2) for p, q in combinations(points, 2)]
    for p in points:
        assert [region.a1 for region in regions if drawn_in(region, p)] == [direct(p, *network)[0]]
    for region in regions:
        assert bool(region.corners) == any(drawn_in(region, p) for p in points_of_every_face(network, box))
        assert len(region.has_corner) == len(region.corners)
        corners = list(region.corners)
        assert len(corners) < 3 or all(turn(*three) > 0 for three in zip(corners, corners[1:] + corners[:1],
                                                                         corners[2:] + corners[:2]))
        assert len(region.has_edge) == {0: 0, 1: 0, 2: 1}.get(len(region.corners), len(region.corners))


def test_outlines_on_a_grid_of_the_worked_problem():
    regions = plane_regions(*PROBLEM_3, box=(-1, 2, -1, 2))
    for p in product([F(k, 4) for k in range(-4, 9)], repeat=2):
        region, = [region for region in regions if drawn_in(region, p)]
        assert (region.a1, region.yhat) == direct(p, *PROBLEM_3)
        assert region.yhat == (p[0] >= 0 and p[1] >= 0 and p[0] + p[1] < 1)


def test_problem_3_of_S2():
    regions = plane_regions(*PROBLEM_3)
    patterns = {region.a1: region.z2 for region in regions}
    assert set(product((0, 1), repeat=3)) - set(patterns) == {(0, 0, 1)}
    assert {a1 for a1, z2 in patterns.items() if z2 >= 0} == {(1, 1, 0)} and patterns[1, 1, 0] == F(1, 2)
    triangle, = [region for region in regions if region.yhat]
    sides = dict(zip(triangle.corners, zip(triangle.has_corner, triangle.has_edge)))
    assert sides == {(0, 0): (True, True), (1, 0): (False, False), (0, 1): (False, True)}
    pieces = {(piece.start, piece.end): piece.yhat for piece in plane_border(*PROBLEM_3)}
    origin, right, top = (0, 0), (1, 0), (0, 1)
    assert pieces == {(origin, right): 1, (origin, top): 1, (top, right): 0,
                      (origin, origin): 1, (right, right): 0, (top, top): 0}


@pytest.mark.parametrize("network, ones", [
    (([[1, -1], [0, 0]], [0, 0], [1, 1], -2), [[(0, -3), (0, 3)]]),                       # a line
    (([[1, -1, 0, 0], [0, 0, 1, -1]], [-1, 1, -2, 2], [1] * 4, -4), [[(1, 2)]]),          # a point
    (([[1, -1, 0], [0, 0, 1]], [0, 0, 0], [1, 1, 1], -3), [[(0, 0), (0, 3)]]),            # a ray
    (([[0, 0], [0, 0]], [0, -1], [1, 1], -1), [[(-3, -3), (3, -3), (3, 3), (-3, 3)]]),    # constant units
    (([[], []], [], [], 0), [[(-3, -3), (3, -3), (3, 3), (-3, 3)]]),
    (([[], []], [], [], -1), []),
    (([[1], [1]], [-100], [1], -1), [[]]),                                                # far from the box
    (([[-1], [0]], [-3], [1], -1), [[(-3, -3), (-3, 3)]]),                                # only a wall of the box
    (([[1], [0]], [-3], [1], -1), [[(3, -3), (3, 3)]]),
    (([[0], [-1]], [-3], [1], -1), [[(-3, -3), (3, -3)]]),
    (([[0], [1]], [-3], [1], -1), [[(-3, 3), (3, 3)]]),
])
def test_sets_by_hand(network, ones):
    found = [list(region.corners) for region in plane_regions(*network) if region.yhat]
    assert found == ones


def test_a_region_beyond_the_wall_does_not_show_on_it():
    # x < −3 comes as near to the box as one likes, and has no point in it
    empty, = [region for region in plane_regions([[1], [0]], [3], [1], 0) if region.a1 == (0,)]
    assert empty.corners == () and empty.point[0] < -3


def test_edges_of_the_box_are_no_edges_of_the_region():
    # the second unit is 1 everywhere, with z exactly 0
    half, = [region for region in plane_regions([[1, 0], [0, 0]], [0, 0], [1, 1], -2) if region.yhat]
    assert dict(zip(half.corners, half.has_edge)) == {(0, -3): None, (3, -3): None, (3, 3): None, (0, 3): True}


def test_a_segment_has_one_edge_and_a_point_none():
    for W1, b1, corners, edges in (([[1, -1], [0, 0]], [0, 0], 2, (True,)), ([[1, -1, 0, 0], [0, 0, 1, -1]], [0] * 4, 1, ())):
        part, = [region for region in plane_regions(W1, b1, [1] * len(b1), -len(b1)) if region.yhat]
        assert part.has_corner == (True,) * corners and part.has_edge == edges


def test_a_corner_may_be_missing_between_two_edges_of_the_set():
    quadrant, = [region for region in plane_regions([[1, 0, -1], [0, 1, -1]], [0, 0, 0], [1, 1, -1], -2) if region.yhat]
    at = quadrant.corners.index((0, 0))
    assert not quadrant.has_corner[at] and quadrant.has_edge[at] and quadrant.has_edge[at - 1]


def surroundings(network, p):
    """Return the answers at the point and very close to it in every direction that matters."""
    ways = [(0, 0)] + [way for way in product(range(-8, 9), repeat=2) if gcd(*way) == 1]
    return {direct((p[0] + F(dx, 10 ** 6), p[1] + F(dy, 10 ** 6)), *network)[1] for dx, dy in ways}


@given(plane_networks())
def test_the_border_is_where_the_answer_changes(network):
    border = plane_border(*network)
    corners = corners_of(network, (-3, 3, -3, 3))
    middles = [((p[0] + q[0]) / 2, (p[1] + q[1]) / 2) for p, q in combinations(corners, 2)]
    for p in {(x, y) for x, y in corners + middles if abs(x) < 3 and abs(y) < 3}:
        pieces = [piece for piece in border if p == piece.start == piece.end
                  or turn(piece.start, piece.end, p) == 0 and piece.start < p < piece.end]
        assert (len(pieces) == 1) == (len(surroundings(network, p)) == 2)
        assert all(piece.yhat == direct(p, *network)[1] for piece in pieces)


def test_the_border_of_a_point_and_of_a_line_written_in_many_ways():
    W1, b1 = [[1, -1, 0, 0], [0, 0, 1, -1]], [-1, 1, -2, 2]
    assert plane_border(W1, b1, [1] * 4, -4) == [((1, 2), (1, 2), 1)]
    assert plane_border(W1, b1, [-1] * 4, 3) == [((1, 2), (1, 2), 0)]
    for a, b in ((1, 2), (0, 1), (1, 0)):
        same = [[a, 2 * a, -a], [b, 2 * b, -b]], [0, 0, 0], [1, 1, 0], -1
        piece, = plane_border(*same)
        assert piece.yhat == 1 and piece.start != piece.end


@pytest.mark.parametrize("u, v, start, end", [
    (0, 2, (-3, F(1, 2)), (3, F(1, 2))), (2, 0, (F(1, 2), -3), (F(1, 2), 3)), (2, 4, (-3, F(7, 4)), (3, F(-5, 4)))])
def test_the_border_of_a_half_plane(u, v, start, end):
    assert plane_border([[u], [v]], [-1], [1], -1) == [(start, end, 1)]


def test_a_line_through_a_corner_on_whose_sides_nothing_changes():
    # the set is the open quadrant x, y > 0; the line x + 5y = 0 meets it at its corner, and nowhere else
    origin = (0, 0)
    assert set(plane_border([[-1, 0, 1], [0, -1, 5]], [0, 0, 0], [-1, -1, 0], 0)) == {
        (origin, (3, 0), 0), (origin, (0, 3), 0), (origin, origin, 0)}


@pytest.mark.parametrize("n", range(7))
def test_lines_in_general_position_make_the_most_regions(n):
    lines = [[1] * n, list(range(n)), [k * k for k in range(n)]]  # x + ky + k² = 0: no three through a point
    assert len(plane_regions(lines[:2], lines[2], [0] * n, 0)) == 1 + n + n * (n - 1) // 2


@given(plane_networks(most=4))
def test_never_more_regions(network):
    n = len(network[1])
    assert len(plane_regions(*network)) <= 1 + n + n * (n - 1) // 2


@pytest.mark.parametrize("box, message", [
    ((1, 1, 0, 1), "box must be"), ((0, 1, 2, 1), "box must be"), ((0, 1, 2, 2), "box must be"), ((0, 1, 2), "box must have shape"),
    ((0, np.inf, 0, 1), "box must hold rational numbers")])
def test_boxes_refused(box, message):
    for function in (plane_regions, plane_border):
        with pytest.raises(ValueError, match=message):
            function(*PROBLEM_3, box=box)


@pytest.mark.parametrize("network, message", [
    (([[1, 1]], [0, 0], [1, 1], 0), r"W1 must have shape \(2, any\), but has shape \(1, 2\)"),
    (([[1], [np.nan]], [0], [1], 0), "W1 must hold rational numbers"),
    (([[1], [1]], [0, 0], [1], 0), r"b1 must have shape \(1,\)")])
def test_refusals(network, message):
    for function in (plane_regions, plane_border):
        with pytest.raises(ValueError, match=message):
            function(*network)
