import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from cases import normal
from hypothesis import given
from hypothesis import strategies as st

from nnlib import (SGD, Activation, Conv2d, Dense, Flatten, Network, dense_network, one_hot, softmax_cross_entropy,
                   softmax_cross_entropy_backward, train)
from nnlib import in_place
from nnlib.checks import trusted, values_are_checked
from nnlib.in_place import BLOCK, Step, Steps, in_threads, softmax_cross_entropy_in_place, threads


def rng(seed=0):
    return np.random.default_rng(seed)


def images(*between, output="softmax"):
    def conv(c, k, p, padding=0):
        return Conv2d.random(c, k, p, rng(c), padding, dtype="float64")
    return Network([conv(2, 3, 3, 1), *between, conv(3, 4, 2), Activation("relu"), Flatten(),
                    Dense.random(4 * 3 * 5, 3, rng(9), dtype="float64")], output)


class HandsOn:
    """A layer of somebody else's: it hands on the array that it was given."""

    parameters = {}

    def forward(self, A):
        return A

    def backward(self, dOut, A, input_gradient=True):
        return dOut, {}


class Scaled:
    """A layer of somebody else's with a parameter: every input times its own weight."""

    def __init__(self, n):
        self.parameters = {"W": rng(n).normal(size=n)}

    def forward(self, A):
        return A * self.parameters["W"]

    def backward(self, dOut, A, input_gradient=True):
        return dOut * self.parameters["W"] if input_gradient else None, {"W": (dOut * A).sum(axis=0)}


NETWORKS = {
    "S1": (dense_network([7, 9, 3], rng(), dtype="float64"), (5, 7)),
    "S4": (dense_network([7, 5, 4, 3], rng(), bias=False, dtype="float64"), (5, 7)),
    "one layer": (dense_network([7, 3], rng(), dtype="float64"), (5, 7)),
    "regression": (dense_network([7, 4, 3], rng(), "tanh", "identity", dtype="float64"), (5, 7)),
    "sigmoid": (dense_network([7, 4, 3], rng(), "softplus", "sigmoid", dtype="float64"), (5, 7)),
    "images": (images(Activation("relu")), (5, 2, 4, 6)),
    "images, tanh": (images(Activation("tanh"), Activation("relu")), (5, 2, 4, 6)),
    "images, one sample": (images(), (1, 2, 4, 6)),
    "flat first": (Network([Flatten(), Dense.random(12, 3, rng(), dtype="float64")], "softmax"), (5, 3, 2, 2)),
    "ReLU first and last": (Network([Activation("relu"), Dense.random(7, 3, rng(), dtype="float64"), Activation("relu")], "softmax"), (5, 7)),
    "flat last": (Network([Conv2d.random(2, 3, (2), rng(), dtype="float64"), Activation("relu"), Conv2d.random(3, 3, 3, rng(), dtype="float64"),
                           Flatten()], "softmax"), (5, 2, 4, 4)),
    "images without bias": (Network([Conv2d.random(2, 3, 2, rng(), bias=False, dtype="float64"), Activation("relu"), Flatten(),
                                     Dense.random(27, 3, rng(), dtype="float64")], "softmax"), (5, 2, 4, 4)),
    "another layer with a parameter": (Network([Scaled(7), Dense.random(7, 4, rng(), dtype="float64"), Scaled(4),
                                                Dense.random(4, 3, rng(), dtype="float64")], "softmax"), (5, 7)),
    "another layer": (Network([Dense.random(7, 4, rng(), dtype="float64"), HandsOn(), Activation("relu"), HandsOn(),
                               Dense.random(4, 3, rng(), dtype="float64"), HandsOn()], "softmax"), (5, 7)),
}


def targets(net, m):
    return rng(2).integers(0, 3, m) if net.output == "softmax" else one_hot(rng(2).integers(0, 3, m), 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_the_plain_gradient(name):
    net, shape = NETWORKS[name]
    steps = Steps(net)
    for seed, m in ((0, shape[0]), (1, shape[0]), (2, 2), (3, shape[0])):  # arrays are used again, and a batch may be shorter
        X, = normal((m, *shape[1:]), seed=seed)
        X.flat[::5] = 0
        before, Y = X.copy(), targets(net, m)
        loss, gradients = net.gradients(X, Y)
        for scale in (1.0, 0.25):
            found_loss, found = steps(X, Y, scale)
            np.testing.assert_allclose(found_loss, loss, rtol=1e-12)
            assert set(found) == set(gradients)
            for key, gradient in gradients.items():
                np.testing.assert_allclose(found[key], scale * gradient, rtol=1e-10, atol=1e-14)
        np.testing.assert_array_equal(X, before)
    assert len(steps.made) == 1 + (shape[0] != 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_keeps_the_type_of_the_parameters(dtype):
    net = dense_network([3, 4, 2], rng(), dtype=dtype)
    for kind in (np.float32, np.float64):
        step = Step(net, (5, 3), np.dtype(kind))
        loss, gradients = step(np.ones((5, 3), kind), np.array([0, 1, 0, 1, 1]))
        assert step.X.dtype == kind and {d.dtype for d in gradients.values()} == {np.dtype(dtype)}
        rtol = 1e-6 if dtype == "float32" and kind is np.float32 else 1e-12
        np.testing.assert_allclose(loss, net.gradients(np.ones((5, 3), kind), [0, 1, 0, 1, 1])[0], rtol=rtol)


def test_soft_targets_take_the_plain_loss():
    net, X, Y = dense_network([3, 4, 3], rng(), dtype="float64"), *normal((5, 3), (5, 3))
    Y = np.exp(Y) / np.exp(Y).sum(axis=1, keepdims=True)
    loss, gradients = Step(net, X.shape, X.dtype)(X, Y)
    expected_loss, expected = net.gradients(X, Y)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-12)
    np.testing.assert_allclose(gradients["W1"], expected["W1"], rtol=1e-11, atol=1e-15)


def test_parameters_may_be_changed_between_steps():
    net, X, y = dense_network([3, 4, 2], rng(), dtype="float64"), normal((5, 3))[0], np.array([0, 1, 0, 1, 1])
    step = Step(net, X.shape, X.dtype)
    for value in (0.5, -0.25):
        net.parameters["W1"].fill(value)
        np.testing.assert_allclose(step(X, y)[1]["W2"], net.gradients(X, y)[1]["W2"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_is_gathered_where_its_step_reads(dtype):
    net, X, y = dense_network([3, 4, 2], rng(), dtype="float64"), normal((9, 3))[0].astype(dtype), np.arange(9) % 2
    steps = Steps(net)
    for index in (np.array([7, 0, 3]), np.array([1, 1, 8]), np.array([4])):
        batch = steps.batch(X, index)
        assert batch is steps.of(batch.shape, batch.dtype).X and batch.dtype == dtype
        np.testing.assert_array_equal(batch, X[index])
        np.testing.assert_allclose(steps(batch, y[index])[1]["W1"], net.gradients(X[index], y[index])[1]["W1"], rtol=1e-12, atol=1e-15)
    assert len(steps.made) == 2


def test_a_vector_of_targets_for_one_output():
    net, X, Y = dense_network([3, 4, 1], rng(), output="identity", dtype="float64"), *normal((5, 3), (5,))
    loss, gradients = net.gradients(X, Y)
    found_loss, found = Steps(net)(X, Y)
    np.testing.assert_allclose(found_loss, loss, rtol=1e-12)
    np.testing.assert_allclose(found["W1"], gradients["W1"], rtol=1e-11, atol=1e-15)


def test_batches_of_all_shapes_write_the_same_gradients():
    steps = Steps(dense_network([3, 2], rng()))
    first, second = steps(np.ones((5, 3)), np.zeros(5, int))[1], steps(np.ones((2, 3)), np.zeros(2, int))[1]
    assert first["W1"] is second["W1"]


class Asked(Scaled):
    """Notes whether it was asked for the gradient by its input."""

    def backward(self, dOut, A, input_gradient=True):
        self.input_gradient = input_gradient
        return super().backward(dOut, A, input_gradient)


def test_the_gradient_by_the_data_is_not_asked_for():
    first, inner = Asked(3), Asked(4)
    net = Network([first, Dense.random(3, 4, rng(), dtype="float64"), inner, Dense.random(4, 2, rng(), dtype="float64")], "softmax")
    Steps(net)(np.ones((5, 3)), np.zeros(5, int))
    assert (first.input_gradient, inner.input_gradient) == (False, True)


LOGITS = st.integers(1, 6).flatmap(lambda K: st.lists(st.lists(st.floats(-50, 50, width=32), min_size=K, max_size=K), min_size=1, max_size=5))


@given(LOGITS, st.integers(0, 99))
def test_cross_entropy_in_place_is_the_plain_one(rows, seed):
    Z = np.array(rows)
    y = rng(seed).integers(0, Z.shape[1], len(Z))
    loss, dZ = softmax_cross_entropy(Z, y, "sum"), softmax_cross_entropy_backward(Z, y)
    other, before = np.empty_like(Z), Z.copy()
    found = softmax_cross_entropy_in_place(Z, y, 1 / len(Z), other)
    np.testing.assert_array_equal(Z, before)
    assert found == softmax_cross_entropy_in_place(Z, y, 1 / len(Z))
    np.testing.assert_array_equal(Z, other)
    np.testing.assert_allclose(found, loss, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(Z, dZ, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("row", [[39.0, -39.0, 39.9], [-39.9, -79.0, -100.0], [41.0, -79.0, 0.0], [-41.0, -90.0, -200.0], [39.0, -81.0, 0.0],
                                 [39.0, -100.0, 38.0], [0.0, 0.0, -300.0]])
@pytest.mark.parametrize("true", [0, 1, 2])
def test_float32_keeps_its_digits_on_both_sides_of_the_spared_pass(row, true):
    Z = np.array([row], np.float32)
    exact = Z.astype(float)
    loss, dZ = softmax_cross_entropy(exact, [true]), softmax_cross_entropy_backward(exact, [true])
    np.testing.assert_allclose(softmax_cross_entropy_in_place(Z, np.array([true]), 1.0), loss, rtol=1e-6, atol=1e-38)
    np.testing.assert_allclose(Z, dZ, rtol=2e-6, atol=1e-37)


@pytest.mark.parametrize("row, true", [([0.0, 40.0], 1), ([0.0, 1e4], 1), ([0.0, 1e4], 0), ([-1e4, -1e4, -1e4], 2), ([1e30, -1e30], 0)])
def test_large_logits_keep_their_digits(row, true):
    Z = np.array([row])
    expected = float(softmax_cross_entropy(Z, [true])), softmax_cross_entropy_backward(Z, [true])
    found = softmax_cross_entropy_in_place(Z, np.array([true]), 1.0)
    np.testing.assert_allclose(found, expected[0], rtol=1e-14)
    np.testing.assert_allclose(Z, expected[1], rtol=1e-14)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_blocks_and_threads_change_nothing(workers, monkeypatch):
    monkeypatch.setattr(in_place, "threads", lambda: workers)
    m, K = 5, BLOCK // 2 - 1  # three blocks, the last of one row
    Z, y = 3 * normal((m, K))[0], np.arange(m)
    loss, dZ = softmax_cross_entropy(Z, y, "sum"), softmax_cross_entropy_backward(Z, y, "sum")
    np.testing.assert_allclose(softmax_cross_entropy_in_place(Z, y, 1.0), loss, rtol=1e-12)
    np.testing.assert_allclose(Z, dZ, rtol=1e-10, atol=1e-18)


def test_threads_share_the_items_and_the_context(monkeypatch):
    monkeypatch.setattr(in_place, "threads", lambda: 3)
    with trusted():
        assert sorted(in_threads(lambda n: (n, values_are_checked()), range(7))) == [(n, False) for n in range(7)]
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda n: 1 / n, [1, 0, 2])


@pytest.mark.parametrize("workers", [2, 40])
def test_all_threads_work_at_the_same_time(workers, monkeypatch):
    monkeypatch.setattr(in_place, "threads", lambda: workers)
    meeting = threading.Barrier(workers, timeout=20)

    def work(n):
        meeting.wait()
        return threading.current_thread().name.partition("_")[0]

    assert in_threads(work, range(workers)).count("nnlib") == workers - 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no thread on a core")
def test_threads_work_on_a_core_each_and_are_free_again(monkeypatch):
    allowed = os.sched_getaffinity(0)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", str(len(allowed) + 1))  # one more than there are cores
    found = in_threads(lambda n: frozenset(os.sched_getaffinity(0)), range(2 * len(allowed) + 2))
    assert {cores for cores in found if len(cores) == 1} == {frozenset({n}) for n in allowed}
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no thread on a core")
def test_threads_stay_on_the_cores_that_they_were_given(monkeypatch):
    monkeypatch.setattr(in_place, "threads", lambda: 2)
    allowed = os.sched_getaffinity(0)
    one = {max(allowed)}
    os.sched_setaffinity(0, one)
    try:
        found = in_threads(lambda n: os.sched_getaffinity(0), range(2))
        assert found[0] == os.sched_getaffinity(0) == one
    finally:
        os.sched_setaffinity(0, allowed)


def test_threads_work_on_a_system_that_keeps_none_on_a_core(monkeypatch):
    monkeypatch.setattr(in_place, "threads", lambda: 2)
    for name in ("sched_setaffinity", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    assert sorted(in_threads(abs, range(-3, 0))) == [1, 2, 3]


FORKED = """
import os, signal, threading, time
from nnlib import in_place
in_place.threads = lambda: 2
assert sum(in_place.in_threads(abs, range(-9, 0))) == 45 and threading.active_count() > 1
time.sleep(0.5)  # until the threads are idle
if os.fork() == 0:
    signal.alarm(30)  # ends a process that waits for threads which it does not have
    os._exit(sum(in_place.in_threads(abs, range(-9, 0))) != 45)
assert os.wait()[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_starts_threads_of_its_own():
    subprocess.run([sys.executable, "-c", FORKED], check=True)


@pytest.mark.parametrize("openblas, omp, count", [("3", "5", 3), ("", "5", 5), ("", "", None), ("many", "", None)])
def test_as_many_threads_as_the_matrix_library(openblas, omp, count, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", openblas)
    monkeypatch.setenv("OMP_NUM_THREADS", omp)
    assert threads() == count if count else threads() >= 1
    monkeypatch.setattr("sys.platform", "emscripten")
    assert threads() == 1


def peak(work):
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_no_array_of_samples_times_classes_squared():
    m, K = 16, 200
    net, X, y = dense_network([3, K], rng()), normal((m, 3))[0].astype(np.float32), np.arange(m)
    most = peak(lambda: train(net, X, y, epochs=2, batch_size=m, optimizer=SGD(0.1, 0.9), rng=rng(), progress=False))
    assert most < 4 * m * K * 20 < 4 * m * K * K / 5


@pytest.mark.parametrize("sizes", [(50, 2000, 10), (50, 10, 2000), (2000, 10, 10)])
def test_a_step_makes_no_large_array(sizes):
    net, samples, y = dense_network(sizes, rng()), normal((99, sizes[0]))[0].astype(np.float32), np.arange(64) % 10
    steps, index = Steps(net), np.arange(64)
    steps(steps.batch(samples, index), y)
    assert peak(lambda: steps(steps.batch(samples, index), y)) < 4 * 64 * 2000 / 5


def test_a_long_prediction_is_that_of_its_parts():
    net, X = dense_network([3, 4, 2], rng(), dtype="float64"), normal((1500, 3))[0]
    plain = net.forward(X)[-1]
    np.testing.assert_allclose(net.logits(X), plain, rtol=1e-12)
    np.testing.assert_array_equal(net.predict(X), plain.argmax(axis=1))


@pytest.mark.parametrize("m", [2, 1500])
def test_a_prediction_names_the_parameter_that_is_no_number(m):
    net = dense_network([3, 4, 2], rng())
    net.parameters["W2"][1, 0] = np.nan
    with pytest.raises(ValueError, match=r"W2 must be finite, but W2\[1, 0\] is nan"):
        net.predict_proba(np.ones((m, 3)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_prediction_reads_the_samples_where_they_lie(name):
    net, shape = NETWORKS[name]
    step = Step(net, shape, np.dtype(float))
    for seed in range(2):
        X, = normal(shape, seed=seed)
        step.X.fill(np.nan)
        np.testing.assert_allclose(step.predict(X), net.forward(X)[-1], rtol=1e-11, atol=1e-14)
        if isinstance(net.layers[0], Dense):
            assert np.isnan(step.X).all()
        else:
            np.testing.assert_array_equal(step.X, X)


@pytest.mark.parametrize("name", [name for name, (net, _) in NETWORKS.items() if net.layers[0].parameters])
def test_the_first_layer_makes_no_gradient_of_the_data(name):
    net, shape = NETWORKS[name]
    first = Step(net, shape, np.dtype(float)).parts[0]
    assert first.backward(np.zeros_like(first.out))[1] is None


@pytest.mark.parametrize("net, shape", [
    (Network([Conv2d.random(2, 3, 3, rng(), 1), Activation("relu"), Flatten(), Dense.random(72, 3, rng())], "softmax"), (5, 2, 4, 6)),
    (dense_network([3, 4, 2], rng()), (5, 3))], ids=["images", "dense"])
def test_layers_keep_float32(net, shape):
    step = Step(net, shape, np.dtype("float32"))
    assert {part.out.dtype for part in step.parts} == {np.dtype("float32")}


def test_relu_overwrites_its_input():
    dense, relu, _ = Step(dense_network([3, 4, 2], rng()), (5, 3), np.dtype("float32")).parts
    assert np.shares_memory(dense.out, relu.out)


@pytest.mark.parametrize("allowed, count, expected", [({0, 2, 5}, 7, 3), (None, 7, 7), (None, None, 1)])
def test_as_many_threads_as_there_are_cores(allowed, count, expected, monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
    if allowed is None:
        monkeypatch.delattr(os, "sched_getaffinity")
    assert threads() == expected
