"""A Sphinx extension: below each theorem stands a form in which the reader tries a line of their own.

challenge.js has it checked in the reader's browser, by the Pyodide that tools/lite.py puts beside the pages.
"""
from html import escape
from pathlib import Path
from shutil import copy

from docutils import nodes

from nnlib.derivations import THEOREMS, challenge
from nnlib.derivations.display import source
from nnlib.derivations.language import Neg, free_indices
from nnlib.derivations.mutate import mutants

# a template, because a browser lays out the page around each form when it has loaded, which takes a phone a second
FORM = """<details class="challenge" data-theorem="{name}"><summary>Challenge this equation</summary>
<noscript>Checking a line needs JavaScript.</noscript>
<template><form autocomplete="off" spellcheck="false" autocapitalize="none"><fieldset disabled>
<p>What else equals the left side of this theorem? Type it. The rules and the random numbers that
checked the derivation then check your line, here in your browser.</p>
<label>Your line <input name="line" required aria-describedby="names-{name}"></label>
<label>Next after <select name="after"><option value="">any line</option>{lines}</select></label>
<p><button>Check</button> <button type="button" class="stop" hidden>Stop</button></p>
<p id="names-{name}">Names: {names}. Write <kbd>x_i</kbd> or <kbd>x[i]</kbd>, <kbd>sum_j x_j</kbd>,
<kbd>A.T @ B</kbd>, <kbd>dL/dz_i</kbd>; LaTeX is read too.</p>
<p>Examples: <button type="button" class="example">{right}</button> is true,
<button type="button" class="example">{wrong}</button> is false.</p>
</fieldset><div class="verdict" role="status"></div></form></template></details>
"""


def examples(lemma):
    """The theorem's right side as it is typed, and a slip in it that the kernel refutes with numbers."""
    slips = (e for _, e in mutants(lemma.right, free_indices(lemma.left), [], []))
    wrong = next(e for e in [*slips, Neg(lemma.right)] if challenge(lemma, source(e)).kind == "false")
    return source(lemma.right), source(wrong)


def form(name):
    """The form of one theorem, as HTML."""
    lemma = THEOREMS[name].build()
    right, wrong = map(escape, examples(lemma))
    lines = ["the left side", *(f"line {n}: {source(line.expr)}" for n, line in enumerate(lemma.lines, 1))]
    short = [escape(line[:50] + "…" * (len(line) > 50)) for line in lines]
    options = "".join(f'<option value="{n}">{line}</option>' for n, line in enumerate(short))
    names = challenge(lemma, "nosuchname").message.partition("This theorem has: ")[2].rstrip(".")
    return FORM.format(name=name, lines=options, names=escape(names), right=right, wrong=wrong)


def insert_forms(app, doctree):
    """Put a form below each theorem's derivation; into its box where no cell shows this one alone."""
    boxes = {i[4:]: box for box in doctree.findall(nodes.Element) for i in box["ids"]
             if i.startswith("thm-") and i[4:] in THEOREMS}
    for name, box in boxes.items():
        made = nodes.raw("", form(name), format="html")
        cell = next(box.findall(nodes.container, include_self=False, descend=False, siblings=True), None)
        if cell and cell.astext().startswith(f'THEOREMS["{name}"]'):
            cell.parent.insert(cell.parent.index(cell) + 1, made)
        else:
            box += made


def add_files(app, pagename, templatename, context, doctree):
    if 'class="challenge"' in context.get("body", ""):
        app.add_js_file("challenge.js", loading_method="defer")
        app.add_css_file("challenge.css")


def copy_files(app, config):
    # not through html_static_path: Jupyter Book loads every script that it finds there on every page
    (folder := Path(app.outdir, "_static")).mkdir(parents=True, exist_ok=True)
    for name in ("challenge.js", "challenge.css"):
        copy(Path(__file__).with_name(name), folder)


def setup(app):
    app.connect("config-inited", copy_files)
    app.connect("doctree-read", insert_forms)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
