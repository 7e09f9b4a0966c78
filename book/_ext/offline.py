"""A Sphinx extension: a built page asks no other host for anything, and is readable before its scripts run.

tools/vendor.py has put MathJax, require.js and the widget manager into book/_vendor. They are
copied beside the pages here, and not through html_static_path, because Jupyter Book loads every
script that it finds there on every page.
"""
import base64
import hashlib
import json
import re
from pathlib import Path
from shutil import copytree

from PIL import Image
from sphinx.errors import ExtensionError

STATE = "application/vnd.jupyter.widget-state+json"
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
    # formulas.js begins; all fonts are declared at once, so that the page is not styled again for each formula
    config.mathjax3_config = {"startup": {"typeset": False}, "chtml": {"adaptiveCSS": False}}
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
        if "vendor/" in str(script.filename):
            script.attributes["defer"] = "defer"  # 4 MB: the text does not wait for them
        if "html-manager" in str(script.filename):  # where it finds its fonts, as seen from this page
            script.attributes["data-jupyter-widgets-cdn"] = context["pathto"]("_static/vendor/", 1)


def first_text(models, name):
    """Return what a widget shows at first as HTML: of a stack the selected child, of a box all of them."""
    state = models[name]["state"]
    if models[name]["model_name"] == "HTMLModel":
        return state["value"]
    shown = [child.removeprefix("IPY_MODEL_") for child in state.get("children", [])]
    if models[name]["model_name"] == "StackModel":
        shown = shown[state["selected_index"]:][:1]
    return "".join(first_text(models, child) for child in shown)


def store(app, pagename, state):
    """Return the widgets' data, with the pictures in files of their own: they are fetched after the text."""
    folder = Path(app.outdir) / "_images"
    folder.mkdir(parents=True, exist_ok=True)

    def stored(match):
        kind, content = match[1], base64.b64decode(match[2])
        file = f"exhibit-{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
        (folder / file).write_bytes(content)
        return f"{'../' * pagename.count('/')}_images/{file}"

    return re.sub(r"data:image/(png|webp);base64,([A-Za-z0-9+/=]+)", stored, state)


def text_first(app, pagename, templatename, context, doctree):
    """Move the widgets' data behind the text, and show the first picture of each where there are no scripts."""
    for script in context["script_files"]:
        if script.attributes.get("type") == STATE:
            state = store(app, pagename, script.attributes["body"])
            models = json.loads(state)["state"]
            body = re.sub(
                r'<script type="application/vnd.jupyter.widget-view\+json">(.*?)</script>',
                lambda view: f"{view[0]}<noscript>{first_text(models, json.loads(view[1])['model_id'])}</noscript>",
                context["body"])
            context["body"] = f'{body}<script type="{STATE}">{state}</script>'
    context["script_files"] = [script for script in context["script_files"] if script.attributes.get("type") != STATE]


def lighten(app, exception):
    """Let no text wait for the theme's icons, and store the cells' pictures with at most 128 colours."""
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'<script (src="[^"]*/scripts/fontawesome\.js)', r"<script defer \1", text), encoding="utf-8")
    for path in (Path(app.outdir) / "_images").glob("*.png"):
        with Image.open(path) as picture:
            # a third of the bytes, and the same to the eye; not yet done, not transparent
            if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
                picture.convert("RGB").quantize(128).save(path, optimize=True)


def setup(app):
    # the handlers of thebe and of the theme must have run before the page is cleaned
    app.connect("config-inited", configure, priority=900)
    app.connect("html-page-context", clean_page, priority=900)
    app.connect("html-page-context", text_first, priority=901)
    app.connect("build-finished", lighten)
    app.add_js_file(None, body=SHIM, priority=1)
    app.add_js_file("formulas.js")
    app.add_js_file("access.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
