"""Numbers of a student: the same each time, other for others, and begun afresh for each purpose."""
import hashlib
import hmac
import subprocess
import sys

import numpy as np
import pytest

from nnlib.course.numbers import drawing, hidden, numbers


def first(secret=b"s", assignment="forward", student="ada", purpose="line", kind=numbers):
    with drawing(secret, assignment, student):
        return kind(purpose).integers(0, 2**60, 4).tolist()


def test_the_same_again_and_in_another_process():
    code = ("from nnlib.course.numbers import *\nwith drawing(b's', 'forward', 'ada'):\n"
            "    print(numbers('line').integers(0, 2**60, 4).tolist())")
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == str(first()) == str(first()), run.stderr


def test_everything_counts():
    drawn = [first(), first(secret=b"t"), first(assignment="softmax"), first(student="bob"), first(purpose="lines"), first(kind=hidden),
             first(assignment="for", student="wardada"), first(assignment='forward", "ada', student="line")]
    assert len({tuple(numbers) for numbers in drawn}) == len(drawn)


def test_the_seed_is_the_hmac():
    text = b'["numbers", "forward", "ada", "line"]'
    seed = int.from_bytes(hmac.new(b"s", text, hashlib.sha256).digest(), "big")
    assert first() == np.random.default_rng(seed).integers(0, 2**60, 4).tolist()


def test_outside_it_is_the_public_example_again_also_after_an_error():
    public = numbers("line").integers(0, 2**60, 4).tolist()
    with pytest.raises(KeyError):
        with drawing(b"s", "forward", "ada"):
            raise KeyError
    assert public == numbers("line").integers(0, 2**60, 4).tolist() == first(b"public", "", "example")


@pytest.mark.parametrize("secret", ["text", b"", None, 5])
def test_a_secret_is_bytes(secret):
    with pytest.raises(TypeError, match="bytes"):
        with drawing(secret, "forward", "ada"):
            pass


def test_letters_beyond_ascii_and_long_names():
    assert first(student="Jürgen Ø") != first(student="Jurgen O")
    assert len(first(purpose="x" * 10_000)) == 4
