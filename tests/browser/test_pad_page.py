"""The built page "Draw a digit" in a browser: mouse, finger and keys draw, and the network reads."""
import re

import pytest
from browse import HTML


if not (HTML / "book" / "draw.html").exists():
    pytest.skip(f"{HTML}/book/draw.html is not built: no browser test of it", allow_module_level=True)

# strokes in hundredths of the field
DIGITS = {
    3: [[(30, 25), (45, 17), (62, 20), (67, 32), (58, 44), (45, 48), (60, 51), (70, 63), (66, 78), (50, 85), (31, 78)]],
    1: [[(52, 15), (50, 50), (48, 85)]],
    0: [[(50, 16), (35, 24), (28, 45), (31, 68), (45, 83), (60, 79), (70, 60), (70, 38), (62, 20), (50, 16)]],
}


@pytest.fixture
def page(browser, address, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 900}}))
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda sent: page.errors.append(sent.url)
            if not sent.url.startswith((address, "data:", "blob:")) else None)
    page.clock.install()  # the words come when the pen has rested: that time is skipped
    page.goto(f"{address}/book/draw.html")
    page.locator(".digit-pad .field").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.digit-pad .words').innerText")  # laid out only near the screen
    yield page
    assert page.errors == []
    context.close()


def answer(page):
    """The digit and the percentage in the words, once the pen has rested."""
    page.clock.run_for(400)
    found = re.search(r"says (\d), with the probability (\d+) %", page.locator(".digit-pad .words").inner_text())
    return tuple(map(int, found.groups()))


def points(page, line):
    box = page.locator(".digit-pad .field").bounding_box()
    return [(box["x"] + box["width"] * x / 100, box["y"] + box["height"] * y / 100) for x, y in line]


def draw_with_mouse(page, digit):
    page.locator(".digit-pad .clear").click()
    for line in DIGITS[digit]:
        first, *others = points(page, line)
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=4)
        page.mouse.up()


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_drawn_with_the_mouse_is_read(digit, page):
    assert "Nothing is drawn yet" in page.locator(".digit-pad .words").inner_text() or answer(page)
    draw_with_mouse(page, digit)
    assert answer(page)[0] == digit
    bars = page.locator(".digit-pad .bars b").all_inner_texts()
    assert len(bars) == 10 and abs(sum(int(bar.split()[0]) for bar in bars) - 100) <= 5
    page.mouse.move(5, 5)  # with no button pressed nothing is drawn
    assert answer(page)[0] == digit


PHONE = {"viewport": {"width": 375, "height": 800}, "has_touch": True, "is_mobile": True, "reduced_motion": "reduce",
         "color_scheme": "dark"}


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_finger_draws_and_does_not_scroll(page):
    touch = page.context.new_cdp_session(page)
    place = page.evaluate("scrollY")
    for line in DIGITS[3]:
        for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(line) - 1)], points(page, line)):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert answer(page)[0] == 3
    assert page.evaluate("scrollY") == place
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_keys_draw(page):
    page.locator(".digit-pad .field").focus()
    place = page.evaluate("scrollY")
    press(page, *["ArrowUp"] * 9, " ", *["Shift+ArrowDown"] * 18)
    assert answer(page)[0] == 1
    assert page.locator(".digit-pad .cursor").inner_text() == "cursor: row 23, column 14"
    assert page.evaluate("scrollY") == place
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "clear"
    page.keyboard.press("Enter")
    page.clock.run_for(400)
    assert "Nothing is drawn yet" in page.locator(".digit-pad .words").inner_text()


def test_centring_can_be_left_out_and_examples_are_read(page):
    right = 0
    for _ in range(10):
        page.locator(".digit-pad .example").click()
        label = int(re.search(r"label (\d)", page.clock.run_for(400) or page.locator(".digit-pad .words").inner_text())[1])
        centred = answer(page)
        page.locator(".digit-pad .centre").uncheck()
        assert answer(page) == centred  # a test image is centred already
        page.locator(".digit-pad .centre").check()
        right += centred[0] == label
    assert right >= 8


def test_the_weights_of_a_neuron_are_shown(page):
    page.locator(".digit-pad .example").click()
    page.locator(".digit-pad .show").check()
    about = page.locator(".digit-pad .about")
    assert about.inner_text().startswith("Hidden layer 1, neuron 1: pre-activation")
    page.locator(".digit-pad .neurons").nth(1).hover(position={"x": 25, "y": 8})
    assert about.inner_text().startswith("Hidden layer 2, neuron 2: pre-activation")
    page.locator(".digit-pad .neuron").press("End")
    assert about.inner_text().startswith("Hidden layer 2, neuron 32:")
