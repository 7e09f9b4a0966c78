"""A Sphinx extension: chapters are executed one on each core, and again whenever anything that they use has changed.

Jupyter Book executes one notebook after the other, and its cache knows only the cells. Here the cache's
folder is named by all that the cells may use, so a changed nnlib never publishes an old result. The
command `make notebooks` shares the cache: what a state of the book gives is computed once.
"""
import asyncio
import hashlib
import os
import shutil
import sys
import time
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from sphinx.errors import ExtensionError
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
FOLDERS, ENDINGS = ("nnlib", "book"), (".py", ".js", ".json", ".npz")
FIRST = "digits"  # the longest: the other cores take the rest in the meantime


def digest():
    """Return the hash of what the cells import and read, and of the versions of Python and all packages."""
    files = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*"))
             if path.suffix in ENDINGS and not {"_vendor", "_ext", "_static"} & {*path.parts}]
    packages = sorted({f"{package.name} {package.version}" for package in distributions()})
    total = hashlib.sha256("\n".join([sys.version, *packages]).encode())
    for path in files:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def cache_folder(build):
    """Return the folder of the cache for what is here now; caches for what was here before are removed."""
    folder = build / f"executed-{digest()}"
    for other in build.glob("executed-*"):
        if other != folder:
            shutil.rmtree(other)
    return folder


@contextmanager
def opened(folder):
    """Give the cache; its database is closed afterwards, or Python 3.13 warns of it at any later time."""
    cache = get_cache(folder)
    try:
        yield cache
    finally:
        cache.db.dispose()


def execute(paths, folder, timeout):
    """Execute the notebooks that are not in the cache of this folder, as many at a time as there are cores.

    Each has one thread of the matrix library: more would wait for each other, a hundred times as long as they work.
    Return the seconds that each took, {path: seconds}, and what went wrong, {path: message}.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cores, took, failed = asyncio.Semaphore(os.cpu_count()), {}, {}

    async def one(path, notebook):
        async with cores:
            start = time.perf_counter()
            client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(path.parent)}},
                                    record_timing=False)  # times would stand in the cells by which a cache is searched
            try:
                await client.async_execute()
            except (CellExecutionError, CellTimeoutError) as error:
                failed[path] = f"{path.name} was not executed to its end:\n{error}"
                return
            took[path] = time.perf_counter() - start
            cache.cache_notebook_bundle(CacheBundleIn(notebook, str(path), data={"execution_seconds": took[path]}),
                                        check_validity=False, overwrite=True)

    async def all_of(waiting):
        await asyncio.gather(*(one(*item) for item in waiting))

    notebooks = [(path, nbformat.read(path, as_version=4)) for path in sorted(paths, key=lambda path: path.stem != FIRST)]
    with opened(folder) as cache:
        asyncio.run(all_of([item for item in notebooks if not found(cache, item[1])]))
    return took, failed


def found(cache, notebook):
    """Tell whether the cache holds these cells executed; never if they read other notebooks, which its name leaves out."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return not any(".ipynb" in cell.source for cell in notebook.cells if cell.cell_type == "code")


def name_cache(app, config):
    config.nb_execution_cache_path = str(cache_folder(Path(app.outdir).parent))


def before_reading(app, env, docnames):
    """Execute the notebooks that are about to be read."""
    paths = [path for path in map(Path, map(env.doc2path, docnames)) if path.suffix == ".ipynb"]
    took, failed = execute(paths, app.config.nb_execution_cache_path, app.config.nb_execution_timeout)
    for path, seconds in took.items():
        logging.getLogger(__name__).info(f"{path.name}: executed in {seconds:.0f} s")
    if failed:
        raise ExtensionError("\n".join(failed.values()))


def setup(app):
    app.connect("config-inited", name_cache)
    app.connect("env-before-read-docs", before_reading)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
