"""Chapters are executed again whenever what they use has changed, and a failing cell ends the build."""
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parents[1] / "book/_ext"))
import execution  # noqa: E402


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name, text in {"requirements.txt": "numpy", "constraints.txt": "", "nnlib/losses.py": "a", "book/exhibits.py": "b",
                       "book/_ext/offline.py": "c", "book/_vendor/require.js": "d", "book/one.ipynb": "e"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(execution, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("changed", ["nnlib/losses.py", "book/exhibits.py", "requirements.txt", "nnlib/new.npz"])
def test_a_change_of_what_cells_use_asks_for_another_cache(root, changed):
    before = execution.digest()
    (root / changed).write_text("changed")
    assert execution.digest() != before


@pytest.mark.parametrize("changed", ["book/_ext/offline.py", "book/_vendor/require.js", "book/one.ipynb", "README.md"])
def test_a_change_of_what_no_cell_uses_keeps_the_cache(root, changed):
    before = execution.digest()
    (root / changed).write_text("changed")
    assert execution.digest() == before


def test_an_old_cache_is_removed(root):
    config = SimpleNamespace()
    (root / "_build/executed-old").mkdir(parents=True)
    execution.name_cache(SimpleNamespace(outdir=root / "_build/html"), config)
    assert not (root / "_build/executed-old").exists()
    assert Path(config.nb_execution_cache_path).parent == root / "_build"


def executed(folder, *sources):
    """Execute a notebook for each source; give the cache's notebooks."""
    app = SimpleNamespace(config=SimpleNamespace(nb_execution_cache_path=str(folder / "cache"), nb_execution_timeout=60))
    paths = {}
    for n, source in enumerate(sources):
        paths[f"n{n}"] = folder / f"n{n}.ipynb"
        cells = [nbformat.v4.new_code_cell(source)]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), paths[f"n{n}"])
    execution.execute(app, SimpleNamespace(doc2path=paths.get), list(paths))
    cache = execution.get_cache(app.config.nb_execution_cache_path)
    return [cache.merge_match_into_notebook(nbformat.read(path, 4))[1] for path in paths.values()]


def test_two_notebooks_at_once_and_none_twice(tmp_path):
    for _ in range(2):
        first, second = executed(tmp_path, "open('a', 'a').write('x'); print(6 * 7)", "print('two')")
        assert first.cells[0].outputs[0].text == "42\n" and second.cells[0].outputs[0].text == "two\n"
    assert (tmp_path / "a").read_text() == "x"


def test_a_failing_cell_is_named(tmp_path):
    with pytest.raises(ExtensionError, match=r"n0\.ipynb was not executed to its end[\s\S]*ZeroDivisionError"):
        executed(tmp_path, "1 / 0")
