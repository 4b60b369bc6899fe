"""Experiments in DiffSinger's flat layout of ONNX files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from singwiz.core.checkpoint import load_state_dict
from singwiz.core.errors import SingwizError
from singwiz.core.export.dsconfig import input_names
from singwiz.core.export.experiment import GraphOptions, export_experiment
from singwiz.core.export.vocoder import export_vocoder
from singwiz.core.export.voices import choose_cast, parse_voice


def test_several_singers_are_exported_with_the_rows_of_their_embeddings(voices, tmp_path):
    made = export_experiment(voices.acoustic, tmp_path)
    assert set(made.files) == {
        "acoustic.onnx",
        "acoustic.phonemes.json",
        "acoustic.languages.json",
        "acoustic.anna.emb",
        "acoustic.ben.emb",
        "dsconfig.yaml",
    }
    rows = load_state_dict(voices.acoustic / "model_ckpt_steps_10.ckpt", "acoustic")
    for number, name in enumerate(("anna", "ben")):
        values = np.frombuffer((tmp_path / f"acoustic.{name}.emb").read_bytes(), "<f4")
        assert np.array_equal(values, rows["fs2.spk_embed.weight"][number].numpy())
    settings = yaml.safe_load((tmp_path / "dsconfig.yaml").read_text())
    assert settings["speakers"] == ["acoustic.anna", "acoustic.ben"]
    assert settings["use_key_shift_embed"] and settings["use_speed_embed"]
    assert settings["augmentation_args"]["random_pitch_shifting"]["range"] == [-5.0, 5.0]
    assert settings["hidden_size"] == 16 and settings["mel_base"] == "e"
    assert 0 < settings["max_depth"] <= 1 and settings["use_variable_depth"]
    assert json.loads((tmp_path / "acoustic.phonemes.json").read_text())["SP"] > 0
    assert all(error < 1e-3 for error in made.errors.values())


def test_what_is_frozen_is_no_input_and_no_promise(voices, tmp_path):
    options = GraphOptions(freeze_speaker="ben", freeze_gender=-0.5, freeze_velocity=True)
    made = export_experiment(voices.acoustic, tmp_path, options=options)
    assert made.graphs["acoustic"].name == "acoustic.ben.onnx"
    hidden = {"gender", "velocity", "spk_embed"}
    assert not hidden & set(input_names(made.graphs["acoustic"]))
    assert "speakers" not in made.dsconfig and "augmentation_args" not in made.dsconfig
    assert not made.dsconfig["use_key_shift_embed"] and not made.dsconfig["use_speed_embed"]
    assert not list(tmp_path.glob("*.emb"))


def test_a_model_without_augmentation_promises_neither_gender_nor_velocity(voices, tmp_path):
    made = export_experiment(voices.plain, tmp_path)
    assert not made.dsconfig["use_key_shift_embed"] and not made.dsconfig["use_speed_embed"]
    assert made.dsconfig["use_lang_id"] is False


def test_languages_are_asked_for_only_where_phonemes_are_shared(voices, tmp_path):
    made = export_experiment(voices.both, tmp_path)
    assert made.dsconfig["use_lang_id"] is True
    assert "languages" in input_names(made.graphs["acoustic"])
    assert json.loads((tmp_path / "both.languages.json").read_text()) == {"ja": 1, "zh": 2}


def test_a_variance_model_becomes_a_set_of_graphs(voices, tmp_path):
    made = export_experiment(voices.variance, tmp_path, kind="variance")
    assert set(made.graphs) == {"linguistic", "dur", "pitch", "variance"}
    settings = made.dsconfig
    assert settings["predict_dur"] and settings["use_expr"] and settings["use_note_rest"]
    assert settings["predict_breathiness"] and not settings["predict_energy"]
    assert settings["pitch"] == "variance.pitch.onnx"
    only = export_experiment(voices.durations, tmp_path / "b", kind="variance")
    assert set(only.graphs) == {"linguistic", "dur"}


def test_mixes_become_voices_of_their_own(voices, tmp_path):
    options = GraphOptions(export_speakers=("duo=anna:0.25|ben:0.75", "anna"))
    made = export_experiment(voices.acoustic, tmp_path, options=options)
    assert made.voices == ("duo", "anna")
    rows = load_state_dict(voices.acoustic / "model_ckpt_steps_10.ckpt", "acoustic")
    table = rows["fs2.spk_embed.weight"].numpy()
    duo = np.frombuffer((tmp_path / "acoustic.duo.emb").read_bytes(), "<f4")
    assert np.allclose(duo, 0.25 * table[0] + 0.75 * table[1], atol=1e-7)


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"export": ["anna"], "freeze": "ben"}, "export-speakers-both"),
        ({"export": ["carl"]}, "speaker-unknown"),
        ({"export": ["anna|ben"]}, "export-speaker"),
        ({"export": ["a b=anna"]}, "export-speaker"),
        ({"export": ["anna", "anna=ben"]}, "export-speakers-twice"),
    ],
)
def test_impossible_casts_are_refused(wishes, code):
    with pytest.raises(SingwizError) as caught:
        choose_cast({"anna": 0, "ben": 1}, **wishes)
    assert caught.value.code == code


def test_singers_that_share_a_number_are_refused():
    with pytest.raises(SingwizError) as caught:
        choose_cast({"anna": 0, "anna2": 0})
    assert caught.value.code == "export-speakers-ambiguous"


def test_one_singer_is_frozen_and_a_name_is_a_mix_of_itself():
    assert choose_cast({"anna": 0}).frozen == parse_voice("anna")
    assert parse_voice("anna").mix == {"anna": 1.0}
    assert choose_cast(None).frozen is None


def test_freezing_what_a_model_lacks_is_refused(voices, tmp_path):
    with pytest.raises(SingwizError) as caught:
        export_experiment(voices.plain, tmp_path, options=GraphOptions(freeze_gender=0.0))
    assert caught.value.code == "export-freeze-nothing"


def test_a_vocoder_is_described_by_its_own_config(voices, tmp_path):
    made = export_vocoder(voices.vocoder, tmp_path / "a", name="mini")
    assert yaml.safe_load((tmp_path / "a" / "vocoder.yaml").read_text()) == {
        "name": "mini",
        "model": "mini.onnx",
        "sample_rate": 44100,
        "hop_size": 512,
        "win_size": 2048,
        "fft_size": 2048,
        "num_mel_bins": 128,
        "mel_fmin": 40,
        "mel_fmax": 16000,
        "mel_base": "e",
        "mel_scale": "slaney",
        "pitch_controllable": True,
        "force_on_cpu": False,
    }
    assert made.errors["mini.onnx: waveform"] < 1e-4
    again = export_vocoder(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "mini.onnx").read_bytes() == (
        tmp_path / "a" / "mini.onnx"
    ).read_bytes()
    assert again.description["model"] == "mini.onnx"
