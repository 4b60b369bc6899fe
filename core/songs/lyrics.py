"""From the lyrics of a score to phonemes, with a dictionary of syllables or of words."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..dataset.labels.utau import alias_syllable, syllable_phonemes
from ..dictionary import Dictionary, PhonemeKinds
from ..dictionary.kinds import ARPABET_CONSONANTS, ARPABET_LIQUIDS, ARPABET_VOWELS
from ..dictionary.suggestions import BREATH_NAMES, SILENCE_NAMES
from ..errors import USAGE_PROBLEM, SingwizError
from .model import SungNote

EXTENSIONS = frozenset(("-", "ー", "－", "—", "~", "〜", "+~", "+*", "_", "*"))
"""Lyrics that hold the vowel before."""

NEXT_SYLLABLE = "+"
"""The next syllable of a word that the dictionary knows as a whole; else as an extension."""

_HINT = re.compile(r".*\[([^\]]+)\]\s*")
_OUTSIDE = "、。，．,.!?！？;:；：\"'“”‘’«»()（）「」『』…・"
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]+")
_SMALL = "ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ"
_SHOWN = 10
_ARPABET_STRESS = re.compile(r"[0-2]$")


@dataclass(frozen=True)
class Syllable:
    """What is sung on one note.

    Attributes:
        phonemes: empty where the note continues the one before.
        anchor: index of the phoneme that begins with the note, normally the vowel.
        breath: it is no sound but taking breath.
    """

    phonemes: tuple[str, ...] = ()
    anchor: int = 0
    breath: bool = False


@dataclass(frozen=True)
class Pronouncer:
    """Finds phonemes.

    Attributes:
        dictionary: of the language of the song.
        kinds: its vowels and consonants.
    """

    dictionary: Dictionary
    kinds: PhonemeKinds

    @classmethod
    def of(cls, dictionary: Dictionary, vowels: str = "", consonants: str = "") -> Pronouncer:
        """With what the dictionary implies about vowels, or with lists of them.

        Args:
            dictionary: of the language of the song.
            vowels: separated by spaces; needed if the dictionary does not tell.
            consonants: likewise.

        Raises:
            SingwizError: the dictionary does not tell which phonemes are vowels.
        """
        try:
            kinds = PhonemeKinds.of_dictionary(
                dictionary, vowels=vowels.split(), consonants=consonants.split()
            )
        except SingwizError:
            plain = {_ARPABET_STRESS.sub("", p.lower()): p for p in dictionary.phonemes}
            if vowels or not set(plain) <= ARPABET_VOWELS | ARPABET_CONSONANTS:
                raise
            named = {p: _ARPABET_STRESS.sub("", p.lower()) for p in dictionary.phonemes}
            kinds = PhonemeKinds.of_lists(
                [p for p, name in named.items() if name in ARPABET_VOWELS],
                [p for p, name in named.items() if name in ARPABET_CONSONANTS],
                liquids=[p for p, name in named.items() if name in ARPABET_LIQUIDS],
                language=dictionary.language,
            )
        return cls(dictionary, kinds)

    def phonemes(self, lyric: str) -> tuple[str, ...] | None:
        """The phonemes of a lyric, however its program writes it; None if they are unknown.

        Understood are phonemes in brackets (``love[l ah v]``), punctuation around words, kana
        where the dictionary lists romaji, UTAU aliases (``a ka``, ``ka_C4``), several kana on
        one note, and held vowels (``とー``).
        """
        hint = _HINT.fullmatch(lyric)
        if hint:
            named = tuple(hint[1].split())
            known = self.dictionary.phonemes | {"SP", "AP"}
            return named if named and all(p in known for p in named) else None
        text = unicodedata.normalize("NFKC", lyric).strip(_OUTSIDE + "-~ ")
        for spelling in (lyric, text, text.lower(), alias_syllable(text)):
            found = syllable_phonemes(spelling, self.dictionary) if spelling else None
            if found:
                return found
        if _KANA.fullmatch(text):
            return self._kana(text)
        return None

    def _kana(self, text: str) -> tuple[str, ...] | None:
        phonemes: list[str] = []
        for mora in _morae(text):
            if mora == "ー":
                continue
            found = syllable_phonemes(mora, self.dictionary)
            if found is None:
                return None
            phonemes += found
        return tuple(phonemes) or None

    def vowels(self, phonemes: Sequence[str]) -> list[int]:
        """Indices of the vowels."""
        return [k for k, name in enumerate(phonemes) if self.kinds.kind(name) == "vowel"]

    def syllables(self, notes: Sequence[SungNote]) -> list[Syllable]:
        """What is sung on each note.

        Raises:
            SingwizError: lyrics are missing altogether, or some are not in the dictionary; all
                of them are named with their places.
        """
        if not any(note.lyric for note in notes):
            raise SingwizError(
                "score-no-lyrics",
                "This score has no lyrics.",
                hint="Write them into the score, or give them with --lyrics, one syllable per "
                "note.",
                exit_code=USAGE_PROBLEM,
            )
        notes = self._whole_words(notes)
        result: list[Syllable] = []
        unknown: list[SungNote] = []
        k = 0
        while k < len(notes):
            lyric = notes[k].lyric.strip()
            name = lyric.lower()
            if not lyric or lyric in EXTENSIONS or lyric == NEXT_SYLLABLE:
                result.append(Syllable())
                k += 1
                continue
            if name in BREATH_NAMES | SILENCE_NAMES and name not in self.dictionary.entries:
                result.append(Syllable(("AP",) if name in BREATH_NAMES else ("SP",), breath=True))
                k += 1
                continue
            found = self.phonemes(lyric)
            if found is None:
                unknown.append(notes[k])
                found = ("SP",)
            spread = self._spread(found, notes, k)
            result += spread
            k += len(spread)
        if unknown:
            raise self._unknown(unknown)
        return result

    def _whole_words(self, notes: Sequence[SungNote]) -> list[SungNote]:
        """Words that are hyphenated in the score, as a whole where only so they are known."""
        joined = list(notes)
        k = 0
        while k < len(joined):
            if joined[k].syllabic != "begin":
                k += 1
                continue
            last = k
            for n in range(k + 1, len(joined)):
                if joined[n].lyric and joined[n].syllabic not in ("middle", "end"):
                    break
                last = n
                if joined[n].syllabic == "end":
                    break
            pieces = [n for n in range(k, last + 1) if joined[n].lyric]
            word = "".join(joined[n].lyric for n in pieces)
            if len(pieces) > 1 and self.phonemes(word) is not None and not _KANA.fullmatch(word):
                joined[k] = replace(joined[k], lyric=word)
                for n in pieces[1:]:
                    joined[n] = replace(joined[n], lyric=NEXT_SYLLABLE)
            k = last + 1
        return joined

    def _spread(
        self, phonemes: tuple[str, ...], notes: Sequence[SungNote], first: int
    ) -> list[Syllable]:
        """A word over its note and the notes that say ``+`` behind it, a vowel each."""
        vowels = self.vowels(phonemes)
        result = [Syllable(phonemes, vowels[0] if vowels else 0)]
        waiting = vowels[1:]
        begin = 0
        for note in notes[first + 1 :]:
            lyric = note.lyric.strip()
            if not lyric or lyric in EXTENSIONS:
                result.append(Syllable())
            elif lyric == NEXT_SYLLABLE and waiting:
                at = next(k for k in range(len(result) - 1, -1, -1) if result[k].phonemes)
                cut = waiting.pop(0)
                head = result[at].phonemes[: cut - begin]
                result[at] = replace(result[at], phonemes=head)
                begin = cut
                result.append(Syllable(phonemes[cut:], 0))
            elif lyric == NEXT_SYLLABLE:
                result.append(Syllable())
            else:
                break
        return result

    def _unknown(self, notes: Sequence[SungNote]) -> SingwizError:
        by_lyric: dict[str, list[str]] = {}
        for note in notes:
            by_lyric.setdefault(note.lyric, []).append(note.place)
        lines = []
        for lyric, places in list(by_lyric.items())[:_SHOWN]:
            close = difflib.get_close_matches(lyric.lower(), list(self.dictionary.entries), 3, 0.5)
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            like = f"; like it: {', '.join(close)}" if close else ""
            lines.append(f"'{lyric}' ({places[0]}{more}){like}")
        if len(by_lyric) > _SHOWN:
            lines.append(f"… and {len(by_lyric) - _SHOWN} more")
        return SingwizError(
            "lyric-unknown",
            f"The dictionary '{self.dictionary.path.name}' does not know {len(by_lyric)} "
            "of the lyrics:\n  " + "\n  ".join(lines),
            hint="Correct them in the score, add them to the dictionary, or write phonemes in "
            "brackets: love[l ah v].",
            where=notes[0].place,
        )


def _morae(text: str) -> Iterator[str]:
    k = 0
    while k < len(text):
        length = 2 if k + 1 < len(text) and text[k + 1] in _SMALL else 1
        yield text[k : k + length]
        k += length


def with_lyrics(notes: Sequence[SungNote], text: str) -> tuple[SungNote, ...]:
    """Notes with lyrics from a text: one syllable per note, ``-`` where a vowel is held.

    Syllables are separated by spaces or hyphens; kana and Chinese characters need none.

    Raises:
        SingwizError: there are more or fewer syllables than notes.
    """
    syllables = list(_split(text))
    if len(syllables) != len(notes):
        raise SingwizError(
            "lyrics-do-not-fit",
            f"The lyrics have {len(syllables)} syllables, but the score has {len(notes)} notes.",
            hint="Write one syllable per note, and '-' for a note that holds the one before.",
            exit_code=USAGE_PROBLEM,
        )
    return tuple(
        replace(note, lyric=syllable, syllabic="single")
        for note, syllable in zip(notes, syllables, strict=True)
    )


def _split(text: str) -> Iterator[str]:
    for word in text.split():
        if word in EXTENSIONS or word == NEXT_SYLLABLE or "[" in word:
            yield word
        elif _KANA.fullmatch(word):
            held = ""
            for mora in _morae(word):
                if mora == "ー" and held:
                    held += mora
                    continue
                if held:
                    yield held
                held = mora
            yield held
        elif any("\u4e00" <= sign <= "\u9fff" for sign in word):
            yield from word.strip(_OUTSIDE)
        else:
            yield from (part for part in word.split("-") if part)
