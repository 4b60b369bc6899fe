"""What workers are told and what they answer: plain data, the same for all model kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .augmentation import ORIGINAL, Variant

CURVES = ("energy", "breathiness", "voicing", "tension")
"""In the order in which they are stored."""

NETWORKS = ("rmvpe", "vr")
"""Extractors of pitch and separators that are neural networks."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the features of a recording are.

    Names and units are those of the config keys; ``curves`` holds name and smoothing width in
    seconds of each wanted curve. ``pe_digest`` and ``hnsep_digest`` are hashes of weights.
    """

    kind: Literal["acoustic", "variance"]
    sample_rate: int
    hop_size: int
    win_size: int
    fft_size: int
    num_mels: int
    fmin: float
    fmax: float
    pe: str
    f0_min: float
    f0_max: float
    hnsep: str
    curves: tuple[tuple[str, float], ...] = ()
    pe_ckpt: str = ""
    hnsep_ckpt: str = ""
    pe_digest: str = ""
    hnsep_digest: str = ""
    device: str = "cpu"
    predict_dur: bool = False
    predict_pitch: bool = False
    glide_types: tuple[str, ...] | None = None
    midi_smooth_width: float = 0.0

    @property
    def dt(self) -> float:
        """Seconds per frame."""
        return self.hop_size / self.sample_rate

    @property
    def separates(self) -> bool:
        """True if some curve needs the harmonic and the breathy part."""
        return any(name != "energy" for name, _ in self.curves)

    @property
    def networks(self) -> tuple[str, ...]:
        """Neural networks that are needed."""
        used = (self.pe, self.hnsep if self.separates else "")
        return tuple(name for name in used if name in NETWORKS)


@dataclass(frozen=True)
class Notes:
    """Labels that only variance models read.

    Attributes:
        ph_num: phonemes per word; empty if durations are not learned.
        note_seq: note names; empty if pitch is not learned.
        note_dur: seconds per note.
        note_glide: ornament per note.
    """

    ph_num: tuple[int, ...] = ()
    note_seq: tuple[str, ...] = ()
    note_dur: tuple[float, ...] = ()
    note_glide: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """One item and the variants to write; the first is always the original.

    Attributes:
        key: ``"<ds_id>:<name>"``.
        name: item name.
        audio: recording; None if the item's DS file has all that is needed.
        tokens: phoneme ids.
        languages: language id per phoneme.
        ph_dur: seconds per phoneme.
        spk_id: speaker id of the original.
        variants: what to write.
        with_key_shift: items carry a ``key_shift`` field.
        with_speed: items carry a ``speed`` field.
        notes: what only variance models need.
        given: curves from a DS file by name, values ``[n]`` and seconds per value.
        digest: hash of the recording's bytes; empty if nothing is to be remembered.
    """

    key: str
    name: str
    audio: Path | None
    tokens: tuple[int, ...]
    languages: tuple[int, ...]
    ph_dur: tuple[float, ...]
    spk_id: int
    variants: tuple[Variant, ...] = (ORIGINAL,)
    with_key_shift: bool = False
    with_speed: bool = False
    notes: Notes = field(default_factory=Notes)
    given: Mapping[str, tuple[NDArray[np.float32], float]] = field(default_factory=dict)
    digest: str = ""


@dataclass
class Result:
    """What became of a task.

    Attributes:
        key: of the task.
        items: fields of each variant, ready to be stored.
        lengths: frames of each variant.
        seconds: length of each variant.
        skipped: why the item was left out although nothing is broken; empty if it was not.
        failure: what is wrong with the item; empty if nothing.
        details: traceback of a failure that looks like our fault.
        audio_seconds: length of the recording; None if there is none.
    """

    key: str
    items: list[dict[str, Any]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    skipped: str = ""
    failure: str = ""
    details: str = ""
    audio_seconds: float | None = None


class Unvoiced(Exception):
    """No frame of the recording has a pitch."""
