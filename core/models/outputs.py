"""What models return, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAIN_OUTPUT = "model_outputs"
"""The main output: of an acoustic model, when it sings, the mel ``[B, T, M]``."""


def named_outputs(result: Any) -> dict[str, Any]:
    """The outputs of a model as a dict.

    Args:
        result: a mapping, or something with ``as_dict()``.

    Raises:
        ValueError: the main output is missing.
    """
    outputs = dict(result if isinstance(result, Mapping) else result.as_dict())
    if MAIN_OUTPUT not in outputs:
        raise ValueError(f"the model gives {', '.join(outputs) or 'nothing'}, no '{MAIN_OUTPUT}'")
    return outputs
