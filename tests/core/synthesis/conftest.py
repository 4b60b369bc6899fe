"""Tiny experiment folders with random weights, and what goes with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.config import Config, load_config, save_config
from singwiz.core.dictionary import PhonemeSet, read_dictionary

SIZES = {
    "hidden_size": 16,
    "enc_layers": 1,
    "sampling_steps": 2,
    "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
    "shallow_diffusion_args.aux_decoder_args": {"num_channels": 16, "num_layers": 1},
    "vocoder_ckpt": "",
}


VARIANCE_SIZES = {
    "hidden_size": 16,
    "enc_layers": 1,
    "sampling_steps": 2,
    "dur_prediction_args": {"hidden_size": 16, "num_layers": 1},
    "pitch_prediction_args": {
        "repeat_bins": 4,
        "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
    },
    "variances_prediction_args": {
        "total_repeat_bins": 8,
        "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
    },
}
PREDICTS = ("dur", "pitch", "energy", "breathiness", "voicing", "tension")


def variance_config(*tags: str, **overrides: Any) -> Config:
    names = overrides.pop("dictionaries", {"demo": "demo.txt"})
    data = {"base_config": ["configs/variance.yaml"], "dictionaries": names}
    flags = {f"predict_{tag}": tag in tags for tag in PREDICTS}
    return load_config(data, overrides={**VARIANCE_SIZES, **flags, **overrides})


def acoustic_config(**overrides: Any) -> Config:
    names = overrides.pop("dictionaries", {"demo": "demo.txt"})
    data = {"base_config": ["configs/acoustic.yaml"], "dictionaries": names}
    return load_config(data, overrides={**SIZES, **overrides})


def make_experiment(
    folder: Path, *, languages: tuple[str, ...] = ("demo",), **overrides: Any
) -> Path:
    names = {language: f"{language}.txt" for language in languages}
    config = acoustic_config(**{"dictionaries": names, "num_lang": len(names), **overrides})
    return _experiment(folder, config, languages)


def make_variance_experiment(
    folder: Path, *tags: str, languages: tuple[str, ...] = ("demo",), **overrides: Any
) -> Path:
    names = {language: f"{language}.txt" for language in languages}
    config = variance_config(*tags, **{"dictionaries": names, "num_lang": len(names), **overrides})
    return _experiment(folder, config, languages)


def _experiment(folder: Path, config: Config, languages: tuple[str, ...]) -> Path:
    import torch

    from singwiz.core.models import build_model

    folder.mkdir(parents=True)
    dictionaries = {}
    for language in languages:
        path = folder / f"dictionary-{language}.txt"
        path.write_text("a\ta\nsa\ts a\n" + ("ni\tn i\n" if language == languages[-1] else ""))
        dictionaries[language] = read_dictionary(path, language)[0]
    groups = config.to_dict().get("merged_phoneme_groups") or ()
    phonemes = PhonemeSet.build(dictionaries, merged_phoneme_groups=groups)
    save_config(config, folder / "config.yaml")
    (folder / "phonemes.json").write_text(json.dumps(phonemes.dump()))
    (folder / "lang_map.json").write_text(json.dumps(phonemes.lang_map))
    (folder / "spk_map.json").write_text(json.dumps({"anna": 0, "ben": 1}))
    torch.manual_seed(0)
    model = build_model(config.kind, config.to_dict(), vocab_size=phonemes.vocab_size)
    for name, weight in model.named_parameters():  # fresh networks end in zeros
        if "diffusion" in name or "predictor" in name:
            torch.nn.init.normal_(weight, std=0.1)
        if name.endswith("dur_predictor.linear.bias"):
            torch.nn.init.constant_(weight, 2.0)
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    content = {"state_dict": state, "category": config.kind, "global_step": 10}
    torch.save(content, folder / "model_ckpt_steps_10.ckpt")
    return folder


def segment(**changes: Any) -> dict[str, Any]:
    """One second of ``SP s a SP``."""
    made = {
        "offset": 0.0,
        "ph_seq": "SP s a SP",
        "ph_dur": "0.2 0.1 0.5 0.2",
        "f0_seq": " ".join(["220.0"] * 101),
        "f0_timestep": "0.01",
    }
    made.update(changes)
    return made


def score(**changes: Any) -> dict[str, Any]:
    """Two seconds of ``SP s a n i SP`` as notes: a rest, C4, D4 with a slur to E4, a rest."""
    made = {
        "offset": 0.5,
        "text": "sa ni",
        "ph_seq": "SP s a n i SP",
        "ph_num": "2 2 1 1",
        "note_seq": "rest C4 D4 E4 rest",
        "note_dur": "0.3 0.5 0.5 0.4 0.3",
        "note_slur": "0 0 0 1 0",
        "my_editor": {"kept": True},
    }
    made.update(changes)
    return made


def vowel(f0: np.ndarray, sample_rate: int = 44100) -> np.ndarray:
    """Harmonics of ``f0`` ``[N]`` Hz with the envelope of an /a/."""
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    sound = np.zeros(len(f0))
    for k in range(1, 40):
        frequency = k * f0
        level = sum(1 / (1 + ((frequency - f) / w) ** 2) for f, w in ((750, 90), (1250, 120)))
        sound += (level + 0.02) / k**0.5 * np.sin(k * phase) * (frequency < 16000)
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    return make_experiment(tmp_path / "exp")
