r"""A derivation that a student types: each line is checked against the one before.

The student gets a `Problem`: an equation and the rules that prove it, but no line between. A line holds
if it follows from the line before by algebra and at most one rule. The collapse of deltas and the
assumptions come free with any rule. So a jump is refused even where it is true.

>>> from nnlib.derivations import *
>>> t = Theory("half a square")
>>> n = t.size("n")
>>> i, j = t.indices("i j", n)
>>> x, y = t.array("x", n), t.array("y", n)
>>> L = t.define("L", [], Sum((x[j] - y[j])**2, j) / 2)
>>> problem = Problem(t, D(L[()], x[i]), x[i] - y[i], by=(definition(L), differentiation, delta_rule))
>>> print(problem.check(["D(sum_j (x_j - y_j)^2 / 2, x_i)", "x_i + y_i"]))
1. True: the definition of L.
2. False: the left side is 1.57143 and your line is 1.85714 at n = 1, i = 1, x[1] = 1.71429, y[1] = 0.142857.
The lines that hold have done 1 of 3 rules.
>>> print(problem.check(["x_i - y_i"]))
1. Too far at once: it is true, but takes several rules (the definition of L; differentiation). Write the lines between.
The lines that hold have done 0 of 3 rules.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from .challenge import BEYOND, WORK, Budget, Verdict, false, limited, needed, plain, uses, words_of
from .derivation import Derivation, KernelBug, Reason, Refused, Theory, merge
from .display import latex, source
from .language import Array, Expr, Func, Operand, check_all, lift
from .normal import Undecided
from .prover import prove
from .typed import Mistyped, read_typed

T = TypeVar("T")

MOST, WORK_OF_ALL = 30, 100_000   # lines, and what checking them may cost in all
FREE = ("delta", "assumption")  # kinds of rules that may come with another one in a line


class Problem:
    """Derive `goal` from `left`, by the rules `by` of the theory; `Refused` where these do not prove it.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x = t.scalar("x")
    >>> problem = Problem(t, D(exp(x)**2, x), 2 * exp(x)**2, by=(differentiation,))
    >>> problem.check(["2 exp(x)^2"]).done, problem.check(["exp(x)^2"]).done
    (1, 0)
    """

    def __init__(self, theory: Theory, left: Operand, goal: Operand, by: Iterable[Reason]) -> None:
        self.theory, self.left, self.goal = theory, lift(left), lift(goal)
        self.by = check_all(by, Reason, "by: a tuple of reasons is expected, such as (differentiation,)")
        self.derivation, self.lines, self.sides = Derivation(theory, left), (), ()  # what `challenge` asks a lemma for
        self.hypotheses = merge(*(r.hypotheses for r in self.by))
        self.assumptions = merge(*(r.assumptions for r in self.by))
        used = needed(self, self.left, self.goal, self.by)
        Derivation(theory, left).step(goal, by=used)
        self.rules = counted(used)
        if not self.rules:
            raise Refused("algebra alone proves it: there is nothing to derive")

    def check(self, lines: Sequence[str]) -> Checked:
        """Return what holds of the typed lines, as `Checked`; never an exception for what stands in a line.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> print(Problem(t, D(x**2, x), 2 * x, by=(differentiation,)).check(["x + x"]))
        1. True: differentiation.
        The goal is reached.
        """
        if type(lines) not in (list, tuple) or not all(type(line) is str for line in lines):
            wrong = "A derivation is a list of lines, each a text in quotes."
            return Checked([Verdict("unreadable", wrong)], 0, self.rules)
        if len(lines) > MOST:
            return Checked([Verdict("unreadable", f"{len(lines)} lines: at most {MOST} are read.")], 0, self.rules)
        verdicts, held, purse = [], [self.left], Purse()
        with limited():
            for text in lines:
                verdict, e = self.line(held[-1], text, purse)
                verdicts.append(verdict)
                if verdict.kind != "true":
                    break
                held.append(e)
            reached = self.ahead(held[-1], (), purse) == 0
            done = self.rules if reached else max(self.rules - self.ahead(e, self.by, purse) for e in held)
        return Checked(verdicts, done, self.rules)

    def ahead(self, e: Expr, by: tuple[Reason, ...], purse: Purse) -> int:
        """Return how many of the rules `by` a proof of e = goal needs; all, where they make no proof.

        `check` calls it: the `purse` says how much the search may still cost.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> problem = Problem(t, D(x**2, x), 2 * x, by=(differentiation,))
        >>> problem.ahead(problem.left, problem.by, Purse()), problem.ahead(x + x, (), Purse())
        (1, 0)
        """
        def search() -> int | None:
            return counted(needed(self, e, self.goal, by)) if prove(e, self.goal, uses(self, by)) else None

        found = purse.spend(WORK[1], search)
        return self.rules if found is None else min(self.rules, found)

    def line(self, before: Expr, text: str, purse: Purse) -> tuple[Verdict, Expr | Any]:
        """Return the verdict on one typed line, and the line's expression, None where it is not readable.

        `check` calls it with the line `before`; the `purse` says how much the search may still cost.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> problem = Problem(t, D(x**2, x), 2 * x, by=(differentiation,))
        >>> problem.line(problem.left, "x + x", Purse())[1]
        Add(Entry(x, ()), Entry(x, ()))
        """
        try:
            e = read_typed(text.strip().removeprefix("="), self)
            self.theory.check_symbols(e)
        except (Mistyped, Refused) as why:
            return Verdict("unreadable", f"Not readable. {why}"), None
        except RecursionError:
            return Verdict("unreadable", "Not readable. The line has too many parts inside each other."), None
        verdict = Verdict("undecided", "Undecided: no single rule proves it from the line before, "
                                       "and no counterexample was found.")
        for work, search in zip(WORK, (self.one_rule, self.several_rules, self.counterexample)):
            found = purse.spend(work, lambda: search(before, e))
            if found:
                verdict = found
                break
        verdict.line_latex = latex(e)
        return verdict, e

    def one_rule(self, before: Expr, e: Expr) -> Verdict | None:
        """Return the verdict "true" where algebra and at most one rule lead from the line before to e, else None.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> print(Problem(t, D(x**2, x), 2 * x, by=(differentiation,)).one_rule(D(x**2, x), x + x))
        True: differentiation.
        """
        free = tuple(r for r in self.by if r.name in FREE)
        for reasons in [(), *((r,) for r in self.by), *((r, *(f for f in free if f is not r)) for r in self.by)]:
            if not prove(before, e, uses(self, reasons)):
                continue
            reasons = needed(self, before, e, reasons)
            try:
                Derivation(self.theory, before).step(e, by=reasons)
            except (Refused, Undecided):
                continue
            return Verdict("true", f"True: {'; '.join(map(words_of, reasons)) or 'algebra'}.")
        return None

    def counterexample(self, before: Expr, e: Expr) -> Verdict | None:
        """Return the verdict "false" with numbers at which e differs from the left side, or None where none are found.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> print(Problem(t, D(x**2, x), 2 * x, by=(differentiation,)).counterexample(D(x**2, x), 3 * x))
        False: the left side is -1.71429 and your line is -2.57143 at x = -0.857143.
        """
        found = false(self, e, 40)
        return found and replace(found, message=found.message.replace("side of the theorem", "side", 1))

    def several_rules(self, before: Expr, e: Expr) -> Verdict | None:
        """Return the verdict "jump" where all rules together lead from the line before to e, else None.

        `line` asks it after `one_rule`, so that a line which one rule proves is no jump.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> s = t.define("s", [], x**2)
        >>> Problem(t, D(s[()], x), 2 * x, by=(definition(s), differentiation)).several_rules(D(s[()], x), 2 * x).kind
        'jump'
        """
        if not prove(before, e, uses(self, self.by)):
            return None
        reasons = "; ".join(map(words_of, (r for r in needed(self, before, e, self.by) if r.name not in FREE)))
        return Verdict("jump", f"Too far at once: it is true, but takes several rules ({reasons}). "
                               "Write the lines between.")

    def __repr__(self) -> str:
        return f"Problem({self.theory.name!r}: {source(self.left)} = {source(self.goal)})"

    def _repr_markdown_(self) -> str:
        """The equation to be shown, what its symbols stand for, and the rules; none of the lines between."""
        meant = [f"${latex(s[i] if i else s[()])} = {latex(body)}$" for s, (i, body) in
                 ((s, s.definition) for s in self.theory.symbols.values() if isinstance(s, Array) and s.definition)]
        meant += [f"${latex(s(z))} = {latex(body)}$" for s, (z, body) in
                  ((s, s.definition) for s in self.theory.symbols.values() if isinstance(s, Func) and s.definition)]
        meant += [f"{c.name}: ${latex(c.left)} = {latex(c.right)}$" for c in self.hypotheses]
        rules = "; ".join(plain(words_of(r)) for r in self.by)
        return (f"Show line by line:\n\n$$\n{latex(self.left)} = {latex(self.goal)}\n$$\n\n"
                + "Here " * bool(meant) + "; ".join(meant) + ".\n\n" * bool(meant) + f"The rules: {rules}.")


def counted(rules: Iterable[Reason]) -> int:
    return sum(r.name != "assumption" for r in rules)


class Purse:
    """What checking the lines of one derivation may still cost."""
    left = WORK_OF_ALL

    def spend(self, work: int, search: Callable[[], T]) -> T | None:
        """Return what the search finds for at most this work; None where it would cost more, or comes to no end."""
        Budget.left = given = min(work, self.left)
        try:
            return search()
        except (*BEYOND, KernelBug, Undecided):
            return None
        finally:
            self.left -= given - max(0, Budget.left)


class Checked:
    """What holds of some lines: a verdict for each up to the first that fails, and how far the others lead."""

    def __init__(self, verdicts: list[Verdict], done: int, rules: int) -> None:
        self.verdicts, self.done, self.rules = verdicts, done, rules

    @property
    def share(self) -> float:
        """How much of the way lies behind the lines that hold, from 0 to 1; 1 where the goal is reached.

        >>> Checked([], done=1, rules=4).share
        0.25
        """
        return self.done / self.rules

    def __str__(self) -> str:
        lines = [f"{n}. {verdict}" for n, verdict in enumerate(self.verdicts, 1)]
        end = "The goal is reached." if self.done == self.rules else \
            f"The lines that hold have done {self.done} of {self.rules} rules."
        return "\n".join([*lines, end])
