"""Experiments in the layout that DiffSinger and DiffTrainer load."""

from __future__ import annotations

import json

import pytest
import torch
import yaml

from singwiz.core.config import load_config
from singwiz.core.errors import SingwizError
from singwiz.core.export.peer import export_checkpoint, shareable
from singwiz.core.synthesis.experiment import read_experiment
from singwiz.core.synthesis.singer import Singer

from ..synthesis.conftest import segment


def test_the_copy_sings_what_the_experiment_sings(voices, tmp_path):
    experiment = read_experiment(voices.plain)
    made = export_checkpoint(experiment, tmp_path / "peer", weights_only=True)
    assert set(made["files"]) == {
        "config.yaml", "dictionary-demo.txt", "lang_map.json", "model_ckpt_steps_10.ckpt",
        "phonemes.json", "spk_map.json",
    }  # fmt: skip
    own = Singer.load(voices.plain, device="cpu").sing(segment(), seed=1)
    copy = Singer.load(tmp_path / "peer", device="cpu").sing(segment(), seed=1)
    assert (own.audio == copy.audio).all()
    saved = torch.load(tmp_path / "peer" / "model_ckpt_steps_10.ckpt", weights_only=True)
    assert set(saved) == {"category", "state_dict"} and saved["category"] == "acoustic"
    assert all(name.startswith("model.") for name in saved["state_dict"])
    assert json.loads((tmp_path / "peer" / "spk_map.json").read_text()) == {"anna": 0, "ben": 1}


def test_a_whole_checkpoint_is_copied_bit_by_bit(voices, tmp_path):
    export_checkpoint(read_experiment(voices.plain), tmp_path / "peer")
    name = "model_ckpt_steps_10.ckpt"
    assert (tmp_path / "peer" / name).read_bytes() == (voices.plain / name).read_bytes()
    assert load_config(tmp_path / "peer" / "config.yaml").kind == "acoustic"


def test_paths_of_this_machine_stay_here():
    config = {
        "dictionaries": {"ja": "/home/me/secret/ja.txt"},
        "datasets": [{"raw_data_dir": "C:\\Users\\me\\aoi", "speaker": "aoi"}],
        "binary_data_dir": "/home/me/binary",
        "pe_ckpt": "checkpoints/rmvpe/model.pt",
        "vocoder_ckpt": "D:\\x\\model.ckpt",
    }
    text = yaml.safe_dump(shareable(config, {"ja": None}))
    assert "me" not in text.replace("rmvpe", "").replace("name", "").split()
    assert "/home" not in text and "Users" not in text and "D:" not in text
    assert "checkpoints/rmvpe/model.pt" in text and "raw_data_dir: data/aoi/raw" in text


def test_an_experiment_is_not_written_onto_itself(voices):
    with pytest.raises(SingwizError) as caught:
        export_checkpoint(read_experiment(voices.plain), voices.plain)
    assert caught.value.code == "export-onto-itself"
    with pytest.raises(SingwizError) as caught:
        export_checkpoint(read_experiment(voices.plain), voices.base / "x", steps=999)
    assert caught.value.code == "checkpoint-missing"
