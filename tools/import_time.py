"""Compare the time of `import nnlib`, and of all that it holds, with that of `import numpy`.

Each is imported in a new interpreter, in turn, with the time of an empty interpreter taken off.
"""
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

CODE = {"nothing": "pass", "numpy": "import numpy", "nnlib": "import nnlib", "all of nnlib": "from nnlib import *"}


def seconds(code):
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
    return perf_counter() - start


times = {name: [] for name in CODE}
for _ in range(21):
    for name, code in CODE.items():
        times[name].append(seconds(code))
start, numpy = median(times["nothing"]), median(times["numpy"]) - median(times["nothing"])
for name in CODE:
    print(f"{name:13} {1e3 * median(times[name]):6.1f} ms, {(median(times[name]) - start) / numpy:5.2f} times import numpy")
