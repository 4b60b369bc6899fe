"""Importing into a project and cutting what is in it: new recordings, and the project knows them.

The folders made here lie under ``recordings`` in the project. What was registered before stays
on disk as it is; that the project uses other recordings now can be undone like a fix.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from ..errors import SingwizError
from ..project import Project, Recordings
from ..reporting import Reporter
from .fixes.edits import ProjectEdit
from .fixes.journal import apply_plan
from .importing import ImportOptions, ImportReport, import_folder
from .raw import RawDataset
from .slicing import SliceLimits, SliceReport, needs_cut, slice_dataset

FOLDER = "recordings"
"""Below the project: datasets that singwiz made of what the user brought."""


def free_folder(project: Project, wanted: str) -> Path:
    """A folder for new recordings that does not exist yet."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in wanted)
    base = plain.strip("_")[:60] or "voice"
    taken = {Path(entry.raw_data_dir) for entry in project.state.datasets}
    name, number = base, 2
    while (folder := project.root / FOLDER / name).exists() or folder in taken:
        name, number = f"{base}_{number}", number + 1
    return folder


def import_and_cut(
    source: Path,
    target: Path,
    options: ImportOptions,
    *,
    limits: SliceLimits | None = None,
    reporter: Reporter | None = None,
) -> tuple[ImportReport, SliceReport | None]:
    """Import a folder, and cut long recordings on the way if limits are given.

    Raises:
        SingwizError: see :func:`~.importing.import_folder` and :func:`~.slicing.slice_dataset`.
        Cancelled: the user stopped; nothing remains.
    """
    target = Path(target).absolute()
    if limits is None:
        return import_folder(source, target, options, reporter=reporter), None
    missing = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".whole-") as folder:
            whole = Path(folder) / target.name
            report = import_folder(source, whole, options, reporter=reporter)
            dataset = RawDataset.open(
                whole, name=target.name, speaker="singer", language=options.language
            )
            cut = slice_dataset(
                dataset, target, limits=limits, source=Path(source), reporter=reporter
            )
    except OSError as error:
        raise SingwizError(
            "target-not-writable",
            f"'{target}' cannot be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
        ) from None
    finally:
        for made in missing:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()
    return replace(report, target=target), cut


def import_into_project(
    project: Project,
    source: Path,
    options: ImportOptions,
    *,
    speaker: str = "",
    name: str = "",
    limits: SliceLimits | None = None,
    reporter: Reporter | None = None,
) -> tuple[ImportReport, SliceReport | None, Recordings]:
    """Import a folder into a project and register it; the project is saved.

    Args:
        project: opened.
        source: folder with recordings and labels; stays as it is.
        options: see :class:`~.importing.ImportOptions`.
        speaker: name of the singer; empty = that of the dataset.
        name: of the dataset; empty = that of the source.
        limits: cut long recordings to these lengths; None = leave them whole.
        reporter: receives progress, and may cancel.

    Raises:
        SingwizError: nothing usable was found, or the project cannot be written.
        Cancelled: the user stopped; nothing remains.
    """
    target = free_folder(project, name or Path(source).absolute().name)
    report, cut = import_and_cut(source, target, options, limits=limits, reporter=reporter)
    fresh = Project.open(project.root)
    recordings = fresh.add_recordings(target, speaker=speaker, language=options.language, name=name)
    fresh.save()
    project.state = fresh.state
    return report, cut, recordings


def slice_in_project(
    project: Project,
    name: str,
    *,
    limits: SliceLimits | None = None,
    reporter: Reporter | None = None,
) -> SliceReport | None:
    """Cut the long recordings of a dataset; the project uses the pieces from now on.

    Args:
        project: opened.
        name: of the dataset.
        limits: lengths to aim at.
        reporter: receives progress, and may cancel.

    Returns:
        What was done; None if no recording needs a cut, and nothing changed.

    Raises:
        SingwizError: no such dataset, or the project cannot be written.
        Cancelled: the user stopped; nothing remains.
    """
    edit = ProjectEdit(project)
    recordings = edit.dataset(name).recordings
    dataset = RawDataset.open(
        project.raw_folder(recordings),
        name=recordings.name,
        speaker=recordings.speaker,
        language=recordings.language,
    )
    if dataset.items and not any(needs_cut(item, limits) for item in dataset.items):
        return None
    target = free_folder(project, f"{name}_cut")
    report = slice_dataset(dataset, target, limits=limits, reporter=reporter)
    taken = {entry.name for entry in project.state.datasets}
    base, number = f"{name}_cut", 2
    new_name = base
    while new_name in taken:
        new_name, number = f"{base}_{number}", number + 1
    entries = [entry.model_dump(mode="json") for entry in project.state.datasets]
    for entry in entries:
        if entry["name"] == name:
            # Pieces have other names, so the choice of items for validation starts anew.
            entry |= {"name": new_name, "raw_data_dir": str(target), "test_prefixes": []}
    edit = ProjectEdit(project)
    edit.set("datasets", entries)
    what = f"'{name}' is cut into {report.items} pieces, from now on called '{new_name}'."
    edit.did("", what, dataset=name)
    apply_plan(project, edit.plan(f"Cut the recordings of {name}"))
    return report
