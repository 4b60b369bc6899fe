"""The stage that compares pitch extractors, and separators of tone and breath.

It decides nothing: it runs whatever can run on a few clips, draws, makes audible, and hands on
what :mod:`..features.compare` advises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Cancelled, SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import RawDataset
    from ..features.compare import Track
    from ..features.separation import Separator
    from ..features.telling import Choice, Clip

Array = NDArray[np.float32]

CLIPS = 3
"""Clips compared if nobody says how many."""
MOST_PICTURES = 8
"""Clips drawn and made audible, those with most disagreement; all of them are judged."""


def features_folder(project: Project) -> Path:
    """Where the comparisons of a project are."""
    return project.dataset_dir(".features")


def compare_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Compare on the recordings of a project; see :func:`compare_recordings`."""
    from .configuring import planned_config
    from .stages import open_datasets

    datasets = open_datasets(project)
    own = features_folder(project)
    output = Path(params["output"]) if params.get("output") else own
    result = compare_recordings(
        planned_config(project, "acoustic", datasets=datasets),
        datasets,
        params,
        output,
        base_dir=project.root,
        memory=project.root / "binary" / ".cache",
        reporter=reporter,
    )
    if output == own and not params.get("only") and not params.get("item"):
        # A complete comparison takes the place of older ones.
        kept = set(result["files"])
        for old in [*own.glob("*.png"), *own.glob("*.wav")]:
            if str(old) not in kept and not old.name.startswith("."):
                old.unlink(missing_ok=True)
    return result


def compare_recordings(
    config: Config,
    datasets: Sequence[RawDataset],
    params: Mapping[str, Any],
    output: Path,
    *,
    base_dir: Path,
    memory: Path | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Run every extractor and separator that can run, on the same clips.

    Args:
        config: sample rate, hop size, pitch range, and files of networks.
        datasets: opened.
        params: ``item`` (with ``dataset``), or ``all``, or ``clips`` (how many); ``only``:
            ``pitch`` or ``separation`` (of at most eight clips); ``device``.
        output: folder for pictures and sounds, or the name of a PNG.
        base_dir: where relative paths of networks start.
        memory: folder that remembers what was heard.
        reporter: receives progress and artifacts, and may cancel.

    Returns:
        ``clips``, ``noise``, ``seconds``, ``pitch`` and ``separation`` (``figures``,
        ``unavailable``, ``advice``, ``shown``; pitch also ``range``), and ``files``.

    Raises:
        SingwizError: no such recording, none can be read, or the folder cannot be written.
        Cancelled: the user stopped.
    """
    work = _Comparison(
        config, _choice(datasets, params, memory, reporter), params, output, base_dir, reporter
    )
    pitch = work.pitch() if params.get("only") != "separation" else None
    separation = work.separation() if params.get("only") != "pitch" else None
    return {
        "clips": [
            {
                "dataset": clip.dataset,
                "item": clip.item.name,
                "start": clip.start,
                "end": round(clip.start + seconds, 3),
                "why": clip.why,
            }
            for clip, seconds in zip(work.clips, work.lengths, strict=True)
        ],
        "noise": work.choice.noise,
        "seconds": round(work.choice.seconds, 3),
        **({"pitch": pitch} if pitch is not None else {}),
        **({"separation": separation} if separation is not None else {}),
        "files": [str(path) for path in work.files],
    }


def _choice(
    datasets: Sequence[RawDataset],
    params: Mapping[str, Any],
    memory: Path | None,
    reporter: Reporter,
) -> Choice:
    from ..features.telling import Choice, choose_clips, whole
    from .comparing import find_item

    if params.get("item"):
        item, dataset = find_item(params, datasets)
        return Choice((whole(dataset.name, item),), None, item.seconds)
    if params.get("all"):
        every = tuple(
            whole(dataset.name, item)
            for dataset in datasets
            for item in dataset.items
            if item.audio is not None
        )
        return Choice(every, None, sum(clip.item.seconds for clip in every))
    count = int(params.get("clips") or CLIPS)
    return choose_clips(datasets, count, memory=memory, reporter=reporter)


def _why(name: str, error: SingwizError) -> str:
    """Why something could not run; that a file is missing is no fault and said in short."""
    if error.code.endswith("-checkpoint-missing"):
        return f"its file is not here. Get it with: singwiz assets get {name}"
    return f"{error.message} {error.hint}".strip()


@dataclass
class _Progress:
    """Counts what is done over all parts of a comparison."""

    reporter: Reporter
    total: int = 0
    done: int = 0

    def step(self, label: str) -> None:
        if self.reporter.cancelled():
            raise Cancelled
        self.reporter.progress(self.done, max(self.total, self.done + 1), label)
        self.done += 1


class _Comparison:
    """One comparison: clips, and what was found in them so far."""

    def __init__(
        self,
        config: Config,
        choice: Choice,
        params: Mapping[str, Any],
        output: Path,
        base_dir: Path,
        reporter: Reporter,
    ) -> None:
        from ..config import detect_hardware

        self.config = config
        self.choice = choice
        self.base_dir = base_dir
        self.device = str(params.get("device") or "auto")
        self.gpu = self.device != "cpu" and detect_hardware() != "cpu"
        self.reporter = reporter
        self.rate, self.hop = config.audio_sample_rate, config.hop_size
        self.files: list[Path] = []
        self.limits = (config.f0_min, config.f0_max)
        self.tracks: dict[str, list[Track]] = {}
        single = output.suffix.lower() == ".png"
        self.folder = output.parent if single else output
        self.stem = output.stem if single else ""
        self.progress = _Progress(reporter, len(choice.clips) * 8)
        self.clips, self.lengths = self._readable(choice.clips)

    def _readable(self, clips: Sequence[Clip]) -> tuple[list[Clip], list[float]]:
        """The clips that can be read, and their lengths in seconds."""
        kept, lengths = [], []
        trouble: SingwizError | None = None
        for clip in clips:
            self.progress.step(f"Reading {clip.item.name}")
            try:
                lengths.append(len(self.audio_of(clip)) / self.rate)
                kept.append(clip)
            except SingwizError as error:
                trouble = error
                self.reporter.warning(error.code, error.message, clip.item.name)
        if trouble is not None and not kept:
            raise trouble
        return kept, lengths

    def audio_of(self, clip: Clip) -> Array:
        """Read a clip; every time anew, because there may be hours."""
        from ..dataset.audio import read_audio

        assert clip.item.audio is not None
        samples, _ = read_audio(clip.item.audio, self.rate)
        end = min(len(samples), round(min(clip.end, 1e6) * self.rate))
        return samples[round(clip.start * self.rate) : end]

    # Pitch ----------------------------------------------------------------------------

    def pitch(self) -> dict[str, Any]:
        from ..features.compare import judge, measure_range, recommend
        from ..models.registry import part_names

        config = self.config
        heard = measure_range(
            self._stepping("Looking for the pitch range"),
            self.rate,
            hop_size=self.hop,
            f0_min=config.f0_min,
            f0_max=config.f0_max,
        )
        self.limits = (heard.f0_min, heard.f0_max)
        unavailable: dict[str, str] = {}
        for name in part_names("pitch_extractor"):
            try:
                self.tracks[name] = self._extract(name)
            except SingwizError as error:
                unavailable[name] = _why(name, error)
        figures = judge(
            self.tracks, dt=self.hop / self.rate, f0_min=config.f0_min, f0_max=config.f0_max
        )
        advice = recommend(
            figures,
            unavailable,
            heard=heard,
            seconds=self.choice.seconds,
            noise=self.choice.noise,
            gpu=self.gpu,
        )
        return {
            "figures": [one.to_dict() for one in figures],
            "unavailable": unavailable,
            "range": heard.to_dict(),
            "advice": advice.to_dict(),
            "shown": [self._show_pitch(index) for index in self._most_telling()],
        }

    def _stepping(self, label: str) -> Iterator[Array]:
        for clip in self.clips:
            self.progress.step(f"{label}: {clip.item.name}")
            yield self.audio_of(clip)

    def _extract(self, name: str) -> list[Track]:
        from ..features.compare import run
        from ..features.pitch import pitch_extractor

        extractor = pitch_extractor(
            SimpleNamespace(
                pe=name,
                pe_ckpt=self.config.pe_ckpt,
                f0_min=self.limits[0],
                f0_max=self.limits[1],
            ),
            base_dir=self.base_dir,
            device=self.device,
        )
        return [
            run(extractor, audio, self.rate, hop_size=self.hop, warm=number > 0)
            for number, audio in enumerate(self._stepping(name))
        ]

    def _most_telling(self) -> list[int]:
        """Clips to show: in their order, those with most disagreement if there are many."""
        from ..features.compare import disagreements

        if len(self.clips) <= MOST_PICTURES or not self.tracks:
            return list(range(min(len(self.clips), MOST_PICTURES)))
        apart = [
            sum(float((codes > 1).sum()) for codes in disagreements(self._of_clip(index)).values())
            for index in range(len(self.clips))
        ]
        return sorted(sorted(range(len(self.clips)), key=lambda i: -apart[i])[:MOST_PICTURES])

    def _of_clip(self, index: int) -> dict[str, Track]:
        return {name: tracks[index] for name, tracks in self.tracks.items()}

    def _show_pitch(self, index: int) -> dict[str, Any]:
        from ..features.compare import disagreements
        from ..features.telling import REASONS
        from ..features.tone import tone
        from ..plots import plot_pitches
        from ..plots.item import labels_of
        from ..plots.sound import Sound

        clip, tracks = self.clips[index], self._of_clip(index)
        audio = self.audio_of(clip)
        self.progress.step(f"Drawing {clip.item.name}")
        codes = disagreements(tracks)
        picture = plot_pitches(
            self._file(clip, ".png"),
            Sound(audio, self.rate, labels=labels_of(clip.item), start=clip.start),
            {name: track.f0 for name, track in tracks.items()},
            codes,
            step=self.hop / self.rate,
            title=clip.item.name,
            note=REASONS[clip.why],
        )
        self._made(picture, "image", clip.item.name)
        tones = {
            name: str(
                self._write(
                    self._file(clip, f"-{name}.wav"),
                    tone(track.f0, sample_rate=self.rate, hop_size=self.hop, samples=len(audio)),
                    f"{clip.item.name}: {name}",
                )
            )
            for name, track in tracks.items()
        }
        recording = self._write(self._file(clip, ".wav"), audio, clip.item.name)
        return {
            "item": clip.item.name,
            "picture": str(picture),
            "recording": str(recording),
            "tones": tones,
            "apart": sum(int((code > 1).sum()) for code in codes.values()),
        }

    # Separation -----------------------------------------------------------------------

    def separation(self) -> dict[str, Any]:
        from ..features.compare_separation import (
            Parts,
            judge_separation,
            recommend_separation,
            separate,
        )
        from ..features.separation import separator
        from ..models.registry import part_names

        # Waveforms of tone and breath are kept until all are judged: a few have to do.
        del self.clips[MOST_PICTURES:]
        pitches = self._pitches_for_separation()
        found: dict[str, list[Parts]] = {}
        unavailable: dict[str, str] = {}
        for name in part_names("separator"):
            try:
                own: Separator = separator(
                    SimpleNamespace(
                        hnsep=name,
                        hnsep_ckpt=self.config.hnsep_ckpt,
                        fft_size=self.config.fft_size,
                    ),
                    base_dir=self.base_dir,
                    device=self.device,
                )
                found[name] = [
                    separate(
                        own,
                        audio,
                        track.f0,
                        clip.item,
                        clip.start,
                        sample_rate=self.rate,
                        hop_size=self.hop,
                    )
                    for clip, track, audio in zip(
                        self.clips, pitches, self._stepping(name), strict=False
                    )
                ]
            except SingwizError as error:
                unavailable[name] = _why(name, error)
        figures = judge_separation(found, sample_rate=self.rate, hop_size=self.hop)
        advice = recommend_separation(
            figures, unavailable, seconds=self.choice.seconds, gpu=self.gpu
        )
        shown = [
            self._show_parts(index, name, parts[index])
            for index in range(len(self.clips))
            for name, parts in found.items()
        ]
        return {
            "figures": [one.to_dict() for one in figures],
            "unavailable": unavailable,
            "advice": advice.to_dict(),
            "shown": shown,
        }

    def _pitches_for_separation(self) -> list[Track]:
        """What the config's extractor found, or what Praat finds where that one cannot run."""
        for name in (self.config.pe, "parselmouth"):
            if name in self.tracks:
                return self.tracks[name]
            try:
                return self._extract(name)
            except SingwizError:
                continue
        raise AssertionError("Praat needs no file")

    def _show_parts(self, index: int, name: str, parts: Any) -> dict[str, Any]:
        from ..plots import plot_parts
        from ..plots.item import labels_of

        clip = self.clips[index]
        self.progress.step(f"Drawing {clip.item.name}")
        picture = plot_parts(
            self._file(clip, f"-{name}.png"),
            [
                ("recording", parts.recording),
                ("tone", parts.harmonic),
                ("breath", parts.aperiodic),
            ],
            self.rate,
            start=clip.start,
            labels=labels_of(clip.item),
            title=clip.item.name,
            note=f"separated by {name}",
        )
        self._made(picture, "image", f"{clip.item.name}: {name}")
        return {
            "item": clip.item.name,
            "separator": name,
            "picture": str(picture),
            "harmonic": str(
                self._write(self._file(clip, f"-{name}-tone.wav"), parts.harmonic, f"{name}: tone")
            ),
            "aperiodic": str(
                self._write(
                    self._file(clip, f"-{name}-breath.wav"), parts.aperiodic, f"{name}: breath"
                )
            ),
        }

    # Files ----------------------------------------------------------------------------

    def _file(self, clip: Clip, ending: str) -> Path:
        from ..plots.paper import file_stem

        several = len({one.dataset for one in self.clips}) > 1
        name = file_stem(f"{clip.dataset}-{clip.item.name}" if several else clip.item.name)
        if self.stem:
            name = f"{self.stem}-{name}" if len(self.clips) > 1 else self.stem
        return self.folder / f"{name}{ending}"

    def _write(self, path: Path, samples: Array, label: str) -> Path:
        from ..dataset.audio import write_audio

        write_audio(path, samples, self.rate)
        return self._made(path, "audio", label)

    def _made(self, path: Path, kind: str, label: str) -> Path:
        self.files.append(path)
        self.reporter.artifact(kind, path, label)
        return path
