"""The form "Challenge this equation" of the built page on softmax, in a browser with Python beside the page."""
import re
import time

import pytest
from browse import HTML
from yardstick import in_time

PAGE = HTML / "book" / "softmax.html"
PHONE = {"viewport": {"width": 375, "height": 800}, "color_scheme": "dark", "reduced_motion": "reduce"}

if not PAGE.exists() or 'class="challenge"' not in PAGE.read_text(encoding="utf-8"):
    pytest.skip(f"{PAGE} is not built: no browser test of its forms", allow_module_level=True)
with_python = pytest.mark.skipif(not (HTML / "lite/static/pyodide/pyodide.mjs").exists(),
                                 reason="the book was built without notebooks for the browser")


@pytest.fixture
def page(browser, address, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 900}}))
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.asked, page.errors = [], []
    context.on("request", lambda sent: page.asked.append(sent.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{address}/book/softmax.html")
    yield page
    assert page.errors == []
    assert [url for url in page.asked if not url.startswith((address, "data:", "blob:"))] == []
    context.close()


def opened(page, theorem="softmax"):
    form = page.locator(f".challenge[data-theorem={theorem}]")
    form.locator("summary").click()
    return form


def answer(form, line, kind):
    """Type the line, press Enter, and wait for an answer of this kind: its text."""
    form.get_by_label("Your line").fill(line)
    form.get_by_label("Your line").press("Enter")
    form.locator(f".verdict.{kind}").wait_for(timeout=60_000)
    return form.locator(".verdict").inner_text()


@pytest.mark.alone
@with_python
def test_a_true_a_false_and_an_unreadable_line(page):
    form = opened(page)
    assert not any("pyodide" in url for url in page.asked)  # nothing is fetched before a form is used
    start = time.monotonic()
    said = answer(form, "s_k*(delta_ki - s_i)", "true")
    took = time.monotonic() - start
    print(f"first answer after {took:.1f} s")
    assert in_time(took, 25)
    assert said.startswith("True: it is line 5 of the derivation.")
    assert form.locator(".verdict mjx-container").count() == 1
    said = answer(form, "s_k*(1 - s_i)", "false")
    assert re.match(r"False: the left side of the theorem is -?[\d.e-]+ and your line is -?[\d.e-]+ at .*K = ", said)
    assert answer(form, "s_k*(1 - t_i)", "unreadable").startswith("Not readable. At character 10: unknown name 't'.")
    assert form.locator("mark").inner_text() == "t"
    assert page.evaluate("document.activeElement.name") == "line"


@with_python
@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_by_keys_alone_on_a_phone_with_a_line_to_begin_at(page):
    page.locator(".challenge summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "line"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    form = opened(page)
    form.locator(".example").first.press("Enter")
    assert form.get_by_label("Your line").input_value() == "s[k] * (delta(k, i) - s[i])"
    form.get_by_label("Next after").select_option("4")
    form.get_by_label("Your line").press("Tab")
    said = answer(form, "s_k*delta_ki - s_k*s_i", "true")
    assert said.startswith("True: it follows from line 4 by the definition of s.")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@with_python
def test_a_long_check_can_be_stopped(page):
    page.clock.install()
    form = opened(page)
    form.locator(".example").first.click()
    form.get_by_role("button", name="Check").click()
    assert form.locator(".verdict").inner_text() == "Python is being fetched: 14 MB, once."
    assert not form.locator(".stop").is_visible()
    page.clock.run_for(10_000)
    form.locator(".stop").click()
    assert form.locator(".verdict").inner_text() == "Stopped."
    assert answer(form, "s_i", "false").startswith("False")  # a new worker answers


def test_without_python_the_form_says_so(page):
    page.route("**/pyodide.mjs", lambda route: route.fulfill(status=404))
    form = opened(page)
    form.get_by_label("Your line").fill("s_k")
    form.get_by_role("button", name="Check").click()
    page.wait_for_function("/could not be fetched/.test(document.querySelector('.verdict.undecided')?.innerText)")
    assert "built without" in form.locator(".verdict").inner_text()


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_the_box_says_what_is_missing(page):
    assert "Checking a line needs JavaScript." in opened(page).inner_text()


def test_opened_as_a_file_the_form_says_so(browser):
    page = browser.new_page()
    page.goto(PAGE.as_uri())
    assert "opened as a file" in opened(page).locator(".verdict").inner_text()
    page.close()
