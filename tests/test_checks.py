"""What holds for every public function: what it refuses, the types it keeps, and that it changes nothing."""
import re
from decimal import Decimal

import numpy as np
import pytest
from cases import labels, normal, soft

import nnlib
from nnlib import checks

A, B = normal((5, 3), (5, 3))
X, W, b, G = normal((5, 3), (3, 2), (2,), (5, 2))
IMAGES, KERNELS, DY = normal((2, 3, 4, 5), (2, 3, 2, 3), (2, 2, 3, 3))
Y = labels(5, 3)
ELEMENTWISE = ("identity", "step", "sigmoid", "tanh", "relu", "softplus")
UPSTREAM = {name: {"dA": A, "Z": B} for name in (*ELEMENTWISE, "softmax")}

# name of the function: its arguments, by their names
CALLS = {
    **{name: {"Z": A} for name in (*ELEMENTWISE, "softmax", "log_sum_exp", "softmax_jacobian")},
    **{name + "_backward": arguments for name, arguments in UPSTREAM.items()},
    "log_sum_exp_backward": {"da": A[:, 0], "Z": A},
    "matmul_backward": {"dC": G, "A": X, "B": W},
    "dense": {"X": X, "W": W, "b": b},
    "dense_backward": {"dZ": G, "X": X, "W": W},
    "dense_loops": {"X": X, "W": W, "b": b},
    "augment": {"X": X},
    "neuron": {"x": X[0], "w": W[:, 0], "b": b[0], "activation": "tanh"},
    "neuron_backward": {"da": b[1], "x": X[0], "w": W[:, 0], "b": b[0], "activation": "tanh"},
    "conv2d": {"X": IMAGES, "W": KERNELS, "b": b},
    "conv2d_backward": {"dY": DY, "X": IMAGES, "W": KERNELS},
    "conv2d_loops": {"X": IMAGES, "W": KERNELS, "b": b},
    "one_hot": {"y": Y, "classes": 3},
    "squared_error": {"Yhat": A, "Y": B},
    "squared_error_backward": {"Yhat": A, "Y": B},
    "sigmoid_cross_entropy": {"Z": A, "Y": soft(5, 3)},
    "sigmoid_cross_entropy_backward": {"Z": A, "Y": soft(5, 3)},
    "cross_entropy": {"S": soft(5, 3), "Y": Y},
    "cross_entropy_backward": {"S": soft(5, 3), "Y": Y},
    "softmax_cross_entropy": {"Z": A, "Y": Y},
    "softmax_cross_entropy_backward": {"Z": A, "Y": Y},
    "accuracy": {"predicted": Y, "Y": Y[::-1].copy()},
    "confusion_matrix": {"predicted": Y, "Y": Y[::-1].copy(), "classes": 3},
    "calibration": {"S": soft(5, 3), "Y": Y},
    "dead_units": {"A": A},
    "relative_error": {"a": A, "b": B},
    "pixels": {"images": np.abs(IMAGES[0])},
    "Standardizer": {"X": X},
    "Dense": {"W": W, "b": b},
    "Conv2d": {"W": KERNELS, "b": b},
}
SOFT_LABELS = {name: arguments | {"Y": soft(5, 3)} for name, arguments in CALLS.items()
               if name.startswith(("cross_entropy", "softmax_cross"))}
# these take no arrays, or are held to their own refusals in the module of their name
ELSEWHERE = {"activation", "small", "he", "glorot", "initial_weights", "Flatten", "Activation", "Network", "dense_network",
             "regression_network", "binary_network", "class_network", "SGD", "falling", "minibatches", "History", "train",
             "DivergedError", "save", "load", "numerical_gradient", "gradient_check", "load_mnist", "shift_images", "xor", "rings",
             "threshold_at", "line_pieces", "line_ones", "fit_line", "threshold_network", "plane_regions", "plane_border"}
ARRAYS = [(name, key) for name, arguments in CALLS.items() for key, value in arguments.items()
          if isinstance(value, (np.ndarray, np.floating))]
FLOATS = [(name, key) for name, key in ARRAYS if CALLS[name][key].dtype.kind == "f"]
LABELS = [(name, key) for name, key in ARRAYS if CALLS[name][key].dtype.kind == "i"]


def call(name, **change):
    return getattr(nnlib, name)(**(CALLS[name] | change))


def results(name, arguments):
    """Return the arrays and numbers that a call returns, those that a layer or a standardizer holds."""
    found = getattr(nnlib, name)(**arguments)
    if name in ("Dense", "Conv2d"):
        return list(found.parameters.values())
    if name == "Standardizer":
        return [found.mean, found.deviation, found(arguments["X"])]
    return list(found) if isinstance(found, tuple) else [found]


def test_every_public_name_is_tested():
    assert set(CALLS) | ELSEWHERE == set(nnlib.__all__) and not set(CALLS) & ELSEWHERE


def poisoned(value, poison):
    value = np.array(value)
    value.flat[-1] = poison
    return value


@pytest.mark.parametrize("name, key", FLOATS)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_by_name(name, key, poison):
    bad = poisoned(CALLS[name][key], poison)
    with pytest.raises(ValueError, match=rf"^{key} must be finite, but {key}\[.*\] is -?(nan|inf)"):
        call(name, **{key: bad})


@pytest.mark.parametrize("name, key", ARRAYS)
@pytest.mark.parametrize("bad", ["text", [["a", "b"]], [{}, 1], [Decimal(1)], {"a": 1}, [[1.0], [1.0, 2.0]], [], np.zeros((0, 3)),
                                 np.array(["2020-01-01"], "datetime64[D]"), np.ones(3, "complex64"), [2 ** 70]], ids=str)
def test_what_is_no_array_of_numbers_is_refused_by_name(name, key, bad):
    with pytest.raises(ValueError, match=rf"^{key} (must|is empty)"):
        call(name, **{key: bad})


@pytest.mark.parametrize("name, key", [pair for pair in ARRAYS if pair[0] not in ELEMENTWISE])
def test_one_more_axis_is_refused_by_name(name, key):
    with pytest.raises(ValueError) as error:
        call(name, **{key: CALLS[name][key][None]})
    assert any(re.search(rf"\b{other}\b", str(error.value)) for other in CALLS[name]), error.value


# where another argument does not say how many axes there are
FIXED = [(name, key) for name, key in FLOATS if name.removesuffix("_backward") not in ELEMENTWISE
         and name not in ("relative_error", "dead_units", "pixels") and (key == "S" or "Y" not in CALLS[name] or "softmax" in name)]


@pytest.mark.parametrize("name, key", FIXED)
def test_a_wrong_number_of_axes_is_refused_in_words(name, key):
    with pytest.raises(ValueError, match=rf"^{key} must have \d ax[ei]s, but has shape \(1,"):
        call(name, **{key: CALLS[name][key][None]})


# lengths that nothing else decides: the classes of labels, and the channels of a layer
FREE = {("log_sum_exp_backward", "Z"), ("cross_entropy", "S"), ("cross_entropy_backward", "S"), ("softmax_cross_entropy", "Z"),
        ("softmax_cross_entropy_backward", "Z"), ("Conv2d", "W"), ("calibration", "S")}
LINKED = [(name, key) for name, key in ARRAYS if (name, key) not in FREE and np.ndim(CALLS[name][key]) > 0
          and sum(other == name for other, _ in ARRAYS) > 1]


@pytest.mark.parametrize("name, key", LINKED)
def test_lengths_that_do_not_fit_are_refused_by_name(name, key):
    x = CALLS[name][key]
    with pytest.raises(ValueError) as error:
        call(name, **{key: np.insert(x, 0, 0, axis=min(1, x.ndim - 1))})
    assert any(re.search(rf"\b{other}\b", str(error.value)) for other in CALLS[name]), error.value


@pytest.mark.parametrize("name, key", LABELS)
@pytest.mark.parametrize("bad", [[0, 1, 2, 0, -1], [0.0, 1.0, 2.0, 0.0, 1.0], [True, False] * 2 + [True], 1, [np.nan] * 5])
def test_what_is_no_label_is_refused_by_name(name, key, bad):
    with pytest.raises(ValueError, match=rf"^{key} must"):
        call(name, **{key: bad})


@pytest.mark.parametrize("name, key", [pair for pair in LABELS if pair[0] != "accuracy"])  # it knows of no classes
@pytest.mark.parametrize("label", [3, 2 ** 40])
def test_labels_out_of_range_are_refused_by_name(name, key, label):
    with pytest.raises(ValueError, match=rf"^{key} must lie in 0 … 2, but holds the label {label}"):
        call(name, **{key: poisoned(CALLS[name][key], label)})


@pytest.mark.parametrize("name, key", [("one_hot", "classes"), ("confusion_matrix", "classes"), ("calibration", "bins")])
@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", None, True])
def test_counts_are_whole_numbers(name, key, bad):
    with pytest.raises(ValueError, match=rf"^{key} must be a whole number of at least 1"):
        call(name, **{key: bad})


VARIANTS = [(name, CALLS[name]) for name in CALLS] + list(SOFT_LABELS.items())
IDS = [*CALLS, *(name + " soft" for name in SOFT_LABELS)]


def converted(arguments, convert):
    return {key: convert(value) if isinstance(value, (np.ndarray, np.floating)) else value for key, value in arguments.items()}


def equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)
        assert np.asarray(one).dtype == np.asarray(other).dtype and np.asarray(one).dtype.isnative


@pytest.mark.parametrize("name, arguments", VARIANTS, ids=IDS)
def test_arguments_are_never_changed(name, arguments):
    before = converted(arguments, np.copy)
    locked = converted(arguments, np.array)
    for value in locked.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    found = results(name, locked)
    for key, value in before.items():
        np.testing.assert_array_equal(locked[key], value)
    for one in found:  # nor is a result a view of an argument, which a later change would reach
        assert not any(np.shares_memory(one, value) for value in locked.values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize("name, arguments", VARIANTS, ids=IDS)
@pytest.mark.parametrize("convert", [
    lambda x: np.asarray(x).astype(np.asarray(x).dtype.newbyteorder()), lambda x: np.asfortranarray(x) if np.ndim(x) else x,
    lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if np.ndim(x) else x, lambda x: np.flip(np.flip(x).copy()), lambda x: x.tolist()],
    ids=["byte-swapped", "columns first", "strided", "negative strides", "list"])
def test_the_layout_in_memory_does_not_matter(name, arguments, convert):
    equal(results(name, converted(arguments, convert)), results(name, arguments))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, arguments", VARIANTS, ids=IDS)
def test_results_keep_the_type(name, arguments, dtype):
    fitted = converted(arguments, lambda x: x.astype(dtype) if x.dtype.kind == "f" else x)
    # one_hot knows labels only, calibration's means are float64, pixels are always float32
    expected = {"one_hot": np.float64, "calibration": np.float64, "pixels": np.float32}.get(name, dtype)
    for one in results(name, fitted):
        if isinstance(one, (np.ndarray, np.generic)) and one.dtype.kind == "f":
            assert one.dtype == expected


@pytest.mark.parametrize("name", [name for name in CALLS if "S" not in CALLS[name]])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16])
def test_integers_become_float64_and_half_precision_float32(name, dtype):
    whole = converted(CALLS[name], lambda x: (x > 0).astype(dtype) if x.dtype.kind == "f" else x)
    kind = np.float32 if dtype == np.float16 else np.float64
    wide = converted(CALLS[name], lambda x: (x > 0).astype(kind) if x.dtype.kind == "f" else x)
    equal(results(name, whole), results(name, wide))


@pytest.mark.parametrize("call, words", [
    (lambda: checks.numbers("V", [1.0, 2.0], ndim=2), r"V must have 2 axes, but has shape \(2,\)"),
    (lambda: checks.numbers("V", [[1.0, 2.0]], shape=(None, 3)), r"V must have shape \(any, 3\), but has shape \(1, 2\)"),
    (lambda: checks.numbers("V", np.ones((3, 0))), r"V is empty: its shape is \(3, 0\)"),
    (lambda: checks.numbers("V", [[1.0, 2.0], [3.0, np.nan]]), r"V must be finite, but V\[1, 1\] is nan"),
    (lambda: checks.choice("V", "c", ("a", "b")), "V must be one of 'a', 'b', but is 'c'"),
    (lambda: checks.real("V", np.nan), "V must be a number in"), (lambda: checks.real("V", True), "V must be a number in"),
    (lambda: checks.distributions("V", [[0.5, 0.6]], (1, 2)), "each row of V must sum to 1, but row 0 sums to 1.1")])
def test_messages_say_what_came_and_what_was_expected(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_trusted_skips_values_and_not_shapes():
    with checks.trusted():
        assert np.isnan(checks.numbers("V", [np.nan])).all()
        with pytest.raises(ValueError, match="V must have 2 axes"):
            checks.numbers("V", [np.nan], ndim=2)
    with pytest.raises(ValueError, match="V must be finite"):
        checks.numbers("V", [np.nan])


def test_trust_ends_with_an_error():
    with pytest.raises(KeyError), checks.trusted():
        raise KeyError
    with pytest.raises(ValueError, match="V must be finite"):
        checks.numbers("V", [np.nan])
