"""Writing one graph as an ONNX file, and comparing what it computes with torch.

The only place that knows torch's exporter.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..atomic import atomic_path
from ..errors import SingwizError
from .graphs.parts import Graph, Port, SampledGraph
from .graphs.samplers import replaced_noise

if TYPE_CHECKING:
    import onnx
    import onnxruntime

OPSET = 17
IR_VERSION = 8
"""Both of what DiffSinger's own exporter writes; OpenUTAU of any age reads them."""

_ELEMENTS = {torch.float32: 1, torch.int64: 7, torch.bool: 9}
"""Element types by their ONNX numbers."""


def write_graph(graph: Graph, example: Mapping[str, torch.Tensor], path: Path) -> None:
    """Export a graph; the file appears when it is complete.

    Args:
        graph: in evaluation mode, on the CPU.
        example: one value per input, of any lengths.
        path: the ``.onnx`` file.

    Raises:
        SingwizError: torch cannot express the model as ONNX.
    """
    import onnx

    values = [example[port.name] for port in graph.inputs]
    names = [port.name for port in graph.inputs]
    with torch.no_grad(), _quiet():
        try:
            if isinstance(graph, SampledGraph):
                model = _sampled(graph, values, names)
            else:
                model = _traced(graph, values, names, [port.name for port in graph.outputs])
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise SingwizError(
                "export-graph",
                f"The model cannot be written as ONNX: {str(error).splitlines()[0]}.",
                hint="Please report this with the model's config.yaml.",
                where=path.name,
            ) from error
    used = {name for node in model.graph.node for name in node.input}
    lost = [name for name in names if name not in used]
    if lost:
        raise SingwizError(
            "export-input-unused",
            f"The model makes no use of {', '.join(lost)}, which OpenUTAU would send.",
            hint="Please report this with the model's config.yaml.",
            where=path.name,
        )
    del model.graph.input[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.input.extend(_declared(port) for port in graph.inputs)
    model.graph.output.extend(_declared(port) for port in graph.outputs)
    model.ir_version = IR_VERSION
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    model.producer_name, model.producer_version = "singwiz", ""
    onnx.checker.check_model(model, full_check=True)
    with atomic_path(path) as temporary:
        onnx.save(model, str(temporary))


class _Method(torch.nn.Module):
    """A method of a module as a module, because the exporter traces ``forward`` only."""

    def __init__(self, owner: torch.nn.Module, method: Callable[..., Any]) -> None:
        super().__init__()
        self.owner = owner
        self.method = method

    def forward(self, *values: torch.Tensor) -> Any:
        return self.method(*values)


def _traced(
    module: torch.nn.Module, values: Sequence[torch.Tensor], inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
    """A module without loops, general in every size that may differ from call to call."""
    import onnx

    memory = io.BytesIO()
    torch.onnx.export(
        # The exporter leaves modules in the mode in which it found the outermost one.
        module.eval(),
        tuple(values),
        memory,  # type: ignore[arg-type]  # files are what its stub knows
        dynamo=False,
        opset_version=OPSET,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={
            # Which axes vary is written later, as it is known from the ports; here all may.
            name: {axis: f"{name}_{axis}" for axis in range(1, value.dim())}
            for name, value in zip(inputs, values, strict=True)
            if value.dim() > 1
        },
    )
    return onnx.load_from_string(memory.getvalue())


def _sampled(
    graph: SampledGraph, values: Sequence[torch.Tensor], inputs: list[str]
) -> onnx.ModelProto:
    """The three parts of a sampled graph, joined."""
    import onnx

    state = dict(zip(graph.state, graph.begin(*values), strict=True))
    begin = _traced(_Method(graph, graph.begin), values, inputs, list(graph.state))
    nodes = [*_renamed(begin.graph, "begin/", {*inputs, *graph.state})]
    weights = [*begin.graph.initializer]
    x = "x"
    for number, loop in enumerate(graph.loops):
        turn = torch.zeros((), dtype=torch.int64)
        used = [state[name] for name in loop.uses]
        body = _traced(loop.body, [turn, state["x"], *used], ["turn", "x", *loop.uses], ["next_x"])
        names = {name: name for name in loop.uses}
        names |= {"turn": f"turn_{number}", "x": f"x_{number}", "next_x": f"next_x_{number}"}
        inner = list(_renamed(body.graph, f"step{number}/", names))
        weights += body.graph.initializer
        going = f"going_{number}"
        inner.append(onnx.helper.make_node("Identity", [going], [f"still_{going}"]))
        sizes = ["x_1", "x_2", "x_3", "x_4"]
        image = onnx.helper.make_tensor_value_info
        nodes.append(
            onnx.helper.make_node(
                "Loop",
                [loop.count, "", x],
                [f"sampled_{number}"],
                name=f"sampling_{number}",
                body=onnx.helper.make_graph(
                    inner,
                    f"step_{number}",
                    [
                        image(names["turn"], onnx.TensorProto.INT64, []),
                        image(going, onnx.TensorProto.BOOL, []),
                        image(names["x"], onnx.TensorProto.FLOAT, sizes),
                    ],
                    [
                        image(f"still_{going}", onnx.TensorProto.BOOL, []),
                        image(names["next_x"], onnx.TensorProto.FLOAT, sizes),
                    ],
                ),
            )
        )
        x = f"sampled_{number}"
    outputs = [port.name for port in graph.outputs]
    kept = [state[name] for name in graph.kept]
    finish = _traced(_Method(graph, graph.finish), [state["x"], *kept], ["x", *graph.kept], outputs)
    names = {name: name for name in (*graph.kept, *outputs)} | {"x": x}
    nodes += _renamed(finish.graph, "finish/", names)
    weights += finish.graph.initializer
    whole = onnx.helper.make_graph(nodes, "singwiz", [], [], weights)
    return onnx.helper.make_model(whole)


def _renamed(
    graph: onnx.GraphProto, prefix: str, kept: Collection[str] | Mapping[str, str]
) -> Iterator[onnx.NodeProto]:
    """The nodes of a part with names that are unique in the whole.

    Args:
        graph: changed in place.
        prefix: put before every name of the part's own.
        kept: names that mean something outside, maybe with what they are called there.
    """
    outside = kept if isinstance(kept, Mapping) else {name: name for name in kept}

    def new(name: str) -> str:
        return outside.get(name, prefix + name) if name else ""

    for weight in graph.initializer:
        weight.name = new(weight.name)
    # An output that is an input, or twice the same value, would be defined nowhere or twice.
    for node in graph.node:
        node.name = prefix + node.name
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                raise RuntimeError(f"a branch inside {node.name}")
        yield node


def _declared(port: Port) -> onnx.ValueInfoProto:
    """A port as ONNX states it."""
    import onnx

    return onnx.helper.make_tensor_value_info(port.name, _ELEMENTS[port.dtype], list(port.shape))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide what the exporter tells developers: that it is old, and where it traced a number."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def open_graph(path: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """A session on the CPU.

    Raises:
        SingwizError: the file is no usable graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SingwizError(
            "graph-unusable",
            f"'{path.name}' cannot be loaded: {str(error).splitlines()[0]}.",
            hint="Export the voice again.",
            where=str(path),
        ) from error


def run_graph(
    session: onnxruntime.InferenceSession, given: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The outputs of a graph by name."""
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(given)), strict=True))


@dataclass(frozen=True)
class Agreement:
    """How close a file is to the model it was made from.

    Attributes:
        output: name.
        error: largest absolute difference.
        scale: largest absolute value.
    """

    output: str
    error: float
    scale: float


def compare_with_torch(
    graph: Graph, path: Path, examples: Sequence[Mapping[str, torch.Tensor]]
) -> list[Agreement]:
    """Run the file and the model on the same inputs.

    Both draw no noise for this: where the file would, it takes the sine of what the noise is shaped
    like, and so does the model.

    Args:
        graph: what the file was made from.
        path: the file.
        examples: inputs of different lengths.

    Returns:
        Per output the worst of all examples.

    Raises:
        SingwizError: the file cannot be loaded, or gives other shapes.
    """
    import onnx
    import onnxruntime

    model = onnx.load(str(path))
    _replace_noise(model.graph)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    worst: dict[str, Agreement] = {}
    for example in examples:
        values = [example[port.name] for port in graph.inputs]
        with torch.no_grad(), replaced_noise(torch.sin):
            expected = graph(*values)
        expected = (expected,) if isinstance(expected, torch.Tensor) else expected
        got = run_graph(session, {name: value.numpy() for name, value in example.items()})
        for port, value in zip(graph.outputs, expected, strict=True):
            wanted, found = value.numpy(), got[port.name]
            if wanted.shape != found.shape:
                raise SingwizError(
                    "export-shape",
                    f"'{path.name}' gives {port.name} with the shape {found.shape} instead of "
                    f"{wanted.shape}.",
                    hint="Please report this with the model's config.yaml.",
                    where=path.name,
                )
            if wanted.dtype == np.bool_:
                error, scale = float((wanted != found).any()), 1.0
            else:
                error = float(np.abs(wanted - found).max(initial=0.0))
                scale = float(np.abs(wanted).max(initial=0.0))
            known = worst.get(port.name, Agreement(port.name, 0.0, 0.0))
            worst[port.name] = Agreement(
                port.name, max(known.error, error), max(known.scale, scale)
            )
    return list(worst.values())


def _replace_noise(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if node.op_type == "RandomNormalLike":
            node.op_type = "Sin"
            del node.attribute[:]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _replace_noise(attribute.g)
