"""An independent reader of the displayed LaTeX.

It turns a formula back into an expression, knowing only the LaTeX that each symbol was
declared with.  A test evaluates both: a printer's bug can show a wrong formula for a
right proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import language as lang
from .derivation import Theory, look_of
from .language import Array, Expr, Func, Index

PIECES = re.compile(r"\\left|\\right|\\[a-zA-Z]+|\\.|\d+|[a-zA-Z]'*|\S")


class Unreadable(ValueError):
    """The LaTeX is not of the language."""


def read(text: str, theory: Theory) -> Expr:
    """Return the expression that the LaTeX denotes in a theory."""
    reader = Reader(text, theory)
    e = reader.sum()
    if reader.peek() is not None:
        raise Unreadable(f"stopped before {reader.tokens[reader.at:][:5]} in {text}")
    return e


class Reader:
    """Recursive descent; multiplication is what stands side by side."""

    def __init__(self, text: str, theory: Theory) -> None:
        self.table: dict[str, Any] = {look_of(s): s for s in theory.symbols.values()}
        self.table |= {s.latex + "'": s.prime for s in theory.symbols.values() if isinstance(s, Func) and s.prime}
        self.bound: dict[str, Index] = {}
        self.in_bars = False
        self.tokens, self.at = list(self.split(text)), 0

    def split(self, text: str) -> Iterator[str]:
        long = sorted(self.table, key=len, reverse=True)
        while text := text.lstrip():
            symbol = next((s for s in long if text.startswith(s) and not re.match(r"[a-zA-Z']", text[len(s):])
                           or len(s) == 1 and text.startswith(s) and not text.startswith(s + "'")), None)
            piece = PIECES.match(text)
            assert piece, "any character will do"
            token = symbol or piece.group()
            if token not in (r"\left", r"\right", r"\,", r"\cdot"):
                yield token
            text = text[len(token):]

    def peek(self) -> str | Any:
        """The next token, None at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if wanted and token not in wanted:
            raise Unreadable(f"{wanted} expected, {token} found at {self.tokens[max(0, self.at - 5):self.at + 5]}")
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def group(self, opened: str, closed: str) -> Expr:
        self.take(opened)
        e = self.sum()
        self.take(closed)
        return e

    def sum(self) -> Expr:
        e = -self.product() if self.skip("-") else self.product()
        while self.peek() in ("+", "-"):
            e = e - self.product() if self.take() == "-" else e + self.product()
        return e

    def product(self) -> Expr:
        e = self.factor()
        while self.peek() not in (None, "+", "-", ")", "}", "]", ",", r"\ge", "=", "|" if self.in_bars else None):
            e = e * self.factor()
        return e

    def factor(self) -> Expr:
        base, n = self.base(), self.exponent()
        return base if n is None else base ** n

    def exponent(self) -> int | None:
        """A whole number written as exponent, or None."""
        if not self.skip("^"):
            return None
        self.take("{")
        n = (-1 if self.skip("-") else 1) * int(self.take())
        self.take("}")
        return n

    def base(self) -> Expr:
        token = self.peek()
        if token in self.bound or token in self.table:
            return self.symbol()
        if token == "(":
            return self.bracket()
        self.take()
        if token.isdigit():
            return lang.lift(int(token))
        if token == "|":
            self.in_bars = True
            u = self.sum()
            self.take("|")
            self.in_bars = False
            return self.table[r"|\cdot|"](u)
        if token == "e":
            self.take("^")
            return lang.exp(self.group("{", "}"))
        if token in (r"\log", r"\tanh"):
            f = lang.log if token == r"\log" else lang.tanh
            return f(self.product() if self.peek() == r"\sum" else self.base())
        if token == r"\max":
            self.take("("), self.take("0"), self.take(",")
            u = self.sum()
            self.take(")")
            return lang.relu(u)
        if token == r"\mathbf":
            self.take("{"), self.take("1"), self.take("}"), self.take("[")
            u = self.sum()
            self.take(r"\ge"), self.take("0"), self.take("]")
            return lang.step(u)
        if token == r"\delta":
            return lang.delta(*self.subscripts(2))
        if token == r"\frac":
            return self.fraction()
        if token == r"\sum":
            return self.summation()
        raise Unreadable(f"{token} is no symbol")

    def symbol(self) -> Expr:
        token = self.take()
        s: Any = self.bound.get(token, self.table.get(token))
        if isinstance(s, Func):
            n, value = self.exponent(), s(self.group("(", ")"))          # \tanh^{2}(x)
            return value if n is None else value ** n
        if isinstance(s, Array):
            return lang.Entry(s, tuple(self.subscripts(len(s.shape))))
        return s

    def subscripts(self, count: int) -> list[Expr]:
        """Indices side by side, or between commas where one is longer than a letter."""
        if not count:
            return []
        self.take("_")
        if not self.skip("{"):
            return [self.one()]
        end = self.closing()
        if "," not in self.tokens[self.at:end] and count > 1:
            found = [self.one() for _ in range(count)]
        else:
            found = [self.sum()]
            while self.skip(","):
                found.append(self.sum())
        self.take("}")
        if len(found) != count:
            raise Unreadable(f"{count} indices expected, {len(found)} found")
        return found

    def one(self) -> Expr:
        token = self.take()
        if token.isdigit():
            return lang.lift(int(token))
        s: Any = self.bound.get(token, self.table.get(token))
        return s[()] if isinstance(s, Array) and not s.shape else s            # a label c

    def closing(self) -> int:
        depth, at = 1, self.at
        while depth:
            depth += {"{": 1, "}": -1}.get(self.tokens[at], 0)
            at += 1
        return at - 1

    def fraction(self) -> Expr:
        self.take("{")
        if not self.skip(r"\partial"):
            top = self.sum()
            self.take("}")
            return top / self.group("{", "}")
        y = None if self.peek() == "}" else self.sum()
        self.take("}"), self.take("{"), self.take(r"\partial")
        x = self.base()
        self.take("}")
        return lang.D(self.bracket() if y is None else y, x)

    def summation(self) -> Expr:
        self.take("_"), self.take("{")
        name = self.take()
        self.take("="), self.take("1"), self.take("}"), self.take("^")
        size = self.group("{", "}")
        before = self.bound
        j = Index(name, size)
        self.bound = {**before, name: j}
        body = self.product()
        self.bound = before
        return lang.Sum(body, j)

    def bracket(self) -> Expr:
        """(…), or an entry of a product of matrices: (Xᵀ G)_{ij}."""
        start = self.at
        matrices = self.matrices()
        if matrices:
            return lang.MatrixProduct(tuple(matrices), *self.subscripts(2))
        self.at = start
        return self.group("(", ")")

    def matrices(self) -> list[tuple[Array, bool]] | None:
        self.take("(")
        found = []
        while self.peek() != ")":
            nested = self.skip("(")
            s = self.table.get(self.peek())
            if not isinstance(s, Array) or len(s.shape) != 2:
                return None
            self.take()
            if nested and not self.skip(")"):
                return None
            turned = self.tokens[self.at:self.at + 4] == ["^", "{", r"\top", "}"]
            self.at += 4 * turned
            if not turned and self.peek() in ("_", "^"):
                return None
            found.append((s, turned))
        self.take(")")
        return found if self.peek() == "_" else None
