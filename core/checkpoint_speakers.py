"""Taking speakers out of a checkpoint, e.g. before it is handed on as a base for others.

The embedding rows of the speakers are replaced and nothing else: shapes, and with them the ids of
the other speakers, stay. Files are read as data only and originals are never changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from .atomic import atomic_path
from .checkpoint import read_checkpoint
from .errors import USAGE_PROBLEM, SingwizError

if TYPE_CHECKING:
    from torch import Tensor

Fill = Literal["zeros", "random", "mean", "cyclic"]
"""What becomes of a dropped row: zeros; a fresh start value; the mean of all rows; the rows of
the retained speakers in turn."""

TABLES = ("model.fs2.spk_embed.weight", "model.spk_embed.weight")
"""Where the acoustic and the variance model keep their speakers."""


@dataclass(frozen=True)
class SpeakerDrop:
    """What :func:`drop_speakers` did.

    Attributes:
        output: the file written.
        dropped, retained: ids of the speakers.
        names: id -> name, as far as known.
        fill: what the dropped rows hold now.
    """

    output: Path
    dropped: tuple[int, ...]
    retained: tuple[int, ...]
    names: dict[int, str]
    fill: Fill


def drop_speakers(
    source: Path,
    output: Path,
    *,
    drop: Sequence[str] | None = None,
    retain: Sequence[str] | None = None,
    fill: Fill = "zeros",
    overwrite: bool = False,
    seed: int | None = None,
) -> SpeakerDrop:
    """Write a copy of a checkpoint in which some speakers can no longer be heard.

    Args:
        source: an acoustic or variance checkpoint of several speakers.
        output: the new file; missing folders are made.
        drop: names (from ``spk_map.json`` beside ``source``) or ids of those to take out.
        retain: instead of ``drop``, those to keep.
        fill: what the rows of the others are replaced with.
        overwrite: replace ``output`` if it exists.
        seed: of the random rows.

    Raises:
        SingwizError: no such speaker, nothing to drop or to retain, a model of one speaker, or an
            output that exists.
    """
    import torch

    if (drop is None) == (retain is None):
        raise _wrong_usage("Name either the speakers to drop or those to retain.")
    if fill not in get_args(Fill):
        raise _wrong_usage(f"There is no filling '{fill}'; use {', '.join(get_args(Fill))}.")
    if output.exists() and not overwrite:
        raise SingwizError(
            "output-exists",
            "The output file exists already.",
            hint="Choose another name, or add --overwrite.",
            where=str(output),
            exit_code=USAGE_PROBLEM,
        )
    if output.resolve() == source.resolve():
        raise _wrong_usage("The output must be another file than the checkpoint itself.")
    content = read_checkpoint(source)
    tables = [name for name in TABLES if name in content["state_dict"]]
    if not tables:
        raise SingwizError(
            "checkpoint-without-speakers",
            "This model was trained without speaker embeddings; it has no speaker to drop.",
            hint="Choose a checkpoint of a model with use_spk_id.",
            where=str(source),
        )
    count = len(content["state_dict"][tables[0]])
    ids = _speaker_ids(source.parent)
    chosen = {_speaker(text, ids, count) for text in (drop if drop is not None else retain or ())}
    dropped = sorted(chosen if drop is not None else set(range(count)) - chosen)
    retained = sorted(set(range(count)) - set(dropped))
    if not dropped:
        raise _wrong_usage("No speaker would be dropped.")
    if fill == "cyclic" and not retained:
        raise _wrong_usage("With nobody retained there are no rows to fill in.")
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    for name in tables:
        table = content["state_dict"][name]
        content["state_dict"][name] = _filled(table, dropped, retained, fill, generator)
    with atomic_path(output) as temporary:
        torch.save(content, temporary)
    names = {number: name for name, number in ids.items()}
    return SpeakerDrop(output, tuple(dropped), tuple(retained), names, fill)


def _filled(
    table: Tensor, dropped: list[int], retained: list[int], fill: Fill, generator: object
) -> Tensor:
    import torch

    rows = table.clone()
    if fill == "zeros":
        rows[dropped] = 0.0
    elif fill == "mean":
        rows[dropped] = table.mean(dim=0)
    elif fill == "cyclic":
        rows[dropped] = table[[retained[i % len(retained)] for i in range(len(dropped))]]
    else:
        # Like the rows of a new model: N(0, 1 / sqrt(H)).
        shape = (len(dropped), table.shape[1])
        fresh = torch.randn(shape, generator=generator)  # type: ignore[call-overload]
        rows[dropped] = (fresh * table.shape[1] ** -0.5).to(table.dtype)
    return rows


def _speaker_ids(folder: Path) -> dict[str, int]:
    """``spk_map.json`` of an experiment folder; empty if there is none that can be read."""
    try:
        found = json.loads((folder / "spk_map.json").read_text(encoding="utf-8"))
        return {str(name): int(number) for name, number in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _speaker(text: str, ids: dict[str, int], count: int) -> int:
    text = text.strip()
    number = ids.get(text)
    if number is None and text.isdecimal():
        number = int(text)
    if number is None or number >= count:
        known = ", ".join(f"{name} ({i})" for name, i in ids.items()) or f"0 to {count - 1}"
        raise SingwizError(
            "speaker-unknown",
            f"The model has no speaker '{text}'.",
            hint=f"Its speakers: {known}.",
            exit_code=USAGE_PROBLEM,
        )
    return number


def _wrong_usage(message: str) -> SingwizError:
    return SingwizError(
        "speaker-drop",
        message,
        hint="For example: singwiz speakers drop in.ckpt out.ckpt --drop anna,ben",
        exit_code=USAGE_PROBLEM,
    )
