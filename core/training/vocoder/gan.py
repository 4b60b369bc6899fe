"""A vocoder against its discriminators: what is sung, what it is worth, and who learns from it.

It fulfils the contract of everything that is trained, with two optimizers; devices and data are the
task's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torch.optim import Optimizer

from ...features.mel import mel_filterbank
from ...models.outputs import MAIN_OUTPUT, named_outputs
from ...models.randomness import GLOBAL_RANDOM, RandomSource
from ...models.vocoder.config import GeneratorConfig
from ...models.vocoder.discriminators import Judgement, build_discriminators
from ...models.vocoder.generator import Generator
from ...models.vocoder.losses import Losses, VocoderCriterion, pitch_control_loss
from ...models.vocoder.mel import HifiGanMelSpectrogram, MelSpectrogram
from ..contract import LOSS, Criterion, Outputs, TrainableModel
from .optimizers import GanOptimizers, frozen

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
"""Names of the two optimizers."""

DISCRIMINATORS = {
    "nsf": ("msd", "mpd"),
    "fast": ("fast_mrd", "fast_mpd"),
    "hifigan": ("msd", "mpd"),
}
"""The families of each recipe, in the order in which they judge."""


@dataclass
class Performance:
    """What the generator made of a batch.

    Attributes:
        fake: ``[B', 1, N]`` what the discriminators hear; its first rows belong to the batch.
        compared: ``[B'', 1, N]`` what is compared with recordings by spectrograms, or None: fake.
        target: ``[B'', 1, N]`` what it is compared with, or None: the recordings.
        parts: named stretches of pitch control, for those who want to look at them.
        loss: of pitch control, or None.
    """

    fake: Tensor
    compared: Tensor | None = None
    target: Tensor | None = None
    parts: dict[str, Tensor] | None = None
    loss: Tensor | None = None


def network_config(options: Mapping[str, Any]) -> dict[str, Any]:
    """A training config as the networks want it, its family and discriminators spelt out.

    Args:
        options: a plain config.
    """
    recipe = options.get("gan_recipe") or "nsf"
    args = dict(options["model_args"])
    args["discriminators"] = list(DISCRIMINATORS[recipe])
    nsf = "mini" if args.get("mini_nsf") else "nsf"
    args["excitation"] = "none" if recipe == "hifigan" else nsf
    return {**options, "model_args": args}


class GanCriterion(Criterion):
    """What discriminators and generator have to minimise.

    Args:
        gan: judges and compares.
    """

    names = ("aux_mel_loss",)

    def __init__(self, gan: Gan) -> None:
        super().__init__()
        # Not the model itself: it would become a child.
        self._losses = {
            DISCRIMINATOR: gan.discriminator_loss,
            GENERATOR: gan.worth,
        }
        self._mel_weight = max(gan.criterion.mel_weight, 1e-9)

    def compute(
        self, outputs: Outputs, batch: Mapping[str, Any], optimizer_name: str = GENERATOR
    ) -> dict[str, Tensor]:
        """``loss``, and what it is made of."""
        loss, parts = self._losses[optimizer_name](outputs["performance"], batch["audio"])
        if "aux_mel_loss" in parts:
            parts = {**parts, "mel_spec_error": parts["aux_mel_loss"] / self._mel_weight}
        return {LOSS: loss, **parts}


class Gan(TrainableModel):
    """Generator, discriminators and losses of a training config.

    Attributes:
        generator: mel and F0 to sound.
        discriminator: the families by name.
        joint: generated sound and recordings are judged in one pass.
        max_f0: Hz, what the excitation can carry.
        judged: discriminators have a say in what the generator is worth.
    """

    category = "vocoder"
    optimizers = (DISCRIMINATOR, GENERATOR)
    _sung: tuple[Mapping[str, Any], dict[str, Any]] | None = None

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Build with fresh weights.

        Args:
            options: a plain config.

        Raises:
            ValueError: the config fits no network.
        """
        super().__init__()
        config = network_config(options)
        self.generator = Generator(config)
        if options.get("pitch_first"):
            self.generator.put_pitch_first()
        self.discriminator = build_discriminators(config)
        self.options = options
        self.joint = options.get("gan_recipe") == "fast"
        structure: GeneratorConfig = self.generator.structure
        carried = structure.excitation_rate or float(options["audio_sample_rate"])
        self.max_f0 = carried / 2
        self.judged = True
        self.mel = self._mel(options.get("fmax"))
        self.criterion = VocoderCriterion(options, self._mel(options.get("fmax_for_loss")))

    def _mel(self, fmax: float | None) -> MelSpectrogram:
        options = self.options
        rate = int(options["audio_sample_rate"])
        filters = mel_filterbank(
            sample_rate=rate,
            fft_size=int(options["fft_size"]),
            num_mels=int(options["audio_num_mel_bins"]),
            fmin=float(options["fmin"]),
            fmax=float(fmax or rate / 2),
        )
        original = options.get("gan_recipe") == "hifigan"
        return (HifiGanMelSpectrogram if original else MelSpectrogram)(
            torch.from_numpy(filters.copy()),
            fft_size=int(options["fft_size"]),
            win_size=int(options["win_size"]),
            hop_size=int(options["hop_size"]),
        )

    @classmethod
    def init_from_config(cls, config: Mapping[str, Any], *, vocab_size: int = 0) -> Self:
        """See :meth:`..contract.TrainableModel.init_from_config`; vocoders read no phonemes."""
        return cls(config)

    # The contract ----------------------------------------------------------------------

    def has_unused_parameters(self) -> bool:
        """Each half of a step leaves one of the networks out."""
        return True

    def format_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """``mel`` ``[B, bins, T]``, ``f0`` ``[B, T]`` and ``audio`` ``[B, 1, N]``."""
        return {name: batch[name] for name in ("mel", "f0", "audio")}

    def forward(self, mel: Tensor, f0: Tensor, audio: Tensor) -> dict[str, Any]:
        """Sing a batch; ``performance`` is what the criterion judges."""
        performance = self.perform(mel, f0, audio)
        return {MAIN_OUTPUT: performance.fake, "performance": performance}

    def inference(
        self, inputs: Mapping[str, Tensor], aux_input: Mapping[str, Any] | None = None
    ) -> dict[str, Tensor]:
        """Sing ``mel`` and ``f0``: sound ``[B, 1, N]``; ``random`` of ``aux_input`` draws."""
        random = (aux_input or {}).get("random", GLOBAL_RANDOM)
        return {MAIN_OUTPUT: self.generator(inputs["mel"], inputs["f0"], random=random)}

    def get_criterion(self) -> Criterion:
        """See :class:`GanCriterion`."""
        return GanCriterion(self)

    def train_step(
        self, batch: Mapping[str, Any], criterion: Criterion, optimizer_name: str = GENERATOR
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Discriminators first, then the generator against what they have become.

        The generator sings once per batch: what the discriminators have judged it is judged by.
        """
        if self._sung is not None and self._sung[0] is batch:
            outputs = self._sung[1]
        else:
            outputs = named_outputs(self(**batch))
        if optimizer_name == DISCRIMINATOR:
            self._sung = (batch, outputs)
            return outputs, criterion(outputs, batch, optimizer_name)
        self._sung = None
        with frozen(self.discriminator):
            return outputs, criterion(outputs, batch, optimizer_name)

    def get_optimizers(self) -> dict[str, Optimizer]:
        """Generator first, then discriminators, as in the checkpoints in use.

        Raises:
            SingwizError: unknown class or unusable arguments.
        """
        both = GanOptimizers.build(self, self.options)
        return {GENERATOR: both.generator, DISCRIMINATOR: both.discriminator}

    def get_schedulers(self, optimizers: Mapping[str, Optimizer]) -> dict[str, Any]:
        """None: the rates follow from step and epoch, see :class:`.optimizers.GanOptimizers`."""
        return {}

    # What is sung ----------------------------------------------------------------------

    def perform(
        self, mel: Tensor, f0: Tensor, audio: Tensor, *, random: RandomSource = GLOBAL_RANDOM
    ) -> Performance:
        """Sing a batch.

        Args:
            mel: ``[B, bins, T]`` natural log.
            f0: ``[B, T]`` Hz.
            audio: ``[B, 1, N]`` the recordings.
            random: source of all draws.
        """
        if self.options.get("pc_aug"):
            return self._perform_shifted(mel, f0, audio, random)
        return Performance(self.generator(mel, f0, random=random))

    def _perform_shifted(
        self, mel: Tensor, f0: Tensor, audio: Tensor, random: RandomSource
    ) -> Performance:
        """Sing a part of the batch at other pitches, and back again.

        Whatever is sung at another pitch and then, from its own mel, at the first one has to be
        the recording; and two shifts have to give what their sum gives.
        """
        options = self.options
        rows = math.ceil(len(mel) * float(options["pc_aug_rate"]))
        if not rows:
            return Performance(self.generator(mel, f0, random=random))
        widest = float(options["pc_aug_key"])
        top, device = self.max_f0, mel.device

        def shifted(hertz: Tensor, semitones: Tensor) -> Tensor:
            return (hertz * 2 ** (semitones / 12)[:, None]).clamp(max=top)

        home = f0[:rows]
        c = (2 * random.uniform(rows, device=device) - 1) * widest
        f0_c = shifted(home, c)
        both = self.generator(mel, torch.cat([f0_c, f0[rows:]]), random=random)
        wave_c, plain = both[:rows], both[rows:]
        back = self.generator(self.mel(wave_c), home, random=random)
        low, high = c.clamp(min=0) - widest, c.clamp(max=0) + widest
        a = (high - low) * random.uniform(rows, device=device) + low
        wave_a = self.generator(mel[:rows], shifted(home, a), random=random)
        wave_ab = self.generator(self.mel(wave_a), f0_c, random=random)
        return Performance(
            fake=torch.cat([back, plain, wave_c, wave_a, wave_ab]),
            compared=torch.cat([back, plain, wave_ab]),
            target=torch.cat([audio, wave_c]),
            parts={
                "audio": torch.cat([back, plain]),
                "audio_shift_c": wave_c,
                "audio_shift_a": wave_a,
                "audio_shift_ab": wave_ab,
            },
            loss=pitch_control_loss(wave_ab, wave_c),
        )

    # What it is worth ------------------------------------------------------------------

    def judge(self, wave: Tensor, **options: Any) -> dict[str, Judgement]:
        """What every family says about ``[B, 1, N]``."""
        return {name: family(wave, **options) for name, family in self.discriminator.items()}

    def discriminator_loss(self, performance: Performance, audio: Tensor) -> Losses:
        """What the discriminators have to minimise; nothing flows into the generator."""
        fake = performance.fake.detach()
        if self.joint:
            judged = self.judge(torch.cat([fake, audio]))
            return self.criterion.joint_discriminator(judged, len(fake))
        # Generated sound first: the spectral norms are refined at each pass.
        of_fake = self.judge(fake)
        return self.criterion.discriminator(self.judge(audio), of_fake)

    def worth(self, performance: Performance, audio: Tensor) -> Losses:
        """What the generator has to minimise in the present phase of the training."""
        loss = self.generator_loss if self.judged else self.auxiliary_loss
        return loss(performance, audio)

    def generator_loss(self, performance: Performance, audio: Tensor) -> Losses:
        """What the generator has to minimise, with the discriminators as they are now."""
        of_fake = self.judge(performance.fake)
        with torch.no_grad():
            of_real = self.judge(audio, **({"infer_last_layer": False} if self.joint else {}))
        total, logs = self.criterion.generator(of_real, of_fake)
        auxiliary, more = self.auxiliary_loss(performance, audio)
        return total + auxiliary, {**logs, **more}

    def auxiliary_loss(self, performance: Performance, audio: Tensor) -> Losses:
        """The part of it in which discriminators have no say."""
        compared, target = performance.compared, performance.target
        total, logs = self.criterion.auxiliary(
            performance.fake if compared is None else compared,
            audio if target is None else target,
        )
        if performance.loss is not None:
            total = total + performance.loss
            logs = {"pc_wav_loss": performance.loss.detach(), **logs}
        return total, logs
