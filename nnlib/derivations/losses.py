"""Derivations of `nnlib.losses`."""

from .derivation import Theory, definition, delta_rule, differentiation, given
from .language import D, Sum, delta, exp, log
from .registry import theorem


@theorem("cross_entropy", code="losses.softmax_cross_entropy_backward")
def softmax_cross_entropy_backward():
    """The gradient of softmax followed by cross-entropy, directly from log-sum-exp."""
    t = Theory("softmax cross-entropy")
    m, K = t.size("m", least=1), t.size("K", least=1)
    i, r = t.indices("i r", m)
    j, k, l = t.indices("j k l", K)
    Z, Y = t.array("Z", m, K), t.array("Y", m, K)
    S = t.define("S", [i, k], exp(Z[i, k]) / Sum(exp(Z[i, j]), j))
    L = t.define("L", [], -1 / m * Sum(Y[i, k] * log(S[i, k]), i, k))[()]
    one = t.hypothesis("each row of Y sums to 1", Sum(Y[i, k], k), 1)
    d = t.derive(D(L, Z[i, j]))
    d.step(D(-1 / m * Sum(Y[r, k] * log(exp(Z[r, k]) / Sum(exp(Z[r, l]), l)), r, k), Z[i, j]),
           by=(definition(L.args[0]), definition(S)))
    d.step(D(-1 / m * Sum(Y[r, k] * (Z[r, k] - log(Sum(exp(Z[r, l]), l))), r, k), Z[i, j]),
           words="logarithm of a quotient")
    d.step(-1 / m * Sum(Y[r, k] * (delta(r, i) * delta(k, j)
                                   - Sum(exp(Z[r, l]) * delta(r, i) * delta(l, j), l) / Sum(exp(Z[r, l]), l)), r, k),
           by=differentiation)
    d.step(-1 / m * (Y[i, j] - Sum(Y[i, k], k) * (exp(Z[i, j]) / Sum(exp(Z[i, l]), l))), by=delta_rule)
    d.step(-1 / m * (Y[i, j] - exp(Z[i, j]) / Sum(exp(Z[i, l]), l)), by=given(one))
    d.step((S[i, j] - Y[i, j]) / m, by=definition(S))
    return d.done("softmax_cross_entropy_backward")
