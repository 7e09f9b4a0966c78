"""What the chapters share: colours, a picture style, pictures of networks, and a slider.

One colour for one kind of thing through the whole book: inputs, weights, activations, gradients.
"""
import base64
import html
import io

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from nnlib.derivations import Refused

COLOURS = {"input": "#1b7837", "weight": "#2166ac", "activation": "#b35806", "gradient": "#b2182b",
           "other": "#555555"}

# a white ground keeps a picture legible on a dark page
plt.rcParams.update({
    "figure.figsize": (6.4, 3.6), "figure.dpi": 100, "figure.facecolor": "white", "savefig.facecolor": "white",
    "figure.constrained_layout.use": True, "font.size": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "lines.linewidth": 2,
    "axes.prop_cycle": plt.cycler(color=[COLOURS[name] for name in ("weight", "activation", "input", "gradient",
                                                                    "other")])})


def picture(figure, alt):
    """Return the figure as an <img> element with the alt text, and close it."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=90)
    plt.close(figure)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" style="max-width: 100%">'


def slider(name, values, draw, alt):
    """Return a slider that shows the picture `draw(value)` for each of the values.

    `draw` returns a figure, `alt(value)` its alt text. All pictures are drawn beforehand and the
    slider is joined to them in the browser, so it works with no kernel, on the published page.
    """
    control = ipywidgets.SelectionSlider(
        options=[(f"{value:g}" if isinstance(value, (int, float, np.number)) else str(value), i)
                 for i, value in enumerate(values)],
        index=len(values) // 2, description=name, layout={"width": "min(100%, 420px)"})
    pictures = ipywidgets.Stack([ipywidgets.HTML(picture(draw(value), alt(value))) for value in values],
                                selected_index=control.index)
    ipywidgets.jslink((control, "index"), (pictures, "selected_index"))
    return ipywidgets.VBox([control, pictures])


def draw_network(ax, widths, names, dropped_from=7):
    """Draw layers of neurons as columns of circles, every neuron joined to every one of the next layer.

    `widths` are the numbers of neurons, `names` the labels below the columns. Of a layer with more
    than `dropped_from` neurons the middle ones are replaced by dots.
    """
    columns = []
    for n in widths:
        shown = n if n <= dropped_from else dropped_from - 1
        columns.append(np.linspace(0.5, -0.5, shown) * shown if shown > 1 else np.zeros(1))
    for l, (left, right) in enumerate(zip(columns[:-1], columns[1:])):
        for y in left:
            for v in right:
                ax.plot([l, l + 1], [y, v], color=COLOURS["weight"], linewidth=0.7, zorder=1)
    for l, (n, ys, name) in enumerate(zip(widths, columns, names)):
        colour = COLOURS["input"] if l == 0 else COLOURS["activation"]
        ax.scatter(np.full(len(ys), l), ys, s=260, facecolor="white", edgecolor=colour, linewidth=2, zorder=2)
        if n > dropped_from:
            ax.text(l, 0, "⋮", ha="center", va="center", fontsize=16, zorder=3,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        ax.text(l, ys.min() - 0.75, name, ha="center", va="top")
    lowest = min(ys.min() for ys in columns)
    ax.set(xlim=(-0.5, len(widths) - 0.5), ylim=(lowest - 2, max(ys.max() for ys in columns) + 0.6))
    ax.axis("off")


def refused(attempt):
    """Return what the kernel says when it is asked to accept `attempt()`, a wrong step."""
    try:
        attempt()
    except Refused as refusal:
        return refusal
    raise AssertionError("the step was accepted")
