"""Pictures: legible, the same for every script, and no crash for what is empty or odd."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from singwiz.core.dataset.raw import RawDataset
from singwiz.core.errors import SingwizError
from singwiz.core.plots import cut_item, draw_phoneme_counts, plot_item, plot_profile
from singwiz.core.plots.paper import file_stem, fonts_for
from singwiz.core.plots.profile import DatasetProfile, Profile, dataset_profile
from singwiz.core.plots.sound import save_spectrogram

from .conftest import PHONEME, RATE, KnownPitch, open_dataset, sing


def pixels(path: Path) -> np.ndarray:
    """``[height, width, 3]``."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def share(picture: np.ndarray, colour: str, *, off: int = 12) -> float:
    """How much of a picture has a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(picture - wanted).max(axis=2) <= off).mean())


def test_a_profile_becomes_four_charts_per_dataset(dataset: RawDataset, tmp_path: Path) -> None:
    profile = dataset_profile([dataset], tracker=KnownPitch())
    charts = plot_profile(profile, tmp_path / "charts")
    assert [path.name for path in charts] == [
        "aoi-phonemes.png",
        "aoi-pitch.png",
        "aoi-recordings.png",
        "aoi-coverage.png",
    ]
    for path in charts:
        assert share(pixels(path), "#ffffff") > 0.2, "light paper"


def test_gaps_in_the_coverage_are_red(dataset: RawDataset, tmp_path: Path) -> None:
    profile = dataset_profile([dataset], tracker=KnownPitch())
    coverage = plot_profile(profile, tmp_path)[-1]
    assert share(pixels(coverage), "#fbe3e1") > 0.1


def test_rare_phonemes_stand_out(tmp_path: Path) -> None:
    often = draw_phoneme_counts({"a": 500, "k": 300}, tmp_path / "often.png")
    assert share(pixels(often), "#c53030") == 0
    rare = draw_phoneme_counts({"a": 19, "k": 18}, tmp_path / "rare.png")
    assert share(pixels(rare), "#c53030") > 0.1


@pytest.mark.parametrize("counts", [{}, {"a": 1}, {f"zh/{n}": n for n in range(400)}], ids=len)
def test_any_number_of_phonemes_can_be_drawn(counts: dict[str, int], tmp_path: Path) -> None:
    assert pixels(draw_phoneme_counts(counts, tmp_path / "x.png")).size


def test_a_dataset_without_a_sound_has_fewer_charts(tmp_path: Path) -> None:
    empty = Profile("empty", "e", "ja", (), ("broken",), {}, {}, None, None, None)
    assert plot_profile(DatasetProfile("none", (empty,)), tmp_path) == []


def test_names_in_any_script_are_written_without_a_word_of_complaint(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    dataset = open_dataset(folder, [sing(folder, "春の歌 $x_1$", "SP あ 가 あ", 220.0)], "撒娇八连")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile = dataset_profile([dataset], tracker=KnownPitch())
        charts = plot_profile(profile, tmp_path)
        picture = plot_item(dataset.items[0], tmp_path, tracker=KnownPitch())
    assert charts[0].name == "撒娇八连-phonemes.png"
    assert picture.name == "春の歌 $x_1$.png"


def test_fonts_are_added_only_where_they_are_needed() -> None:
    assert fonts_for(["Pitch of aoi", "ʃ", "é", "–"]) == ("DejaVu Sans",)
    assert fonts_for(["歌"])[0] == "DejaVu Sans"


def test_a_recording_is_drawn_with_its_pitch_and_labels(
    dataset: RawDataset, tmp_path: Path
) -> None:
    item = dataset.items[0]
    picture = plot_item(item, tmp_path, tracker=KnownPitch())
    assert picture.name == "low.png"
    drawn = pixels(picture)
    assert share(drawn, "#dd2c6b", off=30) > 0.0005, "the line of the pitch"
    assert share(drawn, "#d6e6f5") > 0.005, "the bands of the labels"
    part = plot_item(item, tmp_path, start=0.2, end=0.6, tracker=KnownPitch())
    assert part.name == "low-0.20-0.60.png"


def test_a_cut_has_the_length_asked_for_and_does_not_click(
    dataset: RawDataset, tmp_path: Path
) -> None:
    item = dataset.items[0]
    start = 2 * PHONEME + 0.05  # in the middle of a vowel
    wav = cut_item(item, start, start + 0.1, tmp_path / "cut.wav")
    samples, rate = soundfile.read(wav)
    assert rate == RATE
    assert len(samples) == round(0.1 * RATE)
    assert abs(samples[0]) < 0.01
    assert abs(samples[-1]) < 0.01
    assert np.abs(samples).max() > 0.3
    beyond, _ = soundfile.read(cut_item(item, 1.0, 99.0, tmp_path / "rest.wav"))
    assert len(beyond) == round((6 * PHONEME - 1.0) * RATE)


@pytest.mark.parametrize(("start", "end"), [(5.0, 6.0), (0.5, 0.5), (0.8, 0.2), (9.0, None)])
def test_a_range_without_sound_is_said(
    dataset: RawDataset, tmp_path: Path, start: float, end: float | None
) -> None:
    with pytest.raises(SingwizError) as caught:
        plot_item(dataset.items[0], tmp_path, start=start, end=end, tracker=KnownPitch())
    assert caught.value.code == "range-empty"
    assert "1.20 s" in caught.value.message


def test_silence_is_white_and_nothing_is_too_short(tmp_path: Path) -> None:
    silence = np.zeros(RATE, np.float32)
    drawn = pixels(save_spectrogram(tmp_path / "silent.png", silence, RATE))
    assert share(drawn, "#ffffff") > 0.9
    for length in (0, 1, 3):
        save_spectrogram(tmp_path / "short.png", silence[:length], RATE, f0=silence[:0])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SingwizError) as caught:
        draw_phoneme_counts({"a": 1}, tmp_path / "file" / "x.png")
    assert caught.value.code == "picture-not-written"


def test_file_names_work_everywhere() -> None:
    assert file_stem('a/b\\c:"d"') == "a_b_c__d_"
    assert file_stem("..") == "unnamed"
    assert len(file_stem("歌" * 300).encode()) <= 120


def test_matplotlib_is_loaded_by_the_first_picture_and_leaves_no_state() -> None:
    code = (
        "import sys, singwiz.core.plots.charts, singwiz.core.plots.item\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import tempfile, pathlib\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "singwiz.core.plots.charts.draw_phoneme_counts({'a': 1}, folder / 'x.png')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
