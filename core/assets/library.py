"""Where fetched files live: one folder per user, shared by all projects.

Each asset has a folder of its name with its files and ``asset.json``, which says where they came
from and on which terms; export copies that into voicebanks. ``pins.json`` remembers the checksum of
everything ever fetched, so that a file that changes on the server is noticed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .catalogue import Asset, AssetKind, find_asset, read_catalogue
from .download import download, sha256_of
from .unpack import copy_into, is_archive, refuse_broken, unpack

ENVIRONMENT = "SINGWIZ_ASSETS"
RECORD = "asset.json"
PINS = "pins.json"

Check = Callable[[Asset, Path], dict[str, object]]
"""Loads the main file and tells what it is; raises a SingwizError if it is something else."""


@dataclass(frozen=True)
class Installed:
    """An asset in the library.

    Attributes:
        name, kind, licence, attribution: as in the catalogue.
        source: address or file it came from.
        sha256: of that file.
        date: when it was added, ISO 8601.
        main: path of the weights.
        facts: what loading it told, e.g. mel parameters.
    """

    name: str
    kind: AssetKind
    licence: str
    attribution: str
    source: str
    sha256: str
    date: str
    main: Path
    facts: dict[str, object]

    def to_dict(self) -> dict[str, object]:
        """Plain data."""
        return asdict(self) | {"main": str(self.main)}


def default_folder() -> Path:
    """``SINGWIZ_ASSETS``, or the data folder that the system gives to programs."""
    named = os.environ.get(ENVIRONMENT, "")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("singwiz", appauthor=False) / "assets"


class Library:
    """The folder with everything that was fetched.

    Args:
        folder: where it is; default :func:`default_folder`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def installed(self) -> dict[str, Installed]:
        """What is there, by name, in the catalogue's order."""
        found = {name: self.get(name) for name in read_catalogue()}
        return {name: entry for name, entry in found.items() if entry is not None}

    def get(self, name: str) -> Installed | None:
        """The asset ``name``, or None if it is not there or its files are gone."""
        try:
            record = json.loads((self.folder / name / RECORD).read_text(encoding="utf-8"))
            # The record names a file, not a path.
            main = self.folder / name / Path(str(record.pop("main"))).name
            entry = Installed(main=main, **record)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry if main.is_file() else None

    def first_of(self, kind: AssetKind) -> Installed | None:
        """The best installed asset of a kind."""
        return next((entry for entry in self.installed().values() if entry.kind == kind), None)

    def fetch(
        self,
        name: str,
        *,
        url: str = "",
        check: Check | None = None,
        accept_changed: bool = False,
        reporter: Reporter | None = None,
    ) -> Installed:
        """Download an asset, verify it and put it into the library.

        Args:
            name: as in the catalogue.
            url: another address to get it from.
            check: loads the file before it is accepted.
            accept_changed: take a file whose checksum differs from the one remembered.
            reporter: receives progress, and may cancel; the next call goes on from there.

        Raises:
            SingwizError: unknown name, no download, changed content, or not what it should be.
            Cancelled: the user stopped.
        """
        asset = find_asset(name)
        address = url or asset.url
        waiting = self.folder / ".downloads"
        file_name = address.rpartition("/")[2].partition("?")[0] or f"{name}.bin"
        got = download(
            address,
            waiting / f"{name}-{file_name}",
            reporter=reporter,
            label=f"fetching {asset.title}",
        )
        expected = asset.sha256 if not url else ""
        pinned = expected or self._pins().get(address, "")
        if pinned and pinned != got.sha256 and not accept_changed:
            got.path.unlink()
            raise SingwizError(
                "asset-changed",
                "The file is not the one that was fetched from there before: its checksum is "
                f"{got.sha256[:12]}… instead of {pinned[:12]}….",
                hint="Look at the page of the release. If the change is meant, fetch it with "
                "--accept-changed.",
                where=address,
            )
        try:
            installed = self._install(asset, got.path, address, got.sha256, check, file_name)
        finally:
            got.path.unlink(missing_ok=True)
        self._pin(address, got.sha256)
        return installed

    def add(self, name: str, source: Path, *, check: Check | None = None) -> Installed:
        """Put a file that the user has into the library; the file itself is only read.

        Args:
            name: what it is, as in the catalogue.
            source: the archive, the weights (with what belongs beside them), or a folder of them.
            check: loads the file before it is accepted.

        Raises:
            SingwizError: unknown name, no such file, or not what it should be.
        """
        asset = find_asset(name)
        source = source.expanduser().absolute()
        if source.is_dir():
            source = _main_file(asset, [path for path in source.rglob("*") if path.is_file()])
        if not source.is_file():
            raise SingwizError(
                "asset-file-missing",
                f"There is no file '{source}'.",
                hint="Give the downloaded archive, or the weights.",
                exit_code=USAGE_PROBLEM,
            )
        return self._install(asset, source, str(source), sha256_of(source), check, source.name)

    def remove(self, name: str) -> bool:
        """Delete an asset's files; False if it was not there."""
        folder = self.folder / find_asset(name).name
        if not folder.is_dir():
            return False
        shutil.rmtree(folder)
        return True

    def _install(
        self,
        asset: Asset,
        file: Path,
        source: str,
        digest: str,
        check: Check | None,
        file_name: str,
    ) -> Installed:
        with self._staging() as stage:
            taken = stage / "taken"
            taken.mkdir()
            refuse_broken(file, source)
            if is_archive(file):
                main = _main_file(asset, unpack(file, taken))
            else:
                main = copy_into(file, taken)
                if main.name != file_name:
                    main = main.rename(main.with_name(file_name))
                for name in asset.beside:
                    if (file.parent / name).is_file():
                        copy_into(file.parent / name, taken)
            missing = [name for name in asset.beside if not (main.parent / name).is_file()]
            if missing:
                raise SingwizError(
                    "asset-incomplete",
                    f"'{main.name}' needs {' and '.join(missing)} beside it.",
                    hint="Use the whole archive of the release.",
                    where=source,
                )
            try:
                facts = check(asset, main) if check is not None else {}
            except SingwizError as error:
                # The place where it was looked at is gone in a moment.
                raise SingwizError(
                    error.code, error.message, hint=error.hint, where=source
                ) from error
            record = {
                "name": asset.name,
                "kind": asset.kind,
                "licence": asset.licence,
                "attribution": asset.attribution,
                "source": source,
                "sha256": digest,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "main": main.name,
                "facts": facts,
            }
            text = json.dumps(record, ensure_ascii=False, indent=1)
            (main.parent / RECORD).write_text(text, encoding="utf-8")
            self._replace(main.parent, self.folder / asset.name, stage / "old")
        installed = self.get(asset.name)
        assert installed is not None
        return installed

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stage = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        except OSError as error:
            raise SingwizError(
                "assets-not-writable",
                f"The folder for shared files cannot be written: {error.strerror or error}.",
                hint=f"Set {ENVIRONMENT} to a folder that belongs to you.",
                where=str(self.folder),
                exit_code=USAGE_PROBLEM,
            ) from None
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    @staticmethod
    def _replace(new: Path, target: Path, aside: Path) -> None:
        if target.exists():
            target.rename(aside)
        new.rename(target)

    def _pins(self) -> dict[str, str]:
        try:
            pins = json.loads((self.folder / PINS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in pins.items()} if isinstance(pins, dict) else {}

    def _pin(self, address: str, digest: str) -> None:
        pins = self._pins() | {address: digest}
        write_text(self.folder / PINS, json.dumps(pins, indent=1))


def _main_file(asset: Asset, paths: list[Path]) -> Path:
    """The weights among some files."""
    for pattern in asset.main:
        matching = sorted(path for path in paths if fnmatch(path.name, pattern))
        if matching:
            return min(matching, key=lambda path: len(path.parts))
    raise SingwizError(
        "asset-incomplete",
        f"There is no file like {' or '.join(asset.main)} in it.",
        hint="Use the archive of the release as it is.",
    )
