"""Derivations of `nnlib.training`: what a mini-batch estimates, and what a step costs.

An expected value is written out: the sum over all outcomes, each times its probability.
A cost is the number of multiply-adds: one for each term of each sum that the code computes.
"""

from __future__ import annotations

from .derivation import Lemma, Symbols, Theory, by_lemma, definition, delta_rule, given, linearity
from .language import D, Sum, delta
from .registry import theorem


def sample_theory() -> Symbols:
    """Unknown losses ℓ_i of m samples, depending on the parameters θ; g_i are their gradients, L is the mean."""
    t = Theory("training")
    m, n = t.size("m", least=1), t.size("n")
    i, k = t.indices("i", m), t.indices("k", n)
    theta = t.array("theta", n, latex=r"\theta")
    loss = t.unknown("loss", theta, shape=(m,), latex=r"\ell")
    g = t.define("g", [i, k], D(loss[i], theta[k]))
    L = t.define("L", [], 1 / m * Sum(loss[i], i))[()]
    return t, m, (i, k), (theta, loss, g, L)


@theorem("training", code="network.Network.gradients")
def gradient_of_mean() -> Lemma:
    """The gradient of the mean loss is the mean of the gradients of the samples."""
    t, m, (i, k), (theta, loss, g, L) = sample_theory()
    d = t.derive(D(L, theta[k]))
    d.step(D(1 / m * Sum(loss[i], i), theta[k]), by=definition(L.args[0]))
    d.step(1 / m * Sum(D(loss[i], theta[k]), i), by=linearity)
    d.step(1 / m * Sum(g[i, k], i), by=definition(g))
    return d.done("gradient_of_mean")


@theorem("training", code="training.minibatches")
def random_sample_unbiased() -> Lemma:
    """The gradient of one sample drawn with equal chances has the full gradient as its expected value."""
    t, m, (i, k), (theta, loss, g, L) = sample_theory()
    p = t.define("p", [i], 1 / m)
    d = t.derive(Sum(p[i] * g[i, k], i))
    d.step(Sum(1 / m * g[i, k], i), by=definition(p))
    d.step(1 / m * Sum(g[i, k], i), words="take the factor 1/m out of the sum")
    d.step(D(L, theta[k]), by=by_lemma(gradient_of_mean()))
    return d.done("random_sample_unbiased")


def batch_theory() -> Symbols:
    """Outcomes s with probabilities p_s; in outcome s the batch of B samples contains i where I_si = 1."""
    t, m, (i, k), samples = sample_theory()
    B, S = t.size("B", least=1), t.size("S")
    s = t.indices("s", S)
    p, inside = t.array("p", S), t.array("I", S, m)
    return t, (m, B), (i, k, s), samples, (p, inside)


@theorem("training", code="training.minibatches")
def minibatch_unbiased() -> Lemma:
    """If each sample is in the batch with probability B/m, the batch gradient is right in expectation."""
    t, (m, B), (i, k, s), (theta, loss, g, L), (p, I) = batch_theory()
    fair = t.hypothesis("a sample is in the batch with probability B/m", Sum(p[s] * I[s, i], s), B / m)
    d = t.derive(Sum(p[s] * (1 / B * Sum(I[s, i] * g[i, k], i)), s))
    d.step(1 / B * Sum(Sum(p[s] * I[s, i], s) * g[i, k], i), words="exchange the sums")
    d.step(1 / B * Sum(B / m * g[i, k], i), by=given(fair))
    d.step(1 / m * Sum(g[i, k], i), words="cancel B")
    d.step(D(L, theta[k]), by=by_lemma(gradient_of_mean()))
    return d.done("minibatch_unbiased")


@theorem("training", code="training.minibatches")
def inclusion_probability() -> Lemma:
    """The mean chance of a sample to be in a batch of B of the m samples is B/m, so equal chances are B/m."""
    t, (m, B), (i, k, s), _, (p, I) = batch_theory()
    total = t.hypothesis("the probabilities sum to 1", Sum(p[s], s), 1)
    full = t.hypothesis("each batch holds B samples", Sum(I[s, i], i), B)
    d = t.derive(1 / m * Sum(Sum(p[s] * I[s, i], s), i))
    d.step(1 / m * Sum(p[s] * Sum(I[s, i], i), s), words="exchange the sums")
    d.step(1 / m * Sum(p[s] * B, s), by=given(full))
    d.step(1 / m * Sum(p[s], s) * B, words="take B out of the sum")
    d.step(B / m, by=given(total))
    return d.done("inclusion_probability")


# --- what it costs ------------------------------------------------------------

@theorem("cost", code="linear.dense")
def dense_cost() -> Lemma:
    """XW takes m n_in n_out multiply-adds: one for each sample, each input and each output."""
    t = Theory("cost of a dense layer")
    m, n, p = t.size("m"), t.size("n_in", r"n_{\mathrm{in}}"), t.size("n_out", r"n_{\mathrm{out}}")
    i, k, j = t.indices("i", m), t.indices("k", n), t.indices("j", p)
    d = t.derive(Sum(Sum(1, k), i, j))
    d.step(Sum(n, i, j), words="terms for each entry of XW")
    d.step(m * n * p, words="entries of XW")
    return d.done("dense_cost")


@theorem("cost", code="linear.dense_backward")
def dense_backward_cost() -> Lemma:
    """The two products G Wᵀ and Xᵀ G take twice the multiply-adds of the forward pass."""
    t = Theory("cost of a dense layer")
    m, n, p = t.size("m"), t.size("n_in", r"n_{\mathrm{in}}"), t.size("n_out", r"n_{\mathrm{out}}")
    i, k, j = t.indices("i", m), t.indices("k", n), t.indices("j", p)
    d = t.derive(Sum(Sum(1, j), i, k) + Sum(Sum(1, i), k, j))
    d.step(Sum(p, i, k) + Sum(m, k, j), words="terms for each entry of G Wᵀ, and of Xᵀ G")
    d.step(m * n * p + n * p * m, words="entries of dX, and of dW")
    d.step(2 * m * n * p, words="two equal terms")
    return d.done("dense_backward_cost")


def conv_sizes() -> Symbols:
    t = Theory("cost of a convolution")
    m, c, k = t.size("m"), t.size("c"), t.size("k")
    p, q, H, V = t.size("p"), t.size("q"), t.size("h'"), t.size("w'")
    n, a, f, u, v, i, j = (t.indices(name, size) for name, size in zip("nafuvij", (m, c, k, p, q, H, V)))
    return t, (m, c, k, p, q, H, V), (n, a, f, u, v, i, j)


@theorem("convolution", code="conv.conv2d")
def conv2d_cost() -> Lemma:
    """A convolution takes c p q multiply-adds for each entry of its output, products with the padding included."""
    t, (m, c, k, p, q, H, V), (n, a, f, u, v, i, j) = conv_sizes()
    d = t.derive(Sum(Sum(1, a, u, v), n, f, i, j))
    d.step(Sum(c * p * q, n, f, i, j), words="terms for each entry of Y")
    d.step(m * k * H * V * c * p * q, words="entries of Y")
    return d.done("conv2d_cost")


@theorem("convolution", code="conv.conv2d_backward")
def conv2d_weights_cost() -> Lemma:
    """The gradient by the kernels takes as many multiply-adds as the forward pass."""
    t, (m, c, k, p, q, H, V), (n, a, f, u, v, i, j) = conv_sizes()
    d = t.derive(Sum(Sum(1, n, i, j), f, a, u, v))
    d.step(Sum(m * H * V, f, a, u, v), words="terms for each entry of dW")
    d.step(k * c * p * q * m * H * V, words="entries of dW")
    return d.done("conv2d_weights_cost")


@theorem("convolution", code="conv.conv2d_backward")
def conv2d_input_cost() -> Lemma:
    """The gradient by the input takes k p q multiply-adds for each entry of the padded input."""
    t = Theory("cost of a convolution")
    m, c, k, p, q = (t.size(name) for name in "mckpq")
    h, w, P = t.size("h"), t.size("w"), t.size("P")
    n, a, f, u, v = (t.indices(name, size) for name, size in zip("nafuv", (m, c, k, p, q)))
    x, y = t.indices("x", h + 2 * P), t.indices("y", w + 2 * P)
    d = t.derive(Sum(Sum(1, f, u, v), n, a, x, y))
    d.step(Sum(k * p * q, n, a, x, y), words="terms for each entry")
    d.step(m * c * (h + 2 * P) * (w + 2 * P) * k * p * q, words="entries of the padded input")
    return d.done("conv2d_input_cost")


def widths_theory() -> Symbols:
    """L layers of weights between L + 1 layers of neurons; h_lk is 1 where layer l has a neuron k, else 0."""
    t = Theory("cost of a network")
    m, L, N = t.size("m"), t.size("L", least=1), t.size("N")
    i, l, (j, k) = t.indices("i", m), t.indices("l", L), t.indices("j k", N)
    r = t.indices("r", L + 1)
    h = t.array("h", L + 1, N)
    n = t.define("n", [r], Sum(h[r, k], k))
    return t, m, (i, l, j, k), (h, n)


@theorem("cost", code="network.Network.forward")
def network_cost() -> Lemma:
    """With widths n_1, …, n_(L+1) the forward pass takes m Σ n_l n_(l+1) multiply-adds."""
    t, m, (i, l, j, k), (h, n) = widths_theory()
    d = t.derive(Sum(Sum(h[l, j] * h[l + 1, k], i, j, k), l))
    d.step(Sum(m * Sum(h[l, j], j) * Sum(h[l + 1, k], k), l), words="each sum by itself")
    d.step(Sum(m * n[l] * n[l + 1], l), by=definition(n))
    d.step(m * Sum(n[l] * n[l + 1], l), words="take m out of the sum")
    return d.done("network_cost")


@theorem("cost", code="network.Network.backward")
def network_backward_cost() -> Lemma:
    """The backward pass takes twice the forward pass, less the gradient of the data, which nobody needs."""
    t, m, (i, l, j, k), (h, n) = widths_theory()
    weights = Sum(h[l, j] * h[l + 1, k], j, k, i)
    inputs = (1 - delta(l, 1)) * Sum(h[l, j] * h[l + 1, k], i, j, k)      # not for the first layer
    d = t.derive(Sum(weights + inputs, l))
    d.step(Sum(m * n[l] * n[l + 1] + (1 - delta(l, 1)) * m * n[l] * n[l + 1], l), by=definition(n))
    d.step(2 * m * Sum(n[l] * n[l + 1], l) - Sum(delta(l, 1) * m * n[l] * n[l + 1], l), words="split the sum")
    d.step(2 * m * Sum(n[l] * n[l + 1], l) - m * n[1] * n[2], by=delta_rule)
    return d.done("network_backward_cost")
