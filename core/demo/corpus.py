"""Writes the demo corpus: recordings of the synthetic singer, labels, dictionary and a song.

The files look exactly like what a voicebank maker brings: a raw dataset in the DiffSinger
layout, so that the demo takes the same path as real recordings.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..atomic import write_text
from ..dataset.audio import write_audio
from ..dataset.ds import write_ds
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .melody import SYLLABLES, Composer, Phrase, demo_song
from .voice import STEP, pitch_curve, sing

LANGUAGE = "demo"
SPEAKER = "demo_singer"
SHORTEST = 1.5
"""Seconds a phrase needs for silence, breath and at least a note or two."""

README = """Demo corpus of singwiz
======================

The recordings in raw/wavs were not sung by anybody: a small source-filter synthesiser made them
(pulses and noise through the resonances of five vowels), together with exact labels. They are
here so that you can walk the whole way from recordings to a rendered voice in minutes and see
what your own folder should look like. A voice trained on them sounds like a synthesiser.

raw/transcriptions.csv  names, phonemes and their durations in seconds, notes
raw/wavs/               one recording per row
dictionary-demo.txt     syllable, tab, phonemes; SP is silence, AP a breath
song.ds                 a song that is not in the corpus, to be rendered by the trained voice

The corpus, like singwiz, is under the Apache License 2.0. Seed {seed}, {items} items.
"""


@dataclass(frozen=True)
class DemoCorpus:
    """Where the parts of a demo corpus are."""

    raw_data_dir: Path
    dictionary: Path
    language: str
    speaker: str
    song: Path


def make_corpus(
    folder: Path,
    *,
    items: int = 24,
    seconds: float = 4.0,
    seed: int = 0,
    sample_rate: int = 44100,
    reporter: Reporter | None = None,
) -> DemoCorpus:
    """Synthesise a labelled singing corpus; the same arguments give the same files.

    Args:
        folder: where to write; created if needed. Files of an earlier demo are replaced.
        items: recordings, ≥ 1. From two on, every phoneme of the dictionary occurs.
        seconds: length of each recording, ≥ 1.5.
        seed: of melody, noise and vibrato.
        sample_rate: Hz, ≥ 16000.
        reporter: receives progress.

    Raises:
        SingwizError: arguments out of range, or the folder cannot be written.
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    if items < 1 or not SHORTEST <= seconds <= 60 or sample_rate < 16000:
        raise SingwizError(
            "demo-size",
            "A demo corpus has at least one item of 1.5 to 60 seconds at 16000 Hz or more.",
            hint="Choose sizes in these ranges, for example 24 items of 4 seconds.",
            exit_code=USAGE_PROBLEM,
        )
    raw = folder / "raw"
    dictionary = folder / f"dictionary-{LANGUAGE}.txt"
    song = folder / "song.ds"
    composer = Composer(np.random.default_rng([seed, 0]))
    rows: list[tuple[str, Phrase]] = []
    try:
        for i in range(items):
            if reporter.cancelled():
                raise Cancelled
            phrase = composer.phrase(seconds)
            name = f"demo_{i:03d}"
            rng = np.random.default_rng([seed, 1, i])
            audio = sing(phrase, sample_rate=sample_rate, rng=rng)
            write_audio(raw / "wavs" / f"{name}.wav", audio, sample_rate)
            rows.append((name, phrase))
            reporter.progress(i + 1, items, "singing the demo corpus")
        write_text(raw / "transcriptions.csv", _transcriptions(rows))
        write_text(dictionary, "".join(f"{s}\t{' '.join(p)}\n" for s, p in SYLLABLES.items()))
        write_ds(song, song_segments(seed=seed))
        write_text(folder / "README.txt", README.format(seed=seed, items=items))
    except OSError as error:
        raise SingwizError(
            "demo-not-written",
            f"The demo corpus could not be written: {error.strerror or error}.",
            hint="Choose a folder you may write to, with some free space.",
            where=str(folder),
        ) from error
    return DemoCorpus(raw, dictionary, LANGUAGE, SPEAKER, song)


def song_segments(*, seed: int = 0) -> list[dict[str, object]]:
    """The demo song as DS segments with phonemes, durations, notes and a sung pitch curve."""
    segments: list[dict[str, object]] = []
    for index, (offset, phrase) in enumerate(demo_song()):
        count = round(phrase.milliseconds / 1000 / STEP) + 1
        times = np.arange(count, dtype=np.float64) * STEP
        f0 = pitch_curve(phrase, times, np.random.default_rng([seed, 2, index]))
        segments.append(
            {
                "offset": offset,
                "text": " ".join(note.syllable for note in phrase.notes),
                "ph_seq": " ".join(phrase.ph_seq),
                "ph_dur": _numbers(phrase.ph_dur),
                "ph_num": " ".join(map(str, phrase.ph_num)),
                "note_seq": " ".join(phrase.note_seq),
                "note_dur": _numbers(phrase.note_dur),
                "note_slur": " ".join("0" for _ in phrase.notes),
                "f0_seq": " ".join(f"{value:.1f}" for value in f0),
                "f0_timestep": str(STEP),
            }
        )
    return segments


def _transcriptions(rows: list[tuple[str, Phrase]]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["name", "ph_seq", "ph_dur", "ph_num", "note_seq", "note_dur"])
    for name, phrase in rows:
        writer.writerow(
            [
                name,
                " ".join(phrase.ph_seq),
                _numbers(phrase.ph_dur),
                " ".join(map(str, phrase.ph_num)),
                " ".join(phrase.note_seq),
                _numbers(phrase.note_dur),
            ]
        )
    return table.getvalue()


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.3f}" for value in values)
