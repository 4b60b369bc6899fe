"""A project with the tiny corpus, and snapshots that show what changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from singwiz.core.dataset import RawDataset, check_datasets
from singwiz.core.dataset.fixes import Plan, apply_plan, plan_fixes
from singwiz.core.dictionary import PhonemeSet, read_dictionary, resolve_dictionary
from singwiz.core.findings import Finding
from singwiz.core.project import Project

from ..conftest import Corpus


def snapshot(root: Path) -> dict[str, str]:
    """Every file below a folder with its content hash; folders too, the journal not."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        # A killed process may leave the half of a file that nobody will read.
        if ".journal" in name or name == "datasets" or ".tmp." in path.name:
            continue
        is_file = path.is_file()
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else "folder"
    return found


@dataclass
class Studio:
    """A project whose only recordings are the corpus."""

    corpus: Corpus
    project: Project

    def open(self) -> RawDataset:
        recordings = self.project.state.datasets[0]
        folder = self.project.raw_folder(recordings)
        return RawDataset.open(folder, name="voice", speaker="aoi", language="ja")

    def check(self, kind: str = "acoustic") -> list[Finding]:
        """All findings of the recordings as the project sees them now."""
        name = self.project.state.dictionaries["ja"]
        path = resolve_dictionary(name, base=self.project.root)
        dictionary, findings = read_dictionary(path, "ja")
        phonemes = PhonemeSet.build({"ja": dictionary})
        limits = {"rare_count": 0, "very_rare_count": 0}
        return findings + check_datasets([self.open()], phonemes, kind=kind, thresholds=limits)

    def codes(self, kind: str = "acoustic") -> set[str]:
        return {finding.code for finding in self.check(kind)}

    def plan(self, *only: str, safe_only: bool = True) -> Plan:
        return plan_fixes(self.project, self.check(), only=only or None, safe_only=safe_only)

    def fix(self, *only: str, safe_only: bool = True) -> Plan:
        """Plan and apply; the originals must stay as they are."""
        before = self.corpus.snapshot()
        plan = self.plan(*only, safe_only=safe_only)
        assert plan, (plan.refused, self.check())
        apply_plan(self.project, plan)
        assert self.corpus.snapshot() == before
        return plan

    def rows(self) -> dict[str, dict[str, str]]:
        """Usable rows by name."""
        return {item.name: dict(item.cells) for item in self.open().items}


@pytest.fixture
def studio(corpus: Corpus, tmp_path: Path) -> Studio:
    """A project around the corpus, with its dictionary."""
    project = Project.create(tmp_path / "projekt é")
    project.add_recordings(corpus.root, speaker="aoi", language="ja", name="voice")
    project.state.dictionaries["ja"] = str(corpus.root / "dictionary.txt")
    project.save()
    return Studio(corpus, project)


@pytest.fixture
def files() -> Callable[[Path], dict[str, str]]:
    """The snapshot function."""
    return snapshot
