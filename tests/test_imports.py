import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import nnlib

# machinery, measures and made-up data: no formula of the sources stands behind these
NO_SOURCE = {"activation", "Activation", "Flatten", "initial_weights", "confusion_matrix", "calibration", "relative_error", "shift_images", "xor", "rings",
             "History", "DivergedError"}


def run(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)


def test_nnlib_is_lazy():
    result = run("import sys, nnlib; assert 'numpy' not in sys.modules; nnlib.relu; assert 'numpy' in sys.modules")
    assert result.returncode == 0, result.stderr


def test_nnlib_needs_numpy_alone():
    result = run("""
import sys
from importlib.abc import MetaPathFinder
class OnlyNumpy(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"numpy", "nnlib"}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, OnlyNumpy())
import nnlib, numpy as np
for name in nnlib.__all__:
    getattr(nnlib, name)
for blocked in ("sympy", "matplotlib", "tqdm"):
    try:
        __import__(blocked)
    except ImportError:
        continue
    raise SystemExit(blocked + " is not blocked")
net = nnlib.dense_network([2, 3, 2], np.random.default_rng(0))
nnlib.train(net, np.eye(2), [0, 1], epochs=1, batch_size=1, optimizer=nnlib.SGD(0.1), rng=np.random.default_rng(0), progress=False)
assert not {"sympy", "matplotlib", "tqdm", "mpmath", "scipy"} & set(sys.modules)
""")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("module", ["nnlib", "nnlib.derivations", "nnlib.course.question", "nnlib.course.worker"])
def test_only_the_teachers_commands_import_nbgrader(module):
    result = run(f"import sys, {module}; loaded = {{name.split('.')[0] for name in sys.modules}}; "
                 "assert not loaded & {'nbgrader', 'sqlalchemy', 'nbformat', 'nbconvert', 'distributed', 'dask', 'traitlets', 'tqdm'}; "
                 f"assert 'nnlib.course.sandbox' not in sys.modules or {module!r} == 'nnlib.course.worker'")
    assert result.returncode == 0, result.stderr


def test_names_are_those_of_dir_and_an_unknown_one_is_refused():
    assert dir(nnlib) == nnlib.__all__ == sorted(set(nnlib.__all__))
    with pytest.raises(AttributeError, match="module 'nnlib' has no attribute 'rleu'"):
        nnlib.rleu


@pytest.mark.parametrize("name", nnlib.__all__)
def test_every_public_name_is_a_documented_object(name):
    thing = getattr(nnlib, name)
    assert callable(thing) and not isinstance(thing, ModuleType) and thing.__name__ == name
    assert thing.__module__.startswith("nnlib.")
    assert inspect.getdoc(thing)
    if name not in ("History", "DivergedError"):
        assert ">>>" in thing.__doc__
    assert ("Source: " in thing.__doc__) != (name in NO_SOURCE)


@pytest.mark.parametrize("name", [name for name in nnlib.__all__ if inspect.isclass(getattr(nnlib, name))])
def test_every_public_method_is_documented(name):
    for method, function in inspect.getmembers(getattr(nnlib, name), inspect.isroutine):
        if not method.startswith("_") and getattr(function, "__module__", "").startswith("nnlib"):
            assert inspect.getdoc(function), method
