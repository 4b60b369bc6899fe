"""How long the networks RMVPE and VR need for a second of audio.

    python benchmarks/extractors.py [--device cpu] [--seconds 10] [--runs 3] [--threads 1]

Weights are random, which costs what trained ones cost. ``as built`` is the network of the
community's files; ``as loaded`` is what singwiz makes of it: batch normalisations folded, weights
in another order. CPU seconds of the process on a CPU, wall seconds elsewhere; the best of all runs
counts. The last lines go all the way from a 44.1 kHz waveform to frames.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from singwiz.core.features.rmvpe import Rmvpe
from singwiz.core.features.vr import Vr
from singwiz.core.models import build_model

SAMPLE_RATE = 44100
VR = {"n_fft": 2048, "hop_length": 512, "n_out": 32, "n_out_lstm": 128, "is_mono": True}


def best(work: Callable[[], object], device: str, runs: int) -> float:
    """Seconds of the fastest run."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    times = []
    for _ in range(runs):
        began = clock()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(clock() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    seconds, device = args.seconds, args.device
    noise = np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE))
    waveform = (0.1 * noise).astype(np.float32)
    mel = torch.randn(1, 128, -(-int(seconds * 100) // 32) * 32, device=device)
    frames = -(-int(seconds * SAMPLE_RATE / VR["hop_length"]) // 32) * 32
    spectrum = torch.randn(1, 1, 1025, frames, dtype=torch.complex64, device=device)

    def report(name: str, work: Callable[[], object]) -> None:
        with torch.inference_mode():
            needed = best(work, device, args.runs) / seconds
        print(f"{name:34}{needed:8.3f} s per second{1 / needed:8.1f} seconds per s", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        network = build_model("rmvpe", {}).eval()
        torch.save({"model": network.state_dict()}, path)
        network.to(device)
        report("RMVPE as built", lambda: network(mel))
        rmvpe = Rmvpe(path, device=device)
        report("RMVPE as loaded", lambda: rmvpe.network(mel))
        report("RMVPE, waveform to F0", lambda: rmvpe.f0([waveform], SAMPLE_RATE))
        short = [waveform[: SAMPLE_RATE // 2]] * int(2 * seconds)
        report("RMVPE, clips of half a second", lambda: rmvpe.f0(short, SAMPLE_RATE))

        network = build_model("vr", VR).eval()
        torch.save(network.state_dict(), path)
        settings = "\n".join(f"{key}: {str(value).lower()}" for key, value in VR.items())
        path.with_name("config.yaml").write_text(settings, encoding="utf-8")
        network.to(device)
        report("VR as built", lambda: network(spectrum))
        vr = Vr(path, device=device)
        report("VR as loaded", lambda: vr.network(spectrum))
        report("VR, waveform to harmonic part", lambda: vr.harmonic(waveform, SAMPLE_RATE))


if __name__ == "__main__":
    main()
