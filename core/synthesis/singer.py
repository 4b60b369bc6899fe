"""A trained acoustic model and a vocoder that sing songs.

rendering = Singer.load(Path("checkpoints/acoustic")).sing(Path("song.ds"))
rendering.save_wav(Path("song.wav"))
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..dataset.ds import read_ds
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .experiment import Experiment, read_experiment
from .neural import natural_log_mel
from .rendering import Rendering, SegmentRendering
from .score import AcousticInputs, ScoreReader
from .stitching import stitch
from .vocoder import Vocoder, VocoderChoice, load_vocoder

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..models.sampling import SamplingOptions

Array = NDArray[np.float32]


@dataclass
class Singer:
    """An acoustic model with everything it needs to sing.

    Attributes:
        experiment: config, phonemes and speakers.
        model: the network, in evaluation mode on ``device``.
        vocoder: mel to sound.
        device: ``cpu``, ``cuda``, ….
        checkpoint: file the weights came from.
    """

    experiment: Experiment
    model: nn.Module
    vocoder: Vocoder
    device: str
    checkpoint: Path

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        steps: int | None = None,
        device: str = "auto",
        config: Config | None = None,
        vocoder: VocoderChoice | None = None,
        reporter: Reporter | None = None,
    ) -> Singer:
        """Load an experiment folder.

        Args:
            path: folder with ``config.yaml``, maps, dictionaries and
                ``model_ckpt_steps_<N>.ckpt``.
            steps: which N; the largest if None.
            device: ``auto``, ``cpu``, ``cuda``, ….
            config: used instead of ``config.yaml``.
            vocoder: instead of the config's.
            reporter: is warned when the configured vocoder is not used.

        Raises:
            SingwizError: the folder is incomplete, damaged, or contradicts itself.
        """
        from ..checkpoint import latest_checkpoint, load_weights
        from ..models import build_model

        experiment = read_experiment(Path(path), config=config)
        checkpoint = latest_checkpoint(experiment.folder, steps)
        if checkpoint is None:
            what = "checkpoint" if steps is None else f"checkpoint of step {steps}"
            raise SingwizError(
                "checkpoint-missing",
                f"The experiment folder has no {what}.",
                hint="Train the model first, or choose another folder or step.",
                where=str(experiment.folder),
                exit_code=USAGE_PROBLEM,
            )
        device = _device(device)
        keys = experiment.config.to_dict()
        try:
            model = build_model("acoustic", keys, vocab_size=experiment.phonemes.vocab_size)
        except (ValueError, TypeError, KeyError) as error:
            raise SingwizError(
                "config-model",
                f"The config of the experiment does not describe a model: {error}.",
                hint="Copy config.yaml again from where the model was trained.",
                where=str(experiment.folder / "config.yaml"),
            ) from error
        load_weights(model, checkpoint, "acoustic")
        sound = load_vocoder(experiment.config, device=device, reporter=reporter, choice=vocoder)
        return cls(experiment, model.eval().to(device), sound, device, checkpoint)

    def sing(
        self,
        ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        language: str | None = None,
        speaker: str | None = None,
        key: float = 0,
        gender: float = 0.0,
        steps: int | None = None,
        depth: float | None = None,
        seed: int | None = None,
        reporter: Reporter | None = None,
    ) -> Rendering:
        """Sing a song.

        Args:
            ds: DS file, its segments, or one segment.
            language: replaces ``lang`` of every segment.
            speaker: name or mix such as ``anna:0.3|ben:0.7``; replaces ``spk_mix``.
            key: semitones to transpose by.
            gender: −1..1; unless 0 it replaces the segments' ``gender``.
            steps: sampling steps instead of the config's.
            depth: 0..1, share of the sampling that is done after the auxiliary decoder; at most
                what the model was trained for.
            seed: of the noise sampling starts from, the same for every segment; a segment's own
                ``seed`` is stronger. None = different each time.
            reporter: receives progress per segment and warnings.

        Raises:
            SingwizError: the song lacks something, or options do not fit the model.
            Cancelled: the user stopped the work.
        """
        began = time.perf_counter()
        reporter = reporter or Reporter()
        segments = _segments(ds)
        options = self._sampling(steps, depth)
        keys = self.experiment.config.to_dict()
        if not -1.0 <= gender <= 1.0:
            raise SingwizError(
                "gender-range",
                f"Gender {gender:g} is outside of -1 to 1.",
                hint="Choose a value between -1 and 1.",
                exit_code=USAGE_PROBLEM,
            )
        if gender and not keys.get("use_key_shift_embed"):
            reporter.warning(
                "gender-ignored", "This voice was trained without key shift: gender has no effect."
            )
        reader = ScoreReader(
            self.experiment.config, self.experiment.phonemes, self.experiment.spk_map
        )
        inputs = [
            reader.read(segment, i + 1, language=language, speaker=speaker, key=key, gender=gender)
            for i, segment in enumerate(segments)
        ]
        timings = {"prepare": time.perf_counter() - began, "model": 0.0, "vocoder": 0.0}
        parts: list[SegmentRendering] = []
        pieces: list[tuple[float, Array]] = []
        for i, part in enumerate(inputs):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(i, len(inputs), f"singing part {i + 1} of {len(inputs)}")
            start = time.perf_counter()
            mel = self._mel(part, options, part.seed if part.seed is not None else seed, i + 1)
            middle = time.perf_counter()
            audio = self.vocoder.synthesise(mel, part.f0)
            timings["model"] += middle - start
            timings["vocoder"] += time.perf_counter() - middle
            pieces.append((part.offset, audio))
            parts.append(SegmentRendering(part.offset, part.ph_seq, part.frames, mel, part.f0))
        audio = stitch(pieces, self.vocoder.sample_rate)
        reporter.progress(len(inputs), len(inputs), "singing")
        timings["total"] = time.perf_counter() - began
        return Rendering(
            audio=audio,
            sample_rate=self.vocoder.sample_rate,
            hop_size=self.vocoder.hop_size,
            segments=tuple(parts),
            is_preview=self.vocoder.is_preview,
            timings=timings,
        )

    def _sampling(self, steps: int | None, depth: float | None) -> SamplingOptions:
        """The sampling options of the config with the user's choices, checked."""
        from ..models.sampling import SamplingOptions, trained_start

        keys = self.experiment.config.to_dict()
        if steps is not None and steps < 1:
            raise SingwizError(
                "sampling-steps",
                "Sampling needs at least one step.",
                hint="Choose 10 to 50 steps.",
                exit_code=USAGE_PROBLEM,
            )
        if depth is not None:
            if not keys.get("use_shallow_diffusion"):
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

        from ..models.randomness import GLOBAL_RANDOM, RandomSource

        random = GLOBAL_RANDOM
        if seed is not None:
            # Drawn on the CPU, so that a seed sounds the same on every device.
            random = RandomSource(torch.Generator().manual_seed(seed & 0xFFFFFFFF))
        with torch.inference_mode():
            output = self.model(**self._tensors(part), infer=True, sampling=options, random=random)
            mel = output.diff_out[0].float().cpu().numpy().astype(np.float32)
        if not np.isfinite(mel).all():
            raise SingwizError(
                "model-diverged",
                "The model gives no usable sound: its numbers ran out of range.",
                hint="Use an earlier checkpoint, or train again with a lower learning rate.",
                where=f"segment {number}",
            )
        return natural_log_mel(mel, self.experiment.config.to_dict().get("mel_base", "10"))

    def _tensors(self, part: AcousticInputs) -> dict[str, torch.Tensor]:
        """The inputs of one segment as a batch of one."""
        import torch

        def row(values: NDArray[Any]) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).unsqueeze(0).to(self.device)

        batch = {"txt_tokens": row(part.tokens), "mel2ph": row(part.mel2ph), "f0": row(part.f0)}
        optional = {"languages": part.languages, "key_shift": part.key_shift, "speed": part.speed}
        batch |= {name: row(values) for name, values in optional.items() if values is not None}
        batch |= {name: row(curve) for name, curve in part.curves.items()}
        if part.speakers is not None:
            ids = torch.from_numpy(part.speakers.ids).to(self.device)
            weights = row(part.speakers.weights)
            condition: Any = self.model.fs2
            batch["spk_mix_embed"] = weights @ condition.spk_embed(ids)
        return batch


def _segments(
    ds: Path | str | Sequence[Mapping[str, Any]] | Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    if isinstance(ds, str | Path):
        segments: list[Mapping[str, Any]] = list(read_ds(Path(ds)))
    elif isinstance(ds, Mapping):
        segments = [ds]
    else:
        segments = list(ds)
    if not segments:
        raise SingwizError(
            "ds-empty",
            "The song has no segments.",
            hint="Export it again from the editor, with the parts selected.",
        )
    return segments


def _device(wanted: str) -> str:
    """Resolve ``auto`` and refuse devices that are not there."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise SingwizError(
            "device-unavailable",
            f"The device '{wanted}' cannot be used on this machine.",
            hint="Use 'auto' or 'cpu'.",
            exit_code=USAGE_PROBLEM,
        ) from error
    return wanted
