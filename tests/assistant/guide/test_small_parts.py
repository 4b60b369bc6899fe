"""Curves thin enough to travel, dictionaries recognised, languages read from names."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.assistant.guide.shelf import found_beside, language_in_name
from singwiz.assistant.guide.watch import thin_out


def test_long_curves_are_thinned_by_means_and_keep_their_last_point() -> None:
    points = [(float(step), float(step % 2)) for step in range(10_001)]
    thin = thin_out(points, most=100)
    assert len(thin) <= 100
    assert thin[-1] == (10_000.0, 0.0)
    assert all(abs(value - 0.5) < 0.01 for _, value in thin[:-2])
    assert [step for step, _ in thin] == sorted(step for step, _ in thin)
    assert thin_out(points[:50], most=100) == tuple(points[:50])


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("dictionary-ja", "ja"),
        ("dict_demo", "demo"),
        ("my_zh_words", "zh"),
        ("aoi-ja-2024", "ja"),
        ("pjs", ""),
        ("java", ""),
        ("", ""),
    ],
)
def test_a_language_is_read_from_a_name(name: str, language: str) -> None:
    assert language_in_name(name, ["ja", "zh"]) == language


def test_only_files_with_entries_count_as_dictionaries(tmp_path: Path) -> None:
    raw = tmp_path / "aoi" / "raw"
    raw.mkdir(parents=True)
    (raw / "readme.txt").write_text("Recorded in May.\nThanks!\n", encoding="utf-8")
    (raw / "empty.txt").write_bytes(b"")
    (raw / "noise.txt").write_bytes(bytes(range(256)))
    (raw / "mine.txt").write_text("a\ta\nka\tk a\n", encoding="utf-8")
    (raw.parent / "above.txt").write_text("mi\tm i\n", encoding="utf-8")
    assert found_beside([str(raw)]) == [raw / "mine.txt", raw.parent / "above.txt"]
    assert found_beside(["/no/such/folder"]) == []
