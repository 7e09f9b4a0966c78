"""What a published book has: one version everywhere, a citation, a complete package."""
import re
import subprocess
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_one_version_and_one_date():
    version, date = re.search(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M).groups()
    assert version == PROJECT["project"]["version"] == CITATION["version"]
    assert date == str(CITATION["date-released"])


def test_the_citation_names_the_book_as_its_pages_do():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert CITATION["title"] == config["title"]
    assert [author["name"] for author in CITATION["authors"]] == [config["author"]]


def test_the_package_has_every_file_of_nnlib():
    files = subprocess.run(["git", "ls-files", "nnlib"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    settings = PROJECT["tool"]["setuptools"]
    assert {str(Path(file).parent).replace("/", ".").replace("\\", ".") for file in files} == set(settings["packages"])
    data = {f"{package.replace('.', '/')}/{name}" for package, names in settings["package-data"].items() for name in names}
    assert {file for file in files if not file.endswith(".py")} == data
