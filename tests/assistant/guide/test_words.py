"""The catalogue of sentences: complete, without leftovers, in the right form."""

from __future__ import annotations

import inspect
import re
import string
from pathlib import Path
from typing import Any

import pytest

from singwiz.assistant.guide import Guide, words
from singwiz.assistant.guide.steps import STEPS, Step
from singwiz.core.words.catalogue import keyed

GUIDE = Path(inspect.getfile(words)).parent
SHORTHAND = re.compile(r"self\.(say|button|ask)\(\s*\"([^\"]+)\"")
DIRECT = re.compile(r"(?<![.\w])say\(\s*\"([^\"]+)\"")


def sources(step: Step) -> str:
    """The code of a step and of the classes it is made from."""
    files = {inspect.getfile(kind) for kind in type(step).__mro__ if "singwiz" in kind.__module__}
    return "\n".join(Path(file).read_text(encoding="utf-8") for file in sorted(files))


def leaves(node: Any, path: str = "") -> dict[str, str]:
    if isinstance(node, dict):
        found: dict[str, str] = {}
        for key, value in node.items():
            found |= leaves(value, f"{path}.{key}" if path else str(key))
        return found
    return {path: node}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_every_sentence_of_a_step_is_in_the_catalogue(step: Step) -> None:
    assert words.title(step.id)
    assert words.why(step.id).count(".") >= 2
    for kind, key in SHORTHAND.findall(Path(inspect.getfile(type(step))).read_text("utf-8")):
        place = {"say": key, "button": f"do.{key}", "ask": f"ask.{key}.label"}[kind]
        assert words.has(f"{step.id}.{place}"), f"{step.id}.{place}"


def test_every_directly_named_sentence_is_in_the_catalogue() -> None:
    for file in GUIDE.rglob("*.py"):
        for key in DIRECT.findall(file.read_text(encoding="utf-8")):
            if file.name != "words.py":
                assert words.has(key), f"{file.name}: {key}"


def test_job_steps_have_words_for_every_button_and_reply() -> None:
    for step in ("check", "features", "prepare", "train", "listen"):
        for key in ("do.start", "do.stop", "started", "stopping"):
            assert words.has(f"{step}.{key}"), f"{step}.{key}"


def test_sentences_are_text_with_well_formed_placeholders() -> None:
    catalogue = {key: node for key, node in keyed("en").items() if key != "languages"}
    for key, sentence in leaves(catalogue).items():
        assert isinstance(sentence, str) or sentence == {}, key
        for _, name, _, _ in string.Formatter().parse(str(sentence)):
            assert name is None or name.isidentifier(), key


def test_questions_and_actions_of_the_first_step_are_labelled() -> None:
    view = Guide.open().view("recordings")
    assert all(question.label for question in view.questions)
    assert all(action.label for action in view.actions)
