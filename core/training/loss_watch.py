"""Keeps an eye on the losses without making the CPU wait for the GPU at every step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .notices import TOTAL


class LossWatch:
    """Remembers which batches had a loss that is no number, and sums of the others.

    Everything stays on the device until it is asked for.

    Args:
        names: of the losses, in the order in which they are given.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._unchecked: list[tuple[Tensor, Tensor]] = []
        self._sums: Tensor | None = None

    def note(self, values: Tensor, items: Tensor) -> None:
        """A batch was seen.

        Args:
            values: its losses ``[number of names]``.
            items: numbers of its items, int64 ``[B]``.
        """
        values = values.detach()
        finite = torch.isfinite(values).all()
        self._unchecked.append((finite, items))
        counted = torch.cat([torch.where(finite, values, 0.0), finite.to(values.dtype)[None]])
        self._sums = counted if self._sums is None else self._sums + counted

    def broken_batch(self, *, forgiving: bool) -> list[int] | None:
        """Items of the first batch since the last call whose loss is no number; None if all are.

        Args:
            forgiving: single overflows are part of 16-bit training; only if nothing went well
                since the last call it is broken.
        """
        unchecked, self._unchecked = self._unchecked, []
        if not unchecked:
            return None
        finite = torch.stack([flag for flag, _ in unchecked]).tolist()
        if all(finite) or (forgiving and any(finite)):
            return None
        numbers: list[int] = unchecked[finite.index(False)][1].tolist()
        return numbers

    def means(self) -> dict[str, float]:
        """Mean of each loss and of their total since the last call; empty if none was seen.

        Batches whose loss is no number are left out.
        """
        counted, self._sums = self._sums, None
        if counted is None or not counted[-1]:
            return {}
        means = dict(zip(self._names, (counted[:-1] / counted[-1]).tolist(), strict=True))
        return {**means, TOTAL: sum(means.values())}
