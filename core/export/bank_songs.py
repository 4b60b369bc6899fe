"""Songs for voicebanks: scores of other programs as notes, and sound where a vocoder is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dictionary import Dictionary, PhonemeKinds
from ..dictionary.suggestions import BREATH_NAMES, SILENCE_NAMES
from ..errors import USAGE_PROBLEM, SingwizError
from ..songs import Pronouncer, ScoreSong
from ..songs.lyrics import EXTENSIONS, NEXT_SYLLABLE
from .client.bank import Bank, DsDict
from .client.singing import SungSong
from .client.words import LEAD_MS, Note

_BRACKETS = re.compile(r"\[[^\]]*\]\s*$")


def notes_of(song: ScoreSong, bank: Bank, language: str = "") -> list[Note]:
    """The notes of a score, for a clock of 125 quarters per minute.

    Lyrics that the bank's dictionary lacks are looked up as OpenUTAU's phonemizers would spell
    them (kana as romaji, without punctuation), and written as phonemes.

    Raises:
        SingwizError: nothing is sung, or lyrics are unknown; all of them are named.
    """
    if bank.dur is None:
        raise SingwizError(
            "bank-no-durations",
            "This voicebank has no duration model, so it cannot sing lyrics.",
            hint="Export it with one.",
            where=str(bank.folder),
        )
    dsdict = bank.dur.dictionary(language)
    pronouncer = _pronouncer(dsdict, language)
    first = min((note.start for note in song.notes), default=0.0)
    shift = max(0.0, 1.2 * LEAD_MS / 1000 - first)
    notes: list[Note] = []
    unknown: list[str] = []
    for note in song.notes:
        lyric = note.lyric.strip()
        plain = lyric.lower()
        if plain in (SILENCE_NAMES | BREATH_NAMES) - {""} and plain not in dsdict.entries:
            if plain in SILENCE_NAMES:
                continue
            lyric = "AP"
        start = round((note.start + shift) * 1000)
        end = round((note.end + shift) * 1000)
        connected = bool(notes) and abs(notes[-1].end - start) <= 1
        if connected:
            start = notes[-1].end
        if not lyric or lyric in EXTENSIONS:
            lyric = "+~"
        elif lyric != NEXT_SYLLABLE:
            lyric = _known(lyric, dsdict, pronouncer) or _unknown(lyric, note.place, unknown)
        if lyric.startswith("+") and not connected:
            continue
        if end > start:
            notes.append(Note(start, end - start, note.midi, lyric))
    if unknown:
        raise SingwizError(
            "lyric-unknown",
            f"The voicebank does not know {len(unknown)} of the lyrics: "
            f"{', '.join(unknown[:10])}{' …' if len(unknown) > 10 else ''}.",
            hint="Correct them in the score, or write phonemes in brackets: love[l ah v].",
            where=dsdict.where,
        )
    if not notes:
        raise SingwizError(
            "score-no-lyrics",
            "There is nothing to sing in this score.",
            hint="Write lyrics into it, one syllable per note.",
            exit_code=USAGE_PROBLEM,
        )
    return notes


def _known(lyric: str, dsdict: DsDict, pronouncer: Pronouncer) -> str:
    """A lyric the client understands, or "" if nothing is known of it."""
    if _BRACKETS.search(lyric) or lyric in dsdict.entries or lyric.lower() in dsdict.entries:
        return lyric
    found = pronouncer.phonemes(lyric)
    return f"{lyric} [{' '.join(found)}]" if found else ""


def _unknown(lyric: str, place: str, unknown: list[str]) -> str:
    unknown.append(f"'{lyric}' ({place})")
    return "SP"


def _pronouncer(dsdict: DsDict, language: str) -> Pronouncer:
    vowels = [name for name in dsdict.types if dsdict.is_vowel(name)]
    consonants = [name for name in dsdict.types if not dsdict.is_vowel(name)]
    dictionary = Dictionary(
        language, Path(dsdict.where), dict(dsdict.entries), frozenset(dsdict.types), ""
    )
    return Pronouncer(dictionary, PhonemeKinds.of_lists(vowels, consonants))


def preview_sound(song: SungSong, bank: Bank) -> SungSong:
    """The song with the sound of the preview vocoder, for a bank without vocoder."""
    from ..synthesis.preview import PreviewVocoder

    settings = bank.acoustic.settings
    vocoder = PreviewVocoder(
        sample_rate=int(settings["sample_rate"]),
        hop_size=int(settings["hop_size"]),
        win_size=int(settings["win_size"]),
        fft_size=int(settings["fft_size"]),
        num_mels=int(settings["num_mel_bins"]),
        fmin=float(settings["mel_fmin"]),
        fmax=float(settings["mel_fmax"]),
    )
    phrases = [
        replace(phrase, audio=vocoder.synthesise(phrase.mel, phrase.f0)) for phrase in song.phrases
    ]
    return SungSong(tuple(phrases), song.seconds, song.cpu_seconds)


def loudness_checked(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples that fit into a file: turned down as a whole where they would clip."""
    peak = float(np.abs(audio).max(initial=0.0))
    return audio / np.float32(peak) if peak > 1 else audio
