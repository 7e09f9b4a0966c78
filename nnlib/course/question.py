"""A question of an assignment: checks of what a student's code returns, and what to say about them.

>>> q = Question("A neuron", points=2, read="neuron")
>>> q.close("the sum of inputs times weights", lambda: 3.0, 5, slips={"the bias was added twice": 3})
>>> q.equal("the number of weights", lambda: 2, 2)
>>> print(q.result())
A neuron: 1 of 2 checks hold
  no   the sum of inputs times weights: 3 came, 5 is expected; the bias was added twice
  yes  the number of weights
Read: http://localhost:8000/book/neuron.html

What a student returns is copied into plain numbers before it is compared: its own methods, its own
`==` among them, decide nothing. An object of any other type does not hold.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from types import NoneType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # a question about a derivation is checked where there is no NumPy
    import numpy as np

    from ..derivations.lines import Problem
    from ..kinds import Array, ArrayLike, NDArray

LARGEST = 2_000_000                # entries of an array that is looked at
DEEPEST = 8                        # lists in lists
LONGEST = 300                      # characters of a message that come from a student's objects


class NotPlain(ValueError):
    """A value that is no number, text, list or array of numbers."""


@dataclass(frozen=True)
class Check:
    """One check of a question: what it asks, whether (and how far) it held, and what is wrong."""
    words: str
    held: bool
    weight: float
    message: str = ""
    share: float = 0.0             # of the weight that is earned, 0 to 1


class Question:
    """The checks of one question, worth `points`; `read` names the page (and its section) to read.

    A check takes a function without arguments, so that what goes wrong in a student's code costs that
    check alone. `weight` says what it counts. The points earned are in proportion to the weight held.
    """
    # in the browser beside the notebook, else where `make serve` shows it
    book = "../../book/" if sys.platform == "emscripten" else "http://localhost:8000/book/"

    def __init__(self, title: str, points: float, read: str = "") -> None:
        text("title", title)
        text("read", read)
        positive("points", points)
        self.title, self.points, self.read = title, points, read
        self.checks: list[Check] = []

    # --- the kinds of check ---

    def close(self, words: str, get: Callable[[], object], expected: ArrayLike, within: float | None = None,
              slips: Mapping[str, ArrayLike] | None = None, weight: float = 1) -> None:
        """An array or a number with this shape and these values, up to rounding (or `within` a distance).

        `slips` maps what may have gone wrong to the value that then comes.

        >>> q = Question("A neuron", points=2)
        >>> q.close("the sum", lambda: [1.0, 5.0], [1, 2], slips={"the bias was added twice": [1, 5]})
        >>> print(q)
        A neuron: 0 of 1 checks hold
          no   the sum: 1 of 2 entries are wrong: at [1] 5 came, 2 is expected; the bias was added twice
        """
        if within is not None:
            positive("within", within)
        if not isinstance(slips, (Mapping, NoneType)):
            raise TypeError(f"slips must be a dict {{what went wrong: value}}, but {what(slips)} came")
        with suppress(ImportError):     # what is expected is the teacher's: no student may lose by it
            for value in (expected, *(slips or {}).values()):
                array(value)
        self.add(words, weight, get, lambda came: unlike_array(array(came), array(expected), within, slips or {}))

    def equal(self, words: str, get: Callable[[], object], expected: object, weight: float = 1) -> None:
        """A number, text or truth value, or a list of them, equal in type and value.

        >>> q = Question("A neuron", points=2)
        >>> q.equal("the number of weights", lambda: 2, 2)
        >>> q.earned
        2.0
        """
        plain = simple(expected)
        self.add(words, weight, get, lambda came: unlike(simple(came), plain))

    def between(self, words: str, get: Callable[[], object], low: float, high: float, weight: float = 1) -> None:
        """A number from low to high.

        >>> q = Question("A network", points=2)
        >>> q.between("the accuracy", lambda: 0.5, 0.9, 1)
        >>> print(q)
        A network: 0 of 1 checks hold
          no   the accuracy: 0.5 came, a number from 0.9 to 1 is expected
        """
        bounds = simple([low, high])
        if not all(type(bound) in (int, float) for bound in bounds) or not bounds[0] <= bounds[1]:
            raise ValueError(f"low and high must be numbers, low no more than high, but {what(low)} and {what(high)} "
                             "came")
        self.add(words, weight, get, lambda came: not_between(number(came), *bounds))

    def raises(self, words: str, get: Callable[[], object], error: type[BaseException], weight: float = 1) -> None:
        """This kind of error.

        >>> q = Question("A check", points=2)
        >>> q.raises("a text is refused", lambda: float("two"), ValueError)
        >>> q.earned
        2.0
        """
        if not isinstance(error, type) or not issubclass(error, BaseException):
            raise TypeError(f"error must be a kind of error, such as ValueError, but {what(error)} came")
        self.allowed(words, weight, get)
        try:
            came = get()
        except error:
            self.checks.append(Check(words, True, weight, share=1.0))
        except (Exception, SystemExit) as other:
            self.checks.append(Check(words, False, weight, f"{error.__name__} is expected; {told(other)}"))
        else:
            self.checks.append(Check(words, False, weight, f"{error.__name__} is expected, but {what(came)} came"))

    def lines(self, words: str, get: Callable[[], object], problem: Problem, weight: float = 1) -> None:
        """A typed derivation (`nnlib.derivations.lines`): the share of the way up to the first line that fails.

        >>> from nnlib.derivations import *
        >>> t = Theory("example")
        >>> x = t.scalar("x")
        >>> problem = Problem(t, D(exp(x)**2, x), 2 * exp(x)**2, by=(differentiation,))
        >>> q = Question("A square", points=2)
        >>> q.lines("the derivative", lambda: ["2 exp(x)^2"], problem)
        >>> q.earned
        2.0
        """
        if not hasattr(problem, "check"):
            raise TypeError(f"problem must be a Problem of nnlib.derivations, but {what(problem)} came")
        self.allowed(words, weight, get)
        try:
            checked = problem.check(simple(get()))
        except (Exception, SystemExit) as error:
            self.checks.append(Check(words, False, weight, told(error)))
            return
        held = checked.done == checked.rules
        self.checks.append(Check(words, held, weight, "" if held else f"\n{checked}", checked.share))

    def add(self, words: str, weight: float, get: Callable[[], object], complaint: Callable[[Any], str]) -> None:
        """Append a check: it holds where `get` returns and nothing is to complain of.

        >>> q = Question("A number", points=2)
        >>> q.add("an even number", 1, lambda: 3, lambda came: "it is odd" if came % 2 else "")
        >>> print(q)
        A number: 0 of 1 checks hold
          no   an even number: it is odd
        """
        self.allowed(words, weight, get)
        try:
            message = complaint(get())
        except NotPlain as error:
            message = str(error)
        except (Exception, SystemExit) as error:
            message = told(error)
        self.checks.append(Check(words, not message, weight, message, 0.0 if message else 1.0))

    def allowed(self, words: str, weight: float, get: Callable[[], object]) -> None:
        """Refuse what is the teacher's own mistake, so that it costs no student a point.

        >>> Question("A number", points=2).allowed("an even number", 1, 4)
        Traceback (most recent call last):
        TypeError: get must be a function without arguments, such as lambda: f(3), but 4 (int) came
        """
        text("words", words)
        positive("weight", weight)
        if not callable(get):
            raise TypeError(f"get must be a function without arguments, such as lambda: f(3), but {what(get)} came")

    # --- the result ---

    @property
    def earned(self) -> float:
        """The points: in proportion to the weight that held.

        >>> q = Question("Two numbers", points=4)
        >>> q.equal("the first", lambda: 1, 1, weight=3)
        >>> q.equal("the second", lambda: 1, 2)
        >>> q.earned
        3.0
        """
        whole = sum(check.weight for check in self.checks)
        return round(self.points * sum(c.weight * c.share for c in self.checks) / whole, 2) if whole else 0.0

    def result(self) -> Self:
        """Return the question, which shows itself.

        >>> Question("A number", points=2).result()
        A number: 0 of 0 checks hold
        """
        return self

    def link(self) -> str:
        """The address of what to read.

        >>> Question("A neuron", points=2, read="neuron#bias").link()
        'http://localhost:8000/book/neuron.html#bias'
        """
        page, _, section = self.read.partition("#")
        return f"{self.book}{page}.html" + f"#{section}" * bool(section)

    def head(self) -> str:
        """The title and how many checks hold.

        >>> Question("A number", points=2).head()
        'A number: 0 of 0 checks hold'
        """
        held = sum(check.held for check in self.checks)
        return f"{self.title}: {held} of {len(self.checks)} checks hold"

    def __repr__(self) -> str:
        rows = [f"  {'yes' if c.held else 'no '}  {c.words}{': ' * bool(c.message)}{c.message}" for c in self.checks]
        rows = [row.replace("\n", "\n       ") for row in rows]
        right = all(check.held for check in self.checks)
        return "\n".join([self.head(), *rows, *[f"Read: {self.link()}"] * (not right and bool(self.read))])

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{'✓' if c.held else '✗'} {escape(c.words)}"
                       f"{f'<pre>{escape(c.message.strip())}</pre>' if c.message else ''}</li>" for c in self.checks)
        right, chapter = all(check.held for check in self.checks), self.read.partition("#")[0]
        link = f'<p>Read: <a href="{escape(self.link())}">the chapter {escape(chapter)}</a></p>'
        read = "" if right or not chapter else link
        return f'<div class="question"><p><strong>{escape(self.head())}</strong></p><ul>{rows}</ul>{read}</div>'

    def _repr_markdown_(self) -> str:
        return "\n".join("    " + line for line in repr(self).splitlines())     # a block of code: no mark-up in it


def text(name: str, value: object) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, but {what(value)} came")


def positive(name: str, value: object) -> None:
    """Refuse what is no number from 0 on, of a size that points have."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 10**9:
        raise TypeError(f"{name} must be a number from 0 on, but {what(value)} came")


# --- plain values ---------------------------------------------------------------

def numpy_types() -> tuple[Any, set[type]]:
    """Return the types of NumPy's arrays and of its scalars; none where it was never imported."""
    np = sys.modules.get("numpy")
    if np is None:
        return None, set()
    return np.ndarray, {np.bool_, *(np.dtype(kind).type for kind in "bhilqBHILQefdg")}


def simple(value: Any, depth: int = 0) -> Any:
    """Copy a value into Python's own None, bool, int, float, str and lists of them, or raise `NotPlain`.

    >>> simple((1, "a", [True, None]))
    [1, 'a', [True, None]]
    """
    ndarray, scalars = numpy_types()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in scalars:
        return value.item()
    if ndarray and type(value) is ndarray and value.dtype.type in scalars and value.size <= LARGEST:
        return value.tolist()
    if type(value) in (list, tuple) and depth < DEEPEST and len(value) <= LARGEST:
        return [simple(part, depth + 1) for part in value]
    raise NotPlain(f"{what(value)} came: a number, a text, a list or an array of numbers is expected")


def array(value: object) -> Array:
    """Copy a number, an array or nested lists of numbers into a new array of float64, or raise `NotPlain`.

    >>> array([[1, 2]])
    array([[1., 2.]])
    >>> array("12")
    Traceback (most recent call last):
    nnlib.course.question.NotPlain: a text came: numbers are expected
    """
    import numpy as np
    if value is None or type(value) is str:
        raise NotPlain(f"{what(value)} came: numbers are expected")
    if type(value) is not np.ndarray:
        value = simple(value)
    elif value.dtype.kind not in "biuf" or value.size > LARGEST:
        raise NotPlain(f"an array of {value.size} entries of type {value.dtype} came: numbers are expected")
    try:
        found = np.array(value, dtype=None if type(value) is np.ndarray else float)
    except (ValueError, TypeError, OverflowError):
        raise NotPlain("rows of different lengths, texts or huge numbers came: numbers are expected") from None
    return found.astype(float)


def number(value: object) -> float:
    """Copy a value into one float, or raise `NotPlain`.

    >>> number(3)
    3.0
    """
    found = array(value)
    if found.shape != ():
        raise NotPlain(f"an array of shape {found.shape} came: one number is expected")
    return float(found)


# --- what is wrong --------------------------------------------------------------

def unlike_array(came: Array, expected: Array, within: float | None, slips: Mapping[str, ArrayLike]) -> str:
    """Say how two arrays differ, or return ""."""
    import numpy as np
    if alike(came, expected, within):
        return ""
    if came.shape != expected.shape:
        return f"{kind(came)} came, {kind(expected)} is expected{hint(came, expected, within, slips)}"
    if came.shape == ():
        return f"{came:.6g} came, {expected:.6g} is expected{hint(came, expected, within, slips)}"
    wrong = [tuple(map(int, at)) for at in np.argwhere(~near(came, expected, within))]
    at = wrong[0]
    where = f"[{', '.join(map(str, at))}]"
    return (f"{len(wrong)} of {came.size} entries are wrong: at {where} {came[at]:.6g} came, "
            f"{expected[at]:.6g} is expected{hint(came, expected, within, slips)}")


def near(came: Array, expected: Array, within: float | None) -> NDArray[np.bool]:
    """Where two arrays of one shape agree: inf with inf only, and nan with nothing."""
    import numpy as np
    with np.errstate(invalid="ignore", over="ignore"):
        bound = 1e-9 + 1e-6 * abs(expected) if within is None else within
        return (came == expected) | (np.isfinite(expected) & (abs(came - expected) <= bound))


def alike(came: Array, expected: Array, within: float | None = None) -> bool:
    """Whether two arrays have one shape and agree everywhere."""
    return came.shape == expected.shape and bool(near(came, expected, within).all())


def hint(came: Array, expected: Array, within: float | None, slips: Mapping[str, ArrayLike]) -> str:
    """Return the slip of the question that explains what came, else one that any question may meet."""
    import numpy as np
    for words, value in slips.items():
        if alike(came, array(value), within):
            return f"; {words}"
    if np.isnan(came).any():
        return "; nan is not a number: an overflow, or 0/0"
    if came.shape != expected.shape and alike(came.T, expected, within):
        return "; this is the transpose"
    if came.shape != expected.shape and came.size == expected.size:
        return "; the entries are right" * alike(came.reshape(expected.shape), expected, within)
    if came.shape == expected.shape and alike(-came, expected, within):
        return "; the sign is the other way round"
    if came.shape == expected.shape and came.size > 1 and expected.any():
        at = np.unravel_index(abs(expected).argmax(), expected.shape)
        ratio = float(came[at] / expected[at]) if expected[at] else 0.0
        if ratio and np.isfinite(ratio) and alike(came / ratio, expected, within):
            return f"; every entry is {ratio:.4g} times what it should be"
    return ""


def kind(a: Array) -> str:
    """Name an array for a message by its shape."""
    return "a number" if a.shape == () else f"an array of shape {a.shape}"


def unlike(came: Any, expected: Any) -> str:
    """Say how two simple values differ, or return "".

    >>> unlike([1, 2], [1, 3])
    'at [1]: 2 came, 3 is expected'
    """
    if type(came) is type(expected) is list and len(came) == len(expected):
        for n, (a, b) in enumerate(zip(came, expected)):
            if message := unlike(a, b):
                return f"at [{n}]: {message}"
        return ""
    if type(came) is type(expected) and came == expected:
        return ""
    if type(came) is not type(expected):
        return f"{what(came)} came, {what(expected)} is expected"
    if type(came) is list:
        return f"{len(came)} entries came, {len(expected)} are expected"
    return f"{short(came)} came, {short(expected)} is expected"


def not_between(came: float, low: float, high: float) -> str:
    """Say that a number lies outside; the empty text where it does not."""
    return "" if low <= came <= high else f"{came:.6g} came, a number from {low:.6g} to {high:.6g} is expected"


def what(value: object) -> str:
    """Name a value for a message, asking nothing of it but its type."""
    if value is None:
        return "nothing (None)"
    if type(value) in (bool, int, float):
        return f"{short(value)} ({type(value).__name__})"
    named: dict[type, str] = {str: "a text", list: "a list", tuple: "a tuple"}
    return named.get(type(value)) or f"a value of type {type(value).__name__[:60]}"


def short(value: object) -> str:
    """A value as text, cut where it is long."""
    if type(value) is int and abs(value) > 10**40:
        return "a whole number of more than 40 digits"
    return repr(value)[:LONGEST]


def told(error: BaseException) -> str:
    """Name an error that a student's code raised; its text is the student's and may fail too."""
    try:
        text = str(error)[:LONGEST]
    except (Exception, SystemExit):
        text = ""
    return f"{type(error).__name__[:60]}{': ' * bool(text)}{text}"
