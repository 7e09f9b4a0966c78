import mpmath as mp
import numpy as np
import pytest
from cases import CASES, ELEMENTWISE, TOLERANCE, close, exactly, normal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import nnlib
from nnlib import activation, log_sum_exp, log_sum_exp_backward, softmax, softmax_backward, softmax_jacobian

logits = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=4), elements=st.floats(-50, 50))
SIZES = [0, 1e-30, 1e-10, 1e-3, 0.5, 1, 3, 10, 17, 20, 40, 60, 87, 88, 89, 100, 103, 104, 120, 370, 700,
         745, 1e3, 9999, 1e4]
GRID = np.array(SIZES + [-z for z in SIZES])
ROWS = [[0, 0, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, 9999], [40, 0, 0], [0, -20, -1000],
        [100, 1, -3], [5, 5, -80], [-3, 17, 17], [0, -80, -100], [1e4, 9990, 9980]]


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("case", CASES["activations"], ids=str)
def test_backward_is_the_derivative(case, method):
    assert case.error(getattr(nnlib, case.name), method) < TOLERANCE[method]


@pytest.mark.parametrize("name, values", [
    ("identity", [-2.0, 0.0, 3.0]), ("step", [0.0, 1.0, 1.0]), ("relu", [0.0, 0.0, 3.0]),
    ("sigmoid", [0.1192029220221176, 0.5, 0.9525741268224334]),
    ("tanh", [-0.9640275800758169, 0.0, 0.9950547536867305]),
    ("softplus", [0.1269280110429725, 0.6931471805599453, 3.048587351573742])])
def test_known_values(name, values):
    np.testing.assert_allclose(getattr(nnlib, name)([-2.0, 0.0, 3.0]), values, rtol=1e-15)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_the_kink_the_convention_holds(zero):
    assert nnlib.step([zero]) == [1.0]
    assert nnlib.relu([zero]) == [0.0]
    assert nnlib.relu_backward([7.0], [zero]) == [0.0]
    assert nnlib.step_backward([7.0], [zero]) == [0.0]


def test_relu_of_complex_numbers_goes_by_the_real_part():
    np.testing.assert_array_equal(nnlib.relu([2 - 3j, -2 + 3j, 0 + 3j]), [2 - 3j, 0, 0])


@pytest.mark.parametrize("side, slope", [(1, 1.0), (-1, 0.0)])
def test_relu_has_one_sided_slopes_at_0(side, slope):
    h = side * 2.0 ** -20
    assert (nnlib.relu([h]) - nnlib.relu([0.0])) / h == slope
    assert nnlib.relu_backward([1.0], [h]) == [slope]


def test_step_jumps_only_from_the_left():
    h = 2.0 ** -20
    np.testing.assert_array_equal(nnlib.step([-h, 0.0, h]), [0, 1, 1])


EXACT = {
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "sigmoid_backward": lambda z: mp.exp(-abs(z)) / (1 + mp.exp(-abs(z))) ** 2,
    "tanh_backward": lambda z: mp.sech(z) ** 2,
    "softplus_backward": lambda z: 1 / (1 + mp.exp(-z)),
}


def test_no_elementwise_function_is_left_out():
    exact_anyway = {"identity", "step", "relu"}
    assert set(EXACT) == {name + back for name in set(ELEMENTWISE) - exact_anyway for back in ("", "_backward")}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
def test_elementwise_functions_to_the_last_digits(name, dtype):
    Z = GRID.astype(dtype)
    found = getattr(nnlib, name)(*([np.ones_like(Z)] if name.endswith("backward") else []), Z)
    close(found, map(EXACT[name], exactly(Z)))


@pytest.mark.parametrize("name", EXACT)
@given(z=st.floats(-1e4, 1e4, width=32))
def test_elementwise_functions_to_the_last_digits_anywhere(name, z):
    for dtype in (np.float32, np.float64):
        Z = np.array([z], dtype)
        found = getattr(nnlib, name)(*([np.ones_like(Z)] if name.endswith("backward") else []), Z)
        close(found, map(EXACT[name], exactly(Z)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_softmax_and_log_sum_exp_to_the_last_digits(row, dtype):
    Z = np.array([row], dtype)
    z = exactly(Z)
    total = mp.fsum(map(mp.exp, z))
    S = [mp.exp(x) / total for x in z]
    close(softmax(Z), S)
    close(log_sum_exp_backward(np.ones(1, dtype), Z), S)
    # z₁ + ln(…) may cancel: the error is small beside its larger term
    others = mp.fsum(mp.exp(x - max(z)) for x in sorted(z)[:-1])
    exact = max(z) + mp.log1p(others)
    close(log_sum_exp(Z), [exact], [max(abs(exact), abs(max(z)))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("G", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [3, -2, 5]], ids=str)
def test_softmax_backward_to_the_last_digits(row, G, dtype):
    z = [mp.mpf(x) for x in row]
    total = mp.fsum(map(mp.exp, z))
    S = [mp.exp(x) / total for x in z]
    exact = [s * mp.fsum(t * (g - h) for t, h in zip(S, G)) for s, g in zip(S, G)]
    scale = [4 * s * mp.fsum(t * abs(g - h) for t, h in zip(S, G)) for s, g in zip(S, G)]
    found = softmax_backward(np.array([G], dtype), np.array([row], dtype))
    close(found, exact, scale)


@given(z=st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=5))
def test_softmax_of_any_row_is_as_exact_as_its_differences(z):
    for dtype in (np.float32, np.float64):
        exact = exactly(z)
        total = mp.fsum(mp.exp(x - max(exact)) for x in exact)
        S = [mp.exp(x - max(exact)) / total for x in exact]
        # a rounded difference d of logits changes e^d by the factor 1 + εd
        close(softmax(np.array([z], dtype)), S, [s * (1 + abs(mp.log(s))) if s else s for s in S])


@given(logits)
def test_softmax_rows_are_probabilities_in_the_order_of_the_logits(Z):
    S = softmax(Z)
    assert (S >= 0).all()
    np.testing.assert_allclose(S.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(S[np.arange(len(Z)), Z.argmax(axis=1)], S.max(axis=1))


@given(logits, st.integers(-1000, 1000))
def test_softmax_ignores_a_shift_and_log_sum_exp_follows_it(Z, c):
    Z = np.round(Z, 0)  # so that adding c is exact
    np.testing.assert_array_equal(softmax(Z + c), softmax(Z))
    np.testing.assert_allclose(log_sum_exp(Z + c), log_sum_exp(Z) + c, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (1, 4), (5, 1), (4, 2), (3, 10)])
def test_softmax_backward_is_the_product_with_the_jacobian(shape):
    Z, G = normal(shape, shape)
    np.testing.assert_allclose(softmax_backward(G, Z), np.einsum("ik,ikj->ij", G, softmax_jacobian(Z)),
                               rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (4, 2)])
def test_softmax_jacobian_is_symmetric_singular_and_the_derivative(shape):
    Z, = normal(shape)
    J = softmax_jacobian(Z)
    np.testing.assert_allclose(J, J.swapaxes(1, 2), rtol=1e-14)
    np.testing.assert_allclose(J.sum(axis=2), 0, atol=1e-15)
    numerical = nnlib.numerical_gradient(softmax, Z, "complex")
    np.testing.assert_allclose(J, np.einsum("ikij->ikj", numerical), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", ["softmax", "log_sum_exp"])
def test_a_batch_is_a_stack_of_single_samples(name):
    Z, = normal((5, 3))
    np.testing.assert_array_equal(getattr(nnlib, name)(Z), np.concatenate([getattr(nnlib, name)(z[None]) for z in Z]))


@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax", "log_sum_exp"])
def test_backward_is_linear_in_the_upstream_gradient(name):
    Z, G, H = normal((5, 3), (5, 3), (5, 3))
    if name == "log_sum_exp":
        G, H = G[:, 0], H[:, 0]
    back = getattr(nnlib, name + "_backward")
    np.testing.assert_allclose(back(3 * G - 2 * H, Z), 3 * back(G, Z) - 2 * back(H, Z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax"])
def test_activation_returns_the_pair(name):
    assert activation(name) == (getattr(nnlib, name), getattr(nnlib, name + "_backward"))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_backward_keeps_the_wider_type_of_the_upstream_gradient(name):
    back = getattr(nnlib, name + "_backward")
    assert back(np.ones(2), np.ones(2, np.float32)).dtype == np.float64


def test_activation_names_what_it_knows():
    with pytest.raises(ValueError, match="activation must be one of 'identity', .*, but is 'rleu'"):
        activation("rleu")


@given(st.floats(-700, 700))
def test_identities_between_the_functions(z):
    Z = [z]
    np.testing.assert_allclose(nnlib.sigmoid([-z]) + nnlib.sigmoid(Z), 1, rtol=1e-15)
    np.testing.assert_allclose(2 * nnlib.sigmoid([2 * z]) - 1, nnlib.tanh(Z), rtol=0, atol=1e-15)
    np.testing.assert_allclose(nnlib.softplus(Z) - nnlib.softplus([-z]), z, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(softmax([[z, 0.0]])[0, 0], nnlib.sigmoid(z), rtol=1e-14)
