"""Every chapter has the parts that a chapter of this book has."""
import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
CHAPTERS = """neuron layer activations network gradients backprop softmax cross_entropy training digits convolution cost
    hard_threshold gradient_problems""".split()


def read(name):
    cells = json.loads((BOOK / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"]), cell["metadata"]) for cell in cells]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_its_parts(name):
    cells = read(name)
    text = "\n".join(source for kind, source, _ in cells if kind == "markdown")
    code = "\n".join(source for kind, source, _ in cells if kind == "code")
    assert text.startswith(f"(chap-{name})=\n# ")
    assert "After this chapter you can" in text and re.search(r"[Tt]he question", text[:2500])
    for part in ("What goes wrong", "Exercises", "What the sources say otherwise", "Summary"):
        assert re.search(rf"^##+ {part}", text, re.M), part
    assert re.search(r"^\s*(slider|ask)\(|\bVBox\(", code, re.M), "no control to touch"
    assert sum("plt.show()" in source for kind, source, _ in cells if kind == "code") >= 2, "fewer than two figures"


@pytest.mark.parametrize("name", [*CHAPTERS, "intro", "notation"])
def test_a_chapter_has_exercises_with_hints_and_solutions(name):
    text = "\n".join(source for kind, source, _ in read(name) if kind == "markdown")
    exercises = re.findall(r"^`{3,}\{exercise\}.*\n:label: ([\w-]+)", text, re.M)
    solutions = re.findall(r"^`{3,}\{solution(?:-start)?\} ([\w-]+)\n:class: dropdown", text, re.M)
    hints = len(re.findall(r"^`{3,}\{admonition\} Hint\n:class: dropdown", text, re.M))
    assert len(exercises) >= 8 and sorted(exercises) == sorted(solutions)
    assert hints >= len(exercises)


def test_there_are_more_than_120_exercises():
    assert sum(source.count("{exercise}") for name in [*CHAPTERS, "intro", "notation"] for _, source, _ in read(name)) >= 120
