"""Finding experiments: by name, and the variance models that a song needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError

if TYPE_CHECKING:
    from ..project import Project


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


def checkpoint_steps(wanted: int | str | None, folder: Path) -> int | None:
    """Which checkpoint of an experiment is meant.

    Args:
        wanted: a number of steps, ``best``, or None for the newest.
        folder: the experiment.

    Raises:
        SingwizError: it is none of these, or no checkpoint is marked as best.
    """
    if wanted is None:
        return None
    if wanted == "best":
        from ..training.journal import read_best

        best = read_best(folder)
        if best is None:
            raise SingwizError(
                "no-best-checkpoint",
                f"No checkpoint of '{folder.name}' is marked as the best.",
                hint="Leave --ckpt out to take the newest; training marks the best one.",
                where=str(folder),
                exit_code=USAGE_PROBLEM,
            )
        return best.step
    if not str(wanted).isdecimal():
        raise SingwizError(
            "checkpoint-unknown",
            f"'{wanted}' names no checkpoint.",
            hint="Give the number of steps in its file name, or best.",
            exit_code=USAGE_PROBLEM,
        )
    return int(wanted)


def variance_experiments(
    names: Sequence[str] | None,
    needed: Collection[str],
    *,
    checkpoints: Path,
    project: Project | None,
) -> list[Path]:
    """The variance models to use, in the order in which they run.

    Args:
        names: what the user named; empty = none; None = those of the project that predict what
            is needed, its chosen one first, then the newest.
        needed: tags that have to be predicted.
        checkpoints: where names are looked up.
        project: whose models may be chosen.

    Raises:
        SingwizError: a named experiment is not there.
    """
    from ..synthesis.segment import TAGS

    if names is not None:
        return [find_experiment(checkpoints, name) for name in names]
    if project is None or not needed:
        return []
    favourite = project.experiment_dir("variance")
    trained = [folder for folder in checkpoints.glob("*") if folder.is_dir()]
    trained.sort(key=lambda folder: (folder != favourite, -folder.stat().st_mtime, folder.name))
    chosen: list[tuple[int, Path]] = []
    open_tags = set(needed)
    for folder in trained:
        own = [tag for tag in trained_tags(folder) if tag in open_tags]
        if own:
            chosen.append((TAGS.index(own[0]), folder))
            open_tags -= {*own}
    return [folder for _, folder in sorted(chosen, key=lambda entry: entry[0])]


def trained_tags(folder: Path) -> tuple[str, ...]:
    """What the variance model in an experiment folder predicts; nothing if it is another kind,
    is damaged, or has no checkpoint yet."""
    from ..checkpoint import list_checkpoints
    from ..config import load_config
    from ..synthesis.variance import predicted_tags

    if not (folder / "config.yaml").is_file() or not list_checkpoints(folder):
        return ()
    try:
        config = load_config(folder / "config.yaml")
    except SingwizError:
        return ()
    return predicted_tags(config) if config.kind == "variance" else ()


def names_in(params: Mapping[str, Any], key: str) -> list[str] | None:
    """A list of names in stage params; None if it is not given."""
    value = params.get(key)
    if value is None:
        return None
    return [value] if isinstance(value, str) else [str(one) for one in value]
