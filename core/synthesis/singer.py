"""A trained acoustic model and a vocoder that sing songs, maybe with variance models before them.

singer = Singer.load(Path("checkpoints/acoustic"), variance=[Path("checkpoints/variance")])
rendering = singer.sing(Path("song.ds"))
rendering.save_wav(Path("song.wav"))
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..device import choose_device
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..models.outputs import MAIN_OUTPUT, named_outputs
from ..reporting import Reporter
from .completion import Song, complete_song, open_segments, plan_song
from .experiment import Experiment, read_experiment
from .fitting import check_fit
from .networks import (
    checked_steps,
    diverged,
    load_network,
    mixed_embedding,
    row,
    seeded,
)
from .neural import natural_log_mel
from .predictions import check_tags
from .problems import Problems
from .rendering import Rendering, SegmentRendering
from .retakes import Retake
from .score import AcousticInputs, ScoreReader
from .variance import VariancePredictor
from .vocoder import Vocoder, VocoderChoice, load_vocoder
from .vocoding import vocode

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..models.sampling import SamplingOptions

Array = NDArray[np.float32]


@dataclass(frozen=True)
class SungMels:
    """A song before the vocoder.

    Attributes:
        song: what was sung, with everything that was predicted.
        segments: mel and pitch of each segment.
        timings: seconds for ``prepare``, ``variance`` and ``model``.
    """

    song: Song
    segments: tuple[SegmentRendering, ...]
    timings: Mapping[str, float]


@dataclass
class Singer:
    """An acoustic model with everything it needs to sing.

    Attributes:
        experiment: config, phonemes and speakers.
        model: the network, in evaluation mode on ``device``.
        vocoder: mel to sound; None if only mels are wanted.
        device: ``cpu``, ``cuda``, ….
        checkpoint: file the weights came from.
        variance: models that complete songs, in the order in which they run.
    """

    experiment: Experiment
    model: nn.Module
    vocoder: Vocoder | None
    device: str
    checkpoint: Path
    variance: tuple[VariancePredictor, ...] = ()

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        variance: Sequence[Path | str | VariancePredictor] = (),
        steps: int | None = None,
        device: str = "auto",
        config: Config | None = None,
        with_vocoder: bool = True,
        vocoder: VocoderChoice | None = None,
        reporter: Reporter | None = None,
    ) -> Singer:
        """Load an experiment folder.

        Args:
            path: folder with ``config.yaml``, maps, dictionaries and
                ``model_ckpt_steps_<N>.ckpt``.
            variance: experiment folders of variance models, or loaded ones; where several can
                predict the same, the first does.
            steps: which N; the largest if None.
            device: ``auto``, ``cpu``, ``cuda``, ….
            config: used instead of ``config.yaml``.
            with_vocoder: False if only mels are wanted.
            vocoder: instead of the config's.
            reporter: is warned when the configured vocoder is not used, or models differ.

        Raises:
            SingwizError: a folder is incomplete, damaged, or contradicts itself or the others.
        """
        experiment = read_experiment(Path(path), config=config)
        device = choose_device(device)
        predictors = tuple(
            one
            if isinstance(one, VariancePredictor)
            else VariancePredictor.load(one, device=device)
            for one in variance
        )
        check_fit(experiment, [predictor.experiment for predictor in predictors], reporter)
        model, checkpoint = load_network(experiment, steps=steps, device=device)
        sound = None
        if with_vocoder:
            sound = load_vocoder(
                experiment.config, device=device, reporter=reporter, choice=vocoder
            )
        return cls(experiment, model, sound, device, checkpoint, predictors)

    def sing(
        self,
        ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        predict: Collection[str] = (),
        language: str | None = None,
        speaker: str | None = None,
        key: float = 0,
        gender: float | None = None,
        expr: float | None = None,
        retakes: Sequence[Retake] = (),
        steps: int | None = None,
        depth: float | None = None,
        seed: int | None = None,
        reporter: Reporter | None = None,
    ) -> Rendering:
        """Sing a song.

        Args:
            ds: DS file, its segments, or one segment.
            predict: ``dur``, ``pitch``, ``energy``, ``breathiness``, ``voicing``, ``tension``:
                predicted by the variance models even where the song has them. What the song
                lacks and the voice needs is predicted anyway.
            language: replaces ``lang`` of every segment.
            speaker: name or mix such as ``anna:0.3|ben:0.7``; replaces ``spk_mix``.
            key: semitones to transpose by.
            gender: −1..1; replaces the segments' ``gender``.
            expr: 0..1, how lively a predicted pitch is; replaces the segments' ``expr``.
            retakes: parts to predict anew.
            steps: sampling steps of all models instead of their configs'.
            depth: 0..1, share of the sampling that is done after the auxiliary decoder; at most
                what the model was trained for.
            seed: of the noise sampling starts from, the same for every segment; a segment's own
                ``seed`` is stronger. None = different each time.
            reporter: receives progress per segment and warnings.

        Raises:
            SingwizError: the song lacks something, or options do not fit the models. Songs are
                checked as a whole before a model runs.
            Cancelled: the user stopped the work.
        """
        began = time.perf_counter()
        if self.vocoder is None:
            raise ValueError("this singer was loaded without vocoder: use mels()")
        sung = self.mels(
            ds,
            predict=predict,
            language=language,
            speaker=speaker,
            key=key,
            gender=gender,
            expr=expr,
            retakes=retakes,
            steps=steps,
            depth=depth,
            seed=seed,
            reporter=reporter,
        )
        start = time.perf_counter()
        audio = vocode(sung.segments, self.vocoder, reporter=reporter)
        ended = time.perf_counter()
        return Rendering(
            audio=audio,
            sample_rate=self.vocoder.sample_rate,
            hop_size=self.vocoder.hop_size,
            segments=sung.segments,
            is_preview=self.vocoder.is_preview,
            timings={**sung.timings, "vocoder": ended - start, "total": ended - began},
            song=sung.song,
        )

    def mels(
        self,
        ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        predict: Collection[str] = (),
        language: str | None = None,
        speaker: str | None = None,
        key: float = 0,
        gender: float | None = None,
        expr: float | None = None,
        retakes: Sequence[Retake] = (),
        steps: int | None = None,
        depth: float | None = None,
        seed: int | None = None,
        reporter: Reporter | None = None,
    ) -> SungMels:
        """Sing a song up to the mels; arguments and errors as for :meth:`sing`."""
        began = time.perf_counter()
        reporter = reporter or Reporter()
        options = self._sampling(steps, depth)
        gender = self._gender(gender, reporter)
        reader = ScoreReader(
            self.experiment.config, self.experiment.phonemes, self.experiment.spk_map
        )
        song = Song(tuple(open_segments(ds, key=key)), ())
        prediction: dict[str, Any] = {
            "predict": predict,
            "needed": reader.needs,
            "language": language,
            "speaker": speaker,
            "expr": expr,
            "retakes": retakes,
        }
        who: dict[str, Any] = {"language": language, "speaker": speaker, "gender": gender}
        self._check(song, reader, prediction, who)
        prepared = time.perf_counter()
        if self.variance:
            song = complete_song(
                self.variance, song.segments, **prediction, steps=steps, seed=seed,
                reporter=reporter,
            )  # fmt: skip
            _report(song, reporter)
        completed = time.perf_counter()
        inputs = [reader.read(s, k, **who) for k, s in enumerate(song.segments, start=1)]
        parts = []
        for number, part in enumerate(inputs, start=1):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(number - 1, len(inputs), f"singing part {number} of {len(inputs)}")
            mel = self._mel(part, options, part.seed if part.seed is not None else seed, number)
            parts.append(SegmentRendering(part.offset, part.ph_seq, part.frames, mel, part.f0))
        reporter.progress(len(inputs), len(inputs), "singing")
        timings = {
            "prepare": prepared - began,
            "variance": completed - prepared,
            "model": time.perf_counter() - completed,
        }
        return SungMels(song, tuple(parts), timings)

    def _check(
        self,
        song: Song,
        reader: ScoreReader,
        prediction: Mapping[str, Any],
        who: Mapping[str, Any],
    ) -> None:
        """Everything that is wrong with song and options, before a model runs."""
        problems = Problems()
        promised: list[frozenset[str]] = [frozenset()] * len(song.segments)
        if self.variance:
            plans = plan_song(self.variance, song.segments, **prediction, problems=problems)
            promised = [segment_plan.kept for segment_plan in plans]
        else:
            check_tags([*prediction["predict"], *(r.tag for r in prediction["retakes"])], [])
        for number, (segment, tags) in enumerate(zip(song.segments, promised, strict=True), 1):
            with problems.collected():
                reader.check(segment, number, tags, **who)
        problems.raise_any()

    def _gender(self, gender: float | None, reporter: Reporter) -> float | None:
        if gender is None:
            return None
        if not -1.0 <= gender <= 1.0:
            raise SingwizError(
                "gender-range",
                f"Gender {gender:g} is outside of -1 to 1.",
                hint="Choose a value between -1 and 1.",
                exit_code=USAGE_PROBLEM,
            )
        if gender and not self.experiment.config.to_dict().get("use_key_shift_embed"):
            reporter.warning(
                "gender-ignored", "This voice was trained without key shift: gender has no effect."
            )
        return gender

    def _sampling(self, steps: int | None, depth: float | None) -> SamplingOptions:
        """The sampling options of the config with the user's choices, checked."""
        from ..models.sampling import SamplingOptions, trained_start

        keys = self.experiment.config.to_dict()
        checked_steps(steps)
        if depth is not None:
            if keys.get("architecture") or not keys.get("use_shallow_diffusion"):
                raise SingwizError(
                    "sampling-depth",
                    "This voice was trained without shallow diffusion, so it has no depth.",
                    hint="Leave the depth out.",
                    exit_code=USAGE_PROBLEM,
                )
            deepest = 1.0 - trained_start(keys)
            if not 0.0 <= depth <= deepest + 1e-9:
                raise SingwizError(
                    "sampling-depth",
                    f"Depth {depth:g} is outside of what this voice was trained for.",
                    hint=f"Choose a depth between 0 and {deepest:g}.",
                    exit_code=USAGE_PROBLEM,
                )
        return SamplingOptions.from_config(keys, steps=steps, depth=depth)

    def _mel(
        self, part: AcousticInputs, options: SamplingOptions, seed: int | None, number: int
    ) -> Array:
        """Natural-log mel ``[T, bins]`` of one segment."""
        import torch

        network: Any = self.model
        with torch.inference_mode():
            wishes = {"sampling": options, "random": seeded(seed)}
            outputs = named_outputs(network.inference(self._tensors(part), wishes))
            mel = outputs[MAIN_OUTPUT][0].float().cpu().numpy().astype(np.float32)
        if not np.isfinite(mel).all():
            raise diverged(f"segment {number}")
        return natural_log_mel(mel, self.experiment.config.to_dict().get("mel_base", "10"))

    def _tensors(self, part: AcousticInputs) -> dict[str, torch.Tensor]:
        """The inputs of one segment as a batch of one."""
        optional = {"languages": part.languages, "key_shift": part.key_shift, "speed": part.speed}
        arrays: dict[str, NDArray[Any]]
        arrays = {"txt_tokens": part.tokens, "mel2ph": part.mel2ph, "f0": part.f0, **part.curves}
        arrays |= {name: values for name, values in optional.items() if values is not None}
        batch = {name: row(values, self.device) for name, values in arrays.items()}
        if part.speakers is not None:
            network: Any = self.model
            table = network.speaker_table
            batch["spk_mix_embed"] = mixed_embedding(table, part.speakers, self.device)
        return batch


def _report(song: Song, reporter: Reporter) -> None:
    """Say what was predicted, and where if not everywhere."""
    total = len(song.segments)
    for tag, count in song.count().items():
        where = "" if count == total else f" in {count} of {total} parts"
        reporter.log(f"Predicted: {tag}{where}")
