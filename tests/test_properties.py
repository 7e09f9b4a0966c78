"""Properties that hold for any data, drawn by Hypothesis (the same examples in every run but the weekly one: see conftest.py)."""
from fractions import Fraction

import numpy as np
import pytest
from cases import ELEMENTWISE
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import nnlib
from nnlib import Activation, Conv2d, Dense, Flatten, Network

numbers = st.floats(-20, 20, width=32)
sizes = st.integers(1, 4)


def array(*shape):
    return arrays(np.float64, shape, elements=numbers)


@st.composite
def matrices(draw, count=1):
    """Draw matrices of one shape."""
    shape = draw(sizes), draw(sizes)
    return [draw(array(*shape)) for _ in range(count)]


@st.composite
def products(draw):
    """Draw X, W, b of a dense layer, and two upstream gradients."""
    m, n, k = draw(sizes), draw(sizes), draw(sizes)
    return [draw(array(*shape)) for shape in ((m, n), (n, k), (k,), (m, k), (m, k))]


@st.composite
def convolutions(draw):
    """Draw X, W, b, padding of a convolution, and two upstream gradients."""
    m, c, k, p, q, padding = (draw(st.integers(low, high)) for low, high in ((1, 2), (1, 2), (1, 2), (1, 2), (1, 2), (0, 1)))
    h, w = draw(st.integers(p, 3)), draw(st.integers(q, 3))
    shapes = (m, c, h, w), (k, c, p, q), (k,), *[(m, k, h + 2 * padding - p + 1, w + 2 * padding - q + 1)] * 2
    X, W, b, G, H = (draw(array(*shape)) for shape in shapes)
    return X, W, b, padding, G, H


@st.composite
def networks(draw):
    """Draw a network of any kind and depth, of float32 or float64, and data for it."""
    dtype, m, n = draw(st.sampled_from(["float32", "float64"])), draw(sizes), draw(sizes)
    rng, output = np.random.default_rng(draw(st.integers(0, 99))), draw(st.sampled_from(["identity", "sigmoid", "softmax"]))
    layers, shape = [], (m, n)
    if draw(st.booleans()):
        channels = draw(st.integers(1, 2))
        shape = m, channels, 3, 2
        layers = [Conv2d.random(channels, 2, 2, rng, draw(st.integers(0, 1)), bias=draw(st.booleans()), dtype=dtype), Flatten()]
        n = Network(layers, output).logits(np.zeros(shape)).shape[1]
    for width in draw(st.lists(sizes, min_size=1, max_size=3)):
        layers += [Activation(draw(st.sampled_from(ELEMENTWISE))), Dense.random(n, width, rng, bias=draw(st.booleans()), dtype=dtype)]
        n = width
    return Network(layers, output), rng.normal(size=shape)


def close(found, expected, scale=1.0):
    found, expected = (values if isinstance(values, (tuple, list)) else [values] for values in (found, expected))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-11 * scale)


# --- shift invariance, and probabilities ---

@given(matrices(), st.integers(-2 ** 20, 2 ** 20))
def test_a_shift_of_the_logits_changes_no_prediction_and_no_loss(drawn, c):
    Z = np.round(drawn[0] * 64) / 64  # so that adding c is exact
    m, K = Z.shape
    y = np.arange(m) % K
    close(nnlib.softmax(Z + c), nnlib.softmax(Z))
    close(nnlib.softmax_cross_entropy(Z + c, y), nnlib.softmax_cross_entropy(Z, y))
    close(nnlib.softmax_cross_entropy_backward(Z + c, y), nnlib.softmax_cross_entropy_backward(Z, y))
    close(nnlib.softmax_backward(Z, Z + c), nnlib.softmax_backward(Z, Z))


@given(matrices(), st.floats(-1e6, 1e6))
def test_a_shift_of_the_logits_shifts_the_log_sum_exp(drawn, c):
    Z, = drawn
    # Z + c, the result and its sum with c are rounded, all numbers of this size
    np.testing.assert_allclose(nnlib.log_sum_exp(Z + c), nnlib.log_sum_exp(Z) + c, rtol=0, atol=1e-15 * (abs(c) + 30))


WIDE = st.one_of(st.floats(-700, 700), st.floats(-1e300, 1e300), st.sampled_from([-1e300, -700.0, 700.0, 1e300]))


@given(st.tuples(sizes, sizes).flatmap(lambda shape: arrays(np.float64, shape, elements=WIDE)))
def test_softmax_of_wide_logits_is_probabilities(Z):
    S = nnlib.softmax(Z)
    assert ((S >= 0) & (S <= 1)).all()
    np.testing.assert_allclose(S.sum(axis=1), 1, rtol=1e-15)


@given(networks())
def test_soft_predictions_are_probabilities(drawn):
    net, X = drawn
    P = net.predict_proba(X)
    if net.output != "identity":
        assert ((P >= 0) & (P <= 1)).all()
    if net.output == "softmax":
        np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
        assert (P[np.arange(len(P)), net.predict(X)] == P.max(axis=1)).all()


@given(matrices(), st.data())
def test_gradients_of_a_cross_entropy_sum_to_zero_and_are_least_at_the_true_class(drawn, data):
    Z, = drawn
    y = np.array(data.draw(st.lists(st.integers(0, Z.shape[1] - 1), min_size=len(Z), max_size=len(Z))))
    dZ = nnlib.softmax_cross_entropy_backward(Z, y, "sum")
    np.testing.assert_allclose(dZ.sum(axis=1), 0, atol=1e-14)
    assert (dZ[np.arange(len(Z)), y] <= 0).all() and (np.delete(dZ.ravel(), np.arange(len(Z)) * Z.shape[1] + y) >= 0).all()


# --- gradients are linear in the upstream gradient ---

factors = st.floats(-3, 3, width=32)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax"])
@given(matrices(3), factors, factors)
def test_backward_of_an_activation_is_linear(name, drawn, s, t):
    Z, G, H = drawn
    back = getattr(nnlib, name + "_backward")
    close(back(s * G + t * H, Z), s * back(G, Z) + t * back(H, Z), 20)


@given(matrices(3), factors, factors)
def test_backward_of_log_sum_exp_is_linear(drawn, s, t):
    Z, (g, h) = drawn[0], (G[:, 0] for G in drawn[1:])
    back = nnlib.log_sum_exp_backward
    close(back(s * g + t * h, Z), s * back(g, Z) + t * back(h, Z), 20)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(products(), factors, factors)
def test_backward_of_a_neuron_is_linear(name, drawn, s, t):
    X, W, b, G, H = drawn
    x, w, g, h = X[0], W[:, 0], G[0, 0], H[0, 0]
    found, *parts = (nnlib.neuron_backward(da, x, w, b[0], name) for da in (s * g + t * h, g, h))
    close(found, [s * one + t * other for one, other in zip(*parts)], 1e3)


@given(products(), factors, factors)
def test_backward_of_a_product_is_linear(drawn, s, t):
    X, W, b, G, H = drawn
    for back in (nnlib.dense_backward, nnlib.matmul_backward):
        close(back(s * G + t * H, X, W), [s * g + t * h for g, h in zip(back(G, X, W), back(H, X, W))], 1e3)


@given(convolutions(), factors, factors)
def test_backward_of_a_convolution_is_linear(drawn, s, t):
    X, W, b, padding, G, H = drawn
    found = nnlib.conv2d_backward(s * G + t * H, X, W, padding)
    close(found, [s * g + t * h for g, h in zip(nnlib.conv2d_backward(G, X, W, padding), nnlib.conv2d_backward(H, X, W, padding))], 1e3)


@given(networks(), factors, factors)
def test_backward_of_a_network_is_linear(drawn, s, t):
    net, X = drawn
    net.parameters = {name: array.astype(np.float64) for name, array in net.parameters.items()}
    stages, rng = net.forward(X), np.random.default_rng(0)
    G, H = rng.normal(size=(2, *stages[-1].shape))
    found, first, second = (net.backward(dOut, stages) for dOut in (s * G + t * H, G, H))
    close(found[0], [s * g + t * h for g, h in zip(first[0], second[0])], 10)
    close(list(found[1].values()), [s * first[1][name] + t * second[1][name] for name in found[1]], 10)


# --- a batch is its stacked samples ---

@given(networks())
def test_a_batch_is_its_stacked_samples(drawn):
    net, X = drawn
    for call in (net.logits, net.predict_proba, lambda X: net.forward(X)[-1]):
        np.testing.assert_allclose(call(X), np.concatenate([call(x[None]) for x in X]), rtol=1e-5, atol=1e-6)


@given(networks())
def test_the_gradient_of_a_batch_is_the_sum_of_those_of_its_samples(drawn):
    net, X = drawn
    Z = net.logits(X)
    Y = np.arange(len(X)) % Z.shape[1] if net.output == "softmax" else (np.arange(Z.size).reshape(Z.shape) % 2).astype(float)
    loss, gradients = net.gradients(X, Y, "sum")
    alone = [net.gradients(X[i:i + 1], Y[i:i + 1], "sum") for i in range(len(X))]
    np.testing.assert_allclose(loss, sum(one for one, _ in alone), rtol=1e-5, atol=1e-5)
    for name, d in gradients.items():
        np.testing.assert_allclose(d, sum(one[name] for _, one in alone), rtol=1e-4, atol=1e-4)


# --- rows and columns ---

@given(products())
def test_samples_as_columns_say_the_same(drawn):
    X, W, b, G, _ = drawn
    Z = np.einsum("ji,im->jm", W.T, X.T) + b[:, None]  # z = Wᵀx + b, one column for each sample
    close(nnlib.dense(X, W, b).T, Z, 1e3)
    dX, dW, db = nnlib.dense_backward(G, X, W)
    close((dX.T, dW.T, db[:, None]), (W @ G.T, G.T @ X, G.T.sum(axis=1, keepdims=True)), 1e3)


@given(matrices(2))
def test_a_softmax_of_columns_is_that_of_the_rows(drawn):
    Z, G = drawn
    E = np.exp(Z.T - Z.T.max(axis=0))
    S = E / E.sum(axis=0)
    close(nnlib.softmax(Z).T, S)
    for i in range(len(Z)):  # the Jacobian is symmetric: rows from the left, columns from the right
        J = np.diag(S[:, i]) - np.outer(S[:, i], S[:, i])
        close(nnlib.softmax_backward(G, Z)[i], J @ G[i], 20)


# --- save and load ---

@given(drawn=networks())
def test_save_and_load_is_the_identity(drawn, tmp_path_factory):
    net, X = drawn
    path = tmp_path_factory.getbasetemp() / "property.npz"
    nnlib.save(net, path)
    loaded = nnlib.load(path)
    assert loaded.output == net.output and list(loaded.parameters) == list(net.parameters)
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in net.layers]
    for name, array in net.parameters.items():
        assert array.dtype == loaded.parameters[name].dtype and array.tobytes() == loaded.parameters[name].tobytes()
    np.testing.assert_array_equal(net.logits(X), loaded.logits(X))
    content = path.read_bytes()
    nnlib.save(loaded, path)
    assert nnlib.load(path).parameters.keys() == net.parameters.keys() and len(path.read_bytes()) == len(content)


# --- fit on a line ---

points = st.one_of(st.integers(-5, 5), st.fractions(-2, 2, max_denominator=7), st.floats(allow_nan=False, allow_infinity=False))


@given(st.dictionaries(points, st.integers(0, 1), min_size=1, max_size=7))
def test_fit_on_a_line_always_fits(label):
    exact = {}
    for point, value in label.items():
        exact.setdefault(Fraction(point), value)
    fitted = nnlib.fit_line(list(exact), list(exact.values()))
    assert [nnlib.threshold_at(x, *fitted).yhat for x in exact] == list(exact.values())
    inside = nnlib.line_ones(*fitted)
    assert [any(x in interval for interval in inside) for x in exact] == [value == 1 for value in exact.values()]
    order = [exact[x] for x in sorted(exact)]
    assert len(fitted.b1) == sum(a != b for a, b in zip(order, order[1:]))
