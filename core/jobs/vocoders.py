"""The stage that lets the user compare vocoders on one of their recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import Item, RawDataset
    from ..synthesis.copy_synthesis import Copies

GOOD_SECONDS = (3.0, 12.0)
"""A recording this long is enough to judge a vocoder by, and quickly heard."""


def compare_vocoders(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Send one recording through several vocoders; write what each makes of it, and a picture.

    Args:
        params: ``vocoders``, a list of files, folders or ``preview`` (default: the preview and
            the project's own); ``item`` and ``dataset``, which recording; ``device``,
            ``trust_vocoder``.

    Returns:
        ``item``, ``recording`` (WAV), ``spectrogram``, and ``copies``: for each vocoder
        ``vocoder``, ``wav``, ``preview`` and ``figures``.

    Raises:
        SingwizError: a vocoder or the recording cannot be used.
    """
    from ..dataset import write_audio
    from ..plots.paper import file_stem
    from ..synthesis.copy_synthesis import copy_synthesis
    from ..synthesis.items import recording_of
    from ..synthesis.networks import choose_device
    from ..synthesis.vocoder import PREVIEW, VocoderChoice, load_vocoder
    from .comparing import find_item
    from .stages import open_datasets

    config = _config(project)
    datasets = open_datasets(project)
    item, _ = find_item(params, datasets) if params.get("item") else _some_item(datasets)
    device = choose_device(params.get("device") or "auto")
    trusted = bool(params.get("trust_vocoder"))
    wanted = params.get("vocoders") or [
        PREVIEW,
        *([config.vocoder_ckpt] if config.vocoder_ckpt else []),
    ]
    reporter.progress(0, 1, "loading the vocoders")
    vocoders = [
        load_vocoder(
            config,
            device=device,
            reporter=reporter,
            choice=VocoderChoice(str(name), trusted=trusted),
        )
        for name in wanted
    ]
    copies = copy_synthesis(recording_of(item, config), config, vocoders, reporter=reporter)
    folder = project.renders_dir / f"vocoders-{file_stem(item.name)}"
    recording = folder / "recording.wav"
    write_audio(recording, copies.recording, copies.sample_rate)
    reporter.artifact("audio", recording, f"{item.name}, recording")
    found = []
    for number, copy in enumerate(copies.copies, 1):
        wav = folder / f"{number}-{file_stem(copy.label)}.wav"
        write_audio(wav, copy.audio, copies.sample_rate)
        reporter.artifact("audio", wav, copy.label)
        found.append(
            {
                "vocoder": copy.label,
                "wav": str(wav),
                "preview": copy.is_preview,
                "figures": copy.figures.to_dict(),
            }
        )
    picture = _draw(copies, item.name, folder / "spectrograms.png")
    reporter.artifact("image", picture, item.name)
    return {
        "item": item.name,
        "recording": str(recording),
        "spectrogram": str(picture),
        "copies": found,
    }


def _config(project: Project) -> Config:
    """The project's acoustic config, or the shipped one before there is any."""
    from ..config import load_config

    path = project.config_path("acoustic")
    if path.is_file():
        return load_config(path)
    return load_config({"base_config": ["configs/acoustic.yaml"]}, overrides={"vocoder_ckpt": ""})


def _some_item(datasets: Sequence[RawDataset]) -> tuple[Item, RawDataset]:
    """A recording of a good length; without one, the longest."""
    from ..errors import SingwizError

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


def _draw(copies: Copies, name: str, path: Path) -> Path:
    from ..plots.side_by_side import save_side_by_side
    from ..plots.sound import Sound

    step = copies.hop_size / copies.sample_rate

    def sound(audio: Any, f0: Any) -> Sound:
        return Sound(audio, copies.sample_rate, f0, 0.0, step)

    panels = [(name, "the recording", sound(copies.recording, copies.f0))]
    for copy in copies.copies:
        figures = copy.figures
        note = (
            f"mel error {figures.mel_l1:.3f} nat, pitch error {figures.f0_cents:.1f} cents, "
            f"voicing {100 * figures.voicing_agreement:.0f} %"
        )
        panels.append((copy.label, note, sound(copy.audio, copy.f0)))
    return save_side_by_side(panels, path)
