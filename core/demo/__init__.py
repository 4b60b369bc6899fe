"""A singer made of arithmetic: recordings, labels, dictionary and a song to try everything with.

``melody`` decides what is sung and labels it, ``voice`` sings it, ``corpus`` writes the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .corpus import DemoCorpus, make_corpus

__all__ = ["DemoCorpus", "make_corpus"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import corpus

    return getattr(corpus, name)
