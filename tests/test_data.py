from pathlib import Path

import numpy as np
import pytest
from cases import normal

import nnlib.data
from nnlib import Standardizer, load_mnist, pixels, rings, shift_images, xor


def rng(seed=0):
    return np.random.default_rng(seed)


def test_mnist_is_whole():
    x_train, y_train, x_test, y_test = load_mnist()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x_train.min() == 0 and x_train.max() == 255
    # the well-known mean and deviation of the training pixels
    np.testing.assert_allclose([x_train.mean() / 255, x_train.std() / 255], [0.1307, 0.3081], atol=5e-5)


def test_a_damaged_copy_of_mnist_is_refused(tmp_path):
    content = bytearray(Path(nnlib.data.__file__).with_name("mnist.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "copy.npz").write_bytes(content)
    with pytest.raises(ValueError, match="copy.npz is damaged or not MNIST: its SHA-256 is"):
        load_mnist(tmp_path / "copy.npz")
    with pytest.raises(FileNotFoundError):
        load_mnist(tmp_path / "missing.npz")


def test_pixels_are_rows_from_0_to_1():
    images = np.array([[[0, 51], [255, 102]], [[1, 2], [3, 4]]], np.uint8)
    X = pixels(images)
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, [[0, 0.2, 1, 0.4], [1 / 255, 2 / 255, 3 / 255, 4 / 255]], rtol=1e-7)


@pytest.mark.parametrize("images, words", [([[0, 1]], "images must have 3 axes"), ([[[256]]], "images must lie in 0 … 255"),
                                           ([[[-1]]], "images must lie in"), ([[["a"]]], "images must hold real")])
def test_pixels_refuse_what_is_no_image(images, words):
    with pytest.raises(ValueError, match=words):
        pixels(images)


def _moved(image, down, right):
    moved, side = np.zeros_like(image), len(image)
    for r in range(side):
        for s in range(side):
            if 0 <= r - down < side and 0 <= s - right < side:
                moved[r, s] = image[r - down, s - right]
    return moved


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("side", [1, 2, 5])
def test_shifted_images_are_moved_by_one_pixel_at_most(side, dtype):
    X = (np.arange(200 * side * side) + 1.0).reshape(200, -1).astype(dtype)
    before, found, moves = X.copy(), shift_images(X, rng(), side), set()
    assert found.dtype == dtype and found.shape == X.shape
    np.testing.assert_array_equal(X, before)
    for image, out in zip(X.reshape(-1, side, side), found.reshape(-1, side, side)):
        fits = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (_moved(image, a, b) == out).all()]
        assert fits
        moves.update(fits)
    assert len(moves) == 9


def test_shifts_come_from_the_generator():
    X = np.eye(9)
    np.testing.assert_array_equal(shift_images(X, rng(1), 3), shift_images(X, rng(1), 3))
    assert (shift_images(X, rng(1), 3) != shift_images(X, rng(2), 3)).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardized_columns_have_mean_0_and_variance_1(dtype):
    X = (normal((50, 3))[0] * [1, 20, 0.1] + [5, -7, 0]).astype(dtype)
    Z = Standardizer(X)(X)
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose((Z ** 2).mean(axis=0), 1, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
@pytest.mark.parametrize("m", [1, 3, 10])
def test_a_constant_column_becomes_0_although_its_mean_is_rounded(m, value):
    X = np.column_stack([np.full(m, value), np.arange(m)])
    assert (Standardizer(X)(X)[:, 0] == 0).all()


def test_new_data_is_measured_by_the_old():
    np.testing.assert_array_equal(Standardizer([[0.0, 1.0], [4.0, 1.0]])([[6.0, 3.0]]), [[2, 2]])


def test_columns_of_very_different_sizes_are_standardized_each_by_itself():
    tiny = np.finfo(float).tiny
    np.testing.assert_allclose(Standardizer([[1e-200, 1e200, 0.0], [3e-200, 3e200, 2 * tiny]])([[1e-200, 3e200, tiny]]), [[-1, 1, 0]],
                               rtol=1e-14, atol=1e-14)


def test_xor_has_four_corners():
    X, y = xor(200, rng(), noise=0)
    assert set(map(tuple, X)) == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1] < 0)
    noisy, labels = xor(200, rng(), noise=0.2)
    np.testing.assert_array_equal(labels, y)
    assert 0.1 < (noisy - X).std() < 0.3 and labels.dtype.kind == "i"
    np.testing.assert_array_equal(xor(200, rng())[0], noisy)
    assert np.isfinite(xor(200, rng(), noise=1e300)[0]).all()


def test_rings_have_two_radii():
    X, y = rings(200, rng(), noise=0)
    np.testing.assert_allclose(np.hypot(*X.T), 1 + y, rtol=1e-14)
    assert set(y) == {0, 1}
    noisy, _ = rings(200, rng(), noise=0.1)
    off = np.hypot(*noisy.T) - 1 - y
    assert np.abs(off).max() < 0.5 and off.std() > 0.05
    np.testing.assert_array_equal(rings(200, rng())[0], noisy)


def test_rings_are_filled_all_around():
    drawing = rng()  # two points at a time, whose number the angle shall not know
    pairs = [np.arctan2(*rings(2, drawing, noise=0)[0].T) for _ in range(1000)]
    counts, _ = np.histogram(pairs, 8, (-np.pi, np.pi))
    assert counts.min() > 200 and counts.max() < 300
    assert all(a != b for a, b in pairs)


@pytest.mark.parametrize("call, words", [
    (lambda: xor(0, rng()), "m must be"), (lambda: xor(3, 0), "rng must be"), (lambda: xor(3, rng(), -1), "noise must be"),
    (lambda: xor(3, rng(), 1.1e300), "noise must be at most 1e300, but is 1.1e"), (lambda: rings(3, rng(), 1e301), "noise must be at most"),
    (lambda: rings(2.5, rng()), "m must be"), (lambda: rings(3, None), "rng must be"), (lambda: rings(3, rng(), "a"), "noise must be"),
    (lambda: shift_images(np.eye(4), rng()), r"X must have shape \(any, 784\)"), (lambda: shift_images(np.eye(4), 1, 2), "rng must be"),
    (lambda: shift_images(np.eye(4), rng(), 0), "side must be"), (lambda: Standardizer([1.0]), "X must have 2 axes"),
    (lambda: Standardizer([[1.0]])([[1.0, 2.0]]), r"X must have shape \(any, 1\)")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
