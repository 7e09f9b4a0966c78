"""Lines typed by a reader: right and wrong ones, in several notations, and nasty input."""

import importlib
import json
import random
import subprocess
import sys
import time

import pytest
from yardstick import in_time

from nnlib.derivations import THEOREMS, refuter
from nnlib.derivations.challenge import Verdict, challenge
from nnlib.derivations.derivation import FalseStep, KernelBug, check_step
from nnlib.derivations.display import latex, source
from nnlib.derivations.mutate import chosen
from nnlib.derivations.reader import read
from nnlib.derivations.typed import Mistyped, read_typed

RIGHT = {
    "softmax": ["s_k*(delta_ki - s_i)", "s[k]*(delta[k,i]-s[i])", "s_k (δ_{ki} − s_i)", "sₖ(δₖᵢ-sᵢ)", "s_i(δ_ik - s_k)",
                "s_k*delta(k, i) - s_k·s_i", r"s_k \left(\delta_{ki} - s_i\right)", "s_k δ_ki - s_k s_i",
                r"\frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}(\delta_{ki}-s_i)", "exp(z_k)/Sum(exp(z_j), j)*(delta(k,i)-s_i)",
                "exp(z_k)/(sum_q exp(z_q))*(delta(k,i)-s_i)", "Σ_j s_j (δ_kj - s_k) δ_ij", "∂s_i/∂z_k", "ds_i/dz_k",
                "s_k delta_ki - exp(z_k + z_i)/Sum(exp(z[j]), j)**2", "-(-s_k)(δ_ki − s_i)", "z_k*s_k*(delta_ki-s_i)/z_k"],
    "softmax_backward": ["s*(g - sum_k g_k s_k)", "s_i g_i - s_i ∑_j g_j s_j", "Sum(s_k g_k (delta_ki - s_i), k)"],
    "log_sum_exp": ["c + ln(sum_j e^(z_j - c))", "log sum_j e^z_j", "log(e^c Σ_q e^{z_q-c})"],
    "sigmoid_backward": ["σ(z)(1-σ(z))", "σ(z) - σ(z)^2", "e^-z/(1+e^-z)^2", "exp(-z)/(1+exp(-z))**2", "σ(z)σ(-z)",
                         "1/(2+e^z+e^-z)", "e^{-z}σ²(z)", "sigmoid(z)*(1-sigmoid(z))", "sigma^2(z) e^-z"],
    "tanh_backward": ["1 - tanh(x)^2", "(1 - tanh x)(1 + tanh x)", "sech^2(x)", "1-tanh²(x)"],
    "sigmoid": ["1/(1+e^-z)", "e^z/(1+e^z)"],
    "sigmoid_cross_entropy_stable": ["max(0, z) - y z + log(1 + e^{-|z|})", "relu(z) - y*z + ln(1+exp(-abs(z)))"],
    "relu_backward": ["1[z >= 0]", "step(z)", r"\mathbf{1}[z \ge 0]"],
    "dense_backward_W": ["X.T @ G", "X^T @ dZ", "(X.T @ G)[k,j]", "(X^T G)_kj", r"(X^{\top} G)_{kj}", "sum_i X_ik G_ij",
                         "Sum(X[i,k]*G[i,j], i)", "sum_r X_rk*dL/dZ_rj", "∑_{r=1}^{m} X_rk ∂L/∂Z_rj"],
    "dense_backward_X": ["G @ W.T", "sum_c G_ic W_kc", "dZ@W.T"],
    "dense_backward_b": ["sum_i G_ij", "Sum(dL/dZ[i,j], i)"],
    "elementwise_backward": ["dA * sigma'(Z)", "∂L/∂A_ij σ′(Z_ij)"],
    "softmax_cross_entropy_backward": ["(S-Y)/m", "1/m*(S_ij-Y_ij)", "S/m - Y/m", "(S*sum_k Y_ik - Y)/m"],
    "softmax_cross_entropy_sample": ["s_j - y_j", "s - y", "s_j sum_k y_k - y_j"],
    "softmax_cross_entropy_label_backward": ["s_j - delta_jc", "s_j - δ(j,c)"],
    "squared_error_backward": ["2/m*(Yhat - Y)", r"\frac{2(\hat{Y}_{ij} - Y_{ij})}{m}", "2*(Ŷ_ij - Y_ij)/m"],
    "error_recursion": ["(E @ W.T) * sigma'(Z)", "sum_q E_iq W_jq σ'(Z_ij)", "dY @ W.T * σ′(Z)"],
    "two_layer_W1": ["x_i E1_j", r"x_i \delta^{1}_j", "x_i δ^1_j"],
    "quadratic_regression_w1": ["2 sum_i (w_2 x_i^2 + w_1 x_i + w_0 - t_i) x_i", "Sum(2*x[i]*(w2*x[i]**2+w1*x[i]+w0-t[i]), i)"],
    "exponential_y": ["2(ŷ_i - y_i)", "2*p - 2*y"],
    "dense_cost": ["m*n_in*n_out", "n_out n_in m"],
    "conv2d_backward_b": ["Sum(G[n,f,i,j], n, i, j)", "sum_n sum_{i,j} G_nfij"],
}
WRONG = {
    "softmax": ["s_k*(1-s_i)", "-s_k s_i", "s_k(δ_ki + s_i)", "s_k^2", "exp(z_k)*(delta_ki - s_i)", "1/0", "log(-1)", "s_k + z_k/(1/(z_k - z_k))", "log(0*log(0)) + (0)^-1", "z_0", "0.1"],
    "softmax_backward": ["s*(g - sum_k g_k)", "s_i g_i"], "log_sum_exp": ["c + log sum_j e^z_j", "sum_j z_j"],
    "sigmoid_backward": ["σ(z)(1+σ(z))", "z(1-z)", "1-σ(z)^2"], "tanh_backward": ["1 - tanh(x)", "sech(x)"],
    "relu_backward": ["relu(z)", "step(-z)"], "dense_backward_W": ["X.T @ G / m", "sum_i X_ij G_ik", "W"],
    "dense_backward_b": ["sum_i G_ij / m", "G_1j"], "elementwise_backward": ["dA * sigma(Z)", "dA"],
    "softmax_cross_entropy_backward": ["S-Y", "(Y-S)/m", "-Y/(m*S)"], "squared_error_backward": ["(Yhat-Y)/m"],
    "softmax_cross_entropy_sample": ["s_j - 1", "y_j - s_j"], "error_recursion": ["(E @ W.T) * sigma(Z)"],
    "two_layer_W1": ["x_i E1_j / n", "E1_j"], "dense_cost": ["m*n_in + n_out"],
}
UNREADABLE = {
    "": "Type an expression", " \n": "Type an expression", "x" * 10_000: "10000 characters", "(" * 400: "levels of brackets",
    "(" * 1000: "1000 characters", "z_k" + "/2" * 200: "too many parts inside each other", "-" * 400 + "z_k": "levels", "__import__('os')": "does not belong", "s_k)": "closes no bracket",
    "s_k*(1": "character 5: the bracket '(' is not closed", "s_k(1-s_i]": "']' found", "s_k = s_i": "without =", "x=1": "unknown name 'x'",
    "s_k*t_i": "character 5: unknown name 't'. This theorem has: indices i j k; sizes K; arrays and functions z s", "s": "needs 1 index",
    "s_ki": "takes 1 index, 2 given", "s_q": "no index q", "s_j": "index j is free", "delta(k)": "takes 2 indices, 1 given",
    "9^9^9^9": "two ways", "9^9999": "at most 3 digits", "9^999": "too high", "((9^60)^60)^60": "too high", "z_k^z_i": "exponent is a whole number",
    "9999999999999": "12 digits", "sum_{a=1}^{99999} 1": "from 1 to 12", "1/2 s_k": "two ways", "exp(z_k)/sum_j exp(z_j) * s_k": "denominator",
    "log s_k^2": "two ways", "\u202ez_k\u202c": "does not belong", "ｓ_k": "unknown name", "s_k\x00": "does not belong", "ѕ_k": "unknown name",
    "z_{k/2}": "whole number", "z_{s_k}": "whole number", "D(D(s_k,z_i),z_i)": "second derivatives", "∂s_k": "write ∂y/∂x", "|z_k|": "absolute",
    "lambda x: x": "unknown name 'lambda'", r"\foo": "unknown name", r"\frac{1}{": "too early", "s_": "after _", "s_²": "after _", "²": "does not belong",
    "$s_k$": "does not belong", "sum_s s": "cannot run over", "sum_q 1": "to where does 'q' run", "2 3": "write *", "e": "e^z", "max(1, z_k)": "max(0, z)",
}
TOO_LARGE = ["exp(exp(exp(exp(9))))", "exp(999999999999*log(s_k + z_k))", "e^(999999999999*log(2))", "exp(" * 39 + "z_k" + ")" * 39,
             "(z_k+z_i+s_k+1)^64*(z_k+2)^64", "+".join(f"1/(z_k+{n}*z_i)" for n in range(25)), "*".join(f"(z_k+{n}*s_i+z_i)" for n in range(25)),
             " ".join(f"sum_{a} z_{a}" for a in "abcdfghlmn"), "s_k*(delta_ki-s_i)+" + "-".join(["(z_k+z_i+s_k+1)^40"] * 2),
             "s_k*(delta_ki-s_i)*" + "/".join(["(z_k+z_i+s_k+1)^20"] * 2), "/".join(["z_k"] * 80),
             " ".join(f"sum_{{{a}=1}}^{{12}}" for a in "abcd") + " delta_ab delta_cd"]


def cases(table):
    return [(name, text) for name, texts in table.items() for text in texts]


def test_there_are_enough_lines():
    assert len(cases(RIGHT)) + len(cases(WRONG)) >= 100 and len(RIGHT) >= 20


@pytest.mark.parametrize("name, text", cases(RIGHT))
def test_right_lines(name, text):
    v = challenge(name, text)
    assert v.kind == "true" and v.reason and v.line_latex and not v.numbers, v


@pytest.mark.parametrize("name, text", cases(WRONG))
def test_wrong_lines(name, text):
    v = challenge(name, text)
    assert v.kind == "false" and v.numbers["left"] != v.numbers["yours"], v
    assert v.numbers["yours"] in str(v) or "has no value" in str(v)


@pytest.mark.parametrize("text, words", UNREADABLE.items())
def test_what_cannot_be_read_is_explained(text, words):
    before = time.process_time()
    v = challenge("softmax", text)
    assert v.kind == "unreadable" and words in v.message
    assert in_time(time.process_time() - before, 2)


@pytest.mark.parametrize("text", TOO_LARGE)
def test_the_work_is_limited(text):
    THEOREMS["softmax"].build()
    before = time.process_time()
    assert challenge("softmax", text).kind in ("undecided", "false")
    assert in_time(time.process_time() - before, 4)


def test_arguments_that_are_no_theorem_or_no_line():
    for theorem in ("nothing", None, 3, [], {}):
        assert "no theorem" in challenge(theorem, "1").message
    for after in (6, -1, "x", 1.0, True):
        assert "lines of this theorem are 0 (left side) to 5" in challenge("softmax", "1", after=after).message
    for text in (None, 5, b"s_k"):
        assert challenge("softmax", text).kind == "unreadable"


def test_the_rule_of_the_next_step_is_named():
    lemma = THEOREMS["softmax"].build()
    said = [challenge(lemma, latex(line.expr), after=n).reason for n, line in enumerate(lemma.lines)]
    assert said == ["the definition of s", "the quotient rule", "differentiation; δ picks one term", "algebra", "the definition of s"]
    assert challenge("softmax_backward", "sum_k g_k s_k (delta_ki - s_i)", after=0).reason == "the theorem softmax"
    assert "hypothesis" in challenge("softmax_cross_entropy_sample", "s_j - y_j", after=5).reason
    assert "chain rule through" in challenge("softmax_backward_batch", latex(THEOREMS["softmax_backward_batch"].build().lines[0].expr), after=0).reason


def test_what_a_line_needs_besides_is_said():
    assert "where z[k] is not 0" in challenge("softmax", "z_k*s_k*(delta_ki-s_i)/z_k").message
    assert "nothing has been derived" in challenge("softmax", "∂s_k/∂z_i").message


def displayed(name):
    """Yield every line of a theorem and of the parts that are no theorems themselves."""
    todo = [THEOREMS[name].build()]
    while todo:
        lemma = todo.pop()
        todo += [p for p in lemma.parts if p.name not in THEOREMS]
        for e in (lemma.left, *(line.expr for line in lemma.lines)):
            yield lemma, e


@pytest.mark.parametrize("name", THEOREMS)
def test_displayed_lines_are_read_as_by_the_other_reader(name):
    for lemma, e in displayed(name):
        assert read_typed(latex(e), lemma) == read(latex(e), lemma.theory)


@pytest.mark.parametrize("name", list(THEOREMS)[::10])        # a tenth of them, for the sake of time
def test_displayed_lines_are_true(name):
    for lemma, e in displayed(name):
        v = challenge(lemma, latex(e))
        assert v.kind == "true" and v.line_latex == latex(e), v
    v = challenge(name, source(THEOREMS[name].build().right))
    assert v.kind == "true", v


@pytest.mark.parametrize("name", list(THEOREMS)[1::15])
def test_mutants_are_not_true(name):
    lemma = THEOREMS[name].build()
    rng = random.Random(name)
    n = rng.randrange(len(lemma.lines))
    before, tries = chosen(lemma, n, 60)
    wrong = [(e, reasons) for _, e, reasons in tries if e != lemma.lines[n].expr]
    for e, reasons in rng.sample(wrong, min(2, len(wrong))):
        if challenge(lemma, latex(e)).kind == "true":
            found, points = refuter.refute(lemma.left, e, lemma.hypotheses, lemma.assumptions, lemma.sides, wanted=20, seed=99)
            assert not found and points, latex(e)
            if not lemma.hypotheses and not lemma.assumptions:
                with pytest.raises(Exception) as why:
                    check_step(lemma.derivation, before, e, reasons, search=20)
                    raise Mistyped
                assert not isinstance(why.value, FalseStep)


def test_any_soup_of_tokens_gets_an_answer():
    rng = random.Random(0)
    lemma = THEOREMS["dense_backward_W"].build()
    soup = ["X", "W", "G", "Z", "b", "_", "i", "j", "k", "_ik", "[k,j]", "[", "]", "(", ")", "{", "}", "^", "2", "-1", "T", ".T", "@", "+", "-", "*", "/",
            "sum_i", "Sum(", ", i)", ",", "delta", "δ_ij", "exp", "log", "max(0,", "|", "D(", "∂", "dL/", "dZ", "dW", "e", "e^", r"\frac{", r"\partial",
            "1[", ">= 0]", "²", "ᵢ", "σ", "'", "=", "\\", ".", "0.5", "n_in", r"\sum_{i=1}^{m}", "m", " ", "a", "_{", "_{i=1}", "^{m}", "\u0302", "ß"]
    for _ in range(4000):
        text = "".join(rng.choices(soup, k=rng.randint(1, 9)))
        try:
            read_typed(text, lemma)
        except Mistyped as why:
            assert str(why)


def test_answers_show_themselves():
    right, wrong, unread = (challenge("softmax", t) for t in ("s_k(delta_ki - s_i)", "s_k*(1 - s_i)", "<b>*s_k"))
    for v in (right, wrong, unread):
        assert isinstance(v, Verdict) and str(v) == v.message
        assert json.loads(json.dumps(v.as_dict())) == v.as_dict()
        assert set(v.as_dict()) == {"kind", "message", "reason", "line_latex", "numbers"}
    assert right._repr_markdown_().startswith("**True.**") and "$s_k (\\delta_{ki} - s_i)$" in right._repr_markdown_()
    assert "| your line |" in wrong._repr_markdown_() and "<td>your line</td>" in wrong._repr_html_()
    assert "<b>" not in unread._repr_html_() and "<b>" not in unread._repr_markdown_()


def test_the_kernel_is_left_as_it_was():
    from nnlib.derivations import normal, prover
    challenge("softmax", "exp(exp(exp(exp(9))))")
    assert prover.Ring is normal.Ring and refuter.World.__module__ == "nnlib.derivations.refuter" and refuter.World.__name__ == "World"


def test_it_runs_without_numpy_and_sympy():
    code = ("import sys; sys.modules['numpy'] = sys.modules['sympy'] = None\n"
            "from nnlib.derivations.challenge import challenge\nprint(challenge('sigmoid_backward', 'σ(z)(1-σ(z))').kind)")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "true", run.stderr


def test_halves_of_the_kernel_that_contradict_each_other_are_told(monkeypatch):
    def contradict(*arguments):
        raise KernelBug("a step that is proved and false")
    monkeypatch.setattr(importlib.import_module("nnlib.derivations.challenge"), "answer", contradict)
    found = challenge("softmax", "s_k")
    assert found.kind == "undecided" and found.message.endswith("please report this line.") and found.line_latex == "s_k"


@pytest.mark.parametrize("theorem, line, words", [
    ("softmax", "sum(s_j, 3)", "a sum runs over an index"), ("softmax", "D(s_k, 2)", "a derivative is taken by a symbol, such as z_i"),
    ("softmax", "D(s_k, s_i + 1)", "a derivative is taken by a symbol"),
    ("sigmoid_backward", "dz", "there is no loss L in this theorem")])
def test_what_is_no_sum_and_no_derivative_is_explained(theorem, line, words):
    found = challenge(theorem, line)
    assert found.kind == "unreadable" and words in found.message, found


def test_the_slope_of_a_function_is_read():
    assert challenge("sigmoid_backward", "sigma'(z)").message.startswith("True, but this is the left side itself")
