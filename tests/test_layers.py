import re

import numpy as np
import pytest
from cases import TOLERANCE, normal

import nnlib
from nnlib import Activation, Conv2d, Dense, Flatten, numerical_gradient
from nnlib.activations import ACTIVATIONS
from nnlib.by_rows import conv2d_by_rows

LAYERS = {
    "dense": (lambda: Dense(*normal((3, 2), (2,), seed=2)), (5, 3)),
    "dense without bias": (lambda: Dense(*normal((3, 2), seed=2)), (1, 3)),
    "dense 1 to 1": (lambda: Dense(*normal((1, 1), (1,), seed=2)), (1, 1)),
    "conv": (lambda: Conv2d(*normal((2, 3, 2, 3), (2,), seed=2), padding=1), (2, 3, 4, 3)),
    "conv without bias": (lambda: Conv2d(*normal((2, 1, 2, 2), seed=2)), (1, 1, 2, 2)),
    "flatten": (Flatten, (2, 3, 2, 1)),
    "tanh": (lambda: Activation("tanh"), (5, 3)),
    "softmax": (lambda: Activation("softmax"), (5, 2)),
}


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_derivative(name, method):
    layer, A = LAYERS[name][0](), normal(LAYERS[name][1])[0]
    G, = normal(layer.forward(A).shape, seed=1)
    dA, gradients = layer.backward(G, A)
    assert gradients.keys() == layer.parameters.keys()
    expected = numerical_gradient(lambda A: (G * layer.forward(A)).sum(), A, method)
    np.testing.assert_allclose(dA, expected, rtol=TOLERANCE[method], atol=TOLERANCE[method])
    own = dict(layer.parameters)
    for key, theta in own.items():
        def loss(moved, key=key):
            layer.parameters = own | {key: moved}
            return (G * layer.forward(A)).sum()
        expected = numerical_gradient(loss, theta, method)
        np.testing.assert_allclose(gradients[key], expected, rtol=TOLERANCE[method], atol=TOLERANCE[method])


@pytest.mark.parametrize("name", ["dense", "dense without bias", "conv", "conv without bias"])
def test_without_the_gradient_of_the_input_the_others_are_the_same(name):
    layer, A = LAYERS[name][0](), normal(LAYERS[name][1])[0]
    G, = normal(layer.forward(A).shape, seed=1)
    nothing, gradients = layer.backward(G, A, input_gradient=False)
    assert nothing is None and gradients.keys() == layer.parameters.keys()
    for key, found in layer.backward(G, A)[1].items():
        np.testing.assert_allclose(gradients[key], found, rtol=1e-14)


def test_a_layer_calls_its_function():
    X, W, b = normal((5, 3), (3, 2), (2,))
    np.testing.assert_array_equal(Dense(W, b).forward(X), nnlib.dense(X, W, b))
    images, kernels, c = normal((2, 3, 4, 5), (2, 3, 3, 3), (2,))
    np.testing.assert_array_equal(Conv2d(kernels, c, 1).forward(images), conv2d_by_rows(images, kernels, c, 1))
    np.testing.assert_array_equal(Activation("softmax").forward(X), nnlib.softmax(X))
    np.testing.assert_array_equal(Flatten().forward(images)[1], list(images[1].flat))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
def test_random_layers_have_their_shapes_and_zero_biases(bias, dtype):
    rng = np.random.default_rng(0)
    for layer, W, b in ((Dense.random(3, 2, rng, bias=bias, dtype=dtype), (3, 2), (2,)),
                        (Conv2d.random(3, 2, 5, rng, 2, "glorot", bias, dtype), (2, 3, 5, 5), (2,))):
        assert layer.W.shape == W and layer.W.dtype == dtype and layer.W.std() > 0
        assert (layer.b is None) if not bias else (layer.b.shape == b and layer.b.dtype == dtype and not layer.b.any())


def test_a_layer_owns_its_arrays():
    W, b = normal((3, 2), (2,))
    layer = Dense(W, b)
    assert not np.shares_memory(layer.W, W) and not np.shares_memory(layer.b, b)


@pytest.mark.parametrize("make, words", [
    (lambda: Dense([1.0]), "W must have 2 axes"), (lambda: Dense([[1.0, 2.0]], [1.0]), r"b must have shape \(2,\)"),
    (lambda: Dense([[np.nan]]), "W must be finite"), (lambda: Dense([[1.0]], ["a"]), "b must hold real numbers"),
    (lambda: Conv2d([[1.0]]), "W must have 4 axes"), (lambda: Conv2d([[[[1.0]]]], [1.0, 2.0]), "b must have shape"),
    (lambda: Conv2d([[[[1.0]]]], padding=-1), "padding must be"), (lambda: Activation("step2"), "activation must be"),
    (lambda: Dense.random(0, 2, np.random.default_rng(0)), "n_in must be"),
    (lambda: Dense.random(2, 2.0, np.random.default_rng(0)), "n_out must be"),
    (lambda: Dense.random(2, 2, 7), "rng must be"), (lambda: Conv2d.random(1, 1, 0, 7), "size must be"),
    (lambda: Flatten().forward(3.0), "A must have"), (lambda: Flatten().forward([3.0]), "A must have"),
    (lambda: Flatten().backward([[1.0]], [[1.0, 2.0]]), "dOut must have shape"),
    (lambda: Dense([[1.0]]).forward([[1.0, 2.0]]), "W must have shape"),
    (lambda: Dense([[1.0]]).backward([[1.0, 2.0]], [[1.0]]), "dZ must have shape"),
    (lambda: Conv2d([[[[1.0]]]]).backward([[[[1.0, 2.0]]]], [[[[1.0]]]]), "dY must have shape"),
    (lambda: Activation("relu").backward([1.0], [[1.0]]), "dA must have")])
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_a_random_layer_is_if_nothing_is_said():
    dense, conv = Dense.random(3, 2, np.random.default_rng(5)), Conv2d.random(3, 2, 5, np.random.default_rng(5))
    for layer, shape in ((dense, (3, 2)), (conv, (2, 3, 5, 5))):
        np.testing.assert_array_equal(layer.W, nnlib.he(np.random.default_rng(5), shape).astype(np.float32))
        assert layer.W.dtype == layer.b.dtype == np.float32 and layer.b.tolist() == [0, 0]
    assert Dense.random(1, 2, np.random.default_rng(5)).b.tolist() == [0, 0]
    assert Conv2d.random(1, 2, 1, np.random.default_rng(5)).b.tolist() == [0, 0]
    assert conv.padding == Conv2d([[[[1.0]]]]).padding == 0


@pytest.mark.parametrize("sizes, name", [((0, 2, 2), "n_in"), ((2, 0, 2), "n_out"), ((2, 2, 0), "size")])
def test_sizes_of_a_random_convolution_are_refused_by_name(sizes, name):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of at least 1"):
        Conv2d.random(*sizes, np.random.default_rng(0))


def test_the_layer_names_all_activation_functions():
    sentence = Activation.__doc__.partition(".")[0]
    assert re.findall(r'"(\w+)"', sentence) == list(ACTIVATIONS)
