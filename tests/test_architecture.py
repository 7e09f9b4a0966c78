"""The picture of the architecture shows the modules that there are, and what they import."""
import re
import sys
from collections import Counter
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import architecture  # noqa: E402

ARROWS = architecture.arrows()


def drawn(kind):
    """What the picture calls its nodes, edges or clusters."""
    text = architecture.PICTURE.read_text(encoding="utf-8")
    return [unescape(title) for title in re.findall(rf'class="{kind}">\s*<title>(.*?)</title>', text)]


def test_the_picture_shows_the_boxes_and_every_import_between_them():
    assert sorted(drawn("node")) == sorted(architecture.BOXES)
    assert drawn("cluster") == [f"cluster_{frame}" for frame in dict.fromkeys(frame for frame, _ in architecture.BOXES.values())]
    assert sorted(drawn("edge")) == [f"{one}->{other}" for one, other in ARROWS], "run python tools/architecture.py"


def test_every_module_is_in_one_box_and_in_the_table_of_the_page():
    there = [path for folder in ("nnlib", "book", "tools") for path in (ROOT / folder).rglob("*.py")
             if path.stem not in ("__init__", "__main__", "conftest") and not {"_vendor", "contenders"} & {*path.parts}]
    boxed = Counter(path for box in architecture.BOXES for path in architecture.files(box) if path.suffix == ".py")
    assert set(boxed) == {*there, ROOT / "nnlib/data/__init__.py"} and set(boxed.values()) == {1}
    page = (ROOT / "book" / "architecture.md").read_text(encoding="utf-8")
    for box, (_, names) in architecture.BOXES.items():
        shown = " ".join(f"`{name}`" for name in names.replace("/__init__", "").split())
        assert re.search(rf"^\| {box} \|.*\| {re.escape(shown)} \|$", page, re.M), f"no row of {box} with {shown}"


def test_what_the_page_says_of_the_arrows():
    reached = {box: {other for one, other in ARROWS if one == box} for box in architecture.BOXES}
    assert reached["prover"] == reached["refuter"] == {"language"} and reached["language"] == set()
    frames = {(architecture.BOXES[one][0], architecture.BOXES[other][0]) for one, other in ARROWS}
    assert not {pair for pair in frames if pair[0] != pair[1] and pair[0] in ("nnlib", "nnlib/derivations")}
    assert not {pair for pair in frames if pair[1] in ("book", "book/_ext", "tools") and pair[0] != pair[1]}


def test_an_import_is_found_in_each_of_its_forms(tmp_path, monkeypatch):
    monkeypatch.setattr(architecture, "ROOT", tmp_path)
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "b.py"
    path.write_text("import x.y\nfrom . import c\nfrom ..d import e\nif TYPE_CHECKING:\n    import z\ndef f():\n    from .g import h\n")
    assert list(architecture.imports(path)) == [("x.y",), ("a.c", "a"), ("d.e", "d"), ("a.g.h", "a.g")]
