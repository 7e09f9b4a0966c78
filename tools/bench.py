"""Measure nnlib against the frameworks that are installed, and print a table: `make bench`.

Each contender works in a process of its own (tools/contenders), with the same data, first weights and
batches and two threads. First the results must agree; only then is time taken: one run of each in
turn, many rounds, of which those count in which other programs left the processors alone. A ratio is
the time of another contender over nnlib's in the same round; above 1 nnlib is faster. The table shows
its median and the quarter points. Where the machine is never left alone, the least times are compared.
The peak of memory is taken in a fresh process for each contender and work, over what was in use before.

Usage: python tools/bench.py [--seconds S] [--threads N] [--only WORDS] [--no-memory] [--json FILE]
With --only the works whose names hold these words are measured, and replace their figures in the file.
"""
import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep

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
MEMORY = ("train 784-800-10, batch 128", "train a convolutional network, batch 64", "predict 10,000 images")
MEMORY_BAR = 1.5
AGREE, STEPS = 1e-4, 10  # largest difference after so many steps
LEAST, QUIET = 5, 0.05
PAUSE = 0.05  # seconds: threads that have finished spin for a while before they sleep, and would disturb the next
SLOW = ("sklearn", "autograd")
CORES = len(os.sched_getaffinity(0))


class Contender:
    """A process that does the work it is told, one order at a time."""

    def __init__(self, name, threads=2):
        env = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        env |= {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        env |= {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        self.name = name
        cores = sorted(os.sched_getaffinity(0))[:threads]  # what does not heed the variables has no more cores than threads
        self.process = subprocess.Popen([sys.executable, str(ROOT / "tools/contenders/serve.py"), name], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))

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
        self.process.stdout.close()


def agree(name, contenders):
    """Return the contenders that take part; end where their numbers differ by more than AGREE."""
    kind, arguments, _ = WORK[name]
    if "batch" in arguments:  # over a whole epoch roundings grow; the first steps tell whether the work is the same
        arguments = arguments | {"samples": STEPS * arguments["batch"]}
    answers = {c: c(work=[kind, arguments]) for c in contenders}
    expected = next(answer for c, answer in answers.items() if c.name == "nnlib")
    size = max(1.0, max(map(abs, expected)))
    for c, numbers in answers.items():
        if numbers:
            apart = [abs(a - b) / size for a, b in zip(expected, numbers, strict=True)]
            if not all(d <= AGREE for d in apart):  # so that no NaN slips through
                raise SystemExit(f"{name}: nnlib and {NAMES[c.name]} disagree by {max(apart):.1e}; nothing was timed")
    return [c for c, numbers in answers.items() if numbers is not None]


def measure(name, contenders, seconds):
    """Return ({contender: seconds of each round}, the largest share of the processors that others had).

    The results are compared first. A round in which other programs had more than QUIET of the
    processors is thrown away, if at least five others are left.
    """
    taking_part = agree(name, contenders)
    for c in taking_part:
        c(work=WORK[name][:2])
    once = {c: min(c(time=2)) for c in taking_part}
    # short work is repeated until a turn lasts 20 ms; the turn counts as the median of its runs
    repeat = {c: max(1, int(0.02 / t)) for c, t in once.items()}
    rounds, end = [], perf_counter() + seconds
    while len(rounds) < LEAST or perf_counter() < end:
        first = len(rounds) % len(taking_part)
        busy, own = processor_seconds(contenders)
        begun, times = perf_counter(), {}
        for c in taking_part[first:] + taking_part[:first]:
            if c.name in SLOW and len(rounds) % 4:
                continue  # far behind: every fourth round is enough
            sleep(PAUSE)
            times[c.name] = median(c(time=repeat[c]))
        now_busy, now_own = processor_seconds(contenders)
        others = (now_busy - busy - now_own + own) / (perf_counter() - begun) / CORES
        rounds.append((others, times))
    rounds.sort(key=lambda item: item[0])
    kept = [item for item in rounds if item[0] <= QUIET]
    kept = kept if len(kept) >= LEAST else rounds  # a busy machine: see `judged`
    return {c.name: [times[c.name] for _, times in kept if c.name in times] or [once[c]] for c in taking_part}, \
        ratios([times for _, times in kept]), kept[-1][0]


def processor_seconds(contenders):
    """Return how long all processors have been busy, and how long for these processes."""
    tick = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    own = os.times()
    total = own.user + own.system
    for c in contenders:
        with open(f"/proc/{c.process.pid}/stat") as file:
            total += sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / tick
    return (user + nice + system + irq + softirq + steal) / tick, total


def ratios(rounds):
    """Return {contender: (median, quarter points) of its time over nnlib's in the same round}."""
    found = {}
    for name in {name for times in rounds for name in times}:
        each = [times[name] / times["nnlib"] for times in rounds if name in times]
        low, middle, high = quantiles(each, n=4) if len(each) > 1 else each * 3
        found[name] = middle, low, high
    return found


def peaks(name, names):
    """Return {contender: bytes} at the peak of the work, over what was there before, each in a fresh process."""
    found = {}
    for each in names:
        with Contender(each) as c:
            if c(work=WORK[name][:2]) is not None:
                found[each] = c(memory=True)
    return found


def judged(name, times, ratio, others):
    """Return (value, spread) for the bars: the median ratio of quiet rounds; on a busy machine, where
    another program may sit in any turn, the ratio of the least times, which are the least disturbed."""
    if others <= QUIET:
        return ratio[name]
    return min(times[name]) / min(times["nnlib"]), *ratio[name][1:]


def verdicts(work, memory):
    """Return rows (work, bar, found, wanted, met)."""
    rows = []
    for name, (times, ratio, others) in work.items():
        for bar, wanted in WORK[name][2].items():
            peers = [peer for peer in ratio if peer in PEERS] if bar == "best" else [bar] if bar in ratio else []
            if peers:  # or it is not installed
                found = {peer: judged(peer, times, ratio, others) for peer in peers}
                best = min(peers, key=found.get)
                rows.append((name, f"time of {NAMES[best]} / ours" + ", least" * (others > QUIET), found[best], wanted))
    for name, found in memory.items():
        best = min((peer for peer in found if peer in PEERS), key=found.get, default=None)
        if best:
            rows.append((name, f"memory, ours / {NAMES[best]}", [found["nnlib"] / found[best]] * 3, -MEMORY_BAR))
    return [(*row, row[2][0] >= row[3] if row[3] > 0 else row[2][0] <= -row[3]) for row in rows]


def machine():
    """Return what the figures belong to: processor, cores, system, versions and the kernel of the products."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    kernel = subprocess.run([sys.executable, "-c", "import numpy, threadpoolctl as t; print(*(i.get('architecture') for i in "
                             "t.threadpool_info() if i['user_api'] == 'blas'))"], capture_output=True, text=True).stdout.strip()
    packages = [name for name in ("numpy", "torch", "jax", "scikit-learn", "autograd") if find_spec(name.replace("scikit-learn", "sklearn"))]
    return {"processor": model, "cores": CORES, "system": f"{sys.platform}, Python {sys.version.split()[0]}",
            "kernel of the products": kernel, "load before": os.getloadavg()[0], "date": date.today().isoformat(),
            "versions": {name: version(name) for name in packages}}


def show_times(name, times, ratio, others):
    """Print the times of one work, and their ratios to nnlib's."""
    unit, scale = ("ms", 1e3) if median(times["nnlib"]) > 1e-3 else ("µs", 1e6)
    print(f"{name} ({len(times['nnlib'])} rounds, {unit}; other programs had up to {others:.0%} of the processors)")
    for contender, values in sorted(times.items(), key=lambda item: median(item[1])):
        text = "" if contender == "nnlib" else "ratio {:.2f} ({:.2f} … {:.2f})".format(*ratio[contender]) if contender in ratio else ""
        print(f"    {NAMES[contender]:15} {scale * median(values):9.2f}   least {scale * min(values):9.2f}   {text}", flush=True)


def profile(name, threads):
    """Return where nnlib's time goes in this work, {what runs: share}."""
    with Contender("nnlib", threads) as c:
        c(work=WORK[name][:2])
        return c(profile=3)


def show(memory, rows, profiles):
    """Print the peaks of memory, the bars, and where the time goes that is missed."""
    for name, found in memory.items():
        print(f"{name}: peak over the data, MB:", ", ".join(f"{NAMES[c]} {n / 1e6:.1f}" for c, n in found.items()))
    print()
    for name, bar, (value, low, high), wanted, met in rows:
        sign = "≥" if wanted > 0 else "≤"
        print(f"{'met  ' if met else 'MISSED'} {name:42} {bar:40} {value:6.2f} ({low:.2f} … {high:.2f}) {sign} {abs(wanted)}")
    for name, found in profiles.items():
        print(f"{name}: nnlib's time, by samples of its main thread")
        for what, share in found.items():
            print(f"    {share:4.0%}  {what}")
    print(f"{sum(row[-1] for row in rows)} of {len(rows)} bars met")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=12, help="for the rounds of each work")
    parser.add_argument("--only", default="", help="the works whose names hold this")
    parser.add_argument("--threads", type=int, default=2, help="for each contender")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--no-memory", action="store_true", help="leave the peaks of memory out")
    options = parser.parse_args()
    peers = [name for name in PEERS if find_spec(name)]
    about = machine()
    work = {name: None for name in WORK if options.only in name}
    with ExitStack() as stack:
        contenders = [stack.enter_context(Contender(name, options.threads)) for name in ("nnlib", "products", *peers)]
        for name in work:
            work[name] = measure(name, contenders, options.seconds)
            show_times(name, *work[name])
    memory = {name: peaks(name, ["nnlib", *peers]) for name in MEMORY if name in work and not options.no_memory}
    rows = verdicts(work, memory)
    profiles = {name: profile(name, options.threads) for name in work if any(row[0] == name and not row[-1] for row in rows)}
    # a part that is measured alone takes its place among the figures of the others
    old = json.loads(options.json.read_text()) if options.json and options.only and options.json.exists() else {}
    rows = [row for row in old.get("bars", []) if row[0] not in work] + rows
    show(memory, rows, profiles)
    if options.json:
        works = {name: {"least": {c: min(t) for c, t in times.items()}, "ratio": ratio, "others": others}
                 for name, (times, ratio, others) in work.items()}
        options.json.write_text(json.dumps({"machine": about | {"threads": options.threads}, "works": old.get("works", {}) | works, "memory": old.get("memory", {}) | memory, "bars": rows, "profiles": old.get("profiles", {}) | profiles}, indent=1) + "\n")


if __name__ == "__main__":
    main()
