"""What one step of a vocoder's training costs on this machine, part by part.

    python benchmarks/gan.py [tiny] [small] [community] [fast] [--steps 3] [--threads 1]

Presets as in `singwiz config set --model vocoder --preset`, on a CPU's settings; ``community`` is
SingingVocoders' full size with its own discriminators, ``fast`` the same generator with the light
ones, both with batches of 2 clips of 32 frames. Random data; CPU seconds, the first step left out.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

import torch

from singwiz.core.config import load_config
from singwiz.core.config.loading import presets_dir
from singwiz.core.config.presets import find_preset, reasons
from singwiz.core.training.vocoder.gan import Gan
from singwiz.core.training.vocoder.optimizers import GanOptimizers, frozen

FULL: dict[str, dict[str, Any]] = {
    "community": {"batch_size": 2, "crop_mel_frames": 32},
    "fast": {"batch_size": 2, "crop_mel_frames": 32, "gan_recipe": "fast"},
}
PARTS = ("sing", "discriminators", "generator")


def options_of(name: str) -> dict[str, Any]:
    """The plain config that a name stands for."""
    if name in FULL:
        return load_config(
            {"base_config": ["configs/vocoder.yaml"]}, overrides=FULL[name]
        ).to_dict()
    chosen = {key: reason.value for key, reason in reasons("vocoder", name, "cpu").items()}
    template = presets_dir() / find_preset("vocoder", name).template
    return load_config(template, overrides=chosen).to_dict()


def measure(options: dict[str, Any], steps: int) -> dict[str, float]:
    """Median CPU seconds of each part of a step."""
    torch.manual_seed(0)
    gan = Gan(options)
    optimizers = GanOptimizers.build(gan, options)
    batch, frames = options["batch_size"], options["crop_mel_frames"]
    mel = torch.randn(batch, options["audio_num_mel_bins"], frames) - 6
    f0 = torch.full((batch, frames), 220.0)
    audio = 0.1 * torch.randn(batch, 1, frames * options["hop_size"])
    rows = []
    for _ in range(steps + 1):
        marks = [time.process_time()]
        performance = gan.perform(mel, f0, audio)
        marks.append(time.process_time())
        loss, _ = gan.discriminator_loss(performance, audio)
        optimizers.discriminator.zero_grad()
        loss.backward()
        optimizers.discriminator.step()
        marks.append(time.process_time())
        with frozen(gan.discriminator):
            loss, _ = gan.generator_loss(performance, audio)
            optimizers.generator.zero_grad()
            loss.backward()
            optimizers.generator.step()
        marks.append(time.process_time())
        rows.append([after - before for before, after in itertools.pairwise(marks)])
    medians = torch.tensor(rows[1:]).median(dim=0).values.tolist()
    return dict(zip(PARTS, medians, strict=True))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=["tiny", "small"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.names:
        options = options_of(name)
        parts = measure(options, arguments.steps)
        seconds = options["batch_size"] * options["crop_mel_frames"] * options["hop_size"]
        seconds /= options["audio_sample_rate"]
        each = ", ".join(f"{part} {value:.2f}" for part, value in parts.items())
        total = sum(parts.values())
        print(f"{name}: {total:.2f} CPU s a step ({each}) on {seconds:.2f} s of sound")


if __name__ == "__main__":
    main()
