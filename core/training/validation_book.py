"""Where the figures of a validation go: curves, the log, ``validation.jsonl``, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..reporting import Reporter
from .journal import Journal
from .measurements import Measurement, table
from .notices import TOTAL, ValidationRecord


class ValidationBook:
    """Publishes validations and keeps the experiment's journal.

    Args:
        work_dir: the experiment folder.
        reporter: receives the figures, a table and notices.
    """

    def __init__(self, work_dir: Path, reporter: Reporter) -> None:
        self.journal = Journal(work_dir)
        self._reporter = reporter

    def publish_losses(self, logger: Any, step: int, losses: Mapping[str, float]) -> None:
        """Validation losses, tagged ``validation/…``."""
        tagged = {f"validation/{name}": value for name, value in losses.items()}
        if logger is not None:
            logger.log_metrics(tagged, step=step)
        for name, value in tagged.items():
            self._reporter.metric(name, value, step)

    def publish(self, logger: Any, step: int, measurements: Sequence[Measurement]) -> None:
        """What was measured, tagged ``metrics/…``; baselines and classes on TensorBoard only."""
        values = {f"metrics/{one.name}": one.value for one in measurements}
        for name, value in values.items():
            self._reporter.metric(name, value, step)
        for one in measurements:
            if one.baseline is not None:
                values[f"baseline/{one.name}"] = one.baseline
            values |= {f"classes/{one.name}_{kind}": v for kind, v in one.classes.items()}
        if logger is not None and values:
            logger.log_metrics(values, step=step)
        lines = table(measurements)
        if lines:
            self._reporter.log("\n".join([f"Held-out recordings at step {step}:", *lines]))

    def record(
        self,
        step: int,
        *,
        losses: dict[str, float],
        training: dict[str, float],
        measurements: Sequence[Measurement],
        score: tuple[str, float] | None,
        items: int,
        against: str = "",
    ) -> None:
        """Write a validation down and say what follows from the series.

        Args:
            step: optimizer step.
            losses: mean validation losses.
            training: mean training losses since the validation before.
            measurements: what was measured besides.
            score: name and value of what decides which checkpoint is best; the validation loss
                if None.
            items: recordings that were measured.
            against: what else speaks against the checkpoint, see :class:`.ValidationRecord`.
        """
        name, value = score or (f"validation/{TOTAL}", losses[TOTAL])
        record = ValidationRecord(
            step, losses, training, name, value, items, tuple(measurements), against=against
        )
        for notice in self.journal.add(record):
            self._reporter.warning(notice.code, notice.message)
