"""Stochastic gradient descent: draw a mini-batch, take its gradient, make a step; repeat."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self, TypeAlias

import numpy as np

from .checks import (
    all_finite,
    function,
    generator,
    instance,
    real,
    reals,
    trusted,
    whole,
)
from .in_place import Steps
from .kinds import Array, ArrayLike, Arrays, Labels, Loss
from .metrics import accuracy
from .network import Network

Rate: TypeAlias = Callable[[float], float]
Change: TypeAlias = Callable[[Array, np.random.Generator], ArrayLike]
GradientsOf: TypeAlias = Callable[[Array, Array | Labels, float], tuple[Loss, Arrays]]


class DivergedError(ArithmeticError):
    """The loss became infinite or not a number: the learning rate was too large.

    >>> theta = {"W1": np.array([[3.0]])}
    >>> SGD(1e300).step(theta, {"W1": np.array([[1e300]])})
    Traceback (most recent call last):
    nnlib.training.DivergedError: W1 is no longer finite after a step with the learning rate 1e+300
    """


class SGD:
    """Gradient descent with optional momentum, weight decay and a falling rate.

    One step is v := μ v + (dθ + λ θ), θ := θ − η v, with η = `learning_rate`, μ = `momentum`,
    λ = `weight_decay` (on weights, not on biases). `learning_rate` is a number, or a function of
    the part of the run that is done, from 0 to 1. Source: S0-44, S1-19, S2-77, S4-18, S4-23;
    momentum: Polyak, Some methods of speeding up the convergence of iteration methods, 1964.

    >>> theta = {"W1": np.array([[1.0]])}
    >>> SGD(0.1).step(theta, {"W1": np.array([[2.0]])})
    >>> theta
    {'W1': array([[0.8]])}
    """

    def __init__(self, learning_rate: float | Rate, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        if not callable(learning_rate):
            real("learning_rate", learning_rate)
        self.learning_rate = learning_rate
        self.momentum = real("momentum", momentum, below=1)
        self.weight_decay = real("weight_decay", weight_decay)
        self._velocity: Arrays = {}

    def restart(self) -> None:
        """Forget the velocity that the momentum has gathered.

        >>> theta, optimizer = {"b": np.array([0.0])}, SGD(1.0, momentum=0.5)
        >>> optimizer.step(theta, {"b": [1.0]})
        >>> optimizer.restart()
        >>> optimizer.step(theta, {"b": [1.0]})
        >>> theta  # with the velocity it would be −2.5
        {'b': array([-2.])}
        """
        self._velocity = {}

    def rate(self, done: float) -> float:
        """Return the learning rate when the part `done` of the run, from 0 to 1, is behind us.

        >>> SGD(0.1).rate(0.5), SGD(lambda done: 1 - done).rate(0.25)
        (0.1, 0.75)
        """
        real("done", done)
        if not callable(self.learning_rate):
            return self.learning_rate
        return real("the result of learning_rate", self.learning_rate(done))

    def step(self, parameters: Arrays, gradients: Mapping[str, ArrayLike], done: float = 0.0) -> None:
        """Change the arrays of `parameters` in place, by one step against `gradients`.

        Raises ValueError for unfit gradients, before anything is changed, and DivergedError where a
        parameter is no longer finite.

        >>> theta, optimizer = {"b": np.array([0.0])}, SGD(1.0, momentum=0.5)
        >>> optimizer.step(theta, {"b": [1.0]})
        >>> optimizer.step(theta, {"b": [1.0]})
        >>> theta  # −1 − (0.5 · 1 + 1)
        {'b': array([-2.5])}
        """
        gradients, rate = _checked_gradients(parameters, gradients), self.rate(done)
        with np.errstate(over="ignore", invalid="ignore"):
            self._step(parameters, gradients, rate)
        for name, theta in parameters.items():
            if not all_finite(theta):
                raise DivergedError(f"{name} is no longer finite after a step with the learning rate {rate:.3g}")

    def _step(self, parameters: Arrays, gradients: Arrays, rate: float) -> None:
        for name, theta in parameters.items():
            d = gradients[name]
            decay = self.weight_decay if name.startswith("W") else 0
            if self.momentum and name not in self._velocity:
                self._velocity[name] = np.zeros_like(theta)
            v = self._velocity[name] if self.momentum else None
            for part in _blocks(theta):
                step = d[part] + decay * theta[part] if decay else d[part]
                if v is not None:
                    v[part] *= self.momentum
                    v[part] += step
                    step = v[part]
                theta[part] -= rate * step

    def step_in_place(self, parameters: Arrays, gradients: Arrays, done: float = 0.0) -> None:
        """Do the same as `step`, without a check and without new arrays: `gradients` are overwritten.

        >>> theta, gradients = {"b": np.array([3.0])}, {"b": np.array([2.0])}
        >>> SGD(0.5).step_in_place(theta, gradients)
        >>> theta, gradients
        ({'b': array([2.])}, {'b': array([1.])})
        """
        rate = self.rate(done)
        for name, theta in parameters.items():
            d = gradients[name]
            if self.weight_decay and name.startswith("W"):
                d += self.weight_decay * theta
            if self.momentum:
                if name not in self._velocity:
                    self._velocity[name] = np.zeros_like(theta)
                v = self._velocity[name]
                np.multiply(v, self.momentum, out=v)
                np.add(v, d, out=v)
            np.multiply(v if self.momentum else d, rate, out=d)
            np.subtract(theta, d, out=theta)


def _checked_gradients(parameters: Arrays, gradients: Mapping[str, ArrayLike]) -> Arrays:
    for name, arrays in (("parameters", parameters), ("gradients", gradients)):
        instance(name, arrays, dict, "a dictionary of arrays")
    if set(gradients) != set(parameters):
        raise ValueError(f"gradients must be named {sorted(parameters, key=str)}, "
                         f"but are named {sorted(gradients, key=str)}")
    for name, theta in parameters.items():
        if not isinstance(theta, np.ndarray) or theta.dtype.kind != "f" or not theta.flags.writeable:
            raise ValueError(f"parameters[{name!r}] must be an array of floats that can be changed in place, "
                             f"but is {theta!r}")
        reals(f"parameters[{name!r}]", theta)
    return {name: reals(f"gradients[{name!r}]", gradients[name], shape=theta.shape)
            for name, theta in parameters.items()}


def _blocks(array: Array, entries: int = 2**14) -> Iterator[slice]:
    """Yield slices along the first axis, so small that the passes over a block stay in the cache."""
    rows = max(1, entries * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)


def falling(start: float, end: float = 0.0) -> Rate:
    """Return a learning rate that falls along half a cosine wave from `start` to `end`.

    Source: Loshchilov and Hutter, SGDR, ICLR 2017.

    >>> rate = falling(0.1)
    >>> [round(rate(done), 3) for done in (0.0, 0.5, 1.0)]
    [0.1, 0.05, 0.0]
    """
    start, end = real("start", start), real("end", end)
    return lambda done: float(end + (start - end) * ((1 + np.cos(np.pi * real("done", done))) / 2))


def minibatches(m: int, batch_size: int, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield the indices 0 … m − 1 in random order, `batch_size` at a time, the last maybe fewer.

    Source: S4-23.

    >>> [len(batch) for batch in minibatches(5, 2, np.random.default_rng(0))]
    [2, 2, 1]
    """
    order = generator("rng", rng).permutation(whole("m", m))
    for start in range(0, m, whole("batch_size", batch_size)):
        yield order[start:start + batch_size]


@dataclass
class History:
    """What a training run saw, one entry per epoch.

    `loss` is the mean loss of the batches as they were trained on; `validation_loss` and
    `validation_accuracy` (None for regression) stay empty without a validation set. `seconds` counts
    from the beginning of the run; `best_epoch` is that of the lowest validation loss, with `patience`.

    >>> History(loss=[2.0, 1.0]).best_epoch is None
    True
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float | None] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None


def train(network: Network, X: ArrayLike, Y: ArrayLike, *, epochs: int, batch_size: int, optimizer: SGD,
          rng: np.random.Generator, validation: tuple[ArrayLike, ArrayLike] | None = None, patience: int | None = None,
          change: Change | None = None, progress: bool = True) -> History:
    """Train `network` in place and return its History.

    X holds m samples, Y their labels or targets; `batch_size` samples make a step, `epochs` times
    through the data. `validation` is a pair (X, Y) that is only looked at; with `patience` the run
    stops after that many epochs without a lower validation loss, and the parameters of the best
    epoch are kept. `change(X_batch, rng)` may replace each batch, `progress` shows a bar.
    Raises ValueError for unfit data, before the first step, and DivergedError where the loss is no
    longer finite. Source: S0-45, S1-27, S2-77, S4-23.

    >>> from nnlib import dense_network
    >>> net = dense_network([2, 3, 2], np.random.default_rng(0))
    >>> history = train(net, np.eye(2), np.array([0, 1]), epochs=3, batch_size=1,
    ...                 optimizer=SGD(0.1), rng=np.random.default_rng(1), progress=False)
    >>> len(history.loss)
    3
    """
    epochs, batch_size = whole("epochs", epochs), whole("batch_size", batch_size)
    generator("rng", rng), instance("network", network, Network, "a nnlib.Network")
    for name in ("restart", "rate", "step"):
        function(f"optimizer.{name}", getattr(optimizer, name, None))
    if change is not None:
        function("change", change)
    if patience is not None and validation is None:
        raise ValueError("patience needs a validation set, but validation is None")
    if patience is not None:
        whole("patience", patience)
    X, Y = _at_the_door(network, "", X, Y)
    if validation is not None:
        if len(instance("validation", validation, (tuple, list), "a pair (X, Y)")) != 2:
            raise ValueError(f"validation must be a pair (X, Y), but holds {len(validation)} parts")
        validation = _at_the_door(network, "validation ", *validation)
    history, best = History(), None
    optimizer.restart()
    steps = epochs * -(-len(X) // batch_size)
    with _bar(steps, progress) as bar, trusted():
        for epoch in range(epochs):
            history.loss.append(_epoch(network, X, Y, batch_size, optimizer, rng, change, bar, steps))
            history.seconds.append(perf_counter() - bar.started)
            if validation is None:
                continue
            _validate(network, *validation, history)
            if not np.isfinite(history.validation_loss[-1]):
                raise DivergedError(f"the validation loss became {history.validation_loss[-1]} "
                                    f"after step {bar.n} of {steps}")
            bar.set_postfix_str(f"validation loss {history.validation_loss[-1]:.4f}")
            if patience is not None:
                lowest = history.best_epoch = history.validation_loss.index(min(history.validation_loss))
                if lowest == epoch:
                    best = {name: array.copy() for name, array in network.parameters.items()}
                if epoch - lowest >= patience:
                    break
    if best is not None:
        network.parameters = best
    return history


def _at_the_door(network: Network, which: str, X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
    X, numbers_of_Y = reals(f"{which}X", X), reals(f"{which}Y", Y)
    if X.ndim == 0 or X.shape[:1] != numbers_of_Y.shape[:1]:
        raise ValueError(f"{which}X and Y must hold as many samples, but have shapes "
                         f"{X.shape} and {numbers_of_Y.shape}")
    Y = np.asarray(Y)  # labels stay integers
    one = network.logits(X[:1])  # refuses samples that the network cannot take
    try:
        network.loss_of_logits(np.zeros((len(X), *one.shape[1:]), one.dtype), Y)  # and every label
    except ValueError as error:
        raise ValueError(f"{which}{error}") from None
    # NumPy can index with unsigned labels, and not add them to an index
    return X, Y.astype(np.int64) if Y.dtype.kind == "u" and network.output == "softmax" else Y


def _epoch(network: Network, X: Array, Y: Array, batch_size: int, optimizer: SGD, rng: np.random.Generator,
           change: Change | None, bar: _NoBar, steps: int) -> float:
    total, parameters, gradients_of = 0.0, network.parameters, _gradients_of(network)
    plain = type(optimizer) is SGD and not optimizer.momentum and not optimizer.weight_decay
    batch_of = gradients_of.batch if isinstance(gradients_of, Steps) else lambda X, index: X[index]
    for batch in minibatches(len(X), batch_size, rng):
        if change is None:
            X_batch = batch_of(X, batch)
        else:
            X_batch = reals("the changed X", change(X[batch], rng))
            if X_batch.shape[:1] != batch.shape:
                raise ValueError(f"change must return {len(batch)} samples, but returned shape {X_batch.shape}")
        done = bar.n / steps
        # a plain step is θ − η dθ: η goes into the error of the last layer, and no pass is spent on it
        loss, gradients = gradients_of(X_batch, Y[batch], optimizer.rate(done) if plain else 1.0)
        if not np.isfinite(loss):
            if change is not None and not all_finite(X_batch):
                raise ValueError(f"change must return finite numbers, but at step {bar.n + 1} some are not")
            raise DivergedError(f"the loss became {loss} at step {bar.n + 1} of {steps}: "
                                f"try a learning rate below {optimizer.rate(done):.3g}")
        if plain:
            for name, theta in parameters.items():
                np.subtract(theta, gradients[name], out=theta)
        elif type(optimizer) is SGD:
            optimizer.step_in_place(parameters, gradients, done)
        else:
            optimizer.step(parameters, gradients, done)
        total += float(loss) * len(batch)
        bar.update()
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise DivergedError(f"{name} is no longer finite after step {bar.n} of {steps}")
    return total / len(X)


def _gradients_of(network: Network) -> GradientsOf:
    if type(network).gradients is Network.gradients:
        return Steps(network)

    def scaled(X: Array, Y: Array | Labels, scale: float) -> tuple[Loss, Arrays]:  # a network with a way of its own
        loss, gradients = network.gradients(X, Y)
        return loss, {name: scale * d for name, d in gradients.items()}
    return scaled


def _validate(network: Network, X: Array, Y: Array, history: History) -> None:
    loss, right, size = 0.0, 0.0, 4096  # in blocks, so that memory does not grow with the set
    for start in range(0, len(X), size):
        A, B = X[start:start + size], Y[start:start + size]
        loss += float(network.loss(A, B, "sum"))
        predicted = network.predict(A)
        if network.output == "softmax":
            right += accuracy(predicted, B) * len(A)
        elif network.output == "sigmoid":
            right += float((predicted == B.reshape(predicted.shape)).mean()) * len(A)
    history.validation_loss.append(loss / len(X))
    history.validation_accuracy.append(None if network.output == "identity" else right / len(X))


class _NoBar:
    """Stands in for tqdm's bar: it counts, and shows nothing."""

    n = 0

    def __enter__(self) -> Self:
        self.started = perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self) -> None:
        self.n += 1

    def set_postfix_str(self, text: str) -> None:
        pass


def _bar(steps: int, progress: bool) -> _NoBar:
    if not progress:
        return _NoBar()
    from tqdm.auto import tqdm  # here, so that importing nnlib needs NumPy alone
    bar = tqdm(total=steps, unit="step")
    bar.started = perf_counter()
    return bar
