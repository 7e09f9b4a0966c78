"""The notebooks for the browser: their wheels, the list that names them, and the notebook of proofs."""
import ast
import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lite():
    sys.path.insert(0, str(ROOT / "tools"))  # it imports its neighbour vendor.py
    try:
        import lite
        yield lite
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def wheels(lite, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    lite.nnlib_wheels(folder)
    return {path.name.split("-")[0]: path for path in folder.iterdir()}


def test_wheels_record_what_they_hold(wheels):
    assert sorted(wheels) == ["nnlib", "nnlib_mnist"]
    for path in wheels.values():
        with zipfile.ZipFile(path) as archive:
            record, = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
            rows = [line.split(",") for line in archive.read(record).decode().splitlines()]
            assert sorted(name for name, *_ in rows) == sorted(archive.namelist())
            for name, digest, size in rows:
                if name != record:
                    content = archive.read(name)
                    kind, _, value = digest.partition("=")
                    assert base64.urlsafe_b64decode(value + "=") == hashlib.new(kind, content).digest()
                    assert int(size) == len(content)


def test_the_digits_are_in_one_wheel_and_whole(wheels):
    from nnlib.data import MNIST_SHA256
    with zipfile.ZipFile(wheels["nnlib"]) as code, zipfile.ZipFile(wheels["nnlib_mnist"]) as digits:
        assert not any(name.endswith(".npz") for name in code.namelist())
        assert hashlib.sha256(digits.read("nnlib/data/mnist.npz")).hexdigest() == MNIST_SHA256
        assert not set(code.namelist()) & set(digits.namelist())
    assert wheels["nnlib"].stat().st_size < 500_000


def test_the_wheel_proves_without_numpy_and_sympy(wheels):
    mpmath = Path(importlib.util.find_spec("mpmath").origin).parent.parent
    code = ("import sys; sys.path += sys.argv[1:]; sys.modules['numpy'] = sys.modules['sympy'] = None\n"
            "from nnlib.derivations import THEOREMS\n"
            "print(THEOREMS['softmax_backward']._repr_markdown_())")
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code, wheels["nnlib"], mpmath],
                         capture_output=True, text=True, encoding="utf-8")
    assert "4 steps, each proved" in run.stdout, run.stderr


def test_the_list_names_our_wheels_here_and_the_others_elsewhere(lite, tmp_path):
    packages = {name: {"name": name, "file_name": f"{name}-1.whl", "imports": [name], "depends": depends}
                for name, depends in [("numpy", []), ("sympy", ["mpmath"]), ("stack-data", ["six"])]}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps({"packages": packages}))
    for name in ("stack_data-2-py3-none-any.whl", "nnlib_mnist-0-py3-none-any.whl"):
        (tmp_path / name).write_bytes(name.encode())
    lite.lock(tmp_path)
    found = json.loads((tmp_path / "pyodide-lock.json").read_text())["packages"]
    assert found["numpy"]["file_name"] == lite.ELSEWHERE + "numpy-1.whl"
    assert found["stack-data"]["file_name"] == "stack_data-2-py3-none-any.whl"
    assert found["stack-data"]["depends"] == ["six"] and found["stack-data"]["imports"] == ["stack-data"]
    assert found["nnlib-mnist"]["depends"] == ["nnlib"] and found["nnlib-mnist"]["imports"] == ["nnlib_mnist"]
    assert found["nnlib-mnist"]["sha256"] == hashlib.sha256(b"nnlib_mnist-0-py3-none-any.whl").hexdigest()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_first_cell_fetches_what_a_chapter_imports(lite, path):
    first, *cells = [cell.source for cell in lite.chapter(path).cells if cell.cell_type == "code"]
    fetched = {alias.name for alias in ast.parse(first).body[0].names}
    code = [ast.parse(re.sub(r"^[%!].*", "", source, flags=re.M)) for source in cells]
    imported = {name.split(".")[0] for tree in code for node in ast.walk(tree)
                for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                             [node.module] if isinstance(node, ast.ImportFrom) else [])}
    beside = {file.stem for file in (ROOT / "book").glob("*.py")}
    assert imported <= set(sys.stdlib_module_names) | beside | fetched | {"nnlib", "IPython", "mpmath"}


def test_shared_wheels_have_the_versions_of_the_book(lite):
    pins = dict(line.lower().replace("_", "-").split()[0].split("==")
                for name in ("requirements.txt", "constraints.txt")
                for line in (ROOT / name).read_text().splitlines() if "==" in line)
    ours = lite.WHEELS.read_text().split("# what the notebook's kernel")[0]
    for name, version in re.findall(r"^([\w-]+)==(\S+)", ours, re.M):
        assert pins[name] == version


def test_the_notebook_of_proofs_proves_and_refuses():
    cells = nbformat.read(ROOT / "tools" / "proofs.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    space, shown = {}, []
    for source in code:
        *body, last = ast.parse(source).body
        exec(compile(ast.Module(body, []), "proofs", "exec"), space)
        shown.append(eval(compile(ast.Expression(last.value), "proofs", "eval"), space))
    theorem, names, typed, mine, wrong, challenge = shown
    assert "4 steps, each proved" in theorem._repr_markdown_()
    assert typed.kind == "false" and typed.numbers
    assert "softmax_backward" in names and mine.name == "distance_gradient"
    assert isinstance(wrong, space["FalseStep"]) and isinstance(challenge, space["FalseStep"])
    solution = cells[-1].source.split("sum itself: `")[1].split("`")[0]
    exec(code[-1].replace("exp(z[k]) / K", solution), space)
    assert space["answer"].name == "challenge"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_directive_role_or_label_is_left_in_the_text(lite, path):
    cells = lite.chapter(path).cells
    assert not any(cell.get("outputs") for cell in cells)
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for text in texts:
        assert not re.search(r"^\([\w.-]+\)=$|^`{3,}\{|\{[a-z:]+\}`", text, re.M), text


def test_text_becomes_plain_and_code_blocks_stay(lite):
    text = "(sec-a)=\n## A\n\n```{exercise} Two\n:label: ex-a\nSee {ref}`there <sec-b>` and {doc}`layer`.\n\n~~~python\nx = {1}\n~~~\n```"
    assert lite.plain(text) == "## A\n\n**Exercise: Two.**\nSee there and [layer](layer.ipynb).\n\n~~~python\nx = {1}\n~~~\n"


@pytest.mark.parametrize("path", sorted((ROOT / "book" / "assignments").glob("*.ipynb")), ids=lambda path: path.stem)
def test_assignments_are_handed_out_without_solutions_and_hidden_tests(lite, path):
    for notebook, kernel in ((lite.assignment(path), "python3"), (lite.assignment_here(path), "python")):
        assert notebook.metadata.kernelspec.name == kernel
        text = nbformat.writes(notebook)
        for trace in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN", "hidden(", "NUMBERS", "numbers(", "Rubric"):
            assert trace not in text, trace
        source = nbformat.read(path, as_version=4)
        answers = [line.strip() for cell in source.cells if cell.metadata.nbgrader.solution for line in cell.source.splitlines()
                   if len(line.strip()) > 12 and not line.lstrip().startswith(("def ", '"""', "###"))]
        shown = "\n".join(cell.source for cell in notebook.cells)
        assert len(answers) > 10 and not [line for line in answers if line in shown]
        assert not any(cell.get("outputs") for cell in notebook.cells)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert any("import nnlib_mnist" in cell for cell in code) == (kernel == "python" and any("load_mnist" in cell for cell in code))


@pytest.mark.parametrize("path", sorted((ROOT / "book" / "assignments").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_proof_of_an_assignment_runs_without_numpy(lite, path, wheels):
    """As in the browser where the public web is out of reach: the first cell, and the cells of the proof."""
    cells = lite.assignment(path).cells
    source = {cell.metadata.nbgrader.grade_id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    n, = (n for n, cell in enumerate(cells) if "q.lines(" in cell.source and cell.cell_type == "code")
    name = cells[n].metadata.nbgrader.grade_id.removesuffix("-check")
    code = "\n".join([source["setup"], source[f"{name}-problem"], source[name], cells[n].source, "print(q.earned == q.points)"])
    mpmath = Path(importlib.util.find_spec("mpmath").origin).parent.parent
    run = subprocess.run([sys.executable, "-I", "-S", "-c", "import sys; sys.path += sys.argv[1:]; sys.modules['numpy'] = sys.modules['sympy'] = None\n" + code,
                          wheels["nnlib"], mpmath], capture_output=True, text=True, encoding="utf-8")
    assert run.stdout == "True\n", run.stderr
