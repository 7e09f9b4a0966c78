import numpy as np
import pytest
from cases import normal

import nnlib
from nnlib import Activation, Dense, Network, dense_network, gradient_check, numerical_gradient, relative_error


@pytest.mark.parametrize("method, rtol", [("central", 1e-9), ("complex", 1e-15)])
@pytest.mark.parametrize("f, slope", [(lambda x: x ** 3, lambda x: 3 * x ** 2), (np.sin, np.cos), (np.exp, np.exp),
                                      (lambda x: 1 / (2 + x ** 2), lambda x: -2 * x / (2 + x ** 2) ** 2)])
def test_known_slopes(f, slope, method, rtol):
    x = np.array([-3.0, -0.5, 0.0, 1.0, 4.0])
    np.testing.assert_allclose(numerical_gradient(lambda x: f(x).sum(), x, method), slope(x), rtol=rtol, atol=1e-10)


@pytest.mark.parametrize("method, atol", [("central", 1e-9), ("complex", 1e-15)])
def test_shapes_of_the_derivative(method, atol):
    A, X = normal((2, 3), (3, 4))
    G = numerical_gradient(lambda X: A @ X, X, method)
    assert G.shape == (2, 4, 3, 4)
    np.testing.assert_allclose(G, np.einsum("ik,jl->ijkl", A, np.eye(4)), atol=atol)
    assert numerical_gradient(lambda x: x ** 2, 3.0, method).shape == ()
    np.testing.assert_allclose(numerical_gradient(lambda x: x ** 2, 3.0, method), 6, rtol=1e-9)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_the_point_stays_where_it_is(method):
    X = np.array([[1, 2], [3, 4]])
    X.setflags(write=False)
    np.testing.assert_allclose(numerical_gradient(lambda X: (X ** 2).sum(), X, method), 2 * X, rtol=1e-9)


def test_relative_error_by_hand():
    assert relative_error([0.0, 2.0], [0.5, 2.0]) == 0.5
    assert relative_error([100.0], [80.0]) == 0.2
    assert relative_error([3.0], [3.0]) == 0
    assert relative_error(-4.0, 4.0) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_check_leaves_the_network_alone(dtype):
    net = dense_network([3, 4, 2], np.random.default_rng(0), "sigmoid", dtype=dtype)
    before = {name: a.copy() for name, a in net.parameters.items()}
    assert max(gradient_check(net, np.eye(3), [0, 1, 1]).values()) < 1e-8
    for name, a in net.parameters.items():
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, before[name])


@pytest.mark.parametrize("method", ["central", "complex"])
def test_gradient_check_finds_a_wrong_backward(method):
    class Wrong(Activation):
        def backward(self, dA, Z, input_gradient=True):
            return -nnlib.tanh_backward(dA, Z), {}

    net = Network([Dense(*normal((3, 4), (4,))), Wrong("tanh"), Dense(*normal((4, 2), (2,)))], "softmax")
    errors = gradient_check(net, np.eye(3), [0, 1, 1], method)
    assert errors["W1"] > 1e-2 and errors["b1"] > 1e-2 and errors["W2"] < 1e-8


@pytest.mark.parametrize("call, words", [
    (lambda: numerical_gradient(np.sum, [1.0], "forward"), "method must be one of 'central', 'complex'"),
    (lambda: numerical_gradient(np.sum, ["a"]), "X must hold real numbers"),
    (lambda: gradient_check(3, [[1.0]], [0]), r"^network must be a nnlib\.Network, but is 3"),
    (lambda: relative_error([1.0], [1.0, 2.0]), r"b must have shape \(1,\)"),
    (lambda: relative_error([np.nan], [1.0]), "a must be finite")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("output, bias", [("softmax", True), ("softmax", False), ("identity", True), ("sigmoid", True)])
def test_the_slope_in_any_direction_is_the_gradient_times_the_direction(output, bias):
    net = dense_network([3, 4, 3, 2], np.random.default_rng(0), "tanh", output, bias=bias, dtype="float64")
    X, = normal((5, 3))
    Y = normal((5, 2))[0] if output == "identity" else np.arange(5) % 2 if output == "softmax" else np.eye(2)[np.arange(5) % 2]
    start, d = net.parameters, net.gradients(X, Y)[1]
    for seed in range(3):
        v = dict(zip(start, normal(*(a.shape for a in start.values()), seed=seed)))

        def loss_along(s):
            net.parameters = {name: a + s * v[name] for name, a in start.items()}
            return net.loss(X, Y)

        expected = sum((d[name] * v[name]).sum() for name in start)
        np.testing.assert_allclose(numerical_gradient(loss_along, 0.0, "complex"), expected, rtol=1e-11, atol=1e-14)


def test_where_the_function_is_evaluated():
    points = {"central": [], "complex": []}
    for method, seen in points.items():
        numerical_gradient(lambda x: seen.append(x.item()) or x, [-3.0], method)
    right, left = points["central"]
    assert right + left == pytest.approx(-6, rel=1e-15) and right - left == pytest.approx(2 * 24e-6, rel=1e-9)
    assert points["complex"] == [-3 + 1e-30j]


def test_gradient_check_names_the_samples_it_refuses():
    with pytest.raises(ValueError, match="^X must be finite"):
        gradient_check(dense_network([2, 2], np.random.default_rng(0)), [[np.nan, 1]], [0])


@pytest.mark.parametrize("method", ["central", "complex"])
def test_what_f_returns_is_refused_by_name(method):
    with pytest.raises(ValueError, match=r"^f\(X\) must be finite"):
        numerical_gradient(lambda x: np.nan * x, [1.0], method)
