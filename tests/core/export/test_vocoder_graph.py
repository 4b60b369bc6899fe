"""Vocoders as files."""

from __future__ import annotations

import json

import pytest
import torch

from singwiz.core.export.graphs.vocoder import VocoderGraph
from singwiz.core.export.onnx_file import compare_with_torch, open_graph, run_graph, write_graph
from singwiz.core.models import build_model


@pytest.fixture
def vocoder(golden_folder, seeded_weights):
    def load(name: str) -> VocoderGraph:
        config = json.loads((golden_folder / f"{name}.json").read_text(encoding="utf-8"))["config"]
        model = build_model("vocoder", config)
        seeded_weights.seed_module(model)
        return VocoderGraph(model).eval()

    return load


def song(graph: VocoderGraph, frames: int, *, seed: int = 0) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    bins = graph.generator.structure.num_mels
    f0 = 200 + 100 * torch.rand(1, frames, generator=draw)
    f0[0, 3:5] = 0.0
    return {"mel": torch.randn(1, frames, bins, generator=draw) - 4, "f0": f0}


@pytest.mark.parametrize("name", ["nsf_hifigan-A", "nsf_hifigan_mini-A"])
def test_the_file_gives_the_sound_of_the_model_at_every_length(name, vocoder, tmp_path):
    graph = vocoder(name)
    path = tmp_path / "vocoder.onnx"
    write_graph(graph, song(graph, 9), path)
    examples = [song(graph, frames, seed=frames) for frames in (8, 30, 100)]
    (agreement,) = compare_with_torch(graph, path, examples)
    assert agreement.error < 1e-5 * agreement.scale
    given = {key: value.numpy() for key, value in song(graph, 30).items()}
    waveform = run_graph(open_graph(path), given)["waveform"]
    assert waveform.shape == (1, 30 * graph.generator.structure.hop_size)


def test_only_the_full_excitation_is_random(vocoder, tmp_path):
    changes = {}
    for name in ("nsf_hifigan-A", "nsf_hifigan_mini-A"):
        graph = vocoder(name)
        sigma = graph.generator.structure.noise_sigma
        write_graph(graph, song(graph, 9), tmp_path / "vocoder.onnx")
        session = open_graph(tmp_path / "vocoder.onnx")
        given = {key: value.numpy() for key, value in song(graph, 30).items()}
        first, second = (run_graph(session, given)["waveform"] for _ in range(2))
        changes[name] = abs(first - second).max(), sigma
    assert changes["nsf_hifigan-A"][0] > 0
    assert (changes["nsf_hifigan_mini-A"][0] > 0) == (changes["nsf_hifigan_mini-A"][1] > 0)


def test_notes_above_the_mini_excitation_stay_finite(vocoder, tmp_path):
    graph = vocoder("nsf_hifigan_mini-A")
    write_graph(graph, song(graph, 9), tmp_path / "vocoder.onnx")
    given = {key: value.numpy() for key, value in song(graph, 30).items()}
    given["f0"] = given["f0"] * 0 + 20000
    high = run_graph(open_graph(tmp_path / "vocoder.onnx"), given)["waveform"]
    assert abs(high).max() <= 1.0
