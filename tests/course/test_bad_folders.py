"""Questions, drawn numbers and the command line against a table of wrong things: right or a clear error, and nothing is changed.

What a student may hand in is the matter of test_hostile.py, what a student's code may return that of test_question.py. Here
it is the teacher who is wrong. `TABLE` holds a good call of each public function; the wrong things are put in the place of
each of its arguments, one at a time. `FOLDERS` holds damaged folders of a course; each command must say on one line of
stderr what is wrong, end with another code than 0, and write nothing.
"""
import csv
import inspect
import json
import re
import subprocess
import sys
import traceback
from fractions import Fraction

import numpy as np
import pytest
from classroom import TINY, classroom, everything, source

from nnlib.course import numbers, question, submission
from nnlib.course.__main__ import COMMANDS, main
from nnlib.course.folder import write
from nnlib.course.numbers import drawing, hidden
from nnlib.course.question import Question
from nnlib.derivations import D, Problem, Theory, differentiation

x = Theory("t").scalar("x")


def a_problem():
    t = Theory("t")
    x = t.scalar("x")
    return Problem(t, D(x**2, x), 2 * x, by=(differentiation,))


PROBLEM = a_problem()


def checked(kind):
    """Call one kind of check with these arguments; return what the question then is worth."""
    def call(*arguments):
        q = Question("Test", points=2)
        try:
            getattr(q, kind)(*arguments)
        except Exception:
            assert not q.checks, "something was left behind"
            raise
        return q.earned
    return call


def fails():
    raise ValueError("by the student's code")


def drawn(secret, assignment, student):
    with drawing(secret, assignment, student):
        return numbers.numbers("a line").integers(10)


# name of a public function: (what is called, its good arguments, what then comes)
TABLE = {
    "Question": (lambda title, points, read: Question(title, points, read).points, {"title": "Test", "points": 2, "read": "neuron"}, 2),
    "Question.close": (checked("close"), {"words": "it", "get": lambda: 3.0, "expected": 3, "within": 0.5, "slips": {"twice": 6}, "weight": 1}, 2),
    "Question.close, slips": (lambda expected: checked("close")("it", lambda: 6.0, 3, None, {"twice": expected}), {"expected": 6}, 0),
    "Question.equal": (checked("equal"), {"words": "it", "get": lambda: "a", "any": "a", "weight": 1}, 2),
    "Question.between": (checked("between"), {"words": "it", "get": lambda: 0.5, "low": 0, "high": 1, "weight": 1}, 2),
    "Question.raises": (checked("raises"), {"words": "it", "get": fails, "error": ValueError, "weight": 1}, 2),
    "Question.lines": (checked("lines"), {"words": "it", "get": lambda: ["2 x"], "problem": PROBLEM, "weight": 1}, 2),
    "numbers": (lambda purpose: numbers.numbers(purpose).integers(10), {"purpose": "a line"}, numbers.numbers("a line").integers(10)),
    "hidden": (lambda purpose: hidden(purpose).integers(10), {"purpose": "a line"}, hidden("a line").integers(10)),
    "drawing": (drawn, {"secret": b"of this term", "assignment": "forward", "student": "ada"}, 3),
}
# they take no argument, or are what the others are made of
OTHERS = {"Question.result", "Question.link", "Question.head", "Question.add", "Question.allowed", "NotPlain", "Check", "generator"}
LOOP = []
LOOP.append(LOOP)
BAD = {
    "None": None, "true": True, "a number": 2.5, "nan": float("nan"), "infinity": float("inf"), "minus infinity": -float("inf"), "minus one": -1, "complex": 1j, "huge": 10**5000, "a fraction": Fraction(1, 2),
    "text": "text", "a figure": "2", "nothing": "", "long": "x" * 100_000, "surrogate": "\ud800", "bytes": b"\xff", "no bytes": b"", "object": object(), "type": int, "function": lambda: 3.0, "kind of error": KeyError,
    "dict": {"a": 1}, "set": {1}, "list": [1.5], "empty list": [], "list in itself": LOOP, "ragged": [[1], [1, 2]], "texts": ["a"], "array of nan": np.array([np.nan]), "objects": np.array([{}]), "complex numbers": np.ones(2, complex),
    "words": np.array(["a"]), "float64": np.float64(0.5), "expression": x, "problem": PROBLEM}
NUMBERS = {"a number", "float64"}
PLAIN = {"true", "a number", "nan", "infinity", "minus infinity", "minus one", "list", "empty list", "array of nan", "float64"}
TEXTS = {"text", "a figure", "nothing", "long", "surrogate"}
# which of these are right for an argument of this name
FITS = {
    **{key: TEXTS for key in ("title", "read", "words", "purpose", "assignment", "student")}, **{key: NUMBERS for key in ("points", "weight")}, "within": {*NUMBERS, "None"}, "slips": {"None", "dict"},
    "get": {"function", "type", "kind of error"}, "expected": PLAIN, "any": {*PLAIN, *TEXTS, "None", "huge", "texts", "ragged"}, "low": {"minus one", "minus infinity", *NUMBERS} - {"a number"},
    "high": {*NUMBERS, "infinity", "huge"}, "error": {"kind of error"}, "problem": {"problem"}, "secret": {"bytes"}}
EVERY = [(name, key) for name, (_, arguments, _) in TABLE.items() for key in arguments]


def call(name, change):
    function, arguments, _ = TABLE[name]
    return function(*(arguments | change).values())


def test_every_public_function_is_in_the_table():
    public = {f"Question.{name}" for name, value in vars(Question).items() if inspect.isfunction(value) and name[0] != "_"}
    public |= {name for name, value in vars(numbers).items() if inspect.isfunction(value) and value.__module__ == numbers.__name__}
    public |= {name for name, value in vars(question).items() if inspect.isclass(value) and value.__module__ == question.__name__}
    assert {name.split(",")[0] for name in TABLE} == public - OTHERS and OTHERS <= public
    assert {key for _, key in EVERY} == set(FITS)
    assert {words[0] for words in GOOD} == set(COMMANDS)


@pytest.mark.parametrize("name", TABLE)
def test_the_good_call_is_good(name):
    assert call(name, {}) == TABLE[name][2]


def complaint(name, key, kind):
    """What is to complain of where a wrong thing is taken, or refused in words that do not help."""
    bad, fits = BAD[kind], kind in FITS[key]
    try:
        call(name, {key: bad})
    except Exception as error:
        if fits or not isinstance(error, (TypeError, ValueError)):
            return f"{type(error).__name__}: {error}"
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = {question.what(bad), f"a {type(bad).__name__}", "rows of different lengths, texts or huge numbers came", f"of type {getattr(bad, 'dtype', '')} came"}
        if "nnlib" not in last.filename or not any(word in str(error) for word in said) or not re.search("must be|expected", str(error)):
            return f"not clear: {error}"
        return ""
    return "" if fits else "it was not refused"


@pytest.mark.parametrize("name, key", EVERY)
def test_what_is_no_value_is_refused_in_words(name, key):
    complaints = {kind: text for kind in BAD if (text := complaint(name, key, kind))}
    assert not complaints, "\n".join(f"{kind}: {text}" for kind, text in complaints.items())
    assert len(LOOP) == 1 and BAD["dict"] == {"a": 1} and BAD["list"] == [1.5]


def test_low_is_not_above_high():
    with pytest.raises(ValueError, match=r"low no more than high, but 2 \(int\) and 1 \(int\) came"):
        Question("Test", 1).between("it", lambda: 1, 2, 1)


# --- the command line --------------------------------------------------------------

@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files {path: bytes} of a good course."""
    return everything(classroom(tmp_path_factory.mktemp("good") / "course", ["ada", "emmy"]).path)


@pytest.fixture
def course(files, tmp_path):
    for name, data in files.items():
        path = tmp_path / "course" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "course"


def said(capsys, *words):
    """Run a command that must fail; return the line that it prints."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as error:     # argparse shows how it is used, then what is wrong
        code = error.code
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if not line.startswith(("usage: ", " "))]
    assert code in (1, 2) and len(lines) == 1 and "Traceback" not in told.err and not told.out, (code, told)
    return lines[0]


GOOD = [(command, "course") for command in COMMANDS]


def test_the_good_course_is_good(course, capsys):
    assert main(["release", str(course)]) == 0 and "tiny: 3 notebooks" in capsys.readouterr().out


def notebook(change):
    """The small assignment with a change, as bytes."""
    made = json.loads(json.dumps(source()))
    change(made)
    return json.dumps(made).encode()


def of_cell(**change):
    return notebook(lambda made: made["cells"][4]["metadata"]["nbgrader"].update(change))


def of_source(n, text):
    return notebook(lambda made: made["cells"][n].update(source=text))


def limits(seconds):
    return notebook(lambda made: made["metadata"].update(nnlib={"seconds": seconds}))


# what the source of the assignment may be in its place: (its bytes, what is said)
SOURCES = {
    "empty": (b"", "is no notebook: Expecting value"), "cut off": (notebook(lambda made: None)[:2000], "is no notebook: "), "not UTF-8": ('{"cells": "é"}'.encode("latin-1"), "is no notebook: 'utf-8' codec"),
    "binary": (bytes(range(256)) * 9, "is no notebook: "), "UTF-16": (notebook(lambda made: None).decode().encode("utf-16"), "is no notebook: "), "nested": (b"[" * 100_000, "is no notebook: "),
    "huge": (b" " * 2**22 + b"{", "is no notebook: "), "half a character": (of_source(0, "\ud800"), "is no notebook: 'utf-8' codec can't encode"), "a list": (b"[]", "a notebook of format 4 is expected"), "null": (b"null", "of format 4"), "nothing in it": (b"{}", "of format 4"),
    "format 3": (b'{"worksheets": [{"cells": []}], "metadata": {}, "nbformat": 3}', "of format 4"), "cells are a number": (notebook(lambda made: made.update(cells=3)), "a list of cells and metadata are expected, but ["),
    "no cells": (notebook(lambda made: made.pop("cells")), "a list of cells"), "no metadata": (notebook(lambda made: made.pop("metadata")), "a list of cells and metadata are expected"), "metadata null": (notebook(lambda made: made.update(metadata=None)), "a list of cells"),
    "a cell is a number": (notebook(lambda made: made["cells"].insert(2, 7)), "cell 2: a cell of code or text, with metadata, is expected, but '7' came"), "a cell of no type": (notebook(lambda made: made["cells"][1].pop("cell_type")), "cell 1: a cell of code or text"),
    "a cell without metadata": (notebook(lambda made: made["cells"][1].pop("metadata")), "cell 1: "), "points below 0": (of_cell(points=-4), "cell double-check: points from 0 on are expected, but '-4' came"),
    "points nan": (of_cell(points=float("nan")), "but 'nan' came"), "points without end": (of_cell(points=float("inf")), "but 'inf' came"), "points in words": (of_cell(points="4"), "points from 0 on"), "no points": (of_cell(points=None), "but 'None' came"), "points true": (of_cell(points=True), "but 'True' came"),
    "a list of points": (of_cell(points=[4]), "but '[4]' came"), "a number for a name": (of_cell(grade_id=5), "cell 4: a grade_id of letters, digits, - and _ is expected, but '5' came"), "a list for a name": (of_cell(grade_id=["a"]), "a grade_id of"), "no name": (of_cell(grade_id=None), "a grade_id of"),
    "a path for a name": (of_cell(grade_id="../x"), "but '../x' came"), "limits below 0": (limits({"question": -1}), "positive numbers, are expected, but {'question': -1} came"), "limits nan": (limits({"submission": float("nan")}), "nan} came"), "limits zero": (limits({"question": 0}), "0} came"),
    "limits in words": (limits({"question": "2"}), "'2'} came"), "a list of limits": (limits([2, 30]), "[2, 30] came"), "limits of another name": (limits({"questions": 2}), "{'questions': 2} came"), "numbers without an end": (of_source(2, "### BEGIN NUMBERS\nwidth = height = 1"), "cell sides: a line ### END NUMBERS is expected"),
}
# of these only what is handed out speaks, which runs the cells
RELEASED = {
    "code that cannot be read": (of_source(1, "import ("), "cell imports of the source fails: SyntaxError"), "code that ends all": (of_source(1, "raise SystemExit(0)"), "cell imports of the source fails: SystemExit: 0"), "code that fails": (of_source(2, "### BEGIN NUMBERS\nwidth = 1 / 0\n### END NUMBERS"), "cell sides of the source fails: ZeroDivisionError"),
    "a number that is not drawn": (of_source(2, "### BEGIN NUMBERS\nif False: width = 1\n### END NUMBERS"), "a value is expected for width, but none came"), "nan is drawn": (of_source(2, "### BEGIN NUMBERS\nwidth = float('nan')\n### END NUMBERS"), "width holds a float that cannot be handed out"),
    "a solution without an end": (of_source(3, "### BEGIN SOLUTION\narea = 1"), "cannot take what is hidden out of tiny: "), "hidden tests without an end": (of_source(4, "### BEGIN HIDDEN TESTS\n1"), "cannot take what is hidden out of tiny"),
    "numbers that fail for one student": (of_source(2, "### BEGIN NUMBERS\nfrom nnlib.course import numbers as n\nwidth = 1 if n._drawn_from[2] == 'ada' else len(3)\n### END NUMBERS"), "cell sides of the source fails: TypeError")}


@pytest.mark.parametrize("data, words", SOURCES.values(), ids=SOURCES)
def test_a_source_that_is_none_is_named_and_nothing_is_written(course, data, words, capsys):
    path = course / "source" / TINY / f"{TINY}.ipynb"
    path.write_bytes(data)
    before = everything(course)
    for command in ("check", "release", "grade", "regrade", "export"):
        line = said(capsys, command, course)
        assert line.startswith(f"{command}: {path}") and words in line
    assert everything(course) == before


@pytest.mark.parametrize("data, words", RELEASED.values(), ids=RELEASED)
def test_a_source_that_cannot_be_handed_out_is_handed_out_to_nobody(course, data, words, capsys):
    (course / "source" / TINY / f"{TINY}.ipynb").write_bytes(data)
    assert words in said(capsys, "release", course)
    assert not (course / "release").exists()


# what may stand in the place of a file of the course, and what is said
FOLDERS = {
    "a table cut off in quotes": ("roster.csv", b'id,first_name\nada,"Ad', "a table with commas is expected, but it cannot be read behind line 1: unexpected end of data"), "a table cut off": ("roster.csv", b"id,first_name,email\nada,Ada,a@b\nemmy,Em", "3 values are expected in each line, as in the first, but ['emmy', 'Em'] came"),
    "a comma too many": ("roster.csv", b"id,last_name\nada,Lovelace, Ada\n", "2 values are expected in each line, as in the first, but ['ada', 'Lovelace', [' Ada']] came"), "a huge value": ("roster.csv", b"id,n\nada," + b"x" * 200_000, "field larger than field limit"),
    "two columns of one name": ("roster.csv", b"id,id\nada,emmy\n", "expected a column id, between commas, but the columns are ['id', 'id']"), "a null byte": ("roster.csv", b"id\nada\0\n", "expected a column id with unique names"), "UTF-16": ("roster.csv", "id\nada\n".encode("utf-16"), "is not UTF-8, but has the byte 0xff"),
    "a folder for the roster": ("roster.csv", None, "Is a directory"), "a folder for the secret": ("secret", None, "Is a directory"), "a file for the sources": ("source", b"", "Not a directory"), "no assignment": ("source", None, "NAME/NAME.ipynb is expected, but no assignment is there"),
    "a folder for the assignment": (f"source/{TINY}/{TINY}.ipynb", None, "no assignment is there"), "a file for what is handed out": ("release", b"", "Not a directory"), "a secret that is not text": ("secret", bytes(range(256)), "expected at least 32 hexadecimal digits")}


@pytest.mark.parametrize("name, data, words", FOLDERS.values(), ids=FOLDERS)
def test_a_damaged_folder_is_named_and_nothing_is_written(course, name, data, words, capsys):
    path = course / name
    if path.exists():
        path.rename(course.parent / "moved")
    path.mkdir() if data is None else path.write_bytes(data)
    before = everything(course)
    line = said(capsys, "release", course)
    assert words in line and name.split("/")[0] in line and everything(course) == before


@pytest.mark.parametrize("data, words", [(b"not a database" * 999, "file is not a database"), (None, "unable to open database file")])
def test_a_damaged_gradebook_is_named(course, data, words, capsys):
    path = course / "gradebook.db"
    path.mkdir() if data is None else path.write_bytes(data)
    before = everything(course)
    line = said(capsys, "export", course)
    assert f"{path}: nbgrader's gradebook is expected" in line and words in line and everything(course) == before


def test_where_nothing_may_be_written(course, tmp_path, capsys):
    (course / "release").symlink_to("/proc")        # no rights are needed to be refused there, and none help
    assert "No such file or directory: '" in said(capsys, "release", course)
    assert "/proc/course" in said(capsys, "new", "/proc/course")
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file", tmp_path / "file" / "course"):
        assert "Not a directory" in said(capsys, "new", path)
    assert "not empty: nothing was changed" in said(capsys, "new", course)
    assert "File name too long" in said(capsys, "new", tmp_path / ("x" * 300)) and (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("words, told", [
    (["grade", "-j", "0"], "-j from 1 on"), (["grade", "-j", "-1"], "but -1 and None came"), (["grade", "-j", "1.5"], "invalid int value: '1.5'"), (["grade", "-j", "two"], "'two'"), (["grade", "--dask", ""], "an address after --dask"),
    (["regrade", "-j", "0"], "but 0 and None came"), (["check", "../tiny"], "there is no assignment '../tiny'"), (["release", ""], "there is no assignment ''"), (["export", "tiny", "huge"], "there is no assignment 'huge'"), (["feedback", "tiny"], "grade it first")])
def test_wrong_words_behind_the_folder(course, words, told, capsys):
    before = everything(course)
    assert told in said(capsys, words[0], course, *words[1:]) and everything(course) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_no_folder_is_not_this_folder(command, course, monkeypatch, capsys):
    monkeypatch.chdir(course)
    before = everything(course)
    assert "a folder is expected, but '' came" in said(capsys, command, "")
    assert everything(course) == before
    with pytest.raises(SystemExit):
        main([command])
    assert "the following arguments are required" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["no", "", "Grade", "\ud800"])
def test_a_command_that_there_is_not(command, tmp_path, capsys):
    assert "invalid choice" in said(capsys, command, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"key": "a"}', "\x00"])
def test_a_stored_result_that_is_none_counts_as_none(course, text):
    from nnlib.course.folder import Course
    made = Course(course)
    path = made.result(TINY, "ada")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert made.stored(TINY, "ada") is None and made.results(TINY) == {}


def test_a_roster_in_any_way_of_writing_csv(course):
    from nnlib.course.folder import Course
    for text in ("\ufeffid,name\nada,A\n", "id,name\r\nada,A\r\n", 'name,id\n"A, B",ada\n', "id,name\n\nada,\n\n"):
        (course / "roster.csv").write_bytes(text.encode())
        assert list(Course(course).students) == ["ada"]
    assert csv.field_size_limit() == 131_072


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "marks.csv"
    write(path, "old")

    def full(*arguments):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, "new")
    assert everything(tmp_path) == {"marks.csv": b"old"}


def test_a_new_course_says_what_is_next(tmp_path):
    run = subprocess.run([sys.executable, "-m", "nnlib.course", "new", tmp_path / "course"], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"{tmp_path / 'course'}: 6 assignments; put your students into roster.csv\n"


def test_a_notebook_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "LARGEST", 1 << 20)
    path = tmp_path / "large.ipynb"
    path.write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(submission.Unusable, match="^the notebook is larger than 1 MB$"):
        submission.content(path)
