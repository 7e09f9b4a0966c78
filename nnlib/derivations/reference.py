"""The proved formula as a plain function of data: what the lock tests compare the code with.

`evaluator(lemma)` writes a Python function with one axis for each index.  Nothing
of the formula is changed on the way.  The array module is passed in (NumPy, say), so
that this package imports none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from .derivation import Lemma
from .language import (Add, Array, D, Delta, Div, Entry, Expr, Fun, Func, Index, MatrixProduct, Mul, Neg, Num, Pow,
                       Size, Sum, check, check_all, children, exp, free_indices, log, relu, step, tanh, told)


class Reference:
    """A formula with its free indices in a stated order: the axes of the result."""

    def __init__(self, e: Expr, indices: Iterable[Index] | None = None) -> None:
        self.e = e
        self.indices = tuple(indices) if indices is not None else \
            tuple(sorted(free_indices(e), key=lambda i: i.args[0]))
        if set(self.indices) != free_indices(e) or len(set(self.indices)) < len(self.indices):
            raise ValueError(f"the free indices are {sorted(map(repr, free_indices(e)))}, "
                             f"but {told(self.indices)} came")

    def __call__(self, xp: Any, sizes: Mapping[str, int], **data: Any) -> Any:
        """Return the values for all free indices; `data` holds the arrays by name, unknown functions too."""
        if not hasattr(xp, "broadcast_to"):
            raise TypeError(f"xp: a module of arrays is expected, such as numpy, but {told(xp)} came")
        for n in check(sizes, Mapping, "sizes: a dict {name: number} is expected").values():
            if not isinstance(n, Integral) or isinstance(n, bool) or not 0 <= int(n) <= 10**9:
                raise ValueError(f"sizes: whole numbers from 0 to 10**9 are expected, but {told(n)} came")
        return Run(xp, sizes, data, len(self.indices) + depth(self.e), set()).all_of(self.e, self.indices).copy()


def depth(e: Expr) -> int:
    """How many sums are nested, definitions aside (they are evaluated on their own)."""
    below = max([0, *map(depth, children(e))])
    if isinstance(e, Fun) and e.args[0].definition:
        below += depth(e.args[0].definition[1])
    return below + (1 if isinstance(e, Sum) else len(e.args[0]) - 1 if isinstance(e, MatrixProduct) else 0)


class Run:
    """One evaluation: every value is an array of `rank` axes, broadcast as needed."""

    def __init__(self, xp: Any, sizes: Mapping[str, int], data: dict[str, Any], rank: int, made: set[str]) -> None:
        self.xp, self.sizes, self.data, self.rank = xp, sizes, data, rank
        self.made = made        # the names of those data that were computed here

    def all_of(self, e: Expr, indices: Sequence[Index]) -> Any:
        at: dict[Expr, Any] = {i: self.axis(n, i) for n, i in enumerate(indices)}
        value = self.value(e, at, len(indices))
        shape = [self.size(i.size) for i in indices]
        full = self.xp.broadcast_to(value, (*shape, *[1] * (self.rank - len(shape))))
        return full.reshape(shape)

    def size(self, e: Expr) -> int:
        if not isinstance(e, Size):
            return int(self.value(e, {}, 0))
        if e.args[0] not in self.sizes:
            raise KeyError(f"sizes: a number is expected for {e}, but {told(self.sizes)} came")
        if self.sizes[e.args[0]] < e.args[2]:
            raise ValueError(f"the size {e} is at least {e.args[2]}, but {self.sizes[e.args[0]]} came")
        return self.sizes[e.args[0]]

    def given(self, a: Array) -> Any:
        """The data for an array, or an error: finite numbers of its shape, whole ones within its values."""
        try:
            found = self.xp.asarray(self.data[a.name])
        except ValueError:                         # rows of different lengths
            raise ValueError(f"{a.name} must be an array of numbers, but {told(self.data[a.name])} came") from None
        if found.dtype.kind not in "biuf" or not self.xp.isfinite(found).all():
            raise ValueError(f"{a.name} must be an array of finite numbers, but {told(self.data[a.name])} came")
        wanted = tuple(self.size(n) for n in a.shape)
        # outside of it the entries count as 0, so that an array too short would pass
        if found.shape != wanted:
            raise ValueError(f"{a.name} must have shape {wanted}, but has shape {found.shape}")
        if a.values is None:
            return found if found.dtype.kind == "f" else found.astype(float)      # small whole numbers overflow
        if found.dtype.kind not in "iu" or ((found < 1) | (found > self.size(a.values))).any():
            raise ValueError(f"{a.name} must hold whole numbers from 1 to {self.size(a.values)}, "
                             f"but {told(self.data[a.name])} came")
        return found

    def axis(self, n: int, i: Index) -> Any:
        """1, ..., size along axis n."""
        shape = [1] * self.rank
        shape[n] = self.size(i.size)
        return self.xp.arange(1, shape[n] + 1).reshape(shape)

    def array(self, a: Array) -> Any:
        """The values of an array: given, or by its definition, once."""
        if a.name not in self.data:
            if not a.definition or isinstance(a.definition[1], D):
                raise KeyError(f"no data for {a.name}")
            params, body = a.definition
            run = Run(self.xp, self.sizes, self.data, len(params) + depth(body), self.made)
            self.data[a.name] = run.all_of(body, params)
            self.made.add(a.name)
        return self.xp.asarray(self.data[a.name]) if a.name in self.made else self.given(a)

    def value(self, e: Expr, at: dict[Expr, Any], free: int) -> Any:
        """The value of e; axes from `free` on are not in use yet."""
        xp, kind = self.xp, type(e)
        if kind is Sum:
            body, j = e.args
            inner = self.value(body, {**at, j: self.axis(free, j)}, free + 1)
            shape = xp.broadcast_shapes(xp.shape(inner), self.axis(free, j).shape)
            return xp.sum(xp.broadcast_to(inner, shape), axis=free, keepdims=True)
        if kind is Entry:
            return self.entry(e.args[0], [self.value(i, at, free) for i in e.args[1]])
        if isinstance(e, MatrixProduct):
            return self.matrix_product(e, at)
        if kind is Index:
            return at[e]
        if kind is Size:
            return self.size(e)
        if kind is Num:
            q = e.args[0]
            return int(q) if q.denominator == 1 else q.numerator / q.denominator
        if kind is Fun:
            return self.function(e.args[0], e.args[1], at, free)
        if kind is Pow:
            base, n = self.value(e.args[0], at, free), e.args[1]
            return base ** n if n >= 0 else 1.0 / base ** -n
        values = [self.value(c, at, free) for c in children(e)]
        if kind is Neg:
            return -values[0]
        if kind is Delta:
            return xp.equal(*values) * 1.0
        if kind is Div:
            return values[0] / values[1]
        total = values[0]
        for v in values[1:]:
            total = total + v if kind is Add else total * v
        if kind not in (Add, Mul):
            raise TypeError(f"{kind.__name__} has no value: give it a name and pass its numbers")
        return total

    def entry(self, array: Array, indices: list[Any]) -> Any:
        """Entries by index arrays; 0 outside the shape."""
        xp, data = self.xp, self.array(array)
        if not indices:
            return data
        shape = data.shape
        if 0 in shape:
            return xp.zeros(xp.broadcast_shapes(*[xp.shape(i) for i in indices]))
        inside, places = True, []
        for i, n in zip(indices, shape):
            inside = inside & (i >= 1) & (i <= n)
            places.append(xp.clip(i, 1, n) - 1)
        return xp.where(inside, data[tuple(places)], 0)

    def matrix_product(self, e: MatrixProduct, at: dict[Expr, Any]) -> Any:
        xp, (pairs, i, j) = self.xp, e.args
        total: Any = None
        for a, turned in pairs:
            data = self.array(a).T if turned else self.array(a)
            total = data if total is None else total @ data
        if 0 in total.shape:
            return xp.zeros(xp.broadcast_shapes(at[i].shape, at[j].shape))
        return total[at[i] - 1, at[j] - 1]

    def function(self, f: Func, u: Expr, at: dict[Expr, Any], free: int) -> Any:
        xp = self.xp
        if f.definition:
            parameter, body = f.definition
            name = parameter.args[0].name
            data = {**self.data, name: self.value(u, at, free)}
            return Run(xp, self.sizes, data, self.rank, {*self.made, name}).value(body, at, free)
        value = self.value(u, at, free)
        if f is relu:
            return xp.maximum(value, 0)
        if f is step:
            return xp.where(value >= 0, 1.0, 0.0)
        if f in (exp, log, tanh):
            return getattr(xp, f.name)(value)
        if not callable(self.data.get(f.name)):    # an opaque function is passed in by name
            raise KeyError(f"a function is expected for {f.name}, but {told(self.data.get(f.name))} came")
        return self.data[f.name](value)


def evaluator(e: Expr | Lemma, indices: Iterable[Index] | None = None) -> Reference:
    """Return a callable `f(xp, sizes, **data)` for a formula or the right side of a lemma.

    Raises ValueError where an array has not the shape that it was declared with, or holds other than finite
    numbers (or, declared with `values`, other than whole ones from 1 to these), and KeyError where one, or a
    size, is missing.

    >>> import numpy as np
    >>> from nnlib.derivations import THEOREMS
    >>> sigma = evaluator(THEOREMS["sigmoid_backward"].build())
    >>> sigma(np, {}, z=0.0).round(3)
    np.float64(0.25)
    """
    e = e.right if isinstance(e, Lemma) else check(e, Expr, "a formula or a lemma is expected")
    if indices is not None:
        indices = check_all(indices, Index, "indices: a list of indices is expected")
    return Reference(e, indices)
