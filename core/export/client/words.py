"""From notes with lyrics to phonemes with times, with a bank's dictionary and duration model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bank import Bank, DsDict, Module
from .problems import BankProblem

LEAD_MS = 500.0
"""Time before a sentence in which its first consonants are sung."""

TICKS = 480
"""Per quarter note."""

_HINT = re.compile(r"(.*?)\s*\[([^\]]*)\]\s*")


@dataclass(frozen=True)
class Note:
    """A note of the editor.

    Attributes:
        start: tick.
        length: ticks.
        tone: semitones, with cents as decimals.
        lyric: a word, maybe with phonemes in brackets; ``+`` continues the word before.
    """

    start: int
    length: int
    tone: float
    lyric: str

    @property
    def end(self) -> int:
        """Tick."""
        return self.start + self.length

    @property
    def continues(self) -> bool:
        """True if the note belongs to the word before."""
        return self.lyric.startswith("+")


@dataclass(frozen=True)
class Clock:
    """Ticks and milliseconds at one tempo.

    Attributes:
        bpm: quarter notes per minute. At 125 a tick is a millisecond.
    """

    bpm: float = 125.0

    def ms(self, tick: float) -> float:
        """When a tick is."""
        return tick * 60000.0 / (self.bpm * TICKS)

    def tick(self, ms: float) -> int:
        """The nearest tick."""
        return round(ms * self.bpm * TICKS / 60000.0)


@dataclass(frozen=True)
class Phoneme:
    """A phoneme with its time.

    Attributes:
        symbol: as listed.
        start: tick.
        end: tick.
    """

    symbol: str
    start: int
    end: int


@dataclass
class _Group:
    """Phonemes between two edges: those of a note."""

    position: int
    tone: float
    symbols: list[str]
    words: list[int]


def phonemes_of(
    notes: Sequence[Note], bank: Bank, *, clock: Clock, language: str = "", colour: str = ""
) -> list[Phoneme]:
    """All phonemes of a song with their times.

    Args:
        notes: by time, not overlapping.
        bank: with a duration model.
        clock: tempo.
        language: whose dictionary is used.
        colour: the voice colour, if one is chosen.

    Raises:
        BankProblem: a word is unknown, or the duration model fails.
    """
    if bank.dur is None:
        raise BankProblem("E_CONFIG", "Without a duration model every note fails.", "dsdur")
    dsdict = bank.dur.dictionary(language)
    found: list[Phoneme] = []
    for words in _sentences(notes):
        found += _sentence(words, bank, bank.dur, dsdict, clock, language, colour)
    found.sort(key=lambda phoneme: phoneme.start)
    for phoneme in found:
        if phoneme.symbol not in bank.acoustic.phonemes:
            raise BankProblem(
                "E_PHONEME",
                f"The acoustic model does not know the phoneme '{phoneme.symbol}'.",
                bank.acoustic.settings["phonemes"],
            )
    return found


def _sentences(notes: Sequence[Note]) -> Iterator[list[list[Note]]]:
    """Words, each a list of notes, that follow each other without gaps."""
    words: list[list[Note]] = []
    for note in notes:
        connected = bool(words) and words[-1][-1].end == note.start
        if connected and note.continues:
            words[-1].append(note)
        elif connected or not words:
            words.append([note])
        else:
            yield words
            words = [[note]]
    if words:
        yield words


def symbols_of(lyric: str, module: Module, dsdict: DsDict, language: str) -> tuple[str, ...]:
    """The phonemes of a lyric: those in brackets, those of the dictionary, or itself.

    Raises:
        BankProblem: they are unknown.
    """
    hint = _HINT.fullmatch(lyric)
    if hint is None:
        for word in (lyric, lyric.lower()):
            if dsdict.entries.get(word):
                return dsdict.entries[word]
    written = (hint[2] if hint else lyric).split()
    symbols = []
    for symbol in written:
        for name in (symbol, f"{language}/{symbol}"):
            if name in dsdict.types and name in module.phonemes:
                symbols.append(name)
                break
        else:
            raise BankProblem(
                "E_LYRIC",
                f"'{lyric}' is not known: '{symbol}' is neither a word nor a typed phoneme.",
                dsdict.where,
            )
    if not symbols:
        raise BankProblem("E_LYRIC", f"'{lyric}' says nothing.", dsdict.where)
    return tuple(symbols)


def _groups(
    words: Sequence[Sequence[Note]], clock: Clock, module: Module, dsdict: DsDict, language: str
) -> list[_Group]:
    """Phonemes by the note they are sung on; first what comes before the first note."""
    first = words[0][0]
    lead = clock.tick(clock.ms(first.start) - LEAD_MS)
    groups = [_Group(lead, first.tone, ["SP"], [-1])]
    for number, notes in enumerate(words):
        symbols = symbols_of(notes[0].lyric, module, dsdict, language)
        starts = _starts(symbols, dsdict)
        waiting = [note for note in notes if not note.lyric.startswith(("+~", "+*"))]
        for k, symbol in enumerate(symbols):
            if k in starts and waiting:
                note = waiting.pop(0)
                groups.append(_Group(note.start, note.tone, [], []))
            groups[-1].symbols.append(symbol)
            groups[-1].words.append(number)
    return groups


def _starts(symbols: Sequence[str], dsdict: DsDict) -> set[int]:
    """Indices of phonemes that a note begins with."""
    starts = set()
    for k, symbol in enumerate(symbols):
        if not dsdict.is_vowel(symbol):
            continue
        glide = k >= 2 and dsdict.is_glide(symbols[k - 1]) and not dsdict.is_vowel(symbols[k - 2])
        starts.add(k - 1 if glide else k)
    return starts or {0}


def _sentence(
    words: Sequence[Sequence[Note]],
    bank: Bank,
    module: Module,
    dsdict: DsDict,
    clock: Clock,
    language: str,
    colour: str,
) -> list[Phoneme]:
    groups = _groups(words, clock, module, dsdict, language)
    end = words[-1][-1].end
    edges = [*(clock.ms(group.position) for group in groups), clock.ms(end)]
    symbols = tuple(symbol for group in groups for symbol in group.symbols)
    for symbol in symbols:
        if symbol not in dsdict.types:
            raise BankProblem("E_DSDICT", f"'{symbol}' has no type.", dsdict.where)
    frames = _predict(groups, edges, symbols, bank, module, colour)
    ms = frames * module.settings.frame
    times: list[float] = []
    at = 0
    for k, group in enumerate(groups):
        own = ms[at : at + len(group.symbols)]
        at += len(group.symbols)
        if k == 0:
            own = own[1:]
            start = edges[1] - float(own.sum())
        else:
            total = float(own.sum())
            if not total > 0:
                raise BankProblem(
                    "E_DURATION",
                    f"The predicted durations of {' '.join(group.symbols)} add up to nothing.",
                    f"dsdur/{module.settings['dur']}",
                )
            own = own * ((edges[k + 1] - edges[k]) / total)
            start = edges[k]
        times += [start + float(own[:n].sum()) for n in range(len(own))]
    owners = [word for group in groups for word in group.words][1:]
    return _timed(symbols[1:], times, owners, words, clock, module)


def _timed(
    symbols: Sequence[str],
    times: Sequence[float],
    owners: Sequence[int],
    words: Sequence[Sequence[Note]],
    clock: Clock,
    module: Module,
) -> list[Phoneme]:
    starts = [clock.tick(time) for time in times]
    result = []
    for k, symbol in enumerate(symbols):
        last = k + 1 == len(symbols)
        # Words of one sentence are connected, so a phoneme lasts until the next one.
        stop = words[owners[k]][-1].end if last else starts[k + 1]
        if stop <= starts[k]:
            raise BankProblem(
                "E_TIMING",
                f"The phoneme '{symbol}' in '{words[owners[k]][0].lyric}' gets no time.",
                f"dsdur/{module.settings['dur']}",
            )
        result.append(Phoneme(symbol, starts[k], stop))
    return result


def _predict(
    groups: Sequence[_Group],
    edges: Sequence[float],
    symbols: tuple[str, ...],
    bank: Bank,
    module: Module,
    colour: str,
) -> NDArray[np.float64]:
    """Durations ``[N]`` in frames, not stretched."""
    settings = module.settings
    frame = np.float32(settings.frame)
    whole = [int(np.floor(edge / frame)) for edge in edges]
    sizes = [len(group.symbols) for group in groups]
    feeds: dict[str, NDArray[Any]] = {
        "tokens": module.tokens(symbols),
        "word_div": np.array([sizes], np.int64),
        "word_dur": np.array([np.diff(whole)], np.int64),
    }
    if settings["use_lang_id"]:
        feeds["languages"] = module.language_ids(symbols)
    encoded = module.session("linguistic").run(feeds, ("encoder_out", "x_masks"))
    tones = [round(group.tone) for group in groups for _ in group.symbols]
    feeds = {
        "encoder_out": encoded["encoder_out"],
        "x_masks": encoded["x_masks"],
        "ph_midi": np.array([tones], np.int64),
    }
    if module.embeddings is not None:
        row = 0
        chosen = next((c for c in bank.colours if colour and c.name == colour), None)
        if chosen is not None and chosen.has_tones:
            row = module.speaker(chosen.suffix)
        feeds["spk_embed"] = np.repeat(module.embeddings[row][None, None], len(symbols), axis=1)
    session = module.session("dur")
    predicted = session.run(feeds)[""]
    if predicted.shape != (1, len(symbols)):
        raise BankProblem(
            "E_OUTPUT_SHAPE",
            f"It gives {[*predicted.shape]} durations for {len(symbols)} phonemes.",
            session.where,
        )
    if (predicted < 0).any():
        raise BankProblem("E_DURATION", "It predicts negative durations.", session.where)
    return predicted[0].astype(np.float64)
