"""Grouping phonemes into words as DiffSinger means them: a vowel and what follows up to the next.

A word starts where a note starts, and a note starts on a vowel; the consonants of the next
syllable still belong to the word before. Not for lyrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..dictionary.kinds import Kind, PhonemeKinds, find_kind
from ..errors import SingwizError


def phonemes_per_word(
    ph_seq: Sequence[str], kinds: Mapping[str, PhonemeKinds], language: str
) -> tuple[int, ...]:
    """``ph_num`` of an item: every word is one phoneme and all consonants after it.

    Consonants at the very start are a word of their own.

    Args:
        ph_seq: phonemes as written.
        kinds: language -> vowels and consonants.
        language: of phonemes without prefix.

    Raises:
        SingwizError: a phoneme is neither vowel nor consonant.
    """
    found = _kinds(ph_seq, kinds, language)
    return _sizes([k for k, kind in enumerate(found) if kind == "vowel"], len(ph_seq))


def phonemes_per_word_with_liquids(
    ph_seq: Sequence[str],
    word_sizes: Sequence[int],
    kinds: Mapping[str, PhonemeKinds],
    language: str,
) -> tuple[int, ...]:
    """``ph_num`` where spoken words are known, for languages with clusters such as English.

    As :func:`phonemes_per_word`, but a liquid directly before the vowel opens the word if a
    consonant or liquid of the same spoken word precedes it (``t|ry``, but ``|a`` in "bray|a").

    Args:
        ph_seq: phonemes as written.
        word_sizes: phonemes per spoken word, from a words tier.
        kinds: language -> vowels, consonants and liquids.
        language: of phonemes without prefix.

    Raises:
        SingwizError: a phoneme is of no kind, or the sizes do not add up.
    """
    if sum(word_sizes) != len(ph_seq) or any(size < 0 for size in word_sizes):
        raise SingwizError(
            "words-do-not-fit",
            f"The words have {sum(word_sizes)} phonemes, but there are {len(ph_seq)}.",
            hint="Make every word begin and end with one of its phonemes.",
        )
    found = _kinds(ph_seq, kinds, language)
    starts, first = [], 0
    for size in word_sizes:
        for k in range(first, first + size):
            if found[k] != "vowel":
                continue
            cluster = k - 2 >= first and found[k - 1] == "liquid" and found[k - 2] != "vowel"
            starts.append(k - 1 if cluster else k)
        first += size
    return _sizes(starts, len(ph_seq))


def word_durations(ph_dur: Sequence[float], ph_num: Sequence[int]) -> tuple[float, ...]:
    """Seconds per word.

    Raises:
        ValueError: the words have another number of phonemes.
    """
    if sum(ph_num) != len(ph_dur):
        raise ValueError("ph_num does not add up to the phonemes")
    durations, first = [], 0
    for size in ph_num:
        durations.append(round(sum(ph_dur[first : first + size]), 9))
        first += size
    return tuple(durations)


def _kinds(ph_seq: Sequence[str], kinds: Mapping[str, PhonemeKinds], language: str) -> list[Kind]:
    found = []
    for symbol in ph_seq:
        kind = find_kind(symbol, language, kinds)
        if kind is None and symbol in ("SP", "AP"):
            kind = "vowel"
        if kind is None:
            raise SingwizError(
                "phoneme-kind-unknown",
                f"It is not known whether '{symbol}' is a vowel or a consonant.",
                hint="Correct the label, or list it as vowel or as consonant.",
            )
        found.append(kind)
    return found


def _sizes(starts: Sequence[int], length: int) -> tuple[int, ...]:
    """Lengths of the pieces that begin at 0 and at every start."""
    if not length:
        return ()
    borders = [*sorted({0, *starts}), length]
    return tuple(end - start for start, end in pairwise(borders))
