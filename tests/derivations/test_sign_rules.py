"""Rules about signs, functions declared under built-in names, refusals to show, side conditions."""

import pytest

from nnlib.derivations.derivation import (FalseStep, Refused, Theory, Unproved, definition, delta_rule, differentiation,
                                          given, monotone, same_sign, sign_cases)
from nnlib.derivations.display import latex, line_words
from nnlib.derivations.language import D, Sum, delta, exp, log, relu, step, tanh
from nnlib.derivations.losses import cross_entropy_backward, softmax_cross_entropy_backward, without_row_sums
from nnlib.derivations.prover import prove
from nnlib.derivations.reader import read


def theory():
    t = Theory("signs")
    n = t.size("n", least=1)
    i, j, k = t.indices("i j k", n)
    z = t.array("z", n)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    return t, (i, j, k), z, s, t.scalar("x"), t.scalar("y")


def refused(kind, chain, expr, by=()):
    with pytest.raises(kind) as caught:
        chain.step(expr, by=by)
    assert type(caught.value) is kind, caught.value


def test_three_cases():
    t, _, z, s, x, y = theory()
    t.derive(x).step(relu(x) - relu(-x), by=sign_cases(x))
    t.derive(step(x) * x).step(relu(x), by=sign_cases(x))
    t.derive(step(x) + step(-x) - 1).step(0 * x + (1 - step(-x)) * (1 - step(x)) + step(x) * step(-x),
                                          by=sign_cases(x))            # 1 at 0 only
    refused(Unproved, t.derive(x), relu(x) - relu(-x))


def test_no_case_is_forgotten():
    t, _, z, s, x, y = theory()
    refused(FalseStep, t.derive(step(x) + step(-x)), 1, sign_cases(x))        # false at 0 only
    refused(FalseStep, t.derive(relu(x)), x, sign_cases(x))                   # false below 0
    refused(FalseStep, t.derive(relu(-x)), 0, sign_cases(x))                  # false below 0
    refused(FalseStep, t.derive(relu(x)), 0, sign_cases(x))                   # false above 0
    refused(Unproved, t.derive(relu(y)), relu(y) * (step(y) + 0 * x), sign_cases(x))      # the sign of another


def test_cases_for_one_scalar_and_no_derivative():
    t, (i, j, k), z, s, x, y = theory()
    for e in (z[i], s[k], x + y):
        with pytest.raises(Refused):
            sign_cases(e)
    e = D(relu(x), x)
    assert not prove(e, step(x), [*sign_cases(x).uses, *differentiation.uses])


def test_an_assumption_tells_the_sign_of_the_negative():
    t, _, z, s, x, y = theory()
    for relation, values in (("positive", (0, 0)), ("negative", (-x, 1))):
        sign = t.assume(relation, x, relation)
        t.derive(relu(-x)).step(values[0], by=given(sign))
        t.derive(step(-x)).step(values[1], by=given(sign))
        refused(FalseStep, t.derive(step(-x)), 1 - values[1], by=given(sign))


def test_a_positive_factor_keeps_the_sign():
    t, (i, j, k), z, s, x, y = theory()
    t.derive(step(s[k] - s[i])).step(step(exp(z[k]) - exp(z[i])), by=(definition(s), same_sign))
    t.derive(step(2 * x / (1 + exp(y)))).step(step(x), by=same_sign)
    refused(FalseStep, t.derive(step(-x)), step(x), same_sign)
    refused(FalseStep, t.derive(step(x * y)), step(x), same_sign)
    refused(FalseStep, t.derive(step(x / (exp(y) - 2))), step(x), same_sign)
    refused(Unproved, t.derive(step(2 * x)), step(x))
    refused(FalseStep, t.derive(relu(2 * x)), relu(x), same_sign)


def test_the_exponential_is_increasing():
    t, (i, j, k), z, s, x, y = theory()
    t.derive(step(exp(x) - exp(y))).step(step(x - y), by=monotone)
    t.derive(step(exp(x) - 1)).step(step(x), by=monotone)
    refused(FalseStep, t.derive(step(exp(x) - exp(y))), step(y - x), monotone)
    refused(FalseStep, t.derive(step(exp(x) + exp(y))), step(x + y), monotone)
    refused(FalseStep, t.derive(step(2 * exp(x) - exp(y))), step(x - y), monotone)
    refused(FalseStep, t.derive(step(x * exp(x) - exp(y))), step(x - y), monotone)
    refused(FalseStep, t.derive(step(Sum(exp(z[k]), k) - exp(x))), step(Sum(z[k], k) - x), monotone)
    refused(Unproved, t.derive(step(exp(x) - exp(y))), step(x - y))


def test_a_declared_function_is_not_the_built_in_one_of_its_name():
    t, _, z, s, x, y = theory()
    square = [t.function(f.name, y, y**2, latex=f"f_{n}") for n, f in enumerate((log, relu, step, tanh))]
    for mine, built_in in zip(square, (log, relu, step, tanh)):
        assert mine != built_in and not prove(mine(x), built_in(x))
        refused(FalseStep, t.derive(mine(x)), built_in(x))


def test_functions_declared_alike_are_equal():
    def declared(body, latex=r"\sigma"):
        t = Theory("one")
        x, y = t.scalar("x"), t.scalar("y")
        return t.function("sigma", x, body(x, y), latex)
    logistic = declared(lambda x, y: 1 / (1 + exp(-x)))
    assert logistic == declared(lambda x, y: 1 / (1 + exp(-x)))
    assert hash(logistic) == hash(declared(lambda x, y: 1 / (1 + exp(-x))))
    assert logistic != declared(lambda x, y: 1 / (1 + exp(x)))
    t = Theory("two")
    z = t.scalar("z")
    assert not prove(logistic(z), declared(lambda x, y: 1 / (1 + exp(x)))(z))


def test_bars_and_powers_read_back():
    t, _, z, s, x, y = theory()
    modulus = t.function("abs", x, relu(x) + relu(-x), latex=r"|\cdot|")
    f = t.function("tanh", x, (exp(x) - exp(-x)) / (exp(x) + exp(-x)), latex=r"\tanh")
    for e, text in ((exp(-modulus(y)), "e^{-|y|}"), (2 * modulus(x - y) * x, "2 |x - y| x"),
                    (modulus(y)**2, "(|y|)^{2}"), (1 - f(x)**2, r"1 - \tanh^{2}(x)")):
        assert latex(e) == text
        assert prove(read(text, t), e)


def test_reasons_have_words():
    t, _, z, s, x, y = theory()
    d = t.derive(x).step(relu(x) - relu(-x), by=sign_cases(x))
    assert line_words(d.lines[0]) == "$x > 0$, $x < 0$ and $x = 0$ in turn"
    assert line_words(t.derive(step(2 * x)).step(step(x), by=same_sign).lines[0]) == "a positive factor keeps the sign"


def test_positive_over_a_common_denominator():
    t, _, z, s, x, y = theory()
    d = t.derive(log(1 - 1 / (1 + exp(x)))).step(x - log(1 + exp(x)))
    assert not d.done("positive").sides
    d = t.derive(log(1 - 2 / (1 + exp(x))) - log(1 - 2 / (1 + exp(x)))).step(0)
    assert len(d.done("not_always").sides) == 1


def test_side_conditions_are_not_repeated():
    side, = cross_entropy_backward().sides
    assert side.relation == "positive" and latex(side.left) == "S_{rk}"


def test_a_finished_theorem_shows_what_a_wrong_step_does():
    lemma = softmax_cross_entropy_backward()
    why = without_row_sums()
    assert type(why) is FalseStep and "Step 5" in str(why) and "The sides differ" in str(why)
    assert lemma.without(*lemma.hypotheses)[0]
    last = len(lemma.lines)
    assert lemma.attempt(last) is None and len(lemma.lines) == last
    assert type(lemma.attempt(last, by=())) is Unproved
    assert type(lemma.attempt(last, -lemma.right)) is FalseStep
    assert lemma.attempt(4, by=delta_rule) is None
    assert isinstance(lemma.attempt(4, by=(delta_rule, differentiation)), Refused)


def test_attempt_knows_the_case():
    t, (i, j, k), z, s, x, y = theory()
    d = t.derive(s[k] * delta(k, i), distinct=(k, i)).step(0 * s[k], by=delta_rule)
    assert d.done("k_not_i").attempt(1) is None
