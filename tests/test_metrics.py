import numpy as np
import pytest

from nnlib import accuracy, calibration, confusion_matrix, dead_units


def test_accuracy_of_labels_and_of_scores():
    assert accuracy([0, 1, 2, 2], [0, 1, 1, 2]) == 0.75
    assert accuracy([[1.0, 1.0], [0.0, 2.0]], [0, 0]) == 0.5  # the first of equal scores counts
    assert accuracy([0, 1], [[1, 0], [1, 0]]) == 0.5


def test_confusion_matrix_counts_true_rows_and_predicted_columns():
    predicted, Y = [0, 2, 2, 1, 0], [0, 1, 2, 1, 2]
    C = confusion_matrix(predicted, Y, 4)
    assert C.dtype.kind == "i"
    assert C.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert C.trace() / C.sum() == accuracy(predicted, Y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_calibration_by_hand(dtype):
    S = np.array([[0.5, 0.5], [0.625, 0.375], [0.75, 0.25], [0.125, 0.875], [0.0, 1.0]], dtype)
    confidence, right, count = calibration(S, [0, 1, 0, 1, 0], bins=4)
    assert count.tolist() == [0, 1, 2, 2]  # the upper edge belongs to the bin
    np.testing.assert_array_equal(confidence, [np.nan, 0.5, 0.6875, 0.9375])
    np.testing.assert_array_equal(right, [np.nan, 1, 0.5, 0.5])


def test_calibration_has_ten_bins_if_nothing_is_said():
    assert calibration([[0.875, 0.125]], [0])[2].tolist() == [0] * 8 + [1, 0]


def test_calibration_keeps_the_edges_of_many_bins():
    for j in range(50, 100):
        top = (j + 1) / 100
        assert calibration([[top, 1 - top]], [0], bins=100)[2][j] == 1


def test_dead_units():
    assert dead_units([[0.0, 1.0, 0.0], [0.0, 0.0, -2.0]]).tolist() == [True, False, False]
    assert dead_units([[0.0]]).tolist() == [True]


@pytest.mark.parametrize("call, words", [
    (lambda: accuracy([0, 1], [0]), "predicted and Y must have equal length"), (lambda: accuracy([0.0], [0]), "predicted must hold integer"),
    (lambda: accuracy([0], [-1]), "Y must lie in"), (lambda: accuracy([0], [True]), "Y must hold integer"),
    (lambda: accuracy([], [0]), "predicted must"), (lambda: accuracy([[0], [1, 2]], [0]), "predicted must be a rectangular"),
    (lambda: accuracy([[np.nan, 1]], [0]), "predicted must be finite"), (lambda: accuracy(3, [0]), "predicted must be a vector"),
    (lambda: confusion_matrix([0], [3], 3), "Y must lie in 0 … 2"), (lambda: confusion_matrix([3], [0], 3), "predicted must lie in 0 … 2"),
    (lambda: confusion_matrix([0], [0], 0), "classes must be"), (lambda: calibration([[0.5, 0.5]], [0], bins=0), "bins must be"),
    (lambda: calibration([[3.0, -2.0]], [0]), "S must not be negative"), (lambda: calibration([[0.5, 0.2]], [0]), "each row of S must sum"),
    (lambda: calibration([[0.5, 0.5]], [2]), "Y must lie in 0 … 1"), (lambda: dead_units([1.0]), "A must have 2 axes")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
