"""Numbers of one student: the same each time, and not to be guessed without the teacher's secret.

>>> [numbers("a line").integers(10) for _ in range(2)]      # a new generator each time, begun afresh
[np.int64(5), np.int64(5)]
>>> with drawing(b"of this term", "forward", "ada"):
...     print(numbers("a line").integers(10), hidden("a line").integers(10))
3 6
"""
from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a derivation is checked where there is no NumPy
    import numpy as np

_drawn_from = b"public", "", "example"      # the secret, the assignment, the student


@contextmanager
def drawing(secret: bytes, assignment: str, student: str) -> Iterator[None]:
    """Let `numbers` and `hidden` draw for this student: a secret of bytes, and two names."""
    global _drawn_from
    if type(secret) is not bytes or not secret:
        raise TypeError(f"the secret must be bytes, at least one, but is a {type(secret).__name__}")
    for what, text in (("assignment", assignment), ("student", student)):
        if not isinstance(text, str):
            raise TypeError(f"the {what} must be a text, but is a {type(text).__name__}")
    before, _drawn_from = _drawn_from, (secret, assignment, student)
    try:
        yield
    finally:
        _drawn_from = before


def numbers(purpose: str) -> np.random.Generator:
    """Return a `numpy.random.Generator` for the numbers that stand in the student's notebook."""
    return generator("numbers", purpose)


def hidden(purpose: str) -> np.random.Generator:
    """Return a `numpy.random.Generator` for the numbers of hidden tests."""
    return generator("hidden", purpose)


def generator(kind: str, purpose: str) -> np.random.Generator:
    """Seed a generator by HMAC-SHA256: key the secret, text the kind, the assignment, the student and the purpose."""
    if not isinstance(purpose, str):
        raise TypeError(f"the purpose must be a text, but is a {type(purpose).__name__}")
    import numpy as np              # not above: a derivation is checked where there is no NumPy
    secret, *whose = _drawn_from
    text = json.dumps([kind, *whose, purpose])      # quoted: ["a", "b"] and ["a, b"] differ
    return np.random.default_rng(int.from_bytes(hmac.digest(secret, text.encode(), "sha256"), "big"))
