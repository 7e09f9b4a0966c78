"""A warm process that grades one submission after the other, each in a child that can be killed.

It imports NumPy and nnlib with its derivations once; a child is a fork of it. Tasks come as lines of
JSON on its input, answers go as lines to its output. When its input ends (whoever started it is gone)
it kills the child that is at work, and the sandbox dies with that child.
"""
from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import nnlib.derivations.lines  # so that no child has to  # noqa: F401

from . import cells, grading, sandbox, submission
from .cells import Json
from .folder import Course, write

MEMORY = 4 * 2 ** 30        # of a tester; what crosses is small, so this is only a net
GRACE = 20                  # seconds that a tester may take beyond the limits of the code that it watches


class Gone(Exception):
    """Whoever gave the task is gone."""


def child(pipe: int, task: dict[str, Any]) -> NoReturn:
    """Grade in this process and report line by line; ends the process."""
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG: not to outlive the worker
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with os.fdopen(pipe, "w") as out:
            def report(kind: str, value: object) -> None:
                print(json.dumps([kind, value]), file=out, flush=True)
            try:
                report("end", grading.grade(report=report, **task))
            except Exception as error:      # a cell of the source, or the sandbox, failed
                report("failed", f"{type(error).__name__}: {error}"[:500])
    finally:
        os._exit(0)


def reports(pipe: int, pid: int, wait: Callable[[], float]) -> Iterator[tuple[str, Any]]:
    """Yield what a child reports until it ends; kill it where a report takes longer than `wait()` seconds."""
    buffer = b""
    try:
        while True:
            ready = select.select([pipe, 0], [], [], wait())[0]
            if 0 in ready:
                raise Gone
            part = os.read(pipe, 2 ** 16) if ready else b""
            if not part:
                return
            *lines, buffer = (buffer + part).split(b"\n")
            yield from map(json.loads, lines)
    finally:
        os.killpg(pid, signal.SIGKILL)      # bwrap too, which may not yet have asked to die with its parent
        os.waitpid(pid, 0)
        os.close(pipe)


def supervised(source: Json, **task: Any) -> Json:
    """Grade in children until every question has a result; return {"questions", "outputs", "reason"}.

    A question in which the tester itself dies is lost; the next child goes on behind it. Raises
    `RuntimeError` where a cell of the source, or the sandbox, fails: no student is to pay for that.
    """
    limits, tests = cells.seconds(source), {c.id: c for c in cells.cells_of(source) if c.kind == "test"}
    done: dict[str, Json] = {}
    outputs, reason, ended = {}, "", False
    end = time.monotonic() + limits["submission"] + GRACE
    while not ended and not reason:
        read, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            child(write_end, task | {"source": source, "over": frozenset(done)})
        os.close(write_end)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)        # both do it, so that it is done whoever comes first
        asked, longest = None, 2 * limits["question"] + GRACE
        for kind, value in reports(read, pid, lambda: max(0, min(longest, end - time.monotonic()))):
            if kind == "begin":
                asked = value
            elif kind == "question":
                done[value["id"]], asked = value, None
            elif kind == "end":
                outputs, ended = value, True
            else:
                raise RuntimeError(value)
        if asked:
            done[asked] = grading.lost(tests[asked], "the tester was killed in this question")
        elif not ended:
            reason = "the tester was killed, for it took too long"
    questions = [done.get(id) or grading.lost(cell, reason) for id, cell in tests.items()]
    return {"questions": questions, "outputs": outputs, "reason": reason}


def result_of(course: Course, name: str, student: str, released: list[Json], slot: int, unsafe: bool,
              again: bool) -> str:
    """Grade one submission beside the cells that were `released`, and store its result.

    What is stored and still true is kept unless `again`.
    """
    result, found = grading.examine(course, name, student)
    stored = course.stored(name, student)
    if not again and stored and stored["key"] == result["key"]:
        return "kept"
    source = cells.read(course.source(name))
    if found:
        try:
            result["given"], flags = submission.answers(found, released)
            result["flags"] += flags
        except submission.Unusable as error:
            result["reason"], found = str(error), None
    if found:
        result |= supervised(source, released=released, name=name, student=student, secret=course.secret,
                             given=result["given"], slot=slot, unsafe=unsafe)
        result["flags"] += flags_of(result)
    else:
        result["questions"] = [grading.lost(c, result["reason"]) for c in cells.cells_of(source) if c.kind == "test"]
    # names of files and texts of errors are anybody's: one line each
    result["flags"] = [" ".join(flag.split())[:300] for flag in result["flags"]]
    write(course.result(name, student), json.dumps(result, indent=1) + "\n")
    return "graded"


def flags_of(result: Json) -> list[str]:
    """What a teacher should know of how the grading went."""
    found = []
    for q in result["questions"]:
        stops = [q["error"], *(check["message"] for check in q["checks"] if not check["held"])]
        found += [f"{q['id']}: {text}" for text in stops if "Stopped: " in text and "not tried" not in text]
        found += [f"{q['id']}: {q['note']}"] * bool(q["note"])
    return found


def serve() -> None:
    """Answer tasks until the input ends."""
    slot = sandbox.claim_slot()     # held as long as this process lives
    for line in sys.stdin.buffer:
        task = json.loads(line)
        try:
            answer = {"done": result_of(Course(task.pop("course")), slot=slot[1], **task)}
        except Gone:
            return
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


class Worker:
    """A warm process, from the side of whoever gives it work."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "nnlib.course.worker"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        assert self.process.stdin and self.process.stdout, "they are pipes"
        self.input, self.output = self.process.stdin, self.process.stdout

    def grade(self, **task: Any) -> str:
        """Return "graded" or "kept"; raises `RuntimeError` with what went wrong."""
        self.input.write(json.dumps(task).encode() + b"\n")
        self.input.flush()
        line = self.output.readline()
        answer = json.loads(line) if line else {"error": "the process that grades has died"}
        if "error" in answer:
            raise RuntimeError(f"{task['student']}: {answer['error']}")
        return answer["done"]

    def close(self) -> None:
        """End the process: at once if it waits, and by its closed input if it is at work."""
        self.input.close()
        self.process.wait()
        self.output.close()


if __name__ == "__main__":
    serve()
