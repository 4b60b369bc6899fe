"""Cutting long recordings at rests into items of the length that training likes.

Cuts are made only inside silence, on whole samples, and leave some of the silence at both
sides; so labels and sound of a piece agree exactly. Breaths stay with the phrase they begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from ..dictionary.suggestions import BREATH_NAMES, SILENCE_NAMES
from ..errors import Cancelled, SingwizError
from ..reporting import Reporter
from .audio import probe_audio
from .fixes.recipe import AudioRecipe
from .labels.sequence import seconds_text
from .making import DatasetMaker
from .overlay import read_overlay
from .raw import Item, RawDataset

_NOTE_COLUMNS = ("note_seq", "note_dur", "note_slur", "note_glide")
_NOTES_OFF = 0.1
"""s by which notes and phonemes may differ in length and still belong together."""

_CLIPPED = 0.05
"""s by which a sung phoneme may pass the end of the recording; more is a wrong label."""


@dataclass(frozen=True, slots=True)
class SliceLimits:
    """Lengths in s.

    Attributes:
        shortest: shorter pieces are avoided, and counted if they cannot be.
        wanted_min, wanted_max: what pieces should last.
        longest: longer pieces are counted; they come from songs without rests.
        rest: the most silence that is kept at either side of a cut.
    """

    shortest: float = 2.0
    wanted_min: float = 5.0
    wanted_max: float = 15.0
    longest: float = 20.0
    rest: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.wanted_min < self.wanted_max <= self.longest:
            raise SingwizError(
                "slice-limits",
                "The lengths of the pieces contradict each other.",
                hint="They have to grow from the shortest over the wanted ones to the longest.",
            )
        if not 0 <= self.rest <= self.wanted_min / 2:
            raise SingwizError(
                "slice-limits",
                f"{self.rest:g} s of silence at the cuts is not possible.",
                hint="Keep between 0 and half the wanted length.",
            )


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an item: phonemes ``first`` to ``last`` (inclusive), from ``start`` to ``end`` s.

    The first and last phoneme may be cut short.
    """

    first: int
    last: int
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Cut:
    """A place to cut: where the piece before ends, and where the one after begins."""

    left: int
    left_end: float
    right: int
    right_start: float
    silence: float


def plan_pieces(
    ph_seq: Sequence[str], ph_dur: Sequence[float], limits: SliceLimits | None = None
) -> list[Piece]:
    """Where to cut an item.

    Silence and breath may go by any of their usual names. Long silences at both ends are
    shortened. Pieces without any sung phoneme do not exist.

    Args:
        ph_seq: phonemes as written.
        ph_dur: s per phoneme.
        limits: lengths to aim at.
    """
    limits = limits or SliceLimits()
    cuts = _cuts(ph_seq, ph_dur, limits.rest)
    if len(cuts) < 2:
        return []
    best: list[tuple[float, int]] = [(0.0, -1)]
    for end in range(1, len(cuts)):
        options: list[tuple[float, int]] = []
        inner = 0.0
        for start in range(end - 1, -1, -1):
            seconds = cuts[end].left_end - cuts[start].right_start
            cost = best[start][0] + _cost(seconds, limits) + inner
            # A cut at a long silence is better than one at a short one.
            cost += 0.0 if start == 0 else 0.3 / (0.1 + cuts[start].silence)
            options.append((cost, start))
            if seconds > 2 * limits.longest:
                break
            inner += 2 * max(cuts[start].silence - 1.0, 0.0)
        best.append(min(options))
    chosen = [len(cuts) - 1]
    while chosen[-1] > 0:
        chosen.append(best[chosen[-1]][1])
    return [
        Piece(cuts[a].right, cuts[b].left, cuts[a].right_start, cuts[b].left_end)
        for a, b in pairwise(reversed(chosen))
    ]


def _cost(seconds: float, limits: SliceLimits) -> float:
    """How bad a length is; 0 for one in the wanted range."""
    if seconds < limits.shortest:
        return 100 + 50 * (limits.shortest - seconds)
    if seconds < limits.wanted_min:
        return 1 + (limits.wanted_min - seconds)
    if seconds <= limits.wanted_max:
        return 0.0
    if seconds <= limits.longest:
        return 1 + 2 * (seconds - limits.wanted_max)
    return 50 + 20 * (seconds - limits.longest)


def _cuts(ph_seq: Sequence[str], ph_dur: Sequence[float], rest: float) -> list[_Cut]:
    """The beginning, every pause, and the end; empty if nothing is sung."""
    starts = [0.0, *accumulate(ph_dur)]
    kinds = [_rest_kind(symbol) for symbol in ph_seq]
    if all(kinds):
        return []
    cuts: list[_Cut] = []
    k = 0
    while k < len(kinds):
        if not kinds[k]:
            if k == 0:
                cuts.append(_Cut(-1, 0.0, 0, 0.0, 0.0))
            k += 1
            continue
        end = k
        while end < len(kinds) and kinds[end]:
            end += 1
        silent = [i for i in range(k, end) if kinds[i] == "silence"]
        if silent:
            i = max(silent, key=lambda i: ph_dur[i])
            # At the ends of the recording nobody else needs a part of the silence.
            outer = k == 0 or end == len(kinds)
            kept = min(rest, ph_dur[i] if outer else ph_dur[i] / 2)
            cuts.append(_Cut(i, starts[i] + kept, i, starts[i + 1] - kept, ph_dur[i]))
        elif k == 0:
            cuts.append(_Cut(-1, 0.0, 0, 0.0, 0.0))
        elif end == len(kinds):
            cuts.append(_Cut(end - 1, starts[end], end, starts[end], 0.0))
        else:
            cuts.append(_Cut(k - 1, starts[k], k, starts[k], 0.0))
        k = end
    if not kinds[-1]:
        cuts.append(_Cut(len(kinds) - 1, starts[-1], len(kinds), starts[-1], 0.0))
    return cuts


def _rest_kind(symbol: str) -> str:
    """``silence``, ``breath`` or nothing."""
    short = symbol.rpartition("/")[2]
    plain = short.strip("<>").casefold()
    if short == "SP" or plain in SILENCE_NAMES:
        return "silence"
    return "breath" if short == "AP" or plain in BREATH_NAMES else ""


def piece_cells(
    cells: Mapping[str, str],
    ph_seq: Sequence[str],
    ph_dur: Sequence[float],
    piece: Piece,
) -> dict[str, str]:
    """The row of a piece, without its name. Columns that do not fit the labels are left out.

    Args:
        cells: row of the whole item.
        ph_seq: its phonemes.
        ph_dur: s per phoneme.
        piece: the part; labels and notes are cut at its ends.
    """
    row = {c: v for c, v in cells.items() if c not in (*_NOTE_COLUMNS, "ph_num", "name")}
    ends = list(accumulate(ph_dur))
    inside = range(piece.first, piece.last + 1)
    row["ph_seq"] = " ".join(ph_seq[k] for k in inside)
    row["ph_dur"] = seconds_text(_clipped([ends[k] for k in inside], piece))
    words = _integers(cells.get("ph_num", ""))
    if words and sum(words) == len(ph_seq):
        row["ph_num"] = " ".join(map(str, _words_inside(words, piece)))
    row |= _notes_inside(cells, piece, ends[-1])
    return row


def _clipped(ends: Sequence[float], piece: Piece) -> list[float]:
    """Durations between consecutive ends, cut to the piece; their sum is its length."""
    length = round(piece.seconds, 6)
    borders = [0.0]
    for end in ends[:-1]:
        borders.append(min(max(round(end - piece.start, 6), borders[-1]), length))
    borders.append(length)
    return [round(b - a, 6) for a, b in pairwise(borders)]


def _words_inside(words: Sequence[int], piece: Piece) -> list[int]:
    counts, first = [], 0
    for size in words:
        shared = min(first + size, piece.last + 1) - max(first, piece.first)
        if shared > 0:
            counts.append(shared)
        first += size
    return counts


def _notes_inside(cells: Mapping[str, str], piece: Piece, total: float) -> dict[str, str]:
    names = cells.get("note_seq", "").split()
    durations = _floats(cells.get("note_dur", ""))
    if not names or len(names) != len(durations) or abs(sum(durations) - total) > _NOTES_OFF:
        return {}
    others = {c: cells.get(c, "").split() for c in ("note_slur", "note_glide")}
    ends = list(accumulate(durations))
    starts = [0.0, *ends[:-1]]
    inside = [
        k for k in range(len(names)) if min(ends[k], piece.end) - max(starts[k], piece.start) > 1e-6
    ]
    if not inside:
        return {}
    row = {
        "note_seq": " ".join(names[k] for k in inside),
        "note_dur": seconds_text(_clipped([ends[k] for k in inside], piece)),
    }
    for column, values in others.items():
        if len(values) == len(names):
            kept = [values[k] for k in inside]
            if column == "note_slur":
                kept[0] = "0"
            row[column] = " ".join(kept)
    return row


@dataclass
class SliceReport:
    """What became of a dataset.

    Attributes:
        target: the new folder.
        items: number of pieces.
        cut: number of recordings that were cut.
        seconds: length of all pieces.
        dropped: s of silence, and of recordings without labels, left out.
        short: names of pieces shorter than the shortest wanted.
        long: names of pieces longer than the longest wanted.
        skipped: item -> why it, or a part of it, was left out.
        lengths: s per piece.
    """

    target: Path
    items: int = 0
    cut: int = 0
    seconds: float = 0.0
    dropped: float = 0.0
    short: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "target": str(self.target),
            "items": self.items,
            "cut": self.cut,
            "seconds": round(self.seconds, 3),
            "dropped_seconds": round(self.dropped, 3),
            "short": self.short,
            "long": self.long,
            "skipped": self.skipped,
        }


def slice_dataset(
    dataset: RawDataset,
    target: Path,
    *,
    limits: SliceLimits | None = None,
    source: Path | None = None,
    reporter: Reporter | None = None,
) -> SliceReport:
    """Make a new dataset with the recordings of another cut into pieces.

    Recordings that need no cut are copied byte by byte. The originals stay as they are.

    Args:
        dataset: opened; rows with errors are reported and left out.
        target: folder to make, outside of the dataset.
        limits: lengths to aim at.
        source: where the recordings really come from, if the dataset is only on its way.
        reporter: receives progress, and may cancel.

    Raises:
        SingwizError: the target cannot be used, or nothing usable is left.
        Cancelled: the user stopped; nothing remains.
    """
    limits, reporter = limits or SliceLimits(), reporter or Reporter()
    report = SliceReport(Path(target).absolute())
    usable = {item.name for item in dataset.items}
    report.skipped = dict.fromkeys(
        sorted(dataset.listed - usable), "its row or its recording has errors"
    )
    overlay = read_overlay(dataset.root)
    sources = [dataset.root, *([overlay.base] if overlay else [])]
    origin: dict[str, Any] = {"made": "slice", "source": str(source or dataset.root), "items": {}}
    with DatasetMaker(report.target, sources=sources) as maker:
        for number, item in enumerate(dataset.items):
            if reporter.cancelled():
                raise Cancelled
            reporter.progress(number, len(dataset.items), f"Cutting {item.name}")
            try:
                _slice_item(item, maker, limits, report, origin["items"])
            except SingwizError as error:
                report.skipped[item.name] = error.message
        reporter.progress(len(dataset.items), len(dataset.items), "Done")
        maker.finish(origin)
    return report


def needs_cut(item: Item, limits: SliceLimits | None = None) -> bool:
    """Whether an item is long, or has long silence at its ends."""
    limits = limits or SliceLimits()
    pieces = plan_pieces(item.ph_seq, item.ph_dur, limits)
    saved = item.seconds - sum(piece.seconds for piece in pieces)
    return len(pieces) > 1 or (bool(pieces) and saved >= limits.rest)


def _slice_item(
    item: Item,
    maker: DatasetMaker,
    limits: SliceLimits,
    report: SliceReport,
    origin: dict[str, Any],
) -> None:
    assert item.audio is not None
    info = probe_audio(item.audio)
    pieces = plan_pieces(item.ph_seq, item.ph_dur, limits)
    if not pieces:
        report.skipped[item.name] = "nothing is sung in it"
        return
    agree = abs(item.seconds - info.seconds) <= _CLIPPED
    whole = agree and not needs_cut(item, limits)
    fitting = (
        [] if whole else [_on_samples(p, item, info.seconds, info.sample_rate) for p in pieces]
    )
    if any(piece is None for piece in fitting):
        lost = sum(piece is None for piece in fitting)
        report.skipped[item.name] = (
            f"{lost} of {len(pieces)} pieces lie beyond the end of the recording "
            f"({info.seconds:.2f} s; the labels end at {item.seconds:.2f} s)"
        )
    if whole:
        name = maker.free_name(item.name)
        cells = {c: v for c, v in item.cells.items() if c != "name"}
        maker.add(name, cells, AudioRecipe(item.audio))
        origin[name] = {"item": item.name}
        _count(report, name, info.seconds, limits)
        return
    report.cut += 1
    kept = 0.0
    for number, piece in enumerate(fitting):
        if piece is None:
            continue
        name = maker.free_name(f"{item.name}_{number:03d}")
        cells = piece_cells(item.cells, item.ph_seq, item.ph_dur, piece)
        recipe = AudioRecipe(item.audio).cut(start=piece.start, end=piece.end)
        maker.add(name, cells, recipe)
        origin[name] = {"item": item.name, "start": piece.start, "end": piece.end}
        kept += piece.seconds
        _count(report, name, piece.seconds, limits)
    report.dropped += info.seconds - kept


def _on_samples(piece: Piece, item: Item, seconds: float, rate: int) -> Piece | None:
    """The piece with its ends on whole samples; None if the recording ends inside of it."""
    end, after = piece.end, piece.last
    if end > seconds:
        # A rest may be cut short by the end of the recording, a sung phoneme hardly.
        rest = bool(_rest_kind(item.ph_seq[piece.last]))
        sung_until = sum(item.ph_dur[: piece.last]) if rest else end
        if sung_until > seconds + _CLIPPED:
            return None
        end = seconds
        if rest and sung_until >= seconds:
            after -= 1
    first, last = round(piece.start * rate), min(round(end * rate), round(seconds * rate))
    if last <= first or after < piece.first:
        return None
    return Piece(piece.first, after, first / rate, last / rate)


def _count(report: SliceReport, name: str, seconds: float, limits: SliceLimits) -> None:
    report.items += 1
    report.seconds += seconds
    report.lengths[name] = seconds
    if seconds < limits.shortest:
        report.short.append(name)
    if seconds > limits.longest:
        report.long.append(name)


def _integers(cell: str) -> list[int]:
    try:
        return [int(token) for token in cell.split()]
    except ValueError:
        return []


def _floats(cell: str) -> list[float]:
    try:
        return [float(token) for token in cell.split()]
    except ValueError:
        return []
