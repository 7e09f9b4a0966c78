"""The checks themselves; `test_bad_input` holds every public function to them."""
import numpy as np
import pytest

from nnlib import checks


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


@checks.in_range
def halves(a, b=None):
    return a / 2, None if b is None else b * 2


def test_what_has_left_the_range_of_floats_is_refused():
    assert halves(np.array([3.0])) == (1.5, None) and halves.__name__ == "halves"
    np.testing.assert_array_equal(halves(np.array([1e300]), np.array([-1e300, 2.0]))[1], [-2e300, 4])
    with pytest.raises(OverflowError, match="the result of halves has left the range of float64"):
        halves(np.ones(1), np.array([1e308, 0]))
    with pytest.raises(OverflowError, match="float32"):
        halves(np.ones(1), np.array([2e38], np.float32))
    with checks.trusted():
        assert halves(np.ones(1), np.array([1e308]))[1] == np.inf


@pytest.mark.parametrize("value, words", [
    (3, "V must be a function, but is 3"), (None, "V must be a function, but is None")])
def test_a_function_can_be_called(value, words):
    with pytest.raises(ValueError, match=words):
        checks.function("V", value)


def test_masked_entries_are_no_numbers():
    with pytest.raises(ValueError, match="V must have a number in each place, but 1 are masked"):
        checks.numbers("V", np.ma.array([1.0, 2.0], mask=[True, False]))
    assert checks.numbers("V", np.ma.array([1.0, 2.0])).tolist() == [1, 2]
