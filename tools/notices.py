"""Write _build/html/third-party.txt: whose work the built pages ship, under which licence, and its text.

The texts are read out of the packages themselves: Python distributions, the wheels for the browser, the lists that
JupyterLab's bundles carry, and what vendor.py unpacked. Run this last; what has no notice is an error.
"""
import builtins
import json
import re
import sys
import zipfile
from email import message_from_string
from importlib.metadata import distribution
from pathlib import Path

from lite import VERSION
from vendor import PACKAGES

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
PAGES = ["sphinx", "pydata-sphinx-theme", "sphinx-book-theme", "sphinx-copybutton", "sphinx-design", "sphinx-exercise",
         "sphinx-proof", "sphinx-thebe", "sphinx-togglebutton", "myst-nb", "pygments"]  # what fills _static
LITE = ["jupyterlite-core", "jupyterlite-pyodide-kernel", "nbgrader"]  # what fills lite, beside the bundles' own lists
OWN = ("nnlib", "nnlib_mnist")  # LICENSE of the book says it
TEXT = re.compile(r"(^|[/_.])(LICEN[CS]E|COPYING|NOTICE)[^/]*$", re.I)
CODE = (".py", ".pyc", ".json", ".js", ".css")
BEGINS = re.compile(r"\A.*?(?=Mozilla Public License Version 2.0\n=|Permission is|Redistribution)", re.S)
# archives without a text of their own: (licence, whose notice, the distribution that has the text)
ELSEWHERE = {
    "requirejs": ("MIT", "Copyright jQuery Foundation and other contributors", "sphinx-thebe"),
    "@jupyter-widgets/html-manager": ("BSD-3-Clause", "Copyright (c) Project Jupyter Contributors", "ipywidgets"),
    "pyodide": ("MPL-2.0", "Copyright (C) Pyodide contributors and Mozilla; source: https://github.com/pyodide/pyodide",
                "hypothesis")}


def named(metadata):
    """Return the name of the licence that a distribution's metadata give."""
    name = metadata.get("License-Expression") or metadata.get("License") or ""
    classified = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    return name if name and "\n" not in name and len(name) < 60 else ", ".join(classified) or "see its text"


def of_distribution(name):
    """Return (name, version, licence, text) of an installed distribution."""
    found = distribution(name)
    texts = [file.locate().read_text(encoding="utf-8") for file in found.files or []
             if TEXT.search(str(file)) and file.suffix not in CODE]
    return found.metadata["Name"], found.version, named(found.metadata), "\n\n".join(texts)


def of_wheel(path):
    """Return the same of a wheel."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = message_from_string(archive.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode())
        texts = [archive.read(n).decode() for n in names if TEXT.search(n) and not n.endswith(CODE)]
    return metadata["Name"], metadata["Version"], named(metadata), "\n\n".join(texts)


def of_npm(package):
    """Return the same of a package that vendor.py or lite.py unpacked."""
    name, version = package.rsplit("@", 1)
    if name in ELSEWHERE:
        licence, whose, source = ELSEWHERE[name]
        return name, version, licence, whose + "\n\n" + BEGINS.sub("", of_distribution(source)[3], 1)
    text = (ROOT / "book" / "_vendor" / name / "LICENSE").read_text(encoding="utf-8")
    return name, version, "Apache-2.0" if "Apache License" in text else "see its text", text


def of_bundle(path):
    """Return the same of each package in a list that a bundle of JupyterLab carries."""
    return [(found["name"], found["versionInfo"], found["licenseId"], found["extractedText"] or found["licenseId"])
            for found in json.loads(path.read_text(encoding="utf-8"))["packages"]]


def collected(site):
    """Return {where in the site: its notices}."""
    builtins.license._Printer__setup()  # Python's own licence, as `license()` shows it
    python = "CPython, its standard library", "3.14", "PSF-2.0", "\n".join(builtins.license._Printer__lines)
    lite = site / "lite"
    notices = {"the pages, _static": [of_distribution(name) for name in PAGES],
               "the pages, _static/vendor": [of_npm(package) for package in PACKAGES],
               "JupyterLite, lite": [of_distribution(name) for name in LITE],
               "Pyodide, lite/static/pyodide": [of_npm(f"pyodide@{VERSION}"), python]}
    notices["Pyodide, lite/static/pyodide"] += [of_wheel(path) for path in sorted(lite.rglob("*.whl"))
                                                if path.name.split("-")[0] not in OWN]
    for path in sorted(lite.rglob("third-party-licenses.json")):
        notices[f"JupyterLite, {path.relative_to(site).parent.as_posix()}"] = of_bundle(path)
    return notices


def written(notices):
    """Return the file: a table, then each text once, with the packages that it belongs to."""
    table, texts = [], {}
    for where, found in notices.items():
        table.append(f"\n{where}\n")
        for name, version, licence, text in sorted(set(found), key=lambda notice: notice[0].lower()):
            if not text.strip():
                sys.exit(f"{name} {version} ({where}): no text of its licence was found")
            table.append(f"  {name} {version}: {licence}\n")
            texts.setdefault(text.strip(), []).append(f"{name} {version}")
    rule = "\n\n" + 100 * "-" + "\n"
    return ("The work of others that these pages ship. The book's own licences: see the page \"About this book\".\n"
            + "".join(table) + "".join(f"{rule}{', '.join(dict.fromkeys(names))}\n\n{text}\n"
                                       for text, names in texts.items()))


def main():
    if not (HTML / "lite").exists():
        sys.exit(f"no built pages at {HTML}: run tools/lite.py first")
    (HTML / "third-party.txt").write_text(written(collected(HTML)), encoding="utf-8")


if __name__ == "__main__":
    main()
