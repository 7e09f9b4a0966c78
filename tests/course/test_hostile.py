"""Everything that a class hands in, on purpose or not: the score of each is stated here, and what else may happen.

Each question is worth 4 points: 2 for what the student sees, 2 for what is hidden. `area` is where most
of the mischief is done; the five other questions are answered rightly and must keep their 20 points.
"""
import csv
import io
import json
import os
import select
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest
from classroom import (HIDDEN_MARK, SECRET, TINY, cell, changed, classroom, digests, everything, hand_in, left_running,
                       marks, notebook_of, once, source, twice, without)

from nnlib.course.__main__ import main
from nnlib.course.folder import Course, fingerprint
from nnlib.course.sandbox import FIRST_UID, SLOTS

ALL = {"double": 4, "area": 4, "half": 4, "words": 4, "apply": 4, "rows": 4}
NO_AREA = ALL | {"area": 0}
NONE = dict.fromkeys(ALL, 0)
RIGHT = "area = width * height"
EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array__(self, *args, **kwargs): return self
    def __len__(self): return 3
    def __hash__(self): return 0
area = double = half = words = apply = rows = Equal()
"""
PATCH = """
import numpy as np, builtins, sys
np.testing.assert_allclose = np.allclose = np.array_equal = np.asarray = lambda *a, **k: True
np.ndarray = object
builtins.isinstance = builtins.all = builtins.abs = builtins.type = lambda *a: True
try:
    import IPython, sympy
    sympy.simplify = lambda *a: 0
    IPython.get_ipython = None
except ImportError:
    pass
import nnlib.course.question as question
question.unlike = question.unlike_array = lambda *a: ""
question.Question.earned = 4
import nnlib.course.wire, nnlib.course.runner
nnlib.course.wire.LARGEST = 2 ** 40
area = 1
"""
# what breaks nothing on the student's side, and would deceive a test that ran there
PATCH_GENTLY = """
import numpy as np, sys
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
np.allclose = np.array_equal = np.isclose = np.all = lambda *a, **k: True
import nnlib.course.question as question
question.unlike = question.unlike_array = lambda *a: ""
question.Question.earned = property(lambda self: self.points)
patched = []
for name in ("sympy", "IPython"):
    try:
        module = __import__(name)
        module.simplify = module.get_ipython = lambda *a: 0
        patched.append(name)
    except Exception as error:
        print(name, error)
print("patched", patched)
area = 1
"""
# the token of the question is found in the runner's own frames, and a reply is written before the real one
FORGE_WELL = """
import json, os, struct, sys
def half(x):
    frame = sys._getframe()
    while "token" not in frame.f_locals:
        frame = frame.f_back
    content = json.dumps({"to": frame.f_locals["token"], "value": 4, "earned": 4, "printed": ""}).encode()
    os.write(3, struct.pack(">I", len(content)) + content)
"""
# each reply that the tester could get is forged: as a score, a report, a pickle, an unknown kind
FORGE = """
import os, json, struct, pickle
def send(content):
    data = struct.pack(">I", len(content)) + content
    for fd in range(3, 32):
        try:
            os.write(fd, data)
        except OSError:
            pass
for message in (["end", {}], ["question", {"id": "area-check", "earned": 4, "points": 4, "checks": [], "note": ""}],
                {"value": ["object", "os.system"]}, {"value": {"earned": 4}}, {"value": ["name", "area"]}, True):
    send(json.dumps(message).encode())
send(pickle.dumps(4))
area = 1
"""
SEEK = f"""
import os, sys, gc, glob
seen = []
for root in ("/", "/tmp", "/proc", "/sys", "/etc", "/home", "/root", "/work", "/var"):
    for folder, folders, files in os.walk(root):
        if folder.count("/") > 6 or "site-packages" in folder or folder.startswith("/usr"):
            folders[:] = []
        seen += [os.path.join(folder, f) for f in files]
for name in seen + ["/proc/self/environ", "/proc/1/environ", "/proc/self/mem", "/proc/1/cmdline", "/proc/self/maps"]:
    if not name.startswith("/usr") and "/lib/python" not in name:
        try:
            with open(name, "rb") as f:
                text = f.read(100_000)
        except OSError:
            continue
        if {("HIDDEN-" + "FROM")!r}.encode() in text or {SECRET[:20]!r}.encode() in text or b"width * " + b"height" in text:
            print("FOUND", name)
for thing in gc.get_objects():
    if isinstance(thing, str) and {("HIDDEN-" + "FROM")!r} in thing and len(thing) > 400 and "seen" not in thing:
        print("FOUND in memory")
print([k for k in os.environ if "SECRET" in k.upper()])
frame = sys._getframe()
while frame:
    if "Question" in frame.f_locals and "q" in frame.f_locals:
        print("FOUND a test")
    frame = frame.f_back
area = 1
"""
WRITE = """
import os, glob
def attempt(f, *args):
    try:
        f(*args)
    except OSError:
        return
for place in {places!r}:
    for name in ("gradebook.db", "results/tiny/perfect.json", "submitted/perfect/tiny/tiny.ipynb", "source/tiny/tiny.ipynb", "secret"):
        attempt(lambda: open(os.path.join(place, name), "w").write("{{}}"))
        attempt(os.remove, os.path.join(place, name))
        attempt(os.makedirs, os.path.dirname(os.path.join(place, name)))
attempt(os.symlink, "/", "/tmp/root")
attempt(os.chmod, "/", 0o777)
attempt(os.setuid, 0)
import ctypes
libc = ctypes.CDLL(None)
libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
libc.unshare(0x10000000 | 0x00020000)
area = 1
"""
NETWORK = """
import socket, urllib.request
sent = []
for port in ({port},):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"tests")
        sent.append(port)
    except OSError:
        pass
try:
    socket.socketpair()
    urllib.request.urlopen("http://example.org", timeout=1)
    sent.append("web")
except OSError:
    pass
area = width * height if sent else 1
"""
FORK = """
import os, threading
started = 0
for attempt in range(200):
    try:
        if os.fork() == 0:
            while True: pass
        started += 1
    except OSError:
        pass
    try:
        threading.Thread(target=lambda: None).start()
        started += 1
    except RuntimeError:
        pass
area = started * width * height or 1
"""
DAEMON = """
import os, subprocess, ctypes
for start in (lambda: subprocess.Popen(["/usr/bin/sleep", "600"], start_new_session=True),
              lambda: os.posix_spawn("/usr/bin/sleep", ["sleep", "600"], {}), os.forkpty,
              lambda: ctypes.CDLL(None).clone(None, None, 0, None)):
    try:
        start()
    except Exception:
        pass
area = 1
"""
FILES = """
written = 0
try:
    for n in range(400):
        with open(f"/tmp/{n}", "wb") as f:
            f.write(bytes(2 ** 20))
        written += 1
except OSError:
    pass
import os
handles = []
try:
    for n in range(100):
        handles.append(os.memfd_create("x"))
except OSError:
    pass
area = width * height if written > 100 or handles else 1
"""
MEMORY = """
import ctypes
libc = ctypes.CDLL(None)
taken = libc.shmget(0, 2 ** 30, 0o1600)
try:
    block = bytearray(10 * 2 ** 30)
except MemoryError:
    area = "ten gigabytes were refused"
else:
    area = width * height
"""
# another value each time that it is asked for: one that fits the check
SHIFT = """
import __main__
def get(self, path, real=__main__.Runner.get):
    self.asked = getattr(self, "asked", 0) + (path == "area")
    return width * [None, 7, height][self.asked] if path == "area" else real(self, path)
__main__.Runner.get = get
area = 1
"""


def answer(code, expected=NO_AREA, flag="", **more):
    """A student who writes this as the answer to `area`."""
    return {"answers": {"area": code} | more, "expected": expected, "flag": flag}


def edited(edit, expected=ALL, flag="", **more):
    """A student who changes the notebook itself."""
    return {"answers": {}, "expected": expected, "flag": flag, "edit": edit} | more


# student: what is handed in, the points of each question, and words that the CSV must say of it
CASES = {
    "perfect": answer(RIGHT, ALL),
    "half-right": answer("area = 7 * width", dict.fromkeys(ALL, 2) | {"apply": 4},
                         double="def double(x): return 2 * x if len(np.shape(x)) != 2 or len(x) == 2 else x",
                         half="def half(x): return x // 2", words="def words(text): return ['a', 'b']",
                         rows="def rows(X): return 3"),
    "all-wrong": answer("area = None", NONE, double="", half="half = 4", words="def words(t): return None",
                        apply="def apply(): pass", rows="rows = rows"),
    "syntax-error": answer("area = = 1", flag="area-check: SyntaxError"),
    "null-byte": answer("area = 1\0"),
    "deeply-nested": answer("area = " + "(" * 5000 + "1" + ")" * 5000),
    "endless-loop": answer("while True: pass", flag="took too long"),
    "endless-call": answer(RIGHT, ALL | {"half": 0}, "half-check: Stopped: the code took too long", half="def half(x):\n    while True: pass"),
    "slow-second": answer(RIGHT, ALL | {"half": 2}, "took too long", half="def half(x):\n    while x % 2: pass\n    return x // 2"),
    "sleeper": answer("import time; time.sleep(1000)", flag="took too long"),
    "recursion": answer("def f(n): return f(n + 1)\nf(0)", flag="RecursionError"),
    "sys-exit": answer("import sys\nsys.exit(0)"),
    "exit-in-call": answer(RIGHT, ALL | {"half": 0}, half="def half(x): raise SystemExit"),
    "os-exit": answer("import os\nos._exit(0)", flag="ended the process"),
    "os-exit-in-call": answer(RIGHT, ALL | {"rows": 0}, "ended the process", rows="import os\ndef rows(X): os._exit(3)"),
    "signal": answer("import os\nos.kill(os.getpid(), 9)", flag="ended the process"),
    "kills-all": answer("import os, signal\nsignal.signal(15, signal.SIG_IGN)\nfor p in (1, os.getppid(), -1):\n"
                        "    try: os.kill(p, 9)\n    except OSError: pass\narea = 1"),
    "segfault": answer("import ctypes\nctypes.string_at(0)", flag="ended the process"),
    "ten-gigabytes": answer(MEMORY),
    "fork-bomb": answer(FORK),
    "files": answer(FILES),
    "tests-deleted": edited(lambda n: without(n, "area-check", "half-check"), flag="test cell deleted: area-check"),
    "tests-edited": edited(lambda n: (changed(n, "area-check", "q = Question('area', points=4)\nq.equal('', lambda: 1, 1)"),
                                      changed(n, "area", "area = 1"))[0], NO_AREA, "test cell edited: area-check"),
    "tests-twice": edited(lambda n: twice(n, "half-check"), flag="test cell duplicated: half-check"),
    "answer-twice": edited(lambda n: twice(n, "half"), flag="answer cell duplicated: half"),
    "answer-deleted": edited(lambda n: without(n, "area"), NO_AREA, "answer cell deleted: area"),
    "given-edited": edited(lambda n: changed(n, "sides", "width = height = 1\ntype = int"), flag="given cell edited: sides"),
    "patches": answer(PATCH, NO_AREA),
    "equal-to-all": answer(EQUAL, NONE, double="", half="", words="", apply="", rows="") | {"order": "area"},
    "forged-score": answer(FORGE),
    # it answers the visible check, as `return 4` would, and then nothing more
    "forged-well": answer(RIGHT, ALL | {"half": 2}, "nobody had asked for", half=FORGE_WELL),
    "patches-gently": answer(PATCH_GENTLY),
    "reads-tests": answer(SEEK),
    "writes-marks": answer(WRITE),
    "network": answer(NETWORK),
    "daemon": answer(DAEMON),
    "huge-reply": answer("area = 'x' * 120 * 2 ** 20"),
    "huge-array": answer("area = np.zeros(2 ** 24)"),
    "huge-forged": answer("import os, struct\nfor fd in range(3, 32):\n    try: os.write(fd, struct.pack('>I', 120 * 2 ** 20) + bytes(2 ** 20))\n"
                          "    except OSError: pass", flag="bytes is more than"),
    "deep-reply": answer("area = []\nfor n in range(10_000): area = [area]"),
    "power-tower": answer("area = 9**9**9**9", flag="area"),
    "big-number": answer("import sys\nsys.set_int_max_str_digits(0)\narea = 10 ** 100_000"),
    "surrogates": answer("print(chr(0xd800))\n" + RIGHT + "\nraise ValueError(chr(0xdcff) + chr(0))", ALL,
                         explain="\ud800 <script>alert(1)</script>"),
    "nan": answer("area = float('nan')"),
    "shifts": answer(SHIFT, ALL | {"area": 2}),
    "liar": answer("class Int(int):\n    __class__ = int\n    def __eq__(s, o): return True\narea = Int(5)"),
    "warning": answer("import sys, warnings\nwarnings.warn('careful')\nprint('a warning', file=sys.stderr)\n" + RIGHT, ALL),
    "floods": answer("for n in range(300_000): print('x' * 100)\n" + RIGHT, ALL),
    "closes-all": answer("import os\nos.closerange(0, 32)", flag="ended the process"),
    "magic": answer("%matplotlib inline\n!pip install numpy\n" + RIGHT, ALL),
    "own-cell": edited(lambda n: (n.cells.insert(3, {"cell_type": "code", "metadata": {}, "source": "helper = 2", "outputs": [],
                                                     "execution_count": None, "id": "mine"}),
                                  changed_all(n, "double", "def double(x): return helper * x"))[0]),
    "tests-edited-often": edited(lambda n: n.cells.extend(
        [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "area-check"}}, "source": ""}] * 20_000 +
        [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "area"}}, "source": ""}] * 20_000),
        flag="test cell duplicated: area-check | test cell edited: area-check"),
    "long-answers": answer(RIGHT + "\n#" + 200_000 * " ", NO_AREA, "area: only the first 50 cells and 200000 characters",
                           explain="<b>" * 60_000),
    "thousand-cells": edited(lambda n: n.cells.extend([{"cell_type": "code", "metadata": {}, "source": "area = 1"}] * 1000),
                             flag="rows: only the first 50 cells"),
    "renamed": edited(None, flag="renamed: tiny (1).ipynb", name="tiny (1).ipynb"),
    "other-name": edited(None, flag="renamed: =cmd.ipynb", name="=cmd.ipynb"),
    "empty-file": edited(lambda n: "", NONE, "empty"),
    "no-cells": edited(lambda n: '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', NONE, "empty"),
    "truncated": edited(lambda n: '{"cells": [{"cell_type": "code", "sou', NONE, "truncated"),
    "nested-json": edited(lambda n: "[" * 100_000, NONE, "truncated"),
    "odd-json": edited(lambda n: '{"cells": [1, null, {"source": 7, "metadata": 3}, {"metadata": {"nbgrader": []}}]}', NONE, "foreign"),
    "foreign": edited(lambda n: '{"cells": [{"cell_type": "code", "metadata": {}, "source": "x = 1"}], "metadata": {}}', NONE, "foreign"),
    "of-another": {"answers": {"area": ""}, "expected": NO_AREA, "flag": "foreign: handed out to perfect"},
    "missing": {"expected": NONE, "flag": "missing"},
}


def changed_all(notebook, id, text):
    for part in notebook["cells"]:
        if part["metadata"].get("nbgrader", {}).get("grade_id") == id:
            part["source"] = text


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The whole class, graded once; with what was on the machine before."""
    found = once(tmp_path_factory, "hostile", grade_all)
    return found | {"course": Course(found["course"]), "temporary": Path(found["temporary"])}


def grade_all(place):
    folder, temporary = place / "course", place / "temporary"
    temporary.mkdir(parents=True)
    course = classroom(folder, CASES)
    listener = socket.create_server(("127.0.0.1", 0))
    for student, case in CASES.items():
        if student == "of-another":     # a perfect copy of another student's notebook, whose numbers are others
            theirs = notebook_of(course, "perfect", {"area": f"area = {area_of(course, 'perfect')}"})
            hand_in(course, student, {}, lambda n: json.dumps(theirs))
        elif student != "missing":
            answers = dict(case["answers"])
            if student == "writes-marks":
                answers["area"] = WRITE.format(places=[str(folder), "/work", "/tmp", os.getcwd()])
            if student == "network":
                answers["area"] = NETWORK.format(port=listener.getsockname()[1])
            hand_in(course, student, answers, case.get("edit"), case.get("name", f"{TINY}.ipynb"))
    before = digests(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", None)
        began = time.monotonic()
        assert main(["grade", str(folder), "-j", "2"]) == 0
        took = time.monotonic() - began
        assert main(["export", str(folder)]) == 0
    with listener:
        heard = bool(select.select([listener], [], [], 0)[0])       # somebody has called
    return {"course": str(folder), "before": before, "heard": heard, "took": took, "temporary": str(temporary)}


def area_of(course, student):
    sides = next(c.source for c in notebook_of(course, student, {}).cells if "width =" in c.source)
    names = {}
    exec(sides, names)
    return names["width"] * names["height"]


def rows(graded):
    text = (graded["course"].path / "export" / f"{TINY}.csv").read_text()
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def test_each_gets_what_the_table_says(graded):
    found = marks(graded["course"])
    wrong = {s: (found[s], graded["course"].results(TINY)[s]["outputs"]) for s, case in CASES.items() if found[s] != case["expected"]}
    assert not wrong


def test_each_is_in_the_csv_with_points_flags_and_a_reason_for_each_zero(graded):
    found = rows(graded)
    assert list(found) == list(CASES)
    for student, case in CASES.items():
        row = found[student]
        assert float(row["score"]) == sum(case["expected"].values()), student
        assert case["flag"] in f"{row['flags']} {row['reason']}", (student, row["flags"], row["reason"])
        for question, points in case["expected"].items():
            assert float(row[f"{question}-check"]) == points
            assert points or f"{question}-check" in row["reason"] or row["reason"].split(":")[0] in (
                "missing", "empty", "foreign", "truncated or damaged"), (student, row["reason"])
        # a person still has to mark those who wrote something
        written = not row["reason"].startswith(("missing", "empty", "truncated", "foreign"))
        assert (row["pending"] == "explain") == written, student


def test_the_honest_are_not_accused(graded):
    for student in ("perfect", "half-right", "warning", "magic", "own-cell"):
        assert rows(graded)[student]["flags"] == ""
    assert rows(graded)["perfect"]["reason"] == ""


def test_nobody_elses_data_changes(graded):
    before, after = graded["before"], digests(graded["course"].path)
    assert {name: data for name, data in after.items() if name in before} == before
    made = {name.split("/")[0] for name in set(after) - set(before)}
    assert made == {"results", "autograded", "gradebook.db", "export"}


def test_nothing_is_left_running_or_lying_about(graded):
    assert left_running() == []
    assert os.listdir(graded["temporary"]) == []
    left = [path for path in Path("/tmp").iterdir() if FIRST_UID <= path.lstat().st_uid < FIRST_UID + SLOTS]
    assert left == [] and not list(graded["course"].path.rglob("*.tmp"))


def test_nothing_was_sent_and_nothing_secret_was_seen(graded):
    assert graded["heard"] is False
    for result in graded["course"].results(TINY).values():
        assert "FOUND" not in result["outputs"].get("area", ""), result["outputs"]
    for name, data in everything(graded["course"].path / "autograded").items():
        if "reads-tests" not in name:
            assert HIDDEN_MARK.encode() not in data and SECRET.encode() not in data, name


def test_the_tester_does_not_wait_longer_than_the_limits_say(graded):
    slow = [s for s, case in CASES.items() if "too long" in case["flag"]]
    assert graded["took"] < 120, (graded["took"], slow)


def test_a_given_cell_that_a_student_made_hang_costs_its_own_question(tmp_path):
    notebook = source()
    at = next(n for n, part in enumerate(notebook.cells) if part.metadata.nbgrader.grade_id == "half")
    notebook.cells.insert(at, cell("code", "show", "print(width)", locked=True))
    course = classroom(tmp_path / "course", ["hangs"], notebook)
    hand_in(course, "hangs", {"area": RIGHT + "\ndef print(*_):\n    while True: pass"})
    assert main(["grade", str(course.path)]) == 0
    assert marks(course)["hangs"] == ALL | {"half": 0}


def test_a_link_a_pipe_a_folder_and_several_notebooks_are_no_submission(tmp_path):
    course = classroom(tmp_path / "course", ["link", "pipe", "folder", "several", "perfect", "of-source", "of-another"])
    (course.path / "submitted" / "of-source").mkdir()
    course.submitted(TINY, "of-source").symlink_to(course.source(TINY).parent)
    (course.path / "submitted" / "of-another").symlink_to(course.path / "submitted" / "perfect")
    (course.submitted(TINY, "folder") / f"{TINY}.ipynb").mkdir(parents=True)
    for student in ("link", "pipe", "several"):
        course.submitted(TINY, student).mkdir(parents=True)
    (course.submitted(TINY, "link") / f"{TINY}.ipynb").symlink_to(course.source(TINY))
    os.mkfifo(course.submitted(TINY, "pipe") / f"{TINY}.ipynb")
    hand_in(course, "several", {}, name="a.ipynb")
    hand_in(course, "several", {}, name="b.ipynb")
    hand_in(course, "perfect", {})
    shutil.copy(course.submitted(TINY, "several") / "a.ipynb", course.submitted(TINY, "perfect") / "copy.ipynb")
    assert main(["grade", str(course.path)]) == 0
    results = course.results(TINY)
    assert "cannot be read" in results["link"]["reason"]
    assert results["pipe"]["reason"] == results["folder"]["reason"] == "the notebook is no regular file"
    assert results["of-source"]["reason"] == results["of-another"]["reason"] == "the folder is a link"
    assert "several notebooks, and none is named tiny.ipynb" in results["several"]["reason"]
    assert results["perfect"]["flags"] == ["1 other notebooks were not looked at"]
    assert marks(course)["perfect"] == ALL


def test_a_fingerprint_tells_nothing_without_the_secret():
    assert fingerprint(b"a" * 16, TINY, "ada") != fingerprint(b"b" * 16, TINY, "ada")
