"""The built book on a server of this process, and Chromium, which reaches nothing else."""
import functools
import http.server
import re
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
HTML = ROOT / "_build" / "html"
CONTENTS = (ROOT / "_toc.yml").read_text()
PAGES = [yaml.safe_load(CONTENTS)["root"], *re.findall(r"- file: (\S+)", CONTENTS)]
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 375, "height": 812}}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

# widgets are drawn, what is folded is opened,
# and nothing waits until it is near the screen
READY = """async () => {
  const all = document.createElement('style');
  all.textContent = 'section { content-visibility: visible !important }';
  document.head.append(all);
  document.querySelectorAll('img').forEach(picture => { picture.loading = 'eager'; });
  window.dispatchEvent(new KeyboardEvent('keydown'));  // now all widgets are drawn, and what scrolls is measured
  const views = [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')];
  for (let i = 0; i < 300 && !views.every(v => v.parentElement.querySelector('.jupyter-widgets')); i++)
    await new Promise(done => setTimeout(done, 50));
  document.querySelectorAll('details').forEach(box => box.open = true);
  document.querySelectorAll('.toggle-hidden').forEach(box => box.classList.remove('toggle-hidden'));
  window.dispatchEvent(new Event('resize'));
  await Promise.all([...document.images].map(picture => picture.decode().catch(() => {})));
  await new Promise(done => setTimeout(done, 100));
}"""


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing():
    """Return why the book cannot be opened, or None."""
    if not (HTML / "index.html").exists():
        return f"no built book at {HTML}: run make book; the browser tests were not run"
    if CHROMIUM is None:
        return "no program chromium, chromium-browser or google-chrome: the browser tests were not run"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served():
    """Serve the built book; give its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML))
    server.handle_error = lambda *arguments: None  # a page that is closed hangs up in the middle of a file
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
