r"""A reader of formulas that a person types, in the symbols of one theory.

Plain text (`s_k*(1 - s[i])`, `A.T @ G`, `sum_j exp(z_j)`), LaTeX and Unicode; no Python is ever
evaluated.  What could be read in two ways is refused, with the place and what to write instead.

>>> from nnlib.derivations import THEOREMS
>>> from nnlib.derivations.display import source
>>> source(read_typed("s_k(δ_ki − s_i)", THEOREMS["softmax"].build()))
's[k] * (delta(k, i) - s[i])'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

from . import language as lang
from .derivation import Theory, look_of
from .language import Array, Entry, Expr, Func, Index, Num, Size, Symbol, free_indices, replace_indices, walk, whole
from .prover import inside
from .reader import Reader

if TYPE_CHECKING:
    from .challenge import Provable

LONGEST, DEEPEST, HIGHEST = 500, 40, 64       # characters, brackets in brackets, exponent on exponent
LOOSE = Size("?", "?", 0)                     # the range of an index that no sum has bound yet
CHARACTERS = str.maketrans("−–·×∙⋅′’∑", "--****''Σ")
RAISED, LEVEL = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"
LOWERED, LETTERS = "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙᵣ", "0123456789ijklmnr"
NAME = re.compile(r"[a-zA-Z\u0370-\u03ff]+\d*'*")
SAME = {r"\sigma": "σ", r"\delta": "δ", r"\alpha": "α", r"\theta": "θ", r"\lambda": "λ", r"\ell": "ℓ",
        r"\mathcal{L}": "ℒ", r"\hat y": "ŷ", r"\hat{Y}": "Ŷ"}
COMMANDS = {r"\sum": "sum", "Σ": "sum", "Sum": "sum", r"\log": "log", "ln": "log", r"\ln": "log", r"\exp": "exp",
            r"\tanh": "tanh", "ReLU": "relu", r"\max": "max", r"\partial": "∂", "δ": "delta", r"\delta": "delta",
            r"\top": "T", r"\cdot": "*", r"\times": "*", r"\ge": "≥", r"\geq": "≥", ">=": "≥", "**": "^",
            r"\mathbf{1}": "1", r"\lvert": "|", r"\rvert": "|", "sigmoid": "sigma", "KroneckerDelta": "delta"}
PIECES = re.compile(rf"\\(?:left|right|quad|big|Big|[,;! ])(?![a-zA-Z])|"          # no token
                    rf"(\\mathbf\{{1\}}|\\[a-zA-Z]+|\.T\b|[0-9]+(?:\.[0-9]+)?"
                    rf"|\*\*|>=|{NAME.pattern}|[{RAISED}]+|[{LOWERED}]+|\S)")
FUNCTIONS = {"exp": lang.exp, "log": lang.log, "tanh": lang.tanh, "relu": lang.relu, "step": lang.step}
STOPS = (None, "+", "-", ")", "}", "]", ",", "≥", "=", "@", ".T")


class Mistyped(ValueError):
    """The text cannot be read: what is wrong, and where."""


class NoMatrix(Exception):
    """A bracket that holds no product of matrices."""


def read_typed(text: object, lemma: Provable) -> Expr:
    """Return the expression that a typed line denotes beside a lemma, or raise `Mistyped`."""
    if not isinstance(text, str) or not text.strip():
        raise Mistyped("Type an expression, such as the right side of an equation.")
    if len(text) > LONGEST:
        raise Mistyped(f"The line has {len(text)} characters; at most {LONGEST} are read.")
    parser = Typed(unicodedata.normalize("NFC", text).translate(CHARACTERS), lemma)
    e = parser.sum()
    if parser.peek() is not None:
        parser.fail("one expression, without =, is read: type only the right side" if parser.peek() in "=<>≥" else
                    f"{parser.peek()!r} closes no bracket" if parser.peek() in ")]}" else
                    f"{parser.peek()!r} does not belong here")
    check_indices(e, lemma, parser)
    return e


def check_indices(e: Expr, lemma: Provable, parser: Typed) -> None:
    """Refuse free indices that the theorem does not have, and indices that are no whole numbers."""
    goal = free_indices(lemma.left)
    for i in sorted(free_indices(e) - goal, key=repr):
        free = ", ".join(sorted(map(repr, goal))) or "none"
        known = "" if isinstance(parser.table.get(repr(i)), Index) else f"there is no index {i!r} in this theorem: "
        raise Mistyped(f"The index {i!r} is free; {known}the free indices of the left side are: {free}. "
                       f"Bind it by a sum (sum_{i!r} ...) or put another index.")
    if nested_power(e) > HIGHEST:
        raise Mistyped(f"The powers are too high: at most {HIGHEST}, powers of powers together.")
    for node in walk(e):
        slots = node.args[1] if isinstance(node, Entry) else node.args if isinstance(node, lang.Delta) else \
            node.args[1:] if isinstance(node, lang.MatrixProduct) else ()
        if not all(map(whole, slots)):
            raise Mistyped("An index is a whole number made of indices, sizes and numbers, such as i or l + 1.")


def nested_power(e: Expr) -> int:
    inner = max([1, *map(nested_power, lang.children(e))])
    return inner * max(1, abs(e.args[1])) if isinstance(e, lang.Pow) else inner


def spellings(theory: Theory) -> dict[str, Any]:
    """All ways to write the symbols of a theory: its names, its LaTeX, and that in Unicode or with fewer braces."""
    table = {**Reader("", theory).table, **theory.symbols}
    for s in theory.symbols.values():              # dZ is the array that is defined as the gradient by Z
        if isinstance(s, Array) and s.definition and isinstance(body := s.definition[1], lang.D) \
                and body.args[1].args[1] == s.definition[0]:
            table.setdefault("d" + body.args[1].args[0].name, s)
    table |= {name + "'": s.prime for name, s in theory.symbols.items() if isinstance(s, Func) and s.prime}
    for text, s in list(table.items()):
        for command, letter in SAME.items():
            table.setdefault(text.replace(command, letter), s)
    for text, s in list(table.items()):
        table.setdefault(re.sub(r"\\mathrm\{(\w+)\}", r"\1", text), s)
        table.setdefault(re.sub(r"\{(\w)\}", r"\1", text), s)
    return table


def shown(name: str, symbol: Symbol) -> str:
    """A name for a message, with the look of the symbol on the page where that is another: E (δ^{l+1})."""
    look = look_of(symbol)
    for command, letter in SAME.items():
        look = look.replace(command, letter)
    bare = re.sub(r"\\(mathrm|operatorname)|[{}_\\]", "", look)
    differs = bare != name.replace("_", "") and re.search(r"[\^\d']", bare)
    return f"{name} ({look})" if differs else name


class Typed:
    """Recursive descent over the tokens of one line."""

    def __init__(self, text: str, lemma: Provable) -> None:
        self.text = text
        self.symbols: dict[str, Any] = lemma.theory.symbols
        self.table: dict[str, Any] = spellings(lemma.theory)
        self.tokens: list[str] = []
        self.places: list[int] = []
        self.bound: dict[str, Index] = {}
        self.at = self.depth = self.in_bars = self.indexing = 0
        free = free_indices(lemma.left)
        self.goal = tuple(dict.fromkeys(i for i in walk(lemma.left) if isinstance(i, Index) and i in free))
        self.split()

    def split(self) -> None:
        long = sorted((s for s in self.table if not NAME.fullmatch(s)), key=len, reverse=True)
        at = 0
        while at < len(self.text):
            if self.text[at].isspace():
                at += 1
                continue
            symbol = next((s for s in long if self.text.startswith(s, at) and not (
                s[-1].isalnum() and re.match(r"[^\W_]|'", self.text[at + len(s):]))), None)
            found = PIECES.match(self.text, at)
            assert found, "any character will do"
            token = symbol or found.group(1)
            if token:
                subscript = self.tokens[-1:] == ["_"] or self.tokens[-2:] == ["_", "{"]
                self.tokens.append(token if token in self.table or subscript else COMMANDS.get(token, token))
                self.places.append(at)
            at += len(symbol or found.group())

    # --- small tools ---

    def fail(self, words: str, at: int | None = None) -> NoReturn:
        at = self.at if at is None else at
        place = f"At character {self.places[at] + 1}" if at < len(self.places) else "At the end"
        raise Mistyped(f"{place}: {words}.")

    def peek(self, ahead: int = 0) -> str | Any:
        """A token to come, None beyond the end."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self, *tokens: str) -> bool:
        found = self.peek() in tokens
        self.at += found
        return found

    def take(self, token: str, words: str = "") -> None:
        if not self.skip(token):
            found = f"{token!r} expected, {self.peek()!r} found" if self.peek() else f"{token!r} is missing"
            self.fail(words or found)

    def deeper(self, read: Callable[[], Expr], in_bars: int | None = None) -> Expr:
        """Read an inner part, with a limit on how deep brackets and signs go."""
        before = self.in_bars
        self.depth, self.in_bars = self.depth + 1, before if in_bars is None else in_bars
        if self.depth > DEEPEST:
            self.fail(f"more than {DEEPEST} levels of brackets or signs")
        e = read()
        self.depth, self.in_bars = self.depth - 1, before
        return e

    def inner(self, closed: str) -> Expr:
        """A sum up to the bracket that closes it; the opening one has been read."""
        start = self.at - 1
        e = self.deeper(self.sum, in_bars=closed == "|")
        if self.peek() is None:
            self.fail(f"the bracket {self.tokens[start]!r} is not closed", start)
        self.take(closed)
        return e

    # --- the grammar ---

    def sum(self) -> Expr:
        e = self.product()
        while self.peek() in ("+", "-"):
            e = e - self.product() if self.next() == "-" else e + self.product()
        return e

    def product(self) -> Expr:
        if self.skip("-"):
            return self.deeper(lambda: -self.product())
        e, divided = self.factor(), False
        while self.peek() not in STOPS and not (self.in_bars and self.peek() == "|"):
            if self.skip("*"):
                e = e * self.factor()
            elif self.skip("/"):
                divided, e = True, e / (self.one_term_sum() if self.peek() == "sum" else self.factor())
            else:
                if divided:
                    self.fail("a/b c can be read in two ways: write a/b*c or a/(b*c)")
                if self.peek()[0].isdecimal() and self.peek(1) != "[":
                    self.fail(f"write * before {self.peek()}")
                e = e * self.factor()
        return e

    def one_term_sum(self) -> Expr:
        """A sum after /: where several factors follow, it is not clear which of them it covers."""
        start, e = self.at, self.factor()
        if self.tokens[start + 1] != "(" and (isinstance(e.args[0], (lang.Mul, lang.Div)) or self.peek() == "/"):
            self.fail("where does the sum in the denominator end? Put it in brackets", start)
        return e

    def factor(self) -> Expr:
        if self.skip("-"):
            return self.deeper(lambda: -self.factor())
        start = self.at
        base, n = self.base(), self.exponent()
        if n is None:
            return base
        bare = self.tokens[start] in FUNCTIONS and self.tokens[start + 1] not in ("(", "^")
        if bare or self.peek() == "^":
            self.fail("this power can be read in two ways: put brackets")
        return base ** n

    def exponent(self) -> int | None:
        """A whole number written as exponent, or None."""
        token = self.peek() or ""
        if token and token[0] in RAISED:
            return self.integer(self.next().translate(str.maketrans(RAISED, LEVEL)))
        if not self.skip("^"):
            return None
        closed = {"(": ")", "{": "}"}.get(self.peek())
        self.at += bool(closed)
        sign = "-" if self.skip("-") else ""
        n = self.integer(sign + (self.peek() or ""))
        self.at += 1
        if closed:
            self.take(closed, "an exponent is a whole number (e^ and exp take any exponent)")
        return n

    def integer(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,3}", text):
            self.fail("an exponent is a whole number of at most 3 digits (e^ and exp take any exponent)")
        return int(text)

    def base(self) -> Expr:
        token = self.peek()
        if token is None:
            self.fail("the line ends too early")
        if token in self.bound or token in self.table:
            return self.symbol()
        read = {"(": self.bracket, "[": self.bracket, "|": self.absolute, "sum": self.summation,
                "delta": self.kronecker, "e": self.power_of_e, "max": self.maximum, "D": self.derivative,
                "∂": self.partial, r"\frac": self.fraction}.get(token)
        if read:
            self.at += 1
            return read()
        if token in FUNCTIONS:
            return self.call(FUNCTIONS[self.next()])
        if token[0].isdecimal() and token.isascii():
            return self.number()
        function = self.table.get(token[:-1])
        if token.endswith("'") and isinstance(function, Func):
            self.at += 1
            u = self.inner(")") if self.skip("(") else self.base()
            return self.by(function(u), u)
        if token[0] == "d" and isinstance(self.table.get(token[1:]), Array):
            return self.differential()
        if self.indexing and len(token) == 1 and token.isalpha():
            return Index(self.next(), LOOSE)
        self.unknown(token)

    def unknown(self, token: str) -> NoReturn:
        if not token[0].isalpha() and token[0] != "\\" or token == "\\":
            self.fail(f"{token!r} closes no bracket" if token in ")]}" else f"{token!r} does not belong here")
        kinds = (("indices", Index), ("sizes", Size), ("arrays and functions", (Array, Func)))
        found = [(words, [shown(n, s) for n, s in self.symbols.items() if isinstance(s, kind)])
                 for words, kind in kinds]
        names = "; ".join(f"{words} {' '.join(names)}" for words, names in found if names)
        self.fail(f"unknown name {token!r}. This theorem has: {names}; and exp log tanh relu step max delta sum D")

    def number(self) -> Expr:
        token = self.next()
        if len(token) > 12:
            self.fail("a number has at most 12 digits", self.at - 1)
        if token == "1" and self.skip("["):                # 1[z >= 0]
            u = self.deeper(self.sum, in_bars=0)
            for sign in "≥0]":
                self.take(sign)
            return lang.step(u)
        return Num(Fraction(token))

    def absolute(self) -> Expr:
        if "abs" not in self.symbols:
            self.fail("there is no absolute value in this theorem", self.at - 1)
        return self.symbols["abs"](self.inner("|"))

    def call(self, f: Func) -> Expr:
        """A function of a bracket, or of the one symbol or sum that follows."""
        n = self.exponent()
        value = f(self.inner(")") if self.skip("(") else
                  self.deeper(self.product if self.peek() == "sum" else self.base))
        return value if n is None else value ** n

    def maximum(self) -> Expr:
        for token in "(0,":
            self.take(token, "the maximum is read as max(0, z)")
        return lang.relu(self.inner(")"))

    def power_of_e(self) -> Expr:
        self.take("^", "e stands only in a power, e^z")
        if self.skip("{"):
            return lang.exp(self.inner("}"))
        u = self.deeper(lambda: -self.base() if self.skip("-") else self.base())
        if self.peek() == "^":
            self.fail("this power can be read in two ways: put brackets")
        return lang.exp(u)

    def kronecker(self) -> Expr:
        if self.skip("("):
            return lang.Delta(*self.counted(self.listed(")"), 2, "delta"))
        return lang.Delta(*self.subscripts(2, "delta"))

    # --- symbols and their indices ---

    def symbol(self) -> Expr:
        start, name = self.at, self.next()
        s: Any = self.bound.get(name, self.table.get(name))
        if isinstance(s, Func):
            return self.call(s)
        if not isinstance(s, Array):
            return s
        if len(s.shape) == 2 and (self.peek() in ("@", ".T") or self.turned(look=True)):
            self.at = start
            return self.product_of(self.chain(), self.goal)
        return Entry(s, tuple(self.subscripts(len(s.shape), name, s.shape)))

    def subscripts(self, count: int, name: str, shape: tuple[Expr, ...] | None = None) -> Sequence[Expr]:
        token = self.peek() or ""
        if not count and token != "_":
            return []
        if count and self.skip("["):
            return self.counted(self.listed("]"), count, name)
        if token and token[0] in LOWERED:
            return self.counted(self.singles(self.next().translate(str.maketrans(LOWERED, LETTERS))), count, name)
        if self.skip("_"):
            return self.counted(self.below(count), count, name)
        if shape == tuple(i.size for i in self.goal):      # a bare array: its entry at the free indices
            return self.goal
        example = f"{name}[{', '.join('ijkl'[:count])}]"
        self.fail(f"{name} needs {count} {'index' if count == 1 else 'indices'}, such as {example}", self.at - 1)

    def counted(self, found: list[Expr], count: int, name: str) -> list[Expr]:
        if len(found) != count:
            indices = "1 index" if count == 1 else f"{count or 'no'} indices"
            self.fail(f"{name} takes {indices}, {len(found)} given", self.at - 1)
        return found

    def below(self, count: int) -> list[Expr]:
        """What stands after _: letters side by side, or a list in braces."""
        if not self.skip("{"):
            if self.peek() is None or not re.match(r"[a-zA-Z0-9]", self.peek()):
                self.fail("an index is missing after _")
            letters = self.next()
            end = self.places[self.at - 1] + len(letters)
            while self.peek() and re.match(r"\w", self.peek()) and self.places[self.at] == end:
                end, letters = end + len(self.peek()), letters + self.next()       # the 1j of G_1j
            return self.singles(letters, count)
        end = self.tokens.index("}", self.at) if "}" in self.tokens[self.at:] else len(self.tokens)
        inside_braces = self.tokens[self.at:end]
        if count > 1 and all(re.fullmatch(r"\w+'*", t) for t in inside_braces):
            self.at = end
            self.take("}")
            return self.singles("".join(inside_braces))
        return self.listed("}")

    def singles(self, letters: str, count: int = 2) -> list[Expr]:
        if count == 1 and (letters.isdecimal() or letters in self.table):
            return [Num(Fraction(letters)) if letters.isdecimal() else self.index(letters)]
        return [self.index(i) for i in re.findall(r"\w'*", letters)]

    def index(self, letter: str) -> Expr:
        if letter.isdecimal():
            return Num(Fraction(letter))
        s = self.bound.get(letter, self.table.get(letter, Index(letter, LOOSE)))
        return s[()] if isinstance(s, Array) and not s.shape else s if isinstance(s, (Index, Size)) else self.fail(
            f"{letter!r} is no index", self.at - 1)

    def listed(self, closed: str) -> list[Expr]:
        """Index expressions between commas."""
        start, self.indexing = self.at - 1, self.indexing + 1
        found: list[Expr] = []
        while not found or self.skip(","):
            found.append(self.deeper(self.sum, in_bars=0))
        self.indexing -= 1
        if self.peek() is None:
            self.fail(f"the bracket {self.tokens[start]!r} is not closed", start)
        self.take(closed)
        return found

    # --- sums, matrices, derivatives ---

    def summation(self) -> Expr:
        if self.skip("("):                                 # Sum(body, j)
            start = self.at - 1
            body = self.deeper(self.sum, in_bars=0)
            self.take(",", "write Sum(body, j) or sum_j body")
            indices = self.listed(")")
            if not all(isinstance(i, Index) for i in indices):
                self.fail("a sum runs over an index", start)
            return self.bind(body, list(map(repr, indices)), None, start)
        start, size = self.at, None
        self.take("_", "write sum_j ... or Sum(..., j)")
        braces = self.skip("{")
        letters = re.findall(r"\w'*", self.next() if self.peek() else "")
        while braces and self.skip(","):
            letters += [self.next()]
        if braces and self.skip("="):
            self.take("1", "a sum begins at 1")
        if braces:
            self.take("}")
        if self.skip("^"):
            size = self.inner("}") if self.skip("{") else self.base()
        before, self.bound = self.bound, {**self.bound, **{x: Index(x, LOOSE) for x in letters}}
        body = self.deeper(self.product)
        self.bound = before
        return self.bind(body, letters, size, start)

    def bind(self, body: Expr, letters: list[str], size: Expr | None, start: int) -> Expr:
        for letter in reversed(letters):
            declared = self.table.get(letter)
            if not (isinstance(declared, Index) or declared is None and re.fullmatch(r"[^\W\d_]'*", letter)):
                self.fail(f"a sum cannot run over {letter!r}", start)
            j = Index(letter, size or self.size_of(letter, declared, body, start))
            if free_indices(j.size) or not whole(j.size) or isinstance(j.size, Num) and not 1 <= j.size.args[0] <= 12:
                self.fail("a sum runs to a size, or to a number from 1 to 12", start)
            old = {Index(letter, LOOSE): j} | ({declared: j} if declared else {})
            body = lang.Sum(replace_indices(body, old), j)
        return body

    def size_of(self, letter: str, declared: Any, body: Expr, start: int) -> Expr:
        """The range of a summed index: as declared, if it fits where the index stands, else read off the arrays."""
        slots = {n for node in walk(body) if isinstance(node, Entry)
                 for i, n in zip(node.args[1], node.args[0].shape) if isinstance(i, Index) and repr(i) == letter}
        if declared and (not slots or any(inside(declared, n) for n in slots)):
            return declared.size
        if len(slots) != 1:
            self.fail(f"to where does {letter!r} run? Write sum_{{{letter}=1}}^{{n}} with the size for n", start)
        return slots.pop()

    def bracket(self) -> Expr:
        """(...), or an entry of a product of matrices, (A.T @ G)[i, j]."""
        start, opened = self.at, self.tokens[self.at - 1]
        try:
            matrices = self.chain(side_by_side=True)
            if self.skip(")") and self.peek() in ("_", "["):
                return self.product_of(matrices, self.subscripts(2, "a product of matrices"))
        except NoMatrix:
            pass
        self.at = start
        return self.inner({"(": ")", "[": "]"}[opened])

    def chain(self, side_by_side: bool = False) -> list[tuple[Array, bool]]:
        """Names of matrices, turned or not, with @ between them."""
        found: list[tuple[Array, bool]] = []
        while not found or self.skip("@") or side_by_side and self.peek() not in (")", None):
            nested = side_by_side and self.skip("(")
            s = self.table.get(self.peek())
            if not isinstance(s, Array) or len(s.shape) != 2:
                if side_by_side:
                    raise NoMatrix
                self.fail("a matrix, by its name alone, is expected beside @")
            self.at += 1
            if nested and not self.skip(")"):
                raise NoMatrix
            found.append((s, self.skip(".T") or self.turned()))
        return found

    def turned(self, look: bool = False) -> bool:
        """True where ^T or ^{T} follows; it is read, unless we only look."""
        after = self.tokens[self.at:self.at + 4]
        length = 2 if after[:2] == ["^", "T"] else 4 if after == ["^", "{", "T", "}"] else 0
        self.at += 0 if look else length
        return length > 0

    def product_of(self, matrices: Sequence[tuple[Array, bool]], indices: Sequence[Expr]) -> Expr:
        shapes = [a.shape[::-1] if turned else a.shape for a, turned in matrices]
        if any(a[1] != b[0] for a, b in zip(shapes, shapes[1:])):
            self.fail(f"matrices that follow each other do not fit: their shapes are {', '.join(map(repr, shapes))}",
                      self.at - 1)
        shape, goal = (shapes[0][0], shapes[-1][1]), tuple(i.size for i in self.goal)
        if indices is self.goal and shape != goal:
            self.fail(f"this product of matrices has shape {shape!r}, the left side of the theorem has {goal!r}; "
                      "write (A @ B)[i, j] for one entry", self.at - 1)
        return lang.MatrixProduct(tuple(matrices), *indices)

    def by(self, y: Expr, x: Expr) -> Expr:
        """The derivative of y by x."""
        if not isinstance(x, Entry):
            self.fail("a derivative is taken by a symbol, such as z_i", self.at - 1)
        if any(isinstance(n, lang.D) for n in walk(y)):
            self.fail("there are no second derivatives here", self.at - 1)
        return lang.D(y, x)

    def derivative(self) -> Expr:
        self.take("(", "write D(y, x) for a derivative")
        y = self.deeper(self.sum, in_bars=0)
        self.take(",", "write D(y, x) for a derivative")
        return self.by(y, self.inner(")"))

    def partial(self) -> Expr:
        y = None if self.peek() == "/" else self.base()
        for token in "/∂":
            self.take(token, "write ∂y/∂x")
        x = self.base()
        return self.by(self.base() if y is None else y, x)

    def differential(self) -> Expr:
        """dL/dz_i; or dZ for the gradient of the loss by Z, where the theorem has no name for it."""
        self.tokens[self.at] = self.peek()[1:]
        y = self.symbol()
        below = self.peek(1) or ""
        if self.peek() == "/" and below[0:1] == "d" and isinstance(self.table.get(below[1:]), Array):
            self.at += 1
            self.tokens[self.at] = below[1:]
            return self.by(y, self.symbol())
        if not isinstance(self.symbols.get("L"), Array):
            self.fail("there is no loss L in this theorem", self.at - 1)
        return self.by(self.symbols["L"][()], y)

    def fraction(self) -> Expr:
        self.take("{")
        if not self.skip("∂"):
            top = self.inner("}")
            self.take("{")
            return top / self.inner("}")
        y = None if self.peek() == "}" else self.base()
        for token in "}{∂":
            self.take(token)
        x = self.base()
        self.take("}")
        return self.by(self.base() if y is None else y, x)
