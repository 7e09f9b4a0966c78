"""A Sphinx extension: chapters are executed one on each core, and again whenever anything that they use has changed.

Jupyter Book executes one notebook after the other, and its cache knows only the cells. Here the cache's
folder is named by all that the cells may use, so a changed nnlib never publishes an old result.
"""
import hashlib
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
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

    def run(path, notebook):
        return single_nb_execution(notebook, cwd=path.parent, timeout=app.config.nb_execution_timeout,
                                   allow_errors=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, _), result in zip(waiting, pool.map(run, *zip(*waiting))):
            if result.err:
                raise ExtensionError(f"{path.name} was not executed to its end:\n{result.exc_string}")
            logging.getLogger(__name__).info(f"{path.name}: executed in {result.time:.0f} s")
            cache.cache_notebook_bundle(CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time}),
                                        check_validity=False, overwrite=True)


def setup(app):
    app.connect("config-inited", name_cache)
    app.connect("env-before-read-docs", execute)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
