"""The trusted side: runs the teacher's tests on what a student's code returns. Grades one submission.

Trusted are this process, the source notebook, nnlib and the libraries. Not trusted is every byte of the
submission and every byte that comes from the sandbox. Test cells and given cells are the source's, never
the submission's. Where a test cell names something that an answer cell binds, it gets it from the
sandbox (`Names`), as plain data or as a `Remote` that sends calls. So a test is never where
the student's code is, and what comes back was built by `wire`: it has no methods of the student's.

A student's code may lie about itself in the sandbox as it likes; it then gives wrong answers, or right
ones. It learns the arguments of hidden tests when it is called with them, as any function must, and can
print them into its student's feedback. What stays hidden is what is expected; and the arguments are
others for each student, where a test draws them. An argument is a copy: a test cannot see whether the
student's function changed it.
"""
from __future__ import annotations

import builtins
import contextlib
import hashlib
import hmac
import io
import math
import time
from collections.abc import Callable, Container
from typing import Any

from . import cells, submission
from .cells import Cell, Json
from .folder import Course, fingerprint
from .numbers import drawing
from .question import Question
from .sandbox import Sandbox
from .wire import Remote, Request, Stopped, decode

FORMAT = 2      # of a result; a change grades everything again


class Session:
    """The student's namespace: cells that were run, in a sandbox that is made again when it dies."""

    def __init__(self, limits: dict[str, float], slot: int, unsafe: bool = False) -> None:
        self.limits, self.slot, self.unsafe = limits, slot, unsafe
        self.end = time.monotonic() + limits["submission"]
        self.done: list[str] = []
        self.box: Sandbox | None = None
        self.stopped: str | None = None
        self.begin()

    def begin(self) -> None:
        """Begin a question: its own time, whatever happened before."""
        self.deadline, self.stopped = time.monotonic() + self.limits["question"], None

    def close(self) -> None:
        """End the box, if there is one."""
        if self.box:
            self.box.close()
        self.box = None

    def send(self, request: Request, deadline: float) -> Json:
        """Ask the box; where it does not answer, kill it and raise `Stopped`."""
        assert self.box, "`open` comes first"
        try:
            return self.box.ask(request, min(deadline, self.end))
        except Stopped:
            self.close()
            raise

    def open(self) -> None:
        """Start a box, and run again what was run before; a cell that hangs or dies now is left out from now on."""
        while self.box is None:
            if time.monotonic() > self.end:
                raise Stopped("the time for the whole submission is used up")
            began = time.monotonic()
            self.box = Sandbox(self.limits["submission"], self.slot, self.unsafe)
            for n, source in enumerate(self.done):
                try:
                    self.send(["run", source], time.monotonic() + self.limits["question"])
                except Stopped:
                    del self.done[n]
                    break
            self.deadline += time.monotonic() - began

    def run(self, source: str, given: bool = False) -> tuple[str, str]:
        """Run a cell; return what it printed, and its error ("" if none). A `given` one costs no question its time."""
        try:
            self.open()
            began = time.monotonic()
            reply = self.send(["run", source], began + self.limits["question"] if given else self.deadline)
            self.deadline += given * (time.monotonic() - began)
        except Stopped as stop:
            self.stopped = str(stop)
            return "", f"Stopped: {stop}"
        self.done.append(source)
        return printed(reply), error_of(reply)

    def ask(self, request: Request) -> Any:
        """Return a value from the box, or raise what the student's code raised there, or `Stopped`."""
        if self.stopped:
            raise Stopped(f"not tried, for before this {self.stopped}")
        try:
            self.open()
            reply = self.send(request, self.deadline)
        except Stopped as stop:
            self.stopped = str(stop)
            raise
        if "value" not in reply:
            raise error_from(reply)
        return decode(reply["value"], named=lambda path: Remote(path, self.ask))


def printed(reply: Json) -> str:
    """What a cell printed, from its reply."""
    text = reply.get("printed")
    return text[:2000] if isinstance(text, str) else ""


def error_of(reply: Json) -> str:
    """The text of a reply's exception, "" where there is none."""
    if "value" in reply:
        return ""
    error = error_from(reply)
    return f"{getattr(error, 'kind', type(error).__name__)}: {error}"[:600]


def error_from(reply: Json) -> Exception:
    """Return an exception like the one that a reply describes: the first of its classes that Python itself has."""
    names = reply.get("error")
    names = [name for name in names if isinstance(name, str)][:30] if isinstance(names, list) else []
    text = reply.get("text")
    kinds = [getattr(builtins, name, None) for name in names]
    kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, Exception)), RuntimeError)
    text = text[:600] if isinstance(text, str) else "no reason is given"
    try:
        error: Any = kind(text)
    except TypeError:       # a few need more arguments
        error = RuntimeError(text)
    error.kind = names[0][:60] if names else kind.__name__
    return error


class Names(dict[str, Any]):
    """The names of a test cell: the teacher's own, and those of the answers, fetched when they are first read.

    Fetched once for a question: else a student's code could show each of its checks another value.
    """

    def __init__(self, answers: set[str], ask: Callable[[Request], Any]) -> None:
        self.answers, self.fetch = answers, ask
        self.fetched: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.answers:
            return super().__getitem__(name)
        if name not in self.fetched:
            self.fetched[name] = self.fetch(["get", name])
        return self.fetched[name]


class Marks(list[int]):
    """Called in place of the lines that open and close the hidden tests: how many checks there were then."""

    def __call__(self, names: Names) -> None:
        self.append(sum(len(q.checks) for q in asked(names)))


def asked(names: Names) -> list[Question]:
    """The questions among the names of a test cell."""
    return [value for value in dict.values(names) if isinstance(value, Question)]


def question(cell: Cell, names: Names) -> Json:
    """Run a test cell of the source; return the question's result as plain data."""
    for name in [name for name, value in names.items() if isinstance(value, Question)]:
        del names[name]
    names.fetched.clear()
    marks, note = Marks(), ""
    names["__mark__"] = marks
    source = cells.HIDDEN.sub("__mark__(globals())", cell.source)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(source, f"<test {cell.id}>", "exec"), names)
    except Exception as error:      # outside a check: the teacher's own mistake, and no student's loss
        note = f"the test cell failed and a person must grade this question: {type(error).__name__}: {error}"[:500]
    q = next(iter(asked(names)), None)
    checks = q.checks if q else []
    earned = 0.0 if note or not q or not math.isfinite(q.earned) else min(max(0.0, q.earned), cell.points)
    return {"id": cell.id, "points": cell.points, "earned": earned, "note": note, "for_a_person": bool(note),
            "checks": [{"words": check.words, "held": bool(check.held), "message": str(check.message)[:2000],
                        "hidden": any(a <= n < b for a, b in zip(marks[::2], marks[1::2]))}
                       for n, check in enumerate(checks)]}


def lost(cell: Cell, reason: str) -> Json:
    """The result of a question that could not be asked."""
    return {"id": cell.id, "points": cell.points, "earned": 0.0, "note": reason, "for_a_person": False,
            "checks": [], "error": ""}


def grade(source: Json, released: list[Json], name: str, student: str, secret: bytes, given: dict[str, list[str]],
          report: Callable[[str, object], None], slot: int = 0, unsafe: bool = False,
          over: Container[str] = ()) -> dict[str, str]:
    """Grade the answers `given` ({id: texts}) to a source notebook, of which a student got the cells `released`.

    `report(kind, value)` is told of each question before ("begin") and after ("question") it is
    asked. The tests of questions whose ids are in `over` are not run. Returns {id: output} of answers.
    """
    parts = [pair for pair in zip(cells.cells_of(source), map(cells.Cell, released)) if pair[0].code]
    answers = {bound for cell, _ in parts if cell.kind == "answer" for bound in cells.bound(cell.source)}
    session = Session(cells.seconds(source), slot, unsafe)
    outputs: dict[str, str] = {}
    errors: list[str] = []
    names = Names(answers, session.ask)
    try:
        with drawing(secret, name, student):
            for cell, mine in parts:
                if cell.kind in ("given", "numbers"):
                    if not answers & cells.read_names(mine.source):     # else it shows what the student wrote
                        with contextlib.redirect_stdout(io.StringIO()):
                            exec(compile(mine.source, f"<cell {cell.id}>", "exec"), names)
                    session.run(mine.source, given=True)
                elif cell.kind == "answer":
                    ran = [session.run(text) for text in given.get(cell.id, [])]
                    outputs[cell.id] = "\n".join(text for pair in ran for text in pair if text)[:10_000]
                    errors += [error for _, error in ran if error]
                elif cell.kind == "test":
                    if cell.id not in over:
                        report("begin", cell.id)
                        report("question", question(cell, names) | {"error": " | ".join(errors)[:1000]})
                    errors = []
                    session.begin()
    finally:
        session.close()
    return outputs


def key(source: bytes, data: bytes, student: str, secret: bytes) -> str:
    """What a result depends on: the source, the submission's bytes, the student and the secret."""
    parts = [b"%d" % FORMAT, source, data, student.encode()]
    return hmac.digest(secret, b"".join(hashlib.sha256(part).digest() for part in parts), "sha256").hex()


def examine(course: Course, name: str, student: str) -> tuple[Json, list[Json] | None]:
    """Return (result without questions, cells) of what was handed in; cells is None where nothing can be graded."""
    result: Json = {"student": student, "assignment": name, "reason": "", "missing": False, "flags": [],
                    "given": {}, "outputs": {}, "questions": []}
    source, data, found = course.source(name).read_bytes(), b"", None
    try:
        path, result["flags"] = submission.find(course.submitted(name, student), name)
        content = submission.content(path)
        data = path.name.encode(errors="replace") + b"/" + content
        found, note = submission.parsed(content)
    except submission.Unusable as error:
        result["reason"], result["missing"] = str(error), isinstance(error, submission.Missing)
    result["key"] = key(source, data or result["reason"].encode(), student, course.secret)
    if found:
        prints = {fingerprint(course.secret, name, other): other for other in course.students}
        result["flags"] += submission.whose(note, name, student, prints)
    return result, found
