"""Every page: complete without a network, as wide as the screen, legible, named, and not heavy."""
import gzip
import itertools
import re

import pytest
from browse import HTML, PAGES, ROOT, SIZES
from playwright.sync_api import TimeoutError

HEAVIEST = 1_000_000  # bytes of a page, compressed as servers send it, and of its own pictures

IMAGES = """() => [...document.querySelectorAll('.bd-article img')].map(i => ({
  alt: i.getAttribute('alt'), ground: getComputedStyle(i).backgroundColor, source: i.src.slice(0, 80),
  loaded: i.complete && i.naturalWidth > 0}))"""

# two thirds of a page's elements are MathJax's own, which are not ours to judge; the text may be broken anywhere, so
# that no box is wider than it was
FORMULAS_AS_TEXT = """() => document.querySelectorAll('mjx-container').forEach(formula => {
  const text = document.createElement('span');
  text.textContent = formula.querySelector('mjx-assistive-mml').textContent;
  text.style.overflowWrap = 'anywhere';
  formula.replaceWith(text);
})"""

# most of what is left are the coloured words of code: one word of each look is judged, and the others stay as plain text
LOOKS_ONCE = """() => {
  const seen = new Set(), look = e => [e.className, ...['color', 'backgroundColor', 'fontWeight', 'fontStyle'].map(
    name => getComputedStyle(e)[name])].join();
  const words = [...document.querySelectorAll('.highlight pre span')].map(e => [e, look(e)]);
  words.filter(([, l]) => seen.has(l) || !seen.add(l)).forEach(([e]) => e.replaceWith(...e.childNodes));
  document.querySelectorAll('pre').forEach(code => code.normalize());
}"""

UNREACHABLE = """[...document.querySelectorAll('.bd-article :is(div, pre, table, mjx-container)')].filter(box =>
  box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX) &&
  box.tabIndex < 0 && !box.querySelector('a[href], button, input, select, [tabindex="0"]'))
  .map(box => box.outerHTML.slice(0, 150))"""

# axe-core passes over the theme's switch of colours, whose three hidden
# icons have titles that are not in its label
SEVERE = """async options => {
  const found = await axe.run({exclude: [['.theme-switch-button']]}, {resultTypes: ['violations'], ...options});
  return found.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v =>
    `${v.id}: ${v.nodes.length} times, ` + v.nodes.slice(0, 3).map(n => n.target + ' ' + n.html.slice(0, 150)).join(' | '));
}"""


ALBUM = ROOT / "_build" / "photos"
COLOURS = ("light", "dark")
LEAF = """<!doctype html><meta charset="utf-8"><title>The pages of the book</title><style>img {{ width: 23%; height: 400px;
object-fit: cover; object-position: top; margin: 0.5%; border: 1px solid #999 }}</style>{}"""


def in_both(page):
    """Show the page in the colours that it has, then in the others: a long page takes a second to change them."""
    now = page.evaluate("document.documentElement.dataset.theme")
    yield now
    other, = {*COLOURS} - {now}
    page.emulate_media(color_scheme=other, reduced_motion="reduce")
    page.wait_for_function(f"document.documentElement.dataset.theme === '{other}'")
    yield other


def test_the_page_is_complete_without_a_network(visit):
    assert not visit.wrong
    assert not [url for url in visit.asked if not url.startswith((visit.address, "data:", "blob:"))]


def test_formulas_are_typeset(visit):
    written = len(re.findall(r'class="math ', visit.file.read_text()))
    count = visit.page.evaluate("document.querySelectorAll('.math mjx-container').length")
    assert count > 0 if written else count == 0
    assert visit.page.evaluate("document.querySelectorAll('mjx-merror, [data-mjx-error]').length") == 0
    left = visit.page.evaluate(r"""[...document.querySelectorAll('.math')]
        .filter(e => !e.querySelector('mjx-container') && /\\[(\[]/.test(e.textContent)).length""")
    assert left == 0


def test_nothing_sticks_out(visit, size):
    wide = visit.page.evaluate("""() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll('.bd-article *')].filter(e => e.getBoundingClientRect().right > innerWidth)
        .slice(0, 5).map(e => e.outerHTML.slice(0, 200))""")
    assert not wide


def test_what_scrolls_can_be_scrolled_with_keys(visit, size):
    try:  # the page measures its boxes when it has been laid out again
        visit.page.wait_for_function(f"{UNREACHABLE}.length === 0", timeout=10_000)
    except TimeoutError:
        assert not visit.page.evaluate(UNREACHABLE)


def test_every_picture_is_told_and_drawn_on_white(visit):
    for colours in in_both(visit.page):
        images = visit.page.evaluate(IMAGES)
        assert not [image for image in images if not image["loaded"] or len(image["alt"] or "") < 10]
        assert {image["ground"] for image in images} <= {"rgb(255, 255, 255)"}, colours


def test_nothing_moves_for_who_wants_no_motion(visit):
    moving = visit.page.evaluate("""[...document.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e);
        return style.animationName !== 'none' || /[1-9]/.test(style.transitionDuration); }).length""")
    assert moving == 0


def test_the_page_is_not_heavy(visit):
    text = visit.file.read_text()
    pictures = set(re.findall(r"\.\./(_images/[\w.-]+)", text))  # also those that a slider shows later
    assert len(gzip.compress(text.encode())) + sum((HTML / name).stat().st_size for name in pictures) < HEAVIEST


def test_the_page_is_readable_without_scripts(visit, browser):
    context = browser.new_context(viewport=SIZES["wide"], java_script_enabled=False)
    page = context.new_page()
    page.goto(visit.page.url)
    assert page.locator(".bd-article h1").first.is_visible()
    assert page.locator(".bd-article p").count() >= 3
    pictures = page.locator(".bd-article .first-view img")
    exhibits = visit.page.locator(".widget-vbox:has(.noUi-handle)").count()
    assert pictures.count() >= exhibits
    if exhibits:
        assert pictures.first.is_visible()
    context.close()


@pytest.fixture(scope="session")
def album():
    """The folder of the photographs, with a page to leaf through them."""
    ALBUM.mkdir(exist_ok=True)
    shown = "".join(f"<h2>{name}</h2>" + "".join(
        f'<a href="{photo(name, *shot)}"><img src="{photo(name, *shot)}" alt="{name}, {shot}" loading="lazy"></a>'
        for shot in itertools.product(SIZES, COLOURS)) for name in PAGES)
    (ALBUM / "index.html").write_text(LEAF.format(shown))
    return ALBUM


def photo(name, size, colours):
    return f"{name.rsplit('/')[-1]}-{size}-{colours}.jpg"


def test_photographs(visit, size, album):
    # the upper part of a long page, on a screen that is as high: else Chromium lays out the page again for each photograph
    height = min(visit.page.evaluate("document.documentElement.scrollHeight"), 8_000)
    visit.page.set_viewport_size({"width": SIZES[size]["width"], "height": height})
    one, other = (visit.page.screenshot(path=album / photo(visit.name, size, colours), type="jpeg", quality=60)
                   for colours in in_both(visit.page))
    assert one != other


def test_at_last_axe_finds_nothing_severe(visit, axe):
    visit.page.evaluate(FORMULAS_AS_TEXT)
    visit.page.evaluate(LOOKS_ONCE)
    visit.page.evaluate(axe)
    rules = {}
    for colours in in_both(visit.page):
        assert not visit.page.evaluate(SEVERE, rules), colours
        rules = {"runOnly": ["color-contrast"]}  # nothing else differs
