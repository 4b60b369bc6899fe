"""Models of other people are trained, resumed, sung with and exported like ours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from singwiz.core.config import Config
from singwiz.core.errors import SingwizError
from singwiz.core.export.experiment import export_experiment
from singwiz.core.synthesis import Singer
from singwiz.core.training import train
from singwiz.core.training.checkpoints import checkpoint_name
from singwiz.core.training.hooks import HOOKS

MakeConfig = Callable[..., Config]

SILENT = {"val_with_vocoder": False}

JUDGED = """
import torch
from torch import nn
from singwiz.core.models.regulators import gather_frames
from singwiz.core.training.acoustic import AcousticBase
from singwiz.core.training.contract import Criterion

class Loss(Criterion):
    names = ("mel_loss", "judge_loss")
    called = []

    def __init__(self, judge):
        super().__init__()
        self.parts = [judge]

    def compute(self, outputs, batch, optimizer_name="main"):
        made, real = outputs["model_outputs"], batch["gt_mel"]
        judge = self.parts[0]
        if optimizer_name == "judge":
            told = judge(made.detach()).square().mean() + (judge(real) - 1).square().mean()
            return {"loss": told, "judge_loss": told}
        mel = (made - real).abs().mean()
        return {"loss": mel + 0.1 * (judge(made) - 1).square().mean(), "mel_loss": mel}

    def on_train_step_end(self, trainer):
        self.called.append(trainer.global_step)

class Judged(AcousticBase):
    optimizers = ("judge", "main")
    heard = []
    shown = []

    def __init__(self, *, vocab_size, audio_num_mel_bins, use_key_shift_embed, width: int = 8):
        super().__init__()
        self.phonemes = nn.Embedding(vocab_size, width)
        self.pitch = nn.Linear(1 + use_key_shift_embed, width)
        self.leave = nn.Linear(width, audio_num_mel_bins)
        self.judge = nn.Linear(audio_num_mel_bins, 1)

    def forward(self, txt_tokens, mel2ph, f0, *, key_shift=None, gt_mel=None):
        numbers = torch.stack([f0 / 400, key_shift.expand_as(f0)], dim=-1)
        x = gather_frames(self.phonemes(txt_tokens), mel2ph) + self.pitch(numbers)
        return {"model_outputs": self.leave(torch.tanh(x))}

    def inference(self, inputs, aux_input=None):
        return self(**inputs)

    def get_criterion(self):
        return Loss(self.judge)

    def get_optimizers(self):
        judge = set(map(id, self.judge.parameters()))
        rest = [one for one in self.parameters() if id(one) not in judge]
        return {
            "main": torch.optim.AdamW(rest, lr=2e-3),
            "judge": torch.optim.SGD(self.judge.parameters(), lr=1e-2, momentum=0.9),
        }

    def train_log(self, batch, outputs, gallery):
        self.shown.append((gallery.step, tuple(outputs["model_outputs"].shape[2:])))
        picture = torch.zeros(4, 6, 3, dtype=torch.uint8).numpy()
        gallery.figure("training_mel", picture, file="a.png")

    def before_backward_pass(self, losses, optimizer):
        self.heard.append((type(optimizer).__name__, sorted(losses)))
"""


@pytest.fixture
def judged(install: Callable[..., Path], config: MakeConfig) -> Callable[..., Config]:
    """The tiny config of a foreign model with two optimizers."""
    install("judged-model", {"singwiz.models": {"judged": "judged_model:Judged"}}, JUDGED)

    def make(**changes: Any) -> Config:
        return config(**SILENT, architecture="judged", **changes)

    return make


def weights(folder: Path, step: int) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(folder / checkpoint_name(step), weights_only=True)
    return content


def test_a_model_with_two_optimizers_trains_resumes_exactly_sings_and_is_exported(
    judged: Callable[..., Config], record: type, tmp_path: Path
) -> None:
    reporter = record()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    result = train(judged(max_updates=6), work_dir=whole, reporter=reporter)
    assert result.steps == 6
    for name in ("mel_loss", "judge_loss", "total_loss"):
        assert set(reporter.metrics[f"training/{name}"]) == set(range(1, 7))
        assert 4 in reporter.metrics[f"validation/{name}"]
    assert reporter.metrics["metrics/mel_l1"]

    model = sys.modules["judged_model"].Judged
    assert model.heard[:2] == [("SGD", ["judge_loss", "loss"]), ("AdamW", ["loss", "mel_loss"])]
    assert model.shown == [(4, (16,))]
    assert (whole / "training" / "4" / "a.png").is_file()
    assert sys.modules["judged_model"].Loss.called[:6] == [1, 2, 3, 4, 5, 6]

    train(judged(max_updates=3), work_dir=parts)
    train(judged(max_updates=6), work_dir=parts)
    expected, got = weights(whole, 6), weights(parts, 6)
    for name, value in expected["state_dict"].items():
        assert torch.equal(value, got["state_dict"][name]), name
    assert len(got["optimizer_states"]) == 2

    singer = Singer.load(whole, device="cpu", with_vocoder=False)
    ds = {
        "ph_seq": "SP a k o SP",
        "ph_dur": "0.1 0.2 0.1 0.3 0.1",
        "f0_seq": "220 " * 40,
        "f0_timestep": "0.02",
    }
    (segment,) = singer.mels(ds).segments
    assert segment.mel.shape[1] == 16
    assert np.isfinite(segment.mel).all()
    with pytest.raises(SingwizError, match="depth"):
        singer.mels(ds, depth=0.5)

    exported = export_experiment(whole, tmp_path / "onnx")
    assert set(exported.errors) == {"whole.onnx: mel"}
    assert exported.dsconfig["use_key_shift_embed"]
    assert exported.dsconfig["use_continuous_acceleration"]


def test_gradients_of_several_batches_are_refused_for_several_optimizers(
    judged: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(SingwizError) as caught:
        train(judged(accumulate_grad_batches=2), work_dir=tmp_path)
    assert caught.value.code == "accumulation-impossible"


def test_an_argument_of_the_wrong_kind_is_told_before_anything_starts(
    judged: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(SingwizError) as caught:
        train(judged(**{"architecture_args.width": "wide"}), work_dir=tmp_path)
    assert caught.value.code == "model-config"
    assert "width is 'wide', but it has to be a whole number" in caught.value.message


def test_a_model_whose_package_is_gone_is_named(config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        train(config(**SILENT, architecture="vanished"), work_dir=tmp_path)
    assert caught.value.code == "model-config"
    assert "'vanished'" in caught.value.message


def test_callbacks_are_called_in_the_order_of_a_training(
    config: MakeConfig, tmp_path: Path
) -> None:
    told: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *arguments: told.append(name)

    quiet = {"num_valid_plots": 0, "max_updates": 6, "val_check_interval": 6}
    train(
        config(**SILENT, **quiet),
        work_dir=tmp_path,
        callbacks={name: note(name) for name in HOOKS},
    )
    step = [
        "on_train_step_start",
        "before_backward_pass",
        "before_gradient_clipping",
        "on_train_step_end",
    ]
    begin, end = ["on_epoch_start", "on_train_epoch_start"], ["on_train_epoch_end", "on_epoch_end"]
    # Eleven items make four batches: six steps are one pass and a half.
    passes = [*begin, *(4 * step), *end, *begin, *(2 * step), *end]
    assert told == ["on_init_start", "on_init_end", *passes]


def test_stopping_calls_the_hook_of_an_interrupt(
    config: MakeConfig, record: type, tmp_path: Path
) -> None:
    told: list[int] = []
    train(
        config(**SILENT, num_valid_plots=0),
        work_dir=tmp_path,
        reporter=record(stop_at=2),
        callbacks={"on_keyboard_interrupt": lambda trainer: told.append(trainer.global_step)},
    )
    assert told == [2]


def test_a_callback_for_no_moment_is_refused(config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown callback 'on_lunch'"):
        train(config(), work_dir=tmp_path, callbacks={"on_lunch": print})
