import numpy as np
import pytest
from cases import normal

from nnlib import conv2d_loops, dense_loops


def test_dense_by_hand():
    np.testing.assert_array_equal(dense_loops([[1, 2], [3, 4]], [[1, 0, -1], [0, 2, 1]], [0.5, 0, 1]),
                                  [[1.5, 4, 2], [3.5, 8, 2]])


@pytest.mark.parametrize("m, n, k", [(5, 3, 2), (1, 1, 1), (1, 3, 2), (5, 1, 2)])
def test_dense_is_a_sum_of_outer_products(m, n, k):
    X, W, b = normal((m, n), (n, k), (k,))
    expected = np.outer(np.ones(m), b) + sum(np.outer(X[:, i], W[i]) for i in range(n))
    np.testing.assert_allclose(dense_loops(X, W, b), expected, rtol=1e-13, atol=1e-15)


def test_conv_by_hand():
    X = [[[[1, 2, 3], [4, 5, 6]], [[0, 1, 0], [2, 0, -1]]]]
    W = [[[[1, -1], [0, 2]], [[0, 3], [1, 0]]]]
    # 1 − 2 + 10 + 3 + 2 = 14 and 2 − 3 + 12 + 0 + 0 = 11, each plus the bias
    np.testing.assert_array_equal(conv2d_loops(X, W, [0.5]), [[[[14.5, 11.5]]]])


def test_conv_with_padding_by_hand():
    Y = conv2d_loops([[[[1, 2], [3, 4]]]], [[[[1, 10], [100, 1000]]]], [0], padding=1)
    np.testing.assert_array_equal(Y, [[[[1000, 2100, 200], [3010, 4321, 402], [30, 43, 4]]]])


@pytest.mark.parametrize("shape, kernel, padding", [((2, 3, 4, 5), (2, 3, 3, 2), 0), ((1, 1, 2, 2), (3, 1, 3, 4), 2),
                                                    ((2, 2, 3, 3), (1, 2, 1, 1), 1)])
def test_conv_is_a_sum_of_shifted_images(shape, kernel, padding):
    X, W, b = normal(shape, kernel, kernel[:1])
    m, c, h, w = shape
    k, _, p, q = kernel
    framed = np.zeros((m, c, h + 2 * padding, w + 2 * padding))
    framed[:, :, padding:padding + h, padding:padding + w] = X
    rows, columns = framed.shape[2] - p + 1, framed.shape[3] - q + 1
    expected = sum(np.einsum("icrs,oc->iors", framed[:, :, u:u + rows, v:v + columns], W[:, :, u, v])
                   for u in range(p) for v in range(q)) + b.reshape(1, k, 1, 1)
    np.testing.assert_allclose(conv2d_loops(X, W, b, padding), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kernel", [(3, 1), (1, 4)])
def test_a_kernel_larger_than_the_image_is_refused(kernel):
    with pytest.raises(ValueError, match="does not fit into X"):
        conv2d_loops(np.ones((1, 1, 2, 3)), np.ones((1, 1, *kernel)), [0.0])
    assert conv2d_loops(np.ones((1, 1, 2, 3)), np.ones((1, 1, *kernel)), [0.0], padding=1).size > 0


@pytest.mark.parametrize("padding", [-1, 0.5, None])
def test_padding_is_a_whole_number(padding):
    with pytest.raises(ValueError, match="^padding must be a whole number of at least 0"):
        conv2d_loops(np.ones((1, 1, 2, 3)), np.ones((1, 1, 1, 1)), [0.0], padding)


@pytest.mark.parametrize("wide", ["X", "W", "b"])
def test_the_widest_type_wins(wide):
    def arrays(**shapes):
        return {name: np.ones(shape, np.float64 if name == wide else np.float32) for name, shape in shapes.items()}
    assert dense_loops(**arrays(X=(2, 3), W=(3, 2), b=(2,))).dtype == np.float64
    assert conv2d_loops(**arrays(X=(1, 1, 2, 3), W=(1, 1, 2, 1), b=(1,))).dtype == np.float64


def test_a_kernel_as_wide_as_the_image_leaves_one_column():
    assert conv2d_loops([[[[1, 2], [3, 4]]]], [[[[1, 10]]]], [0]).tolist() == [[[[21], [43]]]]
