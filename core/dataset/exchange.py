"""Labels out to another program and back: a file per item, corrected elsewhere, read again.

What was not changed comes back without any change, to the last digit of the table. Reading says
what is different; changing the dataset is the business of :mod:`.fixes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..dictionary.kinds import PhonemeKinds
from ..errors import USAGE_PROBLEM, SingwizError
from .fixes.edits import DatasetEdit
from .labels.audacity import write_audacity
from .labels.files import FORMATS, read_label_file
from .labels.lab import write_lab
from .labels.model import Tier
from .labels.sequence import SILENCE_SYMBOLS, labels_of, seconds_text, sequence_of
from .labels.textgrid import write_textgrid
from .overlay import read_overlay
from .raw import Item, RawDataset
from .words import phonemes_per_word

_SAME = 1.5e-6
"""s; formats round times, so borders within this are the same."""


def export_labels(dataset: RawDataset, folder: Path, format: str) -> list[Path]:
    """Write one label file per item.

    Args:
        dataset: opened.
        folder: where to; made if it does not exist. Not inside the dataset.
        format: ``lab``, ``audacity`` or ``textgrid``.

    Returns:
        The written files.

    Raises:
        SingwizError: unknown format, or a folder among the originals, or one that has other
            label files already, or one that cannot be written.
    """
    if format not in FORMATS:
        raise SingwizError(
            "format-unknown",
            f"Labels cannot be written as '{format}'.",
            hint=f"Use one of: {', '.join(FORMATS)}.",
            exit_code=USAGE_PROBLEM,
        )
    folder = Path(folder).absolute()
    overlay = read_overlay(dataset.root)
    written = []
    try:
        for original in (dataset.root, *([overlay.base] if overlay else [])):
            if folder.resolve().is_relative_to(original.resolve()):
                raise SingwizError(
                    "target-among-originals",
                    f"'{folder}' lies among the originals in '{original}'.",
                    hint="Choose a folder outside of it; originals stay as they are.",
                    exit_code=USAGE_PROBLEM,
                )
        paths = {item.name: folder / f"{item.name}{FORMATS[format]}" for item in dataset.items}
        there = next((path for path in paths.values() if path.exists()), None)
        if there is not None:
            raise SingwizError(
                "target-not-empty",
                f"'{there.name}' exists already in '{folder}'.",
                hint="Choose a new folder; nothing is ever overwritten.",
                exit_code=USAGE_PROBLEM,
            )
        for item in dataset.items:
            write_text(paths[item.name], label_text(item.ph_seq, item.ph_dur, format))
            written.append(paths[item.name])
    except OSError as error:
        raise SingwizError(
            "target-not-writable",
            f"'{folder}' cannot be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            exit_code=USAGE_PROBLEM,
        ) from None
    return written


def label_text(ph_seq: Sequence[str], ph_dur: Sequence[float], format: str) -> str:
    """The content of a label file; see :data:`~.labels.files.FORMATS`."""
    labels = labels_of(ph_seq, ph_dur)
    if format == "lab":
        return write_lab(labels)
    if format == "audacity":
        return write_audacity(labels)
    return write_textgrid([Tier(labels, "phones")])


@dataclass(frozen=True, slots=True)
class Correction:
    """Labels of one item as they came back.

    Attributes:
        item: name.
        file: where they are.
        ph_seq: phonemes.
        ph_dur: s.
        moved: borders that moved, while phonemes stayed.
        renamed: phonemes that changed; -1 if their number changed.
    """

    item: str
    file: Path
    ph_seq: tuple[str, ...]
    ph_dur: tuple[float, ...]
    moved: int
    renamed: int

    def describe(self) -> str:
        """What is different, in a few words."""
        if self.renamed < 0:
            return f"{len(self.ph_seq)} phonemes now"
        parts = [f"{self.renamed} phoneme(s) renamed"] if self.renamed else []
        parts += [f"{self.moved} border(s) moved"] if self.moved else []
        return ", ".join(parts)


@dataclass
class Corrections:
    """All that came back.

    Attributes:
        changed: items whose labels are different.
        same: names of items whose labels are as before.
        absent: names of items without a label file.
        skipped: file -> why it could not be used.
    """

    changed: list[Correction] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "changed": {c.item: c.describe() for c in self.changed},
            "same": len(self.same),
            "absent": self.absent,
            "skipped": self.skipped,
        }


def read_corrections(
    dataset: RawDataset,
    folder: Path,
    *,
    format: str = "",
    symbols: Mapping[str, str] = SILENCE_SYMBOLS,
) -> Corrections:
    """Compare label files with the items they are named after.

    Args:
        dataset: opened.
        folder: with the files.
        format: one of :data:`~.labels.files.FORMATS`; empty = whatever is there.
        symbols: old name -> new name, for names that the item does not have.

    Raises:
        SingwizError: the folder cannot be read.
    """
    suffixes = [FORMATS[format]] if format else list(FORMATS.values())
    try:
        files = {path.name.casefold(): path for path in sorted(Path(folder).iterdir())}
    except OSError as error:
        raise SingwizError(
            "source-unreadable",
            f"The folder '{folder}' cannot be read: {error.strerror or error}.",
            hint="Choose the folder with the corrected labels.",
            exit_code=USAGE_PROBLEM,
        ) from None
    found = Corrections()
    for item in dataset.items:
        names = [f"{item.name}{suffix}".casefold() for suffix in suffixes]
        file = next((files[name] for name in names if name in files), None)
        if file is None:
            found.absent.append(item.name)
            continue
        own = {name: new for name, new in symbols.items() if name not in item.ph_seq}
        try:
            correction = _compare(item, file, format, own)
        except SingwizError as error:
            line = error.where.rpartition(":")[2]
            place = f"line {line}: " if line.isdecimal() else ""
            found.skipped[file.name] = place + error.message
            continue
        if correction.moved or correction.renamed:
            found.changed.append(correction)
        else:
            found.same.append(item.name)
    return found


def _compare(item: Item, file: Path, format: str, symbols: Mapping[str, str]) -> Correction:
    read = read_label_file(file, format=format, seconds=item.seconds)
    new = sequence_of(read.phones().labels, symbols=symbols)
    if len(new.ph_seq) != len(item.ph_seq):
        return Correction(item.name, file, new.ph_seq, new.ph_dur, 0, -1)
    renamed = sum(a != b for a, b in zip(new.ph_seq, item.ph_seq, strict=True))
    moved, old_end, new_end = 0, 0.0, 0.0
    for old, now in zip(item.ph_dur, new.ph_dur, strict=True):
        old_end, new_end = old_end + old, new_end + now
        moved += abs(old_end - new_end) > _SAME
    ph_dur = new.ph_dur if moved else item.ph_dur
    return Correction(item.name, file, new.ph_seq, ph_dur, moved, renamed)


def apply_corrections(
    edit: DatasetEdit,
    corrections: Corrections,
    *,
    kinds: PhonemeKinds | None = None,
    language: str = "",
) -> None:
    """Put corrected labels into an edit, to be shown and applied as a plan.

    Where the number of phonemes changed, ``ph_num`` is counted anew, or emptied without ``kinds``.

    Args:
        edit: of the dataset that the corrections were compared with.
        corrections: from :func:`read_corrections`.
        kinds: vowels and consonants of the language.
        language: of phonemes without prefix.
    """
    for correction in corrections.changed:
        for row in edit.find(correction.item):
            edit.set(row, "ph_seq", " ".join(correction.ph_seq))
            if correction.moved or correction.renamed < 0:
                edit.set(row, "ph_dur", seconds_text(correction.ph_dur))
            if edit.cell(row, "ph_num").strip() and (correction.renamed < 0 or kinds):
                edit.set(row, "ph_num", _ph_num(correction, kinds, language))
        what = f"The labels of '{correction.item}' are corrected: {correction.describe()}."
        edit.did("", what, item=correction.item)


def _ph_num(correction: Correction, kinds: PhonemeKinds | None, language: str) -> str:
    if kinds is None:
        return ""
    try:
        sizes = phonemes_per_word(correction.ph_seq, {language: kinds}, language)
    except SingwizError:
        return ""
    return " ".join(map(str, sizes))
