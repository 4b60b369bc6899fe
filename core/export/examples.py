"""Inputs of any length for graphs: to trace them with, and to compare files with models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .graphs.parts import Graph

STEPS = 4
"""Sampling steps: enough to turn the loop several times."""

_TOTALS = {
    "durations": "n_frames",
    "ph_dur": "n_frames",
    "note_dur": "n_frames",
    "word_dur": "n_frames",
    "word_div": "n_tokens",
}
"""Inputs that divide an axis among their own."""

_LEVELS = {
    "f0": (110.0, 660.0),
    "pitch": (45.0, 76.0),
    "note_midi": (45.0, 76.0),
    "energy": (-60.0, -10.0),
    "breathiness": (-80.0, -30.0),
    "voicing": (-60.0, -10.0),
    "tension": (-4.0, 4.0),
    "gender": (-1.0, 1.0),
    "velocity": (0.5, 2.0),
    "expr": (0.0, 1.0),
    "mel": (-12.0, 0.0),
}
"""Lowest and highest value of inputs whose size matters."""


def example_inputs(
    graph: Graph,
    *,
    vocab_size: int,
    n_tokens: int,
    n_frames: int,
    seed: int = 0,
    languages: int = 1,
    **given: Any,
) -> dict[str, torch.Tensor]:
    """Random values for all inputs of a graph; the same for the same seed.

    Args:
        graph: whose inputs.
        vocab_size: phonemes, padding included.
        n_tokens: phonemes of the example.
        n_frames: its length.
        seed: of the draws.
        languages: highest language id.
        given: values by name of inputs that shall not be drawn.
    """
    draw = torch.Generator().manual_seed(seed)
    sizes: Mapping[int | str, int] = {
        "n_tokens": n_tokens,
        "n_frames": n_frames,
        "n_words": max(1, n_tokens // 2),
        "n_notes": max(1, n_tokens // 3),
    }
    values: dict[str, torch.Tensor] = {}
    for port in graph.inputs:
        name = port.name
        shape = [sizes.get(size, size) for size in port.shape]
        sized = [int(size) for size in shape]
        if name in given:
            value = torch.as_tensor(given[name])
        elif name in _TOTALS:
            value = _shares(sized[1], sizes[_TOTALS[name]])
        elif name == "steps":
            value = torch.tensor(STEPS)
        elif name == "depth":
            value = torch.tensor(0.5)
        elif name == "tokens":
            value = torch.randint(1, vocab_size, sized, generator=draw)
        elif name == "languages":
            value = torch.randint(0, languages + 1, sized, generator=draw)
        elif name == "ph_midi":
            value = torch.randint(40, 80, sized, generator=draw)
        elif name == "x_masks":
            value = torch.zeros(sized, dtype=torch.bool)
        elif port.dtype == torch.bool:
            value = torch.rand(sized, generator=draw) > 0.5
        elif name in _LEVELS:
            low, high = _LEVELS[name]
            value = low + (high - low) * torch.rand(sized, generator=draw)
        else:
            value = torch.randn(sized, generator=draw)
        values[name] = value.to(port.dtype)
    return values


def _shares(count: int, total: int) -> torch.Tensor:
    """``count`` whole numbers that add up to ``total``, int64 ``[1, count]``."""
    borders = torch.linspace(0, total, count + 1).round().long()
    return torch.diff(borders)[None]
