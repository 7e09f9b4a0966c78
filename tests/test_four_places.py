"""Each theorem has four places: a function of nnlib, a derivation, a lock test, and a chapter that shows it."""
import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import nnlib.derivations
from nnlib.derivations import THEOREMS
from test_lock import LOCKS

ROOT = Path(__file__).parents[1]
DERIVATIONS = Path(nnlib.derivations.__file__).parent


@pytest.mark.parametrize("name", THEOREMS)
def test_it_speaks_of_a_function(name):
    code = THEOREMS[name].code
    module, function = code.split(".", 1)
    home = import_module(f"nnlib.{module}")
    try:
        assert callable(attrgetter(function)(home))
    except AttributeError:
        pytest.fail(f"{name}: code={code!r}, but nnlib.{module} has no {function}")
    if module in nnlib._HOMES:
        assert function.split(".")[0] in nnlib.__all__, f"{function} is missing in _HOMES of nnlib/__init__.py"


@pytest.mark.parametrize("name", THEOREMS)
def test_it_is_derived_under_its_name(name):
    entry = THEOREMS[name]
    assert entry.about and re.match(r"\S.*[.]$", inspect.cleandoc(entry.about), re.S), "the docstring is a sentence"
    assert entry.build().name == name == entry.name


@pytest.mark.parametrize("name", THEOREMS)
def test_it_is_locked(name):
    assert name in LOCKS, f"no function {name} below @lock() in tests/test_lock.py"


@pytest.mark.parametrize("name", THEOREMS)
def test_it_stands_in_its_chapter(name):
    page = ROOT / "book" / f"{THEOREMS[name].chapter}.ipynb"
    assert page.exists(), f"{page.name} is not there yet"
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    texts = {kind: "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == kind) for kind in ("markdown", "code")}
    assert re.search(rf"\(thm-{name}\)=|[{{:\s]thm-{name}\b", texts["markdown"]), f"no label thm-{name}"
    assert f'THEOREMS["{name}"]' in texts["code"], f'no THEOREMS["{name}"] to display'


# --- and the kernel cannot be gone around ---------------------------------------

def test_the_key_of_a_lemma_stays_in_its_module():
    ours = (path for path in ROOT.rglob("*.py")  # `make mutants` leaves copies in _build
            if not any(part == "_build" or part.startswith(".venv") for part in path.relative_to(ROOT).parts))
    speaking = {path.name for path in ours if path != Path(__file__) and "_KEY" in path.read_text(encoding="utf-8")}
    assert speaking == {"derivation.py"}


def test_sympy_is_needed_in_one_module_and_numpy_in_none():
    importing = {library: {path.name for path in DERIVATIONS.glob("*.py")
                           if re.search(rf"^\s*(import|from) {library}\b", path.read_text(encoding="utf-8"), re.M)}
                 for library in ("sympy", "numpy")}
    assert importing == {"sympy": {"symbolic.py"}, "numpy": set()}


def test_derivations_import_and_prove_without_numpy_and_sympy():
    code = """
import sys
sys.modules["numpy"] = sys.modules["sympy"] = None      # an import of either fails
from nnlib.derivations import THEOREMS
assert THEOREMS["sigmoid_backward"].build().lines
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
