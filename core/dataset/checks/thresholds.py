"""Where the checks draw their lines. Users move them under ``thresholds`` of the project."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import SingwizError


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits by name; the defaults suit recordings for a DiffSinger voice."""

    length_difference: float = 0.05
    """Labels may end this many seconds before or after the recording."""
    length_difference_share: float = 0.01
    """… or this share of the recording, whichever is more."""
    length_difference_error: float = 0.5
    """From here on the labels are wrong, in seconds."""
    item_min: float = 2.0
    """Shortest good recording, s."""
    item_max: float = 20.0
    """Longest good recording, s."""
    item_recommended: float = 15.0
    """s; recordings up to here are best. Longer ones are noted, from ``item_max`` on warned of."""
    item_min_error: float = 0.1
    """Shortest usable recording, s: less does not fill one analysis window."""
    item_max_error: float = 580.0
    """Longest usable recording, s: 50000 frames, the largest batch."""
    sample_rate_error: float = 32000.0
    """Hz; below this the voice will sound dull whatever is done."""
    channel_correlation: float = 0.9
    """Channels less alike than this must not be averaged."""
    clipped_run: float = 3
    """Samples in a row at full scale that count as clipping."""
    peak_min: float = -20.0
    """dBFS; a recording with a lower peak is quiet."""
    loudness_difference: float = 12.0
    """dB from the median of the dataset."""
    dc_offset: float = 0.01
    """Absolute mean of the samples."""
    silence: float = -60.0
    """dBFS RMS of a whole recording; below this there is nothing in it."""
    edge_level: float = -40.0
    """dBFS RMS of the first and last 10 ms."""
    orphan_share: float = 0.05
    """Unlabelled recordings beyond this share are a warning."""
    zero_duration: float = 1e-6
    """s; a phoneme shorter than this has no length."""
    short_duration: float = 0.02
    """s; a phoneme shorter than this owns hardly a frame."""
    short_duration_share: float = 0.01
    """Share of phonemes that may be short."""
    long_phoneme: float = 3.0
    """s, for a phoneme other than SP and AP."""
    long_breath: float = 2.0
    """s, for AP."""
    long_pause: float = 2.0
    """s, for SP between phonemes."""
    edge_silence: float = 1.0
    """s; longer silence at the beginning or end of a recording is wasted."""
    unit_median: float = 5.0
    """s; a median phoneme longer than this means that the unit is not seconds."""
    rare_count: float = 20
    """A phoneme sung less often is rare."""
    very_rare_count: float = 5
    """A phoneme sung less often will hardly be learned."""
    wrong_language_share: float = 0.2
    """Share of labels that only another language knows."""
    bandwidth: float = 15600.0
    """Hz; where the sound of most recordings ends below this, their highs were cut."""
    bandwidth_drop: float = 18.0
    """dB that the spectrum has to fall within 500 Hz, and stay down, to count as an end."""
    noise_floor: float = -50.0
    """dBFS in the quieter part of the pauses."""
    reverb_time: float = 0.5
    """s in which the sound would fade by 60 dB after the voice stops."""
    tonal_share: float = 0.3
    """Share of the pauses of most recordings that may have a pitch."""
    pause_voiced: float = 0.2
    """s; a pause must have a pitch for longer than this to be reported …"""
    pause_voiced_share: float = 0.3
    """… and for this share of its length."""
    pause_voiced_level: float = -45.0
    """dBFS; … and be louder than this while it has one."""
    phoneme_silence: float = 0.2
    """s of silence inside a phoneme."""
    phoneme_silence_level: float = -55.0
    """dBFS RMS of 20 ms that counts as silence there."""
    vowel_voiced_share: float = 0.5
    """Share of the vowels' length that must have a pitch."""
    vowel_sure_share: float = 0.9
    """Share of the vowels with a pitch from which on the labels are at the right place."""
    label_shift: float = 0.1
    """s; labels that fit better when moved by at least this much are early or late."""
    label_shift_gain: float = 0.1
    """How much better they must fit: agreement is 1 if perfect, 0 if by chance."""
    label_fit: float = 0.7
    """Agreement from which on moved labels are said to fit; below, they fit nowhere."""
    label_fit_min: float = 0.25
    """Agreement below which labels do not fit, even if they fit nowhere else either."""
    pitch_scan: float = 300.0
    """s of every dataset whose pitch range is measured precisely, spread over all recordings."""
    pitch_edge: float = 0.03
    """Sung within this share of f0_min or f0_max counts as being at the limit."""
    pitch_edge_share: float = 0.02
    """Share of the sung time that may be at or beyond the limits."""
    pitch_jump: float = 7.0
    """Semitones between neighbouring frames."""
    pitch_jump_share: float = 0.1
    """Share of the sung frames that may jump so far."""
    note_length: float = 0.01
    """s by which notes and phonemes may differ in length."""
    note_length_error: float = 0.1
    """s; from here on they do not belong together."""
    word_boundary: float = 0.02
    """s between a word's boundary and the nearest note's."""
    rest_share: float = 0.6
    """Share of a rest that is sung, or of a note that is silence."""
    note_octave: float = 1.0
    """Semitones around 12 within which a difference counts as an octave."""
    note_off: float = 1.0
    """Semitones between a note and the middle of what is sung there."""
    note_off_share: float = 0.1
    """Share of the notes of a recording that may be off."""
    note_close_share: float = 0.4
    """Share of the sung time that must be within half a semitone of the notes."""
    sample_pitch: float = 2.5
    """Semitones by which samples of an UTAU voicebank may differ from most of them."""
    ds_length: float = 0.1
    """s by which a curve of a DS file may end before or after its phonemes."""
    ds_tension: float = 15.0
    """Largest tension that makes sense (a logit)."""
    speaker_ratio: float = 10.0
    """The speaker with the most recordings may have so many times those of the one with least."""
    speaker_min: float = 300.0
    """s of recordings that a speaker needs."""
    total_min: float = 1800.0
    """s of recordings that a voice needs in total."""
    validation_share: float = 0.1
    """Share of the recordings that may be kept for validation."""
    validation_items: float = 50
    """Recordings that may be kept for validation."""
    validation_rule_items: float = 20
    """Recordings that one rule of test_prefixes may select."""
    path_length: float = 240
    """Characters of a path; Windows allows 260, and names are added."""
    disk_factor: float = 2.0
    """Free space must be this many times what the prepared data will take."""

    @classmethod
    def of(cls, limits: Mapping[str, float] | Thresholds | None) -> Thresholds:
        """The defaults with some limits moved.

        Raises:
            SingwizError: a name that does not exist, or a value that is not a number.
        """
        if isinstance(limits, Thresholds):
            return limits
        known = [field.name for field in dataclasses.fields(cls)]
        for name, value in (limits or {}).items():
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                raise SingwizError(
                    "threshold-unknown",
                    f"There is no limit named '{name}'.",
                    hint=f"Did you mean '{close[0]}'?" if close else f"Use: {', '.join(known)}.",
                )
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not math.isfinite(value)
            ):
                raise SingwizError(
                    "threshold-invalid",
                    f"The limit '{name}' is not a number.",
                    hint="Give a plain number, e.g. 0.05.",
                )
        return cls(**(limits or {}))
