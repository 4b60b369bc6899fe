"""The pseudo-random numbers that the WORLD vocoder excites breath with.

WORLD starts its generator anew for every synthesis, so all of its noise is one fixed sequence.
It is computed here many numbers at a time: the generator (Marsaglia's xorshift with 128 bits)
is linear, so any state can be reached by exclusive-or of the images of single bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEED = (123456789, 362436069, 521288629, 88675123)
_DRAWS = 12
"""Uniform numbers summed up for one normal number."""
_PER_LANE = 256
"""Consecutive normal numbers that one lane computes."""

_State = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]


def _step(state: _State) -> _State:
    x, y, z, w = state
    t = x ^ (x << np.uint32(11))
    return y, z, w, (w ^ (w >> np.uint32(19))) ^ (t ^ (t >> np.uint32(8)))


def _lane_starts(lanes: int) -> _State:
    """States that are ``_PER_LANE`` normal numbers apart, the first one WORLD's seed."""
    bits = np.eye(128, dtype=bool)
    words = np.packbits(bits, axis=1, bitorder="little").view(np.uint32)
    state: _State = tuple(np.ascontiguousarray(words[:, k]) for k in range(4))  # type: ignore[assignment]
    for _ in range(_PER_LANE * _DRAWS):
        state = _step(state)
    images = np.stack(state, axis=1)
    starts = np.empty((lanes, 4), np.uint32)
    starts[0] = _SEED
    for lane in range(1, lanes):
        set_bits = np.unpackbits(starts[lane - 1].view(np.uint8), bitorder="little").view(bool)
        starts[lane] = np.bitwise_xor.reduce(images[set_bits], axis=0)
    return tuple(np.ascontiguousarray(starts[:, k]) for k in range(4))  # type: ignore[return-value]


_sequence = np.zeros(0, np.float32)


def world_noise(count: int) -> NDArray[np.float32]:
    """The first ``count`` numbers of the sequence: float32 ``[count]``, about N(0, 1)."""
    global _sequence
    if len(_sequence) < count:
        # Longer than asked for, so that a few long items do not each start over.
        lanes = -(-int(count * 1.25) // _PER_LANE)
        state = _lane_starts(lanes)
        numbers = np.empty((_PER_LANE, lanes), np.float32)
        for row in numbers:
            total = np.zeros(lanes, np.uint32)
            for _ in range(_DRAWS):
                state = _step(state)
                total += state[3] >> np.uint32(4)
            row[:] = total / 268435456.0 - 6.0
        _sequence = np.ascontiguousarray(numbers.T).ravel()
    return _sequence[:count]
