"""Which vocoder a project is heard through, and the stage that compares several on recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import Item, RawDataset
    from ..synthesis.copy_synthesis import Copies
    from ..synthesis.vocoder import Vocoder

GOOD_SECONDS = (3.0, 12.0)
"""A recording this long is enough to judge a vocoder by, and quickly heard."""


def chosen_vocoder(project: Project) -> str:
    """The vocoder that was chosen for the project: a path or ``preview``; empty if none was, so
    that the config of a voice decides."""
    from ..synthesis.vocoder import PREVIEW

    choice = project.state.models.get("acoustic")
    overrides = {**project.state.overrides, **(choice.overrides if choice else {})}
    chosen = overrides.get("vocoder_ckpt")
    return "" if chosen is None else str(chosen).strip() or PREVIEW


def project_vocoder(project: Project) -> str:
    """What the project's voice is heard through now: a path that exists, or ``preview``.

    Raises:
        SingwizError: the config was edited into something that cannot be read.
    """
    from ..assets import network_file
    from ..synthesis.vocoder import PREVIEW

    named = chosen_vocoder(project) or _config(project).vocoder_ckpt
    if not named or named == PREVIEW:
        return PREVIEW
    path = network_file(named, Path.cwd(), "vocoder")
    return PREVIEW if path is None else str(path)


def compare_vocoders(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Send recordings through several vocoders; write what each makes of them, and pictures.

    Args:
        params: ``vocoders``, a list of files, folders or ``preview`` (default: the preview and
            the project's own); ``items``, pairs of dataset and recording, or ``item`` and
            ``dataset``; ``device``, ``trust_vocoder``.

    Returns:
        ``item``, ``recording`` (WAV), ``spectrogram``, and ``copies``: for each vocoder
        ``vocoder``, ``file``, ``wav``, ``preview`` and ``figures``. For several recordings that
        is the first one, ``clips`` has all of them, and ``means`` the mean figures per vocoder.

    Raises:
        SingwizError: a vocoder or a recording cannot be used.
    """
    from ..device import choose_device
    from ..synthesis.vocoder import PREVIEW, VocoderChoice, load_vocoder
    from .comparing import find_item
    from .stages import open_datasets

    config = _config(project)
    datasets = open_datasets(project)
    pairs = params.get("items") or ()
    if pairs:
        named = [{"dataset": dataset, "item": item} for dataset, item in pairs]
        items = [find_item(one, datasets)[0] for one in named]
    else:
        one = find_item(params, datasets) if params.get("item") else _some_item(datasets)
        items = [one[0]]
    device = choose_device(params.get("device") or "auto")
    trusted = bool(params.get("trust_vocoder"))
    own = project_vocoder(project)
    wanted = params.get("vocoders") or [PREVIEW, *([own] if own != PREVIEW else [])]
    reporter.progress(0, len(items), "loading the vocoders")
    vocoders = [
        load_vocoder(
            config,
            device=device,
            reporter=reporter,
            choice=VocoderChoice(str(name), trusted=trusted),
        )
        for name in wanted
    ]
    labels = _labels([vocoder.label for vocoder in vocoders], wanted)
    clips = []
    for done, item in enumerate(items):
        if reporter.cancelled():
            raise Cancelled
        reporter.progress(done, len(items), f"{item.name} through {len(vocoders)} vocoders")
        clips.append(_copy(project, item, config, vocoders, labels, wanted, reporter))
    reporter.progress(len(items), len(items), "vocoders")
    return {**clips[0], "clips": clips, "means": _means(clips)}


def _copy(
    project: Project,
    item: Item,
    config: Config,
    vocoders: Sequence[Vocoder],
    labels: Sequence[str],
    files: Sequence[str],
    reporter: Reporter,
) -> dict[str, Any]:
    """One recording through all vocoders, with sounds and a picture."""
    from ..dataset import write_audio
    from ..plots.paper import file_stem
    from ..synthesis.copy_synthesis import copy_synthesis
    from ..synthesis.items import recording_of

    copies = copy_synthesis(recording_of(item, config), config, vocoders, reporter=_Quiet(reporter))
    folder = project.renders_dir / f"vocoders-{file_stem(item.name)}"
    recording = folder / "recording.wav"
    write_audio(recording, copies.recording, copies.sample_rate)
    reporter.artifact("audio", recording, f"{item.name}, recording")
    found = []
    for number, (copy, label, file) in enumerate(zip(copies.copies, labels, files, strict=True), 1):
        wav = folder / f"{number}-{file_stem(label)}.wav"
        write_audio(wav, copy.audio, copies.sample_rate)
        reporter.artifact("audio", wav, label)
        found.append(
            {
                "vocoder": label,
                "file": str(file),
                "wav": str(wav),
                "preview": copy.is_preview,
                "figures": copy.figures.to_dict(),
            }
        )
    picture = _draw(copies, item.name, labels, folder / "spectrograms.png")
    reporter.artifact("image", picture, item.name)
    return {
        "item": item.name,
        "recording": str(recording),
        "spectrogram": str(picture),
        "copies": found,
    }


class _Quiet(Reporter):
    """Passes on that the user stopped, and nothing else."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def cancelled(self) -> bool:
        return self._reporter.cancelled()


def _labels(labels: Sequence[str], files: Sequence[str]) -> list[str]:
    """Names that tell the vocoders apart: ``best`` and ``best`` become ``a: best``, ``b: best``."""
    named = []
    for label, file in zip(labels, files, strict=True):
        parents = [part for part in Path(file).parts if part not in ("/", "model.ckpt")]
        twin = labels.count(label) > 1 and len(parents) > 1
        named.append(f"{parents[-2]}: {label}" if twin else label)
    return named


def _means(clips: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean figures per vocoder over all clips; None where no clip has the figure."""
    means = []
    for number, first in enumerate(clips[0]["copies"]):
        figures = {}
        for name in first["figures"]:
            values = [clip["copies"][number]["figures"][name] for clip in clips]
            known = [value for value in values if value is not None]
            figures[name] = sum(known) / len(known) if known else None
        plain = {key: first[key] for key in ("vocoder", "file", "preview")}
        means.append({**plain, "figures": figures})
    return means


def _config(project: Project) -> Config:
    """The project's acoustic config, or the shipped one before there is any."""
    from ..config import load_config

    path = project.config_path("acoustic")
    if path.is_file():
        return load_config(path)
    return load_config({"base_config": ["configs/acoustic.yaml"]})


def _some_item(datasets: Sequence[RawDataset]) -> tuple[Item, RawDataset]:
    """A recording of a good length; without one, the longest."""
    found = [
        (sum(item.ph_dur), item, dataset)
        for dataset in datasets
        for item in dataset.items
        if item.audio is not None
    ]
    if not found:
        raise SingwizError(
            "item-not-found",
            "There is no usable recording.",
            hint="Check the recordings first.",
        )
    low, high = GOOD_SECONDS
    good = [entry for entry in found if low <= entry[0] <= high]
    _, item, dataset = good[0] if good else max(found, key=lambda entry: entry[0])
    return item, dataset


def _draw(copies: Copies, name: str, labels: Sequence[str], path: Path) -> Path:
    from ..plots.side_by_side import save_side_by_side
    from ..plots.sound import Sound

    step = copies.hop_size / copies.sample_rate

    def sound(audio: Any, f0: Any) -> Sound:
        return Sound(audio, copies.sample_rate, f0, 0.0, step)

    panels = [(name, "the recording", sound(copies.recording, copies.f0))]
    for copy, label in zip(copies.copies, labels, strict=True):
        figures = copy.figures
        note = (
            f"mel error {figures.mel_l1:.3f} nat, pitch error {figures.f0_cents:.1f} cents, "
            f"voicing {100 * figures.voicing_agreement:.0f} %"
        )
        panels.append((label, note, sound(copy.audio, copy.f0)))
    return save_side_by_side(panels, path)
