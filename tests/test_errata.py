"""The pages on mistakes: entries of one form, each with a cell that shows it, linked to the ledger."""
import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
HEAD = re.compile(r"\((err-(s\d)-[a-z0-9_-]+)\)=\n### (.+)\n\*([^·*]+) · (?:([^·*]+) · )?((?:S\d-\d\d(?:, )?)+) · lines? [^·*]+\*\n")
KINDS = {"Wrong result", "Wrong step", "Wrong label or shape", "False claim"}
LISTED = {item["id"] for item in json.loads((BOOK / "coverage.json").read_text(encoding="utf-8"))}


def cells(source):
    return json.loads((BOOK / f"errata_{source}.ipynb").read_text(encoding="utf-8"))["cells"]


def entries(source):
    """Yield each entry's head, its text, the section it stands in, and the cell below it."""
    section = None
    for cell, after in zip(cells(source), [*cells(source)[1:], None]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            section = (re.findall(r"^## (.+)$", text, re.M) or [section])[-1]
            if "(err-" in text:
                yield HEAD.search(text), text, section, after


@pytest.mark.parametrize("source", ["s0", "s1", "s2", "s3", "s4"])
def test_every_entry_has_its_form_and_a_cell_that_shows_it(source):
    for head, text, section, after in entries(source):
        assert head and text.count("(err-") == 1, text[:200]
        assert head[2] == source
        assert set(re.findall(r"S\d-\d\d", head[6])) <= LISTED
        if section == "Errors":
            assert head[4] in KINDS and head[5] in ("serious", "moderate", "minor"), head[0]
            parts = ("**Printed:**", "**Why it is wrong:**", "**Right:**")
        else:
            assert section == "Looks wrong and is right" and head[4] == "Right" and head[5] is None, head[0]
            parts = ("**Printed:**", "**Why one stumbles:**", "**Why it is right:**")
        assert all(part in " ".join(text.split()) for part in parts), head[0]
        assert after and after["cell_type"] == "code", head[0]
        assert re.search(r"\bassert\b|\brefused\(|\braises\(", "".join(after["source"])), head[0]


@pytest.mark.parametrize("source", ["s0", "s1", "s2", "s3", "s4"])
def test_a_page_counts_its_entries_right(source):
    first = " ".join("".join(cells(source)[0]["source"]).split())
    sections = [section for *_, section, _ in entries(source)]
    assert int(re.search(r"(\d+) (?:\w+ )?errors", first)[1]) == sections.count("Errors")
    assert int(re.search(r"(\d+) (?:\w+ )?(?:places|entries|things)[^.]*right", first)[1]) == sections.count("Looks wrong and is right")


def test_there_are_enough_of_both_and_no_label_stands_twice():
    found = [(head, section) for source in ("s0", "s1", "s2", "s3", "s4") for head, _, section, _ in entries(source)]
    assert len({head[1] for head, _ in found}) == len(found)
    assert sum(section == "Errors" for _, section in found) > 60
    assert sum(section == "Looks wrong and is right" for _, section in found) >= 12


def test_the_index_lists_every_entry():
    index = "".join(str(cell.get("outputs")) for cell in json.loads((BOOK / "errata.ipynb").read_text(encoding="utf-8"))["cells"])
    for source in ("s0", "s1", "s2", "s3", "s4"):
        for head, *_ in entries(source):
            assert f"errata_{source}.html#{head[1]}" in index, head[1]
