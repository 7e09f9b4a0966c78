"""autograd: the forward pass in its NumPy, the gradients by tracing it."""
import autograd.numpy as np
from autograd import value_and_grad
from autograd.scipy.special import logsumexp
from work import some


def logits(parameters, X):
    for W, b in parameters[:-1]:
        X = np.maximum(np.dot(X, W) + b, 0)
    W, b = parameters[-1]
    return np.dot(X, W) + b


def cross_entropy(Z, y):
    return np.mean(logsumexp(Z, axis=1) - Z[np.arange(len(y)), y])


def train(X, y, order, batch, weights, bias, rate, seed):
    if not bias:
        return None
    step = value_and_grad(lambda parameters, X, y: cross_entropy(logits(parameters, X), y))

    def start():
        parameters = [(W.copy(), np.zeros(W.shape[1], W.dtype)) for W in weights]

        def go():
            total = 0.0
            for at in range(0, len(order), batch):
                index = order[at:at + batch]
                value, gradients = step(parameters, X[index], y[index])
                total += value * len(index)
                for arrays, changes in zip(parameters, gradients):
                    for array, d in zip(arrays, changes):
                        array -= rate * d
            return lambda: [total / len(order), cross_entropy(logits(parameters, X[:512]), y[:512])]
        return go
    return start


def loss(Z, y):
    both = value_and_grad(cross_entropy)

    def go():
        value, dZ = both(Z, y)
        return lambda: [value, *some(dZ)]
    return lambda: go
