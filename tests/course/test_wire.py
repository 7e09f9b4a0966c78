"""Plain data crosses unchanged; nothing else does, and no bytes of anybody's can harm who reads them."""
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.course import runner, wire
from nnlib.course.wire import NotPlain, Remote, decode, encode, pack, unpack

PLAIN = st.recursive(st.none() | st.booleans() | st.integers(-10 ** 30, 10 ** 30) | st.floats(allow_nan=False) | st.text(max_size=5),
                     lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple)
                     | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3), max_leaves=10)


def crossed(value):
    return decode(unpack(pack(encode(value))[4:]))


@given(PLAIN)
def test_plain_data_crosses_unchanged(value):
    assert repr(crossed(value)) == repr(value)


@pytest.mark.parametrize("array", [
    np.zeros((0, 3)), np.array(2.5), np.arange(6).reshape(2, 3).T, np.array([True, False]), np.float32([np.nan, np.inf, -0.0]),
    np.array([[1]], ">i2"), np.float16([1.5]), np.uint8([255]), np.ones((2, 1, 3))[:, ::-1]], ids=str)
def test_arrays_cross_with_type_and_shape(array):
    found = crossed(array)
    assert type(found) is np.ndarray and found.dtype == array.dtype.newbyteorder("=") and found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    found[...] = 0      # its own memory, and writable


def test_scalars_of_numpy_stay_scalars():
    for value in (np.float64(0.1), np.int64(-3), np.bool_(True), np.float32(0.1)):
        assert type(crossed(value)) is type(value) and crossed(value) == value
    assert type(crossed(np.longdouble("0.5"))) is np.float64 and crossed(np.longdouble("0.5")) == 0.5
    assert crossed(np.str_("a")) == "a" and type(crossed(np.str_("a"))) is str


class Liar(float):
    def __eq__(self, other):
        return True


@pytest.mark.parametrize("value", [
    Liar(3), object(), {1, 2}, 1j, b"bytes", np.array([1j]), np.array([None]), np.array(["a"]), np.zeros(2, "i4,f4"), print, np,
    np.array("2026-01-01", "M8[D]"), 10 ** 100, [[10 ** 200]], np.zeros(2 ** 20 + 2 ** 18 + 1), type, {"a": {2}}], ids=lambda v: str(type(v)))
def test_anything_else_is_refused(value):
    with pytest.raises(NotPlain):
        pack(encode(value))


def test_depth_and_size_are_limited():
    deep, huge = [], "x" * (wire.LARGEST + 1)
    for _ in range(wire.DEEPEST + 1):
        deep = [deep]
    circle = []
    circle.append(circle)
    for value in (deep, circle, huge):
        with pytest.raises(NotPlain):
            pack(encode(value))


@pytest.mark.parametrize("message", [
    ["object", "os.system"], ["array", "|O", [1], "AAAA"], ["array", "<f8", [2], "AAAA"], ["array", "<f8", [-1], ""],
    ["array", "<f8", [True], "AAAAAAAAAAA="], ["array", "<f8", [10 ** 9, 10 ** 9], ""], ["array", "<f8", "12", ""],
    ["array", ["<f8"], [0], ""], ["array", "<f8", [0], "!"], ["array", "|b1", [1], "Ag=="], ["array", "<c8", [1], "AAAAAAAAAAA="],
    ["array", "<f8", [0] * 17, ""], {"a": 1}, [], [["list"]], ["dict", ["a"]], ["dict", [["list"], 1]], ["name", "f"], ["array"],
    ["array", "<i8", [1], 7], [None]], ids=str)
def test_forged_messages_are_refused(message):
    with pytest.raises(NotPlain):
        decode(message)


@pytest.mark.parametrize("content", [
    b"", b"\xff", b"{", pickle.dumps(4), b"[" * 100_000, b"1" * 5000, b"-" + b"1" * 200, b"{" * 50_000 + b"1", b'"\\ud8"'],
    ids=lambda c: repr(c[:8]))
def test_forged_bytes_are_refused(content):
    with pytest.raises(NotPlain):
        unpack(content)


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(max_size=9) | st.sampled_from(["list", "array", "<f8", "dict"]),
                                             lambda inner: st.lists(inner, max_size=4)).map(lambda v: json.dumps(v).encode()))
def test_no_bytes_raise_anything_else(content):
    try:
        found = decode(unpack(content))
    except NotPlain:
        return
    assert type(found) in (type(None), bool, int, float, str, list, tuple, dict, np.ndarray) or isinstance(found, np.generic)


def test_a_remote_has_no_special_methods():
    asked = []
    remote = Remote("f", lambda request: asked.append(request) or 7)
    assert remote(1, x=2) == 7 and asked.pop() == ["call", "f", ["tuple", 1], ["dict", ["x", 2]]]
    assert remote.weights == 7 and asked.pop() == ["get", "f.weights"]
    assert remote != 7 and remote is not None and np.asarray(remote).dtype == object
    with pytest.raises(TypeError):
        len(remote)
    assert encode([remote]) == ["list", ["name", "f"]] and not asked


def test_the_runner_answers_calls_and_errors():
    one = runner.Runner()

    def answer(*request):
        return unpack(one.answer("t", request)[4:])

    assert answer("run", "import math\ndef f(x): return 2 * x\n%time\nn = 5\nprint('hi')") == {"value": None, "to": "t", "printed": "hi\n"}
    assert answer("call", "f", encode((3,)), encode({}))["value"] == 6
    assert answer("get", "n")["value"] == 5 and answer("get", "f")["value"] == ["name", "f"]
    assert answer("call", "f", encode((Remote("n", None),)), encode({}))["value"] == 10
    assert answer("get", "nothing")["error"][0] == "NameError"
    assert answer("run", "x = 1\n\n1 / 0")["text"] == "division by zero (line 3 of the cell)"
    assert answer("run", "raise SystemExit")["error"][0] == "SystemExit"
    answer("run", "def g(): return object()")
    assert "no plain data" in answer("call", "g", encode(()), encode({}))["text"]
    assert math.isnan(decode(answer("run", "nan = float('nan')") and answer("get", "nan")["value"]))
    bad = "class E(Exception):\n    def __str__(self): raise ValueError\nraise E"
    assert answer("run", bad)["error"][:2] == ["E", "Exception"]


def test_a_remote_shows_whose_it_is_and_asks_for_its_parts():
    asked = []
    remote = Remote("net", lambda request: asked.append(request) or 3)
    assert repr(remote) == "<the student's net>" and remote.layers == 3 and asked == [["get", "net.layers"]]


def test_a_message_that_contains_itself_does_not_cross():
    message = []
    message.append(message)
    with pytest.raises(NotPlain):
        pack(message)
    deep = [1]
    for _ in range(200):
        deep = ["list", deep]
    with pytest.raises(NotPlain):
        decode(deep)
