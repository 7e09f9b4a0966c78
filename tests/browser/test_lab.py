"""The cell that makes a slider on a page makes a live one in JupyterLab: with a kernel, from the same notebook."""
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from browse import ROOT
from test_controls import SHOWN


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab on the code of a chapter up to its first slider (Lab draws what is on the screen)."""
    shutil.copy(ROOT / "book" / "exhibits.py", tmp_path)
    chapter = nbformat.read(ROOT / "book" / "neuron.ipynb", as_version=4)
    code = [cell for cell in chapter.cells if cell.cell_type == "code"]
    last = next(n for n, cell in enumerate(code) if "\nslider(" in cell.source)
    chapter.cells = code[:last + 1]
    nbformat.write(chapter, tmp_path / "neuron.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", f"--port={port}",
                               "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--notebook-dir={tmp_path}",
                               "--LabApp.news_url=None"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/status").close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_a_slider_is_live_with_a_kernel(browser, lab):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/lab/tree/neuron.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    handle = page.locator(".jp-OutputArea .noUi-handle").first
    handle.wait_for()
    handle.scroll_into_view_if_needed()
    seen = {handle.evaluate(SHOWN)}
    for _ in range(3):
        handle.press("ArrowRight")
        page.wait_for_timeout(200)
        seen.add(handle.evaluate(SHOWN))
    assert len(seen) > 1 and all(seen)
    page.close()
