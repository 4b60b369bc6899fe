"""The whole guide in every language: nothing missing, and no English left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.overview import OVERVIEW
from singwiz.core.jobs import run_here
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter
from singwiz.core.words import languages, speaking

from .conftest import RawFolder

ENGLISH = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){3,}")
"""Four words in a row."""
SHOWN = ("title", "why", "summary", "label", "help", "unit", "error", "body", "empty", "caption")
SHOWN += ("reason", "hint", "columns", "rows", "message", "x_label", "y_label")


def shown(part: Any, name: str = "") -> Iterator[str]:
    """Everything in a view that is there to be read."""
    if is_dataclass(part):
        for one in fields(part):
            yield from shown(getattr(part, one.name), one.name)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from shown(value, name)
    elif isinstance(part, str) and name in SHOWN:
        yield part


@pytest.fixture
def checked(guide: Guide, raw: RawFolder) -> Guide:
    """A guide with findings in labels, sound and dictionary to talk about."""
    (raw.root / "wavs" / "song3.wav").unlink()
    raw.rows[1] = ("song1", "SP k xx m i AP a SP", raw.rows[1][2])
    raw.rows[2] = ("song2", "SP k a m i AP a SP", "0.3 0.3 0 0.3 0.3 0.3 0.3 0.3")
    raw.write()
    run_here(Project.open(guide.project.root), "check", {}, reporter=Reporter())
    return guide


@pytest.mark.parametrize("tag", [one.tag for one in languages() if one.tag != "en"])
def test_no_step_has_english_sentences_left(checked: Guide, raw: RawFolder, tag: str) -> None:
    own = (str(raw.root), str(checked.project.root), str(raw.root.parent))
    left = []
    with speaking(tag):
        assert all(line.title for line in checked.overview())
        for step in (*checked.step_ids, OVERVIEW):
            for text in shown(checked.view(step)):
                for path in own:
                    text = text.replace(path, "")
                left += [f"{step}: {text}" for _ in ENGLISH.finditer(text)][:1]
    assert left == []


def test_findings_name_the_same_things_in_every_language(checked: Guide) -> None:
    for tag in ("en", "zh", "ja"):
        with speaking(tag):
            words = "\n".join(shown(checked.view("check")))
        assert "song3.wav" in words


def test_answers_are_refused_in_the_language_of_who_answered(guide: Guide) -> None:
    replies = {}
    for tag in ("en", "zh", "ja"):
        with speaking(tag):
            replies[tag] = guide.act("train", "fly").message
    assert len(set(replies.values())) == 3


def test_errors_of_core_reach_the_page_in_its_language(guide: Guide) -> None:
    (guide.project.root / "singwiz.yaml").write_text("name: [", encoding="utf-8")
    with speaking("ja"):
        words = "\n".join(shown(guide.view("recordings")))
    assert "正しい YAML ではありません" in words
