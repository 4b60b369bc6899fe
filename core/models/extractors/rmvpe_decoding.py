"""From RMVPE's 360 likelihoods per frame to F0 in Hz."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CENTS_PER_CLASS = 20.0
LOWEST_CENTS = 1997.3794084376191
"""Cents above 10 Hz of class 0 (31.7 Hz)."""

THRESHOLD = 0.03
_NEIGHBOURS = 4
_FURTHEST_MOVE = 30
"""Classes by which the pitch of a Viterbi path stays below moving from frame to frame."""


def decode(hidden: Tensor, threshold: float = THRESHOLD, centre: Tensor | None = None) -> Tensor:
    """F0 as the average of the nine classes around the best one, weighted by likelihood.

    Args:
        hidden: float ``[T, 360]``, the network's output.
        threshold: frames whose most likely class is below it are unvoiced.
        centre: int64 ``[T]``, the class to average around; the most likely one if None.

    Returns:
        float32 ``[T]`` Hz, 0 where unvoiced.
    """
    hidden = hidden.float()
    classes = hidden.shape[-1]
    middle = hidden.argmax(dim=-1) if centre is None else centre
    offsets = torch.arange(-_NEIGHBOURS, _NEIGHBOURS + 1, device=hidden.device)
    window = middle[:, None] + offsets
    inside = (window >= 0) & (window < classes)
    window = window.clamp(0, classes - 1)
    weights = hidden.gather(-1, window) * inside
    cents = CENTS_PER_CLASS * window + LOWEST_CENTS
    mean = (weights * cents).sum(-1) / weights.sum(-1)
    voiced = hidden.amax(dim=-1) >= threshold
    return torch.where(voiced, 10 * 2 ** (mean / 1200), 0.0)


def viterbi_path(hidden: NDArray[np.floating]) -> NDArray[np.int64]:
    """The most likely path of classes in which the pitch moves by less than 6 semitones a frame.

    A way past octave errors that last a few frames, at the price of smearing real jumps.

    Args:
        hidden: ``[T, 360]``, the network's output.

    Returns:
        int64 ``[T]``, to be used as ``centre`` of :func:`decode`.
    """
    frames, classes = hidden.shape
    tiny = np.finfo(np.float64).tiny
    likelihood = np.asarray(hidden, np.float64) + tiny
    observed = np.log(likelihood / likelihood.sum(axis=1, keepdims=True))
    near = np.arange(classes)
    moves = np.maximum(_FURTHEST_MOVE - np.abs(near[:, None] - near), 0).astype(np.float64)
    # [to, from], so that the search below runs along rows.
    moving = np.log(moves / moves.sum(axis=1, keepdims=True) + tiny).T.copy()
    came_from = np.zeros((frames, classes), np.int64)
    score = observed[0] if frames else np.zeros(classes)
    for frame in range(1, frames):
        candidates = moving + score
        came_from[frame] = candidates.argmax(axis=1)
        score = candidates[near, came_from[frame]] + observed[frame]
    path = np.zeros(frames, np.int64)
    if frames:
        path[-1] = score.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
