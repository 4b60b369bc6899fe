"""Whether a network computes the same as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..core.errors import SingwizError
from ..core.export.graphs.parts import Graph
from ..core.export.onnx_file import compare_with_torch, write_graph
from .failures import BrokenContract, demand

TOLERANCE = 1e-3
"""Share of the largest value; rounding gives about 1e-5."""


def check_onnx(
    graph: Graph,
    traced: Mapping[str, Tensor],
    examples: Sequence[Mapping[str, Tensor]],
    folder: Path,
) -> None:
    """Write a graph as the exporter does, and compare the file with torch on other lengths.

    Args:
        graph: in evaluation mode.
        traced: the example it is traced with.
        examples: inputs of other lengths.
        folder: for the file.
    """
    path = folder / "checked.onnx"
    try:
        with torch.no_grad():
            write_graph(graph, dict(traced), path)
        agreements = compare_with_torch(graph, path, list(examples))
    except SingwizError as error:
        raise BrokenContract(f"the graph cannot be exported: {error.message}") from error
    except Exception as error:
        # onnxruntime has no exceptions of its own worth telling apart.
        first = str(error).splitlines()[0]
        raise BrokenContract(f"the exported graph fails on other lengths: {first}") from error
    for one in agreements:
        demand(
            one.error <= TOLERANCE * max(one.scale, 1e-3),
            f"the ONNX file differs from torch: {one.output} by {one.error:.3g} of {one.scale:.3g}",
        )
