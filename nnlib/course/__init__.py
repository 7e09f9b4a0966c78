"""Assignments: what a student's notebook checks, and what hands it out, collects it and grades it.

`question` and `numbers` are the student's side: they need `nnlib.derivations`, and NumPy where a
question is about arrays. Nothing is imported here, so that a question runs where there is no grader.
"""
