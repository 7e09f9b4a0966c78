r"""A reader's own line beside a theorem: is it equal to what the theorem derives?

The kernel answers, exactly as for a step of a derivation: the prover from the reasons that
the theorem cites, the refuter with numbers.

>>> from nnlib.derivations.challenge import challenge
>>> print(challenge("softmax", "s_k*(delta_ki - s_i)", after=4))
True: it follows from line 4 by the definition of s.
>>> challenge("softmax", "s_k*(1 - s_i)").kind
'false'
>>> print(challenge("softmax", "s_k*(1 - t_i)"))
Not readable. At character 10: unknown name 't'. This theorem has: indices i j k; sizes K; arrays and functions z s; and exp log tanh relu step max delta sum D.
"""  # noqa: E501  (a message of one line)

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from . import prover, refuter
from .prover import Use
from .derivation import (Condition, Derivation, KernelBug, Lemma, Reason, Refused, Vacuous, definition, delta_rule,
                         differentiation, evident)
from .display import latex, source
from .language import Array, Expr, Fun, Func, Index, told
from .normal import Factor, Poly, Ring, Undecided
from .refuter import World
from .registry import THEOREMS, Entry
from .typed import Mistyped, read_typed

if TYPE_CHECKING:
    from .lines import Problem

Provable: TypeAlias = "Lemma | Problem"

WORK = 25_000, 40_000, 25_000     # what the search for numbers, for a proof, and for more numbers may cost
BITS = 20_000                     # how long a number may get before exp is taken of it


@dataclass
class Verdict:
    """The answer: `kind` is "true", "false", "undecided" or "unreadable".

    `reason` is the rule (true), `line_latex` the line as it was read, `numbers` a counterexample
    (false): `left`, `yours`, and under `at` the values of sizes, indices and data.
    """
    kind: str
    message: str
    reason: str = ""
    line_latex: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return strings and dicts of strings, for JSON and JavaScript.

        >>> Verdict("undecided", "Undecided.").as_dict()
        {'kind': 'undecided', 'message': 'Undecided.', 'reason': '', 'line_latex': '', 'numbers': {}}
        """
        return asdict(self)

    def __str__(self) -> str:
        return self.message

    def _repr_markdown_(self) -> str:
        """Message, the line as it was read, and the numbers as a table; nothing of the typed text is mark-up."""
        kind, _, rest = plain(self.message).partition(":" if ":" in self.message[:12] else ".")
        shown = [f"**{kind}.**{rest}"]
        shown += [f"Read as ${self.line_latex}$."] * bool(self.line_latex)
        if self.numbers:
            rows = [f"| {plain(name)} | {value} |" for name, value in self.rows()]
            shown += ["\n".join(["| | |", "|---|---|", *rows])]
        return "\n\n".join(shown)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in self.rows())
        read = rf"<p>Read as \({escape(self.line_latex)}\).</p>" if self.line_latex else ""
        return f"<p>{escape(self.message)}</p>{read}" + (f"<table>{rows}</table>" if rows else "")

    def rows(self) -> list[tuple[str, str]]:
        """Return the numbers of a counterexample as pairs of a name and a text, for a table; none without numbers.

        >>> Verdict("false", "False.", numbers={"left": "2", "yours": "3", "at": {"x": "1"}}).rows()
        [('left side of the theorem', '2'), ('your line', '3'), ('x', '1')]
        """
        if not self.numbers:
            return []
        return [("left side of the theorem", self.numbers["left"]), ("your line", self.numbers["yours"]),
                *self.numbers["at"].items()]


def plain(text: str) -> str:
    """Text in which Markdown finds no mark-up."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~^])", r"\\\1", text)


def challenge(theorem: str | Entry | Lemma, text: object, after: object = None) -> Verdict:
    """Answer whether the typed `text` equals the left side of a theorem: a `Verdict`, never an exception.

    `theorem` is a name, an entry of THEOREMS, or a lemma.  With `after=n` the line is first tried
    as the next step after line n (0: the left side), so that the answer names the rule of that step.

    >>> from nnlib.derivations import challenge
    >>> challenge("sigmoid_backward", "1").kind, challenge("sigmoid_backward", "sinh(z)").kind
    ('false', 'unreadable')
    """
    lemma = lemma_of(theorem)
    if lemma is None:
        return Verdict("unreadable", f"There is no theorem {told(theorem)}; see THEOREMS for the names.")
    if after is not None and (type(after) is not int or after not in range(len(lemma.lines) + 1)):
        return Verdict("unreadable", f"after: {told(after)} came, but the lines of this theorem are 0 (left side) "
                                     f"to {len(lemma.lines)}.")
    try:
        e = read_typed(text, lemma)
        lemma.theory.check_symbols(e)
    except (Mistyped, Refused) as why:
        return Verdict("unreadable", f"Not readable. {why}")
    except RecursionError:
        return Verdict("unreadable", "Not readable. The line has too many parts inside each other.")
    shown = latex(e)
    try:
        with limited():
            found = answer(lemma, e, after)
    except KernelBug:
        found = Verdict("undecided", "Undecided: the two halves of the kernel contradict each other here; "
                                     "please report this line.")
    found.line_latex = shown
    return found


def lemma_of(theorem: object) -> Lemma | None:
    entry = THEOREMS.get(theorem) if isinstance(theorem, str) else theorem
    return entry if isinstance(entry, Lemma) else entry.build() if isinstance(entry, Entry) else None


def answer(lemma: Lemma, e: Expr, after: int | None) -> Verdict:
    """The verdict on an expression: first a search for numbers, then for a proof, then a longer search."""
    if e == lemma.left:
        return Verdict("true", "True, but this is the left side itself: nothing has been derived.",
                       "the same expression")
    searches: list[Callable[[], Verdict | None]] = [
        lambda: false(lemma, e, 6), lambda: proof(lemma, e, after), lambda: false(lemma, e, 40)]
    large = False
    for search, work in zip(searches, WORK):
        Budget.left = work
        try:
            found = search()
        except BEYOND:
            large, found = True, None
        if found:
            return found
    return Verdict("undecided", "Undecided: the line is too large to be checked here." if large else
                   "Undecided: the rules that this theorem uses do not prove it, and no counterexample was found.")


# --- true -----------------------------------------------------------------------

def proof(lemma: Lemma, e: Expr, after: int | None) -> Verdict | None:
    """The verdict "true" with the first reasons found by which e follows from a line; else None."""
    for n, a, reasons in attempts(lemma, after):
        if not prover.prove(a, e, uses(lemma, reasons)):
            continue
        reasons = needed(lemma, a, e, reasons)
        step = Derivation(lemma.theory, a)
        step.distinct = lemma.derivation.distinct
        try:
            step.step(e, by=reasons)
        except Vacuous:
            return None
        except (Refused, Undecided):
            continue
        return true(lemma, n, e, reasons, step.sides)
    return None


def attempts(lemma: Lemma, after: int | None) -> Iterator[tuple[int, Expr, tuple[Reason, ...]]]:
    """Yield (number of a line, its expression, reasons) in the order in which a proof is looked for."""
    symbols = lemma.theory.symbols.values()
    definitions = [definition(s) for s in symbols if isinstance(s, (Array, Func)) and s.definition]
    cited = [[r for r in line.reasons if r.name != "cases"] for line in lemma.lines]
    flat = [r for reasons in cited for r in reasons]
    pool = list({(r.name, repr(r.subject)): r for r in [*flat, delta_rule, *definitions]}.values())
    basic = [*definitions, delta_rule, differentiation]
    groups = [[], *([r] for r in pool), *cited, basic, list(dict.fromkeys([*pool, differentiation]))]
    lines = list(enumerate([lemma.left, *(line.expr for line in lemma.lines)]))
    if after is not None:
        yield from ((*lines[after], tuple(g)) for g in groups)
    for g in groups:
        yield from ((n, a, tuple(g)) for n, a in reversed(lines))


def uses(lemma: Provable, reasons: Iterable[Reason]) -> list[Use]:
    return [u for r in reasons for u in r.uses] + [("assumption", c) for c in lemma.derivation.distinct]


def needed(lemma: Provable, a: Expr, e: Expr, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons without those that the proof does not need."""
    for r in reversed(reasons):
        rest = tuple(s for s in reasons if s is not r)
        if prover.prove(a, e, uses(lemma, rest)):
            reasons = rest
    return reasons


WORDS = {"delta": "δ picks one term", "quotient": "the quotient rule", "product": "the product rule",
         "power": "the power rule", "linearity": "linearity", "differentiation": "differentiation",
         "same_sign": "a positive factor keeps the sign", "monotone": "the exponential is increasing"}
RELATIONS = {"positive": "> 0", "negative": "< 0", "nonzero": "is not 0"}


def words_of(reason: Reason) -> str:
    """A reason in plain words."""
    kind, what = reason.name, reason.subject
    if kind == "chain":
        return "the chain rule through " + ", ".join(a.name for a in what)
    named = {"definition": "the definition of ", "lemma": "the theorem ", "hypothesis": "the hypothesis: ",
             "assumption": "the assumption: "}.get(kind)
    return named + what.name if named else WORDS.get(kind) or f"the cases {source(what)} > 0, < 0 and = 0"


def true(lemma: Lemma, n: int, e: Expr, reasons: tuple[Reason, ...], sides: Iterable[Condition]) -> Verdict:
    if n and e == lemma.lines[n - 1].expr:
        return Verdict("true", f"True: it is line {n} of the derivation.", "the same expression")
    reason = "; ".join(map(words_of, reasons)) or "algebra"
    where = "the left side" if n == 0 else f"line {n}"
    extra = [c for c in sides if c not in lemma.sides and not evident(c, lemma.assumptions)]
    only = [f"{source(c.left)} {RELATIONS[c.relation]}" for c in dict.fromkeys(extra)]
    return Verdict("true", f"True: it follows from {where} by {reason}"
                   f"{', where ' + ' and '.join(only) if only else ''}.", reason)


# --- false ----------------------------------------------------------------------

def false(lemma: Provable, e: Expr, wanted: int) -> Verdict | None:
    """The verdict "false" with numbers at which all conditions hold and the two sides differ; else None."""
    free = [("assumption", c) for c in lemma.assumptions if c.relation != "distinct"]
    try:
        sides = (*lemma.sides, *(Condition("", u, relation) for relation, u in prover.conditions(e, free)))
    except Undecided:                               # 1/0: e has no value anywhere
        sides = lemma.sides

    def search(sides: Iterable[Condition], wanted: int, seed: int = 0) -> tuple[refuter.Counterexample | None, int]:
        return refuter.refute(lemma.left, e, lemma.hypotheses, lemma.assumptions, sides, wanted=wanted, seed=seed)

    found, compared = search(sides, wanted)
    if not found and not compared:                  # e may have no value anywhere
        sides = lemma.sides
        found, _ = search(sides, wanted)
    if not found:
        return None
    finds, Budget.left = [found], WORK[-1] // 4
    try:
        finds += [c for c in (search(sides, 2, seed)[0] for seed in range(1, 5)) if c]
    except BEYOND:
        pass                                        # one counterexample is enough
    return in_words(min(finds, key=lambda c: (0 in c.sizes.values(), len(c.values))))


def in_words(found: refuter.Counterexample) -> Verdict:
    def show(x: Any) -> str:
        return "no value" if x is None else refuter.mp.nstr(x, 6).removesuffix(".0")
    at = {name: str(v) for name, v in [*found.sizes.items(), *found.indices.items()]}
    at |= {name + (f"[{','.join(map(str, index))}]" if index else ""): show(v)
           for (name, index), v in sorted(found.values.items())}
    numbers = {"left": show(found.left), "yours": show(found.right), "at": at}
    few = ", ".join([f"{name} = {v}" for name, v in at.items()][:12]) + ", ..." * (len(at) > 12)
    has = "has no value" if found.right is None else f"is {numbers['yours']}"
    return Verdict("false", f"False: the left side of the theorem is {numbers['left']} and your line {has} at {few}.",
                   numbers=numbers)


# --- limits ---------------------------------------------------------------------

class TooLarge(Exception):
    """The answer would take more work than is allowed."""


BEYOND = (TooLarge, RecursionError, OverflowError, MemoryError, ValueError)   # ValueError: a number too long to print


class Budget:
    """Work that is left.  Both halves of the kernel draw on it."""
    left: float = 0

    @classmethod
    def spend(cls, amount: float) -> None:
        cls.left -= amount
        if cls.left < 0:
            raise TooLarge


class LimitedRing(Ring):
    """The prover's ring: each product of two polynomials costs."""

    def times(self, p: Poly, q: Poly) -> Poly:
        Budget.spend(len(p) * len(q) * (1 + len(p) * len(q) // 100))
        return super().times(p, q)

    def close(self, bound: tuple[Index, ...], factors: Iterable[Factor], c: Fraction) -> Poly:
        Budget.spend(1 + max(0, len(bound) - 4) ** 4)
        return super().close(bound, factors, c)

    def power(self, p: Poly, n: int) -> Poly:
        longest = max([1, *(abs(c.numerator).bit_length() + c.denominator.bit_length() for c in p.values())])
        Budget.spend(abs(n) * longest // 1000)
        return super().power(p, n)


class LimitedWorld(World):
    """The refuter's instance: each value costs, and no number may get too long for exp."""

    def value(self, e: Expr, at: refuter.Place) -> Any:
        Budget.spend(0.07)
        found = super().value(e, at)
        if type(e) is Fun and found and abs(refuter.mp.mag(found)) > BITS:
            raise TooLarge
        return found


@contextmanager
def limited() -> Iterator[None]:
    """Let the kernel draw on the budget."""
    prover.Ring, refuter.World = LimitedRing, LimitedWorld  # type: ignore[attr-defined, misc]  # others in their place
    try:
        yield
    finally:
        prover.Ring, refuter.World = Ring, World  # type: ignore[attr-defined, misc]  # and these again
