"""Bugs planted in the kernel, one at a time: the tests of the other modules must notice each."""


import pytest

import test_derivation
import test_display
import test_mutate
import test_prover
import test_reference
import test_refuter
from nnlib.derivations import derivation, display, language, normal, prover, reference, refuter
from nnlib.derivations.language import Index, Pow, Sum, with_children
from nnlib.derivations.normal import Ring

MODULES = (test_prover, test_refuter, test_derivation, test_display, test_reference, test_mutate)
CHECKS = [f for m in MODULES for n, f in vars(m).items()
          if n.startswith("test_") and callable(f) and not f.__code__.co_argcount]
FORMULAS = [lambda e=e: test_reference.test_it_agrees_with_the_refuter(e) for e in test_reference.FORMULAS]
SLOW = ("test_fuzz_against_evaluation", "test_dense_against_numpy", "test_convolution_against_loops")
CHECKS = sorted([*CHECKS, *FORMULAS], key=lambda check: check.__name__ in SLOW)     # most bugs are noticed without these


def capturing(e, mapping):
    """Substitution that lets a sum capture."""
    if isinstance(e, Index):
        return mapping.get(e, e)
    if isinstance(e, Sum):
        return Sum(capturing(e.args[0], {a: b for a, b in mapping.items() if a != e.args[1]}), e.args[1])
    return with_children(e, [capturing(c, mapping) for c in language.children(e)])


def close_without_sizes(self, bound, factors, c, real=Ring.close):
    used = frozenset().union(*(a.vars for a, _ in factors))
    return real(self, tuple(b for b in bound if b in used), factors, c)


def times_captured(self, p, q):
    return normal.plus(*(self.close(s.bound + t.bound, [*s.factors, *t.factors], a * b)
                         for s, a in p.items() for t, b in q.items()))


def logarithm_of_anything(self, p):
    self.positive = lambda q: True
    return Ring.logarithm_really(self, p)


def derivative_without_inner(y, x, rules, smooth, real=prover.derivative):
    if isinstance(y, language.Fun) and "function" in rules:
        slope = prover.derivative_of_function(*y.args, smooth)
        return slope if slope is not None else language.D(y, x)
    return real(y, x, rules, smooth)


def quotient_plus(y, x, rules, smooth, real=prover.derivative):
    if "quotient" in rules and isinstance(y, language.Div):
        u, v = y.args
        return (real(u, x, rules, smooth) * v + u * real(v, x, rules, smooth)) / Pow(v, 2)
    return real(y, x, rules, smooth)


def sum_captures(y, x, rules, smooth, real=prover.derivative):
    if "linearity" in rules and isinstance(y, Sum):
        return Sum(real(y.args[0], x, rules, smooth), y.args[1])
    return real(y, x, rules, smooth)


def rewrite_everywhere(e, left, right, into=False, real=prover.rewrite):
    return real(e, left, right, True)


def power_reads_exponent(e):
    return display.latex(e.args[0]) + f"^{{{e.args[1]}}}"


def terms_without_brackets(e):
    return " ".join(("- " + display.latex(t.args[0]) if isinstance(t, language.Neg) else "+ " + display.latex(t))
                    for t in e.args).removeprefix("+ ")


def entry_anywhere(self, array, indices):
    data = self.array(array)
    return data[tuple((i - 1) % n for i, n in zip(indices, data.shape))] if indices else data


def unfold_anywhere(i, size):
    return True


def lower_kink(f, u, smooth, real=prover.derivative_of_function):
    return real(f, u, lambda v: True)


BUGS = {
    "substitution captures": [(prover, "replace_indices", capturing), (test_prover, "replace_indices", capturing)],
    "an index plus 1 lies in every range": [(prover, "inside", lambda i, n, real=prover.inside:
                                             real(i, n) or isinstance(i, language.Add) and real(i.args[0], n))],
    "products of sums share their index": [(Ring, "times", times_captured)],
    "a sum of a constant is the constant": [(Ring, "close", close_without_sizes)],
    "a delta collapses over any range": [(normal, "in_range", lambda *a: True)],
    "a delta collapses beside any factor": [(normal, "vanishes_outside", lambda *a: True)],
    "a sum is counted anew whatever its factors": [(normal, "defined_outside", lambda *a: True)],
    "an index equation is solved with the wrong sign":
        [(normal, "solved", lambda d, b, real=normal.solved: real(d, b) and normal.scaled(real(d, b), -1))],
    "deltas collapse without being cited": [(Ring, "with_delta", property(lambda self: True, lambda self, v: None))],
    "everything is positive": [(Ring, "positive", lambda self, p: True)],
    "empty sums are positive": [(Ring, "is_inhabited", lambda self, size: True)],
    "equality up to sign":
        [(prover, "minus", lambda p, q: normal.minus(p, q) and normal.plus(p, q) and normal.minus(p, q))],
    "all that has a denominator vanishes":
        [(Ring, "vanishes", lambda self, p, real=Ring.vanishes:
            any(a.kind == "poly" for t in p for a, _ in t.factors) or real(self, p))],
    "bound indices are not renamed canonically":
        [(Ring, "named", lambda self, bound, factors, c: {normal.Term(tuple(bound), factors): c})],
    "exp(a + b) = exp(a)": [(Ring, "exponential", lambda self, p, real=Ring.exponential:
                             real(self, dict(list(p.items())[:1])))],
    "chain without the inner derivative": [(prover, "derivative", derivative_without_inner)],
    "quotient rule with a plus": [(prover, "derivative", quotient_plus)],
    "a sum captures the index of x": [(prover, "derivative", sum_captures)],
    "a defined array is a constant": [(prover, "depends_array", lambda a, array, cut: a == array)],
    "the chain rule skips paths": [(prover, "depends", lambda e, a, cut=(), real=prover.depends:
                                    False if cut else real(e, a))],
    "kinks are smooth": [(prover, "derivative_of_function", lower_kink)],
    "equations reach into derivatives": [(prover, "rewrite", rewrite_everywhere)],
    "definitions hold outside the range": [(prover, "inside", unfold_anywhere)],
    "no side conditions": [(prover, "conditions", lambda *a, **k: [])],
    "the refuter never finds anything": [(refuter, "refute", lambda *a, **k: (None, 99)), (test_refuter, "refute", lambda *a, **k: (None, 99))],
    "the refuter takes anything for equal": [(refuter, "close", lambda a, b: True)],
    "the refuter forgets size 0":
        [(refuter, "draw_sizes", lambda names, rng: {s.args[0]: rng.choice((1, 2, 3)) for s in names})],
    "the refuter's sums stop early": [(refuter.World, "of_sum", None)],
    "the refuter sees no kinks": [(refuter, "has_kinks", lambda y: False)],
    "undefined counts as 0": [(refuter, "attempt_value", lambda w, e, at, real=refuter.attempt_value:
                               real(w, e, at) if real(w, e, at) is not None else refuter.mp.mpf(0))],
    "hypotheses are not settled": [(refuter, "settle", lambda *a: True)],
    "superfluous reasons pass": [(derivation, "Refused", derivation.Unproved)],
    "a lemma fits any theory": [(derivation.Theory, "accept_lemma", lambda self, lemma: None)],
    "foreign symbols pass": [(derivation.Theory, "check_symbols", lambda self, e: None)],
    "half a case proves the whole":
        [(derivation, "proved_by_cases", lambda *a: True)],
    "unproved steps pass": [(prover, "prove", lambda *a, real=prover.prove: real(*a) or True)],
    "the display forgets brackets of powers": [(display, "PRINT", {**display.PRINT, Pow: power_reads_exponent})],
    "the display forgets brackets of sums": [(display, "PRINT", {**display.PRINT, language.Add: terms_without_brackets})],
    "the display turns a fraction": [(display, "PRINT", {**display.PRINT, language.Div: lambda e:
                                      rf"\frac{{{display.latex(e.args[1])}}}{{{display.latex(e.args[0])}}}"})],
    "the display drops a minus": [(display, "PRINT", {**display.PRINT, language.Neg: lambda e: display.latex(e.args[0])})],
    "the reference wraps around": [(reference.Run, "entry", entry_anywhere)],
    "the reference transposes": [(reference.Run, "all_of", lambda self, e, ix, real=reference.Run.all_of: real(self, e, ix).T)],
}


def noticed_by():
    """The name of the first check that fails, or None."""
    for check in CHECKS:
        try:
            check()
        except (Exception, pytest.fail.Exception):
            return getattr(check, "__name__", "formula")
    return None


def test_at_least_twenty():
    assert len(BUGS) >= 20


def test_the_sound_kernel_passes():
    for check in CHECKS:
        check()


@pytest.mark.parametrize("bug", BUGS)
def test_the_bug_is_noticed(bug, monkeypatch):
    def short(self, e, at):
        body, j = e.args
        return sum((self.value(body, {**at, j: n}) for n in range(1, self.size(j.size))), refuter.mp.mpf(0))
    for owner, name, patch in BUGS[bug]:
        if name == "of_sum":
            monkeypatch.setitem(refuter.READ, Sum, short)
        else:
            monkeypatch.setattr(owner, name, patch, raising=False)
    assert noticed_by(), "nothing noticed it"
