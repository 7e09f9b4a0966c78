"""A student's code in a box: bubblewrap, a system-call filter, limits, and a user of its own.

In the box there are Python, the libraries and nnlib, all read-only, and an empty /tmp of 64 MB. There
is no /proc, no /sys, no network, no other process, no environment, and no file of the course. The
filter refuses new processes, sockets, mounts, name spaces, shared memory and what the kernel would keep
for a process in memory of its own, since these get round the limits that `runner.confine` sets. What is
left is the kernel's memory for empty files in /tmp: up to some GB, since bubblewrap has no limit on their
number. Everything in the box dies with its first process, and that one dies with the tester, whose
process group the worker kills as a whole.

As root, the box is made by root (so Python may lie anywhere) and the runner changes to the user of its
slot, a number that no other sandbox of this machine uses at the time, before it reads a byte. Not as
root, bubblewrap makes a user name space.
"""
from __future__ import annotations

import json
import os
import platform
import secrets
import select
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nnlib

from . import wire
from .cells import Json
from .wire import Request

FIRST_UID, SLOTS = 1_900_000_000, 64        # a range that Linux distributions leave unused
START = 20                                  # seconds for a runner to start; it takes 0.3
ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore",
               "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp",
               "PYTHONPATH": str(Path(nnlib.__file__).parents[1])}     # the nnlib that grades, wherever it was found
NEWEST_CALL = 424       # from here on (io_uring, mounts, clone3 ...) "not implemented", as on an older Linux
# clone, fork, vfork; unshare, setns, mount; socket; shmget, semget, msgget, mq_open, io_setup, memfd_create;
# ptrace, process_vm_readv, process_vm_writev; keyctl, add_key, request_key; bpf, perf_event_open, userfaultfd
FORBIDDEN = {"x86_64": (0xC000003E, (56, 57, 58, 272, 308, 165, 41, 29, 64, 68, 240, 206, 319,
                                     101, 310, 311, 250, 248, 249, 321, 298, 323)),
             "aarch64": (0xC00000B7, (220, 97, 268, 40, 198, 194, 190, 186, 180, 0, 279,
                                      117, 270, 271, 219, 217, 218, 280, 241, 282))}
# What must fail inside, tried before anything is graded: the isolation is measured, not assumed.
PROBE = """
import os, socket
def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
isolated = os.getuid() != 0 and all(map(refused, (
    os.fork, socket.socket, lambda: os.listdir("/proc"), lambda: os.listdir("/sys"),
    lambda: open("/written", "w"), lambda: open("/etc/passwd"))))
"""


class NoIsolation(RuntimeError):
    """The sandbox cannot be made here; the text says what is missing."""


def claim_slot() -> tuple[socket.socket, int]:
    """Return (socket, number) of the first free slot of this machine; it is free again when the socket closes."""
    for slot in range(SLOTS):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0nnlib-course-slot-{slot}")      # an abstract name: no file is left behind
            return claim, slot
        except OSError:
            claim.close()
    raise NoIsolation(f"all {SLOTS} sandboxes of this machine are in use")


def system_calls() -> bytes:
    """Return the filter of system calls for this machine as a BPF program."""
    if platform.machine() not in FORBIDDEN:
        known = ", ".join(FORBIDDEN)
        raise NoIsolation(f"no filter of system calls is known for {platform.machine()}, only for {known}")
    machine, calls = FORBIDDEN[platform.machine()]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    kill, refuse, missing, allow = 0x80000000, 0x00050001, 0x00050026, 0x7FFF0000
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), (answer, 0, 0, kill), (load, 0, 0, 0),
               (at_least, 0, 1, NEWEST_CALL), (answer, 0, 0, missing)]
    for call in calls:
        program += [(equal, 0, 1, call), (answer, 0, 0, refuse)]
    return b"".join(struct.pack("<HBBI", *line) for line in [*program, (answer, 0, 0, allow)])


def visible() -> list[Path]:
    """Return the folders that the box shows: the system's libraries, Python, its packages, and nnlib."""
    folders = [Path("/usr"), Path(sys.base_prefix), Path(sys.prefix), Path(nnlib.__file__).parent]
    return [path for n, path in enumerate(folders) if not any(path.is_relative_to(before) for before in folders[:n])]


def boxed(command: list[str], filter_fd: int, info_fd: int) -> list[str]:
    """Return the command line that runs `command` in the box."""
    root = os.getuid() == 0
    box = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    box += ["--cap-drop", "ALL"]
    box += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    box += ["--clearenv", "--die-with-parent", "--new-session"]
    # first, for Python itself may lie in /tmp
    box += ["--size", str(64 * 2 ** 20), "--perms", "1777", "--tmpfs", "/tmp"]
    made = {Path("/tmp")}
    for path in visible():
        for parent in reversed(path.parents[:-1]):
            if parent not in made:
                box += ["--perms", "755", "--dir", str(parent)]
                made.add(parent)
        box += ["--ro-bind", str(path), str(path)]
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin", "/sbin")):
        if path.is_symlink():
            box += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            box += ["--ro-bind", str(path), str(path)]
    box += ["--perms", "755", "--dir", "/etc", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    box += ["--perms", "755", "--dir", "/dev", "--dev-bind", "/dev/null", "/dev/null"]
    box += ["--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in ENVIRONMENT.items():
        box += ["--setenv", name, value]
    return [*box, "--seccomp", str(filter_fd), "--info-fd", str(info_fd), *command]


class Sandbox:
    """One runner in a box. `ask` sends a request and returns the reply; `close` kills all that runs in it.

    `seconds` limits its processor time. `unsafe` runs it without a box, as the user who grades.
    """

    def __init__(self, seconds: float, slot: int = 0, unsafe: bool = False) -> None:
        uid = FIRST_UID + slot if os.getuid() == 0 and not unsafe else 0
        command = [sys.executable, "-P", "-s", "-B", "-m", "nnlib.course.runner", str(uid), str(int(seconds) + 1)]
        self.socket, theirs = socket.socketpair()
        self.first = None       # the process whose end ends the box
        try:
            self.process = self._start(command, theirs, unsafe)
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()
        errors = self.process.stderr
        assert errors, "it is a pipe"
        try:
            if self._receive(time.monotonic() + START) != "ready":
                raise wire.Stopped("the runner did not start")
        except wire.Stopped:
            self.close()
            with errors:
                said = errors.read(2000).decode(errors="replace").strip()
            raise NoIsolation(f"the sandbox does not start: {said or 'no reason is given'}") from None
        errors.close()

    def _start(self, command: list[str], theirs: socket.socket, unsafe: bool) -> subprocess.Popen[bytes]:
        if unsafe:
            return subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE,
                                    env=ENVIRONMENT, cwd="/tmp")
        if not shutil.which("bwrap"):
            raise NoIsolation("the program bwrap is missing (Debian: apt-get install bubblewrap)")
        rules = system_calls()
        filter_fd, write = os.pipe()
        os.write(write, rules)
        os.close(write)
        read, info_fd = os.pipe()
        try:
            process = subprocess.Popen(boxed(command, filter_fd, info_fd), stdin=theirs.fileno(),
                                       stdout=theirs.fileno(), stderr=subprocess.PIPE, pass_fds=(filter_fd, info_fd))
        finally:
            os.close(filter_fd)
            os.close(info_fd)
        with os.fdopen(read) as info:
            text = info.read()
        self.first = json.loads(text)["child-pid"] if text else None
        return process

    def ask(self, request: Request, deadline: float) -> Json:
        """Send a request and return its reply; raise `Stopped` where none comes before `deadline` (monotonic)."""
        token = secrets.token_hex(8)        # so that what was written in advance answers nothing
        message = wire.pack([token, request])
        try:
            while message:
                self._wait([], [self.socket], deadline)
                message = message[self.socket.send(message, socket.MSG_DONTWAIT):]
        except BlockingIOError:
            raise wire.Stopped("the code reads no more questions") from None
        except OSError:
            raise wire.Stopped("the code ended the process that ran it") from None
        reply = self._receive(deadline)
        if not isinstance(reply, dict) or reply.get("to") != token:
            raise wire.Stopped("an answer came that nobody had asked for")
        return reply

    def _receive(self, deadline: float) -> Any:
        size = wire.LENGTH.unpack(self._read(wire.LENGTH.size, deadline))[0]
        if size > wire.LARGEST:
            raise wire.Stopped(f"an answer of {size} bytes is more than the {wire.LARGEST} allowed")
        try:
            return wire.unpack(self._read(size, deadline))
        except wire.NotPlain as error:
            raise wire.Stopped(f"an answer cannot be read: {error}") from None

    def _read(self, size: int, deadline: float) -> bytes:
        content = bytearray()
        while len(content) < size:
            self._wait([self.socket], [], deadline)
            try:
                part = self.socket.recv(min(size - len(content), 2 ** 20))
            except OSError:
                part = b""
            if not part:
                raise wire.Stopped("the code ended the process that ran it")
            content += part
        return bytes(content)

    def _wait(self, reading: list[socket.socket], writing: list[socket.socket], deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(reading, writing, [], left)):
            raise wire.Stopped("the code took too long")

    def close(self) -> None:
        """Kill the runner and everything that it started, and wait until it is gone."""
        self.socket.close()
        if self.process.poll() is None:
            try:
                os.kill(self.first or self.process.pid, 9)      # not reaped yet, so the number is still its own
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                self.process.kill()
            self.process.wait()


def require(slot: int = 0) -> None:
    """Raise `NoIsolation` unless a sandbox starts here and refuses what it has to refuse."""
    box = Sandbox(START, slot)
    try:
        deadline = time.monotonic() + START
        box.ask(["run", PROBE], deadline)
        if box.ask(["get", "isolated"], deadline).get("value") is not True:
            raise NoIsolation("the sandbox starts, but does not keep its inmates from the system")
    finally:
        box.close()
