"""One graph, run as strictly as OpenUTAU runs it, and a little stricter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .problems import BankProblem

if TYPE_CHECKING:
    import onnxruntime

_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
THREADS = 0
"""All cores."""


@dataclass(frozen=True)
class GraphSession:
    """A loaded graph.

    Attributes:
        session: of onnxruntime, on the CPU.
        where: the file's name for people.
    """

    session: onnxruntime.InferenceSession
    where: str

    @classmethod
    def open(cls, path: Path, where: str) -> GraphSession:
        """Load a graph.

        Raises:
            BankProblem: it is missing or no usable graph.
        """
        import onnxruntime

        if not path.is_file():
            raise BankProblem("E_MODEL", "This file is missing.", where)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            said = str(error).splitlines()[0]
            raise BankProblem("E_MODEL", f"The graph cannot be loaded: {said}.", where) from error
        return cls(session, where)

    def check_inputs(self, sent: Collection[str]) -> None:
        """Compare the inputs with what the editor sends for the dsconfig.

        Raises:
            BankProblem: the sets differ.
        """
        own = {port.name for port in self.session.get_inputs()}
        missing = sorted(own - {*sent})
        unexpected = sorted({*sent} - own)
        if missing:
            raise BankProblem(
                "E_INPUT_MISSING",
                f"The graph needs {', '.join(missing)}, which the settings do not promise.",
                self.where,
            )
        if unexpected:
            raise BankProblem(
                "E_INPUT_UNEXPECTED",
                f"The settings promise {', '.join(unexpected)}, which the graph does not take.",
                self.where,
            )

    def run(
        self,
        feeds: Mapping[str, NDArray[Any]],
        wanted: Sequence[str] = (),
        *,
        strict: bool = True,
    ) -> dict[str, NDArray[Any]]:
        """Run the graph.

        Args:
            feeds: input -> value.
            wanted: outputs that are looked up by name; the first one is there under "" as well.
            strict: compare the set of inputs, as for every graph but vocoders.

        Raises:
            BankProblem: inputs or outputs are not as they have to be.
        """
        if strict:
            self.check_inputs(feeds)
        self._check_feeds(feeds)
        names = [port.name for port in self.session.get_outputs()]
        lost = [name for name in wanted if name not in names]
        if lost or not names:
            raise BankProblem(
                "E_OUTPUT_NAME", f"The graph does not give {', '.join(lost)}.", self.where
            )
        try:
            values = self.session.run(names, dict(feeds))
        except Exception as error:
            said = str(error).splitlines()[0]
            raise BankProblem("E_RUN", f"The graph fails: {said}.", self.where) from error
        result = dict(zip(names, values, strict=True))
        for name, value in result.items():
            if name not in wanted and name != names[0]:
                continue
            if value.dtype not in (np.float32, np.bool_):
                raise BankProblem(
                    "E_OUTPUT_TYPE",
                    f"{name} is {value.dtype}; OpenUTAU reads float32.",
                    self.where,
                )
            if not np.isfinite(value).all():
                raise BankProblem("E_NONFINITE", f"{name} holds numbers out of range.", self.where)
        return result | {"": result[names[0]]}

    def _check_feeds(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        sizes: dict[str, int] = {}
        for port in self.session.get_inputs():
            value = feeds.get(port.name)
            if value is None:
                continue
            if _TYPES.get(port.type) is not value.dtype.type:
                raise BankProblem(
                    "E_INPUT_TYPE",
                    f"{port.name} is declared {port.type}, and {value.dtype} is sent.",
                    self.where,
                )
            # Without dimensions a list of one and a bare number are both taken.
            fits = not port.shape or len(port.shape) == value.ndim
            for size, got in zip(port.shape, value.shape, strict=False):
                if isinstance(size, int):
                    fits &= size == got
                elif size is not None:
                    fits &= sizes.setdefault(size, got) == got
            if not fits:
                raise BankProblem(
                    "E_INPUT_SHAPE",
                    f"{port.name} has the shape {list(port.shape)}, and {[*value.shape]} is sent.",
                    self.where,
                )
