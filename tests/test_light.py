"""What book/_ext/light.py does to a finished page: formulas, style and letters."""
import importlib.util
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.errors import ExtensionError

EXTENSIONS = Path(__file__).parent.parent / "book" / "_ext"
spec = importlib.util.spec_from_file_location("light", EXTENSIONS / "light.py")
light = importlib.util.module_from_spec(spec)
spec.loader.exec_module(light)

INLINE = r'<span class="math notranslate nohighlight">\(a &lt; b\)</span>'
DISPLAY = '<div class="math notranslate nohighlight" id="eq">\n\\[x\n= 0\\]\n</div>'
STATE = ('<script type="application/json" id="widget-state">{"state": {"1": {"model_name": "HTMLModel", "state": '
         r'{"value": "<span class=\"math notranslate nohighlight\">\\(w\\)</span>"}}, '
         '"2": {"model_name": "DropdownModel", "state": {"description": "\\\\(b\\\\)"}}, '
         '"3": {"model_name": "VBoxModel", "state": {}}}}</script>')


def test_formulas_of_the_text_and_of_the_widgets_are_found_and_replaced():
    page = f"<p>{INLINE}</p>{DISPLAY}{STATE}"
    found = [formula for text in light.texts_of(page) for formula in light.formulas(text)]
    assert found == [("a < b", False), ("x\n= 0", True), ("b", False), ("w", False)]
    made = light.with_formulas(page, dict(zip(found, ["<i>one</i>", "<i>two</i>", "<i>b</i>", '<i class="w"></i>'])))
    assert '<span class="math notranslate nohighlight"><i>one</i></span>' in made
    assert 'id="eq"><i>two</i></div>' in made
    assert r'<i class=\"w\"></i>' in made and r"\(w" not in made
    assert r'"labels": {"\\(b\\)": "<span class=\"math notranslate nohighlight\"><i>b</i></span>"}' in made


def test_rules_stay_only_for_what_the_pages_have():
    css = ("@charset 'utf-8'; .a > p, .b.a { --x: 1px; --y: 2px; color: red } #gone .a { color: blue } "
           "p:not(.b) { top: 0 } @media print { .b { left: 0 } .a { left: 1px } } @media screen { .b { left: 0 } } .a { }")
    assert light.purged(css, {"a", "--x"}) == (
        ".a > p{--x: 1px;color: red}p:not(.b){top: 0}@media print {.a{left: 1px}}")


def test_a_font_keeps_the_letters_of_its_own_formulas():
    css = ('.c41::before{content:"A"}.c42-I::before{content:"B"}.c41-I::before{content:"\\43"}'
           'mjx-ext mjx-c::before{content:"D"}')
    assert light.letters_of("MJXTEX", css) == {*"AD"}
    assert light.letters_of("MJXTEX-I", css) == {*"BCD"}
    font = light.MATHJAX / "output/chtml/fonts/woff-v2/MathJax_Main-Regular.woff"
    if not font.exists():
        pytest.fail("book/_vendor is missing: run `python tools/vendor.py` first")
    assert {*TTFont(BytesIO(light.smaller(font, {*"AD"}))).getBestCmap()} == {ord("A"), ord("D")}


def test_mathjax_typesets_at_build_time_and_refuses_what_it_cannot_read():
    made, style = light.typeset([("x_i", False), (r"\frac{1}{2}", True)])
    assert "<math><msub><mi>x</mi><mi>i</mi></msub></math>" in made["x_i", False]
    assert 'display="true"' in made[r"\frac{1}{2}", True] and "<mjx-frac" in made[r"\frac{1}{2}", True]
    assert ".c1D465-I::before" in style
    with pytest.raises(ExtensionError, match="nosuchthing"):
        light.typeset([(r"\nosuchthing{x}", False)])


def test_pictures_get_their_size_and_all_but_the_first_wait(tmp_path):
    (tmp_path / "_images").mkdir()
    Image.new("L", (7, 5)).save(tmp_path / "_images" / "a.png")
    page = '<img alt="one" src="../_images/a.png"><img src="../_images/a.png"><img width="3" src="../_images/a.png">'
    assert light.with_sizes(page, tmp_path) == (
        '<img width="7" height="5" alt="one" src="../_images/a.png">'
        '<img width="7" height="5" loading="lazy" src="../_images/a.png"><img width="3" src="../_images/a.png">')
