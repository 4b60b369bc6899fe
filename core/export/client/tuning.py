"""Whether a voicebank sings the pitch it is asked for, as far as an ear of numbers can tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...features.pitch import Parselmouth
from .problems import Remark, warning
from .singing import SAMPLE_RATE, SungPhrase

NEAR = 50.0
"""Cents that a frame may be off: half a semitone."""

ENOUGH = 0.5
"""Share of frames heard as voiced that have to be near. Good voices reach 0.95; one whose vocoder
hums reaches next to nothing."""

HEARD = 0.25
"""Share of frames that have to be voiced at all: a whisper has no pitch to be judged."""


def pitch_remarks(phrases: Sequence[SungPhrase], hop_size: int, who: str) -> list[Remark]:
    """A warning if what was sung has another pitch than the notes.

    Args:
        phrases: with sound; others are passed over.
        hop_size: samples of a frame.
        who: sang, for the message.
    """
    wanted, heard = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    for phrase in phrases:
        if phrase.audio is None or not len(phrase.f0):
            continue
        # Wide enough to hear the hum of a vocoder that does not follow.
        extractor = Parselmouth(60.0, 1500.0)
        found, unvoiced = extractor.extract(
            phrase.audio, SAMPLE_RATE, hop_size=hop_size, length=len(phrase.f0)
        )
        wanted.append(phrase.f0[~unvoiced])
        heard.append(found[~unvoiced])
    frames = sum(len(phrase.f0) for phrase in phrases)
    asked, sung = np.concatenate(wanted), np.concatenate(heard)
    if len(sung) < HEARD * frames or not len(sung):
        return []
    near = float((1200 * np.abs(np.log2(sung / asked)) <= NEAR).mean())
    if near >= ENOUGH:
        return []
    return [
        warning(
            "W_PITCH",
            f"{who}: only {near:.0%} of the sound has the pitch it should have; it is around "
            f"{np.median(sung):.0f} Hz where {np.median(asked):.0f} Hz are asked for.",
            "dsvocoder",
            "Listen to it with: singwiz voicebank sing. Take another vocoder, or train yours "
            "with pitch_first.",
        )
    ]
