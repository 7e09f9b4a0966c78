"""The pages of the EPUB, joined and printed by Chromium as one PDF with contents, links and bookmarks."""
import re
from html import escape
from pathlib import Path

import pikepdf
from bs4 import BeautifulSoup
from chromium import open_page
from epub import parts

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="/_build/epub/_static/pygments.css">
<link rel="stylesheet" href="/book/_static/paper.css"><link rel="stylesheet" href="/book/_static/print.css">
<script>window.MathJax = {{startup: {{typeset: false}}, chtml: {{adaptiveCSS: false}},
  options: {{processHtmlClass: "math", ignoreHtmlClass: "chapter"}}}};</script>
<script src="/book/_vendor/mathjax/es5/tex-chtml.js"></script></head><body>
<section class="title"><h1>{title}</h1><img src="/book/_static/cover.png" alt="">
<p>{author}</p><p>Version {version}</p><p>Text: CC BY 4.0. Code: BSD 3-Clause.</p></section>
<nav class="contents"><h1>Contents</h1>{contents}</nav>{chapters}</body></html>"""

# typeset, then make what is wider than the page as narrow as the page
READY = """async () => {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  for (const box of document.querySelectorAll("mjx-container[display='true']")) {
    const wide = box.firstElementChild.getBoundingClientRect().width, room = box.parentElement.clientWidth;
    const number = box.parentElement.querySelector(".eqno") ? 40 : 0;
    if (wide > room - number) box.style.fontSize = `${Math.floor(100 * (room - number) / wide)}%`;
  }
  await document.fonts.ready;
}"""


def anchor(docname, fragment=""):
    name = docname.replace("/", "-")
    return f"{name}--{fragment}" if fragment else name


def chapter(folder, docname, level):
    """Return the title and the HTML of a page of the EPUB, whose names and links carry its name in the joined book."""
    text = Path(folder, f"{docname}.xhtml").read_text(encoding="utf-8")
    body = BeautifulSoup(text, "lxml").select_one("div.body, section, body")
    where = docname.rpartition("/")[0]
    for element in body.find_all(id=True):
        element["id"] = anchor(docname, element["id"])
    for link in body.find_all("a", href=True):
        page, _, fragment = link["href"].partition("#")
        if re.match(r"\w+:", page):
            continue
        page = page.removesuffix(".xhtml")
        link["href"] = "#" + anchor(f"{where}/{page}".strip("/") if page else docname, fragment)
    for picture in body.find_all("img"):
        if not picture["src"].startswith("data:"):
            picture["src"] = f"/_build/epub/{where}/{picture['src']}"
    for math in body.find_all("math"):
        left, right = (r"\[", r"\]") if math.get("display") == "block" else (r"\(", r"\)")
        math.replace_with(left + math["alttext"] + right)
    for code in body.select("details.hide.above-input"):  # it draws a picture, as a rule
        view = code.parent.select_one(".first-view")
        menu = view and not view.img and not view.text.strip()  # shows nothing before a choice; the code has the answers
        (view if menu else code).decompose()
    for box in body.find_all("details"):
        box["open"] = ""
    for heading in body.find_all(re.compile("^h[1-5]$")):
        heading.name = f"h{int(heading.name[1]) + level}"
    title = body.find(re.compile("^h[12]$")).decode_contents()
    return title, f'<section class="chapter" id="{anchor(docname)}">{body.decode(formatter="minimal")}</section>'


def joined(app):
    """Return the HTML of the whole book; the contents have a place for each page number."""
    contents, chapters = [], []

    def entry(kind, target, text):
        contents.append(f'<p class="{kind}"><a href="#{target}"><span>{text}</span><i data-page="{target}">000</i></a></p>')

    for n, (caption, pages) in enumerate(parts(app.env)):
        if caption:
            entry("part", f"part-{n}", escape(caption))
            chapters.append(f'<h1 class="part" id="part-{n}">{escape(caption)}</h1>')
        for docname in pages:
            title, text = chapter(app.outdir, docname, 1 if caption else 0)
            entry("page", anchor(docname), title)
            chapters.append(text)
    return PAGE.format(title=escape(app.config.html_title), author=escape(app.config.author),
                       version=escape(app.config.version), contents="".join(contents), chapters="".join(chapters))


def print_book(app, browser):
    """Write book.pdf into the EPUB's folder: printed once for the page numbers, and once with them."""
    file = Path(app.outdir, "book.pdf")
    page = open_page(browser, joined(app))
    page.set_viewport_size({"width": 627, "height": 900})  # A4 less the margins
    page.evaluate(READY)
    settings = {"path": file, "outline": True, "tagged": True, "prefer_css_page_size": True, "print_background": True}
    page.pdf(**settings)
    with pikepdf.open(file) as printed:
        at = {leaf.obj.objgen: number for number, leaf in enumerate(printed.pages, 1)}
        numbers = {name.removeprefix("/"): at[place[0].objgen] for name, place in printed.Root.Dests.items()}
    page.evaluate("""numbers => document.querySelectorAll("[data-page]").forEach(
        place => place.textContent = numbers[place.dataset.page])""", numbers)
    page.pdf(**settings)
    page.close()
    with pikepdf.open(file, allow_overwriting_input=True) as printed:
        printed.docinfo["/Title"], printed.docinfo["/Author"] = app.config.html_title, app.config.author
        printed.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)  # a quarter of the size
