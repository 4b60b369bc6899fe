"""The render stage: songs, or a recording's labels, sung by a trained voice into files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project
from ..reporting import Reporter
from .comparing import beside_the_recording, find_item
from .experiments import (
    checkpoint_steps,
    find_experiment,
    names_in,
    variance_experiments,
)
from .song_files import open_songs

if TYPE_CHECKING:
    from ..config import Config
    from ..synthesis.rendering import Rendering
    from ..synthesis.singer import Singer, SungMels

Segments = Sequence[Mapping[str, Any]]

MEL_SUFFIXES = (".pt", ".npz")


def render_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Render with a voice of the project; see :func:`render_experiment`."""
    from .vocoders import chosen_vocoder

    name = params.get("experiment") or project.model_choice("acoustic").experiment
    # The vocoder may have been chosen after the training, whose config is read below.
    vocoder = params.get("vocoder") or chosen_vocoder(project)
    return render_experiment(
        find_experiment(project.checkpoints_dir, name or "acoustic"),
        {**params, "vocoder": vocoder},
        output_dir=project.renders_dir,
        project=project,
        reporter=reporter,
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
        folder: of the acoustic experiment.
        params: see :mod:`.stages`.
        output_dir: where files go when ``params`` name none.
        project: where ``item`` is looked up; without it, in the datasets of the config. Its
            variance models predict what a song lacks.
        config: used instead of the experiment's own.
        reporter: receives progress and files.

    Returns:
        ``wav``, ``spectrogram``, ``preview``, ``timings`` (s), ``rtf``, ``seconds``,
        ``checkpoint``, ``predicted`` (tag -> number of segments) and ``variance`` (checkpoints);
        with ``mel`` instead of sound ``mel``; with ``ds_out`` also ``ds``; for an item also
        ``item``, ``recording`` (a WAV of what was recorded) and ``figures`` (f0_cents,
        voicing_agreement, mel_l1, baseline_l1, …; of predictions dur_ms, pitch_cents, …). For
        several songs or repeats that is the first one, and ``more`` has the others.

    Raises:
        SingwizError: what to sing is missing or does not fit the voice.
    """
    from ..synthesis.experiment import read_experiment
    from ..synthesis.score import ScoreReader
    from ..synthesis.singer import Singer
    from ..synthesis.vocoder import VocoderChoice
    from .stages import config_datasets, open_datasets

    if bool(params.get("song")) == bool(params.get("item")):
        raise SingwizError(
            "what-to-sing",
            "Name one thing to sing: a song, or a recording of the dataset.",
            hint="For example: singwiz render my-voice song.ds",
            exit_code=USAGE_PROBLEM,
        )
    # What is cheap to find out comes before loading the voice.
    options = sing_options(params)
    experiment = read_experiment(folder, config=config)
    config = experiment.config
    found = None
    if params.get("item"):
        found = find_item(params, open_datasets(project) if project else config_datasets(config))
        songs = [(found[0].name, _segments_of(*found, config, experiment.spk_map))]
    else:
        opened = open_songs(params, experiment=experiment, project=project, reporter=reporter)
        songs = [(song.path.stem, song.segments) for song in opened]
    reader = ScoreReader(config, experiment.phonemes, experiment.spk_map)
    variance = variance_experiments(
        names_in(params, "variance"),
        _needed([s for _, segments in songs for s in segments], reader.needs, options),
        checkpoints=folder.parent if project is None else project.checkpoints_dir,
        project=project,
    )
    reporter.progress(0, 1, "loading the voice")
    singer = Singer.load(
        folder,
        variance=variance,
        steps=checkpoint_steps(params.get("ckpt"), folder),
        device=params.get("device") or "auto",
        config=config,
        with_vocoder=not params.get("mel"),
        vocoder=VocoderChoice.of(params),
        reporter=reporter,
    )
    if variance:
        reporter.log(f"Variance models: {', '.join(path.name for path in variance)}")
    count = repeats(params)
    results = []
    for title, segments in songs:
        for repeat in range(count):
            seed = None if options["seed"] is None else options["seed"] + repeat
            name = _title(params, title, repeat if count > 1 else None)
            output = _output(params, output_dir, name, single=len(songs) * count == 1)
            result = _render(
                singer, segments, options | {"seed": seed}, params, name, output, reporter
            )
            if found is not None and "rendering" in result:
                result |= beside_the_recording(
                    singer, result["rendering"], *found, segments[0], output, project
                )
            result.pop("rendering", None)
            results.append(result)
    return results[0] | ({"more": results[1:]} if len(results) > 1 else {})


def sing_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :meth:`.Singer.sing` from stage params.

    Raises:
        SingwizError: an option makes no sense.
    """
    from ..synthesis.retakes import Retake

    predict = [
        tag for one in names_in(params, "predict") or () for tag in one.replace(",", " ").split()
    ]
    gender, expr = params.get("gender"), params.get("expr")
    return {
        "predict": tuple(dict.fromkeys(predict)),
        "language": params.get("language") or None,
        "speaker": params.get("speaker") or None,
        "key": float(params.get("key") or 0.0),
        "gender": None if gender is None else float(gender),
        "expr": None if expr is None else float(expr),
        "retakes": [Retake.parse(text) for text in names_in(params, "retakes") or ()],
        "steps": params.get("steps"),
        "depth": params.get("depth"),
        "seed": params.get("seed"),
    }


def repeats(params: Mapping[str, Any]) -> int:
    """How often each song is sung.

    Raises:
        SingwizError: less than once.
    """
    count = int(params.get("num") or 1)
    if count < 1:
        raise SingwizError(
            "repeats-range",
            "A song can be sung once or more often.",
            hint="Choose a number from 1.",
            exit_code=USAGE_PROBLEM,
        )
    return count


def _segments_of(item: Any, dataset: Any, config: Config, spk_map: Mapping[str, int]) -> Segments:
    from ..synthesis.items import segment_from_item

    speaker = dataset.speaker if dataset.speaker in spk_map else None
    return [segment_from_item(item, config, language=dataset.language, speaker=speaker)]


def _needed(
    segments: Segments, needs: Collection[str], options: Mapping[str, Any]
) -> frozenset[str]:
    """What has to be predicted for at least one segment."""
    from ..synthesis.segment import has

    missing = {tag for tag in needs for segment in segments if not has(segment, tag)}
    return frozenset(missing | {*options["predict"]} | {part.tag for part in options["retakes"]})


def _render(
    singer: Singer,
    segments: Segments,
    options: Mapping[str, Any],
    params: Mapping[str, Any],
    title: str,
    output: Path,
    reporter: Reporter,
) -> dict[str, Any]:
    """Sing one song once and write what was asked for."""
    result: dict[str, Any] = {
        "checkpoint": str(singer.checkpoint),
        "variance": [str(predictor.checkpoint) for predictor in singer.variance],
    }
    sung: SungMels | Rendering
    if params.get("mel"):
        from ..synthesis.vocoding import save_mels

        sung = singer.mels(segments, **options, reporter=reporter)
        save_mels(output, sung.segments)
        reporter.artifact("data", output, title)
        result |= {"mel": str(output), "timings": dict(sung.timings)}
    else:
        sung = singer.sing(segments, **options, reporter=reporter)
        sung.save_wav(output)
        picture = _picture(singer, sung, title, output.with_suffix(".png"))
        reporter.artifact("audio", output, title)
        reporter.artifact("image", picture, title)
        result |= {
            "wav": str(output),
            "spectrogram": str(picture),
            "preview": sung.is_preview,
            "timings": dict(sung.timings),
            "rtf": sung.rtf,
            "seconds": sung.seconds,
            "rendering": sung,
        }
    result["predicted"] = sung.song.count()
    if params.get("ds_out"):
        target = Path(params["ds_out"])
        target = target if target.suffix.lower() == ".ds" else target / f"{title}.ds"
        reporter.artifact("data", sung.song.save(target), title)
        result["ds"] = str(target)
    return result


def _picture(singer: Singer, rendering: Rendering, title: str, path: Path) -> Path:
    from ..plots.sound import save_spectrogram

    voice = singer.experiment.folder.name
    return save_spectrogram(
        path,
        rendering.audio,
        rendering.sample_rate,
        f0=rendering.f0,
        hop_size=rendering.hop_size,
        phonemes=rendering.phonemes,
        title=f"{title} – {voice}{' (preview vocoder)' if rendering.is_preview else ''}",
    )


def _title(params: Mapping[str, Any], title: str, repeat: int | None) -> str:
    """Name of a rendering without suffix."""
    from ..synthesis.rendering import safe_title

    key = float(params.get("key") or 0.0)
    name = params.get("title") or f"{title}{f'{key:+g}key' if key else ''}"
    return safe_title(str(name)) + ("" if repeat is None else f"-{repeat:03d}")


def _output(params: Mapping[str, Any], output_dir: Path, name: str, *, single: bool) -> Path:
    """The file to write."""
    mel = bool(params.get("mel"))
    file = f"{name}{'.mel.pt' if mel else '.wav'}"
    if not params.get("output"):
        return output_dir / file
    output = Path(params["output"])
    suffixes = MEL_SUFFIXES if mel else (".wav",)
    if output.suffix.lower() in suffixes and not output.is_dir():
        if single:
            return output
        raise SingwizError(
            "output-not-folder",
            f"Several renderings cannot go into the one file '{output.name}'.",
            hint="Name a folder with -o.",
            exit_code=USAGE_PROBLEM,
        )
    if output.is_dir() or not single or not output.suffix:
        return output / file
    what = "Mels are written as .pt or .npz" if mel else "The sound is written as WAV"
    raise SingwizError(
        "output-not-wav",
        f"{what}, but '{output.name}' does not end in {' or '.join(suffixes)}.",
        hint=f"For example: -o {output.stem}{suffixes[0]}",
        exit_code=USAGE_PROBLEM,
    )
