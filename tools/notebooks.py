"""Run notebooks and store them slim, so that a second run changes nothing.

Usage: python tools/notebooks.py [--check] book/*.ipynb

Pictures, widget state and times are dropped: the book's build makes them again. Texts stay: nbval
compares them. What the book's build has run of the same state (`_build/executed-…`) is not run twice.
With --check nothing is run; an unslim or unexecuted notebook is named.
"""
import hashlib
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import execution  # noqa: E402

DROPPED = ("image/png", "image/svg+xml", "application/vnd.jupyter.widget-view+json", "application/javascript")
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}


def slim(notebook):
    """Drop what changes from run to run or weighs much, and name the cells by their content."""
    notebook.metadata = METADATA | {key: notebook.metadata[key] for key in ("mystnb", "nnlib") if key in notebook.metadata}
    count, seen = 0, {}
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest}-{seen[digest]}"
        for key in ("execution", "trusted", "lines_to_next_cell"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        ignored = "nbval-ignore-output" in cell.metadata.get("tags", [])  # large, and no test compares it
        cell.outputs = [] if ignored else merged(cell.outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if "data" in output:
                output.data = {kind: data for kind, data in output.data.items() if kind not in DROPPED}
                output.metadata = {}
    return notebook


def merged(outputs):
    """Join pieces of one stream: where it was cut depends on the machine's load."""
    whole = []
    for output in outputs:
        if whole and output.output_type == "stream" and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def stored(notebook):
    return nbformat.writes(slim(notebook)) + "\n"


def run(paths):
    """Run the notebooks; return them with what they gave, {path: (text of the file, notebook)}, and what went wrong."""
    texts = {path: path.read_text() for path in paths}
    folder = execution.cache_folder(ROOT / "_build")
    _, failed = execution.execute(paths, folder, timeout=900)
    with execution.opened(folder) as cache:
        return {path: (text, cache.merge_match_into_notebook(nbformat.reads(text, as_version=4))[1])
                for path, text in texts.items() if path not in failed}, list(failed.values())


def check(paths):
    """Return what is wrong with the stored notebooks, without running them."""
    bad = []
    for path in paths:
        text = path.read_text()
        notebook = nbformat.reads(text, as_version=4)
        if any(cell.cell_type == "code" and cell.execution_count is None for cell in notebook.cells):
            bad.append(f"{path}: a cell was never executed")
        if stored(notebook) != text:
            bad.append(f"{path}: not slim, run `make notebooks`")
    return bad


def main(arguments):
    paths = [Path(name) for name in arguments if not name.startswith("--")]
    if "--check" in arguments:
        sys.exit("\n".join(check(paths)) or 0)
    ran, bad = run(paths)
    for path, (text, notebook) in ran.items():
        if path.read_text() != text:
            bad.append(f"{path}: changed by someone else while it ran, not stored")
        elif stored(notebook) != text:
            path.write_text(stored(notebook))
            print(f"{path}: stored")
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
