"""nbgrader's gradebook, feedback and the tables: what a person entered stays, and every student is in each of them."""
import csv
import io
import json
import shutil
import sqlite3
import stat

import pytest
from classroom import HIDDEN_MARK, SECRET, SOLUTION_MARK, TINY, cell, classroom, hand_in, once, source, table

from nbgrader import api

from nnlib.course import gradebook
from nnlib.course.__main__ import main
from nnlib.course.folder import Course, new

STUDENTS = ["ada", "emmy", "missing", "broken", "quiet"]
NASTY = '<script>alert("marks")</script> <img src=x onerror=alert(1)> a < b, [x](javascript:alert(1)) [y][z] $\\href{javascript:alert(1)}{w}$\n\n[z]: javascript:alert(1)'


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Graded, marked by a person, and graded again."""
    return Course(once(tmp_path_factory, "book", grade_all))


def grade_all(place):
    place.mkdir()
    made = classroom(place / "course", STUDENTS)
    hand_in(made, "ada", {})
    hand_in(made, "emmy", {"area": f"print({NASTY!r})\narea = 1", "explain": NASTY, "rows": f"raise ValueError({NASTY!r})",
                           "words": f"raise ValueError('Stopped: \\n\\n' + {NASTY!r})"})
    hand_in(made, "broken", {}, lambda notebook: "{")
    hand_in(made, "quiet", {"explain": "YOUR ANSWER HERE"})
    assert main(["grade", str(made.path)]) == 0
    with gradebook.opened(made) as book:
        grade = book.find_grade("explain", TINY, TINY, "ada")
        assert grade.needs_manual_grade and grade.auto_score is None
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.find_comment("explain", TINY, TINY, "ada").manual_comment = "Well said."
        book.find_grade("area-check", TINY, TINY, "emmy").manual_score = 1.0      # a person is kinder than the tests
        book.find_grade("rows-check", TINY, TINY, "emmy").extra_credit = 0.5
        book.db.commit()
    assert main(["regrade", str(made.path)]) == 0
    assert main(["export", str(made.path)]) == 0
    assert main(["feedback", str(made.path)]) == 0
    return str(made.path)


def test_marks_of_a_person_survive_a_regrade(course):
    with gradebook.opened(course) as book:
        grade = book.find_grade("explain", TINY, TINY, "ada")
        assert (grade.manual_score, grade.auto_score, grade.needs_manual_grade) == (2.5, None, False)
        assert book.find_comment("explain", TINY, TINY, "ada").comment == "Well said."
        assert book.find_grade("area-check", TINY, TINY, "emmy").score == 1.0
        assert book.find_submission(TINY, "ada").score == 26.5
        assert book.find_submission(TINY, "emmy").score == 12 + 1 + 0.5


def test_a_new_answer_needs_a_new_look(course, tmp_path):
    other = classroom(tmp_path / "course", ["ada"])
    hand_in(other, "ada", {})
    assert main(["grade", str(other.path)]) == 0
    with gradebook.opened(other) as book:
        grade = book.find_grade("explain", TINY, TINY, "ada")
        grade.manual_score, grade.needs_manual_grade = 3, False
        book.db.commit()
    hand_in(other, "ada", {"explain": "Another answer."})
    assert main(["grade", str(other.path)]) == 0
    with gradebook.opened(other) as book:
        grade = book.find_grade("explain", TINY, TINY, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (3, True)


def test_a_notebook_that_is_taken_away_takes_its_points_along_but_not_those_of_a_person(tmp_path, capsys):
    made = classroom(tmp_path / "course", ["ada", "emmy"])
    hand_in(made, "ada", {})
    hand_in(made, "emmy", {})
    assert main(["grade", str(made.path)]) == 0
    with gradebook.opened(made) as book:
        book.find_grade("explain", TINY, TINY, "ada").manual_score = 2.5
        book.db.commit()
    kept = made.submitted(TINY, "ada").rename(tmp_path / "kept")
    assert main(["feedback", str(made.path)]) == 0 and "2 pages" in capsys.readouterr().out
    for command in ("grade", "export", "feedback"):
        assert main([command, str(made.path)]) == 0
    assert "1 page in" in capsys.readouterr().out and not (made.path / "feedback" / "ada" / TINY / f"{TINY}.html").exists()
    row = table((made.path / "export" / f"{TINY}.csv").read_text())["ada"]
    with gradebook.opened(made) as book:
        assert book.find_submission(TINY, "ada").score == float(row["score"]) == 2.5
        assert not book.find_submission(TINY, "ada").needs_manual_grade
    assert row["reason"].startswith("missing") and row["pending"] == ""
    kept.rename(made.submitted(TINY, "ada"))
    assert main(["grade", str(made.path)]) == 0
    with gradebook.opened(made) as book:
        assert book.find_submission(TINY, "ada").score == 24 + 2.5


def test_an_empty_answer_is_no_work_for_a_person(course):
    with gradebook.opened(course) as book:
        grade = book.find_grade("explain", TINY, TINY, "quiet")
        assert (grade.auto_score, grade.needs_manual_grade) == (0, False)
        assert book.find_comment("explain", TINY, TINY, "quiet").comment == "No response."


def test_the_table_has_everybody_with_reasons(course):
    rows = table((course.path / "export" / f"{TINY}.csv").read_text())
    assert list(rows) == STUDENTS
    assert list(rows["ada"]) == ["student", "last_name", "first_name", "email", "score", "max_score", "double-check", "area-check",
                                 "half-check", "words-check", "apply-check", "rows-check", "explain", "pending", "flags", "reason"]
    assert {name: (float(row["score"]), row["pending"]) for name, row in rows.items()} == {
        "ada": (26.5, ""), "emmy": (13.5, "explain"), "missing": (0, ""), "broken": (0, ""), "quiet": (24, "")}
    assert rows["ada"]["email"] == "ada@example.org" and rows["ada"]["max_score"] == "27" and rows["ada"]["reason"] == ""
    assert rows["missing"]["reason"].startswith("missing") and rows["broken"]["reason"].startswith("truncated")


def test_canvas_and_gradescope_get_what_they_read(course):
    rows = list(csv.reader(io.StringIO((course.path / "export" / f"{TINY}-canvas.csv").read_text())))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", TINY]
    assert rows[1] == ["    Points Possible", "", "", "", "", "27"]
    assert [row[3] for row in rows[2:]] == STUDENTS and rows[2][0] == "Student, Ada"
    assert [row[5] for row in rows[2:]] == ["26.5", "", "0.0", "0.0", "24.0"]       # emmy's waits for a person
    for student in STUDENTS:
        found = json.loads((course.path / "export" / f"{TINY}-gradescope" / f"{student}.json").read_text())
        assert found["score"] == pytest.approx(sum(test["score"] for test in found["tests"])) and len(found["tests"]) == 7
        assert all(test["visibility"] == "visible" and HIDDEN_MARK not in test["output"] for test in found["tests"])
    assert found["tests"][0]["output"].startswith("4 of 4 points")


def test_a_table_is_no_program():
    from nnlib.course.export import table as written
    assert written(["a"], [["=1+1"], ["@x"], [-2], ["ok"]]) == "a\n'=1+1\n'@x\n-2\nok\n"


def test_feedback_shows_the_student_his_result_and_nothing_hidden(course):
    page = (course.path / "feedback" / "ada" / TINY / f"{TINY}.html").read_text()
    assert "Well said." in page and "(hidden) drawn" in page and "4 of 4 points" in page and "26.5" in page
    for student in ("ada", "emmy", "broken", "quiet"):
        page = (course.path / "feedback" / student / TINY / f"{TINY}.html").read_text()
        assert HIDDEN_MARK not in page and SECRET not in page
    page = (course.path / "feedback" / "broken" / TINY / f"{TINY}.html").read_text()
    assert "truncated or damaged" in page and SOLUTION_MARK not in page
    assert not (course.path / "feedback" / "missing").exists()


def test_what_a_student_wrote_is_no_program_in_the_teachers_browser(course):
    notebook = json.loads(course.autograded(TINY, "emmy").read_text())
    for part in notebook["cells"]:
        kinds = {kind for output in part.get("outputs", []) for kind in output.get("data", {})}
        assert not kinds and all(output["output_type"] == "stream" for output in part.get("outputs", []))
        if part["cell_type"] == "markdown" and part["id"] == "notes":       # one line each, in a block of code
            assert all(line.startswith("    ") for line in "".join(part["source"]).split("\n")[2:])
        elif part["cell_type"] == "markdown":
            text = "".join(part["source"])
            assert "<script" not in text and "<img" not in text and "onerror=alert" not in text.replace("&lt;img src=x onerror", "")
            assert "](" not in text and "][" not in text and "]:" not in text and "\\href" not in text
    page = (course.path / "feedback" / "emmy" / TINY / f"{TINY}.html").read_text()
    assert "alert" in page and "<script>alert" not in page and "<img src=x" not in page and 'href="javascript:' not in page


def test_the_gradebook_is_nbgraders(course):
    with sqlite3.connect(course.path / "gradebook.db") as base:
        names = {row[0] for row in base.execute("select name from sqlite_master where type = 'table'")}
        assert {"alembic_version", "assignment", "grade", "student", "submitted_notebook"} <= names
        assert base.execute("select count(*) from submitted_assignment").fetchone() == (4,)
    base.close()


def test_alembic_is_found_where_the_environment_is_not_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(api, "get_alembic_version", api.get_alembic_version.__wrapped__)
    course = classroom(tmp_path / "course", ["ada"])
    with gradebook.opened(course) as book:
        assert book.students == []


def test_points_that_change_are_taken_over(tmp_path):
    course = classroom(tmp_path / "course", ["ada"])
    hand_in(course, "ada", {})
    assert main(["grade", str(course.path)]) == 0
    path = course.source(TINY)
    path.write_text(path.read_text().replace('"points": 4', '"points": 8').replace("points=4", "points=8"))
    assert main(["grade", str(course.path)]) == 0
    with gradebook.opened(course) as book:
        assert book.find_submission(TINY, "ada").score == 48 and book.find_assignment(TINY).max_score == 51


def test_cells_that_change_after_grading_are_refused(tmp_path, capsys):
    notebook = source()
    course = classroom(tmp_path / "course", ["ada"], notebook)
    hand_in(course, "ada", {})
    assert main(["grade", str(course.path)]) == 0
    notebook.cells.append(cell("markdown", "more", "?", grade=True, solution=True, points=1))
    notebook.cells[-1].id = "more"
    course.source(TINY).write_text(json.dumps(notebook))
    assert main(["grade", str(course.path)]) == 2
    assert "Cannot add or remove cells" in capsys.readouterr().err


# --- the folder -----------------------------------------------------------------

def test_a_new_folder_has_a_secret_that_nobody_else_reads(tmp_path):
    one, two = new(tmp_path / "a"), new(tmp_path / "b")
    assert one.secret != two.secret and len(one.secret) == 32
    assert stat.S_IMODE((one.path / "secret").stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="not empty: nothing was changed"):
        new(tmp_path / "a")


@pytest.mark.parametrize("roster", ["id\n../x\n", "id\nada\nada\n", "name\nada\n", "id\n", "id\nexample\n", "id\n.hidden\n", "id\na b\n", "id\n\u00a0\n", "",
                                    "id;name\nada;Ada\n", "id\n-rf\n", "id\n@SUM(A1)\n"])
def test_a_roster_that_cannot_be_is_refused(tmp_path, roster, capsys):
    new(tmp_path / "course")
    (tmp_path / "course" / "roster.csv").write_text(roster)
    assert main(["release", str(tmp_path / "course")]) == 2
    assert "roster.csv: expected a column id" in capsys.readouterr().err
    assert not (tmp_path / "course" / "release").exists()


@pytest.mark.parametrize("file, content, words", [
    ("roster.csv", "id,last_name\nada,Jürgens\n".encode("latin-1"), "roster.csv is not UTF-8, but has the byte 0xfc"),
    ("roster.csv", b"Student ID,Name\n1,Ada\n", "expected a column id, between commas, but the columns are ['Student ID', 'Name']"),
    ("secret", b"not hexadecimal", "secret: expected at least 32 hexadecimal digits"),
    ("secret", b"", "secret: expected at least 32 hexadecimal digits"),
    ("secret", None, "secret is missing: put back the one")])
def test_a_damaged_folder_says_which_file(tmp_path, file, content, words, capsys):
    new(tmp_path / "course")
    (tmp_path / "course" / file).unlink()
    if content is not None:
        (tmp_path / "course" / file).write_bytes(content)
    assert main(["release", str(tmp_path / "course")]) == 2
    assert words in capsys.readouterr().err


def test_a_source_that_was_changed_after_its_release_is_told(tmp_path, capsys):
    course = classroom(tmp_path / "course", ["ada"])
    before = course.source(TINY).read_text()
    assert main(["release", str(course.path)]) == main(["grade", str(course.path)]) == 0
    assert "changed after its release" not in capsys.readouterr().err
    for old, new_text, told in (("q.equal(\\\"the product", "# a hidden one\\nq.equal(\\\"the product", False), ("1000, 9999", "100, 999", True)):
        assert before.count(old) == 1
        course.source(TINY).write_text(before.replace(old, new_text))
        assert main(["grade", str(course.path)]) == 0
        assert ("changed after its release" in capsys.readouterr().err) == told


def test_feedback_of_one_assignment_does_not_wait_for_the_others(tmp_path, capsys):
    course = classroom(tmp_path / "course", ["ada"])
    (course.path / "source" / "later").mkdir()
    shutil.copy(course.source(TINY), course.path / "source" / "later" / "later.ipynb")
    hand_in(course, "ada", {})
    assert main(["grade", str(course.path), TINY]) == 0
    assert main(["feedback", str(course.path)]) == 0
    assert "nothing of later is graded" in capsys.readouterr().err
    assert (course.path / "feedback" / "ada" / TINY / f"{TINY}.html").exists()


def test_names_may_stand_behind_an_option(tmp_path, capsys):
    course = classroom(tmp_path / "course", ["ada"])
    assert main(["grade", str(course.path), "-j", "1", TINY]) == 0
    assert main(["grade", str(course.path), "-j", "1", "huge"]) == 2
    assert "there is no assignment 'huge'" in capsys.readouterr().err
    for words in (["grade", str(course.path), "--fast"], ["new", str(tmp_path / "other"), "more"]):
        with pytest.raises(SystemExit):
            main(words)
        assert "not understood: " in capsys.readouterr().err


def test_what_is_not_there_is_named(tmp_path, capsys):
    assert main(["grade", str(tmp_path / "nowhere")]) == 2
    assert "has no roster.csv: make a course by" in capsys.readouterr().err
    course = classroom(tmp_path / "course", ["ada"])
    assert main(["grade", str(course.path), "huge"]) == 2
    assert "there is no assignment 'huge'" in capsys.readouterr().err
    assert main(["feedback", str(course.path)]) == 2
    assert "grade it first" in capsys.readouterr().err
    assert Course(course.path).assignments == [TINY]
