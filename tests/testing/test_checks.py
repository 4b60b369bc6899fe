"""Each contract check fails on a model that breaks just what it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from singwiz.core.features.pitch import Parselmouth
from singwiz.core.features.separation import World
from singwiz.core.models.aux_decoder import AUX_DECODERS
from singwiz.core.models.backbones import BACKBONES, Backbone
from singwiz.core.models.regulators import gather_frames
from singwiz.core.training.acoustic import AcousticBase, AcousticTraining
from singwiz.core.training.contract import Criterion
from singwiz.testing import (
    BrokenContract,
    acoustic_config,
    check_acoustic_model,
    check_aux_decoder,
    check_backbone,
    check_criterion,
    check_pitch_extractor,
    check_separator,
)

SMALL = {"num_channels": 8, "num_layers": 1, "kernel_size": 3}


# Our own keep the contract ---------------------------------------------------------------


@pytest.mark.parametrize("name", BACKBONES)
def test_our_backbones_keep_the_contract(name: str) -> None:
    check_backbone(BACKBONES[name], SMALL, onnx=name == "lynxnet2")


@pytest.mark.parametrize("name", AUX_DECODERS)
def test_our_auxiliary_decoders_keep_the_contract(name: str) -> None:
    check_aux_decoder(AUX_DECODERS[name], SMALL)


@pytest.mark.parametrize(
    "changes",
    [{}, {"use_shallow_diffusion": False, "use_tension_embed": True}],
    ids=["shallow", "plain"],
)
def test_our_acoustic_model_keeps_the_contract(changes: dict[str, Any]) -> None:
    check_acoustic_model(AcousticTraining, acoustic_config(**changes), masked=False, onnx=False)


def test_our_extractor_and_separator_keep_the_contract() -> None:
    check_pitch_extractor(lambda s, base_dir, device: Parselmouth(s.f0_min, s.f0_max))
    check_separator(lambda s, base_dir, device: World(s.fft_size))


# Broken backbones ------------------------------------------------------------------------


class Sound(Backbone):
    """A backbone without faults, for others to break."""

    def __init__(self, *, in_dims: int, num_feats: int, hidden_size: int) -> None:
        super().__init__(in_dims=in_dims, num_feats=num_feats)
        bins = in_dims * num_feats
        self.enter = nn.Linear(bins, 8)
        self.cond = nn.Linear(hidden_size, 8)
        self.time = nn.Linear(1, 8)
        self.leave = nn.Linear(8, bins)

    def project_condition(self, cond: Tensor) -> Tensor:
        return self.cond(cond.transpose(1, 2))

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        y = self.enter(x.transpose(1, 2)) + condition + self.time(t[:, None] / 1000)[:, None]
        return self.leave(torch.tanh(y)).transpose(1, 2)


class Cut(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        y = super().denoise(x, t, condition)
        return y[..., 1:] if y.shape[-1] == 1 else y


class Explodes(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, condition) / x.abs().sum()


class Dice(Sound):
    seen = 0.0

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        self.seen += 1.0
        return super().denoise(x, t, condition) + self.seen


class Mixes(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, condition) + x.mean()


class Timeless(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, torch.zeros_like(t), condition)


class Deaf(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, torch.zeros_like(condition))


class Sideways(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, condition).transpose(1, 2)


class Punctual(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t.view(len(x)), condition)


class Forgets(Sound):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.hidden = torch.rand(1)

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, condition) * self.hidden


class Idle(Sound):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.spare = nn.Linear(2, 2)


class Stuck(Sound):
    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        self.scale = nn.Parameter(torch.ones(1))

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        return super().denoise(x, t, condition) + (self.scale * 0.0)


class Spiky(Sound):
    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        y = super().denoise(x, t, condition)
        return y + 0 * (self.leave.bias - self.leave.bias).sqrt().sum()


class Frozen(Sound):
    """Remembers the length it is traced with."""

    def denoise(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        y = super().denoise(x, t, condition)
        return y + torch.zeros(int(x.shape[-1])) if x.shape[-1] != 14 else y + torch.zeros(14)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Cut, r"the output is \(3, 1, 6, 0\) instead of"),
        (Explodes, "for zero inputs .* not finite"),
        (Dice, "differs between two equal calls"),
        (Mixes, "items of a batch influence each other"),
        (Timeless, "the time has no influence"),
        (Deaf, "the condition has no influence"),
        (Sideways, "denoise gives .* keep the order"),
        (Punctual, r"t may be \[1\]"),
        (Idle, "spare.weight gets no gradient"),
        (Stuck, "scale is the same after 5 steps"),
        (Spiky, "gradient of leave.bias is not finite"),
        (Forgets, "state outside of its parameters"),
        (Frozen, "exported"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_backbone_is_found(broken: type[Backbone], said: str) -> None:
    with pytest.raises(BrokenContract, match=said):
        check_backbone(broken)


def test_unused_parameters_are_fine_if_they_are_named() -> None:
    check_backbone(Idle, unused=("spare.",), onnx=False)
    check_backbone(Sound)


# Broken losses ---------------------------------------------------------------------------


class L1(Criterion):
    names = ("mel_loss",)

    def compute(self, outputs: Any, batch: Any, optimizer_name: str = "main") -> dict[str, Tensor]:
        mask = batch["mask"]
        error = (outputs["model_outputs"] - batch["gt_mel"]).abs() * mask
        return {"mel_loss": error.sum() / mask.expand_as(error).sum()}


class Unmasked(L1):
    def compute(self, outputs: Any, batch: Any, optimizer_name: str = "main") -> dict[str, Tensor]:
        return {"mel_loss": (outputs["model_outputs"] - batch["gt_mel"]).abs().mean()}


class Offset(L1):
    def compute(self, *arguments: Any) -> dict[str, Tensor]:
        return {"mel_loss": super().compute(*arguments)["mel_loss"] + 0.1}


class Negative(L1):
    def compute(self, *arguments: Any) -> dict[str, Tensor]:
        return {"mel_loss": -super().compute(*arguments)["mel_loss"]}


class Infinite(L1):
    def compute(self, *arguments: Any) -> dict[str, Tensor]:
        return {"mel_loss": super().compute(*arguments)["mel_loss"] / 0}


class Detached(L1):
    def compute(self, *arguments: Any) -> dict[str, Tensor]:
        return {"mel_loss": super().compute(*arguments)["mel_loss"].detach().requires_grad_()}


MEL = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
MASK = torch.ones(2, 5, 1)
MASK[1, 3:] = 0


def check(criterion: Criterion) -> None:
    check_criterion(
        criterion,
        {"model_outputs": (MEL + 1).requires_grad_()},
        {"gt_mel": MEL, "mask": MASK},
        perfect={"model_outputs": MEL},
        padding={"model_outputs": MASK == 0},
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Unmasked, "when only padding changes"),
        (Offset, "of a perfect output is 0.1"),
        (Negative, "not within 0.0"),
        (Infinite, "is inf"),
        (Detached, "depends on none of the outputs"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_loss_is_found(broken: type[Criterion], said: str) -> None:
    check(L1())
    with pytest.raises(BrokenContract, match=said):
        check(broken())


def test_losses_have_to_be_the_named_scalars() -> None:
    class Vector(L1):
        def compute(self, *arguments: Any) -> dict[str, Tensor]:
            return {"mel_loss": torch.ones(2)}

    class Other(L1):
        def compute(self, *arguments: Any) -> dict[str, Tensor]:
            return {"another": torch.ones(())}

    for broken, said in ((Vector(), "no scalar"), (Other(), "names the losses mel_loss")):
        with pytest.raises(ValueError, match=said):
            broken({}, {})


# Broken models ---------------------------------------------------------------------------


class MelLoss(Criterion):
    names = ("mel_loss",)

    def compute(self, outputs: Any, batch: Any, optimizer_name: str = "main") -> dict[str, Tensor]:
        mask = (batch["mel2ph"] > 0).unsqueeze(-1)
        error = (outputs["model_outputs"] - batch["gt_mel"]).abs() * mask
        return {"mel_loss": error.sum() / (mask.sum() * error.shape[-1])}


class Plain(AcousticBase):
    """An acoustic model without faults, for others to break."""

    def __init__(self, *, vocab_size: int, audio_num_mel_bins: int) -> None:
        super().__init__()
        self.phonemes = nn.Embedding(vocab_size, 8, padding_idx=0)
        self.pitch = nn.Linear(1, 8)
        self.leave = nn.Linear(8, audio_num_mel_bins)

    def forward(self, txt_tokens: Tensor, mel2ph: Tensor, f0: Tensor, **others: Any) -> Any:
        x = gather_frames(self.phonemes(txt_tokens), mel2ph)
        x = torch.tanh(x + self.pitch(torch.log1p(f0 / 700).unsqueeze(-1)))
        return {"model_outputs": self.leave(x)}

    def inference(self, inputs: Any, aux_input: Any = None) -> Any:
        return self(**inputs)

    def get_criterion(self) -> Criterion:
        return MelLoss()


class Nameless(Plain):
    def forward(self, *arguments: Any, **named: Any) -> Any:
        return {"mel": super().forward(*arguments, **named)["model_outputs"]}


class Signature(Plain):
    def inference(self, txt_tokens: Any, mel2ph: Any = None, f0: Any = None) -> Any:  # type: ignore[override]
        return self(txt_tokens, mel2ph, f0)


class Transposed(Plain):
    def inference(self, inputs: Any, aux_input: Any = None) -> Any:
        return {"model_outputs": self(**inputs)["model_outputs"].transpose(1, 2)}


class Whispers(Plain):
    def inference(self, inputs: Any, aux_input: Any = None) -> Any:
        mel = self(**inputs)["model_outputs"]
        return {"model_outputs": mel - mel.mean()}


class Wants(Plain):
    def fields(self) -> list[str]:
        return [*super().fields(), "lyrics"]


class Silent(Plain):
    def get_criterion(self) -> Criterion:
        class Quiet(MelLoss):
            names = ()

            def compute(self, *arguments: Any) -> dict[str, Tensor]:
                return {"loss": super().compute(*arguments)["mel_loss"]}

        return Quiet()


class Careless(Plain):
    def get_criterion(self) -> Criterion:
        class Everywhere(MelLoss):
            def compute(self, outputs: Any, batch: Any, name: str = "") -> dict[str, Tensor]:
                return {"mel_loss": (outputs["model_outputs"] - batch["gt_mel"]).abs().mean()}

        return Everywhere()


class Draws(Plain):
    def train_log(self, batch: Any, outputs: Any, gallery: Any) -> None:
        gallery.figure("mel", np.zeros((4, 4)))


class Counts(Plain):
    steps = 0

    def train_step(self, batch: Any, criterion: Any, optimizer_name: str = "main") -> Any:
        self.steps += 1
        outputs, losses = super().train_step(batch, criterion, optimizer_name)
        return outputs, {name: value * self.steps**0.5 for name, value in losses.items()}

    def get_optimizers(self) -> dict[str, Any]:
        return {"main": torch.optim.SGD(self.parameters(), lr=0.1)}


class Untraceable(Plain):
    def inference(self, inputs: Any, aux_input: Any = None) -> Any:
        mel = self(**inputs)["model_outputs"]
        return {"model_outputs": mel + torch.from_numpy(mel.detach().numpy() * 1e-1)}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Signature, "has to take inputs and aux_input"),
        (Transposed, r"the mel is \(2, 16, 18\) instead of \(2, 18, 16\)"),
        (Whispers, "of a batch is sung differently alone"),
        (Wants, "fields that no acoustic data has: lyrics"),
        (Silent, "names no losses"),
        (Careless, "when only padding changes"),
        (Draws, r"picture 'mel' is \(4, 4\)"),
        (Counts, "interrupted and resumed"),
        (Untraceable, "differs from torch|fails on other lengths"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_acoustic_model_is_found(broken: type[AcousticBase], said: str) -> None:
    with pytest.raises(BrokenContract, match=said):
        check_acoustic_model(broken)


def test_outputs_without_the_main_one_are_refused() -> None:
    with pytest.raises(ValueError, match="no 'model_outputs'"):
        check_acoustic_model(Nameless)


def test_an_acoustic_model_without_faults_passes() -> None:
    check_acoustic_model(Plain)


# Broken extractors and separators --------------------------------------------------------


def octave(settings: Any, *, base_dir: Path, device: str) -> Any:
    good = Parselmouth(settings.f0_min, settings.f0_max)

    class High:
        def extract(self, *arguments: Any, **named: Any) -> Any:
            f0, unvoiced = good.extract(*arguments, **named)
            return 2 * f0, unvoiced

    return High()


def dithered(settings: Any, *, base_dir: Path, device: str) -> Any:
    class Random:
        def separate(self, waveform: Any, f0: Any, **named: Any) -> Any:
            return waveform, np.random.default_rng().normal(0, 1e-3, len(waveform))

    return Random()


@pytest.mark.parametrize(
    ("check_part", "broken", "said"),
    [
        (check_pitch_extractor, octave, "1200 cents off"),
        (check_separator, dithered, "the aperiodic part differs from run to run"),
    ],
)
def test_a_broken_extractor_or_separator_is_found(
    check_part: Callable[..., None], broken: Callable[..., Any], said: str
) -> None:
    with pytest.raises(BrokenContract, match=said):
        check_part(broken)
