"""What commands have in common on the command line: a project, a config, a model, an output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError

if TYPE_CHECKING:
    from ...core.config import Config
    from ...core.project import Project

ModelName = Literal["acoustic", "variance", "vocoder"]

ProjectFolder = Annotated[Path, typer.Argument(metavar="PROJECT", help="Project folder.")]
ProjectOrNone = Annotated[
    Path | None, typer.Argument(metavar="[PROJECT]", help="Project folder, unless --config.")
]
Model = Annotated[ModelName, typer.Option("--model", help="Which model.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="CONFIG.yaml",
        help="A DiffSinger config instead of a project; its paths start here.",
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Processes to use; default: by the machine.")
]
Experiment = Annotated[
    str,
    typer.Option("--exp", metavar="NAME", help="Experiment: the folder under checkpoints/."),
]

_LANGUAGE_IN_NAME = re.compile(r"(?:^|[-_.])(zh|ja|jp|en|ko|kr|yue|de|es|fr|it|pt|ru)(?=$|[-_.])")
_LANGUAGE_OF_SHIPPED = {
    "english-arpabet": "en",
    "japanese-romaji": "ja",
    "korean": "ko",
    "opencpop": "zh",
    "opencpop-extension": "zh",
    "opencpop-strict": "zh",
}
_SAME_LANGUAGE = {"jp": "ja", "kr": "ko"}


def open_project(folder: Path | None, *, config: Path | None = None) -> Project | None:
    """The project, or None if a config was given instead of one.

    Raises:
        SingwizError: neither or both were given, or the folder is no project.
    """
    from ...core.project import Project

    if (folder is None) == (config is None):
        raise SingwizError(
            "project-or-config",
            "Give either a project folder or --config, not both."
            if folder is not None
            else "A project folder is missing.",
            hint="For example: singwiz binarize my-voice, or: singwiz binarize --config my.yaml",
            exit_code=USAGE_PROBLEM,
        )
    return None if folder is None else Project.open(folder)


def load_own_config(file: Path) -> Config:
    """A user's DiffSinger config. What loading had to translate or ignore goes to stderr."""
    from ...core.config import check_config, load_config
    from .output import err, show_findings

    config = load_config(file)
    findings = [*config.loading_findings, *check_config(config)]
    show_findings([finding.to_dict() for finding in findings], err())
    return config


def experiment_of(config: Path, experiment: str) -> Path:
    """``checkpoints/<exp>`` under the working directory, as DiffSinger has it."""
    if not experiment:
        raise SingwizError(
            "experiment-missing",
            f"With --config {config} the name of the experiment is needed.",
            hint="Add --exp NAME; the checkpoints go to checkpoints/NAME.",
            exit_code=USAGE_PROBLEM,
        )
    return Path.cwd() / "checkpoints" / experiment


def language_of(language: str, dictionary: str) -> str:
    """The language as given, else guessed from the dictionary's name, else ``default``."""
    if language:
        return language
    stem = Path(dictionary).stem
    if stem in _LANGUAGE_OF_SHIPPED:
        return _LANGUAGE_OF_SHIPPED[stem]
    found = _LANGUAGE_IN_NAME.search(stem.lower())
    return _SAME_LANGUAGE.get(found.group(1), found.group(1)) if found else "default"


def dictionary_path(name: str) -> str:
    """A dictionary as a project stores it: a shipped name as it is, a file as absolute path.

    Raises:
        SingwizError: there is no such dictionary.
    """
    from ...core.dictionary import list_dictionaries, resolve_dictionary

    if name in list_dictionaries():
        return name
    return str(resolve_dictionary(name, base=Path.cwd()).absolute())
