"""A Sphinx extension: what a published book has. _config.yml holds the two addresses, `repository: url` and
`html: baseurl`; without them the pages have no button, link or picture that would lead nowhere.

- how the book is cited: the directive `bibtex` prints CITATION.cff;
- what other sites show of a page: its description, and the picture social.png;
- sitemap.xml; buttons for Binder and Colab; and for the PDF and the EPUB, if `make site` has made them.
"""
import os
import shutil
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from PIL import Image
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
SIZE = 1200, 630  # what social networks show
EDITIONS = [ROOT / "_build" / "epub" / f"book.{kind}" for kind in ("pdf", "epub")]


def bibtex(citation):
    """Return CITATION.cff, read by YAML, as an entry of BibTeX."""
    year, month, _ = str(citation["date-released"]).split("-")
    fields = {"author": " and ".join(f"{{{author['name']}}}" for author in citation["authors"]),
              "title": f"{{{citation['title']}}}", "year": year, "month": int(month), "version": citation["version"]}
    if "url" in citation:
        fields["url"] = citation["url"]
    return "@software{nnlib,\n" + "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items()) + "}"


class Bibtex(SphinxDirective):
    def run(self):
        path = ROOT / "CITATION.cff"
        self.env.note_dependency(str(path))
        citation = yaml.safe_load(path.read_text(encoding="utf-8"))
        entry = bibtex(citation | ({"url": self.config.html_baseurl} if self.config.html_baseurl else {}))
        return [nodes.literal_block(entry, entry, language="bibtex")]


def address(app, pagename):
    return f"{app.config.html_baseurl.rstrip('/')}/{pagename}.html"


def description(doctree):
    """Return the first sentences of a page, at most 200 characters."""
    text = next((p.astext() for p in doctree.findall(nodes.paragraph)
                 if len(p.astext()) > 60 and isinstance(p.parent, nodes.section)), "")  # no item of a list
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"


def describe(app, pagename, templatename, context, doctree):
    """Say in the head of a page what it is about."""
    if doctree is None or app.builder.name != "html":
        return
    about = description(doctree)
    tags = {"og:title": context["title"], "og:type": "article", "og:site_name": app.config.html_title,
            "og:description": about, "twitter:card": "summary_large_image"}
    if app.config.html_baseurl:
        picture = f"{app.config.html_baseurl.rstrip('/')}/_static/social.png"
        tags |= {"og:url": address(app, pagename), "og:image": picture, "og:image:width": SIZE[0],
                 "og:image:height": SIZE[1], "og:image:alt": "Weights of a network that has learned the digits"}
    context["metatags"] += f'\n<meta name="description" content="{escape(about)}" />' + "".join(
        f'\n<meta property="{name}" content="{escape(str(content))}" />' for name, content in tags.items())


def published():
    """Return the repository that _config.yml names: `html_theme_options` there hides it from the theme."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]


def links(repository, branch, pagename):
    """Return {name: address} of the places where others run this page's notebook."""
    at = repository.removesuffix("/").removeprefix("https://github.com/")
    return {"Binder": f"https://mybinder.org/v2/gh/{at}/{branch}?urlpath=lab/tree/{pagename}.ipynb",
            "Colab": f"https://colab.research.google.com/github/{at}/blob/gh-pages/colab/{Path(pagename).name}.ipynb"}


def add_buttons(app, pagename, templatename, context, doctree):
    if app.builder.name != "html":
        return
    repository, buttons = published(), []
    if repository["url"] and Path(app.srcdir, f"{pagename}.ipynb").exists():
        for name, url in links(repository["url"], repository["branch"], pagename).items():
            buttons.append({"type": "link", "text": name, "url": url, "label": name.lower(), "icon": "fas fa-rocket",
                            "tooltip": f"Run this chapter on {name}"})
    if os.environ.get("EDITIONS"):
        for path in EDITIONS:
            buttons.append({"type": "link", "text": f"whole book, {path.suffix}", "label": path.name, "icon": "fas fa-book",
                            "url": context["pathto"](path.name, 1), "tooltip": f"The whole book, {path.suffix}"})
    if buttons:
        context["header_buttons"].append({"type": "group", "label": "elsewhere", "icon": "fas fa-rocket",
                                          "tooltip": "Run elsewhere, read on paper", "buttons": buttons})


def social_picture(path):
    """Write the cover, as wide as the picture that other sites show, on its own ground."""
    with Image.open(ROOT / "book" / "_static" / "cover.png") as cover:
        wide = cover.convert("RGBA").convert("RGB").resize((SIZE[0], SIZE[0] * cover.height // cover.width), Image.Resampling.NEAREST)
    picture = Image.new("RGB", SIZE, wide.getpixel((0, 0)))
    picture.paste(wide, (0, (SIZE[1] - wide.height) // 2))
    picture.save(path, optimize=True)


def add_files(app, exception):
    """Put beside the pages what is no page: the list of pages, the picture, the PDF and the EPUB."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    (folder / ".nojekyll").touch()  # else GitHub Pages leaves out what begins with _
    if app.config.html_baseurl:
        social_picture(folder / "_static" / "social.png")
        pages = "".join(f"<url><loc>{escape(address(app, name))}</loc></url>\n" for name in sorted(app.env.found_docs))
        (folder / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n', encoding="utf-8")
    if os.environ.get("EDITIONS"):
        for path in EDITIONS:
            shutil.copy(path, folder)


def setup(app):
    app.add_directive("bibtex", Bibtex)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", add_buttons, priority=600)  # the theme has begun its list of buttons
    app.connect("build-finished", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
