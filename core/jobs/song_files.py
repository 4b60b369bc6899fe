"""What to sing: DS files, scores, or folders of both, as segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..dictionary import Dictionary
    from ..project import Project
    from ..songs import Pronouncer
    from ..synthesis.experiment import Experiment


@dataclass(frozen=True)
class SongFile:
    """A song to sing.

    Attributes:
        path: where it is from.
        segments: DS segments.
    """

    path: Path
    segments: Sequence[Mapping[str, Any]]


def song_paths(songs: Sequence[str | Path]) -> list[Path]:
    """The files that paths stand for: a folder for all songs in it.

    Raises:
        SingwizError: a folder holds no song, or two songs have the same name.
    """
    from ..songs import SCORE_SUFFIXES

    found: list[Path] = []
    for song in map(Path, songs):
        if not song.is_dir():
            found.append(song)
            continue
        inside = sorted(
            path for path in song.iterdir() if path.suffix.lower() in (".ds", *SCORE_SUFFIXES)
        )
        if not inside:
            raise SingwizError(
                "folder-without-songs",
                f"There are no songs in '{song}'.",
                hint=f"Songs end in one of: .ds {' '.join(SCORE_SUFFIXES)}",
                where=str(song),
                exit_code=USAGE_PROBLEM,
            )
        found += inside
    stems = [path.stem for path in found]
    double = next((stem for stem in stems if stems.count(stem) > 1), "")
    if double:
        raise SingwizError(
            "songs-same-name",
            f"Several songs are called '{double}', so their renderings would overwrite each other.",
            hint="Rename one, or render them one by one.",
            exit_code=USAGE_PROBLEM,
        )
    return found


def open_songs(
    params: Mapping[str, Any],
    *,
    experiment: Experiment,
    project: Project | None,
    reporter: Reporter,
) -> list[SongFile]:
    """Read what ``song`` (a path or several) of stage params names.

    Args:
        params: see :mod:`.stages`.
        experiment: of the voice, for its languages and dictionaries.
        project: for its dictionaries.
        reporter: receives what was assumed about scores.

    Raises:
        SingwizError: a song cannot be read.
    """
    from ..dataset import read_ds

    named = params["song"]
    songs = []
    pronouncer: Pronouncer | None = None
    for path in song_paths([named] if isinstance(named, str | Path) else named):
        if path.suffix.lower() == ".ds":
            songs.append(SongFile(path, read_ds(path)))
            continue
        if pronouncer is None:
            language = song_language(params, [*experiment.phonemes.lang_map])
            dictionary = song_dictionary(params, language, project=project, experiment=experiment)
            pronouncer = make_pronouncer(params, dictionary)
        # Said even where there is only one: other readers of DS files assume Mandarin otherwise.
        language = pronouncer.dictionary.language
        known = language if language in experiment.phonemes.lang_map else ""
        segments, remarks = read_score_file(path, params, pronouncer, language=known)
        for remark in remarks:
            reporter.log(f"{path.name}: {remark}")
        songs.append(SongFile(path, segments))
    return songs


def read_score_file(
    path: Path, params: Mapping[str, Any], pronouncer: Pronouncer, *, language: str = ""
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The segments of a score, and remarks.

    Args:
        path: of the score.
        params: ``part`` and ``lyrics`` (text, or path of a text file).
        pronouncer: finds phonemes.
        language: written into the segments.

    Raises:
        SingwizError: score or lyrics cannot be read or do not fit.
    """
    from ..songs import read_score, score_segments

    score = read_score(
        path, part=str(params.get("part") or ""), lyrics=lyrics_text(params.get("lyrics") or "")
    )
    return score_segments(score, pronouncer, language=language)


def lyrics_text(given: str) -> str:
    """Lyrics, or the content of the text file that the words name."""
    if given.lower().endswith(".txt"):
        from ..dataset.labels.files import read_text

        return read_text(Path(given))
    return given


def song_language(params: Mapping[str, Any], known: Sequence[str]) -> str:
    """The language of a song: the chosen one, or the only one.

    Raises:
        SingwizError: none is chosen, or it is unknown.
    """
    wanted = str(params.get("language") or "")
    if not wanted and len(known) <= 1:
        return known[0] if known else "default"
    if wanted and (wanted in known or len(known) <= 1):
        return wanted
    raise SingwizError(
        "language-unknown" if wanted else "language-not-chosen",
        f"This voice does not know the language '{wanted}'."
        if wanted
        else "This voice sings several languages, and a score does not say which it is in.",
        hint=f"Choose one of: {', '.join(sorted(known))}.",
        exit_code=USAGE_PROBLEM,
    )


def song_dictionary(
    params: Mapping[str, Any],
    language: str,
    *,
    project: Project | None,
    experiment: Experiment | None,
) -> Dictionary:
    """The dictionary for the lyrics of a score: the named one, the project's, the experiment's.

    Raises:
        SingwizError: there is none for the language.
    """
    from ..dictionary import read_dictionary, resolve_dictionary

    named = str(params.get("dictionary") or "")
    if named:
        return read_dictionary(resolve_dictionary(named, base=Path.cwd()), language)[0]
    if project is not None and language in project.state.dictionaries:
        stored = project.state.dictionaries[language]
        return read_dictionary(resolve_dictionary(stored, base=project.root), language)[0]
    if experiment is not None:
        from ..synthesis.experiment import read_dictionaries

        found = read_dictionaries(experiment.folder, experiment.config)
        if language in found or len(found) == 1:
            return found.get(language) or next(iter(found.values()))
    raise SingwizError(
        "dictionary-missing",
        f"There is no dictionary for '{language}' to find the phonemes of the lyrics in.",
        hint="Give one with --dictionary.",
        exit_code=USAGE_PROBLEM,
    )


def make_pronouncer(params: Mapping[str, Any], dictionary: Dictionary) -> Pronouncer:
    """With the lists ``vowels`` and ``consonants`` of stage params, where given.

    Raises:
        SingwizError: the dictionary does not tell which phonemes are vowels.
    """
    from ..songs import Pronouncer

    return Pronouncer.of(
        dictionary, str(params.get("vowels") or ""), str(params.get("consonants") or "")
    )
