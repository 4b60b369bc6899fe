"""Raw datasets: recordings with labels as the user keeps them, DS files, and every check.

Names are loaded on first use, because reading audio is not needed to start the program.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .audio import AudioInfo, probe_audio, read_audio, write_audio
    from .checks.run import check_datasets, label_sequences
    from .ds import numbers, read_ds, write_ds
    from .raw import Item, RawDataset

_HOME = {
    "AudioInfo": ".audio",
    "probe_audio": ".audio",
    "read_audio": ".audio",
    "write_audio": ".audio",
    "check_datasets": ".checks.run",
    "label_sequences": ".checks.run",
    "numbers": ".ds",
    "read_ds": ".ds",
    "write_ds": ".ds",
    "Item": ".raw",
    "RawDataset": ".raw",
}

__all__ = [
    "AudioInfo",
    "Item",
    "RawDataset",
    "check_datasets",
    "label_sequences",
    "numbers",
    "probe_audio",
    "read_audio",
    "read_ds",
    "write_audio",
    "write_ds",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
