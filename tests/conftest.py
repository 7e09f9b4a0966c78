"""Property tests draw the same examples on every machine and in every run. Each test process has one thread of the matrix library."""
import os

from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
settings.register_profile("nnlib", derandomize=True, deadline=None, max_examples=40, database=None)
settings.load_profile("nnlib")
