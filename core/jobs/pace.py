"""How long it will still take: from progress reports to a fraction and an ETA.

The ETA is left to whoever shows it, because only the reader knows what time it is now.
"""

from __future__ import annotations

import itertools
import math
from collections import deque

WINDOW = 120.0
"""Seconds of work that the speed is measured over: long enough to smooth single slow steps,
short enough to notice that the machine got slower."""
WARM_UP = 1.0
"""Seconds of progress before the first guess; earlier ones jump about."""
BREAKS = frozenset({"validation"})
"""Labels of what interrupts the work at intervals and takes time of its own."""


class Pace:
    """Fed with progress reports ``(t, done, total)``, ``t`` in seconds; answers fraction and ETA.

    A new total or a step back starts a new measurement: that is another phase of the work,
    or a training that continues from a checkpoint.

    Breaks (validations of a training) are counted by themselves: how often they come and how long
    one takes. Their time is no time of steps, and those that are still to come are added.
    """

    def __init__(self) -> None:
        self._forget()
        self.done = 0.0
        self.total = 0.0
        self.label = ""

    def _forget(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        """Seconds of work so far, and how much was done by then."""
        self._worked = 0.0
        self._last: tuple[float, str] | None = None
        self._break_began: tuple[float, float] | None = None
        self._breaks: list[tuple[float, float]] = []
        """Where a break was, and its seconds."""
        self._from = 0.0

    def feed(self, t: float, done: float, total: float, label: str = "") -> None:
        """Take one report."""
        if total != self.total or done < self.done or self._last is None:
            self._forget()
            self._from = done
            self._last = (t, label)
        self.done, self.total, self.label = done, total, label
        before, last_label = self._last
        self._last = (t, label)
        if label in BREAKS or last_label in BREAKS:
            # The report before a break is at most a moment older than its beginning.
            self._break_began = self._break_began or (done, before)
            if label not in BREAKS:
                self._breaks.append((self._break_began[0], t - self._break_began[1]))
                self._break_began = None
                self._restart_at(done)
            return
        self._worked += t - before
        self._points.append((self._worked, done))
        while len(self._points) > 2 and self._worked - self._points[1][0] >= WINDOW:
            self._points.popleft()

    def _restart_at(self, done: float) -> None:
        """The step or two that were made around a break belong to nobody."""
        if self._points:
            gap = done - self._points[-1][1]
            self._points = deque((worked, at + gap) for worked, at in self._points)
        else:
            self._points.append((self._worked, done))

    @property
    def fraction(self) -> float | None:
        """Finished share 0..1; None while nothing is known."""
        if self.total <= 0:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    def eta(self, now: float) -> float | None:
        """Seconds until done, or None while the speed is unknown."""
        if self.total <= 0 or len(self._points) < 2 or self._last is None:
            return None
        (first_t, first_done), (last_t, last_done) = self._points[0], self._points[-1]
        if last_done <= first_done or last_t - first_t < WARM_UP:
            return None
        per_unit = (last_t - first_t) / (last_done - first_done)
        left = (self.total - self.done) * per_unit + self._breaks_left()
        return max(left - max(now - self._last[0], 0.0), 0.0)

    def _breaks_left(self) -> float:
        """Seconds that the breaks to come will take."""
        # The look at a few items before the first step is none of them.
        real = [one for one in self._breaks if one[0] > self._from]
        if not real:
            return 0.0
        places = [self._from, *(place for place, _ in real)]
        distances = [b - a for a, b in itertools.pairwise(places) if b > a]
        # A training that continues meets its first break sooner than the others follow.
        interval = max(distances[-1], distances[0]) if distances else 0.0
        if interval <= 0:
            return 0.0
        count = math.floor((self.total - real[-1][0]) / interval)
        mean = sum(seconds for _, seconds in real) / len(real)
        return max(count, 0) * mean
