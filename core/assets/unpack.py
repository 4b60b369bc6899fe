"""Taking files out of an archive without trusting it."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import SingwizError

MAX_FILES = 1000
MAX_BYTES = 4 << 30
MAX_RATIO = 200
"""Unpacked bytes per packed byte; weights hardly shrink, bombs do."""


def refuse_broken(path: Path, source: str) -> None:
    """Name the two commonest accidents: a web page under the file's name, and a cut-off file.

    Args:
        path: the file.
        source: where it came from, for the message.

    Raises:
        SingwizError: it is one of these.
    """
    with path.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head")):
        raise SingwizError(
            "asset-web-page",
            "This is a web page, not the file.",
            hint="Open the page of the release with a browser, download the file there, and give "
            "it to 'singwiz assets add NAME FILE'.",
            where=source,
        )
    # Checkpoints are ZIP files as well; their directory stands at the end.
    if head.startswith(b"pk\x03\x04") and not zipfile.is_zipfile(path):
        raise SingwizError(
            "archive-damaged",
            "The end of the file is missing.",
            hint="Download it again.",
            where=source,
        )


def is_archive(path: Path) -> bool:
    """True for a ZIP file whose content is not a checkpoint (those are ZIP files as well)."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return not any(PurePosixPath(name).name == "data.pkl" for name in names)


def unpack(archive_path: Path, folder: Path) -> list[Path]:
    """Extract all files of a ZIP archive into ``folder``, which must exist.

    Returns:
        The files, in the archive's order.

    Raises:
        SingwizError: the archive is damaged, far too large, or wants to write elsewhere.
    """
    try:
        with zipfile.ZipFile(archive_path) as archive:
            members = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_sizes(members, archive_path)
            return [_extract(archive, entry, folder) for entry in members]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise SingwizError(
            "archive-damaged",
            f"The archive cannot be unpacked: {error}.",
            hint="Download it again.",
            where=str(archive_path),
        ) from None


def _check_sizes(members: list[zipfile.ZipInfo], path: Path) -> None:
    total = sum(entry.file_size for entry in members)
    packed = max(1, path.stat().st_size)
    if len(members) > MAX_FILES or total > MAX_BYTES or total > MAX_RATIO * packed:
        raise SingwizError(
            "archive-too-large",
            f"The archive holds {len(members)} files of {total / 1e9:.1f} GB in all, which is not "
            "what a model looks like.",
            hint="Download it again from its own page.",
            where=str(path),
        )


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> Path:
    # Windows tools write backslashes.
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    escapes = name.is_absolute() or ".." in name.parts or ":" in name.as_posix()
    if escapes or not name.parts or kind not in (0, stat.S_IFREG):
        raise SingwizError(
            "archive-unsafe",
            f"The archive wants to write '{entry.filename}' outside of its folder.",
            hint="Do not use this file; get it from its own page.",
            where=archive.filename or "",
        )
    target = folder.joinpath(*name.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("wb") as sink:
        # The size in the directory is a claim; never write more than that.
        while left > 0 and (chunk := source.read(min(left, 1 << 20))):
            sink.write(chunk)
            left -= len(chunk)
        if left > 0 or source.read(1):
            raise zipfile.BadZipFile(f"'{entry.filename}' has another size than it claims")
    return target


def copy_into(source: Path, folder: Path) -> Path:
    """Copy one file into ``folder``."""
    target = folder / source.name
    shutil.copyfile(source, target)
    return target
