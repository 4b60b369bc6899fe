"""A raw dataset: the folder a user keeps, with ``transcriptions.csv`` and ``wavs/``.

Opening reads labels and matches them with files; it never raises for broken content, never
opens a recording, and never writes. What is broken is in ``findings`` and not in ``items``.
A fixed copy (see :mod:`.overlay`) is opened the same way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import SingwizError
from ..findings import Finding, Place, Severity
from .audio import AUDIO_SUFFIXES
from .checks.rules import report, some
from .checks.voicebank import check_voicebank
from .overlay import (
    OVERLAY_FILE,
    OVERLAY_RULES,
    Overlay,
    file_sha256,
    list_folder,
    read_overlay,
)
from .rows import check_name, read_labels
from .segments import DsFolder, Segment, labels_of
from .transcriptions import FILE_NAME, REQUIRED, Row, read_transcriptions

LABEL_SUFFIXES = (".lab", ".textgrid", ".htk", ".ust", ".ustx", ".musicxml")
OTHER_AUDIO = (".mp3", ".m4a", ".ogg", ".opus", ".aac", ".wma", ".aif", ".aiff", ".mp4")
_SPREADSHEET_NUMBER = re.compile(r"^\d+(\.0+)?$|^\d(\.\d+)?[eE]\+?\d+$")


@dataclass(frozen=True, slots=True)
class Item:
    """A usable row.

    Attributes:
        name: stem of the recording's file name.
        line: line of transcriptions.csv, from 1.
        ph_seq: phonemes as written, ``lang/name`` for foreign ones.
        ph_dur: seconds per phoneme.
        cells: all columns as text; with ``prefer_ds`` those of its DS segment count first.
        audio: the recording; None only for an item whose pitch is in its DS segment.
        segment: its part of a DS file, if those were asked for.
    """

    name: str
    line: int
    ph_seq: tuple[str, ...]
    ph_dur: tuple[float, ...]
    cells: Mapping[str, str]
    audio: Path | None
    segment: Segment | None = None

    @property
    def seconds(self) -> float:
        """Length according to the labels."""
        return sum(self.ph_dur)


@dataclass
class RawDataset:
    """An opened raw dataset.

    Attributes:
        name: short name inside the project.
        root: the folder.
        speaker: name of the singer.
        language: of phonemes without prefix.
        items: usable rows, in file order.
        findings: problems of folder, file, columns, names and numbers.
        rows: number of rows, broken ones included.
        listed: names of all rows, broken ones included.
        files: names of the files in ``wavs``, sorted.
        overlay: what a fixed copy is based on; None for an ordinary folder.
    """

    name: str
    root: Path
    speaker: str
    language: str
    items: list[Item] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    listed: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    overlay: Overlay | None = None
    _recordings: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        raw_data_dir: Path | str,
        *,
        name: str,
        speaker: str,
        language: str,
        prefer_ds: bool = False,
    ) -> RawDataset:
        """Read the labels and find the recordings.

        Args:
            raw_data_dir: folder with transcriptions.csv and wavs.
            name: short name of the dataset; appears in findings.
            speaker: name of the singer.
            language: key of the dictionary for phonemes without prefix.
            prefer_ds: what DS files say counts before the columns, and an item whose DS
                segment has a pitch curve needs no recording; only ``name`` is a must.
        """
        dataset = cls(name, Path(raw_data_dir), speaker, language)
        if not dataset._open_overlay():
            return dataset
        found = dataset._find_transcriptions()
        if found is None:
            return dataset
        files = DsFolder(dataset.list_ds() if prefer_ds else {})
        transcriptions = read_transcriptions(found, required=("name",) if files else REQUIRED)
        dataset.findings += [_in_dataset(f, name) for f in transcriptions.findings]
        dataset.rows = len(transcriptions.rows)
        has_wavs = dataset._list_wavs(needed=not files)
        _ItemReader(dataset, has_wavs, files).read(transcriptions.rows)
        return dataset

    @property
    def wavs(self) -> Path:
        """The folder of the recordings."""
        return self.root / "wavs"

    def recording(self, file: str) -> Path:
        """Where one of ``files`` is: in an overlay most of them are in the base."""
        return self._recordings.get(file, self.wavs / file)

    def list_ds(self) -> dict[str, Path]:
        """The DS files by name, e.g. ``song.ds``; empty if there are none."""
        try:
            files = list_folder(self.root, "ds", self.overlay)
        except OSError:
            return {}
        return {name: path for name, path in files.items() if name.lower().endswith(".ds")}

    def place(self, item: str = "", line: int | None = None, *, file: str = FILE_NAME) -> Place:
        """A place in this dataset."""
        return Place(dataset=self.name, item=item, file=file, line=line)

    def report(self, code: str, message: str, place: Place, *, hint: str | None = None) -> None:
        """Add a finding."""
        self.findings.append(report(code, message, place, hint=hint))

    # Folder ----------------------------------------------------------------------------

    def _open_overlay(self) -> bool:
        """Notice a fixed copy; False if it cannot be used."""
        try:
            self.overlay = read_overlay(self.root)
            if self.overlay is None:
                return True
            if not self.overlay.base.is_dir():
                base = self.overlay.base
                message = f"The recordings folder '{base}' does not exist."
                self.report("raw-folder-missing", message, self.place(file=str(base)))
                return False
            if file_sha256(self.overlay.base / FILE_NAME) != self.overlay.base_csv:
                rule = OVERLAY_RULES["overlay-base-changed"]
                message = (
                    f"{FILE_NAME} in '{self.overlay.base}' was changed after the fixed copy was "
                    "made."
                )
                self.findings.append(rule.finding(message, self.place(file=OVERLAY_FILE)))
        except SingwizError as error:
            place = self.place(file=error.where)
            self.findings.append(OVERLAY_RULES["overlay-broken"].finding(error.message, place))
            return False
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", "") or str(error)
            message = f"The folder '{self.root}' cannot be read: {reason}."
            self.report("raw-folder-missing", message, self.place(file=str(self.root)))
            return False
        return True

    def _find_transcriptions(self) -> Path | None:
        place = Place(dataset=self.name, file=str(self.root))
        try:
            if not self.root.is_dir():
                self._report_no_folder(place)
                return None
            direct = self.root / FILE_NAME
            if direct.exists():
                return direct
            self._report_no_transcriptions(place)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", "") or str(error)
            message = f"The folder '{self.root}' cannot be read: {reason}."
            self.report("raw-folder-missing", message, place)
        return None

    def _report_no_folder(self, place: Place) -> None:
        if self.root.is_file():
            message = f"'{self.root.name}' is a file, not a folder."
            hint = f"Choose its folder: {self.root.parent}"
            self.report("raw-folder-wrong", message, place, hint=hint)
        else:
            message = f"The recordings folder '{self.root}' does not exist."
            self.report("raw-folder-missing", message, place)

    def _report_no_transcriptions(self, place: Place) -> None:
        children = sorted(self.root.iterdir())
        parent = self.root.absolute().parent
        misnamed = [child.name for child in children if child.name.lower() == FILE_NAME]
        near = [child for child in children if (child / FILE_NAME).is_file()]
        if misnamed:
            message = f"'{misnamed[0]}' should be named '{FILE_NAME}', in small letters."
            self.report("transcriptions-missing", message, place, hint="Rename the file.")
        elif near:
            message = f"The recordings are not in '{self.root.name}' but in '{near[0].name}'."
            hint = f"Choose the folder: {near[0]}"
            self.report("raw-folder-wrong", message, place, hint=hint)
        elif (parent / FILE_NAME).is_file():
            message = f"'{self.root.name}' is only a part of the recordings folder."
            self.report("raw-folder-wrong", message, place, hint=f"Choose the folder: {parent}")
        elif voicebank := check_voicebank(self.root, children, place):
            self.findings += voicebank
        else:
            labels = self._other_labels(children)
            if labels:
                message = f"There is no {FILE_NAME}, but labels in another form: {some(labels)}."
                self.report("labels-not-converted", message, place)
            else:
                message = f"The folder '{self.root}' has no {FILE_NAME}."
                self.report("transcriptions-missing", message, place)

    def _other_labels(self, children: list[Path]) -> list[str]:
        names = ["transcriptions.txt"] if (self.root / "transcriptions.txt").is_file() else []
        for folder in (self.root, *(child for child in children if child.is_dir())):
            names += sorted(
                file.name
                for file in folder.iterdir()
                if file.suffix.lower() in LABEL_SUFFIXES and file.is_file()
            )
        return names

    def _list_wavs(self, *, needed: bool) -> bool:
        """Fill ``files``; False if there is no such folder although one is needed."""
        try:
            self._recordings = list_folder(self.root, "wavs", self.overlay)
            self.files = tuple(self._recordings)
            return True
        except OSError as error:
            if not needed and not self.wavs.exists():
                return True
            reason = error.strerror or str(error)
            message = f"There is no folder 'wavs' beside {FILE_NAME}."
            if self.wavs.exists():
                message = f"The folder 'wavs' cannot be read: {reason}."
            self.report("wavs-missing", message, self.place(file="wavs"))
            return False


class _ItemReader:
    """Turns rows into items, and says why the others cannot be used."""

    def __init__(self, dataset: RawDataset, has_wavs: bool, ds_files: DsFolder) -> None:
        self.dataset = dataset
        self.has_wavs = has_wavs
        self.ds_files = ds_files
        self.files = frozenset(dataset.files)
        self.line_of: dict[str, int] = {}
        self.folded: dict[str, str] = {}
        # File names as a forgiving search key -> real names, for advice only.
        self.similar: dict[str, list[str]] = {}
        self.unpadded: dict[str, list[str]] = {}
        for file in dataset.files:
            self.similar.setdefault(_loose(file), []).append(file)
            stem, _, suffix = file.rpartition(".")
            if f".{suffix}" in AUDIO_SUFFIXES and stem.isdecimal():
                self.unpadded.setdefault(stem.lstrip("0"), []).append(stem)

    def read(self, rows: list[Row]) -> None:
        for row in rows:
            name = row.cells.get("name", "")
            # A whole swallowed paragraph can stand where the name should be.
            place = self.dataset.place(name[:200], row.line)
            if not name.strip():
                self.dataset.report("cell-empty", f"Line {row.line} has no name.", place)
                continue
            findings = self._check_name(name, place)
            usable = not findings or all(f.severity != "error" for f in findings)
            segment, faults = self._find_segment(name, place)
            cells = row.cells | labels_of(segment) if segment else row.cells
            ph_seq, ph_dur, more = read_labels(cells, place)
            faults += more if not faults else []
            self.dataset.findings += findings + faults
            audio = self._find_audio(name, place, segment) if usable else None
            pitched = segment is not None and segment.get("f0_seq") is not None
            if usable and not faults and (audio is not None or pitched):
                item = Item(name, row.line, ph_seq, ph_dur, cells, audio, segment)
                self.dataset.items.append(item)
        self.dataset.listed = frozenset(self.line_of)

    def _check_name(self, name: str, place: Place) -> list[Finding]:
        findings = check_name(name, place)
        first = self.line_of.setdefault(name, place.line or 0)
        if first != place.line:
            message = f"The name '{place.item}' is used in lines {first} and {place.line}."
            return [*findings, report("name-duplicate", message, place)]
        twin = self.folded.setdefault(name.casefold(), name)
        if twin != name:
            message = f"The names '{twin}' and '{name}' differ only in upper and lower case."
            findings.append(report("name-case-duplicate", message, place))
        return findings

    def _find_segment(self, name: str, place: Place) -> tuple[Segment | None, list[Finding]]:
        try:
            return self.ds_files.segment(name), []
        except SingwizError as error:
            code = "ds-index" if error.code == "ds-index" else "ds-invalid"
            fault = report(
                code, error.message, place, severity=Severity.ERROR, hint=error.hint or None
            )
            return None, [fault]

    def _find_audio(self, name: str, place: Place, segment: Segment | None) -> Path | None:
        for suffix in AUDIO_SUFFIXES:
            if name + suffix in self.files:
                return self.dataset.recording(name + suffix)
        if segment is not None:
            if segment.get("f0_seq") is None:
                message = (
                    f"'f0_seq' of item '{name}' is neither in its DS file nor extractable "
                    "(no audio)."
                )
                self.dataset.findings.append(report("audio-missing", message, place))
        elif self.has_wavs:
            self.dataset.findings.append(self._why_missing(name, place))
        return None

    def _why_missing(self, name: str, place: Place) -> Finding:
        if name in self.files and name.lower().endswith(AUDIO_SUFFIXES):
            return report(
                "name-extension", f"The name '{name}' contains the file's extension.", place
            )
        restored = self._restored(name)
        if restored:
            message = f"The name '{name}' looks changed by a spreadsheet program."
            hint = f"The recording is called '{restored}'; restore that name."
            return report("name-mangled", message, place, hint=hint)
        alike = self._files_like(name, AUDIO_SUFFIXES)
        if alike:
            message = f"'{name}' has no recording of exactly this name, but there is '{alike[0]}'."
            hint = "File names must agree in upper and lower case, accents and extension."
            return report("audio-missing", message, place, hint=hint)
        other = self._files_like(name, OTHER_AUDIO)
        if other:
            message = f"The recording of '{name}' is '{other[0]}', which cannot be used as it is."
            return report("audio-other-format", message, place)
        message = f"There is no recording '{name}.wav' or '{name}.flac' in 'wavs'."
        return report("audio-missing", message, place)

    def _files_like(self, name: str, suffixes: tuple[str, ...]) -> list[str]:
        return [file for suffix in suffixes for file in self.similar.get(_loose(name + suffix), ())]

    def _restored(self, name: str) -> str | None:
        """The stem a spreadsheet turned into this number: ``00001`` -> ``1`` or ``1.0``."""
        if not _SPREADSHEET_NUMBER.match(name):
            return None
        try:
            number = float(name)
            stem = str(int(number)) if number.is_integer() else ""
        except (OverflowError, ValueError):
            return None
        matches = self.unpadded.get(stem.lstrip("0"), ()) if stem else ()
        return next((match for match in matches if match != name), None)


def _loose(file: str) -> str:
    """File name without differences of case and Unicode form."""
    return unicodedata.normalize("NFC", file).casefold()


def _in_dataset(finding: Finding, dataset: str) -> Finding:
    return replace(finding, place=replace(finding.place, dataset=dataset))
