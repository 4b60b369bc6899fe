"""Which language is spoken, and how sentences of core are said again in it."""

from __future__ import annotations

import importlib
import json
import threading
from pathlib import Path

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.words import (
    again,
    choose,
    join,
    language,
    matching,
    retell,
    save,
    say,
    speaking,
)

CHOICE = importlib.import_module("singwiz.core.words.languages")


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nobody has chosen; gives back the file that remembers a choice."""
    settings = tmp_path / "settings.json"
    for name in ("SINGWIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(CHOICE, "_settings", lambda: settings)
    for cached in (CHOICE._saved, CHOICE._of_the_system):
        cached.cache_clear()
        monkeypatch.setattr(CHOICE, cached.__name__, cached.__wrapped__)
    return settings


def test_wishes_of_systems_and_browsers_find_their_language() -> None:
    assert [matching(wish) for wish in ("zh_CN.UTF-8", "ja-JP", "EN", "ja", "C", "", "tlh")] == [
        "zh",
        "ja",
        "en",
        "ja",
        None,
        None,
        None,
    ]


def test_option_goes_before_environment_before_saved_before_system(
    nothing_chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language() == "zh"
    nothing_chosen.write_text(json.dumps({"language": "ja"}), encoding="utf-8")
    assert language() == "ja"
    monkeypatch.setenv("SINGWIZ_LANG", "en")
    assert language() == "en"
    choose("zh")
    assert language() == "zh"
    with speaking("ja"):
        assert language() == "ja"
    assert language() == "zh"


@pytest.mark.parametrize("content", ["", "[]", '{"language": 3}', '{"language": "tlh"}', "\x00"])
def test_damaged_settings_are_passed_over(nothing_chosen: Path, content: str) -> None:
    nothing_chosen.write_text(content, encoding="utf-8")
    assert language() == "en"


def test_a_saved_choice_counts_the_next_time(nothing_chosen: Path) -> None:
    save("ja")
    CHOICE._chosen.clear()
    assert language() == "ja"


def test_a_language_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(SingwizError) as error:
        choose("tlh")
    assert error.value.code == "language-not-spoken"
    assert "ja" in error.value.hint


def test_visitors_of_one_server_are_spoken_to_in_their_own_languages() -> None:
    heard: dict[str, str] = {}
    together = threading.Barrier(3)

    def visit(tag: str) -> None:
        with speaking(tag):
            together.wait(10)
            heard[tag] = say("face.language")

    visitors = [threading.Thread(target=visit, args=(tag,)) for tag in ("en", "zh", "ja")]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert heard == {"en": "Language", "zh": "语言", "ja": "言語"}


def test_a_sentence_is_said_again_with_what_filled_its_gaps() -> None:
    text = "The folder '/my songs' does not exist."
    assert retell(text) == text
    with speaking("zh"):
        assert retell(text) == "文件夹“/my songs”不存在。"
    with speaking("ja"):
        assert retell(text) == "フォルダ「/my songs」がありません。"


def test_phrases_within_phrases_are_said_again_too() -> None:
    with speaking("zh"):
        assert retell("The labels of 'x' are 0.12 s early.") == "“x”的标注偏早 0.12 秒。"
        assert retell("'a' begins with 2.0 s of silence.") == "“a”以 2.0 秒静音开头。"
    with speaking("ja"):
        edges = "'a' begins with 'x' and ends with 'y' instead of silence (SP) or a breath (AP)."
        assert retell(edges) == (
            "「a」の端が無音（SP）やブレス（AP）ではありません：始まりが 'x'、終わりが 'y'。"
        )


def test_several_sentences_and_their_place_are_said_again() -> None:
    with speaking("ja"):
        told = retell("error: There is no folder '/x/y'. Check the path.")
        assert told == "エラー：フォルダ「/x/y」がありません。パスを確認してください。"
        assert retell("a.csv:12, item 'b', at 1.20 s") == "a.csv:12、「b」、1.20 秒"


def test_names_are_nobodys_sentences() -> None:
    with speaking("zh"):
        assert retell("There already is an item 'silence'.") == "已有条目“silence”。"


def test_what_nobody_translated_stays_as_it_is() -> None:
    foreign = "The house is from the street to the sea, and 3 of 4 like it."
    with speaking("ja"):
        assert retell(foreign) == foreign
        assert retell("") == ""
        assert retell("x" * 100_000) == "x" * 100_000


def test_a_sentence_with_a_key_is_said_again_in_another_language() -> None:
    with speaking("zh"):
        said = say("face.so-far", clock="1:05")
    assert said == "已用 1:05"
    with speaking("ja"):
        assert again(said) == "経過 1:05"


def test_sentences_without_blanks_between_them_where_the_script_has_none() -> None:
    assert join("One.", "", "Two.") == "One. Two."
    assert join("一。", "二。") == "一。二。"


def test_texts_that_look_like_many_sentences_at_once_take_no_time() -> None:
    hostile = "The labels of '" + "' end s before the end of " * 150 + "the recording."
    with speaking("zh"):
        assert isinstance(retell(hostile), str)
