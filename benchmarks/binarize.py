"""How long preparing recordings takes: python benchmarks/binarize.py [--minutes 10] [--harvest]

Synthesises singing-like audio (items of 4 to 12 s, 44.1 kHz) into a temporary folder and
prepares it as a fresh process per row. "CPU s" is user plus system time of that process and of
its workers, start-up included; "wall s" is what a stopwatch says; "peak" is the proportional
memory of the whole process tree. Compare CPU seconds: wall seconds depend on what else the
machine does. A row "again" finds everything in the cache, "one label moved" all but what
depends on labels. The last rows are library calls alone, without reading or writing: those
that we make, and those with which WORLD is usually used, for comparison.

Needs Linux (memory and the accounting of child processes come from the system).
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
import psutil
import soundfile
import yaml

SAMPLE_RATE = 44100
PHONEMES = ("a", "e", "i", "o", "u", "m", "s", "AP", "SP")

RUN = """
import sys
from singwiz.core.binarize import binarize
from singwiz.core.config import load_config
binarize(load_config(sys.argv[1]), workers=int(sys.argv[2]),
         cache_dir="auto" if sys.argv[3] == "cache" else None)
"""

FLOOR = """
import sys, numpy as np, soundfile
from pathlib import Path
from singwiz.core.features.pitch import Harvest, Parselmouth
RATE, HOP, FFT = 44100, 512, 2048
for path in sorted(Path(sys.argv[1]).glob("*.wav")):
    x, _ = soundfile.read(path, dtype="float32")
    length = -(-len(x) // HOP)
    frames = {"hop_size": HOP, "length": length}
    if sys.argv[2] == "praat":
        Parselmouth(65, 1100).extract(x, RATE, **frames)
    elif sys.argv[2] == "harvest":
        Harvest(65, 1100).extract(x, RATE, **frames)
    else:
        import pyworld
        f0, uv = Parselmouth(65, 1100).extract(x, RATE, **frames)
        f0, x = np.where(uv, 0.0, f0.astype(float)), x.astype(float)
        times = np.arange(length) * HOP / RATE
        envelope = pyworld.cheaptrick(x, f0, times, RATE, fft_size=FFT)
        noisy = pyworld.d4c(x, f0, times, RATE, fft_size=FFT)
        tone, breath = envelope * (1 - noisy ** 2), envelope * noisy ** 2
        for power, share in ((tone, 0.0), (breath, 1.0)):
            pyworld.synthesize(f0, np.maximum(power, 1e-16), np.full_like(noisy, share), RATE,
                               1000 * HOP / RATE)
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
    """Write wavs, transcriptions with words and notes, and dictionary."""
    rng = np.random.default_rng(0)
    (folder / "wavs").mkdir(parents=True)
    rows = ["name,ph_seq,ph_dur,ph_num,note_seq,note_dur"]
    total, number = 0.0, 0
    while total < minutes * 60:
        seconds = float(rng.uniform(4, 12))
        waveform, ph_seq, ph_dur = sing(rng, seconds)
        soundfile.write(folder / "wavs" / f"p{number:03}.wav", waveform, SAMPLE_RATE, "PCM_16")
        durations = " ".join(f"{value:.6f}" for value in ph_dur)
        words, notes = " ".join("1" for _ in ph_dur), " ".join("C4" for _ in ph_dur)
        rows.append(f"p{number:03},{' '.join(ph_seq)},{durations},{words},{notes},{durations}")
        total, number = total + seconds, number + 1
    (folder / "transcriptions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = [f"{symbol}\t{symbol}" for symbol in PHONEMES[:7]]
    (folder / "dictionary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def move_a_label(folder: Path) -> None:
    """Move one border in the labels of one item by 10 ms."""
    table = folder / "transcriptions.csv"
    rows = table.read_text(encoding="utf-8").splitlines()
    cells = rows[3].split(",")
    durations = [float(value) for value in cells[2].split()]
    durations[2], durations[3] = durations[2] + 0.01, durations[3] - 0.01
    cells[2] = " ".join(f"{value:.6f}" for value in durations)
    rows[3] = ",".join(cells)
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")


def measure(code: str, *arguments: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory in MB of a program and its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"a run failed: {arguments}")
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, peak


def _memory(pid: int) -> float:
    total = 0
    try:
        top = psutil.Process(pid)
        for one in (top, *top.children(recursive=True)):
            total += one.memory_full_info().pss
    except (psutil.Error, OSError):
        return 0.0
    return total / 2**20


def main() -> None:
    """Print one row per setting, and a line of JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--harvest", action="store_true", help="also the slow rows")
    parser.add_argument("--repeat", type=int, default=1, help="best of so many runs")
    options = parser.parse_args()
    results = []

    def row(what: str, code: str, *arguments: str) -> None:
        runs = [measure(code, *arguments) for _ in range(options.repeat)]
        wall, cpu, peak = (min(values) for values in zip(*runs, strict=True))
        speed = options.minutes * 60 / cpu
        print(
            f"{what:52} wall {wall:7.2f} s  CPU {cpu:7.2f} s  {speed:7.1f} audio s/CPU s  "
            f"peak {peak:5.0f} MB",
            flush=True,
        )
        figures = {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "peak_mb": round(peak)}
        results.append({"what": what, **figures})

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_corpus(root / "raw", options.minutes)
        wavs = str(root / "raw" / "wavs")
        settings = [("acoustic", "parselmouth", False), ("acoustic", "parselmouth", True)]
        if options.harvest:
            settings.append(("acoustic", "harvest", False))
        settings.append(("variance", "parselmouth", True))
        for kind, pe, curves in settings:
            config = write_config(root, kind, pe, curves)
            label = f"{kind}, {pe}, {'three curves' if curves else 'no curves'}"
            for workers in options.workers if pe == "parselmouth" else options.workers[-1:]:
                row(f"{label}, {workers} workers", RUN, config, str(workers), "none")
            # The variance model finds what the acoustic model with curves has left.
            row(f"{label}, filling the cache", RUN, config, "0", "cache")
            row(f"{label}, again", RUN, config, "0", "cache")
            move_a_label(root / "raw")
            row(f"{label}, one label moved", RUN, config, "0", "cache")
        row("only Praat's pitch", FLOOR, wavs, "praat")
        row("only Praat's pitch and pyworld", FLOOR, wavs, "world")
        if options.harvest:
            row("only pyworld's harvest", FLOOR, wavs, "harvest")
    print(json.dumps({"minutes": options.minutes, "cores": os.cpu_count(), "rows": results}))


def write_config(root: Path, kind: str, pe: str, curves: bool) -> str:
    """Write a config beside the corpus; returns its path."""
    config = root / f"{kind}-{pe}-{curves}.yaml"
    pattern = "use_{}_embed" if kind == "acoustic" else "predict_{}"
    content = {
        "base_config": [f"configs/{kind}.yaml"],
        "task_cls": f"training.{kind}_task.{kind.title()}Task",
        "datasets": [
            {
                "raw_data_dir": str(root / "raw"),
                "speaker": "bench",
                "language": "xx",
                "test_prefixes": ["p000", "p001"],
            }
        ],
        "dictionaries": {"xx": str(root / "raw" / "dictionary.txt")},
        "binary_data_dir": str(root / f"binary-{kind}-{pe}-{curves}"),
        "pe": pe,
        "hnsep": "world",
        **{pattern.format(name): curves for name in ("breathiness", "voicing", "tension")},
    }
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(config)


if __name__ == "__main__":
    main()
