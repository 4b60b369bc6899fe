"""Convolutions whose weights are normalised, stored under the names of old checkpoints.

Torch's own reparametrisations either rename the stored tensors or cannot be copied once they have
run. These store the same tensors as the vocoders in use and compute the weight where it is needed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDE = 32
"""Channels from which folded convolutions on a CPU run with channels last."""


class _WeightNorm(nn.Module):
    """Direction and length of the weight are learned apart (arXiv 1602.07868).

    ``weight_g`` ``[d, 1, …]`` is the length along the first dimension, ``weight_v`` the direction.
    Placed before a convolution class, whose ``weight`` it replaces.
    """

    weight: Tensor
    weight_g: Tensor
    weight_v: Tensor

    def _split_weight(self) -> None:
        weight = self._parameters.pop("weight")
        assert weight is not None
        self.register_parameter("weight_g", nn.Parameter(_length(weight.detach())))
        self.register_parameter("weight_v", nn.Parameter(weight.detach()))

    @property
    def is_folded(self) -> bool:
        """True once :meth:`fold` was called."""
        return "weight" in self._parameters

    def effective_weight(self) -> Tensor:
        """The weight the convolution uses."""
        if self.is_folded:
            return self.weight
        return torch._weight_norm(self.weight_v, self.weight_g, 0)

    def fold(self) -> None:
        """Replace length and direction by the plain ``weight``: faster, but no longer to train."""
        if not self.is_folded:
            weight = self.effective_weight().detach()
            del self.weight_g, self.weight_v
            if weight.dim() == 3 and weight.shape[1] >= WIDE:
                image = weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
                weight = image.squeeze(2)
            self.register_parameter("weight", nn.Parameter(weight, requires_grad=False))

    def runs_channels_last(self, x: Tensor) -> bool:
        """True if a one-dimensional convolution is faster as a two-dimensional one of height 1.

        Only two-dimensional ones have a layout with channels last, which takes a third off the
        time of a generator on a CPU. What follows in that layout stays in it.
        """
        wide = self.is_folded and self.weight.shape[1] >= WIDE
        return wide and x.device.type == "cpu" and not torch.jit.is_tracing()


class WeightNormConv1d(_WeightNorm, nn.Conv1d):
    """Conv1d with weight norm; the length is per output channel."""

    def __init__(self, *args: Any, **options: Any) -> None:
        nn.Conv1d.__init__(self, *args, **options)
        self._split_weight()

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C_in, T]`` to ``[B, C_out, T']``."""
        if self.runs_channels_last(x):
            padding, dilation = (0, int(self.padding[0])), (1, self.dilation[0])
            image, kernel = x.unsqueeze(2), self.weight.unsqueeze(2)
            y = F.conv2d(image, kernel, self.bias, (1, self.stride[0]), padding, dilation)
            return y.squeeze(2)
        return self._conv_forward(x, self.effective_weight(), self.bias)


class WeightNormConv2d(_WeightNorm, nn.Conv2d):
    """Conv2d with weight norm; the length is per output channel."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        nn.Conv2d.__init__(self, in_channels, out_channels, kernel, stride, padding)
        self._split_weight()

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C_in, H, W]`` to ``[B, C_out, H', W']``."""
        return self._conv_forward(x, self.effective_weight(), self.bias)


class WeightNormConvTranspose1d(_WeightNorm, nn.ConvTranspose1d):
    """ConvTranspose1d with weight norm; the length is per *input* channel."""

    def __init__(self, *args: Any, **options: Any) -> None:
        nn.ConvTranspose1d.__init__(self, *args, **options)
        self._split_weight()

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``[B, C_in, T]`` to ``[B, C_out, T']``."""
        stride, padding = int(self.stride[0]), int(self.padding[0])
        if self.runs_channels_last(x):
            image, kernel = x.unsqueeze(2), self.weight.unsqueeze(2)
            y = F.conv_transpose2d(image, kernel, self.bias, (1, stride), (0, padding))
            return y.squeeze(2)
        return F.conv_transpose1d(x, self.effective_weight(), self.bias, stride, padding)


class SpectralNormConv1d(nn.Conv1d):
    """Conv1d whose weight is divided by an estimate of its largest singular value.

    Each pass in training mode refines the estimate by one power iteration (arXiv 1802.05957);
    its vectors ``weight_u`` and ``weight_v`` are buffers that belong into a checkpoint.
    """

    weight_orig: Tensor
    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        weight = self._parameters.pop("weight")
        assert weight is not None
        self.register_parameter("weight_orig", nn.Parameter(weight.detach()))
        matrix = weight.flatten(1)
        self.register_buffer("weight_u", _unit(torch.randn(matrix.shape[0])))
        self.register_buffer("weight_v", _unit(torch.randn(matrix.shape[1])))

    def spectral_norm(self) -> Tensor:
        """The estimated norm, scalar; refined first in training mode."""
        # Half precision would spoil an estimate that is refined over a whole training.
        with torch.autocast(self.weight_orig.device.type, enabled=False):
            matrix = self.weight_orig.flatten(1)
            if self.training:
                with torch.no_grad():
                    self.weight_v.copy_(_unit(matrix.t() @ self.weight_u))
                    self.weight_u.copy_(_unit(matrix @ self.weight_v))
            # Later passes overwrite the vectors; the graph of this one needs them as they are.
            return torch.dot(self.weight_u.clone(), matrix @ self.weight_v.clone())

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C_in, T]`` to ``[B, C_out, T']``."""
        return self._conv_forward(x, self.weight_orig / self.spectral_norm(), self.bias)


def fold_weight_norm(module: nn.Module) -> nn.Module:
    """Fold every weight-normalised convolution inside ``module``, in place; returns it."""
    for part in module.modules():
        if isinstance(part, _WeightNorm):
            part.fold()
    return module


def weight_norm_state(module: nn.Module) -> dict[str, Tensor]:
    """The state of a module, folded or not, with all weights as length and direction."""
    state = {}
    for name, value in module.state_dict().items():
        owner = module.get_submodule(name.rpartition(".")[0])
        if isinstance(owner, _WeightNorm) and name.endswith("weight"):
            state[f"{name}_g"], state[f"{name}_v"] = _length(value), value
        else:
            state[name] = value
    return state


def _length(weight: Tensor) -> Tensor:
    """Norm over all dimensions but the first, ``[d, 1, …]``."""
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.dim())), keepdim=True)


def _unit(vector: Tensor) -> Tensor:
    return F.normalize(vector, dim=0, eps=1e-12)
