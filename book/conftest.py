"""Notebooks that are tested at the same time get one thread of the matrix library each: more would wait for each other."""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
