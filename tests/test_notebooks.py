"""The chapters as files: executed, slim, complete, and without equations that nothing checks."""
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
ASSIGNMENTS = sorted((ROOT / "book" / "assignments").glob("*.ipynb"))


def texts(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def test_notebooks_are_executed_and_slim():
    run = subprocess.run([sys.executable, ROOT / "tools/notebooks.py", "--check", *CHAPTERS, *ASSIGNMENTS, ROOT / "tools/proofs.ipynb"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_contents_name_every_chapter():
    contents = (ROOT / "_toc.yml").read_text()
    named = [yaml.safe_load(contents)["root"], *re.findall(r"- file: (\S+)", contents)]
    assert sorted(named) == sorted(f"book/{path.stem}" for path in (ROOT / "book").glob("*.*")
                                   if path.suffix in (".ipynb", ".md"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_chain_of_equations_is_typed_by_hand(path):
    for text in texts(path):
        assert not re.search(r"\\begin\{(aligned|align|split|gather|alignat|eqnarray)", text)
        for formula in re.findall(r"\$\$(.*?)\$\$", text, re.S):
            # one display may hold several definitions side by side, but none of them a second "="
            for equation in re.split(r"\\q?quad", formula):
                bare = re.sub(r"\{[^{}]*\}", "", equation)
                assert bare.count("=") <= 1 or r"\begin{cases}" in equation, formula


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_figure_says_what_it_shows(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "plt.show()" in cell.source:
            told = cell.metadata.get("mystnb", {})
            assert len(told.get("image", {}).get("alt", "")) > 20, cell.source


def test_no_stored_output_is_large():
    for path in CHAPTERS:
        assert len(path.read_bytes()) < 400_000, path
        assert not re.search(r'"image/(png|jpeg)"', json.dumps(json.loads(path.read_text()))), path


def test_the_stored_accuracies_come_from_the_cells_of_the_page():
    sys.path.insert(0, str(ROOT / "tools"))
    import seeds
    stored = json.loads(seeds.STORED.read_text())
    assert stored["cells"] == seeds.digest(seeds.cells()), "a cell has changed: run tools/seeds.py"
    assert len(stored["plain"]) == len(stored["improved"]) == len(stored["seeds"]) == 3
