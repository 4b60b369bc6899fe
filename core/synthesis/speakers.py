"""Who sings: mixes of the speakers a model knows.

Not for finding the speakers of a dataset; that is configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.ds import numbers
from ..errors import USAGE_PROBLEM, SingwizError
from ..features.curves import resample_curve

PART = re.compile(r"([0-9A-Za-z_-]+)(?::(\d+(?:\.\d*)?|\.\d+))?")


@dataclass(frozen=True)
class SpeakerMix:
    """A mix over time.

    Attributes:
        ids: int64 ``[S]``.
        weights: float32 ``[1, S]``, ``[T, S]`` or ``[N, S]``, each row sums to 1.
    """

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]


def parse_mix(text: str) -> dict[str, float]:
    """Read ``name``, ``name|name`` or ``name:0.3|name:0.7`` into weights that sum to 1.

    Names without a weight share equally what is left of 1.

    Raises:
        SingwizError: not such a mix.
    """
    weights: dict[str, float | None] = {}
    for part in text.split("|"):
        match = PART.fullmatch(part.strip())
        if match is None or match[1] in weights:
            raise SingwizError(
                "speaker-mix",
                f"'{text}' is not a mix of singers.",
                hint="Write one name, or names with shares like 'anna:0.3|ben:0.7'.",
                exit_code=USAGE_PROBLEM,
            )
        weights[match[1]] = None if match[2] is None else float(match[2])
    given = sum(w for w in weights.values() if w is not None)
    open_names = sum(1 for w in weights.values() if w is None)
    if (open_names and given >= 1.0) or (not open_names and given <= 0):
        raise SingwizError(
            "speaker-mix",
            f"The shares in '{text}' leave nothing for some singers.",
            hint="Give every singer a share, at least one of them above 0.",
            exit_code=USAGE_PROBLEM,
        )
    shares = {n: (1.0 - given) / open_names if w is None else w for n, w in weights.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def frame_mix(
    segment: Mapping[str, Any],
    spk_map: Mapping[str, int],
    *,
    speaker: str | None,
    frames: int,
    timestep: float,
) -> SpeakerMix:
    """The mix of one segment: ``speaker`` if given, else its ``spk_mix``, else the only speaker.

    Args:
        segment: DS segment.
        spk_map: the speakers of the model and their ids.
        speaker: a mix as :func:`parse_mix` reads it, or None.
        frames: length of the segment.
        timestep: seconds per frame.

    Raises:
        SingwizError: unknown speaker, no speaker chosen, impossible weights.
    """
    mix = _chosen(segment, "spk_mix", spk_map, speaker)

    def column(name: str) -> NDArray[np.float32]:
        points = numbers(mix, name).astype(np.float32)
        if not _moves(mix[name]):
            return points[:1]
        step = float(numbers(segment, "spk_mix_timestep")[0])
        if not 1e-5 < step < 60:
            raise SingwizError(
                "speaker-mix",
                "'spk_mix_timestep' is not a time step in seconds.",
                hint="Correct it, or write one number per singer.",
            )
        return resample_curve(points, step, timestep, frames)

    return _weighted(mix, spk_map, column)


def phoneme_mix(
    segment: Mapping[str, Any], spk_map: Mapping[str, int], *, speaker: str | None, phonemes: int
) -> SpeakerMix:
    """The mix that decides about durations: ``speaker``, else ``ph_spk_mix``, else ``spk_mix``.

    Where only ``spk_mix`` is there and moves, its average is meant.

    Args:
        segment: DS segment.
        spk_map: the speakers of the model and their ids.
        speaker: a mix as :func:`parse_mix` reads it, or None.
        phonemes: number of phonemes N.

    Raises:
        SingwizError: as :func:`frame_mix`, or a singer has another number of values than N.
    """
    key = "ph_spk_mix" if segment.get("ph_spk_mix") else "spk_mix"
    mix = _chosen(segment, key, spk_map, speaker)

    def column(name: str) -> NDArray[np.float32]:
        values = numbers(mix, name).astype(np.float32)
        if not _moves(mix[name]):
            return values[:1]
        if key == "spk_mix":
            return values.mean(keepdims=True)
        if len(values) != phonemes:
            raise SingwizError(
                "speaker-mix",
                f"'ph_spk_mix' gives '{name}' {len(values)} shares for {phonemes} phonemes.",
                hint="Give one share for all phonemes, or one for each.",
            )
        return values

    return _weighted(mix, spk_map, column)


def _moves(value: Any) -> bool:
    return isinstance(value, str) and len(value.split()) > 1


def _chosen(
    segment: Mapping[str, Any], key: str, spk_map: Mapping[str, int], speaker: str | None
) -> Mapping[str, Any]:
    """Names and shares, whatever they come from; all names are known."""
    mix: Mapping[str, Any]
    known = ", ".join(sorted(spk_map))
    if speaker:
        mix = parse_mix(speaker)
    elif segment.get(key):
        mix = segment[key]
        if not isinstance(mix, Mapping):
            raise SingwizError(
                "speaker-mix",
                f"'{key}' has to name singers and their shares.",
                hint='Write it like {"anna": 0.3, "ben": 0.7}.',
            )
    elif len(spk_map) == 1:
        mix = dict.fromkeys(spk_map, 1.0)
    else:
        raise SingwizError(
            "speaker-not-chosen",
            "This voice has several singers and none was chosen.",
            hint=f"Choose one of: {known}.",
            exit_code=USAGE_PROBLEM,
        )
    unknown = [name for name in mix if name not in spk_map]
    if unknown:
        raise SingwizError(
            "speaker-unknown",
            f"This voice has no singer called '{unknown[0]}'.",
            hint=f"Choose one of: {known}.",
            exit_code=USAGE_PROBLEM,
        )
    return mix


def _weighted(
    mix: Mapping[str, Any],
    spk_map: Mapping[str, int],
    column: Callable[[str], NDArray[np.float32]],
) -> SpeakerMix:
    ids = np.array([spk_map[name] for name in mix], np.int64)
    if len(mix) == 1:
        return SpeakerMix(ids, np.ones((1, 1), np.float32))
    columns = [column(name) for name in mix]
    if not all(map(len, columns)):
        columns = [np.zeros(1, np.float32)]  # a singer without shares: reported below
    length = max(map(len, columns))
    weights = np.stack([np.broadcast_to(values, length) for values in columns], axis=1)
    total = weights.sum(axis=1, keepdims=True)
    if (weights < 0).any() or (total <= 0).any():
        raise SingwizError(
            "speaker-mix",
            "The shares of the singers have to be 0 or more, with one above 0 at any time.",
            hint="Correct spk_mix.",
        )
    return SpeakerMix(ids, (weights / total).astype(np.float32))
