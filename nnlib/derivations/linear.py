"""Derivations of `nnlib.linear`: the dense layer Z = XW + b, in rows and in columns, and the single neuron."""

from __future__ import annotations

from .derivation import Lemma, Symbols, Theory, by_lemma, chain_rule, definition, delta_rule, differentiation
from .language import D, Sum, delta, matrix_product
from .registry import theorem


def product_theory() -> Symbols:
    """C = AB, and an unknown smooth loss L of C; G is ∂L/∂C."""
    t = Theory("matrix product")
    m, n, p = t.size("m"), t.size("n"), t.size("p")
    (i, r), (k, q), (j, c) = t.indices("i r", m), t.indices("k q", n), t.indices("j c", p)
    A, B = t.array("A", m, n), t.array("B", n, p)
    C = t.define("C", [i, j], Sum(A[i, k] * B[k, j], k))
    L = t.unknown("L", C)[()]
    G = t.define("G", [i, j], D(L, C[i, j]))
    return t, (i, r), (j, c), (k, q), (A, B, C, L, G)


@theorem("backprop", code="linear.matmul_backward")
def matmul_backward_A() -> Lemma:
    """For C = AB the gradient by A is G Bᵀ, where G is the gradient by C."""
    t, (i, r), (j, c), (k, q), (A, B, C, L, G) = product_theory()
    d = t.derive(D(L, A[i, k]))
    d.step(Sum(D(L, C[r, j]) * D(C[r, j], A[i, k]), r, j), by=chain_rule(C))
    d.step(Sum(G[r, j] * D(C[r, j], A[i, k]), r, j), by=definition(G))
    d.step(Sum(G[r, j] * D(Sum(A[r, q] * B[q, j], q), A[i, k]), r, j), by=definition(C))
    d.step(Sum(G[r, j] * Sum(delta(r, i) * delta(q, k) * B[q, j], q), r, j), by=differentiation)
    d.step(Sum(G[i, j] * B[k, j], j), by=delta_rule)
    d.step(matrix_product(G, (B, "T"))[i, k], words="a product of matrices")
    return d.done("matmul_backward_A")


@theorem("backprop", code="linear.matmul_backward")
def matmul_backward_B() -> Lemma:
    """For C = AB the gradient by B is Aᵀ G, where G is the gradient by C."""
    t, (i, r), (j, c), (k, q), (A, B, C, L, G) = product_theory()
    d = t.derive(D(L, B[k, j]))
    d.step(Sum(D(L, C[i, c]) * D(C[i, c], B[k, j]), i, c), by=chain_rule(C))
    d.step(Sum(G[i, c] * D(C[i, c], B[k, j]), i, c), by=definition(G))
    d.step(Sum(G[i, c] * D(Sum(A[i, q] * B[q, c], q), B[k, j]), i, c), by=definition(C))
    d.step(Sum(G[i, c] * Sum(A[i, q] * delta(q, k) * delta(c, j), q), i, c), by=differentiation)
    d.step(Sum(A[i, k] * G[i, j], i), by=delta_rule)
    d.step(matrix_product((A, "T"), G)[k, j], words="a product of matrices")
    return d.done("matmul_backward_B")


# --- the dense layer ----------------------------------------------------------

def dense_theory() -> Symbols:
    """Z = XW + b, and an unknown smooth loss L of Z; G is ∂L/∂Z."""
    t = Theory("dense")
    m, n, p = t.size("m"), t.size("n_in", r"n_{\mathrm{in}}"), t.size("n_out", r"n_{\mathrm{out}}")
    i, k, j = t.indices("i r", m), t.indices("k q", n), t.indices("j c", p)
    X, W, b = t.array("X", m, n), t.array("W", n, p), t.array("b", p)
    Z = t.define("Z", [i[0], j[0]], Sum(X[i[0], k[0]] * W[k[0], j[0]], k[0]) + b[j[0]])
    L = t.unknown("L", Z)
    G = t.define("G", [i[0], j[0]], D(L[()], Z[i[0], j[0]]))
    return t, i, j, k, (X, W, b, Z, L[()], G)


@theorem("backprop", code="linear.dense_backward")
def dense_backward_X() -> Lemma:
    """For Z = XW + b the gradient by the input X is G Wᵀ, where G is the gradient by Z."""
    t, (i, r), (j, _), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, X[i, k]))
    d.step(Sum(D(L, Z[r, j]) * D(Z[r, j], X[i, k]), r, j), by=chain_rule(Z))
    d.step(Sum(G[r, j] * D(Z[r, j], X[i, k]), r, j), by=definition(G))
    d.step(Sum(G[r, j] * D(Sum(X[r, q] * W[q, j], q) + b[j], X[i, k]), r, j), by=definition(Z))
    d.step(Sum(G[r, j] * Sum(delta(r, i) * delta(q, k) * W[q, j], q), r, j), by=differentiation)
    d.step(Sum(G[i, j] * W[k, j], j), by=delta_rule)
    d.step(matrix_product(G, (W, "T"))[i, k], words="a product of matrices")
    return d.done("dense_backward_X")


@theorem("backprop", code="linear.dense_backward")
def dense_backward_W() -> Lemma:
    """For Z = XW + b the gradient by the weights W is Xᵀ G, where G is the gradient by Z."""
    t, (i, r), (j, c), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, W[k, j]))
    d.step(Sum(D(L, Z[i, c]) * D(Z[i, c], W[k, j]), i, c), by=chain_rule(Z))
    d.step(Sum(G[i, c] * D(Z[i, c], W[k, j]), i, c), by=definition(G))
    d.step(Sum(G[i, c] * D(Sum(X[i, q] * W[q, c], q) + b[c], W[k, j]), i, c), by=definition(Z))
    d.step(Sum(G[i, c] * Sum(X[i, q] * delta(q, k) * delta(c, j), q), i, c), by=differentiation)
    d.step(Sum(X[i, k] * G[i, j], i), by=delta_rule)
    d.step(matrix_product((X, "T"), G)[k, j], words="a product of matrices")
    return d.done("dense_backward_W")


@theorem("backprop", code="linear.dense_backward")
def dense_backward_b() -> Lemma:
    """For Z = XW + b the gradient by the bias b is the sum of the rows of G, the gradient by Z."""
    t, (i, r), (j, c), (k, q), (X, W, b, Z, L, G) = dense_theory()
    d = t.derive(D(L, b[j]))
    d.step(Sum(D(L, Z[i, c]) * D(Z[i, c], b[j]), i, c), by=chain_rule(Z))
    d.step(Sum(G[i, c] * D(Z[i, c], b[j]), i, c), by=definition(G))
    d.step(Sum(G[i, c] * D(Sum(X[i, q] * W[q, c], q) + b[c], b[j]), i, c), by=definition(Z))
    d.step(Sum(G[i, c] * delta(c, j), i, c), by=differentiation)
    d.step(Sum(G[i, j], i), by=delta_rule)
    return d.done("dense_backward_b")


@theorem("backprop", code="linear.dense")
def broadcasting() -> Lemma:
    """Adding the row b to every row of Z is adding the matrix 1b, where 1 is a column of m ones."""
    t = Theory("broadcasting")
    m, n = t.size("m"), t.size("n")
    i, j, a = t.indices("i", m), t.indices("j", n), t.indices("a", 1)
    Z, b = t.array("Z", m, n), t.array("b", 1, n)
    ones = t.define("ones", [i, a], 1, latex=r"\mathbf{1}")
    d = t.derive(Z[i, j] + matrix_product(ones, b)[i, j])
    d.step(Z[i, j] + Sum(ones[i, a] * b[a, j], a), words="a product of matrices")
    d.step(Z[i, j] + Sum(b[a, j], a), by=definition(ones))
    d.step(Z[i, j] + b[1, j], words="a sum of one term")
    return d.done("broadcasting")


@theorem("backprop", code="linear.augment")
def augment() -> Lemma:
    """The bias is the weight of an extra input that is always 1."""
    t = Theory("augmented input")
    m, n, p = t.size("m"), t.size("n"), t.size("p")
    i, k, j, a = t.indices("i", m), t.indices("k", n), t.indices("j", p), t.indices("a", n + 1)
    X, W, b = t.array("X", m, n), t.array("W", n, p), t.array("b", p)
    Y = t.define("Y", [i, a], delta(a, 1) + X[i, a - 1], latex=r"\tilde{X}")        # a row is 1, x_1, ..., x_n
    V = t.define("V", [a, j], delta(a, 1) * b[j] + W[a - 1, j], latex=r"\tilde{W}")  # b is the first row
    d = t.derive(matrix_product(Y, V)[i, j])
    d.step(Sum(Y[i, a] * V[a, j], a), words="a product of matrices")
    d.step(Sum((delta(a, 1) + X[i, a - 1]) * (delta(a, 1) * b[j] + W[a - 1, j]), a), by=(definition(Y), definition(V)))
    d.step(b[j] + Sum(X[i, a - 1] * W[a - 1, j], a), by=delta_rule, words="there is no entry 0")
    d.step(Sum(X[i, k] * W[k, j], k) + b[j], words="count from 1: k = a - 1")
    return d.done("augment")


@theorem("backprop", code="linear.dense")
def affine_after_affine() -> Lemma:
    """Two dense layers without an activation between them are one dense layer."""
    t = Theory("two affine maps")
    m, n, p, o = t.size("m"), t.size("n"), t.size("p"), t.size("o")
    i, k, (j, _), r = t.indices("i", m), t.indices("k", n), t.indices("j q", p), t.indices("r", o)
    X, W, b = t.array("X", m, n), t.array("W", n, p), t.array("b", p)
    V, c = t.array("V", p, o), t.array("c", o)
    Z = t.define("Z", [i, j], Sum(X[i, k] * W[k, j], k) + b[j])
    U = t.define("U", [k, r], Sum(W[k, j] * V[j, r], j), latex="W'")
    u = t.define("u", [r], Sum(b[j] * V[j, r], j) + c[r], latex="b'")
    d = t.derive(Sum(Z[i, j] * V[j, r], j) + c[r])
    d.step(Sum((Sum(X[i, k] * W[k, j], k) + b[j]) * V[j, r], j) + c[r], by=definition(Z))
    d.step(Sum(Sum(X[i, k] * W[k, j], k) * V[j, r], j) + Sum(b[j] * V[j, r], j) + c[r], words="split the sum")
    d.step(Sum(X[i, k] * Sum(W[k, j] * V[j, r], j), k) + (Sum(b[j] * V[j, r], j) + c[r]),
           words="exchange the sums")
    d.step(Sum(X[i, k] * U[k, r], k) + u[r], by=(definition(U), definition(u)))
    return d.done("affine_after_affine")


# --- the same layer with columns, as S2 writes it -----------------------------

def column_theory() -> Symbols:
    """One sample: the row z = xW + b with W (in, out), and the column z' = Vx + b with V = Wᵀ (out, in)."""
    t = Theory("rows and columns")
    n, p = t.size("n"), t.size("p")
    (k, q), (j, c) = t.indices("k q", n), t.indices("j c", p)
    x, V, b = t.array("x", n), t.array("V", p, n), t.array("b", p)
    W = t.define("W", [k, j], V[j, k])
    z = t.define("z", [j], Sum(x[k] * W[k, j], k) + b[j])
    return t, (k, q), (j, c), (x, V, b, W, z)


@theorem("backprop", code="linear.dense")
def rows_and_columns() -> Lemma:
    """The row xW + b and the column Vx + b have the same entries where V is the transpose of W."""
    t, (k, q), (j, c), (x, V, b, W, z) = column_theory()
    d = t.derive(z[j])
    d.step(Sum(x[k] * W[k, j], k) + b[j], by=definition(z))
    d.step(Sum(x[k] * V[j, k], k) + b[j], by=definition(W))
    d.step(Sum(V[j, k] * x[k], k) + b[j], words="exchange the factors")
    return d.done("rows_and_columns")


@theorem("backprop", code="linear.dense_backward")
def rows_and_columns_backward() -> Lemma:
    """The gradient by the transposed weights is the transposed gradient."""
    t, (k, q), (j, c), (x, V, b, W, z) = column_theory()
    L = t.unknown("L", W)[()]
    d = t.derive(D(L, V[j, k]))
    d.step(Sum(D(L, W[q, c]) * D(W[q, c], V[j, k]), q, c), by=chain_rule(W))
    d.step(Sum(D(L, W[q, c]) * D(V[c, q], V[j, k]), q, c), by=definition(W))
    d.step(Sum(D(L, W[q, c]) * (delta(c, j) * delta(q, k)), q, c), by=differentiation)
    d.step(D(L, W[k, j]), by=delta_rule)
    return d.done("rows_and_columns_backward")


def affine_theory() -> Symbols:
    """S2's affine map z = Wx + b, with W (out, in)."""
    t = Theory("affine map")
    M, N = t.size("M"), t.size("N")
    i, k = t.indices("i k", M)
    j, l = t.indices("j l", N)
    W, x, b = t.array("W", M, N), t.array("x", N), t.array("b", M)
    z = t.define("z", [i], Sum(W[i, l] * x[l], l) + b[i])
    return t, (i, k, j, l), (W, x, b, z)


@theorem("gradients", code="linear.dense_backward")
def affine_by_W() -> Lemma:
    """For z = Wx + b the derivative of z_i by W_kj is x_j where i = k, and 0 elsewhere."""
    t, (i, k, j, l), (W, x, b, z) = affine_theory()
    d = t.derive(D(z[i], W[k, j]))
    d.step(D(Sum(W[i, l] * x[l], l) + b[i], W[k, j]), by=definition(z))
    d.step(Sum(delta(i, k) * delta(l, j) * x[l], l), by=differentiation)
    d.step(delta(i, k) * x[j], by=delta_rule)
    return d.done("affine_by_W")


@theorem("gradients", code="linear.dense_backward")
def affine_by_b() -> Lemma:
    """For z = Wx + b the derivative of z_i by b_k is 1 where i = k, and 0 elsewhere."""
    t, (i, k, j, l), (W, x, b, z) = affine_theory()
    d = t.derive(D(z[i], b[k]))
    d.step(D(Sum(W[i, l] * x[l], l) + b[i], b[k]), by=definition(z))
    d.step(delta(i, k), by=differentiation)
    return d.done("affine_by_b")


@theorem("gradients", code="linear.dense_backward")
def affine_by_x() -> Lemma:
    """For z = Wx + b the derivative of z_i by x_j is W_ij."""
    t, (i, k, j, l), (W, x, b, z) = affine_theory()
    d = t.derive(D(z[i], x[j]))
    d.step(D(Sum(W[i, l] * x[l], l) + b[i], x[j]), by=definition(z))
    d.step(Sum(W[i, l] * delta(l, j), l), by=differentiation)
    d.step(W[i, j], by=delta_rule)
    return d.done("affine_by_x")


# --- the single neuron --------------------------------------------------------

def neuron_theory() -> Symbols:
    """a = σ(z) with z = Σ w_k x_k + b, an unknown loss L of a; g = ∂L/∂a σ′(z)."""
    t = Theory("neuron")
    n = t.size("n")
    k, q = t.indices("k q", n)
    x, w, b = t.array("x", n), t.array("w", n), t.scalar("b")
    sigma = t.opaque("sigma", r"\sigma")
    z = t.define("z", [], Sum(w[k] * x[k], k) + b)[()]
    a = t.define("a", [], sigma(z))[()]
    L = t.unknown("L", a.args[0])[()]
    g = t.define("g", [], D(L, a) * sigma.prime(z), latex="g")[()]
    return t, (k, q), (x, w, b, sigma, z, a, L, g)


@theorem("backprop", code="linear.neuron_backward")
def neuron_backward() -> Lemma:
    """The derivative g of the loss by the net input z of a neuron is ∂L/∂a times σ′(z)."""
    t, (k, q), (x, w, b, sigma, z, a, L, g) = neuron_theory()
    d = t.derive(D(L, z))
    d.step(D(L, a) * D(a, z), by=chain_rule(a.args[0]))
    d.step(D(L, a) * D(sigma(z), z), by=definition(a.args[0]))
    d.step(D(L, a) * sigma.prime(z), by=differentiation)
    d.step(g, by=definition(g.args[0]))
    return d.done("neuron_backward")


@theorem("backprop", code="linear.neuron_backward")
def neuron_backward_x() -> Lemma:
    """The gradient by the inputs of a neuron is g, the derivative by its net input, times its weights."""
    t, (k, q), (x, w, b, sigma, z, a, L, g) = neuron_theory()
    d = t.derive(D(L, x[k]))
    d.step(D(L, z) * D(z, x[k]), by=chain_rule(z.args[0]))
    d.step(g * D(z, x[k]), by=by_lemma(neuron_backward()))
    d.step(g * D(Sum(w[q] * x[q], q) + b, x[k]), by=definition(z.args[0]))
    d.step(g * Sum(w[q] * delta(q, k), q), by=differentiation)
    d.step(g * w[k], by=delta_rule)
    return d.done("neuron_backward_x")


@theorem("backprop", code="linear.neuron_backward")
def neuron_backward_w() -> Lemma:
    """The gradient by the weights of a neuron is g, the derivative by its net input, times its inputs."""
    t, (k, q), (x, w, b, sigma, z, a, L, g) = neuron_theory()
    d = t.derive(D(L, w[k]))
    d.step(D(L, z) * D(z, w[k]), by=chain_rule(z.args[0]))
    d.step(g * D(z, w[k]), by=by_lemma(neuron_backward()))
    d.step(g * D(Sum(w[q] * x[q], q) + b, w[k]), by=definition(z.args[0]))
    d.step(g * Sum(delta(q, k) * x[q], q), by=differentiation)
    d.step(g * x[k], by=delta_rule)
    return d.done("neuron_backward_w")


@theorem("backprop", code="linear.neuron_backward")
def neuron_backward_b() -> Lemma:
    """The derivative by the bias of a neuron is g, the derivative by its net input."""
    t, (k, q), (x, w, b, sigma, z, a, L, g) = neuron_theory()
    d = t.derive(D(L, b))
    d.step(D(L, z) * D(z, b), by=chain_rule(z.args[0]))
    d.step(g * D(z, b), by=by_lemma(neuron_backward()))
    d.step(g * D(Sum(w[q] * x[q], q) + b, b), by=definition(z.args[0]))
    d.step(g, by=differentiation)
    return d.done("neuron_backward_b")
