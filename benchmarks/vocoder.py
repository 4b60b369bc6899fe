"""How fast do vocoders sing? Measured, never asserted.

    python benchmarks/vocoder.py                    # CPU, one thread
    python benchmarks/vocoder.py --device cuda
    python benchmarks/vocoder.py --onnx             # also onnxruntime, where onnx is installed

Real-time factors (seconds of work per second of sound; on a CPU processor seconds) of the usual
44.1 kHz NSF-HiFiGAN with random weights: with weight norm, folded, and in chunks, full and mini.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from singwiz.core.models.vocoder.generator import Generator
from singwiz.core.models.vocoder.norms import fold_weight_norm
from singwiz.core.synthesis.neural import NeuralVocoder

COMMUNITY = {
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
}
FRAME = COMMUNITY["hop_size"] / COMMUNITY["sampling_rate"]


def factor(work: Callable[[], object], seconds: float, *, device: str, repeats: int) -> float:
    """Median seconds of work per second of sound."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    found = []
    for _ in range(repeats + 1):
        began = clock()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        found.append(clock() - began)
    return statistics.median(found[1:]) / seconds


def onnx_factor(generator: Generator, mel: torch.Tensor, f0: torch.Tensor, repeats: int) -> float:
    """The same network without its excitation in onnxruntime, one thread."""
    import tempfile

    import onnxruntime

    class Filter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = generator

        def forward(self, mel: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
            return self.generator.filter(mel, source)

    source = generator.excite(f0)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Filter(), (mel, source), file.name, dynamo=False, input_names=["mel", "source"]
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(file.name, options)
    feed = {"mel": mel.numpy(), "source": source.numpy()}
    seconds = mel.shape[2] * FRAME
    return factor(lambda: session.run(None, feed), seconds, device="cpu", repeats=repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of one piece")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--onnx", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, repeats = options.device, options.repeats
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {device}")

    frames = round(options.seconds / FRAME)
    rng = np.random.default_rng(0)
    mel = rng.normal(-5, 1, (frames, 128)).astype(np.float32)
    f0 = (220 * 2 ** (np.sin(np.arange(frames) / 40) / 3)).astype(np.float32)
    mels, melody = torch.from_numpy(mel.T[None].copy()), torch.from_numpy(f0[None])

    for name, mini in (("full", False), ("mini", True)):
        generator = (
            Generator({**COMMUNITY, "mini_nsf": mini}).eval().requires_grad_(False).to(device)
        )

        def eager(generator: Generator = generator) -> None:
            with torch.inference_mode():
                generator(mels.to(device), melody.to(device))

        seconds = frames * FRAME
        row = [("weight norm", factor(eager, seconds, device=device, repeats=repeats))]
        fold_weight_norm(generator)
        row.append(("folded", factor(eager, seconds, device=device, repeats=repeats)))
        vocoder = NeuralVocoder(generator, label=name, device=device)
        long_mel, long_f0 = np.tile(mel, (4, 1)), np.tile(f0, 4)

        def chunked(
            vocoder: NeuralVocoder = vocoder, mel: np.ndarray = long_mel, f0: np.ndarray = long_f0
        ) -> None:
            vocoder.synthesise(mel, f0)

        row.append(("4x as long, chunks", factor(chunked, 4 * seconds, device=device, repeats=1)))
        if options.onnx:
            row.append(("onnxruntime", onnx_factor(generator.cpu(), mels, melody, repeats)))
        print(f"{name}: " + ", ".join(f"{what} {value:.3f}" for what, value in row), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
