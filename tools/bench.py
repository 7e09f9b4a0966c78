"""Measure nnlib against the frameworks that are installed, and print a table: `make bench`.

Each contender works in a process of its own (tools/contenders), with the same data, first weights and
batches and two threads. First the results must agree; only then is time taken: one run of each in
turn, many rounds. A ratio is the time of another contender over nnlib's in the same round; above 1
nnlib is faster. The table shows its median and the quarter points. The peak of memory is taken in a
fresh process for each contender and work, over what was in use before the work began.

Usage: python tools/bench.py [--seconds S] [--only WORD] [--json FILE] [--costs FILE]
"""
import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
PEERS = ("torch", "jax", "sklearn", "autograd")
NAMES = {"nnlib": "nnlib", "torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn", "autograd": "autograd",
         "products": "products alone"}
DENSE = {"widths": [784, 800, 10]}
# name: (kind, arguments), bars: what the time of whom, divided by nnlib's, must be at least
WORK = {
    "train 784-800-10, batch 128": ("train", DENSE | {"batch": 128}, {"best": 1.1, "products": 0.85}),
    "train 784-800-10, batch 32": ("train", DENSE | {"batch": 32}, {"best": 1.0}),
    "train 784-800-10, batch 512": ("train", DENSE | {"batch": 512}, {"best": 1.0}),
    "train 784-200-100-10, no bias, batch 128": (
        "train", {"widths": [784, 200, 100, 10], "batch": 128, "bias": False}, {"best": 1.0}),
    "train 10 layers of 64, batch 128": (
        "train", {"widths": [784] + [64] * 10 + [10], "batch": 128, "rate": 0.01}, {"best": 1.0}),
    "convolution (128, 1, 28) with 8 of 5 × 5": (
        "convolution", {"m": 128, "c": 1, "h": 28, "k": 8, "p": 5}, {"jax": 1.0, "torch": 0.5}),
    "convolution (128, 8, 12) with 16 of 5 × 5": (
        "convolution", {"m": 128, "c": 8, "h": 12, "k": 16, "p": 5}, {"jax": 1.0, "torch": 0.5}),
    "convolution (64, 16, 28) with 32 of 3 × 3": (
        "convolution", {"m": 64, "c": 16, "h": 28, "k": 32, "p": 3}, {"jax": 1.0, "torch": 0.5}),
    "convolution (32, 64, 28) with 64 of 3 × 3": (
        "convolution", {"m": 32, "c": 64, "h": 28, "k": 64, "p": 3}, {"jax": 1.0, "torch": 0.5}),
    "train a convolutional network, batch 64": ("train_images", {"batch": 64, "samples": 1280}, {"best": 0.7}),
    "softmax cross-entropy (128, 10)": ("loss", {"m": 128, "classes": 10}, {"best": 1.0}),
    "softmax cross-entropy (1024, 1000)": ("loss", {"m": 1024, "classes": 1000}, {"best": 1.0}),
    "predict 1 image": ("predict", {"m": 1}, {"best": 1.0}),
    "predict 10,000 images": ("predict", {"m": 10_000}, {"best": 1.0}),
}
MEMORY_BAR = 1.5
AGREE = 1e-4
ROUNDS = (5, 400)


class Contender:
    """A process that does the work it is told, one order at a time."""

    def __init__(self, name, threads=2):
        env = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        env |= {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        env |= {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        self.name = name
        self.process = subprocess.Popen([sys.executable, str(ROOT / "tools/contenders/serve.py"), name], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended during {order}")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()


def installed():
    """Return the peers that this Python can import, without importing them."""
    from importlib.util import find_spec
    return [name for name in PEERS if find_spec(name)]


def agree(name, answers):
    """Raise where the contenders' numbers differ by more than AGREE of the largest of them."""
    expected = answers["nnlib"]
    size = max(1.0, max(map(abs, expected)))
    for other, numbers in answers.items():
        worst = max((abs(a - b) for a, b in zip(expected, numbers, strict=True)), default=0) / size
        if not worst <= AGREE:
            raise SystemExit(f"{name}: nnlib and {NAMES[other]} disagree by {worst:.2e}; nothing was timed")


def measure(name, contenders, seconds):
    """Return {contender: seconds of each round} for one work, after the results have been compared."""
    kind, arguments, _ = WORK[name]
    answers = {c.name: c(work=[kind, arguments]) for c in contenders}
    taking_part = [c for c in contenders if answers[c.name] is not None]
    agree(name, {c.name: answers[c.name] for c in taking_part if c.name != "products"})
    once = {c.name: min(c(time=3)) for c in taking_part}
    # short work is repeated until a turn lasts 20 ms; a turn's time is that of its fastest run
    repeat = {c: max(1, int(0.02 / t)) for c, t in once.items()}
    total = sum(repeat[c] * t for c, t in once.items())
    rounds = min(max(int(seconds / total), ROUNDS[0]), ROUNDS[1])
    times = {c.name: [] for c in taking_part}
    for turn in range(rounds):
        for c in taking_part[turn % len(taking_part):] + taking_part[:turn % len(taking_part)]:
            times[c.name].append(median(c(time=repeat[c.name])))
    return times
