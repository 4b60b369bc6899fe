"""``dsconfig.yaml`` and ``vocoder.yaml`` as OpenUTAU reads them, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .problems import BankProblem

MAX_BYTES = 64 * 2**20

BOOLEANS: Mapping[str, bool] = {
    "use_lang_id": False,
    "use_key_shift_embed": False,
    "use_speed_embed": False,
    "use_energy_embed": False,
    "use_breathiness_embed": False,
    "use_voicing_embed": False,
    "use_tension_embed": False,
    "use_continuous_acceleration": False,
    "use_variable_depth": False,
    "use_shallow_diffusion": False,
    "predict_dur": True,
    "predict_energy": True,
    "predict_breathiness": True,
    "predict_voicing": False,
    "predict_tension": False,
    "use_expr": False,
    "use_note_rest": False,
    "pitch_controllable": False,
}
NUMBERS: Mapping[str, float] = {
    "hidden_size": 256,
    "max_depth": 0.0,
    "sample_rate": 44100,
    "hop_size": 512,
    "win_size": 2048,
    "fft_size": 2048,
    "num_mel_bins": 128,
    "mel_fmin": 40.0,
    "mel_fmax": 16000.0,
}
TEXTS: Mapping[str, str] = {
    "phonemes": "phonemes.txt",
    "languages": "",
    "acoustic": "",
    "vocoder": "",
    "linguistic": "",
    "dur": "",
    "pitch": "",
    "variance": "",
    "mel_base": "10",
    "mel_scale": "slaney",
    "model": "model.onnx",
    "name": "",
}
MEL_KEYS = (
    "sample_rate",
    "hop_size",
    "win_size",
    "fft_size",
    "num_mel_bins",
    "mel_fmin",
    "mel_fmax",
    "mel_scale",
)
"""What a voice and its vocoder must agree on."""


class Settings:
    """The keys of one file with defaults.

    Attributes:
        where: the file's name for people.
        keys: every known key.
        speakers: ``speakers`` as listed; None if the key is absent.
        shift: limits of the key shift in semitones, or None.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self.where = where
        self.keys: dict[str, Any] = {}
        for name, fallback in BOOLEANS.items():
            self.keys[name] = self._value(content, name, fallback, bool)
        for name, number in NUMBERS.items():
            self.keys[name] = self._value(content, name, number, (int, float))
        for name, text in TEXTS.items():
            value = content.get(name)
            self.keys[name] = text if value is None else str(value)
        listed = content.get("speakers")
        if listed is not None and not (
            isinstance(listed, list) and all(isinstance(one, str) for one in listed)
        ):
            raise BankProblem("E_CONFIG", "'speakers' is not a list of names.", where)
        self.speakers: tuple[str, ...] | None = None if listed is None else tuple(listed)
        self.shift = self._shift(content)

    def _value(self, content: Mapping[str, Any], name: str, fallback: Any, kind: Any) -> Any:
        value = content.get(name)
        if value is None:
            return fallback
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise BankProblem("E_CONFIG", f"'{name}' cannot be {value!r}.", self.where)
        return value

    def _shift(self, content: Mapping[str, Any]) -> tuple[float, float] | None:
        try:
            low, high = content["augmentation_args"]["random_pitch_shifting"]["range"]
            return float(low), float(high)
        except (KeyError, TypeError, ValueError):
            return None

    def __getitem__(self, name: str) -> Any:
        return self.keys[name]

    @property
    def frame(self) -> float:
        """Length of a frame, ms."""
        return 1000.0 * float(self.keys["hop_size"]) / float(self.keys["sample_rate"])


def read_settings(path: Path, where: str) -> Settings:
    """Read one file.

    Raises:
        BankProblem: it cannot be read.
    """
    content = read_yaml(path, where, "E_CONFIG")
    if not isinstance(content, dict):
        raise BankProblem("E_CONFIG", "This is no list of settings.", where)
    settings = Settings(content, where)
    for name in ("sample_rate", "hop_size", "hidden_size", "num_mel_bins"):
        if settings[name] <= 0:
            raise BankProblem("E_CONFIG", f"'{name}' cannot be {settings[name]!r}.", where)
    return settings


def read_yaml(path: Path, where: str, code: str) -> Any:
    """The content of a YAML file.

    Raises:
        BankProblem: it is missing or is no YAML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=loader)  # noqa: S506
    except FileNotFoundError:
        raise BankProblem(code, "This file is missing.", where) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        said = str(error).splitlines()[0] if str(error) else "it is no YAML"
        raise BankProblem(code, f"This file cannot be read: {said}.", where) from error
