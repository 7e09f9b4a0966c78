"""Change one sign in any backward, and the check against the numerical derivative fails."""
import ast
import inspect
import textwrap
from importlib import import_module

import pytest
from cases import CASES

MODULES = {name: import_module("nnlib." + name) for name in CASES}
BACKWARDS = {name: function for module in MODULES.values() for name, function in vars(module).items()
             if name.endswith("_backward") and function.__module__ == module.__name__}
FLIPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.USub: ast.UAdd}
# in exact arithmetic any number may be taken from, or added to, all of g_i: this changes digits only,
# and test_activations.test_softmax_backward_to_the_last_digits finds it
EQUIVALENT = {"softmax_backward: G - np.take_along_axis(G, S.real.argmax(axis=1, keepdims=True), axis=1)"}


def _signs(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return tree, [node for node in ast.walk(tree) if type(getattr(node, "op", None)) in FLIPPED]


def _mutants():
    for name, function in BACKWARDS.items():
        for number, node in enumerate(_signs(function)[1]):
            if f"{name}: {ast.unparse(node)}" not in EQUIVALENT:
                yield pytest.param(name, number, id=f"{name}: {ast.unparse(node)}")


def _mutant(name, number):
    tree, nodes = _signs(BACKWARDS[name])
    nodes[number].op = FLIPPED[type(nodes[number].op)]()
    namespace = dict(vars(inspect.getmodule(BACKWARDS[name])))
    exec(compile(ast.fix_missing_locations(tree), "<mutant>", "exec"), namespace)
    return namespace[name]


def _holds(name, backward):
    for case in sum(CASES.values(), []):
        if case.name == name:
            try:
                if not case.error(backward, "complex") < 1e-10:
                    return False
            except (ValueError, TypeError, ArithmeticError, RuntimeWarning):  # a mutant may also break down
                return False
    return True


@pytest.mark.parametrize("name", BACKWARDS)
def test_every_backward_has_cases_and_holds(name):
    assert any(case.name == name for case in sum(CASES.values(), []))
    assert _holds(name, BACKWARDS[name])


@pytest.mark.parametrize("name, number", list(_mutants()))
def test_a_changed_sign_is_found(name, number):
    assert not _holds(name, _mutant(name, number))


def test_all_backwards_of_the_library_are_here():
    import nnlib
    assert {name for name in nnlib.__all__ if name.endswith("_backward")} == set(BACKWARDS)
    assert len(list(_mutants())) > 40
    assert EQUIVALENT <= {f"{name}: {ast.unparse(node)}" for name in BACKWARDS for node in _signs(BACKWARDS[name])[1]}
