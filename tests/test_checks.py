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
    (lambda: checks.real("V", 2, below=2), r"V must be a number in \[0.0, 2\), but is 2"),
    (lambda: checks.reals("V", [1.0, 2.0], shape=(3,)), r"V must have shape \(3,\), but has shape \(2,\)"),
    (lambda: checks.labels("V", [0, 3, 1], 3), "V must lie in 0 … 2, but holds the label 3"),
    (lambda: checks.labels("V", [0, 1, -1], 3), "V must lie in 0 … 2, but holds the label -1"),
    (lambda: checks.generator("V", 3), "^V must be a numpy\\.random\\.Generator, but is 3"),
    (lambda: checks.distributions("V", [[0.25, 0.75], [0.5, 0.0], [0.7, 0.5]], (3, 2)), "each row of V must sum to 1, but row 1 sums to 0.5"),
    (lambda: checks.distributions("V", [[0.5, 0.4], [0.5, 0.5], [1.0, 0.5]], (3, 2)), "each row of V must sum to 1, but row 2 sums to 1.5"),
    (lambda: checks.distributions("V", [[1.7e308, 1.7e308]], (1, 2)), "each row of V must sum to 1, but row 0 sums to inf"),
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


def test_what_is_fit_comes_back():
    assert checks.distributions("V", [[0.0, 1.0]], (1, 2)).tolist() == [[0, 1]]
    assert checks.real("V", np.finfo(float).max) == np.finfo(float).max
    assert checks.rectangular("V", [1, 2.5], object).dtype == object
    native = np.ones(2, np.float32)
    assert checks.numbers("V", native) is native
    assert checks.numbers("V", native.astype(native.dtype.newbyteorder())).dtype == np.float32


@pytest.mark.parametrize("values, finite", [([1.7e308, 1.7e308], True), ([np.inf, -np.inf], False), ([np.nan], False), ([0.0], True),
                                            ([1e200 + 1e200j], True)])
def test_whether_all_numbers_are_finite_is_asked_without_a_warning(values, finite):
    assert checks.all_finite(np.array(values)) is finite


def test_whether_values_are_checked_is_yes_or_no():
    assert checks.values_are_checked() is True
    with checks.trusted():
        assert checks.values_are_checked() is False


def test_a_trusted_block_is_silent_where_numbers_leave_the_range():
    with checks.trusted():
        assert np.isinf(np.array([1e308]) * 10).all()
        assert np.isnan(np.array([np.inf]) - np.inf).all()
