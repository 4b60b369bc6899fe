"""A tiny acoustic experiment folder with random weights, and what goes with it."""

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


def acoustic_config(**overrides: Any) -> Config:
    data = {"base_config": ["configs/acoustic.yaml"], "dictionaries": {"demo": "demo.txt"}}
    return load_config(data, overrides={**SIZES, **overrides})


def make_experiment(
    folder: Path, *, languages: tuple[str, ...] = ("demo",), **overrides: Any
) -> Path:
    import torch

    from singwiz.core.models import build_model

    folder.mkdir(parents=True)
    dictionaries = {}
    for language in languages:
        path = folder / f"dictionary-{language}.txt"
        path.write_text("a\ta\nsa\ts a\n" + ("ni\tn i\n" if language == languages[-1] else ""))
        dictionaries[language] = read_dictionary(path, language)[0]
    phonemes = PhonemeSet.build(dictionaries)
    names = {language: f"{language}.txt" for language in languages}
    config = acoustic_config(**{"dictionaries": names, "num_lang": len(names), **overrides})
    save_config(config, folder / "config.yaml")
    (folder / "phonemes.json").write_text(json.dumps(phonemes.dump()))
    (folder / "lang_map.json").write_text(json.dumps(phonemes.lang_map))
    (folder / "spk_map.json").write_text(json.dumps({"anna": 0, "ben": 1}))
    torch.manual_seed(0)
    model = build_model("acoustic", config.to_dict(), vocab_size=phonemes.vocab_size)
    for weight in model.diffusion.parameters():  # fresh networks end in zeros
        torch.nn.init.normal_(weight, std=0.1)
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    content = {"state_dict": state, "category": "acoustic", "global_step": 10}
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
