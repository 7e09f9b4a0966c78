"""A Sphinx extension: nnlib's docstrings are plain text, so |x| in them is no substitution."""


def escape_bars(app, what, name, obj, options, lines):
    for at, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[at] = line.replace("|", "\\|")


def setup(app):
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
