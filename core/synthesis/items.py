"""Singing a recording again: a DS segment made from a dataset item.

The song is what was recorded, phonemes, durations and pitch, so that a rendering can be heard
and measured beside the recording.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..errors import SingwizError
from ..features import curves
from ..features.pitch import pitch_extractor
from ..features.separation import separator
from ..features.tension import tension

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset.raw import Item

Array = NDArray[np.float32]

_NOTES = ("ph_num", "note_seq", "note_dur", "note_slur", "note_glide")


def segment_from_item(
    item: Item, config: Config, *, language: str | None = None, speaker: str | None = None
) -> dict[str, Any]:
    """Make the DS segment that sings what an item recorded.

    Args:
        item: with a recording.
        config: of the acoustic model; its extractors, hop size and curves are used.
        language: of the item's phonemes, for voices with several languages.
        speaker: of the item, for voices with several singers.

    Returns:
        DS segment with ``ph_seq``, ``ph_dur``, ``f0_seq``, the curves the model wants, and the
        words and notes that the labels have.

    Raises:
        SingwizError: the item has no recording, or nothing in it is voiced.
    """
    rate, hop = config.audio_sample_rate, config.hop_size
    audio = recording_of(item, config)
    length = max(1, len(audio) // hop)
    f0, unvoiced = pitch_extractor(config).extract(audio, rate, hop_size=hop, length=length)
    if unvoiced.all():
        raise SingwizError(
            "item-no-pitch",
            f"No pitch was found in the recording '{item.name}'.",
            hint="Choose an item in which somebody sings, or another pitch extractor.",
            where=item.name,
        )
    timestep = str(hop / rate)
    segment: dict[str, Any] = {
        "offset": 0.0,
        "text": item.name,
        "ph_seq": " ".join(item.ph_seq),
        "ph_dur": " ".join(f"{value:.6f}" for value in item.ph_dur),
        **{name: item.cells[name] for name in _NOTES if item.cells.get(name, "").strip()},
        "f0_seq": " ".join(f"{value:.2f}" for value in f0),
        "f0_timestep": timestep,
    }
    if language:
        segment["lang"] = language
    if speaker:
        segment["spk_mix"] = {speaker: 1.0}
    for name, curve in _curves(audio, f0, unvoiced, config, item.name).items():
        segment[name] = " ".join(f"{value:.4f}" for value in curve)
        segment[f"{name}_timestep"] = timestep
    return segment


def recording_of(item: Item, config: Config) -> Array:
    """The recording of an item at the sample rate of the model, float32 ``[N]``.

    Raises:
        SingwizError: there is none, or it cannot be read.
    """
    path: Path | None = item.audio
    if path is None:
        raise SingwizError(
            "item-no-recording",
            f"The item '{item.name}' has no recording.",
            hint="Choose an item whose file is in the wavs folder.",
            where=item.name,
        )
    return read_audio(path, config.audio_sample_rate)[0]


def _curves(
    audio: Array, f0: Array, unvoiced: NDArray[np.bool_], config: Config, name: str
) -> dict[str, Array]:
    """The smoothed curves the model was trained with, extracted as for training."""
    keys = config.to_dict()
    hop, win, rate = config.hop_size, config.win_size, config.audio_sample_rate
    framing = {"hop_size": hop, "win_size": win, "length": len(f0)}
    found: dict[str, Array] = {}
    if keys.get("use_energy_embed"):
        found["energy"] = curves.energy(audio, **framing)
    if any(keys.get(f"use_{curve}_embed") for curve in ("breathiness", "voicing", "tension")):
        sung = np.where(unvoiced, np.float32(0), f0)
        harmonic, breath = separator(config).separate(
            audio, sung, sample_rate=rate, hop_size=hop, item_name=name
        )
        if keys.get("use_breathiness_embed"):
            found["breathiness"] = curves.breathiness(breath, **framing)
        if keys.get("use_voicing_embed"):
            found["voicing"] = curves.voicing(harmonic, **framing)
        if keys.get("use_tension_embed"):
            found["tension"] = tension(harmonic, sung, sample_rate=rate, **framing)
    return {
        curve: curves.smooth(
            values, width=float(keys.get(f"{curve}_smooth_width") or 0.0), dt=hop / rate
        )
        for curve, values in found.items()
    }
