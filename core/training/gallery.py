"""Where the pictures and sounds of a validation go: files, TensorBoard and the reporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..atomic import atomic_path
from ..reporting import Reporter
from .figures import save_png


class ValidationGallery:
    """Shows what the model can do at one optimizer step.

    Args:
        work_dir: the experiment folder; files go to ``<split>/<step>/``.
        step: the optimizer step.
        writer: TensorBoard's ``SummaryWriter``, or None.
        reporter: is told about every file.
        split: ``validation`` or ``training``.
    """

    def __init__(
        self,
        work_dir: Path,
        step: int,
        writer: Any,
        reporter: Reporter,
        *,
        split: str = "validation",
    ) -> None:
        self.folder = work_dir / split / str(step)
        self.step = step
        self.writer = writer
        self.reporter = reporter

    def figure(self, tag: str, picture: np.ndarray, *, file: str = "", label: str = "") -> None:
        """Show a picture ``[height, width, 3]`` uint8, as a file too if ``file`` names one."""
        if self.writer is not None:
            self.writer.add_image(tag, picture, self.step, dataformats="HWC")
        if file:
            save_png(picture, self.folder / file)
            self.reporter.artifact("image", self.folder / file, label)

    def audio(
        self, tag: str, samples: np.ndarray, sample_rate: int, *, file: str = "", label: str = ""
    ) -> None:
        """Play samples ``[N]`` float32 in [-1, 1]; an empty ``tag`` leaves TensorBoard out."""
        samples = np.clip(samples, -1.0, 1.0)
        if tag and self.writer is not None:
            self.writer.add_audio(tag, samples[None], self.step, sample_rate=sample_rate)
        if file:
            path = self.folder / file
            with atomic_path(path) as temporary:
                soundfile.write(temporary, samples, sample_rate, subtype="PCM_16")
            self.reporter.artifact("audio", path, label)
