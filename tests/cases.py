"""Cases for every backward, at awkward shapes, and the two rulers that results are measured with."""
from dataclasses import dataclass

import mpmath
import numpy as np

import nnlib
from nnlib import numerical_gradient, relative_error
from nnlib.activations import ACTIVATIONS

mpmath.mp.dps = 50
TOLERANCE = {"central": 1e-8, "complex": 1e-13}
ELEMENTWISE = tuple(name for name in ACTIVATIONS if name != "softmax")


@dataclass
class Case:
    """A backward, the forward it belongs to, and inputs.

    `call(backward, upstream, *inputs)` returns the gradients by all the inputs.
    """

    name: str
    call: object
    forward: object
    inputs: tuple
    note: str = ""

    def __str__(self):
        return " ".join([self.name, "x".join(map(str, np.shape(self.inputs[0]))), self.note]).strip()

    def error(self, backward, method):
        """Return the largest error of the gradients, for a random upstream gradient."""
        out = self.forward(*self.inputs)
        upstream = np.random.default_rng(1).normal(size=np.shape(out))
        found = self.call(backward, upstream, *self.inputs)
        found = found if isinstance(found, tuple) else (found,)
        assert len(found) == len(self.inputs)
        return max(relative_error(found[at], self._numerical(at, upstream, method)) for at in range(len(found)))

    def _numerical(self, at, upstream, method):
        def loss(moved):
            return (upstream * self.forward(*self.inputs[:at], moved, *self.inputs[at + 1:])).sum()
        return numerical_gradient(loss, self.inputs[at], method)


def normal(*shapes, seed=0):
    """Return one array of normal numbers for each shape."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def labels(m, classes):
    return np.arange(m) * 2 % classes


def soft(m, classes):
    Y = np.random.default_rng(3).uniform(0.1, 1, (m, classes))
    return Y / Y.sum(axis=1, keepdims=True)


def _activation_cases():
    zeros_and_ties = np.array([[0.0, 0.0, 0.0], [1.5, 1.5, -2.0], [0.0, -3.0, 0.0], [0.7, 30.0, 0.7]])
    for name in ELEMENTWISE:
        smooth = name not in ("step", "relu")  # at a kink the convention is tested elsewhere
        inputs = normal((5, 3), (1, 1), (1, 2), (4,), (2, 1, 3)) + (np.array([800.0]),)
        inputs += (zeros_and_ties,) if smooth else ()
        for Z in inputs:
            yield Case(name + "_backward", lambda back, g, Z: back(g, Z), getattr(nnlib, name), (Z,))
    for name in ("softmax", "log_sum_exp"):
        for Z in normal((5, 3), (1, 1), (1, 3), (5, 1), (5, 2)) + (zeros_and_ties,):
            yield Case(name + "_backward", lambda back, g, Z: back(g, Z), getattr(nnlib, name), (Z,))


def _linear_cases():
    for m, n, k in ((5, 3, 2), (1, 3, 2), (5, 1, 2), (5, 3, 1), (1, 1, 1)):
        X, W, b = normal((m, n), (n, k), (k,))
        yield Case("matmul_backward", lambda back, g, A, B: back(g, A, B), np.matmul, (X, W))
        yield Case("dense_backward", lambda back, g, X, W, b: back(g, X, W), nnlib.dense, (X, W, b))
    for name in sorted(set(ELEMENTWISE) - {"step"}):
        for n in (3, 1):
            yield Case("neuron_backward", lambda back, g, x, w, b, name=name: back(g, x, w, b, name),
                       lambda x, w, b, name=name: nnlib.neuron(x, w, b, name),
                       normal((n,), (n,), (), seed=n), name)


def _conv_cases():
    for m, c, k, image, kernel, padding in (
            (2, 3, 2, (5, 4), (2, 3), 0), (2, 2, 3, (3, 4), (3, 2), 1), (1, 1, 1, (2, 3), (1, 1), 0),
            (1, 2, 2, (3, 2), (3, 2), 0), (1, 1, 2, (2, 3), (2, 2), 2), (1, 2, 1, (2, 2), (3, 4), 3)):
        yield Case("conv2d_backward", lambda back, g, X, W, b, p=padding: back(g, X, W, p),
                   lambda X, W, b, p=padding: nnlib.conv2d(X, W, b, p),
                   normal((m, c, *image), (k, c, *kernel), (k,)), f"padding {padding}")


def _loss_cases():
    for reduction in ("mean", "sum"):
        for shape in ((5, 3), (1, 1), (1, 3), (5, 1), (4,), (5, 2)):
            Z, Y = normal(shape, shape)
            Z.flat[0] = 0.0
            zero_one = (Y > 0).astype(float)
            fraction = nnlib.sigmoid(Y)
            for name, target in (("squared_error", Y), ("squared_error", Z.copy()),
                                 ("sigmoid_cross_entropy", zero_one), ("sigmoid_cross_entropy", fraction)):
                yield _loss_case(name, Z, target, reduction)
        for m, K in ((5, 3), (1, 3), (5, 2), (1, 2)):
            Z, = normal((m, K))
            Z[0] = 0.0
            for target in (labels(m, K), soft(m, K), nnlib.one_hot(labels(m, K), K)):
                yield _loss_case("softmax_cross_entropy", Z, target, reduction)
                yield _loss_case("cross_entropy", soft(m, K), target, reduction)


def _loss_case(name, Z, Y, reduction):
    return Case(name + "_backward", lambda back, g, Z: g * back(Z, Y, reduction),
                lambda Z: getattr(nnlib, name)(Z, Y, reduction), (Z,), f"{reduction} {Y.dtype}")


CASES = {"activations": list(_activation_cases()), "linear": list(_linear_cases()),
         "conv": list(_conv_cases()), "losses": list(_loss_cases())}


def close(found, exact, scale=None):
    """Assert that each number found is the exact one but for a few roundings of its type.

    The error is measured by `scale`, the exact numbers themselves if it is None. Where 0 is found,
    the exact number is too small for a normal number of the type.
    """
    found = np.asarray(found)
    kind = np.finfo(found.dtype)
    rtol = {np.float32: 1e-6, np.float64: 1e-14}[found.dtype.type]
    exact = list(exact)
    assert found.size == len(exact)
    for x, e, s in zip(found.flat, exact, exact if scale is None else scale):
        error = abs(mpmath.mpf(float(x)) - e)
        allowed = rtol * abs(s) + 4 * mpmath.mpf(float(kind.smallest_subnormal))
        assert error <= allowed, f"{kind.dtype}: found {x}, exact {mpmath.nstr(e, 20)}, off by {mpmath.nstr(error, 3)}, allowed {mpmath.nstr(allowed, 3)}"
        assert x != 0 or abs(e) < float(kind.tiny), (x, e)


def exactly(array):
    """Return the entries of an array as mpmath numbers."""
    return [mpmath.mpf(float(x)) for x in np.asarray(array).flat]
