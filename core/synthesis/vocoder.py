"""What turns a mel into sound, and which one a config gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SingwizError
from ..models.registry import PartError, is_foreign, load_part, part_names
from ..models.vocoder.config import MEL_KEYS
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config

Array = NDArray[np.float32]

PREVIEW = "preview"
"""Instead of a file: the built-in preview vocoder."""


class Vocoder(Protocol):
    """Mel and F0 to waveform.

    Attributes:
        sample_rate: Hz of the waveform.
        hop_size: samples per mel frame.
        label: what to show to the user.
        is_preview: True if the sound only previews what a trained vocoder would give.
    """

    sample_rate: int
    hop_size: int
    label: str
    is_preview: bool

    def synthesise(self, mel: Array, f0: Array) -> Array:
        """Natural-log mel float32 ``[T, bins]`` and F0 float32 ``[T]`` in Hz to samples
        float32 ``[T · hop_size]``."""
        ...


@dataclass(frozen=True)
class VocoderChoice:
    """What the user wants beside what the config says.

    Attributes:
        file: instead of the config's ``vocoder_ckpt``: a file, a folder, or ``preview``.
        trusted: run the program in a TorchScript file.
        any_mel: use the vocoder even if it was made for another mel.
    """

    file: str = ""
    trusted: bool = False
    any_mel: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> VocoderChoice:
        """The choice in ``vocoder``, ``trust_vocoder`` and ``any_mel``, as jobs carry it."""
        return cls(
            str(params.get("vocoder") or ""),
            trusted=bool(params.get("trust_vocoder")),
            any_mel=bool(params.get("any_mel")),
        )


def load_vocoder(
    config: Config,
    *,
    device: str = "cpu",
    reporter: Reporter | None = None,
    choice: VocoderChoice | None = None,
) -> Vocoder:
    """The vocoder for a config.

    A usual name that leads to nothing means the fetched vocoder, see
    :func:`~singwiz.core.assets.stand_in`. If the key ``vocoder`` names one of an installed package,
    that one is taken. Without a configured file, or where it is not there, that
    is the preview vocoder.

    Args:
        config: its mel parameters and ``vocoder_ckpt``.
        device: where a network runs; the preview vocoder runs on the CPU.
        reporter: is told when a fetched vocoder stands in, and warned when a configured file is
            missing.
        choice: of the user.

    Raises:
        SingwizError: the file is damaged, not trusted, or made for another mel; a chosen file
            is missing.
    """
    reporter = reporter or Reporter()
    choice = choice or VocoderChoice()
    keys = config.to_dict()
    named = str(keys.get("vocoder") or "")
    if not choice.file and is_foreign("vocoder", named) and named in part_names("vocoder"):
        return _of_package(named, keys, device)
    configured = str(keys.get("vocoder_ckpt") or "").strip()
    if choice.file == PREVIEW or not (choice.file or configured):
        return _preview(config)
    path = Path(choice.file or configured).expanduser()
    if not choice.file and not _exists(path):
        found = _stand_in(keys, configured, reporter)
        if found is None:
            return _preview(config)
        path = found

    from ..vocoder_checkpoint import find_vocoder, read_vocoder_config
    from .ddsp import DdspVocoder, is_torchscript
    from .neural import NeuralVocoder

    path = find_vocoder(path)
    described = read_vocoder_config(path)
    _check_mel(keys, described, path, any_mel=choice.any_mel, reporter=reporter)
    if is_torchscript(path):
        return DdspVocoder.load(path, device=device, trusted=choice.trusted)
    return NeuralVocoder.load(path, device=device)


def _of_package(name: str, keys: Mapping[str, Any], device: str) -> Vocoder:
    """A vocoder of an installed package.

    Raises:
        SingwizError: the package cannot be imported.
    """
    try:
        made: Vocoder = load_part("vocoder", name)(keys, device=device)
        return made
    except PartError as error:
        raise SingwizError(
            "part-broken",
            f"'{name}' cannot be used: {error}.",
            hint="Mend or reinstall that package, or set vocoder to NsfHifiGAN.",
            where="vocoder",
        ) from error


def _stand_in(keys: Mapping[str, Any], configured: str, reporter: Reporter) -> Path | None:
    """The fetched vocoder that a name in a config means; None if there is none."""
    from ..assets import is_usual, stand_in
    from ..vocoder_checkpoint import read_vocoder_config
    from .preview import LABEL

    if not is_usual("vocoder", configured):
        reporter.warning(
            "vocoder-missing",
            f"There is no vocoder file '{configured}'. You hear the {LABEL} vocoder instead; "
            "correct vocoder_ckpt or leave it empty.",
        )
        return None
    found = stand_in("vocoder", configured)
    if found is None:
        reporter.log(f"You hear the {LABEL} vocoder. A real one: singwiz assets get pc-nsf-hifigan")
        return None
    differences = mel_differences(keys, read_vocoder_config(found.main))
    if differences:
        # Nobody chose it for this voice, so it is no mistake that it does not fit.
        said = "; ".join(differences)
        reporter.log(
            f"'{found.name}' was made for other spectrograms ({said}). You hear the {LABEL} "
            "vocoder."
        )
        return None
    reporter.log(f"Vocoder: '{found.name}', fetched on {found.date[:10]} ({found.licence}).")
    return found.main


def mel_differences(config: Mapping[str, Any], vocoder: Mapping[str, Any]) -> list[str]:
    """How the mel of a model differs from the one a vocoder was made for.

    Args:
        config: keys of an acoustic model.
        vocoder: keys of a vocoder's ``config.json``; what is absent there is not compared.

    Returns:
        One phrase per difference.
    """
    found = []
    for theirs, ours in MEL_KEYS.items():
        if theirs not in vocoder:
            continue
        mine, made_for = config.get(ours), vocoder[theirs]
        if theirs == "fmax":
            half = float(config.get("audio_sample_rate") or 0) / 2
            mine, made_for = mine or half, made_for or half
        if mine != made_for:
            found.append(f"{ours} is {_said(mine)}, the vocoder's {theirs} {_said(made_for)}")
    return found


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_mel(
    config: Mapping[str, Any],
    vocoder: Mapping[str, Any],
    path: Path,
    *,
    any_mel: bool,
    reporter: Reporter,
) -> None:
    differences = mel_differences(config, vocoder)
    if not differences:
        return
    said = "; ".join(differences)
    # Other bands cannot even be fed to the network.
    if any_mel and config.get("audio_num_mel_bins") == vocoder.get("num_mels"):
        reporter.warning(
            "vocoder-mismatch", f"The vocoder was made for other spectrograms: {said}."
        )
        return
    raise SingwizError(
        "vocoder-mismatch",
        f"The vocoder '{path.name}' was made for other spectrograms than this voice: {said}.",
        hint="Use a vocoder that fits the voice; with another one it sounds wrong.",
        where=str(path),
    )


def _preview(config: Config) -> Vocoder:
    from .preview import PreviewVocoder

    return PreviewVocoder(
        sample_rate=config.audio_sample_rate,
        hop_size=config.hop_size,
        win_size=config.win_size,
        fft_size=config.fft_size,
        num_mels=config.audio_num_mel_bins,
        fmin=config.fmin,
        fmax=config.fmax,
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
