"""How fast models sing on this machine: seconds per second of audio, and memory.

    python benchmarks/infer.py [--model acoustic|variance] [--size small|template]
                               [--backbone NAME] [--steps 20]
                               [--device cpu|cuda] [--precision 32-true|bf16-mixed] [--compile]

The network with fresh weights on one phrase of ten seconds, without a vocoder. Prints one line
of JSON. Real-time factors are seconds of work per second of audio: below 1 is faster than singing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from train import FRAMES_PER_SECOND, PHONEMES, model_config, random_item

from singwiz.core.models.registry import part_names

SECONDS = 10.0
REPEATS = 3


def phrase(model: str, device: str) -> dict[str, Any]:
    """Inputs of the network for ten seconds."""
    import torch

    item = random_item(np.random.default_rng(0), model, int(SECONDS * FRAMES_PER_SECOND))
    del item["spk_id"]
    for unused in ("languages", "uv", "mel"):
        item.pop(unused, None)
    inputs = {name: torch.from_numpy(np.asarray(value))[None] for name, value in item.items()}
    inputs["txt_tokens"] = inputs.pop("tokens")
    if model == "variance":
        del inputs["pitch"]
        length = int(inputs["ph2word"].max())
        words = torch.zeros(1, length, dtype=torch.int64)
        inputs["word_dur"] = words.scatter_add(1, inputs["ph2word"] - 1, inputs["ph_dur"])
    return {name: value.to(device) for name, value in inputs.items()}


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Best of some runs."""
    import torch

    from singwiz.core.models import build_model
    from singwiz.core.models.sampling import SamplingOptions
    from singwiz.core.training.compiling import compile_networks

    config = model_config(
        arguments.model, arguments.size, arguments.backbone, Path("unused")
    ).to_dict()
    device = arguments.device
    model = build_model(arguments.model, config, vocab_size=PHONEMES).to(device).eval()
    if arguments.compile:
        compile_networks(model)
    options = SamplingOptions.from_config(config, steps=arguments.steps)
    inputs = phrase(arguments.model, device)
    half: Any = contextlib.nullcontext()
    if arguments.precision == "bf16-mixed":
        half = torch.autocast(device, dtype=torch.bfloat16)
    runs = []
    with torch.inference_mode(), half:
        for _ in range(REPEATS + 1):
            begin = time.perf_counter(), time.process_time()
            model(**inputs, infer=True, sampling=options)
            if device == "cuda":
                torch.cuda.synchronize()
            runs.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    wall, cpu = np.min(runs[1:], axis=0) / SECONDS
    result = {
        "real_time_factor": round(wall, 4),
        "cpu_seconds_per_audio_second": round(cpu, 4),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    if device == "cuda":
        result["peak_gpu_memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=["acoustic", "variance"], default="acoustic")
    parser.add_argument("--size", choices=["small", "template"], default="small")
    parser.add_argument("--backbone", choices=part_names("backbone"), default="lynxnet2")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["32-true", "bf16-mixed"], default="32-true")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps({**vars(arguments), **measure(arguments)}))


if __name__ == "__main__":
    main()
