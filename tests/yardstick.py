"""Bars in seconds hold for one machine. One that takes longer for a fixed piece of work is given as many times more."""
import time

REFERENCE = 0.15  # seconds of a processor for the work below; the machines on which this book was made took 0.11 to 0.28


def work():
    total = 0
    for i in range(2_000_000):
        total += i * i % 7
    return total


def seconds(bar):
    """Return a bar for this machine: never less than it is, and more where the work, now, takes longer."""
    took = []
    for _ in range(3):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return bar * max(1, min(took) / REFERENCE)
