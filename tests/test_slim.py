"""What tools/notebooks.py keeps of a notebook that was run."""
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


def test_a_notebook_is_run_and_stored_and_a_second_run_changes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    path = tmp_path / "chapter.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(6 * 7)")], metadata=notebooks.METADATA), path)
    for printed in f"{path}: stored\n", "":
        with pytest.raises(SystemExit) as end:
            notebooks.main([str(path)])
        assert end.value.code == 0 and capsys.readouterr().out == printed
        assert nbformat.read(path, 4).cells[0].outputs[0].text == "42\n" and notebooks.check([path]) == []
