"""Labels of an UTAU sample that fit its sound: where the last vowel dies away, silence begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dictionary.files import Dictionary
from ..errors import SingwizError
from .audio import read_audio
from .fixes.recipe import AudioRecipe
from .labels.model import Label
from .labels.utau import OtoEntry, sample_labels

_WINDOW = 0.01
_FADE = 30.0
"""dB under the vowel's level at which it counts as over."""

_REST = 0.4
"""s of silence kept at either end."""

_SHORTEST_REST = 0.02
"""s; less silence belongs to the sound beside it."""


@dataclass(frozen=True)
class SampleLabels:
    """A sample as an item.

    Attributes:
        ph_seq: phonemes with SP at the ends.
        ph_dur: s.
        audio: the sample without most of its silence.
        seconds: its length.
    """

    ph_seq: tuple[str, ...]
    ph_dur: tuple[float, ...]
    audio: AudioRecipe
    seconds: float

    @classmethod
    def of(cls, sample: Path, entries: Sequence[OtoEntry], dictionary: Dictionary) -> SampleLabels:
        """Label one sample.

        Args:
            sample: the recording.
            entries: its lines of ``oto.ini``, by time.
            dictionary: what the aliases are made of.

        Raises:
            SingwizError: unreadable, or nothing in it that the dictionary knows.
        """
        waveform, rate = read_audio(sample, None)
        whole = len(waveform) / rate
        labels = sample_labels(entries, whole, dictionary)
        if not labels or labels[-1].end <= labels[0].start:
            raise SingwizError(
                "utau-sample-empty",
                f"oto.ini names nothing singable in '{sample.name}'.",
                hint="Correct its line in oto.ini.",
            )
        labels = _spread(labels, waveform, rate)
        if labels[0].start < _SHORTEST_REST:
            labels = (Label(0.0, labels[0].end, labels[0].text), *labels[1:])
        if labels[-1].end > whole - _SHORTEST_REST:
            labels = (*labels[:-1], Label(labels[-1].start, whole, labels[-1].text))
        first = max(round((labels[0].start - _REST) * rate), 0)
        last = min(round((labels[-1].end + _REST) * rate), len(waveform))
        borders = [0.0, *(label.start - first / rate for label in labels)]
        borders += [labels[-1].end - first / rate, (last - first) / rate]
        durations = np.diff(np.round(np.maximum.accumulate(borders), 6))
        names = ["SP", *(label.text for label in labels), "SP"]
        kept = [
            (name, round(float(seconds), 6))
            for name, seconds in zip(names, durations, strict=True)
            if seconds > 0 or name != "SP"
        ]
        recipe = AudioRecipe(sample)
        if first > 0 or last < len(waveform):
            recipe = recipe.cut(start=first / rate, end=last / rate)
        return cls(
            tuple(name for name, _ in kept),
            tuple(seconds for _, seconds in kept),
            recipe,
            (last - first) / rate,
        )


def _spread(labels: tuple[Label, ...], waveform: np.ndarray, rate: int) -> tuple[Label, ...]:
    """Let a last vowel sound until it dies away, and an only vowel from where it begins."""
    size = max(round(_WINDOW * rate), 1)
    count = len(waveform) // size
    if count < 3:
        return labels
    power = np.mean(np.square(waveform[: count * size].reshape(count, size)), axis=1)
    level = 10 * np.log10(power + 1e-12)
    last = labels[-1]
    window = slice(int(last.start / _WINDOW), max(int(last.end / _WINDOW), 1))
    inside = level[window]
    if not len(inside):
        return labels
    limit = float(np.median(inside)) - _FADE
    end = min(int(last.end / _WINDOW), count - 1)
    while end < count - 1 and level[end + 1] > limit:
        end += 1
    spread = Label(
        last.start, max(min((end + 1) * size / rate, len(waveform) / rate), last.end), last.text
    )
    if len(labels) == 1:
        start = min(int(last.start / _WINDOW), count - 1)
        while start > 0 and level[start - 1] > limit:
            start -= 1
        spread = Label(min(start * size / rate, last.start), spread.end, last.text)
    return (*labels[:-1], spread)
