"""Whether an acoustic model and variance models can sing together."""

from __future__ import annotations

from collections.abc import Sequence

from ..dictionary.files import GLOBAL_PHONEMES
from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .experiment import Experiment
from .segment import CURVES

_GRID = ("audio_sample_rate", "hop_size")


def check_fit(
    acoustic: Experiment, variance: Sequence[Experiment], reporter: Reporter | None = None
) -> None:
    """Refuse models that cannot sing together, and warn of differences that can be heard.

    Phonemes and singers that a song needs are looked up song by song.

    Args:
        acoustic: the model that sings.
        variance: the models that predict for it.
        reporter: is warned.

    Raises:
        SingwizError: the models have different frames, or no phoneme in common.
    """
    reporter = reporter or Reporter()
    own = acoustic.config.to_dict()
    for other in variance:
        theirs = other.config.to_dict()
        names = f"'{acoustic.folder.name}' and '{other.folder.name}'"
        apart = [f"{k} {own[k]} and {theirs[k]}" for k in _GRID if own[k] != theirs[k]]
        if apart:
            raise SingwizError(
                "models-do-not-fit",
                f"The models {names} count time differently: {', '.join(apart)}.",
                hint="Choose models of one voice. Or take the detour over a file: first "
                "'singwiz predict', then 'singwiz render' the result.",
                where=str(other.folder),
                exit_code=USAGE_PROBLEM,
            )
        if not _sounds(acoustic) & _sounds(other):
            raise SingwizError(
                "models-do-not-fit",
                f"The models {names} have no phoneme in common.",
                hint="Choose models that were trained with the same dictionary.",
                where=str(other.folder),
                exit_code=USAGE_PROBLEM,
            )
        shared = [
            f"{name}_smooth_width"
            for name in CURVES
            if own.get(f"use_{name}_embed") and theirs.get(f"predict_{name}")
        ]
        if any(key.startswith(CURVES[1:]) for key in shared):
            shared.append("hnsep")
        differ = [key for key in shared if own.get(key) != theirs.get(key)]
        if differ:
            reporter.warning(
                "models-differ",
                f"The models {names} were trained on curves made differently "
                f"({', '.join(differ)}): the curves may sound stronger or weaker than meant.",
            )


def _sounds(experiment: Experiment) -> set[str]:
    return {name for name in experiment.phonemes.ids if name not in GLOBAL_PHONEMES}
