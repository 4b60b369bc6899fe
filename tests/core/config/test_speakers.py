"""Speaker numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from singwiz.core.config import assign_speaker_ids


@dataclass
class Entry:
    speaker: str
    spk_id: int | None = None


@pytest.mark.parametrize(
    ("entries", "ids"),
    [
        ([Entry("a"), Entry("b", 0), Entry("c"), Entry("d", 3)], [1, 0, 2, 3]),
        ([Entry("a"), Entry("a"), Entry("b")], [0, 0, 1]),
        ([Entry("b"), Entry("a"), Entry("a", 0)], [1, 0, 0]),
        ([Entry(""), Entry("")], [0, 1]),
        ([Entry("a", 5), Entry("a", 2)], [5, 2]),
        ([], []),
    ],
)
def test_numbers_are_given_in_order_around_explicit_ones(
    entries: list[Entry], ids: list[int]
) -> None:
    assert assign_speaker_ids(entries) == ids
