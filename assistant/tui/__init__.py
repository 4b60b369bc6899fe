"""The guide in a terminal (Textual). Draws what the guide says and decides nothing."""

from __future__ import annotations

from pathlib import Path

__all__ = ["run"]


def run(project: Path | None = None) -> None:
    """Open the wizard in this terminal and return when the user leaves.

    Args:
        project: a project folder, an empty folder to make one in, or None to be asked.

    Raises:
        SingwizError: the project's file cannot be read.
    """
    from ..guide.guide import Guide
    from .app import GuideApp

    GuideApp(Guide.open(project)).run()
