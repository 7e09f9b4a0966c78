"""`python -m nnlib.derivations`: prove all theorems, try all wrong steps, print the table."""

import sys
import time

from . import THEOREMS
from .mutate import attack


def main(part="", most=14):
    print(f"{'theorem':40} {'scope':14} {'steps':>5} {'proof s':>8} {'wrong':>6} {'refused':>8} {'equivalent':>11} "
          f"{'wrong s':>8}")
    steps = wrong = refused = everywhere = 0
    proving = trying = 0.0
    same, failed = [], []
    chosen = {n: t for n, t in THEOREMS.items() if part in n}
    for name, theorem in chosen.items():
        start = time.perf_counter()
        lemma = theorem.build()
        middle = time.perf_counter()
        no, equal, yes = attack(lemma, most)
        end = time.perf_counter()
        tried = len(no) + len(yes)
        print(f"{name:40} {theorem.scope:14} {len(lemma.lines):5} {middle - start:8.2f} {tried:6} {len(no):8} "
              f"{len(equal):11} {end - middle:8.2f}", flush=True)
        steps, wrong, refused = steps + len(lemma.lines), wrong + tried, refused + len(no)
        everywhere += theorem.scope == "all sizes"
        proving, trying = proving + middle - start, trying + end - middle
        same += [(name, *m) for m in equal]
        failed += [(name, *m) for m in yes]
    for title, found in (("equivalent to the right line", same), ("ACCEPTED THOUGH WRONG", failed)):
        for name, n, kind, e in found:
            print(f"{title}: {name}, step {n}, {kind}")
    print(f"wrong steps took {trying:.1f} s")
    print(f"{len(chosen)} theorems, {everywhere} for all sizes, {steps} steps, "
          f"{refused} wrong steps refused of {wrong}, {proving:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
