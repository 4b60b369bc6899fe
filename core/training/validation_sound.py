"""What an acoustic model sounds like in a validation, and whether the sound is in tune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from ..features.pitch import PitchExtractor, pitch_extractor
from ..reporting import Reporter
from ..synthesis.vocoder import Vocoder, load_vocoder
from .gallery import ValidationGallery
from .measurements import Measurement

if TYPE_CHECKING:
    from ..config import Config

Array = NDArray[np.float32]

SOUNDING_ITEMS = {"cpu": 3, "cuda": 10}
"""Validation items that are turned into sound; a vocoder takes its time on a CPU."""


class ValidationSound:
    """Turns mels of validation items into sound.

    The recording goes through the same vocoder, so that only the models are compared.

    Args:
        config: of the acoustic model; ``val_with_vocoder`` turns it off.
        reporter: is warned once if there is no usable vocoder.
    """

    def __init__(self, config: Config, reporter: Reporter) -> None:
        self._config = config
        self._reporter = reporter
        self._vocoder: Vocoder | None = None
        self._off = not config.to_dict().get("val_with_vocoder")
        self._recordings: dict[int, Array] = {}
        self._extractor: PitchExtractor | None = None
        self._recorded_pitch: dict[int, tuple[Array, NDArray[np.bool_]]] = {}
        self._cents: list[Array] = []

    def play(
        self,
        gallery: ValidationGallery,
        index: int,
        name: str,
        f0: Array,
        mels: Mapping[str, Array],
        *,
        device: str,
    ) -> None:
        """Make an item audible, if it is among the first ones.

        Args:
            gallery: where to play it.
            index, name: of the item.
            f0: of the recording, ``[T]`` in Hz.
            mels: ``gt``, ``diff`` and maybe ``aux``, each ``[T, bins]``.
            device: where the vocoder runs.
        """
        kind = device.partition(":")[0]
        vocoder = self._usable(device)
        if vocoder is None or index >= SOUNDING_ITEMS.get(kind, SOUNDING_ITEMS["cpu"]):
            return
        first = index not in self._recordings
        if first:
            self._recordings[index] = vocoder.synthesise(mels["gt"], f0)
        rate = vocoder.sample_rate
        note = " (preview sound)" if vocoder.is_preview else ""
        gallery.audio(
            f"gt_{index}" if first else "",
            self._recordings[index],
            rate,
            file=f"{index}_gt.wav",
            label=f"{name}, recording{note}",
        )
        if "aux" in mels:
            gallery.audio(f"aux_{index}", vocoder.synthesise(mels["aux"], f0), rate)
        sung = vocoder.synthesise(mels["diff"], f0)
        label = f"{name}, model{note}"
        gallery.audio(f"diff_{index}", sung, rate, file=f"{index}_pred.wav", label=label)
        self._compare_pitch(index, sung, len(f0), vocoder)

    def measurement(self) -> Measurement | None:
        """How far the sounds since the last call are out of tune; None if nobody knows."""
        heard, self._cents = self._cents, []
        cents = np.concatenate(heard) if heard else np.zeros(0)
        if not len(cents):
            return None
        value = float(np.median(cents))
        return Measurement("f0_error", "pitch error of the sound", "cents", value, len(heard))

    def _compare_pitch(self, index: int, sung: Array, frames: int, vocoder: Vocoder) -> None:
        if self._extractor is None:
            try:
                self._extractor = pitch_extractor(self._config)
            except SingwizError:
                return  # this machine lacks the extractor that prepared the data

        def pitch(samples: Array) -> tuple[Array, NDArray[np.bool_]]:
            assert self._extractor is not None
            hop = self._config.hop_size
            return self._extractor.extract(
                samples, vocoder.sample_rate, hop_size=hop, length=frames
            )

        if index not in self._recorded_pitch:
            self._recorded_pitch[index] = pitch(self._recordings[index])
        (there, unvoiced), (here, silent) = self._recorded_pitch[index], pitch(sung)
        both = ~unvoiced & ~silent
        self._cents.append(np.abs(1200 * np.log2(here[both] / there[both])).astype(np.float32))

    def _usable(self, device: str) -> Vocoder | None:
        if self._vocoder is None and not self._off:
            try:
                self._vocoder = load_vocoder(self._config, device=device, reporter=self._reporter)
            except SingwizError as error:
                # Training is worth more than hearing it; say so once and go on.
                self._off = True
                self._reporter.warning(error.code, f"No validation audio: {error.message}")
        return self._vocoder
