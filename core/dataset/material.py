"""What lies in a folder that somebody brings: recordings, labels, and which belong together.

Looks at names and at the first lines of files; opens no recording and follows no links.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..dictionary.text_files import decode_text
from ..errors import USAGE_PROBLEM, SingwizError
from .audio import AUDIO_SUFFIXES
from .labels.files import recognise
from .labels.utau import OTO_FILE
from .labels.v1 import FILE_NAME as V1_FILE
from .raw import OTHER_AUDIO
from .transcriptions import FILE_NAME

FORMATS = ("lab", "textgrid", "audacity", "ds", "v1", "utau")
"""Forms of labels that can be imported, the likeliest first."""

_MAX_DEPTH = 5
_MAX_FILES = 200_000
_HEAD = 4096
_SNIFFED = (".lab", ".txt", ".label", ".phn", ".textgrid")


@dataclass(frozen=True, slots=True)
class Pair:
    """A file of labels and the recording it is for; None if there is none."""

    labels: Path
    audio: Path | None
    trouble: str = ""


@dataclass
class Material:
    """What was found.

    Attributes:
        source: the folder.
        audio: recordings.
        labels: format -> files with labels.
        has_table: there is a transcriptions.csv, so nothing has to be imported.
    """

    source: Path
    audio: list[Path] = field(default_factory=list)
    labels: dict[str, list[Path]] = field(default_factory=dict)
    has_table: bool = False

    def best_format(self) -> str:
        """The format with the most labels that have a recording; empty if there is none."""
        usable = {
            name: sum(pair.audio is not None for pair in self.pairs(name)) or 0
            for name in FORMATS
            if name not in ("v1", "utau") and self.labels.get(name)
        }
        best = max(usable, key=lambda name: usable[name], default="")
        if best and usable[best]:
            return best
        for name in ("v1", "utau"):
            if self.labels.get(name):
                return name
        return best

    def pairs(self, format: str) -> list[Pair]:
        """Every file of labels with its recording: of the same name, in the nearest folder."""
        by_stem: dict[str, list[Path]] = {}
        for audio in self.audio:
            by_stem.setdefault(_key(audio.stem), []).append(audio)
        return [_pair(labels, by_stem) for labels in self.labels.get(format, [])]

    def unlabelled(self, format: str) -> list[Path]:
        """Recordings that no labels of this format are for."""
        used = {pair.audio for pair in self.pairs(format)}
        return [audio for audio in self.audio if audio not in used]


def find_material(source: Path, labels: Path | None = None) -> Material:
    """Look through a folder and its sub-folders.

    Args:
        source: folder with recordings, and with labels unless ``labels`` is given.
        labels: another folder with labels.

    Raises:
        SingwizError: a folder does not exist, cannot be read, or is far too large.
    """
    source = Path(source)
    found = Material(source)
    for path in _files(source):
        if path.suffix.lower() in (*AUDIO_SUFFIXES, *OTHER_AUDIO):
            found.audio.append(path)
        elif labels is None:
            _add_labels(found, path)
    if labels is not None:
        for path in _files(Path(labels)):
            _add_labels(found, path)
    found.has_table = (source / FILE_NAME).is_file()
    return found


def _files(folder: Path) -> Iterator[Path]:
    try:
        if not folder.is_dir():
            raise SingwizError(
                "source-missing",
                f"The folder '{folder}' does not exist.",
                hint="Choose the folder with the recordings.",
                exit_code=USAGE_PROBLEM,
            )
        # Fails early where os.walk would silently find nothing.
        next(folder.iterdir(), None)
    except (OSError, ValueError) as error:
        raise SingwizError(
            "source-unreadable",
            f"The folder '{folder}' cannot be read: {getattr(error, 'strerror', '') or error}.",
            hint="Check that you may read it.",
            exit_code=USAGE_PROBLEM,
        ) from None
    count = 0
    for here, folders, files in os.walk(folder, followlinks=False):
        depth = len(Path(here).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if depth >= _MAX_DEPTH:
            folders.clear()
        for name in sorted(files):
            count += 1
            if count > _MAX_FILES:
                raise SingwizError(
                    "source-too-large",
                    f"'{folder}' has more than {_MAX_FILES} files.",
                    hint="Choose the folder with the recordings, not one far above it.",
                    exit_code=USAGE_PROBLEM,
                )
            if not name.startswith("."):
                yield Path(here) / name


def _add_labels(found: Material, path: Path) -> None:
    format = _format(path)
    if format:
        found.labels.setdefault(format, []).append(path)


def _format(path: Path) -> str:
    name, suffix = path.name.lower(), path.suffix.lower()
    if name == OTO_FILE:
        return "utau"
    if suffix == ".ds":
        return "ds"
    if suffix not in _SNIFFED:
        return ""
    try:
        with path.open("rb") as handle:
            head = decode_text(handle.read(_HEAD)).text
    except OSError:
        return ""
    format = recognise(path, head)
    if format == "v1" and name != V1_FILE:
        return ""
    # A .lab without times is somebody's lyrics, but it is better to say so than to be silent.
    return format or ("lab" if suffix == ".lab" else "")


def _pair(labels: Path, by_stem: dict[str, list[Path]]) -> Pair:
    alike = by_stem.get(_key(labels.stem), [])
    if not alike:
        return Pair(labels, None, "there is no recording of that name")
    here = [audio for audio in alike if audio.parent == labels.parent]
    candidates = here or alike
    folders = Counter(audio.parent for audio in candidates)
    if len(folders) > 1:
        return Pair(labels, None, "there are several recordings of that name")
    order = (*AUDIO_SUFFIXES, *OTHER_AUDIO)
    return Pair(labels, min(candidates, key=lambda audio: order.index(audio.suffix.lower())))


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem).casefold()
