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
from shutil import copy, copytree, ignore_patterns

from PIL import Image
from sphinx.errors import ExtensionError

STATE = "application/vnd.jupyter.widget-state+json"
VENDOR = Path(__file__).parent.parent / "_vendor"


def configure(app, config):
    if not (VENDOR / "packages.txt").exists():
        raise ExtensionError("book/_vendor is missing: run `python tools/vendor.py` first")
    config.nb_ipywidgets_js = {"widgets.js": {"defer": "defer"}}
    static = Path(app.outdir) / "_static"
    only_for_node = ignore_patterns("node-main.js", "tex.js", "chtml.js", "a11y")
    copytree(VENDOR, static / "vendor", dirs_exist_ok=True, ignore=only_for_node)
    copy(Path(__file__).with_name("widgets.js"), static)


def clean_page(app, pagename, templatename, context, doctree):
    # sphinx-thebe, which Jupyter Book always loads, declares one constant twice and names a CDN; MathJax has done its
    # work before (light.py), and challenge.js fetches it for what it shows later
    context["script_files"] = [
        script for script in context["script_files"]
        if not re.search("sphinx-thebe|mathjax", str(script.filename))
        and not str(script.attributes.get("body")).startswith(("const THEBE_JS_URL", "window.MathJax"))]


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
    """Move the widgets' data behind the text, and show the first picture of each until widgets.js draws it."""
    for script in context["script_files"]:
        if script.attributes.get("type") == STATE:
            whole = json.loads(store(app, pagename, script.attributes["body"]))
            models = whole["state"]
            for model in models.values():  # what is null stays as the library has it
                model["state"] = {name: value for name, value in model["state"].items() if value is not None}

            def with_first_view(view):
                return f'{view[0]}<div class="first-view">{first_text(models, json.loads(view[1])["model_id"])}</div>'

            body = re.sub(r'<script type="application/vnd.jupyter.widget-view\+json">(.*?)</script>', with_first_view,
                          context["body"])
            # not as `STATE`, at which the library would draw all widgets at once
            context["body"] = f'{body}<script type="application/json" id="widget-state">{json.dumps(whole)}</script>'
    context["script_files"] = [script for script in context["script_files"] if script.attributes.get("type") != STATE]


def fewer_colours(app, exception):
    """Store the cells' pictures with at most 128 colours."""
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
    app.connect("build-finished", fewer_colours)
    app.add_js_file("access.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
