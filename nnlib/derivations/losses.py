"""Derivations of `nnlib.losses`."""

from __future__ import annotations

from .activations import log_sum_exp_backward, softmax, softmax_batch, softmax_batch_theory, softmax_theory
from .derivation import (Lemma, Refused, Symbols, Theory, by_lemma, chain_rule, definition, delta_rule,
                         differentiation, given, linearity, power_rule, sign_cases)
from .language import D, Sum, delta, exp, log, relu
from .registry import theorem


# --- cross-entropy of probabilities -------------------------------------------

def cross_entropy_theory() -> Symbols:
    """The mean cross-entropy L of positive predictions S for targets Y."""
    t = Theory("cross-entropy")
    m, K = t.size("m", least=1), t.size("K", least=1)
    i, r = t.indices("i r", m)
    j, k = t.indices("j k", K)
    S, Y = t.array("S", m, K), t.array("Y", m, K)
    return t, m, (i, r, j, k), S, Y, t.define("L", [], -1 / m * Sum(Y[i, k] * log(S[i, k]), i, k))


@theorem("cross_entropy", code="losses.cross_entropy_backward")
def cross_entropy_backward() -> Lemma:
    """The gradient of the cross-entropy by the probabilities."""
    t, m, (i, r, j, k), S, Y, L = cross_entropy_theory()
    d = t.derive(D(L[()], S[i, j]))
    d.step(D(-1 / m * Sum(Y[r, k] * log(S[r, k]), r, k), S[i, j]), by=definition(L))
    d.step(-1 / m * Sum(Y[r, k] * D(log(S[r, k]), S[i, j]), r, k), by=linearity)
    d.step(-1 / m * Sum(Y[r, k] * (1 / S[r, k]) * delta(r, i) * delta(k, j), r, k), by=differentiation)
    d.step(-1 / m * (Y[i, j] / S[i, j]), by=delta_rule)
    return d.done("cross_entropy_backward")


# --- softmax followed by cross-entropy ----------------------------------------

def softmax_cross_entropy_theory() -> Symbols:
    """The mean cross-entropy L of S, the softmax of each row of Z, for targets Y whose rows sum to 1."""
    t, (m, K), (i, r), (j, k, l), Z, S = softmax_batch_theory()
    Y = t.array("Y", m, K)
    L = t.define("L", [], -1 / m * Sum(Y[i, k] * log(S[i, k]), i, k))
    one = t.hypothesis("each row of Y sums to 1", Sum(Y[i, k], k), 1)
    return t, m, (i, r, j, k, l), (Z, S, Y, L), one


@theorem("cross_entropy", code="losses.cross_entropy_backward")
def cross_entropy_of_softmax() -> Lemma:
    """The gradient by the probabilities, where these are a softmax: L is read as a function of S."""
    t, m, (i, r, j, k, l), (Z, S, Y, L), one = softmax_cross_entropy_theory()
    d = t.derive(D(L[()], S[i, j]))
    d.step(D(-1 / m * Sum(Y[r, k] * log(S[r, k]), r, k), S[i, j]), by=definition(L))
    d.step(-1 / m * Sum(Y[r, k] * (1 / S[r, k]) * delta(r, i) * delta(k, j), r, k), by=differentiation)
    d.step(-1 / m * (Y[i, j] / S[i, j]), by=delta_rule)
    return d.done("cross_entropy_of_softmax")


@theorem("cross_entropy", code="losses.softmax_cross_entropy")
def softmax_cross_entropy() -> Lemma:
    """The loss straight from the logits, without a probability that could round to 0."""
    t, m, (i, r, j, k, l), (Z, S, Y, L), one = softmax_cross_entropy_theory()
    lse = log(Sum(exp(Z[i, j]), j))
    d = t.derive(L[()])
    d.step(-1 / m * Sum(Y[i, k] * log(exp(Z[i, k]) / Sum(exp(Z[i, j]), j)), i, k), by=(definition(L), definition(S)))
    d.step(-1 / m * Sum(Y[i, k] * (Z[i, k] - lse), i, k), words="logarithm of a quotient")
    d.step(1 / m * Sum(lse * Sum(Y[i, k], k) - Sum(Y[i, k] * Z[i, k], k), i), words="split the sum over $k$")
    d.step(1 / m * Sum(lse - Sum(Y[i, k] * Z[i, k], k), i), by=given(one))
    return d.done("softmax_cross_entropy")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_backward() -> Lemma:
    """The gradient of softmax followed by cross-entropy, directly from log-sum-exp."""
    t, m, (i, r, j, k, l), (Z, S, Y, L), one = softmax_cross_entropy_theory()
    d = t.derive(D(L[()], Z[i, j]))
    d.step(D(-1 / m * Sum(Y[r, k] * log(exp(Z[r, k]) / Sum(exp(Z[r, l]), l)), r, k), Z[i, j]),
           by=(definition(L), definition(S)))
    d.step(D(-1 / m * Sum(Y[r, k] * (Z[r, k] - log(Sum(exp(Z[r, l]), l))), r, k), Z[i, j]),
           words="logarithm of a quotient")
    d.step(-1 / m * Sum(Y[r, k] * (delta(r, i) * delta(k, j)
                                   - Sum(exp(Z[r, l]) * delta(r, i) * delta(l, j), l) / Sum(exp(Z[r, l]), l)), r, k),
           by=differentiation)
    d.step(-1 / m * (Y[i, j] - Sum(Y[i, k], k) * (exp(Z[i, j]) / Sum(exp(Z[i, l]), l))), by=delta_rule)
    d.step(-1 / m * (Y[i, j] - exp(Z[i, j]) / Sum(exp(Z[i, l]), l)), by=given(one))
    d.step((S[i, j] - Y[i, j]) / m, by=definition(S))
    return d.done("softmax_cross_entropy_backward")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_then_cross_entropy() -> Lemma:
    """The same gradient by the chain rule: -Y/S/m through the Jacobian of softmax."""
    outer, jacobian = cross_entropy_of_softmax(), softmax_batch()
    t, m, (i, r, j, k, l), (Z, S, Y, L), one = softmax_cross_entropy_theory()
    d = t.derive(D(L[()], Z[i, j]))
    d.step(Sum(D(L[()], S[r, k]) * D(S[r, k], Z[i, j]), r, k), by=chain_rule(S))
    d.step(Sum(-1 / m * (Y[r, k] / S[r, k]) * D(S[r, k], Z[i, j]), r, k), by=by_lemma(outer))
    d.step(Sum(-1 / m * (Y[r, k] / S[r, k]) * delta(r, i) * S[r, k] * (delta(k, j) - S[r, j]), r, k),
           by=by_lemma(jacobian))
    d.step(-1 / m * Sum(Y[r, k] * delta(r, i) * (delta(k, j) - S[r, j]), r, k), words="cancel $S_{rk}$")
    d.step(-1 / m * (Y[i, j] - S[i, j] * Sum(Y[i, k], k)), by=delta_rule)
    d.step(-1 / m * (Y[i, j] - S[i, j]), by=given(one))
    d.step((S[i, j] - Y[i, j]) / m)
    return d.done("softmax_then_cross_entropy")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_any_rows() -> Lemma:
    """Without the hypothesis on Y: each probability is weighted with the sum of its row of Y."""
    outer, jacobian = cross_entropy_of_softmax(), softmax_batch()
    t, m, (i, r, j, k, l), (Z, S, Y, L), _ = softmax_cross_entropy_theory()
    d = t.derive(D(L[()], Z[i, j]))
    d.step(Sum(D(L[()], S[r, k]) * D(S[r, k], Z[i, j]), r, k), by=chain_rule(S))
    d.step(Sum(-1 / m * (Y[r, k] / S[r, k]) * delta(r, i) * S[r, k] * (delta(k, j) - S[r, j]), r, k),
           by=(by_lemma(outer), by_lemma(jacobian)))
    d.step(-1 / m * (Y[i, j] - S[i, j] * Sum(Y[i, k], k)), by=delta_rule)
    d.step((S[i, j] * Sum(Y[i, k], k) - Y[i, j]) / m)
    return d.done("softmax_cross_entropy_any_rows")


def without_row_sums() -> Refused | None:
    """Try the gradient without its hypothesis; return the refusal of the step, with its numbers."""
    lemma = softmax_cross_entropy_backward()
    n, = (n for n, line in enumerate(lemma.lines, 1) if any(r.hypotheses for r in line.reasons))
    return lemma.attempt(n, by=())


# --- one sample ---------------------------------------------------------------

def sample_theory() -> Symbols:
    """The cross-entropy L of one sample: s the softmax of z, targets y."""
    t, (i, j, k), z, s = softmax_theory()
    y = t.array("y", z.shape[0])
    L = t.define("L", [], -Sum(y[k] * log(s[k]), k))
    return t, (i, j, k), (z, s, y, L), t.hypothesis("y sums to 1", Sum(y[k], k), 1)


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_sample() -> Lemma:
    """One sample, by the Jacobian of softmax; the last step needs that y sums to 1."""
    jacobian = softmax()
    t, (i, j, k), (z, s, y, L), one = sample_theory()
    d = t.derive(D(L[()], z[j]))
    d.step(D(-Sum(y[k] * log(s[k]), k), z[j]), by=definition(L))
    d.step(-Sum(y[k] * (1 / s[k]) * D(s[k], z[j]), k), by=differentiation)
    d.step(-Sum(y[k] * (1 / s[k]) * s[k] * (delta(k, j) - s[j]), k), by=by_lemma(jacobian))
    d.step(-Sum(y[k] * (delta(k, j) - s[j]), k), words="cancel $s_k$")
    d.step(-y[j] + s[j] * Sum(y[k], k), by=delta_rule)
    d.step(s[j] - y[j], by=given(one))
    return d.done("softmax_cross_entropy_sample")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_by_classes() -> Lemma:
    """One sample, with class j apart from the other classes."""
    t, (i, j, k), (z, s, y, L), one = sample_theory()
    jacobian, others = softmax(), 1 - delta(k, j)
    outer = t.derive(D(L[()], s[j])).step(D(-Sum(y[k] * log(s[k]), k), s[j]), by=definition(L))
    outer = outer.step(-(y[j] / s[j]), by=(differentiation, delta_rule)).done("cross_entropy_of_one_sample")
    d = t.derive(D(L[()], z[j]))
    d.step(Sum(D(L[()], s[k]) * D(s[k], z[j]), k), by=chain_rule(s))
    d.step(Sum(-(y[k] / s[k]) * s[k] * (delta(k, j) - s[j]), k), by=(by_lemma(outer), by_lemma(jacobian)))
    d.step(-(y[j] / s[j]) * s[j] * (1 - s[j]) - Sum(others * (y[k] / s[k]) * (-s[k] * s[j]), k),
           by=delta_rule, words="class $j$, then the others")
    d.step(-y[j] + y[j] * s[j] + Sum(others * y[k] * s[j], k), words="cancel")
    d.step(-y[j] + s[j] * Sum(y[k], k), by=delta_rule, words="all classes together")
    d.step(s[j] - y[j], by=given(one))
    return d.done("softmax_cross_entropy_by_classes")


def label_theory() -> Symbols:
    """The cross-entropy L of one sample of class c."""
    t, (i, j, k), z, s = softmax_theory()
    c = t.array("c", values=z.shape[0])[()]
    y = t.define("y", [k], delta(k, c))
    return t, (i, j, k), (z, s, c, y), t.define("L", [], -Sum(y[k] * log(s[k]), k))


@theorem("cross_entropy", code="losses.softmax_cross_entropy")
def softmax_cross_entropy_label() -> Lemma:
    """For a label c the sum has one term; then the loss straight from the logits."""
    t, (i, j, k), (z, s, c, y), L = label_theory()
    d = t.derive(L[()])
    d.step(-Sum(delta(k, c) * log(s[k]), k), by=(definition(L), definition(y)))
    d.step(-log(s[c]), by=delta_rule)
    d.step(-log(exp(z[c]) / Sum(exp(z[j]), j)), by=definition(s))
    d.step(-z[c] + log(Sum(exp(z[j]), j)), words="logarithm of a quotient")
    return d.done("softmax_cross_entropy_label")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_label_backward() -> Lemma:
    """The gradient for a label: s, less 1 at the true class."""
    lse = log_sum_exp_backward()
    t, (i, j, k), (z, s, c, y), L = label_theory()
    d = t.derive(D(L[()], z[j]))
    d.step(D(-Sum(delta(k, c) * log(s[k]), k), z[j]), by=(definition(L), definition(y)))
    d.step(D(-log(exp(z[c]) / Sum(exp(z[k]), k)), z[j]), by=(delta_rule, definition(s)))
    d.step(D(-z[c] + log(Sum(exp(z[k]), k)), z[j]), words="logarithm of a quotient")
    d.step(D(-z[c], z[j]) + D(log(Sum(exp(z[k]), k)), z[j]), by=linearity)
    d.step(-delta(c, j) + D(log(Sum(exp(z[k]), k)), z[j]), by=differentiation)
    d.step(s[j] - delta(j, c), by=by_lemma(lse))
    return d.done("softmax_cross_entropy_label_backward")


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_true_class() -> Lemma:
    """The gradient for a label through the probability of the true class alone."""
    jacobian = softmax()
    t, (i, j, k), (z, s, c, y), L = label_theory()
    d = t.derive(D(L[()], z[j]))
    d.step(D(-Sum(delta(k, c) * log(s[k]), k), z[j]), by=(definition(L), definition(y)))
    d.step(D(-log(s[c]), z[j]), by=delta_rule)
    d.step(-(1 / s[c]) * D(s[c], z[j]), by=differentiation)
    d.step(-(1 / s[c]) * s[c] * (delta(c, j) - s[j]), by=by_lemma(jacobian))
    d.step(s[j] - delta(j, c), words="cancel $s_c$")
    return d.done("softmax_cross_entropy_true_class")


# --- two classes: binary cross-entropy ----------------------------------------

def binary_theory() -> Symbols:
    """One logit z and one target y; the sigmoid σ."""
    t = Theory("binary cross-entropy")
    z, y, x = t.scalar("z"), t.scalar("y"), t.scalar("x")
    return t, z, y, x, t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy() -> Lemma:
    """Binary cross-entropy straight from the logit."""
    t, z, y, x, f = binary_theory()
    d = t.derive(-y * log(f(z)) - (1 - y) * log(1 - f(z)))
    d.step(-y * log(1 / (1 + exp(-z))) - (1 - y) * log(1 - 1 / (1 + exp(-z))), by=definition(f))
    d.step(-y * log(exp(z) / (1 + exp(z))) - (1 - y) * log(1 / (1 + exp(z))),
           words="multiply above and below by $e^z$")
    d.step(-y * (z - log(1 + exp(z))) + (1 - y) * log(1 + exp(z)), words="logarithm of a quotient")
    d.step(log(1 + exp(z)) - y * z, words="collect the logarithms")
    return d.done("sigmoid_cross_entropy")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy_code() -> Lemma:
    """The form of the code: for 0 ≤ y ≤ 1 a sum of terms that are not negative."""
    t, z, y, x, f = binary_theory()
    d = t.derive(log(1 + exp(z)) - y * z)
    d.step((1 - y) * log(1 + exp(z)) + y * (log(1 + exp(z)) - z), words="split the logarithm")
    d.step((1 - y) * log(1 + exp(z)) + y * log((1 + exp(z)) / exp(z)), words="logarithm of a quotient")
    d.step((1 - y) * log(1 + exp(z)) + y * log(1 + exp(-z)), words="divide")
    return d.done("sigmoid_cross_entropy_code")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy_stable() -> Lemma:
    """The form in which no power overflows."""
    t, z, y, x, f = binary_theory()
    modulus = t.function("abs", x, relu(x) + relu(-x), latex=r"|\cdot|")
    d = t.derive(log(1 + exp(z)) - y * z)
    d.step(relu(z) - y * z + log(1 + exp(-modulus(z))), by=(definition(modulus), sign_cases(z)))
    return d.done("sigmoid_cross_entropy_stable")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy_two_classes() -> Lemma:
    """Binary cross-entropy is the cross-entropy of the softmax of two logits, at their difference."""
    t = Theory("two classes")
    j, k = t.indices("j k", 2)
    z, y = t.array("z", 2), t.array("y", 2)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    one = t.hypothesis("y sums to 1", Sum(y[k], k), 1)
    total, lse = exp(z[1]) + exp(z[2]), log(exp(z[1]) + exp(z[2]))
    d = t.derive(-Sum(y[k] * log(s[k]), k))
    d.step(-Sum(y[k] * log(exp(z[k]) / Sum(exp(z[j]), j)), k), by=definition(s))
    d.step(-y[1] * log(exp(z[1]) / total) - y[2] * log(exp(z[2]) / total), words="write the sums out")
    d.step((y[1] + y[2]) * lse - y[1] * z[1] - y[2] * z[2], words="logarithm of a quotient")
    d.step(lse - y[1] * z[1] - (1 - y[1]) * z[2], by=given(one, times=lse - z[2]))
    d.step(lse - z[2] - y[1] * (z[1] - z[2]), words="collect $y_1$")
    d.step(log(1 + exp(z[1] - z[2])) - y[1] * (z[1] - z[2]), words="logarithm of a quotient")
    return d.done("sigmoid_cross_entropy_two_classes")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy_backward")
def sigmoid_cross_entropy_backward() -> Lemma:
    """The gradient of the mean binary cross-entropy by the logits."""
    t = Theory("binary cross-entropy of a batch")
    m, n = t.size("m", least=1), t.size("d")
    (i, r), (j, k) = t.indices("i r", m), t.indices("j k", n)
    Z, Y, x = t.array("Z", m, n), t.array("Y", m, n), t.scalar("x")
    f = t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")
    L = t.define("L", [], 1 / m * Sum(log(1 + exp(Z[i, j])) - Y[i, j] * Z[i, j], i, j))
    d = t.derive(D(L[()], Z[i, j]))
    d.step(D(1 / m * Sum(log(1 + exp(Z[r, k])) - Y[r, k] * Z[r, k], r, k), Z[i, j]), by=definition(L))
    d.step(1 / m * Sum((exp(Z[r, k]) / (1 + exp(Z[r, k])) - Y[r, k]) * delta(r, i) * delta(k, j), r, k),
           by=differentiation)
    d.step(1 / m * (exp(Z[i, j]) / (1 + exp(Z[i, j])) - Y[i, j]), by=delta_rule)
    d.step(1 / m * (1 / (exp(-Z[i, j]) + 1) - Y[i, j]), words="divide above and below by $e^z$")
    d.step((f(Z[i, j]) - Y[i, j]) / m, by=definition(f))
    return d.done("sigmoid_cross_entropy_backward")


@theorem("cross_entropy", code="losses.sigmoid_cross_entropy_backward")
def sigmoid_cross_entropy_backward_stable() -> Lemma:
    """The form of the code: no difference of nearly equal numbers."""
    t, z, y, x, f = binary_theory()
    d = t.derive((1 - y) * f(z) - y * f(-z))
    d.step((1 - y) * (1 / (1 + exp(-z))) - y * (1 / (1 + exp(z))), by=definition(f))
    d.step((1 - y) * (1 / (1 + exp(-z))) - y * (1 - 1 / (1 + exp(-z))), words="the sigmoid of $-z$")
    d.step(1 / (1 + exp(-z)) - y, words="collect $y$")
    d.step(f(z) - y, by=definition(f))
    return d.done("sigmoid_cross_entropy_backward_stable")


# --- logistic regression ------------------------------------------------------

def logistic_theory() -> Symbols:
    """The logistic loss J of N samples with p features: z = Xw + b."""
    t = Theory("logistic regression")
    N, p = t.size("N"), t.size("p")
    (i, r), (j, k) = t.indices("i r", N), t.indices("j k", p)
    X, y, w, b, x = t.array("X", N, p), t.array("y", N), t.array("w", p), t.scalar("b"), t.scalar("x")
    f = t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")
    z = t.define("z", [i], Sum(X[i, j] * w[j], j) + b)
    J = t.define("J", [], Sum(log(1 + exp(z[i])) - y[i] * z[i], i))
    return t, (i, r, j, k), (X, y, w, b, z, J), f


@theorem("gradients", code="losses.sigmoid_cross_entropy_backward")
def logistic_loss_z() -> Lemma:
    """The logistic loss by the logit of one sample."""
    t, (i, r, j, k), (X, y, w, b, z, J), f = logistic_theory()
    d = t.derive(D(J[()], z[i]))
    d.step(D(Sum(log(1 + exp(z[r])) - y[r] * z[r], r), z[i]), by=definition(J))
    d.step(Sum((exp(z[r]) / (1 + exp(z[r])) - y[r]) * delta(r, i), r), by=differentiation)
    d.step(exp(z[i]) / (1 + exp(z[i])) - y[i], by=delta_rule)
    d.step(1 / (1 + exp(-z[i])) - y[i], words="divide above and below by $e^{z_i}$")
    d.step(f(z[i]) - y[i], by=definition(f))
    return d.done("logistic_loss_z")


@theorem("gradients", code="losses.sigmoid_cross_entropy_backward")
def logistic_loss_w() -> Lemma:
    """The logistic loss by the weights: the entry j of Xᵀ(σ(z) - y)."""
    loss = logistic_loss_z()
    t, (i, r, j, k), (X, y, w, b, z, J), f = logistic_theory()
    d = t.derive(D(J[()], w[j]))
    d.step(Sum(D(J[()], z[i]) * D(z[i], w[j]), i), by=chain_rule(z))
    d.step(Sum((f(z[i]) - y[i]) * D(z[i], w[j]), i), by=by_lemma(loss))
    d.step(Sum((f(z[i]) - y[i]) * D(Sum(X[i, k] * w[k], k) + b, w[j]), i), by=definition(z))
    d.step(Sum((f(z[i]) - y[i]) * Sum(X[i, k] * delta(k, j), k), i), by=differentiation)
    d.step(Sum(X[i, j] * (f(z[i]) - y[i]), i), by=delta_rule)
    return d.done("logistic_loss_w")


@theorem("gradients", code="losses.sigmoid_cross_entropy_backward")
def logistic_loss_b() -> Lemma:
    """The logistic loss by the bias."""
    loss = logistic_loss_z()
    t, (i, r, j, k), (X, y, w, b, z, J), f = logistic_theory()
    d = t.derive(D(J[()], b))
    d.step(Sum(D(J[()], z[i]) * D(z[i], b), i), by=chain_rule(z))
    d.step(Sum((f(z[i]) - y[i]) * D(z[i], b), i), by=by_lemma(loss))
    d.step(Sum((f(z[i]) - y[i]) * D(Sum(X[i, k] * w[k], k) + b, b), i), by=definition(z))
    d.step(Sum(f(z[i]) - y[i], i), by=differentiation)
    return d.done("logistic_loss_b")


# --- squared error ------------------------------------------------------------

@theorem("gradients", code="losses.squared_error_backward")
def squared_error_backward() -> Lemma:
    """The gradient of the squared error, a mean over samples and a sum over outputs."""
    t = Theory("squared error")
    m, n = t.size("m", least=1), t.size("d")
    (i, r), (j, k) = t.indices("i r", m), t.indices("j k", n)
    P, Y = t.array("Yhat", m, n, latex=r"\hat{Y}"), t.array("Y", m, n)
    L = t.define("L", [], 1 / m * Sum((P[i, j] - Y[i, j])**2, i, j))
    d = t.derive(D(L[()], P[i, j]))
    d.step(D(1 / m * Sum((P[r, k] - Y[r, k])**2, r, k), P[i, j]), by=definition(L))
    d.step(1 / m * Sum(D((P[r, k] - Y[r, k])**2, P[i, j]), r, k), by=linearity)
    d.step(1 / m * Sum(2 * (P[r, k] - Y[r, k]) * D(P[r, k] - Y[r, k], P[i, j]), r, k), by=power_rule)
    d.step(1 / m * Sum(2 * (P[r, k] - Y[r, k]) * delta(r, i) * delta(k, j), r, k), by=differentiation)
    d.step(2 * (P[i, j] - Y[i, j]) / m, by=delta_rule)
    return d.done("squared_error_backward")


def quadratic_theory() -> Symbols:
    """The squared loss L of the model w_2 x² + w_1 x + w_0 on N points (x_i, t_i)."""
    t = Theory("quadratic regression")
    i = t.indices("i", t.size("N"))
    x, y = t.array("x", i.size), t.array("t", i.size)
    w0, w1, w2 = (t.scalar(f"w{n}", f"w_{n}") for n in range(3))
    e = w2 * x[i]**2 + w1 * x[i] + w0 - y[i]
    return t, i, x, (w0, w1, w2), e, t.define("L", [], Sum(e**2, i))


@theorem("gradients", code="losses.squared_error_backward")
def quadratic_regression_w0() -> Lemma:
    """The squared loss of a quadratic model by its constant coefficient."""
    t, i, x, (w0, w1, w2), e, L = quadratic_theory()
    d = t.derive(D(L[()], w0))
    d.step(D(Sum(e**2, i), w0), by=definition(L))
    d.step(Sum(D(e**2, w0), i), by=linearity, words="term by term")
    d.step(Sum(2 * e * D(e, w0), i), by=power_rule)
    d.step(Sum(2 * e, i), by=differentiation)
    return d.done("quadratic_regression_w0")


@theorem("gradients", code="losses.squared_error_backward")
def quadratic_regression_w1() -> Lemma:
    """The squared loss of a quadratic model by its linear coefficient."""
    t, i, x, (w0, w1, w2), e, L = quadratic_theory()
    d = t.derive(D(L[()], w1))
    d.step(D(Sum(e**2, i), w1), by=definition(L))
    d.step(Sum(D(e**2, w1), i), by=linearity, words="term by term")
    d.step(Sum(2 * e * D(e, w1), i), by=power_rule)
    d.step(Sum(2 * e * x[i], i), by=differentiation)
    return d.done("quadratic_regression_w1")


@theorem("gradients", code="losses.squared_error_backward")
def quadratic_regression_w2() -> Lemma:
    """The squared loss of a quadratic model by its quadratic coefficient."""
    t, i, x, (w0, w1, w2), e, L = quadratic_theory()
    d = t.derive(D(L[()], w2))
    d.step(D(Sum(e**2, i), w2), by=definition(L))
    d.step(Sum(D(e**2, w2), i), by=linearity, words="term by term")
    d.step(Sum(2 * e * D(e, w2), i), by=power_rule)
    d.step(Sum(2 * e * x[i]**2, i), by=differentiation)
    return d.done("quadratic_regression_w2")
