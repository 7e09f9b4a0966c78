"""Many submissions at once: on the processors of this machine, or on a Dask cluster.

Each worker writes the results of its own submissions, one file each, whole or not at all. So a batch
that was killed goes on where it was, and a second one grades only what has changed.
"""
from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeAlias

from tqdm import tqdm

from . import cells, sandbox
from .folder import Course
from .release import release
from .worker import Worker

Task: TypeAlias = dict[str, Any]  # what `worker.result_of` takes, by name
Outcome: TypeAlias = tuple[str | None, str | None]


class NotGraded(RuntimeError):
    """Some tasks failed, by no fault of the students; all others are graded."""


_workers: dict[int, Worker] = {}       # of this process: {thread: its warm process}


def grade(course: Course, name: str, students: Iterable[str], jobs: int = 1, dask: str | None = None,
          unsafe: bool = False, again: bool = False) -> dict[str, int]:
    """Grade what these students handed in; return {"graded": how many, "kept": how many}.

    Raises `sandbox.NoIsolation` before anything is graded, and `NotGraded` when all else is.
    """
    source = cells.read(course.source(name))
    if shown := [str(folder) for folder in sandbox.visible() if course.path.is_relative_to(folder)]:
        raise sandbox.NoIsolation(f"the course lies in {shown[0]}, which students' code can read: move it")
    tasks = [dict(course=str(course.path), name=name, student=student, unsafe=unsafe, again=again,
                  released=release(source, name, student, course.secret).cells) for student in students]
    counts = {"graded": 0, "kept": 0}
    failures: list[str] = []
    run = on_cluster(tasks, dask) if dask else on_processors(tasks, jobs, unsafe)
    with tqdm(total=len(tasks), desc=name, unit="student") as bar:
        for done, failure in run:
            if failure:
                failures.append(failure)
            elif done:
                counts[done] += 1
            bar.update()
    if failures:
        raise NotGraded(f"{len(failures)} of {len(tasks)} were not graded:\n" + "\n".join(failures[:10]))
    return counts


def outcome(future: Future[str]) -> Outcome:
    """Return (what was done, None) or (None, what went wrong) of a task that has ended."""
    error = future.exception()
    return (None, str(error)) if error else (future.result(), None)


def isolated() -> None:
    """Raise `sandbox.NoIsolation` where no sandbox can be made on this machine."""
    claim, slot = sandbox.claim_slot()
    with claim:
        sandbox.require(slot)


def mine() -> Worker:
    """The warm process of this thread."""
    here = threading.get_ident()
    if here not in _workers:
        _workers[here] = Worker()
    return _workers[here]


def end_workers() -> None:
    """End the warm processes of this process' threads."""
    while _workers:
        _workers.popitem()[1].close()


def on_processors(tasks: list[Task], jobs: int, unsafe: bool) -> Iterator[Outcome]:
    """Yield (done, failure) of each task, as they end; `jobs` threads have a warm process each."""
    if not unsafe:
        isolated()
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(lambda task: mine().grade(**task), task) for task in tasks]
        yield from map(outcome, concurrent.futures.as_completed(futures))
    finally:        # also where the teacher presses Ctrl-C
        pool.shutdown(wait=False, cancel_futures=True)
        end_workers()


def on_cluster(tasks: list[Task], address: str) -> Iterator[Outcome]:
    """Yield (done, failure) of each task; the workers of the cluster must see the course's folder."""
    from dask.distributed import Client, as_completed
    with Client(address) as client:
        try:
            for future in as_completed(client.map(grade_there, tasks, pure=False, retries=0)):
                yield outcome(future)
        finally:
            client.run(end_workers)


def grade_there(task: Task) -> str:
    """Grade one task in a worker of a cluster, whose machine must isolate too."""
    if not task["unsafe"] and threading.get_ident() not in _workers:
        isolated()
    return mine().grade(**task)
