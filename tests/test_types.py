"""The public names as a type checker sees them; `make lint` checks what stands behind them."""
import subprocess
import sys
from pathlib import Path

import nnlib

ROOT = Path(__file__).parents[1]


def checked(text):
    """What mypy says of a program, with the settings of this repository."""
    run = subprocess.run([sys.executable, "-m", "mypy", "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def test_every_public_name_has_a_type():
    said = checked("import nnlib\n" + "".join(f"reveal_type(nnlib.{name})\n" for name in nnlib.__all__))
    assert said.count("Revealed type is") == len(nnlib.__all__) and "error" not in said
    assert 'Revealed type is "Any"' not in said


def test_a_wrong_name_and_a_wrong_argument_are_found():
    said = checked("import nnlib\nnnlib.rleu([1.0])\nnnlib.Dense.random('4', 3, None)\n").splitlines()
    assert "has no attribute" in said[0] and [line.partition(" error")[0] for line in said[:3]] == [
        "<string>:2:", "<string>:3:", "<string>:3:"]
