import re
import sys
from threading import RLock

import numpy as np
import pytest
from cases import normal
from tqdm.auto import tqdm

from nnlib import (SGD, Activation, Conv2d, Dense, DivergedError, Flatten, Network, dense_network, falling, minibatches,
                   one_hot, regression_network, train, xor)
from nnlib.training import _blocks

tqdm.set_lock(RLock())  # forked processes share the usual one: one of them that is killed would stop the others


def rng(seed=0):
    return np.random.default_rng(seed)


def run(net, X, Y, **change):
    return train(net, X, Y, **({"epochs": 3, "batch_size": 2, "optimizer": SGD(0.1), "rng": rng(1), "progress": False} | change))


def copy_of(net):
    return {name: a.copy() for name, a in net.parameters.items()}


def test_plain_steps_by_hand():
    theta = {"W1": np.array([[1.0, -2.0]]), "b1": np.array([0.5])}
    SGD(0.25).step(theta, {"W1": np.array([[4.0, 0.0]]), "b1": np.array([-2.0])})
    assert theta["W1"].tolist() == [[0, -2]] and theta["b1"].tolist() == [1]


def test_momentum_by_hand():
    theta, sgd = {"W1": np.array([[1.0]])}, SGD(0.5, momentum=0.5)
    for gradient, expected in ((2.0, 0.0), (-1.0, 0.0), (4.0, -2.0)):  # v = 2, 0, 4
        sgd.step(theta, {"W1": np.array([[gradient]])})
        assert theta["W1"] == expected
    sgd.restart()
    sgd.step(theta, {"W1": np.array([[1.0]])})
    assert theta["W1"] == -2.5


def test_weight_decay_touches_weights_and_not_biases():
    theta = {"W1": np.array([[4.0]]), "b1": np.array([4.0])}
    SGD(0.5, weight_decay=0.25).step(theta, {"W1": np.array([[1.0]]), "b1": np.array([1.0])})
    assert (theta["W1"], theta["b1"]) == (3.0, 3.5)


@pytest.mark.parametrize("settings", [(0.1,), (0.1, 0.9), (0.1, 0.0, 0.01), (falling(0.4, 0.1), 0.5, 0.25)])
def test_a_step_in_place_is_a_step(settings):
    by_step, in_place = SGD(*settings), SGD(*settings)
    theta = dict(zip(("W1", "b1", "W2"), normal((5, 3), (3,), (2, 3, 2, 2))))
    twin = {name: array.copy() for name, array in theta.items()}
    for n in range(4):
        gradients = dict(zip(theta, normal((5, 3), (3,), (2, 3, 2, 2), seed=n)))
        by_step.step(theta, gradients, n / 4)
        in_place.step_in_place(twin, {name: d.copy() for name, d in gradients.items()}, n / 4)
        for name, array in theta.items():
            np.testing.assert_allclose(twin[name], array, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("done, rate", [(0, 0.8), (0.5, 0.5), (1, 0.2)])
def test_a_falling_rate(done, rate):
    theta, sgd = {"W1": np.array([[0.0]])}, SGD(falling(0.8, 0.2))
    assert sgd.rate(done) == pytest.approx(rate, rel=1e-15)
    sgd.step(theta, {"W1": np.array([[-1.0]])}, done)
    assert theta["W1"] == pytest.approx(rate, rel=1e-15)


def test_the_rate_falls_from_the_start_to_the_end_of_a_run():
    seen = []
    run(dense_network([2, 2], rng()), np.eye(2), [0, 1], epochs=2, batch_size=1, optimizer=SGD(lambda done: seen.append(done) or 0.1))
    assert seen == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("m, size", [(7, 3), (6, 3), (1, 1), (2, 5)])
def test_minibatches_are_a_partition(m, size):
    batches = list(minibatches(m, size, rng()))
    assert sorted(np.concatenate(batches)) == list(range(m))
    assert [len(batch) for batch in batches] == [size] * (m // size) + [m % size] * (m % size > 0)


def test_a_step_of_a_run_is_the_step_by_hand():
    X, Y = normal((3, 2), (3, 2))
    net, twin = (dense_network([2, 2], rng(), output="identity", dtype="float64") for _ in range(2))
    W, b = twin.parameters["W1"], twin.parameters["b1"]
    E = X @ W + b - Y
    history = run(net, X, Y, epochs=1, batch_size=3)
    assert history.loss == [pytest.approx((E ** 2).sum() / 3, rel=1e-14)]
    np.testing.assert_allclose(net.parameters["W1"], W - 0.1 * 2 / 3 * X.T @ E, rtol=1e-13)
    np.testing.assert_allclose(net.parameters["b1"], b - 0.1 * 2 / 3 * E.sum(axis=0), rtol=1e-13)


def test_updating_during_the_backward_sweep_is_something_else():
    net, during = (dense_network([3, 4, 2], rng(), "tanh", "identity", dtype="float64") for _ in range(2))
    X, Y = normal((5, 3), (5, 2))
    run(net, X, Y, epochs=1, batch_size=5)
    stages = during.forward(X)
    d = 2 * (stages[-1] - Y) / 5
    for layer, A in zip(reversed(during.layers), reversed(stages[:-1])):
        _, gradients = layer.backward(d, A)
        SGD(0.1).step(layer.parameters, gradients)  # too early: the next line sees the new W
        d, _ = layer.backward(d, A)
    np.testing.assert_allclose(during.parameters["W2"], net.parameters["W2"], rtol=1e-13)
    assert np.abs(during.parameters["W1"] - net.parameters["W1"]).max() > 1e-3


def test_equal_seeds_give_equal_runs_and_other_seeds_do_not():
    X, y = xor(40, rng())
    runs = []
    for seed in (0, 0, 1):
        net = dense_network([2, 4, 2], rng())
        runs.append((run(net, X, y, rng=rng(seed)).loss, copy_of(net)))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    for name, a in runs[0][1].items():
        np.testing.assert_array_equal(a, runs[1][1][name])
        assert (a != runs[2][1][name]).any()


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_a_hidden_layer_learns_xor_and_a_line_cannot(output):
    X, y = xor(200, rng())
    n_out = 2 if output == "softmax" else 1
    deep, flat = dense_network([2, 8, n_out], rng(1), output=output), dense_network([2, n_out], rng(1), output=output)
    for net in (deep, flat):
        history = run(net, X, y, epochs=40, batch_size=10, optimizer=SGD(0.2, momentum=0.5), validation=(X, y))
        assert history.validation_accuracy[-1] == (net.predict(X) == y).mean()
        assert len(history.loss) == len(history.seconds) == len(history.validation_loss) == 40
    assert (deep.predict(X) == y).all()
    assert (flat.predict(X) == y).mean() < 0.8


@pytest.mark.parametrize("n_in, n_out", [(3, 2), (1, 1)])
def test_regression_finds_the_least_squares(n_in, n_out):
    X, Y = normal((20, n_in), (20, n_out))
    net = dense_network([n_in, n_out], rng(), output="identity", dtype="float64")
    history = run(net, X, Y, epochs=1500, batch_size=20, validation=(X, Y))
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(20)]), Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([net.parameters["W1"], net.parameters["b1"]]), solution, rtol=1e-8, atol=1e-10)
    assert history.validation_accuracy == [None] * 1500


def test_vector_targets_train_one_output():
    X, = normal((20, 2))
    net = regression_network(2, 3, 1, rng())
    history = run(net, X, X[:, 0], epochs=30, optimizer=SGD(0.05), validation=(X, X[:, 0]))
    assert history.validation_loss[-1] < 0.2 * history.validation_loss[0]


def test_a_convolutional_network_learns_which_way_a_line_lies():
    X = np.zeros((8, 1, 4, 4), np.float32)
    for i in range(4):
        X[i, 0, i, :], X[4 + i, 0, :, i] = 1, 1
    y = np.repeat([0, 1], 4)
    net = Network([Conv2d.random(1, 4, 3, rng(), 1), Activation("relu"), Flatten(), Dense.random(64, 2, rng())], "softmax")
    run(net, X, y, epochs=60)
    assert (net.predict(X) == y).all()


def test_early_stop_keeps_the_best_epoch():
    X, y, V, v = normal((20, 4))[0], np.arange(20) % 3 % 2, normal((20, 4), seed=9)[0], np.arange(20) % 2
    net = dense_network([4, 16, 2], rng(), dtype="float64")
    history = run(net, X, y, epochs=200, validation=(V, v), patience=5)
    best = int(np.argmin(history.validation_loss))
    assert history.best_epoch == best > 0 and len(history.loss) == best + 1 + 5 < 200
    assert net.loss(V, v) == pytest.approx(min(history.validation_loss), rel=1e-12)


def test_a_loss_that_stays_the_same_is_not_lower():
    X, y = xor(4, rng())
    net = dense_network([2, 2], rng())
    assert len(run(net, X, y, epochs=50, optimizer=SGD(0), validation=(X, y), patience=2).loss) == 3


def test_the_validation_set_is_only_looked_at():
    X, y = xor(30, rng())
    plain, watched = dense_network([2, 3, 2], rng()), dense_network([2, 3, 2], rng())
    assert run(plain, X, y).loss == run(watched, X, y, validation=xor(10, rng(5))).loss
    for name, a in plain.parameters.items():
        np.testing.assert_array_equal(a, watched.parameters[name])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_huge_rate_diverges_loudly(momentum):
    X, Y = normal((20, 3), (20, 1))
    with pytest.raises(DivergedError, match=r"step \d+ of 1000"):
        run(regression_network(3, 4, 1, rng(), "relu"), X, Y, epochs=100, optimizer=SGD(1e6, momentum))


def test_change_replaces_each_batch():
    net, twin, X, y = dense_network([2, 2], rng()), dense_network([2, 2], rng()), *xor(10, rng())
    run(net, X, y, change=lambda batch, rng: 2 * batch)
    run(twin, 2 * X, y)
    np.testing.assert_array_equal(net.parameters["W1"], twin.parameters["W1"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_keeps_the_type_and_its_data(dtype):
    net = dense_network([2, 3, 2], rng(), dtype=dtype)
    X, y = xor(10, rng())
    X = X.astype(dtype)
    before = X.copy()
    X.setflags(write=False), y.setflags(write=False)
    run(net, X, y, optimizer=SGD(falling(0.1), 0.9, 1e-3), validation=(X, y), patience=2)
    assert {a.dtype for a in net.parameters.values()} == {np.dtype(dtype)}
    assert net.logits(X).dtype == dtype
    np.testing.assert_array_equal(X, before)


def test_arrays_given_to_a_layer_are_not_trained():
    W, b = normal((2, 2), (2,))
    first, net = W.copy(), Network([Dense(W, b)], "softmax")
    other = dense_network([2, 2], rng(), dtype="float64")
    other.parameters = net.parameters
    run(net, np.eye(2), [0, 1])
    np.testing.assert_array_equal(W, first)
    np.testing.assert_array_equal(other.parameters["W1"], first)


@pytest.mark.parametrize("progress", [True, False])
def test_the_bar_is_on_stderr_or_nowhere(progress, capfd):
    with_bar, without = dense_network([2, 3, 2], rng()), dense_network([2, 3, 2], rng())
    X, y = xor(10, rng())
    history = run(with_bar, X, y, progress=progress, validation=(X, y))
    out, err = capfd.readouterr()
    assert out == "" and ("15/15" in err and "validation loss" in err if progress else err == "")
    assert not progress or re.search(r"\d ?(step/s|s/step)", err)
    assert history.loss == run(without, X, y, progress=False).loss


GOOD = {"X": np.eye(4), "Y": np.array([0, 1, 1, 0])}


@pytest.mark.parametrize("change, words", [
    ({"X": [[np.nan] * 4] * 4}, "X must be finite"), ({"X": [[np.inf] * 4] * 4}, "X must be finite"), ({"X": np.eye(5)}, "X and Y must hold as many"),
    ({"X": np.ones((4, 3))}, "layer 1, Dense: W must have shape"), ({"X": [["a"] * 4] * 4}, "X must hold real"), ({"X": [[1], [1, 2]]}, "X must be a rect"),
    ({"Y": [0, 1, 1, 2]}, "Y must lie in 0 … 1, but holds the label 2"), ({"Y": [0, 1, 1, -1]}, "Y must lie in 0 … 1, but holds the label -1"),
    ({"Y": [0.0, 1.0, 1.0, 0.0]}, "Y must hold integer"), ({"Y": [0, 1]}, "X and Y must hold as many"), ({"Y": 1}, "X and Y must hold as many"),
    ({"Y": [[1, 0]] * 3 + [[0.5, 0.6]]}, "each row of Y must sum to 1"), ({"Y": [[1, 0, 0]] * 4}, r"Y must have shape \(4, 2\)"),
    ({"Y": [[1, 0]] * 3 + [[np.nan, 1]]}, "Y must be finite"), ({"Y": [[0], [1, 1]]}, "Y must be a rect"), ({"X": 1.0, "Y": 1}, "X and Y must hold as many"),
    ({"validation": (np.eye(4), [0, 1, 1, 5])}, "validation Y must lie in"), ({"validation": (np.nan * np.eye(4), [0, 1, 1, 0])}, "validation X must be finite"),
    ({"validation": (np.eye(4), [0, 1])}, "validation X and Y"), ({"epochs": 0}, "epochs must be"), ({"batch_size": 2.0}, "batch_size must be"),
    ({"rng": 0}, "rng must be"), ({"patience": 2}, "patience needs a validation set"),
    ({"patience": 0, "validation": (np.eye(4), [0, 1, 1, 0])}, "patience must be")])
def test_unfit_data_is_refused_before_the_first_step(change, words):
    net = dense_network([4, 2], rng())
    before = copy_of(net)
    with pytest.raises(ValueError, match="^" + words):
        run(net, **(GOOD | {"batch_size": 1} | change))
    for name, a in net.parameters.items():
        np.testing.assert_array_equal(a, before[name])


def test_binary_targets_are_all_looked_at_before_the_first_step():
    net = dense_network([4, 1], rng(), output="sigmoid")
    before = copy_of(net)
    with pytest.raises(ValueError, match=r"Y must lie in \[0, 1\]"):
        run(net, np.eye(4), [0, 1, 1, 2], batch_size=1)
    np.testing.assert_array_equal(net.parameters["W1"], before["W1"])


def test_labels_and_one_hot_targets_train_alike():
    net, twin, (X, y) = dense_network([2, 3, 2], rng(), dtype="float64"), dense_network([2, 3, 2], rng(), dtype="float64"), xor(10, rng())
    first, second = run(net, X, y, validation=(X, y)), run(twin, X, one_hot(y, 2), validation=(X, one_hot(y, 2)))
    np.testing.assert_allclose(first.validation_loss, second.validation_loss, rtol=1e-12)
    assert first.validation_accuracy == second.validation_accuracy


@pytest.mark.parametrize("call, words", [
    (lambda: SGD(-0.1), "learning_rate must be"), (lambda: SGD(np.nan), "learning_rate must be"), (lambda: SGD("0.1"), "learning_rate must be"),
    (lambda: SGD(lambda done: -1.0).rate(0.5), "^the result of learning_rate must be a number"),
    (lambda: SGD(0.1, 1.0), "momentum must be"), (lambda: SGD(0.1, weight_decay=-1), "weight_decay must be"),
    (lambda: SGD(0.1).rate(-1), "^done must be"), (lambda: falling(1)(-1), "^done must be"),
    (lambda: falling(-1), "start must be"), (lambda: falling(1, np.inf), "end must be"),
    (lambda: list(minibatches(0, 1, rng())), "m must be"), (lambda: list(minibatches(3, 0, rng())), "batch_size must be"),
    (lambda: list(minibatches(3, 1, 0)), "rng must be"),
    (lambda: SGD(0.1).step({"W1": np.ones((2, 2))}, {"W1": np.ones(2)}), r"gradients\['W1'\] must have"),
    (lambda: SGD(0.1).step({"W1": np.ones((2, 2))}, {}), r"gradients must be named \['W1'\], but are named \[\]"),
    (lambda: SGD(0.1).step({"W1": np.ones((2, 2))}, {"W1": 0, 1: 0}), r"gradients must be named \['W1'\], but are named \[1, 'W1'\]"),
    (lambda: SGD(0.1).step({"W1": np.ones((2, 2)), 1: np.ones(1)}, {}), r"gradients must be named \[1, 'W1'\], but are named \[\]")])
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_validation_loss_that_overflows_ends_the_run():
    net = dense_network([2, 1], rng(), output="identity", dtype="float64")
    with pytest.raises(DivergedError, match="^the validation loss became inf after step 2 of 6$"):
        run(net, np.eye(2), [0.0, 0.0], batch_size=1, optimizer=SGD(0), validation=(np.full((1, 2), 1e200), [0.0]))


def test_a_last_step_that_overflows_ends_the_run():
    net = dense_network([2, 1], rng(), output="identity", dtype="float64")
    with pytest.raises(DivergedError, match="^W1 is no longer finite after step 1 of 1$"):
        run(net, np.array([[1e3, 0.0]]), [7.0], epochs=1, batch_size=1, optimizer=SGD(1e307))


class Recorded(SGD):
    """An optimizer of a reader's own: it takes the same steps, and notes how much of the run was done."""

    def step(self, parameters, gradients, done=0.0):
        super().step(parameters, gradients, done)
        self.seen = getattr(self, "seen", []) + [done]


class Doubled(Network):
    """A network with a way of its own to its gradients."""

    def gradients(self, X, Y, reduction="mean"):
        loss, gradients = super().gradients(X, Y, reduction)
        return 2 * loss, {name: 2 * d for name, d in gradients.items()}


@pytest.mark.parametrize("settings", [(0.1,), (0.1, 0.5), (0.1, 0.0, 0.25), (falling(0.4, 0.1), 0.5, 0.25)])
def test_a_readers_own_optimizer_is_used(settings):
    X, y = xor(10, rng())
    plain, own = (dense_network([2, 3, 2], rng(), dtype="float64") for _ in range(2))
    optimizer = Recorded(*settings)
    expected = run(plain, X, y, epochs=1, optimizer=SGD(*settings)).loss
    assert run(own, X, y, epochs=1, optimizer=optimizer).loss == pytest.approx(expected, rel=1e-12)
    assert optimizer.seen == [0, 0.2, 0.4, 0.6, 0.8]
    for name, a in plain.parameters.items():
        np.testing.assert_allclose(own.parameters[name], a, rtol=1e-12, atol=1e-15)


def test_a_network_with_gradients_of_its_own_is_trained_by_them():
    X, y = xor(10, rng())
    plain, doubled = (dense_network([2, 3, 2], rng(), dtype="float64") for _ in range(2))
    doubled.__class__ = Doubled
    expected = run(plain, X, y, optimizer=SGD(0.5)).loss
    found = run(doubled, X, y, optimizer=SGD(0.25)).loss  # twice the gradient at half the rate
    assert found == pytest.approx([2 * loss for loss in expected], rel=1e-12)
    for name, a in plain.parameters.items():
        np.testing.assert_allclose(doubled.parameters[name], a, rtol=1e-12, atol=1e-15)


def test_what_change_returns_is_looked_at():
    seen = []

    def change(batch, generator):
        seen.append((len(batch), isinstance(generator, np.random.Generator)))
        return np.nan * batch

    with pytest.raises(ValueError, match="^the changed X must hold real numbers"):
        run(dense_network([2, 2], rng()), np.eye(2), [0, 1], change=lambda batch, _: batch.astype(str))
    with pytest.raises(DivergedError, match="^the loss became inf at step 2 of 99: try a learning rate"):
        run(dense_network([2, 2], rng(), output="identity", dtype=np.float64), np.eye(2), np.eye(2), epochs=99, optimizer=SGD(1e200), change=lambda batch, _: batch)
    with pytest.raises(ValueError, match="^change must return finite numbers, but at step 1 some are not$"):
        run(dense_network([2, 2], rng()), np.eye(2), [0, 1], change=change)
    assert seen == [(2, True)]


def test_a_step_alone_is_at_the_start_of_the_run():
    for step in (SGD.step, SGD.step_in_place):
        theta = {"W1": np.array([[0.0]])}
        step(SGD(falling(0.75, 0.25)), theta, {"W1": np.array([[-1.0]])})
        assert theta["W1"] == 0.75


def test_blocks_are_small_and_cover_the_array():
    assert list(_blocks(np.zeros((5, 2 ** 13)))) == [slice(0, 2), slice(2, 4), slice(4, 6)]
    assert list(_blocks(np.zeros((2, 2 ** 15)))) == [slice(0, 1), slice(1, 2)]
    assert list(_blocks(np.zeros(1))) == [slice(0, 2 ** 14)]
    assert list(_blocks(np.zeros((0, 3)))) == []


@pytest.mark.parametrize("output, n_out", [("softmax", 3), ("sigmoid", 1), ("sigmoid", 2), ("identity", 2)])
def test_a_large_validation_set_is_judged_as_a_whole(output, n_out):
    net, (V,) = dense_network([2, n_out], rng(), output=output, dtype="float64"), normal((5000, 2))
    v = {"softmax": np.arange(5000) % 3, "identity": V, "sigmoid": (V[:, :n_out] > 1) * 1.0}[output]
    history = run(net, V[:4], v[:4], epochs=1, validation=(V, v))
    right = None if output == "identity" else pytest.approx((net.predict(V).reshape(v.shape) == v).mean(), rel=1e-13)
    assert history.validation_loss == [pytest.approx(net.loss(V, v), rel=1e-12)]
    assert history.validation_accuracy == [right]


def test_seconds_are_counted_from_the_start_of_the_run():
    for progress in (True, False):
        seconds = run(dense_network([2, 2], rng()), np.eye(2), [0, 1], progress=progress).seconds
        assert 0 < seconds[0] < seconds[1] < seconds[2] < 600


def test_the_loss_of_an_epoch_is_the_mean_over_all_samples():
    net, X, Y = dense_network([2, 2], rng(), output="identity", dtype="float64"), *normal((5, 2), (5, 2))
    assert run(net, X, Y, epochs=2, optimizer=SGD(0)).loss == pytest.approx([net.loss(X, Y)] * 2, rel=1e-14)


@pytest.mark.parametrize("optimizer, theta", [(SGD(1e308), 1.0), (SGD(0, weight_decay=10.0), 1e308)], ids=["overflow", "0 times infinity"])
def test_a_step_that_leaves_the_range_is_an_error_and_no_warning(optimizer, theta):
    with pytest.raises(DivergedError, match="^W1 is no longer finite after a step"):
        optimizer.step({"W1": np.array([[theta]])}, {"W1": np.array([[100.0]])})


@pytest.mark.parametrize("theta, words", [
    ([[1.0]], r"^parameters\['W1'\] must be an array of floats"), (np.array([[1]]), r"^parameters\['W1'\] must be an array of floats"),
    (np.array([[np.nan]]), r"^parameters\['W1'\] must be finite"),
    (np.broadcast_to(1.0, (1, 1)), r"^parameters\['W1'\] must be an array of floats that can be changed in place")])
def test_unfit_parameters_of_a_step_are_refused(theta, words):
    with pytest.raises(ValueError, match=words):
        SGD(0.1).step({"W1": theta}, {"W1": np.array([[1.0]])})
    for names in ("parameters", "gradients"):
        with pytest.raises(ValueError, match=f"^{names} must be a dictionary of arrays, but is 3"):
            SGD(0.1).step(**{"parameters": {}, "gradients": {}, names: 3})


def test_a_rate_falls_to_0_if_nothing_is_said():
    assert falling(0.5)(1.0) == 0
    assert falling(sys.float_info.max)(0.0) == sys.float_info.max  # and not twice that, halved


@pytest.mark.parametrize("change, words", [
    ({"network": 3}, r"^network must be a nnlib\.Network, but is 3"), ({"change": 3}, "^change must be a function, but is 3"),
    ({"validation": 3}, r"^validation must be a pair \(X, Y\), but is 3"), ({"validation": (1, 2, 3)}, "^validation must be a pair .*, but holds 3 parts"),
    ({"change": lambda batch, _: batch[:1]}, r"^change must return 2 samples, but returned shape \(1, 4\)")])
def test_unfit_arguments_of_a_run_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        run(**({"net": dense_network([4, 2], rng())} | GOOD | {("net" if key == "network" else key): value for key, value in change.items()}))


@pytest.mark.parametrize("missing", ["restart", "rate", "step"])
def test_an_optimizer_has_three_methods(missing):
    half = type("Half", (), {name: lambda *_: 0.1 for name in {"restart", "rate", "step"} - {missing}})()
    with pytest.raises(ValueError, match=f"^optimizer.{missing} must be a function, but is None"):
        run(dense_network([4, 2], rng()), **GOOD, optimizer=half)


def test_soft_targets_stay_fractions():
    net, Y = dense_network([2, 2], rng(), dtype="float64"), [[0.5, 0.5], [0.25, 0.75]]
    assert run(net, np.eye(2), Y, epochs=1, optimizer=SGD(0)).loss == [pytest.approx(net.loss(np.eye(2), Y), rel=1e-14)]


def test_a_run_shows_its_bar_if_nothing_is_said(capfd):
    train(dense_network([2, 2], rng()), np.eye(2), [0, 1], epochs=3, batch_size=2, optimizer=SGD(0.1), rng=rng())
    assert "3/3" in capfd.readouterr().err
