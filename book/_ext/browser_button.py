"""A Sphinx extension: each chapter has a button that opens it in JupyterLite (tools/lite.py)."""
from pathlib import Path


def add_button(app, pagename, templatename, context, doctree):
    if Path(app.srcdir, f"{pagename}.ipynb").exists():
        notebook = context["pathto"]("lite/notebooks/index.html", 1)  # as seen from this page: works on any host
        context["header_buttons"].insert(0, {
            "type": "link", "text": "", "label": "run-in-browser", "icon": "fas fa-play",
            "tooltip": "Run this chapter in your browser", "url": f"{notebook}?path={pagename}.ipynb"})


def setup(app):
    app.connect("html-page-context", add_button, priority=600)  # the theme has begun its list of buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
