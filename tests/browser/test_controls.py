"""Every slider and every menu, moved with the keyboard on a static page."""
SHOWN = """control => {
  const box = control.closest('.widget-vbox');
  return [...box.querySelectorAll('.widget-html-content')].filter(e => e.offsetParent)
    .map(e => e.innerText + [...e.querySelectorAll('img')].map(i => i.src + i.alt).join()).join();
}"""
READOUT = f"handle => [handle.getAttribute('aria-valuetext'), ({SHOWN})(handle)]"
STYLE = """control => { const style = getComputedStyle(control);
  return [style.outlineStyle, style.outlineWidth, style.outlineColor].join(); }"""
NAME = """control => (control.labels?.[0] || document.getElementById(control.getAttribute('aria-labelledby')))
  ?.textContent.trim()"""


def focus_is_seen(control):
    before = control.evaluate(STYLE)
    control.focus()
    assert control.evaluate(STYLE) != before


def test_sliders(visit):
    press = visit.page.keyboard.press
    for handle in visit.page.locator(".noUi-handle").element_handles():
        name = handle.evaluate(NAME)
        assert name and "\\(" not in name
        focus_is_seen(handle)
        press("Home")
        seen = dict([handle.evaluate(READOUT)])
        last = int(float(handle.get_attribute("aria-valuemax")))
        for _ in range(last):
            press("ArrowRight")
            seen.update([handle.evaluate(READOUT)])
        assert len(seen) == last + 1 and all(seen.values())
        assert len(set(seen.values())) > 1
        end = handle.evaluate(SHOWN)
        press("Home")
        assert handle.evaluate(SHOWN) == next(iter(seen.values()))
        press("End")
        assert handle.evaluate(SHOWN) == end


def test_menus(visit):
    for menu in visit.page.locator(".widget-dropdown select").all():
        assert menu.evaluate(NAME)
        focus_is_seen(menu)
        comments = []
        for at in range(menu.locator("option").count()):
            menu.select_option(index=at)
            comments.append(menu.evaluate(SHOWN).strip())
        assert comments[0] == "" and all(comments[1:])
        assert len(set(comments)) == len(comments)


def test_there_is_no_other_kind_of_widget(visit):
    others = visit.page.locator(".jupyter-widgets :is(input, button, textarea)")
    assert others.count() == 0
