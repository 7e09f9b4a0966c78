"""Measure how the time of nnlib grows, and write the figures that the page `cost` draws: `make bench`.

One size grows in each curve, all others stay. A point is the least of some runs, in seconds. The
counts that the page puts beside them are computed there. The curves are measured with one thread, which
no other program can keep waiting for a second one; the widths with two as well, in a process of its own.

Usage: python tools/costs.py --json FILE
"""
import argparse
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from time import perf_counter

CURVES = {
    "width": [1, 4, 16, 50, 100, 200, 400, 800, 1600, 3200, 6400],  # of the hidden layer of 784-n-10, batch 128
    "depth": [1, 2, 4, 8, 16, 32, 64],                              # hidden layers of 64 neurons, batch 128
    "batch": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048],   # of 784-800-10
    "classes": [2, 10, 30, 100, 300, 1000, 3000, 10_000],           # softmax with cross-entropy, 128 samples
    "image": [5, 8, 12, 16, 24, 32, 48, 64, 96],                    # side; 32 images, 8 channels, 8 kernels of 3 × 3
    "samples": [1, 10, 100, 1000, 10_000, 60_000],                  # one epoch of 784-800-10, batch 128
}


def least(work, seconds=0.2):
    """Return the least time of one run, of all that fit into so many seconds and of three at least."""
    work()
    times, end = [], perf_counter() + seconds
    while len(times) < 3 or perf_counter() < end:
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def curves(names):
    """Yield (name, seconds for each size)."""
    import numpy as np

    from nnlib import SGD, Conv2d, dense_network, load_mnist, pixels, train
    from nnlib.checks import trusted
    from nnlib.in_place import Step, softmax_cross_entropy_in_place
    rng = np.random.default_rng(0)

    def step(widths, m):
        net = dense_network(widths, rng)
        X, y = rng.random((m, widths[0]), dtype=np.float32), np.arange(m) % 10
        gradients = Step(net, X.shape, X.dtype)
        return lambda: gradients(X, y)

    def classes(K):
        Z, dZ, y = rng.standard_normal((128, K), dtype=np.float32), np.empty((128, K), np.float32), np.arange(128) % K
        return lambda: softmax_cross_entropy_in_place(Z, y, 1 / 128, dZ)

    def image(h):
        layer = Conv2d.random(8, 8, 3, rng)
        X = rng.standard_normal((32, 8, h, h), dtype=np.float32)
        dY = np.ones_like(layer.forward(X))
        return lambda: (layer.forward(X), layer.backward(dY, X))

    def epoch(m):
        net = dense_network([784, 800, 10], rng)
        return lambda: train(net, X[:m], y[:m], epochs=1, batch_size=128, optimizer=SGD(0.01), rng=rng, progress=False)

    x, y = load_mnist()[:2]
    X = pixels(x)
    works = {"width": lambda n: step([784, n, 10], 128), "depth": lambda L: step([64] * (L + 1) + [10], 128),
             "batch": lambda m: step([784, 800, 10], m), "classes": classes, "image": image, "samples": epoch}
    with trusted():
        for name in names:
            yield name, [least(works[name](size)) for size in CURVES[name]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)  # what a process of its own is told
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(dict(curves(options.measure))))
        return
    found = {}
    for threads, names in ((1, list(CURVES)), (2, ["width"])):
        env = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
        done = subprocess.run([sys.executable, __file__, "--measure", *names], check=True, capture_output=True, text=True,
                              env=env | {"OPENBLAS_NUM_THREADS": str(threads)})
        found |= {f"{name}, {threads} threads" if threads != 1 else name: seconds for name, seconds in json.loads(done.stdout).items()}
    figures = {"date": date.today().isoformat(), "sizes": CURVES, "seconds": found}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    for name, seconds in found.items():
        print(f"{name:18}", "  ".join(f"{1e3 * t:.3g}" for t in seconds), "ms")


if __name__ == "__main__":
    main()
