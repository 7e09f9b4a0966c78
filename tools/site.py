"""Say what `make site` has made, and what not: counted in the files that lie there."""
import shutil
import subprocess
import sys
from pathlib import Path

import pikepdf

HTML = Path(__file__).parent.parent / "_build" / "html"
DEBIAN = Path("/usr/share/java/epubcheck.jar")  # the program of Debian's package; only Java can start it


def size(name):
    return f"{(HTML / name).stat().st_size / 1e6:.1f} MB"


def checked():
    """Return what epubcheck says of the EPUB, or None if it is not installed; what it finds is an error."""
    command = ["java", "-jar", str(DEBIAN)] if DEBIAN.exists() else ["epubcheck"]
    if shutil.which(command[0]):
        found = subprocess.run([*command, HTML / "book.epub"], capture_output=True, text=True)
        if found.returncode:
            sys.exit(f"epubcheck refuses book.epub:\n{found.stdout}{found.stderr}")
        return "valid for epubcheck"


def main():
    valid = checked()
    pages = len(list((HTML / "book").glob("*.html")))
    done = [f"{pages} pages", f"{len(list((HTML / 'lite/files').rglob('*.ipynb')))} notebooks for the browser",
            f"book.pdf ({len(pikepdf.open(HTML / 'book.pdf').pages)} pages, {size('book.pdf')})",
            f"book.epub ({size('book.epub')}{', ' + valid if valid else ''})", "third-party.txt"]
    missing = [] if valid else ["epubcheck is not installed, so book.epub was not validated"]
    if (HTML / "sitemap.xml").exists():
        done.append("sitemap.xml, social.png")
    else:
        missing.append("no sitemap and no preview picture: _config.yml has no `html: baseurl`")
    if (HTML / "colab").exists():
        done.append("buttons for Binder and Colab")
    else:
        missing.append("no buttons for Binder and Colab: _config.yml has no `repository: url`")
    print(f"Done, in {HTML}: {', '.join(done)}.\nNot done: {'; '.join(missing) or 'nothing'}.")


if __name__ == "__main__":
    main()
