"""What tools/notebooks.py keeps of a notebook that was run."""
import sys
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook, new_output

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from notebooks import slim


def test_an_output_that_no_test_compares_is_not_stored():
    page = new_output("display_data", data={"text/html": "<div>" + "A" * 100_000, "text/plain": "<HTML object>"})
    text = new_output("stream", text="kept\n")
    cells = [new_code_cell("pad()", outputs=[page, text], metadata={"tags": ["hide-input", "nbval-ignore-output"]}),
             new_code_cell("print('kept')", outputs=[text], metadata={"tags": ["hide-input"]})]
    first, second = slim(new_notebook(cells=cells)).cells
    assert first.outputs == [] and first.execution_count == 1
    assert [output.text for output in second.outputs] == ["kept\n"]
