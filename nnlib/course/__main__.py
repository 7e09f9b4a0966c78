"""A teacher's day with assignments: `python -m nnlib.course COMMAND FOLDER [ASSIGNMENT …]`.

The folder of a course is described in nnlib/course/folder.py. Without names, all assignments are meant.
"""
from __future__ import annotations

import argparse
import sys

from .folder import Course, new

# an optional part of jsonschema that takes 3 s to import, for addresses of which there are none here
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # an import then fails at once


def counted(things: int, word: str) -> str:
    """Say how many there are: 1 page, 2 pages."""
    return f"{things} {word}{'s' * (things != 1)}"


def command_new(course: Course, options: argparse.Namespace) -> None:
    print(f"{course.path}: {counted(len(course.assignments), 'assignment')}; put your students into roster.csv")


def command_check(course: Course, options: argparse.Namespace) -> int:
    from .check import complaints
    bad = 0
    for name in options.assignments:
        found = complaints(course, name)
        bad += len(found)
        print(f"{name}: {counted(len(found), 'complaint') if found else 'fit to be handed out'}")
        print("".join(f"  {complaint}\n" for complaint in found), end="")
    return 1 if bad else 0


def command_release(course: Course, options: argparse.Namespace) -> None:
    from .release import release_all
    for name in options.assignments:
        print(f"{name}: {counted(release_all(course, name), 'notebook')} in {course.path / 'release'}")


def command_grade(course: Course, options: argparse.Namespace) -> int:
    from . import batch, gradebook
    from .release import outdated
    failed = 0
    for name in options.assignments:
        if outdated(course, name):
            print(f"{name}: the source was changed after its release, in what students see. They are graded by the "
                  "source as it is now: numbers may be others than theirs, and a flag \"edited\" may be your change",
                  file=sys.stderr)
        try:
            done = batch.grade(course, name, course.students, options.jobs, options.dask, options.unsafe, options.again)
            said = f"{done['graded']} graded, {done['kept']} unchanged"
        except batch.NotGraded as error:
            failed, said = 2, f"{error}\nof the others"
        print(f"{name}: {said}, {gradebook.fill(course, name)} in the gradebook")
    return failed


def command_feedback(course: Course, options: argparse.Namespace) -> int:
    from .feedback import feedback
    done = 0
    for name in options.assignments:
        try:
            print(f"{name}: {counted(len(feedback(course, name)), 'page')} in {course.path / 'feedback'}")
            done += 1
        except ValueError as error:     # later assignments are not yet handed in: no reason to keep back the others
            print(f"feedback: {error}", file=sys.stderr)
    return 0 if done else 2


def command_export(course: Course, options: argparse.Namespace) -> None:
    from .export import export
    for name in options.assignments:
        print(export(course, name))


COMMANDS = {
    "new": ("make a folder for a course, with the book's assignments", command_new),
    "check": ("is an assignment fit to be handed out?", command_check),
    "release": ("write the notebooks of all students", command_release),
    "grade": ("grade what was handed in, if it changed", command_grade),
    "regrade": ("grade everything again; marks by persons stay", command_grade),
    "feedback": ("write a page for each student", command_feedback),
    "export": ("write the tables of marks: CSV, Canvas, Gradescope", command_export)}


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser("python -m nnlib.course", description=__doc__.partition("\n")[0])
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, (words, function) in COMMANDS.items():
        one = commands.add_parser(name, help=words, description=words)
        one.set_defaults(command=name, function=function, again=name == "regrade")
        one.add_argument("folder", help="the folder of the course")
        if name != "new":
            one.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help="all, if none is named")
        if name in ("grade", "regrade"):
            one.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="how many at a time (1)")
            one.add_argument("--dask", metavar="ADDRESS", help="spread the work over this Dask cluster")
            one.add_argument("--unsafe", action="store_true", help="without a sandbox: students' code runs as you")
    return whole


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 where `check` complains, or 2 where it could not be done."""
    whole = parser()
    options, more = whole.parse_known_args(arguments)
    if any(word.startswith("-") for word in more) or more and options.command == "new":
        whole.error(f"not understood: {' '.join(more)}")
    if not options.folder:      # a variable of a shell that is not set, say; Path would take it for this folder
        whole.error("a folder is expected, but '' came")
    if getattr(options, "jobs", 1) < 1 or getattr(options, "dask", None) == "":
        whole.error("-j from 1 on, and an address after --dask, are expected, "
                    f"but {options.jobs} and {options.dask!r} came")
    if more:        # names of assignments behind an option, which argparse leaves over
        options.assignments += more
    try:
        course = new(options.folder) if options.command == "new" else Course(options.folder)
        if options.command != "new":
            options.assignments = options.assignments or course.assignments
            if not options.assignments:
                raise ValueError(f"{course.path}/source: NAME/NAME.ipynb is expected, but no assignment is there")
            for name in options.assignments:
                course.source(name)
        return options.function(course, options) or 0
    except (ValueError, RuntimeError, OSError) as error:    # NoIsolation is a RuntimeError
        print(f"{options.command}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
