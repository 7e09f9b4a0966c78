"""Every public function against a table of wrong things: right or a clear error, and no input is changed.

`TABLE` holds a good call of each public function and method. The wrong things below are put in the place
of each of its arguments, one at a time. A clear error comes from nnlib and names an argument. A result
must be that of an oracle: the same call on a plain copy in float64, or, for numbers at the ends of the
range of floats, the formula in mpmath.
"""
import inspect
import re
import traceback
from decimal import Decimal
from pathlib import Path

import mpmath
import numpy as np
import pytest
from cases import ELEMENTWISE, labels, normal, soft

import nnlib
from nnlib import SGD, Activation, Conv2d, Dense, Flatten, Network, Standardizer, dense_network

A, B = normal((5, 3), (5, 3))
X, W, b, G = normal((5, 3), (3, 2), (2,), (5, 2))
IMAGES, KERNELS, DY = normal((2, 3, 4, 5), (2, 3, 2, 3), (2, 2, 3, 3))
Y, S = labels(5, 3), soft(5, 3)
PLANE = {"W1": [[1, 0], [0, 1]], "b1": [0, 0], "W2": [1, 1], "b2": -2.0}
LINE = {"W1": [[1, 1]], "b1": [-1, -3], "W2": [-1, 2], "b2": 0.5}
PARAMETERS = {"W1": normal((3, 4))[0], "b1": np.zeros(4), "W2": normal((4, 2))[0], "b2": np.ones(2)}


def rng():
    return np.random.default_rng(0)


def network(output="softmax"):
    return dense_network([3, 4, 2], rng(), "tanh", output, dtype="float64")


def deep():
    return Network([Conv2d(KERNELS, b), Activation("relu"), Flatten(), Dense(normal((18, 2))[0])], "softmax")


class Exact(list):
    """Numbers that a function reads as fractions: words and decimals among them are right."""


def exact(**arguments):
    return {key: Exact(value) if isinstance(value, list) else value for key, value in arguments.items()}


def trained(network, X, Y, **arguments):
    history = nnlib.train(network, X, Y, **arguments, progress=False)
    return [*history.loss, *network.parameters.values()]


def stepped(parameters, gradients, done=0.5):
    parameters = {name: array.copy() if isinstance(array, np.ndarray) else array for name, array in parameters.items()} \
        if isinstance(parameters, dict) else parameters
    SGD(0.1, 0.5, 0.25).step(parameters, gradients, done)
    return list(parameters.values())


def with_parameters(parameters):
    net = network()
    net.parameters = parameters
    return list(net.parameters.values())


def backward(dOut, stages):
    dstages, gradients = network().backward(dOut, stages)
    return [*dstages, *gradients.values()]


def saved(network, path):
    nnlib.save(network, path)
    found = nnlib.load(path)
    Path(path).unlink()
    return list(found.parameters.values())


STAGES = network().forward(X)
OF_NETWORK = {"X": X, "Y": labels(5, 2)}
# name of a public function or method: (what is called, its good arguments)
TABLE = {
    **{name: (getattr(nnlib, name), {"Z": A}) for name in (*ELEMENTWISE, "softmax", "log_sum_exp", "softmax_jacobian")},
    **{name + "_backward": (getattr(nnlib, name + "_backward"), {"dA": A, "Z": B}) for name in (*ELEMENTWISE, "softmax")},
    "log_sum_exp_backward": (nnlib.log_sum_exp_backward, {"da": A[:, 0], "Z": A}),
    "activation": (lambda activation: nnlib.activation(activation)[0](A), {"activation": "relu"}),
    "matmul_backward": (nnlib.matmul_backward, {"dC": G, "A": X, "B": W}),
    "dense": (nnlib.dense, {"X": X, "W": W, "b": b}),
    "dense_backward": (nnlib.dense_backward, {"dZ": G, "X": X, "W": W}),
    "dense_loops": (nnlib.dense_loops, {"X": X, "W": W, "b": b}),
    "augment": (nnlib.augment, {"X": X}),
    "neuron": (nnlib.neuron, {"x": X[0], "w": W[:, 0], "b": b[0], "activation": "tanh"}),
    "neuron_backward": (nnlib.neuron_backward, {"da": b[1], "x": X[0], "w": W[:, 0], "b": b[0], "activation": "tanh"}),
    "conv2d": (nnlib.conv2d, {"X": IMAGES, "W": KERNELS, "b": b, "padding": 1}),
    "conv2d_backward": (nnlib.conv2d_backward, {"dY": DY, "X": IMAGES, "W": KERNELS, "padding": 0}),
    "conv2d_loops": (nnlib.conv2d_loops, {"X": IMAGES, "W": KERNELS, "b": b, "padding": 1}),
    "one_hot": (nnlib.one_hot, {"y": Y, "classes": 3}),
    **{name + back: (getattr(nnlib, name + back), {"Yhat": A, "Y": B, "reduction": "sum"})
       for name in ("squared_error",) for back in ("", "_backward")},
    **{name + back: (getattr(nnlib, name + back), {"Z": A, "Y": target, "reduction": "mean"})
       for name, target in (("sigmoid_cross_entropy", S), ("softmax_cross_entropy", Y)) for back in ("", "_backward")},
    **{name: (getattr(nnlib, name), {"S": S, "Y": Y, "reduction": "mean", "epsilon": 0.01})
       for name in ("cross_entropy", "cross_entropy_backward")},
    **{f"{name}{back}, soft labels": (getattr(nnlib, name + back), {key: value, "Y": S[::-1].copy(), "reduction": "mean"})
       for name, key, value in (("cross_entropy", "S", S), ("softmax_cross_entropy", "Z", A)) for back in ("", "_backward")},
    **{name: (getattr(nnlib, name), {"rng": rng(), "shape": (3, 2)}) for name in ("small", "he", "glorot")},
    "initial_weights": (lambda weights, **of: nnlib.initial_weights(weights, **of), {"weights": "he", "rng": rng(), "shape": (3, 2), "dtype": "float32"}),
    "Dense": (lambda W, b: list(Dense(W, b).parameters.values()), {"W": W, "b": b}),
    "Dense.random": (lambda **of: list(Dense.random(**of).parameters.values()),
                     {"n_in": 3, "n_out": 2, "rng": rng(), "weights": "he", "dtype": "float32"}),
    "Dense.forward": (lambda A: Dense(W, b).forward(A), {"A": X}),
    "Dense.backward": (lambda dZ, A: Dense(W, b).backward(dZ, A)[0], {"dZ": G, "A": X}),
    "Conv2d": (lambda W, b, padding: list(Conv2d(W, b, padding).parameters.values()), {"W": KERNELS, "b": b, "padding": 1}),
    "Conv2d.random": (lambda **of: list(Conv2d.random(**of).parameters.values()),
                      {"n_in": 3, "n_out": 2, "size": 2, "rng": rng(), "padding": 1, "weights": "he", "dtype": "float32"}),
    "Conv2d.forward": (lambda A: Conv2d(KERNELS, b).forward(A), {"A": IMAGES}),
    "Conv2d.backward": (lambda dZ, A: Conv2d(KERNELS, b).backward(dZ, A)[0], {"dZ": DY, "A": IMAGES}),
    "Flatten.forward": (lambda A: Flatten().forward(A), {"A": IMAGES}),
    "Flatten.backward": (lambda dOut, A: Flatten().backward(dOut, A)[0], {"dOut": IMAGES.reshape(2, -1), "A": IMAGES}),
    "Activation": (lambda activation: Activation(activation).forward(A), {"activation": "tanh"}),
    "Activation.forward": (lambda Z: Activation("tanh").forward(Z), {"Z": A}),
    "Activation.backward": (lambda dA, Z: Activation("tanh").backward(dA, Z)[0], {"dA": A, "Z": B}),
    "Network": (lambda layers, output: Network(layers, output).logits(X), {"layers": [Dense(W, b)], "output": "softmax"}),
    "Network.parameters": (with_parameters, {"parameters": PARAMETERS}),
    "Network.forward": (lambda X: network().forward(X), {"X": X}),
    "Network.backward": (backward, {"dOut": G, "stages": STAGES}),
    "Network.logits": (lambda X: network().logits(X), {"X": X}),
    "Network.predict_proba": (lambda X: network().predict_proba(X), {"X": X}),
    "Network.predict": (lambda X: network().predict(X), {"X": X}),
    "Network.loss": (lambda X, Y, reduction: network().loss(X, Y, reduction), OF_NETWORK | {"reduction": "mean"}),
    "Network.loss_of_logits": (lambda Z, Y, reduction: network().loss_of_logits(Z, Y, reduction),
                               {"Z": G, "Y": labels(5, 2), "reduction": "sum"}),
    "Network.gradients": (lambda X, Y, reduction: list(network().gradients(X, Y, reduction)[1].values()),
                          OF_NETWORK | {"reduction": "mean"}),
    "Network.shapes": (lambda X: network().shapes(X)[0][1], {"X": X}),
    "dense_network": (lambda **of: list(dense_network(**of).parameters.values()),
                      {"widths": [3, 4, 2], "rng": rng(), "activation": "relu", "output": "softmax", "weights": "he", "dtype": "float32"}),
    "regression_network": (lambda **of: list(nnlib.regression_network(**of).parameters.values()),
                           {"n_in": 3, "n_hidden": 4, "n_out": 2, "rng": rng(), "activation": "tanh"}),
    "binary_network": (lambda **of: list(nnlib.binary_network(**of).parameters.values()),
                       {"n_in": 3, "n_hidden": 4, "rng": rng(), "activation": "tanh"}),
    "class_network": (lambda **of: list(nnlib.class_network(**of).parameters.values()),
                      {"n_in": 3, "n_hidden": 4, "classes": 2, "rng": rng(), "activation": "tanh"}),
    "SGD": (lambda learning_rate, momentum, weight_decay: SGD(learning_rate, momentum, weight_decay).rate(0.5),
            {"learning_rate": 0.1, "momentum": 0.5, "weight_decay": 0.25}),
    "SGD.rate": (lambda learning_rate: SGD(learning_rate).rate(0.5), {"learning_rate": lambda done: 0.1}),
    "SGD.step": (stepped, {"parameters": PARAMETERS, "gradients": PARAMETERS, "done": 0.5}),
    "falling": (lambda start, end, done: nnlib.falling(start, end)(done), {"start": 0.5, "end": 0.1, "done": 0.5}),
    "minibatches": (lambda **of: list(nnlib.minibatches(**of)), {"m": 5, "batch_size": 5, "rng": rng()}),
    "train": (trained, {"network": network(), "X": X, "epochs": 2, "batch_size": 2, "Y": labels(5, 2), "rng": rng(), "validation": (X, labels(5, 2)), "patience": 1,
                        "optimizer": SGD(0.1), "change": lambda X, rng: 2 * X}),
    "accuracy": (nnlib.accuracy, {"predicted": Y, "Y": Y[::-1].copy()}),
    "confusion_matrix": (nnlib.confusion_matrix, {"predicted": Y, "Y": Y[::-1].copy(), "classes": 3}),
    "calibration": (nnlib.calibration, {"S": S, "Y": Y, "bins": 2}),
    "dead_units": (nnlib.dead_units, {"A": A}),
    "save": (saved, {"network": network(), "path": Path("net.npz")}),
    "load": (lambda path: list(nnlib.load(path).parameters.values()), {"path": Path("good.npz")}),
    "numerical_gradient": (nnlib.numerical_gradient, {"f": lambda X: (X * X).sum(), "X": X, "method": "complex"}),
    "relative_error": (nnlib.relative_error, {"a": A, "b": B}),
    "gradient_check": (lambda **of: max(nnlib.gradient_check(**of).values()) < 1e-10,
                       {"network": network(), "X": X, "Y": labels(5, 2), "method": "complex"}),
    "threshold_at": (nnlib.threshold_at, exact(x=[2.0], **LINE)),
    "line_pieces": (nnlib.line_pieces, exact(**LINE)),
    "line_ones": (nnlib.line_ones, exact(**LINE)),
    "fit_line": (nnlib.fit_line, exact(x=[0, 1, 3, 5], y=[0, 0, 1, 0])),
    "threshold_network": (lambda **of: nnlib.threshold_network(**of).predict([[0.0], [2.0]]), exact(**LINE)),
    "plane_regions": (nnlib.plane_regions, exact(**PLANE, box=[-3, 3, -3, 3])),
    "plane_border": (nnlib.plane_border, exact(**PLANE, box=[-3, 3, -3, 3])),
    "load_mnist": (lambda path: nnlib.load_mnist(path)[1], {"path": Path(nnlib.__file__).with_name("data") / "mnist.npz"}),
    "pixels": (nnlib.pixels, {"images": np.abs(IMAGES[0])}),
    "shift_images": (nnlib.shift_images, {"X": normal((5, 9))[0], "rng": rng(), "side": 3}),
    "Standardizer": (lambda X: [Standardizer(X).mean, Standardizer(X).deviation], {"X": X}),
    "Standardizer.__call__": (lambda X: Standardizer(A)(X), {"X": X}),
    "xor": (nnlib.xor, {"m": 5, "rng": rng(), "noise": 0.25}),
    "rings": (nnlib.rings, {"m": 5, "rng": rng(), "noise": 0.25}),
}
# they take no data; `step_in_place` says of itself that it checks nothing; a history and an error are made by `train`
WITHOUT_DATA = {"Flatten", "SGD.restart", "SGD.step_in_place", "History", "DivergedError"}
ANY_SHAPE = {*((name, "Z") for name in (*ELEMENTWISE, "Activation.forward")), ("numerical_gradient", "X")}
ANY_WIDTH = {("log_sum_exp", "Z"), ("softmax_cross_entropy", "Z"), ("cross_entropy", "S"), ("Network.loss_of_logits", "Z"),
             ("calibration", "S"), ("Conv2d", "W")}
EXACT_NUMBER = {("threshold_at", "x"), *((name, "b2") for name, (_, arguments) in TABLE.items() if isinstance(arguments.get("b2"), float))}
with np.errstate(over="ignore"):  # infinity where the longest float is a double, on Windows and on Apple's processors
    BEYOND_FLOAT = np.ldexp(np.longdouble(1), 13000)
# what is no value for any argument, but where FINE says so; the name of each is that of its test
ANYTHING = {
    "None": None, "text": "text", "bytes": b"\0", "object": object(), "type": float, "function": lambda: None, "dict": {"a": 1}, "set": {1},
    "iterator": iter([1.0]), "objects": [{}, 1], "ragged": [[1.0], [1.0, 2.0]], "nothing": [], "no samples": np.zeros((0, 3)),
    "decimals": [Decimal(1)], "date": np.array(["2020-01-01"], "datetime64[D]"), "structured": np.zeros(3, [("a", float)]),
    "words": [["a", "b"]], "complex64": np.ones(3, "complex64"), "beyond int64": [2 ** 70], "beyond float": np.array([BEYOND_FLOAT]),
    "masked": np.ma.array(np.ones((5, 3)), mask=np.eye(5, 3)), "nan": np.nan, "infinity": -np.inf, "true": True, "twelve axes": np.ones((1,) * 12)}
FINE = {
    "None": {("dense", "b"), ("Dense", "b"), ("Conv2d", "b"), ("conv2d", "b"), ("train", "patience"), ("train", "change"),
             ("load_mnist", "path")},
    "text": {("save", "path")},
    "true": {*ANY_SHAPE, *EXACT_NUMBER, ("neuron", "b"), ("neuron_backward", "b"), ("neuron_backward", "da")},
    "twelve axes": {*ANY_SHAPE, ("Flatten.forward", "A")},
    "decimals": EXACT_NUMBER, "beyond int64": EXACT_NUMBER,
}
FUNCTIONS = {("SGD", "learning_rate"), ("SGD.rate", "learning_rate"), ("train", "change"), ("numerical_gradient", "f")}
EVERY = [(name, key) for name, (_, arguments) in TABLE.items() for key in arguments]
ARRAYS = [(name, key) for name, key in EVERY if isinstance(TABLE[name][1][key], (np.ndarray, np.floating))]
FLOATS = [(name, key) for name, key in ARRAYS if TABLE[name][1][key].dtype.kind == "f"]
LABELS = [(name, key) for name, key in ARRAYS if TABLE[name][1][key].dtype.kind == "i"]
EXACT = [(name, key) for name, key in EVERY if isinstance(TABLE[name][1][key], Exact)]
WHOLE = [(name, key) for name, key in EVERY if type(TABLE[name][1][key]) is int]
REAL = [(name, key) for name, key in EVERY if type(TABLE[name][1][key]) is float and key != "b2"]
CHOICES = [(name, key) for name, key in EVERY if type(TABLE[name][1][key]) is str]
# complex numbers pass through what the complex step needs; these have no meaning with them
REAL_ONLY = {"Network.predict", "train", "accuracy", "calibration", "numerical_gradient", "gradient_check", "pixels", "Standardizer",
             "confusion_matrix", "SGD.step"}


# other names under which an argument is spoken of: that of the function to which a layer hands it on, say
# or that of the weights of a layer, to which it must fit
ALSO = {"Dense.forward": {"X"}, "Dense.backward": {"X", "W"}, "Conv2d.forward": {"X"}, "Conv2d.backward": {"X", "W", "dY"},
        **{name: {"W"} for name in ("Network.loss", "Network.gradients", "train", "gradient_check")}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    nnlib.save(network(), folder / "good.npz")
    return folder


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


def call(name, **change):
    function, arguments = TABLE[name]
    afresh = {"rng": rng, "network": network}  # what a call changes
    return function(**arguments | {key: make() for key, make in afresh.items() if key in arguments} | change)


def results(found):
    return list(found) if isinstance(found, (tuple, list)) else [found]


def equal(found, expected):
    found, expected = results(found), results(expected)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        if isinstance(other, (np.ndarray, np.generic, float)):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)
            assert np.asarray(one).dtype == np.asarray(other).dtype and np.asarray(one).dtype.isnative
        else:
            assert one == other


def refused(name, key, bad):
    """Return what is to complain of where nnlib does not refuse `bad` as the argument `key`, by name, and leave it as it was."""
    before = fingerprint(bad)
    try:
        call(name, **{key: bad})
    except Exception as error:
        if key == "path" and isinstance(error, (OSError, TypeError)):
            return ""  # the words of the operating system and of pathlib are clear
        if not isinstance(error, (ValueError, OverflowError)) or "nnlib" not in traceback.extract_tb(error.__traceback__)[-1].filename:
            return f"{type(error).__name__}: {error}"
        if not any(re.search(rf"\b{word}(\d|\b)", str(error)) for word in {*TABLE[name][1], *ALSO.get(name, ())}):
            return f"names no argument: {error}"
        return "" if fingerprint(bad) == before else "it was changed"
    return "it was not refused"


def fingerprint(value):
    if isinstance(value, dict):
        return {key: fingerprint(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [fingerprint(part) for part in value]
    return (value.tobytes(), value.shape, value.dtype.str) if isinstance(value, np.ndarray) and value.dtype != object else repr(value)


def poisoned(value, poison):
    value = np.array(value)
    value.flat[-1] = poison
    return value


def methods(name):
    """Return the public methods of a class, with those that it has from a class of its own module; else the name."""
    kind = getattr(nnlib, name)
    if not isinstance(kind, type):
        return {name}
    own = {key for cls in kind.__mro__ if cls.__module__.startswith("nnlib") for key, value in vars(cls).items()
           if inspect.isfunction(value) or isinstance(value, classmethod)}
    return {f"{name}.{key}" for key in own if not key.startswith("_") or key == "__call__"} | {name}


def test_every_public_function_is_in_the_table():
    public = set().union(*(methods(name) for name in nnlib.__all__))
    assert {name.split(",")[0] for name in TABLE if name != "Network.parameters"} == public - WITHOUT_DATA and WITHOUT_DATA <= public


@pytest.mark.parametrize("name", TABLE)
def test_the_good_call_is_good_and_changes_nothing(name):
    arguments = {key: np.array(value) if isinstance(value, np.ndarray) else value for key, value in TABLE[name][1].items()}
    for value in arguments.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    before = fingerprint(arguments)
    found = call(name, **{key: value for key, value in arguments.items() if key not in ("rng", "network")})
    equal(found, call(name))
    assert fingerprint(arguments) == before
    for one in results(found):  # nor is a result a view of an argument, which a later change would reach
        assert not any(np.shares_memory(one, value) for value in arguments.values() if isinstance(value, np.ndarray)) \
            or name in ("Flatten.forward", "Flatten.backward", "Network.forward", "Network.backward")


def none_is_wrong(complaints):
    complaints = {kind: text for kind, text in complaints.items() if text}
    assert not complaints, "\n".join(f"{kind}: {text}" for kind, text in complaints.items())


@pytest.mark.parametrize("name, key", EVERY)
def test_what_is_no_value_is_refused_by_name(name, key):
    fine = {kind for kind in ANYTHING if (name, key) in FINE.get(kind, ())}
    theirs = {"type", "function"} if (name, key) in FUNCTIONS else set()  # what it returns is looked at, when it is called
    none_is_wrong({kind: refused(name, key, bad) for kind, bad in ANYTHING.items() if kind not in fine | theirs})
    for kind in fine:
        call(name, **{key: ANYTHING[kind]})


@pytest.mark.parametrize("name, key", FLOATS)
def test_nan_and_infinity_are_refused(name, key):
    none_is_wrong({poison: refused(name, key, poisoned(TABLE[name][1][key], poison)) for poison in (np.nan, np.inf, -np.inf)})


@pytest.mark.parametrize("name, key", LABELS)
def test_what_is_no_label_is_refused(name, key):
    good = TABLE[name][1][key]
    wrong = {"-1": poisoned(good, -1), "fractions": good + 0.5, "floats": good.astype(float), "truth values": good > 0}
    if name != "accuracy":  # it knows of no classes
        wrong |= {label: poisoned(good, label) for label in (3, 2 ** 40, 127)}
    none_is_wrong({kind: refused(name, key, bad) for kind, bad in wrong.items()})


@pytest.mark.parametrize("name, key", [pair for pair in ARRAYS if pair not in ANY_SHAPE | {("Flatten.forward", "A")}])
def test_wrong_rank_and_length_are_refused(name, key):
    good, alone = TABLE[name][1][key], sum(name == other for other, _ in ARRAYS) == 1
    wrong = {"one more axis": good[None]}
    if good.ndim:
        wrong |= {"no samples": good[:0], "one axis less": good[0]}
    if good.ndim and not alone and (name, key) not in {("Dense", "W"), *((name, "X") for name in ("dense", "dense_loops", "conv2d", "conv2d_loops"))}:
        wrong["one more"] = np.concatenate([good, good[:1]])
    if good.ndim > 1 and not alone and (name.removesuffix("_backward"), key) not in ANY_WIDTH:
        wrong["one more column"] = np.insert(good, 0, 0, axis=1)
    none_is_wrong({kind: refused(name, key, bad) for kind, bad in wrong.items()})


# where another argument does not say how many axes there are
FIXED = [(name, key) for name, key in FLOATS if not {(name, key), (name.removesuffix("_backward"), "Z")} & ANY_SHAPE
         and name not in ("relative_error", "dead_units", "pixels") and "." not in name and name not in ("train", "gradient_check")
         and (key == "S" or "Y" not in TABLE[name][1] or "softmax" in name) and "soft labels" not in name]


@pytest.mark.parametrize("name, key", FIXED)
def test_a_wrong_number_of_axes_is_refused_in_words(name, key):
    with pytest.raises(ValueError, match=rf"^{key} must have \d ax[ei]s, but has shape \(1,"):
        call(name, **{key: TABLE[name][1][key][None]})


@pytest.mark.parametrize("name, key", WHOLE)
def test_counts_are_whole_numbers(name, key):
    least = 0 if key == "padding" else 1
    none_is_wrong({repr(bad): refused(name, key, bad) for bad in (least - 1, 2.0, np.float64(2), "3", [3], np.array([3]), 1 + 0j, Decimal(2))})


@pytest.mark.parametrize("name, key", REAL)
def test_rates_are_numbers(name, key):
    none_is_wrong({repr(bad): refused(name, key, bad) for bad in (-0.1, -5e-324, np.inf, 10 ** 400, "0.1", [0.1], 0.1j, Decimal("0.1"))})


@pytest.mark.parametrize("name, key", EXACT)
def test_exact_numbers_are_rational(name, key):
    def with_entry(bad):
        entries = [list(row) if isinstance(row, list) else row for row in TABLE[name][1][key]]
        first = entries[0] if isinstance(entries[0], list) else entries
        first[0] = bad
        return entries
    none_is_wrong({repr(bad): refused(name, key, with_entry(bad)) for bad in (
        np.nan, np.inf, "half", "1/0", "1e999999999", Decimal("-1e-999999999"), Decimal("nan"), 1j, None, [1], np.longdouble("1.5"))})


@pytest.mark.parametrize("name", sorted(REAL_ONLY))
def test_complex_numbers_are_refused_where_they_have_no_meaning(name):
    for key in [key for other, key in FLOATS if other == name] + ["parameters"] * (name == "SGD.step"):
        good = TABLE[name][1][key]
        bad = {**good, "W1": good["W1"] + 1j} if isinstance(good, dict) else good + 0.5j
        none_is_wrong({key: refused(name, key, bad)})


LAYOUTS = {
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()), "columns first": lambda x: np.asfortranarray(x) if x.ndim else x,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x, "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "list": lambda x: x.tolist(), "subclass": lambda x: np.ma.array(x), "unaligned": lambda x: unaligned(x)}


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    moved = memory.view(x.dtype).reshape(x.shape)
    moved[...] = x
    return moved


def converted(name, convert):
    return {key: convert(np.asarray(value)) for key, value in TABLE[name][1].items() if (name, key) in ARRAYS}


@pytest.mark.parametrize("name", dict(ARRAYS))
def test_the_layout_in_memory_does_not_matter(name):
    for convert in LAYOUTS.values():
        equal(call(name, **converted(name, convert)), call(name))


# calibration's means are float64, pixels are float32; the others hold float64 numbers of their own
OWN_TYPE = ("calibration", "pixels", "numerical_gradient", "gradient_check", "train", "Network", "Dense.", "Conv2d.", "Standardizer._")


@pytest.mark.parametrize("name", [name for name in dict(FLOATS) if not name.startswith(OWN_TYPE)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_keep_the_type(name, dtype):
    found = call(name, **converted(name, lambda x: x.astype(dtype) if x.dtype.kind == "f" else x))
    assert {one.dtype for one in results(found) if isinstance(one, (np.ndarray, np.generic)) and one.dtype.kind == "f"} <= {np.dtype(dtype)}


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64", "uint64", "bool", "float16"])
@pytest.mark.parametrize("name", [name for name in dict(FLOATS) if "S" not in TABLE[name][1] and "soft" not in name])
def test_small_types_do_not_overflow(name, kind):
    largest = {"int8": 127, "uint8": 255, "int64": 2 ** 40, "uint64": 2 ** 40, "bool": 1, "float16": 60000}[kind]
    if "images" in TABLE[name][1] or name.split(",")[0] in ("train", "gradient_check", "sigmoid_cross_entropy", "sigmoid_cross_entropy_backward"):
        largest = 1  # what has a range, and what would diverge
    def small(x):
        return (np.where(x > 0, largest, -largest if kind in ("int8", "int64", "float16") and largest > 1 else 0)).astype(kind)
    def wide(x):
        return small(x).astype("float32" if kind == "float16" else "float64")
    few = {key: small(value) for key, value in TABLE[name][1].items() if (name, key) in FLOATS}
    equal(call(name, **few), call(name, **{key: wide(value) for key, value in TABLE[name][1].items() if (name, key) in FLOATS}))


@pytest.mark.parametrize("kind", ["int8", "uint8", ">i2", "uint64", ">u8"])
@pytest.mark.parametrize("name", dict(LABELS))
def test_labels_may_be_of_any_whole_type(name, kind):
    equal(call(name, **{key: TABLE[name][1][key].astype(kind) for other, key in LABELS if other == name}), call(name))


# --- the ends of the range of floats: the formulas once more, in numbers without ends ---

mp = mpmath.mp.clone()
# a third, for mpmath takes a power of e where z is whole, as huge numbers are
exp, log, tanh = (np.frompyfunc(f, 1, 1) for f in (lambda z: mp.exp(z / 3) ** 3, mp.log, mp.tanh))


def sigma(z):
    return 1 / (1 + exp(-z))


def probabilities(Z):
    E = exp(Z - Z.max(axis=1)[:, None])
    return E / E.sum(axis=1)[:, None]


def one_hot(y):
    return (y[:, None] == np.arange(3)).astype(int)


def correlated(X, W, b, padding):
    X = np.pad(X, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=mp.mpf(0))
    out = np.empty((len(X), len(W), X.shape[2] - W.shape[2] + 1, X.shape[3] - W.shape[3] + 1), object)
    for i, o, r, s in np.ndindex(out.shape):
        out[i, o, r, s] = (X[i, :, r:r + W.shape[2], s:s + W.shape[3]] * W[o]).sum() + b[o]
    return out


def correlated_backward(dY, X, W, padding):
    m, c, h, w = X.shape
    dX, dW = np.full((m, c, h + 2 * padding, w + 2 * padding), mp.mpf(0)), np.full(W.shape, mp.mpf(0))
    X = np.pad(X, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=mp.mpf(0))
    for i, o, r, s in np.ndindex(dY.shape):
        window = np.s_[i, :, r:r + W.shape[2], s:s + W.shape[3]]
        dX[window] += dY[i, o, r, s] * W[o]
        dW[o] += dY[i, o, r, s] * X[window]
    return dX[:, :, padding:padding + h, padding:padding + w], dW, dY.sum(axis=(0, 2, 3))


def clipped(S, epsilon):
    return np.clip(S, mp.mpf(epsilon), 1 - mp.mpf(epsilon))


FORMULAS = {
    "identity": lambda Z: Z, "step": lambda Z: (Z >= 0).astype(int), "relu": lambda Z: np.where(Z > 0, Z, 0), "sigmoid": lambda Z: sigma(Z),
    "tanh": lambda Z: tanh(Z), "softplus": lambda Z: log(1 + exp(Z)),
    "identity_backward": lambda dA, Z: dA, "step_backward": lambda dA, Z: 0 * dA, "relu_backward": lambda dA, Z: dA * (Z > 0),
    "sigmoid_backward": lambda dA, Z: dA * sigma(Z) * sigma(-Z), "softplus_backward": lambda dA, Z: dA * sigma(Z),
    "tanh_backward": lambda dA, Z: 4 * dA * sigma(2 * Z) * sigma(-2 * Z),
    "softmax": probabilities, "log_sum_exp": lambda Z: log(exp(Z).sum(axis=1)),
    "log_sum_exp_backward": lambda da, Z: da[:, None] * probabilities(Z),
    "softmax_backward": lambda dA, Z: probabilities(Z) * (dA - (dA * probabilities(Z)).sum(axis=1)[:, None]),
    "softmax_jacobian": lambda Z: (lambda S: S[:, :, None] * (np.eye(3, dtype=int) - S[:, None]))(probabilities(Z)),
    "matmul_backward": lambda dC, A, B: (dC @ B.T, A.T @ dC), "dense": lambda X, W, b: X @ W + b, "dense_loops": lambda X, W, b: X @ W + b,
    "dense_backward": lambda dZ, X, W: (dZ @ W.T, X.T @ dZ, dZ.sum(axis=0)), "Dense.forward": lambda A: A @ lifted(W) + lifted(b),
    "augment": lambda X: np.hstack([0 * X[:, :1] + 1, X]),
    "neuron": lambda x, w, b, activation: tanh(x @ w + b),
    "neuron_backward": lambda da, x, w, b, activation: tuple(4 * da * sigma(2 * (x @ w + b)) * sigma(-2 * (x @ w + b)) * y for y in (w, x, 1)),
    "conv2d": correlated, "conv2d_loops": correlated, "Conv2d.forward": lambda A: correlated(A, lifted(KERNELS), lifted(b), 0),
    "conv2d_backward": correlated_backward,
    "squared_error": lambda Yhat, Y, reduction: ((Yhat - Y) ** 2).sum(), "squared_error_backward": lambda Yhat, Y, reduction: 2 * (Yhat - Y),
    "sigmoid_cross_entropy": lambda Z, Y, reduction: (log(1 + exp(Z)) - Y * Z).sum() / 5,
    "sigmoid_cross_entropy_backward": lambda Z, Y, reduction: (sigma(Z) - Y) / 5,
    "softmax_cross_entropy": lambda Z, Y, reduction: (log(exp(Z).sum(axis=1)) - (one_hot(Y) * Z).sum(axis=1)).sum() / 5,
    "softmax_cross_entropy_backward": lambda Z, Y, reduction: (probabilities(Z) - one_hot(Y)) / 5,
    "cross_entropy": lambda S, Y, reduction, epsilon: -(one_hot(Y) * log(clipped(S, epsilon))).sum() / 5,
    "cross_entropy_backward": lambda S, Y, reduction, epsilon: -one_hot(Y) / S * (clipped(S, epsilon) == S) / 5,
    "cross_entropy, soft labels": lambda S, Y, reduction: -(Y * log(S)).sum() / 5,
    "cross_entropy_backward, soft labels": lambda S, Y, reduction: -Y / S / 5,
    "softmax_cross_entropy, soft labels": lambda Z, Y, reduction: -(Y * log(probabilities(Z))).sum() / 5,
    "softmax_cross_entropy_backward, soft labels": lambda Z, Y, reduction: (probabilities(Z) - Y) / 5,
    "relative_error": lambda a, b: (abs(a - b) / np.maximum(1, np.maximum(abs(a), abs(b)))).max(), "dead_units": lambda A: (A == 0).all(axis=0),
    "Flatten.forward": lambda A: A.reshape(2, -1), "Activation.forward": lambda Z: tanh(Z),
    "Standardizer": lambda X: [X.sum(axis=0) / 5, np.frompyfunc(mp.sqrt, 1, 1)(((X - X.sum(axis=0) / 5) ** 2).sum(axis=0) / 5)],
    "Standardizer.__call__": lambda X: (X - lifted(Standardizer(A).mean)) / lifted(Standardizer(A).deviation),
    "Network.logits": lambda X: tanh(X @ lifted(PARAMETERS_OF["W1"])) @ lifted(PARAMETERS_OF["W2"]),
}
PARAMETERS_OF = network().parameters


def lifted(x):
    return np.frompyfunc(lambda number: mp.mpf(float(number)), 1, 1)(x) if np.asarray(x).dtype.kind == "f" else x


def at_the_end(x, end, dtype):
    limits = np.finfo(dtype)
    if end == "largest":
        return np.where(x > 0, limits.max, -limits.max).astype(dtype)
    if end == "denormal":
        return (limits.smallest_subnormal * np.copysign(np.ceil(abs(3 * x)), x)).astype(dtype)
    return (x * dtype(2) ** {"huge": limits.maxexp - 8, "square root": limits.maxexp // 2 - 4, "tiny": limits.minexp + 8}[end]).astype(dtype)


WITHOUT_FORMULA = {
    # layers hand all on to functions that have one, and a network to its layers and its loss
    "Dense", "Dense.backward", "Conv2d", "Conv2d.backward", "Flatten.backward", "Activation.backward",
    *(f"Network.{name}" for name in ("forward", "backward", "predict_proba", "predict", "loss", "loss_of_logits", "gradients", "shapes")),
    "train",  # many steps, each by the functions above; test_training.py holds one to a step by hand
    "numerical_gradient", "gradient_check",  # approximations, of a size that test_gradcheck.py bounds
    "calibration", "pixels",  # their numbers have a range: up to 1, and up to 255
    "shift_images",  # copies numbers
}


def test_what_takes_floats_has_a_formula_or_a_reason_why_not():
    assert set(dict(FLOATS)) - set(FORMULAS) == WITHOUT_FORMULA


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("end", ["largest", "huge", "square root", "tiny", "denormal"])
@pytest.mark.parametrize("name", FORMULAS)
def test_at_the_ends_of_the_range_a_result_is_right_or_refused(name, end, dtype):
    moved = [key for key in TABLE[name][1] if (name, key) in FLOATS and not (key == "Y" and "cross" in name)]
    # bits enough for e^z of the largest z
    mp.prec = 250 if dtype is np.float32 else {"largest": 1200, "huge": 1200, "square root": 700}.get(end, 200)
    for keys in [[key] for key in moved] + [moved]:
        arguments = {key: value.astype(dtype) if (name, key) in FLOATS else value for key, value in TABLE[name][1].items()}
        arguments |= {key: at_the_end(arguments[key], end, dtype) for key in keys}
        exact = results(FORMULAS[name](**{key: lifted(value) if (name, key) in FLOATS else value for key, value in arguments.items()}))
        largest = max(abs(x) for part in exact for x in np.ravel(part))
        try:
            found = results(call(name, **arguments))
        except OverflowError as error:
            # refused: it is a number beyond floats, or the z on the way to it was, or the difference of two logits
            assert end in ("largest", "huge", "square root") or name.startswith("cross_entropy_backward"), (keys, error)
            assert largest > np.finfo(dtype).max / 100 or name.split(",")[0] in ("neuron", "neuron_backward", "Network.logits", "softmax_cross_entropy"), keys
            continue
        except ValueError as error:
            if end in ("largest", "huge", "square root"):
                assert name.startswith("cross_entropy") and "S must lie in [0, 1]" in str(error)
            else:
                assert name == "Standardizer" and end == "denormal" and "varies by less than" in str(error)
            continue
        for one, other in zip(found, exact, strict=True):
            kind = np.finfo(dtype)
            other = np.ravel(other)
            scale = max(abs(x) for x in other)
            for x, e in zip(np.ravel(one), other, strict=True):
                assert abs(mp.mpf(float(x)) - e) <= 40 * float(kind.eps) * scale + 8 * mp.mpf(float(kind.smallest_subnormal)), (keys, x, e)
