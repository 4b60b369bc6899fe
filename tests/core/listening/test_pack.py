"""The page for friends, and what comes back from it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from singwiz.core.errors import SingwizError
from singwiz.core.listening.design import fixed_trials
from singwiz.core.listening.pack import FORMAT, read_result, write_pack
from singwiz.core.listening.store import ANSWERS, ListeningTest
from singwiz.core.listening.verdict import judge
from singwiz.core.words import speaking

from .conftest import make, prefers


@pytest.fixture
def test(tmp_path: Path) -> ListeningTest:
    return make(tmp_path / "listening", "ab", "EarlyCheckpoint", "LateCheckpoint")


def result_of(test: ListeningTest, *, order: int = 0, **changes: Any) -> dict[str, Any]:
    """What the page of a careful friend saves."""
    careful = prefers(test, "LateCheckpoint")
    return {
        "format": FORMAT,
        "schema": 1,
        "test": test.plan.id,
        "digest": test.plan.digest,
        "session": "0123456789abcdef",
        "order": order,
        "listener": "Friend",
        "started": "2026-01-01T00:00:00Z",
        "answers": [
            {"sounds": list(trial.tokens), "answer": careful(trial), "seconds": 3.5}
            for trial in fixed_trials(test.plan, order)
        ],
        **changes,
    }


@pytest.mark.parametrize("tag", ["zh", "ja"])
def test_the_page_speaks_the_language_of_whoever_makes_it(tmp_path: Path, tag: str) -> None:
    for kind in ("ab", "abx", "mushra", "tag"):
        test = make(tmp_path / kind, kind, "EarlyCheckpoint", "LateCheckpoint", trials=8, clips=8)
        with speaking(tag):
            page = write_pack(test, tmp_path / "page.html").read_text(encoding="utf-8")
        assert f'<html lang="{tag}">' in page
        content = re.search(r'id="test">(.*?)</script>', page, re.DOTALL)
        assert content is not None
        words = json.loads(content[1])["words"]
        tags = words.pop("tags")
        said = [*words.pop("grades"), *tags.values(), *words.values()]
        said += re.findall(r">([^<>]+)</", page[page.index("<body>") : page.index("<script")])
        english = {
            text for text in said if re.search(r"[A-Za-z]{2,}", text.replace("{letter}", ""))
        }
        assert not english


@pytest.mark.parametrize("kind", ["ab", "mushra"])
def test_nothing_in_the_page_reveals_a_condition(tmp_path: Path, kind: Any) -> None:
    test = make(tmp_path, kind, "EarlyCheckpoint", "LateCheckpoint", trials=6, clips=6)
    page = write_pack(test, tmp_path / "page.html").read_text()
    for secret in (
        "Checkpoint",
        "spoiled",
        "broken",
        "anchor",
        "candidate",
        '"c1"',
        "song1",
    ):
        assert secret not in re.sub(r"[0-9A-Za-z+/=]{200,}", "", page), secret
    asked = json.loads(re.findall(r'id="test">(.*?)</script>', page)[0])
    keys = {key for order in asked["orders"] for one in order["questions"] for key in one}
    assert keys == {"letters", "rated", "sounds"}
    sounds = dict(re.findall(r'id="s-([0-9a-f]{16})">([^<]+)<', page))
    assert set(sounds) == {
        token for o in range(8) for t in fixed_trials(test.plan, o) for token in t.tokens
    }
    assert list(sounds) == sorted(sounds), "the order of the file says nothing"
    assert len(set(sounds.values())) == len(sounds)


def test_the_page_is_one_file_that_asks_nobody(test: ListeningTest, tmp_path: Path) -> None:
    page = write_pack(test, tmp_path / "page.html").read_text()
    assert not re.findall(r"(?:src|href)\s*=|https?://|import\s", page.replace("xmlns", ""))
    assert "default-src 'none'" in page
    token, text = re.findall(r'id="s-([0-9a-f]{16})">([^<]+)<', page)[0]
    (tmp_path / "back.flac").write_bytes(base64.b64decode(text))
    here, rate = soundfile.read(test.sound(token), dtype="int16")
    there, there_rate = soundfile.read(tmp_path / "back.flac", dtype="int16")
    assert rate == there_rate and (here == there).all()


def test_a_result_is_merged_once(test: ListeningTest, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(result_of(test, order=3)))
    (session,) = test.merge([read_result(file)])
    assert session.listener == "Friend" and judge(test).winner == "LateCheckpoint"
    renamed = result_of(test, order=3, session="f" * 16, listener="Somebody else")
    for again in (read_result(file), renamed):
        with pytest.raises(SingwizError) as caught:
            test.merge([again])
        assert caught.value.code == "listening-result-duplicate"
    assert len(test.sessions()) == 1


def swapped(result: dict[str, Any]) -> None:
    result["answers"][0]["sounds"].reverse()


def shortened(result: dict[str, Any]) -> None:
    result["answers"].pop()


def reordered(result: dict[str, Any]) -> None:
    result["order"] = 4


def nonsense(result: dict[str, Any]) -> None:
    result["answers"][2]["answer"] = {"choice": ["A"]}


def traversing(result: dict[str, Any]) -> None:
    result["session"] = "../../../../tmp/x"


def boolean(result: dict[str, Any]) -> None:
    result["order"] = True


def listless(result: dict[str, Any]) -> None:
    result["answers"] = {"0": "A"}


def nested(result: dict[str, Any]) -> None:
    result["answers"][0] = "A"


HOSTILE = [swapped, shortened, reordered, nonsense, traversing, boolean, listless, nested]


@pytest.mark.parametrize("spoil", HOSTILE, ids=lambda one: one.__name__)
def test_a_spoiled_result_is_refused_as_a_whole(
    pair: ListeningTest, spoil: Callable[[dict[str, Any]], None]
) -> None:
    good = _plain_result(pair)
    spoilt = json.loads(json.dumps(good)) | {"session": "a" * 16}
    spoil(spoilt)
    with pytest.raises(SingwizError) as caught:
        pair.merge([good, spoilt])
    assert caught.value.code == "listening-result-invalid"
    assert not (pair.folder / ANSWERS).exists(), "not even the good one of them"


def _plain_result(test: ListeningTest) -> dict[str, Any]:
    trials = fixed_trials(test.plan, 0)
    answers = [{"sounds": list(one.tokens), "answer": {"choice": "A"}} for one in trials]
    return {
        "schema": 1, "test": test.plan.id, "digest": test.plan.digest, "session": "b" * 16,
        "order": 0, "listener": "", "answers": answers,
    }  # fmt: skip


@pytest.mark.parametrize("key", ["test", "digest"])
def test_a_result_of_another_test_is_refused(pair: ListeningTest, key: str) -> None:
    with pytest.raises(SingwizError) as caught:
        pair.merge([_plain_result(pair) | {key: "0" * 64}])
    assert caught.value.code == "listening-result-foreign"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"format": "other"}', b"[" * 100000, b" " * (2**20 + 1)]
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(SingwizError) as caught:
        read_result(tmp_path / "x.json")
    assert caught.value.code == "listening-result-invalid"


def test_names_from_friends_stay_short_lines(test: ListeningTest) -> None:
    (session,) = test.merge([result_of(test, listener="A\x1b[31m\n\n" + "b" * 500)])
    assert session.listener.startswith("A [31m b") and len(session.listener) == 60
