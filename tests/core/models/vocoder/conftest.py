"""Small vocoder configs."""

from __future__ import annotations

from typing import Any

import pytest

SMALL = {
    "resblock": "1",
    "upsample_rates": [4, 4, 2, 2],
    "upsample_kernel_sizes": [8, 8, 4, 4],
    "upsample_initial_channel": 32,
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "num_mels": 8,
    "sampling_rate": 16000,
    "hop_size": 64,
    "n_fft": 256,
    "win_size": 256,
    "fmin": 40,
    "fmax": 8000,
}


@pytest.fixture
def small() -> dict[str, Any]:
    """A tiny full NSF-HiFiGAN's ``config.json``."""
    return dict(SMALL)
