"""The graphs compute what the models compute, and the files what the graphs compute."""

from __future__ import annotations

import onnx
import pytest
import torch

from singwiz.core.export.graphs.acoustic import AcousticGraph
from singwiz.core.export.graphs.samplers import replaced_noise
from singwiz.core.export.graphs.variance import (
    DurationGraph,
    LinguisticGraph,
    PitchGraph,
    VarianceGraph,
)
from singwiz.core.export.onnx_file import (
    compare_with_torch,
    open_graph,
    run_graph,
    write_graph,
)
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.regulators import owners_from_durations
from singwiz.core.models.sampling import SamplingOptions

ACOUSTIC = {
    "model-acoustic-reflow-lynxnet2-A": "tokens durations f0 gender spk_embed steps",
    "model-acoustic-reflow-lynxnet-A": "tokens languages durations f0 energy breathiness voicing"
    " tension gender velocity depth steps",
    "model-acoustic-ddpm-wavenet-A": "tokens durations f0 spk_embed steps",
}
VARIANCE = {
    "model-variance-full-A": {
        LinguisticGraph: "tokens languages word_div word_dur",
        DurationGraph: "encoder_out x_masks ph_midi spk_embed",
        PitchGraph: "encoder_out ph_dur note_midi note_rest note_dur pitch expr retake spk_embed"
        " steps",
        VarianceGraph: "encoder_out ph_dur pitch energy breathiness voicing tension retake"
        " spk_embed steps",
    },
    "model-variance-pitch-A": {
        LinguisticGraph: "tokens ph_dur",
        PitchGraph: "encoder_out ph_dur note_midi note_rest note_dur pitch expr retake spk_embed"
        " steps",
    },
    "model-variance-multi-A": {
        LinguisticGraph: "tokens ph_dur",
        VarianceGraph: "encoder_out ph_dur pitch energy breathiness voicing tension retake steps",
    },
}
SHARED = [3, 4]
"""Ids of phonemes that several languages know, in the models with languages."""
LENGTHS = [(5, 31), (9, 200), (3, 20), (24, 500), (1, 9)]


class SineNoise(RandomSource):
    """The noise of :func:`replaced_noise` with ``torch.sin``, for models."""

    def __init__(self, like):
        super().__init__()
        self.like = like

    def normal(self, shape, *, device):
        return torch.sin(self.like[:, :, 0].reshape(1, 1, 1, -1)).expand(*shape)


def graph_of(kind, loaded):
    if kind is LinguisticGraph:
        return kind(loaded.model, cross_lingual=SHARED).eval()
    if kind in (PitchGraph, AcousticGraph):
        return kind(loaded.model, loaded.config).eval()
    return kind(loaded.model).eval()


def names_of(graph):
    return " ".join(port.name for port in graph.inputs)


@pytest.mark.parametrize("name", ACOUSTIC)
def test_the_acoustic_file_gives_the_mel_of_the_model_at_every_length(
    name, golden_model, example, tmp_path
):
    loaded = golden_model(name)
    graph = AcousticGraph(loaded.model, loaded.config, cross_lingual=SHARED).eval()
    assert names_of(graph) == ACOUSTIC[name]
    path = tmp_path / "acoustic.onnx"
    write_graph(graph, example(graph, loaded.vocab, 6, 40), path)
    examples = [
        example(graph, loaded.vocab, *length, seed=i, steps=1 + 3 * i, depth=0.25 * i)
        for i, length in enumerate(LENGTHS)
    ]
    (agreement,) = compare_with_torch(graph, path, examples)
    assert agreement.output == "mel"
    assert agreement.error < 2e-5 * agreement.scale


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in VARIANCE.items() for kind in kinds]
)
def test_the_variance_files_agree_with_the_model_at_every_length(
    name, kind, golden_model, example, tmp_path
):
    loaded = golden_model(name)
    graph = graph_of(kind, loaded)
    assert names_of(graph) == VARIANCE[name][kind]
    path = tmp_path / "graph.onnx"
    write_graph(graph, example(graph, loaded.vocab, 6, 40), path)
    examples = [
        example(graph, loaded.vocab, *length, seed=i, steps=1 + 2 * i)
        for i, length in enumerate(LENGTHS)
    ]
    for agreement in compare_with_torch(graph, path, examples):
        assert agreement.error < 2e-5 * agreement.scale, agreement


def test_files_declare_the_versions_and_axes_that_openutau_reads(golden_model, example, tmp_path):
    loaded = golden_model("model-acoustic-reflow-lynxnet-A")
    graph = AcousticGraph(loaded.model, loaded.config, cross_lingual=SHARED).eval()
    path = tmp_path / "acoustic.onnx"
    write_graph(graph, example(graph, loaded.vocab, 6, 40), path)
    model = onnx.load(str(path))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    declared = {
        entry.name: [d.dim_param or d.dim_value for d in entry.type.tensor_type.shape.dim]
        for entry in (*model.graph.input, *model.graph.output)
    }
    assert declared["tokens"] == [1, "n_tokens"]
    assert declared["f0"] == [1, "n_frames"]
    assert declared["steps"] == declared["depth"] == []
    assert declared["mel"] == [1, "n_frames", loaded.config["audio_num_mel_bins"]]
    assert str(tmp_path).encode() not in path.read_bytes()


def test_steps_and_depth_may_be_numbers_or_lists_of_one(golden_model, example, tmp_path):
    loaded = golden_model("model-acoustic-reflow-lynxnet-A")
    graph = AcousticGraph(loaded.model, loaded.config, cross_lingual=SHARED).eval()
    path = tmp_path / "acoustic.onnx"
    values = example(graph, loaded.vocab, 6, 40, depth=0.0)
    write_graph(graph, values, path)
    session = open_graph(path)
    number = run_graph(session, {name: value.numpy() for name, value in values.items()})
    lists = run_graph(
        session, {name: torch.atleast_1d(value).numpy() for name, value in values.items()}
    )
    assert (number["mel"] == lists["mel"]).all()


def test_noise_differs_from_run_to_run(golden_model, example, tmp_path):
    loaded = golden_model("model-acoustic-reflow-lynxnet2-A")
    graph = AcousticGraph(loaded.model, loaded.config).eval()
    path = tmp_path / "acoustic.onnx"
    values = example(graph, loaded.vocab, 6, 40)
    write_graph(graph, values, path)
    session = open_graph(path)
    given = {name: value.numpy() for name, value in values.items()}
    assert abs(run_graph(session, given)["mel"] - run_graph(session, given)["mel"]).max() > 0.1


def test_the_acoustic_graph_sings_like_the_model(golden_model, example):
    augmentation = {
        "random_pitch_shifting": {"range": [-4.0, 6.0]},
        "random_time_stretching": {"range": [0.5, 1.5]},
    }
    loaded = golden_model(
        "model-acoustic-reflow-lynxnet-A", mel_base="e", augmentation_args=augmentation
    )
    graph = AcousticGraph(loaded.model, loaded.config, cross_lingual=SHARED).eval()
    values = example(graph, loaded.vocab, 7, 60, steps=5, depth=0.4)
    start = loaded.model.diffusion.t_start
    gender = values["gender"].clamp(-1, 1)
    shift = torch.where(gender >= 0, gender * 6.0, gender * 4.0)
    shared = torch.isin(values["tokens"], torch.tensor(SHARED))
    mel2ph = owners_from_durations(values["durations"])
    with torch.no_grad(), replaced_noise(torch.sin):
        cond, _ = graph._condition(values)
        model = loaded.model(
            values["tokens"],
            mel2ph,
            values["f0"],
            languages=values["languages"] * shared,
            key_shift=shift,
            speed=values["velocity"].clamp(0.5, 1.5),
            **{name: values[name] for name in ("energy", "breathiness", "voicing", "tension")},
            infer=True,
            sampling=SamplingOptions(steps=5, t_start=max(1 - 0.4, start)),
            random=SineNoise(cond),
        )
        mel = graph(*(values[port.name] for port in graph.inputs))
    torch.testing.assert_close(mel, model.diff_out, atol=2e-3, rtol=1e-4)


def test_the_pitch_graph_predicts_like_the_model(golden_model, example):
    loaded = golden_model("model-variance-full-A")
    graph = PitchGraph(loaded.model, loaded.config).eval()
    linguistic = LinguisticGraph(loaded.model, cross_lingual=SHARED).eval()
    words = example(linguistic, loaded.vocab, 8, 64)
    values = example(graph, loaded.vocab, 8, 64)
    with torch.no_grad(), replaced_noise(torch.sin):
        values["encoder_out"], _ = linguistic(*(words[port.name] for port in linguistic.inputs))
        base = graph.begin(*(values[port.name] for port in graph.inputs))[-1]
        graph_pitch = graph(*(values[port.name] for port in graph.inputs))
        random = _CapturedNoise(loaded.model.pitch_predictor)
        predicted = loaded.model(
            words["tokens"],
            languages=words["languages"] * torch.isin(words["tokens"], torch.tensor(SHARED)),
            ph2word=owners_from_durations(words["word_div"]),
            word_dur=words["word_dur"],
            midi=torch.zeros_like(words["tokens"]),
            ph_dur=values["ph_dur"],
            mel2ph=owners_from_durations(values["ph_dur"]),
            note_midi=values["note_midi"],
            note_rest=values["note_rest"],
            note_dur=values["note_dur"],
            note_glide=torch.zeros_like(values["note_dur"]),
            mel2note=owners_from_durations(values["note_dur"]),
            base_pitch=base,
            pitch=values["pitch"],
            pitch_expr=values["expr"],
            pitch_retake=values["retake"],
            spk_mix_embed=values["spk_embed"],
            ph_spk_mix_embed=torch.zeros(1, 1, values["spk_embed"].shape[-1]),
            energy=torch.zeros(1, 64),
            breathiness=torch.zeros(1, 64),
            voicing=torch.zeros(1, 64),
            tension=torch.zeros(1, 64),
            infer=True,
            sampling=SamplingOptions(speedup=25),  # of 100 diffusion steps
            random=random,
        ).pitch_pred
    torch.testing.assert_close(graph_pitch, base + predicted, atol=2e-3, rtol=1e-4)


class _CapturedNoise(RandomSource):
    """Sees the condition of one diffusion core and draws the sine of it for that core."""

    def __init__(self, core):
        super().__init__()
        self.cond = None
        original = core.sample

        def sample(cond, **more):
            self.cond = cond
            return original(cond, **more)

        core.sample = sample

    def normal(self, shape, *, device):
        return SineNoise(self.cond).normal(shape, device=device)


def test_a_frozen_singer_needs_no_embedding_and_sounds_the_same(golden_model, example):
    loaded = golden_model("model-acoustic-reflow-lynxnet2-A")
    embedding = loaded.model.fs2.spk_embed.weight[1].detach()
    free = AcousticGraph(loaded.model, loaded.config).eval()
    frozen = AcousticGraph(
        loaded.model, loaded.config, frozen_speaker=embedding, frozen_gender=0.5
    ).eval()
    assert names_of(frozen) == "tokens durations f0 steps"
    values = example(free, loaded.vocab, 6, 40, gender=torch.full((1, 40), 0.5))
    values["spk_embed"] = embedding.expand(1, 40, -1)
    with torch.no_grad(), replaced_noise(torch.sin):
        expected = free(*(values[port.name] for port in free.inputs))
        mel = frozen(*(values[port.name] for port in frozen.inputs))
    torch.testing.assert_close(mel, expected, rtol=1e-5, atol=1e-4)


def test_durations_are_never_zero(golden_model, example):
    loaded = golden_model("model-variance-full-A")
    loaded.model.fs2.dur_predictor.linear.weight.data.zero_()
    loaded.model.fs2.dur_predictor.linear.bias.data.fill_(-5.0)
    graph = DurationGraph(loaded.model).eval()
    values = example(graph, loaded.vocab, 6, 40)
    with torch.no_grad():
        assert (graph(*(values[port.name] for port in graph.inputs)) >= 0.01).all()


def test_an_input_that_the_model_ignores_is_refused(golden_model, example, tmp_path):
    from singwiz.core.errors import SingwizError
    from singwiz.core.export.graphs.parts import curve

    loaded = golden_model("model-variance-multi-A")
    graph = VarianceGraph(loaded.model).eval()
    graph.inputs = (*graph.inputs, curve("gender"))
    with pytest.raises(SingwizError, match="gender"):
        write_graph(graph, example(graph, loaded.vocab, 6, 40), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())
