"""Who sings in an exported voice: speakers, mixes of them, and their embedding files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_bytes
from ..errors import USAGE_PROBLEM, SingwizError
from ..synthesis.speakers import parse_mix

if TYPE_CHECKING:
    from torch import nn

_NAME = re.compile(r"[0-9A-Za-z_-]+")


@dataclass(frozen=True)
class Voice:
    """One speaker as the editor knows it.

    Attributes:
        name: of the ``.emb`` file and of the voice colour.
        mix: speakers of the model and their shares, which sum to 1.
    """

    name: str
    mix: Mapping[str, float]


@dataclass(frozen=True)
class Cast:
    """The voices of one experiment; no voices at all if the model knows no speakers.

    Attributes:
        frozen: sings always; then the graphs take no speaker.
        exported: each gets an ``.emb`` file, in this order.
    """

    frozen: Voice | None = None
    exported: tuple[Voice, ...] = ()


def parse_voice(text: str) -> Voice:
    """Read ``NAME`` or ``ALIAS=MIX``, where a mix is ``anna:0.3|ben:0.7``.

    Raises:
        SingwizError: it is neither.
    """
    alias, equals, mix = text.partition("=")
    alias = alias.strip()
    if not equals:
        mix = alias
    shares = parse_mix(mix)
    if not _NAME.fullmatch(alias) or (not equals and len(shares) > 1):
        raise SingwizError(
            "export-speaker",
            f"'{text}' does not name a singer to export.",
            hint="Write a singer's name, or a name for a mix: 'duo=anna:0.3|ben:0.7'.",
            exit_code=USAGE_PROBLEM,
        )
    return Voice(alias, shares)


def choose_cast(
    spk_map: Mapping[str, int] | None,
    *,
    export: Sequence[str] = (),
    freeze: str = "",
    folder: str = "",
) -> Cast:
    """Who of a model's speakers is exported, and how.

    Without a wish a single speaker is frozen into the graphs and several are all exported.

    Args:
        spk_map: speaker -> id; None for a model without speakers.
        export: voices for the editor to choose from, as :func:`parse_voice` reads them.
        freeze: the only voice.
        folder: of the experiment, for messages.

    Raises:
        SingwizError: unknown or ambiguous speakers, or both wishes at once.
    """
    if export and freeze:
        raise SingwizError(
            "export-speakers-both",
            "Singers can be offered to the editor or one can be frozen into the voice, not both.",
            hint="Use either --export-spk or --freeze-spk.",
            exit_code=USAGE_PROBLEM,
        )
    if spk_map is None:
        return Cast()
    same = [name for name, number in spk_map.items() if [*spk_map.values()].count(number) > 1]
    if not spk_map or same:
        raise SingwizError(
            "export-speakers-ambiguous",
            f"Several singers share one number in spk_map.json: {', '.join(same)}."
            if same
            else "spk_map.json names no singer.",
            hint="Keep one name for each singer in spk_map.json of the experiment.",
            where=folder,
        )
    voices = [parse_voice(text) for text in ([freeze] if freeze else export)]
    if not voices:
        voices = [Voice(name, {name: 1.0}) for name in sorted(spk_map, key=lambda n: spk_map[n])]
    for voice in voices:
        for name in voice.mix:
            if name not in spk_map:
                raise SingwizError(
                    "speaker-unknown",
                    f"This voice has no singer called '{name}'.",
                    hint=f"Choose of: {', '.join(sorted(spk_map))}.",
                    where=folder,
                    exit_code=USAGE_PROBLEM,
                )
    names = [voice.name for voice in voices]
    double = next((name for name in names if names.count(name) > 1), "")
    if double:
        raise SingwizError(
            "export-speakers-twice",
            f"'{double}' would be exported twice.",
            hint="Give each voice a name of its own.",
            exit_code=USAGE_PROBLEM,
        )
    if freeze or (not export and len(voices) == 1):
        return Cast(frozen=voices[0])
    return Cast(exported=tuple(voices))


def embedding(table: nn.Module, voice: Voice, spk_map: Mapping[str, int]) -> NDArray[np.float32]:
    """What a voice adds to the condition, float32 ``[H]``."""
    import torch

    ids = torch.tensor([spk_map[name] for name in voice.mix])
    shares = torch.tensor([*voice.mix.values()])
    with torch.no_grad():
        rows: torch.Tensor = table(ids)
        mixed: NDArray[np.float32] = (shares @ rows).numpy().astype(np.float32)
    return mixed


def write_embedding(path: Path, values: NDArray[np.float32]) -> None:
    """An ``.emb`` file: bare little-endian float32."""
    write_bytes(path, values.astype("<f4").tobytes())
