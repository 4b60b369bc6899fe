"""Files of the community that a voice may need: vocoders, RMVPE, the VR separator.

``catalogue`` knows what there is and under which licence, ``download`` fetches over bad lines,
``unpack`` trusts no archive, ``library`` keeps what was fetched, once for all projects, and
``finding`` leads from the names in configs to it. Whether a file really is what it claims to be is
judged by those who load it, not here.
"""

from __future__ import annotations

from .catalogue import Asset, AssetKind, find_asset, read_catalogue
from .finding import is_usual, network_file, stand_in
from .library import Installed, Library

__all__ = [
    "Asset",
    "AssetKind",
    "Installed",
    "Library",
    "find_asset",
    "is_usual",
    "network_file",
    "read_catalogue",
    "stand_in",
]
