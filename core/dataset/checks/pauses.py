"""What sounds where nothing should: noise, music and reverberation in pauses, gaps in phonemes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...findings import Finding, Place
from ..raw import Item, RawDataset
from .label_frames import PAUSE, may_be_silent
from .listening import Listening
from .rules import report, some
from .thresholds import Thresholds
from .voicing import FRAME

_MARGIN = 3
"""Frames at both ends of a pause that may belong to its neighbours."""
_TAIL = 8
"""Frames after a phoneme in which its sound fades."""
_FEWEST = 5
_QUIET_SHARE = 20.0
_FADE_FROM, _FADE_TO = -5.0, -25.0
_MOST = 0.5


@dataclass(frozen=True, slots=True)
class PauseFacts:
    """The pauses of one recording.

    Attributes:
        item: name.
        noise: dBFS in their quieter part; None if they are too short to tell.
        tonal: share of them that has a pitch, away from their edges; None likewise.
        fades: s in which sound would fade by 60 dB, one value per fade that could be measured.
    """

    item: str
    noise: float | None = None
    tonal: float | None = None
    fades: tuple[float, ...] = ()


def runs_of(owners: np.ndarray) -> list[tuple[int, int, int]]:
    """Phoneme, first frame, frame after the last, for every phoneme that owns a frame."""
    if not len(owners):
        return []
    starts = np.flatnonzero(np.diff(owners, prepend=owners[0] - 1))
    ends = np.append(starts[1:], len(owners))
    return list(zip(owners[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))


def hear_pauses(
    item: Item, heard: Listening, owners: np.ndarray, kinds: np.ndarray, limits: Thresholds
) -> PauseFacts:
    """Noise, pitch and fading in the pauses of a recording."""
    quiet: list[np.ndarray] = []
    voiced: list[np.ndarray] = []
    fades: list[float] = []
    for _, start, end in runs_of(np.where(kinds == PAUSE, owners, -1)):
        if kinds[start] != PAUSE:
            continue
        quiet.append(heard.level[start + _MARGIN : end - _MARGIN])
        inner = slice(start + _TAIL, end - _MARGIN)
        voiced.append((heard.f0[inner] > 0) & (heard.level[inner] > limits.noise_floor))
        fade = _fade(heard.level, start, end)
        if fade is not None:
            fades.append(fade)
    levels = np.concatenate(quiet) if quiet else np.zeros(0)
    tones = np.concatenate(voiced) if voiced else np.zeros(0)
    return PauseFacts(
        item.name,
        float(np.percentile(levels, _QUIET_SHARE)) if len(levels) >= _FEWEST else None,
        float(tones.mean()) if len(tones) >= 2 * _FEWEST else None,
        tuple(fades),
    )


def _fade(level: np.ndarray, start: int, end: int) -> float | None:
    """Seconds for 60 dB at the rate at which the sound fades into a pause."""
    if start < 5 or end - start < 15:
        return None
    before = float(level[start - 5 : start].max())
    tail = level[start - 5 : end] - before
    floor = float(np.percentile(tail, 10))
    # From the noise on nothing fades any more; half of what is above it must be seen.
    if floor > _FADE_TO - 5:
        return None
    first = int(np.argmax(tail <= _FADE_FROM)) if (tail <= _FADE_FROM).any() else -1
    last = int(np.argmax(tail <= _FADE_TO)) if (tail <= _FADE_TO).any() else -1
    if first < 0 or last <= first:
        return None
    return (last - first) * FRAME * 60.0 / (float(tail[first]) - float(tail[last]))


def check_pause_voicing(
    dataset: RawDataset,
    item: Item,
    heard: Listening,
    owners: np.ndarray,
    kinds: np.ndarray,
    limits: Thresholds,
) -> list[Finding]:
    """Pauses in which something is sung; one finding per item, placed at the longest."""
    worst, place = 0.0, None
    for phoneme, start, end in runs_of(owners):
        if kinds[start] != PAUSE or (end - start) * FRAME < limits.pause_voiced:
            continue
        loud = heard.level[start:end] > limits.pause_voiced_level
        sung = (heard.f0[start:end] > 0) & loud
        # What lies at the edges is the neighbour's end: labels are rarely that exact.
        sung[:_MARGIN] = False
        sung[-_MARGIN:] = False
        seconds = float(sung.sum()) * FRAME
        share = seconds / ((end - start) * FRAME)
        if seconds > max(limits.pause_voiced, worst) and share > limits.pause_voiced_share:
            worst = seconds
            place = _at(dataset, item, phoneme, start, end)
    if place is None:
        return []
    message = f"In the pause at {place.start:.2f} s of '{item.name}' something sounds with a pitch."
    return [report("pause-voiced", message, place)]


def check_gaps(
    dataset: RawDataset, item: Item, heard: Listening, owners: np.ndarray, limits: Thresholds
) -> list[Finding]:
    """Phonemes with silence inside; one finding per item, placed at the longest gap."""
    silent = heard.level < limits.phoneme_silence_level
    audible = np.array([may_be_silent(symbol) for symbol in item.ph_seq] + [True])
    silent &= ~audible[owners]
    edges = np.flatnonzero(np.diff(silent, prepend=False, append=False))
    longest, place = 0.0, None
    for start, end in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
        seconds = (end - start) * FRAME
        if seconds >= max(limits.phoneme_silence - 1e-9, longest):
            longest, place = seconds, _at(dataset, item, int(owners[start]), start, end)
    if place is None:
        return []
    message = (
        f"'{place.symbol}' of '{item.name}' contains {longest:.2f} s of silence at "
        f"{place.start:.2f} s."
    )
    return [report("silence-in-phoneme", message, place)]


def check_room(
    dataset: RawDataset, facts: Sequence[PauseFacts], limits: Thresholds
) -> list[Finding]:
    """Noise, music and reverberation of a whole dataset."""
    findings = []
    noises = [one.noise for one in facts if one.noise is not None]
    if noises and statistics.median(noises) > limits.noise_floor:
        loudest = max(
            (one for one in facts if one.noise is not None), key=lambda one: one.noise or 0.0
        )
        findings.append(
            report(
                "pause-noisy",
                f"The pauses are noisy ({statistics.median(noises):.0f} dBFS), most of all in "
                f"'{loudest.item}'.",
                dataset.place(loudest.item),
            )
        )
    fades = sorted(seconds for one in facts for seconds in one.fades)
    # A singer can end softly now and then, but in a live room no sound ever stops quickly.
    quick = fades[len(fades) // 4] if fades else 0.0
    if len(fades) >= _FEWEST and quick > limits.reverb_time:
        slowest = max((one for one in facts if one.fades), key=lambda one: max(one.fades))
        findings.append(
            report(
                "pause-reverberant",
                f"After the voice stops, the sound never takes less than {quick:.1f} s to fade "
                "by 60 dB.",
                dataset.place(slowest.item),
            )
        )
    tonal = sorted(((one.tonal, one.item) for one in facts if one.tonal is not None), reverse=True)
    musical = [name for share, name in tonal if share > limits.tonal_share]
    # What sounds on in a hall has the pitch of what was sung.
    hall = any(finding.code == "pause-reverberant" for finding in findings)
    if not hall and len(musical) > _MOST * len(tonal) and len(musical) >= 3:
        findings.append(
            report(
                "pause-tonal",
                f"Something with a pitch sounds in the pauses of {len(musical)} of {len(tonal)} "
                f"recordings, e.g. {some(musical, limit=3)}.",
                dataset.place(musical[0]),
            )
        )
    return findings


def _at(dataset: RawDataset, item: Item, phoneme: int, start: int, end: int) -> Place:
    place = dataset.place(item.name, item.line)
    symbol = item.ph_seq[phoneme] if phoneme < len(item.ph_seq) else ""
    return Place(
        place.dataset,
        item.name,
        place.file,
        item.line,
        symbol,
        round(start * FRAME, 3),
        round(end * FRAME, 3),
    )
