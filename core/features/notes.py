"""Notes of an item from its recording: pitch comes from here, judging from the dataset room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset.audio import read_audio
from ..dataset.filling import change_notes, fill_notes
from ..dataset.fixes.edits import DatasetEdit
from ..dataset.fixes.table import TableRow
from ..dataset.notes import Note, correct_cents, rough_notes
from ..dataset.raw import Item, RawDataset
from ..dataset.words import word_durations
from ..errors import Cancelled, SingwizError
from ..reporting import Reporter
from .pitch import PitchExtractor


def item_pitch(
    item: Item, extractor: PitchExtractor, *, sample_rate: int = 44100, hop_size: int = 512
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
    """Pitch of a whole recording.

    Args:
        item: with a recording.
        extractor: see :mod:`.pitch`.
        sample_rate: Hz the recording is read at.
        hop_size: samples per frame.

    Returns:
        F0 float32 ``[T]`` Hz without gaps, bool ``[T]`` true where unvoiced, s per frame.

    Raises:
        SingwizError: the recording cannot be read.
    """
    if item.audio is None:
        raise SingwizError(
            "audio-missing",
            f"'{item.name}' has no recording.",
            hint="Put it into the folder wavs.",
        )
    waveform, _ = read_audio(item.audio, sample_rate)
    length = len(waveform) // hop_size + 1
    f0, unvoiced = extractor.extract(waveform, sample_rate, hop_size=hop_size, length=length)
    return f0, unvoiced, hop_size / sample_rate


def estimate_notes(
    item: Item,
    ph_num: Sequence[int],
    extractor: PitchExtractor,
    *,
    sample_rate: int = 44100,
    hop_size: int = 512,
) -> tuple[Note, ...]:
    """One rough note per word; words that begin with SP or AP are rests.

    Args:
        item: with a recording.
        ph_num: phonemes per word.
        extractor: see :mod:`.pitch`.
        sample_rate: Hz the recording is read at.
        hop_size: samples per frame.

    Raises:
        SingwizError: the recording cannot be read.
        ValueError: ``ph_num`` does not add up to the item's phonemes.
    """
    words = word_durations(item.ph_dur, ph_num)
    firsts = np.cumsum([0, *ph_num])[:-1]
    rests = [item.ph_seq[first].rpartition("/")[2] in ("SP", "AP") for first in firsts]
    f0, unvoiced, timestep = item_pitch(item, extractor, sample_rate=sample_rate, hop_size=hop_size)
    return rough_notes(f0, unvoiced, words, timestep, rests=rests)


def add_estimated_notes(
    edit: DatasetEdit,
    dataset: RawDataset,
    extractor: PitchExtractor,
    *,
    replace: bool = False,
    reporter: Reporter | None = None,
) -> int:
    """Put one rough note per word into an edit, for all rows that have words but no notes.

    Args:
        edit: of the dataset.
        dataset: the same, opened.
        extractor: see :mod:`.pitch`.
        replace: estimate notes anew that are there.
        reporter: receives progress, and may cancel.

    Returns:
        Number of rows changed; the edit says why others were not.

    Raises:
        Cancelled: the user stopped.
    """
    listen = _Listener(edit, dataset, reporter or Reporter())

    def estimate(row: TableRow, ph_num: tuple[int, ...]) -> tuple[Note, ...]:
        return estimate_notes(listen.item(row), ph_num, extractor)

    return fill_notes(edit, estimate, replace=replace)


def add_corrected_cents(
    edit: DatasetEdit,
    dataset: RawDataset,
    extractor: PitchExtractor,
    *,
    reporter: Reporter | None = None,
) -> int:
    """Move notes to where they are sung, by less than a quarter tone; doubtful ones are named.

    Args:
        edit: of the dataset.
        dataset: the same, opened.
        extractor: see :mod:`.pitch`.
        reporter: receives progress, and may cancel.

    Returns:
        Number of rows changed.

    Raises:
        Cancelled: the user stopped.
    """
    listen = _Listener(edit, dataset, reporter or Reporter())

    def correct(row: TableRow, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        f0, unvoiced, timestep = item_pitch(listen.item(row), extractor)
        corrected, doubtful = correct_cents(notes, f0, unvoiced, timestep)
        if doubtful:
            which = ", ".join(str(k + 1) for k in doubtful[:8])
            more = f" and {len(doubtful) - 8} more" if len(doubtful) > 8 else ""
            edit.refuse(
                "", f"Sung otherwise than written: notes {which}{more}.", item=edit.item(row)
            )
        return corrected

    return change_notes(edit, correct, "cents as sung")


class _Listener:
    """Finds the recordings of rows and reports progress."""

    def __init__(self, edit: DatasetEdit, dataset: RawDataset, reporter: Reporter) -> None:
        self._edit = edit
        self._items = {item.name: item for item in dataset.items}
        self._reporter = reporter
        self._done = 0

    def item(self, row: TableRow) -> Item:
        name = self._edit.item(row)
        if self._reporter.cancelled():
            raise Cancelled
        self._reporter.progress(self._done, len(self._items), f"Listening to {name}")
        self._done += 1
        if name not in self._items:
            raise SingwizError(
                "row-unusable",
                "Its row or its recording has errors.",
                hint="See what the check says about it.",
            )
        return self._items[name]
