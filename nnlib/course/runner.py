"""The student's side: runs cells, calls functions, gives values. It runs inside the sandbox.

Nothing here is trusted, for the student's code lives in this very process and can change it, read its
memory, and write to its socket. All that it can so forge is its own answers, which it may choose anyway:
no test, no expected value, no mark and no secret ever comes here.
"""
from __future__ import annotations

import builtins
import io
import os
import resource
import sys
import traceback
from types import CodeType
from typing import Any

from . import wire

LIMITS = {"AS": 2 * 2 ** 30, "FSIZE": 32 * 2 ** 20, "NOFILE": 32, "CORE": 0, "NPROC": 1}
PRINTED = 2_000     # characters of output that are kept of one cell


class Printed(io.TextIOBase):
    """Keep the beginning of what is printed."""
    text = ""

    def write(self, text: str) -> int:
        self.text += text[:PRINTED - len(self.text)]
        return len(text)


def confine(uid: int, seconds: int) -> None:
    """Give up root for the user `uid` (0: stay who we are), and set limits that cannot be raised again."""
    for name, most in (LIMITS | {"CPU": seconds}).items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


def compiled(source: str) -> CodeType:
    """Compile a cell; where that fails, without its lines for IPython (%, !) and text outside Python."""
    try:
        return compile(source, "<cell>", "exec")
    except SyntaxError:
        lines = [line if not line.lstrip().startswith(("%", "!")) else "" for line in source.split("\n")]
        return compile("\n".join(lines), "<cell>", "exec")


def described(error: BaseException) -> dict[str, Any]:
    """What a reply says of an exception: the names of its classes, its text, and the line of the cell."""
    try:
        text = str(error)[:500]
    except BaseException:       # its own __str__ failed
        text = ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<cell>"]
    place = f" (line {lines[-1]} of the cell)" if lines else ""
    return {"error": [cls.__name__ for cls in type(error).__mro__], "text": text + place}


class Runner:
    """Answers requests on one namespace."""

    def __init__(self) -> None:
        self.names = {"__name__": "__main__", "__builtins__": builtins, "display": print}

    def find(self, path: str) -> Any:
        """The value of a name, or of a name with attributes: `net.predict`."""
        first, *rest = path.split(".")
        if first not in self.names:
            raise NameError(f"name {first!r} is not defined")
        value = self.names[first]
        for name in rest:
            value = getattr(value, name)
        return value

    def run(self, source: str) -> None:
        """Run a cell."""
        exec(compiled(source), self.names)

    def get(self, path: str) -> Any:
        """The value of a name as plain data; what is none is sent by its name."""
        value = self.find(path)
        try:
            return wire.encode(value)
        except wire.NotPlain:
            return ["name", path]

    def call(self, path: str, args: Any, kwargs: Any) -> Any:
        """Call a function of the student's and return its value as plain data."""
        args, kwargs = (wire.decode(part, named=self.find) for part in (args, kwargs))
        return wire.encode(self.find(path)(*args, **kwargs))

    def answer(self, token: str, request: list[Any]) -> bytes:
        """Do what is asked; whatever the student's code raises becomes a reply."""
        sys.stdout = sys.stderr = printed = Printed()
        try:
            method, *rest = request
            methods: dict[str, Any] = {"run": self.run, "get": self.get, "call": self.call}
            reply = {"value": methods[method](*rest)}
            wire.pack(reply)
        except BaseException as error:      # sys.exit too: it ends a cell, not the grading
            reply = described(error)
        return wire.pack(reply | {"to": token, "printed": printed.text})


def main() -> None:
    """Answer the requests that come on the socket at standard input, until it is closed."""
    socket = os.dup(0)
    null = os.open("/dev/null", os.O_RDWR)
    confine(*map(int, sys.argv[1:]))
    with os.fdopen(socket, "r+b", buffering=0) as channel:
        channel.write(wire.pack("ready"))
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        runner = Runner()
        while length := channel.read(wire.LENGTH.size):
            size, content = wire.LENGTH.unpack(length)[0], b""
            while len(content) < size:
                content += channel.read(size - len(content))
            reply = runner.answer(*wire.unpack(content))
            while reply:
                reply = reply[channel.write(reply):]


if __name__ == "__main__":
    main()
