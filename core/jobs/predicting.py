"""Work with songs that makes no sound: completing them, and making them of scores; and sound
of mels that were made before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .experiments import checkpoint_steps, names_in, variance_experiments
from .rendering import repeats, sing_options
from .song_files import (
    make_pronouncer,
    open_songs,
    read_score_file,
    song_dictionary,
    song_language,
    song_paths,
)

if TYPE_CHECKING:
    from ..config import Config
    from ..project import Project


def predict_songs(
    params: Mapping[str, Any],
    *,
    checkpoints: Path,
    project: Project | None = None,
    config: Config | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Complete songs with variance models and write DS files.

    Args:
        params: ``song``, ``variance``, ``predict``, ``retakes``, ``expr``, ``key``, ``speaker``,
            ``language``, ``steps``, ``seed``, ``num``, ``ckpt``, ``device``, ``title``,
            ``output``, and what scores need; see :mod:`.stages`.
        checkpoints: where experiments are looked up.
        project: whose variance models are used if none is named.
        config: used instead of the one of the only model.
        reporter: receives progress and files.

    Returns:
        ``ds`` (paths), ``predicted`` (tag -> number of segments), ``variance`` (checkpoints).

    Raises:
        SingwizError: a song or a model is missing, or they do not fit.
    """
    from ..synthesis.completion import complete_song, open_segments
    from ..synthesis.segment import TAGS
    from ..synthesis.variance import VariancePredictor

    options = sing_options(params)
    folders = variance_experiments(
        names_in(params, "variance"), TAGS, checkpoints=checkpoints, project=project
    )
    if not folders:
        raise SingwizError(
            "variance-missing",
            "There is no variance model that could predict anything.",
            hint="Train one: singwiz train PROJECT --model variance",
            where=str(checkpoints),
            exit_code=USAGE_PROBLEM,
        )
    reporter.progress(0, 1, "loading the variance models")
    predictors = [
        VariancePredictor.load(
            folder,
            steps=checkpoint_steps(params.get("ckpt"), folder),
            device=params.get("device") or "auto",
            config=config if len(folders) == 1 else None,
        )
        for folder in folders
    ]
    songs = open_songs(
        params, experiment=predictors[0].experiment, project=project, reporter=reporter
    )
    count = repeats(params)
    written: list[str] = []
    predicted: dict[str, int] = {}
    key, seed = options.pop("key"), options.pop("seed")
    for name in ("gender", "depth"):
        options.pop(name)
    for song in songs:
        for repeat in range(count):
            done = complete_song(
                predictors,
                open_segments(song.segments, key=key),
                **options,
                seed=None if seed is None else seed + repeat,
                reporter=reporter,
            )
            number = repeat if count > 1 else None
            target = _target(params, song.path, key, number, single=len(songs) * count == 1)
            reporter.artifact("data", done.save(target), target.stem)
            written.append(str(target))
            for tag, times in done.count().items():
                predicted[tag] = predicted.get(tag, 0) + times
    reporter.progress(1, 1, "predicting")
    return {
        "ds": written,
        "predicted": predicted,
        "variance": [str(predictor.checkpoint) for predictor in predictors],
    }


def _target(
    params: Mapping[str, Any], song: Path, key: float, repeat: int | None, *, single: bool
) -> Path:
    """The DS file to write: never the song itself unless it is named."""
    from ..synthesis.rendering import safe_title

    tail = "" if repeat is None else f"-{repeat:03d}"
    output = Path(params["output"]) if params.get("output") else None
    if output is not None and output.suffix.lower() == ".ds" and single:
        return output
    if output is not None and output.suffix:
        raise SingwizError(
            "output-not-ds",
            f"'{output.name}' is no folder, and no single .ds file can hold what is written.",
            hint="Name a folder with -o, or for one song a file that ends in .ds.",
            exit_code=USAGE_PROBLEM,
        )
    stem = str(params.get("title") or "")
    if not stem:
        stem = f"{song.stem}{f'{key:+g}key' if key else ''}"
        if output is None or output.absolute() == song.parent.absolute():
            stem += "_variance"
    return (output or song.parent) / f"{safe_title(stem)}{tail}.ds"


def score_to_ds(
    params: Mapping[str, Any], *, project: Project | None = None, reporter: Reporter
) -> dict[str, Any]:
    """Make DS files of scores, without any model.

    Args:
        params: ``song``, ``language``, ``dictionary``, ``vowels``, ``consonants``, ``part``,
            ``lyrics``, ``output``.
        project: for its dictionaries.
        reporter: receives what was assumed, and the files.

    Returns:
        ``ds`` (paths) and ``segments`` (their number).

    Raises:
        SingwizError: a score cannot be read, or a lyric is not in the dictionary.
    """
    from ..dataset.ds import write_ds

    known = list(project.state.dictionaries) if project is not None else []
    language = song_language(params, known)
    tag = language if language in known else str(params.get("language") or "")
    dictionary = song_dictionary(params, language, project=project, experiment=None)
    pronouncer = make_pronouncer(params, dictionary)
    named = params["song"]
    paths = song_paths([named] if isinstance(named, str | Path) else named)
    written, count = [], 0
    for path in paths:
        segments, remarks = read_score_file(path, params, pronouncer, language=tag)
        for remark in remarks:
            reporter.log(f"{path.name}: {remark}")
        output = Path(params.get("output") or path.parent)
        target = output
        if output.suffix.lower() != ".ds" or len(paths) > 1:
            target = output / f"{path.stem}.ds"
        write_ds(target, segments)
        reporter.artifact("data", target, path.stem)
        written.append(str(target))
        count += len(segments)
    return {"ds": written, "segments": count}


def vocode_mels(
    mels: Path,
    *,
    config: Config,
    output: Path,
    device: str = "auto",
    params: Mapping[str, Any] | None = None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Turn a file of mels into sound.

    Args:
        mels: ``.mel.pt`` or ``.npz``.
        config: of the acoustic model; names the vocoder.
        output: the WAV file.
        device: where a vocoder runs.
        params: ``vocoder``, ``trust_vocoder``, ``any_mel``; see :mod:`.stages`.
        reporter: receives progress and the file.

    Returns:
        ``wav``, ``seconds`` and ``preview``.

    Raises:
        SingwizError: the file holds no mels, or they do not fit the vocoder.
    """
    from ..dataset import write_audio
    from ..device import choose_device
    from ..synthesis.vocoder import VocoderChoice, load_vocoder
    from ..synthesis.vocoding import read_mels, vocode

    segments = read_mels(mels)
    choice = VocoderChoice.of(params or {})
    vocoder = load_vocoder(config, device=choose_device(device), reporter=reporter, choice=choice)
    audio = vocode(segments, vocoder, reporter=reporter)
    write_audio(output, audio, vocoder.sample_rate)
    reporter.artifact("audio", output, output.stem)
    return {
        "wav": str(output),
        "seconds": len(audio) / vocoder.sample_rate,
        "preview": vocoder.is_preview,
    }
