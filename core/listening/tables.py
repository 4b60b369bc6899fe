"""Results as tables of text, for every face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .verdict import Outcome

FIGURES = {
    "f0_rmse_cents": ("pitch error (RMS)", "{:.0f} cents"),
    "octave_errors": ("octave errors", "{:.1%}"),
    "voicing_errors": ("voicing errors", "{:.1%}"),
    "mel_l1": ("mel distance", "{:.2f} nat"),
    "stft_distance": ("STFT distance", "{:.2f}"),
    "loudness_range": ("loudness range", "{:.1f} LU"),
    "dur_ms_vowel": ("length error, vowels", "{:.0f} ms"),
    "dur_ms_voiced": ("length error, voiced consonants", "{:.0f} ms"),
    "dur_ms_unvoiced": ("length error, unvoiced consonants", "{:.0f} ms"),
    "dur_ms_pause": ("length error, pauses", "{:.0f} ms"),
}


@dataclass(frozen=True)
class TextTable:
    """Title, column titles and rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def condition_table(outcome: Outcome) -> TextTable | None:
    """What was answered about each condition; None before the first verdict."""
    if not outcome.conditions:
        return None
    if outcome.kind in ("ab", "rank"):
        columns = ("condition", "preferred", "share or strength", "95 % interval")
    elif outcome.kind == "abx":
        columns = ("conditions", "right", "share", "95 % interval")
    elif outcome.kind == "mushra":
        columns = ("condition", "mean", "95 % interval", "median")
    else:
        columns = ("condition", "mean of 5", "95 % interval", "noted")
    return TextTable(
        "What was answered", columns, tuple(_row(outcome.kind, one) for one in outcome.conditions)
    )


def session_table(outcome: Outcome) -> TextTable | None:
    """Who listened; None if nobody did."""
    if not outcome.sessions:
        return None
    rows = tuple(
        (
            one.listener or "–",
            f"{one.answered} of {one.of}",
            str(one.missed),
            "yes" if one.counted else f"no: {one.why}",
        )
        for one in outcome.sessions
    )
    return TextTable("Listeners", ("listener", "answered", "missed checks", "counted"), rows)


def figure_table(outcome: Outcome) -> TextTable | None:
    """Measurements per condition; None if there are none."""
    known = [name for name in FIGURES if any(name in one for one in outcome.figures)]
    if not known:
        return None
    rows = tuple(
        (
            str(one["condition"]),
            *(_figure(name, one.get(name)) for name in known),
        )
        for one in outcome.figures
    )
    columns = ("condition", *(FIGURES[name][0] for name in known))
    return TextTable("Measured, beside the ear", columns, rows)


def _figure(name: str, value: Any) -> str:
    return FIGURES[name][1].format(value) if isinstance(value, int | float) else "–"


def _row(kind: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    name = str(one["condition"])
    if kind == "ab":
        return (
            name, f"{one['preferred']} of {one['of']}", f"{one['share']:.0%}",
            f"{one['low']:.0%} to {one['high']:.0%}",
        )  # fmt: skip
    if kind == "rank":
        return (
            f"{one['place']}. {name}", f"{one['preferred']} of {one['of']}",
            f"{one['strength']:+.2f}", f"{one['low']:+.2f} to {one['high']:+.2f}",
        )  # fmt: skip
    if kind == "abx":
        return (
            name, f"{one['right']} of {one['of']}", f"{one['share']:.0%}",
            f"{one['low']:.0%} to {one['high']:.0%}",
        )  # fmt: skip
    interval = f"{one['low']:.1f} to {one['high']:.1f}"
    if kind == "mushra":
        return name, f"{one['mean']:.1f}", interval, f"{one['median']:.0f}"
    noted = ", ".join(f"{tag} {entry['count']} of {entry['of']}" for tag, entry in
                      one["tags"].items())  # fmt: skip
    return name, f"{one['mean']:.1f}", interval, noted or "–"
