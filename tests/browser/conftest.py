"""One visit to each page of the book: all tests of a page look at the same open page."""
import re
import sys
from types import SimpleNamespace

import pytest
from browse import HTML, PAGES, READY, ROOT, SIZES, chromium, missing, served
from xdist.scheduler import LoadScopeScheduling

sys.path.insert(0, str(ROOT / "tools"))
AXE = "axe-core@4.14.0", "2277b0a3ef47af9b52497faa3e71598e86e0a0e5e6eb295207a5657ede4709af"


class ByPage(LoadScopeScheduling):
    """With -n 2 the tests of a page stay together (pytest 9.2 does not read xdist's own groups)."""

    def _split_scope(self, nodeid):
        file, _, parameters = nodeid.partition("[")
        page = re.split(r"[-\]]", parameters)[0]
        return page if any(name.endswith(f"/{page}") for name in PAGES) else file.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    return ByPage(config, log)


@pytest.fixture(scope="session")
def browser():
    if missing():
        pytest.skip(missing())
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def address():
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def context(browser):
    # without motion: nothing has to be waited for when a page is made dark or narrow
    context = browser.new_context(viewport=SIZES["wide"], reduced_motion="reduce")
    context.set_default_timeout(60_000)
    return context


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core, which npm fetches once."""
    stored = ROOT / "_build" / "axe.min.js"
    if not stored.exists():
        from vendor import fetch
        folder = tmp_path_factory.mktemp("axe")
        fetch(*AXE, ("axe.min.js",), folder)
        (folder / "axe.min.js").replace(stored)
    return stored.read_text()


@pytest.fixture(scope="session", params=PAGES, ids=lambda name: name.rsplit("/")[-1])
def visit(request, context, address):
    """An opened page, what it asked for, and what went wrong; folded parts are open."""
    page, asked, wrong = context.new_page(), [], []
    page.on("request", lambda asking: asked.append(asking.url))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda asking: wrong.append(f"{asking.url} failed"))
    page.on("response", lambda answer: answer.status >= 400 and wrong.append(f"{answer.url}: {answer.status}"))
    page.goto(f"{address}/{request.param}.html")
    page.evaluate(READY)
    yield SimpleNamespace(page=page, name=request.param, file=HTML / f"{request.param}.html", asked=asked, wrong=wrong,
                          address=address)
    page.close()


@pytest.fixture(scope="session", params=SIZES)
def size(request):
    """Tests of one width follow each other: a long page takes its time to be laid out again."""
    return request.param


@pytest.fixture(autouse=True)
def as_wide_as_asked(request):
    """A page is as wide as its test asks, and otherwise wide."""
    if "visit" in request.fixturenames:
        page, size = request.getfixturevalue("visit").page, request.getfixturevalue("size") if "size" in request.fixturenames else "wide"
        if page.viewport_size != SIZES[size]:
            page.set_viewport_size(SIZES[size])
