"""Preparing and training a vocoder of one's own: parts of the step about vocoders.

They are the steps "Prepare" and "Train" once more, for another kind of model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ....core.errors import SingwizError
from ....core.project import ModelChoice, ModelKind
from ..desk import Desk
from ..view import Action, Block, Choice, Question, Text
from ..words import help_text, label, say
from . import validations
from .model import ModelStep
from .prepare import PrepareStep
from .train import TrainStep
from .vocoder_files import fine_tuning_base

STEP = "vocoder"
PRESET, STEPS = "preset", "max_updates"
"""Questions of this part."""

PITCH = "f0_within_50"
"""The measurement that is drawn beside the losses."""


class VocoderPrepare(PrepareStep):
    """Recordings as a vocoder learns from them."""

    id = "vocoder_prepare"
    words = "prepare"
    model: ClassVar[ModelKind] = "vocoder"

    def params(self, desk: Desk) -> dict[str, Any]:
        # A vocoder needs no labels: what is wrong with them leaves nothing out.
        return {"model": self.model}


class VocoderTrain(TrainStep):
    """Generator and discriminators in turn."""

    id = "vocoder_train"
    words = "train"
    model: ClassVar[ModelKind] = "vocoder"
    curves = ("mel_spec_error",)
    _prepared = VocoderPrepare()

    def _charts(self, desk: Desk) -> list[Block]:
        # A low spectrogram error can hide a wrong pitch.
        title = self.say("chart-pitch")
        pitch = validations.course_of(desk, folder(desk), PITCH, title)
        return [*super()._charts(desk), *([pitch] if pitch is not None else [])]


PREPARE, TRAIN = VocoderPrepare(), VocoderTrain()


def presets() -> list[Choice]:
    """Ways to a vocoder of one's own."""
    from ....core.config import list_presets

    return [Choice(one.id, one.label, one.why) for one in list_presets("vocoder")]


def choice(desk: Desk) -> ModelChoice:
    """What was chosen, else what suits the machine."""
    from ....core.config import recommended_preset

    chosen = desk.opened.state.models.get("vocoder")
    if chosen is not None:
        return chosen
    machine = ModelStep().choice(desk).hardware
    key = f"vocoder-preset-{machine}"
    preset = desk.remembered(key, machine, lambda: recommended_preset("vocoder", machine))
    return ModelChoice(preset=preset, hardware=machine)


def questions(desk: Desk) -> list[Question]:
    """How to come to a vocoder of one's own."""
    offered = presets()
    if not offered:
        return []
    now = choice(desk)
    asked = [_ask(PRESET, "choice", now.preset, choices=tuple(offered), advanced=True)]
    steps = now.overrides.get(STEPS) or _planned_steps(now)
    if steps:
        asked.append(_ask(STEPS, "number", steps, minimum=1, integer=True, unit="", advanced=True))
    return asked


def _planned_steps(now: ModelChoice) -> int:
    from ....core.config import reasons

    try:
        found = reasons("vocoder", now.preset, now.hardware).get(STEPS)
    except SingwizError:
        return 0
    return int(found.value) if found is not None else 0


def _ask(name: str, kind: Any, value: Any, **more: Any) -> Question:
    return Question(name, label(STEP, name), kind, value, help=help_text(STEP, name), **more)


def answer(desk: Desk, values: dict[str, Any]) -> None:
    """Store the answers; to be called while the project is being edited."""
    from ....core.jobs.configuring import edited_by_hand, write_config

    now = choice(desk).model_copy(deep=True)
    if PRESET in values:
        now.preset = values[PRESET]
        now.overrides.pop(STEPS, None)
    if STEPS in values:
        now.overrides[STEPS] = values[STEPS]
    project = desk.opened
    project.state.models["vocoder"] = now
    # More steps of the same training: what is shown of them is read from the config.
    if project.config_path("vocoder").exists() and not edited_by_hand(project, "vocoder"):
        write_config(project, "vocoder")


def actions(desk: Desk) -> list[Action]:
    """Buttons of this part, while nothing runs."""
    if not presets():
        return []
    reason = _base_reason(desk)
    again = PREPARE.start_id(desk)
    found = [_button(f"prepare_{again}", reason or PREPARE.start_reason(desk))]
    if PREPARE.watch(desk) is not None or TRAIN.checkpoints(desk):
        prepared = (desk.opened.binary_dir("vocoder") / "train.data").is_file()
        missing = reason or ("" if prepared else say("vocoder.prepare-first"))
        done = say("vocoder.all-steps-done")
        found += [
            _button(f"train_{action.id}", done if action.reason else missing)
            for action in TRAIN.actions(desk)
        ]
    return found


def _button(name: str, reason: str) -> Action:
    return Action(name, say(f"vocoder.do.{name}"), enabled=not reason, reason=reason)


def _base_reason(desk: Desk) -> str:
    """Why the chosen way cannot be gone yet; empty if it can."""
    from ....core.assets import is_usual
    from ....core.config import reasons

    now = choice(desk)
    try:
        values = reasons("vocoder", now.preset, now.hardware)
    except SingwizError as error:
        return error.message
    enabled = values.get("finetune_enabled")
    wanted = now.overrides.get("finetune_enabled", enabled.value if enabled else False)
    named = now.overrides.get("finetune_ckpt_path", "")
    if not wanted or (named and not is_usual("vocoder-base", str(named))):
        return ""
    return "" if fine_tuning_base(desk) is not None else say("vocoder.base-first")


def prepare(desk: Desk) -> Any:
    """Make the config, and start preparing."""
    from ....core.jobs.configuring import write_config

    with desk.edit() as project:
        answer(desk, {})
        write_config(project, "vocoder")
        return PREPARE.start(desk)


def blocks(desk: Desk) -> Sequence[Block]:
    """What preparing and training have come to."""
    shown: list[Block] = []
    training = TRAIN.watch(desk)
    if training is None:
        shown += PREPARE.blocks(desk)
    shown += TRAIN.blocks(desk)
    if shown:
        shown.insert(0, Text(say("vocoder.own-title")))
    return shown


def folder(desk: Desk) -> Path:
    """The experiment of the newest training."""
    return desk.opened.experiment_dir("vocoder", TRAIN.experiment(desk))
