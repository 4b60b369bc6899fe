"""The generated config of a project: made from ``singwiz.yaml``, kept if edited by hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..assets import AssetKind, network_file
from ..atomic import write_bytes, write_text
from ..errors import SingwizError
from ..findings import Severity
from ..project import ModelKind, Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import RawDataset

HEADER = """\
# Made by singwiz from singwiz.yaml, with DiffSinger's key names (checksum {checksum}).
# Change it with the wizard or with "singwiz config set". If you edit this file by hand, your
# edits count until the next "singwiz config set".
"""
NETWORKS: tuple[tuple[str, AssetKind, str], ...] = (
    ("pe", "pitch", "rmvpe"),
    ("hnsep", "separator", "vr"),
)
"""Config keys that may name a network, what its file is for, and the value that needs it."""
_CHECKSUM = re.compile(r"\(checksum ([0-9a-f]{16})\)")


def project_config(project: Project, kind: ModelKind, *, reporter: Reporter) -> Config:
    """The config that a stage of the project works with.

    It follows ``singwiz.yaml``, unless the generated file was edited by hand: then the file
    counts, and the user is told.

    Raises:
        SingwizError: the choices or the edited file make no valid config.
    """
    from ..config import changed_keys, load_config

    path = project.config_path(kind)
    if not edited_by_hand(project, kind):
        write_config(project, kind)
        config = load_config(path)
        refuse_contradictions(config, reporter=reporter)
        return config
    config = load_config(path)
    refuse_contradictions(config, reporter=reporter)
    try:
        differing = list(changed_keys(config.to_dict(), planned_config(project, kind).to_dict()))
    except SingwizError:
        differing = []
    if differing:
        reporter.warning(
            "config-edited",
            f"configs/{path.name} was edited by hand and differs from singwiz.yaml in: "
            f"{', '.join(differing)}. The file counts; 'singwiz config set' makes it anew.",
        )
    return config


def refuse_contradictions(config: Config, *, reporter: Reporter) -> None:
    """Warn of values that fit badly, and name fetched files that are used.

    Raises:
        SingwizError: values that do not fit together at all.
    """
    from ..config import check_config

    for finding in check_config(config):
        if finding.severity is Severity.ERROR:
            raise SingwizError(
                finding.code, finding.message, hint=finding.hint, where=str(finding.place)
            )
        if finding.severity is Severity.WARNING:
            reporter.warning(finding.code, finding.message)
    name_stand_ins(config, reporter)


def name_stand_ins(config: Config, reporter: Reporter) -> None:
    """Say which fetched networks are used because nothing lies where the config says."""
    for key, kind, network in NETWORKS:
        if getattr(config, key, "") != network:
            continue
        named = str(getattr(config, f"{key}_ckpt", ""))
        found = network_file(named, Path.cwd(), kind)
        if found is not None and found != Path.cwd() / named:
            reporter.log(f"{key}_ckpt: '{named}' is not there, so the fetched '{found}' is used.")


def write_config(project: Project, kind: ModelKind) -> list[str]:
    """Make the config anew from the choices in ``singwiz.yaml``.

    A file that was edited by hand is kept beside it as ``<kind>.edited.yaml``.

    Returns:
        The dotted keys whose values changed against the file that was there (all, if none was).
    """
    from ..config import changed_keys, load_config, save_config

    path = project.config_path(kind)
    before: dict[str, Any] = {}
    if path.exists():
        try:
            before = load_config(path).to_dict()
        except SingwizError:
            before = {}  # a file that cannot be read is replaced
    config = planned_config(project, kind)
    if edited_by_hand(project, kind):
        write_bytes(path.with_suffix(".edited.yaml"), path.read_bytes())
    save_config(config, path)
    body = path.read_text(encoding="utf-8")
    write_text(path, HEADER.format(checksum=_checksum(body)) + body)
    return list(changed_keys(before, config.to_dict()))


def planned_config(
    project: Project, kind: ModelKind, *, datasets: Sequence[RawDataset] | None = None
) -> Config:
    """The config that the choices in ``singwiz.yaml`` give, without writing it.

    Args:
        datasets: the project's raw datasets, if they are open already.

    Raises:
        SingwizError: the choices make no valid config.
    """
    from ..config import generate_config
    from ..dataset import RawDataset

    opened = {dataset.name: dataset for dataset in datasets or ()}
    sung = {}
    state = project.state.model_copy(deep=True)
    choice = state.models.get(kind)
    prefer_ds = bool(choice and choice.overrides.get("binarization_args.prefer_ds"))
    for recordings in state.datasets:
        # Where there is a fixed copy, the config names that one.
        recordings.raw_data_dir = str(project.raw_folder(recordings))
        known = None if prefer_ds else opened.get(recordings.name)
        dataset = known or RawDataset.open(
            recordings.raw_data_dir,
            name=recordings.name,
            speaker=recordings.speaker,
            language=recordings.language,
            prefer_ds=prefer_ds,
        )
        sung[recordings.name] = {item.name: item.ph_seq for item in dataset.items}
    return generate_config(
        state, kind, item_names=sung, sung=sung, binary_data_dir=project.binary_dir(kind)
    )


def edited_by_hand(project: Project, kind: ModelKind) -> bool:
    """Whether the generated config was changed by somebody else since."""
    path = project.config_path(kind)
    if not path.exists():
        return False
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    found = _CHECKSUM.search(text)
    if found is None:
        return True
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    return _checksum(body) != found.group(1)


def _checksum(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.startswith("#")]
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:16]
