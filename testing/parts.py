"""Everything that is checked of an exchangeable part, in one call each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core.export.graphs.parts import Graph, Port
from ..core.export.graphs.samplers import _Network
from ..core.models.arguments import known_arguments
from ..core.models.backbones.base import Backbone
from .exporting import check_onnx
from .failures import BrokenContract, demand
from .layers import (
    check_batch_invariance,
    check_deterministic,
    check_gradients,
    check_shapes,
)
from .training import check_all_parameters_change, check_state_round_trip

BINS, HIDDEN = 6, 8


def check_backbone(
    backbone: Callable[..., Backbone],
    args: Mapping[str, Any] | None = None,
    *,
    unused: Collection[str] = (),
    onnx: bool = True,
) -> None:
    """A backbone predicts images of the right shape, learns with all its parameters, and exports.

    Checked with one feature and with two: shapes (single frames, zeros, a batch of one),
    determinism, independence of the items of a batch, influence of image, time and condition,
    gradients, change of every parameter, state, ONNX.

    Args:
        backbone: the class.
        args: its arguments; small ones make the check quick.
        unused: beginnings of the names of parameters that may stay untrained.
        onnx: compare an exported file, too.
    """
    chosen = known_arguments(backbone, args or {})
    for feats in (1, 2):
        _check_backbone(backbone, chosen, feats, unused=unused, onnx=onnx and feats == 1)


def _check_backbone(
    backbone: Callable[..., Backbone],
    args: Mapping[str, Any],
    feats: int,
    *,
    unused: Collection[str],
    onnx: bool,
) -> None:
    def build() -> Backbone:
        made = backbone(in_dims=BINS, num_feats=feats, hidden_size=HIDDEN, **args)
        # Output layers that start at zero would hide what is behind them.
        generator = torch.Generator().manual_seed(4)
        with torch.no_grad():
            for parameter in made.parameters():
                if not parameter.any():
                    parameter.normal_(std=0.05, generator=generator)
        return made

    def inputs(batch: int, frames: int) -> list[Tensor]:
        image = torch.randn(batch, feats, BINS, frames)
        return [image, torch.rand(batch) * 1000, torch.randn(batch, HIDDEN, frames)]

    torch.manual_seed(0)
    network = build().eval()
    demand(isinstance(network, Backbone), "a backbone has to be a subclass of Backbone")
    check_shapes(network, inputs, lambda b, t: (b, feats, BINS, t))
    given = inputs(2, 12)
    _check_denoise(network, given)
    check_deterministic(lambda: network(*given), "a backbone's prediction in evaluation mode")
    check_batch_invariance(network, given)
    _check_influence(network, given)
    network.train()
    target = torch.randn_like(given[0])

    def loss() -> Tensor:
        return (network(*given) - target).square().mean()

    check_gradients(network, loss(), unused=unused)
    check_all_parameters_change(network, loss, unused=unused)
    with tempfile.TemporaryDirectory() as folder:
        check_state_round_trip(build, lambda one: one(*given), Path(folder))
        if onnx:
            _check_backbone_onnx(build().eval(), inputs, Path(folder))


def _check_denoise(network: Backbone, given: list[Tensor]) -> None:
    image, time, condition = given
    flat = image.flatten(1, 2)
    with torch.no_grad():
        projected = network.project_condition(condition)
        shape = tuple(network.denoise(flat, time, projected).shape)
        demand(
            shape == tuple(flat.shape),
            f"denoise gives {list(shape)} for {list(flat.shape)}: it has to keep the order "
            "[B, F*M, T]",
        )
        try:
            network.denoise(flat, time[:1], projected)
        except RuntimeError as error:
            raise BrokenContract(f"t may be [1], one time for the whole batch: {error}") from None


def _check_influence(network: Backbone, given: list[Tensor]) -> None:
    with torch.no_grad():
        before = network(*given)
        for place, name in enumerate(("the noisy image", "the time", "the condition")):
            changed = [value + (1.0 if k == place else 0.0) for k, value in enumerate(given)]
            moved = not torch.equal(network(*changed), before)
            demand(moved, f"{name} has no influence on the prediction")
        one = [given[0][:1], given[1][:1], given[2][:1]]
        shared = network(given[0], given[1][:1], given[2])
        alone = network(*one)
        demand(
            torch.allclose(shared[:1], alone, atol=1e-4),
            "a time of shape [1] has to count for the whole batch",
        )


class _Step(Graph):
    """What the sampling loop of an exported voice does with a backbone."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.network = _Network(backbone)
        image = (1, backbone.num_feats, backbone.in_dims, "n_frames")
        self.inputs = (
            Port("x", torch.float32, image),
            Port("t", torch.float32, (1,)),
            Port("cond", torch.float32, (1, "n_frames", HIDDEN)),
        )
        self.outputs = (Port("y", torch.float32, image),)

    def forward(self, *values: Tensor) -> Tensor:
        x, t, cond = values
        return self.network.evaluate(x, t, self.network.condition(cond))


def _check_backbone_onnx(
    network: Backbone, inputs: Callable[[int, int], list[Tensor]], folder: Path
) -> None:
    def example(frames: int) -> dict[str, Tensor]:
        x, t, cond = inputs(1, frames)
        return {"x": x, "t": t, "cond": cond.transpose(1, 2).contiguous()}

    check_onnx(_Step(network), example(14), [example(5), example(31)], folder)


def check_aux_decoder(
    decoder: Callable[..., nn.Module],
    args: Mapping[str, Any] | None = None,
    *,
    unused: Collection[str] = (),
) -> None:
    """An auxiliary decoder maps conditions ``[B, T, H]`` to mels ``[B, T, M]`` and learns.

    Args:
        decoder: the class.
        args: its arguments.
        unused: beginnings of the names of parameters that may stay untrained.
    """
    chosen = known_arguments(decoder, args or {}, given=("in_dims", "out_dims"))

    def build() -> nn.Module:
        return decoder(in_dims=HIDDEN, out_dims=BINS, **chosen)

    torch.manual_seed(0)
    network = build().eval()
    check_shapes(network, lambda b, t: [torch.randn(b, t, HIDDEN)], lambda b, t: (b, t, BINS))
    given = torch.randn(2, 12, HIDDEN)
    check_deterministic(lambda: network(given), "the decoder's mel in evaluation mode")
    check_batch_invariance(network, [given])
    network.train()

    def loss() -> Tensor:
        return (network(given) - 1.0).abs().mean()

    check_gradients(network, loss(), unused=unused)
    check_all_parameters_change(network, loss, unused=unused)
    with tempfile.TemporaryDirectory() as folder:
        check_state_round_trip(build, lambda one: one(given), Path(folder))


def check_pitch_extractor(extractor: Callable[..., Any], *, cents: float = 50.0) -> None:
    """A pitch extractor finds the pitch of tones, and survives silence and very short sounds.

    Args:
        extractor: called with settings (``pe``, ``pe_ckpt``, ``f0_min``, ``f0_max``),
            ``base_dir`` and ``device``.
        cents: how far the median may be off.
    """
    rate, hop = 44100, 512
    settings = SimpleNamespace(pe="", pe_ckpt="", f0_min=65.0, f0_max=1100.0)
    made = extractor(settings, base_dir=Path.cwd(), device="cpu")
    for pitch in (131.0, 220.0, 440.0):
        time = np.arange(rate) / rate
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9))
        wave = np.asarray(0.2 * tone, np.float32)
        f0, unvoiced = _pitch(made, wave, rate, hop, len(wave) // hop)
        demand(not unvoiced.all(), f"a tone of {pitch:g} Hz is found unvoiced")
        off = float(np.median(np.abs(1200 * np.log2(f0[~unvoiced] / pitch))))
        demand(off <= cents, f"a tone of {pitch:g} Hz is found {off:.0f} cents off")
    f0, unvoiced = _pitch(made, np.zeros(rate // 2, np.float32), rate, hop, 40)
    demand(bool(unvoiced.all()) and not f0.any(), "silence has to be unvoiced, with an F0 of 0")
    _pitch(made, np.zeros(hop, np.float32), rate, hop, 1)


def _pitch(
    made: Any, wave: np.ndarray, rate: int, hop: int, length: int
) -> tuple[np.ndarray, np.ndarray]:
    f0, unvoiced = made.extract(wave, rate, hop_size=hop, length=length)
    good = f0.shape == unvoiced.shape == (length,) and unvoiced.dtype == np.bool_
    demand(good, f"for {length} frames: F0 {f0.shape}, unvoiced {unvoiced.shape}")
    demand(bool(np.isfinite(f0).all()), "F0 is not finite")
    return f0, unvoiced


def check_separator(separator: Callable[..., Any]) -> None:
    """A separator gives two parts of about the length of the sound, the same every time.

    Args:
        separator: called with settings (``hnsep``, ``hnsep_ckpt``, ``fft_size``), ``base_dir``
            and ``device``.
    """
    rate, hop = 44100, 512
    settings = SimpleNamespace(hnsep="", hnsep_ckpt="", fft_size=2048)
    made = separator(settings, base_dir=Path.cwd(), device="cpu")
    time = np.arange(rate // 2) / rate
    noise = np.random.default_rng(0).normal(0, 0.02, len(time))
    wave = (0.3 * np.sin(2 * np.pi * 220 * time) + noise).astype(np.float32)
    f0 = np.full(len(wave) // hop, 220, np.float32)
    for sound, pitch in ((wave, f0), (np.zeros_like(wave), np.zeros_like(f0))):
        options = {"sample_rate": rate, "hop_size": hop, "item_name": "checked"}
        first, second = (made.separate(sound, pitch, **options) for _ in range(2))
        for part, again, name in zip(first, second, ("harmonic", "aperiodic"), strict=True):
            demand(abs(len(part) - len(sound)) <= 2 * hop, f"the {name} part has another length")
            demand(bool(np.isfinite(part).all()), f"the {name} part is not finite")
            demand(np.array_equal(part, again), f"the {name} part differs from run to run")
