"""How close a rendering is to the recording it repeats, in numbers.

Not a listening test: these figures catch a voice that is off pitch, voiceless or smeared, and
compare training steps of one model. They do not rank singers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from ..features.mel import mel_spectrogram
from ..features.pitch import pitch_extractor
from .items import recording_of

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset.raw import Item
    from .rendering import Rendering

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """Figures of one rendering against its recording.

    Attributes:
        item: name.
        f0_cents: median absolute F0 error in cents over frames voiced in both; NaN if none is.
        voicing_agreement: share of frames that are voiced in both or in neither, 0..1.
        mel_l1: mean |model mel − recording mel| in nat, all frames.
        baseline_l1: the same for the mean mel of each phoneme, which a model has to beat; NaN
            without a baseline.
        seconds: compared length.
    """

    item: str
    f0_cents: float
    voicing_agreement: float
    mel_l1: float
    baseline_l1: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As plain data; NaN becomes None."""
        plain = asdict(self)
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in plain.items()}


@dataclass(frozen=True)
class PhonemeMeans:
    """The simplest acoustic model: the mean mel of each phoneme.

    Attributes:
        means: float32 ``[V, bins]`` by token; tokens never seen have the mean of everything.
    """

    means: Array

    @classmethod
    def fit(cls, items: Iterable[Mapping[str, Any]]) -> PhonemeMeans:
        """Average a training set.

        Args:
            items: each with ``tokens`` int ``[N]``, ``mel2ph`` int ``[T]`` (1-based, 0 = padding)
                and ``mel`` float ``[T, bins]``, as a binary dataset gives them.

        Raises:
            SingwizError: there is no frame.
        """
        sums: NDArray[np.float64] | None = None
        counts = np.zeros(0)
        for item in items:
            tokens, mel2ph = np.asarray(item["tokens"]), np.asarray(item["mel2ph"])
            mel = np.asarray(item["mel"], np.float64)[: len(mel2ph)]
            mel2ph = mel2ph[: len(mel)]
            owners = tokens[np.maximum(mel2ph, 1) - 1]
            size = max(len(counts), int(owners.max(initial=0)) + 1)
            if sums is None:
                sums = np.zeros((0, mel.shape[1]))
            if size > len(counts):
                sums = np.pad(sums, ((0, size - len(sums)), (0, 0)))
                counts = np.pad(counts, (0, size - len(counts)))
            sung = mel2ph > 0
            np.add.at(sums, owners[sung], mel[sung])
            np.add.at(counts, owners[sung], 1.0)
        if sums is None or not counts.sum():
            raise SingwizError(
                "baseline-empty",
                "The training set has no frames to average.",
                hint="Prepare the dataset again.",
            )
        overall = sums.sum(axis=0) / counts.sum()
        means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], overall)
        return cls(means.astype(np.float32))

    def predict(self, tokens: NDArray[np.integer], mel2ph: NDArray[np.integer]) -> Array:
        """The mel ``[T, bins]`` this model gives for tokens ``[N]`` and mel2ph ``[T]``."""
        owners = np.asarray(tokens)[np.maximum(np.asarray(mel2ph), 1) - 1]
        overall = self.means.mean(axis=0)
        known = owners < len(self.means)
        rows = self.means[np.where(known, owners, 0)]
        return np.where(known[:, None], rows, overall).astype(np.float32)


def phoneme_mean_baseline(training: Iterable[Mapping[str, Any]], item: Mapping[str, Any]) -> float:
    """Mel L1 (nat) of a per-phoneme-mean predictor on one held-out item.

    Args:
        training: items to average, see :meth:`PhonemeMeans.fit`.
        item: ``tokens``, ``mel2ph`` and ``mel`` of the held-out item.
    """
    return baseline_l1(PhonemeMeans.fit(training), item)


def baseline_l1(means: PhonemeMeans, item: Mapping[str, Any]) -> float:
    """Mel L1 (nat) of fitted phoneme means on one item with tokens, mel2ph and mel."""
    return mel_l1(means.predict(item["tokens"], item["mel2ph"]), np.asarray(item["mel"]))


def mel_l1(first: Array, second: Array) -> float:
    """Mean absolute difference of two mels over the frames both have, nat."""
    frames = min(len(first), len(second))
    return float(np.abs(first[:frames] - second[:frames]).mean()) if frames else float("nan")


def compare_with_recording(
    rendering: Rendering,
    item: Item,
    config: Config,
    *,
    means: PhonemeMeans | None = None,
    tokens: NDArray[np.integer] | None = None,
) -> Comparison:
    """Compare a rendering of :func:`.items.segment_from_item` with the recording.

    Args:
        rendering: of one segment at offset 0.
        item: what was rendered.
        config: of the acoustic model.
        means: per-phoneme means of the training set, for the baseline.
        tokens: int ``[N]`` phoneme ids of the item; needed with ``means``.

    Raises:
        SingwizError: the recording cannot be read.
    """
    recording = recording_of(item, config)
    hop, rate = config.hop_size, config.audio_sample_rate
    mel = recording_mel(recording, config)
    segment = rendering.segments[0]
    frames = min(len(mel), len(segment.mel), len(rendering.audio) // hop)
    extractor = pitch_extractor(config)
    there, unvoiced = extractor.extract(recording, rate, hop_size=hop, length=frames)
    here, silent = extractor.extract(rendering.audio, rate, hop_size=hop, length=frames)
    both = ~unvoiced & ~silent
    cents = 1200 * np.abs(np.log2(here[both] / there[both])) if both.any() else np.array([np.nan])
    baseline = float("nan")
    if means is not None and tokens is not None:
        owners = np.repeat(np.arange(1, len(segment.frames) + 1), segment.frames)[:frames]
        baseline = mel_l1(means.predict(tokens, owners), mel)
    return Comparison(
        item=item.name,
        f0_cents=float(np.median(cents)),
        voicing_agreement=float(np.mean(unvoiced == silent)),
        mel_l1=mel_l1(segment.mel, mel),
        baseline_l1=baseline,
        seconds=frames * hop / rate,
    )


def recording_mel(recording: Array, config: Config) -> Array:
    """The mel ``[T, bins]`` a model with this config is trained to give for a recording ``[N]``."""
    return mel_spectrogram(
        recording,
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        win_size=config.win_size,
        fft_size=config.fft_size,
        num_mels=config.audio_num_mel_bins,
        fmin=config.fmin,
        fmax=config.fmax,
    )
