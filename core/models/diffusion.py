"""What both diffusion cores share: value ranges and the layout of images.

Not for the mathematics of either: see :mod:`.ddpm` and :mod:`.reflow`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .backbones import Backbone
from .randomness import GLOBAL_RANDOM, RandomSource
from .sampling import SamplingOptions


def normalise(spec: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Map ``low`` … ``high`` to -1 … 1, without clipping."""
    return 2.0 * (spec - low) / (high - low) - 1.0


def denormalise(spec: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Map -1 … 1 to ``low`` … ``high``."""
    return (spec + 1.0) / 2.0 * (high - low) + low


Limits = Sequence[float] | Sequence[Sequence[float]]
"""One end of a value range: one number for all, one per bin, or a list ``[v]`` per feature."""


class DiffusionCore(nn.Module, ABC):
    """Turns noise into mels or curves under a condition.

    A target is a mel ``[B, T, M]`` or, with several features, ``[B, F, T, M]``; the backbone sees
    images ``[B, F, M, T]``.
    """

    spec_min: Tensor
    spec_max: Tensor

    def __init__(
        self,
        *,
        out_dims: int,
        num_feats: int,
        spec_min: Limits,
        spec_max: Limits,
        save_range: bool,
        sampling: SamplingOptions | None,
    ) -> None:
        super().__init__()
        self.out_dims = out_dims
        self.num_feats = num_feats
        self.sampling = sampling or SamplingOptions()
        for name, values in (("spec_min", spec_min), ("spec_max", spec_max)):
            # DiffSinger keeps no more entries than there are bins, also of a list of features.
            limits = torch.tensor(values[:out_dims], dtype=torch.float32)
            entries = num_feats if limits.dim() == 2 else out_dims
            if len(limits) not in (1, entries):
                raise ValueError(f"{name} has {len(limits)} values; it needs 1 or {entries}")
            shape = (1, -1, 1, 1) if limits.dim() == 2 else (1, 1, -1)
            self.register_buffer(name, limits.view(shape), persistent=save_range)

    def norm_spec(self, spec: Tensor) -> Tensor:
        """Map spec_min … spec_max to -1 … 1."""
        return normalise(spec, self.spec_min, self.spec_max)

    def denorm_spec(self, spec: Tensor) -> Tensor:
        """Map -1 … 1 to spec_min … spec_max."""
        return denormalise(spec, self.spec_min, self.spec_max)

    def to_image(self, spec: Tensor) -> Tensor:
        """``[B, T, M]`` or ``[B, F, T, M]`` -> ``[B, F, M, T]``."""
        image = spec.transpose(-2, -1)
        return image.unsqueeze(1) if self.num_feats == 1 else image

    def to_spec(self, image: Tensor) -> Tensor:
        """``[B, F, M, T]`` -> ``[B, T, M]`` or ``[B, F, T, M]``."""
        return (image[:, 0] if self.num_feats == 1 else image).transpose(-2, -1)

    @property
    @abstractmethod
    def backbone(self) -> Backbone:
        """The network, under whatever name checkpoints give it."""

    @abstractmethod
    def forward(
        self, cond: Tensor, target: Tensor, *, random: RandomSource = GLOBAL_RANDOM
    ) -> tuple[Tensor, ...]:
        """One training example per sample: prediction ``[B, F, M, T]``, its target, and times."""

    @abstractmethod
    def sample_image(
        self,
        x: Tensor,
        source: Tensor | None,
        condition: object,
        options: SamplingOptions,
        random: RandomSource,
    ) -> Tensor:
        """From noise ``x`` (and a normalised source image) to a normalised image."""

    @torch.no_grad()
    def sample(
        self,
        cond: Tensor,
        *,
        source: Tensor | None = None,
        options: SamplingOptions | None = None,
        random: RandomSource = GLOBAL_RANDOM,
    ) -> Tensor:
        """Draw a target.

        Args:
            cond: condition ``[B, T, H]``.
            source: coarse target to start from (shallow diffusion), in the units of the target;
                without it sampling starts from noise.
            options: how to sample; the config's options if not given.
            random: start noise is its first draw.

        Returns:
            ``[B, T, M]`` or ``[B, F, T, M]``, in the units of the target.
        """
        shape = (len(cond), self.num_feats, self.out_dims, cond.shape[1])
        x = random.normal(shape, device=cond.device)
        source_image = None if source is None else self.to_image(self.norm_spec(source))
        condition = self.backbone.project_condition(cond.transpose(1, 2))
        x = self.sample_image(x, source_image, condition, options or self.sampling, random)
        return self.denorm_spec(self.to_spec(x))
