"""DS files: songs as JSON, in the form OpenUtau and DiffSinger exchange.

A file is a list of segments (or one segment); sequences are strings of numbers or names
separated by spaces. Unknown keys are kept. Not for singing them: see synthesis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_text
from ..dictionary.text_files import decode_text
from ..errors import USAGE_PROBLEM, SingwizError

_MAX_BYTES = 512 * 2**20


def read_ds(path: Path) -> list[dict[str, Any]]:
    """Read the segments of a DS file; keys whose value is ``null`` count as absent.

    Raises:
        SingwizError: missing, not JSON, empty, or not made of objects.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SingwizError(
            "ds-unreadable",
            f"The song '{path.name}' cannot be read: {getattr(error, 'strerror', '') or error}.",
            hint="Check the path of the .ds file.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from None
    if len(data) > _MAX_BYTES:
        raise _invalid(path, f"it is larger than {_MAX_BYTES // 2**20} MB")
    try:
        content = json.loads(decode_text(data).text)
    except json.JSONDecodeError as error:
        raise _invalid(path, error.msg, f"{path}:{error.lineno}") from None
    except (ValueError, RecursionError):
        raise _invalid(path, "its numbers or brackets make no sense") from None
    segments = [content] if isinstance(content, dict) else content
    if not isinstance(segments, list):
        raise _invalid(path, "it holds no segments")
    if not segments:
        raise SingwizError(
            "ds-empty",
            f"The song '{path.name}' has no segments.",
            hint="Export it again from the editor, with the parts selected.",
            where=str(path),
        )
    for number, segment in enumerate(segments):
        if not isinstance(segment, dict):
            raise _invalid(path, f"segment {number} is not an object")
    return [
        {key: value for key, value in segment.items() if value is not None} for segment in segments
    ]


def write_ds(path: Path, segments: Sequence[Mapping[str, Any]]) -> None:
    """Write segments atomically as UTF-8 JSON with indent 2, non-ASCII characters kept."""
    write_text(Path(path), json.dumps(list(segments), ensure_ascii=False, indent=2) + "\n")


def numbers(segment: Mapping[str, Any], key: str) -> np.ndarray:
    """The numbers of a sequence or scalar as float64 ``[n]``.

    Raises:
        SingwizError: the key is absent, or something is not a finite number.
    """
    if key not in segment or segment[key] is None:
        raise SingwizError(
            "ds-key-missing",
            f"A segment lacks '{key}'.",
            hint="Export the song with this parameter, or run the variance model first.",
        )
    value = segment[key]
    tokens: Any = value.split() if isinstance(value, str) else value
    try:
        result = np.atleast_1d(np.array(tokens, dtype=np.float64))
    except (ValueError, TypeError, OverflowError):
        result = np.array([np.nan])
    if result.ndim != 1 or isinstance(value, bool) or not np.isfinite(result).all():
        raise SingwizError(
            "ds-number-invalid",
            f"'{key}' of a segment is not a list of numbers.",
            hint="Export the song again, or correct that entry.",
        )
    return result


def _invalid(path: Path, what: str, where: str = "") -> SingwizError:
    return SingwizError(
        "ds-invalid",
        f"The song '{path.name}' is not a DS file: {what}.",
        hint="Export it again from the editor.",
        where=where or str(path),
    )
