import numpy as np
import pytest
from cases import CASES, TOLERANCE, normal
from hypothesis import assume, given
from hypothesis import strategies as st

import nnlib
from nnlib import conv2d, conv2d_backward, conv2d_loops, dense

# m, c, k, image, kernel, padding
SHAPES = [(2, 3, 2, (5, 4), (2, 3), 0), (1, 1, 1, (1, 1), (1, 1), 0), (3, 2, 4, (4, 6), (1, 1), 0),
          (2, 1, 3, (3, 5), (3, 5), 0), (1, 2, 1, (4, 3), (3, 3), 1), (2, 2, 2, (3, 4), (2, 5), 2),
          (1, 3, 2, (2, 3), (5, 4), 3), (5, 1, 2, (3, 3), (1, 1), 2)]


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("case", CASES["conv"], ids=str)
def test_backward_is_the_derivative(case, method):
    assert case.error(getattr(nnlib, case.name), method) < TOLERANCE[method]


@pytest.mark.parametrize("m, c, k, image, kernel, padding", SHAPES)
def test_conv_is_its_definition(m, c, k, image, kernel, padding):
    X, W, b = normal((m, c, *image), (k, c, *kernel), (k,))
    np.testing.assert_allclose(conv2d(X, W, b, padding), conv2d_loops(X, W, b, padding), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(conv2d(X, W, None, padding), conv2d_loops(X, W, 0 * b, padding), rtol=1e-12, atol=1e-13)


def _derivative(loops, x):
    # loops is affine in x: its differences are its derivative, and exact for small integers
    zero = loops(np.zeros_like(x))
    columns = [loops(unit.reshape(x.shape)) - zero for unit in np.eye(x.size)]
    return np.stack(columns, axis=-1).reshape(zero.shape + x.shape)


@pytest.mark.parametrize("m, c, k, image, kernel, padding", SHAPES)
def test_backward_is_the_derivative_of_the_definition_exactly(m, c, k, image, kernel, padding):
    rng = np.random.default_rng(0)
    X, W, b = (rng.integers(-4, 5, shape).astype(float) for shape in ((m, c, *image), (k, c, *kernel), (k,)))
    Y = conv2d_loops(X, W, b, padding)
    dY = rng.integers(-4, 5, Y.shape).astype(float)
    dX, dW, db = conv2d_backward(dY, X, W, padding)
    for found, loops, x in ((dX, lambda X: conv2d_loops(X, W, b, padding), X),
                            (dW, lambda W: conv2d_loops(X, W, b, padding), W),
                            (db, lambda b: conv2d_loops(X, W, b, padding), b)):
        np.testing.assert_array_equal(found, np.tensordot(dY, _derivative(loops, x), axes=4))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4),
       st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_any_shape(m, c, k, h, w, p, q, padding):
    assume(h + 2 * padding >= p and w + 2 * padding >= q)
    X, W, b = normal((m, c, h, w), (k, c, p, q), (k,))
    Y = conv2d(X, W, b, padding)
    np.testing.assert_allclose(Y, conv2d_loops(X, W, b, padding), rtol=1e-11, atol=1e-12)
    # ⟨dY, conv(X)⟩ = ⟨dX, X⟩ = ⟨dW, W⟩: both backwards are the adjoints
    dY, = normal(Y.shape, seed=1)
    dX, dW, db = conv2d_backward(dY, X, W, padding)
    inner = (dY * (Y - b[:, None, None])).sum()
    np.testing.assert_allclose([(dX * X).sum(), (dW * W).sum()], inner, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(db, [dY[:, o].sum() for o in range(k)], rtol=1e-10, atol=1e-12)


def test_padding_is_a_frame_of_zeros():
    X, W, b = normal((2, 2, 3, 4), (3, 2, 2, 3), (3,))
    framed = np.zeros((2, 2, 7, 8))
    framed[:, :, 2:5, 2:6] = X
    np.testing.assert_allclose(conv2d(X, W, b, 2), conv2d(framed, W, b), rtol=1e-13)


def test_a_kernel_of_2P_plus_1_keeps_the_size():
    assert conv2d(np.ones((1, 1, 4, 6)), np.ones((2, 1, 5, 5)), padding=2).shape == (1, 2, 4, 6)


def test_a_1x1_kernel_is_a_dense_layer_over_channels():
    X, W, b = normal((2, 3, 4, 5), (6, 3, 1, 1), (6,))
    rows = dense(X.transpose(0, 2, 3, 1).reshape(-1, 3), W[:, :, 0, 0].T, b)
    np.testing.assert_allclose(conv2d(X, W, b), rows.reshape(2, 4, 5, 6).transpose(0, 3, 1, 2), rtol=1e-12)


def test_a_kernel_as_large_as_the_image_is_a_dense_layer():
    X, W, b = normal((3, 2, 3, 4), (5, 2, 3, 4), (5,))
    np.testing.assert_allclose(conv2d(X, W, b)[:, :, 0, 0], dense(X.reshape(3, -1), W.reshape(5, -1).T, b), rtol=1e-12)


def test_a_batch_is_a_stack_of_single_samples():
    X, W, b = normal((3, 2, 4, 3), (2, 2, 2, 2), (2,))
    np.testing.assert_allclose(conv2d(X, W, b, 1), np.concatenate([conv2d(x[None], W, b, 1) for x in X]), rtol=1e-12)


def test_backward_is_linear_in_the_upstream_gradient():
    X, W, G, H = normal((2, 2, 4, 3), (3, 2, 2, 2), (2, 3, 3, 2), (2, 3, 3, 2))
    for mixed, first, second in zip(*(conv2d_backward(dY, X, W) for dY in (3 * G - 2 * H, G, H))):
        np.testing.assert_allclose(mixed, 3 * first - 2 * second, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("padding", [-1, 0.5, True, "1", None])
def test_padding_must_be_a_whole_number(padding):
    with pytest.raises(ValueError, match="padding must be a whole number of at least 0"):
        conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), padding=padding)


@pytest.mark.parametrize("kernel, padding", [((4, 1), 0), ((1, 5), 0), ((6, 1), 1)])
def test_a_kernel_larger_than_the_framed_image_is_refused(kernel, padding):
    X, W = np.ones((1, 1, 3, 4)), np.ones((1, 1, *kernel))
    for call in (lambda: conv2d(X, W, None, padding), lambda: conv2d_loops(X, W, np.ones(1), padding)):
        with pytest.raises(ValueError, match="W of shape .* does not fit into X"):
            call()


def test_nobody_computes_the_gradient_of_data_that_is_not_wanted():
    X, W, dY = normal((2, 3, 4, 5), (2, 3, 2, 3), (2, 2, 5, 5))
    dX, *others = conv2d_backward(dY, X, W, 1, input_gradient=False)
    assert dX is None
    for found, expected in zip(others, conv2d_backward(dY, X, W, 1)[1:], strict=True):
        np.testing.assert_array_equal(found, expected)
