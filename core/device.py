"""Which device a network runs on."""

from __future__ import annotations

from .errors import USAGE_PROBLEM, SingwizError


def choose_device(wanted: str) -> str:
    """``auto`` resolved, anything else tried.

    Args:
        wanted: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps`` ….

    Returns:
        A device that torch can use.

    Raises:
        SingwizError: this machine has no such device.
    """
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise SingwizError(
            "device-unavailable",
            f"The device '{wanted}' cannot be used on this machine.",
            hint="Use 'auto' or 'cpu'.",
            exit_code=USAGE_PROBLEM,
        ) from error
    return wanted
