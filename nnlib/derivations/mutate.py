"""Wrong steps, made mechanically from every accepted step.

A kernel that accepts everything would pass every other test.  So each line of each
derivation is spoilt in every way that a slip of the pen can spoil it, and each reason is
dropped or exchanged; the kernel must refuse the result, or the result must be
equivalent to the right line, which the kernel then has to prove.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, TypeVar

from .derivation import KernelBug, Lemma, Reason, Refused, check_step, delta_rule, differentiation, linearity
from .language import (Add, Array, D, Delta, Div, Entry, Expr, Fun, Index, MatrixProduct, Mul, Neg, Num, Pow, Size,
                       Sum, children, free_indices, replace_indices, step, walk, with_children)
from .prover import prove

T = TypeVar("T")
Mutant: TypeAlias = tuple[str, Expr, tuple[Reason, ...]]
Slip: TypeAlias = tuple[int, str, Expr]  # the number of a step, what was done to it, and the result


def slips(e: Expr, scope: frozenset[Index], sizes: list[Size], arrays: list[Array]) -> Iterator[tuple[str, Expr]]:
    """Yield (kind, wrong expression) for slips at this node; `scope`: the indices in force."""
    if isinstance(e, Num):
        yield "another number", Num(e.args[0] + 1)
    if isinstance(e, Neg):
        yield "sign", e.args[0]
    if isinstance(e, Add):
        for n, t in enumerate(e.args):
            others = e.args[:n] + e.args[n + 1:]
            yield "sign", Add(*e.args[:n], t.args[0] if isinstance(t, Neg) else Neg(t), *e.args[n + 1:])
            yield "term dropped", Add(*others) if len(others) > 1 else others[0]
            yield "term doubled", Add(*e.args, t)
    if isinstance(e, Mul):
        for n, f in enumerate(e.args):
            others = e.args[:n] + e.args[n + 1:]
            yield ("delta dropped" if isinstance(f, Delta) else "factor dropped"), \
                Mul(*others) if len(others) > 1 else others[0]
            yield "factor doubled", Mul(*e.args, f)
    if isinstance(e, Div):
        yield "denominator dropped", e.args[0]
        yield "fraction turned", Div(e.args[1], e.args[0])
    if isinstance(e, Pow):
        yield "exponent", Pow(e.args[0], e.args[1] + 1)
    if isinstance(e, Sum):
        body, j = e.args
        for size in sizes:
            if size != j.size:
                other = Index(j.args[0], size)
                yield "wrong range", Sum(replace_indices(body, {j: other}), other)
        for i in scope:
            if i.size == j.size and i != j:
                yield "sum dropped", replace_indices(body, {j: i})
    if isinstance(e, (Entry, Delta, MatrixProduct)):
        yield from index_slips(e, scope)
    if isinstance(e, Entry):
        for a in arrays:
            if a != e.args[0] and a.shape == e.args[0].shape and not a.depends:
                yield "another array", Entry(a, e.args[1])
    if isinstance(e, MatrixProduct):
        pairs, *ij = e.args
        for n, (a, turned) in enumerate(pairs):
            yield "transposed", MatrixProduct((*pairs[:n], (a, not turned), *pairs[n + 1:]), *ij)
        yield "order of matrices", MatrixProduct(pairs[::-1], *ij)
    if isinstance(e, Fun):
        g, u = e.args
        yield "function dropped", u
        if g.prime:
            yield "prime", g.prime(u)
        if g is step:
            yield "wrong side of the kink", step(Neg(u))


def index_slips(e: Expr, scope: frozenset[Index]) -> Iterator[tuple[str, Expr]]:
    """An index exchanged, shifted, or put for another."""
    inner = children(e)
    for n, i in enumerate(inner):
        for other in scope:
            if isinstance(i, Index) and other != i and other.size == i.size:
                yield "another index", with_children(e, [*inner[:n], other, *inner[n + 1:]])
        if not isinstance(e, MatrixProduct):
            yield "index shifted", with_children(e, [*inner[:n], Add(i, Num(1)), *inner[n + 1:]])
        if n and isinstance(e, Entry):
            yield "indices exchanged", with_children(e, [*inner[:n - 1], i, inner[n - 1], *inner[n + 1:]])


def mutants(e: Expr, scope: frozenset[Index], sizes: list[Size], arrays: list[Array]) -> Iterator[tuple[str, Expr]]:
    """Yield (kind, wrong expression) for one slip anywhere in e."""
    yield from slips(e, scope, sizes, arrays)
    inner = children(e)
    scope = scope | {e.args[1]} if isinstance(e, Sum) else scope
    for n, c in enumerate(inner):
        if isinstance(e, Sum) and n == 1 or isinstance(e, D) and n == 1:
            continue
        for kind, wrong in mutants(c, scope, sizes, arrays):
            if isinstance(e, (Entry, Delta)) or isinstance(e, D) and any(isinstance(x, D) for x in walk(wrong)):
                continue                      # indices have slips of their own
            yield kind, with_children(e, [*inner[:n], wrong, *inner[n + 1:]])


def wrong_reasons(reasons: tuple[Reason, ...]) -> Iterator[tuple[str, tuple[Reason, ...]]]:
    """Yield (kind, reasons): each reason dropped, or another one cited in its place."""
    for n, r in enumerate(reasons):
        rest = reasons[:n] + reasons[n + 1:]
        yield f"reason dropped: {r.name}", rest
        for other in (delta_rule, linearity):
            if other not in reasons:
                yield f"wrong reason: {other.name} for {r.name}", (*rest, other)
    if not reasons:
        yield "wrong reason: delta for algebra", (delta_rule,)
        yield "wrong reason: differentiation for algebra", (differentiation,)


def chosen(lemma: Lemma, n: int, most: int) -> tuple[Expr, list[Mutant]]:
    """The wrong versions of step n to try: in turn from each kind, at most `most`."""
    line, theory = lemma.lines[n], lemma.theory
    before = lemma.lines[n - 1].expr if n else lemma.left
    symbols = theory.symbols.values()
    sizes = [s for s in symbols if isinstance(s, Size)]
    arrays = [s for s in symbols if isinstance(s, Array)]
    scope = frozenset(free_indices(before))
    seen = {line.expr, before}
    kinds: dict[str, list[Expr]] = {}
    for kind, wrong in mutants(line.expr, scope, sizes, arrays):
        if wrong not in seen:
            seen.add(wrong)
            kinds.setdefault(kind, []).append(wrong)
    found = [(kind, line.expr, reasons) for kind, reasons in wrong_reasons(line.reasons)]
    queues = [[(kind, w, line.reasons) for w in spread(ws)] for kind, ws in sorted(kinds.items())]
    while any(queues) and len(found) < most:
        for q in queues:
            if q and len(found) < most:
                found.append(q.pop(0))
    return before, found


def spread(items: list[T]) -> list[T]:
    """The same items, the first ones far apart."""
    return items[::3] + items[1::3] + items[2::3]


def attack(lemma: Lemma, most: int = 14) -> tuple[list[tuple[int, str, Expr, Refused]], list[Slip], list[Slip]]:
    """Try wrong versions of all steps of a lemma; return lists of refused, equivalent and accepted."""
    refused: list[tuple[int, str, Expr, Refused]] = []
    equivalent: list[Slip] = []
    accepted: list[Slip] = []
    for n, line in enumerate(lemma.lines):
        before, tries = chosen(lemma, n, most)
        for kind, wrong, reasons in tries:
            try:
                # the right line has been searched for counterexamples: with a wrong reason only proofs matter
                check_step(lemma.derivation, before, wrong, reasons, search=3 if wrong == line.expr else 10)
            except KernelBug:
                raise
            except Refused as why:
                refused.append((n + 1, kind, wrong, why))
                continue
            uses = [u for r in reasons for u in r.uses]
            same = reasons == line.reasons and (prove(line.expr, wrong) or prove(line.expr, wrong, [("delta", None)])
                                                or prove(line.expr, wrong, uses))
            (equivalent if same else accepted).append((n + 1, kind, wrong))
    return refused, equivalent, accepted
