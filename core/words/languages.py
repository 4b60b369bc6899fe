"""Which languages there are, and which one is spoken now.

A server has visitors of several languages at the same time, so the language is a context variable;
where nobody set it, the choice for the whole process counts: ``--lang``, ``SINGWIZ_LANG``, what was
saved, the language of the system, English.
"""

from __future__ import annotations

import json
import locale
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, SingwizError
from .catalogue import WORDS, read_yaml

ENGLISH = "en"
ENVIRONMENT = "SINGWIZ_LANG"


@dataclass(frozen=True, slots=True)
class Language:
    """A language that singwiz speaks: its tag, e.g. ``"ja"``, and its own name for itself."""

    tag: str
    name: str


_spoken: ContextVar[str | None] = ContextVar("singwiz_language", default=None)
_chosen: list[str] = []
"""What this process was told with ``--lang`` or at run time; empty if nothing."""


@lru_cache(maxsize=1)
def languages() -> tuple[Language, ...]:
    """All languages there are files for, English first."""
    tags = sorted(
        (folder.name for folder in WORDS.iterdir() if (folder / "language.yaml").is_file()),
        key=lambda tag: (tag != ENGLISH, tag),
    )
    names = (read_yaml(WORDS / tag / "language.yaml") for tag in tags)
    return tuple(Language(tag, str(entry["name"])) for tag, entry in zip(tags, names, strict=True))


def matching(wish: str) -> str | None:
    """The tag of our language that serves a wish such as ``"zh_CN.UTF-8"`` or ``"ja-JP"``.

    None if there is none; ``C`` and ``POSIX`` wish for nothing.
    """
    base = wish.strip().lower().replace("_", "-").partition(".")[0].partition("-")[0]
    return next((one.tag for one in languages() if one.tag == base), None)


def language() -> str:
    """The tag of the language that is spoken here and now."""
    return _spoken.get() or wanted() or _of_the_system()


def wanted() -> str | None:
    """What somebody chose for this program, one way or another; None if nobody did."""
    if _chosen:
        return _chosen[0]
    return matching(os.environ.get(ENVIRONMENT, "")) or _saved()


@contextmanager
def speaking(tag: str | None) -> Iterator[None]:
    """Speak a language inside this block, and in this thread or task only; None changes nothing."""
    token = _spoken.set(tag or _spoken.get())
    try:
        yield
    finally:
        _spoken.reset(token)


def choose(wish: str) -> str:
    """Speak a language from now on, in the whole process; gives back its tag.

    Raises:
        SingwizError: ``language-not-spoken`` if singwiz does not speak it.
    """
    tag = matching(wish)
    if tag is None:
        known = ", ".join(f"{one.tag} ({one.name})" for one in languages())
        raise SingwizError(
            "language-not-spoken",
            f"singwiz does not speak '{wish}'.",
            hint=f"Choose one of: {known}.",
            exit_code=USAGE_PROBLEM,
        )
    _chosen[:] = [tag]
    return tag


def save(wish: str) -> Path:
    """Speak a language from now on, next time as well; gives back the file that remembers it.

    Raises:
        SingwizError: singwiz does not speak it, or the choice cannot be written down.
    """
    tag = choose(wish)
    path = _settings()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({"language": tag}) + "\n")
    except OSError as error:
        raise SingwizError(
            "language-not-saved",
            f"The choice of a language cannot be saved: {error.strerror or error}.",
            hint="It counts until you leave. Set SINGWIZ_LANG to keep it.",
            where=str(path),
        ) from None
    return path


def _settings() -> Path:
    from platformdirs import user_config_path

    return user_config_path("singwiz", appauthor=False) / "settings.json"


@lru_cache(maxsize=1)
def _saved() -> str | None:
    try:
        content = json.loads(_settings().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    tag = content.get("language") if isinstance(content, dict) else None
    return matching(tag) if isinstance(tag, str) else None


@lru_cache(maxsize=1)
def _of_the_system() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if wish := os.environ.get(name):
            return matching(wish) or ENGLISH
    if sys.platform == "win32":
        import ctypes

        number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return matching(locale.windows_locale.get(number, "")) or ENGLISH
    return matching(locale.getlocale()[0] or "") or ENGLISH
