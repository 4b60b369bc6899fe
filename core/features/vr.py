"""Tone and breath parted by the network VR, which leaves less of each in the other than WORLD.

Loads the network once and feeds it recordings of any length; the network itself is in
:mod:`..models.extractors`. torch is imported when a network is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import yaml
from numpy.typing import NDArray

from ..device import choose_device
from ..errors import SingwizError
from .network_files import load_network

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.extractors.vr import VrNetwork

WHOLE = 1024
"""Up to so many frames (12 s at 44.1 kHz) a recording is heard as a whole, in about 1.5 GB."""

_PIECE = 768
"""Frames by which the pieces of longer recordings are apart."""

_OVERLAP = 256
"""Frames over which one piece fades into the next."""

_REQUIRED = ("n_fft", "hop_length", "n_out", "n_out_lstm", "is_mono")
_MAX_CONFIG_BYTES = 2**20
_MAX_SAMPLE_RATE = 768_000


def seconds_per_second(device: str = "cpu") -> float:
    """About how long a second of audio takes: CPU seconds of one core, or seconds of a GPU.

    Measured on a server CPU; the figure for GPUs is a cautious guess.
    """
    return 0.75 if device == "cpu" else 0.03


class Vr:
    """VR behind :class:`~.separation.Separator`.

    What the network takes for tone is the harmonic part; the rest of the recording, exactly, is
    the aperiodic part. F0 is not needed.

    Args:
        checkpoint: file of the community, a plain state dict; ``config.yaml`` lies beside it with
            ``n_fft``, ``hop_length``, ``n_out``, ``n_out_lstm``, ``is_mono`` and optionally
            ``fixed_length`` (true if absent) and ``sr`` (Hz; if absent, that of the recordings).
        device: ``auto``, ``cpu``, ``cuda``, ….

    Raises:
        SingwizError: a file is missing, damaged or of something else, or there is no such device.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto") -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        config = _read_config(checkpoint.with_name("config.yaml"))
        self.sample_rate: int | None = config.get("sr")
        """Hz that the network was trained at, if its file says so."""
        network = load_network("vr", config, checkpoint, name="VR", device=self.device)
        self.network = cast("VrNetwork", network)

    def separate(
        self,
        waveform: NDArray[np.float32],
        f0: NDArray[np.float32],
        *,
        sample_rate: int,
        hop_size: int,
        item_name: str,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See :meth:`~.separation.Separator.separate`; both parts have N samples."""
        samples = np.asarray(waveform, np.float32)
        harmonic = self.harmonic(samples, sample_rate)
        return harmonic, samples - harmonic

    def harmonic(self, waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """The harmonic part of a recording, float32 ``[N]`` like ``waveform``."""
        import torch

        from ..models.resampling import sinc_resample

        rate = self.sample_rate or sample_rate
        with torch.inference_mode():
            samples = torch.from_numpy(np.array(waveform, np.float32)).to(self.device)
            found = self._in_pieces(sinc_resample(samples, sample_rate, rate))
            found = sinc_resample(found, rate, sample_rate)[: len(waveform)]
        return found.cpu().numpy()

    def _in_pieces(self, samples: Tensor) -> Tensor:
        import torch

        hop = self.network.hop_length
        if len(samples) <= WHOLE * hop:
            return self._whole(samples)
        found = torch.zeros_like(samples)
        size, fade_length = (_PIECE + _OVERLAP) * hop, _OVERLAP * hop
        fade = torch.linspace(0, 1, fade_length, dtype=samples.dtype, device=samples.device)
        starts = range(0, len(samples) - fade_length, _PIECE * hop)
        for start in starts:
            piece = self._whole(samples[start : start + size])
            if start > starts[0]:
                piece[:fade_length] *= fade
            if start < starts[-1]:
                piece[-fade_length:] *= 1 - fade
            found[start : start + size] += piece
        return found

    def _whole(self, samples: Tensor) -> Tensor:
        """The harmonic part of ``[N]`` at the network's rate, heard at once."""
        from ..models.extractors import vr_audio

        sizes = {"fft_size": self.network.n_fft, "hop_size": self.network.hop_length}
        padded, left = vr_audio.pad_to_frames(samples, hop_size=self.network.hop_length)
        channels = padded.expand(1, self.network.channels, -1)
        spectrum = vr_audio.spectrum(channels, **sizes)
        harmonic = vr_audio.waveform(spectrum * self.network(spectrum), **sizes)
        return harmonic[0, :, left : left + len(samples)].mean(dim=0)


def _read_config(path: Path) -> dict[str, Any]:
    """The settings beside the weights, checked as far as a network does not check them itself."""

    def refuse(what: str) -> SingwizError:
        return SingwizError(
            "network-config",
            f"The separator VR needs the settings of its network: {what}.",
            hint="Put the config.yaml that belongs to the file beside it; both come in one "
            "download.",
            where=str(path),
        )

    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise refuse("this file is too large for settings")
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise refuse("there is no config.yaml beside its file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise refuse("this file cannot be read as YAML") from error
    if not isinstance(content, dict):
        raise refuse("this file has no keys")
    for key in _REQUIRED:
        if key not in content:
            raise refuse(f"{key} is missing")
    for key in ("n_fft", "hop_length", "n_out", "n_out_lstm", "sr"):
        value = content.get(key)
        if value is None and key == "sr":
            content.pop(key, None)
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise refuse(f"{key} must be a positive whole number, not {value!r:.40}")
    for key in ("is_mono", "is_complex", "fixed_length"):
        if key in content and not isinstance(content[key], bool):
            raise refuse(f"{key} must be true or false, not {content[key]!r:.40}")
    if content.get("sr", 1) > _MAX_SAMPLE_RATE:
        raise refuse(f"no recording has the sample rate {content['sr']}")
    return content
