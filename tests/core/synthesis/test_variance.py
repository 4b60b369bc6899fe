"""Variance models completing songs, alone, in a chain, and in front of an acoustic model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from singwiz.core.dataset.ds import numbers, read_ds
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.regulators import fit_to_words
from singwiz.core.synthesis.completion import complete_song, open_segments
from singwiz.core.synthesis.problems import SongProblems
from singwiz.core.synthesis.retakes import Retake
from singwiz.core.synthesis.singer import Singer
from singwiz.core.synthesis.variance import VariancePredictor

from .conftest import make_experiment, make_variance_experiment, score
from .test_singer import Listener

DT = 512 / 44100


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("voices")
    return {
        "full": make_variance_experiment(base / "full", "dur", "pitch", "breathiness", "tension"),
        "dur": make_variance_experiment(base / "dur", "dur"),
        "curves": make_variance_experiment(base / "curves", "pitch", "breathiness", "tension"),
        "acoustic": make_experiment(base / "acoustic", use_breathiness_embed=True),
    }


@pytest.fixture(scope="module")
def full(folders: dict[str, Path]) -> VariancePredictor:
    return VariancePredictor.load(folders["full"], device="cpu")


@pytest.fixture(scope="module")
def chain(folders: dict[str, Path]) -> list[VariancePredictor]:
    return [VariancePredictor.load(folders[name], device="cpu") for name in ("dur", "curves")]


def test_a_completed_song_holds_what_the_model_gives(full: VariancePredictor):
    done = full.complete(score(), seed=3).segments[0]
    inputs = full.reader.read(score(), 1, load_dur=False, load_pitch=False)

    def batch(values):
        return torch.as_tensor(np.asarray(values))[None]

    with torch.inference_mode():
        output = full.model(
            batch(inputs.tokens),
            ph2word=batch(inputs.ph2word),
            midi=batch(inputs.midi),
            word_dur=batch(inputs.word_dur),
            base_pitch=batch(inputs.base_pitch),
            note_midi=batch(inputs.note_midi),
            note_rest=batch(inputs.note_rest),
            note_dur=batch(inputs.note_dur),
            mel2note=batch(inputs.mel2note),
            infer=True,
            random=RandomSource(torch.Generator().manual_seed(3)),
        )
        frames = fit_to_words(output.dur_pred, batch(inputs.ph2word), batch(inputs.word_dur))
    assert np.allclose(done["ph_dur"], frames[0].numpy() * DT)
    midi = inputs.base_pitch + output.pitch_pred[0].numpy()
    assert np.allclose(done["f0_seq"], 440 * 2 ** ((midi - 69) / 12), rtol=1e-5)
    assert np.allclose(done["breathiness"], output.variances_pred["breathiness"][0], atol=1e-5)
    assert done["f0_timestep"] == done["tension_timestep"] == str(DT)


def test_a_saved_song_is_rounded_and_keeps_what_it_had(full: VariancePredictor, tmp_path: Path):
    song = full.complete([score(text="好"), score(offset=3)], seed=3)
    path = song.save(tmp_path / "song.ds")
    saved = read_ds(path)
    assert "好" in path.read_text(encoding="utf-8")
    assert list(saved[0])[: len(score())] == list(score())
    assert saved[0]["my_editor"] == {"kept": True}
    assert all(len(x.split(".")[1]) == 6 for x in saved[0]["ph_dur"].split())
    assert all(len(x.split(".")[1]) == 1 for x in saved[0]["f0_seq"].split())
    assert all(len(x.split(".")[1]) == 4 for x in saved[0]["tension"].split())
    again = full.complete(path)
    assert again.plain() == saved  # nothing was missing any more
    assert again.predicted == (frozenset(), frozenset())


def test_saved_durations_are_read_as_the_frames_they_were(full: VariancePredictor):
    song = full.complete(score(), predict=["dur"], seed=1)
    frames = np.rint(song.segments[0]["ph_dur"] / DT).astype(int).tolist()
    frames_of = full.reader.frames
    assert frames_of(song.plain()[0], "ph_dur", 6).tolist() == frames
    # Six decimals are 2.3e-7 s off each time here, which adds up to a hundredth of a frame.
    many = {"ph_dur": " ".join([f"{10 * DT:.6f}"] * 500)}
    assert frames_of(many, "ph_dur", 500).tolist() == [10] * 500


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [("0.1 0.1 0.1 0.1", [9, 9, 8, 9]), ("0.001 0.001 0.02", [1, 0, 1])],
)
def test_other_durations_follow_diffsingers_rounding(full, seconds: str, frames: list[int]):
    assert full.reader.frames({"ph_dur": seconds}, "ph_dur", len(frames)).tolist() == frames


def test_only_what_is_missing_or_asked_for_changes(full: VariancePredictor):
    given = score(tension=" ".join(["0.5"] * 9), tension_timestep="0.3")
    done = full.complete(given, seed=1)
    assert done.predicted[0] == {"dur", "pitch", "breathiness"}
    assert done.segments[0]["tension"] == given["tension"]
    asked = full.complete(given, predict=["tension"], seed=1)
    assert asked.predicted[0] == {"tension"}
    assert set(asked.segments[0]) == set(given)  # durations and pitch only served on the way
    assert len(asked.segments[0]["tension"]) > 100


def test_seeds_repeat_and_segments_do_not_depend_on_each_other(full: VariancePredictor):
    one = full.complete(score(), seed=5).plain()[0]
    both = full.complete([score(offset=9), score()], seed=5).plain()
    assert both[1] == one
    assert full.complete(score(seed=5), seed=6).plain()[0]["f0_seq"] == one["f0_seq"]
    assert full.complete(score(), seed=6).plain()[0]["f0_seq"] != one["f0_seq"]


def test_steps_expressiveness_key_and_glides_reach_the_model(full: VariancePredictor):
    base = full.complete(score(), seed=5).segments[0]["f0_seq"]
    for options in ({"steps": 7}, {"expr": 0.0}):
        assert not np.array_equal(
            full.complete(score(), seed=5, **options).segments[0]["f0_seq"], base
        )
    curve = score(expr="0 1 0", expr_timestep=0.9)
    assert not np.array_equal(full.complete(curve, seed=5).segments[0]["f0_seq"], base)
    higher = full.complete(score(), seed=5, key=12).segments[0]
    assert higher["note_seq"] == "rest C5 D5 E5 rest"
    assert 1.7 < np.median(higher["f0_seq"]) / np.median(base) < 2.3
    with pytest.raises(SingwizError) as caught:
        full.complete(score(), expr=2)
    assert caught.value.code == "expr-range"
    with pytest.raises(SingwizError, match="at least one step"):
        full.complete(score(), steps=0)


def test_a_retake_changes_only_its_seconds(full: VariancePredictor):
    first = full.complete([score(), score(offset=4)], seed=1)
    parts = [Retake.parse("pitch:1.0-1.5"), Retake.parse("breathiness:1.2-9")]
    again = full.complete(first.plain(), retakes=parts, seed=2)
    assert again.predicted[0] == {"pitch", "breathiness"}
    assert again.predicted[1] == {"breathiness"}
    plain = full.complete(first.plain(), predict=["pitch"], seed=2).segments[0]["f0_seq"]
    times = 0.5 + np.arange(len(plain)) * DT
    inside = (times >= 1.0) & (times < 1.5)
    before, after = numbers(first.plain()[0], "f0_seq"), again.segments[0]["f0_seq"]
    n = len(after) - 1  # the last frame of a resampled curve repeats the one before
    assert np.allclose(after[:n][~inside[:n]], before[:n][~inside[:n]], atol=0.06)
    assert not np.allclose(after[inside], before[inside], atol=0.5)
    assert not np.array_equal(after[inside], plain[inside])  # it hears what surrounds it
    for wrong in ("pitch", "dur:1-2", "pitch:2-1", "pitch:-1-2"):
        with pytest.raises(SingwizError, match=r"predict anew|before"):
            Retake.parse(wrong)


def test_a_chain_predicts_like_two_runs_over_files(chain: list[VariancePredictor]):
    durations, curves = chain
    at_once = complete_song(chain, open_segments(score()), seed=1)
    assert at_once.predicted[0] == {"dur", "pitch", "breathiness", "tension"}
    by_file = curves.complete(durations.complete(score(), seed=1).plain(), seed=1)
    assert np.allclose(at_once.segments[0]["f0_seq"], by_file.segments[0]["f0_seq"], rtol=1e-4)
    only = complete_song(chain, open_segments(score()), predict=["pitch"], seed=1)
    assert np.array_equal(only.segments[0]["f0_seq"], at_once.segments[0]["f0_seq"])
    assert "ph_dur" not in only.segments[0]


def test_speakers_change_what_is_predicted(tmp_path: Path):
    folder = make_variance_experiment(tmp_path / "v", "dur", "pitch", use_spk_id=True, num_spk=2)
    voice = VariancePredictor.load(folder, device="cpu")
    anna = voice.complete(score(), speaker="anna", seed=1).segments[0]
    both = voice.complete(score(), speaker="anna|ben", seed=1).segments[0]
    assert not np.array_equal(anna["f0_seq"], both["f0_seq"])
    assert "spk_mix" not in both
    with pytest.raises(SingwizError) as caught:
        voice.complete(score())
    assert caught.value.code == "speaker-not-chosen"


def test_languages_follow_the_rules_of_acoustic_models(tmp_path: Path):
    folder = make_variance_experiment(
        tmp_path / "v", "dur", languages=("ja", "zh"), use_lang_id=True
    )
    voice = VariancePredictor.load(folder, device="cpu")
    known = score(ph_seq="SP zh/s zh/a zh/n zh/i SP")
    assert voice.complete(known).predicted[0] == {"dur"}
    with pytest.raises(SingwizError) as caught:
        voice.complete(score())
    assert caught.value.code == "language-not-chosen"
    assert voice.complete(score(), language="zh").predicted[0] == {"dur"}


def test_a_song_without_durations_pitch_and_curves_is_sung(folders: dict[str, Path]):
    listener = Listener()
    singer = Singer.load(
        folders["acoustic"], variance=[folders["dur"], folders["curves"]], device="cpu"
    )
    rendering = singer.sing([score(), score(offset=3)], seed=1, reporter=listener)
    segment = rendering.song.segments[0]
    assert rendering.song.count() == {"dur": 2, "pitch": 2, "breathiness": 2}
    assert "tension" not in segment  # this voice does not read it
    assert rendering.segments[0].frames.tolist() == np.rint(segment["ph_dur"] / DT).tolist()
    sung, wanted = rendering.segments[0].f0, segment["f0_seq"]
    n = min(len(sung), len(wanted)) - 1
    assert np.allclose(sung[:n], wanted[:n], rtol=1e-4)
    assert rendering.timings["variance"] > 0
    kept = singer.sing(rendering.song.plain(), seed=1)
    assert kept.song.count() == {}
    assert len(kept.mel) == len(rendering.mel)
    asked = singer.sing(rendering.song.plain(), seed=1, predict=["pitch"])
    assert asked.song.count() == {"pitch": 2}


def test_all_problems_are_listed_before_a_model_runs(folders: dict[str, Path], monkeypatch):
    singer = Singer.load(folders["acoustic"], variance=[folders["full"]], device="cpu")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a model ran")

    monkeypatch.setattr(VariancePredictor, "predict", never)
    song = [
        score(ph_seq="SP s q n i SP"),
        score(),
        score(ph_num="1 1"),
        score(offset=-1),
    ]
    with pytest.raises(SongProblems) as caught:
        singer.sing(song)
    said = [(problem.where, problem.code) for problem in caught.value.problems]
    assert said == [
        ("segment 1", "phoneme-unknown"),
        ("segment 3", "ds-words-do-not-fit"),
        ("segment 4", "ds-offset"),
    ]
    assert caught.value.code == "song-problems"
    assert "segment 3" in caught.value.message


def test_what_no_model_can_predict_is_named(folders: dict[str, Path]):
    alone = Singer.load(folders["acoustic"], device="cpu")
    with pytest.raises(SingwizError) as caught:
        alone.sing(score())
    assert caught.value.code == "ds-key-missing"
    assert "'ph_dur' and 'f0_seq' and 'breathiness'" in caught.value.message
    with pytest.raises(SingwizError) as caught:
        alone.sing(score(), predict=["pitch"])
    assert caught.value.code == "predict-not-trained"
    only_curves = Singer.load(folders["acoustic"], variance=[folders["curves"]], device="cpu")
    with pytest.raises(SingwizError) as caught:
        only_curves.sing(score())
    assert "'ph_dur'" in str(caught.value)


def test_models_that_do_not_fit_together_are_refused(folders: dict[str, Path], tmp_path: Path):
    slow = make_variance_experiment(tmp_path / "slow", "pitch", hop_size=256)
    with pytest.raises(SingwizError) as caught:
        Singer.load(folders["acoustic"], variance=[slow], device="cpu")
    assert caught.value.code == "models-do-not-fit"
    assert "hop_size 512 and 256" in caught.value.message
    rough = make_variance_experiment(tmp_path / "r", "breathiness", breathiness_smooth_width=0.3)
    listener = Listener()
    Singer.load(folders["acoustic"], variance=[rough], device="cpu", reporter=listener)
    assert "models-differ" in listener.warnings
    with pytest.raises(SingwizError) as caught:
        VariancePredictor.load(folders["acoustic"])
    assert caught.value.code == "experiment-kind"
    with pytest.raises(SingwizError) as caught:
        Singer.load(folders["full"], device="cpu")
    assert caught.value.code == "experiment-kind"


def test_a_model_without_numbers_is_named_and_the_user_can_stop(folders: dict[str, Path]):
    voice = VariancePredictor.load(folders["full"], device="cpu")
    with pytest.raises(Cancelled):
        voice.complete(score(), reporter=Listener(stop=True))
    with torch.no_grad():
        next(voice.model.pitch_predictor.parameters()).fill_(float("nan"))
    with pytest.raises(SingwizError) as caught:
        voice.complete([score()], seed=1)
    assert caught.value.code == "model-diverged"
    assert caught.value.where == "segment 1"
