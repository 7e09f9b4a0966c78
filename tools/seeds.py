"""Train the network of the page `digits` in its two ways, with three seeds each, and store what came out.

It runs the page's own cells, those with the tag `seeds`: the data, the choice of the rates, the two ways.
Two runs go on at the same time: one to two minutes on two cores. Run it again when one of these cells has
changed; a test says so.

Usage: python tools/seeds.py
"""
import hashlib
import json
import os
import sys
from datetime import date
from pathlib import Path

import nbformat

BOOK = Path(__file__).parents[1] / "book"
STORED = BOOK / "digits.json"
SEEDS = [1, 2, 3]


def cells():
    """Return the code of the cells with the tag."""
    page = nbformat.read(BOOK / "digits.ipynb", as_version=4)
    return "\n\n".join(cell.source for cell in page.cells if "seeds" in cell.metadata.get("tags", []))


def digest(code):
    return hashlib.sha256(code.encode()).hexdigest()


def main():
    os.chdir(BOOK)
    sys.path.insert(0, str(BOOK))
    page, code = {}, cells()
    exec(code, page)
    ways = {"plain": page["plain_run"], "improved": page["improved_run"]}
    runs = page["side_by_side"](lambda run: ways[run[0]](run[1]), [(way, seed) for way in ways for seed in SEEDS])
    right = [right for _, right, _ in runs]
    content = {"date": date.today().isoformat(), "cells": digest(code), "seeds": SEEDS,
               "plain": right[:len(SEEDS)], "improved": right[len(SEEDS):], "seconds": [round(work, 1) for _, _, work in runs]}
    STORED.write_text(json.dumps(content, indent=1) + "\n")
    print(STORED.read_text())


if __name__ == "__main__":
    main()
