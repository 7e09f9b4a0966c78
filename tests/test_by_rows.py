import tracemalloc

import numpy as np
import pytest
from cases import normal
from hypothesis import assume, given
from hypothesis import strategies as st

from nnlib import conv2d, conv2d_backward
from nnlib.by_rows import Rows, conv2d_by_rows, conv2d_by_rows_backward, copy_samples_last

# m, c, k, image, kernel, padding
SHAPES = [(2, 3, 2, (5, 4), (2, 3), 0), (1, 1, 1, (1, 1), (1, 1), 0), (3, 2, 4, (4, 6), (1, 1), 0),
          (2, 1, 3, (3, 5), (3, 5), 0), (1, 2, 1, (4, 3), (3, 3), 1), (2, 2, 2, (3, 4), (2, 5), 2),
          (1, 3, 2, (2, 3), (5, 4), 3), (5, 1, 2, (3, 3), (1, 1), 2)]


def compare(m, c, k, image, kernel, padding, dtype=float):
    X, W, b = (a.astype(dtype) for a in normal((m, c, *image), (k, c, *kernel), (k,)))
    tolerance = {"rtol": 1e-11, "atol": 1e-12} if dtype is float else {"rtol": 1e-5, "atol": 1e-5}
    Y = conv2d(X, W, b, padding)
    dY = normal(Y.shape, seed=1)[0].astype(dtype)
    found = conv2d_by_rows(X, W, b, padding), *conv2d_by_rows_backward(dY, X, W, padding)
    for a, expected in zip(found, (Y, *conv2d_backward(dY, X, W, padding)), strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, expected, **tolerance)


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("m, c, k, image, kernel, padding", SHAPES)
def test_it_is_the_plain_convolution(m, c, k, image, kernel, padding, dtype):
    compare(m, c, k, image, kernel, padding, dtype)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4),
       st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_any_shape(m, c, k, h, w, p, q, padding):
    assume(h + 2 * padding >= p and w + 2 * padding >= q)
    compare(m, c, k, (h, w), (p, q), padding)


def test_small_whole_numbers_come_out_exactly():
    rng = np.random.default_rng(0)
    X, W, b = (rng.integers(-4, 5, shape).astype(float) for shape in ((2, 3, 5, 4), (4, 3, 3, 2), (4,)))
    dY = rng.integers(-4, 5, (2, 4, 5, 5)).astype(float)
    np.testing.assert_array_equal(conv2d_by_rows(X, W, b, 1), conv2d(X, W, b, 1))
    for found, expected in zip(conv2d_by_rows_backward(dY, X, W, 1), conv2d_backward(dY, X, W, 1)):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("padding", [0, 2])
def test_the_arrays_can_be_used_again(padding):
    rows = Rows((2, 3, 5, 4), (2, 3, 3, 2), padding, np.float64)
    dX, dW, db = rows.make_input_gradient(), np.empty((2, 3, 3, 2)), np.empty(2)
    for seed in range(3):
        X, W, b, dY = normal((2, 3, 5, 4), (2, 3, 3, 2), (2,), rows.out.shape, seed=seed)
        np.testing.assert_allclose(rows.forward(X, W, b), conv2d(X, W, b, padding), rtol=1e-12, atol=1e-13)
        rows.backward(dY, W, dX, dW, db)
        for found, expected in zip((dX, dW, db), conv2d_backward(dY, X, W, padding)):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_arguments_are_left_alone_however_they_lie_in_memory():
    X, W, b, dY = normal((2, 3, 4, 5), (2, 3, 2, 2), (2,), (2, 2, 3, 4))
    expected = conv2d(X, W, b), *conv2d_backward(dY, X, W)
    lying = [np.ascontiguousarray(a.transpose(2, 1, 3, 0)).transpose(3, 1, 0, 2) for a in (X, dY)]
    for a in (X, W, b, dY, *lying):
        a.setflags(write=False)
    for images, gradient in ((X, dY), lying):
        found = conv2d_by_rows(images, W, b), *conv2d_by_rows_backward(gradient, images, W)
        for a, wanted in zip(found, expected):
            np.testing.assert_allclose(a, wanted, rtol=1e-12, atol=1e-13)


def test_without_the_input_gradient():
    X, W, dY = normal((2, 1, 4, 5), (2, 1, 2, 2), (2, 2, 3, 4))
    dX, dW, db = conv2d_by_rows_backward(dY, X, W, input_gradient=False)
    assert dX is None
    np.testing.assert_allclose(dW, conv2d_backward(dY, X, W)[1], rtol=1e-12)


@pytest.mark.parametrize("call, words", [
    (lambda X, W: conv2d_by_rows(X, W[:, :1]), "W must have shape"),
    (lambda X, W: conv2d_by_rows(X, W, np.ones(3)), r"b must have shape \(2,\)"),
    (lambda X, W: conv2d_by_rows(X, W, padding=-1), "padding must be a whole number"),
    (lambda X, W: conv2d_by_rows(X[:, :, :1], W), "W of shape .* does not fit into X"),
    (lambda X, W: conv2d_by_rows_backward(np.ones((2, 2, 3, 5)), X, W), "dY must have shape"),
    (lambda X, W: conv2d_by_rows_backward(np.ones(2), X, W), "dY must have 4 axes")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.ones((2, 3, 4, 5)), np.ones((2, 3, 2, 2)))


@pytest.mark.parametrize("wide", ["X", "W", "b", "dY", None])
def test_the_widest_type_wins(wide):
    X, W, b, dY = (a.astype(np.float64 if name == wide else np.float32)
                   for name, a in zip(("X", "W", "b", "dY"), normal((2, 1, 4, 5), (2, 1, 2, 2), (2,), (2, 2, 3, 4))))
    assert conv2d_by_rows(X, W, b).dtype == (np.float64 if wide in ("X", "W", "b") else np.float32)
    assert conv2d_by_rows(X, W).dtype == (np.float64 if wide in ("X", "W") else np.float32)
    np.testing.assert_allclose(conv2d_by_rows(X, W), conv2d(X, W), rtol=1e-5, atol=1e-6)
    for found in conv2d_by_rows_backward(dY, X, W):
        assert found.dtype == (np.float64 if wide in ("dY", "X", "W") else np.float32)


def test_all_samples_are_copied_however_far_apart_they_lie():
    for shape in ((40, 1, 16, 32), (40, 2, 3, 3)):  # 4096 bytes apart, and not
        images, = normal(shape)
        rows = np.full((shape[2], shape[1], shape[3], 40), np.nan)
        copy_samples_last(images, rows)
        np.testing.assert_array_equal(rows, np.einsum("ichw->hcwi", images))


def test_arrays_between_calls_have_the_type_of_the_result():
    rows = Rows((2, 3, 5, 4), (2, 3, 3, 2), 1, np.float32)
    assert {array.dtype for array in (rows.framed, rows.B, rows.Y, rows.D)} == {np.dtype("float32")}


def test_a_backward_in_float32_needs_half_the_memory():
    peaks = []
    for dtype in (np.float32, np.float64):
        X, W, dY = (np.ones(shape, dtype) for shape in ((64, 8, 1, 64), (1, 8, 1, 1), (64, 1, 1, 64)))
        rows = Rows(X.shape, W.shape, 0, dtype)
        dX, dW = rows.make_input_gradient(), np.empty_like(W)
        rows.shift(X)
        tracemalloc.start()
        rows.backward(dY, W, dX, dW, None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 0.6 * peaks[1]
