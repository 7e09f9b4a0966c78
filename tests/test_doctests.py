"""Every public function, class and method shows itself in an example, which `pytest --doctest-modules` runs."""
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

import nnlib
import nnlib.derivations
from nnlib.course.question import Question
from nnlib.derivations.challenge import Verdict
from nnlib.derivations.derivation import Derivation, Lemma
from nnlib.derivations.lines import Checked

# reasons, functions of one number and the table of theorems: objects that the docstring of the package explains
OBJECTS = {"THEOREMS", "delta_rule", "differentiation", "exp", "linearity", "log", "monotone", "power_rule", "product_rule",
           "quotient_rule", "relu", "same_sign", "step", "tanh"}
# raised where prover and refuter contradict each other, which no example can make them do
CANNOT_HAPPEN = {"KernelBug"}
# the other modules of nnlib.course, and these functions, work on a course's folder, on processes or on what comes from them
COURSE = {
    "cells": {"Cell", "cells_of", "read", "about_form", "about_limits", "number"}, "export": {"rows_of", "grades_of", "reason", "why", "export", "canvas", "gradescope"},
    "folder": {"write", "Course", "new"}, "numbers": {"generator"}, "wire": {"NotPlain", "Stopped", "Remote", "pack", "unpack"},
    # `simple`, `array`, `number` and `unlike` show what comes in; the rest words a message or refuses a teacher's slip, and the tests read them all
    "question": {"NotPlain", "Check", "text", "positive", "numpy_types", "unlike_array", "near", "alike", "hint", "kind", "not_between", "what", "short", "told"}}

# the classes of `nnlib.derivations`, and those of what their methods and `challenge` return
DERIVATIONS = [thing for name in nnlib.derivations.__all__ if inspect.isclass(thing := getattr(nnlib.derivations, name))] \
    + [Derivation, Lemma, Verdict, Checked]

# the modules of the page `api`; `test_course` asks those of nnlib.course
PAGE = re.findall(r"automodule:: (nnlib\.(?!course)\S+)", (Path(__file__).parents[1] / "book/api.md").read_text(encoding="utf-8"))


def parts(whole):
    """Return the public functions and classes that a module defines, or the methods and described properties of a class."""
    if inspect.ismodule(whole):
        own = {name: thing for name, thing in vars(whole).items() if getattr(thing, "__module__", "") == whole.__name__}
        kinds = (FunctionType, type)
    else:  # with what it has from a private class
        own = {name: thing for kind in whole.__mro__ if kind.__module__.startswith("nnlib.") for name, thing in vars(kind).items()}
        kinds = (FunctionType, classmethod, property)
    return {name: thing for name, thing in own.items() if (not name.startswith("_") or name == "__call__") and isinstance(thing, kinds)}


def shown(thing, name=""):
    """Whether a docstring has an example; of a function also that of its module, where the example speaks of it."""
    text = inspect.getdoc(thing) or ""
    module = inspect.getmodule(thing).__doc__ or "" if name else ""
    return ">>>" in text or any(name + "(" in line for line in module.splitlines() if line.startswith((">>>", "...")))


@pytest.mark.parametrize("name", nnlib.__all__)
def test_nnlib(name):
    assert shown(getattr(nnlib, name))


@pytest.mark.parametrize("module", PAGE)
def test_page(module):
    home = import_module(module)
    assert [name for name, thing in parts(home).items() if not shown(thing)] == []
    # the methods of `Layer`, which the page does not show, are described by the module
    assert [f"{name}.{key}" for name, kind in parts(home).items() if isinstance(kind, type) and name != "Layer"
            for key, thing in parts(kind).items()
            if not (shown(thing) or isinstance(thing, property) and not thing.__doc__)] == []


def test_the_page_shows_all_of_nnlib():
    assert set(nnlib.__all__) <= {name for module in PAGE for name in parts(import_module(module))}


@pytest.mark.parametrize("name", sorted(set(nnlib.derivations.__all__) - OBJECTS - CANNOT_HAPPEN))
def test_derivations(name):
    assert shown(getattr(nnlib.derivations, name))


@pytest.mark.parametrize("kind", DERIVATIONS, ids=lambda kind: kind.__name__)
def test_the_methods_of_derivations(kind):
    assert [name for name, thing in parts(kind).items() if not shown(thing)] == []


def test_the_classes_of_derivations_on_the_page():
    page = (Path(__file__).parents[1] / "book/api.md").read_text(encoding="utf-8")
    shown_there = re.findall(r"autoclass:: nnlib\.derivations\.\S*?(\w+)\n", page)
    assert shown_there and set(shown_there) <= {kind.__name__ for kind in DERIVATIONS}


def test_what_is_left_out_of_derivations_is_there_and_explained():
    assert OBJECTS | CANNOT_HAPPEN <= set(nnlib.derivations.__all__)
    assert not any(inspect.isfunction(getattr(nnlib.derivations, name)) or inspect.isclass(getattr(nnlib.derivations, name))
                   for name in OBJECTS)
    assert all(name in nnlib.derivations.__doc__ for name in OBJECTS)


@pytest.mark.parametrize("module", COURSE)
def test_course(module):
    home = import_module(f"nnlib.course.{module}")
    public = {name for name, thing in vars(home).items() if not name.startswith("_") and getattr(thing, "__module__", "") == home.__name__}
    assert COURSE[module] < public
    assert [name for name in public - COURSE[module] if not shown(getattr(home, name), name)] == []


def test_a_question():
    assert [name for name, thing in parts(Question).items() if not shown(thing)] == []
