"""Derivations of `nnlib.activations`."""

from .derivation import (Theory, by_lemma, cases, definition, delta_rule, differentiation, given,
                         product_rule, quotient_rule)
from .language import D, Sum, delta, exp, log, relu, step as threshold
from .registry import theorem


def softmax_theory():
    """The softmax s of K logits z."""
    t = Theory("softmax")
    K = t.size("K")
    i, j, k = t.indices("i j k", K)
    z = t.array("z", K)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    return t, (i, j, k), z, s


@theorem("softmax", code="activations.softmax")
def softmax():
    """The Jacobian of softmax by the quotient rule."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    d = t.derive(D(s[k], z[i]))
    d.step(D(exp(z[k]) / S, z[i]), by=definition(s))
    d.step((D(exp(z[k]), z[i]) * S - exp(z[k]) * D(S, z[i])) / S**2, by=quotient_rule)
    d.step((exp(z[k]) * delta(k, i) * S - exp(z[k]) * exp(z[i])) / S**2, by=(differentiation, delta_rule))
    d.step(exp(z[k]) / S * (delta(k, i) - exp(z[i]) / S), words="split the fraction")
    d.step(s[k] * (delta(k, i) - s[i]), by=definition(s))
    return d.done("softmax")


@theorem("softmax", code="activations.softmax")
def softmax_by_cases():
    """The same Jacobian by the quotient rule in two cases, k = i and k ≠ i, then combined."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    same = t.derive(D(s[i], z[i]))
    same.step(D(exp(z[i]) / S, z[i]), by=definition(s))
    same.step((exp(z[i]) * S - exp(z[i]) * exp(z[i])) / S**2, by=(quotient_rule, differentiation, delta_rule))
    same.step(s[i] * (1 - s[i]), by=definition(s))
    other = t.derive(D(s[k], z[i]), distinct=(k, i))
    other.step(D(exp(z[k]) / S, z[i]), by=definition(s))
    other.step((0 * S - exp(z[k]) * exp(z[i])) / S**2, by=(differentiation, delta_rule))
    other.step(-s[k] * s[i], by=definition(s))
    d = t.derive(D(s[k], z[i]))
    d.step(s[k] * (delta(k, i) - s[i]), by=cases(k, i, same.done("k = i"), other.done("k ≠ i")))
    return d.done("softmax_by_cases")


@theorem("softmax", code="activations.softmax")
def softmax_by_logarithm():
    """The same Jacobian from log s_k = z_k - log Σ e^{z_j}."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    inner = t.derive(D(log(s[k]), z[i]))
    inner.step(D(log(exp(z[k]) / S), z[i]), by=definition(s))
    inner.step(D(z[k] - log(S), z[i]), words="logarithm of a quotient")
    inner.step(delta(k, i) - exp(z[i]) / S, by=(differentiation, delta_rule))
    inner.step(delta(k, i) - s[i], by=definition(s))
    d = t.derive(D(s[k], z[i]))
    d.step(D(exp(log(s[k])), z[i]), words="exp undoes log")
    d.step(exp(log(s[k])) * D(log(s[k]), z[i]), by=differentiation)
    d.step(s[k] * D(log(s[k]), z[i]), words="exp undoes log")
    d.step(s[k] * (delta(k, i) - s[i]), by=by_lemma(inner.done("log_softmax")))
    return d.done("softmax_by_logarithm")


@theorem("softmax", code="activations.softmax")
def softmax_shift():
    """Adding the same c to all logits changes nothing."""
    t, (i, j, k), z, s = softmax_theory()
    c = t.scalar("c")
    d = t.derive(exp(z[k] - c) / Sum(exp(z[j] - c), j))
    d.step(exp(-c) * exp(z[k]) / (exp(-c) * Sum(exp(z[j]), j)), words="e^(a-b) = e^(-b) e^a")
    d.step(exp(z[k]) / Sum(exp(z[j]), j), words="cancel")
    d.step(s[k], by=definition(s))
    return d.done("softmax_shift")


@theorem("softmax", code="activations.softmax_backward")
def softmax_backward():
    """The vector-Jacobian product that the code uses."""
    jacobian = softmax()
    t, (i, j, k), z, s = softmax_theory()
    g = t.array("g", z.shape[0])
    d = t.derive(Sum(g[k] * D(s[k], z[i]), k))
    d.step(Sum(g[k] * s[k] * (delta(k, i) - s[i]), k), by=by_lemma(jacobian))
    d.step(Sum(g[k] * s[k] * delta(k, i), k) - Sum(g[k] * s[k] * s[i], k), words="split the sum")
    d.step(g[i] * s[i] - Sum(g[k] * s[k] * s[i], k), by=delta_rule)
    d.step(s[i] * (g[i] - Sum(g[k] * s[k], k)), words="take s out of the sum")
    return d.done("softmax_backward")


@theorem("gradients", code="activations.sigmoid_backward")
def sigmoid_backward():
    """The derivative of the sigmoid."""
    t = Theory("sigmoid")
    z = t.scalar("z")
    x = t.scalar("x")
    f = t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")
    d = t.derive(D(f(z), z))
    d.step(D(1 / (1 + exp(-z)), z), by=definition(f))
    d.step(exp(-z) / (1 + exp(-z))**2, by=differentiation)
    d.step(1 / (1 + exp(-z)) * ((1 + exp(-z) - 1) / (1 + exp(-z))), words="add and subtract 1")
    d.step(1 / (1 + exp(-z)) * (1 - 1 / (1 + exp(-z))), words="split the fraction")
    d.step(f(z) * (1 - f(z)), by=definition(f))
    return d.done("sigmoid_backward")


def relu_theory():
    t = Theory("relu")
    return t, t.scalar("z")


@theorem("gradients", code="activations.relu_backward")
def relu_backward():
    """The derivative of ReLU away from 0."""
    t, z = relu_theory()
    kink = t.assume("away from the kink", z, "nonzero")
    d = t.derive(D(relu(z), z))
    d.step(threshold(z), by=(differentiation, given(kink)))
    d.convention(D(relu(z), z), at={z: 0}, value=0)
    return d.done("relu_backward")


@theorem("gradients", code="activations.relu_backward")
def relu_right():
    """Above 0, ReLU is z itself."""
    t, z = relu_theory()
    above = t.assume("right of the kink", z, "positive")
    d = t.derive(D(relu(z), z))
    d.step(D(z, z), by=given(above))
    d.step(1, by=differentiation)
    return d.done("relu_right")


@theorem("gradients", code="activations.relu_backward")
def relu_left():
    """Below 0, ReLU is 0."""
    t, z = relu_theory()
    below = t.assume("left of the kink", z, "negative")
    d = t.derive(D(relu(z), z))
    d.step(D(0, z), by=given(below))
    d.step(0, by=differentiation)
    return d.done("relu_left")


@theorem("gradients", code="activations.relu_backward")
def relu_quotient_right():
    """The difference quotient of ReLU at 0 from the right."""
    t = Theory("relu")
    h = t.scalar("h")
    above = t.assume("from the right", h, "positive")
    d = t.derive((relu(h) - relu(0)) / h)
    d.step((h - 0) / h, by=given(above))
    d.step(1, words="h is not 0")
    return d.done("relu_quotient_right")


@theorem("gradients", code="activations.relu_backward")
def relu_quotient_left():
    """The difference quotient of ReLU at 0 from the left."""
    t = Theory("relu")
    h = t.scalar("h")
    below = t.assume("from the left", h, "negative")
    d = t.derive((relu(h) - relu(0)) / h)
    d.step((0 - 0) / h, by=given(below))
    d.step(0)
    return d.done("relu_quotient_left")
