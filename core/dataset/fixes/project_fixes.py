"""Fixes of the choices in ``singwiz.yaml``: speakers and validation items."""

from __future__ import annotations

from collections.abc import Sequence

from ...findings import Finding
from .registry import FixRun, project_fix


@project_fix("config-speaker-two-ids", title="Let equal names have equal numbers", safe=True)
def one_id_per_speaker(run: FixRun, findings: Sequence[Finding]) -> None:
    """Numbers of a speaker that contradict each other are given automatically instead."""
    _automatic(run, "config-speaker-two-ids", by="speaker")


@project_fix("config-speakers-share-id", title="Let every speaker have its own number", safe=True)
def one_speaker_per_id(run: FixRun, findings: Sequence[Finding]) -> None:
    """A number that several speakers share is given automatically instead."""
    _automatic(run, "config-speakers-share-id", by="spk_id")


def _automatic(run: FixRun, code: str, *, by: str) -> None:
    datasets = run.project.state.datasets
    other = "spk_id" if by == "speaker" else "speaker"
    for value in dict.fromkeys(getattr(entry, by) for entry in datasets):
        group = [entry for entry in datasets if getattr(entry, by) == value]
        if value is None or len({getattr(entry, other) for entry in group}) < 2:
            continue
        for entry in group:
            if run.edit.setting(f"datasets.{entry.name}.spk_id") is not None:
                run.edit.set(f"datasets.{entry.name}.spk_id", None)
                what = f"The number of the speaker '{entry.speaker}' is given automatically."
                run.edit.did(code, what, dataset=entry.name)


@project_fix(
    "config-no-validation",
    "validation-only-phoneme",
    title="Choose validation items automatically",
    safe=False,
)
def choose_validation(run: FixRun, findings: Sequence[Finding]) -> None:
    """Forget the chosen validation items; some are chosen anew when the config is made."""
    code = findings[0].code
    names = {finding.place.dataset for finding in findings}
    for entry in run.project.state.datasets:
        if not entry.test_prefixes or (entry.name not in names and "" not in names):
            continue
        edit = run.edit.dataset(entry.name)
        if run.may(edit, code, f"choose the validation items of '{entry.name}' anew."):
            run.edit.set(f"datasets.{entry.name}.test_prefixes", [])
            what = f"The validation items of '{entry.name}' are chosen automatically."
            run.edit.did(code, what, dataset=entry.name, safe=False)
