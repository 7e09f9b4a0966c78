"""JAX: each step compiled as a whole, the old parameters given back to it."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from work import some


def logits(parameters, X):
    for W, b in parameters[:-1]:
        X = jax.nn.relu(X @ W + b)
    W, b = parameters[-1]
    return X @ W + b


def without_bias(parameters, X):
    for W in parameters[:-1]:
        X = jax.nn.relu(X @ W)
    return X @ parameters[-1]


def correlate(X, W):
    return lax.conv_general_dilated(X, W, (1, 1), "VALID")


def image_logits(parameters, X):
    for W, b in parameters[:-1]:
        X = jax.nn.relu(correlate(X, W) + b[:, None, None])
    W, b = parameters[-1]
    return X.reshape(len(X), -1) @ W + b


def cross_entropy(Z, y):
    return (jax.nn.logsumexp(Z, axis=1) - jnp.take_along_axis(Z, y[:, None], axis=1)[:, 0]).mean()


def _train(function, parameters, X, y, order, batch, rate):
    X, y = jnp.asarray(X), jnp.asarray(y)
    batches = [jnp.asarray(order[at:at + batch]) for at in range(0, len(order), batch)]

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters, total, index, X, y):
        loss, gradients = jax.value_and_grad(lambda p: cross_entropy(function(p, X[index]), y[index]))(parameters)
        return jax.tree.map(lambda p, d: p - rate * d, parameters, gradients), total + loss * len(index)

    def start():
        now = jax.block_until_ready(jax.tree.map(lambda a: jnp.array(a, copy=True), parameters))

        def go():
            p, total = now, jnp.zeros(())
            for index in batches:
                p, total = step(p, total, index, X, y)
            mean = float(total) / len(order)
            jax.block_until_ready(p)
            return lambda: [mean, cross_entropy(function(p, X[:512]), y[:512])]
        return go
    return start


def _biased(weights):
    return [(W, np.zeros(W.shape[1] if W.ndim == 2 else W.shape[0], np.float32)) for W in weights]


def train(X, y, order, batch, weights, bias, rate, seed):
    return _train(*((logits, _biased(weights)) if bias else (without_bias, weights)), X, y, order, batch, rate)


def train_images(X, y, order, batch, weights, bias, rate, seed):
    return _train(image_logits, _biased(weights), X, y, order, batch, rate)


def convolution(X, W, b, dY):
    X, W, b, dY = map(jnp.asarray, (X, W, b, dY))

    @jax.jit
    def both(X, W, b, dY):
        Y, backward = jax.vjp(lambda X, W, b: correlate(X, W) + b[:, None, None], X, W, b)
        return Y, *backward(dY)

    def go():
        results = jax.block_until_ready(both(X, W, b, dY))
        return lambda: [x for a in results for x in some(a)]
    return lambda: go


def loss(Z, y):
    Z, y, both = jnp.asarray(Z), jnp.asarray(y), jax.jit(jax.value_and_grad(cross_entropy))

    def go():
        value, dZ = jax.block_until_ready(both(Z, y))
        return lambda: [value, *some(dZ)]
    return lambda: go


def predict(X, weights):
    X, parameters = jnp.asarray(X), jax.tree.map(jnp.asarray, _biased(weights))
    probabilities = jax.jit(lambda p, X: jax.nn.softmax(logits(p, X)))

    def go():
        S = jax.block_until_ready(probabilities(parameters, X))
        return lambda: some(S)
    return lambda: go
