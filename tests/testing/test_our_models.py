"""singwiz's variance models and vocoders keep the contract that it asks of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from singwiz.core.training.contract import LOSS, MAIN_OUTPUT, TrainableModel
from singwiz.core.training.variance import VarianceTraining
from singwiz.core.training.vocoder.gan import Gan
from singwiz.testing import (
    check_all_parameters_change,
    check_deterministic,
    check_finite,
    check_gradients,
    check_logs,
    check_resume,
    check_state_round_trip,
)

from ..core.training.conftest import tiny_variance_config
from ..core.training.vocoder.conftest import tiny_config as tiny_vocoder_config

FRAMES, VOCAB = 18, 6


def variance_model() -> VarianceTraining:
    config = tiny_variance_config(Path("unused")).to_dict()
    return VarianceTraining.init_from_config(config, vocab_size=VOCAB)


def variance_batch(model: VarianceTraining) -> dict[str, Any]:
    """Two items of four phonemes, two words and two notes; the second one is shorter."""
    draw = torch.Generator().manual_seed(4)

    def curve(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(2, FRAMES, generator=draw)

    lengths = torch.tensor([[4, 5, 4, 5], [3, 4, 3, 3]])
    owners = torch.zeros(2, FRAMES, dtype=torch.int64)
    for item, row in enumerate(lengths):
        filled = torch.repeat_interleave(torch.arange(1, 5), row)
        owners[item, : len(filled)] = filled
    batch: dict[str, Any] = {
        "size": 2,
        "indices": torch.arange(2),
        "tokens": torch.tensor([[1, 2, 3, 4], [2, 5, 1, 3]]),
        "ph_dur": lengths,
        "ph2word": torch.tensor([[1, 1, 2, 2]] * 2),
        "midi": torch.full((2, 4), 60),
        "mel2ph": owners,
        "note_midi": torch.tensor([[60.0, 64.0]] * 2),
        "note_rest": torch.zeros(2, 2, dtype=torch.bool),
        "note_dur": torch.stack([lengths[:, :2].sum(1), lengths[:, 2:].sum(1)], 1),
        "mel2note": (owners + 1) // 2,
        "base_pitch": curve(59, 65),
        "pitch": curve(58, 66),
        "uv": torch.zeros(2, FRAMES, dtype=torch.bool),
        "breathiness": curve(-80, -30),
        "tension": curve(-4, 4),
    }
    assert set(model.fields()) <= {*batch, "spk_id", "languages"}
    return model.format_batch(batch)


def total(model: TrainableModel, batch: dict[str, Any]) -> Tensor:
    criterion = model.get_criterion()
    losses = [model.train_step(batch, criterion, name)[1][LOSS] for name in model.optimizers]
    return torch.stack(losses).sum()


def test_our_variance_model_keeps_the_contract(tmp_path: Path) -> None:
    model = variance_model()
    batch = variance_batch(model)
    check_logs(model, batch)
    check_gradients(model, total(model, batch))
    check_resume(variance_model(), batch)

    def predict(one: torch.nn.Module) -> Tensor:
        assert isinstance(one, VarianceTraining)
        torch.manual_seed(5)
        predicted = one.inference(batch)
        curves = (predicted.variances_pred or {}).values()
        outputs = [predicted.dur_pred, predicted.pitch_pred, *curves]
        return torch.cat([part.flatten() for part in outputs if part is not None])

    with torch.no_grad():
        outputs = predict(model.eval())
        check_finite(outputs)
        assert outputs.shape == (2 * 4 + (1 + 2) * 2 * FRAMES,)
        check_deterministic(lambda: predict(model))
    check_state_round_trip(variance_model, predict, tmp_path)
    check_all_parameters_change(model.train(), lambda: total(model, batch), steps=8)


def vocoder(**changes: Any) -> Gan:
    return Gan.init_from_config(tiny_vocoder_config(Path("unused"), **changes).to_dict())


def test_our_vocoders_keep_the_contract_with_both_optimizers(tmp_path: Path) -> None:
    frames, hop = 16, 64
    time = torch.arange(frames * hop) / 16000
    batch = {
        "mel": torch.randn(2, 16, frames, generator=torch.Generator().manual_seed(1)),
        "f0": torch.tensor([[200.0], [260.0]]).expand(2, frames).clone(),
        "audio": 0.3 * torch.sin(2 * torch.pi * torch.tensor([[200.0], [260.0]]) * time)[:, None],
    }
    check_logs(vocoder(), batch)
    check_resume(vocoder(), batch)

    def sing(one: torch.nn.Module) -> Tensor:
        assert isinstance(one, Gan)
        torch.manual_seed(5)
        sound: Tensor = one.inference(batch)[MAIN_OUTPUT]
        return sound

    model = vocoder().eval()
    with torch.no_grad():
        sound = sing(model)
        check_finite(sound)
        assert sound.shape == batch["audio"].shape
        check_deterministic(lambda: sing(model))
    check_state_round_trip(vocoder, sing, tmp_path)
    check_all_parameters_change(model.train(), lambda: total(model, batch))
