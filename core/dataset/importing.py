"""A folder of recordings with labels of another program becomes a raw dataset of its own.

Recordings are copied, labels converted, names of silence and breath replaced. Nothing is
judged or repaired beyond that: the checks do it, with the user watching.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..dictionary.files import Dictionary
from ..dictionary.kinds import PhonemeKinds
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..findings import Place
from ..reporting import Reporter
from .audio import probe_audio
from .ds import read_ds
from .fixes.recipe import AudioRecipe
from .labels.files import read_label_file, read_text
from .labels.lab import Unit
from .labels.model import Label, Tier
from .labels.sequence import SILENCE_SYMBOLS, seconds_text, sequence_of
from .labels.utau import read_voicebank
from .labels.v1 import read_v1
from .making import DatasetMaker
from .material import FORMATS, Material, find_material
from .rows import read_numbers
from .sample_labels import SampleLabels
from .transcriptions import FILE_NAME
from .words import phonemes_per_word, phonemes_per_word_with_liquids

_DS_COLUMNS = ("ph_num", "note_seq", "note_dur", "note_slur", "note_glide")


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    Attributes:
        format: one of :data:`~.material.FORMATS`; empty = found out.
        labels: folder with the labels, if they are not with the recordings.
        symbols: old name -> new name.
        tier: name of the TextGrid tier with phonemes; empty = found out.
        words_tier: name of the tier with spoken words; empty = found out.
        unit: of the times in ``.lab`` files; None = found out.
        language: of the phonemes.
        kinds: vowels and consonants; fills ``ph_num`` if given.
        dictionary: what the aliases of an UTAU voicebank are made of.
    """

    format: str = ""
    labels: Path | None = None
    symbols: Mapping[str, str] = field(default_factory=lambda: SILENCE_SYMBOLS)
    tier: str = ""
    words_tier: str = ""
    unit: Unit | None = None
    language: str = ""
    kinds: PhonemeKinds | None = None
    dictionary: Dictionary | None = None


@dataclass
class ImportReport:
    """What was imported.

    Attributes:
        target: the new folder.
        format: of the labels.
        items: number of items.
        seconds: length of their recordings.
        replaced: old name -> how often it was replaced.
        symbols: phoneme -> how often it occurs.
        filled: stretches without label that became silence.
        skipped: file -> why it was left out.
        unlabelled: recordings without labels, as paths below the source.
        renamed: new name -> old one, where a name could not be kept.
        remarks: sentences worth reading.
    """

    target: Path
    format: str
    items: int = 0
    seconds: float = 0.0
    replaced: Counter[str] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "target": str(self.target),
            "format": self.format,
            "items": self.items,
            "seconds": round(self.seconds, 3),
            "replaced": dict(self.replaced),
            "symbols": dict(sorted(self.symbols.items())),
            "filled": self.filled,
            "skipped": self.skipped,
            "unlabelled": self.unlabelled,
            "renamed": self.renamed,
            "remarks": self.remarks,
        }


def import_folder(
    source: Path,
    target: Path,
    options: ImportOptions | None = None,
    *,
    reporter: Reporter | None = None,
) -> ImportReport:
    """Make a raw dataset of a folder of recordings and labels; the folder stays as it is.

    Args:
        source: folder with recordings, searched with its sub-folders.
        target: folder to make, outside of the source.
        options: see :class:`ImportOptions`.
        reporter: receives progress, and may cancel.

    Raises:
        SingwizError: nothing usable was found, or the target cannot be used.
        Cancelled: the user stopped; nothing remains.
    """
    options = options or ImportOptions()
    material = find_material(source, options.labels)
    format = options.format or _choose_format(material)
    if format not in FORMATS:
        raise SingwizError(
            "format-unknown",
            f"There is no form of labels called '{format}'.",
            hint=f"Use one of: {', '.join(FORMATS)}.",
            exit_code=USAGE_PROBLEM,
        )
    report = ImportReport(Path(target).absolute(), format)
    sources = [material.source, *([options.labels] if options.labels else [])]
    with DatasetMaker(report.target, sources=sources) as maker:
        work = _Import(material, options, report, maker, reporter or Reporter())
        work.run()
        if not report.items:
            raise _nothing_usable(report)
        maker.finish(
            {"made": "import", "source": str(source), "format": format, "items": work.origin}
        )
    return report


def _nothing_usable(report: ImportReport) -> SingwizError:
    reasons = Counter(report.skipped.values()).most_common(3)
    said = "; ".join(f"{count} × {reason.rstrip('.')}" for reason, count in reasons)
    return SingwizError(
        "nothing-usable",
        f"Not a single recording with usable labels was found: {said}."
        if said
        else "Not a single recording with usable labels was found.",
        hint="Labels and recordings belong together by their file names.",
    )


def _choose_format(material: Material) -> str:
    format = material.best_format()
    if material.has_table:
        raise SingwizError(
            "already-a-dataset",
            f"'{material.source}' already has a {FILE_NAME}, there is nothing to import.",
            hint="Use the folder as it is, or say which labels to import instead.",
            exit_code=USAGE_PROBLEM,
        )
    if not format:
        raise SingwizError(
            "no-labels",
            f"No labels were found in '{material.source}', but {len(material.audio)} recordings."
            if material.audio
            else f"Neither recordings nor labels were found in '{material.source}'.",
            hint="Labels can be .lab, TextGrid, Audacity label tracks (.txt), .ds, "
            "transcriptions.txt, or the oto.ini of an UTAU voicebank.",
            exit_code=USAGE_PROBLEM,
        )
    return format


@dataclass
class _Import:
    """One import under way."""

    material: Material
    options: ImportOptions
    report: ImportReport
    maker: DatasetMaker
    reporter: Reporter
    origin: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        if self.report.format == "v1":
            self._each(self.material.labels.get("v1", []), self._v1)
        elif self.report.format == "utau":
            self._utau()
        else:
            for pair in self.material.pairs(self.report.format):
                if pair.audio is None:
                    self.report.skipped[self._short(pair.labels)] = pair.trouble
            pairs = {
                pair.labels: pair.audio
                for pair in self.material.pairs(self.report.format)
                if pair.audio is not None
            }
            make = self._ds if self.report.format == "ds" else self._timed
            self._each(list(pairs), lambda labels: make(labels, pairs[labels]))
            unused = self.material.unlabelled(self.report.format)
            self.report.unlabelled = [self._short(audio) for audio in unused]

    def _each(self, files: Sequence[Path], make: Callable[[Path], None]) -> None:
        for number, file in enumerate(files):
            if self.reporter.cancelled():
                raise Cancelled
            self.reporter.progress(number, len(files), f"Importing {file.name}")
            try:
                make(file)
            except SingwizError as error:
                line = error.where.rpartition(":")[2]
                place = f"line {line}: " if line.isdecimal() else ""
                self.report.skipped[self._short(file)] = place + error.message
        self.reporter.progress(len(files), len(files), "Done")

    def _short(self, path: Path) -> str:
        for folder in (self.material.source, self.options.labels):
            if folder is not None and path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return str(path)

    def _add(
        self,
        wanted: str,
        cells: dict[str, str],
        audio: AudioRecipe,
        seconds: float,
        labels: Path,
        *,
        ds: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        name = self.maker.free_name(wanted)
        self.maker.add(name, cells, audio, ds=ds)
        if name != wanted:
            self.report.renamed[name] = wanted
        self.origin[name] = {"audio": self._short(audio.source), "labels": self._short(labels)}
        self.report.items += 1
        self.report.seconds += seconds
        self.report.symbols.update(cells["ph_seq"].split())

    # One file of labels per recording --------------------------------------------------

    def _timed(self, labels: Path, audio: Path) -> None:
        seconds = probe_audio(audio).seconds
        read = read_label_file(
            labels, format=self.report.format, unit=self.options.unit, seconds=seconds
        )
        tier = read.phones(self.options.tier)
        words = read.words(self.options.words_tier)
        found = sequence_of(tier.labels, seconds=seconds, symbols=self.options.symbols)
        self.report.replaced.update(found.replaced)
        self.report.filled += len(found.filled)
        cells = {"ph_seq": " ".join(found.ph_seq), "ph_dur": seconds_text(found.ph_dur)}
        self._fill_words(
            labels, cells, found.ph_seq, found.ph_dur, words if words is not tier else None
        )
        self._add(labels.stem, cells, AudioRecipe(audio), seconds, labels)

    def _fill_words(
        self,
        labels: Path,
        cells: dict[str, str],
        ph_seq: Sequence[str],
        ph_dur: Sequence[float],
        words: Tier | None,
    ) -> None:
        kinds = self.options.kinds
        if kinds is None:
            return
        by_language = {self.options.language: kinds}
        try:
            if words is not None and kinds.liquids:
                sizes = _word_sizes(ph_dur, words.labels)
                ph_num = phonemes_per_word_with_liquids(
                    ph_seq, sizes, by_language, self.options.language
                )
            else:
                ph_num = phonemes_per_word(ph_seq, by_language, self.options.language)
        except SingwizError as error:
            self.report.remarks.append(f"{labels.stem} has no ph_num: {error.message}")
            cells["ph_num"] = ""
        else:
            cells["ph_num"] = " ".join(map(str, ph_num))

    # Lists and songs -------------------------------------------------------------------

    def _v1(self, file: Path) -> None:
        rows, wrong = read_v1(read_text(file))
        for line, what in wrong:
            self.report.skipped[f"{self._short(file)}:{line}"] = what
        by_stem = {audio.stem: audio for audio in reversed(self.material.audio)}
        for row in rows:
            audio = by_stem.get(row.name)
            place = f"{self._short(file)}:{row.line}"
            if audio is None:
                self.report.skipped[place] = f"there is no recording '{row.name}'"
                continue
            try:
                seconds = probe_audio(audio).seconds
            except SingwizError as error:
                self.report.skipped[place] = error.message
                continue
            cells = {"ph_seq": self._replaced(row.ph_seq), "ph_dur": " ".join(row.ph_dur.split())}
            self._fill_words(Path(row.name), cells, cells["ph_seq"].split(), (), None)
            self._add(row.name, cells, AudioRecipe(audio), seconds, file)

    def _ds(self, file: Path, audio: Path) -> None:
        segments = read_ds(file)
        whole = probe_audio(audio).seconds
        for number, original in enumerate(segments):
            segment = dict(original)
            place = f"{self._short(file)}#{number}"
            ph_seq, ph_dur = (segment.get(key) for key in ("ph_seq", "ph_dur"))
            if not isinstance(ph_seq, str) or not isinstance(ph_dur, str):
                self.report.skipped[place] = "it has no phonemes with durations"
                continue
            durations, finding = read_numbers("ph_dur", ph_dur, Place(item=place))
            if finding or not durations:
                self.report.skipped[place] = finding.message if finding else "it has no durations"
                continue
            segment["ph_seq"] = self._replaced(ph_seq)
            cells = {"ph_seq": segment["ph_seq"], "ph_dur": ph_dur} | {
                column: str(segment[column]) for column in _DS_COLUMNS if column in segment
            }
            start, recipe, seconds = 0.0, AudioRecipe(audio), whole
            # A phrase on its own keeps the offset it had in its song.
            if len(segments) > 1 or 0 < _offset(segment) < whole - sum(durations) + 0.5:
                start = _offset(segment)
                seconds = min(start + sum(durations), whole) - start
                if start < 0 or seconds <= 0:
                    self.report.skipped[place] = "it begins after the end of the recording"
                    continue
                recipe = recipe.cut(start=start, end=start + seconds)
                segment["offset"] = 0
            name = file.stem if len(segments) == 1 else f"{file.stem}_{number:03d}"
            self._add(name, cells, recipe, seconds, file, ds=[segment])

    def _replaced(self, ph_seq: str) -> str:
        """Phonemes with other programs' names of silence replaced."""
        tokens = ph_seq.split()
        self.report.replaced.update(t for t in tokens if t in self.options.symbols)
        return " ".join(self.options.symbols.get(token, token) for token in tokens)

    # UTAU ------------------------------------------------------------------------------

    def _utau(self) -> None:
        bank = read_voicebank(self.options.labels or self.material.source)
        self.report.remarks += bank.explain()
        dictionary = self.options.dictionary
        if dictionary is None:
            raise SingwizError(
                "utau-needs-dictionary",
                " ".join(bank.explain()),
                hint="Give the dictionary that has its syllables (for Japanese: japanese-romaji) "
                "to make rough labels of it.",
                exit_code=USAGE_PROBLEM,
            )
        for oto, line, what in bank.wrong:
            self.report.skipped[f"{self._short(oto)}:{line}"] = what
        self.report.skipped |= dict.fromkeys(bank.missing, "the sample is not there")
        self.report.unlabelled = list(bank.unlisted)
        samples = dict(bank.samples())

        def make(sample: Path) -> None:
            made = SampleLabels.of(sample, samples[sample], dictionary)
            cells = {"ph_seq": " ".join(made.ph_seq), "ph_dur": seconds_text(made.ph_dur)}
            self._fill_words(sample, cells, made.ph_seq, made.ph_dur, None)
            folder = sample.parent.relative_to(bank.root).as_posix()
            name = sample.stem if len(bank.entries) == 1 else f"{folder}_{sample.stem}"
            self._add(name, cells, made.audio, made.seconds, sample.parent / "oto.ini")

        self._each(list(samples), make)


def _word_sizes(ph_dur: Sequence[float], words: Sequence[Label]) -> list[int]:
    """Phonemes per spoken word by their middles; phonemes outside of words stand alone."""
    sizes: list[int] = []
    current: int | None = None
    at = 0.0
    for seconds in ph_dur:
        middle = at + seconds / 2
        at += seconds
        word = next((k for k, w in enumerate(words) if w.start <= middle < w.end), None)
        if word is not None and word == current:
            sizes[-1] += 1
        else:
            sizes.append(1)
        current = word
    return sizes


def _offset(segment: Mapping[str, Any]) -> float:
    value = segment.get("offset", 0)
    return float(value) if isinstance(value, int | float) and abs(value) < 1e6 else -1.0
