"""``dsconfig.yaml``: what OpenUTAU has to know about graphs, told by the graphs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..atomic import write_text

CURVES = ("energy", "breathiness", "voicing", "tension")
DEFAULT_VOCODER = "pc_nsf_hifigan_44.1k_hop512_128bin_2025.02"
"""The package that DiffSinger's own exporter names."""


def input_names(path: Path) -> tuple[str, ...]:
    """The inputs that a file really has."""
    import onnx

    return tuple(port.name for port in onnx.load(str(path)).graph.input)


def mel_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """How the mel is made, by OpenUTAU's names."""
    return {
        "sample_rate": config["audio_sample_rate"],
        "hop_size": config["hop_size"],
        "win_size": config["win_size"],
        "fft_size": config["fft_size"],
        "num_mel_bins": config["audio_num_mel_bins"],
        "mel_fmin": config["fmin"],
        "mel_fmax": config["fmax"] or config["audio_sample_rate"] / 2,
        "mel_base": "e",
        "mel_scale": "slaney",
    }


def acoustic_dsconfig(
    config: Mapping[str, Any],
    inputs: Sequence[str],
    *,
    files: Mapping[str, str],
    speakers: Sequence[str],
    hidden_size: int,
    vocoder: str,
    max_depth: float,
) -> dict[str, Any]:
    """The dsconfig of an acoustic graph.

    Args:
        config: of the model, plain.
        inputs: names of the graph's inputs.
        files: ``phonemes``, ``languages`` and ``acoustic``, relative to the dsconfig.
        speakers: embeddings without ``.emb``, relative; none = no speaker is asked for.
        hidden_size: width of an embedding.
        vocoder: name of the vocoder's package.
        max_depth: 1 − ``T_start`` or ``K_step`` / ``timesteps``; 1 without shallow diffusion.
    """
    result: dict[str, Any] = {
        "phonemes": files["phonemes"],
        "languages": files["languages"],
        "use_lang_id": "languages" in inputs,
        "acoustic": files["acoustic"],
        "hidden_size": hidden_size,
        "vocoder": vocoder,
    }
    if speakers:
        result["speakers"] = [*speakers]
    if "gender" in inputs:
        shift = ((config.get("augmentation_args") or {}).get("random_pitch_shifting") or {}).get(
            "range"
        ) or (-12.0, 12.0)
        result["augmentation_args"] = {
            "random_pitch_shifting": {"range": [float(limit) for limit in shift]}
        }
    result["use_key_shift_embed"] = "gender" in inputs
    result["use_speed_embed"] = "velocity" in inputs
    result |= {f"use_{name}_embed": name in inputs for name in CURVES}
    result |= {
        "use_continuous_acceleration": "steps" in inputs,
        "use_variable_depth": "depth" in inputs,
        "max_depth": max_depth,
    }
    return result | mel_keys(config)


def variance_dsconfig(
    config: Mapping[str, Any],
    inputs: Mapping[str, Sequence[str]],
    *,
    files: Mapping[str, str],
    speakers: Sequence[str],
    hidden_size: int,
) -> dict[str, Any]:
    """The dsconfig of a set of variance graphs.

    Args:
        config: of the model, plain.
        inputs: graph (``linguistic``, ``dur``, ``pitch``, ``variance``) -> names of its inputs.
        files: ``phonemes``, ``languages`` and the graphs, relative to the dsconfig.
        speakers: embeddings without ``.emb``, relative; none = no speaker is asked for.
        hidden_size: width of an embedding.
    """
    result: dict[str, Any] = {
        "phonemes": files["phonemes"],
        "languages": files["languages"],
        "use_lang_id": "languages" in inputs["linguistic"],
    }
    result |= {name: files[name] for name in inputs}
    result["hidden_size"] = hidden_size
    if speakers:
        result["speakers"] = [*speakers]
    result["use_continuous_acceleration"] = True
    result["predict_dur"] = "word_div" in inputs["linguistic"]
    if "pitch" in inputs:
        result["use_expr"] = "expr" in inputs["pitch"]
        result["use_note_rest"] = "note_rest" in inputs["pitch"]
    # Left out, energy and breathiness would count as predicted.
    result |= {f"predict_{name}": name in inputs.get("variance", ()) for name in CURVES}
    return result | {"sample_rate": config["audio_sample_rate"], "hop_size": config["hop_size"]}


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small YAML file in the given order."""
    write_text(path, yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
