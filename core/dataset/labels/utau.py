"""UTAU voicebanks: reading ``oto.ini``, and what can and cannot become of one.

``oto.ini`` says of every sample where its useful part begins (offset), where its vowel begins
(offset + preutterance) and where it ends (cutoff). With a dictionary for the aliases this is
enough for rough labels. What a voicebank lacks is singing: melodies, and often all transitions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...dictionary.files import Dictionary
from ...errors import SingwizError
from ..audio import AUDIO_SUFFIXES
from .files import read_text
from .kana import to_romaji
from .model import Label

OTO_FILE = "oto.ini"
_MAX_MS = 3.6e6
_MAX_DEPTH = 3
_SAME_ONSET = 0.03
"""s; entries with so near vowels are other names of one sound."""


@dataclass(frozen=True, slots=True)
class OtoEntry:
    """One line of ``oto.ini``; times in s.

    Attributes:
        file: name of the sample, in the folder of the ``oto.ini``.
        alias: what it sounds like; the file's stem if the line gives none.
        offset: start of the useful part.
        consonant: length from there that is never stretched.
        cutoff: from the end of the file, or if negative length of the useful part.
        preutterance: from the offset to the start of the vowel.
        overlap: from the offset, shared with the note before.
        line: in the file, from 1.
    """

    file: str
    alias: str
    offset: float
    consonant: float
    cutoff: float
    preutterance: float
    overlap: float
    line: int

    @property
    def onset(self) -> float:
        """Where the vowel begins, s from the beginning of the file."""
        return self.offset + self.preutterance

    def end(self, seconds: float) -> float:
        """End of the useful part of a file that lasts ``seconds``."""
        end = self.offset - self.cutoff if self.cutoff < 0 else seconds - self.cutoff
        return min(max(end, self.offset), seconds)


@dataclass(frozen=True)
class Voicebank:
    """A read voicebank folder.

    Attributes:
        root: the folder.
        name: from ``character.txt``, else the folder's.
        entries: by folder of their ``oto.ini``.
        wrong: lines that could not be read: file, line, what is wrong.
        missing: samples that are listed but not there, as paths below the root.
        unlisted: samples that are there but not listed.
    """

    root: Path
    name: str
    entries: Mapping[Path, tuple[OtoEntry, ...]]
    wrong: tuple[tuple[Path, int, str], ...] = ()
    missing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def aliases(self) -> int:
        """Number of entries."""
        return sum(map(len, self.entries.values()))

    def samples(self) -> Iterator[tuple[Path, tuple[OtoEntry, ...]]]:
        """Existing samples with their entries, by time."""
        for folder, entries in self.entries.items():
            by_file: dict[str, list[OtoEntry]] = {}
            for entry in entries:
                by_file.setdefault(entry.file, []).append(entry)
            for file, own in by_file.items():
                if (folder / file).is_file():
                    yield folder / file, tuple(sorted(own, key=lambda entry: entry.onset))

    def connected(self) -> float:
        """Share of aliases that name the sound before (``a ka``), as VCV and CVVC banks do."""
        named = sum(" " in e.alias.strip("- *") for es in self.entries.values() for e in es)
        return named / self.aliases if self.aliases else 0.0

    def explain(self) -> list[str]:
        """What can be done with it and what cannot, as sentences."""
        files = sum(len({entry.file for entry in own}) for own in self.entries.values())
        vcv = self.connected() > 0.5
        sentences = [
            f"'{self.name}' is an UTAU voicebank: {self.aliases} sounds in {files} samples"
            + (f", {len(self.entries)} pitches or styles." if len(self.entries) > 1 else ".")
        ]
        if vcv:
            sentences.append(
                "Its samples are strings of syllables, so they contain the transitions between "
                "sounds; labels can be made from oto.ini and should be checked by ear."
            )
        else:
            sentences.append(
                "Its samples are single syllables: labels can be made from oto.ini, but a voice "
                "trained on them has never heard one sound lead to the next."
            )
        sentences.append(
            "It contains no melodies, and each sample has one pitch: enough to try things out, "
            "or to add sounds to a singer's recordings, but not for a voice that sings well. "
            "Record at least 10 minutes of songs."
        )
        if self.missing:
            sentences.append(f"{len(self.missing)} listed samples are not there.")
        if self.unlisted:
            sentences.append(f"{len(self.unlisted)} samples are not listed in oto.ini.")
        if self.wrong:
            sentences.append(f"{len(self.wrong)} lines of oto.ini cannot be read.")
        return sentences


def find_oto_files(root: Path) -> list[Path]:
    """All ``oto.ini`` in a folder and a few levels below it, sorted; links are not followed."""
    found = []
    for folder, folders, files in os.walk(root, followlinks=False):
        here = Path(folder)
        if len(here.relative_to(root).parts) >= _MAX_DEPTH:
            folders.clear()
        folders.sort()
        found += [here / file for file in files if file.lower() == OTO_FILE]
    return sorted(found)


def read_oto(text: str) -> tuple[list[OtoEntry], list[tuple[int, str]]]:
    """Read the lines of an ``oto.ini``.

    Returns:
        The entries, and for every line that is none its number and what is wrong with it.
    """
    entries: list[OtoEntry] = []
    wrong: list[tuple[int, str]] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith((";", "#Charset", "[")):
            continue
        file, equals, rest = line.partition("=")
        fields = rest.rsplit(",", 5)
        if not equals or len(fields) != 6:
            wrong.append((number, "it is not 'file=alias,five numbers'"))
            continue
        if any(sign in file for sign in "/\\:\0") or file in ("", ".", ".."):
            wrong.append((number, f"'{file[:40]}' is not a file name"))
            continue
        numbers = [_milliseconds(field) for field in fields[1:]]
        if None in numbers:
            wrong.append((number, "its times are not numbers"))
            continue
        offset, consonant, cutoff, preutterance, overlap = (n or 0.0 for n in numbers)
        alias = fields[0].strip() or Path(file).stem
        entries.append(
            OtoEntry(file, alias, offset, consonant, cutoff, preutterance, overlap, number)
        )
    return entries, wrong


def read_voicebank(root: Path) -> Voicebank:
    """Read all ``oto.ini`` of a voicebank.

    Raises:
        SingwizError: the folder has none, or one cannot be opened.
    """
    root = Path(root)
    otos = find_oto_files(root)
    if not otos:
        raise SingwizError(
            "utau-no-oto",
            f"'{root.name}' has no {OTO_FILE}.",
            hint="Choose the folder of the voicebank, with oto.ini and the samples in it.",
            where=str(root),
        )
    entries: dict[Path, tuple[OtoEntry, ...]] = {}
    wrong: list[tuple[Path, int, str]] = []
    missing: list[str] = []
    unlisted: list[str] = []
    for oto in otos:
        own, bad = read_oto(read_text(oto))
        folder = oto.parent
        entries[folder] = tuple(own)
        wrong += [(oto, number, what) for number, what in bad]
        there = {p.name for p in folder.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES}
        listed = {entry.file for entry in own}
        place = folder.relative_to(root)
        missing += [str(place / file) for file in sorted(listed) if not (folder / file).is_file()]
        unlisted += [str(place / file) for file in sorted(there - listed)]
    return Voicebank(
        root, _character([root, *entries]), entries, tuple(wrong), tuple(missing), tuple(unlisted)
    )


def sample_labels(
    entries: Sequence[OtoEntry], seconds: float, dictionary: Dictionary
) -> tuple[Label, ...]:
    """Rough labels of one sample: consonants before each vowel, vowels up to the next sound.

    The last consonant of a chain ends where its vowel begins; in a single syllable the consonant
    begins at the offset, between two syllables at the overlap.

    Args:
        entries: of the sample, by time.
        seconds: length of the sample.
        dictionary: what the aliases are made of; kana may be listed in romaji.

    Raises:
        SingwizError: an alias is not in the dictionary.
    """
    sounds: list[tuple[OtoEntry, tuple[str, ...]]] = []
    for entry in entries:
        syllable = alias_syllable(entry.alias)
        if not syllable or (sounds and entry.onset - sounds[-1][0].onset < _SAME_ONSET):
            continue
        phonemes = syllable_phonemes(syllable, dictionary)
        if phonemes is None:
            raise SingwizError(
                "utau-alias-unknown",
                f"'{entry.alias}' of '{entry.file}' is not in the dictionary "
                f"'{dictionary.path.name}'.",
                hint="Choose a dictionary with the syllables of this voicebank.",
                where=f"{OTO_FILE}:{entry.line}",
            )
        sounds.append((entry, phonemes))
    labels: list[Label] = []
    for k, (entry, phonemes) in enumerate(sounds):
        onset = min(max(entry.onset, 0.0), seconds)
        lead = entry.offset + (max(entry.overlap, 0.0) if k else 0.0)
        start = min(max(lead, labels[-1].start if labels else 0.0, 0.0), onset)
        if len(phonemes) == 1:
            start = onset if k else min(max(entry.offset, 0.0), onset)
            onset = start
        if labels:
            labels[-1] = Label(labels[-1].start, start, labels[-1].text)
        consonants = phonemes[:-1]
        step = (onset - start) / max(len(consonants), 1)
        for i, consonant in enumerate(consonants):
            labels.append(Label(start + i * step, start + (i + 1) * step, consonant))
        labels.append(Label(onset, max(entry.end(seconds), onset), phonemes[-1]))
    return tuple(labels)


def alias_syllable(alias: str) -> str:
    """The sound an alias is for: ``a ka`` and ``- ka`` are for ``ka``; nothing for endings."""
    last = alias.split()[-1] if alias.split() else ""
    return "" if last in ("R", "-", "*", "・", "息", "吸") or last.startswith("息") else last


def syllable_phonemes(syllable: str, dictionary: Dictionary) -> tuple[str, ...] | None:
    """Phonemes of a syllable, whatever pitch or number is written behind it."""
    for name in dict.fromkeys((syllable, *_shortened(syllable))):
        nasal = "N" if name in ("n", "nn", "n'") else name
        for spelling in (name, to_romaji(name), nasal, name.lower()):
            if spelling in dictionary.entries:
                return dictionary.entries[spelling]
    return None


def _shortened(syllable: str) -> Iterator[str]:
    """Without ``_C4``, ``F#3``, ``2`` and the like at its end."""
    plain = syllable.rstrip("0123456789").rstrip("_")
    yield plain
    if plain != syllable:
        yield plain.rstrip("#♯b").rstrip("ABCDEFG").rstrip("_")


def _character(folders: Sequence[Path]) -> str:
    """The name in the first ``character.txt``, else that of the first folder."""
    for folder in folders:
        try:
            text = read_text(folder / "character.txt")
        except SingwizError:
            continue
        for line in text.split("\n"):
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "name" and value.strip():
                return value.strip()[:80]
    return folders[0].name


def _milliseconds(field: str) -> float | None:
    """Seconds from a field in ms; an empty one is 0, None if it is no number."""
    text = field.strip()
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        return None
    return value / 1000 if abs(value) <= _MAX_MS else None
