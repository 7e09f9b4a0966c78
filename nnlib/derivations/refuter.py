"""The refuter: looks for numbers at which two sides differ.

It shares nothing with the prover but the tree itself.  Both sides are evaluated at 50
digits on random finite instances: sizes 0 to 3, data with many exact zeros and negative
numbers.  Derivatives are taken by complex step, x + ih with h = 1e-300, from both sides,
so that a kink or a jump is noticed and counts as undefined.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from mpmath import MPContext

from . import language as lang
from .language import Array, Expr

if TYPE_CHECKING:
    from .derivation import Condition

Number: TypeAlias = Any  # mpmath, which has no types: a real or a complex number
Place: TypeAlias = dict[lang.Index, int]
Read: TypeAlias = "Callable[[World, Any, Place], Number]"
Key: TypeAlias = tuple[str, tuple[int, ...]]

mp = MPContext()
mp.dps = 50
H = mp.mpf(10) ** -300
CLOSE = mp.mpf(10) ** -30
ZERO, ONE = mp.mpf(0), mp.mpf(1)


class Undefined(Exception):
    """An expression has no value here: division by zero, log of no positive number, a kink."""


class World:
    """One finite instance: sizes, and numbers for all data, drawn when first asked for."""

    def __init__(self, seed: object, sizes: dict[str, int], parent: World | None = None) -> None:
        self.seed, self.sizes, self.parent = seed, sizes, parent
        self.data: dict[Key, Number] = parent.data if parent else {}
        self.drawn: dict[tuple[object, ...], Number] = parent.drawn if parent else {}
        self.cut: dict[Key, Number] = dict(parent.cut) if parent else {}      # (array, index) -> a perturbed value
        self.fixed: set[str] = set(parent.fixed) if parent else set()  # defined arrays read as data
        self.memo: dict[Any, Number] = {}
        self.touched: set[tuple[Array, Key]] = set()
        self.shapes: dict[Expr, int] = parent.shapes if parent else {}      # sizes that were asked for before

    def draw(self, *name: object) -> Number:
        """A reproducible random number for a name: often 0, often negative."""
        if name not in self.drawn:
            rng = random.Random(repr((self.seed, *name)))
            self.drawn[name] = mp.mpf(0) if rng.random() < 0.2 else mp.mpf(rng.randint(-12, 12)) / 7
        return self.drawn[name]

    def size(self, e: Expr) -> int:
        if e not in self.shapes:
            self.shapes[e] = int(self.value(e, {}))
        return self.shapes[e]

    # --- entries ---

    def entry(self, array: Array, index: tuple[int, ...]) -> Number:
        shape = [self.size(n) for n in array.shape]
        if any(not 1 <= i <= n for i, n in zip(index, shape)):
            return mp.mpf(0)
        key = (array.name, index)
        if key in self.cut:
            return self.cut[key]
        if array.name in self.fixed and self.parent:
            return self.parent.entry(array, index)
        if key not in self.memo:
            if array.definition:
                params, body = array.definition
                self.memo[key] = self.value(body, dict(zip(params, index)))
            elif array.depends is not None:
                self.memo[key] = self.unknown(array, index)
            else:
                return self.datum(array, key)
        return self.memo[key]

    def datum(self, array: Array, key: Key) -> Number:
        self.touched.add((array, key))
        if key not in self.data:
            if array.values is not None:
                rng = random.Random(repr((self.seed, key)))
                self.data[key] = mp.mpf(rng.randint(1, max(1, self.size(array.values))))
            else:
                self.data[key] = self.draw(*key)
        return self.data[key]

    def unknown(self, array: Array, index: tuple[int, ...]) -> Number:
        """An unknown smooth function of other arrays: here a random polynomial of their entries."""
        total, mixed = self.draw(array.name, index), mp.mpf(0)
        for other in array.depends or ():
            for at in product(*(range(1, self.size(n) + 1) for n in other.shape)):
                v, name = self.entry(other, at), (array.name, index, other.name, at)
                total += self.draw("a", *name) * v + self.draw("b", *name) * v * v
                mixed += (1 + self.draw("c", *name)) * v
        return total + mixed * mixed + mixed * mixed * mixed / 5

    def perturbed(self, array: Array, index: tuple[int, ...], h: Number) -> World:
        """A world in which one entry is h higher (and a defined array is read as data)."""
        world = World(self.seed, self.sizes, self)
        world.cut[array.name, index] = mp.mpc(self.entry(array, index)) + h
        if array.definition or array.depends is not None:
            world.fixed.add(array.name)
        return world

    # --- expressions ---

    def value(self, e: Expr, at: Place) -> Number:
        return READ[type(e)](self, e, at)

    def whole(self, e: Expr, at: Place) -> int:
        if isinstance(e, lang.Index):
            return at[e]
        v = self.value(e, at)
        if v != int(v):
            raise Undefined
        return int(v)

    def of_sum(self, e: lang.Sum, at: Place) -> Number:
        body, j = e.args
        total = mp.mpf(0)
        for n in range(1, self.size(j.size) + 1):
            total += self.value(body, {**at, j: n})
        return total

    def of_derivative(self, e: lang.D, at: Place) -> Number:
        if self.parent:
            raise Undefined("a derivative of a derivative")
        y, x = e.args
        array, index = x.args[0], tuple(self.whole(i, at) for i in x.args[1])
        if any(not 1 <= i <= self.size(n) for i, n in zip(index, array.shape)):
            return mp.mpf(0)
        key = (y, array.name, index, tuple((i, at[i]) for i in sorted(indices_in(y), key=repr)))
        if key not in self.memo:
            up = mp.mpc(self.perturbed(array, index, mp.mpc(0, H)).value(y, at))
            if has_kinks(y):
                down = mp.mpc(self.perturbed(array, index, mp.mpc(0, -H)).value(y, at))
                if not close(up.real, down.real) or not close(up.imag / H, -down.imag / H):
                    raise Undefined
            self.memo[key] = up.imag / H
        return self.memo[key]

    def of_function(self, e: lang.Fun, at: Place) -> Number:
        f, u = e.args[0], self.value(e.args[1], at)
        if f.definition:
            parameter, body = f.definition
            world = World(self.seed, self.sizes, self.parent)
            world.data, world.cut, world.fixed = self.data, {**self.cut}, set(self.fixed)
            world.cut[parameter.args[0].name, ()] = u
            return world.value(body, at)
        if f.opaque:                   # a random cubic polynomial
            c = [1 + self.draw(f.name.rstrip("'"), n) for n in range(4)]
            return c[0] + u * (c[1] + u * (c[2] + u * c[3] / 4)) if not f.order \
                else c[1] + u * (2 * c[2] + u * 3 * c[3] / 4)
        return BUILT_IN[f.name](u)

    def of_matrix_product(self, e: lang.MatrixProduct, at: Place) -> Number:
        ((first, turned), *rest), i, j = e.args
        row = self.whole(i, at)

        def left(r: int) -> Number:
            return self.entry(first, (r, row) if turned else (row, r))
        if not rest:
            return left(self.whole(j, at))
        total = mp.mpf(0)
        for r in range(1, self.size(first.shape[0 if turned else 1]) + 1):
            total += left(r) * self.value(lang.MatrixProduct(tuple(rest), lang.Num(r), j), at)
        return total


@lru_cache(maxsize=1000)
def has_kinks(y: Expr) -> bool:
    """True where a function with a kink or a jump occurs, also in definitions."""
    bodies = [y, *(a.definition[1] for a in lang.arrays_of(y).values() if a.definition)]
    functions = [n.args[0] for b in bodies for n in lang.walk(b) if isinstance(n, lang.Fun)]
    return any(f.name in ("relu", "step") or f.definition and has_kinks(f.definition[1]) for f in functions)


def close(a: Number, b: Number) -> bool:
    return abs(a - b) <= CLOSE * (1 + abs(a) + abs(b))


def parts(u: Number) -> tuple[Number, Number]:
    """Real and imaginary part: at a kink the second decides."""
    return (u.real, u.imag) if isinstance(u, mp.mpc) else (u, 0)


def logarithm(u: Number) -> Number:
    if parts(u)[0] <= 0:
        raise Undefined
    return mp.log(u)


BUILT_IN = {"exp": mp.exp, "log": logarithm, "tanh": mp.tanh,
            "relu": lambda u: u if parts(u) >= (0, 0) else mp.mpf(0),
            "step": lambda u: mp.mpf(parts(u) >= (0, 0))}


def quotient(a: Number, b: Number) -> Number:
    if abs(b) == 0:
        raise Undefined
    return a / b


def folded(operation: Callable[[Number, Number], Number], start: Number) -> Read:
    def read(world: World, e: Expr, at: Place) -> Number:
        total = start
        for a in e.args:
            total = operation(total, world.value(a, at))
        return total
    return read


@lru_cache(maxsize=1000)
def rational(q: Fraction) -> Number:
    return mp.mpf(q.numerator) / q.denominator


def power(world: World, e: lang.Pow, at: Place) -> Number:
    u, n = world.value(e.args[0], at), e.args[1]
    return u ** n if n >= 0 else quotient(mp.mpf(1), u ** -n)


READ: dict[type[Expr], Read] = {
    lang.Num: lambda w, e, at: rational(e.args[0]),
    lang.Size: lambda w, e, at: mp.mpf(w.sizes[e.args[0]]),
    lang.Index: lambda w, e, at: at[e],
    lang.Entry: lambda w, e, at: w.entry(e.args[0], tuple(w.whole(i, at) for i in e.args[1])),
    lang.Add: folded(lambda a, b: a + b, mp.mpf(0)),
    lang.Mul: folded(lambda a, b: a * b, mp.mpf(1)),
    lang.Neg: lambda w, e, at: -w.value(e.args[0], at),
    lang.Div: lambda w, e, at: quotient(w.value(e.args[0], at), w.value(e.args[1], at)),
    lang.Pow: power,
    lang.Delta: lambda w, e, at: ONE if w.value(e.args[0], at) == w.value(e.args[1], at) else ZERO,
    lang.Fun: World.of_function,
    lang.Sum: World.of_sum,
    lang.D: World.of_derivative,
    lang.MatrixProduct: World.of_matrix_product,
}


# --- the search ---------------------------------------------------------------

class Counterexample:
    """Sizes, values and the two numbers (None: undefined)."""

    def __init__(self, sizes: dict[str, int], indices: dict[str, int], values: dict[Key, Number], left: Number,
                 right: Number) -> None:
        self.sizes, self.indices, self.values, self.left, self.right = sizes, indices, values, left, right

    def __str__(self) -> str:
        def show(x: Number) -> str:
            return "undefined" if x is None else mp.nstr(x, 8)
        given = [f"{k} = {v}" for k, v in [*self.sizes.items(), *self.indices.items()]]
        for (name, index), v in sorted(self.values.items()):
            at = "[" + ", ".join(map(str, index)) + "]" if index else ""
            given.append(f"{name}{at} = {show(v)}")
        return f"left {show(self.left)}, right {show(self.right)}, at " + ", ".join(given)


def refute(a: Expr, b: Expr, hypotheses: Iterable[Condition] = (), assumptions: Iterable[Condition] = (),
           sides: Iterable[Condition] = (), sizes: Iterable[lang.Size] = (), wanted: int = 10,
           seed: int = 0) -> tuple[Counterexample | None, int]:
    """Return (counterexample or None, number of points at which both sides were compared)."""
    everything = [a, b, *sides_of(hypotheses), *sides_of(assumptions)]
    names = sorted({n for e in everything for n in sizes_of(e)} | set(sizes), key=lambda s: s.args[0])
    compared = instances = 0
    for attempt in range(12 * wanted):
        if instances >= wanted:
            break
        rng = random.Random(f"{seed} {attempt}")
        drawn = draw_sizes(names, rng)
        world = World((seed, attempt), drawn)
        if not all(settle(world, h, rng) for h in hypotheses):
            continue
        if not all(holds_everywhere(world, h) for h in hypotheses):
            continue
        points = [p for p in places(world, [a, b], rng) if all(holds(world, c, p) for c in (*assumptions, *sides))]
        instances += bool(points)
        for at in points:
            left, right = attempt_value(world, a, at), attempt_value(world, b, at)
            if left is None and right is None:
                continue
            compared += 1
            if left is None or right is None or not close(left, right):
                return explain(drawn, at, world, a, b, left, right), compared
    return None, compared


def draw_sizes(names: list[lang.Size], rng: random.Random) -> dict[str, int]:
    few = len(names) > 4          # many sizes: keep the product of all ranges small
    choices = (1, 2, 2) if few else (1, 2, 2, 3, 3)
    return {s.args[0]: max(s.args[2], 0 if rng.random() < 0.08 else rng.choice(choices)) for s in names}


def attempt_value(world: World, e: Expr, at: Place) -> Number:
    try:
        return mp.mpf(world.value(e, at).real)
    except Undefined:
        return None


def explain(drawn: dict[str, int], at: Place, world: World, a: Expr, b: Expr, left: Number,
            right: Number) -> Counterexample:
    seen = World(world.seed, drawn)
    seen.data = world.data
    for e in (a, b):
        attempt_value(seen, e, at)
    values = {key: world.data[key] for key in world.data}
    return Counterexample(drawn, {i.args[0]: n for i, n in at.items()}, values, left, right)


def indices_in(e: Expr) -> set[lang.Index]:
    """Free indices, found by this module's own walk."""
    if isinstance(e, lang.Index):
        return {e}
    found = set()
    for c in lang.children(e):
        found |= indices_in(c)
    return found - {e.args[1]} if isinstance(e, lang.Sum) else found


def places(world: World, es: Iterable[Expr], rng: random.Random | None, most: int | None = 6) -> list[Place]:
    """Values for the free indices: all of them, or a few at random."""
    free = sorted(set().union(*map(indices_in, es)), key=lambda i: i.args[0])
    every = list(product(*(range(1, world.size(i.size) + 1) for i in free)))
    if most and rng and len(every) > most:
        every = rng.sample(every, most)
    return [dict(zip(free, p)) for p in every]


def sizes_of(e: Expr) -> set[lang.Size]:
    found, todo = set(), [e, *(b for x in lang.arrays_of(e).values() for b in
                               (*x.shape, *([x.definition[1]] if x.definition else [])))]
    for start in todo:
        for node in lang.walk(start):
            size = node.size if isinstance(node, lang.Index) else node
            found |= {n for n in lang.walk(size) if isinstance(n, lang.Size)}
    for x in lang.arrays_of(e).values():
        found |= {x.values} if isinstance(x.values, lang.Size) else set()
    return found


def sides_of(conditions: Iterable[Condition]) -> list[Expr]:
    return [e for c in conditions for e in (c.left, c.right) if e is not None]


def settle(world: World, h: Condition, rng: random.Random) -> bool:
    """Change one datum for each instance of an equation so that it holds."""
    for at in places(world, [h.left, h.right], rng, most=None):
        def gap() -> Number:
            world.memo.clear()
            return world.value(h.left, at) - world.value(h.right, at)
        world.touched.clear()
        try:
            gap()
            for _, key in sorted(world.touched, key=lambda t: rng.random()):
                before = world.data[key]
                world.data[key] = mp.mpf(0)
                low = gap()
                world.data[key] = mp.mpf(1)
                slope = gap() - low
                world.data[key] = -low / slope if slope else before
                if slope and close(gap(), 0):
                    break
        except Undefined:
            return False
    world.memo.clear()
    return True


def holds_everywhere(world: World, h: Condition) -> bool:
    for at in places(world, [h.left, h.right], None, most=None):
        left, right = attempt_value(world, h.left, at), attempt_value(world, h.right, at)
        if left is None or right is None or not close(left, right):
            return False
    return True


def holds(world: World, c: Condition, point: Place) -> bool:
    """True where an assumption or side condition holds for all values of its own indices."""
    own = [i for i in sorted(indices_in(c.left) | (indices_in(c.right) if c.right is not None else set()),
                             key=lambda i: i.args[0]) if i not in point]
    for rest in product(*(range(1, world.size(i.size) + 1) for i in own)):
        at = {**point, **dict(zip(own, rest))}
        left = attempt_value(world, c.left, at)
        right = attempt_value(world, c.right, at) if c.right is not None else mp.mpf(0)
        if left is None or right is None:
            return False
        if not {"positive": left > right, "negative": left < right, "nonzero": left != right,
                "distinct": left != right}[c.relation]:
            return False
    return True
