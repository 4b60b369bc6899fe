"""Copy-synthesis: figures tell a good vocoder from a bad one."""

from __future__ import annotations

import numpy as np
import pytest

from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.reporting import Reporter
from singwiz.core.synthesis.copy_synthesis import copy_synthesis
from singwiz.core.synthesis.preview import PreviewVocoder

from .conftest import acoustic_config, vowel

RATE = 44100


class Perfect:
    """Gives the recording back."""

    sample_rate, hop_size, is_preview = RATE, 512, False
    label = "perfect"

    def __init__(self, recording: np.ndarray) -> None:
        self.recording = recording

    def synthesise(self, mel: np.ndarray, f0: np.ndarray) -> np.ndarray:
        return self.recording[: len(mel) * 512]


class OutOfTune(Perfect):
    """A quarter tone too low."""

    label = "out of tune"

    def synthesise(self, mel: np.ndarray, f0: np.ndarray) -> np.ndarray:
        times = np.arange(len(mel) * 512) * 2 ** (-50 / 1200)
        return np.interp(times, np.arange(len(self.recording)), self.recording).astype(np.float32)


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    sung = vowel(220 * 2 ** (np.sin(np.arange(RATE) / 9000) / 12)).astype(np.float32)
    return np.concatenate([np.zeros(RATE // 2, np.float32), 0.3 * sung / np.abs(sung).max()])


def test_figures_tell_good_from_bad(recording: np.ndarray):
    vocoders = [Perfect(recording), OutOfTune(recording), PreviewVocoder()]
    copies = copy_synthesis(recording, acoustic_config(), vocoders)
    perfect, low, preview = (copy.figures for copy in copies.copies)
    assert [copy.label for copy in copies.copies] == ["perfect", "out of tune", "preview (DSP)"]
    assert (perfect.mel_l1, perfect.f0_cents, perfect.voicing_agreement) == (0, 0, 1)
    assert low.f0_cents == pytest.approx(50, abs=8)
    assert low.mel_l1 > 0.05
    assert 0 < preview.mel_l1 < 1.5
    assert preview.f0_cents < 15
    assert preview.voicing_agreement > 0.9
    assert all(figures.rtf > 0 for figures in (perfect, low, preview))
    assert len(copies.recording) == len(copies.copies[2].audio) == len(copies.f0) * 512
    assert (copies.f0[:30] == 0).all()


def test_a_copy_without_pitch_has_no_pitch_error(recording: np.ndarray):
    silent = Perfect(np.zeros_like(recording))
    (copy,) = copy_synthesis(recording, acoustic_config(), [silent]).copies
    assert copy.figures.to_dict()["f0_cents"] is None


def test_short_recordings_and_impatient_users_end_it(recording: np.ndarray):
    with pytest.raises(SingwizError, match="too short"):
        copy_synthesis(recording[:1000], acoustic_config(), [])

    class Impatient(Reporter):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        copy_synthesis(recording, acoustic_config(), [PreviewVocoder()], reporter=Impatient())
