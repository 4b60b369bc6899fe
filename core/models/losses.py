"""Losses of the acoustic and variance models, as pure functions.

Each takes what a model's training pass returns. Not for weights between losses: the models apply
their ``lambda_*`` factors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .regulators import sums_by_owner


def _elementwise(prediction: Tensor, target: Tensor, loss_type: str) -> Tensor:
    if loss_type == "l1":
        return (prediction - target).abs()
    if loss_type == "l2":
        return (prediction - target).square()
    raise ValueError(f"unknown main_loss_type {loss_type!r} (known: l1, l2)")


def _masked(image: Tensor, mask: Tensor | None) -> Tensor:
    """``image`` ``[B, F, M, T]`` with the frames outside ``mask`` ``[B, T]`` set to 0."""
    return image if mask is None else image * mask[:, None, None, :]


def noise_loss(
    prediction: Tensor, noise: Tensor, mask: Tensor | None = None, *, loss_type: str = "l2"
) -> Tensor:
    """How far the predicted noise is off (diffusion).

    Args:
        prediction: ``[B, F, M, T]``.
        noise: the noise that was added, same shape.
        mask: bool ``[B, T]``, True at real frames. Padded frames count as errors of 0 but do count
            in the mean, as in DiffSinger.
        loss_type: ``l1`` or ``l2``.

    Returns:
        Scalar.
    """
    return _elementwise(_masked(prediction, mask), _masked(noise, mask), loss_type).mean()


def lognorm_weight(t: Tensor) -> Tensor:
    """Density of the logit-normal distribution at times ``t`` in [0, 1], any shape.

    It weighs times in the middle of the way, which are the hard ones (arXiv 2403.03206).
    """
    t = t.float().clamp(1e-7, 1 - 1e-7)
    density = 1 / math.sqrt(2 * math.pi) / (t * (1 - t))
    return density * torch.exp(-0.5 * torch.log(t / (1 - t)).square()) + 1e-7


def velocity_loss(
    prediction: Tensor,
    velocity: Tensor,
    t: Tensor,
    mask: Tensor | None = None,
    *,
    loss_type: str = "l2",
    log_norm: bool = False,
) -> Tensor:
    """How far the predicted velocity is off (rectified flow).

    Args:
        prediction: ``[B, F, M, T]``.
        velocity: true velocity, same shape.
        t: flow times ``[B]`` in [0, 1].
        mask: as in :func:`noise_loss`.
        loss_type: ``l1`` or ``l2``.
        log_norm: weigh each sample by :func:`lognorm_weight` of its time.

    Returns:
        Scalar.
    """
    loss = _elementwise(_masked(prediction, mask), _masked(velocity, mask), loss_type)
    if log_norm:
        loss = lognorm_weight(t)[:, None, None, None] * loss
    return loss.mean()


def diffusion_loss(
    output: tuple[Tensor, ...],
    mask: Tensor | None = None,
    *,
    loss_type: str = "l2",
    log_norm: bool = False,
) -> Tensor:
    """:func:`velocity_loss` or :func:`noise_loss` of what a diffusion core returned in training."""
    if len(output) == 3:
        prediction, velocity, t = output
        return velocity_loss(prediction, velocity, t, mask, loss_type=loss_type, log_norm=log_norm)
    prediction, noise = output
    return noise_loss(prediction, noise, mask, loss_type=loss_type)


def aux_mel_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of normalised mels ``[B, T, M]``, padded frames included."""
    return F.l1_loss(prediction, target)


def duration_loss(
    prediction: Tensor,
    target: Tensor,
    ph2word: Tensor,
    *,
    log_offset: float = 1.0,
    loss_type: str = "mse",
    lambda_pdur: float = 0.3,
    lambda_wdur: float = 1.0,
    lambda_sdur: float = 3.0,
) -> Tensor:
    """Errors of phoneme, word and sentence durations on a logarithmic scale.

    Args:
        prediction: ``[B, T_ph]`` in frames, not clamped.
        target: ``[B, T_ph]`` in frames, 0 at padding.
        ph2word: int64 ``[B, T_ph]``, 1-based word of each phoneme, 0 = padding.
        log_offset: added before the logarithm.
        loss_type: ``mse`` or ``huber``.
        lambda_pdur: weight of the phoneme part.
        lambda_wdur: weight of the word part.
        lambda_sdur: weight of the sentence part.

    Returns:
        Scalar.
    """
    distances: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "mse": F.mse_loss,
        "huber": F.huber_loss,
    }
    if loss_type not in distances:
        raise ValueError(f"unknown duration loss {loss_type!r} (known: mse, huber)")
    target = target.to(prediction.dtype)

    def compare(predicted: Tensor, wanted: Tensor) -> Tensor:
        return distances[loss_type](
            torch.log(predicted + log_offset), torch.log(wanted + log_offset)
        )

    phonemes = compare(prediction, target)
    prediction = prediction.clamp(min=0.0)
    # Room for as many words as phonemes, so that the host need not wait to hear how many there
    # are. The words beyond the last one are 0 on both sides; the mean must not count them.
    room = ph2word.shape[1]
    words = compare(sums_by_owner(prediction, ph2word, room), sums_by_owner(target, ph2word, room))
    words = words * (room / ph2word.max())
    sentences = compare(prediction.sum(dim=1), target.sum(dim=1))
    return lambda_pdur * phonemes + lambda_wdur * words + lambda_sdur * sentences
