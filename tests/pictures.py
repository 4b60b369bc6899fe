"""Pictures of what the wizard looks like, for whoever looks through the files of a test run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "build" / "screenshots"
"""Ignored by git; CI keeps it."""
DESK, PHONE = (1280, 1000), (420, 900)
"""Width and height of a window in pixels."""


def keep(name: str, content: str | bytes) -> Path:
    """Write a picture for people; nothing is compared with it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def of_terminal(name: str, app: Any) -> None:
    """What a terminal shows now."""
    keep(f"{name}.svg", app.export_screenshot(simplify=True))
