"""The Sphinx extension that puts the form "Challenge this equation" below each theorem of a page."""
import importlib.util
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from docutils import nodes
from docutils.utils import new_document

from nnlib.derivations import THEOREMS, challenge

EXTENSIONS = Path(__file__).parent.parent / "book" / "_ext"
spec = importlib.util.spec_from_file_location("challenge_form", EXTENSIONS / "challenge.py")
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)


def box(name):
    return nodes.admonition("", nodes.paragraph(text="A sentence."), ids=[f"thm-{name}"])


def cell(code):
    return nodes.container("", nodes.container("", nodes.literal_block(code, code)), classes=["cell"])


def page(*parts):
    document = new_document("a page")
    document += nodes.section("", *parts)
    extension.insert_forms(None, document)
    return document


def forms(document):
    return [re.search('data-theorem="(.*?)"', node.astext())[1] for node in document.findall(nodes.raw)]


def test_each_theorem_of_a_page_has_one_form():
    document = page(box("softmax"), cell('THEOREMS["softmax"]'), cell('print(THEOREMS["softmax"].source)'),
                    nodes.paragraph(text="Text."), box("relu_right"), nodes.paragraph(text="More text."),
                    box("of_another_kind"), box("softmax_shift"), box("softmax_ratio"),
                    cell('display(THEOREMS["softmax_shift"], THEOREMS["softmax_ratio"])'),
                    box("softmax_order"), nodes.paragraph(text="A remark."), cell('THEOREMS["softmax_order"]'))
    assert forms(document) == ["softmax", "relu_right", "softmax_shift", "softmax_ratio", "softmax_order"]
    section = document[0]
    assert [type(node).__name__ for node in section[:4]] == ["admonition", "container", "raw", "container"]
    assert all(isinstance(section[n][-1], nodes.raw) for n in (5, 8, 9))  # no cell shows these alone
    assert isinstance(section[-1], nodes.raw)


def test_a_page_without_theorems_stays_as_it_is():
    document = page(nodes.paragraph(text="Text."), box("of_another_kind"), cell("1 + 1"))
    assert forms(document) == [] and len(document[0]) == 3


@pytest.mark.parametrize("name", ["softmax", "relu_right", "matmul_backward_A", "neuron_backward", "two_layer_W1",
                                  "elementwise_backward"])
def test_the_examples_are_what_the_form_says(name):
    text = extension.form(name)
    right, wrong = map(unescape, re.findall('class="example">(.*?)</button>', text))
    assert challenge(name, right).kind == "true"
    assert challenge(name, wrong).kind == "false"


def test_the_form_names_the_symbols_and_the_lines():
    text = extension.form("softmax")
    assert "Names: indices i j k; sizes K; arrays and functions z s; and exp log" in text
    lines = THEOREMS["softmax"].build().lines
    values = re.findall('<option value="(.*?)">', text)
    assert values == ["", *map(str, range(len(lines) + 1))]
    assert re.search('value="5">line 5: s.k. . .delta.k, i. - s.i..</option>', text)


def test_forms_differ_in_names_and_lines_only():
    def frame(name):
        text = re.sub("<option.*</option>|Names:.*?Examples", "", extension.form(name), flags=re.S)
        return re.sub('class="example">.*?<', "<", text).replace(name, "NAME")
    assert frame("softmax") == frame("dense_backward_W")


def test_text_of_a_theorem_is_no_markup():
    text = extension.form("elementwise_backward")
    assert "sigma&#x27;" in text and "sigma'" not in text


def test_a_page_with_forms_has_the_script_and_others_have_not(tmp_path):
    (tmp_path / "conf.py").write_text(f"import sys\nsys.path.insert(0, {str(EXTENSIONS)!r})\n"
                                      "extensions = ['sphinx_proof', 'challenge']\n")
    (tmp_path / "index.rst").write_text("Title\n=====\n\n.. prf:theorem:: Jacobian\n   :label: thm-softmax\n\n"
                                        "   A sentence.\n\n.. toctree::\n\n   other\n")
    (tmp_path / "other.rst").write_text("Other\n=====\n\nText.\n")
    subprocess.run([sys.executable, "-m", "sphinx", "-qnW", tmp_path, tmp_path / "html"], check=True)
    page, other = ((tmp_path / "html" / name).read_text() for name in ("index.html", "other.html"))
    assert page.count('data-theorem="softmax"') == 1 and "Checking a line needs JavaScript." in page
    for name in ("challenge.js", "challenge.css"):
        assert f"_static/{name}" in page and f"_static/{name}" not in other
        assert (tmp_path / "html/_static" / name).read_text() == (EXTENSIONS / name).read_text()
