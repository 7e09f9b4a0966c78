"""The notebooks for the browser, as built by `make book`: every file is there, by its hash."""
import hashlib
import json
import sys
import time
from pathlib import Path

import pytest
from yardstick import in_time

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
    for folder in (lite.OUTPUT / "files" / "book" / "assignments", lite.DOWNLOADS):
        assert sorted(path.name for path in folder.iterdir()) == [path.name for path in lite.ASSIGNMENTS]


@pytest.mark.alone
@pytest.mark.skipif(not FOLDER.exists(), reason="no notebooks for the browser: run make book; no proof was run there")
def test_the_first_proof_and_a_false_line_in_the_browser(browser, address):
    context = browser.new_context()
    page, outside = context.new_page(), []
    context.on("request", lambda sent: outside.append(sent.url)
               if not sent.url.startswith((address, "data:", "blob:")) else None)
    start = time.monotonic()
    page.goto(f"{address}/lite/notebooks/index.html?path=proofs.ipynb")
    page.locator(".jp-Toolbar-kernelName", has_text="Pyodide").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output mjx-container").first.wait_for(timeout=60_000)
    took = time.monotonic() - start
    for _ in range(5):  # two texts and the cells between: the last is the typed line
        page.keyboard.press("Shift+Enter", delay=200)
    page.locator(".jp-OutputArea-output", has_text="False:").first.wait_for(timeout=60_000)
    assert in_time(took, 25) and not outside
    context.close()


@pytest.mark.skipif(not FOLDER.exists(), reason="no notebooks for the browser: run make book; no assignment was opened there")
def test_a_proof_of_an_assignment_is_written_and_checked_in_the_browser(browser, address):
    """Without the public web: the first cell of the notebook, and the three cells of the proof."""
    context = browser.new_context()
    context.route(lambda url: not url.startswith((address, "data:", "blob:")), lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{address}/lite/notebooks/index.html?path=book/assignments/hard_threshold.ipynb")
    page.locator(".jp-Toolbar-kernelName", has_text="Pyodide").wait_for(timeout=60_000)
    cells = lite.assignment_here(ROOT / "book" / "assignments" / "hard_threshold.ipynb").cells
    names = [cell.metadata.nbgrader.grade_id for cell in cells]
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Escape")
    for _ in range(names.index("flat-problem") - names.index("setup-numpy")):
        page.keyboard.press("ArrowDown", delay=50)
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="Show line by line").first.wait_for(timeout=60_000)
    for lines, answer in (('["D((a - y)^2, w)", "2 (a - y)"]', "False: the left side is"), ('["D((a - y)^2, w)", "D((step(w x + b) - y)^2, w)", "0"]', "1 of 1 checks hold")):
        page.keyboard.press("Enter")
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(f"lines = {lines}")
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea-output", has_text=answer).first.wait_for(timeout=60_000)
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowUp", delay=50)
        page.keyboard.press("ArrowUp", delay=50)
    context.close()
