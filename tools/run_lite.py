"""Run notebooks to their end in JupyterLite, as tools/lite.py has built it, in Chromium and with the public web.

Usage: python tools/run_lite.py [book/neuron.ipynb ...]; without names proofs.ipynb and every chapter.
NumPy and Matplotlib come from Pyodide's server: where that cannot be reached, only proofs.ipynb ends well.
"""
import sys

import lite
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(lite.ROOT / "tests" / "browser"))
import browse

MINUTES = 15  # for one notebook, its packages included
# run all cells; return the text of the first error, or the number of cells that were run
RUN = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await window.jupyterapp.commands.execute('notebook:run-all-cells');
  const cells = panel.content.model.sharedModel.toJSON().cells.filter(cell => cell.cell_type === 'code');
  const failed = cells.flatMap(cell => cell.outputs).find(output => output.output_type === 'error');
  return failed ? `${failed.ename}: ${failed.evalue}` : cells.filter(cell => cell.execution_count).length;
}"""


def run(browser, address, name):
    """Run one notebook; return what went wrong, or the number of its cells."""
    page = browser.new_page()
    page.set_default_timeout(MINUTES * 60_000)
    page.goto(f"{address}/lite/notebooks/index.html?path={name}")
    page.locator(".jp-Toolbar-kernelName", has_text="Pyodide").wait_for()
    found = page.evaluate(RUN)
    page.close()
    return found


def main(names):
    names = names or ["proofs.ipynb", *(f"book/{path.name}" for path in sorted((lite.ROOT / "book").glob("*.ipynb")))]
    failed = []
    with browse.served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browse.CHROMIUM, args=["--no-sandbox"])
        for name in names:
            found = run(browser, address, name)
            failed += [name] if isinstance(found, str) or not found else []
            print(f"{name}: {found if isinstance(found, str) else f'{found} cells'}", flush=True)
        browser.close()
    print(f"{len(names) - len(failed)} of {len(names)} notebooks ran to their end in the browser")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
