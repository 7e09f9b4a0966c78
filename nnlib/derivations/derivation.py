"""Theories, derivations and lemmas: every step is checked when it is written.

A step is accepted where the prover proves it from the reasons it cites and the refuter
finds no numbers against it.  Otherwise it raises: `FalseStep` with the numbers,
`Unproved`, or `KernelBug` where prover and refuter contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeAlias, TypeVar

from . import prover, refuter
from .language import (Array, Entry, Expr, Func, Index, Operand, Size, Sum, Symbol, arrays_of, as_size, check,
                       check_all, free_indices, lift, log, replace_indices, told)
from .prover import Use

S = TypeVar("S", Size, Index, Array, Func)
Cases: TypeAlias = "tuple[Index, Index, Lemma, Lemma]"  # k, i, the lemma for k = i and that for k ≠ i

Symbols: TypeAlias = tuple[Any, ...]  # a theory and its symbols, in groups, as those take them apart who use it

Convention: TypeAlias = tuple[Expr, Mapping[Entry, int], Expr]  # an expression, a point, its value by convention


class Refused(Exception):
    """A step or a statement that the kernel does not accept.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> t.derive(x + y).step(y + x, by=power_rule)
    Traceback (most recent call last):
    nnlib.derivations.derivation.Refused: the reason 'power' is not needed here
    """

    def __init__(self, words: str, sides: tuple[Expr, ...] = (), found: str = "") -> None:
        super().__init__(words)
        self.words, self.sides, self.found = words, sides, found

    def __str__(self) -> str:
        from .display import source
        lines = [f"  {name} {source(e)}" for name, e in zip(("left: ", "right:"), self.sides)]
        return "\n".join([self.words, *lines, *([self.found] if self.found else [])])

    def _repr_markdown_(self) -> str:
        from .display import refusal_markdown
        return refusal_markdown(self)


class FalseStep(Refused):
    """There are numbers at which the two sides differ.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> try:
    ...     t.derive((x + 1)**2).step(x**2 + 1)
    ... except FalseStep as error:
    ...     print(error.words)
    Step 1 is false.
    """


class Unproved(Refused):
    """Not proved from the cited reasons, and no counterexample found.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> try:
    ...     t.derive(D(x * y, x)).step(y)      # true, but it needs by=differentiation
    ... except Unproved as error:
    ...     print(error.words)
    The reasons given do not prove it, and no counterexample was found.
    """


class Vacuous(Refused):
    """Hardly any instance satisfies the assumptions: a pass would say nothing.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> never = t.hypothesis("never", x**2, -1)
    >>> try:
    ...     t.derive(x**2).step(-1, by=given(never)).done("nothing")
    ... except Vacuous as error:
    ...     print(type(error).__name__)
    Vacuous
    """


class KernelBug(Exception):
    """Proved and refuted: one of the two halves of the kernel is wrong."""


class Condition:
    """An equation (hypothesis), or an assumption or side condition: left `relation` right."""

    def __init__(self, name: str, left: Operand, relation: str, right: Operand | None = None) -> None:
        self.name, self.left, self.relation = name, lift(left), relation
        self.right: Expr | Any = None if right is None else lift(right)  # None unless two sides are compared

    def positives(self) -> list[Expr]:
        return {"positive": [self.left], "negative": [-self.left]}.get(self.relation, [])

    def same(self) -> tuple[Expr, str, Expr | None]:
        return (self.left, self.relation, self.right)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.same() == other.same()

    def __hash__(self) -> int:
        return hash(self.same())


class Reason:
    """Why a step holds: a name, what the prover may use, and the conditions it rests on."""

    def __init__(self, name: str, subject: Any = None, uses: Iterable[Use] = (), hypotheses: Iterable[Condition] = (),
                 assumptions: Iterable[Condition] = (), sides: Iterable[Condition] = (), lemma: Lemma | None = None,
                 cases: Cases | None = None) -> None:
        self.name, self.subject, self.uses, self.lemma, self.cases = name, subject, tuple(uses), lemma, cases
        self.hypotheses, self.assumptions, self.sides = tuple(hypotheses), tuple(assumptions), tuple(sides)


def rule(kind: str) -> Reason:
    return Reason(kind, uses=[(kind, None)])


delta_rule, quotient_rule, product_rule, power_rule, linearity, differentiation = map(
    rule, ("delta", "quotient", "product", "power", "linearity", "differentiation"))
same_sign, monotone = map(rule, ("same_sign", "monotone"))       # inside the step function


def definition(what: Array | Func) -> Reason:
    """By the definition of an array or a function.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> s = t.define("s", [], exp(x))
    >>> t.derive(s[()]).step(exp(x), by=definition(s)).done("s").right
    Fun(exp, Entry(x, ()))
    """
    check(what, (Array, Func), "a definition is cited by its array or function, s and not s[k]")
    if not what.definition:
        raise Refused(f"{what.name} has no definition")
    return Reason("definition", what, [("definition", what)])


def chain_rule(*through: Array) -> Reason:
    """Chain rule through the named arrays, the only way by which y depends on x.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> z = t.define("z", [], x * y)
    >>> L = t.unknown("L", z)
    >>> step = t.derive(D(L[()], x)).step(D(L[()], z[()]) * D(z[()], x), by=chain_rule(z))
    >>> step.done("chain")
    Lemma('chain')
    """
    check_all(through or None, Array, "the chain rule goes through arrays, Z and not Z[i]")
    return Reason("chain", through, [("chain", through)])


def given(condition: Condition, times: Operand | None = None, at: Mapping[Index, Operand] | None = None,
          over: Iterable[Index] = ()) -> Reason:
    """By a hypothesis or an assumption.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> opposite = t.hypothesis("opposite", x, -y)
    >>> t.derive(x + y).step(0, by=given(opposite)).done("zero")
    Lemma('zero')
    """
    check(condition, Condition, "a hypothesis or an assumption of a theory is expected")
    if condition.relation != "equal":
        if times is not None or at is not None or over:
            raise Refused(f"the assumption {condition.name} is no equation: times, at and over mean nothing")
        return Reason("assumption", condition, [("assumption", condition)], assumptions=[condition])
    uses = equation(condition.left, condition.right, times, at, over)
    return Reason("hypothesis", condition, uses, hypotheses=[condition])


def by_lemma(lemma: Lemma, times: Operand | None = None, at: Mapping[Index, Operand] | None = None,
             over: Iterable[Index] = ()) -> Reason:
    """By a finished derivation: as a rule left → right, or `times` a factor, summed `over` indices.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> square = t.derive(D(x**2, x)).step(2 * x, by=differentiation).done("square")
    >>> t.derive(y * D(x**2, x)).step(2 * x * y, by=by_lemma(square)).done("longer")
    Lemma('longer')
    """
    if not isinstance(lemma, Lemma):
        raise Refused(f"only a finished derivation can be cited, but {told(lemma)} came")
    if any(c.relation == "distinct" for c in lemma.assumptions):
        raise Refused("a case of a proof by cases can only be cited with the other case")
    return Reason("lemma", lemma, equation(lemma.left, lemma.right, times, at, over), lemma.hypotheses,
                  lemma.assumptions, lemma.sides, lemma)


def equation(left: Expr, right: Expr, times: Operand | None, at: Mapping[Index, Operand] | None,
             over: Iterable[Index]) -> list[Use]:
    over = check_all(over, Index, "over: a list of indices is expected")
    if times is None and at is None and not over:
        return [("equation", (left, right))]
    check_all({} if at is None else check(at, Mapping, "at: a dict {index: expression} is expected"), Index,
              "at: an index is expected as key")
    places = {i: lift(v) for i, v in (at or {}).items()}
    for i, v in places.items():
        if not prover.inside(v, i.size):
            raise Refused(f"{v!r} does not lie in the range of {i!r}")
    multiple = lift(1 if times is None else times) * (replace_indices(left, places) - replace_indices(right, places))
    for i in over:
        multiple = Sum(multiple, i)
    return [("multiple", multiple)]


def sign_cases(z: Expr) -> Reason:
    """By the cases z > 0, z < 0 and z = 0, for a scalar z.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> x, y = t.scalar("x"), t.scalar("y")
    >>> t.derive(relu(x)).step(x * step(x), by=sign_cases(x)).done("relu")
    Lemma('relu')
    """
    if not isinstance(z, Entry) or z.args[1] or z.args[0].definition or z.args[0].depends is not None:
        raise Refused(f"only the sign of a scalar can be told apart in cases, but {told(z)} came")
    return Reason("sign", z, [("sign", (z, Condition("", z, "positive"), Condition("", z, "negative")))])


def cases(k: Index, i: Index, same: Lemma, other: Lemma) -> Reason:
    """By two finished cases, k = i and k ≠ i.

    >>> from nnlib.derivations import *
    >>> t = Theory("example")
    >>> K = t.size("K")
    >>> i, k, z = *t.indices("i k", K), t.array("z", K)
    >>> same = t.derive(D(z[i], z[i])).step(1, by=(differentiation, delta_rule)).done("same")
    >>> other = t.derive(D(z[k], z[i]), distinct=(k, i)).step(0, by=(differentiation, delta_rule)).done("other")
    >>> t.derive(D(z[k], z[i])).step(delta(k, i), by=cases(k, i, same, other)).done("both")
    Lemma('both')
    """
    check_all((k, i), Index, "cases are those of two indices")
    check_all((same, other), Lemma, "a finished derivation is expected for each case")
    if not any(c.relation == "distinct" and {c.left, c.right} == {k, i} for c in other.assumptions):
        raise Refused("the second case must be derived for two different indices")
    if any(c.relation == "distinct" for c in same.assumptions):
        raise Refused("the first case must be derived without a restriction")
    rest = [c for c in (*same.assumptions, *other.assumptions) if c.relation != "distinct"]
    return Reason("cases", (k, i), [], (*same.hypotheses, *other.hypotheses), rest,
                  (*same.sides, *other.sides), cases=(k, i, same, other))


class Theory:
    """The symbols of a derivation and what they mean.

    >>> t = Theory("example")
    >>> K = t.size("K")
    >>> i, j = t.indices("i j", K)
    >>> t.array("z", K)[i]
    Entry(z, (i,))
    >>> t.size("K")
    Traceback (most recent call last):
    nnlib.derivations.derivation.Refused: K is declared twice, or looks like another symbol
    """

    def __init__(self, name: str) -> None:
        self.name = check_name(name)
        self.symbols: dict[str, Symbol] = {}

    def declare(self, symbol: S, name: str) -> S:
        """Add a symbol under a name and return it; `Refused` where the name is taken, or a symbol looks like it.

        The methods `size`, `indices`, `array`, `define` and so on call it: who writes a derivation needs those alone.

        >>> t = Theory("example")
        >>> t.declare(Size("n", "n", 0), "n")
        n
        >>> t.symbols
        {'n': n}
        """
        if name in self.symbols or look_of(symbol) in map(look_of, self.symbols.values()):
            raise Refused(f"{name} is declared twice, or looks like another symbol")
        self.symbols[name] = symbol
        return symbol

    def size(self, name: str, latex: str | None = None, least: int = 0) -> Size:
        """Declare a symbolic size and return it: any whole number from `least` on; `Refused` where the name is taken.

        A `least` that is no whole number from 0 on raises `TypeError`.

        >>> t = Theory("example")
        >>> K = t.size("K", least=1)
        >>> t.array("z", K + 1).shape
        (Add(K, Num(Fraction(1, 1))),)
        """
        if type(least) is not int or least < 0:
            raise TypeError(f"least: a whole number from 0 on is expected, but {told(least)} came")
        return self.declare(Size(name, look(name, latex), least), name)

    def indices(self, names: str, size: Operand) -> Any:
        """Declare indices, single letters with blanks between, and return them as a list; a single one by itself.

        Each runs over 1, ..., size. A name that is no letter, or that is e or taken, raises `Refused`, and then none
        is declared; what is no size raises `TypeError`.

        >>> t = Theory("example")
        >>> t.indices("i j", t.size("K"))
        [i, j]
        >>> t.indices("k", 3)
        k
        """
        found = check_name(names, "names").split()
        if not found or not all(re.fullmatch(r"[a-df-zA-Z]'*", n) for n in found):
            raise Refused(f"an index is a letter, and not e, but {told(names)} came")
        before, size = {**self.symbols}, as_size(size)
        try:
            made = [self.declare(Index(n, size), n) for n in found]
        except Refused:
            self.symbols = before
            raise
        return made if len(made) > 1 else made[0]

    def array(self, name: str, *shape: Operand, latex: str | None = None, values: Expr | None = None) -> Array:
        """Declare data and return the array: any numbers (or, with `values`, whole numbers 1, ..., values).

        `Refused` where the name is taken; `TypeError` for a shape that is not made of sizes.

        >>> t = Theory("example")
        >>> n, i = t.size("n"), t.indices("i", 5)
        >>> z, c = t.array("z", n), t.array("c", 5, values=n)
        >>> z[c[i]]
        Entry(z, (Entry(c, (i,)),))
        """
        values = None if values is None else as_size(values)
        return self.declare(Array(name, look(name, latex), shape, values=values), name)

    def scalar(self, name: str, latex: str | None = None) -> Entry:
        """Declare a number and return it as an expression; `Refused` where the name is taken.

        >>> t = Theory("example")
        >>> t.scalar("x")**2
        Pow(Entry(x, ()), 2)
        """
        return self.array(name, latex=latex)[()]

    def define(self, name: str, indices: Iterable[Index], body: Operand, latex: str | None = None) -> Array:
        """Declare an array whose entry at `indices` is `body`, and return it.

        `Refused` where the body has another free index or a symbol that is not declared, or the name is taken.

        >>> t = Theory("example")
        >>> i, x = t.indices("i", t.size("n")), t.scalar("x")
        >>> t.define("s", [i], x**2).definition
        ((i,), Pow(Entry(x, ()), 2))
        """
        indices = check_all(indices, Index, f"the definition of {check_name(name)} takes a list of its indices")
        body = lift(body)
        if len(set(indices)) < len(indices) or free_indices(body) - set(indices):
            raise Refused(f"the definition of {name} has a free index that is not its own")
        self.check_symbols(body)
        return self.declare(Array(name, loss_or(name, latex), [i.size for i in indices], (indices, body)), name)

    def unknown(self, name: str, *depends: Array, shape: Iterable[Operand] = (), latex: str | None = None) -> Array:
        """Declare an unknown smooth function of the given arrays and return it as an array.

        `Refused` where the name is taken; `TypeError` for an entry in place of an array.

        >>> t = Theory("example")
        >>> L = t.unknown("L", t.array("Z", 2, 3))
        >>> L[()], L.depends
        (Entry(L, ()), (Z,))
        """
        check_all(depends, Array, f"{check_name(name)} depends on arrays, Z and not Z[i]")
        return self.declare(Array(name, loss_or(name, latex), shape, depends=depends), name)

    def opaque(self, name: str, latex: str | None = None) -> Func:
        """Declare an unknown smooth function of one number and return it; `f.prime` is its derivative.

        `Refused` where the name is taken.

        >>> t = Theory("example")
        >>> f, x = t.opaque("f"), t.scalar("x")
        >>> f(x), f.prime(x)
        (Fun(f, Entry(x, ())), Fun(f', Entry(x, ())))
        """
        return self.declare(Func(name, look(name, latex), opaque=True), name)

    def function(self, name: str, parameter: Entry, body: Operand, latex: str | None = None) -> Func:
        """Declare a function of one number, defined by a formula in the scalar `parameter`, and return it.

        `Refused` where the parameter is no scalar of the theory, the formula has an index, or the name is taken.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> f = t.function("f", x, x**2)
        >>> t.derive(f(3)).step(9, by=definition(f)).done("nine")
        Lemma('nine')
        """
        body = lift(body)
        if not isinstance(parameter, Entry) or parameter.args[1] or free_indices(body):
            raise Refused(f"the function {name} takes a scalar, and has no index, but {told(parameter)} came, "
                          f"with {told(body)}")
        for e in (parameter, body):
            self.check_symbols(e)
        return self.declare(Func(name, look(name, latex), definition=(parameter, body)), name)

    def hypothesis(self, name: str, left: Operand, right: Operand) -> Condition:
        """Return the hypothesis left = right, for `given`; `Refused` for symbols that the theory does not declare.

        >>> t = Theory("example")
        >>> x, y = t.scalar("x"), t.scalar("y")
        >>> opposite = t.hypothesis("opposite", x, -y)
        >>> opposite.left, opposite.relation, opposite.right
        (Entry(x, ()), 'equal', Neg(Entry(y, ())))
        """
        return self.condition(name, left, "equal", lift(right))

    def assume(self, name: str, left: Operand, relation: str) -> Condition:
        """Return the assumption that `left` is "positive", "negative" or "nonzero", for `given`.

        `Refused` for another word, and for symbols that the theory does not declare.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> active = t.assume("active", x, "positive")
        >>> t.derive(relu(x)).step(x, by=given(active)).done("itself")
        Lemma('itself')
        """
        if not isinstance(relation, str) or relation not in ("positive", "negative", "nonzero"):
            raise Refused(f'an assumption is "positive", "negative" or "nonzero", but {told(relation)} came')
        return self.condition(name, left, relation)

    def condition(self, name: str, left: Operand, relation: str, right: Operand | None = None) -> Condition:
        """Return a condition about symbols of this theory, or raise `Refused`.

        `hypothesis` and `assume` call it: who writes a derivation needs those alone.

        >>> t = Theory("example")
        >>> t.condition("first", t.scalar("x"), "positive").relation
        'positive'
        """
        made = Condition(check_name(name), left, relation, right)
        for e in refuter.sides_of([made]):
            self.check_symbols(e)
        return made

    def check_symbols(self, e: Expr) -> None:
        """Refuse an expression that speaks of symbols this theory declares otherwise, or not at all.

        >>> Theory("empty").check_symbols(Theory("example").scalar("x"))
        Traceback (most recent call last):
        nnlib.derivations.derivation.Refused: x is not a symbol of the theory empty, or is declared differently
        """
        for a in arrays_of(e).values():
            if self.symbols.get(a.name) != a:
                raise Refused(f"{a.name} is not a symbol of the theory {self.name}, or is declared differently")

    def accept_lemma(self, lemma: Lemma) -> None:
        """Refuse a lemma about symbols that this theory declares differently; return nothing for any other lemma.

        >>> t, other = Theory("example"), Theory("other")
        >>> x, other_x = t.scalar("x"), other.size("x")
        >>> other.accept_lemma(t.derive(x + x).step(2 * x).done("twice"))
        Traceback (most recent call last):
        nnlib.derivations.derivation.Refused: the lemma twice means something else by x
        """
        for name, symbol in lemma.theory.symbols.items():
            mine = self.symbols.get(name, symbol)
            if mine != symbol and not isinstance(symbol, Index):
                raise Refused(f"the lemma {lemma.name} means something else by {name}")

    def derive(self, start: Operand, distinct: tuple[Index, Index] | None = None) -> Derivation:
        """Begin a chain of equal expressions; `distinct=(k, i)` derives the case k ≠ i.

        `Refused` where the start has symbols that the theory does not declare.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> t.derive((x + 1)**2).step(x**2 + 2*x + 1).done("square")
        Lemma('square')
        """
        return Derivation(self, start, distinct)


def check_name(name: object, what: str = "name") -> str:
    """Return a name, or raise: it is a text that is not empty."""
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"{what}: a text that is not empty is expected, but {told(name)} came")
    return name


def look(name: str, latex: str | None) -> str:
    """How a symbol looks: its LaTeX, else its name."""
    check_name(name)
    return name if latex is None else check_name(latex, "latex")


def loss_or(name: str, latex: str | None) -> str:
    """How a defined or an unknown array looks: L is the number of layers, so the loss is a curly L."""
    return look(name, r"\mathcal{L}" if latex is None and name == "L" else latex)


def look_of(symbol: Symbol) -> str:
    """The LaTeX of a symbol: no two of a theory may look alike."""
    return symbol.args[0] if isinstance(symbol, Index) else symbol.args[1] if isinstance(symbol, Size) \
        else symbol.latex


class Line:
    """One accepted step: its expression, its reasons, and a few words for the reader."""

    def __init__(self, expr: Expr, reasons: tuple[Reason, ...], words: str) -> None:
        self.expr, self.reasons, self.words = expr, reasons, words


class Derivation:
    """A chain of expressions, each equal to the one before for the reasons given."""

    def __init__(self, theory: Theory, start: Operand, distinct: tuple[Index, Index] | None = None) -> None:
        check(theory, Theory, "a derivation begins in a Theory").check_symbols(lift(start))
        if distinct is not None and len(check_all(distinct, Index, "distinct: two indices are expected")) != 2:
            raise TypeError(f"distinct: two indices are expected, but {told(distinct)} came")
        self.theory, self.start = theory, lift(start)
        self.lines: list[Line] = []
        self.distinct: tuple[Condition, ...] = \
            (Condition("distinct", distinct[0], "distinct", distinct[1]),) if distinct else ()
        self.hypotheses: tuple[Condition, ...] = ()
        self.assumptions: tuple[Condition, ...] = self.distinct
        self.sides: tuple[Condition, ...] = ()
        self.conventions: tuple[Convention, ...] = ()

    def __repr__(self) -> str:
        return f"Derivation({self.theory.name!r}, {len(self.lines)} lines)"

    @property
    def last(self) -> Expr:
        """The expression of the last line, or the start where there is none.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> t.derive(x + x).step(2 * x).last
        Mul(Num(Fraction(2, 1)), Entry(x, ()))
        """
        return self.lines[-1].expr if self.lines else self.start

    def step(self, expr: Operand, by: Reason | Iterable[Reason] = (), words: str = "") -> Self:
        """Add `= expr`, checked: it must follow from the reasons `by` and the laws of algebra. Return the derivation.

        `FalseStep`, `Unproved`, `Vacuous` or another `Refused` where it does not, or where a reason is not needed;
        then the derivation stays as it was.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> t.derive(x + x).step(2 * x, words="count them")
        Derivation('example', 1 lines)
        """
        reasons = check_all((by,) if isinstance(by, Reason) else by, Reason,
                            "by: reasons are expected, such as differentiation or definition(s)")
        check(words, str, "words: a text is expected")
        sides = check_step(self, self.last, lift(expr), reasons)
        self.lines.append(Line(lift(expr), reasons, words))
        self.hypotheses = merge(self.hypotheses, *(r.hypotheses for r in reasons))
        self.assumptions = merge(self.assumptions, *(r.assumptions for r in reasons))
        self.sides = merge(self.sides, sides)
        return self

    def convention(self, expr: Operand, at: Mapping[Entry, int], value: Operand) -> Self:
        """State what the expression is taken to be at a point where it has no value: no proved step.

        Return the derivation. `Refused` for symbols that the theory does not declare.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> t.derive(x / x).convention(x / x, at={x: 0}, value=1).conventions
        ((Div(Entry(x, ()), Entry(x, ())), {Entry(x, ()): 0}, Num(Fraction(1, 1))),)
        """
        check(at, Mapping, "at: a dict {scalar: number} is expected")
        check_all(at, Entry, "at: a scalar is expected as key")
        for e in (lift(expr), lift(value), *at, *map(lift, at.values())):
            self.theory.check_symbols(e)
        self.conventions = (*self.conventions, (lift(expr), at, lift(value)))
        return self

    def done(self, name: str) -> Lemma:
        """Finish: return the lemma first = last, checked once more as a whole; `Refused` without any step.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> t.derive(x + x).step(2 * x).done("twice").name
        'twice'
        """
        check_name(name)
        if not self.lines:
            raise Refused("a derivation needs at least one step")
        return Lemma(name, self, _key=_KEY)


_KEY = object()      # only a finished derivation makes a lemma


class Lemma:
    """A proved equation, with what it rests on."""

    def __init__(self, name: str, derivation: Derivation, _key: object = None) -> None:
        if _key is not _KEY:
            raise Refused("a lemma is made by finishing a derivation")
        d = self.derivation = derivation
        self.name, self.theory, self.left, self.right = name, d.theory, d.start, d.last
        self.hypotheses, self.assumptions = d.hypotheses, d.assumptions
        self.sides = without_repeats([c for c in d.sides if not evident(c, d.assumptions)],
                                     free_indices(self.left) | free_indices(self.right))
        self.conventions, self.lines = d.conventions, tuple(d.lines)
        found, points = self.without()
        if found:
            raise KernelBug(f"{name}: every step passed, but the ends differ: {found}")

    def __repr__(self) -> str:
        return f"Lemma({self.name!r})"

    @property
    def parts(self) -> tuple[Lemma, ...]:
        """The lemmas that its steps cite, cases included.

        >>> from nnlib.derivations import THEOREMS
        >>> THEOREMS["softmax_backward"].build().parts
        (Lemma('softmax'),)
        """
        cited = [x for line in self.lines for r in line.reasons for x in (r.lemma, *(r.cases or ())[2:]) if x]
        return tuple(dict.fromkeys(cited))

    def _repr_markdown_(self) -> str:
        from .display import derivation_markdown
        return derivation_markdown(self)

    def attempt(self, n: int, expr: Operand | None = None, by: Iterable[Reason] | None = None) -> Refused | None:
        """Try another version of step n: return the refusal, with its numbers, or None if it passes.

        `TypeError` where there is no step n.

        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> twice = t.derive(x + x).step(2 * x).done("twice")
        >>> twice.attempt(1, 3 * x).words, twice.attempt(1, x * 2)
        ('Step 1 is false.', None)
        """
        if type(n) is not int or not 1 <= n <= len(self.lines):
            raise TypeError(f"n: a step from 1 to {len(self.lines)} is expected, but {told(n)} came")
        d = Derivation(self.theory, self.left)
        d.distinct, d.lines = self.derivation.distinct, list(self.lines[:n - 1])
        line = self.lines[n - 1]
        try:
            d.step(line.expr if expr is None else expr, line.reasons if by is None else by)
        except Refused as why:
            return why
        return None

    def without(self, *dropped: Condition) -> tuple[refuter.Counterexample | None, int]:
        """Look for a counterexample with some hypotheses or assumptions dropped: are they needed?

        Return it, or None, and the number of random instances that were compared. `Refused` for a condition
        on which the lemma does not rest.

        >>> t = Theory("example")
        >>> x, y = t.scalar("x"), t.scalar("y")
        >>> equal = t.hypothesis("equal", x, y)
        >>> print(t.derive(x - y).step(0, by=given(equal)).done("zero").without(equal)[0])
        left 1.7142857, right 0.0, at x = 0.0, y = -1.7142857
        """
        rests_on = (*self.hypotheses, *self.assumptions, *self.sides)
        if wrong := [c for c in dropped if c not in rests_on]:
            raise Refused(f"{self.name} does not rest on {told(wrong[0])}: it rests on {[c.name for c in rests_on]}")

        def keep(conditions: Iterable[Condition]) -> list[Condition]:
            return [c for c in conditions if c not in dropped]
        return refuter.refute(self.left, self.right, keep(self.hypotheses), keep(self.assumptions),
                              keep(self.sides), wanted=12)


def evident(side: Condition, assumptions: Iterable[Condition]) -> bool:
    """True where a side condition follows from the assumptions at sight."""
    e = 1 / side.left if side.relation == "nonzero" else log(side.left)
    return not prover.conditions(e, [("assumption", c) for c in assumptions])


def without_repeats(sides: Iterable[Condition], fixed: frozenset[Index]) -> tuple[Condition, ...]:
    """Drop a side condition that another one contains, which speaks of all values of its own indices."""
    kept = list(sides)
    for c in sides:
        if any(d is not c and d.relation in ("positive", c.relation) and
               prover.match(d.left, c.left, {}, free_indices(d.left) - fixed) is not None for d in kept):
            kept.remove(c)
    return tuple(kept)


def merge(*tuples: Iterable[Condition]) -> tuple[Condition, ...]:
    return tuple(dict.fromkeys(c for t in tuples for c in t))


def check_step(derivation: Derivation, a: Expr, b: Expr, reasons: tuple[Reason, ...],
               search: int = 10) -> tuple[Condition, ...]:
    """Return the side conditions of the step a = b, or raise."""
    theory = derivation.theory
    theory.check_symbols(b)
    for e in (e for r in reasons for c in (*r.hypotheses, *r.assumptions) if not r.lemma
              for e in refuter.sides_of([c])):
        theory.check_symbols(e)
    for r in reasons:
        for lemma in (r.lemma, *(r.cases or ())[2:]):
            if lemma:
                theory.accept_lemma(lemma)
    if free_indices(b) - free_indices(a) and free_indices(a):
        raise Refused(f"the index {min(map(repr, free_indices(b) - free_indices(a)))} comes out of nothing")
    always = [("assumption", c) for c in derivation.distinct]
    uses = [u for r in reasons for u in r.uses] + always
    proved = proved_by_cases(a, b, reasons) if any(r.cases for r in reasons) else prover.prove(a, b, uses)
    hypotheses = merge(*(r.hypotheses for r in reasons))
    assumptions = merge(derivation.distinct, *(r.assumptions for r in reasons))
    found_sides = [Condition("", u, relation) for e in (a, b) for relation, u in prover.conditions(e, uses)]
    sides = merge(found_sides, *(r.sides for r in reasons))
    found, compared = refuter.refute(a, b, hypotheses, assumptions, sides, wanted=search)
    if found and proved:
        raise KernelBug(f"proved, and refuted: {found}")
    if found:
        raise FalseStep(f"Step {len(derivation.lines) + 1} is false.", (a, b), f"The sides differ: {found}")
    if not proved:
        raise Unproved("The reasons given do not prove it, and no counterexample was found.", (a, b))
    if compared < 3:
        raise Vacuous(f"only {compared} random instances satisfied the assumptions and gave both sides a value")
    for n, r in enumerate(reasons):
        rest = [u for m, s in enumerate(reasons) if m != n for u in s.uses] + always
        rest += [("without", r.name)] if r.name in ("quotient", "product", "power", "linearity") else []
        if not r.cases and prover.prove(a, b, rest):
            raise Refused(f"the reason {r.name!r} is not needed here")
    return sides


def proved_by_cases(a: Expr, b: Expr, reasons: tuple[Reason, ...]) -> bool:
    """k = i: both sides as in the first case; k ≠ i: as in the second."""
    (k, i, same, other), = [r.cases for r in reasons if r.cases]
    rest = [u for r in reasons for u in r.uses] + [("delta", None)]
    apart = [("assumption", c) for c in other.assumptions if c.relation == "distinct"]
    equal = {k: i}
    first = replace_indices(a, equal) - replace_indices(b, equal)
    return prover.prove(first, same.left - same.right, rest) \
        and prover.prove(a - b, other.left - other.right, rest + apart)
