"""How fast the acoustic model trains on this machine: steps per second, CPU seconds per step.

    python benchmarks/training.py [--steps 40] [--optimizer adamw|muon] [--model small|template]

Trains on synthetic prepared data (items of 4-12 s, four to a batch, about 2,700 frames a step)
through the same function as `singwiz train`; start-up is not counted. Compare numbers of one
machine only, and CPU seconds rather than wall seconds when it is busy.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from singwiz.core.binarize.storage import BinaryWriter
from singwiz.core.config import load_config
from singwiz.core.reporting import Reporter
from singwiz.core.training import train

CURVES = ("breathiness", "voicing", "tension")
FRAMES_PER_SECOND = 44100 / 512
WARM_UP = 5

SMALL: dict[str, Any] = {
    "hidden_size": 128,
    "backbone_args": {"num_channels": 256, "num_layers": 3},
    "shallow_diffusion_args": {"aux_decoder_args": {"num_channels": 128, "num_layers": 3}},
}
OPTIMIZERS = {"adamw": "torch.optim.AdamW", "muon": "modules.optimizer.muon.Muon_AdamW"}


class Stopwatch(Reporter):
    """Notes wall and CPU time at every logged step."""

    def __init__(self) -> None:
        self.times: dict[int, tuple[float, float]] = {}

    def metric(self, name: str, value: float, step: int) -> None:
        if name == "training/lr":
            self.times[step] = (time.perf_counter(), time.process_time())


def write_data(folder: Path, items: int = 32, phonemes: int = 40) -> None:
    """Random prepared data in the shape of ten-second phrases."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, count in (("train", items), ("valid", 1)):
        with BinaryWriter(folder, split) as writer:
            for number in range(count):
                frames = int(rng.uniform(4, 12) * FRAMES_PER_SECOND)
                length = frames // 12
                bounds = np.sort(rng.integers(0, frames, length - 1))
                mel2ph = np.searchsorted(bounds, np.arange(frames), side="right") + 1
                fields = {
                    "spk_id": 0,
                    "languages": np.zeros(length, np.int64),
                    "tokens": rng.integers(1, phonemes, length),
                    "mel": rng.normal(-6, 2, (frames, 128)).astype(np.float32),
                    "mel2ph": mel2ph.astype(np.int64),
                    "f0": rng.uniform(200, 400, frames).astype(np.float32),
                    **{name: rng.normal(-30, 5, frames).astype(np.float32) for name in CURVES},
                }
                meta = {"names": str(number), "spk_names": "x", "ph_texts": ""}
                writer.add(fields, length=frames, meta=meta if split == "valid" else None)
    ids = {f"p{number}": number for number in range(1, phonemes)}
    (folder / "phonemes.json").write_text(json.dumps(ids), encoding="utf-8")


def measure(model: str, optimizer: str, steps: int) -> dict[str, float]:
    """Train for a while and return steps per second and CPU seconds per step."""
    with tempfile.TemporaryDirectory() as scratch:
        binary = Path(scratch) / "binary"
        write_data(binary)
        config = load_config(
            {
                "base_config": ["configs/acoustic.yaml"],
                "binary_data_dir": str(binary),
                "dictionaries": {"x": "x.txt"},
                **{f"use_{name}_embed": True for name in CURVES},
                "vocoder_ckpt": "",
                "max_batch_size": 4,
                "max_updates": steps + WARM_UP,
                "val_check_interval": 10**6,
                "num_sanity_val_steps": 0,
                "log_interval": WARM_UP,
                "pl_trainer_precision": "32-true",
                **(SMALL if model == "small" else {}),
            },
            overrides={"optimizer_args.optimizer_cls": OPTIMIZERS[optimizer]},
        )
        watch = Stopwatch()
        train(config, work_dir=Path(scratch) / "exp", reporter=watch)
    first, last = min(watch.times), max(watch.times)
    wall, cpu = np.subtract(watch.times[last], watch.times[first]) / (last - first)
    return {"steps_per_second": round(1 / wall, 3), "cpu_seconds_per_step": round(cpu, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="muon")
    parser.add_argument("--model", choices=["small", "template"], default="small")
    arguments = parser.parse_args()
    result = measure(arguments.model, arguments.optimizer, arguments.steps)
    print(json.dumps({**vars(arguments), **result}))


if __name__ == "__main__":
    main()
