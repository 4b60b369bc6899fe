"""Ready-made choices: the size of a model, and the machine it is trained on.

Presets are YAML files in ``presets/models/<kind>`` and ``presets/hardware``; every value in
them says why. This module reads them and finds out which machine this is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import MODEL_KINDS, ModelKind
from .loading import presets_dir

_PROBE = [
    "nvidia-smi",
    "--query-gpu=memory.total,compute_cap",
    "--format=csv,noheader,nounits",
]
_PROBE_SECONDS = 10.0
_FIRST_WITH_BFLOAT16 = 8.0
"""CUDA compute capability of the first cards that compute in bf16 (Ampere, RTX 30)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of a preset and why it is what it is.

    Attributes:
        value: the config value.
        why: one sentence for the user.
        source: label of the preset it comes from.
        wins: the machine insists on it, whatever the preset says.
    """

    value: Any
    why: str
    source: str
    wins: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """A size of model.

    Attributes:
        id: name in project files, e.g. ``small``.
        label: name for people.
        why: whom it suits.
        template: the template it starts from, in ``presets/templates``; or a base.
        values: dotted config key -> :class:`Reason`.
    """

    id: str
    label: str
    why: str
    template: str = ""
    values: Mapping[str, Reason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine to train on; attributes as in :class:`Preset`.

    ``values`` holds what suits every model kind, ``by_kind`` what suits one of them.
    """

    id: str
    label: str
    why: str
    memory: float = 0.0
    """GPU memory in GiB that the values are made for; 0 = no GPU."""
    preset: Mapping[str, str] = field(default_factory=dict)
    """For each model kind, the id of the preset that suits the machine."""
    values: Mapping[str, Reason] = field(default_factory=dict)
    by_kind: Mapping[str, Mapping[str, Reason]] = field(default_factory=dict)

    def values_for(self, kind: ModelKind) -> dict[str, Reason]:
        """Dotted config key -> reason, for one model kind."""
        from .explanations import explain

        def known(key: str) -> bool:
            """Whether the kind has the key and the map it is in."""
            return all(kind in explain(name).kinds for name in (key, key.partition(".")[0]))

        shared = {key: reason for key, reason in self.values.items() if known(key)}
        return {**shared, **self.by_kind.get(kind, {})}


def list_presets(kind: ModelKind) -> list[Preset]:
    """The presets of a model kind, the one for most people first; empty if there are none."""
    return list(_presets(kind))


def list_hardware() -> list[Hardware]:
    """The machines there are settings for, from small to large."""
    return list(_hardware())


def find_preset(kind: ModelKind, preset_id: str) -> Preset:
    """One preset. Raises SingwizError if it does not exist."""
    for preset in _presets(kind):
        if preset.id == preset_id:
            return preset
    known = ", ".join(preset.id for preset in _presets(kind)) or "none"
    raise SingwizError(
        "preset-unknown",
        f"There is no {kind} preset '{preset_id}'.",
        hint=f"Known presets: {known}.",
        exit_code=USAGE_PROBLEM,
    )


def find_hardware(hardware_id: str) -> Hardware:
    """One machine; ``auto`` is this one. Raises SingwizError if it does not exist."""
    if hardware_id in ("", "auto"):
        hardware_id = detect_hardware()
    for hardware in _hardware():
        if hardware.id == hardware_id:
            return hardware
    raise SingwizError(
        "hardware-unknown",
        f"There are no settings for the hardware '{hardware_id}'.",
        hint=f"Known: auto, {', '.join(hardware.id for hardware in _hardware())}.",
        exit_code=USAGE_PROBLEM,
    )


def reasons(kind: ModelKind, preset_id: str, hardware_id: str = "auto") -> dict[str, Reason]:
    """Every value that a preset and a machine choose, with the reason, by dotted key.

    The preset is what the maker asked for, so it has the last word, except on what the machine
    insists on.
    """
    preset = find_preset(kind, preset_id)
    machine = find_hardware(hardware_id).values_for(kind)
    insisted = {key: reason for key, reason in machine.items() if reason.wins}
    return {**machine, **preset.values, **insisted}


def recommended_preset(kind: ModelKind, hardware_id: str = "auto") -> str:
    """Id of the preset that suits a machine: a small model where there is no strong GPU."""
    machine = find_hardware(hardware_id)
    return machine.preset.get(kind) or list_presets(kind)[0].id


def detect_hardware() -> str:
    """Id of the settings that suit this machine; ``cpu`` if no NVIDIA GPU answers.

    Asks ``nvidia-smi``; the weakest GPU counts, because several train in step.
    """
    try:
        answer = subprocess.run(
            _PROBE,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "cpu"
    return hardware_for_gpus(answer)


def hardware_for_gpus(listing: str) -> str:
    """Settings for the GPUs that nvidia-smi lists as ``memory in MiB, compute capability``."""
    gpus: list[tuple[float, float]] = []
    for line in listing.splitlines():
        parts = line.split(",")
        try:
            gpus.append((float(parts[0]) / 1024, float(parts[1])))
        except (ValueError, IndexError):
            continue  # A card that reports "[N/A]" cannot be judged.
    if not gpus:
        return "cpu"
    memory, capability = min(gpu[0] for gpu in gpus), min(gpu[1] for gpu in gpus)
    # A "12 GB" card reports a little less than 12 GiB.
    fitting = [h for h in _hardware() if 0 < h.memory <= memory + 0.6]
    if capability < _FIRST_WITH_BFLOAT16:
        fitting = [h for h in fitting if h.values["pl_trainer_precision"].value != "bf16-mixed"]
    return max(fitting, key=lambda hardware: hardware.memory).id if fitting else "cpu"


@cache
def _presets(kind: ModelKind) -> tuple[Preset, ...]:
    presets = []
    for raw, path in _files(presets_dir() / "models" / kind):
        preset = Preset(
            id=path.stem,
            label=raw["label"],
            why=raw["why"],
            template=raw["template"],
            values=_reasons(raw.get("values"), raw["label"]),
        )
        presets.append((raw["order"], preset))
    return tuple(preset for _, preset in sorted(presets, key=lambda pair: pair[0]))


@cache
def _hardware() -> tuple[Hardware, ...]:
    machines = []
    for raw, path in _files(presets_dir() / "hardware"):
        machine = Hardware(
            id=path.stem,
            label=raw["label"],
            why=raw["why"],
            memory=float(raw["memory"]),
            preset=raw["preset"],
            values=_reasons(raw.get("values"), raw["label"]),
            by_kind={kind: _reasons(raw.get(kind), raw["label"]) for kind in MODEL_KINDS},
        )
        machines.append(machine)
    return tuple(sorted(machines, key=lambda machine: machine.memory))


def _files(folder: Path) -> list[tuple[dict[str, Any], Path]]:
    return [
        (yaml.safe_load(path.read_text(encoding="utf-8")), path)
        for path in sorted(folder.glob("*.yaml"))
    ]


def _reasons(raw: Mapping[str, Any] | None, source: str) -> dict[str, Reason]:
    return {
        key: Reason(entry["value"], entry["why"], source, wins=bool(entry.get("wins")))
        for key, entry in (raw or {}).items()
    }
