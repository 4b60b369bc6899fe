"""The wheel must hold exactly the package's files: packages are listed by hand in pyproject."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("core", "assistant", "testing")
DATA = ("presets", "dictionaries")
SUFFIXES = {".py", ".tcss", ".css", ".js", ".html"}


def tracked_files() -> set[str]:
    """Package files of the working tree, as they should be named inside the wheel."""
    files = {ROOT / "__init__.py", ROOT / "__main__.py", ROOT / "py.typed"}
    for room in CODE:
        files |= {p for p in (ROOT / room).rglob("*") if p.suffix in SUFFIXES}
    for room in DATA:
        files |= {p for p in (ROOT / room).rglob("*") if p.suffix in {".yaml", ".txt", ".in"}}
    return {
        f"singwiz/{path.relative_to(ROOT).as_posix()}"
        for path in files
        if "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Build from a copy: setuptools leaves build/ and egg-info beside what it builds.
    source = folder / "source"
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(source)], check=True
    )
    diff = subprocess.run(
        ["git", "-C", str(ROOT), "diff", "HEAD", "--binary"], check=True, capture_output=True
    ).stdout
    if diff:
        subprocess.run(["git", "-C", str(source), "apply"], input=diff, check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "-w", str(folder), str(source)], check=True)
    return next(folder.glob("singwiz-*.whl"))


def test_wheel_holds_exactly_the_files_of_the_tree(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("singwiz/")}
    untracked = set(
        subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "--others", "--exclude-standard"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\n")
    )
    expected = {name for name in tracked_files() if name.removeprefix("singwiz/") not in untracked}
    # The generator of the dictionaries is a tool of the repository, not of the package.
    expected -= {"singwiz/dictionaries/generate.py"}
    assert names == expected


def test_every_package_of_the_tree_is_listed_in_pyproject() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {"singwiz"} | {
        "singwiz." + ".".join(path.parent.relative_to(ROOT).parts)
        for room in CODE
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed["packages"]) == found


def test_installed_wheel_runs_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(site), str(wheel)], check=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import singwiz, importlib.resources as r;"
        "from singwiz.core.config import list_presets;"
        "assert singwiz.__file__.startswith(sys.argv[1]), singwiz.__file__;"
        "assert list_presets('acoustic');"
        "assert (r.files('singwiz') / 'dictionaries' / 'opencpop-extension.txt').is_file()"
    )
    # -I: neither the working directory nor PYTHONPATH may help.
    subprocess.run([sys.executable, "-I", "-c", code, str(site)], check=True, cwd=tmp_path)
