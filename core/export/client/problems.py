"""What can be wrong with a voicebank: codes, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ...errors import SingwizError

AGAIN = "Export the voice again."

CURES = {
    "E_CHARACTER": "Put character.txt with a line 'name=…' into the top folder of the voice.",
    "E_CONFIG": "Copy dsconfig.yaml again from the export that the graphs came from.",
    "E_PHONEMES": "Copy the phoneme list again from the export that the graphs came from.",
    "E_PHONEME": "Export all models with the same dictionaries.",
    "E_LANGUAGES": "Copy languages.json again from the export, and name it in dsconfig.yaml.",
    "E_EMB": "Copy the .emb files of this model's own export into its folder.",
    "E_DSDICT": "List every phoneme with its type in dsdict.yaml.",
    "E_LYRIC": "Write a word that dsdict.yaml knows, or its phonemes in brackets.",
    "E_MODEL": "Copy the graph again from the export.",
    "E_INPUT_MISSING": "Set the keys in dsconfig.yaml as the export wrote them, or export again.",
    "E_INPUT_UNEXPECTED": "Set the keys in dsconfig.yaml as the export wrote them, or export "
    "again.",
    "E_INPUT_TYPE": AGAIN,
    "E_INPUT_SHAPE": "Take hidden_size, .emb files and graph from one and the same export.",
    "E_OUTPUT_NAME": AGAIN,
    "E_OUTPUT_TYPE": AGAIN,
    "E_OUTPUT_SHAPE": AGAIN,
    "E_NONFINITE": "Export an earlier checkpoint, or train again with a lower learning rate.",
    "E_RUN": "Take all graphs of this folder from one and the same export.",
    "E_DURATION": "Train the duration model longer, or export another checkpoint of it.",
    "E_TIMING": "Train the duration model longer, or export another checkpoint of it.",
    "E_PITCH": "Train the pitch model longer, or export another checkpoint of it.",
    "E_VARIANCE": "Add a dsvariance model that predicts every curve the voice needs.",
    "E_MEL": "Use the vocoder that the voice was trained for.",
    "E_SILENT": "Export a checkpoint that sings; listen to it with: singwiz render",
    "E_OTHER": AGAIN,
}
"""Code -> what the user can do."""


class BankProblem(SingwizError):
    """Something by which a voicebank fails in the editor.

    Args:
        code: of :data:`CURES`.
        message: what is wrong.
        where: the file, relative to the voicebank.
    """

    def __init__(self, code: str, message: str, where: str = "") -> None:
        super().__init__(code, message, hint=CURES[code], where=where)


@dataclass(frozen=True)
class Remark:
    """One line of a report.

    Attributes:
        severity: ``error``, or ``warning`` for what only misbehaves.
        code: ``E_…`` or ``W_…``.
        message: what is wrong.
        where: the file.
        hint: what to do.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    where: str = ""
    hint: str = ""

    @classmethod
    def of(cls, problem: SingwizError) -> Remark:
        """A problem as a line."""
        return cls("error", problem.code, problem.message, problem.where, problem.hint)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "hint": self.hint,
        }


def warning(code: str, message: str, where: str = "", hint: str = "") -> Remark:
    """Something that does not fail, but is not as it should be."""
    return Remark("warning", code, message, where, hint)
