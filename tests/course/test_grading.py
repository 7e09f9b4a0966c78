"""One submission graded in this process: what each answer earns, what is said of it, and what the teacher's side never does."""
import json
import socket
import time

import nbformat
import pytest
from classroom import QUESTIONS, TINY, cell, classroom, notebook_of, solutions, source
from nnlib.course import cells, grading
from nnlib.course.sandbox import Sandbox, claim_slot
from nnlib.course.wire import LARGEST, LENGTH, Stopped, pack


def graded(folder, answers, notebook=None, over=()):
    """Return ({question: its result}, {answer: output}) of one student's answers, all others as the teacher solved them."""
    course, told = classroom(folder, ["ann"], notebook), []
    teachers = cells.read(course.source(TINY))
    mine = json.loads(nbformat.writes(notebook_of(course, "ann", {})))
    given = {id: [text] for id, text in (solutions(course) | answers).items() if id in QUESTIONS}
    claim, slot = claim_slot()
    with claim:
        outputs = grading.grade(teachers, mine["cells"], TINY, "ann", course.secret, given,
                                lambda kind, value: told.append((kind, value)), slot, over=over)
    questions = [value for kind, value in told if kind == "question"]
    assert [value for kind, value in told if kind == "begin"] == [q["id"] for q in questions]
    return {q["id"].removesuffix("-check"): q for q in questions}, outputs


def messages(question):
    return " | ".join(check["message"] for check in question["checks"])


def test_solutions_earn_all_and_hidden_checks_are_marked(tmp_path):
    questions, outputs = graded(tmp_path / "course", {"double": "print('hello')\ndouble = lambda x: 2 * x"})
    assert {name: q["earned"] for name, q in questions.items()} == dict.fromkeys(QUESTIONS, 4)
    assert all([check["hidden"] for check in q["checks"]] == [False, True] for q in questions.values())
    assert outputs["double"] == "hello\n" and not any(q["note"] or q["error"] or q["for_a_person"] for q in questions.values())


def test_what_fails_is_told_and_costs_its_own_question(tmp_path):
    questions, outputs = graded(tmp_path / "course", {
        "double": "def double(x):\n    return [][0]", "area": "area = ", "half": "def half(x):\n    raise LookupError('lost')",
        "words": "import os\nos._exit(0)", "apply": "def apply(f):\n    while True: pass"})
    assert {name: q["earned"] for name, q in questions.items()} == {**dict.fromkeys(QUESTIONS, 0), "rows": 4}
    assert "IndexError: list index out of range" in messages(questions["double"])
    assert questions["area"]["error"].startswith("SyntaxError") and "SyntaxError" in outputs["area"]
    assert "LookupError: lost" in messages(questions["half"])
    assert questions["words"]["error"] == "Stopped: the code ended the process that ran it"
    assert "not tried, for before this the code ended the process" in messages(questions["words"])
    first, second = (check["message"] for check in questions["apply"]["checks"])
    assert "Stopped: the code took too long" in first and "not tried, for before this the code took too long" in second


def test_a_question_that_is_over_is_not_asked_again(tmp_path):
    questions, _ = graded(tmp_path / "course", {}, over={"double-check", "half-check"})
    assert list(questions) == [name for name in QUESTIONS if name not in ("double", "half")]
    assert all(q["earned"] == 4 for q in questions.values())


def test_a_mistake_of_the_teacher_costs_no_student(tmp_path):
    notebook = source()
    for part in notebook.cells:
        if part.metadata.nbgrader["grade_id"] == "double-check":
            part.source = "q = Question('double', points=4)\n1 / 0"
        if part.metadata.nbgrader["grade_id"] == "area-check":
            part.source = "no_question = 1"
    questions, _ = graded(tmp_path / "course", {}, notebook)
    assert questions["double"]["for_a_person"] and "ZeroDivisionError" in questions["double"]["note"]
    assert questions["area"]["checks"] == [] and questions["area"]["earned"] == 0 and questions["half"]["earned"] == 4


def test_a_cell_that_shows_an_answer_runs_in_the_box_alone(tmp_path):
    notebook = source()
    at = next(n for n, part in enumerate(notebook.cells) if part.metadata.nbgrader["grade_id"] == "area-check")
    notebook.cells.insert(at, cell("code", "show", "shown = area + 1", locked=True))
    notebook.cells[at].id = "show"
    questions, _ = graded(tmp_path / "course", {"area": "del width"}, notebook)
    assert questions["area"]["earned"] == 0 and questions["rows"]["earned"] == 4 and not questions["area"]["note"]


def test_when_all_time_is_used_up_nothing_more_is_tried(tmp_path):
    hang = "while True: pass"
    questions, _ = graded(tmp_path / "course", {"double": hang, "area": hang}, source(seconds=(2, 1)))
    assert {q["earned"] for q in questions.values()} == {0}
    assert questions["rows"]["error"] == "Stopped: the time for the whole submission is used up"


@pytest.mark.parametrize("reply, words", [
    ({"value": 1}, ""), ({"error": ["KeyError", "LookupError"], "text": "k"}, "KeyError: 'k'"), ({}, "RuntimeError: no reason is given"),
    ({"error": ["Own", "ValueError"], "text": "x"}, "Own: x"), ({"error": ["Own"], "text": 3}, "Own: no reason is given"),
    ({"error": ["UnicodeDecodeError"], "text": "five arguments"}, "UnicodeDecodeError: five arguments"),
    ({"error": ["SystemExit"], "text": "0"}, "SystemExit: 0"), ({"error": "KeyError", "text": ""}, "RuntimeError: "),
    ({"error": [["KeyError"]], "text": "x"}, "RuntimeError: x"), ({"error": ["Exception"], "text": "x" * 9999}, "Exception: " + "x" * 589)])
def test_the_error_of_a_reply(reply, words):
    assert grading.error_of(reply) == words


@pytest.mark.parametrize("reply, words", [({}, ""), ({"printed": 3}, ""), ({"printed": "x" * 3000}, "x" * 2000)])
def test_what_a_reply_printed(reply, words):
    assert grading.printed(reply) == words


def test_an_exception_that_python_has_is_one():
    assert isinstance(grading.error_from({"error": ["Own", "ValueError"], "text": "x"}), ValueError)
    assert not isinstance(grading.error_from({"error": ["SystemExit"], "text": "x"}), SystemExit)
    assert not isinstance(grading.error_from({"error": ["print"], "text": "x"}), TypeError)


def test_the_key_of_a_result_depends_on_all_of_it():
    parts = [b"source", b"data", "ann", b"secret"]
    others = [[*parts[:n], other, *parts[n + 1:]] for n, other in enumerate([b"sourc", b"edata", "bob", b"Secret"])]
    assert len({grading.key(*one) for one in (parts, *others)}) == 5 and grading.key(*parts) == grading.key(*parts)


class Forged(Sandbox):
    """A box at whose other end a test writes."""

    def __init__(self):
        self.socket, self.other = socket.socketpair()


@pytest.mark.parametrize("content, words", [
    (pack({"to": "guessed", "value": 1}), "nobody had asked for"), (pack([1, 2]), "nobody had asked for"),
    (LENGTH.pack(LARGEST + 1), f"an answer of {LARGEST + 1} bytes"), (LENGTH.pack(3) + b"{]}", "cannot be read"), (b"\0\0", "took too long")])
def test_forged_answers(content, words):
    box = Forged()
    with box.socket, box.other:
        box.other.sendall(content)
        with pytest.raises(Stopped, match=words):
            box.ask(["get", "x"], time.monotonic() + 0.2)


def test_an_end_that_is_closed_or_reads_nothing():
    box = Forged()
    with box.socket:
        box.other.close()
        with pytest.raises(Stopped, match="ended the process"):
            box.ask(["get", "x"], time.monotonic() + 5)
    box = Forged()
    with box.socket, box.other, pytest.raises(Stopped, match="took too long|reads no more"):
        box.ask(["run", "x" * (LARGEST // 2)], time.monotonic() + 0.2)
