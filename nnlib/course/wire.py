"""Plain data across the border between the tester and a student's code, and nothing else.

A message is JSON of at most 8 MiB behind its length in four bytes. Numbers, strings, containers and
arrays of numbers cross; what arrives is built here, from bytes, by this module: it is never a pickle
and is never evaluated, so no method of a student's object ever runs on the trusted side.

>>> import numpy as np
>>> decode(json.loads(json.dumps(encode({"W": np.array([[1, 2]]), "loss": (0.5, None)}))))
{'W': array([[1, 2]]), 'loss': (0.5, None)}
"""
from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Request: TypeAlias = list[Any]  # what the student's side is to do, and with what
Named: TypeAlias = Callable[[str], Any]

LARGEST = 8 * 2 ** 20       # bytes of one message
DEEPEST = 20                # containers in containers
DIGITS = 100                # of a whole number
LENGTH = struct.Struct(">I")
TYPES = {"|b1", "|i1", "|u1", *(f"<{kind}" for kind in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"))}


class NotPlain(Exception):
    """A value that does not cross: an object, or too large, too deep, too long. No test waits for it."""


class Stopped(Exception):
    """The student's code gives no answer: it hung, died, or was not run again after that."""


class Remote:
    """What stays on the student's side: a function, a method, an object with attributes.

    `ask(request)` sends a request and returns its answer. A call sends the arguments as plain data.
    """

    def __init__(self, path: str, ask: Callable[[Request], Any]) -> None:
        self._path, self._ask = path, ask

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._ask(["call", self._path, encode(args), encode(kwargs)])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):        # so that NumPy and copy find nothing to call
            raise AttributeError(name)
        return self._ask(["get", f"{self._path}.{name}"])

    def __repr__(self) -> str:
        return f"<the student's {self._path}>"


def encode(value: Any, depth: int = 0) -> Any:
    """Return `value` as what JSON can hold, or raise `NotPlain`."""
    kind = type(value)
    if depth > DEEPEST:
        raise NotPlain(f"containers lie deeper than {DEEPEST} in each other")
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        if abs(value) >= 10 ** DIGITS:
            raise NotPlain(f"a whole number has more than {DIGITS} digits")
        return value
    if kind in (list, tuple):
        return [kind.__name__, *(encode(v, depth + 1) for v in value)]
    if kind is dict:
        return ["dict", *([encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items())]
    if kind is np.str_:
        return str(value)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        array = array.astype(float if array.dtype == np.longdouble else array.dtype.newbyteorder("<"))
        if array.dtype.str not in TYPES or array.nbytes > LARGEST * 3 // 4:
            raise NotPlain(f"an array of type {array.dtype} and {array.nbytes} bytes does not cross")
        data = base64.b64encode(array.tobytes()).decode()
        return ["scalar" if isinstance(value, np.generic) else "array", array.dtype.str, list(array.shape), data]
    if isinstance(value, Remote):
        return ["name", object.__getattribute__(value, "_path")]
    raise NotPlain(f"a {kind.__name__} is no plain data: numbers, strings, lists, tuples, dicts and arrays are")


def decode(value: Any, depth: int = 0, named: Named | None = None) -> Any:
    """Return what `encode` was given, or raise `NotPlain`; `named(path)` finds what is sent by name."""
    if depth > DEEPEST + 1:
        raise NotPlain(f"containers lie deeper than {DEEPEST} in each other")
    if not isinstance(value, list):
        if isinstance(value, dict):
            raise NotPlain("a message names its kind by a list, not by a dict")
        return value
    tag, *rest = value or [None]
    if tag in ("list", "tuple"):
        parts = [decode(v, depth + 1, named) for v in rest]
        return parts if tag == "list" else tuple(parts)
    if tag == "dict":
        return dict(_pair(pair, depth, named) for pair in rest)
    if tag in ("array", "scalar") and len(rest) == 3:
        array = _array(*rest)
        return array[()] if tag == "scalar" and not array.shape else array
    if tag == "name" and named and len(rest) == 1 and isinstance(rest[0], str):
        return named(rest[0])
    raise NotPlain(f"a message of the kind {str(tag)[:20]!r} is not known")


def _pair(pair: object, depth: int, named: Named | None) -> tuple[Any, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise NotPlain("an entry of a dict is no pair")
    key, value = (decode(part, depth + 1, named) for part in pair)
    try:
        hash(key)
    except TypeError:
        raise NotPlain("a key of a dict is a container") from None
    return key, value


def _array(kind: object, shape: Any, data: object) -> NDArray[Any]:
    whole = isinstance(shape, list) and len(shape) <= 16 and all(type(n) is int and 0 <= n <= LARGEST for n in shape)
    if not (isinstance(kind, str) and kind in TYPES and whole and isinstance(data, str)):
        raise NotPlain("an array's type or shape is not allowed")
    try:
        content = base64.b64decode(data, validate=True)
    except ValueError:
        raise NotPlain("an array's bytes are damaged") from None
    if len(content) != math.prod(shape) * np.dtype(kind).itemsize:
        raise NotPlain("an array's shape does not fit its bytes")
    if kind == "|b1" and content.strip(b"\0\1"):
        raise NotPlain("a truth value is neither 0 nor 1")
    return np.frombuffer(content, kind).reshape(shape).copy()


def pack(message: object) -> bytes:
    """Return the bytes of a message, its length before it; raise `NotPlain` where it is too large."""
    try:
        content = json.dumps(message).encode()
    except (ValueError, RecursionError) as error:
        raise NotPlain(str(error)) from None
    if len(content) > LARGEST:
        raise NotPlain(f"{len(content)} bytes, more than {LARGEST}, do not cross")
    return LENGTH.pack(len(content)) + content


def unpack(content: bytes) -> Any:
    """Return the message of these bytes (without the length), or raise `NotPlain`."""
    def whole(digits: str) -> int:
        if len(digits) > DIGITS + 1:
            raise NotPlain(f"a whole number has more than {DIGITS} digits")
        return int(digits)
    try:
        return json.loads(content, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"a message is no JSON: {type(error).__name__}") from None
