"""A Sphinx extension: a built page asks no other host for anything.

tools/vendor.py has put MathJax, require.js and the widget manager into book/_vendor. They are
copied beside the pages here, and not through html_static_path, because Jupyter Book loads every
script that it finds there on every page.
"""
from pathlib import Path
from shutil import copytree

from sphinx.errors import ExtensionError

VENDOR = Path(__file__).parent.parent / "_vendor"

# require.js takes a global of its name as its settings, and the widgets look for their fonts there;
# widgets speak to MathJax 2, the pages have MathJax 3; the theme's icons replace <i> by <svg>,
# which takes the Play widget's buttons away unless the <svg> is nested inside
SHIM = """
window.require = {baseUrl: document.documentElement.dataset.content_root + '_static/vendor/'};
window.FontAwesomeConfig = {autoReplaceSvg: 'nest'};
window.addEventListener('load', () => {
  if (window.MathJax && !window.MathJax.Hub) {
    window.MathJax.Hub = {Queue: (...calls) => calls.forEach(call => {
      if (Array.isArray(call) && call[0] === 'Typeset') window.MathJax.typesetPromise([call[2]]);
    })};
  }
});
"""


def configure(app, config):
    if not (VENDOR / "packages.txt").exists():
        raise ExtensionError("book/_vendor is missing: run `python tools/vendor.py` first")
    config.mathjax_path = "vendor/mathjax/es5/tex-chtml.js"
    config.nb_ipywidgets_js = {
        "vendor/requirejs/require.js": {},
        "vendor/@jupyter-widgets/html-manager/dist/embed-amd.js": {"data-jupyter-widgets-cdn-only": "true"},
    }
    copytree(VENDOR, Path(app.outdir) / "_static" / "vendor", dirs_exist_ok=True)


def clean_page(app, pagename, templatename, context, doctree):
    # sphinx-thebe, which Jupyter Book always loads, declares one constant twice and names a CDN
    context["script_files"] = [
        script for script in context["script_files"]
        if "sphinx-thebe" not in str(script.filename)
        and not str(script.attributes.get("body")).startswith("const THEBE_JS_URL")]
    for script in context["script_files"]:
        if "html-manager" in str(script.filename):  # where it finds its fonts, as seen from this page
            script.attributes["data-jupyter-widgets-cdn"] = context["pathto"]("_static/vendor/", 1)


def setup(app):
    # the handlers of thebe and of the theme must have run before the page is cleaned
    app.connect("config-inited", configure, priority=900)
    app.connect("html-page-context", clean_page, priority=900)
    app.add_js_file(None, body=SHIM, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
