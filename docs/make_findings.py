"""Writes docs/findings.md: every code a check can report, with cause, example and cure.

The examples are what singwiz says about the broken examples in tests/findings, so the page
cannot promise what the program does not do. Run from the repository root after changing a
check, and commit the result:

    python docs/make_findings.py
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from singwiz.core.config.catalogue import CONFIG_RULES
from singwiz.core.dataset.checks.catalogue_files import FILE_RULES
from singwiz.core.dataset.checks.catalogue_labels import LABEL_RULES
from singwiz.core.dataset.checks.catalogue_sound import SOUND_RULES
from singwiz.core.dataset.checks.thresholds import Thresholds
from singwiz.core.dataset.fixes import FIXES
from singwiz.core.dataset.overlay import OVERLAY_RULES
from singwiz.core.dictionary.rules import DICTIONARY_RULES, Rule
from singwiz.core.findings import Finding
from singwiz.core.jobs.catalogue import PROJECT_RULES

PAGE = Path(__file__).with_name("findings.md")
THEMES: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("Folders, files and transcriptions.csv", (*FILE_RULES, *OVERLAY_RULES.values())),
    ("Labels, notes and phonemes", LABEL_RULES),
    ("Sound, and how it fits the labels", SOUND_RULES),
    ("Dictionaries and the phoneme set", tuple(DICTIONARY_RULES.values())),
    ("The voice as a whole and its surroundings", tuple(PROJECT_RULES.values())),
    ("Configs", tuple(CONFIG_RULES.values())),
)
RULES: dict[str, Rule] = {rule.code: rule for _, rules in THEMES for rule in rules}
"""Every code there is."""

HEAD = """\
# Findings

What `singwiz check` can say: every code with its cause, an example, and what to do. An **error**
stops the next step, a **warning** means that the voice will probably suffer, a **note** is worth
knowing; some codes are milder or more serious from case to case. Where it says *automatic*,
`singwiz fix` can do it; the originals stay untouched and every fix can be taken back.

Limits (seconds, decibels, counts) can be moved under `thresholds` in `singwiz.yaml`; they are
listed at the end.
This page is made by `python docs/make_findings.py`.
"""


def examples(folder: Path) -> dict[str, Finding]:
    """What singwiz finds in the broken example of every code.

    Args:
        folder: an empty folder to build the examples in.
    """
    scene = _stage()
    found = {}
    for code, break_it in scene.BROKEN.items():
        stage = scene.Scene(folder / code)
        break_it(stage)
        match = [finding for finding in stage.findings() if finding.code == code]
        if match:
            found[code] = match[0]
    return found


def page(found: Mapping[str, Finding], folder: Path) -> str:
    """The text of the page; paths inside ``folder`` are shortened."""
    parts = [HEAD]
    for title, rules in THEMES:
        parts.append(f"\n## {title}\n")
        parts += [_entry(rule, found.get(rule.code), folder) for rule in rules]
    parts.append(limits())
    return "\n".join(parts).rstrip("\n") + "\n"


def limits() -> str:
    """A table of all limits with their defaults."""
    body = ast.parse(inspect.getsource(Thresholds)).body[0]
    assert isinstance(body, ast.ClassDef)
    described: dict[str, str] = {}
    name = ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            described[name] = " ".join(str(node.value.value).split())
            name = ""
    rows = [
        f"| `{field.name}` | {field.default:g} | {described[field.name]} |"
        for field in dataclasses.fields(Thresholds)
    ]
    return "\n".join(("## Limits", "", "| name | default | meaning |", "|---|---|---|", *rows))


def _entry(rule: Rule, finding: Finding | None, folder: Path) -> str:
    fix = FIXES.get(rule.code)
    lines = [f"### {rule.code}", "", f"**{rule.title}** ({rule.severity}). {rule.cause}", ""]
    if finding is not None:
        lines.append(f"- Example: {_plain(finding.message, rule.code, folder)}")
    lines.append(f"- What to do: {rule.cure}")
    if fix is not None:
        careful = "" if fix.safe else ", asks first"
        lines.append(f"- Automatic{careful}: {fix.title}.")
    return "\n".join(lines) + "\n"


def _plain(text: str, code: str, folder: Path) -> str:
    """Without what differs from machine to machine."""
    text = text.replace(f"{folder / code}", "/home/me/voice")
    text = re.sub(r"has \d+ processor cores", "has 8 processor cores", text)
    text = re.sub(r"and [\d.]+ [MG]B are free", "and 0.1 GB are free", text)
    text = re.sub(r"up to \d+ characters long: '.*'", "up to 260 characters long: 'C:\\\\…'", text)
    text = re.sub(r" \(Error[^)]*\)", "", text)
    # Markdown would take these for formatting.
    return re.sub(r"([*_<>])", r"\\\1", text)


def _stage():  # type: ignore[no-untyped-def]
    tests = Path(__file__).parents[1] / "tests"
    sys.path.insert(0, str(tests))
    for theme in sorted((tests / "findings").glob("broken_*.py")):
        importlib.import_module(f"findings.{theme.stem}")
    return importlib.import_module("findings.scene")


def missing(codes: Iterable[str]) -> list[str]:
    """Codes that the catalogue has and ``codes`` does not."""
    return sorted(set(RULES) - set(codes))


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = examples(folder)
        for code in missing(found):
            print(f"no example: {code}", file=sys.stderr)  # noqa: T201
        PAGE.write_text(page(found, folder), encoding="utf-8")


if __name__ == "__main__":
    main()
