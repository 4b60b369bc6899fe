"""How fast models train on this machine: steps, audio seconds, waiting for data, memory.

    python benchmarks/train.py [--model acoustic|variance] [--size small|template]
                               [--optimizer adamw|muon] [--backbone NAME]
                               [--device auto] [--precision 32-true|bf16-mixed] [--compile]
                               [--steps 40]

Trains on synthetic prepared data (items of 4-12 s, four to a batch, about 2,700 frames a step)
through the same function as `singwiz train`; start-up is not counted. Prints one line of JSON.
Compare numbers of one machine only, and CPU seconds rather than wall seconds when it is busy.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from singwiz.core.binarize.storage import BinaryWriter
from singwiz.core.config import Config, load_config
from singwiz.core.models.registry import part_names
from singwiz.core.reporting import Reporter

CURVES = ("breathiness", "voicing", "tension")
FRAMES_PER_SECOND = 44100 / 512
WARM_UP = 5
PHONEMES = 40

OPTIMIZERS = {"adamw": "torch.optim.AdamW", "muon": "modules.optimizer.muon.Muon_AdamW"}


def small_backbone(name: str, channels: int = 256) -> dict[str, Any]:
    """A backbone of three layers."""
    return {"backbone_type": name, "backbone_args": {"num_channels": channels, "num_layers": 3}}


def model_config(model: str, size: str, backbone: str, folder: Path, **changes: Any) -> Config:
    """The default config of a model, or a small one, with three curves."""
    own: dict[str, Any] = {}
    if model == "acoustic":
        own |= {f"use_{name}_embed": True for name in CURVES} | {"backbone_type": backbone}
        if size == "small":
            decoder = {"num_channels": 128, "num_layers": 3}
            own |= small_backbone(backbone)
            own["shallow_diffusion_args"] = {"aux_decoder_args": decoder}
    else:
        own |= {f"predict_{name}": True for name in ("dur", "pitch", *CURVES)}
        parts = ("pitch_prediction_args", "variances_prediction_args")
        own |= {part: {"backbone_type": backbone} for part in parts}
        if size == "small":
            own |= {parts[0]: small_backbone(backbone), parts[1]: small_backbone(backbone, 192)}
            own["melody_encoder_args"] = {"hidden_size": 64, "enc_layers": 2}
            own["dur_prediction_args"] = {"hidden_size": 128, "num_layers": 3}
    return load_config(
        {
            "base_config": [f"configs/{model}.yaml"],
            "binary_data_dir": str(folder),
            "dictionaries": {"x": "x.txt"},
            "vocoder_ckpt": "",
            "max_batch_size": 4,
            "val_check_interval": 10**6,
            "num_sanity_val_steps": 0,
            "num_valid_plots": 0,
            "log_interval": WARM_UP,
            **({"hidden_size": 128} if size == "small" else {}),
            **own,
        },
        overrides=changes,
    )


def random_item(rng: np.random.Generator, model: str, frames: int) -> dict[str, Any]:
    """Random prepared fields of a phrase."""
    length = frames // 12
    bounds = np.sort(rng.choice(np.arange(1, frames), length - 1, replace=False))
    ph_dur = np.diff(bounds, prepend=0, append=frames)
    mel2ph = np.repeat(np.arange(1, length + 1), ph_dur)
    pitch = (60 + rng.normal(0, 2, frames)).astype(np.float32)
    fields = {
        "spk_id": 0,
        "languages": np.zeros(length, np.int64),
        "tokens": rng.integers(1, PHONEMES, length),
        "mel2ph": mel2ph.astype(np.int64),
        **{name: rng.normal(-30, 5, frames).astype(np.float32) for name in CURVES},
    }
    if model == "acoustic":
        mel = rng.normal(-6, 2, (frames, 128)).astype(np.float32)
        return {**fields, "mel": mel, "f0": rng.uniform(200, 400, frames).astype(np.float32)}
    notes = length // 2
    note_dur = np.add.reduceat(ph_dur, np.arange(notes) * 2)
    return {
        **fields,
        "ph_dur": ph_dur.astype(np.int64),
        "ph2word": np.minimum(np.arange(length) // 2 + 1, notes),
        "midi": np.full(length, 60),
        "note_midi": rng.uniform(55, 65, notes).astype(np.float32),
        "note_rest": np.zeros(notes, bool),
        "note_dur": note_dur.astype(np.int64),
        "note_glide": np.zeros(notes, np.int64),
        "mel2note": np.repeat(np.arange(1, notes + 1), note_dur),
        "base_pitch": np.full(frames, 60, np.float32),
        "pitch": pitch,
        "uv": np.zeros(frames, bool),
    }


def write_data(folder: Path, model: str, items: int = 32) -> None:
    """Random prepared data in the shape of phrases of 4 to 12 seconds."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, count in (("train", items), ("valid", 1)):
        with BinaryWriter(folder, split) as writer:
            for number in range(count):
                frames = int(rng.uniform(4, 12) * FRAMES_PER_SECOND)
                meta = {"names": str(number), "spk_names": "x", "ph_texts": ""}
                writer.add(
                    random_item(rng, model, frames),
                    length=frames,
                    meta=meta if split == "valid" else None,
                )
    ids = {f"p{number}": number for number in range(1, PHONEMES)}
    (folder / "phonemes.json").write_text(json.dumps(ids), encoding="utf-8")


class Stopwatch(Reporter):
    """Notes wall time, CPU time and time spent waiting for data at every logged step."""

    def __init__(self) -> None:
        self.times: dict[int, tuple[float, float, float]] = {}
        self.waited = 0.0

    def metric(self, name: str, value: float, step: int) -> None:
        if name == "training/lr":
            self.times[step] = (time.perf_counter(), time.process_time(), self.waited)


def time_the_loader(watch: Stopwatch) -> None:
    """Count the time in which training waits for its next batch."""
    from torch.utils.data import dataloader

    base = dataloader._BaseDataLoaderIter
    fetch = base.__next__

    def timed(self: Any) -> Any:
        begin = time.perf_counter()
        try:
            return fetch(self)
        finally:
            watch.waited += time.perf_counter() - begin

    base.__next__ = timed


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Train for a while; what a step takes after the warm-up."""
    import torch

    from singwiz.core.training import train

    watch = Stopwatch()
    time_the_loader(watch)
    with tempfile.TemporaryDirectory() as scratch:
        binary = Path(scratch) / "binary"
        write_data(binary, arguments.model)
        config = model_config(
            arguments.model,
            arguments.size,
            arguments.backbone,
            binary,
            **{
                "max_updates": arguments.steps + WARM_UP,
                "pl_trainer_precision": arguments.precision,
                "optimizer_args.optimizer_cls": OPTIMIZERS[arguments.optimizer],
            },
        )
        train(
            config,
            work_dir=Path(scratch) / "exp",
            device=arguments.device,
            reporter=watch,
            compiled=arguments.compile,
        )
    if len(watch.times) < 2:
        raise SystemExit("Stopped before anything was measured.")
    first, last = min(watch.times), max(watch.times)
    total = np.subtract(watch.times[last], watch.times[first])
    wall, cpu, waited = total / (last - first)
    result = {
        "steps_per_second": round(1 / wall, 3),
        "cpu_seconds_per_step": round(cpu, 3),
        "audio_seconds_per_second": round(4 * 8 / wall, 1),
        "data_wait_share": round(waited / wall, 4),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    if torch.cuda.is_available():
        result["peak_gpu_memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=["acoustic", "variance"], default="acoustic")
    parser.add_argument("--size", choices=["small", "template"], default="small")
    parser.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="muon")
    parser.add_argument("--backbone", choices=part_names("backbone"), default="lynxnet2")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    print(json.dumps({**vars(arguments), **measure(arguments)}))


if __name__ == "__main__":
    main()
