"""A voicebank that sings another pitch than its notes is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.export.client.singing import SAMPLE_RATE, SungPhrase
from singwiz.core.export.client.tuning import pitch_remarks

HOP = 512
F0 = np.linspace(180, 320, 150).astype(np.float32)


def phrase(sound: np.ndarray | None) -> SungPhrase:
    return SungPhrase((), np.zeros((len(F0), 4), np.float32), F0, 0.0, sound)


def tone(hertz: np.ndarray) -> np.ndarray:
    """Overtones of a pitch per frame."""
    time = np.arange(len(F0) * HOP) / HOP
    phase = 2 * np.pi * np.cumsum(np.interp(time, np.arange(len(F0)), hertz)) / SAMPLE_RATE
    return sum(0.2 / k * np.sin(k * phase) for k in range(1, 8)).astype(np.float32)


def test_a_voice_in_tune_is_no_remark() -> None:
    assert pitch_remarks([phrase(tone(F0))], HOP, "Aoi") == []


@pytest.mark.parametrize("hum", [np.full_like(F0, SAMPLE_RATE / HOP), F0 * 2 ** (1 / 12)])
def test_a_hum_and_a_wrong_key_are_named_with_both_pitches(hum: np.ndarray) -> None:
    (remark,) = pitch_remarks([phrase(None), phrase(tone(hum))], HOP, "Aoi")
    assert (remark.severity, remark.code) == ("warning", "W_PITCH")
    assert f"around {np.median(hum):.0f} Hz where {np.median(F0):.0f} Hz" in remark.message


def test_whispers_and_banks_without_vocoder_are_not_judged() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(len(F0) * HOP).astype(np.float32)
    assert pitch_remarks([phrase(noise)], HOP, "Aoi") == []
    assert pitch_remarks([phrase(None)], HOP, "Aoi") == []
    assert pitch_remarks([], HOP, "Aoi") == []
