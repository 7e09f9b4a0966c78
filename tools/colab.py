"""Put the chapters as notebooks for Google Colab into _build/html/colab, if _config.yml names a repository.

A button on each page opens them (book/_ext/publish.py): Colab reads notebooks from a branch on GitHub, here from
gh-pages, on which the built pages stand. A first cell brings nnlib and what the chapters import and read.
"""
import shutil
from pathlib import Path

import nbformat
import yaml
from lite import plain

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "_build" / "html" / "colab"
FIRST = """# brings the book and its library to this machine; takes half a minute
!git clone -q --depth 1 --branch {branch} {url} book-and-nnlib
%cd -q book-and-nnlib/book
%pip install -q ../[derivations,progress]"""


def chapter(path, url, branch):
    """Return a chapter for Colab: without outputs, and with the cell that fetches what it needs."""
    content = nbformat.read(path, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        else:
            cell.outputs, cell.execution_count = [], None
    content.cells.insert(0, nbformat.v4.new_code_cell(FIRST.format(url=url, branch=branch), id="fetch"))
    return content


def main():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    if repository["url"]:
        OUTPUT.mkdir()
        for path in sorted((ROOT / "book").glob("*.ipynb")):
            nbformat.write(chapter(path, repository["url"], repository["branch"]), OUTPUT / path.name)


if __name__ == "__main__":
    main()
