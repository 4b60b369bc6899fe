"""The files that configs mean: at their place, or what the library has instead.

Everybody's configs name the same few files (``checkpoints/rmvpe/model.pt``, …), which each user was
expected to put there by hand. Where such a usual name leads to nothing, the fetched file stands
in. A name of the user's own is never replaced.
"""

from __future__ import annotations

from pathlib import Path

from .catalogue import AssetKind, read_catalogue
from .library import Installed, Library


def is_usual(kind: AssetKind, named: str) -> bool:
    """Whether ``named`` is a name that everybody's configs have; an empty one is, too."""
    return not named or any(
        _means(named, usual)
        for asset in read_catalogue().values()
        if asset.kind == kind
        for usual in asset.usual
    )


def stand_in(kind: AssetKind, named: str, *, library: Library | None = None) -> Installed | None:
    """The fetched file that a usual name means, else the best one of its kind.

    Args:
        kind: what it is for.
        named: as in the config.
        library: where to look.

    Returns:
        None if the name is the user's own, or nothing of this kind was fetched.
    """
    if not is_usual(kind, named):
        return None
    library = library or Library()
    for asset in read_catalogue().values():
        if asset.kind == kind and any(_means(named, usual) for usual in asset.usual):
            meant = library.get(asset.name)
            if meant is not None:
                return meant
    return library.first_of(kind)


def network_file(named: str, base: Path, kind: AssetKind) -> Path | None:
    """The file that a config means: what it names, else what was fetched in its stead.

    Args:
        named: path in a config (``pe_ckpt``, ``vocoder_ckpt``, …), may be empty.
        base: where a relative path starts.
        kind: what it is for.

    Returns:
        A file, or for vocoders perhaps a folder; None if there is neither.
    """
    place = base / Path(named).expanduser()
    if named and _is_there(place, folders=kind.startswith("vocoder")):
        return place
    found = stand_in(kind, named)
    return None if found is None else found.main


def _means(named: str, usual: str) -> bool:
    name = named.replace("\\", "/")
    return name == usual or name.endswith("/" + usual)


def _is_there(path: Path, *, folders: bool) -> bool:
    try:
        return path.exists() if folders else path.is_file()
    except (OSError, ValueError):
        return False
