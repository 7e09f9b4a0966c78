"""A Sphinx extension: nnlib's docstrings are plain text, so |x| in them is no substitution."""


def escape_bars(app, what, name, obj, options, lines):
    for at, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[at] = line.replace("|", "\\|")


def is_plain_field(app, what, name, obj, skip, options):
    """Fields of named tuples have no documentation but their number."""
    return True if (getattr(obj, "__doc__", "") or "").startswith("Alias for field number") else None


def setup(app):
    app.connect("autodoc-skip-member", is_plain_field)
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
