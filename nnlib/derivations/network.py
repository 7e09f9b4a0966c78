"""Derivations of `nnlib.network`."""

from .derivation import Theory, chain_rule, definition, delta_rule, differentiation
from .language import D, Sum, delta
from .registry import theorem


@theorem("backprop", code="network.Network.backward")
def backpropagation():
    """The step from layer l+1 back to layer l, for any activation."""
    t = Theory("network")
    m, n, p = t.size("m"), t.size("n", "n_l"), t.size("p", "n_{l+1}")
    i, r = t.indices("i r", m)
    j, q = t.indices("j q", n)
    k = t.indices("k", p)
    sigma = t.opaque("sigma", r"\sigma")
    Z = t.array("Z", m, n, latex="Z^{l}")
    A = t.define("A", [i, j], sigma(Z[i, j]), latex="A^{l}")
    W, b = t.array("W", n, p, latex="W^{l+1}"), t.array("b", p, latex="b^{l+1}")
    Y = t.define("Y", [i, k], Sum(A[i, j] * W[j, k], j) + b[k], latex="Z^{l+1}")
    L = t.unknown("L", Y)[()]
    d = t.derive(D(L, Z[i, j]))
    d.step(Sum(D(L, Y[r, k]) * D(Y[r, k], Z[i, j]), r, k), by=chain_rule(Y))
    d.step(Sum(D(L, Y[r, k]) * D(Sum(sigma(Z[r, q]) * W[q, k], q) + b[k], Z[i, j]), r, k),
           by=(definition(Y), definition(A)))
    d.step(Sum(D(L, Y[r, k]) * Sum(sigma.prime(Z[r, q]) * delta(r, i) * delta(q, j) * W[q, k], q), r, k),
           by=differentiation)
    d.step(Sum(D(L, Y[i, k]) * sigma.prime(Z[i, j]) * W[j, k], k), by=delta_rule)
    d.step(Sum(D(L, Y[i, k]) * W[j, k], k) * sigma.prime(Z[i, j]), words="take out what does not depend on k")
    return d.done("backpropagation")
