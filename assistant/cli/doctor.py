"""``singwiz doctor``: what this computer has, and what may stand in the way."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, out, print_json

GIB = 2**30

Verdict = Literal["ok", "warning", "error"]
STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    value: str
    advice: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    project: Annotated[
        Path | None, typer.Argument(metavar="[PROJECT]", help="Also look at this project.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at Python, libraries, processor, memory, disk, graphics card and fetched files."""
    report = list(examine(project))
    if as_json:
        print_json({"checks": [asdict(one) for one in report]})
    else:
        console = out()
        width = max(len(one.name) for one in report)
        for one in report:
            console.print(f"{one.verdict:8}", style=STYLES[one.verdict], end="")
            console.print(f"{one.name:{width}}  {one.value}")
            if one.advice:
                console.print(f"{'':8}{'':{width}}  to do: {one.advice}", style="dim")
    if any(one.verdict == "error" for one in report):
        raise typer.Exit(USAGE_PROBLEM)


def examine(project: Path | None) -> Iterator[Examined]:
    """Look at everything; what fails becomes a line of the report, too."""
    looks: tuple[tuple[str, Callable[[], Iterator[Examined]]], ...] = (
        ("python", _python),
        ("libraries", _libraries),
        ("processor", _processor),
        ("memory", _memory),
        ("disk", lambda: _disk(project)),
        ("audio", _audio),
        ("training", _torch),
        ("fetched files", _assets),
        ("project", lambda: _project(project)),
    )
    for name, look in looks:
        try:
            yield from look()
        except Exception as error:
            yield Examined(
                name,
                "error",
                f"{type(error).__name__}: {error}",
                "Install singwiz again into a fresh virtual environment.",
            )


def _python() -> Iterator[Examined]:
    from ... import __version__

    yield Examined("singwiz", "ok", f"{__version__} in {Path(__file__).parents[2]}")
    yield Examined("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Examined("system", "ok", platform.platform())


def _libraries() -> Iterator[Examined]:
    for name in ("torch", "lightning", "gradio", "textual", "soundfile", "praat-parselmouth"):
        try:
            yield Examined(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Examined(name, "error", "missing", f"Install it with: pip install {name}")


def _processor() -> Iterator[Examined]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Examined("cores", "ok", f"{cores}")


def _memory() -> Iterator[Examined]:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free"
    if memory.available < 3 * GIB:
        yield Examined(
            "memory", "warning", text, "Close other programs; even a small voice needs about 3 GiB."
        )
    else:
        yield Examined("memory", "ok", text)


def _disk(project: Path | None) -> Iterator[Examined]:
    place = (project or Path.cwd()).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / GIB:.1f} GiB free at {place}"
    if free < 5 * GIB:
        yield Examined(
            "disk", "warning", text, "Free some space; a voice with its data needs about 5 GiB."
        )
    else:
        yield Examined("disk", "ok", text)


def _audio() -> Iterator[Examined]:
    import numpy as np
    import soundfile
    import soxr

    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("wav", "flac"):
            file = Path(folder) / f"probe.{suffix}"
            soundfile.write(file, np.zeros(480, np.float32), 48000)
            samples, rate = soundfile.read(file)
            soxr.resample(samples, rate, 44100)
    yield Examined("audio", "ok", "WAV and FLAC can be read, written and resampled")


def _torch() -> Iterator[Examined]:
    import torch

    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(number)
            yield Examined(
                "graphics card", "ok", f"{device.name}, {device.total_memory / GIB:.0f} GiB"
            )
    elif torch.backends.mps.is_available():
        yield Examined("graphics card", "ok", "Apple (mps)")
    elif shutil.which("nvidia-smi"):
        yield Examined(
            "graphics card",
            "warning",
            "there is one, but this torch cannot use it",
            "Install torch with CUDA: https://pytorch.org/get-started/locally/",
        )
    else:
        yield Examined(
            "graphics card",
            "warning",
            "none; training runs on the processor",
            "Choose a small model preset. A full voice wants an NVIDIA card.",
        )
    product = torch.ones(8, 8) @ torch.ones(8, 8)
    if float(product.sum()) != 512.0:
        raise RuntimeError("torch computes nonsense on this processor")
    yield Examined(
        "training", "ok", f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    )


def _assets() -> Iterator[Examined]:
    from ...core.assets import Library, read_catalogue

    library = Library()
    installed = library.installed()
    for name, entry in installed.items():
        yield Examined(name, "ok", f"{entry.main} ({entry.licence})")
    if not any(entry.kind == "vocoder" for entry in installed.values()):
        first = next(name for name, asset in read_catalogue().items() if asset.kind == "vocoder")
        # Not a fault: the preview vocoder does for judging words, pitch and timing.
        yield Examined(
            "vocoder",
            "ok",
            f"only the preview; none is in {library.folder}",
            f"For the real sound: singwiz assets get {first}",
        )


def _project(folder: Path | None) -> Iterator[Examined]:
    if folder is None:
        return
    from ...core.project import Project

    try:
        project = Project.open(folder)
    except SingwizError as error:
        yield Examined("project", "error", error.message, error.hint)
        return
    if not os.access(project.root, os.W_OK):
        yield Examined(
            "project", "error", f"{project.root} cannot be written", "Check who owns the folder."
        )
        return
    missing = [
        entry.raw_data_dir
        for entry in project.state.datasets
        if not Path(entry.raw_data_dir).is_dir()
    ]
    if missing:
        yield Examined(
            "project",
            "error",
            f"recordings are gone: {', '.join(missing)}",
            "Plug the drive in, or correct raw_data_dir in singwiz.yaml.",
        )
    else:
        yield Examined("project", "ok", f"{project.root}, {len(project.state.datasets)} datasets")
