"""Everything that is checked of an acoustic model, in one call."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core.config import load_config
from ..core.export.examples import example_inputs
from ..core.export.graphs.acoustic import ForeignAcousticGraph
from ..core.models.outputs import MAIN_OUTPUT, named_outputs
from ..core.models.randomness import RandomSource
from ..core.training.acoustic import AcousticBase
from ..core.training.contract import LOSS
from .exporting import check_onnx
from .failures import demand
from .layers import check_deterministic, check_finite, check_gradients
from .losses import check_criterion
from .training import (
    check_all_parameters_change,
    check_logs,
    check_resume,
    check_state_round_trip,
)

VOCAB, BINS = 7, 16


class _Still(RandomSource):
    """The same noise for every item, so that items can be compared."""

    def normal(self, shape: Any, *, device: torch.device) -> Tensor:
        return torch.linspace(-1, 1, shape[-2], device=device)[:, None].expand(*shape)

    def uniform(self, size: int, *, device: torch.device) -> Tensor:
        return torch.full((size,), 0.5, device=device)

    def integers(self, high: int, size: int, *, device: torch.device) -> Tensor:
        return torch.full((size,), high // 2, dtype=torch.int64, device=device)


def acoustic_config(**changes: Any) -> dict[str, Any]:
    """The plain config of a tiny acoustic model; changes by dotted key, e.g.
    ``**{"architecture_args.width": 8}``."""
    base: dict[str, Any] = {
        "base_config": ["configs/acoustic.yaml"],
        "task_cls": "training.acoustic_task.AcousticTask",
        "dictionaries": {"ja": "ja.txt"},
        "audio_num_mel_bins": BINS,
        "hidden_size": 16,
        "enc_layers": 1,
        "backbone_args": {"num_channels": 16, "num_layers": 1, "kernel_size": 3},
        "shallow_diffusion_args": {"aux_decoder_args": {"num_channels": 8, "num_layers": 1}},
        "sampling_steps": 2,
        "optimizer_args": {"optimizer_cls": "torch.optim.AdamW", "lr": 0.002},
        "use_key_shift_embed": False,
        "use_speed_embed": False,
    }
    return load_config(base, overrides=changes).to_dict()


def acoustic_batch(
    config: Mapping[str, Any], *, items: int = 2, frames: int = 18, seed: int = 0
) -> dict[str, Any]:
    """A batch as the loader gives it, with everything that the config turns on.

    The last quarter of the frames of every second item is padding.
    """
    draw = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=draw)

    phonemes = 4
    tokens = torch.randint(1, VOCAB, (items, phonemes), generator=draw)
    owners = (torch.arange(frames) * phonemes // frames + 1).expand(items, -1).clone()
    owners[1::2, frames - frames // 4 :] = 0
    voiced = (owners > 0).float()
    mel = uniform(items, frames, int(config["audio_num_mel_bins"]), low=-9, high=-1)
    batch: dict[str, Any] = {
        "size": items,
        "indices": torch.arange(items),
        "tokens": tokens,
        "mel": mel * voiced[..., None],
        "mel2ph": owners,
        "f0": uniform(items, frames, low=120, high=400) * voiced,
    }
    if config.get("use_spk_id"):
        batch["spk_ids"] = torch.zeros(items, dtype=torch.int64)
    if config.get("use_lang_id"):
        batch["languages"] = torch.zeros(items, phonemes, dtype=torch.int64)
    for name, (low, high) in {
        "energy": (-60, -10),
        "breathiness": (-80, -30),
        "voicing": (-60, -10),
        "tension": (-4, 4),
    }.items():
        if config.get(f"use_{name}_embed"):
            batch[name] = uniform(items, frames, low=low, high=high) * voiced
    for name, value in (("key_shift", 2.0), ("speed", 1.1)):
        if config.get(f"use_{name}_embed"):
            batch[name] = torch.full((items, 1), value)
    return batch


def check_acoustic_model(
    cls: type[AcousticBase],
    config: Mapping[str, Any] | None = None,
    *,
    unused: Collection[str] = (),
    masked: bool = True,
    onnx: bool = True,
) -> None:
    """An acoustic model fulfils the contract.

    Outputs and losses by name, shapes of mels (also of a single frame), losses that padding does
    not change, finite gradients, change of every parameter, state and resuming, logs,
    determinism, independence of the items of a batch, ONNX.

    Args:
        cls: the model.
        config: plain, see :func:`acoustic_config`; a tiny one if None.
        unused: beginnings of the names of parameters that may stay untrained.
        masked: padding must not matter to the losses.
        onnx: export it as a voicebank would, and compare. singwiz's own models have graphs of
            their own, which are compared at every export.
    """
    config = dict(config or acoustic_config())

    def build() -> AcousticBase:
        return cls.init_from_config(config, vocab_size=VOCAB)

    for name in ("inference", "forward"):
        demand(getattr(cls, name, None) is not None, f"{cls.__name__} has no {name}")
    taken = list(inspect.signature(cls.inference).parameters)
    demand(
        taken == ["self", "inputs", "aux_input"],
        f"inference takes {', '.join(taken[1:])}; it has to take inputs and aux_input",
    )
    torch.manual_seed(0)
    model = build()
    loaded = acoustic_batch(config)
    missing = [name for name in model.fields() if name not in {*loaded, "spk_id"}]
    demand(not missing, f"the model wants fields that no acoustic data has: {', '.join(missing)}")
    batch = model.format_batch(loaded)

    _check_singing(model.eval(), config, batch)
    model.train()
    check_logs(model, batch)
    outputs, losses = model.train_step(batch, model.get_criterion(), model.optimizers[0])
    demand(MAIN_OUTPUT in outputs, f"train_step gives no '{MAIN_OUTPUT}'")
    check_finite(losses, "the losses")
    check_gradients(model, _whole_loss(model, batch), unused=unused)
    if masked and isinstance(outputs[MAIN_OUTPUT], Tensor):
        _check_padding(model, batch, outputs)
    check_all_parameters_change(model, lambda: _whole_loss(model, batch), unused=unused)
    check_resume(build(), batch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_state_round_trip(build, lambda one: _sing(one, batch)[MAIN_OUTPUT], folder)
        if onnx:
            _check_onnx(build().eval(), config, folder)


def _song(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in batch.items() if name != "gt_mel"}


def _sing(model: Any, batch: Mapping[str, Any], **wishes: Any) -> dict[str, Any]:
    with torch.no_grad():
        return named_outputs(model.inference(_song(batch), {"random": _Still(), **wishes}))


def _whole_loss(model: AcousticBase, batch: Mapping[str, Any]) -> Tensor:
    criterion = model.get_criterion()
    losses = [model.train_step(batch, criterion, name)[1][LOSS] for name in model.optimizers]
    return torch.stack(losses).sum()


def _check_singing(model: AcousticBase, config: Mapping[str, Any], batch: dict[str, Any]) -> None:
    bins = int(config["audio_num_mel_bins"])
    for items, frames in ((2, 18), (1, 9), (1, 1)):
        some = model.format_batch(acoustic_batch(config, items=items, frames=frames))
        mel = _sing(model, some)[MAIN_OUTPUT]
        wanted = (items, frames, bins)
        demand(tuple(mel.shape) == wanted, f"the mel is {tuple(mel.shape)} instead of {wanted}")
        check_finite(mel, f"the mel of {items} × {frames} frames")
    check_deterministic(lambda: _sing(model, batch)[MAIN_OUTPUT], "the mel")
    together = _sing(model, batch)[MAIN_OUTPUT]
    for row in range(len(together)):
        alone = _sing(model, {name: value[row : row + 1] for name, value in batch.items()})
        error = float((alone[MAIN_OUTPUT][0] - together[row]).abs().max())
        demand(error < 1e-3, f"item {row} of a batch is sung differently alone, by {error:.3g}")


def _check_padding(model: AcousticBase, batch: dict[str, Any], outputs: dict[str, Any]) -> None:
    pad = (batch["mel2ph"] == 0)[..., None]
    main = outputs[MAIN_OUTPUT]
    if main.shape[:2] == pad.shape[:2]:
        criterion = model.get_criterion()
        # A judge sees outputs without their gradients, so those are not looked at here.
        outputs = {**outputs, MAIN_OUTPUT: main.detach()}
        for name in model.optimizers:
            padding = {MAIN_OUTPUT: pad}
            check_criterion(criterion, outputs, batch, padding=padding, optimizer_name=name)


def _check_onnx(model: AcousticBase, config: Mapping[str, Any], folder: Path) -> None:
    graph = ForeignAcousticGraph(model, config, vocab_size=VOCAB).eval()

    def example(phonemes: int, frames: int) -> dict[str, Tensor]:
        return example_inputs(graph, vocab_size=VOCAB, n_tokens=phonemes, n_frames=frames, seed=1)

    check_onnx(graph, example(4, 20), [example(2, 7), example(9, 55)], folder)
