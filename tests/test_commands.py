"""The commands of README.md for those who have no make are those of the Makefile, and run on other systems too."""
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import check_versions  # noqa: E402
import without_make  # noqa: E402

COMMANDS = without_make.commands()


def test_readme_and_makefile_say_the_same():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin").replace("$(PYTHON)", "python3")
    makefile = makefile.replace("book/digits.ipynb $(filter-out book/digits.ipynb,$(NOTEBOOKS))",  # that only puts them first
                                "book/*.ipynb book/assignments/*.ipynb tools/proofs.ipynb")
    makefile = re.sub(r" -q\b", "", makefile)
    assert len(COMMANDS) > 8 and [line for line in COMMANDS if f"\t{line}\n" not in makefile] == []


def test_a_command_in_the_words_of_each_system():
    notebooks, = (line for line in COMMANDS if "--nbval" in line)
    assert without_make.words("python3 -m venv .venv", "win32") == ["python", "-m", "venv", ".venv"]
    assert without_make.words(".venv/bin/python tools/lite.py", "win32") == [r".venv\Scripts\python", "tools/lite.py"]
    assert "book/neuron.ipynb" in without_make.words(notebooks, "linux") and "*" not in "".join(without_make.words(notebooks, "linux"))
    unit, = (line for line in COMMANDS if "tests nnlib" in line)
    assert without_make.words(unit, "darwin")[-2:] == ["--ignore", "tests/course"] != without_make.words(unit, "linux")[-2:]


def made(workflow):
    """Return the targets of make in the steps of a workflow: those of each job of a matrix."""
    targets = set()
    for job in workflow.get("jobs", {}).values():
        lines = {line.strip() for step in job.get("steps", ()) for line in step.get("run", "").splitlines()}
        for key, values in job.get("strategy", {}).get("matrix", {}).items():
            lines = {line.replace(f"${{{{ matrix.{key} }}}}", str(value)) for line in lines for value in values}
        targets |= {line.split()[1] for line in lines if line.startswith("make ")}
    return targets


def test_the_targets_of_a_matrix_are_seen():
    jobs = """
    one: {strategy: {matrix: {command: [mutants, lint], python: ["3.11"]}}, steps: [{run: "make ${{ matrix.command }}"}]}
    two: {steps: [{uses: "actions/checkout"}, {run: "make lite"}, {run: "make $TARGET"}]}
    """
    assert made({"jobs": yaml.safe_load(jobs)}) == {"mutants", "lint", "lite", "$TARGET"}


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.y*ml")), ids=lambda path: path.name)
def test_a_workflow_calls_what_there_is(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert made(yaml.safe_load(text)) <= {*targets}
    for script in re.findall(r"\b(?:python|bash) ([\w./-]+\.\w+|\.ci/run)", text):
        assert (ROOT / script).exists(), script


def test_the_pinned_versions_lie_in_the_ranges():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"]
    ranges = [Requirement(line) for line in [*settings["project"]["dependencies"], *settings["dependency-groups"]["book"], *sum(extras.values(), [])]]
    allowed = {canonicalize_name(one.name): one.specifier for one in ranges if one.name != "nnlib"}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("#")[0].strip().split("==") for line in lines if re.match(r"[\w-]+==", line))
    assert set(allowed) <= set(pinned)
    assert [name for name, versions in allowed.items() if pinned[name] not in versions] == []


def test_a_row_takes_the_place_of_an_older_one(tmp_path, monkeypatch):
    monkeypatch.setattr(check_versions, "TABLE", tmp_path / "versions.csv")
    for kind, tests in (("oldest", "1 passed"), ("newest", "1 failed"), ("newest", "2 passed")):
        check_versions.record({"versions": kind, "Python": "3.11", "tests": tests})
    assert (tmp_path / "versions.csv").read_text() == "versions,Python,tests\nnewest,3.11,2 passed\noldest,3.11,1 passed\n"


def test_an_unknown_set_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(check_versions, "FOLDER", tmp_path / "none")
    with pytest.raises(SystemExit, match="no such set: newest-2.7; there are pinned-3.11"):
        check_versions.main(["newest-2.7"])
    assert not (tmp_path / "none").exists()
