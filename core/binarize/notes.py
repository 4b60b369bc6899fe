"""The columns that only variance models read, made into numbers or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.note_names import parse_note
from ..dataset.raw import Item
from ..dataset.rows import read_numbers
from ..dataset.segments import CURVES, curve_of
from ..errors import SingwizError
from ..findings import Place
from .task import Notes, Recipe


def read_notes(item: Item, recipe: Recipe) -> Notes:
    """Words, notes and ornaments of an item, as far as the model learns from them.

    Raises:
        SingwizError: something is missing, is no number or note, or does not fit.
    """
    ph_num: tuple[int, ...] = ()
    if recipe.predict_dur:
        counts = _numbers(item, "ph_num")
        if any(count != int(count) or count < 0 for count in counts):
            raise _refused(item, f"ph_num of '{item.name}' has something that is no count.")
        ph_num = tuple(int(count) for count in counts)
        if sum(ph_num) != len(item.ph_seq):
            raise _refused(item, f"Sum of ph_num does not equal length of ph_seq in '{item.name}'.")
    if not recipe.predict_pitch:
        return Notes(ph_num)
    note_seq = tuple(_cell(item, "note_seq").split())
    note_dur = _numbers(item, "note_dur")
    if len(note_seq) != len(note_dur):
        raise _refused(item, f"Lengths of note_seq and note_dur mismatch in '{item.name}'.")
    if min(note_dur) < 0:
        raise _refused(item, f"Negative note_dur found in '{item.name}'.")
    try:
        pitches = [parse_note(name) for name in note_seq]
    except SingwizError as error:
        raise _refused(item, f"In note_seq of '{item.name}': {error.message}", error.hint) from None
    if all(pitch is None for pitch in pitches):
        raise _refused(item, f"All notes are rest in '{item.name}'.")
    if sum(note_dur) <= 0:
        raise _refused(item, f"The notes of '{item.name}' last no time at all.")
    return Notes(ph_num, note_seq, note_dur, _glides(item, recipe, len(note_seq)))


def read_curves(item: Item, recipe: Recipe) -> dict[str, tuple[NDArray[np.float32], float]]:
    """The curves that an item's DS segment has and the model wants; pitch always.

    Raises:
        SingwizError: a curve of the segment cannot be used, or there is no recording for one
            that is missing.
    """
    if item.segment is None:
        return {}
    wanted = {"f0_seq", *(name for name, _ in recipe.curves)}
    found = {}
    for name in CURVES:
        if name not in wanted:
            continue
        try:
            curve = curve_of(item.segment, name)
        except SingwizError as error:
            raise _refused(item, f"Item '{item.name}': {error.message}", error.hint) from None
        if curve is not None:
            found[name] = curve
        elif item.audio is None:
            raise _refused(
                item,
                f"curve '{name}' of item '{item.name}' is neither in its DS file nor extractable "
                "(no audio).",
                "Add its recording to 'wavs', or the curve to the DS file.",
            )
    return found


def count_notes(notes: Iterable[Notes]) -> dict[int, int]:
    """How often every whole MIDI number is sung, in rising order; rests do not count."""
    counts: Counter[int] = Counter()
    for labels in notes:
        for name in labels.note_seq:
            pitch = parse_note(name)
            if pitch is not None:
                counts[round(pitch)] += 1
    return dict(sorted(counts.items()))


def count_glides(notes: Iterable[Notes], glide_types: Iterable[str]) -> dict[str, int]:
    """How often every ornament is sung, ``none`` first.

    Raises:
        SingwizError: one of them never is.
    """
    counts = dict.fromkeys(("none", *glide_types), 0)
    for labels in notes:
        for name in labels.note_glide:
            counts[name] += 1
    missing = [name for name, count in counts.items() if not count]
    if missing:
        raise SingwizError(
            "glides-missing",
            f"Missing glide types in dataset: [{', '.join(missing)}]",
            hint="Remove what nobody sings from glide_types, or set use_glide_embed to false.",
            where="glide_types",
        )
    return counts


def summary(title: str, counts: Mapping[Any, int]) -> list[str]:
    """A distribution as lines of text, ten entries each."""
    entries = [f"{name}: {count}" for name, count in counts.items()]
    rows = [", ".join(entries[k : k + 10]) for k in range(0, len(entries), 10)]
    return [f"===== {title} =====", *rows]


def _glides(item: Item, recipe: Recipe, count: int) -> tuple[str, ...]:
    if recipe.glide_types is None:
        return ()
    glides = tuple(item.cells.get("note_glide", "").split()) or ("none",) * count
    if len(glides) != count:
        raise _refused(item, f"Lengths of note_seq and note_glide mismatch in '{item.name}'.")
    unknown = [name for name in glides if name not in ("none", *recipe.glide_types)]
    if unknown:
        raise _refused(
            item,
            f"Invalid glide type found in '{item.name}': {unknown[0][:30]}.",
            f"Known are: none, {', '.join(recipe.glide_types)}; see glide_types.",
        )
    return glides


def _cell(item: Item, attribute: str) -> str:
    cell = item.cells.get(attribute, "")
    if not cell.strip():
        raise _refused(
            item,
            f"Missing required attribute {attribute} of item '{item.name}'.",
            f"Add the column '{attribute}' to transcriptions.csv, or switch off what needs it.",
        )
    return cell


def _numbers(item: Item, attribute: str) -> tuple[float, ...]:
    found, finding = read_numbers(attribute, _cell(item, attribute), Place(item=item.name))
    if finding:
        raise _refused(item, finding.message, finding.hint)
    return found


def _refused(item: Item, message: str, hint: str = "") -> SingwizError:
    return SingwizError("labels-invalid", message, hint=hint, where=f"line {item.line}")
