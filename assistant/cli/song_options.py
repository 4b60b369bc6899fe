"""Options and arguments that singing, predicting and reading scores have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError

SONG_SUFFIXES = (".ds", ".musicxml", ".xml", ".mxl", ".mid", ".midi", ".kar", ".ust", ".ustx")

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PROJECT] [SONG…]",
        help="Project and songs: .ds, .musicxml, .mid, .ust, .ustx, or a folder of them. Without "
        "a project, name experiments.",
    ),
]
Variance = Annotated[
    list[str] | None,
    typer.Option(
        "--variance",
        metavar="NAME",
        help="Experiment of a variance model; several run in this order. Default: the project's.",
    ),
]
Predict = Annotated[
    list[str] | None,
    typer.Option(
        "--predict",
        metavar="TAG",
        help="Predict dur, pitch, energy, breathiness, voicing or tension anew (repeatable).",
    ),
]
Retake = Annotated[
    list[str] | None,
    typer.Option(
        "--retake", metavar="TAG:FROM-TO", help="Predict these seconds anew, e.g. pitch:12-14.5."
    ),
]
Speaker = Annotated[
    str,
    typer.Option("--speaker", "--spk", metavar="NAME", help="Singer, or a mix: anna:0.3|ben:0.7"),
]
Language = Annotated[str, typer.Option("--language", "--lang", metavar="TAG")]
Key = Annotated[float, typer.Option("--key", help="Semitones to transpose by.")]
Expr = Annotated[
    float | None,
    typer.Option("--expr", min=0.0, max=1.0, help="How lively a predicted pitch is, 0 to 1."),
]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, help="Sampling steps; default: the config's.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same song; default: random.")]
VocoderFile = Annotated[
    str,
    typer.Option("--vocoder", metavar="FILE", help="Instead of the voice's: a file, or 'preview'."),
]
TrustVocoder = Annotated[
    bool,
    typer.Option(
        "--trust-vocoder", help="Run the program in a DDSP vocoder; only if you know who made it."
    ),
]
AnyMel = Annotated[
    bool, typer.Option("--any-mel", help="Use a vocoder that was made for other spectrograms.")
]
Num = Annotated[int, typer.Option("--num", min=1, metavar="N", help="How often each song.")]
Title = Annotated[str, typer.Option("--title", help="Name of the files; default: the song's.")]
Checkpoint = Annotated[
    str | None,
    typer.Option("--ckpt", metavar="STEPS", help="Or best. Default: the newest."),
]
Part = Annotated[
    str,
    typer.Option("--part", metavar="NAME", help="Of a score: part or track, by name or number."),
]
Lyrics = Annotated[
    str,
    typer.Option(
        "--lyrics",
        metavar="TEXT",
        help="For a score: one syllable per note, or a .txt file with them.",
    ),
]
DictionaryName = Annotated[
    str, typer.Option("--dictionary", metavar="NAME|FILE", help="For the lyrics of scores.")
]
Vowels = Annotated[
    str,
    typer.Option("--vowels", metavar="'A B'", help="Of scores: vowels the dictionary hides."),
]
Consonants = Annotated[
    str, typer.Option("--consonants", metavar="'K S'", help="Of scores: consonants likewise.")
]


def project_and_songs(paths: list[Path], *, item: str = "") -> tuple[Path | None, list[str]]:
    """Which of the arguments is the project, and which the songs and folders of songs."""
    projects: list[Path] = []
    songs: list[Path] = []
    for path in (path.expanduser().absolute() for path in paths):
        (songs if _is_song(path) or _holds_songs(path) else projects).append(path)
    if bool(songs) == bool(item) or len(projects) > 1:
        raise SingwizError(
            "what-to-sing",
            "Name what to sing: songs, or a recording with --item.",
            hint="For example: singwiz render my-voice song.ds; songs end in one of "
            f"{' '.join(SONG_SUFFIXES)}.",
            exit_code=USAGE_PROBLEM,
        )
    return (projects[0] if projects else None), [str(song) for song in songs]


def _is_song(path: Path) -> bool:
    return path.suffix.lower() in SONG_SUFFIXES


def _holds_songs(path: Path) -> bool:
    from ...core.project import FILE_NAME

    if not path.is_dir() or (path / FILE_NAME).exists():
        return False
    return any(map(_is_song, path.iterdir()))


def absolute(path: Path | None) -> str | None:
    """A path as jobs get it, independent of the working directory."""
    return str(path.expanduser().absolute()) if path else None


def vocoder_path(name: str) -> str:
    """A vocoder from the command line: ``preview``, or a path made absolute."""
    return name if name in ("", "preview") else str(Path(name).expanduser().absolute())


def vocoder_params(vocoder: str, trust_vocoder: bool, any_mel: bool) -> dict[str, object]:
    """The user's choice of a vocoder, as stages take it."""
    return {
        "vocoder": vocoder_path(vocoder),
        "trust_vocoder": trust_vocoder,
        "any_mel": any_mel,
    }


def score_params(
    part: str, lyrics: str, dictionary: str, vowels: str, consonants: str
) -> dict[str, str]:
    """Stage params of what only concerns scores."""
    from .places import dictionary_path

    return {
        "part": part,
        "lyrics": lyrics,
        "dictionary": dictionary_path(dictionary) if dictionary else "",
        "vowels": vowels,
        "consonants": consonants,
    }
