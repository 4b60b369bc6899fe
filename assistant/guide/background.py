"""Work that takes a moment too long for a face that asks every second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from ...core.errors import SingwizError


class Background:
    """Works things out on threads; each has a name, and a key that says what it depends on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: set[str] = set()
        self._known: dict[str, tuple[Hashable, Any]] = {}

    def result(self, name: str, key: Hashable, make: Callable[[], Any]) -> Any:
        """What ``make()`` gave for this key, or None while it is being worked out.

        A result for another key starts the work anew. One piece of work at a time per name.

        Raises:
            SingwizError: whatever ``make()`` raised.
        """
        with self._lock:
            known = self._known.get(name)
            if known is not None and known[0] == key:
                if isinstance(known[1], BaseException):
                    raise known[1]
                return known[1]
            if name in self._at_work:
                return None
            self._at_work.add(name)
        threading.Thread(target=self._work, args=(name, key, make), daemon=True).start()
        return None

    def known(self, name: str, key: Hashable) -> Any:
        """What was worked out for this key; None if that is not known or went wrong."""
        with self._lock:
            known = self._known.get(name)
        same = known is not None and known[0] == key and not isinstance(known[1], BaseException)
        return known[1] if known is not None and same else None

    def _work(self, name: str, key: Hashable, make: Callable[[], Any]) -> None:
        outcome: Any
        try:
            outcome = make()
        except SingwizError as error:
            outcome = error
        except Exception as error:
            # It is shown where the result would be; a thread has nobody to raise it to.
            outcome = SingwizError(
                "preview-failed",
                f"The changes could not be worked out: {error}.",
                hint="Check the recordings again.",
            )
        with self._lock:
            self._known[name] = (key, outcome)
            self._at_work.discard(name)
