"""The six assignments: their form, the points of the empty one, of the solution, and of typical mistakes."""
import ast
import dis
import io
import re
from contextlib import redirect_stdout
from functools import cache
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml

from nnlib.course.numbers import drawing
from nnlib.course.question import Question, alike, array

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "book" / "assignments").glob("*.ipynb"))
NAMES = [path.stem for path in SOURCES]
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)
HIDDEN = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS\n", re.M | re.S)


@cache
def cells(name):
    return nbformat.read(ROOT / "book" / "assignments" / f"{name}.ipynb", as_version=4).cells


def about(cell):
    return cell.metadata.nbgrader


def points(name):
    return {about(c).grade_id.removesuffix("-check"): about(c).points for c in cells(name) if about(c).grade and c.cell_type == "code"}


class Silent(Question):
    """A question that checks nothing: its cell only binds its names."""
    add = raises = lines = lambda *_, **__: None


def earned(name, answers=None, student="example", only=None):
    """Run a source with other answers {grade_id: source}; return what each question (or only one) earns."""
    space, found = {"__name__": "__main__"}, {}
    with drawing(b"public", "", student), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for cell in (c for c in cells(name) if c.cell_type == "code"):
            told = about(cell)
            question = told.grade_id.removesuffix("-check")
            space["Question"] = Question if only in (None, question) else Silent
            source = (answers or {}).get(told.grade_id, cell.source) if told.solution else cell.source
            try:
                exec(compile(source, told.grade_id, "exec"), space)
            except NotImplementedError:
                assert told.solution
            if told.grade and only in (None, question):
                assert type(space["q"]) is Question and space["q"].points == told.points
                found[question] = space["q"].earned
    return found


# --- form -----------------------------------------------------------------------

def test_there_are_six():
    assert len(SOURCES) == 6


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_those_of_nbgrader(name):
    ids = [about(c).grade_id for c in cells(name)]
    assert len(set(ids)) == len(ids)
    for cell in cells(name):
        told = about(cell)
        assert told.schema_version == 3 and not told.task and ("points" in told) == told.grade
        assert told.locked == (not told.solution)
        assert ("### BEGIN SOLUTION" in cell.source) == ("### END SOLUTION" in cell.source) == told.solution
        assert cell.source.count("### BEGIN HIDDEN TESTS") == cell.source.count("### END HIDDEN TESTS") <= (told.grade and not told.solution)
        if "### BEGIN NUMBERS" in cell.source:
            assert cell.source.startswith("### BEGIN NUMBERS\n") and cell.source.endswith("\n### END NUMBERS") and told.locked


@pytest.mark.parametrize("name", NAMES)
def test_questions_are_enough_and_of_several_kinds(name):
    code = [c for c in cells(name) if c.cell_type == "code"]
    manual = [c for c in cells(name) if about(c).grade and c.cell_type == "markdown"]
    tests = [c for c in code if about(c).grade]
    assert len(tests) >= 6 and len(manual) == 1 and "*Rubric.*" in manual[0].source
    assert sum(bool(re.search(r"^def ", c.source, re.M)) for c in code if about(c).solution) >= 2, "functions"
    assert sum("q.lines(" in c.source for c in tests) == 1, "a derivation"
    assert sum("### BEGIN NUMBERS" in c.source for c in code) >= 1, "numbers of one's own"
    text = "\n".join(c.source for c in cells(name) if c.cell_type == "markdown")
    assert re.search(r"^## .*[Ff]ind a|^## 6\. Train|^## .*A curve", text, re.M), "a network to find"
    total = sum(about(c).points for c in cells(name) if about(c).grade)
    assert f"There are {total} points; a person gives {about(manual[0]).points} of them" in text
    for cell in cells(name):
        if about(cell).grade_id.endswith("-text") and cell.source.startswith("## "):
            question = next(c for c in cells(name)[cells(name).index(cell):] if about(c).grade)
            assert f"({about(question).points} points" in cell.source


@pytest.mark.parametrize("name", NAMES)
def test_solution_names_are_nobody_elses(name):
    def bound(sources):
        codes = [compile(cell.source, "cell", "exec") for cell in sources]  # symtable would name the n of [n for n in x]
        return {line.argval for code in codes for line in dis.get_instructions(code) if line.opname == "STORE_NAME"}
    code = [c for c in cells(name) if c.cell_type == "code"]
    students = bound(c for c in code if about(c).solution)
    assert not students & bound(c for c in code if not about(c).solution)
    for cell in code:           # the tester runs only those cells of the teacher that have nothing to do with answers
        if about(cell).locked and not about(cell).grade:
            assert not students & {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("name", NAMES)
def test_every_question_says_where_to_read(name):
    for cell in cells(name):
        for page, _, section in re.findall(r'read="([a-z_]+)(#([\w-]+))?"', cell.source):
            chapter = (ROOT / "book" / f"{page}.ipynb").read_text()
            assert not section or f"({section})=" in chapter, section
        assert about(cell).solution or not about(cell).grade or 'read="' in cell.source


@pytest.mark.parametrize("name", NAMES)
def test_no_chain_of_equations_is_typed_by_hand(name):
    for cell in cells(name):
        if cell.cell_type == "markdown":
            assert "aligned" not in cell.source
            for formula in re.findall(r"\$\$(.*?)\$\$", cell.source, re.S):
                assert re.sub(r"\{[^{}]*\}", "", formula).count("=") <= 1 or r"\begin{cases}" in formula, formula


def test_sources_with_solutions_are_no_pages_of_the_book():
    assert "assignments/" not in (ROOT / "_toc.yml").read_text()
    assert yaml.safe_load((ROOT / "_config.yml").read_text())["only_build_toc_files"] is True


# --- points ---------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_the_solution_earns_all(name):
    for student in ("example", "ada"):
        assert earned(name, student=student) == points(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_empty_version_earns_nothing(name):
    empty = {about(c).grade_id: SOLUTION.sub(r"\1raise NotImplementedError()", c.source)
             for c in cells(name) if about(c).solution and c.cell_type == "code"}
    assert set(earned(name, empty).values()) == {0.0}


@pytest.mark.parametrize("name", NAMES)
def test_the_visible_part_runs_alone(name):
    space = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()):
        for cell in (c for c in cells(name) if c.cell_type == "code"):
            exec(compile(HIDDEN.sub("", cell.source), about(cell).grade_id, "exec"), space)
            if about(cell).grade:
                assert space["q"].checks and all(c.held for c in space["q"].checks)
                assert "hidden(" not in HIDDEN.sub("", cell.source)


@pytest.mark.parametrize("name", NAMES)
def test_a_slip_is_neither_right_nor_another_slip(name, monkeypatch):
    def close(self, words, get, expected, within=None, slips=None, weight=1):
        values = [array(value) for value in (expected, *(slips or {}).values())]
        assert not any(alike(a, c, within) for a, c in combinations(values, 2)), words
    monkeypatch.setattr(Silent, "close", close)
    earned(name, only="nothing")


# typical mistakes: assignment, question, what is wrong, the points that are left, and the wrong answer
# (or replacements in the right one)
MISTAKES = [
    ("forward", "by-hand", "Wx in place of xW", 0.0,
     "z = (W @ x + b).tolist()"),
    ("forward", "columns", "the bias along the samples", 0.0,
     "def dense_columns(W, X, b): return W @ X + b"),
    ("forward", "count", "biases forgotten", 0.0,
     "def parameter_count(widths): return sum(a * c for a, c in zip(widths, widths[1:]))"),
    ("forward", "forward", "an activation at the output", 1.0,
     "def forward(X, weights, biases):\n    for W, b in zip(weights, biases):\n        Z = X @ W + b\n        X = np.where(Z >= 0, Z, 0.1 * Z)\n    return X"),
    ("forward", "mean", "(m, 1) less (m,)", 0.0,
     "def mean_square(Yhat, y): return np.mean((Yhat - y) ** 2)"),
    ("forward", "shapes", "broadcasting misjudged", 2.67,
     "shapes = [(m, r), 'error', (n, n), (m, r), (r,), (m,)]"),
    ("forward", "find", "transposed W", 0.0,
     "W_find = np.array([[p, 0, -s], [1 / 3] * 3])\nb_find = np.array([0, c])"),
    ("forward", "derive", "transposed W in a line", 2.5,
     "lines = ['sum_k z_k W_kj + c_j', 'sum_k (sum_i x_i V_ik + b_k) W_jk + c_j']"),
    ("kinks", "elu", "0 times infinity", 2.0,
     "def elu(Z): return (Z >= 0) * Z + (Z < 0) * (np.exp(Z) - 1)"),
    ("kinks", "elu-backward", "no upstream gradient", 1.33,
     "def elu_backward(dA, Z): return np.where(Z >= 0, 1, np.exp(np.minimum(Z, 0)))"),
    ("kinks", "hat", "slopes on the left", 2.0,
     "def hat_backward(dA, Z): return dA * (1.0 * ((Z > -1) & (Z <= 0)) - ((Z > 0) & (Z <= 1)))"),
    ("kinks", "difference", "the slope on the right at 0", 1.5,
     "differences = [right, right, left]"),
    ("kinks", "sigmoid", "z (1 - z) for s (1 - s)", 1.0,
     "answers = [n / (n + 1), np.log(n) * (1 - np.log(n)), -np.log(n) * (1 + np.log(n))]"),
    ("kinks", "bump", "no third ReLU: it never ends", 3.0,
     "W1, b1 = np.ones((1, 3)), -np.array([start, start + half, start + 2 * half])\nW2, b2 = np.array([[1.0], [-2], [0]]) * height / half, np.zeros(1)"),
    ("kinks", "swish", "a jump to the goal", 0.0,
     "lines = ['sigma(z) + z sigma(z) (1 - sigma(z))']"),
    ("kinks", "swish", "z (1 - z) for s (1 - s) in a line", 2.5,
     "lines = ['D(z, z) sigma(z) + z D(sigma(z), z)', 'sigma(z) + z D(sigma(z), z)', 'sigma(z) + z z (1 - z)']"),
    ("hard_threshold", "read", "1 at z = 0", 1.33,
     "answers = [int((p <= x <= q_) == (side == 1)) for x in inputs]"),
    ("hard_threshold", "sign", "sign(0) is 0", 1.0,
     "def forward_sign(X, W1, b1, W2, b2): return np.sign(np.sign(X @ W1 + b1) @ W2 + b2)"),
    ("hard_threshold", "breakpoints", "repeats, and a weight of 0", 1.5,
     "def breakpoints(w, b): return sorted(-b / w)"),
    ("hard_threshold", "breakpoints", "b / w", 0.0,
     "def breakpoints(w, b): return np.unique(b[w != 0] / w[w != 0])"),
    ("hard_threshold", "interval", "positive weights", 0.0,
     "W1, b1 = np.array([[1.0, 1]]), np.array([0.5 - first, -0.5 - last])\nW2, b2 = np.array([1.0, -1]), -0.5"),
    ("hard_threshold", "corner", "OR for AND", 1.25,
     "W1p, b1p = np.array([[1.0, -1, 0], [0, 0, 1]]), np.array([-low, high, -floor])\nW2p, b2p = np.ones(3), -1.5"),
    ("hard_threshold", "corner", "edges left out", 2.5,
     "W1p, b1p = np.array([[1.0, -1, 0], [0, 0, 1]]), np.array([-low, high, -floor]) - 1e-3\nW2p, b2p = np.ones(3), -2.5"),
    ("hard_threshold", "count", "one pattern of four wrong", 1.0,
     "b1c, W2c, b2c = np.array([-0.5, -1.5, -2.5]), np.diff([0 in wanted, 1 in wanted, 2 in wanted, 1 - (3 in wanted)] + np.zeros(4)), (0 in wanted) - 0.5"),
    ("hard_threshold", "flat", "a slope of the threshold", 1.67,
     "lines = ['D((a - y)^2, w)', '2 (a - y) x']"),
    ("hard_threshold", "interval", "no network, but an answer for each point", 0.0,
     "W1, b1, W2, b2 = -np.ones((1, 2)), np.zeros(2), np.zeros(2), np.array([-1] + [1] * (last - first + 1) + [-1])"),
    ("hard_threshold", "interval", "no network, but biases for each point", 0.0,
     "W1, b1, W2, b2 = -np.ones((1, 2)), 1e9 * np.array([[-1, -1]] + [[1, 1]] * (last - first + 1) + [[-1, -1]]), np.ones(2), -1"),
    ("hard_threshold", "corner", "more than three hidden neurons", 0.0,
     "W1p, b1p = np.array([[1.0, -1, 0, 0], [0, 0, 1, 1]]), np.array([-low, high, -floor, -floor], dtype=float)\nW2p, b2p = np.ones(4), -4.0"),
    ("kinks", "bump", "no network, but an output for each point", 0.0,
     "W1, b1, W2, b2 = np.ones((1, 3)), np.zeros(3), np.zeros((3, 1)), np.array([[0], [height], [0]])"),
    ("softmax", "find", "no layer, but logits for each point", 0.0,
     "W, b = np.zeros((1, 3)), np.eye(3)"),
    ("digits", "train", "no training, but a label for each image", 0.0,
     "def train(images, labels, seed): return [np.zeros((49, 1)), labels[:, None], np.arange(10)[None], -np.arange(10) ** 2 / 2]"),
    ("backprop", "walk", "factor 2 forgotten", 0.0,
     "a1 = w1 * x + b1\nd = w2 * a1 + b2 - y\nslopes = [d * a1, d, d * w2 * x, d * w2]"),
    ("backprop", "columns", "1/m twice", 1.33,
     "def dense_columns_backward(dZ, W, X): m = X.shape[1]; return [dZ @ X.T / m, W.T @ dZ, dZ.sum(axis=1) / m]"),
    ("backprop", "columns", "W not transposed where it is square, sum over the neurons", 2.0,
     "def dense_columns_backward(dZ, W, X): return [dZ @ X.T, W @ dZ if W.shape[0] == W.shape[1] else W.T @ dZ, dZ.sum(axis=0)]"),
    ("backprop", "network", "1/m missing", 1.78,
     [('error / len(X)', 'error')]),
    ("backprop", "network", "slope of the activation missing", 5.33,
     [(' / (1 + abs(Z1)) ** 2', '')]),
    ("backprop", "update", "w2 sees the new w1", 1.0,
     "def one_step(x, y, w1, w2, eta):\n    w1 = w1 - eta * 2 * (w2 * w1 * x - y) * w2 * x\n    return [w1, w2 - eta * 2 * (w2 * w1 * x - y) * w1 * x]"),
    ("backprop", "rate", "bound and best exchanged", 2.0,
     "after = [start * (1 - eta * c) ** n for n in (1, 2, 3)]\nbound, best = 1 / c, 2 / c"),
    ("backprop", "dead", "W2 is zero", 0.0,
     "U1, c1, U2, c2 = np.ones((2, 3)), -100 * np.ones(3), np.zeros((3, 1)), np.zeros(1)"),
    ("backprop", "dead", "one neuron alive", 0.0,
     "U1, c1, U2, c2 = np.ones((2, 3)), np.array([-100.0, -100, 100]), np.ones((3, 1)), np.zeros(1)"),
    ("backprop", "back", "transposed W in the last line", 2.5,
     "lines = ['D(sum_j (yhat_j - y_j)^2 / 2, a_k)', 'sum_j (yhat_j - y_j) D(yhat_j, a_k)', 'sum_j (yhat_j - y_j) D(sum_q a_q W_qj + c_j, a_k)', 'sum_j (yhat_j - y_j) W_jk']"),
    ("softmax", "by-hand", "p (1 - p) as the slopes", 1.6,
     "p = [v / sum(powers) for v in powers]\nloss_is_log_of = p[true_class]\nslopes = [v * (1 - v) for v in p]"),
    ("softmax", "masked", "a logit of 0 for a forbidden class", 0.83,
     "def masked_softmax(Z, allowed):\n    e = np.exp(Z * allowed)\n    return e / e.sum(axis=1, keepdims=True)"),
    ("softmax", "masked", "overflow", 2.5,
     "def masked_softmax(Z, allowed):\n    e = np.exp(Z) * allowed\n    return e / e.sum(axis=1, keepdims=True)"),
    ("softmax", "masked", "the largest logit is forbidden", 4.17,
     "def masked_softmax(Z, allowed):\n    e = np.exp(Z - Z.max(axis=1, keepdims=True)) * allowed\n    return e / e.sum(axis=1, keepdims=True)"),
    ("softmax", "loss", "overflow", 2.5,
     "def weighted_loss(Z, labels, w):\n    e = np.exp(Z)\n    return -np.mean(w[labels] * np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(Z)), labels]))"),
    ("softmax", "loss", "sum for mean", 1.25,
     "def weighted_loss(Z, labels, w):\n    Z = Z - Z.max(axis=1, keepdims=True)\n    return -np.sum(w[labels] * (Z - np.log(np.exp(Z).sum(axis=1, keepdims=True)))[np.arange(len(Z)), labels])"),
    ("softmax", "gradient", "overflow", 4.0,
     "def weighted_gradient(Z, labels, w):\n    e = np.exp(Z)\n    return w[labels][:, None] * (e / e.sum(axis=1, keepdims=True) - (labels[:, None] == np.arange(Z.shape[1]))) / len(Z)"),
    ("softmax", "gradient", "1/m missing", 1.0,
     "def weighted_gradient(Z, labels, w):\n    e = np.exp(Z - Z.max(axis=1, keepdims=True))\n    return w[labels][:, None] * (e / e.sum(axis=1, keepdims=True) - (labels[:, None] == np.arange(Z.shape[1])))"),
    ("softmax", "jacobian", "transposed", 0.0,
     "def log_softmax_jacobian(z): e = np.exp(z - z.max()); return np.eye(len(z)) - (e / e.sum())[:, None]"),
    ("softmax", "jacobian", "overflow", 2.67,
     "def log_softmax_jacobian(z): e = np.exp(z); return np.eye(len(z)) - e / e.sum()"),
    ("softmax", "find", "the second bias is not a sum", 0.0,
     "W, b = np.array([[0.0, 1, 2]]), np.array([0.0, -border[0], -border[1]])"),
    ("softmax", "proof", "s (1 - s) as the whole Jacobian", 3.0,
     "lines = ['D(sum_k (s_k - y_k)^2 / 2, z_i)', 'sum_k (s_k - y_k) D(s_k, z_i)', 'sum_k (s_k - y_k) s_k (1 - s_k)']"),
    ("digits", "prepare", "not scaled", 0.0,
     "def prepare(images): return images.reshape(len(images), 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(images), 49)"),
    ("digits", "start", "all zero", 0.0,
     "def start(n, r, K, seed): return [np.zeros((n, r)), np.zeros(r), np.zeros((r, K)), np.zeros(K)]"),
    ("digits", "start", "no seed", 2.0,
     "def start(n, r, K, seed):\n    rng = np.random.default_rng()\n    return [rng.normal(0, np.sqrt(2 / n), (n, r)), np.zeros(r), rng.normal(0, np.sqrt(2 / r), (r, K)), np.zeros(K)]"),
    ("digits", "gradients", "1/m missing", 2.33,
     [('np.exp(log_s) / m', 'np.exp(log_s)'), ('-= 1 / m', '-= 1')]),
    ("digits", "batches", "the last batch is lost", 1.5,
     "def batches(m, size, seed): order = np.random.default_rng(seed).permutation(m).tolist(); return [order[k * size:(k + 1) * size] for k in range(m // size)]"),
    ("digits", "budget", "biases and the last batch forgotten", 1.0,
     "steps, parameters, widest, loss_at_start = epochs * (m // size), 49 * r + 10 * r, 25, np.log(10)"),
    ("digits", "train", "learning rate too large", 0.0,
     [('eta = prepare(images), 0.5', 'eta = prepare(images), 100')]),
    ("digits", "train", "learning rate too small", 0.0,
     [('eta = prepare(images), 0.5', 'eta = prepare(images), 0.005')]),
    ("digits", "train", "beyond the budget", 0.0,
     [('start(49, 24,', 'start(49, 30,')]),
    ("digits", "pair", "truth and answer exchanged", 0.0,
     "def worst_pair(truth, answers, K): counts = np.zeros((K, K), dtype=int); np.add.at(counts, (answers, truth), 1); np.fill_diagonal(counts, 0); return [int(n) for n in np.unravel_index(counts.argmax(), (K, K))]"),
    ("digits", "decay", "the factor 2 and a sum lost", 1.67,
     "lines = ['D(L + λ/2 * sum_j w_j^2, w_i)', 'D(L, w_i) + λ/2 * w_i']"),
]


@pytest.mark.parametrize("name, question, wrong, left, answer", MISTAKES, ids=[f"{name}: {wrong}" for name, _, wrong, *_ in MISTAKES])
def test_a_mistake_earns_the_stated_part(name, question, wrong, left, answer):
    solution, = (c.source for c in cells(name) if about(c).grade_id == question)
    if isinstance(answer, list):
        for right, slip in answer:
            assert solution.count(right) == 1
            solution = solution.replace(right, slip)
        answer = solution
    assert earned(name, {question: answer}, only=question) == {question: left} and left < points(name)[question]


def test_each_assignment_has_mistakes():
    assert all(sum(name == mistaken for mistaken, *_ in MISTAKES) >= 3 for name in NAMES)


@pytest.mark.parametrize("name, question, answer, words", [
    ("forward", "by-hand", "z = (W @ x + b).tolist()", "the first index is the neuron"),
    ("forward", "columns", "def dense_columns(W, X, b): return W @ X + (b if X.shape[1] == len(b) else b[:, None])", "a bias belongs to a neuron"),
    ("forward", "mean", "def mean_square(Yhat, y): return np.mean((Yhat - y) ** 2)", "every prediction met every target"),
    ("kinks", "hat", "def hat_backward(dA, Z): return dA * (1.0 * ((Z > -1) & (Z <= 0)) - ((Z > 0) & (Z <= 1)))", "the slope on the left"),
    ("hard_threshold", "sign", "def forward_sign(X, W1, b1, W2, b2): return np.sign(np.sign(X @ W1 + b1) @ W2 + b2)", "the sign of 0 is 0"),
    ("backprop", "update", "def one_step(x, y, w1, w2, eta):\n    w1 -= eta * 2 * (w2 * w1 * x - y) * w2 * x\n    return [w1, w2 - eta * 2 * (w2 * w1 * x - y) * w1 * x]",
     "w1 was changed before"),
    ("softmax", "jacobian", "def log_softmax_jacobian(z): s = np.exp(z) / np.exp(z).sum(); return np.diag(s * (1 - s))", "s(1 - s) is the diagonal of another"),
    ("softmax", "masked", "def masked_softmax(Z, allowed): e = np.exp(Z) * allowed; return e / e.sum(axis=1, keepdims=True)", "nan is not a number"),
    ("digits", "prepare", "def prepare(images): return images.reshape(len(images), 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(images), 49)", "not scaled")])
def test_a_mistake_is_named(name, question, answer, words):
    space = {"__name__": "__main__"}
    with np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
        for cell in (c for c in cells(name) if c.cell_type == "code"):
            told = about(cell)
            exec(compile(answer if told.grade_id == question else HIDDEN.sub("", cell.source), told.grade_id, "exec"), space)
            if told.grade_id == f"{question}-check":
                assert words in repr(space["q"]) and "Read: " in repr(space["q"])
                return
