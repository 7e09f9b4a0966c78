"""Make nnlib's sdist and wheel in _build/dist, look into them, and try the wheel in an environment of its own.

Needs PyPI for setuptools and NumPy. Whatever is missing or too much in the archives is an error.
"""
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "_build" / "dist"
BUILD = "from setuptools import build_meta as b; b.build_sdist({0!r}); b.build_wheel({0!r})"
TRY = """import nnlib, numpy
x_train, y_train, x_test, y_test = nnlib.load_mnist()
net = nnlib.dense_network([784, 20, 10], numpy.random.default_rng(0))
assert net.predict(nnlib.pixels(x_test)).shape == (10_000,) and len(x_train) == 60_000
assert "site-packages" in nnlib.__file__, nnlib.__file__"""


def wanted():
    """Return the files that both archives must have: what git keeps below nnlib."""
    kept = subprocess.run(["git", "ls-files", "nnlib"], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(kept.stdout.split())


def surplus(found, sdist):
    """Return the files that an archive has and should not have."""
    rest = {"LICENSE", "README.md", "MANIFEST.in", "pyproject.toml", "setup.cfg", "PKG-INFO"} if sdist else set()
    return {name for name in found - wanted() - rest if ".dist-info/" not in name and ".egg-info/" not in name}


def check(archive, found, sdist):
    missing, more = wanted() - found, surplus(found, sdist)
    if missing or more:
        sys.exit(f"{archive.name}: missing {sorted(missing)}, too much {sorted(more)}")
    print(f"{archive.name}: {len(found)} files, {archive.stat().st_size / 1e6:.1f} MB")


def main():
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        def run(*command, cwd=folder):
            subprocess.run([f"{folder}/env/bin/python" if sys.platform != "win32" else f"{folder}/env/Scripts/python",
                            *command], cwd=cwd, check=True, stdout=subprocess.DEVNULL)

        venv.create(f"{folder}/env", with_pip=True)
        run("-m", "pip", "install", "-q", "setuptools>=77")
        source = Path(folder, "source")  # nothing that git does not keep, and no leavings in this folder
        subprocess.run(["git", "checkout-index", "-a", f"--prefix={source}/"], cwd=ROOT, check=True)
        run("-c", BUILD.format(str(DIST)), cwd=source)
        sdist, wheel = next(DIST.glob("*.tar.gz")), next(DIST.glob("*.whl"))
        with tarfile.open(sdist) as archive:
            check(sdist, {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}, True)
        with zipfile.ZipFile(wheel) as archive:
            check(wheel, set(archive.namelist()), False)
        run("-m", "pip", "uninstall", "-q", "-y", "setuptools")
        run("-m", "pip", "install", "-q", wheel)
        run("-c", TRY)
    print("installed into a fresh environment: nnlib finds its digits")


if __name__ == "__main__":
    main()
