"""Pieces that several graphs share, written so that tracing keeps them general in all lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...models.stretch import StretchEmbedding


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: as OpenUTAU sends or asks for it.
        dtype: of the tensor.
        shape: sizes; a string is the name of a dynamic axis, ``()`` is a single number.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int | str, ...]


TOKENS: tuple[int | str, ...] = (1, "n_tokens")
WORDS: tuple[int | str, ...] = (1, "n_words")
NOTES: tuple[int | str, ...] = (1, "n_notes")
FRAMES: tuple[int | str, ...] = (1, "n_frames")
STEPS = Port("steps", torch.int64, ())
"""Declared without dimensions: onnxruntime then takes a number as well as a list of one."""


def curve(name: str) -> Port:
    """One float per frame."""
    return Port(name, torch.float32, FRAMES)


def counts(name: str, shape: tuple[int | str, ...]) -> Port:
    """Whole numbers: ids or frames."""
    return Port(name, torch.int64, shape)


class Graph(nn.Module):
    """A network with named ports.

    Attributes:
        inputs: what has to be given, in order.
        outputs: what comes out, in order.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def named(self, values: Sequence[Tensor]) -> dict[str, Tensor]:
        """The inputs of a call by name."""
        return {port.name: value for port, value in zip(self.inputs, values, strict=True)}


@dataclass(frozen=True)
class Loop:
    """A part that is repeated on ``x``, as often as the state says.

    Attributes:
        body: a module; called with the number of the turn (int64, no dimensions), ``x`` and what it
            uses of the state, it gives the next ``x``.
        uses: names in the state.
        count: name of the number of turns in the state; int64 without dimensions.
    """

    body: nn.Module
    uses: tuple[str, ...]
    count: str


class SampledGraph(Graph):
    """A network that ends in a sampling loop whose length is an input.

    The three parts are traced one by one and joined in the file, with the loop as one of ONNX's
    own.

    Attributes:
        state: names of what :meth:`begin` gives, ``x`` the first.
        loops: run one after the other.
        kept: what :meth:`finish` gets besides ``x``.
    """

    state: tuple[str, ...]
    loops: tuple[Loop, ...]
    kept: tuple[str, ...] = ()

    def begin(self, *values: Tensor) -> tuple[Tensor, ...]:
        """The state before the first turn, as :attr:`state` names it."""
        raise NotImplementedError

    def finish(self, x: Tensor, *kept: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The outputs."""
        raise NotImplementedError

    def forward(self, *values: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the file computes, with torch."""
        state = dict(zip(self.state, self.begin(*values), strict=True))
        x = state["x"]
        for loop in self.loops:
            used = [state[name] for name in loop.uses]
            for turn in range(int(state[loop.count])):
                x = loop.body(torch.tensor(turn), x, *used)
        return self.finish(x, *(state[name] for name in self.kept))


def owners(durations: Tensor, frames: Tensor) -> Tensor:
    """The 1-based owner of each position, 0 behind the last.

    Args:
        durations: int64 ``[1, N]``.
        frames: int64 ``[T]``, the positions 0 … T-1.

    Returns:
        int64 ``[1, T]``.
    """
    ends = durations.cumsum(dim=1)
    passed = (frames.view(1, -1, 1) >= ends.unsqueeze(1)).long().sum(dim=-1)
    return (passed + 1) * (frames.view(1, -1) < ends[:, -1:]).long()


def positions(like: Tensor) -> Tensor:
    """0 … L-1 for a tensor ``[1, L, …]``, int64 ``[L]``."""
    return torch.arange(like.shape[1], device=like.device)


def gather(items: Tensor, owner: Tensor) -> Tensor:
    """``[1, N, H]`` and int64 ``[1, T]`` -> ``[1, T, H]``, 0 where there is no owner."""
    return F.embedding((owner - 1).clamp(min=0), items[0]) * (owner > 0)[..., None]


def gather_numbers(items: Tensor, owner: Tensor) -> Tensor:
    """``[1, N]`` and int64 ``[1, T]`` -> ``[1, T]``, 0 where there is no owner."""
    return items.gather(1, (owner - 1).clamp(min=0)) * (owner > 0)


class Stretch(nn.Module):
    """Adds where in its phoneme a frame lies, as the models do with ``use_stretch_embed``."""

    def __init__(self, embed: StretchEmbedding, rnn: nn.GRU) -> None:
        super().__init__()
        self.embed = embed
        self.rnn = rnn

    def forward(self, cond: Tensor, durations: Tensor, owner: Tensor, frames: Tensor) -> Tensor:
        """``cond`` ``[1, T, H]``; the others as in :func:`owners`."""
        starts = durations.cumsum(dim=1) - durations
        length = gather_numbers(durations.float(), owner).clamp(min=1.0)
        place = (frames.view(1, -1).float() - gather_numbers(starts.float(), owner)) / length
        place = place * (owner > 0)
        index = torch.round(self.embed.RESOLUTION * place).long()
        # Not through its forward, which looks at values to save work.
        cond = cond + nn.Sequential.forward(self.embed, index)
        return cond + self.rnn(cond)[0]


class Languages(nn.Module):
    """Language embedding of phonemes that more than one language knows.

    The editor sends a language with every phoneme; models are trained with 0 for phonemes of one
    language only.
    """

    cross_lingual: Tensor

    def __init__(self, table: nn.Embedding, cross_lingual: Sequence[int], vocab_size: int) -> None:
        super().__init__()
        self.table = table
        shared = torch.zeros(vocab_size, dtype=torch.int64)
        shared[list(cross_lingual)] = 1
        self.register_buffer("cross_lingual", shared, persistent=False)

    def forward(self, tokens: Tensor, languages: Tensor) -> Tensor:
        """Both int64 ``[1, N]`` -> ``[1, N, H]``."""
        return self.table(languages * self.cross_lingual[tokens])


class NoLanguages(nn.Module):
    """The language embedding where no phoneme is shared: that of "no language" everywhere."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, tokens: Tensor, languages: Tensor | None = None) -> Tensor:
        """int64 ``[1, N]`` -> ``[1, N, H]``."""
        return self.table(torch.zeros_like(tokens))
