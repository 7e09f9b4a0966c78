"""What lies beside the pages: nothing of others without a notice, and no link to what is not there."""
import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote

import pytest
from browse import HTML, ROOT, missing
from lxml.html import document_fromstring

pytestmark = pytest.mark.skipif(bool(missing()), reason=str(missing()))
sys.path.insert(0, str(ROOT / "tools"))
import notices  # noqa: E402
from vendor import PACKAGES  # noqa: E402

# made for this book by Sphinx or by our extensions, which say so in their own files
MADE = {"pygments.css", "basic.css", "documentation_options.js", "language_data.js", "sbt-webpack-macros.html",
        "webpack-macros.html", "social.png", "page.css"}


def test_every_file_that_the_pages_load_is_ours_or_named():
    ours = {path.name for folder in ("_static", "_ext") for path in (ROOT / "book" / folder).iterdir()} | MADE
    theirs = {re.sub(r"(_t|\.jinja)$", "", Path(str(file)).name) for name in notices.PAGES for file in distribution(name).files}
    fonts = {path.stem for path in (HTML / "_static" / "vendor").rglob("*.woff*")}  # light.py takes letters out of them
    for path in (HTML / "_static").rglob("*"):
        if path.is_file() and "vendor" not in path.relative_to(HTML).parts[1:2]:
            plain = re.sub(r"\.[0-9a-f]{32,}(?=\.)", "", path.name)  # myst-nb puts a hash into the name
            assert plain in ours or plain in theirs or path.parent.name == "fonts" and path.stem in fonts, path
    for folder in (HTML / "_static" / "vendor").iterdir():
        names = [package.rsplit("@", 1)[0] for package in PACKAGES]
        assert folder.name in ("packages.txt", "fontawesome") or any(n.startswith(folder.name) for n in names), folder


def test_every_wheel_and_package_stands_in_the_list():
    text = (HTML / "third-party.txt").read_text(encoding="utf-8")
    for package in PACKAGES:
        assert f"  {package.rsplit('@', 1)[0]} " in text, package
    for path in (HTML / "lite").rglob("*.whl"):
        name, version = path.name.split("-")[:2]
        if name not in notices.OWN:
            assert re.search(rf"^  {re.escape(name).replace('_', '[-_.]')} {re.escape(version)}: ", text, re.M | re.I), path


def test_github_leaves_nothing_out():
    assert (HTML / ".nojekyll").exists()  # else not what begins with _


def test_no_button_leads_nowhere():
    page = (HTML / "book" / "neuron.html").read_text(encoding="utf-8")
    for name in ("book.pdf", "book.epub"):
        assert (f'href="../{name}"' in page) == (HTML / name).exists(), name
    colab = re.findall(r'href="https://colab[^"]*/colab/(.*?)"', page)
    assert all((HTML / "colab" / name).exists() for name in colab) and bool(colab) == (HTML / "colab").exists()


def test_every_link_between_pages_leads_to_something():
    pages = {path: document_fromstring(path.read_bytes()) for path in (HTML / "book").rglob("*.html")}
    names = {path: {*page.xpath("//@id | //@name")} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.xpath("//a/@href"):
            address, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", address):
                continue
            target = (path.parent / address.partition("?")[0]).resolve() if address else path
            assert target.exists(), (path.name, link)
            assert not anchor or target not in names or anchor in names[target], (path.name, link)


UNDER_THE_BAR = """place => {
  const { top } = document.getElementById(place).getBoundingClientRect();
  return 0 <= top && top < 200;
}"""


def test_a_link_into_a_page_leads_to_its_place(browser, address):
    page = browser.new_page(viewport={"width": 1200, "height": 700})
    for place in ("sec-verified-what-is-assumed", "sec-verified-do-the-tests-notice"):
        page.goto(f"{address}/book/verified.html#{place}")
        page.wait_for_function(UNDER_THE_BAR, arg=place)  # the page glides there
        page.wait_for_timeout(500)  # what is laid out late would move it
        assert page.evaluate(UNDER_THE_BAR, place), place
    page.close()
