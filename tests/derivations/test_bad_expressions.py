"""Every public function of `nnlib.derivations` against a table of wrong things: right or a clear error, and nothing is changed.

`TABLE` holds a good call of each public function and method. The wrong things below are put in the place of each of its
arguments, one at a time. A clear error is raised by nnlib on purpose, shows what came, and says what is expected.
"""
import inspect
import re
import subprocess
import sys
import traceback
from fractions import Fraction

import numpy as np
import pytest

from nnlib import derivations
from nnlib.derivations import (THEOREMS, D, Problem, Refused, Sum, Theory, by_lemma, cases, chain_rule, challenge, definition, delta, delta_rule,
                               differentiation, evaluator, exp, given, log, matrix_product, relu, sign_cases, step, tanh, theorem)
from nnlib.derivations.derivation import Derivation, Lemma
from nnlib.derivations.reference import Reference

t = Theory("wrong things")
K, m, n = t.size("K"), t.size("m"), t.size("n", least=1)
(i, j, k), a, b = t.indices("i j k", K), t.indices("a", m), t.indices("b", n)
z, W, x, c = t.array("z", K), t.array("W", m, K), t.scalar("x"), t.array("c", m, values=K)
s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
f, L = t.opaque("f"), t.unknown("L", z)
one, positive = t.hypothesis("they sum to 1", Sum(z[k], k), 1), t.assume("x is positive", x, "positive")
square = t.derive(D(x**2, x)).step(2 * x, by=differentiation).done("square")
same = t.derive(D(z[i], z[i])).step(1, by=(differentiation, delta_rule)).done("same")
other = t.derive(D(z[k], z[i]), distinct=(k, i)).step(0, by=(differentiation, delta_rule)).done("other")
summed = t.derive(x + Sum(z[k], k)).step(x + 1, by=given(one)).done("summed")
problem = Problem(t, D(x**2, x), 2 * x, by=(differentiation,))
elsewhere = Theory("elsewhere")
foreign, (p, q) = elsewhere.scalar("foreign"), elsewhere.indices("p q", elsewhere.size("P"))


def a_theorem():
    """The derivative of a square."""
    return square


# name of a public function or method: (what is called, its good arguments); the names of the arguments say their kind, as in FITS
TABLE = {
    "Sum": (lambda e, index: Sum(e, index), {"e": z[k], "index": k}), "D": (D, {"y": x**2, "x": x}), "delta": (delta, {"i": i, "j": j}),
    "matrix_product": (lambda X, G: matrix_product(X, G)[i, j], {"X": (W, "T"), "G": W}),
    "matrix_product()[]": (lambda i, j: matrix_product((W, "T"), W)[i, j], {"i": i, "j": j}),
    **{function.name: (function, {"argument": x}) for function in (exp, log, tanh, relu, step)},
    **{name: (function, {"e": x}) for name, function in {"+": lambda e: x + e, "-": lambda e: x - e, "*": lambda e: x * e, "/": lambda e: x / e, "+ from the left":
       lambda e: e + x, "- from the left": lambda e: e - x, "* from the left": lambda e: e * x, "/ from the left": lambda e: e / x}.items()},
    "**": (lambda n: x ** n, {"n": 2}), "[]": (lambda i: z[i], {"i": i}), "[][]": (lambda i: W[a, i], {"i": i}),
    "Theory": (Theory, {"name": "t"}), "Theory.size": (t.size, {"name": "new", "latex": "N", "least": 1}),
    "Theory.indices": (t.indices, {"names": "p q", "size": K}),
    "Theory.array": (lambda name, size, latex, values: t.array(name, size, latex=latex, values=values), {"name": "new", "size": K, "latex": "N", "values": K}),
    "Theory.scalar": (t.scalar, {"name": "new", "latex": "N"}),
    "Theory.define": (t.define, {"name": "new", "indices": [k], "body": z[k], "latex": "N"}),
    "Theory.unknown": (lambda name, array, shape, latex: t.unknown(name, array, shape=[shape], latex=latex), {"name": "new", "array": z, "shape": K, "latex": "N"}),
    "Theory.opaque": (t.opaque, {"name": "new", "latex": "N"}),
    "Theory.function": (t.function, {"name": "new", "scalar": x, "body": x + 1, "latex": "N"}),
    "Theory.hypothesis": (t.hypothesis, {"name": "new", "e": x, "right": x + 1}), "Theory.assume": (t.assume, {"name": "new", "e": x, "relation": "positive"}),
    "Theory.derive": (t.derive, {"e": z[k], "distinct": (k, i)}),
    "Derivation.step": (lambda e, reasons, words: t.derive(D(x**2, x)).step(e, reasons, words), {"e": 2 * x, "reasons": differentiation, "words": "the slope"}),
    "Derivation.step, a list": (lambda reason: t.derive(D(x**2, x)).step(2 * x, [reason]), {"reason": differentiation}),
    "Derivation.convention": (lambda e, point, value: t.derive(x).convention(e, point, value), {"e": D(relu(x), x), "point": {x: 0}, "value": 0}),
    "Derivation.convention, a point": (lambda value: t.derive(x).convention(D(relu(x), x), {x: value}, 0), {"value": 0}),
    "Derivation.done": (lambda name: t.derive(x).step(x).done(name), {"name": "new"}),
    "Lemma.attempt": (lambda step, e, reasons: square.attempt(step, e, reasons), {"step": 1, "new e": 2 * x, "new reasons": [differentiation]}),
    "Lemma.without": (lambda condition: summed.without(condition), {"condition": one}),
    "definition": (definition, {"what": s}), "chain_rule": (chain_rule, {"array": s}), "sign_cases": (sign_cases, {"scalar": x}),
    "given": (lambda condition, e, at, over: given(condition, e, at, over), {"condition": one, "factor": x, "at": {k: i}, "over": [a]}),
    "by_lemma": (by_lemma, {"lemma": same, "factor": x, "at": {i: k}, "over": [a]}), "by_lemma, at": (lambda value: by_lemma(same, at={i: value}), {"value": k}),
    "cases": (cases, {"k": k, "index": i, "lemma": same, "other": other}),
    "challenge": (challenge, {"theorem": "softmax", "text": "s_k", "after": 1}), "Problem.check": (problem.check, {"lines": ["2 x"]}),
    "Problem": (Problem, {"theory": t, "left": D(x**2, x), "goal": 2 * x, "by": (differentiation,)}),
    "evaluator": (evaluator, {"formula": z[i], "indices": [i]}),
    "Reference.__call__": (lambda xp, sizes, data: evaluator(z[i])(xp, sizes, z=data), {"xp": np, "sizes": {"K": 3}, "data": np.ones(3)}),
    "Reference.__call__, a size": (lambda number: evaluator(K * x)(np, {"K": number}, x=2.0), {"number": 3}),
    "Reference.__call__, labels": (lambda labels: evaluator(W[a, c[a]])(np, {"m": 2, "K": 3}, W=np.ones((2, 3)), c=labels), {"labels": np.array([1, 3])}),
    "Reference.__call__, a function": (lambda function: evaluator(f(x))(np, {}, x=2.0, f=function), {"function": np.exp}),
    "theorem": (lambda chapter, code, scope, build: theorem(chapter, code, scope)(build), {"chapter": "c", "code": "m.f", "scope": "all sizes", "build": a_theorem}),
}
# what takes no argument of a reader's: reasons, the list of theorems, and errors, which the kernel makes
WITHOUT_INPUT = {"THEOREMS", "delta_rule", "differentiation", "linearity", "monotone", "power_rule", "product_rule", "quotient_rule", "same_sign",
                 "FalseStep", "KernelBug", "Refused", "Unproved", "Vacuous"}
# what the parts of the kernel call of each other
INTERNAL = {"Theory.declare", "Theory.condition", "Theory.check_symbols", "Theory.accept_lemma", "Lemma",
            *("Problem." + name for name in ("ahead", "line", "one_rule", "counterexample", "several_rules"))}
LOOP = []
LOOP.append(LOOP)
BAD = {
    "None": None, "true": True, "float": 1.5, "nan": float("nan"), "infinity": -float("inf"), "complex": 1j, "minus one": -1, "zero": 0, "huge": 10**5000, "a fraction": Fraction(1, 2),
    "text": "text", "nothing": "", "space": " ", "long": "x" * 100_000, "brackets": "(" * 499, "bytes": b"z", "object": object(), "type": int, "function": lambda: square,
    "dict": {"a": 1}, "set": {1}, "list": [1.5], "empty list": [], "list in itself": LOOP, "array of numbers": np.zeros(3), "texts": np.array(["a"]), "objects": np.array([{}]),
    "float64": np.float64(1), "int64": np.int64(1), "array": z, "an array of two axes": W, "a function of numbers": exp, "theory": t, "index": j, "size": K, "entry": z[k], "scalar": x, "product": matrix_product((W, "T"), W),
    "derivative": D(x**2, x), "lemma": square, "derivation": t.derive(x), "reason": differentiation, "condition": positive, "problem": problem, "theorem": THEOREMS["softmax"],
    "foreign scalar": foreign, "foreign index": p, "indices": [k, i], "pair": (W, "t")}
NUMBERS = {"minus one", "zero", "a fraction"}
EXPRESSIONS = {*NUMBERS, "index", "size", "entry", "scalar", "derivative", "foreign scalar", "foreign index"}
TEXTS = {"text", "long", "brackets"}
# which of these are right for an argument of this name: right means an answer, or a reason against the value itself
FITS = {
    **{key: EXPRESSIONS for key in ("e", "y", "argument", "body", "right", "left", "goal", "value")}, "formula": {*EXPRESSIONS, "lemma"}, "new e": {*EXPRESSIONS, "None"}, "factor": {*EXPRESSIONS, "None"},
    **{key: {"minus one", "zero", "index", "size", "foreign index"} for key in ("i", "j")}, **{key: {"index", "foreign index"} for key in ("index", "k")},
    "x": {"entry", "scalar", "foreign scalar"}, "scalar": {"scalar", "foreign scalar"}, **{key: {"zero", "size"} for key in ("size", "shape")}, "values": {"None", "zero", "size"},
    "name": TEXTS, "words": {*TEXTS, "nothing", "space"}, "latex": {*TEXTS, "None"}, "names": set(), "relation": set(), "least": {"zero", "huge"}, "n": {"minus one", "zero"},
    "array": {"array", "an array of two axes"}, "X": {"an array of two axes"}, "G": {"an array of two axes"}, "what": {"array", "an array of two axes", "a function of numbers"},
    "reasons": {"reason", "empty list"}, "new reasons": {"reason", "empty list", "None"}, "reason": {"reason"}, "by": {"empty list", "reason"}, "indices": {"indices", "index", "foreign index", "empty list", "None"}, "over": {"indices", "empty list", "index", "foreign index"}, "distinct": {"indices", "None"},
    "at": {"None"}, "point": set(), "step": set(), "condition": {"condition"}, "lemma": {"lemma"}, "other": {"lemma"}, "theory": {"theory"}, "chapter": TEXTS, "code": TEXTS,
    "scope": TEXTS, "build": {"function"}, "xp": set(), "sizes": set(), "data": {"array of numbers"}, "number": {"zero", "int64"}, "labels": set(), "function": {"function", "type", "a function of numbers", "array", "an array of two axes"},
    # these answer everything, and what they cannot read by a verdict
    **{key: set(BAD) for key in ("theorem", "text", "after", "lines")}}
SAYS_WHAT_IS_EXPECTED = re.compile(r"expected|must be|must have|must hold|neither an expression nor|is made of|taken by|runs over|goes through|are those of|"
                                   r"only |is a whole number|has 2 indices|has at most|begins in|is cited by|depends on|takes a |an index is a letter|the free indices are|"
                                   r"does not rest on|is a function without|whole numbers from|returns a lemma|an assumption is|the definition of new has a free|is not a symbol|means? nothing|has \d ind|depends on")


def methods(kind):
    return {f"{kind.__name__}.{name}" for name, value in vars(kind).items() if inspect.isfunction(value) and (name[0] != "_" or name == "__call__")}


def test_every_public_function_is_in_the_table():
    classes = {value for name in derivations.__all__ if isinstance(value := getattr(derivations, name), type)} - {getattr(derivations, name) for name in WITHOUT_INPUT if name[0].isupper() and name != "THEOREMS"}
    public = {*derivations.__all__}.union(*map(methods, {*classes, Derivation, Lemma, Reference}))
    named = {re.split(r",|\(|\[", name)[0] for name in TABLE if name[0].isalpha()}
    assert named == public - WITHOUT_INPUT - INTERNAL and WITHOUT_INPUT | INTERNAL - {"Lemma"} <= public
    assert {key for _, arguments in TABLE.values() for key in arguments} == {*FITS}


def state():
    return {**t.symbols}, list(THEOREMS), t.name, LOOP == LOOP[0:1] and len(LOOP), BAD["array of numbers"].tobytes(), len(BAD["derivation"].lines), [*BAD["list"]], {**BAD["dict"]}


def call(name, change):
    """The result of a call, of which no trace is left in the theory or among the theorems."""
    function, arguments = TABLE[name]
    symbols = {**t.symbols}
    try:
        return function(*(arguments | change).values())
    finally:
        for extra in [word for word in THEOREMS if word in ("a_theorem", "<lambda>")]:
            THEOREMS.pop(extra)
        if name.startswith("Theory."):
            t.symbols = symbols


@pytest.mark.parametrize("name", TABLE)
def test_the_good_call_is_good_and_changes_nothing(name):
    before = state()
    assert call(name, {}) is not None or name == "Lemma.attempt"
    assert state() == before


def shows(message, bad):
    """True where a message shows what came: its text, or that of its parts, or its type."""
    parts = [bad, *bad] if isinstance(bad, (list, tuple, set, dict, bytes, np.ndarray)) and bad is not LOOP else [bad]
    return "but has shape (" in message or any(text and text in message for part in parts
               for text in (type(part).__name__ if not isinstance(part, str) else repr(part)[:50], "very long" if part is BAD["huge"] else str(part)[:20]))


def complaint(name, key, kind):
    """What is to complain of where a wrong thing is taken, or refused in words that do not help."""
    bad, fits = BAD[kind], kind in FITS[key]
    before = {**t.symbols}, list(THEOREMS)
    try:
        call(name, {key: bad})
    except Exception as error:
        if key == "function" and fits:
            return ""       # a reader's own function fails by itself
        last, message = traceback.extract_tb(error.__traceback__)[-1], str(error)
        if "nnlib" not in last.filename or not (last.line or "").startswith("raise"):
            return f"{type(error).__name__}: {error}"
        if not fits and not (shows(message, bad) and SAYS_WHAT_IS_EXPECTED.search(message)):
            return f"does not say what came and what is expected: {error}"
        return "" if ({**t.symbols}, list(THEOREMS)) == before else "something was left behind"
    return "" if fits else "it was not refused"


EVERY = [(name, key) for name, (_, arguments) in TABLE.items() for key in arguments]


@pytest.mark.parametrize("name, key", EVERY)
def test_what_is_no_value_is_refused_in_words(name, key):
    before = state()
    complaints = {kind: text for kind in BAD if (text := complaint(name, key, kind))}
    assert not complaints, "\n".join(f"{kind}: {text}" for kind, text in complaints.items())
    assert state() == before


def deep(levels):
    e = x
    for _ in range(levels):
        e = tanh(e)     # a nest of exponentials has no value
    return e


def test_how_deep_an_expression_may_be():
    assert t.derive(deep(98)).step(deep(98) + 0).done("deep") and repr(deep(99))
    for build in (lambda: deep(100), lambda: D(deep(99), x), lambda: Sum(deep(99), k), lambda: deep(99) / 2, lambda: 10**6 * deep(10**4)):
        with pytest.raises(RecursionError, match="at most 100 parts inside each other"):
            build()
    assert "too many parts" in challenge("softmax", "z_k" + "/2" * 200).message
    assert problem.check(["x" + "/2" * 200]).verdicts[0].kind == "unreadable"


# expressions of the wrong shape, names that are taken, reasons that do not belong: what is said
WRONG = {
    "z has 1 index, but \\(i, j\\)": lambda: z[i, j], "W has 2 indices, but": lambda: W[i], "an index is made of .* but Entry\\(x": lambda: z[x],
    "an index is made of .* but Fraction": lambda: z[Fraction(1, 2)], "an index is made of .* but Div": lambda: delta(K / 2, i), "but none came": lambda: Sum(z[i]),
    "second derivatives": lambda: D(D(x**2, x), x), "do not fit: their shapes are \\(m, K\\), \\(m, K\\)": lambda: matrix_product(W, W),
    "made of arrays of 2 axes.*but z": lambda: matrix_product(z, W), "but None came": lambda: matrix_product(), "an exponent is": lambda: x ** 1000, "has at most 1000 digits": lambda: x + Fraction(1, 10**1000),
    "a size is made of .* but i": lambda: t.array("new", i), "a size is made of .* but -1": lambda: t.array("new", -1), "a size is made of .*Fraction": lambda: t.indices("p", Fraction(1, 2)),
    "a size is made of sizes.*Entry": lambda: t.array("new", K, values=z[i]), "z is declared twice": lambda: t.array("z", K), "new is declared twice, or looks": lambda: t.array("new", K, latex="z"),
    "i is declared twice": lambda: t.indices("p i", K), "an index is a letter, and not e, but 'p e'": lambda: t.indices("p e", K), "least: a whole": lambda: t.size("N", least=-1),
    "the definition of new has a free index": lambda: t.define("new", [i], z[j]), "definition of new has a free": lambda: t.define("new", [i, i], z[i]), "takes a list of its indices, but Entry": lambda: t.define("new", [x], x),
    "new depends on arrays, Z and not Z\\[i\\]": lambda: t.unknown("new", z[i]), "the function new takes a scalar.*z": lambda: t.function("new", z[i], z[i]), "takes a scalar, and has no index": lambda: t.function("new", x, z[i]),
    "foreign is not a symbol of": lambda: t.function("new", x, x + foreign), "is not a symbol of the theory": lambda: t.function("new", foreign, foreign), "foreign is not": lambda: t.define("new", [], foreign),
    "foreign is not a": lambda: t.derive(foreign), "foreign is": lambda: t.hypothesis("new", foreign, 0), "foreign": lambda: t.derive(x).step(x + foreign - foreign), "not a symbol": lambda: t.derive(x).convention(x, {foreign: 0}, 0),
    'an assumption is "positive"': lambda: t.assume("new", x, "zero"), "distinct: two indices .* \\(k,\\)": lambda: t.derive(z[k], distinct=(k,)), "distinct: two": lambda: t.derive(z[k], distinct=(k, i, j)),
    "comes out of nothing": lambda: t.derive(z[k]).step(z[k] + z[i] - z[i]), "the reason 'delta' is not needed": lambda: t.derive(x).step(x, by=delta_rule), "reasons are expected.* but <function": lambda: t.derive(x).step(x, by=definition),
    "n: a step from 1 to 1 is expected, but 0": lambda: square.attempt(0), "n: a step from 1 to 1 is expected, but 2": lambda: square.attempt(2), "n: a step from 1 to 1 .* -1": lambda: square.attempt(-1), "step from .* True": lambda: square.attempt(True),
    "square does not rest on <.*: it rests on \\[\\]": lambda: square.without(one), "summed does not rest on .* \\['they sum to 1'\\]": lambda: summed.without(one, positive),
    "z has no definition": lambda: definition(z), "s and not s\\[k\\], but Entry": lambda: definition(s[k]), "arrays, Z and not Z\\[i\\], but Entry": lambda: chain_rule(z[i]), "through arrays.* but None": lambda: chain_rule(),
    "the assumption x is positive is no equation": lambda: given(positive, times=x), "Fraction\\(2, 1\\)\\) does not lie in the range of k": lambda: given(one, at={k: 2}), "a does not lie in the range of i": lambda: by_lemma(same, at={i: a}),
    "only a finished derivation .* but Derivation": lambda: by_lemma(t.derive(x)), "can only be cited with the other case": lambda: by_lemma(other), "without a restriction": lambda: cases(k, i, other, other),
    "derived for two different": lambda: cases(k, i, other, same), "for two different indices": lambda: cases(k, j, same, other), "only the sign of a scalar": lambda: sign_cases(z[i]), "the sign of a scalar": lambda: sign_cases(s[i]),
    "nothing to derive": lambda: Problem(t, x + x, 2 * x, ()), "do not prove it": lambda: Problem(t, D(x**2, x), 2 * x, ()), "is false": lambda: Problem(t, D(x**2, x), x, (differentiation,)),
    "the free indices are \\['a', 'i'\\], but \\(a,\\)": lambda: evaluator(W[a, i], [a]), "the free indices are \\['i'\\], but \\(i, i\\)": lambda: evaluator(z[i], [i, i]), "free indices are \\['i'\\]": lambda: evaluator(z[i], [j]),
    "two theorems are called a_theorem": lambda: [theorem("c", "m.f")(a_theorem) for _ in range(2)], "a_theorem returns a lemma.* but Derivation": lambda: theorem("c", "m.f")(unfinished)(), "a function without arguments": lambda: theorem("c", "m.f")(a_theorem.__call__),
}


def unfinished():
    return t.derive(x)


unfinished.__name__ = "a_theorem"


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_said_and_nothing_is_left_behind(words):
    before = state()
    with pytest.raises((TypeError, ValueError, IndexError, Refused), match=words):
        WRONG[words]()
    THEOREMS.pop("a_theorem", None)
    assert state() == before


def test_a_step_that_is_refused_leaves_the_derivation_as_it_was():
    d = t.derive(D(x**2, x))
    for bad in ({"expr": x}, {"expr": 2 * x}, {"expr": 1.5}, {"expr": 2 * x, "by": s}, {"expr": 2 * x, "by": differentiation, "words": 3}):
        with pytest.raises((TypeError, Refused)):
            d.step(**bad)
    with pytest.raises(Refused):
        d.convention(x, {foreign: 0}, 0)
    assert not (d.lines or d.hypotheses or d.assumptions or d.sides or d.conventions)
    assert d.step(2 * x, by=differentiation).done("still good").right == 2 * x


def test_arrays_do_not_take_expressions_into_their_entries():
    for ones in (np.ones(3), np.ones(3, int), np.array(2), np.int64(2), np.float64(2)):
        for calculate in (lambda: ones * x, lambda: ones + x, lambda: ones / x, lambda: ones - x, lambda: x * ones, lambda: x ** ones, lambda: ones * z):
            with pytest.raises(TypeError):
                calculate()
    for endless in (z, matrix_product((W, "T"), W)):
        with pytest.raises(TypeError, match="not iterable"):
            list(endless)


# --- the formula as a function of data --------------------------------------------

formula = evaluator(x * z[i] + Sum(W[a, i] * (z[c[a]] - 100), a))
GOOD = {"x": np.array(2.0), "z": np.array([1.0, -2, 3]), "W": np.array([[1.0, 2, 3], [4, 5, 6]]), "c": np.array([3, 1])}
SIZES = {"K": 3, "m": 2}
EXPECTED = [2 + 1 * -97 + 4 * -99, -4 + 2 * -97 + 5 * -99, 6 + 3 * -97 + 6 * -99]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("convert", [lambda x: x.astype(x.dtype.newbyteorder()), lambda x: np.asfortranarray(x) if x.ndim else x, lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x, np.ndarray.tolist,
                                     lambda x: x.astype("int8"), lambda x: x.astype("int64"), lambda x: x.astype("float16") if x.dtype.kind == "f" else x.astype("uint8")])
def test_the_layout_and_the_type_of_data_do_not_matter(name, convert):
    data = GOOD | {name: convert(GOOD[name])}
    before = {name: np.array(value) for name, value in data.items()}
    for value in data.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    found = formula(np, SIZES, **data)
    assert found.tolist() == EXPECTED and found.flags.writeable
    for name, value in data.items():
        assert np.array_equal(value, before[name]) and not np.shares_memory(found, np.asarray(value))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16"])
def test_whole_numbers_do_not_overflow(kind):
    found = evaluator(x * z[i] - 3 * z[i])(np, {"K": 2}, x=np.array(100, kind), z=np.array([100, 1], kind))
    assert found.tolist() == [9700, 97]


WRONG_DATA = {
    "z must have shape \\(3,\\), but has shape \\(2,\\)": {"z": np.ones(2)}, "z must have shape": {"z": np.ones((3, 1))}, "W must have shape \\(2, 3\\)": {"W": np.ones((3, 2))}, "x must have shape \\(\\), but has shape \\(3,\\)": {"x": np.ones(3)},
    "z must be an array of finite numbers, .*nan": {"z": [1, np.nan, 2]}, "finite numbers, .*inf": {"z": [1, 2, np.inf]}, "finite numbers, .*j": {"z": np.ones(3) * 1j}, "finite numbers, .*'a'": {"z": ["a", "b", "c"]},
    "finite numbers, .*None": {"z": None}, "finite numbers, .*object": {"z": np.ones(3, object)}, "z must be an array of numbers, .*\\[\\[1\\], 2, 3\\]": {"z": [[1], 2, 3]}, "x must be .* Entry": {"x": x},
    "c must hold whole numbers from 1 to 3, but array\\(\\[0, 1": {"c": np.array([0, 1])}, "c must hold .*4": {"c": np.array([1, 4])}, "c must hold .*1\\.": {"c": np.array([1.0, 2.0])}, "c must hold .*True": {"c": [True, True]},
    "c must hold .*-1": {"c": np.array([-1, 1], "int8")}}


@pytest.mark.parametrize("words", WRONG_DATA)
def test_data_of_the_wrong_kind_are_refused_by_name(words):
    with pytest.raises(ValueError, match=words):
        formula(np, SIZES, **GOOD | WRONG_DATA[words])


@pytest.mark.parametrize("sizes, words", [({"K": 3}, "a number is expected for m, but {'K': 3}"), ({"K": 3, "m": -2}, "-2 came"), ({"K": 3.0, "m": 2}, "3.0 came"), ({"K": True, "m": 2}, "True came"),
                                          ({"K": 2, "m": 2}, "must have shape"), ({"K": 3, "m": 10**10}, "10000000000 came"), ([3, 2], r"a dict \{name: number\} is expected, but \[3, 2\]")])
def test_sizes_of_the_wrong_kind_are_refused(sizes, words):
    with pytest.raises((TypeError, ValueError, KeyError), match=words):
        formula(np, sizes, **GOOD)


def test_a_size_below_its_least_and_what_is_missing():
    mean = evaluator(Sum(x, b) / n)
    assert mean(np, {"n": 4}, x=3.0) == 3
    with pytest.raises(ValueError, match="the size n is at least 1, but 0 came"):
        mean(np, {"n": 0}, x=3.0)
    with pytest.raises(KeyError, match="no data for x"):
        mean(np, {"n": 4})
    with pytest.raises(KeyError, match="a function is expected for f, but None came"):
        evaluator(f(x))(np, {}, x=1.0)


def test_an_index_over_a_longer_range_than_a_size():
    r = elsewhere.indices("r", elsewhere.symbols["P"] + 1)
    assert evaluator(r * foreign)(np, {"P": 2}, foreign=0.5).tolist() == [0.5, 1, 1.5]
    elsewhere.symbols.pop("r")


# --- the command line --------------------------------------------------------------

@pytest.mark.parametrize("arguments, words", [(["sofmax"], "no theorem has 'sofmax' in its name"), (["softmax", "tanh"], "one part of a name is expected, but ['softmax', 'tanh'] came")])
def test_the_command_line_says_what_is_wrong(arguments, words):
    run = subprocess.run([sys.executable, "-m", "nnlib.derivations", *arguments], capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.strip() == words and not run.stdout
