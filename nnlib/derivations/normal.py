"""The normal form in which the prover decides equality.

A *polynomial* is a dict {Term: coefficient}.  A `Term` is a set of bound indices and a
product of atoms with whole exponents: Σ_j e^{z_j} y_i is the term (j; e^{z_j}, y_i).
Whatever the commutative ring, finite sums, Kronecker deltas and the laws of exp and
log can make equal gets the same dict, or a difference that `vanishes`.

Bound indices get canonical names `$h.n`: h counts the levels of nesting, so that an
inner index can never capture an outer one; n is the least over all renamings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import count, permutations, product
from typing import Any, TypeAlias

from .language import (Add, Array, D, Delta, Div, Entry, Expr, Fun, Func, Index, MatrixProduct, Mul, Neg, Num, Pow,
                       Size, Sum, exp, log, relu, step)


class Undecided(Exception):
    """The prover meets something that it has no rule for."""


class Atom:
    """What the ring does not look into: `kind` and `data`; equal where the keys are equal."""

    def __init__(self, kind: str, *data: Any) -> None:
        self.kind, self.data = kind, data
        self.key = f"{kind}({';'.join(map(key_of, data))})"
        inner = [i for d in data for i in indices_of(d)]
        self.vars = frozenset(inner) | (frozenset(data[:1]) if kind == "idx" else frozenset())
        self.height = max([0] + [height_of(d) for d in data])

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Term:
    """Bound indices and a sorted tuple of (atom, exponent)."""

    def __init__(self, bound: tuple[Index, ...], factors: Iterable[Factor]) -> None:
        self.bound, self.factors = bound, tuple(sorted(factors, key=lambda f: f[0].key))
        names = ",".join(f"{b}:{b.size!r}" for b in bound)
        self.key = f"[{names}|" + "*".join(f"{a.key}^{n}" for a, n in self.factors) + "]"
        self.vars = frozenset().union(*(a.vars for a, _ in self.factors)) - frozenset(bound)
        self.height = max([0] + [a.height for a, _ in self.factors]) + (1 if bound else 0)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def key_of(d: object) -> str:
    if isinstance(d, dict):
        return "+".join(f"{d[t]}{t.key}" for t in ordered(d))
    if isinstance(d, tuple):
        return ",".join(map(key_of, d))
    if isinstance(d, Index):
        return f"{d}:{d.size!r}"
    if isinstance(d, Func):              # a declared function may bear the name of a built-in one
        return repr(d) if d.built_in else f"declared {d!r} {d.definition!r}"
    return d.key if isinstance(d, Atom) else repr(d)


def indices_of(d: object) -> list[Index]:
    if isinstance(d, dict):
        return [v for t in d for v in t.vars]
    if isinstance(d, tuple):
        return [v for x in d for v in indices_of(x)]
    return list(d.vars) if isinstance(d, Atom) else []


def height_of(d: object) -> int:
    if isinstance(d, dict):
        return max([0] + [t.height for t in d])
    if isinstance(d, tuple):
        return max([0] + [height_of(x) for x in d])
    return d.height if isinstance(d, Atom) else 0


def ordered(p: Poly) -> list[Term]:
    return sorted(p, key=lambda t: t.key)


Poly: TypeAlias = dict[Term, Fraction]
Factor: TypeAlias = tuple[Atom, int]
Powers: TypeAlias = dict[Atom, int]

ONE = Term((), ())


def number(c: Fraction | int) -> Poly:
    return {ONE: Fraction(c)} if c else {}


def atom(kind: str, *data: Any) -> Poly:
    return whole(Atom(kind, *data))


def plus(*ps: Poly) -> Poly:
    total: Poly = {}
    for p in ps:
        for t, c in p.items():
            total[t] = total.get(t, 0) + c
            if not total[t]:
                del total[t]
    return total


def scaled(p: Poly, c: Fraction | int) -> Poly:
    return {t: c * x for t, x in p.items()} if c else {}


def whole(a: Atom) -> Poly:
    """An atom as a polynomial."""
    return {Term((), [(a, 1)]): Fraction(1)}


def only_atom(p: Poly) -> Atom:
    (t, _), = p.items()
    return t.factors[0][0]


def minus(p: Poly, q: Poly) -> Poly:
    return plus(p, scaled(q, -1))


class Ring:
    """The rules.  `delta`: deltas may collapse; `keep`: sizes that should stay summed;
    `distinct`: pairs of indices known to differ; `positive`, `nonzero`: polynomials assumed so;
    `inhabited`: sizes known to be at least 1; `signs`: the rules cited for the sign of a number."""

    def __init__(self, delta: bool = False, keep: Iterable[Expr] = (), distinct: Iterable[tuple[Expr, Expr]] = (),
                 positive: Iterable[Expr] = (), nonzero: Iterable[Expr] = (), inhabited: Iterable[Expr] = (),
                 signs: Sequence[str] = ()) -> None:
        self.with_delta, self.delta = delta, False      # deltas collapse last: see `collapsed`
        self.keep, self.inhabited = frozenset(keep), frozenset(inhabited)
        self.names, self.signs = count(), signs
        self.positive_atoms: frozenset[str] = frozenset()
        self.nonzero: frozenset[str] = frozenset()
        self.distinct = {key_of(self.of(Add(i, Neg(j)))) for p in distinct for i, j in (p, p[::-1])}
        self.positive_atoms = frozenset(key_of(self.of(e)) for e in positive)
        self.nonzero = frozenset(key_of(self.of(e)) for n in nonzero for e in (n, Neg(n)))

    # --- from expressions ---------------------------------------------------

    def of(self, e: Expr) -> Poly:
        """Return the normal form of an expression."""
        return getattr(self, "of_" + type(e).__name__)(e)

    def of_Num(self, e: Num) -> Poly:
        return number(e.args[0])

    def of_Size(self, e: Size) -> Poly:
        return atom("size", e)

    def of_Index(self, e: Index) -> Poly:
        return atom("idx", e)

    def of_Add(self, e: Add) -> Poly:
        return plus(*map(self.of, e.args))

    def of_Neg(self, e: Neg) -> Poly:
        return scaled(self.of(e.args[0]), -1)

    def of_Mul(self, e: Mul) -> Poly:
        p = number(1)
        for a in e.args:
            p = self.times(p, self.of(a))
        return p

    def of_Div(self, e: Div) -> Poly:
        return self.times(self.of(e.args[0]), self.one_over(e.args[1]))

    def one_over(self, e: Expr) -> Poly:
        if isinstance(e, Mul):
            p = number(1)
            for a in e.args:
                p = self.times(p, self.one_over(a))
            return p
        if isinstance(e, Pow):
            return self.power(self.one_over(e.args[0]), e.args[1])
        return self.inverse(self.of(e))

    def of_Pow(self, e: Pow) -> Poly:
        base, n = e.args
        return self.power(self.of(base), n) if n >= 0 else self.power(self.one_over(base), -n)

    def of_Entry(self, e: Entry) -> Poly:
        return self.entry(e.args[0], tuple(map(self.of, e.args[1])))

    def entry(self, array: Array, indices: tuple[Poly, ...]) -> Poly:
        """An entry, or 0 where an index is evidently outside: above the size, or below 1."""
        for i, size in zip(indices, array.shape):
            above = minus(i, self.of(size))
            if set(above) == {ONE} and above[ONE] > 0 or set(i) <= {ONE} and i.get(ONE, 0) < 1:
                return {}
        return atom("entry", array, indices)

    def of_Delta(self, e: Delta) -> Poly:
        return self.delta_of(minus(*map(self.of, e.args)))

    def of_D(self, e: D) -> Poly:
        return atom("D", self.of(e.args[0]), only_atom(self.of(e.args[1])))

    def of_Fun(self, e: Fun) -> Poly:
        return self.function(e.args[0], self.of(e.args[1]))

    def of_Sum(self, e: Sum) -> Poly:
        body, j = e.args
        if isinstance(j.size, Num):          # a known range: write the sum out
            p = self.of(body)
            return plus(*(self.put(p, {j: number(n)}) for n in range(1, int(j.size.args[0]) + 1)))
        new = self.new([j])
        return self.sum_over(new, self.put(self.of(body), {j: self.of(new[0])}))

    def of_MatrixProduct(self, e: MatrixProduct) -> Poly:
        (first, turned), *rest = e.args[0]
        row, column = e.args[1:]
        if not rest:
            return self.of(first[column, row] if turned else first[row, column])
        j = Index(f"%{next(self.names)}", first.shape[0 if turned else 1])
        left = first[j, row] if turned else first[row, j]
        return self.of_Sum(Sum(Mul(left, MatrixProduct(tuple(rest), j, column)), j))

    # --- the ring -----------------------------------------------------------

    def times(self, p: Poly, q: Poly) -> Poly:
        total: Poly = {}
        for (s, a), (t, b) in product(p.items(), q.items()):
            (i, u), (j, v) = self.freed(s), self.freed(t)    # neither captures the other's
            total = plus(total, self.close(i + j, [*u[0], *v[0]], a * b * u[1] * v[1]))
        return total

    def freed(self, t: Term) -> tuple[tuple[Index, ...], tuple[tuple[Factor, ...], Fraction | int]]:
        """Give the bound indices of a term new names; return them, its factors and a coefficient."""
        if not t.bound:
            return (), (t.factors, 1)
        new = self.new(t.bound)
        (u, c), = self.renamed({Term((), t.factors): Fraction(1)}, zip(t.bound, map(self.of, new))).items()
        return new, (u.factors, c)

    def renamed(self, p: Poly, pairs: Iterable[tuple[Index, Poly]]) -> Poly:
        """Rename indices and do nothing else: a term stays one term."""
        delta, self.delta = self.delta, False
        try:
            return self.put(p, dict(pairs))
        finally:
            self.delta = delta

    def new(self, bound: Iterable[Index]) -> tuple[Index, ...]:
        return tuple(Index(f"%{next(self.names)}", b.size) for b in bound)

    def power(self, p: Poly, n: int) -> Poly:
        if len(p) == 1 and not next(iter(p)).bound:
            (t, c), = p.items()
            return self.close((), [(a, k * n) for a, k in t.factors], c ** n)
        result = number(1)
        for _ in range(n):
            result = self.times(result, p)
        return result

    def sum_over(self, bound: tuple[Index, ...], p: Poly) -> Poly:
        """Σ over indices with new names."""
        parts = []
        for t, c in p.items():
            names, (factors, x) = self.freed(t)
            parts.append(self.close(bound + names, factors, c * x))
        return plus(*parts)

    def close(self, bound: tuple[Index, ...], factors: Iterable[Factor], c: Fraction) -> Poly:
        """Return c Σ_bound Π factors in normal form."""
        powers: Powers = {}
        for a, n in factors:
            powers[a] = powers.get(a, 0) + n
        extra = [(a, n) for a, n in powers.items() if a.kind == "poly" and n > 0]
        if extra:                # a denominator that moved up is an ordinary sum again
            rest = [(a, n) for a, n in powers.items() if (a, n) not in extra]
            body = {Term((), rest): c}
            for a, n in extra:
                body = self.times(body, self.power(a.data[0], n))
            return self.sum_over(bound, body) if bound else body
        powers = {a: 1 if a.kind == "delta" else n for a, n in powers.items() if n}
        if self.delta and any(a.kind == "delta" for a in powers):
            collapsed = self.collapse(bound, powers, c)
            if collapsed is not None:
                return collapsed
        for b in bound:
            less, shift = self.shorter(b, powers)
            if less:
                return self.replaced([less if x == b else x for x in bound], powers, c,
                                     {b: plus(self.of(less), number(shift))})
        used = frozenset().union(*(a.vars for a in powers))
        powers = {a: n for a, n in powers.items() if n}
        result = self.named([b for b in bound if b in used], list(powers.items()), c) if c else {}
        for b in bound:
            if b not in used:    # Σ_k c = K c
                result = self.times(result, self.of(b.size))
        return result

    def shorter(self, b: Index, powers: Powers) -> tuple[Index | None, Fraction | int]:
        """A new index for b - shift, if an entry is 0 elsewhere: Σ_{b=1}^{n+1} x_{b-1} is Σ_{k=1}^n x_k."""
        for a in powers:
            if a.kind == "entry" and powers[a] > 0 and defined_outside(powers, b):
                for slot, size in zip(a.data[1], a.data[0].shape):
                    shift, left = constant(minus(self.of(b), slot)), constant(minus(self.of(b.size), self.of(size)))
                    if shift is not None and left is not None and 0 <= shift <= left and left > 0:
                        return self.new([b])[0].with_size(size), shift
        return None, 0

    def named(self, bound: Sequence[Index], factors: list[Factor], c: Fraction) -> Poly:
        """Give the bound indices their canonical names."""
        if not bound:
            return {Term((), factors): c}
        height = 1 + max(a.height for a, _ in factors)
        groups: dict[tuple[str, str], list[Index]] = {}
        for b in bound:
            groups.setdefault((repr(b.size), self.colour(b, bound, factors)), []).append(b)
        slots = [b for g in sorted(groups) for b in groups[g]]
        names = tuple(Index(f"${height}.{n}", b.size) for n, b in enumerate(slots))
        best: tuple[Term, Fraction] | None = None
        body = {Term((), factors): c}
        for choice in product(*(permutations(groups[g]) for g in sorted(groups))):
            old = [b for g in choice for b in g]
            (t, x), = self.renamed(body, [(b, atom("idx", n)) for b, n in zip(old, names)]).items()
            if best is None or (t.key, x) < (best[0].key, best[1]):
                best = t, x
        assert best, "there is one choice at least"
        return {Term(names, best[0].factors): best[1]}

    def colour(self, b: Index, bound: Sequence[Index], factors: Iterable[Factor]) -> str:
        """What of a bound index does not depend on names: cuts down the renamings to try."""
        found = []
        for a, n in factors:
            if b in a.vars:
                key = a.key.replace(f"idx({key_of(b)})", "*")
                for other in bound:
                    key = key.replace(f"idx({key_of(other)})", "?")
                found.append(f"{key.count('*')} {a.kind} {n} {len(key)}")
        return "|".join(sorted(found))

    def put(self, p: Poly, mapping: Mapping[Index, Poly]) -> Poly:
        """Put polynomials for indices everywhere, and bring the result to normal form."""
        parts = []
        for t, c in p.items():
            if not (t.vars & mapping.keys()):
                parts.append({t: c})
                continue
            body, new = number(c), self.new(t.bound)
            mapping = {**mapping, **dict(zip(t.bound, map(self.of, new)))}
            for a, n in t.factors:
                q = self.rebuilt(a, mapping) if a.vars & mapping.keys() else whole(a)
                body = self.times(body, self.power(q, n) if n > 0 else self.power(self.inverse(q), -n))
            parts.append(self.sum_over(new, body) if new else body)
        return plus(*parts)

    def rebuilt(self, a: Atom, mapping: Mapping[Index, Poly], change: Callable[[Poly], Poly] | None = None) -> Poly:
        """An atom after the replacement, made anew by the rule that made it."""
        def inner(d: Any) -> Any:
            if isinstance(d, dict):
                return change(d) if change else self.put(d, mapping)
            return tuple(map(inner, d)) if isinstance(d, tuple) else d
        if a.kind == "idx":
            return mapping.get(a.data[0], atom(*(a.kind, *a.data)))
        if a.kind == "entry":
            return self.entry(a.data[0], inner(a.data[1]))
        if a.kind == "delta":
            return self.delta_of(inner(a.data[0]))
        if a.kind == "exp":
            return self.exponential(inner(a.data[0]))
        if a.kind == "poly":
            return inner(a.data[0])
        if a.kind == "fun":
            return self.function(a.data[0], inner(a.data[1]))
        return atom("D", inner(a.data[0]), only_atom(self.rebuilt(a.data[1], mapping, change)))

    def collapsed(self, p: Poly) -> Poly:
        """Collapse the deltas of a finished normal form, where all factors can be seen."""
        self.delta, parts = True, []
        for t, c in p.items():
            new, (factors, x) = self.freed(t)
            body, bare = number(c * x), []
            for a, n in factors:
                if "delta(" not in a.key or a.kind == "delta" and self.delta_of(a.data[0]) == whole(a):
                    bare.append((a, n))
                else:
                    q = self.rebuilt(a, {}, self.collapsed)
                    body = self.times(body, self.power(q, n) if n > 0 else self.power(self.inverse(q), -n))
            for u, y in body.items():
                names, (more, z) = self.freed(u)
                parts.append(self.close(new + names, [*bare, *more], y * z))
        return plus(*parts)

    # --- deltas -------------------------------------------------------------

    def delta_of(self, difference: Poly) -> Poly:
        """δ of two index expressions, by their difference."""
        if difference and difference[ordered(difference)[0]] < 0:
            difference = scaled(difference, -1)
        if self.delta:
            if not difference:
                return number(1)
            if list(difference) == [ONE] or key_of(difference) in self.distinct:
                return {}
        return atom("delta", difference)

    def collapse(self, bound: Sequence[Index], powers: Powers, c: Fraction) -> Poly | None:
        """Apply one delta to the other factors; None where none has anything to do."""
        deltas = sorted((a for a in powers if a.kind == "delta"), key=lambda a: a.key)
        for b in sorted(bound, key=lambda b: (b.size in self.keep, key_of(b))):
            for d in deltas:
                rest = {a: n for a, n in powers.items() if a != d}
                value = solved(d.data[0], b)
                if value is not None and (in_range(value, b.size, self) or vanishes_outside(rest, b, b.size)):
                    return self.replaced([x for x in bound if x != b], rest, c, {b: value})
        for d in deltas:                      # δ_ab f(b) = δ_ab f(a)
            pair = sorted(d.vars, key=key_of)
            if len(pair) == 2 and all(b not in bound for b in pair):
                rest = {a: n for a, n in powers.items() if a != d}
                value = solved(d.data[0], pair[1])
                if value is not None and any(pair[1] in a.vars for a in rest):
                    body = self.put({Term((), rest.items()): c}, {pair[1]: value})
                    return self.sum_over(tuple(bound), self.times(body, whole(d)))
        return None

    def replaced(self, bound: Iterable[Index], powers: Powers, c: Fraction,
                 mapping: Mapping[Index, Poly]) -> Poly:
        body = self.put({Term((), powers.items()): c}, mapping)
        return self.sum_over(tuple(bound), body) if bound else body

    # --- quotients, exp and log ---------------------------------------------

    def inverse(self, p: Poly) -> Poly:
        """1/p: over a common denominator, without common factors, with leading coefficient 1."""
        if not p:
            raise Undecided("division by zero")
        top, bottom = self.together(p)
        if not top:
            raise Undecided("division by zero")
        top, content = self.primitive(top)
        (t, c), = content.items()
        turned = self.close((), [(a, -n) for a, n in t.factors], 1 / c)
        result = self.times(turned, bottom)
        if top != number(1):
            result = self.times(result, {Term((), [(Atom("poly", top), -1)]): Fraction(1)})
        return result

    def together(self, p: Poly) -> tuple[Poly, Poly]:
        """Return n and d with p = n/d, where n has no denominators free of bound indices."""
        powers: Powers = {}
        for t in p:
            for a, n in t.factors:
                if a.kind == "poly" and not (a.vars & frozenset(t.bound)):
                    powers[a] = max(powers.get(a, 0), -n)
        if not powers:
            return p, number(1)
        top: Poly = {}
        for t, c in p.items():
            part = {Term(t.bound, [f for f in t.factors if f[0] not in powers]): c}
            have = dict(t.factors)
            for a, n in powers.items():
                part = self.times(part, self.power(a.data[0], n + have.get(a, 0)))
            top = plus(top, part)
        bottom = number(1)
        for a, n in powers.items():
            bottom = self.times(bottom, self.power(a.data[0], n))
        more, below = self.together(top)
        return more, self.times(bottom, below)

    def primitive(self, p: Poly) -> tuple[Poly, Poly]:
        """Return q and a product m with p = m q, where q has no factor that all its terms share."""
        shared: Powers | None = None
        for t in p:
            mine = {a: n for a, n in t.factors if not (a.vars & frozenset(t.bound)) and a.kind != "delta"}
            if shared is None:
                shared = mine
            elif set(shared) | set(mine):
                both = {a: min(shared.get(a, 0), mine.get(a, 0)) for a in set(shared) | set(mine)}
                shared = {a: n for a, n in both.items() if n}
        assert shared is not None, "p is not 0"
        lead = p[ordered(p)[0]]
        down = {Term((), [(a, -n) for a, n in shared.items()]): 1 / lead}
        return self.times(p, down), {Term((), shared.items()): lead}

    def function(self, f: Func, p: Poly) -> Poly:
        if f is exp:
            return self.exponential(p)
        if f is log:
            return self.logarithm(p)
        if f in (relu, step) and set(p) <= {ONE}:
            value = p.get(ONE, Fraction(0))
            return number(max(value, Fraction(0)) if f is relu else int(value >= 0))
        if f is step:
            p = self.increasing(self.unscaled(p) if "same_sign" in self.signs else p)
        return atom("fun", f, p)

    def unscaled(self, p: Poly) -> Poly:
        """p without factors that are evidently positive: its sign is the same."""
        top, bottom = self.together(p)
        rest, content = self.primitive(top) if top else ({}, {})
        if not rest or not self.positive(bottom):
            return p
        (t, c), = content.items()
        unsure = Term((), [f for f in t.factors if not self.positive_factor(f[0])])
        return self.times(rest, {unsure: Fraction(1 if c > 0 else -1)})

    def increasing(self, p: Poly) -> Poly:
        """a - b for e^a - e^b, where it is cited that the exponential is increasing."""
        if "monotone" not in self.signs or sorted(p.values()) != [-1, 1] or \
                any(t.bound or any(a.kind != "exp" for a, _ in t.factors) for t in p):
            return p
        return plus(*(scaled(self.logarithm({t: Fraction(1)}), c) for t, c in p.items()))

    def exponential(self, p: Poly) -> Poly:
        """exp(a + b) = exp a exp b; exp(n a) = (exp a)^n; exp(log a) = a."""
        result = number(1)
        for t, c in p.items():
            inside = t.factors[0][0] if len(t.factors) == 1 and not t.bound else None
            if inside and inside.kind == "fun" and inside.data[0] is log and c.denominator == 1:
                q, n = inside.data[1], int(c)
                part = self.power(q, n) if n > 0 else self.power(self.inverse(q), -n)
            else:
                base = Atom("exp", {t: Fraction(1, c.denominator)})
                part = {Term((), [(base, int(c.numerator))]): Fraction(1)}
            result = self.times(result, part)
        return result

    def logarithm(self, p: Poly) -> Poly:
        """log(ab) = log a + log b for evidently positive a and b; log(exp a) = a."""
        if not p:
            raise Undecided("log 0")
        top, bottom = self.together(p)
        if not (self.positive(top) and self.positive(bottom)):
            return atom("fun", log, p)
        top, content = self.primitive(top)
        (t, c), = content.items()
        if not all(self.positive(whole(a)) for a, _ in t.factors):
            return atom("fun", log, p)
        result = number(0) if c == 1 else atom("fun", log, number(c))
        for a, n in t.factors:
            part = a.data[0] if a.kind == "exp" else self.logarithm(a.data[0]) if a.kind == "poly" \
                else atom("fun", log, whole(a))
            result = plus(result, scaled(part, n))
        if top != number(1):
            result = plus(result, atom("fun", log, top))
        return result if bottom == number(1) else minus(result, self.logarithm(bottom))

    def positive(self, p: Poly) -> bool:
        """True where p is evidently above 0."""
        if key_of(p) in self.positive_atoms:
            return True
        known = all(c > 0 and all(a.kind == "size" or self.positive_factor(a) for a, _ in t.factors)
                    for t, c in p.items())        # no term is negative: a size is 0 at least
        if known:
            return any(all(self.is_inhabited(b.size) for b in t.bound)
                       and all(self.positive_factor(a) for a, _ in t.factors) for t in p)
        top, bottom = self.together(p)             # 1 - 1/(1 + e^z) = e^z/(1 + e^z)
        return bottom != number(1) and self.positive(top) and self.positive(bottom)

    def is_inhabited(self, size: Expr) -> bool:
        return size in self.inhabited or isinstance(size, Num) and size.args[0] >= 1 or \
            isinstance(size, Size) and size.args[2] >= 1 or isinstance(size, Add) and \
            any(isinstance(t, Num) and t.args[0] >= 1 for t in size.args) and \
            all(isinstance(t, (Num, Size)) for t in size.args)

    def positive_factor(self, a: Atom) -> bool:
        if a.kind == "exp":
            return True
        if a.kind == "size":
            return self.is_inhabited(a.data[0])
        if a.kind == "poly":
            return self.positive(a.data[0])
        if a.kind == "entry" and a.data[0].definition and \
                all(in_range(i, size, self) for i, size in zip(a.data[1], a.data[0].shape)):
            return self.positive(self.of(a.data[0].definition[1]))
        return key_of(whole(a)) in self.positive_atoms

    def is_nonzero(self, p: Poly) -> bool:
        return self.positive(p) or self.positive(scaled(p, -1)) or key_of(p) in self.nonzero

    # --- equality -----------------------------------------------------------

    def vanishes(self, p: Poly) -> bool:
        """True where p is 0 (wherever it is defined)."""
        if self.with_delta and not self.delta:
            p = self.collapsed(p)
        top, _ = self.together(p)
        groups: dict[tuple[Index, ...], Poly] = {}
        for t, c in top.items():       # a common denominator inside a sum
            groups.setdefault(t.bound, {})[Term((), t.factors)] = c
        for bound, body in groups.items():
            if not bound or not any(a.kind == "poly" for t in body for a, _ in t.factors):
                return False
            if not self.vanishes(self.put(body, dict(zip(bound, map(self.of, self.new(bound)))))):
                return False
        return True


def solved(difference: Poly, b: Index) -> Poly | None:
    """Solve `difference = 0` for the index b, if it occurs once and with coefficient ±1."""
    mine = [t for t in difference if b in t.vars]
    if len(mine) != 1 or mine[0].key != next(iter(atom("idx", b))).key or abs(difference[mine[0]]) != 1:
        return None
    return scaled({t: c for t, c in difference.items() if t != mine[0]}, -difference[mine[0]])


def in_range(value: Poly, size: Expr, ring: Ring) -> bool:
    """True where an index expression evidently lies in 1..size."""
    if value == ring.of(size) and ring.positive(value) or minus(value, number(1)) == {} and ring.is_inhabited(size):
        return True
    if len(value) != 1:
        return False
    (t, c), = value.items()
    if t == ONE:
        return isinstance(size, Num) and c.denominator == 1 and 1 <= c <= size.args[0]
    if c != 1 or t.bound or len(t.factors) != 1 or t.factors[0][1] != 1:
        return False
    a = t.factors[0][0]
    return (a.kind == "idx" and a.data[0].size == size) or \
        (a.kind == "entry" and a.data[0].values == size)


def constant(p: Poly) -> Fraction | None:
    """The number that a polynomial is, or None."""
    return p.get(ONE, Fraction(0)) if set(p) <= {ONE} else None


def defined_outside(powers: Powers, b: Index) -> bool:
    """True where the factors with b are defined wherever b may run."""
    return not any(n < 0 or a.data[0] is log for a, n in powers.items() if b in a.vars)


def vanishes_outside(powers: Powers, b: Index, size: Expr) -> bool:
    """True where a factor is an entry that is 0 as soon as b leaves 1..size."""
    if not defined_outside(powers, b):
        return False
    this = key_of(atom("idx", b))
    for a in (a for a in powers if b in a.vars):
        a = a.data[1] if a.kind == "D" else a
        if a.kind == "entry" and any(key_of(slot) == this and n == size
                                     for slot, n in zip(a.data[1], a.data[0].shape)):
            return True
    return False
