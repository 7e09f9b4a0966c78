"""This library, through the functions that its readers call."""
import numpy as np
from work import some

from nnlib import SGD, Activation, Conv2d, Dense, Flatten, Network
from nnlib import train as train_network
from nnlib.in_place import softmax_cross_entropy_in_place


def dense(W, bias=True):
    return Dense(W, np.zeros(W.shape[1], W.dtype) if bias else None)


def network(weights, bias=True):
    layers = []
    for W in weights:
        layers += [dense(W, bias), Activation("relu")]
    return Network(layers[:-1], "softmax")


def _train(make, X, y, batch, rate, seed):
    def start():
        net = make()

        def go():
            history = train_network(net, X, y, epochs=1, batch_size=batch, optimizer=SGD(rate),
                                    rng=np.random.default_rng(seed), progress=False)
            return lambda: [history.loss[0], net.loss(X[:512], y[:512])]
        return go
    return start


def train(X, y, order, batch, weights, bias, rate, seed):
    return _train(lambda: network(weights, bias), X, y, batch, rate, seed)


def train_images(X, y, order, batch, weights, bias, rate, seed):
    def make():
        first, second, last = weights
        return Network([Conv2d(first, np.zeros(8, first.dtype)), Activation("relu"),
                        Conv2d(second, np.zeros(16, first.dtype)), Activation("relu"), Flatten(), dense(last)], "softmax")
    return _train(make, X, y, batch, rate, seed)


def convolution(X, W, b, dY):
    layer = Conv2d(W, b)

    def go():
        Y = layer.forward(X)
        dX, gradients = layer.backward(dY, X)
        return lambda: [*some(Y), *some(dX), *some(gradients["W"]), *some(gradients["b"])]
    return lambda: go


def loss(Z, y):
    def go():
        dZ = np.empty_like(Z)
        value = softmax_cross_entropy_in_place(Z, y, 1 / len(Z), dZ) / len(Z)
        return lambda: [value, *some(dZ)]
    return lambda: go


def predict(X, weights):
    net = network(weights)

    def go():
        S = net.predict_proba(X)
        return lambda: some(S)
    return lambda: go
