"""A small assignment, a class that hands in what each test says, and what is left on the machine afterwards."""
import copy
import fcntl
import hashlib
import json
import os
from pathlib import Path

import nbformat

from nnlib.course import cells
from nnlib.course.folder import Course, new
from nnlib.course.release import release
from nnlib.course.sandbox import FIRST_UID, SLOTS

TINY = "tiny"
SECRET = "ab" * 32
SOLUTION_MARK = "SOLUTION-OF-THE-TEACHER"      # in every solution; no student may ever see it
HIDDEN_MARK = "HIDDEN-FROM-STUDENTS"           # in every hidden test


def solved(text):
    return f"### BEGIN SOLUTION\n{text}  # {SOLUTION_MARK}\n### END SOLUTION"


def function(name, body, argument="x"):
    return f'def {name}({argument}):\n    """The answer is returned."""\n    ' + solved(body).replace("\n", "\n    ")


# answer, solution, visible check, hidden check; each question is worth 4 points, 2 of them for the visible check
QUESTIONS = {
    "double": (function("double", "return 2 * x"),
               'q.close("two rows", lambda: double(np.eye(2, 3)), 2 * np.eye(2, 3))',
               'q.close("drawn", lambda: double(X), X + X)'),
    "area": (solved("area = width * height"),
             'q.equal("a multiple of the width", lambda: area % width, 0)',
             'q.equal("the product", lambda: area, width * height)'),
    "half": (function("half", "if x % 2: raise ValueError(x)\nreturn x // 2"),
             'q.equal("of 8", lambda: half(8), 4)',
             'q.raises("of an odd number", lambda: half(7), ValueError)'),
    "words": (function("words", "return text.split()", "text"),
              'q.equal("two", lambda: words("a b"), ["a", "b"])',
              'q.equal("none", lambda: words(""), [])'),
    "apply": (function("apply", "return [f(x) for x in range(3)]", "f"),
              'q.equal("the double", lambda: apply(double), [0, 2, 4])',
              'q.equal("the constant", lambda: apply(words), [])' .replace("apply(words), []", "len(apply(double)), 3")),
    "rows": (function("rows", "return X.shape[0]", "X"),
             'q.equal("three", lambda: rows(np.ones((3, 2))), 3)',
             'q.equal("drawn", lambda: rows(X), len(X))'),
}
NUMBERS = '''### BEGIN NUMBERS
rng = numbers("sides")
width, height = map(int, rng.integers(1000, 9999, 2))
### END NUMBERS'''


def cell(kind, id, source, **meta):
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    flags = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, "grade_id": id}
    return make(source, metadata={"nbgrader": flags | meta})


def source(seconds=(2, 30)):
    """The teacher's notebook."""
    parts = [cell("markdown", "intro", "# A small assignment", locked=True),
             cell("code", "imports", "import numpy as np\nfrom nnlib.course.numbers import hidden, numbers\n"
                                     "from nnlib.course.question import Question", locked=True),
             cell("code", "sides", NUMBERS, locked=True)]
    for name, (answer, visible, secret) in QUESTIONS.items():
        test = (f'q = Question("{name}", points=4)\n{visible}\n### BEGIN HIDDEN TESTS\nX = hidden("{name}").integers(1, 9, (4, 3))'
                f"  # {HIDDEN_MARK}\n{secret}\n### END HIDDEN TESTS\nq.result()")
        parts += [cell("code", name, answer, solution=True), cell("code", f"{name}-check", test, grade=True, locked=True, points=4)]
    parts.append(cell("markdown", "explain", f"### BEGIN SOLUTION\n{SOLUTION_MARK}\n### END SOLUTION", grade=True, solution=True,
                      points=3))
    for n, part in enumerate(parts):
        part.id = f"id{n}"      # nbformat's are random
    limits = dict(zip(("question", "submission"), seconds))
    return nbformat.v4.new_notebook(cells=parts, metadata={"nnlib": {"seconds": limits}})


def classroom(folder, students, notebook=None):
    """Make a course with the small assignment for these students; return it."""
    new(folder)
    course_source = Path(folder) / "source"
    for path in sorted(course_source.rglob("*.ipynb")):
        path.unlink()
        path.parent.rmdir()
    (course_source / TINY).mkdir()
    nbformat.write(notebook or source(), course_source / TINY / f"{TINY}.ipynb")
    (Path(folder) / "secret").write_text(SECRET)
    (Path(folder) / "roster.csv").write_text("id,first_name,last_name,email\n" + "".join(
        f"{s},{s.title()},Student,{s}@example.org\n" for s in students))
    return Course(folder)


def solutions(course):
    return {c.id: c.source for c in cells.cells_of(cells.read(course.source(TINY))) if c.kind in ("answer", "manual")}


def notebook_of(course, student, answers):
    """The notebook of a student with these answers {id: code}, all others as the teacher solved them."""
    notebook = release(cells.read(course.source(TINY)), TINY, student, course.secret)
    answers = solutions(course) | {"explain": "Because of the shapes."} | answers
    for part in notebook.cells:
        part.source = answers.get(part.metadata.nbgrader["grade_id"], part.source)
    return notebook


def hand_in(course, student, answers, edit=None, name=f"{TINY}.ipynb"):
    """Put a notebook into the student's folder; `edit` changes it, and may return text in its place."""
    notebook = copy.deepcopy(notebook_of(course, student, answers))
    text = (edit(notebook) if edit else None)
    path = course.submitted(TINY, student) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook) if text is None else text)
    return path


def marks(course):
    """{student: {question: points}} of the stored results."""
    return {student: {q["id"].removesuffix("-check"): q["earned"] for q in result["questions"]}
            for student, result in course.results(TINY).items()}


def left_running():
    """The processes of workers and sandboxes that have lost whoever began them."""
    processes = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file, open(f"/proc/{pid}/stat") as stat:
                ours = FIRST_UID <= os.stat(f"/proc/{pid}").st_uid < FIRST_UID + SLOTS or b"nnlib.course." in file.read()
                processes[int(pid)] = ours, int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:     # it has just ended
            continue

    def lost(pid):
        ours, parent = processes.get(pid, (False, 0))
        return ours and (parent == 1 or lost(parent))

    return [pid for pid in processes if lost(pid)]


def once(factory, name, make):
    """Return make(folder), as JSON has it, called in one of pytest-xdist's processes; the others wait for it."""
    shared = factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = shared / f"{name}.json"
        if not answer.exists():
            answer.write_text(json.dumps(make(shared / name)))
        return json.loads(answer.read_text())


def everything(folder):
    """{path: bytes} of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def digests(folder):
    """{path: hash of the content} of a folder."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in everything(folder).items()}


def table(text):
    import csv
    import io
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def changed(notebook, id, text):
    """Give a cell of a notebook another text."""
    for part in notebook.cells:
        if part.metadata.nbgrader["grade_id"] == id:
            part.source = text


def without(notebook, *ids):
    notebook.cells = [part for part in notebook.cells if part.metadata.nbgrader["grade_id"] not in ids]


def twice(notebook, id):
    part = next(part for part in notebook.cells if part.metadata.nbgrader["grade_id"] == id)
    notebook.cells.append(json.loads(json.dumps(part)))
