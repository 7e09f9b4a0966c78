"""Property tests draw the same examples on every machine and in every run, but other ones with `--hypothesis-profile weekly`.

Each test process has one thread of the matrix library.
"""
import os

from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
settings.register_profile("nnlib", derandomize=True, deadline=None, max_examples=40, database=None)
# a failure prints the line that repeats it: @reproduce_failure
settings.register_profile("weekly", derandomize=False, deadline=None, max_examples=400, database=None, print_blob=True)
settings.load_profile("nnlib")  # pytest's option, which is read later, has the last word
