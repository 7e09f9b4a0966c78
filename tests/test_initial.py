import numpy as np
import pytest

import nnlib
from nnlib import initial_weights


@pytest.mark.parametrize("shape, n_in, n_out", [((400, 300), 400, 300), ((50, 30, 5, 4), 600, 1000)])
@pytest.mark.parametrize("name, variance", [("small", lambda n_in, n_out: 1e-4), ("he", lambda n_in, n_out: 2 / n_in),
                                            ("glorot", lambda n_in, n_out: 2 / (n_in + n_out))])
def test_mean_and_variance(name, variance, shape, n_in, n_out):
    W = getattr(nnlib, name)(np.random.default_rng(5), shape)
    deviation = variance(n_in, n_out) ** 0.5
    assert W.shape == shape
    assert abs(W.mean()) < 5 * deviation / W.size ** 0.5
    np.testing.assert_allclose(W.std(), deviation, rtol=5 / (2 * W.size) ** 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.float64])
@pytest.mark.parametrize("name", ["small", "he", "glorot"])
def test_by_name(name, dtype):
    W = initial_weights(name, np.random.default_rng(0), (1, 2), dtype)
    assert W.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(W, getattr(nnlib, name)(np.random.default_rng(0), (1, 2)).astype(dtype))


def test_equal_generators_give_equal_weights_and_others_do_not():
    first, again, other = (nnlib.he(np.random.default_rng(seed), (5, 3)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


@pytest.mark.parametrize("change, words", [
    ({"name": "zeros"}, "weights must be one of 'small', 'he', 'glorot'"), ({"rng": 0}, "rng must be a numpy.random.Generator"),
    ({"shape": (3,)}, "shape must have 2 lengths"), ({"shape": 3}, "shape must have 2 lengths"),
    ({"shape": (0, 2)}, "shape must be a whole number of at least 1"), ({"shape": (2.0, 2)}, "shape must be a whole"),
    ({"dtype": "int32"}, "dtype must be float32 or float64"), ({"dtype": None}, "dtype must be float32 or float64")])
def test_what_is_refused(change, words):
    good = {"name": "he", "rng": np.random.default_rng(0), "shape": (3, 2), "dtype": "float32"}
    with pytest.raises(ValueError, match=words):
        initial_weights(**(good | change))
