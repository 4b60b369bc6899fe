"""How long preparing recordings takes: python benchmarks/binarize.py [--minutes 10] [--curves]

Synthesises singing-like audio (items of 4 to 12 s, 44.1 kHz) into a temporary folder and
prepares it as a fresh process per row. "CPU s" is user plus system time of that process and of
its workers, start-up included; "wall s" is what a stopwatch says. Compare CPU seconds: wall
seconds depend on what else the machine does. Rows named "again" find their features in the
cache of the row before.

Needs Linux or macOS (the accounting of child processes comes from the system).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import yaml

SAMPLE_RATE = 44100
PHONEMES = ("a", "e", "i", "o", "u", "m", "s", "AP", "SP")

RUN = """
import sys
from pathlib import Path
from singwiz.core.binarize.acoustic import binarize_acoustic
from singwiz.core.config import load_config
report = binarize_acoustic(load_config(sys.argv[1]), workers=int(sys.argv[2]),
                           cache_dir="auto" if sys.argv[3] == "cache" else None)
print(report.counts)
"""


def sing(rng: np.random.Generator, seconds: float) -> tuple[np.ndarray, list[str], list[float]]:
    """One phrase: vibrato, overtones, noise, pauses; with labels."""
    samples = int(seconds * SAMPLE_RATE)
    times = np.arange(samples) / SAMPLE_RATE
    ph_dur = rng.uniform(0.1, 0.6, int(seconds / 0.3))
    ph_dur *= seconds / ph_dur.sum()
    ph_seq = [*rng.choice(PHONEMES[:7], len(ph_dur))]
    ph_seq[0], ph_seq[-1] = "SP", "AP"
    owner = np.searchsorted(np.cumsum(ph_dur), times).clip(0, len(ph_dur) - 1)
    notes = 12 * np.round(rng.uniform(-1, 1, len(ph_dur)) * 12) / 12
    vibrato = 0.3 * np.sin(2 * np.pi * 5.5 * times)
    f0 = 262.0 * 2 ** ((notes[owner] * 0.7 + vibrato) / 12)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    voiced = np.array([symbol not in {"s", "SP", "AP"} for symbol in ph_seq], float)[owner]
    voiced = np.convolve(voiced, np.full(800, 1 / 800), "same")
    tone = sum(np.sin(k * phase) / k**1.3 for k in range(1, 30))
    noise = rng.standard_normal(samples)
    waveform = 0.12 * voiced * tone + noise * (0.001 + 0.02 * (1 - voiced))
    return waveform.astype(np.float32), ph_seq, ph_dur.tolist()


def make_corpus(folder: Path, minutes: float) -> None:
    """Write wavs, transcriptions and dictionary."""
    rng = np.random.default_rng(0)
    (folder / "wavs").mkdir(parents=True)
    rows = ["name,ph_seq,ph_dur"]
    total, number = 0.0, 0
    while total < minutes * 60:
        seconds = float(rng.uniform(4, 12))
        waveform, ph_seq, ph_dur = sing(rng, seconds)
        soundfile.write(folder / "wavs" / f"p{number:03}.wav", waveform, SAMPLE_RATE, "PCM_16")
        durations = " ".join(f"{value:.6f}" for value in ph_dur)
        rows.append(f"p{number:03},{' '.join(ph_seq)},{durations}")
        total, number = total + seconds, number + 1
    (folder / "transcriptions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = [f"{symbol}\t{symbol}" for symbol in PHONEMES[:7]]
    (folder / "dictionary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(config: Path, workers: int, cache: bool) -> tuple[float, float]:
    """Wall and CPU seconds of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", RUN, str(config), str(workers), "cache" if cache else "none"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main() -> None:
    """Print one row per setting, and a line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pe", default="parselmouth", choices=("parselmouth", "harvest"))
    parser.add_argument("--no-curves", action="store_true", help="leave the slow rows out")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_corpus(root / "raw", options.minutes)
        for curves in (False,) if options.no_curves else (False, True):
            config = root / f"config-{curves}.yaml"
            content = {
                "base_config": ["configs/acoustic.yaml"],
                "task_cls": "training.acoustic_task.AcousticTask",
                "datasets": [
                    {
                        "raw_data_dir": str(root / "raw"),
                        "speaker": "bench",
                        "language": "xx",
                        "test_prefixes": ["p000", "p001"],
                    }
                ],
                "dictionaries": {"xx": str(root / "raw" / "dictionary.txt")},
                "binary_data_dir": str(root / f"binary-{curves}"),
                "pe": options.pe,
                "hnsep": "world",
                "use_breathiness_embed": curves,
                "use_voicing_embed": curves,
                "use_tension_embed": curves,
            }
            config.write_text(yaml.safe_dump(content), encoding="utf-8")
            rows = [(f"workers {workers}", workers, False) for workers in options.workers]
            rows += [("filling the cache", 0, True), ("again", 0, True)]
            for label, workers, cache in rows:
                wall, cpu = measure(config, workers, cache)
                what = f"{options.pe}, {'three curves' if curves else 'no curves'}, {label}"
                speed = options.minutes * 60 / cpu
                print(f"{what:48} wall {wall:6.2f} s  CPU {cpu:6.2f} s  {speed:6.0f} audio s/CPU s")
                results.append({"what": what, "wall_s": round(wall, 2), "cpu_s": round(cpu, 2)})
    print(json.dumps({"minutes": options.minutes, "cores": os.cpu_count(), "rows": results}))


if __name__ == "__main__":
    main()
