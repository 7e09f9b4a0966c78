"""The notebooks for the browser, as built by `make book`: every file is there, by its hash."""
import hashlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import lite  # noqa: E402

FOLDER = lite.OUTPUT / "static" / "pyodide"


@pytest.mark.skipif(not FOLDER.exists(), reason="no notebooks for the browser: run make book; they were not checked")
def test_what_was_built_is_whole():
    packages = json.loads((FOLDER / "pyodide-lock.json").read_text())["packages"]
    here = {name for name, package in packages.items() if "/" not in package["file_name"]}
    for name in here:
        content = (FOLDER / packages[name]["file_name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == packages[name]["sha256"]
        assert {other.lower().replace("_", "-") for other in packages[name]["depends"]} <= here
    assert {*lite.KERNEL, "sympy", "ipywidgets", "nnlib", "nnlib-mnist"} <= here and "numpy" not in here
    chapters = {path.name for path in (ROOT / "book").glob("*.ipynb")}
    assert {path.name for path in (lite.OUTPUT / "files" / "book").glob("*.ipynb")} == chapters
