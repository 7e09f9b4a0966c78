"""Two kernels may run the same chapter at once, and two processes may save to the same place."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlib import dense_network, load

BOOK = Path(__file__).parents[1] / "book"
WRITES = re.compile(r"\bsave\(|\bsavez?\(|\.write|\bopen\(|savefig|mkdir|to_file")


def code(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_one_chapter_writes_a_file():
    assert {path.stem for path in BOOK.glob("*.ipynb") if any(map(WRITES.search, code(path)))} == {"training"}


# what the pictures are written to, and read from, is memory; and the name of a setting
IN_MEMORY = re.compile(r"savefig\(drawn\b|\bsave\(content\b|\bopen\(drawn\b|\"savefig\.\w+\"")


def test_what_the_chapters_share_writes_no_file():
    texts = {path.name: path.read_text(encoding="utf-8") for path in BOOK.glob("*.py")}
    assert {"exhibits.py", "pad.py"} <= set(texts)
    assert "drawn, content = io.BytesIO(), io.BytesIO()" in texts["exhibits.py"]
    assert [name for name, text in texts.items() if WRITES.search(IN_MEMORY.sub("", text))] == []


def test_two_kernels_run_what_the_chapter_writes_at_once():
    cells = code(BOOK / "training.ipynb")
    first = next(n for n, source in enumerate(cells) if "by_library = " in source)
    saving, = (source for source in cells if WRITES.search(source))
    before = sorted(BOOK.iterdir())
    program = """
import json, sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in json.loads(sys.argv[1])])
NotebookClient(notebook, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0].text)
"""
    parts = json.dumps([*cells[:first + 1], "trained = by_library", saving, "print(fresh.parameters['W1'].sum())"])
    running = [subprocess.Popen([sys.executable, "-c", program, parts], cwd=BOOK, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    one, other = (process.communicate()[0] for process in running)
    assert one == other and float(one) and sorted(BOOK.iterdir()) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows replaces no file that a reader holds open: PermissionError")
def test_two_processes_save_to_one_place_and_a_third_reads_whole_files(tmp_path):
    program = """
import sys
import numpy as np
from nnlib import dense_network, save
net = dense_network([200, 100, 10], np.random.default_rng(int(sys.argv[1])))
for _ in range(30):
    save(net, "net.npz")
    print("saved", flush=True)
"""
    nets = [dense_network([200, 100, 10], np.random.default_rng(seed)) for seed in range(2)]
    running = [subprocess.Popen([sys.executable, "-c", program, str(seed)], cwd=tmp_path, stdout=subprocess.PIPE) for seed in range(2)]
    for process in running:
        process.stdout.readline()
    while any(process.poll() is None for process in running):
        found = load(tmp_path / "net.npz").parameters
        assert any(all((found[name] == array).all() for name, array in net.parameters.items()) for net in nets)
    assert [process.communicate()[0].count(b"saved") for process in running] == [29, 29]
    assert [process.returncode for process in running] == [0, 0] and [path.name for path in tmp_path.iterdir()] == ["net.npz"]
