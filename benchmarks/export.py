"""How long does an export take, and how fast do exported models sing? Measured, never asserted.

    python benchmarks/export.py                  # the small preset
    python benchmarks/export.py --template       # DiffSinger's template sizes as well (minutes)

CPU seconds of writing each graph and of comparing it with torch, with random weights, and real-time
factors (processor seconds per second of sound, one thread) of the whole chain by stage: torch
against onnxruntime through the same client that checks voicebanks.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from singwiz.core.config import Config, load_config, save_config
from singwiz.core.dictionary import PhonemeSet, read_dictionary
from singwiz.core.export.character import Character
from singwiz.core.export.client import sessions
from singwiz.core.export.client.bank import Bank
from singwiz.core.export.client.singing import Steps, sing
from singwiz.core.export.client.words import Note
from singwiz.core.export.experiment import export_experiment
from singwiz.core.export.plan import plan_bank
from singwiz.core.export.vocoder import export_vocoder
from singwiz.core.export.voicebank import export_bank
from singwiz.core.models import build_model
from singwiz.core.models.vocoder.generator import Generator
from singwiz.core.synthesis.experiment import read_experiment
from singwiz.core.synthesis.singer import Singer
from singwiz.core.vocoder_checkpoint import write_generator

CURVES = ("breathiness", "voicing", "tension")
SMALL: dict[str, dict[str, Any]] = {
    "acoustic": {
        "hidden_size": 128,
        "backbone_args.num_channels": 256,
        "backbone_args.num_layers": 3,
        "shallow_diffusion_args.aux_decoder_args.num_channels": 128,
        "shallow_diffusion_args.aux_decoder_args.num_layers": 3,
    },
    "variance": {
        "hidden_size": 128,
        "dur_prediction_args.hidden_size": 128,
        "dur_prediction_args.num_layers": 3,
        "pitch_prediction_args.backbone_args.num_channels": 128,
        "pitch_prediction_args.backbone_args.num_layers": 3,
        "variances_prediction_args.backbone_args.num_channels": 96,
        "variances_prediction_args.backbone_args.num_layers": 3,
    },
}
VOCODER = {
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
    "n_fft": 2048,
    "win_size": 2048,
    "fmin": 40,
    "fmax": 16000,
    "mini_nsf": True,
    "pc_aug": True,
    "noise_sigma": 0.0,
    "excitation": "mini",
}
NOTES = 16
BASELINE = (
    "openvpi/DiffSinger on such a machine: 4.5-5.8 CPU s per acoustic graph, 5-6 for a variance "
    "set; RTF acoustic small 0.027, template 0.60, vocoder 0.32"
)


def experiment(folder: Path, kind: str, size: str) -> Path:
    """An experiment with random weights."""
    folder.mkdir(parents=True)
    flags: dict[str, Any] = {"use_spk_id": False, "num_spk": 1, "vocoder_ckpt": ""}
    if kind == "acoustic":
        flags |= {f"use_{name}_embed": True for name in CURVES}
        flags |= {"use_key_shift_embed": False, "use_speed_embed": False}
    else:
        flags |= {"predict_dur": True, "predict_pitch": True, "predict_energy": False}
        flags |= {f"predict_{name}": True for name in CURVES}
    if size == "small":
        flags |= SMALL[kind]
    config: Config = load_config(
        {
            "base_config": [f"configs/templates/config_{kind}.yaml"],
            "dictionaries": {"zh": "zh.txt"},
        },
        overrides=flags,
    )
    (folder / "dictionary-zh.txt").write_text("a\ta\nsa\ts a\nni\tn i\n")
    dictionary, _ = read_dictionary(folder / "dictionary-zh.txt", "zh")
    phonemes = PhonemeSet.build({"zh": dictionary})
    save_config(config, folder / "config.yaml")
    (folder / "spk_map.json").write_text('{"x": 0}')
    torch.manual_seed(0)
    model = build_model(kind, config.to_dict(), vocab_size=phonemes.vocab_size)
    for name, weight in model.named_parameters():
        if name.endswith("dur_predictor.linear.bias"):
            torch.nn.init.constant_(weight, 2.0)
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    torch.save({"state_dict": state, "category": kind}, folder / "model_ckpt_steps_1.ckpt")
    return folder


def vocoder(folder: Path) -> Path:
    """A full-size vocoder with random weights."""
    folder.mkdir(parents=True)
    write_generator(folder / "model.ckpt", Generator(VOCODER), VOCODER)
    return folder


def timed(title: str, work: Any) -> Any:
    """Run, and print CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    print(
        f"| {title} | {time.process_time() - cpu:.1f} | {time.perf_counter() - wall:.1f} |",
        flush=True,
    )
    return result


def notes() -> list[Note]:
    """Half a minute of notes."""
    words = ("sa", "ni", "a")
    return [Note(1000 + 500 * k, 500, 60 + k % 7, words[k % 3]) for k in range(NOTES)]


def torch_factor(folder: Path, seconds: float) -> dict[str, float]:
    """The acoustic model with torch, on a DS segment of the same length."""
    singer = Singer.load(folder, device="cpu", with_vocoder=False)
    count = max(1, int(seconds / 0.5))
    segment: dict[str, Any] = {
        "offset": 0.0,
        "ph_seq": " ".join(["SP"] + ["s", "a"] * count),
        "ph_dur": " ".join(["0.1"] + ["0.1", "0.4"] * count),
        "f0_seq": " ".join(["220.0"] * int(count * 50 + 10)),
        "f0_timestep": "0.01",
    }
    for name in CURVES:
        segment |= {name: " ".join(["-40"] * 50), f"{name}_timestep": str((count * 0.5 + 0.1) / 49)}
    singer.mels(segment, steps=20, seed=1)
    began = time.process_time()
    singer.mels(segment, steps=20, seed=1)
    return {"acoustic": (time.process_time() - began) / (count * 0.5 + 0.1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--template", action="store_true", help="template sizes as well")
    sizes = ["small", *(["template"] if parser.parse_args().template else [])]
    torch.set_num_threads(1)
    sessions.THREADS = 1
    print(f"{platform.machine()}, torch {torch.__version__}, one thread. {BASELINE}\n")
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        sound = vocoder(base / "vocoder")
        print("| export | CPU s | wall s |\n|---|---|---|")
        timed("vocoder", lambda: export_vocoder(sound, base / "out" / "vocoder"))
        banks = {}
        for size in sizes:
            acoustic = experiment(base / size / "acoustic", "acoustic", size)
            variance = experiment(base / size / "variance", "variance", size)
            out = base / "out" / size
            timed(f"acoustic {size}", lambda a=acoustic, o=out: export_experiment(a, o))
            timed(
                f"variance set {size}",
                lambda v=variance, o=out: export_experiment(v, o, kind="variance"),
            )
            model = read_experiment(variance, kind="variance")
            plan = plan_bank(
                read_experiment(acoustic),
                dict.fromkeys(("duration", "pitch", "variance"), model),
                character=Character(size),
                vocoder=str(sound),
                consent=True,
            )
            # Random weights sing nonsense, which the checks of a voicebank would refuse.
            banks[size] = timed(
                f"whole voicebank {size}, checked",
                lambda p=plan: export_bank(p, base / "banks", force=True),
            )
        print("\n| sung | durations | pitch 10 | variance 20 | acoustic 20 | vocoder |")
        print("|---|---|---|---|---|---|")
        for size, made in banks.items():
            bank = Bank.open(made.folder)
            for _ in range(2):
                song = sing(bank, notes(), language="zh", steps=Steps(), predict_pitch=False)
            seconds = sum(len(phrase.f0) for phrase in song.phrases) * 512 / 44100
            with_pitch = _with_pitch(bank)
            cpu = {**song.cpu_seconds, **with_pitch}
            stages = ("durations", "pitch", "variance", "acoustic", "vocoder")
            row = [f"{cpu[stage] / seconds:.3f}" for stage in stages]
            print(f"| onnxruntime {size} | {' | '.join(row)} |", flush=True)
            ours = torch_factor(base / size / "acoustic", seconds)
            print(f"| torch {size} | - | - | - | {ours['acoustic']:.3f} | - |", flush=True)


def _with_pitch(bank: Bank) -> dict[str, float]:
    """CPU seconds of the pitch model; random weights may predict pitches nobody sings."""
    from singwiz.core.export.client import singing

    singing.LOWEST, singing.HIGHEST = -np.inf, np.inf
    song = sing(bank, notes(), language="zh", vocode=False)
    song = sing(bank, notes(), language="zh", vocode=False)
    return {"pitch": song.cpu_seconds["pitch"]}


if __name__ == "__main__":
    main()
