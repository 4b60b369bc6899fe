"""Singer: loading experiment folders, good and hostile, and singing with them."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.dataset.ds import write_ds
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.plots.sound import save_spectrogram
from singwiz.core.reporting import Reporter
from singwiz.core.synthesis.singer import Singer

from .conftest import make_experiment, segment


class Listener(Reporter):
    def __init__(self, stop: bool = False) -> None:
        self.warnings: list[str] = []
        self.done: list[float] = []
        self.stop = stop

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings.append(code)

    def progress(self, done: float, total: float, label: str = "") -> None:
        self.done.append(done / total)

    def cancelled(self) -> bool:
        return self.stop


def test_a_song_becomes_a_wav_and_a_picture(experiment: Path, tmp_path: Path):
    write_ds(tmp_path / "song.ds", [segment(), segment(offset=1.5)])
    listener = Listener()
    rendering = Singer.load(experiment, device="cpu").sing(
        tmp_path / "song.ds", seed=1, reporter=listener
    )

    assert rendering.is_preview
    assert rendering.audio.dtype == np.float32
    assert len(rendering.audio) == round(1.5 * 44100) + 87 * 512
    assert rendering.mel.shape == (len(rendering.audio) // 512, 128)
    assert len(rendering.f0) == len(rendering.mel)
    assert set(rendering.timings) == {"prepare", "variance", "model", "vocoder", "total"}
    assert rendering.rtf > 0
    assert listener.done[-1] == 1.0
    assert [p[2] for p in rendering.phonemes] == ["SP", "s", "a", "SP"] * 2
    assert rendering.phonemes[4][0] == 1.5
    wav = rendering.save_wav(tmp_path / "out", title="my/song")
    assert wav == tmp_path / "out" / "my_song.wav"
    assert soundfile.info(wav).subtype == "PCM_16"
    picture = save_spectrogram(
        tmp_path / "song.png",
        rendering.audio,
        rendering.sample_rate,
        f0=rendering.f0,
        phonemes=rendering.phonemes,
    )
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_seed_repeats_and_no_seed_varies(experiment: Path):
    singer = Singer.load(experiment, device="cpu")
    first, second = (singer.sing(segment(), seed=7).mel for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, singer.sing(segment(), seed=8).mel)
    assert np.array_equal(singer.sing(segment(seed=7), seed=8).mel, first)
    assert not np.array_equal(singer.sing(segment()).mel, singer.sing(segment()).mel)
    both = singer.sing([segment(), segment(offset=2)], seed=7)
    assert np.array_equal(both.segments[0].mel, both.segments[1].mel)


def test_steps_and_depth_reach_the_sampler(experiment: Path):
    singer = Singer.load(experiment, device="cpu")
    plain = singer.sing(segment(), seed=1).mel
    assert not np.array_equal(plain, singer.sing(segment(), seed=1, steps=5).mel)
    sketch = singer.sing(segment(), seed=1, depth=0.0).mel
    assert np.array_equal(sketch, singer.sing(segment(), seed=2, depth=0.0).mel)
    with pytest.raises(SingwizError) as caught:
        singer.sing(segment(), depth=0.9)
    assert "0.6" in caught.value.hint
    with pytest.raises(SingwizError, match="at least one step"):
        singer.sing(segment(), steps=0)


def test_speakers_languages_and_key_shift_reach_the_model(tmp_path: Path):
    folder = make_experiment(
        tmp_path / "multi",
        languages=("ja", "zh"),
        use_spk_id=True,
        num_spk=2,
        use_lang_id=True,
        use_key_shift_embed=True,
        use_speed_embed=True,
        use_energy_embed=True,
    )
    singer = Singer.load(folder, device="cpu")
    song = segment(lang="zh", energy="-20 -20", energy_timestep="1")
    anna = singer.sing(song, speaker="anna", seed=1).mel
    ben = singer.sing(song, speaker="ben", seed=1).mel
    mixed = singer.sing(song, speaker="anna|ben", seed=1).mel
    assert not np.array_equal(anna, ben)
    assert not np.array_equal(anna, mixed)
    assert not np.array_equal(anna, singer.sing(song, speaker="anna", seed=1, gender=0.5).mel)


def test_an_option_the_model_cannot_follow_is_said(experiment: Path):
    listener = Listener()
    singer = Singer.load(experiment, device="cpu", reporter=listener)
    singer.sing(segment(), gender=0.5, seed=1, reporter=listener)
    assert listener.warnings == ["gender-ignored"]
    with pytest.raises(SingwizError, match="outside of -1 to 1"):
        singer.sing(segment(), gender=3)


def test_a_configured_vocoder_that_is_missing_is_named(tmp_path: Path):
    listener = Listener()
    folder = make_experiment(tmp_path / "voice", vocoder_ckpt="/not/there.ckpt")
    assert Singer.load(folder, device="cpu", reporter=listener).vocoder.is_preview
    assert listener.warnings == ["vocoder-missing"]


def test_a_configured_vocoder_that_is_damaged_is_an_error(tmp_path: Path):
    weights = tmp_path / "model.ckpt"
    weights.write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SingwizError, match="damaged"):
        Singer.load(make_experiment(tmp_path / "voice", vocoder_ckpt=str(weights)), device="cpu")


def test_the_user_can_stop(experiment: Path):
    with pytest.raises(Cancelled):
        Singer.load(experiment, device="cpu").sing(segment(), reporter=Listener(stop=True))


def test_dictionaries_serve_where_phonemes_json_is_absent(experiment: Path):
    expected = Singer.load(experiment, device="cpu").experiment.phonemes.ids
    (experiment / "phonemes.json").unlink()
    assert Singer.load(experiment, device="cpu").experiment.phonemes.ids == expected
    (experiment / "dictionary-demo.txt").rename(experiment / "dictionary.txt")
    assert Singer.load(experiment, device="cpu").experiment.phonemes.ids == expected
    (experiment / "dictionary.txt").unlink()
    with pytest.raises(SingwizError) as caught:
        Singer.load(experiment, device="cpu")
    assert caught.value.code == "experiment-no-dictionary"


def _evil(path: Path) -> None:
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {path.parent / 'owned'}",)

    path.write_bytes(pickle.dumps({"state_dict": Evil(), "category": "acoustic"}, protocol=2))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda d: (d / "config.yaml").unlink(), "experiment-no-config"),
        (lambda d: (d / "model_ckpt_steps_10.ckpt").unlink(), "checkpoint-missing"),
        (lambda d: (d / "phonemes.json").write_text("[1, 2"), "experiment-file-damaged"),
        (lambda d: (d / "phonemes.json").write_text('{"a": -1}'), "experiment-file-damaged"),
        (lambda d: (d / "phonemes.json").write_text('{"a": true}'), "experiment-file-damaged"),
        (lambda d: (d / "phonemes.json").write_text("[" * 9**6), "experiment-file-damaged"),
        (lambda d: (d / "spk_map.json").write_text("{}"), "experiment-file-damaged"),
        (lambda d: (d / "lang_map.json").write_bytes(b"\xff\xfe\x00"), "experiment-file-damaged"),
        (lambda d: (d / "phonemes.json").write_text('{"a": 1}'), "checkpoint-does-not-fit"),
        (lambda d: (d / "model_ckpt_steps_10.ckpt").write_bytes(b"x" * 99), None),
        (lambda d: _evil(d / "model_ckpt_steps_10.ckpt"), None),
    ],
)
def test_broken_folders_give_coded_errors(experiment: Path, damage, code: str | None):
    damage(experiment)
    with pytest.raises(SingwizError) as caught:
        Singer.load(experiment, device="cpu")
    assert code is None or caught.value.code == code
    assert caught.value.hint
    assert not (experiment / "owned").exists()


def test_wrong_folders_steps_and_devices_are_named(experiment: Path, tmp_path: Path):
    for call, code in (
        (lambda: Singer.load(tmp_path / "none"), "experiment-missing"),
        (lambda: Singer.load(experiment, steps=5), "checkpoint-missing"),
        (lambda: Singer.load(experiment, device="warp"), "device-unavailable"),
        (lambda: Singer.load(experiment, device="cpu").sing([]), "ds-empty"),
    ):
        with pytest.raises(SingwizError) as caught:
            call()
        assert caught.value.code == code


def test_speakers_must_fit_the_config(tmp_path: Path):
    folder = make_experiment(tmp_path / "exp", use_spk_id=True, num_spk=2)
    (folder / "spk_map.json").write_text(json.dumps({"anna": 0, "ben": 5}))
    with pytest.raises(SingwizError, match="singers"):
        Singer.load(folder, device="cpu")


def test_a_diverged_model_is_named(experiment: Path):
    import torch

    singer = Singer.load(experiment, device="cpu")
    with torch.no_grad():
        next(singer.model.diffusion.parameters()).fill_(float("nan"))
    with pytest.raises(SingwizError) as caught:
        singer.sing(segment(), seed=1)
    assert caught.value.code == "model-diverged"


def test_log10_models_are_scaled_to_natural_log(tmp_path: Path):
    natural = Singer.load(make_experiment(tmp_path / "e"), device="cpu").sing(segment(), seed=1)
    config = tmp_path / "e" / "config.yaml"
    text = config.read_text().replace("mel_base: 'e'", "mel_base: '10'")
    config.write_text(text.replace("mel_base: e\n", "mel_base: '10'\n"))
    scaled = Singer.load(tmp_path / "e", device="cpu").sing(segment(), seed=1)
    assert np.allclose(scaled.mel, natural.mel * 2.30259, atol=1e-4)
