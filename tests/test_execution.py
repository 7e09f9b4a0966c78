"""Chapters are executed again whenever what they use has changed, and a failing cell ends the build."""
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from sphinx.errors import ExtensionError

sys.path.insert(0, str(Path(__file__).parents[1] / "book/_ext"))
import execution


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name, text in {"nnlib/losses.py": "a", "book/exhibits.py": "b",
                       "book/_ext/offline.py": "c", "book/_vendor/require.js": "d", "book/one.ipynb": "e"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(execution, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("changed", ["nnlib/losses.py", "book/exhibits.py", "nnlib/new.npz"])
def test_a_change_of_what_cells_use_asks_for_another_cache(root, changed):
    before = execution.digest()
    (root / changed).write_text("changed")
    assert execution.digest() != before


@pytest.mark.parametrize("changed", ["book/_ext/offline.py", "book/_vendor/require.js", "book/one.ipynb", "README.md"])
def test_a_change_of_what_no_cell_uses_keeps_the_cache(root, changed):
    before = execution.digest()
    (root / changed).write_text("changed")
    assert execution.digest() == before


def test_another_version_of_a_package_asks_for_another_cache(root, monkeypatch):
    before = execution.digest()
    packages = [SimpleNamespace(name=package.name, version=package.version) for package in execution.distributions()]
    monkeypatch.setattr(execution, "distributions", lambda: packages)
    assert execution.digest() == before
    packages[0].version += ".1"
    assert execution.digest() != before


def test_an_old_cache_is_removed(root):
    config = SimpleNamespace()
    (root / "_build/executed-old").mkdir(parents=True)
    execution.name_cache(SimpleNamespace(outdir=root / "_build/html"), config)
    assert not (root / "_build/executed-old").exists()
    assert Path(config.nb_execution_cache_path).parent == root / "_build"


def written(path, source):
    """Write a notebook of one cell."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata={"kernelspec": kernel}), path)
    return path


def printed(folder, path):
    with execution.opened(folder) as cache:
        return cache.merge_match_into_notebook(nbformat.read(path, 4))[1].cells[0].outputs[0].text


def test_two_notebooks_at_once_and_none_twice(tmp_path):
    paths = [written(tmp_path / "one.ipynb", "open('a', 'a').write('x'); print(6 * 7)"),
             written(tmp_path / "two.ipynb", "print('two')")]
    counts = [len(execution.execute(paths, tmp_path / "cache", 60)[0]) for _ in range(2)]
    assert counts == [2, 0] and (tmp_path / "a").read_text() == "x"
    assert [printed(tmp_path / "cache", path) for path in paths] == ["42\n", "two\n"]


def test_a_notebook_that_reads_notebooks_is_executed_each_time(tmp_path):
    path = written(tmp_path / "one.ipynb", "print(len(open('two.ipynb').read()))")
    for text in "abc", "other":
        (tmp_path / "two.ipynb").write_text(text)
        execution.execute([path], tmp_path / "cache", 60)
        assert printed(tmp_path / "cache", path) == f"{len(text)}\n"


def test_a_failing_cell_is_named_and_the_other_notebooks_are_kept(tmp_path):
    paths = [written(tmp_path / "one.ipynb", "1 / 0"), written(tmp_path / "two.ipynb", "print('two')")]
    took, failed = execution.execute(paths, tmp_path / "cache", 60)
    assert [*took] == paths[1:] and [*failed] == paths[:1]
    assert "one.ipynb was not executed to its end" in failed[paths[0]] and "ZeroDivisionError" in failed[paths[0]]
    settings = SimpleNamespace(nb_execution_cache_path=tmp_path / "cache", nb_execution_timeout=60)
    with pytest.raises(ExtensionError, match=r"one\.ipynb was not executed to its end"):
        execution.before_reading(SimpleNamespace(config=settings), SimpleNamespace(doc2path=str), paths)
