"""What a published book has: one version everywhere, a citation, a complete package, notices, links that lead somewhere."""
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nnlib
import pytest
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


@pytest.fixture(scope="module", autouse=True)
def neighbours():
    folders = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
    sys.path[:0] = folders
    yield
    del sys.path[:len(folders)]


def test_one_version_and_one_date():
    version, date = re.search(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M).groups()
    assert version == PROJECT["project"]["version"] == CITATION["version"] == nnlib.__version__
    assert date == str(CITATION["date-released"])


def test_the_citation_names_the_book_as_its_pages_do():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert CITATION["title"] == config["title"]
    assert [author["name"] for author in CITATION["authors"]] == [config["author"]]


def test_bibtex_is_made_of_the_citation():
    from publish import bibtex
    entry = bibtex({"title": "A & B", "version": "2.3.4", "date-released": "2031-07-05", "url": "https://example.org/",
                    "authors": [{"name": "The Ones"}, {"name": "The Others"}]})
    assert entry.startswith("@software{nnlib,\n") and entry.endswith("\n}")
    for line in ("author = {{The Ones} and {The Others}}", "title = {{A & B}}", "year = {2031}", "month = {7}",
                 "version = {2.3.4}", "url = {https://example.org/}"):
        assert f"  {line},\n" in entry
    assert entry.count("{") == entry.count("}")


def test_the_package_has_every_file_of_nnlib():
    files = subprocess.run(["git", "ls-files", "nnlib"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    settings = PROJECT["tool"]["setuptools"]
    assert {str(Path(file).parent).replace("/", ".").replace("\\", ".") for file in files} == set(settings["packages"])
    data = {f"{package.replace('.', '/')}/{name}" for package, names in settings["package-data"].items() for name in names}
    assert {file for file in files if not file.endswith(".py")} == data


def tiny_book(folder, **settings):
    """Build a book of two pages with publish.py, and return the folder of its pages."""
    (folder / "conf.py").write_text("extensions = ['publish']\nproject = 'Tiny'\nhtml_context = {'metatags': ''}\n")
    (folder / "index.rst").write_text("Home\n====\n\nA sentence with an & and a <tag>, long enough to "
                                      "describe it.\n\n.. toctree::\n\n   other\n\n.. bibtex::\n")
    (folder / "other.rst").write_text("Other\n=====\n\n" + 30 * "word " + "\n" + 30 * "term " + "\n")
    with docutils_namespace():
        Sphinx(folder, folder, folder / "html", folder / "trees", "html", settings, status=None, warningiserror=True).build()
    return folder / "html"


def test_with_an_address_other_sites_can_show_the_pages(tmp_path):
    html = tiny_book(tmp_path, html_baseurl="https://example.org/book/")
    assert re.findall("<loc>(.*?)</loc>", (html / "sitemap.xml").read_text()) == [
        "https://example.org/book/index.html", "https://example.org/book/other.html"]
    page = (html / "index.html").read_text()
    picture = re.search('property="og:image" content="https://example.org/book/(.*?)"', page)[1]
    assert (html / picture).read_bytes()[16:24] == (1200).to_bytes(4, "big") + (630).to_bytes(4, "big")  # of a PNG
    assert 'content="A sentence with an &amp; and a &lt;tag&gt;, long enough' in page
    assert CITATION["title"] in page and "https://example.org/book/" in page


def test_without_an_address_no_page_points_anywhere(tmp_path):
    html = tiny_book(tmp_path)
    page = (html / "index.html").read_text()
    assert (html / ".nojekyll").exists() and 'name="description"' in page and "og:image" not in page and "og:url" not in page
    assert not (html / "sitemap.xml").exists() and not (html / "_static" / "social.png").exists()


def test_a_description_ends_with_a_word():
    from publish import description
    text = nodes.paragraph(text=60 * "abcdef ")
    item = nodes.list_item("", nodes.paragraph(text=20 * "of a list "))
    assert description(nodes.section("", nodes.paragraph(text="Short."), item, text)) == 28 * "abcdef " + "…"


def test_links_to_other_machines():
    from publish import links
    assert links("https://github.com/ada/nets/", "main", "book/neuron") == {
        "Binder": "https://mybinder.org/v2/gh/ada/nets/main?urlpath=lab/tree/book/neuron.ipynb",
        "Colab": "https://colab.research.google.com/github/ada/nets/blob/gh-pages/colab/neuron.ipynb"}


@pytest.mark.parametrize("url, page, names", [
    ("https://github.com/ada/nets", "book/neuron", ["Binder", "Colab"]),
    ("https://github.com/ada/nets", "book/api", None), ("", "book/neuron", None)])
def test_only_notebooks_with_an_address_have_buttons(monkeypatch, url, page, names):
    import publish
    monkeypatch.delenv("EDITIONS", raising=False)
    monkeypatch.setattr(publish, "published", lambda: {"url": url, "branch": "main"})
    context = {"header_buttons": []}
    publish.add_buttons(SimpleNamespace(srcdir=ROOT, builder=SimpleNamespace(name="html")), page, "", context, None)
    made = [[button["text"] for button in group["buttons"]] for group in context["header_buttons"]]
    assert made == ([names] if names else [])


def test_a_chapter_for_colab_begins_with_what_it_needs():
    import colab
    content = colab.chapter(ROOT / "book" / "neuron.ipynb", "https://github.com/ada/nets", "main")
    assert "git clone -q --depth 1 --branch main https://github.com/ada/nets " in content.cells[0].source
    assert not any(cell.get("outputs") for cell in content.cells)


def test_the_pages_of_the_pdf_keep_their_names_and_links_apart(tmp_path):
    from pdf import chapter
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "one.xhtml").write_text(
        '<html><body><div class="body"><h1 id="top">One</h1><h2>Sub</h2><a href="#top">a</a><a href="two.xhtml#top">b</a>'
        '<a href="two.xhtml">c</a><a href="https://example.org/#top">d</a><img src="../_images/x.png"/>'
        '<details><p><math alttext="a &lt; b" display="block"></math></p></details></div></body></html>')
    title, made = chapter(tmp_path, "book/one", 1)
    assert title == "One"
    assert re.findall('href="(.*?)"', made) == ["#book-one--top", "#book-two--top", "#book-two", "https://example.org/#top"]
    assert 'id="book-one"' in made and '<h2 id="book-one--top">One</h2><h3>Sub</h3>' in made
    assert r"<details open=\"\">".replace("\\", "") in made and r"\[a &lt; b\]" in made
    assert 'src="/_build/epub/book/../_images/x.png"' in made


def test_nothing_is_shipped_without_the_text_of_its_licence():
    import notices
    notice = ("left-pad", "1.3", "MIT", "Permission is hereby granted")
    made = notices.written({"here": [notice, ("right-pad", "0.1", "MIT", notice[3])]})
    assert "left-pad 1.3: MIT" in made and made.count(notice[3]) == 1  # two packages, one text
    with pytest.raises(SystemExit, match="left-pad 1.3 .*no text"):
        notices.written({"here": [(*notice[:3], " \n")]})


def test_every_package_that_fills_the_pages_has_a_text():
    import notices
    for name in [*notices.PAGES, *notices.LITE]:
        assert len(notices.of_distribution(name)[3]) > 200, name


def test_pages_keep_mathjax_when_the_epub_has_a_renderer_of_its_own(tmp_path):
    (tmp_path / "conf.py").write_text("extensions = ['epub', 'sphinx.ext.mathjax']\n")
    (tmp_path / "index.rst").write_text("Home\n====\n\n:math:`a < b`\n")
    with docutils_namespace():
        Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=None, warningiserror=True).build()
    assert r"\(a &lt; b\)" in (tmp_path / "html" / "index.html").read_text()


def test_the_contents_of_the_epub_name_the_parts(monkeypatch):
    import epub
    pages = [("intro", 1), ("one", 1), ("one", 2), ("two", 1), ("three", 1)]
    monkeypatch.setattr(epub.Epub3Builder, "get_toc", lambda self: None)
    monkeypatch.setattr(epub, "parts", lambda env: [("", ["intro"]), ("First & last", ["one", "two"]), ("Then", ["three"])])
    book = epub.Epub.__new__(epub.Epub)
    book.env = SimpleNamespace(get_doctree=lambda page: nodes.section(ids=[f"title-of-{page}", "other"]))
    book.out_suffix = ".xhtml"
    book.refnodes = [{"level": level, "refuri": f"{page}.xhtml{'#a' * (level - 1)}", "text": page} for page, level in pages]
    book.get_toc()
    assert [(node["level"], node["refuri"], node["text"]) for node in book.refnodes] == [
        (1, "intro.xhtml", "intro"), (1, "one.xhtml", "First &amp; last"), (2, "one.xhtml#title-of-one", "one"), (3, "one.xhtml#a", "one"),
        (2, "two.xhtml", "two"), (1, "three.xhtml", "Then"), (2, "three.xhtml#title-of-three", "three")]
