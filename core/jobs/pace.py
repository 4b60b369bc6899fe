"""How long it will still take: from progress reports to a fraction and an ETA.

The ETA is left to whoever shows it, because only the reader knows what time it is now.
"""

from __future__ import annotations

from collections import deque

WINDOW = 120.0
"""Seconds of progress that the speed is measured over: long enough to smooth a validation
run, short enough to notice that the machine got slower."""
WARM_UP = 1.0
"""Seconds of progress before the first guess; earlier ones jump about."""


class Pace:
    """Fed with progress reports ``(t, done, total)``, ``t`` in seconds; answers fraction and ETA.

    A new total or a step back starts a new measurement: that is another phase of the work,
    or a training that continues from a checkpoint.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self.done = 0.0
        self.total = 0.0
        self.label = ""

    def feed(self, t: float, done: float, total: float, label: str = "") -> None:
        """Take one report."""
        if total != self.total or done < self.done:
            self._points.clear()
        self.done, self.total, self.label = done, total, label
        self._points.append((t, done))
        while len(self._points) > 2 and t - self._points[1][0] >= WINDOW:
            self._points.popleft()

    @property
    def fraction(self) -> float | None:
        """Finished share 0..1; None while nothing is known."""
        if self.total <= 0:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    def eta(self, now: float) -> float | None:
        """Seconds until done, or None while the speed is unknown."""
        if self.total <= 0 or len(self._points) < 2:
            return None
        (first_t, first_done), (last_t, last_done) = self._points[0], self._points[-1]
        if last_done <= first_done or last_t - first_t < WARM_UP:
            return None
        per_unit = (last_t - first_t) / (last_done - first_done)
        return max((self.total - self.done) * per_unit - max(now - last_t, 0.0), 0.0)
