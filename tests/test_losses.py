import mpmath as mp
import numpy as np
import pytest
from cases import CASES, TOLERANCE, close, exactly, labels, normal, soft
from hypothesis import given
from hypothesis import strategies as st
from test_activations import GRID, ROWS

import nnlib
from nnlib import (cross_entropy, cross_entropy_backward, one_hot, sigmoid_cross_entropy,
                   sigmoid_cross_entropy_backward, softmax, softmax_backward, softmax_cross_entropy,
                   softmax_cross_entropy_backward, squared_error, squared_error_backward)

LOSSES = {
    "squared_error": lambda m: normal((m, 3), (m, 3)),
    "sigmoid_cross_entropy": lambda m: (normal((m, 3))[0], soft(m, 3)),
    "cross_entropy": lambda m: (soft(m, 3), one_hot(labels(m, 3), 3)),
    "softmax_cross_entropy": lambda m: (normal((m, 3))[0], labels(m, 3)),
}


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("case", CASES["losses"], ids=str)
def test_backward_is_the_derivative(case, method):
    # probabilities of 0.1 have derivatives of the third order of about 10³
    tolerance = 1e-7 if (case.name, method) == ("cross_entropy_backward", "central") else TOLERANCE[method]
    assert case.error(getattr(nnlib, case.name), method) < tolerance


def test_values_by_hand():
    assert squared_error([[1.0, 2.0], [0.0, 3.0]], [[0.0, 0.0], [0.0, 1.0]]) == (1 + 4 + 4) / 2
    np.testing.assert_allclose(cross_entropy([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [1, 2]),
                               (np.log(4) - np.log(0.8)) / 2, rtol=1e-15)
    np.testing.assert_allclose(softmax_cross_entropy(np.log([[0.5, 0.25, 0.25]]), [1]), np.log(4), rtol=1e-15)
    np.testing.assert_allclose(sigmoid_cross_entropy([np.log(3)], [1.0]), np.log(4 / 3), rtol=1e-15)
    np.testing.assert_array_equal(squared_error_backward([[3.0], [1.0]], [[1.0], [1.0]]), [[2], [0]])


def test_one_hot():
    np.testing.assert_array_equal(one_hot([2, 0, 2], 4), [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
    assert one_hot(np.array([1], np.uint8), 2).dtype == np.float64


@pytest.mark.parametrize("m", [1, 5])
@pytest.mark.parametrize("name", LOSSES)
def test_reductions_fit_together(name, m):
    loss, back, (Z, Y) = getattr(nnlib, name), getattr(nnlib, name + "_backward"), LOSSES[name](m)
    each = loss(Z, Y, "none")
    assert each.shape == (m,)
    np.testing.assert_allclose(each, [loss(Z[i:i + 1], Y[i:i + 1]) for i in range(m)], rtol=1e-13)
    np.testing.assert_allclose(loss(Z, Y, "sum"), each.sum(), rtol=1e-13)
    np.testing.assert_allclose(loss(Z, Y, "sum"), m * loss(Z, Y), rtol=1e-13)
    np.testing.assert_allclose(back(Z, Y, "sum"), m * back(Z, Y), rtol=1e-13)
    np.testing.assert_allclose(back(Z, Y, "sum"), np.concatenate([back(Z[i:i + 1], Y[i:i + 1]) for i in range(m)]),
                               rtol=1e-13)
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum'"):
        back(Z, Y, "none")
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
        loss(Z, Y, "average")


@pytest.mark.parametrize("m, K", [(5, 3), (1, 3), (5, 2), (1, 2), (4, 1)])
def test_labels_and_one_hot_rows_are_the_same(m, K):
    Z, y = normal((m, K))[0], labels(m, K)
    for name, first in (("softmax_cross_entropy", Z), ("cross_entropy", softmax(Z))):
        for f in (getattr(nnlib, name), getattr(nnlib, name + "_backward")):
            np.testing.assert_allclose(f(first, y), f(first, one_hot(y, K)), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("Y", [labels(5, 3), one_hot(labels(5, 3), 3), soft(5, 3)], ids=["labels", "one-hot", "soft"])
def test_softmax_cross_entropy_is_cross_entropy_after_softmax(Y):
    Z, = normal((5, 3))
    S = softmax(Z)
    np.testing.assert_allclose(softmax_cross_entropy(Z, Y), cross_entropy(S, Y), rtol=1e-13)
    np.testing.assert_allclose(softmax_cross_entropy_backward(Z, Y), softmax_backward(cross_entropy_backward(S, Y), Z),
                               rtol=1e-12, atol=1e-15)


def test_sigmoid_cross_entropy_is_softmax_cross_entropy_with_two_classes():
    z, = normal((5,))
    y = labels(5, 2)
    Z = np.column_stack([np.zeros(5), z])
    np.testing.assert_allclose(sigmoid_cross_entropy(z, y), softmax_cross_entropy(Z, y), rtol=1e-14)
    np.testing.assert_allclose(sigmoid_cross_entropy_backward(z, y), softmax_cross_entropy_backward(Z, y)[:, 1],
                               rtol=1e-13)


@given(st.lists(st.integers(-300, 300), min_size=2, max_size=5), st.integers(-1000, 1000))
def test_softmax_cross_entropy_ignores_a_shift(row, c):
    Z = np.array([row], float)
    for Y in ([0], soft(1, len(row))):
        np.testing.assert_allclose(softmax_cross_entropy(Z + c, Y), softmax_cross_entropy(Z, Y), rtol=1e-13)
        np.testing.assert_array_equal(softmax_cross_entropy_backward(Z + c, Y), softmax_cross_entropy_backward(Z, Y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [0, 1])
def test_sigmoid_cross_entropy_to_the_last_digits(y, dtype):
    Z = GRID.astype(dtype)
    Y = np.full_like(Z, y)
    z = exactly(Z)
    close(sigmoid_cross_entropy(Z, Y, "none"), [mp.log1p(mp.exp(-x if y else x)) for x in z])
    close(sigmoid_cross_entropy_backward(Z, Y, "sum"), [-1 / (1 + mp.exp(x)) if y else 1 / (1 + mp.exp(-x)) for x in z])
    assert np.isfinite(sigmoid_cross_entropy(Z, Y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("form", ["labels", "one-hot"])
def test_softmax_cross_entropy_to_the_last_digits(row, form, dtype):
    z = [mp.mpf(x) for x in row]
    for y in range(3):
        others = [mp.exp(x - z[y]) for k, x in enumerate(z) if k != y]
        total = mp.fsum(mp.exp(x - max(z)) for x in z)
        Z, Y = np.array([row], dtype), [y] if form == "labels" else one_hot([y], 3)
        close(softmax_cross_entropy(Z, Y, "none"), [mp.log1p(mp.fsum(others))])
        S = [mp.exp(x - max(z)) / total for x in z]
        S[y] = -mp.fsum(S[k] for k in range(3) if k != y)
        close(softmax_cross_entropy_backward(Z, Y), S)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_soft_targets_at_large_logits(row, dtype):
    Y = np.array([[0.5, 0.25, 0.25]], dtype)
    z, y = [mp.mpf(x) for x in row], exactly(Y)
    rest = mp.log(mp.fsum(mp.exp(x - max(z)) for x in z))
    close(softmax_cross_entropy(np.array([row], dtype), Y, "none"), [rest + mp.fsum(q * (max(z) - x) for x, q in zip(z, y))])
    total = mp.fsum(mp.exp(x - max(z)) for x in z)
    S = [mp.exp(x - max(z)) / total for x in z]
    np.testing.assert_allclose(softmax_cross_entropy_backward(np.array([row], dtype), Y),
                               [[float(s - q) for s, q in zip(S, y)]], rtol=0, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("s", [1e-30, 1e-10, 0.1, 0.5, 0.75, 1 - 1e-6, 1.0])
def test_cross_entropy_to_the_last_digits(s, dtype):
    S = np.array([[s, 1 - s]], dtype)
    exact = exactly(S)[0]
    close(cross_entropy(S, [0], "none"), [-mp.log(exact)])
    close(cross_entropy_backward(S, [0]), [-1 / exact, mp.mpf(0)])


def test_zero_times_log_zero_is_zero():
    assert cross_entropy([[1.0, 0.0]], [0]) == 0
    np.testing.assert_array_equal(cross_entropy_backward([[1.0, 0.0]], [0]), [[-1, 0]])


def test_an_impossible_class_is_refused_unless_epsilon_clips():
    for f in (cross_entropy, cross_entropy_backward):
        with pytest.raises(ValueError, match=r"S\[1, 0\] is 0 for a class that occurs"):
            f([[1.0, 0.0], [0.0, 1.0]], [0, 0])
    S, Y, epsilon = [[1.0, 0.0], [0.25, 0.75]], [1, 0], 1e-3
    np.testing.assert_allclose(cross_entropy(S, Y, epsilon=epsilon), (-np.log(1e-3) + np.log(4)) / 2, rtol=1e-15)
    # the clipped entries are constant, the others are not touched
    np.testing.assert_array_equal(cross_entropy_backward(S, Y, epsilon=epsilon), [[0, 0], [-2, 0]])


@pytest.mark.parametrize("epsilon", [-0.1, 0.5, np.nan, "0.1"])
def test_epsilon_is_less_than_a_half(epsilon):
    with pytest.raises(ValueError, match=r"epsilon must be a number in \[0.0, 0.5\)"):
        cross_entropy([[0.5, 0.5]], [0], epsilon=epsilon)


@pytest.mark.parametrize("Y, words", [([[0.5, 0.4]], "each row of Y must sum to 1, but row 0 sums to 0.9"),
                                      ([[1.5, -0.5]], "Y must not be negative"),
                                      ([0, 1], "Y must hold 1 labels"), ([2], "holds the label 2")])
def test_targets_that_are_no_distribution_are_refused(Y, words):
    for f in (softmax_cross_entropy, softmax_cross_entropy_backward, cross_entropy, cross_entropy_backward):
        with pytest.raises(ValueError, match=words):
            f([[0.5, 0.5]], Y)


@pytest.mark.parametrize("S", [[[-0.1, 1.1]], [[0.0, 1.1]]])
def test_probabilities_lie_between_0_and_1(S):
    with pytest.raises(ValueError, match=r"S must lie in \[0, 1\]"):
        cross_entropy(S, [1])


@pytest.mark.parametrize("Y", [[1.5], [-0.5]])
def test_binary_targets_lie_between_0_and_1(Y):
    with pytest.raises(ValueError, match=r"Y must lie in \[0, 1\]"):
        sigmoid_cross_entropy([0.0], Y)


@pytest.mark.parametrize("name", ["squared_error", "sigmoid_cross_entropy"])
def test_one_output_takes_its_targets_as_a_vector(name):
    Z, y = normal((5, 1))[0], labels(5, 2)
    for f in (getattr(nnlib, name), getattr(nnlib, name + "_backward")):
        np.testing.assert_array_equal(f(Z, y), f(Z, y[:, None]))
    with pytest.raises(ValueError, match="Z|Yhat"):
        getattr(nnlib, name)(1.0, 1.0)


def test_the_caller_decides_the_type_by_the_first_argument():
    Z = np.zeros((2, 3), np.float32)
    assert softmax_cross_entropy_backward(Z, soft(2, 3)).dtype == np.float32
    assert squared_error_backward(Z, np.ones((2, 3))).dtype == np.float32


def test_targets_are_complex_only_where_the_first_argument_is():
    Z, Y = np.array([[1.0, 2.0]]), np.array([[0.5, 1.0]])
    with pytest.raises(ValueError, match="^Y must hold real numbers, as the first argument does, but its type is complex128"):
        squared_error(Z, Y + 0j)
    assert squared_error(Z + 0j, Y + 0j) == squared_error(Z + 0j, Y) == 1.25


def test_targets_of_one_output_that_differ_in_length_are_refused_by_name():
    with pytest.raises(ValueError, match="^Y must be a rectangular array"):
        squared_error([[1.0], [2.0]], [[1.0], [2.0, 3.0]])


def test_epsilon_clips_on_both_sides_and_0_not_at_all():
    assert cross_entropy([[1.0, 0.0]], [0], epsilon=0.125) == cross_entropy([[0.875, 0.125]], [0]) == -np.log(0.875)
    assert cross_entropy([[1 + 1e-6, 0.0]], [0]) == -np.log(1 + 1e-6)  # so much may have been lost to rounding
