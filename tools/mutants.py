"""Mutation testing of nnlib's numerical modules: `make mutants`, or `tools/mutants.py losses conv` for some.

mutmut changes a module in one place at a time (a + to a −, a < to a ≤, an argument to None) and runs the tests of
that module: a mutant is killed if one of them fails or does not end, else it survives. Each survivor must be listed in
`tools/survivors.toml` with the reason why no test can tell it from the original. One that is not listed makes this
fail. The outcome goes to `book/mutants.json`, which the page `verified` shows.

What is not mutated: the text of error messages and the annotations; and what mutmut leaves alone: code outside of
functions, and the calls of len and isinstance. It leaves decorated functions alone, too, so in the copy that it works on
each decorator is called below its function. Doctests do not count as tests here, since mutmut copies each docstring into
every mutant.
"""
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
SURVIVORS, OUTCOME = ROOT / "tools/survivors.toml", ROOT / "book/mutants.json"
LEAST = 0.95  # of a module's mutants are killed
MODULES = ("activations", "by_rows", "checks", "conv", "data", "files", "gradcheck", "half_planes", "hard_threshold", "in_place",
           "initial", "layers", "linear", "loops", "losses", "metrics", "network", "training")
CONFIG = """
[tool.pytest.ini_options]
addopts = "-p no:cacheprovider --tb=no"
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["nnlib"]
only_mutate = ["{file}"]
pytest_add_cli_args_test_selection = ["tests/test_{module}.py", "tests/test_checks.py", "tests/test_bad_input.py"]
# a comparison with 50 digits at the ends of the range: long, and about rounding; a list of all functions, and mutants are some
pytest_add_cli_args = ["-k", "not ends_of_the_range and not every_public_function"]
# an error, and the further lines of its message
do_not_mutate_patterns = ['raise \\w*Error\\(', '^\\s+f?"[^"]*"\\)? *(from None)?$']
"""


def file_of(module):
    """Return where a module lies, as seen from the root."""
    return next(name for name in (f"nnlib/{module}.py", f"nnlib/{module}/__init__.py") if (ROOT / name).exists())


def survivors_of(module):
    """Run mutmut on one module; return how many mutants there are, and those that survive: (function, line, what it becomes)."""
    folder = ROOT / "_build/mutants" / module
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "nnlib", folder / "nnlib", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    for path in ROOT.glob("tests/*.py"):  # some import others
        shutil.copy(path, folder / "tests")
    source = folder / file_of(module)
    source.write_text(undecorated(source.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "pyproject.toml").write_text(CONFIG.replace("{module}", module).replace("{file}", file_of(module)))

    def mutmut(*arguments):
        done = subprocess.run([Path(sys.executable).with_name("mutmut"), *arguments], cwd=folder, text=True,
                              capture_output=True, env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        if done.returncode:
            raise SystemExit(f"mutmut {' '.join(arguments)} on {module}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def status():
        return dict(line.strip().split(": ") for line in mutmut("results", "--all", "true").splitlines())

    mutmut("run")
    late = [name for name, word in status().items() if word in ("timeout", "segfault")]
    if late:
        mutmut("run", *late)  # once more: a machine that had other work to do is no proof
    found = status()
    alive = [name for name, word in found.items() if word not in ("killed", "timeout", "segfault")]
    return len(found), [(function_of(name), *change(mutmut("show", name))) for name in alive]


def digest(module):
    """Return a hash of the module's source: the page shows whether the figures are those of the code as it stands."""
    return hashlib.sha256((ROOT / file_of(module)).read_bytes()).hexdigest()[:16]


def undecorated(source):
    r"""Return the same program, in which f = decorator(f) stands below each decorated function.

    >>> undecorated("@cache\ndef f(x):\n    return x\n")
    'def f(x):\n    return x\nf = cache(f)\n'
    """
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.decorator_list]
    for node in sorted(functions, key=lambda node: -node.lineno):
        decorator = node.decorator_list[0]
        if isinstance(decorator, ast.Name) and decorator.id not in ("classmethod", "staticmethod"):
            lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = {decorator.id}({node.name})")
            del lines[decorator.lineno - 1]
    return "\n".join(lines) + "\n"


def function_of(mutant):
    """Return the name of the function, or Class.method, of which mutmut's name for a mutant speaks.

    >>> function_of("nnlib.losses.x__pair__mutmut_3"), function_of("nnlib.training.xǁSGDǁstep__mutmut_12")
    ('_pair', 'SGD.step')
    """
    mangled = mutant.split(".")[-1].split("__mutmut")[0]
    return mangled[2:].replace("ǁ", ".")


def change(diff):
    """Return the lines that a diff takes away, and those that it puts in, without their indentation.

    >>> change("--- a\\n+++ a\\n@@ -1,2 +1,2 @@\\n def f(x):\\n-    return x + 1\\n+    return x - 1")
    ('return x + 1', 'return x - 1')
    """
    lines = [line for line in diff.splitlines() if line[:3] not in ("---", "+++")]
    return tuple("\n".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")


def compare(found, listed):
    """Return the survivors that are not listed, and the listed ones that did not survive."""
    found = Counter(found)
    listed = Counter((entry["function"], entry["line"].strip(), new) for entry in listed for new in entry["becomes"])
    return list((found - listed).elements()), list((listed - found).elements())


def main(modules):
    listed, done, wrong = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")), {}, []
    for module in modules:
        mutants, found = survivors_of(module)
        unlisted, gone = compare(found, listed.get(module, []))
        print(f"{module}: {mutants} mutants, {mutants - len(found)} killed, {len(found) - len(unlisted)} equivalent, "
              f"{len(unlisted)} survived and not listed", flush=True)
        for words, changes in (("survived and not listed", unlisted), ("listed and killed now, to be removed", gone)):
            for function, line, becomes in changes:
                print(f"  {words}: {function}\n    - {line}\n    + {becomes}")
        if unlisted or len(found) > (1 - LEAST) * mutants:
            wrong.append(module)
            continue
        done[module] = {"mutants": mutants, "killed": mutants - len(found), "equivalent": len(found),
                        "source": digest(module), "date": date.today().isoformat()}
        stored = json.loads(OUTCOME.read_text(encoding="utf-8")) | {module: done[module]}
        OUTCOME.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    total = {word: sum(one[word] for one in done.values()) for word in ("mutants", "killed", "equivalent")}
    print(f"make mutants: in {len(done)} of {len(MODULES)} modules {total['mutants']} mutants, {total['killed']} killed, "
          f"{total['equivalent']} equivalent; "
          + (f"NOT as they should be: {', '.join(wrong)}" if wrong else f"not asked for: {len(MODULES) - len(modules)} modules"))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or MODULES))
