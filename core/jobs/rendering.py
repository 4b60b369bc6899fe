"""The render stage: a song, or a recording's labels, sung by a trained voice into a WAV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import Item, RawDataset
    from ..synthesis.evaluate import PhonemeMeans
    from ..synthesis.rendering import Rendering
    from ..synthesis.singer import Singer

BASELINE_ITEMS = 500
"""Training items that the mean mel of each phoneme is taken from; more change nothing."""


def render_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Render with a voice of the project; see :func:`render_experiment`."""
    name = params.get("experiment") or project.model_choice("acoustic").experiment
    return render_experiment(
        find_experiment(project.checkpoints_dir, name or "acoustic"),
        params,
        output_dir=project.renders_dir,
        project=project,
        reporter=reporter,
    )


def find_experiment(checkpoints: Path, name: str) -> Path:
    """The folder of an experiment: a path, a name, or the beginning of exactly one name.

    Raises:
        SingwizError: there is none, or several begin like that.
    """
    for folder in (checkpoints / name, Path(name)):
        if folder.is_dir():
            return folder.absolute()
    known = sorted(path for path in checkpoints.glob("*") if path.is_dir())
    similar = [path for path in known if path.name.startswith(name)]
    if len(similar) == 1:
        return similar[0].absolute()
    raise SingwizError(
        "experiment-not-found",
        f"No trained voice '{name}' was found."
        if not similar
        else f"'{name}' is the beginning of several experiments.",
        hint=f"There are: {', '.join(path.name for path in similar or known)}."
        if known
        else "Train one first.",
        where=str(checkpoints),
        exit_code=USAGE_PROBLEM,
    )


def render_experiment(
    folder: Path,
    params: Mapping[str, Any],
    *,
    output_dir: Path,
    project: Project | None = None,
    config: Config | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Sing with the voice in an experiment folder.

    Args:
        params: see :mod:`.stages`.
        output_dir: where files go when ``params`` name none.
        project: where ``item`` is looked up; without it, in the datasets of the config.
        config: used instead of the experiment's own.

    Returns:
        ``wav``, ``spectrogram``, ``preview``, ``timings`` (s), ``rtf``, ``seconds``,
        ``checkpoint``; for an item also ``item``, ``recording`` (a WAV of what was recorded) and
        ``figures`` (f0_cents, voicing_agreement, mel_l1, baseline_l1, …).

    Raises:
        SingwizError: what to sing is missing or does not fit the voice.
    """
    from ..dataset import read_ds
    from ..plots.sound import save_spectrogram
    from ..synthesis.singer import Singer
    from ..synthesis.vocoder import VocoderChoice
    from .stages import config_datasets, open_datasets

    if bool(params.get("song")) == bool(params.get("item")):
        raise SingwizError(
            "what-to-sing",
            "Name one thing to sing: a .ds file, or a recording of the dataset.",
            hint="For example: singwiz render my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    # What is cheap to find out comes before loading the voice.
    segments = read_ds(Path(params["song"])) if params.get("song") else None
    found = find_item(params, open_datasets(project)) if segments is None and project else None
    reporter.progress(0, 1, "loading the voice")
    singer = Singer.load(
        folder,
        steps=params.get("ckpt"),
        device=params.get("device") or "auto",
        config=config,
        vocoder=VocoderChoice(
            str(params.get("vocoder") or ""),
            trusted=bool(params.get("trust_vocoder")),
            any_mel=bool(params.get("any_mel")),
        ),
        reporter=reporter,
    )
    if segments is not None:
        rendering = _sing(singer, segments, params, reporter)
        title = Path(params["song"]).stem
    else:
        found = found or find_item(params, config_datasets(singer.experiment.config))
        rendering = _sing_item(singer, *found, params, reporter)
        title = found[0].name
    wav = _output(params, output_dir, title)
    rendering.save_wav(wav)
    picture = save_spectrogram(
        wav.with_suffix(".png"),
        rendering.audio,
        rendering.sample_rate,
        f0=rendering.f0,
        hop_size=rendering.hop_size,
        phonemes=rendering.phonemes,
        title=f"{title} – {folder.name}{' (preview vocoder)' if rendering.is_preview else ''}",
    )
    reporter.artifact("audio", wav, title)
    reporter.artifact("image", picture, title)
    result = {
        "wav": str(wav),
        "spectrogram": str(picture),
        "preview": rendering.is_preview,
        "timings": dict(rendering.timings),
        "rtf": rendering.rtf,
        "seconds": rendering.seconds,
        "checkpoint": str(singer.checkpoint),
    }
    if found is not None:
        result |= _beside_the_recording(singer, rendering, *found, wav, project)
    return result


def _sing(
    singer: Singer,
    song: Sequence[Mapping[str, Any]] | Mapping[str, Any],
    params: Mapping[str, Any],
    reporter: Reporter,
    *,
    language: str | None = None,
) -> Rendering:
    return singer.sing(
        song,
        language=params.get("language") or language,
        speaker=params.get("speaker") or None,
        key=float(params.get("key") or 0.0),
        gender=float(params.get("gender") or 0.0),
        steps=params.get("steps"),
        depth=params.get("depth"),
        seed=params.get("seed"),
        reporter=reporter,
    )


def _sing_item(
    singer: Singer, item: Item, dataset: RawDataset, params: Mapping[str, Any], reporter: Reporter
) -> Rendering:
    from ..synthesis.items import segment_from_item

    segment = segment_from_item(
        item,
        singer.experiment.config,
        language=dataset.language,
        speaker=dataset.speaker if dataset.speaker in singer.experiment.spk_map else None,
    )
    return _sing(singer, segment, params, reporter)


def find_item(params: Mapping[str, Any], datasets: Sequence[RawDataset]) -> tuple[Item, RawDataset]:
    """The item that ``item`` and ``dataset`` of ``params`` name, and the dataset it is from.

    Raises:
        SingwizError: there is none, or more than one.
    """
    name, wanted = params["item"], params.get("dataset") or ""
    found = [
        (item, dataset)
        for dataset in datasets
        if not wanted or dataset.name == wanted
        for item in dataset.items
        if item.name == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise SingwizError(
            "item-ambiguous",
            f"Several datasets have a recording '{name}'.",
            hint=f"Name one with --dataset: {', '.join(dataset.name for _, dataset in found)}.",
            exit_code=USAGE_PROBLEM,
        )
    some = [item.name for dataset in datasets for item in dataset.items][:8]
    raise SingwizError(
        "item-not-found",
        f"There is no usable recording '{name}'.",
        hint=f"Recordings are, for example: {', '.join(some)}."
        if some
        else "Check the recordings first.",
        exit_code=USAGE_PROBLEM,
    )


def _beside_the_recording(
    singer: Singer,
    rendering: Rendering,
    item: Item,
    dataset: RawDataset,
    wav: Path,
    project: Project | None,
) -> dict[str, Any]:
    """The recording as a file that any player plays, and how close the rendering is to it."""
    from ..dataset import write_audio
    from ..synthesis.evaluate import compare_with_recording
    from ..synthesis.items import recording_of

    config = singer.experiment.config
    recording = wav.with_name(f"{wav.stem}-recording.wav")
    write_audio(recording, recording_of(item, config), config.audio_sample_rate)
    means = _phoneme_means(project)
    comparison = compare_with_recording(
        rendering,
        item,
        config,
        means=means,
        tokens=_tokens(singer, item, dataset) if means is not None else None,
    )
    return {
        "item": item.name,
        "recording": str(recording),
        "figures": comparison.to_dict(),
    }


def _tokens(singer: Singer, item: Item, dataset: RawDataset) -> Any:
    import numpy as np

    phonemes = singer.experiment.phonemes
    return np.array(phonemes.encode_sequence(item.ph_seq, dataset.language), np.int64)


def _phoneme_means(project: Project | None) -> PhonemeMeans | None:
    """Mean mels of the prepared training set, which a model has to beat."""
    prefix = project.binary_dir("acoustic") / "train" if project is not None else None
    if prefix is None or not prefix.with_suffix(".data").exists():
        return None
    from ..binarize.storage import BinaryDataset
    from ..synthesis.evaluate import PhonemeMeans

    data = BinaryDataset(prefix)
    step = max(1, len(data) // BASELINE_ITEMS)
    return PhonemeMeans.fit(data[number] for number in range(0, len(data), step))


def _output(params: Mapping[str, Any], output_dir: Path, title: str) -> Path:
    """The WAV file to write."""
    key = float(params.get("key") or 0.0)
    name = f"{title}{f'{key:+g}key' if key else ''}.wav"
    if not params.get("output"):
        return output_dir / name
    output = Path(params["output"])
    if output.is_dir():
        return output / name
    if output.suffix.lower() != ".wav":
        raise SingwizError(
            "output-not-wav",
            f"The sound is written as WAV, but '{output.name}' does not end in .wav.",
            hint=f"For example: -o {output.stem}.wav",
            exit_code=USAGE_PROBLEM,
        )
    return output
