import numpy as np
import pytest
from cases import CASES, ELEMENTWISE, TOLERANCE, normal

import nnlib
from nnlib import augment, dense, dense_backward, dense_loops, matmul_backward, neuron, neuron_backward

SHAPES = [(5, 3, 2), (1, 3, 2), (5, 1, 2), (5, 3, 1), (1, 1, 1)]


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("case", CASES["linear"], ids=str)
def test_backward_is_the_derivative(case, method):
    assert case.error(getattr(nnlib, case.name), method) < TOLERANCE[method]


def test_dense_by_hand():
    Z = dense([[1, 2, 3], [0, -1, 4]], [[1, 0], [2, -1], [0, 5]], [10, -20])
    np.testing.assert_array_equal(Z, [[1 + 4 + 10, -2 + 15 - 20], [-2 + 10, 1 + 20 - 20]])


@pytest.mark.parametrize("m, n, k", SHAPES)
def test_dense_is_its_definition_and_the_augmented_product(m, n, k):
    X, W, b = normal((m, n), (n, k), (k,))
    np.testing.assert_allclose(dense(X, W, b), dense_loops(X, W, b), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(dense(X, W), dense_loops(X, W, np.zeros(k)), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(dense(augment(X), np.vstack([b, W])), dense(X, W, b), rtol=1e-13, atol=1e-15)


def test_augment_puts_ones_first():
    np.testing.assert_array_equal(augment([[7, 8], [9, -1]]), [[1, 7, 8], [1, 9, -1]])


@pytest.mark.parametrize("m, n, k", SHAPES)
def test_dense_is_a_stack_of_single_samples(m, n, k):
    X, W, b = normal((m, n), (n, k), (k,))
    np.testing.assert_allclose(dense(X, W, b), [dense(x[None], W, b)[0] for x in X], rtol=1e-13, atol=1e-15)


def test_backward_by_hand():
    dX, dW, db = dense_backward([[1, -1], [2, 0], [0, 3]], [[1], [2], [-1]], [[4, 5]])
    np.testing.assert_array_equal(dX, [[4 - 5], [8], [15]])
    np.testing.assert_array_equal(dW, [[1 + 4, -1 - 3]])
    np.testing.assert_array_equal(db, [3, 2])


def test_nobody_computes_the_gradient_of_data_that_is_not_wanted():
    X, W, dZ = normal((5, 3), (3, 2), (5, 2))
    dX, *others = dense_backward(dZ, X, W, input_gradient=False)
    assert dX is None
    for found, expected in zip(others, dense_backward(dZ, X, W)[1:], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_gradient_of_a_batch_is_the_sum_over_its_samples():
    X, W, dZ = normal((5, 3), (3, 2), (5, 2))
    dX, dW, db = dense_backward(dZ, X, W)
    parts = [dense_backward(g[None], x[None], W) for g, x in zip(dZ, X)]
    np.testing.assert_allclose(dX, np.concatenate([part[0] for part in parts]), rtol=1e-13)
    np.testing.assert_allclose(dW, sum(part[1] for part in parts), rtol=1e-12)
    np.testing.assert_allclose(db, sum(part[2] for part in parts), rtol=1e-12)


@pytest.mark.parametrize("back", [dense_backward, matmul_backward])
def test_backward_is_linear_in_the_upstream_gradient(back):
    X, W, G, H = normal((5, 3), (3, 2), (5, 2), (5, 2))
    for mixed, first, second in zip(back(3 * G - 2 * H, X, W), back(G, X, W), back(H, X, W)):
        np.testing.assert_allclose(mixed, 3 * first - 2 * second, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_neuron_is_a_dense_layer_with_one_sample_and_one_output(name):
    x, w, b = normal((3,), (3,), ())
    forward, backward = nnlib.activation(name)
    Z = dense(x[None], w[:, None], [b])
    np.testing.assert_allclose(neuron(x, w, b, name), forward(Z)[0, 0], rtol=1e-14)
    dX, dW, db = dense_backward(backward([[2.5]], Z), x[None], w[:, None])
    dx, dw, d = neuron_backward(2.5, x, w, b, name)
    np.testing.assert_allclose([*dx, *dw, d], [*dX[0], *dW[:, 0], db[0]], rtol=1e-14)


def test_a_neuron_at_its_kink_is_silent():
    assert neuron([1.0], [2.0], -2.0, "relu") == 0
    dx, dw, db = neuron_backward(1.0, [1.0], [2.0], -2.0, "relu")
    assert (dx[0], dw[0], db) == (0, 0, 0)


def test_a_python_number_as_bias_leaves_a_float32_neuron_alone():
    x = np.ones(3, np.float32)
    assert neuron(x, x, 0.5, "tanh").dtype == np.float32
    assert {g.dtype for g in neuron_backward(2.0, x, x, 0.5, "tanh")} == {np.dtype("float32")}
