"""Files with code in them that the user has decided to run.

Only TorchScript vocoders need this; all other files are read as data. A file is known by the
SHA-256 of its content, so a changed file has to be trusted again.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from . import atomic


def trust_file() -> Path:
    """Where decisions are kept: one JSON file in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("singwiz", appauthor=False) / "trusted.json"


def fingerprint(content: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def is_trusted(content: bytes) -> bool:
    """True if the user has trusted a file with exactly this content."""
    return fingerprint(content) in _read()


def trust(content: bytes, name: str) -> None:
    """Remember that the user trusts a file.

    Args:
        content: of the file.
        name: of the file, for people who read the record.
    """
    known = _read()
    known[fingerprint(content)] = {"name": name, "when": time.strftime("%Y-%m-%d")}
    atomic.write_text(trust_file(), json.dumps(known, indent=1))


def _read() -> dict[str, object]:
    try:
        content = json.loads(trust_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # without a readable record nothing is trusted
    return content if isinstance(content, dict) else {}
