"""The console that people read: what is printed is said in their language."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from ...core.words import retell


class SpokenConsole(Console):
    """A plain console; every text goes through :func:`singwiz.core.words.retell`."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does it."""
        spoken = (retell(one) if isinstance(one, str) else one for one in objects)
        super().print(*spoken, **options)
