"""Runs every numeric fixture of a folder: default tests/golden, or what SINGWIZ_GOLDEN names.

A fixture is NAME.json (configuration, losses, state-dict listing) and NAME.npz (arrays). The
modules in tests/golden_checks each hold CHECKS, a mapping from fixture kind to a function that
builds what the fixture describes and reports every value of its own to the fixture. A fixture
whose kind nobody knows fails, and so does one of whose expected values somebody forgot one.

A fixture NAME-statedicts.json without arrays lists names and shapes of whole networks. Modules may
hold LISTINGS, a mapping from the beginning of such a network's name to what builds it.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("SINGWIZ_GOLDEN") or HERE / "golden")

pytestmark = pytest.mark.golden


def load_module(path: Path) -> ModuleType:
    """A Python file as a module; tests are no package, so they cannot import their siblings."""
    spec = importlib.util.spec_from_file_location(f"golden_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Fixture:
    """One fixture, and a record of which of its expected values have been checked."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        arrays = path.with_suffix(".npz")
        self.arrays: dict[str, np.ndarray] = dict(np.load(arrays)) if arrays.exists() else {}
        self.failures: list[str] = []
        given = self.data.get("inputs", {})
        self.unchecked = {
            f"array {name}" for name in self.arrays if self.is_expected(name) and name not in given
        }
        for section in ("losses", "grad_norms"):
            self.unchecked |= {f"{section} {name}" for name in self.data.get(section, {})}

    @staticmethod
    def is_expected(array: str) -> bool:
        """Inputs and random draws are given; everything else has to be reproduced."""
        return not array.startswith(("in.", "rand."))

    @property
    def kind(self) -> str:
        """What the fixture is about; without a kind of its own, its name up to the last dash."""
        if self.name.split("-")[1:2] == ["statedicts"]:
            return "statedicts"
        return self.data.get("kind") or self.name.rsplit("-", 1)[0]

    @cached_property
    def tolerance(self) -> float:
        """Largest difference allowed, relative to the largest expected magnitude."""
        return self.data.get("tolerance", {}).get("rel_to_max_abs", 1e-4)

    def tensor(self, name: str) -> torch.Tensor:
        """An array of the fixture."""
        return torch.from_numpy(self.arrays[name].copy())

    def tensors(self, prefix: str) -> dict[str, torch.Tensor]:
        """All arrays whose name starts with ``prefix``, without it."""
        names = (name for name in self.arrays if name.startswith(prefix))
        return {name.removeprefix(prefix): self.tensor(name) for name in names}

    def seed(self, module: torch.nn.Module) -> None:
        """Give ``module`` the weights that the fixture was computed with."""
        SEEDED_WEIGHTS.seed_module(module, keep=tuple(self.data.get("keep", ())))

    def check_state_dict(
        self, module: torch.nn.Module, expected: Mapping[str, list[int]] | None = None
    ) -> None:
        """Names and shapes of all parameters and buffers."""
        expected = self.data["state_dict"] if expected is None else expected
        actual = {name: list(value.shape) for name, value in module.state_dict().items()}
        for name in expected.keys() | actual.keys():
            if actual.get(name) != expected.get(name):
                self.failures.append(f"{name}: is {actual.get(name)}, not {expected.get(name)}")

    def check_array(self, name: str, actual: torch.Tensor | None) -> None:
        """Compare with the stored array ``name``, if the fixture has one of that name."""
        if name not in self.arrays:
            return
        self.unchecked.discard(f"array {name}")
        expected = self.arrays[name]
        if actual is None:
            self.failures.append(f"{name}: nothing was computed")
            return
        actual = actual.detach().cpu().numpy()
        if actual.shape != expected.shape:
            self.failures.append(f"{name}: shape {actual.shape}, not {expected.shape}")
        elif np.issubdtype(expected.dtype, np.floating):
            worst = np.abs(actual.astype(np.float64) - expected).max(initial=0.0)
            allowed = self.tolerance * np.abs(expected).max(initial=0.0)
            if not worst <= allowed:  # also true for NaN
                self.failures.append(f"{name}: off by {worst:.3g}, allowed {allowed:.3g}")
        elif not np.array_equal(actual, expected):
            self.failures.append(f"{name}: differs in {(actual != expected).sum()} places")

    def check_number(
        self,
        section: str,
        name: str,
        actual: float,
        *,
        relative: float = 1e-4,
        absolute: float = 1e-9,
    ) -> None:
        """Compare with the stored number ``name`` of a section such as ``losses``."""
        label = f"{section} {name}"
        if name not in self.data[section]:
            self.failures.append(f"{label}: {actual} is not expected at all")
            return
        expected = self.data[section][name]
        self.check_value(label, actual, expected, relative=relative, absolute=absolute)

    def check_value(
        self,
        label: str,
        actual: float,
        expected: float,
        *,
        relative: float = 1e-4,
        absolute: float = 1e-9,
    ) -> None:
        """Compare two numbers, wherever the fixture keeps the expected one."""
        self.unchecked.discard(label)
        if not abs(actual - expected) <= relative * abs(expected) + absolute:
            self.failures.append(f"{label}: {actual}, not {expected}")

    def problems(self) -> Iterable[str]:
        """What is wrong, and what nobody looked at."""
        yield from self.failures
        yield from (f"{name}: was not checked" for name in sorted(self.unchecked))


SEEDED_WEIGHTS = load_module(HERE / "golden" / "seeded_weights.py")


CHECK_MODULES = [load_module(path) for path in sorted((HERE / "golden_checks").glob("*.py"))]

LISTINGS: dict[str, Callable[[str], torch.nn.Module]] = {
    prefix: build
    for module in CHECK_MODULES
    for prefix, build in getattr(module, "LISTINGS", {}).items()
}


def check_listings(fixture: Fixture) -> None:
    """Names, shapes and order of the tensors of whole networks."""
    for name, expected in fixture.data.items():
        builders = [build for prefix, build in LISTINGS.items() if name.startswith(prefix)]
        if len(builders) != 1:
            fixture.failures.append(f"{name}: {len(builders)} modules know how to build it")
            continue
        module = builders[0](name)
        fixture.check_state_dict(module, expected)
        if list(module.state_dict()) != list(expected):
            fixture.failures.append(f"{name}: the order of the names differs")


def all_checks() -> dict[str, Callable[[Fixture], None]]:
    """Fixture kind -> check, from all modules in tests/golden_checks."""
    checks: dict[str, Callable[[Fixture], None]] = {"statedicts": check_listings}
    for module in CHECK_MODULES:
        for kind, check in module.CHECKS.items():
            assert kind not in checks, f"two checks for fixtures of kind {kind!r}"
            checks[kind] = check
    return checks


CHECKS = all_checks()
PATHS = sorted(FOLDER.glob("*.json"))


def test_the_folder_has_fixtures() -> None:
    assert PATHS, f"no fixtures in {FOLDER}"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_value_of_the_fixture_is_reproduced(path: Path) -> None:
    fixture = Fixture(path)
    assert fixture.kind in CHECKS, f"no check for fixtures of kind {fixture.kind!r}"
    CHECKS[fixture.kind](fixture)
    problems = list(fixture.problems())
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:40])
