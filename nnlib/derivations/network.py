"""Derivations of `nnlib.network`: from the last layer back to the first."""

from __future__ import annotations

from .derivation import Lemma, Symbols, Theory, by_lemma, chain_rule, definition, delta_rule, differentiation, given
from .language import D, Sum, delta, exp, log, matrix_product, relu, step as threshold
from .registry import theorem


@theorem("gradients", code="network.Network.backward")
def tensor_chain_rule() -> Lemma:
    """If Z depends on X only through Y, its derivatives by X are summed over all entries of Y."""
    t = Theory("tensors")
    M, N, P, Q, R, S = (t.size(name) for name in "MNPQRS")
    i, j = t.indices("i", M), t.indices("j", N)
    a, b = t.indices("a", P), t.indices("b", Q)
    k, l = t.indices("k", R), t.indices("l", S)
    X = t.array("X", R, S)
    Y = t.unknown("Y", X, shape=(P, Q))
    Z = t.unknown("Z", Y, shape=(M, N))
    d = t.derive(D(Z[i, j], X[k, l]))
    d.step(Sum(D(Z[i, j], Y[a, b]) * D(Y[a, b], X[k, l]), a, b), by=chain_rule(Y))
    return d.done("tensor_chain_rule")


# --- any layer, with any activation -------------------------------------------

def layer_theory() -> Symbols:
    """Layers l and l+1: A = σ(Z), then Z^{l+1} = AW + b, and an unknown loss L of that.

    E is the error of layer l+1, the gradient by Z^{l+1}, which the book writes δ^{l+1}.
    """
    t = Theory("network")
    m, n, p = t.size("m"), t.size("n", "n_l"), t.size("p", "n_{l+1}")
    (i, r), (j, q), (k, c) = t.indices("i r", m), t.indices("j q", n), t.indices("k c", p)
    sigma = t.opaque("sigma", r"\sigma")
    Z = t.array("Z", m, n, latex="Z^{l}")
    A = t.define("A", [i, j], sigma(Z[i, j]), latex="A^{l}")
    W, b = t.array("W", n, p, latex="W^{l+1}"), t.array("b", p, latex="b^{l+1}")
    Y = t.define("Y", [i, k], Sum(A[i, j] * W[j, k], j) + b[k], latex="Z^{l+1}")
    L = t.unknown("L", Y)[()]
    E = t.define("E", [i, k], D(L, Y[i, k]), latex=r"\delta^{l+1}")
    return t, (i, r, j, q, k, c), sigma, (Z, A, W, b, Y, L, E)


@theorem("backprop", code="network.Network.backward")
def backpropagation() -> Lemma:
    """The gradient by Z^l follows from the gradient by Z^(l+1), for any activation."""
    t, (i, r, j, q, k, _), sigma, (Z, A, W, b, Y, L, _) = layer_theory()
    d = t.derive(D(L, Z[i, j]))
    d.step(Sum(D(L, Y[r, k]) * D(Y[r, k], Z[i, j]), r, k), by=chain_rule(Y))
    d.step(Sum(D(L, Y[r, k]) * D(Sum(sigma(Z[r, q]) * W[q, k], q) + b[k], Z[i, j]), r, k),
           by=(definition(Y), definition(A)))
    d.step(Sum(D(L, Y[r, k]) * Sum(sigma.prime(Z[r, q]) * delta(r, i) * delta(q, j) * W[q, k], q), r, k),
           by=differentiation)
    d.step(Sum(D(L, Y[i, k]) * sigma.prime(Z[i, j]) * W[j, k], k), by=delta_rule)
    d.step(Sum(D(L, Y[i, k]) * W[j, k], k) * sigma.prime(Z[i, j]), words="take out what does not depend on k")
    return d.done("backpropagation")


@theorem("backprop", code="network.Network.backward")
def error_recursion() -> Lemma:
    """The error of a layer is the error of the next, times the weights transposed, times σ′ entry by entry."""
    t, (i, r, j, q, k, _), sigma, (Z, A, W, b, Y, L, E) = layer_theory()
    d = t.derive(D(L, Z[i, j]))
    d.step(Sum(D(L, Y[i, k]) * W[j, k], k) * sigma.prime(Z[i, j]), by=by_lemma(backpropagation()))
    d.step(Sum(E[i, k] * W[j, k], k) * sigma.prime(Z[i, j]), by=definition(E))
    d.step(matrix_product(E, (W, "T"))[i, j] * sigma.prime(Z[i, j]), words="a product of matrices")
    return d.done("error_recursion")


@theorem("backprop", code="network.Network.backward")
def layer_gradient_W() -> Lemma:
    """The gradient by the weights of a layer is its input transposed times its error."""
    t, (i, _, j, q, k, c), sigma, (Z, A, W, b, Y, L, E) = layer_theory()
    d = t.derive(D(L, W[j, k]))
    d.step(Sum(D(L, Y[i, c]) * D(Y[i, c], W[j, k]), i, c), by=chain_rule(Y))
    d.step(Sum(E[i, c] * D(Y[i, c], W[j, k]), i, c), by=definition(E))
    d.step(Sum(E[i, c] * D(Sum(A[i, q] * W[q, c], q) + b[c], W[j, k]), i, c), by=definition(Y))
    d.step(Sum(E[i, c] * Sum(A[i, q] * delta(q, j) * delta(c, k), q), i, c), by=differentiation)
    d.step(Sum(A[i, j] * E[i, k], i), by=delta_rule)
    d.step(matrix_product((A, "T"), E)[j, k], words="a product of matrices")
    return d.done("layer_gradient_W")


@theorem("backprop", code="network.Network.backward")
def layer_gradient_b() -> Lemma:
    """The gradient by the bias of a layer is the sum of its errors over the samples."""
    t, (i, _, j, q, k, c), sigma, (Z, A, W, b, Y, L, E) = layer_theory()
    d = t.derive(D(L, b[k]))
    d.step(Sum(D(L, Y[i, c]) * D(Y[i, c], b[k]), i, c), by=chain_rule(Y))
    d.step(Sum(E[i, c] * D(Y[i, c], b[k]), i, c), by=definition(E))
    d.step(Sum(E[i, c] * D(Sum(A[i, q] * W[q, c], q) + b[c], b[k]), i, c), by=definition(Y))
    d.step(Sum(E[i, c] * delta(c, k), i, c), by=differentiation)
    d.step(Sum(E[i, k], i), by=delta_rule)
    return d.done("layer_gradient_b")


# --- two layers, softmax and cross-entropy, one sample (S1) -------------------

def two_layer_theory() -> Symbols:
    """z¹ = xW¹ + b¹, a¹ = r(z¹), z² = a¹W² + b², a² = softmax(z²), and the cross-entropy L."""
    t = Theory("two layers")
    n, p, K = t.size("n", "n_0"), t.size("p", "n_1"), t.size("K", "n_2", least=1)
    (i, h), (j, q), (k, l) = t.indices("i h", n), t.indices("j q", p), t.indices("k l", K)
    r = t.opaque("r")
    x, y = t.array("x", n), t.array("y", K)
    W1, b1 = t.array("W1", n, p, latex="W^{1}"), t.array("b1", p, latex="b^{1}")
    W2, b2 = t.array("W2", p, K, latex="W^{2}"), t.array("b2", K, latex="b^{2}")
    z1 = t.define("z1", [j], Sum(x[i] * W1[i, j], i) + b1[j], latex="z^{1}")
    a1 = t.define("a1", [j], r(z1[j]), latex="a^{1}")
    z2 = t.define("z2", [k], Sum(a1[j] * W2[j, k], j) + b2[k], latex="z^{2}")
    a2 = t.define("a2", [k], exp(z2[k]) / Sum(exp(z2[l]), l), latex="a^{2}")
    L = t.define("L", [], -Sum(y[k] * log(a2[k]), k))[()]
    E1 = t.define("E1", [j], D(L, z1[j]), latex=r"\delta^{1}")
    E2 = t.define("E2", [k], D(L, z2[k]), latex=r"\delta^{2}")
    return t, (i, h, j, q, k, l), r, (x, y), (W1, b1, W2, b2), (z1, a1, z2, a2, L), (E1, E2)


@theorem("backprop", code="network.Network.backward")
def two_layer_delta_2() -> Lemma:
    """With softmax and cross-entropy the error of the last layer is what comes out minus the target."""
    t, (_, _, _, _, k, l), _, (_, y), _, (z1, a1, z2, a2, L), (_, E2) = two_layer_theory()
    q = t.indices("s", k.size)
    one = t.hypothesis("the target sums to 1", Sum(y[k], k), 1)
    S = Sum(exp(z2[l]), l)
    d = t.derive(E2[k])
    d.step(D(L, z2[k]), by=definition(E2))
    d.step(D(-Sum(y[q] * log(exp(z2[q]) / S), q), z2[k]), by=(definition(L.args[0]), definition(a2)))
    d.step(D(-Sum(y[q] * (z2[q] - log(S)), q), z2[k]), words="logarithm of a quotient")
    d.step(-Sum(y[q] * (delta(q, k) - Sum(exp(z2[l]) * delta(l, k), l) / S), q), by=differentiation)
    d.step(-(y[k] - Sum(y[q], q) * (exp(z2[k]) / S)), by=delta_rule)
    d.step(-(y[k] - exp(z2[k]) / S), by=given(one))
    d.step(a2[k] - y[k], by=definition(a2))
    return d.done("two_layer_delta_2")


@theorem("backprop", code="network.Network.backward")
def two_layer_delta_1() -> Lemma:
    """The error of the first layer is (a² - y) times W² transposed, times r′(z¹) entry by entry."""
    t, (_, _, j, q, k, _), r, (_, y), (_, _, W2, b2), (z1, a1, z2, a2, L), (E1, E2) = two_layer_theory()
    d = t.derive(E1[j])
    d.step(D(L, z1[j]), by=definition(E1))
    d.step(Sum(D(L, z2[k]) * D(z2[k], z1[j]), k), by=chain_rule(z2))
    d.step(Sum(E2[k] * D(z2[k], z1[j]), k), by=definition(E2))
    d.step(Sum(E2[k] * D(Sum(r(z1[q]) * W2[q, k], q) + b2[k], z1[j]), k), by=(definition(z2), definition(a1)))
    d.step(Sum(E2[k] * Sum(r.prime(z1[q]) * delta(q, j) * W2[q, k], q), k), by=differentiation)
    d.step(Sum(E2[k] * W2[j, k], k) * r.prime(z1[j]), by=delta_rule)
    d.step(Sum((a2[k] - y[k]) * W2[j, k], k) * r.prime(z1[j]), by=by_lemma(two_layer_delta_2()))
    return d.done("two_layer_delta_1")


@theorem("backprop", code="network.Network.backward")
def two_layer_W2() -> Lemma:
    """The gradient by W² is a¹ transposed times δ²."""
    t, (_, _, j, q, k, l), r, _, (_, _, W2, b2), (z1, a1, z2, a2, L), (E1, E2) = two_layer_theory()
    d = t.derive(D(L, W2[j, k]))
    d.step(Sum(D(L, z2[l]) * D(z2[l], W2[j, k]), l), by=chain_rule(z2))
    d.step(Sum(E2[l] * D(z2[l], W2[j, k]), l), by=definition(E2))
    d.step(Sum(E2[l] * D(Sum(a1[q] * W2[q, l], q) + b2[l], W2[j, k]), l), by=definition(z2))
    d.step(Sum(E2[l] * Sum(a1[q] * delta(q, j) * delta(l, k), q), l), by=differentiation)
    d.step(a1[j] * E2[k], by=delta_rule)
    return d.done("two_layer_W2")


@theorem("backprop", code="network.Network.backward")
def two_layer_b2() -> Lemma:
    """The gradient by b² is δ²."""
    t, (_, _, j, q, k, l), r, _, (_, _, W2, b2), (z1, a1, z2, a2, L), (E1, E2) = two_layer_theory()
    d = t.derive(D(L, b2[k]))
    d.step(Sum(D(L, z2[l]) * D(z2[l], b2[k]), l), by=chain_rule(z2))
    d.step(Sum(E2[l] * D(z2[l], b2[k]), l), by=definition(E2))
    d.step(Sum(E2[l] * D(Sum(a1[q] * W2[q, l], q) + b2[l], b2[k]), l), by=definition(z2))
    d.step(Sum(E2[l] * delta(l, k), l), by=differentiation)
    d.step(E2[k], by=delta_rule)
    return d.done("two_layer_b2")


@theorem("backprop", code="network.Network.backward")
def two_layer_W1() -> Lemma:
    """The gradient by W¹ is x transposed times δ¹."""
    t, (i, h, j, q, _, _), r, (x, _), (W1, b1, _, _), (z1, a1, z2, a2, L), (E1, E2) = two_layer_theory()
    d = t.derive(D(L, W1[i, j]))
    d.step(Sum(D(L, z1[q]) * D(z1[q], W1[i, j]), q), by=chain_rule(z1))
    d.step(Sum(E1[q] * D(z1[q], W1[i, j]), q), by=definition(E1))
    d.step(Sum(E1[q] * D(Sum(x[h] * W1[h, q], h) + b1[q], W1[i, j]), q), by=definition(z1))
    d.step(Sum(E1[q] * Sum(x[h] * delta(h, i) * delta(q, j), h), q), by=differentiation)
    d.step(x[i] * E1[j], by=delta_rule)
    return d.done("two_layer_W1")


@theorem("backprop", code="network.Network.backward")
def two_layer_b1() -> Lemma:
    """The gradient by b¹ is δ¹."""
    t, (_, h, j, q, _, _), r, (x, _), (W1, b1, _, _), (z1, a1, z2, a2, L), (E1, E2) = two_layer_theory()
    d = t.derive(D(L, b1[j]))
    d.step(Sum(D(L, z1[q]) * D(z1[q], b1[j]), q), by=chain_rule(z1))
    d.step(Sum(E1[q] * D(z1[q], b1[j]), q), by=definition(E1))
    d.step(Sum(E1[q] * D(Sum(x[h] * W1[h, q], h) + b1[q], b1[j]), q), by=definition(z1))
    d.step(Sum(E1[q] * delta(q, j), q), by=differentiation)
    d.step(E1[j], by=delta_rule)
    return d.done("two_layer_b1")


# --- one hidden layer, a mini-batch, weights (out, in) (S2) -------------------

def hidden_theory() -> Symbols:
    """z^H = x W^Hᵀ + b^H, u^H = σ(z^H), z^O = u^H W^Oᵀ + b^O, and the loss of the logits, summed.

    The labels c are numbers 1..K; r is their one-hot matrix.
    """
    t = Theory("one hidden layer")
    m, d = t.size("m"), t.size("d")
    n, K = t.size("n_H", "N_H"), t.size("K", least=1)
    (i, s), (a, b), (h, g), (j, l) = (t.indices(names, size) for names, size in
                                      (("i s", m), ("k q", d), ("h g", n), ("j l", K)))
    sigma = t.opaque("sigma", r"\sigma")
    x, c = t.array("x", m, d), t.array("c", m, values=K)
    r = t.define("r", [i, j], delta(j, c[i]))
    WH, bH = t.array("WH", n, d, latex="W^H"), t.array("bH", n, latex="b^H")
    WO, bO = t.array("WO", K, n, latex="W^O"), t.array("bO", K, latex="b^O")
    zH = t.define("zH", [i, h], Sum(WH[h, a] * x[i, a], a) + bH[h], latex="z^H")
    uH = t.define("uH", [i, h], sigma(zH[i, h]), latex="u^H")
    zO = t.define("zO", [i, j], Sum(WO[j, h] * uH[i, h], h) + bO[j], latex="z^O")
    L = t.define("L", [], Sum(log(Sum(exp(zO[i, l]), l)) - Sum(r[i, l] * zO[i, l], l), i))[()]
    return t, (i, s, a, b, h, g, j, l), sigma, (x, r), (WH, bH, WO, bO), (zH, uH, zO, L)


@theorem("backprop", code="network.Network.backward")
def hidden_zO() -> Lemma:
    """The gradient by the logits z^O is softmax minus the one-hot matrix of the labels."""
    t, (i, s, _, _, _, _, j, l), _, (_, r), _, (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, zO[i, j]))
    d.step(D(Sum(log(Sum(exp(zO[s, l]), l)) - Sum(r[s, l] * zO[s, l], l), s), zO[i, j]), by=definition(L.args[0]))
    d.step(Sum(Sum(exp(zO[s, l]) * delta(s, i) * delta(l, j), l) / Sum(exp(zO[s, l]), l)
               - Sum(r[s, l] * delta(s, i) * delta(l, j), l), s), by=differentiation)
    d.step(exp(zO[i, j]) / Sum(exp(zO[i, l]), l) - r[i, j], by=delta_rule)
    return d.done("hidden_zO")


@theorem("backprop", code="network.Network.backward")
def hidden_WO() -> Lemma:
    """The gradient by W^O sums the gradients by the logits times the hidden outputs over the samples."""
    t, (i, _, _, _, h, g, j, l), _, _, (_, _, WO, bO), (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, WO[j, h]))
    d.step(Sum(D(L, zO[i, l]) * D(zO[i, l], WO[j, h]), i, l), by=chain_rule(zO))
    d.step(Sum(D(L, zO[i, l]) * D(Sum(WO[l, g] * uH[i, g], g) + bO[l], WO[j, h]), i, l), by=definition(zO))
    d.step(Sum(D(L, zO[i, l]) * Sum(delta(l, j) * delta(g, h) * uH[i, g], g), i, l), by=differentiation)
    d.step(Sum(D(L, zO[i, j]) * uH[i, h], i), by=delta_rule)
    return d.done("hidden_WO")


@theorem("backprop", code="network.Network.backward")
def hidden_bO() -> Lemma:
    """The gradient by b^O sums the gradients by the logits over the samples."""
    t, (i, _, _, _, h, _, j, l), _, _, (_, _, WO, bO), (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, bO[j]))
    d.step(Sum(D(L, zO[i, l]) * D(zO[i, l], bO[j]), i, l), by=chain_rule(zO))
    d.step(Sum(D(L, zO[i, l]) * D(Sum(WO[l, h] * uH[i, h], h) + bO[l], bO[j]), i, l), by=definition(zO))
    d.step(Sum(D(L, zO[i, l]) * delta(l, j), i, l), by=differentiation)
    d.step(Sum(D(L, zO[i, j]), i), by=delta_rule)
    return d.done("hidden_bO")


@theorem("backprop", code="network.Network.backward")
def hidden_uH() -> Lemma:
    """The gradient by a hidden output sums the gradients by the logits times their weights over the classes."""
    t, (i, s, _, _, h, g, j, _), _, _, (_, _, WO, bO), (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, uH[i, h]))
    d.step(Sum(D(L, zO[s, j]) * D(zO[s, j], uH[i, h]), s, j), by=chain_rule(zO))
    d.step(Sum(D(L, zO[s, j]) * D(Sum(WO[j, g] * uH[s, g], g) + bO[j], uH[i, h]), s, j), by=definition(zO))
    d.step(Sum(D(L, zO[s, j]) * Sum(WO[j, g] * delta(s, i) * delta(g, h), g), s, j), by=differentiation)
    d.step(Sum(D(L, zO[i, j]) * WO[j, h], j), by=delta_rule)
    return d.done("hidden_uH")


@theorem("backprop", code="network.Network.backward")
def hidden_zH() -> Lemma:
    """The gradient by a hidden net input is the gradient by its output times σ′."""
    t, (i, s, _, _, h, g, _, _), sigma, _, _, (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, zH[i, h]))
    d.step(Sum(D(L, uH[s, g]) * D(uH[s, g], zH[i, h]), s, g), by=chain_rule(uH))
    d.step(Sum(D(L, uH[s, g]) * D(sigma(zH[s, g]), zH[i, h]), s, g), by=definition(uH))
    d.step(Sum(D(L, uH[s, g]) * (sigma.prime(zH[s, g]) * delta(s, i) * delta(g, h)), s, g), by=differentiation)
    d.step(D(L, uH[i, h]) * sigma.prime(zH[i, h]), by=delta_rule)
    return d.done("hidden_zH")


@theorem("backprop", code="network.Network.backward")
def hidden_zH_relu() -> Lemma:
    """With ReLU the gradient passes where the net input is above 0, and stops where it is below."""
    t = Theory("a hidden layer with ReLU")
    m, n = t.size("m"), t.size("n_H", "N_H")
    (i, s), (h, g) = t.indices("i s", m), t.indices("h g", n)
    z = t.array("zH", m, n, latex="z^H")
    u = t.define("uH", [i, h], relu(z[i, h]), latex="u^H")
    L = t.unknown("L", u)[()]
    kink = t.assume("away from the kink", z[i, h], "nonzero")
    d = t.derive(D(L, z[i, h]))
    d.step(Sum(D(L, u[s, g]) * D(u[s, g], z[i, h]), s, g), by=chain_rule(u))
    d.step(Sum(D(L, u[s, g]) * D(relu(z[s, g]), z[i, h]), s, g), by=definition(u))
    d.step(Sum(D(L, u[s, g]) * (threshold(z[s, g]) * delta(s, i) * delta(g, h)), s, g),
           by=(differentiation, given(kink)))
    d.step(D(L, u[i, h]) * threshold(z[i, h]), by=delta_rule)
    return d.done("hidden_zH_relu")


@theorem("backprop", code="network.Network.backward")
def hidden_WH() -> Lemma:
    """The gradient by W^H sums the gradients by the hidden net inputs times the data over the samples."""
    t, (i, _, k, q, h, g, _, _), _, (x, _), (WH, bH, _, _), (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, WH[h, k]))
    d.step(Sum(D(L, zH[i, g]) * D(zH[i, g], WH[h, k]), i, g), by=chain_rule(zH))
    d.step(Sum(D(L, zH[i, g]) * D(Sum(WH[g, q] * x[i, q], q) + bH[g], WH[h, k]), i, g), by=definition(zH))
    d.step(Sum(D(L, zH[i, g]) * Sum(delta(g, h) * delta(q, k) * x[i, q], q), i, g), by=differentiation)
    d.step(Sum(D(L, zH[i, h]) * x[i, k], i), by=delta_rule)
    return d.done("hidden_WH")


@theorem("backprop", code="network.Network.backward")
def hidden_bH() -> Lemma:
    """The gradient by b^H sums the gradients by the hidden net inputs over the samples."""
    t, (i, _, k, _, h, g, _, _), _, (x, _), (WH, bH, _, _), (zH, uH, zO, L) = hidden_theory()
    d = t.derive(D(L, bH[h]))
    d.step(Sum(D(L, zH[i, g]) * D(zH[i, g], bH[h]), i, g), by=chain_rule(zH))
    d.step(Sum(D(L, zH[i, g]) * D(Sum(WH[g, k] * x[i, k], k) + bH[g], bH[h]), i, g), by=definition(zH))
    d.step(Sum(D(L, zH[i, g]) * delta(g, h), i, g), by=differentiation)
    d.step(Sum(D(L, zH[i, h]), i), by=delta_rule)
    return d.done("hidden_bH")


# --- a model with exponential units (S2) --------------------------------------

def exponential_theory() -> Symbols:
    """z_i = W x_i + b, u_ij = exp(z_ij), ŷ_i = Σ_j α_j u_ij, and the squared loss, summed."""
    t = Theory("exponential units")
    m, d, M = t.size("m"), t.size("d"), t.size("M")
    (i, s), (k, q), (j, l) = t.indices("i s", m), t.indices("k q", d), t.indices("j l", M)
    x, y, alpha = t.array("x", m, d), t.array("y", m), t.array("alpha", M, latex=r"\alpha")
    W, b = t.array("W", M, d), t.array("b", M)
    z = t.define("z", [i, j], Sum(W[j, k] * x[i, k], k) + b[j])
    u = t.define("u", [i, j], exp(z[i, j]))
    p = t.define("p", [i], Sum(alpha[j] * u[i, j], j), latex=r"\hat y")
    L = t.define("L", [], Sum((y[i] - p[i])**2, i))[()]
    return t, (i, s, k, q, j, l), (x, y), (W, b, alpha), (z, u, p, L)


@theorem("gradient_problems", code="network.Network.backward")
def exponential_y() -> Lemma:
    """The gradient of the squared loss by a prediction is twice prediction minus target."""
    t, (i, s, _, _, _, _), (x, y), _, (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, p[i]))
    d.step(D(Sum((y[s] - p[s])**2, s), p[i]), by=definition(L.args[0]))
    d.step(Sum(2 * (y[s] - p[s]) * (0 - delta(s, i)), s), by=differentiation)
    d.step(2 * (p[i] - y[i]), by=delta_rule)
    return d.done("exponential_y")


@theorem("gradient_problems", code="network.Network.backward")
def exponential_alpha() -> Lemma:
    """The gradient by α_j sums the gradients by the predictions times the units u_ij over the samples."""
    t, (i, _, _, _, j, l), _, (_, _, alpha), (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, alpha[j]))
    d.step(Sum(D(L, p[i]) * D(p[i], alpha[j]), i), by=chain_rule(p))
    d.step(Sum(D(L, p[i]) * D(Sum(alpha[l] * u[i, l], l), alpha[j]), i), by=definition(p))
    d.step(Sum(D(L, p[i]) * Sum(delta(l, j) * u[i, l], l), i), by=differentiation)
    d.step(Sum(D(L, p[i]) * u[i, j], i), by=delta_rule)
    return d.done("exponential_alpha")


@theorem("gradient_problems", code="network.Network.backward")
def exponential_u() -> Lemma:
    """The gradient by a unit u_ij is the gradient by the prediction times α_j."""
    t, (i, s, _, _, j, l), _, (_, _, alpha), (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, u[i, j]))
    d.step(Sum(D(L, p[s]) * D(p[s], u[i, j]), s), by=chain_rule(p))
    d.step(Sum(D(L, p[s]) * D(Sum(alpha[l] * u[s, l], l), u[i, j]), s), by=definition(p))
    d.step(Sum(D(L, p[s]) * Sum(alpha[l] * delta(s, i) * delta(l, j), l), s), by=differentiation)
    d.step(D(L, p[i]) * alpha[j], by=delta_rule)
    return d.done("exponential_u")


@theorem("gradient_problems", code="network.Network.backward")
def exponential_z() -> Lemma:
    """The gradient by z_ij is the gradient by the unit times the unit itself."""
    t, (i, s, _, _, j, l), _, _, (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, z[i, j]))
    d.step(Sum(D(L, u[s, l]) * D(u[s, l], z[i, j]), s, l), by=chain_rule(u))
    d.step(Sum(D(L, u[s, l]) * D(exp(z[s, l]), z[i, j]), s, l), by=definition(u))
    d.step(Sum(D(L, u[s, l]) * (exp(z[s, l]) * delta(s, i) * delta(l, j)), s, l), by=differentiation)
    d.step(D(L, u[i, j]) * exp(z[i, j]), by=delta_rule)
    d.step(D(L, u[i, j]) * u[i, j], by=definition(u))
    return d.done("exponential_z")


@theorem("gradient_problems", code="network.Network.backward")
def exponential_W() -> Lemma:
    """The gradient by W_jk sums the gradients by z_ij times the inputs x_ik over the samples."""
    t, (i, _, k, q, j, l), (x, _), (W, b, _), (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, W[j, k]))
    d.step(Sum(D(L, z[i, l]) * D(z[i, l], W[j, k]), i, l), by=chain_rule(z))
    d.step(Sum(D(L, z[i, l]) * D(Sum(W[l, q] * x[i, q], q) + b[l], W[j, k]), i, l), by=definition(z))
    d.step(Sum(D(L, z[i, l]) * Sum(delta(l, j) * delta(q, k) * x[i, q], q), i, l), by=differentiation)
    d.step(Sum(D(L, z[i, j]) * x[i, k], i), by=delta_rule)
    return d.done("exponential_W")


@theorem("gradient_problems", code="network.Network.backward")
def exponential_b() -> Lemma:
    """The gradient by b_j sums the gradients by z_ij over the samples."""
    t, (i, _, k, _, j, l), (x, _), (W, b, _), (z, u, p, L) = exponential_theory()
    d = t.derive(D(L, b[j]))
    d.step(Sum(D(L, z[i, l]) * D(z[i, l], b[j]), i, l), by=chain_rule(z))
    d.step(Sum(D(L, z[i, l]) * D(Sum(W[l, k] * x[i, k], k) + b[l], b[j]), i, l), by=definition(z))
    d.step(Sum(D(L, z[i, l]) * delta(l, j), i, l), by=differentiation)
    d.step(Sum(D(L, z[i, j]), i), by=delta_rule)
    return d.done("exponential_b")


# --- S2's gradient problems 1, 3 and 4 ----------------------------------------

@theorem("gradients", code="gradcheck.numerical_gradient")
def jacobian_of_two_functions() -> Lemma:
    """The Jacobian of f(x) = (x₁ + x₂x₃, x₁² + 3x₂) has the rows (1, x₃, x₂) and (2x₁, 3, 0)."""
    t = Theory("a Jacobian")
    i, j = t.indices("i", 2), t.indices("j", 3)
    x = t.array("x", 3)
    f = t.define("f", [i], delta(i, 1) * (x[1] + x[2] * x[3]) + delta(i, 2) * (x[1]**2 + 3 * x[2]))
    d = t.derive(D(f[i], x[j]))
    d.step(D(delta(i, 1) * (x[1] + x[2] * x[3]) + delta(i, 2) * (x[1]**2 + 3 * x[2]), x[j]), by=definition(f))
    d.step(delta(i, 1) * (delta(1, j) + delta(2, j) * x[3] + x[2] * delta(3, j))
           + delta(i, 2) * (2 * x[1] * delta(1, j) + 3 * delta(2, j)), by=differentiation)
    return d.done("jacobian_of_two_functions")


def sigmoid_layer_theory() -> Symbols:
    """u = f(z) entry by entry with f(v) = 1/(1 + e^(-v)), and z = Wx + b."""
    t = Theory("elementwise sigmoid")
    N, n = t.size("N"), t.size("d")
    (i, k), (j, l) = t.indices("i k", N), t.indices("j l", n)
    W, x, b = t.array("W", N, n), t.array("x", n), t.array("b", N)
    v = t.scalar("v")
    f = t.function("f", v, 1 / (1 + exp(-v)))
    z = t.define("z", [i], Sum(W[i, l] * x[l], l) + b[i])
    u = t.define("u", [i], f(z[i]))
    return t, (i, k, j, l), f, (W, x, b, z, u)


@theorem("gradients", code="activations.sigmoid_backward")
def sigmoid_by_z() -> Lemma:
    """The Jacobian of the sigmoid taken entry by entry is diagonal, with u_i (1 - u_i) on the diagonal."""
    t, (i, k, j, l), f, (W, x, b, z, u) = sigmoid_layer_theory()
    d = t.derive(D(u[i], z[k]))
    d.step(D(1 / (1 + exp(-z[i])), z[k]), by=(definition(u), definition(f)))
    d.step(exp(-z[i]) / (1 + exp(-z[i]))**2 * delta(i, k), by=differentiation)
    d.step(1 / (1 + exp(-z[i])) * (1 - 1 / (1 + exp(-z[i]))) * delta(i, k),
           words="add and subtract 1, split the fraction")
    d.step(u[i] * (1 - u[i]) * delta(i, k), by=(definition(u), definition(f)))
    return d.done("sigmoid_by_z")


@theorem("gradients", code="activations.sigmoid_backward")
def sigmoid_by_W() -> Lemma:
    """The derivative of u_i by W_kj is u_i (1 - u_i) x_j where i = k, and 0 elsewhere."""
    t, (i, k, j, l), f, (W, x, b, z, u) = sigmoid_layer_theory()
    q = t.indices("q", i.size)
    d = t.derive(D(u[i], W[k, j]))
    d.step(Sum(D(u[i], z[q]) * D(z[q], W[k, j]), q), by=chain_rule(z))
    d.step(Sum(u[i] * (1 - u[i]) * delta(i, q) * D(z[q], W[k, j]), q), by=by_lemma(sigmoid_by_z()))
    d.step(u[i] * (1 - u[i]) * D(z[i], W[k, j]), by=delta_rule)
    d.step(u[i] * (1 - u[i]) * D(Sum(W[i, l] * x[l], l) + b[i], W[k, j]), by=definition(z))
    d.step(u[i] * (1 - u[i]) * Sum(delta(i, k) * delta(l, j) * x[l], l), by=differentiation)
    d.step(u[i] * (1 - u[i]) * delta(i, k) * x[j], by=delta_rule)
    return d.done("sigmoid_by_W")


@theorem("gradients", code="activations.sigmoid_backward")
def sigmoid_by_b() -> Lemma:
    """The derivative of u_i by b_k is u_i (1 - u_i) where i = k, and 0 elsewhere."""
    t, (i, k, j, l), f, (W, x, b, z, u) = sigmoid_layer_theory()
    q = t.indices("q", i.size)
    d = t.derive(D(u[i], b[k]))
    d.step(Sum(D(u[i], z[q]) * D(z[q], b[k]), q), by=chain_rule(z))
    d.step(Sum(u[i] * (1 - u[i]) * delta(i, q) * D(z[q], b[k]), q), by=by_lemma(sigmoid_by_z()))
    d.step(u[i] * (1 - u[i]) * D(z[i], b[k]), by=delta_rule)
    d.step(u[i] * (1 - u[i]) * D(Sum(W[i, l] * x[l], l) + b[i], b[k]), by=definition(z))
    d.step(u[i] * (1 - u[i]) * delta(i, k), by=differentiation)
    return d.done("sigmoid_by_b")


@theorem("gradients", code="activations.sigmoid_backward")
def sigmoid_by_x() -> Lemma:
    """The derivative of u_i by x_j is u_i (1 - u_i) W_ij."""
    t, (i, k, j, l), f, (W, x, b, z, u) = sigmoid_layer_theory()
    q = t.indices("q", i.size)
    d = t.derive(D(u[i], x[j]))
    d.step(Sum(D(u[i], z[q]) * D(z[q], x[j]), q), by=chain_rule(z))
    d.step(Sum(u[i] * (1 - u[i]) * delta(i, q) * D(z[q], x[j]), q), by=by_lemma(sigmoid_by_z()))
    d.step(u[i] * (1 - u[i]) * D(z[i], x[j]), by=delta_rule)
    d.step(u[i] * (1 - u[i]) * D(Sum(W[i, l] * x[l], l) + b[i], x[j]), by=definition(z))
    d.step(u[i] * (1 - u[i]) * Sum(W[i, l] * delta(l, j), l), by=differentiation)
    d.step(u[i] * (1 - u[i]) * W[i, j], by=delta_rule)
    return d.done("sigmoid_by_x")


def squared_loss_theory() -> Symbols:
    """L = Σ_i (y_i - z_i)² with z = Wx + b; G is ∂L/∂z."""
    t = Theory("squared loss of an affine map")
    M, N = t.size("M"), t.size("N")
    (i, k), (j, l) = t.indices("i k", M), t.indices("j l", N)
    W, x, b, y = t.array("W", M, N), t.array("x", N), t.array("b", M), t.array("y", M)
    z = t.define("z", [i], Sum(W[i, l] * x[l], l) + b[i])
    L = t.define("L", [], Sum((y[i] - z[i])**2, i))[()]
    return t, (i, k, j, l), (W, x, b, y, z, L)


@theorem("gradients", code="losses.squared_error_backward")
def squared_loss_by_z() -> Lemma:
    """The gradient of Σ (y_i - z_i)² by z_i is 2 (z_i - y_i)."""
    t, (i, k, j, l), (W, x, b, y, z, L) = squared_loss_theory()
    d = t.derive(D(L, z[i]))
    d.step(D(Sum((y[k] - z[k])**2, k), z[i]), by=definition(L.args[0]))
    d.step(Sum(2 * (y[k] - z[k]) * (0 - delta(k, i)), k), by=differentiation)
    d.step(2 * (z[i] - y[i]), by=delta_rule)
    return d.done("squared_loss_by_z")


@theorem("gradients", code="losses.squared_error_backward")
def squared_loss_by_W() -> Lemma:
    """The gradient of the squared loss of Wx + b by W_ij is 2 (z_i - y_i) x_j."""
    t, (i, k, j, l), (W, x, b, y, z, L) = squared_loss_theory()
    d = t.derive(D(L, W[i, j]))
    d.step(Sum(D(L, z[k]) * D(z[k], W[i, j]), k), by=chain_rule(z))
    d.step(Sum(2 * (z[k] - y[k]) * D(z[k], W[i, j]), k), by=by_lemma(squared_loss_by_z()))
    d.step(Sum(2 * (z[k] - y[k]) * D(Sum(W[k, l] * x[l], l) + b[k], W[i, j]), k), by=definition(z))
    d.step(Sum(2 * (z[k] - y[k]) * Sum(delta(k, i) * delta(l, j) * x[l], l), k), by=differentiation)
    d.step(2 * (z[i] - y[i]) * x[j], by=delta_rule)
    return d.done("squared_loss_by_W")


@theorem("gradients", code="losses.squared_error_backward")
def squared_loss_by_b() -> Lemma:
    """The gradient of the squared loss of Wx + b by b_i is 2 (z_i - y_i)."""
    t, (i, k, j, l), (W, x, b, y, z, L) = squared_loss_theory()
    d = t.derive(D(L, b[i]))
    d.step(Sum(D(L, z[k]) * D(z[k], b[i]), k), by=chain_rule(z))
    d.step(Sum(2 * (z[k] - y[k]) * D(z[k], b[i]), k), by=by_lemma(squared_loss_by_z()))
    d.step(Sum(2 * (z[k] - y[k]) * D(Sum(W[k, l] * x[l], l) + b[k], b[i]), k), by=definition(z))
    d.step(Sum(2 * (z[k] - y[k]) * delta(k, i), k), by=differentiation)
    d.step(2 * (z[i] - y[i]), by=delta_rule)
    return d.done("squared_loss_by_b")


@theorem("gradients", code="losses.squared_error_backward")
def squared_loss_by_x() -> Lemma:
    """The gradient of the squared loss of Wx + b by x is twice W transposed times z - y."""
    t, (i, k, j, l), (W, x, b, y, z, L) = squared_loss_theory()
    d = t.derive(D(L, x[j]))
    d.step(Sum(D(L, z[i]) * D(z[i], x[j]), i), by=chain_rule(z))
    d.step(Sum(2 * (z[i] - y[i]) * D(z[i], x[j]), i), by=by_lemma(squared_loss_by_z()))
    d.step(Sum(2 * (z[i] - y[i]) * D(Sum(W[i, l] * x[l], l) + b[i], x[j]), i), by=definition(z))
    d.step(Sum(2 * (z[i] - y[i]) * Sum(W[i, l] * delta(l, j), l), i), by=differentiation)
    d.step(Sum(2 * (z[i] - y[i]) * W[i, j], i), by=delta_rule)
    return d.done("squared_loss_by_x")
