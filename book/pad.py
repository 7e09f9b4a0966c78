"""The pad on which the reader draws a digit: the network goes into the page, and pad.js runs it there."""
import base64
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from exhibits import COLOURS, picture
from IPython.display import HTML

FINE = 4  # the drawing is kept four times as fine as the image of 28 by 28 pixels


def whole_numbers(W):
    """Return (Q, steps): W rounded to whole numbers from −127 to 127 times a step for each column."""
    steps = np.maximum(np.abs(W).max(axis=0), np.finfo(np.float32).tiny) / 127
    return np.rint(W / steps).astype(np.int8), steps


def rounded(network):
    """Return the parameters as the page has them: each weight matrix in whole numbers times steps."""
    return {name: np.multiply(*whole_numbers(array)) if name.startswith("W") else array
            for name, array in network.parameters.items()}


def text_of(array):
    """Return the bytes of an array in base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def packed(network):
    """Return what unpack in pad.js takes: of each layer the whole numbers, the steps and the biases."""
    layers = []
    for l in range(1, len(network.parameters) // 2 + 1):
        Q, steps = whole_numbers(network.parameters[f"W{l}"])
        numbers = {"scale": steps, "b": network.parameters[f"b{l}"]}
        layers.append({"W": text_of(Q)} | {name: [float(f"{v:.9g}") for v in array] for name, array in numbers.items()})
    return layers


def still(network, image):
    """Return as an <img> what the pad shows of one image (uint8): for paper, and where no scripts run."""
    x = image.reshape(1, -1) / 255
    first, second = network.forward(x)[2:5:2]
    P = network.predict_proba(x)[0]
    figure, axes = plt.subplots(1, 4, figsize=(8, 2.2), width_ratios=(1, 1, 1, 1.4))
    squares = (image, first.reshape(8, -1), second.reshape(4, -1))
    for ax, values, title in zip(axes, squares, ("what the network sees", "hidden layer 1", "hidden layer 2")):
        ax.imshow(values, cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=10)
        ax.grid(False)
    axes[3].bar(range(10), P, color=COLOURS["activation"])
    axes[3].set(xticks=range(10), ylim=(0, 1))
    axes[3].set_title("probabilities", fontsize=10)
    return picture(figure, f"What the pad shows of one example: its 28 by 28 pixels, a square for each neuron of the two hidden "
                           f"layers, dark where the activation is large, and a bar for each digit. The highest is {P.argmax()}.")


def pad(network, images, labels):
    """Return the pad for a network of dense layers with ReLU, with some images (uint8) as examples."""
    data = {"layers": packed(network), "examples": text_of(images), "labels": [int(k) for k in labels],
            "colours": COLOURS}
    return HTML(f'<div class="digit-pad"><noscript><p>Drawing needs the page in a browser, with JavaScript. '
                f'One of the examples looks so:</p>{still(network, images[0])}</noscript>'
                f'<script type="application/json">{json.dumps(data)}</script></div>'
                f'<script>{Path(__file__).with_name("pad.js").read_text()}</script>')


def _shares(start, width, n):
    """Return the matrix (28, n) of the share of each square in each of 28 pixels along an axis."""
    edges = start + width * np.arange(29)
    lowest, i = edges[:-1, None], np.arange(n)
    return np.clip(np.minimum(lowest + width, i + 1) - np.maximum(lowest, i), 0, None) / width


def _margin(ink, axis, start, width):
    """Return how many pixels lie before the ink's box, when the centre of mass lies in pixel 14."""
    along = ink.sum(axis=1 - axis)
    centre = along @ (np.arange(len(along)) + 0.5) / along.sum()
    return np.ceil(14 - (centre - start) / width - 1e-9)  # rounding must not decide a tie


def centred(ink):
    """Return the (28, 28) image of a square drawing: its box scaled to 20 by 20, its centre of mass in pixel 14, 14.

    Every pixel is the mean of the drawing over the pixel's square. A drawing without ink gives 0.
    """
    if not ink.any():
        return np.zeros((28, 28))
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    width = max(np.ptp(rows) + 1, np.ptp(columns) + 1) / 20
    down, right = (_shares(at[0] - width * _margin(ink, axis, at[0], width), width, len(ink))
                   for axis, at in enumerate((rows, columns)))
    return down @ ink @ right.T


def plain(ink):
    """Return the (28, 28) image of a drawing as it stands: each pixel the mean of its squares."""
    return ink.reshape(28, len(ink) // 28, 28, -1).mean(axis=(1, 3))


def stroke(ink, points, radius=5.0):
    """Draw a line through the points (x, y) into `ink` with a round pen, as pad.js does."""
    y, x = np.indices(ink.shape) + 0.5
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:]):
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / ((dx * dx + dy * dy) or 1), 0, 1)
        distance = np.hypot(x - x0 - t * dx, y - y0 - t * dy)
        np.maximum(ink, np.clip(radius + 0.5 - distance, 0, 1), out=ink)
