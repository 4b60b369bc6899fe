"""Writing labels anew: other names, syllables split into phonemes, another dictionary's phonemes.

Pure functions of ``ph_seq``. Every result says which old phoneme each new one comes from, so
that durations, words and times can follow. Not for changing files: see the fixes of datasets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..errors import SingwizError
from .files import GLOBAL_PHONEMES, Dictionary

CONSONANT_SECONDS = 0.08
"""What a consonant of an expanded syllable gets; a guess to be corrected by ear."""

CONSONANTS_SHARE = 0.5
"""The most that the consonants of an expanded syllable get together."""


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A new label sequence.

    Attributes:
        ph_seq: the new phonemes.
        owners: for each of them, position of the old phoneme it is made of; never falling.
        changed: positions of the old phonemes that were replaced.
        carriers: positions of the new phonemes that take the time that their old phoneme leaves.
    """

    ph_seq: tuple[str, ...]
    owners: tuple[int, ...]
    changed: tuple[int, ...]
    carriers: frozenset[int] = frozenset()

    def ph_dur(self, ph_dur: Sequence[float]) -> tuple[float, ...]:
        """The new durations: each old phoneme's time is shared by what it became.

        Args:
            ph_dur: s per old phoneme.

        Raises:
            ValueError: the durations belong to another sequence.
        """
        counts = self._counts(len(ph_dur))
        durations: list[float] = []
        for owner, seconds in enumerate(ph_dur):
            count, first = counts[owner], len(durations)
            if count == 1:
                durations.append(seconds)
                continue
            carrier = next((k for k in range(count) if first + k in self.carriers), count - 1)
            small = min(CONSONANT_SECONDS, seconds * CONSONANTS_SHARE / (count - 1))
            small = int(small * 1e6) / 1e6
            rest = round(seconds - small * (count - 1), 9)
            durations += [rest if k == carrier else small for k in range(count)]
        return tuple(durations)

    def ph_num(self, ph_num: Sequence[int]) -> tuple[int, ...]:
        """Phonemes per word, the words being those of before.

        Raises:
            ValueError: the numbers belong to another sequence.
        """
        counts = self._counts(sum(ph_num))
        result, position = [], 0
        for size in ph_num:
            result.append(sum(counts[position : position + size]))
            position += size
        return tuple(result)

    def _counts(self, old_length: int) -> list[int]:
        counts = [0] * old_length
        for owner in self.owners:
            if owner >= old_length:
                raise ValueError("the labels changed meanwhile")
            counts[owner] += 1
        if 0 in counts:
            raise ValueError("the labels changed meanwhile")
        return counts


def rename_symbols(
    ph_seq: Sequence[str], names: Mapping[str, str], language: str = ""
) -> Relabelled:
    """Replace symbols by others.

    Args:
        ph_seq: phonemes as written.
        names: old -> new. A name with this or any other language's prefix stands for the symbol
            with that prefix, one without for the symbol as written. A new name without prefix
            belongs to the language of the symbol it replaces.
        language: of phonemes without prefix.
    """
    new, changed = [], []
    for k, symbol in enumerate(ph_seq):
        prefix, slash, short = symbol.partition("/")
        target = names.get(symbol)
        if target is None and not slash:
            target = names.get(f"{language}/{symbol}")
        if target is None and slash and prefix == language:
            target = names.get(short)
        if target is None or target == symbol:
            new.append(symbol)
            continue
        own = slash and "/" not in target and target not in GLOBAL_PHONEMES
        name = f"{prefix}/{target}" if own else target.removeprefix("" if slash else f"{language}/")
        new.append(name)
        changed.append(k)
    return Relabelled(tuple(new), tuple(range(len(new))), tuple(changed))


def expand_syllables(
    ph_seq: Sequence[str],
    dictionary: Dictionary,
    *,
    language: str | None = None,
    only: Collection[str] = (),
    vowels: Collection[str] = (),
) -> Relabelled:
    """Write syllables as their phonemes.

    A symbol that is itself a phoneme of the dictionary stays as it is.

    Args:
        ph_seq: phonemes and syllables as written, with or without prefix.
        dictionary: whose entries are expanded.
        language: of symbols without prefix; None = that of the dictionary.
        only: expand these syllables (bare names); all if empty.
        vowels: phonemes that take the time of the syllable; the last phoneme if it has none.
    """
    unprefixed = language in (None, dictionary.language)
    new: list[str] = []
    owners: list[int] = []
    changed: list[int] = []
    carriers: set[int] = set()
    for k, symbol in enumerate(ph_seq):
        prefix, slash, short = symbol.partition("/")
        own = prefix == dictionary.language if slash else unprefixed
        name = short if slash else symbol
        phonemes = dictionary.entries.get(name) if own else None
        if phonemes is None or name in dictionary.phonemes or (only and name not in only):
            new.append(symbol)
            owners.append(k)
            continue
        changed.append(k)
        vowel = next((i for i, p in enumerate(phonemes) if p in vowels), len(phonemes) - 1)
        carriers.add(len(new) + vowel)
        new += [f"{prefix}/{p}" if slash and p not in GLOBAL_PHONEMES else p for p in phonemes]
        owners += [k] * len(phonemes)
    return Relabelled(tuple(new), tuple(owners), tuple(changed), frozenset(carriers))


@dataclass(frozen=True)
class Migration:
    """How labels made with one dictionary become labels of another.

    Attributes:
        language: whose phonemes change.
        syllables: those that are pronounced differently, sorted.
        runs: pronunciation in the first dictionary -> in the second, where they differ.
        known: every pronunciation of the first dictionary.
    """

    language: str
    syllables: tuple[str, ...]
    runs: Mapping[tuple[str, ...], tuple[str, ...]]
    known: frozenset[tuple[str, ...]]


def plan_migration(source: Dictionary, target: Dictionary) -> Migration:
    """Compare two dictionaries of a language.

    Only syllables that both have count. Safe because the number of phonemes stays the same, so
    durations and words need no change.

    Raises:
        SingwizError: a syllable has more phonemes in one than in the other, or two syllables
            that sound alike in the first part ways in the second.
    """
    runs: dict[tuple[str, ...], tuple[str, ...]] = {}
    speaker: dict[tuple[str, ...], str] = {}
    changed = []
    for syllable in sorted(source.entries.keys() & target.entries.keys()):
        old, new = source.entries[syllable], target.entries[syllable]
        if len(old) != len(new):
            raise SingwizError(
                "migration-lengths",
                f"'{syllable}' is '{' '.join(old)}' in {source.path.name} but "
                f"'{' '.join(new)}' in {target.path.name}: not the same number of phonemes.",
                hint="Labels cannot be converted between these dictionaries by rule.",
            )
        if runs.setdefault(old, new) != new:
            raise SingwizError(
                "migration-ambiguous",
                f"'{speaker[old]}' and '{syllable}' are both '{' '.join(old)}' in "
                f"{source.path.name} but differ in {target.path.name}.",
                hint="Labels cannot be converted between these dictionaries by rule.",
            )
        speaker.setdefault(old, syllable)
        if old != new:
            changed.append(syllable)
    return Migration(
        language=source.language,
        syllables=tuple(changed),
        runs={old: new for old, new in runs.items() if old != new},
        known=frozenset(source.entries.values()),
    )


def migrate(ph_seq: Sequence[str], migration: Migration) -> Relabelled:
    """Write labels with the phonemes of the other dictionary.

    The sequence is read syllable by syllable, the longest pronunciation first, so that a vowel
    that changes by itself does not change inside other syllables. Doing it twice changes nothing
    as long as the second dictionary's new phonemes are not in the first.
    """
    prefix = f"{migration.language}/"
    bare = [symbol.removeprefix(prefix) for symbol in ph_seq]
    longest = max(map(len, migration.known), default=1)
    new = list(ph_seq)
    changed: list[int] = []
    k = 0
    while k < len(bare):
        for size in range(min(longest, len(bare) - k), 0, -1):
            run = tuple(bare[k : k + size])
            if run in migration.known:
                break
        replacement = migration.runs.get(run, run)
        for offset, (old, name) in enumerate(zip(run, replacement, strict=True)):
            if old != name:
                slash = prefix if ph_seq[k + offset].startswith(prefix) else ""
                new[k + offset] = slash + name
                changed.append(k + offset)
        k += len(run)
    return Relabelled(tuple(new), tuple(range(len(new))), tuple(changed))
