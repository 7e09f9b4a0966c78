"""SymPy's opinion: a theorem at small sizes, differentiated and compared by SymPy alone.

The kernel proves a theorem for all sizes; here its two ends are written out for given numbers of
samples, inputs and classes, SymPy takes the derivatives, and SymPy says whether the difference is
zero. Nothing of the prover or the refuter takes part. An unknown smooth function L of an array Y is
written as Σ G_i Y_i with unknown numbers G, which has the same first derivatives.

>>> from nnlib.derivations import THEOREMS
>>> sympy_agrees(THEOREMS["softmax"].build(), {"K": 3})
True
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import sympy

from .derivation import Condition, Lemma
from .language import (Add, Array, D, Delta, Div, Entry, Expr, Fun, Func, Index, MatrixProduct, Mul, Neg, Num, Pow,
                       Size, Sum, children, free_indices, walk)

NUMBERS: dict[type[Expr], Any] = {
    Neg: lambda a: -a, Div: lambda a, b: a / b, Add: lambda *a: sympy.Add(*a), Mul: lambda *a: sympy.Mul(*a),
    Delta: lambda a, b: sympy.Integer(a == b)}
FUNCTIONS: dict[str, Any] = {"exp": sympy.exp, "log": sympy.log, "tanh": sympy.tanh,
             # both as cases, or SymPy takes its own value at the kink: Max gives ReLU′(0) = ½
             "relu": lambda u: sympy.Piecewise((0, u < 0), (u, True)),
             "step": lambda u: sympy.Piecewise((0, u < 0), (1, True))}


class Written:
    """Expressions of the language written out for SymPy, at sizes given as {name: number}."""

    def __init__(self, sizes: dict[str, int], assumptions: Iterable[Condition] = ()) -> None:
        self.sizes = sizes
        self.signs = {c.left.args[0].name: {c.relation: True} for c in assumptions
                      if c.relation in ("positive", "negative", "nonzero") and isinstance(c.left, Entry)}

    def size(self, e: Expr) -> int:
        return int(self.value(e, {}, ()))

    def value(self, e: Expr, at: dict[Expr, Any], given: tuple[str, ...]) -> Any:
        """The value of e with indices `at`; the arrays named in `given` count as data."""
        kind = type(e)
        if kind is Num:
            return sympy.Rational(e.args[0].numerator, e.args[0].denominator)
        if kind is Size:
            return sympy.Integer(self.sizes[e.args[0]])
        if kind is Index:
            return at[e]
        if kind is Entry:
            return self.entry(e.args[0], [int(self.value(i, at, given)) for i in e.args[1]], given)
        if kind is Sum:
            body, j = e.args
            return sympy.Add(*[self.value(body, at | {j: sympy.Integer(n)}, given)
                               for n in range(1, self.size(j.size) + 1)])
        if kind is D:
            y, x = e.args
            place = [int(self.value(i, at, given)) for i in x.args[1]]
            below = (*given, x.args[0].name)  # y is read as a function of this array
            by = self.entry(x.args[0], place, below)
            slope = sympy.diff(self.value(y, at, below), by) if by.is_Symbol else sympy.Integer(0)
            return self.put_back(slope, x.args[0], given)
        if isinstance(e, MatrixProduct):
            return self.matrix_product(e, at, given)
        if kind is Pow:
            return self.value(e.args[0], at, given) ** e.args[1]
        if kind is Fun:
            return self.function(e.args[0], self.value(e.args[1], at, given), at, given)
        return NUMBERS[kind](*[self.value(c, at, given) for c in children(e)])

    def put_back(self, slope: Any, array: Array, given: tuple[str, ...]) -> Any:
        """A derivative by a defined array, at the values that this array has."""
        if not array.definition or array.name in given:
            return slope
        everywhere = product(*[range(1, self.size(n) + 1) for n in array.shape])
        return slope.subs({self.entry(array, at, (*given, array.name)): self.entry(array, at, given)
                           for at in everywhere}, simultaneous=True)

    def entry(self, array: Array, place: Sequence[int], given: tuple[str, ...]) -> Any:
        if any(not 1 <= i <= self.size(n) for i, n in zip(place, array.shape)):
            return sympy.Integer(0)
        if array.values is not None:  # labels: some whole number in the range
            return sympy.Integer(1 + sum(place) % self.size(array.values))
        if array.name not in given and array.definition:
            indices, body = array.definition
            return self.value(body, dict(zip(indices, map(sympy.Integer, place))), given)
        if array.name not in given and array.depends:
            return sympy.Add(*[
                sympy.Symbol("_".join(map(str, ("d", array.name, *place, y.name, *at))), real=True)
                * self.entry(y, at, given)
                for y in array.depends for at in product(*[range(1, self.size(n) + 1) for n in y.shape])])
        signs = self.signs.get(array.name, {"real": True})
        return sympy.Symbol("_".join(map(str, (array.name, *place))), **signs | {"real": True})

    def matrix_product(self, e: MatrixProduct, at: dict[Expr, Any], given: tuple[str, ...]) -> Any:
        pairs, i, j = e.args
        total: Any = None
        for a, turned in pairs:
            rows, columns = map(self.size, a.shape)
            M = sympy.Matrix(rows, columns, lambda r, c: self.entry(a, [r + 1, c + 1], given))
            M = M.T if turned else M
            total = M if total is None else total * M
        return total[int(self.value(i, at, given)) - 1, int(self.value(j, at, given)) - 1]

    def function(self, f: Func, u: Any, at: dict[Expr, Any], given: tuple[str, ...]) -> Any:
        if f.definition:
            parameter, body = f.definition
            inner = Written(self.sizes)
            hole = inner.entry(parameter.args[0], [], ())
            return inner.value(body, {}, ()).subs(hole, u)
        if f.name in FUNCTIONS:
            return FUNCTIONS[f.name](u)
        if f.order:
            return sympy.Function(f.name.rstrip("'"), real=True)(u).fdiff(1)
        return sympy.Function(f.name, real=True)(u)


def sympy_agrees(lemma: Lemma, sizes: dict[str, int]) -> bool:
    """Return whether SymPy finds both ends of the lemma equal at the sizes {name: number}.

    Every free index takes every value of its range. Hypotheses are used by solving each for one of
    its symbols. False means: not shown, which is not the same as refuted.
    """
    written = Written(sizes, lemma.assumptions)
    known: dict[Any, Any] = {}
    for c in lemma.hypotheses:
        for at in places(c.left, c.right, written):
            difference = written.value(c.left, at, ()) - written.value(c.right, at, ())
            gap = sympy.numer(sympy.together(difference.subs(known)))
            last = sorted(gap.free_symbols, key=str)[-1]
            value = sympy.solve(gap, last)[0]
            known = {symbol: e.subs(last, value) for symbol, e in known.items()} | {last: value}
    distinct = [(c.left, c.right) for c in lemma.assumptions if c.relation == "distinct"]
    for at in places(lemma.left, lemma.right, written):
        if any(at[k] == at[i] for k, i in distinct):
            continue
        gap = written.value(lemma.left, at, ()) - written.value(lemma.right, at, ())
        if not is_zero(gap.subs(known)):
            return False
    return True


def places(left: Expr, right: Expr, written: Written) -> Iterator[dict[Expr, Any]]:
    """All values of the free indices of an equation."""
    free = sorted(free_indices(left) | free_indices(right), key=str)
    for values in product(*[range(1, written.size(i.size) + 1) for i in free]):
        yield dict(zip(free, map(sympy.Integer, values)))


def is_zero(e: Any) -> bool:
    """True where SymPy can show that e is 0; undecided counts as False."""
    if sympy.expand(e) == 0:
        return True
    # e^x in terms of one positive symbol for each x makes rational functions of exponentials
    e = sympy.expand_power_exp(sympy.expand(e.rewrite(sympy.exp)))
    if sympy.simplify(sympy.together(e)) == 0:
        return True
    kinks = e.atoms(sympy.Piecewise)
    if len({x for p in kinks for x in p.free_symbols}) == 1:         # one number: above 0, below 0, and 0
        x, = {x for p in kinks for x in p.free_symbols}
        up = sympy.Symbol("up", positive=True)
        return all(is_zero(e.subs(x, value)) for value in (up, -up, sympy.Integer(0)))
    # x = log e_x with e_x > 0 makes the logarithms of sums of powers comparable
    logs = {x: sympy.log(sympy.Symbol(f"e_{x}", positive=True)) for x in e.free_symbols}
    return sympy.simplify(sympy.expand_log(sympy.simplify(e.subs(logs)))) == 0


def sizes_of(lemma: Lemma) -> list[str]:
    """The names of the sizes that a lemma speaks of."""
    return sorted({n.args[0] for s in lemma.theory.symbols.values() for n in
                   ([s] if isinstance(s, Size) else [x for d in getattr(s, "shape", ()) for x in walk(d)])
                   if isinstance(n, Size)})


def small_sizes(lemma: Lemma) -> dict[str, int]:
    """Sizes {name: number} at which SymPy is asked about a lemma: 2 each, for images some that fit together."""
    images = {"h": 3, "w": 2, "p": 2, "q": 1, "P": 1, "h'": 4, "w'": 4, "m": 1, "c": 2, "k": 2}
    names = sizes_of(lemma)
    return {n: images[n] if "h'" in names or "w'" in names else 2 for n in names}
