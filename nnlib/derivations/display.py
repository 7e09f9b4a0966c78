"""LaTeX of what was checked, printed from the stored expressions and from nothing else.

Factors and terms stand in the order in which the author of the derivation wrote them.
A symbol's LaTeX is given once, where the symbol is declared; a formula's never.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Any

from .language import (Add, D, Delta, Div, Entry, Expr, Fun, Index, MatrixProduct, Mul, Neg, Num, Pow, Size, Sum, exp,
                       log, relu, step, tanh)

if TYPE_CHECKING:
    from .derivation import Condition, Lemma, Line, Reason, Refused
    from .registry import Entry as TheoremEntry

WIDE = 58            # characters on a line of a page, estimated without the mark-up


def latex(e: Expr) -> str:
    """Return the LaTeX of an expression."""
    return PRINT[type(e)](e)


def brackets(text: str) -> str:
    tall = any(w in text for w in (r"\frac", r"\sum"))
    return rf"\left({text}\right)" if tall else f"({text})"


def number(e: Num) -> str:
    q = e.args[0]
    sign = "-" if q < 0 else ""
    return sign + (str(abs(q)) if q.denominator == 1 else rf"\frac{{{abs(q.numerator)}}}{{{q.denominator}}}")


def sum_of_terms(e: Add) -> str:
    text = latex(e.args[0])
    for t in e.args[1:]:
        minus = isinstance(t, Neg)
        body = t.args[0] if minus else t
        part = brackets(latex(body)) if minus and isinstance(body, (Add, Neg)) else latex(body)
        part = brackets(part) if part.startswith("-") else part
        text += (" - " if minus else " + ") + part
    return text


def negative(e: Neg) -> str:
    u = e.args[0]
    text = latex(u)
    return "-" + (brackets(text) if isinstance(u, (Add, Neg)) or text.startswith("-") else text)


def product(e: Mul) -> str:
    parts: list[str] = []
    for n, f in enumerate(e.args):
        last = n == len(e.args) - 1
        text = latex(f)
        open_ended = isinstance(f, Sum) or isinstance(f, Fun) and ends_open(f)
        if isinstance(f, (Add, Neg)) or text.startswith("-") or open_ended and not last:
            text = brackets(text)
        if parts and (re.match(r"\d", text) or isinstance(f, Num)):
            text = r"\cdot " + text
        parts.append(text)
    return r"\, ".join(parts) if all(len(p) > 14 for p in parts) else " ".join(parts)


def ends_open(f: Fun) -> bool:
    """True for log Σ … : what follows would be read as part of the sum."""
    return isinstance(f.args[1], Sum) and f.args[0] in (log, tanh)


def fraction(e: Div) -> str:
    top, bottom = e.args
    sign = ""
    if isinstance(top, Num) and top.args[0] < 0:
        sign, top = "-", Num(-top.args[0])
    return rf"{sign}\frac{{{latex(top)}}}{{{latex(bottom)}}}"


def power(e: Pow) -> str:
    base, n = e.args
    if isinstance(base, Fun) and not base.args[0].built_in and r"\cdot" not in base.args[0].latex:
        return f"{base.args[0].latex}^{{{n}}}" + brackets(latex(base.args[1]))
    text = latex(base)
    plain = isinstance(base, (Size, Index)) or isinstance(base, Entry) and "^" not in base.args[0].latex \
        or isinstance(base, Num) and base.args[0] >= 0 and base.args[0].denominator == 1
    return (text if plain else brackets(text)) + f"^{{{n}}}"


def summation(e: Sum) -> str:
    body, j = e.args
    text = latex(body)
    if isinstance(body, (Add, Neg)) or text.startswith("-"):
        text = brackets(text)
    return rf"\sum_{{{latex(j)}=1}}^{{{latex(j.size)}}} {text}"


def subscript(indices: Iterable[Expr]) -> str:
    texts = [latex(i).replace(" ", "") for i in indices]
    if all(len(t.rstrip("'")) == 1 for t in texts):
        return "".join(texts)
    return ",".join(texts)


def entry(e: Entry) -> str:
    array, indices = e.args
    if not indices:
        return array.latex
    text = subscript(indices)
    return f"{array.latex}_{text}" if len(text) == 1 else f"{array.latex}_{{{text}}}"


def function(e: Fun) -> str:
    f, u = e.args
    text = latex(u)
    if f is exp:
        return f"e^{{{text}}}"
    if r"\cdot" in f.latex:                  # |z|
        return f.latex.replace(r"\cdot", text)
    if f is relu:
        return rf"\max(0, {text})"
    if f is step:
        opened, closed = (r"\left[", r"\right]") if r"\frac" in text or r"\sum" in text else "[]"
        return rf"\mathbf{{1}}{opened}{text} \ge 0{closed}"
    if f in (log, tanh) and isinstance(u, (Entry, Sum)):
        return f"{f.latex} {text}"
    return f.latex + brackets(text)


def derivative(e: D) -> str:
    y, x = e.args
    below = rf"{{\partial {latex(x)}}}"
    if isinstance(y, Entry) or isinstance(y, Fun) and isinstance(y.args[1], Entry):
        return rf"\frac{{\partial {latex(y)}}}{below}"
    return rf"\frac{{\partial}}{below}" + brackets(latex(y))


def matrix_product(e: MatrixProduct) -> str:
    names = " ".join(a.latex + (r"^{\top}" if turned else "") if "^" not in a.latex or not turned
                     else rf"({a.latex})^{{\top}}" for a, turned in e.args[0])
    return rf"({names})_{{{subscript(e.args[1:])}}}"


PRINT: dict[type[Expr], Callable[[Any], str]] = {
    Num: number, Add: sum_of_terms, Neg: negative, Mul: product, Div: fraction, Pow: power, Sum: summation,
    Entry: entry, Fun: function, D: derivative, MatrixProduct: matrix_product,
    Delta: lambda e: rf"\delta_{{{subscript(e.args)}}}",
    Size: lambda e: e.args[1], Index: lambda e: e.args[0],
}


# --- whole derivations --------------------------------------------------------

RULE_WORDS = {"delta": "δ picks one term", "quotient": "quotient rule", "product": "product rule",
              "power": "power rule", "linearity": "linearity", "differentiation": "differentiate",
              "same_sign": "a positive factor keeps the sign", "monotone": "the exponential is increasing"}


def reason_words(reason: Reason) -> str:
    """A reason in a few words; symbols in it are printed from their declarations."""
    kind, what = reason.name, reason.subject
    if kind == "definition":
        return f"definition of ${what.latex}$"
    if kind == "chain":
        return "chain rule through " + ", ".join(f"${a.latex}$" for a in what)
    if kind == "lemma":
        return "by " + title(what.name)
    if kind in ("hypothesis", "assumption"):
        return what.name
    if kind == "sign":
        z = latex(what)
        return f"${z} > 0$, ${z} < 0$ and ${z} = 0$ in turn"
    if kind == "cases":
        k, i = map(latex, what)
        return f"${k} = {i}$ and ${k} \\ne {i}$ together"
    return RULE_WORDS[kind]


def line_words(line: Line) -> str:
    """What stands beside a line: the author's words, then the reasons that were checked."""
    return "; ".join([line.words] * bool(line.words) + [reason_words(r) for r in line.reasons]) or "algebra"


def title(name: str) -> str:
    return name.replace("_", " ")


def width(text: str) -> int:
    """About how many characters a formula takes on the page."""
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda m: max(m.groups(), key=len), text)
    text = re.sub(r"\\(sum)_\{[^}]*\}\^\{[^}]*\}", "SSS", text)
    return len(re.sub(r"\\(left|right|,|partial|top|mathrm)|[{}^_ ]", "", re.sub(r"\\[a-z]+", "x", text)))


def chain_latex(lemma: Lemma) -> str:
    """The chain of a lemma as one aligned block, each line with its reason, beside it or below."""
    left = latex(lemma.left)
    lines = [(latex(line.expr), line_words(line)) for line in lemma.lines]
    alone = width(left) > WIDE // 3  # a long left side has a row to itself
    start = 0 if alone else width(left)
    below = any(start + width(formula) + len(words) > WIDE for formula, words in lines)
    between = r" \\ &\qquad " if below else " && "
    rows = [rf"&= {formula}{between}\text{{({words})}}" for formula, words in lines]
    rows = [f"&{left}", *rows] if alone else [f"{left} {rows[0]}", *rows[1:]]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


RELATION = {"positive": "> 0", "negative": "< 0", "nonzero": r"\ne 0"}


def condition_latex(c: Condition) -> str:
    """A hypothesis, an assumption or a side condition."""
    if c.relation == "equal":
        return f"{latex(c.left)} = {latex(c.right)}"
    if c.relation == "distinct":
        return rf"{latex(c.left)} \ne {latex(c.right)}"
    return f"{latex(c.left)} {RELATION[c.relation]}"


def statement_latex(lemma: Lemma) -> str:
    return f"{latex(lemma.left)} = {latex(lemma.right)}"


def statement_markdown(lemma: Lemma, scope: str = "all sizes") -> str:
    """The theorem with all that it rests on."""
    said = [f"$$\n{statement_latex(lemma)}\n$$", f"Proved for {scope_words(lemma, scope)}."]
    for words, conditions in (("Hypothesis", lemma.hypotheses), ("Assumption", lemma.assumptions)):
        said += [f"{words}: {c.name}, ${condition_latex(c)}$." if c.name else f"{words}: ${condition_latex(c)}$."
                 for c in conditions]
    said += [f"Side condition: ${condition_latex(c)}$." for c in lemma.sides]
    for e, at, value in lemma.conventions:
        where = ", ".join(f"{latex(x)} = {v}" for x, v in at.items())
        said.append(rf"Convention, not proved: $\left.{latex(e)}\right|_{{{where}}} := {latex(value)}$.")
    return "\n\n".join(said)


def scope_words(lemma: Lemma, scope: str) -> str:
    """For which sizes it is proved, and which of them must not be 0."""
    sizes = [s for s in lemma.theory.symbols.values() if isinstance(s, Size)]
    if not sizes:
        return "all values"
    return scope + "".join(rf", ${latex(s)} \ge {s.args[2]}$" for s in sizes if s.args[2])


def derivation_markdown(lemma: Lemma) -> str:
    return f"$$\n{chain_latex(lemma)}\n$$"


# --- for the terminal, and for a page --------------------------------------------

def source(e: Expr) -> str:
    """The expression as it is typed in Python."""
    def inner(u: Expr) -> str:
        text = source(u)
        return f"({text})" if isinstance(u, (Add, Neg, Mul, Div)) else text
    if isinstance(e, Add):
        first, *rest = e.args
        return source(first) + "".join(f" - {inner(t.args[0])}" if isinstance(t, Neg) else f" + {source(t)}"
                                       for t in rest)
    if isinstance(e, Mul):
        return " * ".join(f"({source(f)})" if isinstance(f, (Add, Neg)) else source(f) for f in e.args)
    if isinstance(e, Entry):
        array, indices = e.args
        return array.name + (f"[{', '.join(map(source, indices))}]" if indices else "")
    if isinstance(e, MatrixProduct):
        names = "".join(a.name + (".T @ " if turned else " @ ") for a, turned in e.args[0]).removesuffix(" @ ")
        return f"({names})[{source(e.args[1])}, {source(e.args[2])}]"
    if isinstance(e, (Num, Size, Index)):
        return str(e.args[0])
    if isinstance(e, Fun):
        return f"{e.args[0].name}({source(e.args[1])})"
    if isinstance(e, Neg):
        return f"-{inner(e.args[0])}"
    if isinstance(e, Div):
        return f"{inner(e.args[0])} / {inner(e.args[1])}"
    if isinstance(e, Pow):
        return f"{inner(e.args[0])}**{e.args[1]}"
    return f"{'delta' if isinstance(e, Delta) else type(e).__name__}({', '.join(map(source, e.args))})"


def refusal_markdown(refused: Refused) -> str:
    """What the kernel says of a step that it does not accept, with the formulas set."""
    kind = {"FalseStep": "False", "Unproved": "Not proved"}.get(type(refused).__name__, "Refused")
    if not refused.sides:
        return f"**{kind}.** {refused}"
    left, right = map(latex, refused.sides)
    return f"**{kind}.** {refused.words}\n\n$$\n{left} \\stackrel{{?}}{{=}} {right}\n$$\n\n{refused.found}"


def parts_markdown(lemma: Lemma, registered: Container[str]) -> list[str]:
    """The cases and small lemmas that a derivation cites and that have no place of their own."""
    said = []
    in_cases = [part for line in lemma.lines for r in line.reasons if r.cases for part in r.cases[2:]]
    for part in lemma.parts:
        if part.name not in registered:
            said += parts_markdown(part, registered)
            name = part.name.replace("≠", r"\ne")
            name = f"${name}$" if "=" in name or r"\ne" in name else title(name)
            name = f"Case {name}" if part in in_cases else f"First, {name}"
            said.append(f"*{name}:*\n\n{derivation_markdown(part)}")
    return said


def theorem_markdown(entry: TheoremEntry, registered: Container[str]) -> str:
    """A theorem as a chapter shows it: statement, what it rests on, every line with its reason."""
    lemma = entry.build()
    steps = len(lemma.lines) + sum(len(p.lines) for p in lemma.parts if p.name not in registered)
    counted = f"{steps} step{'s' * (steps != 1)}, each proved, and attacked with random numbers."
    return "\n\n".join([statement_markdown(lemma, entry.scope),
                        *parts_markdown(lemma, registered), derivation_markdown(lemma),
                        f"*{counted} Code: `nnlib.{entry.code}`. Derivation: `nnlib.derivations`, `{entry.name}`.*"])
