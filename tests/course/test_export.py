"""What a table says of a question that earned nothing."""
import pytest
from nnlib.course.export import why

FAILED = {"words": "two rows", "held": False, "message": "it is 3", "hidden": False}


@pytest.mark.parametrize("note, error, checks, words", [
    ("the tester was killed", "NameError: x", [FAILED], "the tester was killed"), ("", "NameError: x", [FAILED], "NameError: x"),
    ("", "NotImplementedError: ", [FAILED], "not answered"), ("", "", [FAILED], "two rows: it is 3"),
    ("", "", [FAILED | {"held": True}, FAILED | {"hidden": True}], "a hidden check fails"), ("", "", [], "a person gave 0"),
    ("", "", [FAILED | {"message": "NotImplementedError"}], "not answered")])
def test_why_a_question_earns_nothing(note, error, checks, words):
    assert why({"note": note, "error": error, "checks": checks}) == words
