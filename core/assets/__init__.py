"""Files of the community that a voice may need: vocoders, RMVPE, the VR separator.

``catalogue`` knows what there is and under which licence, ``download`` fetches over bad lines,
``unpack`` trusts no archive, and ``library`` keeps what was fetched, once for all projects. Whether
a file really is what it claims to be is judged by those who load it, not here.
"""

from __future__ import annotations

from .catalogue import Asset, AssetKind, find_asset, read_catalogue
from .library import Installed, Library, network_file

__all__ = [
    "Asset",
    "AssetKind",
    "Installed",
    "Library",
    "find_asset",
    "network_file",
    "read_catalogue",
]
