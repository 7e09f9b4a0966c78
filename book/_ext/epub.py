"""A Sphinx extension: the builder `epub` writes the whole book as an EPUB, and pdf.py prints its pages.

Formulas become MathML, which readers of EPUB show and read aloud; widgets become their first picture;
what needs a script or a server is left out.
"""
import posixpath
import re
import shutil
import tomllib
import uuid
from contextlib import ExitStack
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup
from chromium import CHROMIUM, chromium, open_page
from docutils import nodes
from PIL import Image
from sphinx import addnodes
from sphinx.builders.epub3 import Epub3Builder
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

MATHJAX = """<!doctype html><script>window.MathJax = {startup: {typeset: false}, chtml: {adaptiveCSS: false}};</script>
<script src="/book/_vendor/mathjax/es5/tex-chtml.js"></script>"""
ROOT = Path(__file__).parents[2]
STYLES = ("pygments.css", "paper.css")
LEFT_OUT = "script, style, details.challenge, form, button, .headerlink"


def parts(env):
    """Return [(caption, names of pages)] in the order of reading; the first page stands alone."""
    root = env.config.root_doc
    found = [("", [root])]
    for toctree in env.get_doctree(root).findall(addnodes.toctree):
        pages = []
        for name in toctree["includefiles"]:
            pages += [name, *env.toctree_includes.get(name, [])]
        found.append((toctree.get("caption") or "", pages))
    return found


class Formulas:
    """TeX to MathML by the MathJax of the pages, in a Chromium that is started for the first formula."""

    def __init__(self):
        self.browser = self.page = None
        self.stack = ExitStack()

    def mathml(self, tex, display):
        if self.page is None:
            self.browser = self.stack.enter_context(chromium())
            self.page = open_page(self.browser, MATHJAX)
            self.page.evaluate("MathJax.startup.promise")
        found = self.page.evaluate("([tex, display]) => MathJax.tex2mmlPromise(tex, {display})", [tex, display])
        if "<merror" in found:
            raise ExtensionError(f"MathJax does not understand {tex}")
        found = re.sub(r' data-[\w-]+="[^"]*"', "", found)
        # MathML Core knows no mathvariant but normal; paper.css sees to bold
        found = found.replace('"script">L<', '"normal">ℒ<').replace('"double-struck">R<', '"normal">ℝ<')
        return re.sub(r">\s+<", "><", found).replace("<math ", f'<math alttext="{escape(tex)}" ', 1)


def visit_inline(self, node):
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(self.builder.formulas.mathml(node.astext(), False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})</span>')
    tex = node.astext()
    if not node["nowrap"] and r"\\" in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    self.body.append(self.builder.formulas.mathml(tex, True) + "</div>\n")
    raise nodes.SkipNode


class Epub(Epub3Builder):
    """Sphinx's builder, with formulas, without scripts, and with a list of contents that says what the pages hold."""
    math_renderer_name = "mathml"

    def init(self):
        if CHROMIUM is None:
            raise ExtensionError("the EPUB and the PDF need the program chromium (Debian: apt-get install chromium)")
        super().init()
        # set here, so that the pages need not be read again for another builder; the name is an XML name too
        name = uuid.uuid5(uuid.NAMESPACE_URL, self.config.html_baseurl or self.config.html_title)
        self.config.epub_uid = self.config.epub_identifier = f"book-{name}"
        self.config.epub_tocscope = "includehidden"
        self.config.version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        self.formulas = Formulas()

    def get_toc(self):
        """Put the names of the book's parts above their pages; each leads to the first of them, whose own name leads to its title."""
        super().get_toc()
        heads = {f"{pages[0]}{self.out_suffix}": (caption, pages[0]) for caption, pages in parts(self.env) if caption}
        found, level = [], 0
        for node in self.refnodes:
            if node["refuri"] in heads:
                level, (caption, first) = 1, heads[node["refuri"]]
                found.append({"level": 1, "refuri": node["refuri"], "text": escape(caption)})
                title = next(self.env.get_doctree(first).findall(nodes.section))["ids"][0]  # no address may come twice
                node = node | {"refuri": f"{node['refuri']}#{title}"}
            found.append(node | {"level": node["level"] + level})
        self.refnodes = found

    def prepare_writing(self, docnames):
        super().prepare_writing(docnames)
        self.domain_indices = []

    def build_content(self):
        static = Path(self.outdir, "_static")
        for path in static.iterdir():
            if path.name not in STYLES:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in Path(self.outdir, "_images").glob("*.webp"):  # EPUB 3.2, which programs still read, knows PNG
            with Image.open(path) as picture:
                picture.save(path.with_suffix(".png"), optimize=True)
            path.unlink()
        self.mend_links()
        super().build_content()
        path = Path(self.outdir, "content.opf")
        path.write_text(re.sub(r'<item [^>]*href="([^"]+\.xhtml)"', self.with_properties, path.read_text("utf-8")), "utf-8")

    def mend_links(self):
        """Let a link to a place that a page does not have lead to the page: Sphinx does not check generated HTML.
        Pictures are called as they are now."""
        pages = {path: re.sub(r'(src="[\w./-]+)\.webp"', r'\1.png"', path.read_text("utf-8"))
                 for path in Path(self.outdir).rglob("*.xhtml")}
        places = {path.name: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
        for path, text in pages.items():
            path.write_text(re.sub(r'href="([\w./]*?)(\w+\.xhtml)#([^"]+)"', lambda m: m[0] if m[3] in places[m[2]]
                                   else f'href="{m[1]}{m[2]}"', text), "utf-8")

    def with_properties(self, found):
        if found[1] == "nav.xhtml":
            return found[0]
        text = Path(self.outdir, found[1]).read_text("utf-8")
        properties = [name for name, tag in (("mathml", "<math"), ("svg", "<svg")) if tag in text]
        return found[0] + f' properties="{" ".join(properties)}"' * bool(properties)


def configure(app, config):
    config.html_math_renderer = "mathjax"  # of the pages; Sphinx would take the other one
    config.epub_basename = "book"
    config.epub_title = config.epub_description = config.html_title
    config.epub_contributor = config.epub_publisher = config.author
    config.epub_copyright = "CC BY 4.0"
    config.epub_css_files = [("paper.css", {})]
    config.epub_show_urls = "no"
    config.epub_use_index = False


def clean(app, pagename, templatename, context, doctree):
    """Leave of a page what can be shown without scripts, as XHTML."""
    if app.builder.name != "epub":
        return
    context["script_files"] = []
    context["css_files"] = [style for style in context["css_files"] if str(style.filename).endswith(STYLES)]
    body = BeautifulSoup(context.get("body", ""), "html.parser")
    for element in body.select(LEFT_OUT):
        element.decompose()
    for element in body.select("noscript"):  # no element of XHTML; what it holds is what is wanted here
        element.unwrap()
    for summary in body.select("details.hide > summary"):
        summary.string = "Code"
    for row in body.select("table > tr:first-child:not(:has(td))"):  # a head stands on every page of the table
        row.wrap(body.new_tag("thead"))
    keep_links(app, pagename, body)
    seen = set()
    for element in body.find_all(id=True):  # sphinx-proof and sphinx-exercise give every box the same one
        if element["id"] in seen:
            del element["id"]
        else:
            seen.add(element["id"])
    context["body"] = body.decode(formatter="minimal")


def keep_links(app, pagename, body):
    """Let links in generated HTML lead to the pages of the EPUB, and take away those to what only the site has."""
    for link in body.find_all("a", href=True):
        page, mark, fragment = link["href"].partition("#")
        if page and not re.match(r"\w+:", page):
            target = re.sub(r"\.x?html$", "", posixpath.normpath(posixpath.join(posixpath.dirname(pagename), page)))
            if target in app.env.found_docs:
                link["href"] = re.sub(r"\.html$", ".xhtml", page) + mark + fragment
            else:
                link.unwrap()


def finish(app, exception):
    if app.builder.name == "epub":
        if not exception:
            from pdf import print_book  # whoever builds pages alone needs no pikepdf
            print_book(app, app.builder.formulas.browser)
        app.builder.formulas.stack.close()


def setup(app):
    app.add_builder(Epub, override=True)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("config-inited", configure)
    app.connect("html-page-context", clean, priority=950)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
