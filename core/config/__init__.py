"""DiffSinger configs: typed, explained, checked, generated from presets; no torch.

``loading`` reads and writes them, ``schema`` types them, ``explanations`` says what a key means,
``constraints`` finds what does not fit together, ``presets`` and ``generate`` make new ones.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .constraints import check_config as check_config
    from .explanations import KeyInfo as KeyInfo
    from .explanations import explain as explain
    from .explanations import list_keys as list_keys
    from .explanations import similar_keys as similar_keys
    from .generate import choose_validation_items as choose_validation_items
    from .generate import generate_config as generate_config
    from .loading import dump_yaml as dump_yaml
    from .loading import load_config as load_config
    from .loading import save_config as save_config
    from .part_rules import part_arguments as part_arguments
    from .presets import Hardware as Hardware
    from .presets import Preset as Preset
    from .presets import Reason as Reason
    from .presets import detect_hardware as detect_hardware
    from .presets import list_hardware as list_hardware
    from .presets import list_presets as list_presets
    from .presets import reasons as reasons
    from .presets import recommended_preset as recommended_preset
    from .schema import Config as Config
    from .schema import changed_keys as changed_keys
    from .speakers import assign_speaker_ids as assign_speaker_ids

_HOMES = {
    "check_config": "constraints",
    "KeyInfo": "explanations",
    "explain": "explanations",
    "list_keys": "explanations",
    "similar_keys": "explanations",
    "choose_validation_items": "generate",
    "generate_config": "generate",
    "dump_yaml": "loading",
    "load_config": "loading",
    "save_config": "loading",
    "part_arguments": "part_rules",
    "Hardware": "presets",
    "Preset": "presets",
    "Reason": "presets",
    "detect_hardware": "presets",
    "list_hardware": "presets",
    "list_presets": "presets",
    "reasons": "presets",
    "recommended_preset": "presets",
    "Config": "schema",
    "changed_keys": "schema",
    "assign_speaker_ids": "speakers",
}


def __getattr__(name: str) -> Any:
    # pydantic takes a noticeable part of a command's start-up, so it is loaded on first use.
    if name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
