"""From symbols to frames and back: durations, owner indices, positions inside a phoneme.

An owner index such as ``mel2ph`` holds, for each frame, the 1-based number of the phoneme that
owns it; 0 is padding. Pure functions without parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def durations_from_owners(owners: Tensor, num_items: int) -> Tensor:
    """How many frames each item owns.

    Args:
        owners: ``mel2ph`` or alike, int64 ``[B, T]``, 1-based, 0 = padding.
        num_items: number of items N, at least the largest owner.

    Returns:
        int64 ``[B, N]`` in frames.
    """
    return sums_by_owner(torch.ones_like(owners), owners, num_items)


def sums_by_owner(values: Tensor, owners: Tensor, num_owners: int) -> Tensor:
    """Sum of ``values`` ``[B, N]`` over the items of each owner ``[B, N]`` -> ``[B, num_owners]``.

    Items with owner 0 are left out.
    """
    sums = values.new_zeros(len(values), num_owners + 1)
    return sums.scatter_add(1, owners, values)[:, 1:]


def means_by_owner(frames: Tensor, owners: Tensor, num_owners: int) -> Tensor:
    """Mean of the vectors ``[B, T, H]`` over the frames of each owner -> ``[B, num_owners, H]``.

    An owner without frames gets zeros.
    """
    index = owners.unsqueeze(-1).expand_as(frames)
    sums = frames.new_zeros(len(frames), num_owners + 1, frames.shape[-1])
    sums = sums.scatter_add(1, index, frames)[:, 1:]
    counts = durations_from_owners(owners, num_owners).unsqueeze(-1)
    return sums / counts.clamp(min=1)


def owners_from_durations(durations: Tensor, pad: Tensor | None = None) -> Tensor:
    """Length regulation: lay the items out on the frame axis.

    Args:
        durations: int64 ``[B, N]`` in frames; items of zero frames are skipped.
        pad: bool ``[B, N]``, True where an item is padding and gets no frames.

    Returns:
        int64 ``[B, T]``, T the longest total: 1-based owner of each frame, 0 after the end.
    """
    if pad is not None:
        durations = durations.masked_fill(pad, 0)
    ends = durations.cumsum(dim=1)
    total = ends[:, -1:]
    frames = torch.arange(int(total.max()), device=durations.device).expand(len(ends), -1)
    owners = torch.searchsorted(ends, frames.contiguous(), right=True) + 1
    return owners.masked_fill(frames >= total, 0)


def gather_frames(items: Tensor, owners: Tensor) -> Tensor:
    """Each frame's owner: ``[B, N, H]`` and ``[B, T]`` -> ``[B, T, H]``, 0 at padding."""
    rows = torch.arange(len(items), device=items.device).unsqueeze(-1)
    return F.pad(items, (0, 0, 1, 0))[rows, owners]


def fit_to_words(ph_dur: Tensor, ph2word: Tensor, word_dur: Tensor) -> Tensor:
    """Rescale predicted phoneme durations so that the phonemes of a word fill the word.

    Each phoneme is rounded on its own, so a word may still miss a few frames, or have too many.

    Args:
        ph_dur: float ``[B, T_ph]`` in frames.
        ph2word: int64 ``[B, T_ph]``, 1-based word of each phoneme, 0 = padding.
        word_dur: ``[B, T_w]`` in frames.

    Returns:
        int64 ``[B, T_ph]`` in frames, 0 at padding.
    """
    ph_dur = ph_dur.masked_fill(ph2word == 0, 0.0)
    present = sums_by_owner(ph_dur, ph2word, word_dur.shape[1])
    factor = word_dur / present.clamp(min=1e-5)
    return (ph_dur * F.pad(factor, (1, 0)).gather(1, ph2word)).round().long()


def stretch_positions(mel2ph: Tensor, ph_dur: Tensor | None = None) -> Tensor:
    """Where in its phoneme each frame lies: 0, 1/n, … (n-1)/n for a phoneme of n frames.

    Args:
        mel2ph: int64 ``[B, T]``.
        ph_dur: int64 ``[B, T_ph]`` in frames; counted from ``mel2ph`` if not given.

    Returns:
        float32 ``[B, T]`` in [0, 1), 0 at padding.
    """
    if ph_dur is None:
        ph_dur = durations_from_owners(mel2ph, int(mel2ph.max()))
    duration = F.pad(ph_dur, (1, 0), value=1).gather(1, mel2ph).clamp(min=1)
    # One step per frame, and back by the length of the phoneme that just ended.
    step = 1 - (mel2ph[:, 1:] > mel2ph[:, :-1]).long() * duration[:, :-1]
    position = F.pad(step, (1, 0)).cumsum(dim=1)
    return (position.float() / duration.float()).masked_fill(mel2ph == 0, 0.0)
