"""Measures of a trained network that are not losses."""
from __future__ import annotations

import numpy as np

from .checks import axes, distributions, labels, numbers, reals, whole
from .kinds import Array, ArrayLike, Labels, NDArray


def _labels_of(name: str, Y: ArrayLike) -> ArrayLike:
    # a matrix holds scores, probabilities or one-hot rows: its label is the column of the largest
    return reals(name, Y).argmax(axis=1) if axes(name, Y) == 2 else Y


def _label_pair(predicted: ArrayLike, Y: ArrayLike) -> tuple[Labels, Labels]:
    predicted, Y = _labels_of("predicted", predicted), _labels_of("Y", Y)
    top = np.iinfo(np.int64).max
    predicted, Y = labels("predicted", predicted, top), labels("Y", Y, top)
    if predicted.shape != Y.shape:
        raise ValueError(f"predicted and Y must have equal length, but have {len(predicted)} and {len(Y)}")
    return predicted, Y


def accuracy(predicted: ArrayLike, Y: ArrayLike) -> float:
    """Return the fraction of samples whose predicted label is the true one.

    Each argument is a vector of integer labels, or a matrix (m, K) whose largest column counts.
    Source: S3-34.

    >>> accuracy([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    0.5
    """
    predicted, Y = _label_pair(predicted, Y)
    return float((predicted == Y).mean())


def confusion_matrix(predicted: ArrayLike, Y: ArrayLike, classes: int) -> Labels:
    """Return C with C[t, p] = number of samples of class t that were called p.

    Arguments as for `accuracy`; C has shape (classes, classes).

    >>> confusion_matrix([0, 1, 1], [0, 0, 1], 2)
    array([[1, 1],
           [0, 1]])
    """
    predicted, Y = _label_pair(predicted, Y)
    classes = whole("classes", classes)
    C = np.zeros((classes, classes), dtype=int)
    np.add.at(C, (labels("Y", Y, classes), labels("predicted", predicted, classes)), 1)
    return C


def calibration(S: ArrayLike, Y: ArrayLike, bins: int = 10) -> tuple[Array, Array, Labels]:
    """Return (confidence, accuracy, count) for samples grouped by their confidence.

    The confidence of a sample is its largest probability in the row of S, of shape (m, K); Y holds
    labels. Bin j holds confidences in (j/bins, (j+1)/bins]; an empty bin has nan for its means.

    >>> confidence, right, count = calibration([[0.9, 0.1], [0.3, 0.7]], [0, 0], bins=2)
    >>> float(confidence[1]), float(right[1]), count
    (0.8, 0.5, array([0, 2]))
    """
    S, bins = distributions("S", reals("S", S), (None, None)), whole("bins", bins)
    predicted, Y = _label_pair(S, Y)
    labels("Y", Y, S.shape[1])
    confidence = S.max(axis=1)
    at = np.searchsorted(np.arange(1, bins) / bins, confidence)
    count = np.bincount(at, minlength=bins)
    full = np.where(count > 0, count, np.nan)
    return (np.bincount(at, confidence, bins) / full, np.bincount(at, predicted == Y, bins) / full, count)


def dead_units(A: ArrayLike) -> NDArray[np.bool]:
    """Return for each unit whether it is 0 for every sample of A, of shape (m, n).

    A ReLU unit that is 0 on all data passes no gradient back and cannot learn. Source: S3-09.

    >>> dead_units([[0.0, 1.0], [0.0, 0.0]])
    array([ True, False])
    """
    return ~np.any(numbers("A", A, ndim=2), axis=0)
