"""Letting torch compile the networks that take most of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..errors import USAGE_PROBLEM, SingwizError
from ..models.aux_decoder import AuxDecoder
from ..models.backbones import Backbone


def compile_networks(model: nn.Module, *, backend: str = "inductor") -> None:
    """Compile backbones and auxiliary decoder in place, for batches of any length.

    They are plain tensor functions of a batch. The encoders, which look things up by values, are
    small and stay as they are, and so do all names in the state dict.

    Args:
        model: the network.
        backend: torch's name of the compiler.

    Raises:
        SingwizError: the model has no such part; vocoders have none.
    """
    parts = 0
    for module in model.modules():
        if isinstance(module, Backbone):
            # Training and sampling both come through here.
            compiled = torch.compile(module.denoise, dynamic=True, backend=backend)
            module.denoise = compiled  # type: ignore[method-assign]
            parts += 1
        elif isinstance(module, AuxDecoder):
            module.decoder.compile(dynamic=True, backend=backend)
            parts += 1
    if not parts:
        raise SingwizError(
            "compile-nothing",
            "This kind of model has no part that compiling would help.",
            hint="Train without --compile.",
            exit_code=USAGE_PROBLEM,
        )


@contextmanager
def compiling_explained() -> Iterator[None]:
    """Turn a failing compiler inside into a SingwizError."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        raise SingwizError(
            "compile-failed",
            "torch could not compile the network on this machine: "
            f"{str(error).strip().partition(chr(10))[0]}",
            hint="Train without --compile; it is a matter of speed only.",
            exit_code=USAGE_PROBLEM,
        ) from error
