import numpy as np
import pytest
from cases import normal

import nnlib
from nnlib import (Activation, Conv2d, Dense, Flatten, Network, binary_network, class_network, dense_network,
                   gradient_check, in_place, network, regression_network)
from nnlib.activations import ACTIVATIONS
from nnlib.checks import trusted


def rng():
    return np.random.default_rng(0)


def conv_network(output="softmax"):
    return Network([Conv2d.random(2, 3, 2, rng(), 1, dtype="float64"), Activation("tanh"), Flatten(),
                    Dense.random(36, 4, rng(), dtype="float64"), Activation("sigmoid"),
                    Dense.random(4, 2, rng(), dtype="float64")], output)


def with_biases(network):
    network.parameters = {name: array + 0.1 * normal(array.shape, seed=4)[0] for name, array in network.parameters.items()}
    return network


def test_forward_by_hand():
    net = Network([Dense([[1, -1], [2, 0]], [0, 3]), Activation("relu"), Dense([[1], [-2]], [0.5])], "identity")
    stages = net.forward([[1, 1], [-2, 0]])
    for found, expected in zip(stages, ([[1, 1], [-2, 0]], [[3, 2], [-2, 5]], [[3, 2], [0, 5]], [[-0.5], [-9.5]]), strict=True):
        np.testing.assert_array_equal(found, expected)
    # L = mean of (ŷ − y)² for y = (0.5, −9.5): dŶ = (−1, 0), and unit 2 of sample 2 has no part in it
    loss, gradients = net.gradients([[1, 1], [-2, 0]], [[0.5], [-9.5]])
    assert loss == 0.5
    for name, expected in {"W1": [[-1, 2], [-1, 2]], "b1": [-1, 2], "W2": [[-3], [-2]], "b2": [-1]}.items():
        np.testing.assert_array_equal(gradients[name], expected)


def test_forward_is_the_literal_nesting():
    X, W1, b1, W2, b2, W3 = normal((5, 3), (3, 4), (4,), (4, 2), (2,), (2, 3))
    net = Network([Dense(W1, b1), Activation("tanh"), Dense(W2, b2), Activation("relu"), Dense(W3)], "softmax")
    Z = np.maximum(0, np.tanh(X @ W1 + b1) @ W2 + b2) @ W3
    stages = net.forward(X)
    assert len(stages) == 6 and stages[0].shape == (5, 3)
    np.testing.assert_allclose(stages[-1], Z, rtol=1e-13)
    np.testing.assert_array_equal(net.logits(X), stages[-1])
    np.testing.assert_allclose(net.predict_proba(X), np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True), rtol=1e-13)


def test_identity_activations_collapse_to_one_affine_map():
    net = with_biases(dense_network([3, 4, 5, 2], rng(), "identity", "identity", dtype="float64"))
    p, X = net.parameters, normal((5, 3))[0]
    W, b = p["W1"] @ p["W2"] @ p["W3"], (p["b1"] @ p["W2"] + p["b2"]) @ p["W3"] + p["b3"]
    np.testing.assert_allclose(net.predict(X), X @ W + b, rtol=1e-12)


@pytest.mark.parametrize("method, tolerance", [("central", 1e-8), ("complex", 1e-13)])
@pytest.mark.parametrize("widths, output, m", [([3, 4, 3, 2], "softmax", 5), ([1, 1, 1, 1], "identity", 1), ([2, 3, 4, 3, 1], "sigmoid", 1),
                                               ([3, 2, 2, 2], "identity", 5), ([1, 5, 4, 2], "softmax", 1)])
@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"step"}))
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_of_deep_networks(widths, output, m, activation, bias, method, tolerance):
    net = with_biases(dense_network(widths, rng(), activation, output, bias=bias, dtype="float64"))
    X, = normal((m, widths[0]), seed=8)
    Y = normal((m, widths[-1]))[0] if output == "identity" else np.arange(m) % 2
    errors = gradient_check(net, X, Y, method)
    assert errors.keys() == net.parameters.keys()
    assert max(errors.values()) < tolerance


@pytest.mark.parametrize("method, tolerance", [("central", 1e-8), ("complex", 1e-13)])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_gradients_of_a_convolutional_network(output, method, tolerance):
    X, = normal((3, 2, 2, 3))
    Y = [1, 0, 1] if output == "softmax" else [[1, 0], [0, 0], [1, 1]]
    assert max(gradient_check(with_biases(conv_network(output)), X, Y, method).values()) < tolerance


def test_backward_returns_the_gradient_of_every_stage():
    net, X = with_biases(dense_network([3, 4, 3, 2], rng(), "tanh", "identity", dtype="float64")), normal((2, 3))[0]
    stages = net.forward(X)
    G, = normal((2, 2), seed=1)
    dstages, gradients = net.backward(G, stages)
    assert list(gradients) == list(net.parameters)
    assert [g.shape for g in dstages] == [A.shape for A in stages]
    for at, A in enumerate(stages):
        rest = Network(net.layers[at:], "identity") if at < len(net.layers) else None
        loss = (lambda A: (G * rest.logits(A)).sum()) if rest else (lambda A: (G * A).sum())
        np.testing.assert_allclose(dstages[at], nnlib.numerical_gradient(loss, A, "complex"), rtol=1e-12, atol=1e-15)


def test_a_batch_is_a_stack_of_single_samples():
    net, X = conv_network(), normal((3, 2, 2, 3))[0]
    np.testing.assert_allclose(net.logits(X), np.concatenate([net.logits(x[None]) for x in X]), rtol=1e-12)


def test_shapes():
    assert conv_network().shapes(np.ones((5, 2, 2, 3))) == [
        ("input", (5, 2, 2, 3), {}), ("Conv2d", (5, 3, 3, 4), {"W": (3, 2, 2, 2), "b": (3,)}), ("tanh", (5, 3, 3, 4), {}),
        ("Flatten", (5, 36), {}), ("Dense", (5, 4), {"W": (36, 4), "b": (4,)}), ("sigmoid", (5, 4), {}),
        ("Dense", (5, 2), {"W": (4, 2), "b": (2,)})]


def test_parameters_are_named_by_their_layer_and_can_be_set():
    net = conv_network()
    assert {name: a.shape for name, a in net.parameters.items()} == {
        "W1": (3, 2, 2, 2), "b1": (3,), "W2": (36, 4), "b2": (4,), "W3": (4, 2), "b3": (2,)}
    new = {name: a + 1 for name, a in net.parameters.items()}
    net.parameters = new
    for name, a in net.parameters.items():
        np.testing.assert_array_equal(a, new[name])
        assert not np.shares_memory(a, new[name])
    net.parameters["b3"][:] = 7
    np.testing.assert_array_equal(net.layers[-1].b, [7, 7])


@pytest.mark.parametrize("change, words", [
    ({"W9": np.ones(2)}, "parameters must be named"), ({"W1": np.ones((2, 3))}, r"W1 must have shape \(3, 2\)"),
    ({"b1": np.ones(3)}, r"b1 must have shape \(2,\)"), ({"b1": [np.inf, 0]}, "b1 must be finite")])
def test_unfit_parameters_are_refused_and_nothing_is_set(change, words):
    net = dense_network([3, 2], rng())
    before = {name: a.copy() for name, a in net.parameters.items()}
    with pytest.raises(ValueError, match=words):
        net.parameters = net.parameters | change
    with pytest.raises(ValueError, match=r"parameters must be named \['W1', 'b1'\], but are named \[1, 'W1'\]"):
        net.parameters = {"W1": 0, 1: 0}
    with pytest.raises(ValueError, match="parameters must be named"):
        net.parameters = {"W1": before["W1"]}
    for name, a in net.parameters.items():
        np.testing.assert_array_equal(a, before[name])


def test_hard_decisions_and_their_ties():
    assert Network([Dense(np.eye(3))], "softmax").predict([[1, 1, 0], [0, 2, 2], [-1, -1, -1]]).tolist() == [0, 1, 0]
    assert Network([Dense([[1.0]])], "sigmoid").predict([[0.0], [-0.0], [-1e-300], [2.0]]).tolist() == [1, 1, 0, 1]
    assert Network([Dense(np.eye(2))], "sigmoid").predict([[0.0, -1.0]]).tolist() == [[1, 0]]
    assert Network([Dense([[2.0]])], "identity").predict([[3.0]]).tolist() == [[6.0]]


def test_the_one_line_networks():
    X = normal((5, 3))[0]
    for net, output, shape in ((regression_network(3, 4, 1, rng()), "identity", (5, 1)),
                               (regression_network(3, 4, 2, rng(), "tanh"), "identity", (5, 2)),
                               (binary_network(3, 4, rng()), "sigmoid", (5, 1)), (class_network(3, 4, 6, rng()), "softmax", (5, 6))):
        assert net.output == output and net.predict_proba(X).shape == shape and net.logits(X).dtype == np.float64
        p = net.parameters
        hidden = np.tanh(X @ p["W1"]) if net.layers[1].name == "tanh" else 1 / (1 + np.exp(-X @ p["W1"]))
        np.testing.assert_allclose(net.logits(X), hidden @ p["W2"], rtol=1e-12)
    assert binary_network(3, 4, rng()).predict(X).shape == (5,)
    assert set(class_network(3, 4, 6, rng()).predict(X)) <= set(range(6))
    with pytest.raises(ValueError, match="classes must be a whole number of at least 2"):
        class_network(3, 4, 1, rng())


def test_the_network_of_the_digits_has_636010_parameters():
    assert sum(a.size for a in dense_network([784, 800, 10], rng()).parameters.values()) == 636_010


def test_three_matrices_and_no_bias():
    net, X = dense_network([7, 5, 5, 3], rng(), bias=False, dtype="float64"), normal((2, 7))[0]
    W1, W2, W3 = net.parameters.values()
    columns = W3.T @ np.maximum(W2.T @ np.maximum(W1.T @ X.T, 0), 0)  # samples as columns, as the source has them
    np.testing.assert_allclose(net.predict_proba(X).T, np.exp(columns) / np.exp(columns).sum(axis=0), rtol=1e-12)


def test_a_hard_threshold_network_with_one_input():
    net = Network([Dense([[1, 1]], [-1, -3]), Activation("step"), Dense([[-1], [2]], [0.5])], "sigmoid")
    X = [[0.9], [1], [2], [3], [4]]
    assert net.forward(X)[2].tolist() == [[0, 0], [1, 0], [1, 0], [1, 1], [1, 1]]
    assert net.logits(X)[:, 0].tolist() == [0.5, -0.5, -0.5, 1.5, 1.5]
    assert net.predict(X).tolist() == [1, 0, 0, 1, 1]


@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_the_output_decides_the_loss(output):
    net, X = dense_network([3, 4, 2], rng(), output=output, dtype="float64"), normal((5, 3))[0]
    Y = np.arange(5) % 2 if output == "softmax" else nnlib.one_hot(np.arange(5) % 2, 2)
    P = net.predict_proba(X)
    expected = {"identity": lambda: ((P - Y) ** 2).sum(axis=1), "softmax": lambda: -np.log(P[np.arange(5), Y]),
                "sigmoid": lambda: -(Y * np.log(P) + (1 - Y) * np.log(1 - P)).sum(axis=1)}[output]()
    np.testing.assert_allclose(net.loss(X, Y, "none"), expected, rtol=1e-12)
    np.testing.assert_allclose(net.gradients(X, Y)[0], expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(net.loss_of_logits(net.logits(X), Y, "sum"), expected.sum(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_keeps_its_type(dtype):
    net = dense_network([3, 4, 2], rng(), dtype=dtype)
    X = np.ones((5, 3), dtype)
    loss, gradients = net.gradients(X, [0, 1, 0, 1, 1])
    arrays = [loss, net.predict_proba(X), *net.forward(X), *gradients.values(), *net.parameters.values()]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


NET = dense_network([3, 4, 2], rng(), dtype="float64")


@pytest.mark.parametrize("call, words", [
    (lambda: Network([], "identity"), "layers is empty"), (lambda: Network([3], "identity"), "layers must hold layers, but holds 3"),
    (lambda: Network([Dense], "identity"), "layers must hold layers, but holds <class"),
    (lambda: NET.backward(np.ones((2, 2)), [None] * 4), "the last of stages must"),
    (lambda: Network([Flatten()], "argmax"), "output must be one of 'identity', 'sigmoid', 'softmax'"),
    (lambda: NET.forward(np.ones((5, 4))), "W must have shape"), (lambda: NET.forward([[1.0, 2.0, np.nan]]), "X must be finite"),
    (lambda: NET.logits([["a", "b", "c"]]), "X must hold real numbers"), (lambda: NET.predict([]), "X is empty"),
    (lambda: NET.loss(np.ones((2, 3)), [0, 2]), "Y must lie in 0 … 1, but holds the label 2"),
    (lambda: NET.loss(np.ones((2, 3)), [0, -1]), "Y must lie in 0 … 1, but holds the label -1"),
    (lambda: NET.loss(np.ones((2, 3)), [0.0, 1.0]), "Y must hold integer labels"),
    (lambda: NET.loss(np.ones((2, 3)), [0, 1, 1]), "Y must hold 2 labels"),
    (lambda: NET.backward(np.ones((2, 2)), NET.forward(np.ones((2, 3)))[1:]), "stages must hold 4 arrays, but holds 3"),
    (lambda: NET.backward(np.ones((1, 2)), NET.forward(np.ones((2, 3)))), "dOut must have shape"),
    (lambda: dense_network([3], rng()), "widths must name"), (lambda: dense_network([3, 0], rng()), "widths must be"),
    (lambda: dense_network([3, 2], rng(), dtype="int8"), "dtype must be"), (lambda: dense_network([3, 2], 0), "rng must be"),
    (lambda: dense_network([3, 2], rng(), weights="zeros"), "weights must be one of"),
    (lambda: dense_network([3, 2], rng(), activation="gelu"), "activation must be one of")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("m", [1024, 1025, 1536, 1537, 2047])
def test_a_long_prediction_is_made_in_blocks_and_says_the_same(m):
    net, X = with_biases(dense_network([3, 4, 2], rng(), dtype="float64")), normal((m, 3))[0]
    stages = net.forward(X)
    np.testing.assert_allclose(net.logits(X), stages[-1], rtol=1e-12, atol=1e-14)
    images = conv_network()
    np.testing.assert_allclose(images.logits(np.resize(X, (m, 2, 2, 3)))[-1], images.logits(np.resize(X, (m, 2, 2, 3))[-1:])[0], rtol=1e-12)


@pytest.mark.parametrize("m", [1, 1025])
def test_a_parameter_that_was_spoiled_in_place_is_named_and_so_is_an_overflow(m):
    net = Network([Dense([[10.0]], [0.0])], "identity")
    with pytest.raises(OverflowError, match="a layer's result is too large for a float"):
        net.logits(np.full((m, 1), 1e308))
    net.parameters["b1"][0] = np.nan
    with pytest.raises(ValueError, match=r"^b1 must be finite, but b1\[0\] is nan"):
        net.logits(np.ones((m, 1)))


@pytest.mark.parametrize("m", [1, 1025])
@pytest.mark.parametrize("name, value", [("W1", -np.inf), ("b1", -np.inf), ("W1", np.nan)])
def test_a_spoiled_parameter_is_found_where_relu_hides_it(name, value, m):
    net = Network([Dense([[1.0, 1.0]], [0.0, 0.0]), Activation("relu"), Dense([[1.0], [1.0]])], "identity")
    net.parameters[name].flat[0] = value
    with pytest.raises(ValueError, match=rf"^{name} must be finite"):
        net.logits(np.ones((m, 1)))
    with pytest.raises(ValueError, match="layer 1, Dense: (W|b) must be finite"):
        net.forward(np.ones((m, 1)))


def test_the_layer_that_does_not_fit_is_named():
    net = Network([Dense([[1.0, 1.0]]), Activation("relu"), Dense([[1.0]])], "identity")
    for call in (net.forward, net.logits, net.predict, net.shapes):
        with pytest.raises(ValueError, match=r"^layer 3, Dense: W must have shape \(2, any\), but has shape \(1, 1\)"):
            call([[1.0]])
    with pytest.raises(OverflowError, match="^layer 1, Dense: the result of dense has left the range of float64"):
        Network([Dense([[10.0]])], "identity").forward([[1e308]])


@pytest.mark.parametrize("make, shapes", [
    (lambda: regression_network(3, 4, 2, rng()), [(3, 4), (4, 2)]), (lambda: binary_network(3, 4, rng()), [(3, 4), (4, 1)]),
    (lambda: class_network(3, 4, 6, rng()), [(3, 4), (4, 6)])])
def test_the_weights_of_the_one_line_networks_are_glorots_and_the_activation_sigmoid(make, shapes):
    net, generator = make(), rng()
    assert net.layers[1].name == "sigmoid"
    for name, shape in zip(("W1", "W2"), shapes):
        np.testing.assert_array_equal(net.parameters[name], nnlib.glorot(generator, shape))


def test_what_a_dense_network_is_if_nothing_is_said():
    net, generator = dense_network([3, 4, 2], rng()), rng()
    assert [type(layer) for layer in net.layers] == [Dense, Activation, Dense]
    assert (net.layers[1].name, net.output) == ("relu", "softmax")
    assert {name: a.dtype for name, a in net.parameters.items()} == dict.fromkeys(("W1", "b1", "W2", "b2"), np.dtype("float32"))
    for name, shape in (("W1", (3, 4)), ("W2", (4, 2))):
        np.testing.assert_array_equal(net.parameters[name], nnlib.he(generator, shape).astype("float32"))


@pytest.mark.parametrize("call, words", [
    (lambda: Network(3, "identity"), "^layers must be a list of layers, but is 3"),
    (lambda: NET.backward(np.ones((2, 2)), 5), "^stages must be a list of arrays, but is 5"),
    (lambda: Network([Dense([[1.0]])], "XX"), "^output must be one of 'identity', 'sigmoid', 'softmax', but is 'XX'"),
    (lambda: NET.logits(np.ones(2000)), "X must have 2 axes"), (lambda: NET.predict(np.ones((2, 3)) * 1j), "^the logits of X must hold real")])
def test_what_is_refused_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("missing", ["forward", "backward"])
def test_half_a_layer_is_refused(missing):
    half = type("Half", (), {"forward" if missing == "backward" else "backward": lambda self, A: A})()
    with pytest.raises(ValueError, match="^layers must hold layers"):
        Network([half], "identity")


class Asked(Activation):
    """Notes whether its input's gradient was asked for."""

    def backward(self, dA, Z, input_gradient=True):
        self.asked = input_gradient
        return super().backward(dA, Z, input_gradient)


@pytest.mark.parametrize("first", [True, False])
def test_the_gradient_of_the_data_alone_may_be_left_out(first):
    net = Network([Asked("tanh"), Asked("sigmoid"), Asked("tanh")], "identity")
    net.backward(np.ones((1, 2)), net.forward([[0.5, -2.0]]), first)
    assert [layer.asked for layer in net.layers] == [first, True, True]
    net.backward(np.ones((1, 2)), net.forward([[0.5, -2.0]]))
    assert [layer.asked for layer in net.layers] == [True, True, True]
    net.gradients([[0.5, -2.0]], [[0.0, 0.0]])
    assert [layer.asked for layer in net.layers] == [False, True, True]


@pytest.mark.parametrize("m, blocks", [(1024, 0), (1025, 1), (1536, 1)])
def test_more_than_1024_samples_go_in_blocks(m, blocks, monkeypatch):
    made = []
    monkeypatch.setattr(network, "Step", lambda *arguments: made.append(arguments) or in_place.Step(*arguments))
    Z = dense_network([3, 4, 2], rng()).logits(np.ones((m, 3), np.float32))
    assert len(made) == blocks and Z.dtype == np.float32 and Z.shape == (m, 2)


@pytest.mark.parametrize("m", [1, 1024, 1025, 1536])
@pytest.mark.parametrize("layers", [[Dense([[1.0]], [1.5e308])], [Dense([[10.0, -10.0]]), Dense([[1.0], [1.0]])]], ids=["sum", "difference"])
def test_what_is_too_large_is_an_error_and_no_warning_unless_one_is_trusted(layers, m):
    net, X = Network(layers, "identity"), np.full((m, 1), 1.5e308)
    with pytest.raises(OverflowError, match="too large for a float"):
        net.logits(X)
    with trusted():
        assert not np.isfinite(net.logits(X)).any()


def test_labels_are_whole_numbers_and_the_reduction_reaches_the_gradients():
    assert Network([Dense([[1.0]])], "sigmoid").predict([[2.0]]).dtype.kind == "i"
    X, = normal((5, 3))
    mean, total = NET.gradients(X, [0, 1, 1, 0, 1]), NET.gradients(X, [0, 1, 1, 0, 1], "sum")
    np.testing.assert_allclose(total[0], 5 * mean[0], rtol=1e-14)
    for name, gradient in mean[1].items():
        np.testing.assert_allclose(total[1][name], 5 * gradient, rtol=1e-13)
