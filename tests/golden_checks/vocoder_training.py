"""Checks of fixtures about training vocoders: records, clips, optimizer and one whole step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from singwiz.core.binarize.vocoder_item import VocoderRecipe, analyse
from singwiz.core.training.vocoder import clips

if TYPE_CHECKING:
    from test_golden import Fixture


def close(fixture: Fixture, name: str, actual: Any, limit: dict[str, float] | None = None) -> None:
    """Compare with an array of the fixture under its own tolerance."""
    fixture.unchecked.discard(f"array {name}")
    limit = limit or fixture.data["tolerances"].get(name) or {"rtol": 1e-5, "atol": 1e-6}
    actual, expected = np.asarray(actual, np.float64), fixture.arrays[name]
    if actual.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {actual.shape}, not {expected.shape}")
        return
    allowed = limit.get("atol", 0) + limit.get("rtol", 0) * np.abs(expected)
    worst = (np.abs(actual - expected) - allowed).max(initial=0.0)
    if not worst <= 0:
        fixture.failures.append(f"{name}: {worst:.3g} more than allowed")


class OneRecord:
    """A single recording, as :class:`Records`."""

    def __init__(self, audio: np.ndarray, mel: np.ndarray, f0: np.ndarray) -> None:
        self.fields = {"audio": audio, "mel": mel, "f0": f0}
        self.names, self.lengths, self.max_f0 = ["wav"], [len(f0)], [float(f0.max())]
        self.in_memory = True

    def read(
        self, index: int, field: str, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        return self.fields[field][start:stop]

    def samples(self, index: int) -> int:
        return len(self.fields["audio"])


def check_data(fixture: Fixture) -> None:
    """The record of a recording, its key augmentation, a batch and a validation item."""
    config, wav = fixture.data["config"], fixture.arrays["wav"]
    defaults = {"pe_ckpt": "", "peak_normalise": False}
    recipe = VocoderRecipe.of(SimpleNamespace(**{**defaults, **config}))
    hop, frames = config["hop_size"], config["crop_mel_frames"]
    found = analyse(wav, recipe)
    close(fixture, "rec_mel", found["mel"])
    close(fixture, "rec_f0", found["f0"])
    close(fixture, "rec_uv", found["uv"])

    speed, start = config["aug_speed"], config["aug_start"]
    needed = clips.stretch_frames(frames, speed) * hop
    close(fixture, "aug_randint_range", [0, len(wav) - 1 - needed])
    fast = clips.play_faster(wav[start : start + needed], speed, recipe)
    close(fixture, "aug_spectrogram", fast.mel)
    close(fixture, "aug_audio", fast.audio)
    close(fixture, "aug_f0", fast.f0)

    record = OneRecord(wav, fixture.arrays["rec_mel"], fixture.arrays["rec_f0"])
    piece = clips.crop_record(record, 0, config["col_start"], frames, hop)
    close(fixture, "col_uniform_range", [clips.SOFTEST, clips.loudest_shift(piece.audio)])
    # The reference never draws the last possible place.
    close(fixture, "col_randint_range", [0, record.lengths[0] - frames - 1])
    piece = clips.shift_volume(piece, config["col_shift"])
    batch = clips.collate(
        [clips.Piece(piece.audio, np.maximum(piece.mel, np.float32(clips.FLOOR)), piece.f0)]
    )
    for name in ("audio", "mel", "f0"):
        close(fixture, f"col_{name}", batch[name])

    item = clips.whole(record, 0, hop)
    close(fixture, "val_audio_tail", item.audio[-600:])
    close(fixture, "val_audio_len", clips.collate([item])["audio"].shape)
    close(fixture, "val_mel_min", item.mel.min())


CHECKS = {"voc_data": check_data}
