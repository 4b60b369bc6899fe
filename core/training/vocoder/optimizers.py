"""The two optimizers of a vocoder training, their learning rates, and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from ...errors import SingwizError
from ..optimizers import build_optimizer
from .muon import VocoderMuonAdamW

if TYPE_CHECKING:
    from .gan import Gan

ARGUMENTS = ("generater_optimizer_args", "discriminate_optimizer_args")
"""Config keys of the two, generator first; the spelling is SingingVocoders'."""


@dataclass(frozen=True)
class GanOptimizers:
    """One optimizer for each side."""

    generator: Optimizer
    discriminator: Optimizer

    @classmethod
    def build(cls, gan: Gan, options: Mapping[str, Any]) -> GanOptimizers:
        """The optimizers of a config.

        Raises:
            SingwizError: unknown class or unusable arguments.
        """
        # The layouts of the states follow SingingVocoders and HiFi-GAN, so that theirs resume.
        one_group = options.get("gan_recipe") == "hifigan"
        families = () if one_group else tuple(gan.discriminator.children())
        mine, theirs = (options[name] for name in ARGUMENTS)
        return cls(
            build_optimizer(gan.generator, mine, muon=VocoderMuonAdamW),
            build_optimizer(gan.discriminator, theirs, muon=VocoderMuonAdamW, groups=families),
        )

    def set_rates(self, options: Mapping[str, Any], *, step: int, epoch: int) -> None:
        """Give both the learning rates of a step, from the config as it is now."""
        schedule = options.get("lr_scheduler_args") or {}
        for optimizer, name in zip((self.generator, self.discriminator), ARGUMENTS, strict=True):
            rate = float(options[name]["lr"]) * rate_factor(schedule, step=step, epoch=epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate


def rate_factor(schedule: Mapping[str, Any], *, step: int, epoch: int) -> float:
    """The learning rate of a step as a share of the configured one.

    Args:
        schedule: ``scheduler_cls`` with ``gamma`` for ``exponential`` (per epoch, 0.999 unless
            given) or ``warmup_steps`` for ``warmup`` (linear, 1000 unless given).
        step: batches trained on before.
        epoch: epochs completed before.

    Raises:
        SingwizError: unknown schedule, or a number that makes none.
    """
    name = str(schedule.get("scheduler_cls") or "constant")
    if name == "constant":
        return 1.0
    if name == "exponential":
        gamma = schedule.get("gamma")
        return float(0.999 if gamma is None else gamma) ** epoch
    if name == "warmup":
        steps = max(1, int(schedule.get("warmup_steps") or 1000))
        return min(1.0, (step + 1) / steps)
    raise SingwizError(
        "scheduler-unknown",
        f"There is no learning-rate schedule called '{name}' for vocoders.",
        hint="Set lr_scheduler_args.scheduler_cls to constant, exponential or warmup.",
    )


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """No gradients for the module's parameters inside the block."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def freeze(gan: Gan, prefixes: list[str]) -> int:
    """Keep weights as they are whose name begins with a prefix, e.g. ``discriminator.mpd``.

    Buffers that match (the state of spectral norms) are left alone.

    Returns:
        How many parameters were frozen.

    Raises:
        SingwizError: a prefix matches nothing, or the whole generator would be frozen.
    """
    names = list(gan.state_dict())
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            raise SingwizError(
                "freeze-unknown",
                f"frozen_params names '{prefix}', but no weight of the vocoder begins so.",
                hint="Names begin with 'generator.' or 'discriminator.', e.g. 'discriminator.mpd'.",
            )
    count = 0
    for name, parameter in gan.named_parameters():
        if any(name.startswith(prefix) for prefix in prefixes):
            parameter.requires_grad_(False)
            count += 1
    if not any(parameter.requires_grad for parameter in gan.generator.parameters()):
        raise SingwizError(
            "freeze-everything",
            "frozen_params freezes the whole generator; nothing is left to train.",
            hint="Freeze a part only, e.g. 'discriminator.mpd'.",
        )
    return count
