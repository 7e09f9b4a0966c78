"""Draw what imports what into book/_static/architecture.svg, with the program `dot` (Debian's package graphviz).

BOXES says which modules make one box; the arrows are read from the code. tests/test_architecture.py compares the
picture with the code again. Usage: python tools/architecture.py
"""
import ast
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "book" / "_static" / "architecture.svg"
FRONTS = {"nnlib": "networks", "nnlib.derivations": "theorems", "nnlib.course": "grading"}  # what a package's own name means
BOXES = {  # name: (frame, its modules)
    "chapters": ("book", "*.ipynb exhibits pad"),
    "extensions": ("book/_ext", "*"),
    "tools": ("tools", "*"),
    "networks": ("nnlib", "layers network training in_place by_rows files gradcheck hard_threshold half_planes"),
    "formulas": ("nnlib", "activations linear conv losses loops initial metrics data/__init__"),
    "checks": ("nnlib", "checks kinds"),
    "theorems": ("nnlib/derivations", "activations linear losses network conv training registry"),
    "typed lines": ("nnlib/derivations", "challenge lines typed reader mutate"),
    "derivation": ("nnlib/derivations", "derivation"),
    "display": ("nnlib/derivations", "display reference symbolic"),
    "prover": ("nnlib/derivations", "prover normal"),
    "refuter": ("nnlib/derivations", "refuter"),
    "language": ("nnlib/derivations", "language"),
    "grading": ("nnlib/course", "folder release batch worker grading submission cells check gradebook feedback export"),
    "sandbox": ("nnlib/course", "sandbox runner wire"),
    "questions": ("nnlib/course", "question numbers"),
}


def files(box):
    """Return the modules and notebooks of a box."""
    frame, names = BOXES[box]
    return [path for name in names.split()
            for path in sorted((ROOT / frame).glob(name if "." in name else f"{name}.py"))]


def code(path):
    """Return the Python text of a module or of a notebook's cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def walk(node):
    """Yield what runs of a syntax tree: not what stands below `if TYPE_CHECKING`."""
    yield node
    if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from walk(child)


def imports(path):
    """Yield for each name that a file imports what it may be: a module of this name, else a name in a module."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in walk(ast.parse(code(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[:len(package) - node.level + 1]] if node.level else []
            base = ".".join(base + ([node.module] if node.module else []))
            yield from ((f"{base}.{alias.name}", base) for alias in node.names)


def arrows():
    """Return the pairs of boxes of which the first imports the second."""
    homes = dict(FRONTS)
    for name in BOXES:
        homes |= {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): name for path in files(name)}
    found = set()
    for name in BOXES:
        for path in files(name):
            beside = ".".join(path.relative_to(ROOT).parts[:-1])  # chapters and tools import their neighbours by name
            for targets in imports(path):
                known = [module for target in targets for module in (target, f"{beside}.{target}") if module in homes]
                found |= {(name, homes[module]) for module in known[:1]} - {(name, name)}
    return sorted(found)


def main():
    lines = ["digraph {", 'graph [rankdir=TB, fontname="sans-serif", bgcolor=white, fontsize=16, nodesep=0.3, ranksep=0.45]',
             'node [shape=box, style="rounded,filled", fillcolor="#eef4fb", color="#2b5c8a", fontname="sans-serif", fontsize=16]',
             'edge [color="#555555", arrowsize=0.7]']
    for frame in dict.fromkeys(frame for frame, _ in BOXES.values()):
        inside = [f'"{name}"' for name, (of, _) in BOXES.items() if of == frame]
        place = "b" if len(inside) > 3 else "t"  # where no arrow crosses the words
        lines += [f'subgraph "cluster_{frame}" {{ label="{frame}"; labeljust=l; labelloc={place}; color="#999999";', *inside, "}"]
    lines += [*(f'"{one}" -> "{other}"' for one, other in arrows()), "}"]
    drawn = subprocess.run(["dot", "-Tsvg"], input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    PICTURE.write_text(drawn[drawn.index("<svg"):], encoding="utf-8")
    print(f"{PICTURE}: {len(BOXES)} boxes, {len(arrows())} arrows")


if __name__ == "__main__":
    sys.exit(main())
