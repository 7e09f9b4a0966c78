"""Property tests draw the same examples on every machine and in every run."""
from hypothesis import settings

settings.register_profile("nnlib", derandomize=True, deadline=None, max_examples=40, database=None)
settings.load_profile("nnlib")
