"""The box itself: what is in it, what is refused, and that all of it ends."""
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nnlib.course import sandbox
from nnlib.course.sandbox import NoIsolation, Sandbox, claim_slot
from nnlib.course.wire import Stopped


@pytest.fixture
def box():
    claim, slot = claim_slot()
    with claim:
        made = Sandbox(5, slot)
        yield made
        made.close()


def ask(box, source, seconds=10):
    reply = box.ask(["run", source], time.monotonic() + seconds)
    return reply["printed"] + reply.get("text", "")


def test_a_box_shows_nothing_of_the_machine(box):
    assert ask(box, "import os\nprint(sorted(set(os.listdir('/')) & {'proc', 'sys', 'home', 'var', 'run', 'boot', 'media'}))") == "[]\n"
    assert ask(box, "print(os.listdir('/tmp'), os.listdir('/dev'), os.getuid() != 0)") == "[] ['null'] True\n"
    assert ask(box, "print([k for k in os.environ if k not in ('PWD', 'HOME', 'LANG')])").count("NUM_THREADS") == 2
    assert "nnlib" in ask(box, "import nnlib\nprint(nnlib.__file__)")
    root = sandbox.Path(sandbox.nnlib.__file__).parents[1]
    python = sandbox.Path(sys.prefix)
    shown = {"nnlib"} | ({python.relative_to(root).parts[0]} if python.is_relative_to(root) else set())
    assert ask(box, f"print(sorted(os.listdir({str(root)!r})))") == f"{sorted(shown)}\n"


def test_a_box_inherits_nothing_and_has_no_rights(box):
    said = ask(box, """
import ctypes, os, stat
kinds = {}
for fd in range(32):
    try:
        kinds[fd] = stat.S_IFMT(os.fstat(fd).st_mode)
    except OSError:
        pass
print(sorted(kinds.values()) == sorted([stat.S_IFSOCK] + [stat.S_IFCHR] * (len(kinds) - 1)))   # its socket, and /dev/null
print(len(set(os.getresuid())), os.getgroups() in ([], [os.getgid()]), ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))
rights = (ctypes.c_uint32 * 6)()
ctypes.CDLL(None).capget((ctypes.c_uint32 * 2)(0x20080522, 0), rights)
print([rights[n] for n in (0, 1, 3, 4)])        # effective and permitted
""")
    assert said == "True\n1 True 1\n[0, 0, 0, 0]\n"


@pytest.mark.parametrize("attempt", [
    "os.fork()", "os.posix_spawn('/usr/bin/true', ['true'], {})", "import socket; socket.socket()",
    "import socket; socket.socket(socket.AF_UNIX)", "os.memfd_create('x')", "open('/x', 'w')", "open('/usr/x', 'w')",
    "open('/dev/x', 'w')", "os.mkdir('/etc/x')", "os.chroot('/tmp')", "os.setuid(0)", "os.setgroups([0])",
    "os.nice(-5)", "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (9, 9))", "os.mknod('/tmp/x', 0o60666, 0x800)",
    "os.link('/usr/bin/env', '/tmp/env')", "os.listdir('/proc')", "open('/etc/passwd')", "os.unshare(0x10000000)"])
def test_a_box_refuses(box, attempt):
    said = ask(box, f"import os\ntry:\n    {attempt}\nexcept (OSError, ValueError, AttributeError) as error:\n    print('refused', error)")
    assert said.startswith("refused"), said


@pytest.mark.parametrize("call", ["unshare", "mount", "shmget", "semget", "msgget", "mq_open", "clone", "ptrace", "setns", "syscall"])
def test_the_filter_refuses_what_gets_round_the_limits(box, call):
    arguments = {"unshare": "0x10000000", "mount": "b'n', b'/tmp', b'tmpfs', 0, None", "shmget": "0, 2**20, 0o1600",
                 "semget": "0, 32000, 0o1600", "msgget": "0, 0o1600", "mq_open": "b'/x', 0o102, 0o600, None",
                 "ptrace": "0, 0, 0, 0", "clone": "None, None, 17, None", "setns": "0, 0", "syscall": "425, 8, None"}[call]
    assert ask(box, f"import ctypes\nprint(ctypes.CDLL(None, use_errno=True).{call}({arguments}))") == "-1\n"


def test_it_runs_the_nnlib_that_grades_wherever_it_lies(tmp_path):
    copy = tmp_path / "elsewhere" / "nnlib"
    shutil.copytree(Path(sandbox.nnlib.__file__).parent, copy)
    said = subprocess.run([sys.executable, "-c", "from nnlib.course import sandbox; sandbox.require(); print(sandbox.nnlib.__file__)"],
                          cwd=copy.parent, env=os.environ | {"PYTHONPATH": str(copy.parent)}, capture_output=True, text=True)
    assert said.stdout == f"{copy / '__init__.py'}\n", said.stderr


def test_memory_files_and_threads_are_limited(box):
    assert "MemoryError" in box.ask(["run", "bytearray(3 * 2 ** 30)"], time.monotonic() + 10)["error"]
    assert "can't start new thread" in ask(box, "import threading\nthreading.Thread(target=print).start()")
    said = ask(box, "try:\n    for n in range(100):\n        open(f'/tmp/{n}', 'wb').write(bytes(2 ** 20))\nexcept OSError as error:\n    print(n, error)")
    assert 60 <= int(said.split()[0]) <= 64 and "No space left" in said
    assert "File too large" in ask(box, "import os\nos.remove('/tmp/0')\n[os.remove(f'/tmp/{k}') for k in range(1, n)]\n"
                                        "open('/tmp/big', 'wb').write(bytes(2 ** 26))")


def test_it_ends_with_all_that_is_in_it(box):
    with pytest.raises(Stopped, match="took too long"):
        box.ask(["run", "while True: pass"], time.monotonic() + 0.3)
    assert os.path.exists(f"/proc/{box.first}")
    box.close()
    assert not os.path.exists(f"/proc/{box.first}") and box.process.returncode is not None


def test_processor_time_is_limited():
    claim, slot = claim_slot()
    with claim:
        short = Sandbox(0, slot)
        with pytest.raises(Stopped, match="ended the process"):
            short.ask(["run", "while True: pass"], time.monotonic() + 20)
        short.close()


def test_it_dies_with_the_tester():
    code = ("import os, time\nfrom nnlib.course.sandbox import *\nclaim, slot = claim_slot()\nbox = Sandbox(50, slot)\n"
            "print(box.first, flush=True)\ntry: box.ask(['run', 'while True: pass'], time.monotonic() + 60)\nfinally: os._exit(1)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as tester:
        first = int(tester.stdout.readline())
        assert os.path.exists(f"/proc/{first}")
        tester.kill()
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{first}"):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_slots_are_not_shared():
    (a, first), (b, second) = claim_slot(), claim_slot()
    with a, b:
        assert first != second
    c, third = claim_slot()
    c.close()
    assert third <= max(first, second)


def test_a_machine_without_a_filter_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "vax")
    with pytest.raises(NoIsolation, match="vax"):
        sandbox.require()


def test_the_probe_is_not_taken_on_trust(monkeypatch):
    monkeypatch.setattr(sandbox, "PROBE", sandbox.PROBE.replace("os.fork,", "os.getpid,"))
    claim, slot = claim_slot()
    with claim, pytest.raises(NoIsolation, match="does not keep its inmates"):
        sandbox.require(slot)


def test_a_box_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(sandbox, "boxed", lambda *arguments: ["sh", "-c", "echo no name spaces >&2; exit 1"])
    with pytest.raises(NoIsolation, match="^the sandbox does not start: no name spaces$"):
        Sandbox(5)
    monkeypatch.setattr(sandbox, "boxed", lambda *arguments: ["false"])
    with pytest.raises(NoIsolation, match="^the sandbox does not start: no reason is given$"):
        Sandbox(5)


def test_slots_come_to_an_end(monkeypatch):
    monkeypatch.setattr(sandbox, "SLOTS", 0)
    with pytest.raises(NoIsolation, match="^all 0 sandboxes of this machine are in use$"):
        claim_slot()


def test_without_a_box_on_demand():
    made = Sandbox(5, unsafe=True)
    assert ask(made, "print(6 * 7)") == "42\n"
    made.close()
    assert made.process.poll() is not None
    made.close()  # a second time there is nothing to do
