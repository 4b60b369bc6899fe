"""Every language has every word: of the wizard, of findings and of errors."""

from __future__ import annotations

import ast
import importlib.util
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from singwiz.core.dataset.checks.rules import CHECKS
from singwiz.core.words import languages, retell, speaking
from singwiz.core.words.catalogue import keyed

ROOT = Path(__file__).parents[3]
OTHERS = [one.tag for one in languages() if one.tag != "en"]
IN_OTHER_WORDS = {"project-invalid", "setting-invalid", "name-unusable"}
"""Errors that only pass on what the library said that read the file."""


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """docs/make_words.py; it reads the source only once."""
    spec = importlib.util.spec_from_file_location("make_words", ROOT / "docs/make_words.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.sentences()
    module.sentences = lambda: found  # type: ignore[attr-defined]
    return module


def leaves(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from leaves(value, f"{path}.{number}")
    elif node:
        yield path, str(node)


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.fixture(scope="module")
def messages(maker: ModuleType) -> list[tuple[str, str]]:
    """Code and sentence of every error and finding that is written where it happens."""
    return list(raised(maker))


def raised(maker: ModuleType) -> Iterator[tuple[str, str]]:
    for path in sorted((*ROOT.glob("core/**/*.py"), *ROOT.glob("assistant/**/*.py"))):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or len(call.args) < 2:
                continue
            code, text = call.args[0], call.args[1]
            if maker._callee(call) not in ("SingwizError", "report", "finding"):
                continue
            if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
                continue
            if isinstance(text, ast.JoinedStr):
                yield code.value, " ".join(maker._template(text).split())
            elif isinstance(text, ast.Constant):
                yield code.value, str(text.value)


def test_there_are_three_languages_that_name_themselves() -> None:
    assert {one.tag: one.name for one in languages()}.keys() >= {"en", "zh", "ja"}
    assert len({one.name for one in languages()}) == len(languages())


@pytest.mark.parametrize("tag", OTHERS)
def test_a_language_lacks_no_sentence(maker: ModuleType, tag: str) -> None:
    assert maker.missing(tag) == [], "run: python docs/make_words.py --write"


@pytest.mark.parametrize("tag", OTHERS)
def test_a_language_keeps_no_sentence_that_is_not_said_any_more(
    maker: ModuleType, tag: str
) -> None:
    assert maker.left_over(tag) == [], "run: python docs/make_words.py --write"


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_fill_in_what_the_english_sentence_fills_in(
    maker: ModuleType, tag: str
) -> None:
    assert maker.wrong_gaps(tag) == []
    english, other = dict(leaves(keyed("en"))), dict(leaves(keyed(tag)))
    assert english.keys() == other.keys()
    assert {key for key in english if gaps(english[key]) != gaps(other[key])} == set()


@pytest.mark.parametrize("tag", OTHERS)
def test_every_error_and_finding_that_is_raised_has_words(
    maker: ModuleType, messages: list[tuple[str, str]], tag: str
) -> None:
    known = {maker.shape_of(english) for english, other in maker.told(tag).items() if other}
    wordless = {code for code, text in messages if maker.shape_of(text) not in known}
    assert len({code for code, _ in messages}) > 300
    assert wordless <= IN_OTHER_WORDS


@pytest.mark.parametrize("tag", OTHERS)
def test_every_check_has_a_title_and_a_cure(tag: str) -> None:
    with speaking(tag):
        for code, rule in CHECKS.items():
            assert retell(rule.title) != rule.title, code
            assert retell(rule.cure) != rule.cure or not rule.cure, code
