from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset.raw import RawDataset
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.features.telling import CLIP_SECONDS, choose_clips
from singwiz.core.reporting import Reporter

RATE = 16000


def sing(folder: Path, name: str, notes: list[tuple[float, float]], *, level: float = 0.3) -> str:
    """Write a recording of ``(Hz, seconds)`` tones, silence where Hz is 0; gives its row."""
    f0 = np.concatenate([np.full(round(length * RATE), hertz) for hertz, length in notes])
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    sound = level * sum(np.sin(k * phase) / k for k in range(1, 6)) / 2 * (f0 > 0)
    noise = 1e-3 * np.random.default_rng(len(name)).standard_normal(len(f0))
    (folder / "wavs").mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "wavs" / f"{name}.wav", sound + noise, RATE)
    symbols = " ".join("a" if hertz else "SP" for hertz, _ in notes)
    return f"{name},{symbols},{' '.join(str(length) for _, length in notes)}"


@pytest.fixture
def dataset(tmp_path: Path) -> RawDataset:
    folder = tmp_path / "raw"
    rise = [(220.0 * 2 ** (k / 12), 0.1) for k in range(12)]
    rows = [
        sing(folder, "usual", [(250, 1), (0, 0.5), (260, 1)]),
        sing(folder, "high", [(300, 1), (0, 0.5), (700, 1)]),
        sing(folder, "low", [(110, 1), (0, 0.5), (250, 1)]),
        sing(folder, "soft", [(250, 2)], level=0.03),
        sing(folder, "lively", [*rise, *rise[::-1]]),
        sing(folder, "long", [(250, 1), (0, 10), (250, 4)]),
        sing(folder, "silent", [(0, 2)]),
    ]
    (folder / "transcriptions.csv").write_text(
        "\n".join(["name,ph_seq,ph_dur", *rows]) + "\n", encoding="utf-8"
    )
    return RawDataset.open(folder, name="aoi", speaker="aoi", language="ja")


def test_each_clip_is_picked_for_what_it_shows(dataset: RawDataset) -> None:
    choice = choose_clips([dataset], 5)
    assert [(clip.why, clip.item.name) for clip in choice.clips] == [
        ("highest", "high"),
        ("lowest", "low"),
        ("softest", "soft"),
        ("liveliest", "lively"),
        ("longest", "long"),
    ]
    assert choice.noise is not None
    assert choice.noise == pytest.approx(-60, abs=3)
    assert choice.seconds == pytest.approx(28.9)


def test_a_clip_of_a_long_recording_lies_around_its_moment(dataset: RawDataset) -> None:
    (clip,) = [clip for clip in choose_clips([dataset], 5).clips if clip.why == "longest"]
    assert clip.end - clip.start == pytest.approx(CLIP_SECONDS)
    assert clip.start <= 13.0 <= clip.end <= 15.01


def test_few_clips_are_the_most_important_ones(dataset: RawDataset) -> None:
    assert [clip.why for clip in choose_clips([dataset], 2).clips] == ["highest", "lowest"]


def test_more_clips_than_reasons_take_turns_and_end_with_the_recordings(
    dataset: RawDataset,
) -> None:
    names = [clip.item.name for clip in choose_clips([dataset], 99).clips]
    assert sorted(names) == ["high", "lively", "long", "low", "soft", "usual"]


def test_what_was_heard_is_remembered(
    dataset: RawDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = choose_clips([dataset], 3, memory=tmp_path / "cache")

    def deaf(path: Path) -> None:
        raise AssertionError(f"{path} was heard again")

    monkeypatch.setattr("singwiz.core.features.telling.listen", deaf)
    again = choose_clips([dataset], 3, memory=tmp_path / "cache")
    assert [clip.item.name for clip in again.clips] == [clip.item.name for clip in first.clips]


def test_recordings_without_singing_are_an_error_with_advice(dataset: RawDataset) -> None:
    dataset.items = [item for item in dataset.items if item.name == "silent"]
    with pytest.raises(SingwizError) as caught:
        choose_clips([dataset], 3)
    assert caught.value.code == "nothing-sung"


def test_choosing_can_be_stopped(dataset: RawDataset) -> None:
    class Impatient(Reporter):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        choose_clips([dataset], 3, reporter=Impatient())
