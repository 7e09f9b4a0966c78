"""The list of all theorems: name → how to build it, its chapter and the code it speaks of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias

from .derivation import Lemma, check_name
from .language import check, told

Build: TypeAlias = Callable[[], Lemma]

THEOREMS: dict[str, Entry] = {}


class Entry:
    """One theorem: `build()` returns its lemma; the second call returns the same one."""

    def __init__(self, build: Build, chapter: str, code: str, scope: str) -> None:
        self.build_once, self.chapter, self.code, self.scope = build, chapter, code, scope
        self.name, self.about = build.__name__, build.__doc__
        self.lemma: Lemma | None = None
        self.busy = False

    def build(self) -> Lemma:
        if self.busy:
            raise RuntimeError(f"{self.name} is proved by way of itself")
        if self.lemma is None:
            self.busy = True
            try:
                words = f"{self.name} returns a lemma, as d.done({self.name!r}) makes it"
                self.lemma = check(self.build_once(), Lemma, words)
            finally:
                self.busy = False
        return self.lemma

    def __repr__(self) -> str:
        return f"THEOREMS[{self.name!r}]"

    @property
    def source(self) -> str:
        """The Python text of the derivation."""
        return inspect.getsource(self.build_once)

    def _repr_markdown_(self) -> str:
        from .display import theorem_markdown
        return theorem_markdown(self, THEOREMS)


def theorem(chapter: str, code: str, scope: str = "all sizes") -> Callable[[Build], Build]:
    """Register the function below under its own name; calling it builds the theorem once.

    >>> from nnlib.derivations import THEOREMS
    >>> entry = THEOREMS["softmax_jacobian"]
    >>> entry.chapter, entry.code, entry.build() is entry.build()
    ('softmax', 'activations.softmax_jacobian', True)
    """
    for text, what in ((chapter, "chapter"), (code, "code"), (scope, "scope")):
        check_name(text, what)

    def register(build: Build) -> Build:
        if not inspect.isfunction(build):
            raise TypeError(f"a theorem is a function without arguments, but {told(build)} came")
        if build.__name__ in THEOREMS:
            raise ValueError(f"two theorems are called {build.__name__}")
        entry = THEOREMS[build.__name__] = Entry(build, chapter, code, scope)
        return entry.build
    return register
