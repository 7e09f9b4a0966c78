"""What each student gets back: nbgrader's own pages, in feedback/STUDENT/NAME/NAME.html."""
from __future__ import annotations

import logging
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from . import gradebook
from .folder import Course


def feedback(course: Course, name: str) -> list[Path]:
    """Write the page of every student who handed something in; return their paths.

    Raises `ValueError` where nothing is graded.
    """
    course.source(name)
    students = [student for student in course.students if course.autograded(name, student).exists()]
    if not students:
        raise ValueError(f"nothing of {name} is graded in {course.path}: grade it first")
    gradebook.opened(course).close()        # nbgrader's programs are found from here on
    config = Config()
    config.HTMLExporter.sanitize_html = True    # what a student wrote is shown to others too
    for student in students:
        folder = CourseDirectory(root=str(course.path), assignment_id=name, student_id=student)
        converter = GenerateFeedback(coursedir=folder, config=config, force=True)
        converter.log.setLevel(logging.ERROR)
        converter.start()
    return [course.path / "feedback" / student / name / f"{name}.html" for student in students]
