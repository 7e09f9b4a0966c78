"""Bars in seconds hold for one machine. One that takes longer for a fixed piece of work is given as many times more."""
import time

REFERENCE = 0.15  # seconds of a processor for the work below; the machines on which this book was made took 0.11 to 0.28


def slowness():
    """Return how many times longer than there the work takes here and now."""
    took = []
    for _ in range(3):
        start, total = time.process_time(), 0
        for i in range(2_000_000):
            total += i * i % 7
        took.append(time.process_time() - start)
    return min(took) / REFERENCE


def in_time(took, bar):
    """Tell whether something took less than a bar in seconds; the work is done only if it did not."""
    return took < bar or took < bar * slowness()
