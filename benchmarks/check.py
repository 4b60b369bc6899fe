"""How fast are the checks, and does their memory stay flat? Measured, never asserted.

    python benchmarks/check.py                 # 10 hours of singing in 10,000 recordings (3.2 GB)
    python benchmarks/check.py --items 1000    # a tenth of that

Reports seconds of audio per second of processor time on one core for a first full check, the
same for a second one that remembers, items per second for labels alone, and the peak memory
of a tenth and of the whole.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE = 44100
SECONDS = 3.6
VARIANTS = 48
LABELS = (
    ("SP", 0.25), ("k", 0.07), ("a", 0.4), ("s", 0.09), ("a", 0.35), ("m", 0.08), ("i", 0.45),
    ("AP", 0.25), ("t", 0.05), ("o", 0.5), ("r", 0.05), ("a", 0.3), ("n", 0.08), ("e", 0.4),
    ("SP", 0.28),
)  # fmt: skip
DICTIONARY = "a\ta\ne\te\ni\ti\no\to\nka\tk a\nmi\tm i\nne\tn e\nra\tr a\nsa\ts a\nto\tt o\n"


def phrase(hertz: float, seed: int) -> np.ndarray:
    """A sung phrase with the labels above, float32 ``[N]``."""
    rng = np.random.default_rng(seed)
    parts = []
    for symbol, seconds in LABELS:
        time_ = np.arange(round(seconds * RATE)) / RATE
        if symbol in "aeiomnr":
            bend = hertz * 2 ** rng.uniform(-0.4, 0.4)
            phase = 2 * np.pi * bend * (time_ + 0.0003 * np.sin(2 * np.pi * 5.5 * time_))
            part = sum(0.1 / k**0.8 * np.sin(k * phase + k * k) for k in range(1, 30))
            part = part + 0.001 * rng.standard_normal(len(time_))
        else:
            loudness = {"SP": 3e-5, "AP": 0.01}.get(symbol, 0.04)
            part = loudness * rng.standard_normal(len(time_))
        parts.append(part)
    return np.concatenate(parts).astype(np.float32)


def make(folder: Path, items: int) -> None:
    """Write a clean dataset of ``items`` recordings of 3.6 s, no two alike."""
    (folder / "wavs").mkdir(parents=True)
    (folder / "dictionary.txt").write_text(DICTIONARY)
    voices = [phrase(110 * 2 ** (k / 24), k) for k in range(VARIANTS)]
    seq = " ".join(symbol for symbol, _ in LABELS)
    dur = " ".join(f"{seconds:g}" for _, seconds in LABELS)
    with (folder / "transcriptions.csv").open("w", encoding="utf-8") as csv:
        csv.write("name,ph_seq,ph_dur\n")
        for k in range(items):
            name = f"song{k // 20:04d}_{k % 20:02d}"
            gain = 0.6 + 0.4 * (k / items)
            soundfile.write(folder / "wavs" / f"{name}.wav", gain * voices[k % VARIANTS], RATE)
            csv.write(f"{name},{seq},{dur}\n")


def run(folder: Path, mode: str, memory: Path | None, workers: int) -> None:
    """One check in this process; prints its figures as JSON."""
    from singwiz.core.dataset import RawDataset, check_datasets
    from singwiz.core.dictionary import PhonemeSet, read_dictionary
    from singwiz.core.features.pitch_scan import scan_tracker

    tracker = scan_tracker()
    tracker.track(np.zeros(RATE, np.float32), RATE, frame=0.02)  # loading it is not checking
    wall, busy = time.perf_counter(), time.process_time()
    dataset = RawDataset.open(folder, name="voice", speaker="singer", language="ja")
    phonemes = PhonemeSet.build({"ja": read_dictionary(folder / "dictionary.txt", "ja")[0]})
    findings = check_datasets(
        [dataset],
        phonemes,
        audio=mode == "full",
        tracker=tracker,
        memory=memory,
        workers=workers,
    )
    figures = {
        "items": len(dataset.items),
        "audio": sum(item.seconds for item in dataset.items),
        "wall": time.perf_counter() - wall,
        "busy": time.process_time() - busy,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "codes": sorted({finding.code for finding in findings}),
    }
    print(json.dumps(figures))


def measure(folder: Path, mode: str, memory: Path | None = None, workers: int = 1) -> dict:
    """One check in a process of its own."""
    arguments = [sys.executable, __file__, "--run", mode, "--folder", str(folder)]
    arguments += ["--workers", str(workers)] + (["--memory", str(memory)] if memory else [])
    threads = {"OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        arguments, capture_output=True, text=True, check=True, env={**os.environ, **threads}
    )
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Build the data if needed, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10000, help="recordings of 3.6 s")
    parser.add_argument("--folder", type=Path, help="where to keep the data; default: nowhere")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--run", choices=("full", "labels"), help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(options.folder, options.run, options.memory, options.workers)
        return
    kept = options.folder
    base = kept or Path(tempfile.mkdtemp(prefix="singwiz-check-"))
    try:
        small, large = base / "tenth", base / "whole"
        for folder, count in ((small, max(options.items // 10, 1)), (large, options.items)):
            if not folder.exists():
                print(f"writing {count} recordings …", flush=True)
                make(folder, count)
        with tempfile.TemporaryDirectory() as memory:
            tenth = measure(small, "full")
            first = measure(large, "full", Path(memory), options.workers)
            second = measure(large, "full", Path(memory), options.workers)
        labels = measure(large, "labels")
        tenth_labels = measure(small, "labels")
    finally:
        if kept is None:
            shutil.rmtree(base)
    hours = first["audio"] / 3600
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; ", end="")
    print(f"{first['items']} recordings, {hours:.1f} h; found: {', '.join(first['codes'])}")
    rows = (
        ("first check", first, f"{first['audio'] / first['busy']:.0f}× real time per core"),
        ("second check", second, f"{second['items'] / second['busy']:.0f} items/s"),
        ("labels alone", labels, f"{labels['items'] / labels['busy']:.0f} items/s"),
    )
    for name, figures, speed in rows:
        print(
            f"{name:13} {figures['busy']:7.1f} s of processor, {figures['wall']:7.1f} s in all  "
            f"{speed:28} peak {figures['peak']:.0f} MB"
        )
    print(
        f"a tenth of it: peak {tenth['peak']:.0f} MB full, {tenth_labels['peak']:.0f} MB labels; "
        f"growth {(first['peak'] - tenth['peak']) * 1024 / (0.9 * first['items']):.1f} KB per item"
    )


if __name__ == "__main__":
    main()
