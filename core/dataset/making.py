"""Making a new raw dataset folder: all of it or nothing, and never beside the originals.

Everything is first made in a hidden folder next to the target, which then takes the target's
name. Not for changing a dataset that is there: see :mod:`.fixes`.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..atomic import write_bytes, write_text
from ..errors import USAGE_PROBLEM, SingwizError
from ..findings import Place, has_errors
from .audio import AUDIO_SUFFIXES
from .ds import write_ds
from .fixes.recipe import AudioRecipe
from .fixes.table import Table, TableRow
from .rows import check_name
from .transcriptions import FILE_NAME

ORIGIN_FILE = "origin.json"
"""Where every item of a made dataset comes from."""

_LONGEST_NAME = 120
_UNSAFE = re.compile(r"[^\w#+.-]+")


class DatasetMaker:
    """A raw dataset in the making; use it in a ``with`` block and call :meth:`finish`.

    Without :meth:`finish`, or after an exception, nothing remains.

    Attributes:
        target: folder that the dataset will have.
    """

    def __init__(self, target: Path, *, sources: Sequence[Path]) -> None:
        """Prepare making a dataset.

        Args:
            target: folder to make; may exist if it is empty.
            sources: folders with originals; the target must not be in one of them.

        Raises:
            SingwizError: the target has something in it, or lies among the originals.
        """
        self.target = Path(target).absolute()
        _check_target(self.target, sources)
        self._table = Table()
        self._taken: set[str] = set()
        self._staging = self.target.with_name(
            f".{self.target.name[:40]}.{secrets.token_hex(4)}.tmp"
        )

    def __enter__(self) -> DatasetMaker:
        try:
            self._staging.mkdir(parents=True)
            (self._staging / "wavs").mkdir()
        except OSError as error:
            raise _not_writable(self.target, error) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        if isinstance(error, OSError):
            raise _not_writable(self.target, error) from None

    def free_name(self, wanted: str) -> str:
        """A name that is allowed and not taken, as near as possible to the wanted one."""
        plain = unicodedata.normalize("NFC", wanted)
        plain = _UNSAFE.sub("_", plain).strip("_. ")[:_LONGEST_NAME] or "item"
        if has_errors(check_name(plain, Place(item=plain))):
            plain = f"item_{plain}"
        if "#" in plain and not plain.rpartition("#")[2].isdecimal():
            plain = plain.replace("#", "_")
        name, number = plain, 2
        while name.casefold() in self._taken:
            name, number = f"{plain}_{number}", number + 1
        return name

    def add(
        self,
        name: str,
        cells: Mapping[str, str],
        audio: AudioRecipe,
        *,
        ds: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Add an item: its recording first, then its row.

        Args:
            name: from :meth:`free_name`.
            cells: column -> text, without ``name``.
            audio: how the recording is made; a mere copy keeps its bytes.
            ds: segments of its DS file, if it has one.

        Raises:
            SingwizError: the original recording cannot be read.
            OSError: the target cannot be written.
        """
        self._taken.add(name.casefold())
        suffix = audio.source.suffix.lower()
        if audio.is_copy and suffix in AUDIO_SUFFIXES:
            shutil.copyfile(audio.source, self._staging / "wavs" / (name + suffix))
        else:
            kept = suffix if suffix == ".flac" else ".wav"
            audio.render(self._staging / "wavs" / (name + kept))
        if ds:
            write_ds(self._staging / "ds" / f"{name}.ds", ds)
        row = TableRow(0, [])
        self._table.rows.append(row)
        for column, text in {"name": name, **cells}.items():
            self._table.set(row, column, text)

    def finish(self, origin: Mapping[str, Any]) -> Path:
        """Write the table and give the folder its name.

        Args:
            origin: plain data saying where everything comes from.

        Raises:
            SingwizError: nothing was added.
        """
        if not self._table.rows:
            raise SingwizError(
                "nothing-usable",
                "Not a single recording with usable labels was found.",
                hint="See what is said about each file.",
            )
        width = len(self._table.columns)
        for row in self._table.rows:
            row.values += [""] * (width - len(row.values))
        write_bytes(self._staging / FILE_NAME, self._table.content())
        write_text(
            self._staging / ORIGIN_FILE,
            json.dumps(origin, ensure_ascii=False, indent=1, default=str) + "\n",
        )
        if self.target.is_dir():
            self.target.rmdir()
        self._staging.rename(self.target)
        return self.target


def _check_target(target: Path, sources: Sequence[Path]) -> None:
    try:
        real = target.resolve()
        for source in sources:
            if real.is_relative_to(source.resolve()):
                raise SingwizError(
                    "target-among-originals",
                    f"'{target}' lies among the originals in '{source}'.",
                    hint="Choose a folder outside of it; originals stay as they are.",
                    exit_code=USAGE_PROBLEM,
                )
        occupied = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_writable(target, error) from None
    if occupied:
        raise SingwizError(
            "target-not-empty",
            f"There already is something in '{target}'.",
            hint="Choose a new folder; nothing is ever overwritten.",
            exit_code=USAGE_PROBLEM,
        )


def _not_writable(target: Path, error: Exception) -> SingwizError:
    reason = getattr(error, "strerror", "") or str(error)
    return SingwizError(
        "target-not-writable",
        f"'{target}' cannot be written: {reason}.",
        hint="Choose a folder that belongs to you, with free space.",
        exit_code=USAGE_PROBLEM,
    )
