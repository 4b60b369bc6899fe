"""From a DS segment to the numbers a variance model reads: words, notes, and what is given.

NumPy only; running the model is :mod:`.variance`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dataset.ds import numbers
from ..dataset.note_names import parse_note
from ..errors import SingwizError
from ..features.curves import smooth
from ..features.durations import mel2ph_from_frames
from .problems import in_segment
from .score import seed_of
from .segment import Array, Integers, SegmentReader, names_of
from .speakers import SpeakerMix, frame_mix, phoneme_mix


@dataclass(frozen=True)
class VarianceInputs:
    """One segment on the frame grid; N phonemes, W words, K notes, T frames.

    Attributes:
        offset: start in the song, s.
        tokens: int64 ``[N]`` phoneme ids.
        languages: int64 ``[N]`` language ids; None if the model has none.
        ph2word: int64 ``[N]`` 1-based word of each phoneme.
        word_dur: int64 ``[W]`` frames.
        midi: int64 ``[N]`` semitones, 0..127.
        ph_dur: int64 ``[N]`` frames as given; None if they are to be predicted.
        mel2ph: int64 ``[T]`` 1-based owner of each frame; None like ``ph_dur``.
        note_midi: float32 ``[K]`` semitones; rests have the pitch of the nearest note.
        note_rest: bool ``[K]``.
        note_dur: int64 ``[K]`` frames; sums to T.
        note_glide: int64 ``[K]``, 0 = none; None if the model has no such input.
        mel2note: int64 ``[T]`` 1-based note of each frame.
        base_pitch: float32 ``[T]`` semitones, the smoothed notes.
        pitch: float32 ``[T]`` semitones as given; None if it is to be predicted.
        expr: float32 ``[1]`` or ``[T]``, 0..1; None = 1.
        speakers: mix over frames; None if the model knows no speakers.
        ph_speakers: mix over phonemes; None likewise.
        seed: wanted by the segment, or None.
    """

    offset: float
    tokens: Integers
    languages: Integers | None
    ph2word: Integers
    word_dur: Integers
    midi: Integers
    ph_dur: Integers | None
    mel2ph: Integers | None
    note_midi: Array
    note_rest: np.ndarray[Any, np.dtype[np.bool_]]
    note_dur: Integers
    note_glide: Integers | None
    mel2note: Integers
    base_pitch: Array
    pitch: Array | None
    expr: Array | None
    speakers: SpeakerMix | None
    ph_speakers: SpeakerMix | None
    seed: int | None

    @property
    def length(self) -> int:
        """Frames T."""
        return len(self.mel2note)


class VarianceReader(SegmentReader):
    """Reads DS segments for one variance model."""

    def read(
        self,
        segment: Mapping[str, Any],
        number: int,
        *,
        load_dur: bool,
        load_pitch: bool,
        language: str | None = None,
        speaker: str | None = None,
        expr: float | None = None,
    ) -> VarianceInputs:
        """Put one segment on the frame grid.

        Args:
            segment: DS segment; JSON null counts as absent.
            number: its number in the song, from 1, for messages.
            load_dur: read ``ph_dur``; otherwise notes say how long words are.
            load_pitch: read ``f0_seq``.
            language: replaces the segment's ``lang``.
            speaker: replaces the segment's ``spk_mix`` and ``ph_spk_mix``.
            expr: 0..1, replaces the segment's.

        Raises:
            SingwizError: something is missing, malformed, or unknown to this model.
        """
        segment = {name: value for name, value in segment.items() if value is not None}
        with in_segment(number):
            wanted = ["ph_seq", "ph_num", "note_seq", "note_dur"]
            wanted += ["ph_dur"] * load_dur + ["f0_seq"] * load_pitch
            missing = [
                name
                for name in wanted
                if name not in segment
                or (isinstance(segment[name], str) and not segment[name].strip())
            ]
            if missing:
                raise SingwizError(
                    "ds-key-missing",
                    f"The variance model needs {' and '.join(repr(name) for name in missing)}.",
                    hint="Export the song with its notes and words, or have it predicted "
                    "by a model that can.",
                )
            return self._read(segment, load_dur, load_pitch, language, speaker, expr)

    def _read(
        self,
        segment: Mapping[str, Any],
        load_dur: bool,
        load_pitch: bool,
        language: str | None,
        speaker: str | None,
        expr: float | None,
    ) -> VarianceInputs:
        keys = self.config.to_dict()
        symbols = self.symbols(segment, language)
        count = len(symbols.ph_seq)
        ph_num = self._words(segment, count)
        ph2word = np.repeat(np.arange(1, len(ph_num) + 1, dtype=np.int64), ph_num)
        names = names_of(segment, "note_seq")
        note_midi, note_rest = _notes(names)
        note_dur = self.frames(segment, "note_dur", len(names))
        length = int(note_dur.sum())
        mel2note = mel2ph_from_frames(note_dur, length)
        frame_midi = note_midi[mel2note - 1]
        ph_dur = mel2ph = None
        if load_dur:
            given = self.frames(segment, "ph_dur", count)
            mel2ph = mel2ph_from_frames(given, length)
            ph_dur = np.bincount(mel2ph, minlength=count + 1)[1:].astype(np.int64)
            word_dur = np.bincount(ph2word, ph_dur, len(ph_num) + 1)[1:].astype(np.int64)
            midi = _means(frame_midi, mel2ph, count)
        else:
            note2word = _note_words(segment, len(names), len(ph_num))
            word_dur = np.bincount(note2word, note_dur, len(ph_num) + 1)[1:].astype(np.int64)
            mel2word = mel2ph_from_frames(word_dur, length)
            midi = _means(frame_midi, mel2word, len(ph_num))[ph2word - 1]
        pitch = None
        base_pitch = smooth(frame_midi, float(keys.get("midi_smooth_width", 0.06)), self.timestep)
        if load_pitch:
            f0 = self.pitch(segment, length)
            # A part without any voice has no pitch; its notes are as good as anything.
            pitch = base_pitch if not f0.any() else (69 + 12 * np.log2(f0 / 440)).astype(np.float32)
        speakers = ph_speakers = None
        if keys.get("use_spk_id"):
            speakers = frame_mix(
                segment, self.spk_map, speaker=speaker, frames=length, timestep=self.timestep
            )
            ph_speakers = phoneme_mix(segment, self.spk_map, speaker=speaker, phonemes=count)
        return VarianceInputs(
            offset=self.offset(segment),
            tokens=symbols.tokens,
            languages=symbols.languages,
            ph2word=ph2word,
            word_dur=word_dur,
            midi=midi,
            ph_dur=ph_dur,
            mel2ph=mel2ph,
            note_midi=note_midi,
            note_rest=note_rest,
            note_dur=note_dur,
            note_glide=self._glides(segment, len(names)) if keys.get("use_glide_embed") else None,
            mel2note=mel2note,
            base_pitch=base_pitch,
            pitch=pitch,
            expr=self._expr(segment, expr, length),
            speakers=speakers,
            ph_speakers=ph_speakers,
            seed=seed_of(segment),
        )

    def _words(self, segment: Mapping[str, Any], count: int) -> Integers:
        sizes = numbers(segment, "ph_num")
        whole = sizes.astype(np.int64)
        if len(sizes) == 0 or (whole != sizes).any() or (whole < 0).any() or whole.sum() != count:
            raise SingwizError(
                "ds-words-do-not-fit",
                f"The words in 'ph_num' have {sizes.sum():g} phonemes, but there are {count}.",
                hint="Export the song again, or correct 'ph_num'.",
            )
        return whole

    def _glides(self, segment: Mapping[str, Any], count: int) -> Integers:
        """1 + position among the model's glide types; 0 for none and for unknown names."""
        if "note_glide" not in segment:
            return np.zeros(count, np.int64)
        names = names_of(segment, "note_glide")
        if len(names) != count:
            raise _lengths("note_glide", len(names), count)
        types = list(self.config.to_dict().get("glide_types") or ("up", "down"))
        return np.array([types.index(n) + 1 if n in types else 0 for n in names], np.int64)

    def _expr(self, segment: Mapping[str, Any], expr: float | None, length: int) -> Array | None:
        if expr is not None:
            return np.array([expr], np.float32)
        if "expr" not in segment:
            return None
        return np.clip(self.value_or_curve(segment, "expr", length), 0.0, 1.0)


def fill_rests(midi: Sequence[float | None]) -> Array:
    """Note pitches in which rests have that of the nearest note, by index; ties go back.

    Args:
        midi: semitones, None = rest.

    Returns:
        float32 ``[K]``; 60 everywhere if all are rests.
    """
    sung = np.array([k for k, value in enumerate(midi) if value is not None], np.int64)
    if not len(sung):
        return np.full(len(midi), 60.0, np.float32)
    pitches = np.array([value for value in midi if value is not None], np.float32)
    distance = np.abs(np.arange(len(midi))[:, None] - sung[None, :])
    return pitches[distance.argmin(axis=1)]


def _notes(names: Sequence[str]) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    midi: list[float | None] = []
    for k, name in enumerate(names):
        try:
            midi.append(parse_note(name))
        except SingwizError as error:
            raise SingwizError(
                error.code, error.message, hint=error.hint, where=f"note {k + 1}"
            ) from None
        if midi[-1] is not None and not 0 <= midi[-1] <= 127:
            raise SingwizError(
                "note-invalid",
                f"The note '{name}' is outside of what can be sung.",
                hint="Correct its octave; C4 is the middle C.",
                where=f"note {k + 1}",
            )
    return fill_rests(midi), np.array([value is None for value in midi])


def _note_words(segment: Mapping[str, Any], notes: int, words: int) -> Integers:
    """1-based word of each note, ``[K]``; a slur continues the word before it."""
    if "note_slur" in segment:
        slur = numbers(segment, "note_slur")
        if len(slur) != notes:
            raise _lengths("note_slur", len(slur), notes)
        if not np.isin(slur, (0, 1)).all() or slur[0] != 0:
            raise SingwizError(
                "ds-slurs-invalid",
                "'note_slur' has to be 0 and 1, and the first note cannot continue anything.",
                hint="Export the song again, or correct 'note_slur'.",
            )
    else:
        slur = np.zeros(notes)
    note2word = np.cumsum(slur == 0).astype(np.int64)
    if note2word[-1] != words:
        raise SingwizError(
            "ds-words-do-not-fit",
            f"The notes make {note2word[-1]} words, but 'ph_num' has {words}."
            + ("" if "note_slur" in segment else " There is no 'note_slur' that joins notes."),
            hint="Export the song again, or correct 'ph_num' and 'note_slur'.",
        )
    return note2word


def _means(frame_midi: Array, owners: Integers, count: int) -> Integers:
    """Mean pitch over the frames of each owner, rounded, int64 ``[count]``; 0 without frames."""
    sums = np.bincount(owners, frame_midi.astype(np.float64), count + 1)[1:]
    frames = np.bincount(owners, minlength=count + 1)[1:]
    return np.clip(np.rint(sums / np.maximum(frames, 1)), 0, 127).astype(np.int64)


def _lengths(key: str, found: int, notes: int) -> SingwizError:
    return SingwizError(
        "ds-lengths-differ",
        f"There are {notes} notes but {found} entries in '{key}'.",
        hint=f"Export the song again, or correct '{key}'.",
    )
