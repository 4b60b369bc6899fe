"""How conditions are written on the command line and in jobs: ``best=acoustic@best,steps=20``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import USAGE_PROBLEM, SingwizError

Source = Literal["recording", "copy", "voice", "chain"]

_STEP = re.compile(r"\d+|best")
_EXAMPLES = (
    "For example: @1000, my-voice@best, @best,vocoder=preview, late=@8000,steps=50, recording, "
    "copy, or @best,chain."
)


@dataclass(frozen=True)
class Recipe:
    """How one condition is made.

    Attributes:
        source: ``recording``; ``copy``, the recording through the vocoder; ``voice``, the acoustic
            model with the pitch and timing of the recording; ``chain``, with everything that
            variance models predict.
        label: what it is called; empty = made from the rest.
        experiment: of the voice; empty = the project's.
        ckpt: number of steps, ``best``, or empty for the newest.
        vocoder: file, folder or ``preview``; empty = the project's.
        steps: sampling steps instead of the config's.
        depth: of shallow diffusion, 0..1.
    """

    source: Source = "voice"
    label: str = ""
    experiment: str = ""
    ckpt: str = ""
    vocoder: str = ""
    steps: int | None = None
    depth: float | None = None

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read ``[LABEL=]WHAT[,KEY=VALUE…]``.

        WHAT is ``recording``, ``copy``, ``chain``, ``EXPERIMENT``, ``@STEP`` or
        ``EXPERIMENT@STEP``; keys are ``vocoder``, ``steps`` and ``depth``; the word ``chain``
        lets variance models predict.

        Raises:
            SingwizError: not such a text.
        """
        first, *rest = (part.strip() for part in text.split(","))
        label, is_named, head = first.rpartition("=")
        if is_named and not label:
            raise _unclear(text)
        found: dict[str, object] = {"label": label.strip()}
        head = head.strip()
        if head in ("recording", "copy", "chain"):
            found["source"] = head
        else:
            experiment, _, step = head.partition("@")
            if not head or (step and not _STEP.fullmatch(step)) or head.endswith("@"):
                raise _unclear(text)
            found |= {"experiment": experiment.strip(), "ckpt": step}
        for part in rest:
            key, _, value = part.partition("=")
            if part == "chain" and found.get("source", "voice") == "voice":
                found["source"] = "chain"
            elif key == "vocoder" and value:
                found["vocoder"] = value
            elif key == "steps" and value.isdecimal() and 1 <= int(value) <= 1000:
                found["steps"] = int(value)
            elif key == "depth" and re.fullmatch(r"0(\.\d+)?|1(\.0+)?", value):
                found["depth"] = float(value)
            else:
                raise _unclear(text)
        return cls(**found)  # type: ignore[arg-type]

    def describe(self, experiment: str, step: int | None) -> str:
        """The label, or one that says what is known."""
        if self.label:
            return self.label
        if self.source == "recording":
            return "recording"
        name = {"copy": "copy-synthesis"}.get(self.source, experiment)
        if step is not None and self.source != "copy":
            name += f", step {step}"
        if self.source == "chain":
            name += ", predicted"
        if self.vocoder:
            name += f", vocoder {self.vocoder.rstrip('/').rpartition('/')[2]}"
        if self.steps is not None:
            name += f", {self.steps} sampling steps"
        if self.depth is not None:
            name += f", depth {self.depth:g}"
        return name


def _unclear(text: str) -> SingwizError:
    return SingwizError(
        "listening-condition-unclear",
        f"'{text}' does not say what to listen to.",
        hint=_EXAMPLES,
        exit_code=USAGE_PROBLEM,
    )
