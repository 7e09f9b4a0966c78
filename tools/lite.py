"""Put the book's chapters and assignments, as notebooks that run in the browser, into _build/html/lite.

The pages hold JupyterLite, Pyodide (from npm, by its SHA-256), nnlib, and the wheels of lite.txt; a
plain `import` finds them. All other wheels of Pyodide's own list, NumPy and Matplotlib among them,
are fetched from Pyodide's server when a notebook imports them. Run this after the book is built.
"""
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
from vendor import fetch

from nnlib.course import cells
from nnlib.course.release import release

ROOT = Path(__file__).parent.parent
WORK, OUTPUT = ROOT / "_build" / "lite", ROOT / "_build" / "html" / "lite"
DOWNLOADS, ASSIGNMENTS = ROOT / "_build" / "html" / "assignments", sorted((ROOT / "book" / "assignments").glob("*.ipynb"))
WHEELS = Path(__file__).with_name("lite.txt")
VERSION = "314.0.6"  # the one that jupyterlite-pyodide-kernel is made for
PYODIDE = (f"pyodide@{VERSION}", "d78ac549b28a2a58600cd06f44e017024151775f8c6b2d73fab1475400d38ea2",
           ("README.md", "package.json", "pyodide-lock.json", "pyodide.asm.", "pyodide.mjs", "python_stdlib.zip"))
ELSEWHERE = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
# loaded while the kernel starts: its own modules, which it would else ask PyPI for
KERNEL = ["micropip", "packaging", "piplite", "ipykernel", "comm", "pyodide-kernel", "jedi", "ipython"]
DEPENDS = {  # of the wheels that Pyodide's list does not know, or knows in another version
    "sympy": ["mpmath"], "mpmath": [], "comm": [], "jupyterlab-widgets": [],
    "ipywidgets": ["comm", "ipython", "jupyterlab-widgets", "traitlets"],
    "nnlib": ["mpmath"], "nnlib-mnist": ["nnlib"],  # not NumPy: the proofs run without it
    "piplite": ["micropip"], "ipykernel": [], "pyodide-kernel": ["comm", "ipython"]}


def wheel(folder, name, version, files):
    """Write the wheel of these files {name inside: bytes} into the folder."""
    info = f"{name}-{version}.dist-info"
    files = files | {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
                     f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = f"{info}/RECORD,,\n"
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in (files | {f"{info}/RECORD": record.encode()}).items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)


def nnlib_wheels(folder):
    """Write two wheels: nnlib's code, and the 11 MB of digits, which few notebooks need."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    code = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted((ROOT / "nnlib").rglob("*.py"))}
    digits = {"nnlib/data/mnist.npz": (ROOT / "nnlib/data/mnist.npz").read_bytes(),
              "nnlib_mnist.py": b'"""Imported for its wheel, which brings the digits to nnlib."""\n'}
    wheel(folder, "nnlib", version, code | {f"nnlib-{version}.dist-info/LICENSE": (ROOT / "LICENSE").read_bytes()})
    wheel(folder, "nnlib_mnist", version,
          digits | {f"nnlib_mnist-{version}.dist-info/LICENSE": (ROOT / "nnlib/data/README.md").read_bytes()})


def lock(folder):
    """Name the wheels of the folder in Pyodide's list; all others are taken from Pyodide's server."""
    path = folder / "pyodide-lock.json"
    content = json.loads(path.read_text())
    for package in content["packages"].values():
        package["file_name"] = ELSEWHERE + package["file_name"]
    for file in sorted(folder.glob("*.whl")):
        distribution, version = file.name.split("-")[:2]
        name = distribution.lower().replace("_", "-")
        known = content["packages"].get(name, {"imports": [distribution]})
        content["packages"][name] = {
            "depends": DEPENDS.get(name, known.get("depends")), "file_name": file.name, "imports": known["imports"],
            "install_dir": "site", "name": name, "package_type": "package", "unvendored_tests": False,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "version": version}
    path.write_text(json.dumps(content))


def pyodide(folder):
    """Fill the folder with Pyodide, the wheels that the book serves, and the list that names them."""
    fetch(*PYODIDE, folder)
    subprocess.run([sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--python-version", "3.14",
                    "--only-binary", ":all:", "--require-hashes", "-r", WHEELS, "-d", folder], check=True)
    kernel = Path(sys.prefix) / "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
    for name in ("piplite", "ipykernel", "pyodide_kernel"):
        shutil.copy(*kernel.glob(f"{name}-*.whl"), folder)
    nnlib_wheels(folder)
    lock(folder)


def notebook(content):
    """Turn a notebook into one for the kernel in the browser, and return it."""
    content.metadata["kernelspec"] = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}
    for cell in content.cells:
        if cell.cell_type == "code":  # nothing is shown that was not run in the reader's browser
            cell.outputs, cell.execution_count = [], None
    return content


# what JupyterLab does not know of the book's Markdown, and what it shows in its place
PLAIN = [(r"^\([\w.-]+\)=\n", ""), (r"^:\w+:.*\n", ""), (r"^`{3,}\{solution-end\}\n`{3,}$", ""),
         (r"^`{3,}\{admonition\} (.*)$", r"**\1.**"), (r"^`{3,}\{exercise\} ?(.*)$", r"**Exercise: \1.**"),
         (r"^`{3,}\{solution(?:-start)?\} .*$", "**Solution.**"), (r"^`{3,}\{(?:prf:)?(\w+)\} ?(.*)$", r"**\1: \2.**"),
         (r"^`{3,}$", ""), (r"\{doc\}`([\w]+)`", r"[\1](\1.ipynb)"), (r"\{[\w:]+\}`([^`<]+?) <[^`]*>`", r"\1"),
         (r"\{(?:prf:ref|ref|numref)\}`(?:thm|def|fig|sec|ex|alg|err|prop)-([^`]*)`", r"*\1*"), (r"\{[\w:]+\}`", "`")]


def plain(text):
    """Return a chapter's Markdown without labels, directives and roles; code blocks stay."""
    parts = re.split(r"(^(?:~~~|```\w+\n)[\s\S]*?^(?:~~~|```)$)", text, flags=re.M)
    for n in range(0, len(parts), 2):
        for pattern, shown in PLAIN:
            parts[n] = re.sub(pattern, shown, parts[n], flags=re.M)
    return "".join(parts)


def chapter(path):
    """Return the chapter, begun by a cell that fetches what its cells and nnlib import without naming it."""
    content = notebook(nbformat.read(path, as_version=4))
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
    code = "\n".join(cell.source for cell in content.cells if cell.cell_type == "code")
    needed = ["ipywidgets", "matplotlib", "numpy"]
    needed += ["sympy"] * ("sympy" in code) + ["nnlib_mnist"] * ("load_mnist" in code)
    line = f"import {', '.join(needed)}  # fetched now, before the chapter begins"
    content.cells.insert(0, nbformat.v4.new_code_cell(line, id="fetch"))
    return content


def assignment(path):
    """Return what a student of no course gets of an assignment: without solutions and hidden tests."""
    return release(cells.read(path), path.stem)


def assignment_here(path):
    """Return the same for the kernel in the browser, where the digits come as a wheel of their own."""
    content = notebook(assignment(path))
    if any("load_mnist" in cell.source for cell in content.cells):
        content.cells.insert(0, nbformat.v4.new_code_cell("import nnlib_mnist  # fetched now: the digits", id="fetch"))
    return content


def contents(folder):
    """Fill the folder with the notebooks, and with what the chapters import and read."""
    (folder / "book" / "assignments").mkdir(parents=True)
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        nbformat.write(chapter(path), folder / "book" / path.name)
    for path in ASSIGNMENTS:
        nbformat.write(assignment_here(path), folder / "book" / "assignments" / path.name)
    for ending in ("py", "js", "json"):
        for path in (ROOT / "book").glob(f"*.{ending}"):
            shutil.copy(path, folder / "book")
    nbformat.write(notebook(nbformat.read(ROOT / "tools" / "proofs.ipynb", as_version=4)), folder / "proofs.ipynb")


def downloads(folder):
    """Fill the folder with the assignments as a student downloads them."""
    folder.mkdir(parents=True)
    for path in ASSIGNMENTS:
        nbformat.write(assignment(path), folder / path.name)


def main():
    for folder in (WORK, OUTPUT, DOWNLOADS):  # with the list in WORK of what is up to date, which knows nothing of OUTPUT
        shutil.rmtree(folder, ignore_errors=True)
    pyodide(WORK / "static" / "pyodide")
    contents(WORK / "contents")
    downloads(DOWNLOADS)
    settings = {"@jupyterlite/pyodide-kernel-extension:kernel": {"loadPyodideOptions": {"packages": KERNEL}}}
    (WORK / "jupyter-lite.json").write_text(json.dumps(
        {"jupyter-lite-schema-version": 0, "jupyter-config-data": {
            "litePluginSettings": settings, "exposeAppInBrowser": True}}))  # for tools/run_lite.py
    subprocess.run([sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", WORK, "--output-dir", OUTPUT,
                    "--contents", "contents", "--apps", "notebooks", "--apps", "tree", "--no-sourcemaps",
                    "--no-unused-shared-packages", "--no-libarchive", "--log-level", "WARN"],
                   check=True, cwd=WORK, stdout=subprocess.DEVNULL)
    print(f"notebooks for the browser in {OUTPUT}")


if __name__ == "__main__":
    main()
