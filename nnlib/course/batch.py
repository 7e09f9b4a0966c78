"""Many submissions at once: on the processors of this machine, or on a Dask cluster.

Each worker writes the results of its own submissions, one file each, whole or not at all. So a batch
that was killed goes on where it was, and a second one grades only what has changed.
"""
import concurrent.futures
import threading

from tqdm import tqdm

from . import cells, sandbox
from .release import release
from .worker import Worker

_mine = threading.local()       # of a thread of a Dask worker: its warm process


def grade(course, name, students, jobs=1, dask=None, unsafe=False, again=False):
    """Grade what these students handed in; return {"graded": how many, "kept": how many}.

    Raises `sandbox.NoIsolation` before anything is graded, and `RuntimeError` where a task failed
    that is no student's fault (all others are then graded).
    """
    source = cells.read(course.source(name))
    tasks = [dict(course=str(course.path), name=name, student=student, unsafe=unsafe, again=again,
                  released=release(source, name, student, course.secret).cells) for student in students]
    counts, failures = {"graded": 0, "kept": 0}, []
    run = on_cluster(tasks, dask) if dask else on_processors(tasks, jobs, unsafe)
    with tqdm(total=len(tasks), desc=name, unit="student") as bar:
        for done, failure in run:
            if failure:
                failures.append(failure)
            else:
                counts[done] += 1
            bar.update()
    if failures:
        raise RuntimeError(f"{len(failures)} of {len(tasks)} were not graded:\n" + "\n".join(failures[:10]))
    return counts


def outcome(future):
    error = future.exception()
    return (None, str(error)) if error else (future.result(), None)


def on_processors(tasks, jobs, unsafe):
    """Yield (done, failure) of each task, as they end; `jobs` warm processes share them."""
    if not unsafe:
        claim, slot = sandbox.claim_slot()
        with claim:
            sandbox.require(slot)
    workers = []

    def begin():
        _mine.worker = Worker()
        workers.append(_mine.worker)

    pool = concurrent.futures.ThreadPoolExecutor(jobs, initializer=begin)
    try:
        futures = [pool.submit(lambda task: _mine.worker.grade(**task), task) for task in tasks]
        yield from map(outcome, concurrent.futures.as_completed(futures))
    finally:        # also where the teacher presses Ctrl-C
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()


def on_cluster(tasks, address):
    """Yield (done, failure) of each task; the workers of the cluster must see the course's folder."""
    from dask.distributed import Client, as_completed
    with Client(address, set_as_default=False) as client:
        futures = client.map(grade_there, tasks, pure=False)
        for future in as_completed(futures):
            yield outcome(future)


def grade_there(task):
    """Grade one task in a worker of a cluster, which must be isolated too."""
    if not hasattr(_mine, "worker"):
        if not task["unsafe"]:
            claim, slot = sandbox.claim_slot()
            with claim:
                sandbox.require(slot)
        _mine.worker = Worker()
    return _mine.worker.grade(**task)
