"""Singing the clips: recordings, vocoders, acoustic models and full chains as versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Cancelled, SingwizError
from ..reporting import Reporter
from .clips import Material
from .companions import compare, duration_errors, loudness_range, mean_figures
from .making import Version
from .plan import Clip, Role
from .recipe import Source

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import Item, RawDataset
    from ..features.pitch import PitchExtractor
    from ..synthesis.experiment import Experiment
    from ..synthesis.singer import Singer

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """A condition whose files are known.

    Attributes:
        source: what sounds.
        label: what it is called.
        folder: experiment of the acoustic model, whose config also decides about vocoder and mel.
        step: of the checkpoint; None for the newest.
        variance: experiments that predict, for the full chain.
        vocoder: file, folder or ``preview``; empty = the config's.
        steps, depth: of sampling; None = the config's.
        role: in the test.
    """

    source: Source
    label: str
    folder: Path
    step: int | None = None
    variance: tuple[Path, ...] = ()
    vocoder: str = ""
    steps: int | None = None
    depth: float | None = None
    role: Role = "candidate"

    def made(self, seed: int) -> dict[str, Any]:
        """How it is made, as the key of the test says it."""
        plain: dict[str, Any] = {"source": self.source}
        if self.source != "recording":
            plain |= {"experiment": self.folder.name, "vocoder": self.vocoder or "configured"}
        if self.source in ("voice", "chain"):
            plain |= {"step": self.step, "seed": seed, "steps": self.steps, "depth": self.depth}
        if self.variance:
            plain["variance"] = [path.name for path in self.variance]
        return plain


@dataclass
class Heard:
    """A held-out recording, and what the voices of each experiment sing to repeat it."""

    item: Item
    dataset: RawDataset
    recording: Array
    material: Material
    segments: dict[Path, Mapping[str, Any]] = field(default_factory=dict)

    def segment(self, experiment: Experiment) -> Mapping[str, Any]:
        """The DS segment for one experiment; measured once.

        Raises:
            SingwizError: nobody sings in the recording.
        """
        from ..synthesis.items import segment_from_item

        folder = experiment.folder
        if folder not in self.segments:
            speaker = self.dataset.speaker
            self.segments[folder] = segment_from_item(
                self.item,
                experiment.config,
                language=self.dataset.language,
                speaker=speaker if speaker in experiment.spk_map else None,
            )
        return self.segments[folder]


@dataclass
class Studio:
    """Sings clips of recordings; keeps what several conditions share.

    Args:
        config: of the acoustic model that decides about rate, mel and pitch of what is compared.
        classes: phoneme -> class of sound.
        device: where networks run.
        seed: of the noise, the same for all.
        reporter: receives progress.
    """

    config: Config
    classes: Mapping[str, str]
    device: str
    seed: int
    reporter: Reporter
    extractor: PitchExtractor = field(init=False)

    def __post_init__(self) -> None:
        from ..features.pitch import pitch_extractor

        self.extractor = pitch_extractor(self.config)

    def hear(self, item: Item, dataset: RawDataset) -> Heard:
        """Read a recording and find its melody.

        Raises:
            SingwizError: it cannot be read.
        """
        from ..synthesis.items import recording_of

        recording = recording_of(item, self.config)
        rate, hop = self.config.audio_sample_rate, self.config.hop_size
        f0, unvoiced = self.extractor.extract(
            recording, rate, hop_size=hop, length=max(1, len(recording) // hop)
        )
        material = Material(
            item.name,
            dataset.name,
            item.ph_seq,
            item.ph_dur,
            self.classes,
            np.where(unvoiced, 0.0, f0),
            hop / rate,
        )
        return Heard(item, dataset, recording, material)

    def perform(
        self, voices: Sequence[Voice], heard: Sequence[Heard], clips: Sequence[Clip]
    ) -> list[Version]:
        """Every voice sings every clip.

        Returns:
            One version per voice, at the rate of :attr:`config`.

        Raises:
            SingwizError: a voice cannot sing a recording.
            Cancelled: the user stopped the work.
        """
        needed = [one for one in heard if any(_is_of(clip, one) for clip in clips)]
        total = len(voices) * len(needed)
        versions = []
        for number, voice in enumerate(voices):
            version = Version(voice.label, voice.made(self.seed), voice.role)
            figures: list[dict[str, float | None]] = []
            singer: Any = None
            for place, one in enumerate(needed):
                if self.reporter.cancelled():
                    raise Cancelled
                done = number * len(needed) + place
                self.reporter.progress(done, total, f"{voice.label}: {one.item.name}")
                if singer is None:
                    singer = self._performer(voice)
                performance = singer(one)
                for clip in clips:
                    if _is_of(clip, one):
                        sound = performance.cut(clip)
                        version.sounds[clip.id] = sound
                        figures.append(self._figures(voice, one, clip, sound, performance))
            version.figures = mean_figures(figures)
            versions.append(version)
        self.reporter.progress(total, total, "sounds")
        return versions

    def _figures(
        self, voice: Voice, one: Heard, clip: Clip, sound: Array, performance: _Performance
    ) -> dict[str, float | None]:
        rate = self.config.audio_sample_rate
        found: dict[str, float | None] = {"loudness_range": loudness_range(sound, rate)}
        if voice.source == "recording":
            return found
        if voice.source == "chain":
            # With other timing a frame is no longer the same moment of the song.
            return found | dict(
                duration_errors(performance.ph_dur, one.item.ph_dur, one.item.ph_seq, self.classes)
            )
        start = int(clip.start * rate)
        truth = one.recording[start : start + len(sound)]
        return found | dict(compare(sound, truth, self.config, self.extractor))

    def _performer(self, voice: Voice) -> Any:
        if voice.source == "recording":
            return lambda one: _Performance(one.recording, self._rate, one.item.ph_dur, one)
        if voice.source == "copy":
            return self._copyist(voice)
        return self._singer(voice)

    @property
    def _rate(self) -> int:
        return self.config.audio_sample_rate

    def _copyist(self, voice: Voice) -> Any:
        from ..config import load_config
        from ..device import choose_device
        from ..synthesis.evaluate import recording_mel
        from ..synthesis.vocoder import VocoderChoice, load_vocoder

        config = load_config(voice.folder / "config.yaml")
        vocoder = load_vocoder(
            config,
            device=choose_device(self.device),
            reporter=Quiet(self.reporter),
            choice=VocoderChoice(voice.vocoder),
        )

        def copy(one: Heard) -> _Performance:
            mel = recording_mel(one.recording, self.config)
            f0, _ = self.extractor.extract(
                one.recording, self._rate, hop_size=self.config.hop_size, length=len(mel)
            )
            return _Performance(vocoder.synthesise(mel, f0), self._rate, one.item.ph_dur, one)

        return copy

    def _singer(self, voice: Voice) -> Any:
        from ..synthesis.singer import Singer
        from ..synthesis.vocoder import VocoderChoice

        quiet = Quiet(self.reporter)
        singer = Singer.load(
            voice.folder,
            variance=voice.variance,
            steps=voice.step,
            device=self.device,
            vocoder=VocoderChoice(voice.vocoder),
            reporter=quiet,
        )
        predict = _all_tags(singer) if voice.source == "chain" else ()

        def sing(one: Heard) -> _Performance:
            rendering = singer.sing(
                dict(one.segment(singer.experiment)),
                predict=predict,
                steps=voice.steps,
                depth=voice.depth,
                seed=self.seed,
                reporter=quiet,
            )
            lengths = [end - start for start, end, _ in rendering.phonemes]
            audio = _resampled(rendering.audio, rendering.sample_rate, self._rate)
            return _Performance(audio, self._rate, lengths, one)

        return sing


@dataclass(frozen=True)
class _Performance:
    """A sung recording: its sound and how long each phoneme became."""

    audio: Array
    rate: int
    ph_dur: Sequence[float]
    heard: Heard

    def cut(self, clip: Clip) -> Array:
        """The stretch of a clip; where timing was predicted, the same phonemes."""
        labelled = np.concatenate([[0.0], np.cumsum(self.heard.item.ph_dur)])
        mine = np.concatenate([[0.0], np.cumsum(self.ph_dur)])
        start = float(np.interp(clip.start, labelled, mine))
        first = round(start * self.rate)
        length = round((clip.end - clip.start) * self.rate)
        part = self.audio[first : first + length]
        return np.pad(part, (0, length - len(part))).astype(np.float32)


class Quiet(Reporter):
    """Passes on warnings, each once, and that the user stopped; progress is told by the caller."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._said: set[tuple[str, str]] = set()

    def warning(self, code: str, message: str, item: str = "") -> None:
        if (code, message) not in self._said:
            self._said.add((code, message))
            self._reporter.warning(code, message, item)

    def cancelled(self) -> bool:
        return self._reporter.cancelled()


def _is_of(clip: Clip, one: Heard) -> bool:
    return clip.item == one.item.name and clip.dataset == one.dataset.name


def _all_tags(singer: Singer) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag for model in singer.variance for tag in model.tags))
    if not tags:
        raise SingwizError(
            "listening-no-variance",
            "For the full chain a variance model is needed, and none is trained.",
            hint="Train one, or leave the full chain out.",
        )
    return tags


def _resampled(audio: Array, rate: int, wanted: int) -> Array:
    if rate == wanted:
        return audio
    import soxr

    resampled: Array = soxr.resample(audio, rate, wanted, quality="HQ")
    return resampled
