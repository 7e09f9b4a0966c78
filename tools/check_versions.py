"""Try nnlib and the book with other versions, each set in an environment of its own (.venv-versions).

pinned: what requirements.txt says; newest: the newest that the ranges in pyproject.toml allow; oldest: the
lower bounds themselves, on the oldest Python. The outcomes are rows of book/_static/versions.csv, which the
page `upgrades` shows. Usage: python tools/check_versions.py [newest-3.13 ...]; without names all are tried.
"""
import csv
import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER, TABLE = ROOT / ".venv-versions", ROOT / "book" / "_static" / "versions.csv"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ["-e", ".[derivations,progress,course,cluster]", "--group", "book"]
INSTALL = {"pinned": ["-r", "requirements.txt"], "newest": [*EXTRAS, "--upgrade"],
           "oldest": [*EXTRAS, "--resolution", "lowest-direct"]}
ALL = [f"{kind}-{python}" for kind in ("pinned", "newest") for python in PYTHONS] + [f"oldest-{PYTHONS[0]}"]
SHOWN = ("numpy", "sympy", "mpmath", "matplotlib", "pytest")
CHAPTERS = ("neuron", "activations", "softmax")  # the whole book takes minutes
UV = [sys.executable, "-m", "uv"]


def interpreter(version):
    """Return the Python of this version, from PATH or pyenv, or None."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in (f"python{version}", f"python{version.replace('.', '')}", *pyenv, sys.executable):
        try:
            answer = subprocess.run([candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
                                    capture_output=True, text=True)
        except OSError:
            continue
        if answer.stdout.strip() == version:
            return candidate


def run(log, *command, **settings):
    """Run a command, its output into the log; return the exit code and the output's last line."""
    with log.open("a", encoding="utf-8") as file:
        code = subprocess.run([*map(str, command)], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, **settings).returncode
    lines = log.read_text(encoding="utf-8").splitlines()
    return code, re.sub(r"=+ ?| in [\d.]+s.*", "", lines[-1]) if lines else ""


def check(name, python):
    """Install one set and run the tests with it; return a row of the table and whether all is well."""
    kind, version = name.split("-")
    home, log = FOLDER / name, FOLDER / f"{name}.log"
    binaries = home / ("Scripts" if os.name == "nt" else "bin")
    FOLDER.mkdir(exist_ok=True)
    log.write_text("")
    row = {"versions": kind, "Python": version} | dict.fromkeys((*SHOWN, "tests", "chapters"), "")
    row["date"] = datetime.date.today().isoformat()
    for step in (["venv", "-q", "--clear", "--python", python, home],
                 ["pip", "install", "-q", "--python", home, *INSTALL[kind]]):
        code, line = run(log, *UV, *step)
        if code:
            return row | {"tests": f"not installed: {line}"}, False
    found = subprocess.run([*UV, "pip", "freeze", "--python", home], capture_output=True, text=True, check=True).stdout
    row |= {package: re.search(rf"^{package}==(\S+)", found, re.M)[1] for package in SHOWN}
    settings = {"env": os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}}  # nbgrader calls `alembic`
    test = [binaries / "python", "-m", "pytest", "-q", "-n", "2"]
    # types are held to those that the pinned NumPy declares; each NumPy declares others
    types = [] if kind == "pinned" else ["--ignore", "tests/test_types.py"]
    unit = run(log, *test, "--ignore", "tests/browser", *types, "tests", "nnlib", **settings)
    pages = run(log, *test, "--dist", "loadfile", "--nbval", "-W", "default",
                *(f"book/{chapter}.ipynb" for chapter in CHAPTERS), **settings)
    return row | {"tests": unit[1], "chapters": pages[1]}, not unit[0] and not pages[0]


def record(row):
    """Put the row into the table, in the place of an older one of the same set."""
    rows = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            rows = {(old["versions"], old["Python"]): old for old in csv.DictReader(file)}
    rows[row["versions"], row["Python"]] = row
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(row), lineterminator="\n")
        table.writeheader()
        table.writerows(sorted(rows.values(), key=lambda row: ALL.index(f"{row['versions']}-{row['Python']}")))


def main(names):
    if unknown := set(names) - set(ALL):
        sys.exit(f"no such set: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    good, bad, absent = [], [], []
    for name in names or ALL:
        python = interpreter(name.split("-")[1])
        if python is None:
            absent.append(name)
            continue
        row, well = check(name, python)
        record(row)
        (good if well else bad).append(name)
        print(*row.values(), sep=" · ", flush=True)
    print(f"as expected: {', '.join(good) or 'none'}; failed: {', '.join(bad) or 'none'}; "
          f"not run, for want of that Python: {', '.join(absent) or 'none'}. Logs: {FOLDER}")
    sys.exit(bool(bad) or not good)


if __name__ == "__main__":
    main(sys.argv[1:])
