"""Which vocoders there are for a project, and which one its voice is heard through.

A part of the step about vocoders; cheap enough to be asked every second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.assets import Asset, Installed, Library, read_catalogue
from ....core.errors import SingwizError
from ..desk import Desk, is_file
from ..store import signature
from ..words import say

if TYPE_CHECKING:
    from ....core.project import Project

PREVIEW = "preview"
"""Instead of a file: the built-in vocoder."""
OVERRIDE = "vocoder_ckpt"
"""Config key of the acoustic model that names the vocoder; empty = the preview."""
EXPORTED = ("best", "last")
"""Folders that a training of a vocoder writes, under ``exported/``."""
KINDS = ("vocoder", "vocoder-base")
"""What of the catalogue this step is about."""


@dataclass(frozen=True)
class VocoderFile:
    """A vocoder that can be used.

    Attributes:
        file: path, or ``preview``.
        name: what people call it.
        about: where it is from.
    """

    file: str
    name: str
    about: str = ""


def installed(desk: Desk) -> Mapping[str, Installed]:
    """What was fetched, by name."""
    library = Library()
    found: Mapping[str, Installed] = desk.remembered(
        "installed", (str(library.folder), signature(library.folder)), library.installed
    )
    return found


def offered(desk: Desk) -> list[Asset]:
    """What could be fetched and is not here yet, the recommended one first."""
    here = installed(desk)
    return [
        asset
        for asset in read_catalogue().values()
        if asset.kind in KINDS and asset.name not in here
    ]


def fine_tuning_base(desk: Desk) -> Installed | None:
    """The fetched vocoder with discriminators, from which fine-tuning starts."""
    return next((one for one in installed(desk).values() if one.kind == "vocoder-base"), None)


def heard_through(desk: Desk) -> str:
    """What the voice is heard through now: a path that exists, or ``preview``."""
    from ....core.jobs.vocoders import chosen_vocoder

    project = desk.opened
    chosen = chosen_vocoder(project)
    library = Library().folder
    key = (
        chosen,
        signature(Path(chosen)) if chosen else None,
        signature(project.config_path("acoustic")),
        str(library),
        signature(library),
    )
    return desk.remembered("heard-through", key, lambda: _project_vocoder(project))


def _project_vocoder(project: Project) -> str:
    from ....core.jobs.vocoders import project_vocoder

    try:
        return project_vocoder(project)
    except SingwizError:
        return PREVIEW  # a broken config is said by the step that is about it


def usable(desk: Desk, own_file: str) -> list[VocoderFile]:
    """Every vocoder that could be chosen: preview, fetched ones, trained ones, the user's own.

    Args:
        desk: of the guide.
        own_file: what the user named, or empty.
    """
    found = [VocoderFile(PREVIEW, say("vocoder.preview-name"), say("vocoder.preview-about"))]
    titles = read_catalogue()
    found += [
        VocoderFile(str(one.main), titles[name].title, one.licence)
        for name, one in installed(desk).items()
        if one.kind == "vocoder"
    ]
    for folder in _experiments(desk):
        for name in EXPORTED:
            path = folder / "exported" / name / "model.ckpt"
            if is_file(path):
                words = {"experiment": folder.name, "name": say(f"vocoder.exported-{name}")}
                found.append(VocoderFile(str(path), say("vocoder.trained-name", **words)))
    for path_text in (own_file, heard_through(desk)):
        known = {one.file for one in found}
        if path_text and path_text not in known:
            path = Path(path_text)
            name = path.parent.name if path.name == "model.ckpt" else path.name
            found.append(VocoderFile(path_text, name, path_text))
    return found


def _experiments(desk: Desk) -> list[Path]:
    """Trained vocoders of the project, the newest name last."""
    folder = desk.opened.checkpoints_dir
    return desk.remembered(
        "vocoder-experiments",
        signature(folder),
        lambda: sorted(path for path in folder.glob("vocoder*") if path.is_dir()),
    )


def refusal(config: Any) -> str:
    """Why a config's vocoder cannot be used for its spectrograms; empty if it can."""
    from ....core.config import check_config

    for finding in check_config(config):
        if finding.code.startswith("config-vocoder") and finding.severity == "error":
            return f"{finding.message} {finding.hint}".strip()
    return ""
