"""Every code has a broken example that shows it, an entry on the page, and words for musicians."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from singwiz.core.findings import Finding

from . import (  # noqa: F401
    broken_config,
    broken_dictionary,
    broken_files,
    broken_labels,
    broken_project,
    broken_sound,
)
from .scene import BROKEN, Scene

ROOT = Path(__file__).parents[2]
ERROR_WORDS = re.compile(r"[Tt]raceback|Exception|\bNone\b|\bnan\b|<[a-z_.]+>|\[\]|\{\}")
NUMBER = re.compile(r"\d+(\.\d+)?")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """docs/make_findings.py."""
    spec = importlib.util.spec_from_file_location("make_findings", ROOT / "docs/make_findings.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def show(code: str, folder: Path) -> tuple[Finding, list[Finding]]:
    scene = Scene(folder / code)
    BROKEN[code](scene)
    found = scene.findings()
    matching = [finding for finding in found if finding.code == code]
    assert matching, [(f.code, f.message) for f in found]
    return matching[0], found


def test_a_clean_project_has_nothing_to_complain_about(tmp_path: Path) -> None:
    assert Scene(tmp_path / "scene").findings() == []


def test_a_clean_variance_project_with_notes_has_nothing_serious(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene")
    scene.kind = "variance"
    scene.notes()
    assert {finding.code for finding in scene.findings()} <= {"config-dur-with-pitch"}


def test_every_code_has_a_broken_example(maker: ModuleType) -> None:
    assert set(BROKEN) == set(maker.RULES)


@pytest.mark.parametrize("code", sorted(BROKEN))
def test_the_fault_is_found_and_explained_on_the_page(
    tmp_path: Path, code: str, maker: ModuleType
) -> None:
    finding, found = show(code, tmp_path)
    rule = maker.RULES[code]
    assert rule.title and rule.cause.endswith((".", "?")) and rule.cure
    assert finding.message.endswith(".")
    assert finding.hint or finding.severity == "note"
    assert not ERROR_WORDS.search(finding.message), finding.message
    for place in (one.place for one in found if one.code == code and one.place.start is not None):
        assert place.item
        assert place.end is None or place.end >= place.start
    entry = maker._entry(rule, finding, tmp_path)
    page = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    # Measured values may differ a little with the versions of libraries.
    assert NUMBER.sub("0", entry) in NUMBER.sub("0", page), "run: python docs/make_findings.py"


def test_the_page_has_no_entry_too_many(maker: ModuleType) -> None:
    page = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == sorted(maker.RULES)


def test_the_page_lists_every_limit(maker: ModuleType) -> None:
    page = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert maker.limits() in page, "run: python docs/make_findings.py"


def test_config_rules_only_use_codes_of_the_catalogue(maker: ModuleType) -> None:
    folder = ROOT / "core" / "config"
    files = [*folder.glob("*_rules.py"), folder / "constraints.py", folder / "yaml_source.py"]
    used = {
        call.args[0].value
        for file in (*files, folder / "legacy.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and (getattr(call.func, "id", "") or getattr(call.func, "attr", ""))
        in ("say", "_warn", "Finding")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    assert used <= set(maker.RULES)
