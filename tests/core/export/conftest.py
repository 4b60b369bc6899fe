"""Models of the golden fixtures with their seeded weights, and inputs of any length for graphs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from singwiz.core.models import build_model

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def seeded_weights():
    """The module that makes the fixtures' weights."""
    spec = importlib.util.spec_from_file_location("seeded", GOLDEN / "seeded_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden_model(seeded_weights):
    """(name) -> model in evaluation mode, its config and the number of phonemes."""

    def load(name: str, **changes):
        fixture = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
        category = name.split("-")[1]
        config = {"hop_size": 512, "audio_sample_rate": 44100, **fixture["config"], **changes}
        vocab = fixture["constructor"]["vocab_size"]
        model = build_model(category, config, vocab_size=vocab)
        seeded_weights.seed_module(model, keep=tuple(fixture.get("keep", ())))
        return SimpleNamespace(model=model.eval(), config=config, vocab=vocab)

    return load


def spread(count: int, total: int) -> torch.Tensor:
    """``count`` whole numbers that add up to ``total``, int64 ``[1, count]``."""
    borders = torch.linspace(0, total, count + 1).round().long()
    return torch.diff(borders)[None]


@pytest.fixture(scope="session")
def example():
    """(graph, vocab, phonemes, frames) -> one value per input; the same for the same seed."""

    def make(graph, vocab: int, n_tokens: int, n_frames: int, *, seed: int = 0, **given):
        draw = torch.Generator().manual_seed(seed)
        sizes = {
            "n_tokens": n_tokens,
            "n_frames": n_frames,
            "n_words": max(1, n_tokens // 2),
            "n_notes": max(1, n_tokens // 3),
        }
        totals = {
            "durations": n_frames,
            "ph_dur": n_frames,
            "note_dur": n_frames,
            "word_dur": n_frames,
            "word_div": n_tokens,
        }
        values = {}
        for port in graph.inputs:
            name = port.name
            shape = [sizes.get(size, size) for size in port.shape]
            if name in given:
                value = torch.as_tensor(given[name], dtype=port.dtype)
            elif name in totals:
                value = spread(shape[1], totals[name])
            elif name == "steps":
                value = torch.tensor(4)
            elif name == "depth":
                value = torch.tensor(0.3)
            elif name == "tokens":
                value = torch.randint(1, vocab, shape, generator=draw)
            elif name == "languages":
                value = torch.randint(0, 3, shape, generator=draw)
            elif name == "ph_midi":
                value = torch.randint(40, 80, shape, generator=draw)
            elif name == "x_masks":
                value = torch.zeros(shape, dtype=torch.bool)
            elif port.dtype == torch.bool:
                value = torch.rand(shape, generator=draw) > 0.5
            elif name == "f0":
                value = 200 + 100 * torch.rand(shape, generator=draw)
            elif name in ("note_midi", "pitch"):
                value = 50 + 20 * torch.rand(shape, generator=draw)
            elif name == "expr":
                value = torch.rand(shape, generator=draw)
            else:
                value = torch.randn(shape, generator=draw)
            values[name] = value
        return values

    return make
