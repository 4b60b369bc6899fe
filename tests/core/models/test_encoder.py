"""The symbol encoder: padding, positions, activations, speaker style."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from singwiz.core.models.encoder import Encoder, EncoderSettings, MixLayerNorm
from singwiz.core.models.layers import SwiGLU, sinusoidal_embedding
from singwiz.core.models.positions import rotary_angles, rotate

SETTINGS = EncoderSettings(hidden_size=16, num_layers=2)
POSITIONS = {
    "rope-interleaved": {"use_rope": True},
    "rope-halves": {"use_rope": True, "rope_interleaved": False},
    "relative": {"rel_pos": True},
    "classic": {},
    "none": {"use_pos_embed": False},
}


@pytest.mark.parametrize("changes", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("activation", ["relu", "gelu", "swish", "swiglu", "atanglu"])
def test_padding_does_not_change_the_symbols_before_it(changes, activation) -> None:
    torch.manual_seed(0)
    encoder = Encoder(replace(SETTINGS, ffn_act=activation, **changes)).eval()
    main, extra = torch.randn(2, 7, 16), torch.randn(2, 7, 16)
    pad = torch.tensor([[False] * 7, [False] * 4 + [True] * 3])
    together = encoder(main, extra, pad)
    alone = encoder(main[1:, :4], extra[1:, :4], pad[1:, :4])
    torch.testing.assert_close(together[1:, :4], alone)
    assert together[1, 4:].eq(0).all()


@pytest.mark.parametrize("changes", POSITIONS.values(), ids=POSITIONS)
def test_only_positions_tell_equal_symbols_apart(changes) -> None:
    torch.manual_seed(0)
    encoder = Encoder(replace(SETTINGS, kernel_size=1, **changes)).eval()
    main = torch.randn(1, 1, 16).expand(1, 5, 16).clone()
    # A different symbol at the end gives attention something to be nearer to or farther from.
    main[:, -1] = torch.randn(16)
    out = encoder(main, torch.zeros_like(main), torch.zeros(1, 5, dtype=torch.bool))
    assert torch.allclose(out[0, 0], out[0, 1], atol=1e-6) is not changes.get("use_pos_embed", True)


def test_rotary_products_depend_on_the_distance_only() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(8), torch.randn(8)
    for interleaved in (True, False):
        angles = rotary_angles(20, 8, interleaved=interleaved, device=torch.device("cpu"))
        turned_query = rotate(query.expand(20, 8), angles, interleaved=interleaved)
        turned_key = rotate(key.expand(20, 8), angles, interleaved=interleaved)
        products = turned_query @ turned_key.T
        for distance in (0, 3, 7):
            diagonal = products.diagonal(distance)
            torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_a_sequence_beyond_the_rotary_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="8192"):
        rotary_angles(8193, 8, interleaved=True, device=torch.device("cpu"))


def test_relative_positions_count_down_from_4999() -> None:
    encoder = Encoder(replace(SETTINGS, rel_pos=True))
    pad = torch.zeros(1, 3, dtype=torch.bool)
    out = encoder.embed_positions(torch.zeros(1, 3, 16), pad)
    positions = torch.tensor([4999.0, 4998.0, 4997.0])
    torch.testing.assert_close(out[0, :, 0], positions.sin())
    torch.testing.assert_close(out[0, :, 1], positions.cos())


def test_classic_positions_number_the_symbols_from_one() -> None:
    encoder = Encoder(SETTINGS)
    pad = torch.tensor([[False, False, True]])
    out = encoder.embed_positions(torch.zeros(1, 3, 16), pad)
    torch.testing.assert_close(out[0, :2], sinusoidal_embedding(torch.tensor([1, 2]), 16))
    assert out[0, 2].eq(0).all()


def test_speaker_style_is_mixed_in_training_only() -> None:
    torch.manual_seed(0)
    norm = MixLayerNorm(16)
    x, speaker = torch.randn(4, 5, 16), torch.randn(4, 1, 16)
    evaluated = norm.eval()(x, speaker)
    torch.testing.assert_close(evaluated, norm(x, speaker.squeeze(1)))
    norm.train()
    assert not torch.allclose(norm(x, speaker), evaluated)
    torch.testing.assert_close(norm(x[:1], speaker[:1]), evaluated[:1])


def test_a_half_precision_gate_cannot_overflow() -> None:
    huge = torch.tensor([300.0, 1.0, 300.0, 1.0], dtype=torch.float16)
    out = SwiGLU()(huge)
    assert out[0] == 1000
    assert out[1] == pytest.approx(torch.nn.functional.silu(torch.tensor(1.0)).item(), rel=1e-3)
    assert SwiGLU()(huge.float())[0] == pytest.approx(90000)
