"""Construction: names in the right order, initial values, marks, and gradients everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from singwiz.core.models import build_model
from singwiz.core.models.layers import ADAMW

GOLDEN = Path(__file__).parents[2] / "golden"


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, singwiz.core.models; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_category_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="choir"):
        build_model("choir", {}, vocab_size=5)


def test_a_model_needs_the_number_of_phonemes(config) -> None:
    with pytest.raises(ValueError, match="vocab_size"):
        build_model("acoustic", config("acoustic"))


def test_a_missing_key_is_named_in_the_error(config) -> None:
    incomplete = config("acoustic")
    del incomplete["spec_min"]
    with pytest.raises(ValueError, match="spec_min"):
        build_model("acoustic", incomplete, vocab_size=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"diffusion_type": "gan"},
        {"backbone_type": "unet"},
        {"ffn_act": "tanh"},
        {"enc_ffn_kernel_size": 4},
        {"num_heads": 3},
        {"use_mix_ln": True, "mix_ln_layer": [0]},
        {"spec_min": [-12.0, -11.0]},
        {"diffusion_type": "ddpm", "schedule_type": "sigmoid"},
        {"backbone_type": "lynxnet", "backbone_args": {"activation": "Tanh"}},
        {"backbone_args": {"glu_type": "reglu"}},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_options_that_fit_no_network_are_refused(config, changes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build_model("acoustic", config("acoustic", **changes), vocab_size=5)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("model-*-A.json")), ids=lambda p: p.stem)
def test_parameters_come_in_the_order_of_saved_optimizer_states(path: Path) -> None:
    fixture = json.loads(path.read_text())
    if fixture.get("kind") not in ("acoustic", "variance"):
        return
    model = build_model(
        fixture["kind"], fixture["config"], vocab_size=fixture["constructor"]["vocab_size"]
    )
    own = [name for name, _ in model.named_parameters()]
    buffers = {name for name, _ in model.named_buffers()}
    assert own == [name for name in fixture["state_dict"] if name not in buffers]


def test_matrices_that_stay_with_adamw_are_marked(config, vocab_size) -> None:
    def marked(category: str, template: str, **changes) -> set[str]:
        model = build_model(category, config(template, **changes), vocab_size=vocab_size)
        modules = model.named_modules()
        return {n for n, m in modules if getattr(m, "optimizer_group", None) == ADAMW}

    curves = ("energy", "breathiness", "voicing", "tension")
    assert marked("acoustic", "everything") == {
        "fs2.dur_embed",
        "fs2.pitch_embed",
        "fs2.key_shift_embed",
        "fs2.speed_embed",
        *(f"fs2.variance_embeds.{name}" for name in curves),
        "aux_decoder.decoder.outconv",
        "diffusion.velocity_fn.output_projection",
    }
    assert marked("variance", "variance") == {
        "fs2.word_dur_embed",
        "fs2.dur_predictor.linear",
        "melody_encoder.note_midi_embed",
        "melody_encoder.note_dur_embed",
        "delta_pitch_embed",
        "pitch_embed",
        *(f"variance_embeds.{name}" for name in curves),
        "pitch_predictor.velocity_fn.output_projection",
        "variance_predictor.velocity_fn.output_projection",
    }
    args = {"num_layers": 2, "num_channels": 8}
    for backbone in ("wavenet", "lynxnet"):
        names = marked("acoustic", "acoustic", backbone_type=backbone, backbone_args=args)
        # The blocks of a WaveNet have output projections too, which Muon may have.
        assert [name for name in names if "output_projection" in name] == [
            "diffusion.velocity_fn.output_projection"
        ]


def test_initial_values(config) -> None:
    torch.manual_seed(0)
    big = config(
        "everything",
        hidden_size=64,
        backbone_args={"num_layers": 1, "num_channels": 64, "kernel_size": 5},
    )
    model = build_model("acoustic", big, vocab_size=400)

    table = model.fs2.txt_embed.weight
    assert table[0].abs().max() == 0
    assert table[1:].std().item() == pytest.approx(64**-0.5, rel=0.05)

    scalar = model.fs2.pitch_embed
    assert scalar.bias.abs().max() == 0
    assert scalar.weight.abs().max() <= (6 / 65) ** 0.5

    block = model.fs2.encoder.layers[0].op
    bound = (6 / (64 + 192)) ** 0.5
    assert 0.9 * bound < block.self_attn.in_proj.weight.abs().max() <= bound
    assert block.ffn.ffn_2.bias.abs().max() == 0
    assert block.layer_norm1.affine.bias[:64].eq(0).all()
    assert block.layer_norm1.affine.bias[64:].eq(1).all()

    assert model.aux_decoder.decoder.conv[0].gamma.allclose(torch.tensor(1e-6))

    backbone = model.diffusion.velocity_fn
    assert backbone.output_projection.weight.abs().max() == 0
    assert backbone.output_projection.bias.abs().max() == 0
    kaiming = (2 / 64) ** 0.5
    assert backbone.conditioner_projection.weight.std().item() == pytest.approx(kaiming, rel=0.05)


@pytest.mark.parametrize("backbone", ["wavenet", "lynxnet"])
def test_convolutional_backbones_start_at_their_random_bias(config, vocab_size, backbone) -> None:
    args = {"num_layers": 1, "num_channels": 8}
    changed = config("acoustic", backbone_type=backbone, backbone_args=args)
    projection = build_model(
        "acoustic", changed, vocab_size=vocab_size
    ).diffusion.velocity_fn.output_projection
    assert projection.weight.abs().max() == 0
    assert projection.bias.abs().max() > 0


def missing_gradients(model: nn.Module, losses: dict[str, torch.Tensor]) -> list[str]:
    sum(losses.values()).backward()
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"diffusion_type": "ddpm", "backbone_type": "wavenet", "backbone_args": {"num_layers": 2}},
        {"backbone_type": "lynxnet", "backbone_args": {"num_channels": 8, "num_layers": 2}},
        {
            "backbone_args": {
                "num_channels": 8,
                "use_conditioner_cache": True,
                "glu_type": "atanglu",
            }
        },
        {"use_rope": False, "ffn_act": "relu"},
        {"use_rope": False, "rel_pos": True, "ffn_act": "swish"},
        {"ffn_act": "swiglu", "rope_interleaved": False},
        {"ffn_act": "atanglu", "use_pos_embed": False},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())) or "default",
)
def test_every_acoustic_parameter_learns(
    config, vocab_size, acoustic_batch, shuffle_weights, changes
) -> None:
    torch.manual_seed(1)
    model = build_model("acoustic", config("everything", **changes), vocab_size=vocab_size)
    shuffle_weights(model)
    batch = acoustic_batch([[3, 4, 2], [5, 3, 1]])
    output = model(**batch)
    losses = model.losses(output, gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])
    assert set(losses) == {"aux_mel_loss", "mel_loss"}
    assert missing_gradients(model, losses) == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use_melody_encoder": False, "diffusion_type": "ddpm"},
        {"predict_dur": False, "use_glide_embed": True, "glide_types": ["up", "down"]},
        {"use_spk_id": True, "num_spk": 2, "use_lang_id": True, "num_lang": 2, "use_rope": False},
    ],
    ids=["default", "ddpm", "phoneme-mode", "speakers-and-languages"],
)
def test_every_variance_parameter_learns(
    config, vocab_size, variance_batch, shuffle_weights, changes
) -> None:
    torch.manual_seed(1)
    model = build_model("variance", config("variance", **changes), vocab_size=vocab_size)
    shuffle_weights(model)
    output = model(**variance_batch)
    known = {name: variance_batch[name] for name in ("ph_dur", "ph2word", "mel2ph")}
    losses = model.losses(output, **known)
    assert missing_gradients(model, losses) == []
