"""What the chapters share: colours, a picture style, pictures of networks and graphs, sliders, questions, proofs.

One colour for one kind of thing through the whole book: inputs, weights, activations, gradients.
"""
import base64
import html
import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from nnlib.derivations import THEOREMS, D, Refused, evaluator

COLOURS = {"input": "#1b7837", "weight": "#2166ac", "activation": "#b35806", "gradient": "#b2182b",
           "other": "#555555"}
FILL = {"data": "#c7e9c0", "parameter": "#c6dbef", "result": "white"}        # of a graph's nodes, as in S2

# a white ground keeps a picture legible on a dark page
plt.rcParams.update({
    "figure.figsize": (6.4, 3.6), "figure.dpi": 100, "figure.facecolor": "white", "savefig.facecolor": "white",
    "figure.constrained_layout.use": True, "font.size": 11, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "lines.linewidth": 2,
    "axes.prop_cycle": plt.cycler(color=[COLOURS[name] for name in ("weight", "activation", "input", "gradient",
                                                                    "other")])})


def picture(figure, alt):
    """Return the figure as an <img> element with the alt text, and close it."""
    drawn, content = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    plt.close(figure)
    kind, drawing = "png", Image.open(drawn).convert("RGB")
    drawing.quantize(128).save(content, "png", optimize=True)  # a third of the bytes
    if content.tell() > 40_000:  # a speckled one, such as an image of weights
        kind, content = "webp", io.BytesIO()
        drawing.save(content, "webp", quality=80)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/{kind};base64,{data}" alt="{html.escape(alt)}" style="max-width: 100%">'


def slider(name, values, draw, alt):
    """Return a slider that shows the picture `draw(value)` for each of the values.

    `draw` returns a figure, `alt(value)` its alt text. All pictures are drawn beforehand and the
    slider is joined to them in the browser, so it works with no kernel, on the published page.
    """
    return sliders({name: values}, draw, alt)


def sliders(choices, draw, alt):
    """Return a slider for each name in `choices`, and the picture `draw(*values)` for where they stand."""
    controls = [ipywidgets.SelectionSlider(
        options=[(f"{value:g}" if isinstance(value, (int, float, np.number)) else str(value), i)
                 for i, value in enumerate(values)],
        index=len(values) // 2, description=name, layout={"width": "min(100%, 420px)"})
        for name, values in choices.items()]

    def pictures(*chosen):
        if len(chosen) == len(controls):
            return ipywidgets.HTML(picture(draw(*chosen), alt(*chosen)))
        control, values = controls[len(chosen)], list(choices.values())[len(chosen)]
        stack = ipywidgets.Stack([pictures(*chosen, value) for value in values], selected_index=control.index)
        ipywidgets.jslink((control, "index"), (stack, "selected_index"))
        return stack

    return ipywidgets.VBox([*controls, pictures()])


def ask(question, answers):
    """Return a menu whose chosen answer shows its comment, joined in the browser."""
    menu = ipywidgets.Dropdown(options=["choose …", *answers], description=question,
                               style={"description_width": "130px"}, layout={"width": "min(100%, 330px)"})
    box = '<div style="background: #fff; color: #222; border: 1px solid #999; padding: 2px 8px; line-height: 1.5">'
    comments = ["&nbsp;"] + [f"{box}{comment}</div>" for comment in answers.values()]
    stack = ipywidgets.Stack([ipywidgets.HTML(comment) for comment in comments], selected_index=0)
    ipywidgets.jslink((menu, "index"), (stack, "selected_index"))
    return ipywidgets.VBox([menu, stack])


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


def draw_graph(ax, nodes, arrows, back=()):
    """Draw nodes {text: (x, y, kind)}, forward arrows, and gradients flowing back along some of them."""
    for u, v in arrows:
        ax.annotate("", nodes[v][:2], nodes[u][:2], zorder=1,
                    arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 17, "shrinkB": 17})
    for v, u in back:
        ax.annotate("", nodes[u][:2], nodes[v][:2], zorder=1,
                    arrowprops={"arrowstyle": "-|>", "color": COLOURS["gradient"], "linestyle": "--", "shrinkA": 19,
                                "shrinkB": 19, "linewidth": 1.6, "connectionstyle": "arc3,rad=0.32"})
    for text, (x, y, kind) in nodes.items():
        ax.scatter(x, y, s=780, facecolor=FILL[kind], edgecolor="black", linewidth=1.2, zorder=2)
        ax.text(x, y, text, ha="center", va="center", fontsize=12, zorder=3)
    xs, ys = zip(*[node[:2] for node in nodes.values()])
    ax.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(min(ys) - 0.5, max(ys) + 0.5))
    ax.axis("off")


def refused(attempt):
    """Return what the kernel says when it is asked to accept `attempt()`, a wrong step."""
    try:
        attempt()
    except Refused as refusal:
        return refusal
    raise AssertionError("the step was accepted")


def side_by_side(work, items):
    """Return [work(item) for item in items], two at a time, one on each core."""
    if sys.platform == "emscripten":  # the browser's Python has no threads
        return [work(item) for item in items]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


def proved(name, sizes, **data):
    """Return the values of a proved right side, with the axes of the variable."""
    lemma = THEOREMS[name].build()
    entries = lemma.left.args if isinstance(lemma.left, D) else [lemma.left]
    axes = [index for entry in entries for index in entry.args[1]]
    return evaluator(lemma, axes)(np, sizes, **data)


def sources(*names):
    """Print the code of several derivations."""
    print("\n\n".join(THEOREMS[name].source.rstrip() for name in names))


def html_of(text):
    r"""Return a line of Markdown with `code` and $formulas$ as HTML that MathJax completes on a page."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\$([^$]+)\$", r'<span class="math notranslate nohighlight">\\(\1\\)</span>', text)
