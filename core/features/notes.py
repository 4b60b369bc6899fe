"""Notes of an item from its recording: pitch comes from here, judging from ``core.dataset.notes``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..dataset.notes import Note, rough_notes
from ..dataset.raw import Item
from ..dataset.words import word_durations
from ..errors import SingwizError
from .pitch import PitchExtractor


def item_pitch(
    item: Item, extractor: PitchExtractor, *, sample_rate: int = 44100, hop_size: int = 512
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
    """Pitch of a whole recording.

    Args:
        item: with a recording.
        extractor: see :mod:`.pitch`.
        sample_rate: Hz the recording is read at.
        hop_size: samples per frame.

    Returns:
        F0 float32 ``[T]`` Hz without gaps, bool ``[T]`` true where unvoiced, s per frame.

    Raises:
        SingwizError: the recording cannot be read.
    """
    if item.audio is None:
        raise SingwizError(
            "audio-missing",
            f"'{item.name}' has no recording.",
            hint="Put it into the folder wavs.",
        )
    waveform, _ = read_audio(item.audio, sample_rate)
    length = len(waveform) // hop_size + 1
    f0, unvoiced = extractor.extract(waveform, sample_rate, hop_size=hop_size, length=length)
    return f0, unvoiced, hop_size / sample_rate


def estimate_notes(
    item: Item,
    ph_num: Sequence[int],
    extractor: PitchExtractor,
    *,
    sample_rate: int = 44100,
    hop_size: int = 512,
) -> tuple[Note, ...]:
    """One rough note per word; words that begin with SP or AP are rests.

    Args:
        item: with a recording.
        ph_num: phonemes per word.
        extractor: see :mod:`.pitch`.
        sample_rate: Hz the recording is read at.
        hop_size: samples per frame.

    Raises:
        SingwizError: the recording cannot be read.
        ValueError: ``ph_num`` does not add up to the item's phonemes.
    """
    words = word_durations(item.ph_dur, ph_num)
    firsts = np.cumsum([0, *ph_num])[:-1]
    rests = [item.ph_seq[first].rpartition("/")[2] in ("SP", "AP") for first in firsts]
    f0, unvoiced, timestep = item_pitch(item, extractor, sample_rate=sample_rate, hop_size=hop_size)
    return rough_notes(f0, unvoiced, words, timestep, rests=rests)
