"""Singing with a voicebank as OpenUTAU renders it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Cancelled
from ...reporting import Reporter
from .bank import Bank, Module
from .config import MEL_KEYS
from .phrases import PADDING, Curve, Grid, NoteRows, check_typed, phrases_of, resampled
from .problems import BankProblem
from .words import Clock, Note, Phoneme, phonemes_of

Array = NDArray[np.float32]

SAMPLE_RATE = 44100
"""Hz; what OpenUTAU takes every vocoder's sound for."""

CURVES = ("energy", "breathiness", "voicing", "tension")
QUIET = 1e-4
"""Root mean square below which a phrase counts as silent."""

LOWEST, HIGHEST = 12.0, 120.0
"""Semitones between which a voice can sing at all."""

LN_10 = 2.30259


@dataclass(frozen=True)
class Steps:
    """Sampling steps and depth; as OpenUTAU is set after its installation."""

    acoustic: int = 20
    variance: int = 20
    pitch: int = 10
    depth: float = 1.0


@dataclass(frozen=True)
class SungPhrase:
    """A rendered phrase.

    Attributes:
        phonemes: with their times.
        mel: natural-log mel ``[T, M]``.
        f0: Hz ``[T]``.
        start: s of the first frame.
        audio: float32 ``[T · hop]``; None without a vocoder.
    """

    phonemes: tuple[Phoneme, ...]
    mel: Array
    f0: Array
    start: float
    audio: Array | None


@dataclass
class SungSong:
    """A rendered song.

    Attributes:
        phrases: by time.
        seconds: of work by stage: ``durations``, ``pitch``, ``variance``, ``acoustic``,
            ``vocoder``.
        cpu_seconds: the same by the processor's clock, of all threads.
    """

    phrases: tuple[SungPhrase, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)

    def audio(self) -> Array:
        """The whole song, 44.1 kHz; phrases are mixed by adding.

        Raises:
            ValueError: it was sung without a vocoder.
        """
        pieces = []
        for phrase in self.phrases:
            if phrase.audio is None:
                raise ValueError("this song was sung without a vocoder")
            pieces.append((round(phrase.start * SAMPLE_RATE), phrase.audio))
        total = max((start + len(audio) for start, audio in pieces), default=0)
        song = np.zeros(max(total, 0), np.float32)
        for start, audio in pieces:
            skip = max(0, -start)
            song[max(start, 0) : start + len(audio)] += audio[skip:]
        return song


class _Stopwatch:
    """Adds up what stages take."""

    def __init__(self, song: SungSong) -> None:
        self._song = song

    def __call__(self, stage: str) -> _Stopwatch:
        self._stage = stage
        return self

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *exception: object) -> None:
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        self._song.seconds[self._stage] = self._song.seconds.get(self._stage, 0.0) + wall
        self._song.cpu_seconds[self._stage] = self._song.cpu_seconds.get(self._stage, 0.0) + cpu


def sing(
    bank: Bank,
    notes: Sequence[Note],
    *,
    clock: Clock | None = None,
    language: str = "",
    colour: str = "",
    predict_pitch: bool = True,
    steps: Steps | None = None,
    vocode: bool = True,
    reporter: Reporter | None = None,
) -> SungSong:
    """Sing notes.

    Args:
        bank: the voice.
        notes: by time, not overlapping.
        clock: tempo.
        language: of the lyrics, where the bank has several dictionaries.
        colour: voice colour; the alphabetically first if empty.
        predict_pitch: use the pitch model if there is one; else notes are sung flat.
        steps: of sampling.
        vocode: also make sound, if the bank has a vocoder.
        reporter: receives progress.

    Raises:
        BankProblem: the bank fails.
        Cancelled: the user stopped the work.
    """
    clock = clock or Clock()
    steps = steps or Steps()
    reporter = reporter or Reporter()
    check_mel(bank)
    song = SungSong(())
    watch = _Stopwatch(song)
    with watch("durations"):
        phonemes = phonemes_of(notes, bank, clock=clock, language=language, colour=colour)
    phrases = phrases_of(phonemes)
    sung = []
    for number, phrase in enumerate(phrases):
        if reporter.cancelled():
            raise Cancelled
        reporter.progress(number, len(phrases), f"singing phrase {number + 1} of {len(phrases)}")
        renderer = _Phrase(bank, phrase, notes, clock, colour or bank.default_colour, steps, watch)
        sung.append(renderer.render(predict_pitch=predict_pitch, vocode=vocode))
    reporter.progress(len(phrases), len(phrases), "singing")
    song.phrases = tuple(sung)
    return song


def check_mel(bank: Bank) -> None:
    """Compare what voice and vocoder say about mels.

    Raises:
        BankProblem: they differ, or say what OpenUTAU refuses.
    """
    own = bank.acoustic.settings
    for settings in (own, bank.vocoder):
        if settings is None:
            continue
        if settings["mel_base"] not in ("10", "e"):
            raise BankProblem("E_MEL", f"mel_base is '{settings['mel_base']}'.", settings.where)
        if settings["mel_scale"] not in ("slaney", "htk"):
            raise BankProblem("E_MEL", f"mel_scale is '{settings['mel_scale']}'.", settings.where)
    if bank.vocoder is None:
        return
    differ = [
        f"{key} is {own[key]}, the vocoder's {bank.vocoder[key]}"
        for key in MEL_KEYS
        if (
            own[key] != bank.vocoder[key]
            if isinstance(own[key], str)
            else abs(own[key] - bank.vocoder[key]) > 1e-5
        )
    ]
    if differ:
        raise BankProblem("E_MEL", f"{'; '.join(differ)}.", bank.vocoder.where)
    if bank.vocoder["sample_rate"] != SAMPLE_RATE:
        raise BankProblem(
            "E_MEL",
            f"OpenUTAU plays the vocoder's {bank.vocoder['sample_rate']} Hz as {SAMPLE_RATE} Hz.",
            bank.vocoder.where,
        )


def embedded_curves(module: Module) -> tuple[str, ...]:
    """The curves an acoustic model needs."""
    return tuple(name for name in CURVES if module.settings[f"use_{name}_embed"])


def predicted_curves(module: Module) -> tuple[str, ...]:
    """The curves a variance model predicts."""
    return tuple(name for name in CURVES if module.settings[f"predict_{name}"])


class _Phrase:
    """One phrase on its way through the models."""

    def __init__(
        self,
        bank: Bank,
        phrase: Sequence[Phoneme],
        notes: Sequence[Note],
        clock: Clock,
        colour: str,
        steps: Steps,
        watch: _Stopwatch,
    ) -> None:
        self.bank = bank
        self.phrase = phrase
        self.notes = notes
        self.clock = clock
        self.suffix = bank.suffix(colour)
        self.steps = steps
        self.watch = watch
        settings = bank.acoustic.settings if bank.vocoder is None else bank.vocoder
        self.grid = Grid.of(phrase, clock, settings.frame)
        self.curve = Curve.drawn(phrase, notes, clock)

    def render(self, *, predict_pitch: bool, vocode: bool) -> SungPhrase:
        """Through all models."""
        if predict_pitch and self.bank.pitch is not None:
            with self.watch("pitch"):
                self._predict_pitch(self.bank.pitch)
        curves: dict[str, Array] = {}
        if embedded_curves(self.bank.acoustic):
            with self.watch("variance"):
                curves = self._predict_curves()
        with self.watch("acoustic"):
            mel, f0 = self._mel(curves)
        audio = None
        if vocode and self.bank.vocoder_session is not None:
            with self.watch("vocoder"):
                audio = self._sound(mel, f0)
        if self.bank.acoustic.settings["mel_base"] == "10":
            mel = mel * np.float32(LN_10)
        start = (self.grid.start - PADDING * self.grid.frame) / 1000
        return SungPhrase(tuple(self.phrase), mel[0], f0[0], start, audio)

    def _speakers(self, module: Module, count: int) -> dict[str, NDArray[Any]]:
        if module.embeddings is None:
            return {}
        row = module.embeddings[module.speaker(self.suffix)]
        return {"spk_embed": np.repeat(row[None, None], count, axis=1)}

    def _encode(self, module: Module, grid: Grid) -> NDArray[Any]:
        """Phoneme vectors of a frame module."""
        settings = module.settings
        feeds: dict[str, NDArray[Any]] = {"tokens": module.tokens(grid.symbols)}
        if settings["predict_dur"]:
            div, dur = grid.words(module.dictionary())
            feeds |= {"word_div": div[None], "word_dur": dur[None]}
        else:
            feeds["ph_dur"] = grid.durations[None]
        if settings["use_lang_id"]:
            feeds["languages"] = module.language_ids(grid.symbols)
        return module.session("linguistic").run(feeds, ("encoder_out",))["encoder_out"]

    def _predict_pitch(self, module: Module) -> None:
        settings = module.settings
        dsdict = module.dictionary()
        grid = Grid.of(self.phrase, self.clock, settings.frame)
        check_typed(grid.symbols, dsdict)
        rows = NoteRows.of(self.phrase, self.notes, grid, dsdict, self.clock)
        length = grid.length
        feeds: dict[str, NDArray[Any]] = {
            "encoder_out": self._encode(module, grid),
            "ph_dur": grid.durations[None],
            "note_midi": rows.tones[None],
            "note_dur": rows.frames[None],
            "pitch": np.full((1, length), 60.0, np.float32),
            "retake": np.ones((1, length), bool),
            **_steps(module, self.steps.pitch),
            **self._speakers(module, length),
        }
        if settings["use_expr"]:
            feeds["expr"] = np.ones((1, length), np.float32)
        if settings["use_note_rest"]:
            feeds["note_rest"] = rows.rests[None]
        session = module.session("pitch")
        pitch = _sized(session.run(feeds)[""], (1, length), session.where)[0]
        if pitch.min() < LOWEST or pitch.max() > HIGHEST:
            raise BankProblem(
                "E_PITCH",
                f"It predicts pitches from {pitch.min():.1f} to {pitch.max():.1f} semitones.",
                session.where,
            )
        self.curve = self.curve.replaced(grid.times, pitch)

    def _predict_curves(self) -> dict[str, Array]:
        module = self.bank.variance
        needed = embedded_curves(self.bank.acoustic)
        if module is None:
            raise BankProblem("E_VARIANCE", f"Nothing predicts {', '.join(needed)}.", "dsvariance")
        predicted = predicted_curves(module)
        lacking = [name for name in needed if name not in predicted]
        if lacking:
            raise BankProblem(
                "E_VARIANCE", f"It does not predict {', '.join(lacking)}.", module.settings.where
            )
        grid = Grid.of(self.phrase, self.clock, module.settings.frame)
        length = grid.length
        feeds: dict[str, NDArray[Any]] = {
            "encoder_out": self._encode(module, grid),
            "ph_dur": grid.durations[None],
            "pitch": self.curve.at(grid.times).astype(np.float32)[None],
            **{name: np.zeros((1, length), np.float32) for name in predicted},
            "retake": np.ones((1, length, len(predicted)), bool),
            **_steps(module, self.steps.variance),
            **self._speakers(module, length),
        }
        session = module.session("variance")
        result = session.run(feeds, [f"{name}_pred" for name in predicted])
        return {
            name: resampled(
                _sized(result[f"{name}_pred"], (1, length), session.where)[0], grid, self.grid
            )
            for name in needed
        }

    def _mel(self, curves: dict[str, Array]) -> tuple[Array, Array]:
        module = self.bank.acoustic
        settings = module.settings
        length = self.grid.length
        tone = self.curve.at(self.grid.times)
        f0 = (440.0 * 2.0 ** ((tone - 69.0) / 12.0)).astype(np.float32)[None]
        feeds: dict[str, NDArray[Any]] = {
            "tokens": module.tokens(self.grid.symbols),
            "durations": self.grid.durations[None],
            "f0": f0,
            **{name: values[None] for name, values in curves.items()},
            **_steps(module, self.steps.acoustic),
            **self._speakers(module, length),
        }
        if settings["use_lang_id"]:
            feeds["languages"] = module.language_ids(self.grid.symbols)
        if settings["use_variable_depth"] or settings["use_shallow_diffusion"]:
            depth = min(self.steps.depth, float(settings["max_depth"]))
            feeds["depth"] = np.array([depth], np.float32)
        if settings["use_key_shift_embed"]:
            feeds["gender"] = np.zeros((1, length), np.float32)
        if settings["use_speed_embed"]:
            feeds["velocity"] = np.ones((1, length), np.float32)
        session = module.session("acoustic")
        bins = int(settings["num_mel_bins"])
        return _sized(session.run(feeds)[""], (1, length, bins), session.where), f0

    def _sound(self, mel: Array, f0: Array) -> Array:
        session, settings = self.bank.vocoder_session, self.bank.vocoder
        assert session is not None and settings is not None
        bases = self.bank.acoustic.settings["mel_base"], settings["mel_base"]
        if bases == ("10", "e"):
            mel = mel * np.float32(LN_10)
        elif bases == ("e", "10"):
            mel = mel * np.float32(0.434294)
        result = session.run({"mel": mel, "f0": f0}, strict=False)[""]
        samples = self.grid.length * int(settings["hop_size"])
        audio = _sized(result, (1, samples), session.where)[0]
        if float(np.sqrt(np.mean(audio**2))) < QUIET:
            raise BankProblem("E_SILENT", "The voice gives no sound.", session.where)
        return audio


def _steps(module: Module, steps: int) -> dict[str, NDArray[Any]]:
    """What says how long to sample; without continuous acceleration it is another input."""
    name = "steps" if module.settings["use_continuous_acceleration"] else "speedup"
    return {name: np.array([steps], np.int64)}


def _sized(values: NDArray[Any], shape: tuple[int, ...], where: str) -> Array:
    if values.shape != shape:
        raise BankProblem(
            "E_OUTPUT_SHAPE", f"It gives {[*values.shape]} instead of {[*shape]}.", where
        )
    return values.astype(np.float32, copy=False)


def save_wav(path: Path, audio: Array) -> Path:
    """Write a song as 16-bit WAV."""
    import io

    import soundfile

    from ...atomic import write_bytes

    data = io.BytesIO()
    soundfile.write(data, np.clip(audio, -1, 1), SAMPLE_RATE, format="WAV", subtype="PCM_16")
    write_bytes(path, data.getvalue())
    return path
