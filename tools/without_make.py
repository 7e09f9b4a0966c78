"""Run the commands that README.md prints for those who have no make, exactly as they stand there, one after the other.

On Windows .venv\\Scripts\\ takes the place of .venv/bin/, and the notebooks' names are written out, as a shell would.
The grading of students' code needs Linux and bubblewrap; elsewhere its tests are left out, and that is said.
"""
import glob
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def commands():
    """Return the commands that README.md prints below "Without make"."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"Without make:\n+```\n(.*?)```", text, re.S)[1].splitlines()


def words(line, platform):
    """Return the command as the words that are run on a platform (as `sys.platform` names it)."""
    found = []
    for word in shlex.split(line):
        found += sorted(glob.glob(word, root_dir=ROOT)) if "*" in word else [word]
    if platform != "linux" and "tests" in found:
        found += ["--ignore", "tests/course"]
    if platform == "win32":
        found += ["--ignore", "nnlib/course"] * ("nnlib" in found)  # its modules import what Windows has not
        found = [re.sub(r"^\.venv/bin/", r".venv\\Scripts\\", re.sub(r"^python3$", "python", word)) for word in found]
    return found


def main():
    for line in commands():
        print("$", *words(line, sys.platform), flush=True)
        # files are UTF-8 on every system
        subprocess.run(words(line, sys.platform), cwd=ROOT, env=os.environ | {"PYTHONUTF8": "1"}, check=True)
    left_out = "" if sys.platform == "linux" else " But for tests/course: the grading of students' code runs on Linux alone."
    print(f"the {len(commands())} commands of README.md ended well on {sys.platform}.{left_out}")


if __name__ == "__main__":
    main()
