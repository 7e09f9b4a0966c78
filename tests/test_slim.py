"""What tools/notebooks.py keeps of a notebook that was run, and how it compares."""
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import notebooks


def test_an_output_that_no_test_compares_is_not_stored():
    page = new_output("display_data", data={"text/html": "<div>" + "A" * 100_000, "text/plain": "<HTML object>"})
    text = new_output("stream", text="kept\n")
    cells = [new_code_cell("pad()", outputs=[page, text], metadata={"tags": ["hide-input", "nbval-ignore-output"]}),
             new_code_cell("print('kept')", outputs=[text], metadata={"tags": ["hide-input"]})]
    first, second = notebooks.slim(new_notebook(cells=cells)).cells
    assert first.outputs == [] and first.execution_count == 1
    assert [output.text for output in second.outputs] == ["kept\n"]


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A stored notebook that prints 42, in a book of its own."""
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    path = tmp_path / "chapter.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(6 * 7)")], metadata=notebooks.METADATA), path)
    with pytest.raises(SystemExit) as end:
        notebooks.main([str(path)])
    assert end.value.code == 0 and notebooks.check([path]) == []
    return path


def test_a_notebook_that_gives_what_is_stored(chapter, capsys):
    with pytest.raises(SystemExit) as end:
        notebooks.main(["--test", str(chapter)])
    assert end.value.code == 0
    assert "1 of 1 notebooks give what is stored, 1 cells" in capsys.readouterr().out


def test_another_output_is_shown_beside_the_stored_one(chapter, capsys):
    chapter.write_text(chapter.read_text().replace('"42', '"43'))
    with pytest.raises(SystemExit, match=r'-\s+"43\\n"\n\+\s+"42\\n"'):
        notebooks.main(["--test", str(chapter)])
    assert "0 of 1 notebooks" in capsys.readouterr().out
