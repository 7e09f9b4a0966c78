"""`python -m nnlib.derivations`: prove all theorems, try all wrong steps, ask SymPy, print the table."""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TypeAlias

from . import THEOREMS
from .derivation import Lemma
from .mutate import attack

Tried: TypeAlias = tuple[int, list[tuple[int, str]], list[tuple[int, str]], float, str]


def tried(name: str, most: int) -> Tried:
    """Attack one theorem and ask SymPy about it: what the table shows of it, in numbers and words."""
    lemma, start = THEOREMS[name].build(), time.perf_counter()
    no, equal, yes = attack(lemma, most)
    seconds = time.perf_counter() - start
    return len(no), [m[:2] for m in equal], [m[:2] for m in yes], seconds, opinion(lemma)


def opinion(lemma: Lemma) -> str:
    """The sizes at which SymPy by itself finds the theorem true."""
    try:
        from .symbolic import small_sizes, sympy_agrees
    except ImportError:
        return "not installed"
    sizes = small_sizes(lemma)
    if not sympy_agrees(lemma, sizes):
        return "undecided"
    return ", ".join(f"{name} {n}" for name, n in sizes.items()) or "single numbers"


def proofs(names: list[str]) -> dict[str, float]:
    """Prove the theorems; return the seconds that each took, without those it cites."""
    seconds = {}
    for name in names:
        start = time.perf_counter()
        THEOREMS[name].build()
        seconds[name] = time.perf_counter() - start
    return seconds


def pool() -> ProcessPoolExecutor:
    """Two processes; where the system can fork, they start with the theorems proved."""
    fork = "fork" in multiprocessing.get_all_start_methods()
    return ProcessPoolExecutor(2, multiprocessing.get_context("fork" if fork else None))


def main(part: str = "", most: int = 14) -> int:
    names = [n for n in THEOREMS if part in n]
    if not names:
        raise SystemExit(f"no theorem has {part!r} in its name")
    proving = proofs(names)
    print(f"{'theorem':40} {'scope':10} {'steps':>5} {'proof s':>8} {'wrong':>6} {'refused':>8} {'equivalent':>11} "
          f"{'wrong s':>8}  SymPy")
    steps = wrong = refused = 0
    same, failed, start = [], [], time.perf_counter()
    with pool() as workers:
        for name, (no, equal, yes, seconds, sympy) in zip(names, workers.map(tried, names, [most] * len(names))):
            lemma = THEOREMS[name].build()
            print(f"{name:40} {THEOREMS[name].scope:10} {len(lemma.lines):5} {proving[name]:8.2f} {no + len(yes):6} "
                  f"{no:8} {len(equal):11} {seconds:8.2f}  {sympy}", flush=True)
            steps, wrong, refused = steps + len(lemma.lines), wrong + no + len(yes), refused + no
            same += [(name, *m) for m in equal]
            failed += [(name, *m) for m in yes]
    for title, found in (("equivalent to the right line", same), ("ACCEPTED THOUGH WRONG", failed)):
        for name, n, kind in found:
            print(f"{title}: {name}, step {n}, {kind}")
    print(f"wrong steps and SymPy took {time.perf_counter() - start:.1f} s")
    print(f"{len(names)} theorems, {sum(THEOREMS[n].scope == 'all sizes' for n in names)} for all sizes, "
          f"{steps} steps, {refused} wrong steps refused of {wrong}, {sum(proving.values()):.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) > 2:
        raise SystemExit(f"one part of a name is expected, but {sys.argv[1:]} came")
    sys.exit(main("".join(sys.argv[1:])))
