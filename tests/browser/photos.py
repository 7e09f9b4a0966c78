"""Photograph every page of the built book, wide and narrow, light and dark, into _build/photos.

Usage: python tests/browser/photos.py [page ...]     for example: book/layer
"""
import sys

from browse import PAGES, READY, ROOT, SIZES, chromium, missing, served

ALBUM = ROOT / "_build" / "photos"


def photograph(browser, address, names):
    """Store one picture of each page in each size and colour scheme; give the names of the files by page."""
    album = {name: [] for name in names}
    for size, viewport in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=viewport, color_scheme=scheme)
            page = context.new_page()
            for name in names:
                page.goto(f"{address}/{name}.html")
                page.evaluate(READY)
                file = f"{name.rsplit('/')[-1]}-{size}-{scheme}.jpg"
                # Chromium draws at most 16384 pixels in one picture
                height = min(page.evaluate("document.documentElement.scrollHeight"), 16_000)
                page.screenshot(path=ALBUM / file, type="jpeg", quality=60, full_page=True,
                                clip={"x": 0, "y": 0, "width": viewport["width"], "height": height})
                album[name].append(file)
            context.close()
    return album


def main(names):
    if missing():
        sys.exit(missing())
    ALBUM.mkdir(exist_ok=True)
    with served() as address, chromium() as browser:
        album = photograph(browser, address, names)
    rows = "".join(f"<h2>{name}</h2>" + "".join(f'<a href="{file}"><img src="{file}" alt="{file}" loading="lazy"></a>'
                                                for file in files) for name, files in album.items())
    (ALBUM / "index.html").write_text(
        '<!doctype html><meta charset="utf-8"><title>The pages of the book</title><style>img { width: 23%; height: '
        f'400px; object-fit: cover; object-position: top; margin: 0.5%; border: 1px solid #999 }}</style>{rows}')
    print(f"photographs of {len(album)} pages: {ALBUM / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:] or PAGES)
