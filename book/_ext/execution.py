"""A Sphinx extension: chapters are executed one on each core, and again whenever anything that they use has changed.

Jupyter Book executes one notebook after the other, and its cache knows only the cells. Here the cache's
folder is named by all that the cells may use, so a changed nnlib never publishes an old result.
"""
import asyncio
import hashlib
import os
import shutil
import sys
import time
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
    """Return the hash of what the cells import and read, and of the packages' versions."""
    files = [ROOT / "requirements.txt", ROOT / "constraints.txt"]
    files += [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*"))
              if path.suffix in ENDINGS and not {"_vendor", "_ext", "_static"} & {*path.parts}]
    total = hashlib.sha256(sys.version.encode())
    for path in files:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def name_cache(app, config):
    folder = Path(app.outdir).parent / f"executed-{digest()}"
    for other in folder.parent.glob("executed-*"):
        if other != folder:
            shutil.rmtree(other)
    config.nb_execution_cache_path = str(folder)


def execute(app, env, docnames):
    """Execute the notebooks that are about to be read and are not in the cache."""
    cache = get_cache(app.config.nb_execution_cache_path)
    waiting = []
    for name in sorted(docnames, key=lambda name: not name.endswith(FIRST)):
        path = Path(env.doc2path(name))
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                waiting.append((path, notebook))

    for path, notebook, seconds in asyncio.run(all_of(waiting, app.config.nb_execution_timeout)):
        logging.getLogger(__name__).info(f"{path.name}: executed in {seconds:.0f} s")
        cache.cache_notebook_bundle(CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds}),
                                    check_validity=False, overwrite=True)


async def all_of(waiting, timeout):
    """Execute the notebooks, as many at a time as there are cores."""
    cores = asyncio.Semaphore(os.cpu_count())

    async def one(path, notebook):
        async with cores:
            start = time.perf_counter()
            client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(path.parent)}},
                                    record_timing=False)  # times would stand in the cells by which a cache is searched
            try:
                await client.async_execute()
            except (CellExecutionError, CellTimeoutError) as error:
                raise ExtensionError(f"{path.name} was not executed to its end:\n{error}") from error
            return path, notebook, time.perf_counter() - start

    return await asyncio.gather(*(one(*item) for item in waiting))


def setup(app):
    app.connect("config-inited", name_cache)
    app.connect("env-before-read-docs", execute)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
