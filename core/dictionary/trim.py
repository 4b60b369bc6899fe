"""Deriving a smaller dictionary: only what the recordings contain. Originals stay as they are."""

from __future__ import annotations

from collections.abc import Collection

from .files import Dictionary


def trim_dictionary(dictionary: Dictionary, used: Collection[str]) -> str:
    """The text of a copy without the syllables whose phonemes are never sung.

    A phoneme that is sung but whose syllables all go away is kept as a syllable of its own,
    so that its labels stay valid.

    Args:
        dictionary: the original.
        used: names of sung phonemes, bare or with this dictionary's language prefix.

    Returns:
        ``syllable TAB phonemes`` lines in the original order, ending with a newline; empty if
        nothing is left.
    """
    prefix = f"{dictionary.language}/"
    wanted = {name.removeprefix(prefix) for name in used}
    kept = {
        syllable: phonemes
        for syllable, phonemes in dictionary.entries.items()
        if wanted.issuperset(phonemes)
    }
    reached = {phoneme for phonemes in kept.values() for phoneme in phonemes}
    for phoneme in sorted((dictionary.phonemes & wanted) - reached):
        kept.setdefault(phoneme if phoneme not in dictionary.entries else f"_{phoneme}", (phoneme,))
    return "".join(f"{syllable}\t{' '.join(phonemes)}\n" for syllable, phonemes in kept.items())
