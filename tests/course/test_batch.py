"""Batches: any number of processes, a cluster, a kill half-way; all give the same marks, and never without isolation."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from classroom import TINY, classroom, everything, hand_in, left_running, marks, once, source, table

from nnlib.course import batch, cells, sandbox, worker
from nnlib.course.__main__ import main
from nnlib.course.folder import Course
from nnlib.course.release import release

CLASS = {"perfect": {}, "wrong": {"area": "area = 1"}, "exits": {"rows": "import os\ndef rows(X): os._exit(1)"},
         "hangs": {"half": "def half(x):\n    while True: pass"}, "syntax": {"words": "def"}, "late": {"area": "area = 7 * width"}}
POINTS = {"perfect": 24, "wrong": 20, "exits": 20, "hangs": 20, "syntax": 20, "late": 22}


def class_at(folder, students=CLASS, seconds=(1, 30)):
    course = classroom(folder / "course", students, source(seconds))
    for student in students:
        hand_in(course, student, CLASS[student])
    return course


def change_source(course, old, new):
    path = course.source(TINY)
    text, old, new = path.read_text(), json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    assert old in text
    path.write_text(text.replace(old, new))


def totals(course):
    return {student: sum(points.values()) for student, points in marks(course).items()}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    def grade_all(place):
        place.mkdir()
        course = class_at(place)
        assert main(["grade", str(course.path), "-j", "1"]) == 0
        return str(course.path)

    return Course(once(tmp_path_factory, "batch", grade_all))


def same(course, other):
    """The results in both folders, byte by byte."""
    return everything(course.path / "results") == everything(other.path / "results")


def test_one_process_gives_the_marks(graded):
    assert totals(graded) == POINTS


def test_two_processes_give_the_same(graded, tmp_path):
    course = class_at(tmp_path)
    assert batch.grade(course, TINY, course.students, jobs=2) == {"graded": 6, "kept": 0}
    assert same(course, graded)


def test_what_is_graded_is_kept_until_it_changes(tmp_path):
    some = ["perfect", "wrong"]
    course = class_at(tmp_path, some)
    assert batch.grade(course, TINY, some) == {"graded": 2, "kept": 0}
    assert batch.grade(course, TINY, some) == {"graded": 0, "kept": 2}
    hand_in(course, "wrong", {})
    assert batch.grade(course, TINY, some) == {"graded": 1, "kept": 1}
    assert totals(course) == {"perfect": 24, "wrong": 24}
    assert batch.grade(course, TINY, some, again=True) == {"graded": 2, "kept": 0}
    change_source(course, "of 8", "of the number 8")
    assert batch.grade(course, TINY, some) == {"graded": 2, "kept": 0}


def test_a_cluster_gives_the_same(graded, tmp_path):
    from dask.distributed import LocalCluster
    course = class_at(tmp_path)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, protocol="tcp") as cluster:
        assert main(["grade", str(course.path), "--dask", cluster.scheduler_address]) == 0
    assert same(course, graded)


def test_a_batch_that_was_killed_goes_on(graded, tmp_path):
    course = class_at(tmp_path)
    command = [sys.executable, "-m", "nnlib.course", "grade", str(course.path), "-j", "2"]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    results = course.path / "results" / TINY
    until(lambda: len(list(results.glob("*.json"))) >= 2 or run.poll() is not None)
    run.send_signal(signal.SIGKILL)
    run.wait()
    until(lambda: not left_running())
    done = sorted(path.stem for path in results.glob("*.json"))
    assert 2 <= len(done) < len(CLASS) and not (course.path / "gradebook.db").exists()
    for student in done:
        json.loads((results / f"{student}.json").read_text())
    counts = batch.grade(course, TINY, course.students, jobs=2)
    assert counts == {"graded": len(CLASS) - len(done), "kept": len(done)}
    assert same(course, graded)


def until(reached, seconds=60):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.02)


def test_without_bubblewrap_nothing_is_graded(tmp_path, monkeypatch, capsys):
    course = class_at(tmp_path, ["perfect"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["grade", str(course.path)]) == 2
    assert "bwrap is missing" in capsys.readouterr().err
    assert not (course.path / "results").exists() and not (course.path / "gradebook.db").exists()


def test_without_real_isolation_nothing_is_graded(tmp_path, monkeypatch, capsys):
    fake = tmp_path / "bin" / "bwrap"       # says yes to everything, and runs the command as it is
    fake.parent.mkdir()
    fake.write_text(f"""#!/bin/bash
while [ "$1" != "--info-fd" ]; do shift; done
echo "{{\\"child-pid\\": $$}}" >/dev/fd/$2; eval "exec $2>&-"
exec {sys.executable} -P -s -B -m nnlib.course.runner 0 20
""")
    fake.chmod(0o755)
    course = class_at(tmp_path, ["perfect"])
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    assert main(["grade", str(course.path)]) == 2
    assert "does not keep its inmates" in capsys.readouterr().err
    assert not (course.path / "results").exists()


def test_a_course_that_the_sandbox_shows_is_refused(tmp_path, monkeypatch, capsys):
    course = class_at(tmp_path, ["perfect"])
    monkeypatch.setattr(sandbox.sys, "base_prefix", str(tmp_path))
    assert main(["grade", str(course.path)]) == 2
    assert "which students' code can read: move it" in capsys.readouterr().err


def test_unsafe_grades_all_the_same(tmp_path, monkeypatch):
    course = class_at(tmp_path, ["perfect", "hangs"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert batch.grade(course, TINY, course.students, unsafe=True) == {"graded": 2, "kept": 0}
    assert totals(course) == {student: POINTS[student] for student in course.students}


def test_a_source_that_fails_costs_nobody_a_point(tmp_path, capsys):
    course = class_at(tmp_path, ["perfect"])
    change_source(course, "import numpy as np\n", "import nothing_like_this\n")
    assert main(["grade", str(course.path)]) == 2
    assert "nothing_like_this" in capsys.readouterr().err
    assert not (course.path / "results").exists()


def test_one_who_cannot_be_graded_does_not_keep_the_others_from_it(tmp_path, monkeypatch, capsys):
    course = class_at(tmp_path, ["perfect", "wrong"])
    real = worker.Worker.grade

    def fails_for_one(self, **task):
        if task["student"] == "wrong":
            raise RuntimeError("wrong: no memory for a sandbox")
        return real(self, **task)

    monkeypatch.setattr(worker.Worker, "grade", fails_for_one)
    assert main(["grade", str(course.path)]) == 2
    assert "1 of 2 were not graded:\nwrong: no memory" in capsys.readouterr().out
    assert totals(course) == {"perfect": 24} and main(["export", str(course.path)]) == 0
    rows = table((course.path / "export" / f"{TINY}.csv").read_text())
    assert rows["wrong"]["reason"] == "not graded yet" and rows["perfect"]["score"] == "24.0"


def test_a_damaged_result_is_graded_again(tmp_path):
    course = class_at(tmp_path, ["perfect", "wrong"])
    assert main(["grade", str(course.path)]) == 0
    before = totals(course)
    course.result(TINY, "perfect").write_text('{"key": "')
    assert totals(course) == {"wrong": before["wrong"]}
    assert main(["grade", str(course.path)]) == 0
    assert totals(course) == before


def test_a_test_cell_that_fails_is_for_a_person(tmp_path):
    course = class_at(tmp_path, ["perfect"])
    change_source(course, 'q.equal("of 8"', '1 / 0\nq.equal("of 8"')
    assert main(["grade", str(course.path)]) == 0
    assert totals(course)["perfect"] == 20
    assert main(["export", str(course.path)]) == 0
    row = table((course.path / "export" / f"{TINY}.csv").read_text())["perfect"]
    assert row["pending"] == "half-check explain" and "a person must grade this question: ZeroDivisionError" in row["reason"]


def test_a_tester_that_hangs_is_killed_and_the_next_question_is_asked(tmp_path, monkeypatch):
    course = class_at(tmp_path, ["perfect"])
    change_source(course, 'q.equal("of 8"', 'import signal; signal.pause()\nq.equal("of 8"')
    monkeypatch.setattr(worker, "GRACE", 1)
    claim, slot = sandbox.claim_slot()
    with claim:
        released = release(cells.read(course.source(TINY)), TINY, "perfect", course.secret).cells
        read, write = os.pipe()     # stands for the input of a worker, which stays open
        before = os.dup(0)
        try:
            os.dup2(read, 0)
            assert worker.result_of(course, TINY, "perfect", released, slot, False, False) == "graded"
        finally:
            os.dup2(before, 0)
            for fd in (before, read, write):
                os.close(fd)
    assert marks(course)["perfect"] == {"double": 4, "area": 4, "half": 0, "words": 4, "apply": 4, "rows": 4}
    assert "half-check: the tester was killed in this question" in course.results(TINY)["perfect"]["flags"]
