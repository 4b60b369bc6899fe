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
    unit_median: float = 5.0
    """s; a median phoneme longer than this means that the unit is not seconds."""
    rare_count: float = 20
    """A phoneme sung less often is rare."""
    very_rare_count: float = 5
    """A phoneme sung less often will hardly be learned."""
    wrong_language_share: float = 0.2
    """Share of labels that only another language knows."""

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
