"""Checks of fixtures about training vocoders: records, clips, optimizer and one whole step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from singwiz.core.binarize.vocoder_item import VocoderRecipe, analyse
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.vocoder.losses import log_stft_distance
from singwiz.core.models.vocoder.norms import WeightNormConv1d
from singwiz.core.training.optimizers import build_optimizer
from singwiz.core.training.vocoder import clips
from singwiz.core.training.vocoder.gan import Gan
from singwiz.core.training.vocoder.muon import VocoderMuonAdamW
from singwiz.core.training.vocoder.optimizers import GanOptimizers, frozen

if TYPE_CHECKING:
    from test_golden import Fixture


def close(fixture: Fixture, name: str, actual: Any, limit: dict[str, float] | None = None) -> None:
    """Compare with an array of the fixture under its own tolerance."""
    fixture.unchecked.discard(f"array {name}")
    limit = limit or fixture.data["tolerances"].get(name) or {"rtol": 1e-5, "atol": 1e-6}
    actual, expected = np.asarray(actual, np.float64), fixture.arrays[name]
    if actual.shape != expected.shape:
        fixture.failures.append(f"{name}: shape {actual.shape}, not {expected.shape}")
        return
    allowed = limit.get("atol", 0) + limit.get("rtol", 0) * np.abs(expected)
    worst = (np.abs(actual - expected) - allowed).max(initial=0.0)
    if not worst <= 0:
        fixture.failures.append(f"{name}: {worst:.3g} more than allowed")


class OneRecord:
    """A single recording, as :class:`Records`."""

    def __init__(self, audio: np.ndarray, mel: np.ndarray, f0: np.ndarray) -> None:
        self.fields = {"audio": audio, "mel": mel, "f0": f0}
        self.names, self.lengths, self.max_f0 = ["wav"], [len(f0)], [float(f0.max())]
        self.in_memory = True

    def read(self, index: int, field: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        return self.fields[field][start:stop]

    def samples(self, index: int) -> int:
        return len(self.fields["audio"])


def check_data(fixture: Fixture) -> None:
    """The record of a recording, its key augmentation, a batch and a validation item."""
    config, wav = fixture.data["config"], fixture.arrays["wav"]
    defaults = {"pe_ckpt": "", "peak_normalise": False}
    recipe = VocoderRecipe.of(SimpleNamespace(**{**defaults, **config}))
    hop, frames = config["hop_size"], config["crop_mel_frames"]
    found = analyse(wav, recipe)
    close(fixture, "rec_mel", found["mel"])
    close(fixture, "rec_f0", found["f0"])
    close(fixture, "rec_uv", found["uv"])

    speed, start = config["aug_speed"], config["aug_start"]
    needed = clips.stretch_frames(frames, speed) * hop
    close(fixture, "aug_randint_range", [0, len(wav) - 1 - needed])
    fast = clips.play_faster(wav[start : start + needed], speed, recipe)
    close(fixture, "aug_spectrogram", fast.mel)
    close(fixture, "aug_audio", fast.audio)
    close(fixture, "aug_f0", fast.f0)

    record = OneRecord(wav, fixture.arrays["rec_mel"], fixture.arrays["rec_f0"])
    piece = clips.crop_record(record, 0, config["col_start"], frames, hop)
    close(fixture, "col_uniform_range", [clips.SOFTEST, clips.loudest_shift(piece.audio)])
    # The reference never draws the last possible place.
    close(fixture, "col_randint_range", [0, record.lengths[0] - frames - 1])
    piece = clips.shift_volume(piece, config["col_shift"])
    batch = clips.collate(
        [clips.Piece(piece.audio, np.maximum(piece.mel, np.float32(clips.FLOOR)), piece.f0)]
    )
    for name in ("audio", "mel", "f0"):
        close(fixture, f"col_{name}", batch[name])

    item = clips.whole(record, 0, hop)
    close(fixture, "val_audio_tail", item.audio[-600:])
    close(fixture, "val_audio_len", clips.collate([item])["audio"].shape)
    close(fixture, "val_mel_min", item.mel.min())


class Net(nn.Module):
    """The modules of the Muon fixture."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(6, 10)
        self.conv = nn.Conv1d(4, 8, 3)
        self.wn = WeightNormConv1d(4, 6, 5)
        self.emb = nn.Embedding(5, 4)
        self.c2 = nn.Conv2d(3, 5, (2, 3))


def check_muon(fixture: Fixture) -> None:
    """Three steps of SingingVocoders' Muon_AdamW."""
    config, model = fixture.data["config"], Net()
    fixture.seed(model)
    fixture.check_state_dict(model)
    args = {"optimizer_cls": "Muon_AdamW", **{k: v for k, v in config.items() if k != "modules"}}
    optimizer = build_optimizer(model, args, muon=VocoderMuonAdamW)
    taken: dict[str, torch.Tensor] = {}
    for step in range(3):
        for name, parameter in model.named_parameters():
            parameter.grad = fixture.tensor(f"grad{step}__{name}")
        optimizer.step()
        for name, parameter in model.named_parameters():
            taken[f"step{step + 1}__{name}"] = parameter.detach().clone()
    for name, _ in model.named_parameters():
        first, last = f"step1__{name}", f"step3__{name}"
        # In the public fixture the snapshot of step 1 was not copied, and shows step 3.
        same = np.array_equal(fixture.arrays[first], fixture.arrays[last])
        close(fixture, first, taken[last if same else first], fixture.data["tolerances"]["params"])
        close(fixture, last, taken[last], fixture.data["tolerances"]["params"])


class StoredUniform(RandomSource):
    """The two draws of pitch control."""

    def __init__(self, draws: list[torch.Tensor]) -> None:
        super().__init__()
        self.draws = draws

    def uniform(self, size: int, *, device: torch.device) -> torch.Tensor:
        return self.draws.pop(0).reshape(size)


def check_step(fixture: Fixture) -> None:
    """One whole optimisation step: logged terms, gradients, changes, and the sound after it."""
    config = fixture.data["config"]
    gan = Gan(config)
    fixture.seed(gan)
    fixture.check_state_dict(gan)
    with torch.no_grad():
        for name, parameter in gan.named_parameters():
            if name.endswith("weight_g"):
                parameter *= 2
    before = {name: value.detach().clone() for name, value in gan.named_parameters()}
    mel, f0, audio = (fixture.tensor(name) for name in ("mel", "f0", "audio"))
    draws = [fixture.tensor(name) for name in ("rand_c", "rand_a") if name in fixture.arrays]
    optimizers = GanOptimizers.build(gan, config)
    performance = gan.perform(mel, f0, audio, random=StoredUniform(draws))
    for name, part in (performance.parts or {}).items():
        close(fixture, f"g2_{name}", part.detach(), fixture.data["tolerances"]["g2"])
    loss, logs = gan.discriminator_loss(performance, audio)
    optimizers.discriminator.zero_grad()
    loss.backward()
    optimizers.discriminator.step()
    norms = {name: p.grad for name, p in gan.named_parameters() if p.grad is not None}
    with frozen(gan.discriminator):
        loss, more = gan.generator_loss(performance, audio)
        optimizers.generator.zero_grad()
        loss.backward()
        optimizers.generator.step()
    norms |= {f"generator.{n}": p.grad for n, p in gan.generator.named_parameters()}
    for name, value in {**logs, **more}.items():
        close(fixture, f"log_{name}", value, fixture.data["tolerances"]["log"])
    order = config["param_names"]
    close(fixture, "grad_norm", [float(norms[name].norm()) for name in order])
    after = dict(gan.named_parameters())
    changes = [float((after[name] - before[name]).detach().abs().sum()) for name in order]
    close(fixture, "delta_abs_sum", changes)
    with torch.no_grad():
        sung = gan.generator(mel, f0)
    close(fixture, "wav_after", sung)
    close(fixture, "val_stft_loss", log_stft_distance(sung[:1], audio[:1]))


CHECKS = {
    "voc_data": check_data,
    "voc_muon": check_muon,
    "gan_step": check_step,
    "gan_step_pc": check_step,
}
