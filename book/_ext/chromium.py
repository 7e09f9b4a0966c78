"""The machine's own Chromium, which reaches no other host, and files of this folder as a host of their own."""
import shutil
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = "http://book.invalid"  # fonts and scripts of a page are not loaded from file: addresses
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def open_page(browser, html):
    """Return a page that shows this HTML at HOST, where the files of this folder lie too."""
    page = browser.new_page()
    page.set_default_timeout(600_000)

    def answer(route):
        path = route.request.url.removeprefix(f"{HOST}/")
        if path:
            return route.fulfill(path=ROOT / path)
        route.fulfill(body=html, content_type="text/html; charset=utf-8")

    page.route("**", answer)
    page.goto(f"{HOST}/")
    return page
