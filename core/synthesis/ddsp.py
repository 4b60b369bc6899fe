"""DDSP vocoders: TorchScript files made by pc-ddsp.

TorchScript is a program that comes with its weights, and PyTorch has deprecated it. These files
are supported because voices that need them exist; they are run only when the user says so.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import trust
from ..errors import SingwizError
from ..vocoder_checkpoint import read_vocoder_config

Array = NDArray[np.float32]

LOG10_E = 0.434294
"""These vocoders take log10 mels; the factor is DiffSinger's."""


def is_torchscript(path: Path) -> bool:
    """True if a file is a TorchScript archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return False
    return any(name.endswith("/constants.pkl") for name in names) and any(
        "/code/" in name for name in names
    )


class DdspVocoder:
    """A scripted vocoder.

    Attributes: see :class:`.vocoder.Vocoder`; ``seed`` is that of its noise.
    """

    is_preview = False
    pitch_controllable = False

    def __init__(
        self, module: Any, config: dict[str, Any], *, label: str, device: str = "cpu", seed: int = 0
    ) -> None:
        self.module = module
        self.sample_rate = int(config["sampling_rate"])
        self.hop_size = int(config["hop_size"])
        self.num_mels = int(config["num_mels"])
        self.label = label
        self.device = device
        self.seed = seed

    @classmethod
    def load(cls, path: Path, *, device: str = "cpu", trusted: bool = False) -> DdspVocoder:
        """Load a file, if the user trusts it.

        Args:
            path: of the TorchScript file.
            device: where it runs.
            trusted: True if the user said so just now; else :mod:`..trust` is asked.

        Raises:
            SingwizError: it is not trusted, or damaged, or its config is.
        """
        import warnings

        import torch

        from .neural import label_of

        config = read_vocoder_config(path)
        content = path.read_bytes()
        if not (trusted or trust.is_trusted(content)):
            raise SingwizError(
                "vocoder-untrusted",
                f"The vocoder '{path.name}' is a program, not only data: running it lets it do "
                "on this computer whatever you can do, also with your files.",
                hint="If you know who made it and trust them, run: "
                f"singwiz vocoder trust '{path}'. Otherwise use an NSF-HiFiGAN vocoder, which is "
                "read as data only.",
                where=str(path),
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # we know that TorchScript is deprecated
                # The bytes that were checked, not what the path may hold by now.
                module = torch.jit.load(io.BytesIO(content), map_location=device)
        except Exception as error:  # whatever a damaged file makes the reader raise
            raise SingwizError(
                "vocoder-unreadable",
                f"The vocoder '{path.name}' cannot be loaded by this version of PyTorch.",
                hint="Download it again, or use an NSF-HiFiGAN vocoder.",
                where=str(path),
            ) from error
        return cls(module.eval(), config, label=f"DDSP {label_of(path)}", device=device)

    def synthesise(self, mel: Array, f0: Array) -> Array:
        """Natural-log mel float32 ``[T, bins]`` and F0 float32 ``[T]`` in Hz to samples
        float32 ``[T · hop_size]``.

        Raises:
            ValueError: wrong shapes.
            SingwizError: the program in the file fails.
        """
        import torch

        if mel.ndim != 2 or mel.shape[1] != self.num_mels or f0.shape != mel.shape[:1]:
            raise ValueError(
                f"mel {mel.shape} and f0 {f0.shape} do not fit a vocoder of {self.num_mels} bands"
            )
        if not len(mel):
            return np.zeros(0, np.float32)
        log10 = torch.from_numpy(mel.astype(np.float32) * np.float32(LOG10_E))[None]
        melody = torch.from_numpy(f0.astype(np.float32))[None, :, None]
        cuda = [torch.device(self.device)] if self.device.startswith("cuda") else []
        try:
            # Its noise comes from torch's global generators.
            with torch.random.fork_rng(cuda), torch.inference_mode():
                torch.manual_seed(self.seed)
                signal = self.module(log10.to(self.device), melody.to(self.device))[0]
                sound = signal.float().cpu().numpy().reshape(-1)
        except Exception as error:  # it is somebody else's program
            raise SingwizError(
                "vocoder-failed",
                f"The vocoder '{self.label}' failed: {str(error).strip().splitlines()[-1]}",
                hint="Check that its config.yaml belongs to it, or use an NSF-HiFiGAN vocoder.",
            ) from error
        length = len(mel) * self.hop_size
        return np.pad(sound[:length], (0, max(0, length - len(sound)))).astype(np.float32)
