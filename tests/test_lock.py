"""The lock: what is proved, what the code computes and what a numerical derivative finds are the same.

There is one function for each theorem, by its name. Its arguments are drawn at random: the data of
the theorem by their names, its sizes as whole numbers, the name of an activation for an unknown σ,
random numbers for an unknown upstream gradient (∂L/∂A is called `dL_dA`). It returns

* what NumPy's side computes for the left side of the theorem, with the axes in the order in which
  the left side names the indices,
* a second opinion of the same shape, or None: a complex step wherever the theorem is a derivative,
* sometimes a dictionary of further values that the right side speaks of.

A theorem about one number z is tried on whole arrays of them.
"""
import sys
from importlib import import_module
from inspect import signature
from operator import attrgetter
from unittest.mock import patch

import numpy as np
import pytest

import nnlib
import nnlib.conv
from nnlib import Activation, Dense, Network, numerical_gradient
from nnlib.derivations import THEOREMS, D, evaluator
from nnlib.derivations.language import Add, Array, Entry, Func, Mul, Num, Size, Sum, children, walk, with_children

DRAWS = 50
SMOOTH = ("sigmoid", "tanh", "softplus", "identity", "relu")
LOCKS = {}


def lock(**draws):
    """Register the function below as the lock of the theorem of its name; `draws`: how special data are drawn."""
    def register(function):
        assert function.__name__ not in LOCKS
        LOCKS[function.__name__] = function, draws
        return function
    return register


# --- data -----------------------------------------------------------------------

def numbers(rng, shape):
    """Numbers of both signs, many of them exactly 0."""
    return rng.normal(size=shape) * rng.choice([0.5, 2]) * (rng.random(shape) > 0.2)


def fractions(rng, shape):
    return np.clip(rng.random(shape) * 1.5 - 0.25, 0, 1)


def distributions(rng, shape):
    """Rows of probabilities, some of them exactly 0."""
    Y = fractions(rng, shape)
    Y[..., 0] += 0.1
    return Y / Y.sum(axis=-1, keepdims=True)


def probabilities(rng, shape):
    S = rng.random(shape) + 0.05
    return S / S.sum(axis=-1, keepdims=True)


def positive_rows(rng, shape):
    return distributions(rng, shape) * (0.5 + rng.random(shape[:-1]))[..., None]


def neurons(rng, shape):
    """1 where layer l has a neuron k: each has at least one."""
    return (np.arange(shape[1]) < rng.integers(1, shape[1] + 1, (shape[0], 1))) * 1.0


def image_sizes(rng):
    size = {name: int(rng.integers(1, 4)) for name in ("m", "c", "k", "h", "w")} | {"P": int(rng.integers(0, 3))}
    for kernel, image, out in (("p", "h", "h'"), ("q", "w", "w'")):
        size[kernel] = int(rng.integers(1, min(3, size[image] + 2 * size["P"]) + 1))
        size[out] = size[image] + 2 * size["P"] - size[kernel] + 1
    return size


def same_rows(rng):
    m = int(rng.integers(1, 4))
    return {"M": m, "P": m, "R": m} | {name: int(rng.integers(1, 4)) for name in "NQS"}


def count(size, sizes):
    """A size, a number, or a sum or product of such, as a number."""
    if isinstance(size, Num):
        return int(size.args[0])
    if isinstance(size, Size):
        return sizes[size.args[0]]
    parts = [count(part, sizes) for part in size.args]
    return {Add: sum, Mul: np.prod}[type(size)](parts)


def in_order(e):
    """The free indices of an expression in the order in which it names them."""
    if isinstance(e, Sum):
        return [i for i in in_order(e.args[0]) if i != e.args[1]]
    if type(e).__name__ == "Index":
        return [e]
    parts = [in_order(c) for c in children(e)]
    return list(dict.fromkeys(i for part in parts for i in part))


def named(e, found):
    """The same expression with a name for each derivative in it: ∂L/∂A_ij is the entry (i, j) of dL_dA."""
    if isinstance(e, D):
        y, x = (side.args for side in e.args)
        array = Array(f"d{y[0].name}_d{x[0].name}", "", (*y[0].shape, *x[0].shape), depends=y[0].depends)
        found.append(array)
        return array[(*y[1], *x[1])]
    return with_children(e, [named(c, found) for c in children(e)])


class Instance:
    """Random sizes and data for a theorem, by name; `seed` 0 has all sizes 1, `seed` 1 all sizes 2."""

    def __init__(self, lemma, draws, seed):
        self.rng = rng = np.random.default_rng(seed)
        symbols, found = list(lemma.theory.symbols.values()), []
        self.right, self.left = named(lemma.right, found), in_order(lemma.left)
        self.sizes = {s.args[0]: seed + 1 if seed < 2 else int(rng.integers(1, 6)) for s in symbols if isinstance(s, Size)}
        if "sizes" in draws:
            self.sizes = draws["sizes"](rng)
        arrays = [a for a in [*symbols, *found] if isinstance(a, Array) and is_drawn(a)]
        # a theorem about a few numbers is tried on arrays of them, at every entry
        self.pointwise = bool(arrays) and not any(a.shape for a in arrays)
        grid = tuple(rng.integers(1, 6, 2)) if self.pointwise else ()
        self.data = {a.name: self.drawn(a, draws, grid) for a in arrays}
        self.sigma = {f.name: SMOOTH[seed % len(SMOOTH)] for f in symbols if isinstance(f, Func) and f.opaque}
        for c in lemma.assumptions:
            if isinstance(c.left, Entry):
                x = self.data[c.left.args[0].name]
                x[x == 0] = 0.7
                if c.relation != "nonzero":
                    x[...] = {"positive": abs(x), "negative": -abs(x)}[c.relation]

    def drawn(self, a, draws, grid):
        shape = tuple(count(n, self.sizes) for n in a.shape) or grid
        if a.values is not None:
            return np.asarray(self.rng.integers(1, count(a.values, self.sizes) + 1, shape))
        return np.asarray(draws.get(a.name, numbers)(self.rng, shape))

    def arguments(self, function):
        values = {**self.data, **self.sizes, **self.sigma, "rng": self.rng, "sizes": self.sizes}
        return {name: values[name] for name in signature(function).parameters}

    def proven(self, given):
        """The proved right side, on all indices of the left side."""
        axes = [i for i in self.left if i in set(in_order(self.right))]
        formula, data = evaluator(self.right, axes), {**self.data, **given}
        for name, activation in self.sigma.items():
            data[name] = getattr(nnlib, activation)
            data[name + "'"] = lambda u, back=getattr(nnlib, activation + "_backward"): back(np.ones_like(u), u)
        if self.pointwise:
            shape = next(iter(self.data.values())).shape
            return np.array([formula(np, self.sizes, **{name: x[at] for name, x in data.items()})
                             for at in np.ndindex(shape)]).reshape(shape)
        value = formula(np, self.sizes, **data)
        shape = tuple(count(i.size, self.sizes) for i in self.left)
        return np.broadcast_to(value[tuple(slice(None) if i in axes else None for i in self.left)], shape)


def is_drawn(a):
    """Data, and what stands for a derivative by an unknown function; not what is defined by data."""
    if a.definition:
        return any(isinstance(e, D) for e in walk(a.definition[1]))
    return a.depends is None or a.name.startswith("d")


# --- the test -------------------------------------------------------------------

def code_of(theorem):
    module, function = theorem.code.split(".", 1)
    return attrgetter(function)(import_module(f"nnlib.{module}"))


def called_by(function, arguments):
    """The result, and the code objects of all Python functions that were called on the way."""
    seen = set()
    sys.setprofile(lambda frame, event, _: seen.add(frame.f_code) if event == "call" else None)
    try:
        result = function(**arguments)
    finally:
        sys.setprofile(None)
    return result, seen


# the quotient of the hard threshold has no limit here: there is no derivative that the code could return
ABOUT_THE_FORWARD = {"step_quotient_left", "step_quotient_unbounded"}


@pytest.mark.parametrize("name", THEOREMS)
def test_lock(name):
    assert name in LOCKS, f"{name} has no lock: what does the code say of it?"
    function, draws = LOCKS[name]
    lemma = THEOREMS[name].build()
    for seed in range(DRAWS):
        instance = Instance(lemma, draws, seed)
        result, called = called_by(function, instance.arguments(function)) if seed == 0 else \
            (function(**instance.arguments(function)), None)
        if seed == 0 and name not in ABOUT_THE_FORWARD:
            assert code_of(THEOREMS[name]).__code__ in called, f"the lock does not call {THEOREMS[name].code}"
        code, opinion, *given = result
        given = given[0] if given else {}
        instance.sizes |= given.pop("sizes", {})
        proven, code = instance.proven(given), np.asarray(code)
        assert code.shape == proven.shape and code.dtype == np.float64
        scale = max(1, np.abs(code).max())
        np.testing.assert_allclose(code, proven, rtol=1e-12, atol=1e-13 * scale, err_msg=f"{name}, seed {seed}")
        if opinion is not None:
            assert np.shape(opinion) == code.shape
            np.testing.assert_allclose(opinion, proven, rtol=1e-11, atol=1e-12 * scale, err_msg=f"{name}, seed {seed}")


def test_no_lock_without_a_theorem():
    assert set(LOCKS) == set(THEOREMS)


@pytest.mark.parametrize("name", [name for name in THEOREMS if name in ("relu_backward", "step_backward")])
def test_the_conventions_are_those_of_the_code(name):
    (expr, at, value), = THEOREMS[name].build().conventions
    assert list(at.values()) == [0]
    assert code_of(THEOREMS[name])([3.0], [0.0]) == float(value.args[0])


# --- helpers of the locks -------------------------------------------------------

def slope(f, X):
    return numerical_gradient(f, X, "complex")


def by_unit(backward, shape):
    """All derivatives of an array of this shape: the backward of each unit gradient."""
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    found = np.stack([backward(unit) for unit in units])
    return found.reshape(*shape, *found.shape[1:])


def pointwise(name, z):
    forward, backward = nnlib.activation(name)
    return backward(np.ones_like(z), z), slope(lambda z: forward(z).sum(), z)


def softmax_of(z):
    return nnlib.softmax(z[None])[0]


def jacobian_of(z):
    return nnlib.softmax_jacobian(z[None])[0]


# --- softmax --------------------------------------------------------------------

@lock()
def softmax(z):
    return jacobian_of(z), slope(softmax_of, z)


@lock()
def softmax_by_cases(z):
    return jacobian_of(z), slope(softmax_of, z)


@lock()
def softmax_by_logarithm(z):
    return jacobian_of(z), slope(softmax_of, z)


@lock()
def softmax_shift(z, c):
    return softmax_of(z - c), None


@lock()
def softmax_shift_jacobian(z):
    def shifted(z):
        return z - (z * z).sum() - z[0]
    return jacobian_of(shifted(z)), slope(lambda z: softmax_of(shifted(z)), z)


@lock()
def softmax_backward(z, g):
    return nnlib.softmax_backward(g[None], z[None])[0], slope(lambda z: g @ softmax_of(z), z)


@lock()
def softmax_sums_to_one(z):
    return softmax_of(z).sum(), None


@lock()
def softmax_jacobian_symmetric(z):
    return jacobian_of(z), slope(softmax_of, z), {"ds_dz": jacobian_of(z)}


@lock()
def softmax_jacobian_rows(z):
    return jacobian_of(z).sum(axis=1), slope(softmax_of, z).sum(axis=1)


@lock()
def softmax_jacobian_columns(z):
    return jacobian_of(z).sum(axis=0), slope(lambda z: softmax_of(z).sum(), z)


@lock()
def softmax_ratio(z):
    return softmax_of(z)[:, None] / softmax_of(z), None


@lock()
def softmax_difference(z):
    return softmax_of(z)[:, None] - softmax_of(z), None


@lock()
def softmax_order(z):
    return nnlib.step(softmax_of(z)[:, None] - softmax_of(z)), None


@lock()
def softmax_batch(Z):
    return np.einsum("ir,ikj->ikrj", np.eye(len(Z)), nnlib.softmax_jacobian(Z)), slope(nnlib.softmax, Z)


@lock()
def softmax_jacobian(Z):
    return nnlib.softmax_jacobian(Z), np.einsum("ikij->ikj", slope(nnlib.softmax, Z))


@lock()
def softmax_backward_batch(Z, G):
    return nnlib.softmax_backward(G, Z), slope(lambda Z: (G * nnlib.softmax(Z)).sum(), Z)


@lock()
def log_sum_exp(z, c):
    return nnlib.log_sum_exp(z[None])[0], None


@lock()
def log_sum_exp_backward(z):
    return nnlib.log_sum_exp_backward([1.0], z[None])[0], slope(lambda z: nnlib.log_sum_exp(z[None])[0], z)


# --- activations that act entry by entry ----------------------------------------

@lock()
def elementwise_backward(Z, sigma, dL_dA):
    forward, backward = nnlib.activation(sigma)
    return backward(dL_dA, Z), slope(lambda Z: (dL_dA * forward(Z)).sum(), Z)


@lock()
def identity_backward(z):
    return pointwise("identity", z)


@lock()
def sigmoid_backward(z):
    return pointwise("sigmoid", z)


@lock()
def sigmoid_quotient(z):
    return pointwise("sigmoid", z)


@lock()
def sigmoid_two_forms(z):
    return pointwise("sigmoid", z)


@lock()
def sigmoid_backward_stable(z):
    return pointwise("sigmoid", z)


@lock()
def sigmoid_negative(z):
    return nnlib.sigmoid(z), None


@lock()
def sigmoid(z):
    return nnlib.sigmoid(z), None


@lock()
def sigmoid_symmetry(z):
    return nnlib.sigmoid(-z), None


@lock()
def sigmoid_as_softmax(z):
    return nnlib.sigmoid(z[0] - z[1]), softmax_of(z)[0]


@lock()
def softplus_backward(z):
    return pointwise("softplus", z)


@lock()
def softplus_reflection(z):
    return nnlib.softplus(z), None


@lock()
def softplus(z):
    return nnlib.softplus(z), None


@lock()
def tanh_by_u_and_v(x):
    return pointwise("tanh", x)


@lock()
def sech_squared(x):
    return pointwise("tanh", x)


@lock()
def tanh_backward(x):
    return pointwise("tanh", x)


@lock()
def tanh_backward_stable(x):
    return pointwise("tanh", x)


@lock()
def relu_backward(z):
    return pointwise("relu", z)


@lock()
def relu_right(z):
    return pointwise("relu", z)


@lock()
def relu_left(z):
    return pointwise("relu", z)


@lock()
def relu_quotient_right(h):
    return pointwise("relu", h)[0], (nnlib.relu(h) - nnlib.relu(0)) / h


@lock()
def relu_quotient_left(h):
    return pointwise("relu", h)[0], (nnlib.relu(h) - nnlib.relu(0)) / h


@lock()
def step_backward(z):
    return pointwise("step", z)


@lock()
def step_right(z):
    return pointwise("step", z)


@lock()
def step_left(z):
    return pointwise("step", z)


@lock()
def step_quotient_right(h):
    return pointwise("step", h)[0], (nnlib.step(h) - nnlib.step(0)) / h


@lock()
def step_quotient_left(h):
    return (nnlib.step(h) - nnlib.step(0)) / h, None


@lock()
def step_quotient_unbounded(n):
    return (nnlib.step(-1 / n) - nnlib.step(0)) / (-1 / n), None


# --- linear maps ----------------------------------------------------------------

@lock()
def matmul_backward_A(A, B, G):
    return nnlib.matmul_backward(G, A, B)[0], slope(lambda A: (G * (A @ B)).sum(), A)


@lock()
def matmul_backward_B(A, B, G):
    return nnlib.matmul_backward(G, A, B)[1], slope(lambda B: (G * (A @ B)).sum(), B)


@lock()
def dense_backward_X(X, W, b, G):
    return nnlib.dense_backward(G, X, W)[0], slope(lambda X: (G * nnlib.dense(X, W, b)).sum(), X)


@lock()
def dense_backward_W(X, W, b, G):
    return nnlib.dense_backward(G, X, W)[1], slope(lambda W: (G * nnlib.dense(X, W, b)).sum(), W)


@lock()
def dense_backward_b(X, W, b, G):
    return nnlib.dense_backward(G, X, W)[2], slope(lambda b: (G * nnlib.dense(X, W, b)).sum(), b)


@lock()
def broadcasting(Z, b):
    return nnlib.dense(Z, np.eye(Z.shape[1]), b[0]), Z + np.ones((len(Z), 1)) @ b


@lock()
def augment(X, W, b):
    return nnlib.augment(X) @ np.vstack([b, W]), nnlib.dense(X, W, b)


@lock()
def affine_after_affine(X, W, b, V, c):
    return nnlib.dense(nnlib.dense(X, W, b), V, c), nnlib.dense(X, W @ V, b @ V + c)


@lock()
def rows_and_columns(x, V, b):
    return nnlib.dense(x[None], V.T, b)[0], V @ x + b


@lock()
def rows_and_columns_backward(x, V, b, rng):
    g = numbers(rng, b.shape)
    dW = nnlib.dense_backward(g[None], x[None], V.T)[1]
    return np.outer(g, x), slope(lambda V: g @ (V @ x + b), V), {"dL_dW": dW}


@lock()
def affine_by_W(W, x, b):
    return (by_unit(lambda e: nnlib.dense_backward(e[None], x[None], W.T)[1].T, b.shape),
            slope(lambda W: W @ x + b, W))


@lock()
def affine_by_b(W, x, b):
    return by_unit(lambda e: nnlib.dense_backward(e[None], x[None], W.T)[2], b.shape), slope(lambda b: W @ x + b, b)


@lock()
def affine_by_x(W, x, b):
    return by_unit(lambda e: nnlib.dense_backward(e[None], x[None], W.T)[0][0], b.shape), slope(lambda x: W @ x + b, x)


def neuron(x, w, b, sigma, rng):
    """The upstream gradient of a neuron, its three gradients, and its derivative g by the net input."""
    da, (forward, backward) = rng.normal(), nnlib.activation(sigma)
    z = np.array([w @ x + b])
    g = backward(np.array([da]), z)[0]
    return da, nnlib.neuron_backward(da, x, w, b, sigma), {"g": g}, slope(lambda z: da * forward(z)[0], z)[0]


@lock()
def neuron_backward(x, w, b, sigma, rng):
    da, found, g, by_z = neuron(x, w, b, sigma, rng)
    return found[2], by_z, g


@lock()
def neuron_backward_x(x, w, b, sigma, rng):
    da, found, g, _ = neuron(x, w, b, sigma, rng)
    return found[0], slope(lambda x: da * nnlib.neuron(x, w, b, sigma), x), g


@lock()
def neuron_backward_w(x, w, b, sigma, rng):
    da, found, g, _ = neuron(x, w, b, sigma, rng)
    return found[1], slope(lambda w: da * nnlib.neuron(x, w, b, sigma), w), g


@lock()
def neuron_backward_b(x, w, b, sigma, rng):
    da, found, g, _ = neuron(x, w, b, sigma, rng)
    return found[2], slope(lambda b: da * nnlib.neuron(x, w, b, sigma), b), g


# --- losses ---------------------------------------------------------------------

@lock(S=probabilities, Y=distributions)
def cross_entropy_backward(S, Y):
    return nnlib.cross_entropy_backward(S, Y), slope(lambda S: nnlib.cross_entropy(S, Y), S)


@lock(Y=distributions)
def cross_entropy_of_softmax(Z, Y):
    S = nnlib.softmax(Z)
    return nnlib.cross_entropy_backward(S, Y), slope(lambda S: nnlib.cross_entropy(S, Y), S)


@lock(Y=distributions)
def softmax_cross_entropy(Z, Y):
    return nnlib.softmax_cross_entropy(Z, Y), nnlib.cross_entropy(nnlib.softmax(Z), Y)


@lock(Y=distributions)
def softmax_cross_entropy_backward(Z, Y):
    return nnlib.softmax_cross_entropy_backward(Z, Y), slope(lambda Z: nnlib.softmax_cross_entropy(Z, Y), Z)


@lock(Y=distributions)
def softmax_then_cross_entropy(Z, Y):
    return (nnlib.softmax_cross_entropy_backward(Z, Y),
            nnlib.softmax_backward(nnlib.cross_entropy_backward(nnlib.softmax(Z), Y), Z))


@lock(Y=positive_rows)
def softmax_cross_entropy_any_rows(Z, Y):
    total = Y.sum(axis=1)
    P = Y / total[:, None]
    return (total[:, None] * nnlib.softmax_cross_entropy_backward(Z, P),
            slope(lambda Z: (total * nnlib.softmax_cross_entropy(Z, P, "none")).mean(), Z))


@lock(y=distributions)
def softmax_cross_entropy_sample(z, y):
    return (nnlib.softmax_cross_entropy_backward(z[None], y[None])[0],
            slope(lambda z: nnlib.softmax_cross_entropy(z[None], y[None]), z))


@lock(y=distributions)
def softmax_cross_entropy_by_classes(z, y):
    return (nnlib.softmax_cross_entropy_backward(z[None], y[None])[0],
            slope(lambda z: -(y * np.log(softmax_of(z))).sum(), z))


@lock()
def softmax_cross_entropy_label(z, c):
    return nnlib.softmax_cross_entropy(z[None], [c - 1]), -np.log(softmax_of(z)[c - 1])


@lock()
def softmax_cross_entropy_label_backward(z, c):
    return (nnlib.softmax_cross_entropy_backward(z[None], [c - 1])[0],
            slope(lambda z: nnlib.softmax_cross_entropy(z[None], [c - 1]), z))


@lock()
def softmax_cross_entropy_true_class(z, c):
    return (nnlib.softmax_cross_entropy_backward(z[None], [c - 1])[0],
            slope(lambda z: -np.log(softmax_of(z)[c - 1]), z))


def binary_cross_entropy(z, y):
    naive = -y * np.log(nnlib.sigmoid(z)) - (1 - y) * np.log(nnlib.sigmoid(-z))
    return nnlib.sigmoid_cross_entropy(z.ravel(), y.ravel(), "none").reshape(z.shape), naive


@lock(y=fractions)
def sigmoid_cross_entropy(z, y):
    return binary_cross_entropy(z, y)


@lock(y=fractions)
def sigmoid_cross_entropy_code(z, y):
    return binary_cross_entropy(z, y)


@lock(y=fractions)
def sigmoid_cross_entropy_stable(z, y):
    return binary_cross_entropy(z, y)


@lock(y=distributions)
def sigmoid_cross_entropy_two_classes(z, y):
    return nnlib.sigmoid_cross_entropy(z[:1] - z[1:], y[:1]), nnlib.softmax_cross_entropy(z[None], y[None])


@lock(Y=fractions)
def sigmoid_cross_entropy_backward(Z, Y):
    return nnlib.sigmoid_cross_entropy_backward(Z, Y), slope(lambda Z: nnlib.sigmoid_cross_entropy(Z, Y), Z)


@lock(y=fractions)
def sigmoid_cross_entropy_backward_stable(z, y):
    return (nnlib.sigmoid_cross_entropy_backward(z, y, "sum"),
            slope(lambda z: nnlib.sigmoid_cross_entropy(z, y, "sum"), z))


def logistic(X, w, b, y):
    return nnlib.sigmoid_cross_entropy(X @ w + b, y, "sum")


def logistic_backward(X, w, b, y):
    z = X @ w + b
    dz = nnlib.sigmoid_cross_entropy_backward(z, y, "sum")
    return z, dz, nnlib.dense_backward(dz[:, None], X, w[:, None])


@lock(y=fractions)
def logistic_loss_z(X, w, b, y):
    z, dz, _ = logistic_backward(X, w, b, y)
    return dz, slope(lambda z: nnlib.sigmoid_cross_entropy(z, y, "sum"), z)


@lock(y=fractions)
def logistic_loss_w(X, w, b, y):
    return logistic_backward(X, w, b, y)[2][1][:, 0], slope(lambda w: logistic(X, w, b, y), w)


@lock(y=fractions)
def logistic_loss_b(X, w, b, y):
    return logistic_backward(X, w, b, y)[2][2][0], slope(lambda b: logistic(X, w, b, y), b)


@lock()
def squared_error_backward(Yhat, Y):
    return nnlib.squared_error_backward(Yhat, Y), slope(lambda P: nnlib.squared_error(P, Y), Yhat)


def quadratic(x, t, w, n):
    """The gradient of the squared error by the coefficient of xⁿ."""
    powers = x[:, None] ** np.arange(3)
    dP = nnlib.squared_error_backward(powers @ w, t, "sum")
    return (powers.T @ dP)[n], slope(lambda w: nnlib.squared_error(powers @ w, t, "sum"), w)[n]


@lock()
def quadratic_regression_w0(x, t, w0, w1, w2):
    return quadratic(x, t, np.array([w0, w1, w2]), 0)


@lock()
def quadratic_regression_w1(x, t, w0, w1, w2):
    return quadratic(x, t, np.array([w0, w1, w2]), 1)


@lock()
def quadratic_regression_w2(x, t, w0, w1, w2):
    return quadratic(x, t, np.array([w0, w1, w2]), 2)


def affine_loss(W, x, b, y):
    """The squared loss of Wx + b, and the gradients by z, W, b and x."""
    z = W @ x + b
    dz = nnlib.squared_error_backward(z, y, "sum")
    dx, dW, db = nnlib.dense_backward(dz[None], x[None], W.T)
    return lambda z: nnlib.squared_error(z, y, "sum"), z, dz, dW.T, db, dx[0]


@lock()
def squared_loss_by_z(W, x, b, y):
    loss, z, dz, dW, db, dx = affine_loss(W, x, b, y)
    return dz, slope(loss, z)


@lock()
def squared_loss_by_W(W, x, b, y):
    loss, z, dz, dW, db, dx = affine_loss(W, x, b, y)
    return dW, slope(lambda W: loss(W @ x + b), W)


@lock()
def squared_loss_by_b(W, x, b, y):
    loss, z, dz, dW, db, dx = affine_loss(W, x, b, y)
    return db, slope(lambda b: loss(W @ x + b), b)


@lock()
def squared_loss_by_x(W, x, b, y):
    loss, z, dz, dW, db, dx = affine_loss(W, x, b, y)
    return dx, slope(lambda x: loss(W @ x + b), x)


# --- derivatives by hand (S2) ---------------------------------------------------

@lock()
def jacobian_of_two_functions(x):
    def f(x):
        return np.stack([x[0] + x[1] * x[2], x[0] ** 2 + 3 * x[1]])
    return slope(f, x), np.array([[1, x[2], x[1]], [2 * x[0], 3, 0]])


@lock()
def sigmoid_by_z(W, x, b):
    z = W @ x + b
    return by_unit(lambda e: nnlib.sigmoid_backward(e, z), z.shape), slope(nnlib.sigmoid, z)


def sigmoid_layer(W, x, b, n):
    """The derivatives of σ(Wx + b) by x, W or b, for n = 0, 1, 2."""
    found = [[], [], []]
    for e in np.eye(len(b)):
        dx, dW, db = nnlib.dense_backward(nnlib.sigmoid_backward(e, W @ x + b)[None], x[None], W.T)
        for all_of, one in zip(found, (dx[0], dW.T, db)):
            all_of.append(one)
    return np.stack(found[n])


@lock()
def sigmoid_by_x(W, x, b):
    return sigmoid_layer(W, x, b, 0), slope(lambda x: nnlib.sigmoid(W @ x + b), x)


@lock()
def sigmoid_by_W(W, x, b):
    return sigmoid_layer(W, x, b, 1), slope(lambda W: nnlib.sigmoid(W @ x + b), W)


@lock()
def sigmoid_by_b(W, x, b):
    return sigmoid_layer(W, x, b, 2), slope(lambda b: nnlib.sigmoid(W @ x + b), b)


# --- networks -------------------------------------------------------------------

def backward(layers, dOut, X):
    net = Network(layers, "identity")
    return net.backward(dOut, net.forward(X))


@lock(sizes=same_rows)
def tensor_chain_rule(X, N, Q, rng):
    first, second = [Dense(numbers(rng, (X.shape[1], Q))), Activation("tanh")], [Dense(numbers(rng, (Q, N)))]
    Y = Network(first, "identity").logits(X)

    def derivative(layers, X):
        shape = Network(layers, "identity").logits(X).shape
        return by_unit(lambda e: backward(layers, e, X)[0][0], shape)
    return (derivative(first + second, X), slope(Network(first + second, "identity").logits, X),
            {"dY_dX": derivative(first, X), "dZ_dY": derivative(second, Y)})


@lock()
def backpropagation(Z, W, b, sigma, dL_dY):
    def layers(W=W, b=b):
        return [Activation(sigma), Dense(W, b)]
    return (backward(layers(), dL_dY, Z)[0][0],
            slope(lambda Z: (dL_dY * Network(layers(), "identity").logits(Z)).sum(), Z))


@lock()
def error_recursion(Z, W, b, sigma, E):
    return backpropagation(Z, W, b, sigma, E)


@lock()
def layer_gradient_W(Z, W, b, sigma, E):
    return (backward([Activation(sigma), Dense(W, b)], E, Z)[1]["W1"],
            slope(lambda W: (E * nnlib.dense(getattr(nnlib, sigma)(Z), W, b)).sum(), W))


@lock()
def layer_gradient_b(Z, W, b, sigma, E):
    return (backward([Activation(sigma), Dense(W, b)], E, Z)[1]["b1"],
            slope(lambda b: (E * nnlib.dense(getattr(nnlib, sigma)(Z), W, b)).sum(), b))


class Whole:
    """A network with one hidden layer, its loss (summed over samples), and all that its backward pass returns."""

    def __init__(self, hidden, output, X, Y, **weights):
        self.hidden, self.output, self.X, self.Y, self.weights = hidden, output, X, Y, weights
        net = self.network()
        loss_backward = {"softmax": nnlib.softmax_cross_entropy_backward, "identity": nnlib.squared_error_backward}
        self.stages = net.forward(X)
        dZ = loss_backward[output](self.stages[-1], Y, "sum")
        (_, self.dz1, self.da1, self.dz2), self.gradients = net.backward(dZ, self.stages)

    def layers(self, W1, b1, W2, b2=None):
        return [Dense(W1, b1), self.hidden, Dense(W2, b2)]

    def network(self, **changed):
        return Network(self.layers(**{**self.weights, **changed}), self.output)

    def by(self, name):
        """A complex step of the loss by one of its weights."""
        return slope(lambda w: self.network(**{name: w}).loss(self.X, self.Y, "sum"), self.weights[name])

    def by_stage(self, n):
        """A complex step of the loss by stage n: 1 is z of the hidden layer, 2 is a, 3 is the last z."""
        def loss(A):
            for layer in self.layers(**self.weights)[n:]:
                A = layer.forward(A)
            return self.network().loss_of_logits(A, self.Y, "sum")
        return slope(loss, self.stages[n])


def two_layers(x, y, r, W1, b1, W2, b2):
    """S1's network for one sample, and the values of its δ."""
    net = Whole(Activation(r), "softmax", x[None], y[None], W1=W1, b1=b1, W2=W2, b2=b2)
    return net, {"E1": net.dz1[0], "E2": net.dz2[0]}


@lock(y=distributions)
def two_layer_delta_2(x, y, r, W1, b1, W2, b2):
    net, _ = two_layers(x, y, r, W1, b1, W2, b2)
    return net.dz2[0], net.by_stage(3)[0]


@lock(y=distributions)
def two_layer_delta_1(x, y, r, W1, b1, W2, b2):
    net, _ = two_layers(x, y, r, W1, b1, W2, b2)
    return net.dz1[0], net.by_stage(1)[0]


@lock(y=distributions)
def two_layer_W2(x, y, r, W1, b1, W2, b2):
    net, deltas = two_layers(x, y, r, W1, b1, W2, b2)
    return net.gradients["W2"], net.by("W2"), deltas


@lock(y=distributions)
def two_layer_b2(x, y, r, W1, b1, W2, b2):
    net, deltas = two_layers(x, y, r, W1, b1, W2, b2)
    return net.gradients["b2"], net.by("b2"), deltas


@lock(y=distributions)
def two_layer_W1(x, y, r, W1, b1, W2, b2):
    net, deltas = two_layers(x, y, r, W1, b1, W2, b2)
    return net.gradients["W1"], net.by("W1"), deltas


@lock(y=distributions)
def two_layer_b1(x, y, r, W1, b1, W2, b2):
    net, deltas = two_layers(x, y, r, W1, b1, W2, b2)
    return net.gradients["b1"], net.by("b1"), deltas


def one_hidden(x, c, sigma, WH, bH, WO, bO):
    """S2's network: its weights are (out, in)."""
    net = Whole(Activation(sigma), "softmax", x, c - 1, W1=WH.T, b1=bH, W2=WO.T, b2=bO)
    return net, {"dL_dzH": net.dz1, "dL_duH": net.da1, "dL_dzO": net.dz2}


@lock()
def hidden_zO(x, c, sigma, WH, bH, WO, bO):
    net, _ = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.dz2, net.by_stage(3)


@lock()
def hidden_WO(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.gradients["W2"].T, net.by("W2").T, given


@lock()
def hidden_bO(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.gradients["b2"], net.by("b2"), given


@lock()
def hidden_uH(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.da1, net.by_stage(2), given


@lock()
def hidden_zH(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.dz1, net.by_stage(1), given


@lock()
def hidden_WH(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.gradients["W1"].T, net.by("W1").T, given


@lock()
def hidden_bH(x, c, sigma, WH, bH, WO, bO):
    net, given = one_hidden(x, c, sigma, WH, bH, WO, bO)
    return net.gradients["b1"], net.by("b1"), given


@lock()
def hidden_zH_relu(zH, dL_duH):
    return (backward([Activation("relu")], dL_duH, zH)[0][0],
            slope(lambda z: (dL_duH * nnlib.relu(z)).sum(), zH))


class Exponential:
    """S2's units: a reader's own layer, which Network takes as it takes nnlib's."""

    parameters = {}

    def forward(self, Z):
        return np.exp(Z)

    def backward(self, dA, Z, input_gradient=True):
        return dA * np.exp(Z), {}


def exponential_units(x, y, W, b, alpha):
    net = Whole(Exponential(), "identity", x, y[:, None], W1=W.T, b1=b, W2=alpha[:, None])
    return net, {"dL_dz": net.dz1, "dL_du": net.da1, "dL_dp": net.dz2[:, 0]}


@lock()
def exponential_y(x, y, W, b, alpha):
    net, _ = exponential_units(x, y, W, b, alpha)
    return net.dz2[:, 0], net.by_stage(3)[:, 0]


@lock()
def exponential_alpha(x, y, W, b, alpha):
    net, given = exponential_units(x, y, W, b, alpha)
    return net.gradients["W2"][:, 0], net.by("W2")[:, 0], given


@lock()
def exponential_u(x, y, W, b, alpha):
    net, given = exponential_units(x, y, W, b, alpha)
    return net.da1, net.by_stage(2), given


@lock()
def exponential_z(x, y, W, b, alpha):
    net, given = exponential_units(x, y, W, b, alpha)
    return net.dz1, net.by_stage(1), given


@lock()
def exponential_W(x, y, W, b, alpha):
    net, given = exponential_units(x, y, W, b, alpha)
    return net.gradients["W1"].T, net.by("W1").T, given


@lock()
def exponential_b(x, y, W, b, alpha):
    net, given = exponential_units(x, y, W, b, alpha)
    return net.gradients["b1"], net.by("b1"), given


# --- convolution ----------------------------------------------------------------

@lock(sizes=image_sizes)
def conv2d_backward_X(X, W, b, G, P):
    return nnlib.conv2d_backward(G, X, W, P)[0], slope(lambda X: (G * nnlib.conv2d(X, W, b, P)).sum(), X)


@lock(sizes=image_sizes)
def conv2d_backward_W(X, W, b, G, P):
    return nnlib.conv2d_backward(G, X, W, P)[1], slope(lambda W: (G * nnlib.conv2d(X, W, b, P)).sum(), W)


@lock(sizes=image_sizes)
def conv2d_backward_b(X, W, b, G, P):
    return nnlib.conv2d_backward(G, X, W, P)[2], slope(lambda b: (G * nnlib.conv2d(X, W, b, P)).sum(), b)


# --- learning -------------------------------------------------------------------

class Samples:
    """A small network, m samples, and its gradients for any of them as one vector θ."""

    def __init__(self, m, rng):
        self.X, self.Y = numbers(rng, (m, 2)), numbers(rng, (m, 1))
        self.W, self.b = numbers(rng, (2, 1)), numbers(rng, (1,))
        self.theta = np.concatenate([self.W.ravel(), self.b])

    def loss(self, theta):
        return Network([Dense(theta[:2, None], theta[2:]), Activation("tanh")], "identity").loss(self.X, self.Y)

    def gradient(self, batch):
        net = Network([Dense(self.W, self.b), Activation("tanh")], "identity")
        found = net.gradients(self.X[batch], self.Y[batch])[1]
        return np.concatenate([found["W1"].ravel(), found["b1"]])

    def all(self):
        return self.gradient(np.arange(len(self.X)))


@lock()
def gradient_of_mean(m, rng):
    samples = Samples(m, rng)
    each = np.stack([samples.gradient([i]) for i in range(m)])
    return samples.all(), slope(samples.loss, samples.theta), {"g": each, "sizes": {"n": 3}}


@lock()
def random_sample_unbiased(m, rng):
    samples = Samples(m, rng)
    drawn = [samples.gradient(batch) for batch in nnlib.minibatches(m, 1, rng)]
    return np.mean(drawn, axis=0), slope(samples.loss, samples.theta), {"dL_dtheta": samples.all(), "sizes": {"n": 3}}


@lock()
def minibatch_unbiased(m, B, rng):
    samples = Samples(m * B, rng)
    drawn = [samples.gradient(batch) for batch in nnlib.minibatches(m * B, B, rng)]
    return np.mean(drawn, axis=0), slope(samples.loss, samples.theta), {"dL_dtheta": samples.all(), "sizes": {"n": 3}}


@lock()
def inclusion_probability(m, B, rng):
    batches = list(nnlib.minibatches(m * B, B, rng))
    chances = np.mean([np.isin(np.arange(m * B), batch) for batch in batches], axis=0)
    return chances.min(), chances.max(), {"sizes": {"m": m * B}}


# --- what it costs: in a product of ones, each entry is the number of its terms --

@lock()
def dense_cost(m, n_in, n_out):
    return nnlib.dense(np.ones((m, n_in)), np.ones((n_in, n_out))).sum(), None


@lock()
def dense_backward_cost(m, n_in, n_out):
    dX, dW, _ = nnlib.dense_backward(np.ones((m, n_out)), np.ones((m, n_in)), np.ones((n_in, n_out)))
    return dX.sum() + dW.sum(), None


def ones_for_conv(size):
    X = np.ones((size["m"], size["c"], size["h'"] + size["p"] - 1, size["w'"] + size["q"] - 1))  # with its padding
    return X, np.ones([size[n] for n in "kcpq"]), np.ones([size[n] for n in ("m", "k", "h'", "w'")])


@lock(sizes=image_sizes)
def conv2d_cost(sizes):
    X, W, _ = ones_for_conv(sizes)
    return nnlib.conv2d(X, W).sum(), None


@lock(sizes=image_sizes)
def conv2d_weights_cost(sizes):
    X, W, dY = ones_for_conv(sizes)
    return nnlib.conv2d_backward(dY, X, W)[1].sum(), None


@lock(sizes=image_sizes)
def conv2d_input_cost(sizes):
    X, (_, W, dY) = np.ones([sizes[n] for n in "mchw"]), ones_for_conv(sizes)
    with patch.object(nnlib.conv, "_correlate", wraps=nnlib.conv._correlate) as correlate:
        nnlib.conv2d_backward(dY, X, W, sizes["P"])
    (images, kernels), = (call.args for call in correlate.call_args_list)
    return nnlib.conv2d(np.ones_like(images), np.ones_like(kernels)).sum(), None


def network_of_ones(h, m):
    """A network with as many neurons as h says, all weights 1, and its stages for m samples of ones."""
    widths = h.sum(axis=1).astype(int)
    net = Network([Dense(np.ones(shape)) for shape in zip(widths, widths[1:])], "identity")
    return net, net.forward(np.ones((m, widths[0]))), {"n": widths * 1.0}


@lock(h=neurons)
def network_cost(h, m):
    net, stages, widths = network_of_ones(h, m)
    return sum((Z / A[0, 0]).sum() for A, Z in zip(stages, stages[1:])), None, widths


@lock(h=neurons)
def network_backward_cost(h, m):
    net, stages, widths = network_of_ones(h, m)
    dstages, gradients = net.backward(np.ones_like(stages[-1]), stages, input_gradient=False)
    pairs = zip(gradients.values(), stages, dstages[1:])
    weights = sum((dW / (A[0, 0] * dZ[0, 0])).sum() for dW, A, dZ in pairs)
    inputs = sum((dA / dZ[0, 0]).sum() for dA, dZ in zip(dstages[1:], dstages[2:]))
    return weights + inputs, None, widths
