"""Derivations of `nnlib.activations`."""

from __future__ import annotations

from .derivation import (Lemma, Symbols, Theory, by_lemma, cases, chain_rule, definition, delta_rule, differentiation,
                         given, linearity, monotone, quotient_rule, same_sign, sign_cases)
from .language import D, Entry, Func, Sum, delta, exp, lift, log, relu, step as threshold
from .registry import theorem


def softmax_theory() -> Symbols:
    """The softmax s of K logits z."""
    t = Theory("softmax")
    K = t.size("K", least=1)
    i, j, k = t.indices("i j k", K)
    z = t.array("z", K)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    return t, (i, j, k), z, s


@theorem("softmax", code="activations.softmax")
def softmax() -> Lemma:
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
def softmax_by_cases() -> Lemma:
    """The same Jacobian by the quotient rule in two cases, k = i and k ≠ i, then combined."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    same = t.derive(D(s[i], z[i]))
    same.step(D(exp(z[i]) / S, z[i]), by=definition(s))
    same.step((exp(z[i]) * S - exp(z[i]) * exp(z[i])) / S**2, by=(quotient_rule, differentiation, delta_rule))
    same.step(exp(z[i]) * (S - exp(z[i])) / S**2, words="common factor")
    same.step(exp(z[i]) / S * (1 - exp(z[i]) / S), words="split the fraction")
    same.step(s[i] * (1 - s[i]), by=definition(s))
    other = t.derive(D(s[k], z[i]), distinct=(k, i))
    other.step(D(exp(z[k]) / S, z[i]), by=definition(s))
    other.step((0 * S - exp(z[k]) * exp(z[i])) / S**2, by=(differentiation, delta_rule))
    other.step(-exp(z[k]) * exp(z[i]) / S**2, words="zero times a number")
    other.step(-s[k] * s[i], by=definition(s))
    d = t.derive(D(s[k], z[i]))
    d.step(s[k] * (delta(k, i) - s[i]), by=cases(k, i, same.done("k = i"), other.done("k ≠ i")))
    return d.done("softmax_by_cases")


@theorem("softmax", code="activations.softmax")
def softmax_by_logarithm() -> Lemma:
    """The same Jacobian from the logarithm of a probability."""
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
def softmax_shift() -> Lemma:
    """Adding the same c to all logits changes nothing."""
    t, (i, j, k), z, s = softmax_theory()
    c = t.scalar("c")
    d = t.derive(exp(z[k] - c) / Sum(exp(z[j] - c), j))
    d.step(exp(-c) * exp(z[k]) / (exp(-c) * Sum(exp(z[j]), j)), words="$e^{a-b} = e^{-b} e^a$")
    d.step(exp(z[k]) / Sum(exp(z[j]), j), words="cancel")
    d.step(s[k], by=definition(s))
    return d.done("softmax_shift")


@theorem("softmax", code="activations.softmax_backward")
def softmax_backward() -> Lemma:
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


@theorem("softmax", code="activations.softmax")
def softmax_sums_to_one() -> Lemma:
    """The probabilities sum to one."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    d = t.derive(Sum(s[k], k))
    d.step(Sum(exp(z[k]) / S, k), by=definition(s))
    d.step(Sum(exp(z[k]), k) / S, words="take the common denominator out of the sum")
    d.step(1, words="cancel: the same sum twice")
    return d.done("softmax_sums_to_one")


@theorem("softmax", code="activations.softmax_jacobian")
def softmax_jacobian_symmetric() -> Lemma:
    """The Jacobian is symmetric."""
    jacobian = softmax()
    t, (i, j, k), z, s = softmax_theory()
    d = t.derive(D(s[k], z[i]))
    d.step(s[k] * (delta(k, i) - s[i]), by=by_lemma(jacobian))
    d.step(s[i] * (delta(i, k) - s[k]), by=delta_rule, words="δ is 0 unless $k = i$")
    d.step(D(s[i], z[k]), by=by_lemma(jacobian))
    return d.done("softmax_jacobian_symmetric")


@theorem("softmax", code="activations.softmax_jacobian")
def softmax_jacobian_rows() -> Lemma:
    """Each row of the Jacobian sums to zero: a common shift of the logits changes nothing."""
    jacobian, total = softmax(), softmax_sums_to_one()
    t, (i, j, k), z, s = softmax_theory()
    d = t.derive(Sum(D(s[k], z[i]), i))
    d.step(Sum(s[k] * (delta(k, i) - s[i]), i), by=by_lemma(jacobian))
    d.step(s[k] * (Sum(delta(k, i), i) - Sum(s[i], i)), words="split the sum")
    d.step(s[k] * (1 - Sum(s[i], i)), by=delta_rule)
    d.step(0, by=by_lemma(total))
    return d.done("softmax_jacobian_rows")


@theorem("softmax", code="activations.softmax_jacobian")
def softmax_jacobian_columns() -> Lemma:
    """Each column of the Jacobian sums to zero: what one class gains, the others lose."""
    jacobian, total = softmax(), softmax_sums_to_one()
    t, (i, j, k), z, s = softmax_theory()
    d = t.derive(Sum(D(s[k], z[i]), k))
    d.step(Sum(s[k] * (delta(k, i) - s[i]), k), by=by_lemma(jacobian))
    d.step(Sum(s[k] * delta(k, i), k) - s[i] * Sum(s[k], k), words="split the sum")
    d.step(s[i] - s[i] * Sum(s[k], k), by=delta_rule)
    d.step(0, by=by_lemma(total))
    return d.done("softmax_jacobian_columns")


@theorem("softmax", code="activations.softmax")
def softmax_shift_jacobian() -> Lemma:
    """A shift c of all logits leaves the Jacobian as it is, even if c depends on the logits."""
    jacobian = softmax()
    t, (i, j, k), z, s = softmax_theory()
    c = t.unknown("c", z[k].args[0])[()]
    d = t.derive(D(exp(z[k] - c) / Sum(exp(z[j] - c), j), z[i]))
    d.step(D(exp(z[k]) / Sum(exp(z[j]), j), z[i]), words="cancel $e^{-c}$: the same function")
    d.step(D(s[k], z[i]), by=definition(s))
    d.step(s[k] * (delta(k, i) - s[i]), by=by_lemma(jacobian))
    return d.done("softmax_shift_jacobian")


@theorem("softmax", code="activations.softmax")
def softmax_ratio() -> Lemma:
    """The ratio of two probabilities depends on the difference of their logits alone."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    d = t.derive(s[k] / s[i])
    d.step((exp(z[k]) / S) / (exp(z[i]) / S), by=definition(s))
    d.step(exp(z[k]) / exp(z[i]), words="cancel")
    d.step(exp(z[k] - z[i]), words="a quotient of powers")
    return d.done("softmax_ratio")


@theorem("softmax", code="activations.softmax")
def softmax_difference() -> Lemma:
    """The difference of two probabilities has the sign of the difference of e^z."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    d = t.derive(s[k] - s[i])
    d.step(exp(z[k]) / S - exp(z[i]) / S, by=definition(s))
    d.step((exp(z[k]) - exp(z[i])) / S, words="one denominator")
    return d.done("softmax_difference")


@theorem("softmax", code="activations.softmax")
def softmax_order() -> Lemma:
    """The order of the logits is the order of the probabilities."""
    difference = softmax_difference()
    t, (i, j, k), z, s = softmax_theory()
    d = t.derive(threshold(s[k] - s[i]))
    d.step(threshold((exp(z[k]) - exp(z[i])) / Sum(exp(z[j]), j)), by=by_lemma(difference))
    d.step(threshold(exp(z[k]) - exp(z[i])), by=same_sign)
    d.step(threshold(z[k] - z[i]), by=monotone)
    return d.done("softmax_order")


def softmax_batch_theory() -> Symbols:
    """The softmax S of each row of Z: m samples, K classes."""
    t = Theory("softmax of a batch")
    m, K = t.size("m", least=1), t.size("K", least=1)
    i, r = t.indices("i r", m)
    j, k, l = t.indices("j k l", K)
    Z = t.array("Z", m, K)
    S = t.define("S", [i, k], exp(Z[i, k]) / Sum(exp(Z[i, j]), j))
    return t, (m, K), (i, r), (j, k, l), Z, S


@theorem("softmax", code="activations.softmax_jacobian")
def softmax_batch() -> Lemma:
    """A sample's probabilities depend on its own logits only."""
    t, sizes, (i, r), (j, k, l), Z, S = softmax_batch_theory()
    total = Sum(exp(Z[i, l]), l)
    d = t.derive(D(S[i, k], Z[r, j]))
    d.step(D(exp(Z[i, k]) / total, Z[r, j]), by=definition(S))
    d.step((exp(Z[i, k]) * delta(i, r) * delta(k, j) * total
            - exp(Z[i, k]) * Sum(exp(Z[i, l]) * delta(i, r) * delta(l, j), l)) / total**2,
           by=differentiation, words="quotient rule")
    d.step((exp(Z[i, k]) * delta(i, r) * delta(k, j) * total
            - exp(Z[i, k]) * delta(i, r) * exp(Z[i, j])) / total**2, by=delta_rule)
    d.step(delta(i, r) * (exp(Z[i, k]) / total) * (delta(k, j) - exp(Z[i, j]) / total), words="split the fraction")
    d.step(delta(i, r) * S[i, k] * (delta(k, j) - S[i, j]), by=definition(S))
    return d.done("softmax_batch")


@theorem("softmax", code="activations.softmax_jacobian")
def softmax_jacobian() -> Lemma:
    """The Jacobian of sample i: the entry (k, j) of diag(S_i) - S_iᵀ S_i, for S_i a row."""
    jacobian = softmax_batch()
    t, sizes, (i, r), (j, k, l), Z, S = softmax_batch_theory()
    d = t.derive(D(S[i, k], Z[i, j]))
    d.step(S[i, k] * (delta(k, j) - S[i, j]), by=(by_lemma(jacobian), delta_rule))
    d.step(S[i, k] * delta(k, j) - S[i, k] * S[i, j], words="multiply out")
    return d.done("softmax_jacobian")


@theorem("softmax", code="activations.softmax_backward")
def softmax_backward_batch() -> Lemma:
    """From the gradient G by the probabilities to the gradient by the logits, sample by sample."""
    jacobian = softmax_batch()
    t, sizes, (i, r), (j, k, l), Z, S = softmax_batch_theory()
    L = t.unknown("L", S)[()]
    G = t.define("G", [i, k], D(L, S[i, k]))
    d = t.derive(D(L, Z[i, j]))
    d.step(Sum(D(L, S[r, k]) * D(S[r, k], Z[i, j]), r, k), by=chain_rule(S))
    d.step(Sum(G[r, k] * D(S[r, k], Z[i, j]), r, k), by=definition(G))
    d.step(Sum(G[r, k] * delta(r, i) * S[r, k] * (delta(k, j) - S[r, j]), r, k), by=by_lemma(jacobian))
    d.step(G[i, j] * S[i, j] - Sum(G[i, k] * S[i, k] * S[i, j], k), by=delta_rule)
    d.step(S[i, j] * (G[i, j] - Sum(G[i, k] * S[i, k], k)), words="take $S_{ij}$ out of the sum")
    return d.done("softmax_backward_batch")


@theorem("softmax", code="activations.log_sum_exp")
def log_sum_exp() -> Lemma:
    """The form that cannot overflow, if c is the largest logit; it holds for any c."""
    t, (i, j, k), z, s = softmax_theory()
    c = t.scalar("c")
    d = t.derive(log(Sum(exp(z[j]), j)))
    d.step(log(Sum(exp(c) * exp(z[j] - c), j)), words="a power of a sum")
    d.step(log(exp(c) * Sum(exp(z[j] - c), j)), words="take the common factor out of the sum")
    d.step(c + log(Sum(exp(z[j] - c), j)), words="logarithm of a product")
    return d.done("log_sum_exp")


@theorem("softmax", code="activations.log_sum_exp_backward")
def log_sum_exp_backward() -> Lemma:
    """The gradient of log-sum-exp is softmax."""
    t, (i, j, k), z, s = softmax_theory()
    S = Sum(exp(z[j]), j)
    d = t.derive(D(log(S), z[k]))
    d.step(Sum(exp(z[j]) * delta(j, k), j) / S, by=differentiation)
    d.step(exp(z[k]) / S, by=delta_rule)
    d.step(s[k], by=definition(s))
    return d.done("log_sum_exp_backward")


@theorem("activations", code="activations.sigmoid_backward")
def elementwise_backward() -> Lemma:
    """Through a function that acts entry by entry: one product for each entry, no sum."""
    t = Theory("elementwise")
    m, n = t.size("m"), t.size("n")
    (i, r), (j, k) = t.indices("i r", m), t.indices("j k", n)
    f = t.opaque("sigma", r"\sigma")
    Z = t.array("Z", m, n)
    A = t.define("A", [i, j], f(Z[i, j]))
    L = t.unknown("L", A)[()]
    d = t.derive(D(L, Z[i, j]))
    d.step(Sum(D(L, A[r, k]) * D(A[r, k], Z[i, j]), r, k), by=chain_rule(A))
    d.step(Sum(D(L, A[r, k]) * D(f(Z[r, k]), Z[i, j]), r, k), by=definition(A))
    d.step(Sum(D(L, A[r, k]) * f.prime(Z[r, k]) * delta(r, i) * delta(k, j), r, k), by=differentiation)
    d.step(D(L, A[i, j]) * f.prime(Z[i, j]), by=delta_rule)
    return d.done("elementwise_backward")


@theorem("activations", code="activations.identity_backward")
def identity_backward() -> Lemma:
    """The derivative of the identity."""
    t = Theory("identity")
    z = t.scalar("z")
    d = t.derive(D(z, z))
    d.step(1, by=differentiation)
    return d.done("identity_backward")


def sigmoid_theory() -> Symbols:
    """The sigmoid σ at a number z."""
    t = Theory("sigmoid")
    z, x = t.scalar("z"), t.scalar("x")
    return t, z, t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")


def absolute(t: Theory, x: Entry) -> Func:
    """Declare |x|, as max(0, x) + max(0, -x)."""
    return t.function("abs", x, relu(x) + relu(-x), latex=r"|\cdot|")


@theorem("activations", code="activations.sigmoid_backward")
def sigmoid_backward() -> Lemma:
    """The derivative of the sigmoid."""
    t, z, f = sigmoid_theory()
    d = t.derive(D(f(z), z))
    d.step(D(1 / (1 + exp(-z)), z), by=definition(f))
    d.step(exp(-z) / (1 + exp(-z))**2, by=differentiation)
    d.step(1 / (1 + exp(-z)) * ((1 + exp(-z) - 1) / (1 + exp(-z))), words="add and subtract 1")
    d.step(1 / (1 + exp(-z)) * (1 - 1 / (1 + exp(-z))), words="split the fraction")
    d.step(f(z) * (1 - f(z)), by=definition(f))
    return d.done("sigmoid_backward")


@theorem("activations", code="activations.sigmoid_backward")
def sigmoid_quotient() -> Lemma:
    """The derivative of the sigmoid by the quotient rule, in terms of e^(-z)."""
    t, z, f = sigmoid_theory()
    d = t.derive(D(f(z), z))
    d.step(D(1 / (1 + exp(-z)), z), by=definition(f))
    d.step((D(1, z) * (1 + exp(-z)) - 1 * D(1 + exp(-z), z)) / (1 + exp(-z))**2, by=quotient_rule)
    d.step((0 * (1 + exp(-z)) - 1 * (-exp(-z))) / (1 + exp(-z))**2, by=differentiation)
    d.step(exp(-z) / (1 + exp(-z))**2)
    return d.done("sigmoid_quotient")


@theorem("activations", code="activations.sigmoid_backward")
def sigmoid_two_forms() -> Lemma:
    """The two forms of the derivative agree."""
    t, z, f = sigmoid_theory()
    d = t.derive(f(z) * (1 - f(z)))
    d.step(1 / (1 + exp(-z)) * (1 - 1 / (1 + exp(-z))), by=definition(f))
    d.step(1 / (1 + exp(-z)) * ((1 + exp(-z) - 1) / (1 + exp(-z))), words="one denominator")
    d.step(1 / (1 + exp(-z)) * (exp(-z) / (1 + exp(-z))), words="the ones cancel")
    d.step(exp(-z) / (1 + exp(-z))**2, words="multiply the fractions")
    return d.done("sigmoid_two_forms")


@theorem("activations", code="activations.sigmoid")
def sigmoid_negative() -> Lemma:
    """The form of the code below 0: nothing overflows."""
    t, z, f = sigmoid_theory()
    d = t.derive(f(z))
    d.step(1 / (1 + exp(-z)), by=definition(f))
    d.step(exp(z) / (exp(z) * (1 + exp(-z))), words="multiply above and below by $e^z$")
    d.step(exp(z) / (exp(z) + 1), words="multiply out")
    return d.done("sigmoid_negative")


@theorem("activations", code="activations.sigmoid")
def sigmoid() -> Lemma:
    """The form of the code for any z: every power of e lies between 0 and 1."""
    t, z, f = sigmoid_theory()
    modulus = absolute(t, t.symbols["x"][()])
    E = exp(-modulus(z))
    d = t.derive(f(z))
    d.step(1 / (1 + exp(-z)), by=definition(f))
    d.step((threshold(z) + (1 - threshold(z)) * E) / (1 + E), by=(definition(modulus), sign_cases(z)))
    return d.done("sigmoid")


@theorem("activations", code="activations.sigmoid")
def sigmoid_symmetry() -> Lemma:
    """The sigmoid of -z is what is missing to 1."""
    t, z, f = sigmoid_theory()
    d = t.derive(f(-z))
    d.step(1 / (1 + exp(z)), by=definition(f))
    d.step(exp(-z) / (exp(-z) + 1), words="multiply above and below by $e^{-z}$")
    d.step((1 + exp(-z) - 1) / (1 + exp(-z)), words="add and subtract 1")
    d.step(1 - 1 / (1 + exp(-z)), words="split the fraction")
    d.step(1 - f(z), by=definition(f))
    return d.done("sigmoid_symmetry")


@theorem("activations", code="activations.sigmoid_backward")
def sigmoid_backward_stable() -> Lemma:
    """The form of the code: no difference that loses digits."""
    slope, symmetry = sigmoid_backward(), sigmoid_symmetry()
    t, z, f = sigmoid_theory()
    d = t.derive(D(f(z), z))
    d.step(f(z) * (1 - f(z)), by=by_lemma(slope))
    d.step(f(z) * f(-z), by=by_lemma(symmetry))
    return d.done("sigmoid_backward_stable")


@theorem("activations", code="activations.sigmoid")
def sigmoid_as_softmax() -> Lemma:
    """The sigmoid of the difference of two logits is their softmax."""
    t = Theory("two classes")
    j, k = t.indices("j k", 2)
    z, x = t.array("z", 2), t.scalar("x")
    f = t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    d = t.derive(s[1])
    d.step(exp(z[1]) / Sum(exp(z[j]), j), by=definition(s))
    d.step(exp(z[1]) / (exp(z[1]) + exp(z[2])), words="write the sum out")
    d.step(1 / (1 + exp(z[2]) / exp(z[1])), words="divide above and below by the first term")
    d.step(1 / (1 + exp(-(z[1] - z[2]))), words="a quotient of powers")
    d.step(f(z[1] - z[2]), by=definition(f))
    return d.done("sigmoid_as_softmax")


def softplus_theory() -> Symbols:
    """The sigmoid σ and softplus at a number z."""
    t, z, f = sigmoid_theory()
    x = t.symbols["x"][()]
    return t, z, f, t.function("softplus", x, log(1 + exp(x)), latex=r"\mathrm{softplus}")


@theorem("activations", code="activations.softplus_backward")
def softplus_backward() -> Lemma:
    """The derivative of softplus is the sigmoid."""
    t, z, f, g = softplus_theory()
    d = t.derive(D(g(z), z))
    d.step(D(log(1 + exp(z)), z), by=definition(g))
    d.step(1 / (1 + exp(z)) * exp(z), by=differentiation, words="chain rule")
    d.step(1 / (exp(-z) + 1), words="divide above and below by $e^z$")
    d.step(f(z), by=definition(f))
    return d.done("softplus_backward")


@theorem("activations", code="activations.softplus")
def softplus_reflection() -> Lemma:
    """What softplus loses when z changes its sign is z."""
    t, z, f, g = softplus_theory()
    d = t.derive(g(z))
    d.step(log(1 + exp(z)), by=definition(g))
    d.step(log(exp(z) * (exp(-z) + 1)), words="take $e^z$ out")
    d.step(z + log(1 + exp(-z)), words="logarithm of a product")
    d.step(z + g(-z), by=definition(g))
    return d.done("softplus_reflection")


@theorem("activations", code="activations.softplus")
def softplus() -> Lemma:
    """The form of the code: for z > 0 it is z + log(1 + e^(-z)), for z < 0 it is log(1 + e^z)."""
    t, z, f, g = softplus_theory()
    modulus = absolute(t, t.symbols["x"][()])
    d = t.derive(g(z))
    d.step(log(1 + exp(z)), by=definition(g))
    d.step(relu(z) + log(1 + exp(-modulus(z))), by=(definition(modulus), sign_cases(z)))
    return d.done("softplus")


def tanh_theory() -> Symbols:
    """tanh and sech at a number x."""
    t = Theory("tanh")
    x, y = t.scalar("x"), t.scalar("y")
    f = t.function("tanh", y, (exp(y) - exp(-y)) / (exp(y) + exp(-y)), latex=r"\tanh")
    g = t.function("sech", y, 2 / (exp(y) + exp(-y)), latex=r"\operatorname{sech}")
    return t, x, f, g


@theorem("activations", code="activations.tanh_backward")
def tanh_by_u_and_v() -> Lemma:
    """The derivative of tanh with u = e^x and v = e^(-x), for which u' = u, v' = -v and uv = 1."""
    t, x, f, g = tanh_theory()
    U, V = t.define("u", [], exp(x)), t.define("v", [], exp(-x))
    u, v = U[()], V[()]
    du = t.derive(D(u, x)).step(D(exp(x), x), by=definition(U)).step(exp(x), by=differentiation)
    du = du.step(u, by=definition(U)).done("u' = u")
    dv = t.derive(D(v, x)).step(D(exp(-x), x), by=definition(V)).step(-exp(-x), by=differentiation)
    dv = dv.step(-v, by=definition(V)).done("v' = -v")
    uv = t.derive(u * v).step(exp(x) * exp(-x), by=(definition(U), definition(V))).step(1).done("uv = 1")
    d = t.derive(D(f(x), x))
    d.step(D((u - v) / (u + v), x), by=(definition(f), definition(U), definition(V)))
    d.step(((D(u, x) - D(v, x)) * (u + v) - (u - v) * (D(u, x) + D(v, x))) / (u + v)**2, by=(quotient_rule, linearity))
    d.step(((u + v) * (u + v) - (u - v) * (u - v)) / (u + v)**2, by=(by_lemma(du), by_lemma(dv)))
    d.step(4 * u * v / (u + v)**2, words="multiply out")
    d.step(4 / (u + v)**2, by=by_lemma(uv, times=4 / (u + v)**2))
    d.step(4 / (exp(x) + exp(-x))**2, by=(definition(U), definition(V)))
    d.step(g(x)**2, by=definition(g))
    return d.done("tanh_by_u_and_v")


@theorem("activations", code="activations.tanh_backward")
def sech_squared() -> Lemma:
    """The two forms of the derivative of tanh agree."""
    t, x, f, g = tanh_theory()
    top, bottom = exp(x) - exp(-x), exp(x) + exp(-x)
    d = t.derive(1 - f(x)**2)
    d.step(1 - (top / bottom)**2, by=definition(f))
    d.step((bottom**2 - top**2) / bottom**2, words="one denominator")
    d.step(4 * exp(x) * exp(-x) / bottom**2, words="multiply out")
    d.step(4 / bottom**2, words="$e^x e^{-x} = 1$")
    d.step((2 / bottom)**2, words="square of a fraction")
    d.step(g(x)**2, by=definition(g))
    return d.done("sech_squared")


@theorem("activations", code="activations.tanh_backward")
def tanh_backward() -> Lemma:
    """The derivative of tanh by the quotient rule."""
    t, x, f, g = tanh_theory()
    top, bottom = exp(x) - exp(-x), exp(x) + exp(-x)
    d = t.derive(D(f(x), x))
    d.step(D(top / bottom, x), by=definition(f))
    d.step((D(top, x) * bottom - top * D(bottom, x)) / bottom**2, by=quotient_rule)
    d.step((bottom * bottom - top * top) / bottom**2, by=differentiation)
    d.step(1 - (top / bottom)**2, words="split the fraction")
    d.step(1 - f(x)**2, by=definition(f))
    return d.done("tanh_backward")


@theorem("activations", code="activations.tanh_backward")
def tanh_backward_stable() -> Lemma:
    """The form of the code: no difference that loses digits, no power that overflows."""
    t, x, f, g = tanh_theory()
    slope, two_forms = tanh_backward(), sech_squared()
    modulus = absolute(t, t.symbols["y"][()])
    E = exp(-modulus(x))
    d = t.derive(D(f(x), x))
    d.step(1 - f(x)**2, by=by_lemma(slope))
    d.step(g(x)**2, by=by_lemma(two_forms))
    d.step((2 / (exp(x) + exp(-x)))**2, by=definition(g))
    d.step((2 * E / (1 + E**2))**2, by=(definition(modulus), sign_cases(x)))
    return d.done("tanh_backward_stable")


def relu_theory() -> Symbols:
    t = Theory("relu")
    return t, t.scalar("z")


@theorem("activations", code="activations.relu_backward")
def relu_backward() -> Lemma:
    """The derivative of ReLU away from 0."""
    t, z = relu_theory()
    kink = t.assume("away from the kink", z, "nonzero")
    d = t.derive(D(relu(z), z))
    d.step(threshold(z), by=(differentiation, given(kink)))
    d.convention(D(relu(z), z), at={z: 0}, value=0)
    return d.done("relu_backward")


@theorem("activations", code="activations.relu_backward")
def relu_right() -> Lemma:
    """Above 0, ReLU is z itself."""
    t, z = relu_theory()
    above = t.assume("right of the kink", z, "positive")
    d = t.derive(D(relu(z), z))
    d.step(D(z, z), by=given(above))
    d.step(1, by=differentiation)
    return d.done("relu_right")


@theorem("activations", code="activations.relu_backward")
def relu_left() -> Lemma:
    """Below 0, ReLU is 0."""
    t, z = relu_theory()
    below = t.assume("left of the kink", z, "negative")
    d = t.derive(D(relu(z), z))
    d.step(D(0, z), by=given(below))
    d.step(0, by=differentiation)
    return d.done("relu_left")


@theorem("activations", code="activations.relu_backward")
def relu_quotient_right() -> Lemma:
    """The difference quotient of ReLU at 0 from the right."""
    t = Theory("relu")
    h = t.scalar("h")
    above = t.assume("from the right", h, "positive")
    d = t.derive((relu(h) - relu(0)) / h)
    d.step((h - 0) / h, by=given(above))
    d.step(1, words="$h$ is not 0")
    return d.done("relu_quotient_right")


@theorem("activations", code="activations.relu_backward")
def relu_quotient_left() -> Lemma:
    """The difference quotient of ReLU at 0 from the left."""
    t = Theory("relu")
    h = t.scalar("h")
    below = t.assume("from the left", h, "negative")
    d = t.derive((relu(h) - relu(0)) / h)
    d.step((0 - 0) / h, by=given(below))
    d.step(0)
    return d.done("relu_quotient_left")


@theorem("activations", code="activations.step_backward")
def step_backward() -> Lemma:
    """The hard threshold is flat away from 0."""
    t, z = relu_theory()
    jump = t.assume("away from the jump", z, "nonzero")
    d = t.derive(D(threshold(z), z))
    d.step(0, by=(differentiation, given(jump)))
    d.convention(D(threshold(z), z), at={z: 0}, value=0)
    return d.done("step_backward")


@theorem("activations", code="activations.step_backward")
def step_right() -> Lemma:
    """Above 0, the threshold is 1."""
    t, z = relu_theory()
    above = t.assume("right of the jump", z, "positive")
    d = t.derive(D(threshold(z), z))
    d.step(D(1, z), by=given(above))
    d.step(0, by=differentiation)
    return d.done("step_right")


@theorem("activations", code="activations.step_backward")
def step_left() -> Lemma:
    """Below 0, the threshold is 0."""
    t, z = relu_theory()
    below = t.assume("left of the jump", z, "negative")
    d = t.derive(D(threshold(z), z))
    d.step(D(0, z), by=given(below))
    d.step(0, by=differentiation)
    return d.done("step_left")


@theorem("activations", code="activations.step_backward")
def step_quotient_right() -> Lemma:
    """The difference quotient of the threshold at 0 from the right."""
    t = Theory("threshold")
    h = t.scalar("h")
    above = t.assume("from the right", h, "positive")
    d = t.derive((threshold(h) - threshold(0)) / h)
    d.step((lift(1) - 1) / h, by=given(above))
    d.step(0, words="no jump on this side")
    return d.done("step_quotient_right")


@theorem("activations", code="activations.step_backward")
def step_quotient_left() -> Lemma:
    """From the left the quotient grows beyond all bounds as h goes to 0: no derivative at the jump."""
    t = Theory("threshold")
    h = t.scalar("h")
    below = t.assume("from the left", h, "negative")
    d = t.derive((threshold(h) - threshold(0)) / h)
    d.step((lift(0) - 1) / h, by=given(below))
    d.step(-1 / h)
    return d.done("step_quotient_left")


@theorem("activations", code="activations.step_backward")
def step_quotient_unbounded() -> Lemma:
    """At h = -1/n the quotient is n: it has no limit."""
    t = Theory("threshold")
    n = t.size("n", least=1)
    below = t.assume("left of the jump", -1 / n, "negative")
    d = t.derive((threshold(-1 / n) - threshold(0)) / (-1 / n))
    d.step((lift(0) - 1) / (-1 / n), by=given(below))
    d.step(n, words="divide by a fraction")
    return d.done("step_quotient_unbounded")
