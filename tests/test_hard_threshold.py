"""Exact solutions on the line, against direct evaluation and against all networks of few units."""
from decimal import Decimal
from fractions import Fraction as F
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from nnlib import Activation
from nnlib.hard_threshold import (Interval, Parameters, exact_parameters, fit_line, line_ones, line_pieces, rational,
                                  threshold_at, threshold_network)

PROBLEM_1 = [[1, 1]], [-1, -3], [-1, 2], 0.5
small = st.fractions(-3, 3, max_denominator=3)


@st.composite
def line_networks(draw, numbers=small, most=4):
    r = draw(st.integers(0, most))
    row = st.lists(numbers, min_size=r, max_size=r)
    return [draw(row)], draw(row), draw(row), draw(numbers)


def direct(x, W1, b1, W2, b2):
    """Return (a1, z2, ŷ) with nothing but a loop over the units."""
    a1, z2 = [], F(b2)
    for w, b, v in zip(W1[0], b1, W2):
        a1.append(0 if F(w) * x < -F(b) else 1)
        if a1[-1]:
            z2 += F(v)
    return tuple(a1), z2, 0 if z2 < 0 else 1


def interesting(network):
    """Return the breakpoints, points close beside them, between them and far away."""
    at = sorted({-F(b) / F(w) for w, b in zip(network[0][0], network[1]) if w} | {F(0)})
    return ([t + e for t in at for e in (0, F(1, 10 ** 9), -F(1, 10 ** 9))]
            + [(s + t) / 2 for s, t in zip(at, at[1:])] + [at[0] - 10 ** 9, at[-1] + 10 ** 9])


@given(line_networks())
def test_pieces_cover_the_line_and_hold_the_values(network):
    pieces = line_pieces(*network)
    assert pieces[0].interval.left is None and pieces[-1].interval.right is None
    for before, after in zip(pieces, pieces[1:]):
        assert before.interval.right == after.interval.left
        assert before.interval.has_right != after.interval.has_left
        assert before.a1 != after.a1
    assert len(pieces) <= 1 + len(network[1])
    for x in interesting(network):
        piece, = [piece for piece in pieces if x in piece.interval]
        assert direct(x, *network) == piece[2:] == threshold_at(x, *network)[1:]
        assert [w * x + b for w, b in piece.z1] == list(threshold_at([x], *network).z1)


@given(line_networks())
def test_ones_are_the_points_with_answer_one(network):
    ones = line_ones(*network)
    for x in interesting(network):
        assert sum(x in interval for interval in ones) == direct(x, *network)[2]
    for before, after in zip(ones, ones[1:]):
        assert before.right < after.left or before.right == after.left and not (before.has_right or after.has_left)


@given(line_networks(st.integers(-8, 8).map(lambda k: k / 4)))
def test_a_network_of_floats_gives_the_exact_answers(network):
    x = np.arange(-80, 81) / 8  # products and sums of these numbers are exact; many are breakpoints
    assert threshold_network(*network).predict(x[:, None]).tolist() == [threshold_at(t, *network).yhat for t in x]


def test_problem_1_of_S2():
    found = [(str(p.interval), p.z1, p.a1, p.z2, p.yhat) for p in line_pieces(*PROBLEM_1)]
    z1 = ((1, -1), (1, -3))
    assert found == [("(-∞, 1)", z1, (0, 0), F(1, 2), 1), ("[1, 3)", z1, (1, 0), F(-1, 2), 0),
                     ("[3, ∞)", z1, (1, 1), F(3, 2), 1)]
    assert [str(interval) for interval in line_ones(*PROBLEM_1)] == ["(-∞, 1)", "[3, ∞)"]


@pytest.mark.parametrize("network, ones", [
    (([[1, -1]], [-2, 2], [1, 1], -2), ["{2}"]),                                  # x ≥ 2 and x ≤ 2
    (([[1, -1]], [-2, 2], [-1, -1], 1), ["(-∞, 2)", "(2, ∞)"]),                   # the point left out
    (([[-1]], [2], [1], -1), ["(-∞, 2]"]),
    (([[-1]], [2], [-1], 0), ["(2, ∞)"]),
    (([[1, 1]], [0, -1], [1, -1], 0), ["(-∞, ∞)"]),                               # z2 is exactly 0 outside [0, 1)
    (([[1, 1]], [0, -1], [1, -1], -1), ["[0, 1)"]),
    (([[5]], [0], [0], -1), []),                                                  # the output does not look
    (([[0, 0]], [0, -1], [1, 1], -1), ["(-∞, ∞)"]),                               # constant units: 1 and 0
    (([[2, -3, 1]], [-1, "3/2", 0], [1, 1, 1], -3), ["{1/2}"]),
    (([[]], [], [], 0), ["(-∞, ∞)"]),
    (([[]], [], [], "-1/9"), []),
    (([["1/3", -3, 1]], ["1/3", 0, -2], [2, -1, 1], 0), ["[-1, ∞)"]),
])
def test_sets_by_hand(network, ones):
    assert [str(interval) for interval in line_ones(*network)] == ones


def test_a_float_is_the_number_that_it_stores():
    interval, = line_ones([[1]], [-0.1], [1], -1)
    assert interval.left == F(0.1) != F(1, 10)
    assert 0.1 in interval and np.nextafter(0.1, 0) not in interval and F(1, 10) not in interval
    assert str(line_ones([[1]], ["-1/10"], [1], -1)[0]) == "[1/10, ∞)"


@pytest.mark.parametrize("same", [
    (np.array([[1, 1]]), np.array([-1.0, -3.0]), np.array([-1, 2], np.float32), np.float64(0.5)),
    ((("1", "1"),), ("-1", F(-3)), [[-1], [2]], ["1/2"]),
    (np.array([["1", "1"]]), [Decimal(-1), sympy.Integer(-3)], np.array([[-1], [2]], object), np.array(0.5)),
    ([[True, np.int8(1)]], [-1, -3], [-1, 2], [[0.5]][0])])
def test_numbers_may_come_in_many_types(same):
    assert exact_parameters(*same) == exact_parameters(*PROBLEM_1)
    assert all(isinstance(q, F) for q in (*exact_parameters(*same).W1[0], exact_parameters(*same).b2))


@pytest.mark.parametrize("change, message", [
    ({"W1": [[1, np.nan]]}, "W1 must hold rational numbers"),
    ({"b1": [1, np.inf]}, "b1 must hold rational numbers"),
    ({"W2": [1, 1j]}, "W2 must hold rational numbers"),
    ({"b2": "half"}, "b2 must hold rational numbers"),
    ({"b2": "1/0"}, "b2 must hold rational numbers"),
    ({"b2": None}, "b2 must hold rational numbers"),
    ({"W1": [1, 1]}, r"W1 must have shape \(1, any\), but has shape \(2,\)"),
    ({"W1": [[1], [1]]}, r"W1 must have shape \(1, any\), but has shape \(2, 1\)"),
    ({"W1": [[1, 1], [2]]}, "W1 must have shape"),
    ({"b1": [1]}, r"b1 must have shape \(2,\), but has shape \(1,\)"),
    ({"W2": [[1, 1]]}, r"W2 must have shape \(2,\) or \(2, 1\), but has shape \(1, 2\)"),
    ({"b2": [1, 2]}, "b2 must have shape")])
def test_refusals(change, message):
    network = dict(zip(Parameters._fields, PROBLEM_1)) | change
    with pytest.raises(ValueError, match=message):
        line_pieces(**network)


def test_more_refusals():
    with pytest.raises(ValueError, match=r"x must have shape \(1,\) or \(\), but has shape \(2,\)"):
        threshold_at([1, 2], *PROBLEM_1)
    with pytest.raises(ValueError, match="x must hold rational numbers"):
        threshold_at(float("nan"), *PROBLEM_1)
    with pytest.raises(ValueError, match="W1 must have a row for each input"):
        threshold_at([], np.ones((0, 2)), [0, 0], [1, 1], 0)
    with pytest.raises(ValueError, match="W1 must be a rectangular array"):
        threshold_at(0, [np.ones((2, 2)), np.ones((2, 3))], [0], [1], 0)
    with pytest.raises(ValueError, match="b1 must hold floats, but 1/3 is not exactly a float"):
        threshold_network([[1]], ["1/3"], [1], 0)
    with pytest.raises(ValueError, match="b2 must hold floats"):
        threshold_network([[1]], [0], [1], 10 ** 400)
    assert rational("x", np.float32(0.5)) == F(1, 2)
    assert type(rational("x", sympy.Rational(1, 3)).denominator) is int


def test_a_network_of_floats_rounds_where_the_exact_one_does_not():
    tiny = -5e-324                           # a quarter of it is no float: it rounds to −0
    network = [[0.25]], [0], [1], -1
    assert threshold_at(tiny, *network).yhat == 0 and threshold_network(*network).predict([[tiny]])[0] == 1


def test_intervals_as_text():
    ends = F(1), F(5, 2)
    assert [str(Interval(*ends, a, b)) for a, b in product((True, False), repeat=2)] == ["[1, 5/2]", "[1, 5/2)",
                                                                                         "(1, 5/2]", "(1, 5/2)"]


def test_threshold_at_with_two_inputs():
    values = threshold_at(["1/2", -1], [[1, 0], [0, 1]], [0, 0], [1, 1], -2)
    assert values == ((F(1, 2), -1), (1, 0), -1, 0)


def test_arguments_stay_as_they_are():
    W1, x = np.array([[1.0, -2.0]]), np.array([3.0, 1.0])
    line_pieces(W1, [0, 0], [1, 1], 0)
    fit_line(x, [1, 0])
    assert W1.tolist() == [[1, -2]] and x.tolist() == [3, 1]


# --- the fewest units ---

labelled = st.dictionaries(st.fractions(-5, 5, max_denominator=4), st.integers(0, 1), min_size=1, max_size=8)


@given(labelled)
def test_fit_has_as_many_units_as_the_labels_have_changes(label):
    x, y = list(label), list(label.values())
    fitted = fit_line(x, y)
    in_order = "".join(str(label[t]) for t in sorted(label))
    assert len(fitted.b1) == in_order.count("01") + in_order.count("10")
    assert [direct(t, *fitted)[2] for t in x] == y
    assert fit_line(x[::-1] + x, y[::-1] + y) == fitted  # order and repetition do not matter


@given(st.dictionaries(st.floats(allow_nan=False, allow_infinity=False), st.booleans(), min_size=1, max_size=6))
def test_fit_as_a_network_of_floats(label):
    x, y = np.array(list(label)), list(label.values())
    fitted = fit_line(x, y)
    network = threshold_network(*fitted)
    assert network.predict(x[:, None]).tolist() == y
    with np.errstate(over="ignore"):
        beside = [np.nextafter(t, side) for b in fitted.b1 for t in [float(-b)] for side in (-np.inf, t, np.inf)]
    for t in beside:
        if np.isfinite(t):
            assert network.predict([[t]])[0] == threshold_at(t, *fitted).yhat
            assert sum(t in interval for interval in line_ones(*fitted)) == threshold_at(t, *fitted).yhat
    assert len(fitted.b1) == 0 or isinstance(network.layers[1], Activation) and network.layers[1].name == "step"


@pytest.mark.parametrize("a, b", [(1.0, np.nextafter(1, 2)), (np.nextafter(1, 0), 1.0), (0.0, 5e-324), (-5e-324, 0.0),
                                  (-1e308, 1e308), (F(1, 3), F(1, 3) + F(1, 10 ** 6))])
def test_close_and_far_points_are_told_apart(a, b):
    fitted = fit_line([a, b], [1, 0])
    assert threshold_at(a, *fitted).yhat == 1 and threshold_at(b, *fitted).yhat == 0
    assert threshold_network(*fitted).predict([[float(a)], [float(b)]]).tolist() == [1, 0]


def test_exact_points_closer_than_floats_are_fitted_and_not_rounded():
    x = [10 ** 400, 10 ** 400 + 1, "1/3", F(1, 3) + F(1, 10 ** 40)]
    fitted = fit_line(x, [0, 1, 1, 0])
    assert [threshold_at(t, *fitted).yhat for t in x] == [0, 1, 1, 0] and len(fitted.b1) == 2
    with pytest.raises(ValueError, match="not exactly a float"):
        threshold_network(*fitted)


@pytest.mark.parametrize("x, y, message", [
    ([1, 2, 1], [0, 1, 1], "x = 1 has both labels, 0 and 1: no network fits"),
    ([0.5, "1/2"], [0, 1], "x = 1/2 has both labels"),
    ([0.0, -0.0], [0, 1], "x = 0 has both labels"),
    ([1, 2], [0, 2], "y must hold the labels 0 and 1, but holds 2"),
    ([1, 2], [0.5, 1], "y must hold the labels 0 and 1, but holds 1/2"),
    ([1, 2], [1], r"y must have shape \(2,\), but has shape \(1,\)"),
    ([[1], [2]], [0, 1], r"x must have shape \(any,\), but has shape \(2, 1\)"),
    ([], [], "x is empty"),
    ([1, np.nan], [0, 1], "x must hold rational numbers"),
    ([1, 2], [0, np.nan], "y must hold rational numbers")])
def test_fit_refuses(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_line(x, y)


def threshold_functions(r):
    """Return every function of r bits that an output unit computes, each as a tuple of 2^r answers."""
    corners = np.array(list(product((0, 1), repeat=r)))
    found = set()
    for weights in product(range(-3, 4), repeat=r):
        heights = corners @ np.array(weights, int).reshape(r) * 2
        for bias in range(-2 * 3 * r - 1, 2 * 3 * r + 2, 2):
            found.add(tuple((heights + bias >= 0).astype(int).tolist()))
    return found


def labelings(points, r):
    """Return all labelings of that many points on a line that a network with r hidden units gives.

    On the points a unit is a row of 0 and 1 that changes at most once.
    """
    rows = [[start ^ (i >= cut) for i in range(points)] for start in (0, 1) for cut in range(points)]
    outputs = np.array(sorted(threshold_functions(r)))
    found = set()
    for chosen in combinations_with_replacement(np.array(rows), r):
        corner = sum(row << (r - 1 - j) for j, row in enumerate(chosen)) + np.zeros(points, int)
        found |= set(map(tuple, np.unique(outputs[:, corner], axis=0).tolist()))
    return found


def test_the_output_units_are_complete():
    # the number of threshold functions of r bits, known from the literature (OEIS A000609)
    assert [len(threshold_functions(r)) for r in range(5)] == [2, 4, 14, 104, 1882]


@pytest.mark.parametrize("points, most", [(1, 3), (2, 3), (3, 3), (4, 3), (5, 4), (6, 3)])
def test_no_network_with_fewer_units_fits(points, most):
    for r in range(most + 1):
        within = {y for y in product((0, 1), repeat=points) if sum(a != b for a, b in zip(y, y[1:])) <= r}
        assert labelings(points, r) == within
    for y in product((0, 1), repeat=points):
        fitted = fit_line(range(points), y)
        assert len(fitted.b1) == sum(a != b for a, b in zip(y, y[1:]))
        assert tuple(direct(x, *fitted)[2] for x in range(points)) == y


def test_problem_2_of_S2():
    network = [[1, 1]], [-2, -4], [1, -2], -0.5
    table = {0: ((-2, -4), (0, 0), F(-1, 2), 0), 1: ((-1, -3), (0, 0), F(-1, 2), 0), 3: ((1, -1), (1, 0), F(1, 2), 1),
             5: ((3, 1), (1, 1), F(-3, 2), 0), F(7, 2): ((F(3, 2), F(-1, 2)), (1, 0), F(1, 2), 1)}
    assert {x: threshold_at(x, *network) for x in table} == table
    assert [(str(p.interval), p.z2) for p in line_pieces(*network)] == [
        ("(-∞, 2)", F(-1, 2)), ("[2, 4)", F(1, 2)), ("[4, ∞)", F(-3, 2))]
    assert threshold_network(*network).predict([[0], [1], [3], [5], [3.5]]).tolist() == [0, 0, 1, 0, 1]
    assert fit_line([0, 1, 3, 5], [0, 0, 1, 0])[:2] == (((1, 1),), (-2, -4))    # S2's hidden layer


def test_which_points_an_interval_holds():
    for has_left, has_right in ((True, True), (True, False), (False, True), (False, False)):
        interval = Interval(F(1), F(5, 2), has_left, has_right)
        assert [x in interval for x in ("1/2", 1, 2, 2.5, 3)] == [False, has_left, True, has_right, False]
    assert -9 in Interval(None, F(1), False, False) and 9 not in Interval(None, F(1), False, False)
    with pytest.raises(ValueError, match="^x must hold rational numbers"):
        assert "?" not in Interval(None, None, False, False)


def test_powers_of_ten_in_words():
    assert rational("x", "1e3") == rational("x", "1E3") == 1000 and rational("x", "-2.5e-1") == F(-1, 4)
    assert rational("x", "1e9999") == 10 ** 9999 and rational("x", "1e-9999") == F(1, 10 ** 9999)
    for far in ("1e10000", "1e-10000"):
        with pytest.raises(ValueError, match="^x must hold rational numbers"):
            rational("x", far)


def test_the_ends_of_pieces_are_there_or_not():
    assert [piece.interval for piece in line_pieces([[]], [], [], 1)] == [Interval(None, None, False, False)]
    assert [piece.interval for piece in line_pieces([[1]], [-1], [1], 0)] == [
        Interval(None, F(1), False, False), Interval(F(1), None, True, False)]
    assert [piece.interval for piece in line_pieces([[1, -1]], [-1, 1], [1, 1], 0)] == [
        Interval(None, F(1), False, False), Interval(F(1), F(1), True, True), Interval(F(1), None, False, False)]
    assert all(type(end) is bool for piece in line_pieces([[1, -1]], [-1, 1], [1, 1], 0) for end in piece.interval[2:])


@pytest.mark.parametrize("labels", [[0], [1], [0, 1, 0], [1, 1, 0, 1]])
def test_the_output_of_a_fit_keeps_its_distance_from_0(labels):
    fitted = fit_line(range(len(labels)), labels)
    assert [threshold_at(x, *fitted).z2 for x in range(len(labels))] == [F(2 * label - 1, 2) for label in labels]
