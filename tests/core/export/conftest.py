"""Models of the golden fixtures with their seeded weights, and inputs of any length for graphs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from singwiz.core.export.character import Character
from singwiz.core.export.plan import plan_bank
from singwiz.core.export.voicebank import export_bank
from singwiz.core.models import build_model
from singwiz.core.synthesis.experiment import read_experiment

from ..synthesis.conftest import make_experiment, make_variance_experiment

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


VOCODER = {
    "resblock": "1",
    "upsample_rates": [8, 8, 8],
    "upsample_kernel_sizes": [16, 16, 16],
    "upsample_initial_channel": 8,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3, 5]],
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
    "n_fft": 2048,
    "win_size": 2048,
    "fmin": 40,
    "fmax": 16000,
    "mini_nsf": True,
    "pc_aug": True,
    "noise_sigma": 0.0,
    "excitation": "mini",
}
TINY = {
    "melody_encoder_args": {"hidden_size": 16, "enc_layers": 1},
    "use_spk_id": True,
    "num_spk": 2,
}
CURVES = {"use_breathiness_embed": True, "use_tension_embed": True}


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Folders of tiny models that fit together: two singers, two curves; and a vocoder."""
    from singwiz.core.models.vocoder.generator import Generator
    from singwiz.core.vocoder_checkpoint import write_generator

    base = tmp_path_factory.mktemp("voices")
    shifted = {"use_key_shift_embed": True, "use_speed_embed": True}
    speakers = {"use_spk_id": True, "num_spk": 2}
    tags = ("dur", "pitch", "breathiness", "tension")
    two = {
        "languages": ("ja", "zh"),
        "use_lang_id": True,
        "merged_phoneme_groups": [["ja/a", "zh/a"]],
    }
    torch.manual_seed(0)
    (base / "vocoder").mkdir()
    write_generator(base / "vocoder" / "model.ckpt", Generator(VOCODER), VOCODER)
    return SimpleNamespace(
        base=base,
        vocoder=base / "vocoder",
        acoustic=make_experiment(base / "acoustic", **CURVES, **shifted, **speakers),
        variance=make_variance_experiment(base / "variance", *tags, **TINY),
        durations=make_variance_experiment(base / "durations", "dur", **TINY),
        plain=make_experiment(base / "plain"),
        plain_durations=make_variance_experiment(base / "plain_durations", "dur"),
        both=make_experiment(base / "both", **two),
        both_durations=make_variance_experiment(base / "both_durations", "dur", **two),
    )


@pytest.fixture(scope="session")
def bank(voices, tmp_path_factory):
    """A voicebank that passes, with everything in it."""
    acoustic = read_experiment(voices.acoustic)
    variance = read_experiment(voices.variance, kind="variance")
    plan = plan_bank(
        acoustic,
        dict.fromkeys(("duration", "pitch", "variance"), variance),
        character=Character("Änna 声", author="me"),
        vocoder=str(voices.vocoder),
        consent=True,
    )
    parent = tmp_path_factory.mktemp("banks")
    return export_bank(plan, parent, archive=True, types_file=parent / "types.yaml")
