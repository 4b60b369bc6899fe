"""The stages for eye and ear: statistics of the recordings, and one recording by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..dataset import RawDataset

PROFILE_FILE = "profile.json"


def profile_folder(project: Project) -> Path:
    """Where the statistics of a project are."""
    return project.dataset_dir(".profile")


def profile_recordings(
    datasets: Sequence[RawDataset],
    folder: Path,
    *,
    workers: int | None = None,
    memory: Path | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Count, listen, and draw.

    Args:
        folder: gets ``profile.json`` and the pictures.
        workers: recordings heard at the same time; None = by the machine.
        memory: folder that remembers what was heard.

    Returns:
        ``profile`` (path), ``pictures`` (paths), ``datasets``, ``recordings``, ``seconds``,
        ``unreadable`` (items).

    Raises:
        SingwizError: the folder cannot be written.
    """
    from ..atomic import write_text
    from ..plots import dataset_profile, plot_profile

    found = dataset_profile(datasets, workers=workers, cache=memory, reporter=reporter)
    reporter.progress(0, 1, "Drawing")
    pictures = plot_profile(found, folder)
    file = folder / PROFILE_FILE
    try:
        write_text(file, json.dumps(found.to_dict(), ensure_ascii=False) + "\n")
    except OSError as error:
        raise SingwizError(
            "profile-not-written",
            f"The statistics could not be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            where=str(file),
        ) from None
    for picture in pictures:
        reporter.artifact("image", picture, picture.stem)
    reporter.artifact("report", file, "statistics")
    reporter.progress(1, 1, "Drawing")
    return {
        "profile": str(file),
        "pictures": [str(picture) for picture in pictures],
        "datasets": len(found.datasets),
        "recordings": sum(len(one.recordings) for one in found.datasets),
        "seconds": round(sum(one.seconds for one in found.datasets), 3),
        "unreadable": [item for one in found.datasets for item in one.unreadable],
    }


def profile_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Statistics of a project; see :func:`profile_recordings`."""
    from .stages import open_datasets

    own = profile_folder(project)
    result = profile_recordings(
        open_datasets(project),
        Path(params["output"]) if params.get("output") else own,
        workers=params.get("workers"),
        # Shared with the checks: what one has heard the other need not hear again.
        memory=project.root / "binary" / ".cache",
        reporter=reporter,
    )
    if not params.get("output"):
        # Pictures of datasets that are gone.
        kept = {Path(picture).name for picture in result["pictures"]}
        for old in own.glob("*.png"):
            if old.name not in kept and not old.name.startswith("."):
                old.unlink(missing_ok=True)
    return result


def picture_recording(
    datasets: Sequence[RawDataset],
    params: Mapping[str, Any],
    folder: Path,
    *,
    reporter: Reporter,
) -> dict[str, Any]:
    """One recording, or a part of it, as a picture and as a WAV that any player plays.

    Args:
        params: ``item``, ``dataset``, ``start``, ``end`` (seconds).
        folder: gets the two files.

    Returns:
        ``picture``, ``wav``, ``item``, ``dataset``, ``start``, ``end``.

    Raises:
        SingwizError: there is no such recording or range, or the folder cannot be written.
    """
    from ..dataset import probe_audio
    from ..plots import cut_item, plot_item
    from .comparing import find_item

    item, dataset = find_item(params, datasets)
    start, end = float(params.get("start") or 0.0), params.get("end")
    picture = plot_item(item, folder, start=start, end=end)
    assert item.audio is not None
    last = float(end) if end is not None else probe_audio(item.audio).seconds
    wav = cut_item(item, start, last, picture.with_suffix(".wav"))
    reporter.artifact("image", picture, item.name)
    reporter.artifact("audio", wav, item.name)
    return {
        "picture": str(picture),
        "wav": str(wav),
        "item": item.name,
        "dataset": dataset.name,
        "start": start,
        "end": round(last, 3),
    }


def picture_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """A recording of a project; see :func:`picture_recording`."""
    from .stages import open_datasets

    folder = Path(params["output"]) if params.get("output") else profile_folder(project) / "items"
    return picture_recording(open_datasets(project), params, folder, reporter=reporter)
