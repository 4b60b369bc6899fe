"""A browser of checkpoints: which one is which, keep it, delete it, sing it; part of "Train"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.errors import SingwizError
from ..desk import Desk
from ..store import signature
from ..view import Action, Choice, Question, Reply
from ..words import help_text, label, say
from . import validations

if TYPE_CHECKING:
    from .train import TrainStep

STEP = "train"
QUESTION = "checkpoint"
KEEP, RELEASE, DELETE, SING = "ckpt_keep", "ckpt_release", "ckpt_delete", "ckpt_sing"
ACTIONS = (KEEP, RELEASE, DELETE, SING)


def questions(desk: Desk, trainings: Sequence[TrainStep]) -> list[Question]:
    """Which checkpoint to look at; nothing as long as there is no choice."""
    choices = _choices(desk, trainings)
    if len(choices) < 2:
        return []
    help = help_text(STEP, QUESTION)
    value = chosen(desk, trainings)
    return [
        Question(
            QUESTION, label(STEP, QUESTION), "choice", value, help=help, choices=tuple(choices)
        )
    ]


def _choices(desk: Desk, trainings: Sequence[TrainStep]) -> list[Choice]:
    """The newest first, those of the sound before the others."""
    several = len(trainings) > 1
    found = []
    for training in trainings:
        folder = training.folder(desk)
        best = validations.best(desk, folder)
        kept = kept_steps(desk, folder)
        for steps, _ in reversed(training.checkpoints(desk)):
            marks = [say(f"{STEP}.best-mark")] if best is not None and best.step == steps else []
            marks += [say(f"{STEP}.kept-mark")] if steps in kept else []
            text = say(f"{STEP}.ckpt", steps=steps)
            if several:
                text = f"{say(f'model.kind.{training.model}')}: {text}"
            text += f" ({', '.join(marks)})" if marks else ""
            found.append(Choice(f"{training.model}/{steps}", text))
    return found


def chosen(desk: Desk, trainings: Sequence[TrainStep]) -> str:
    """``kind/steps`` of the checkpoint that is looked at: the newest if none was named."""
    known = [one.value for one in _choices(desk, trainings)]
    named = desk.answer_of(STEP, QUESTION, "")
    return named if named in known else next(iter(known), "")


def kept_steps(desk: Desk, folder: Path) -> frozenset[int]:
    """Steps whose checkpoints training must not delete."""
    from ....core.training.keeping import KEPT, read_kept

    seen = signature(folder / KEPT)
    return desk.remembered(f"kept-{folder}", seen, lambda: read_kept(folder))


def _find(desk: Desk, trainings: Sequence[TrainStep]) -> tuple[TrainStep, int, Path] | None:
    kind, _, steps = chosen(desk, trainings).partition("/")
    for training in trainings:
        for own, path in training.checkpoints(desk):
            if training.model == kind and str(own) == steps:
                return training, own, path
    return None


def actions(desk: Desk, trainings: Sequence[TrainStep]) -> list[Action]:
    """What can be done with the chosen checkpoint."""
    found = _find(desk, trainings)
    if found is None:
        return []
    training, steps, _ = found
    kept = steps in kept_steps(desk, training.folder(desk))
    newest = training.checkpoints(desk)[-1][0] == steps
    reason = say(f"{STEP}.newest-stays") if newest else say(f"{STEP}.kept-stays") if kept else ""
    values = {"steps": steps}
    buttons = [
        Action(SING, say(f"{STEP}.do.{SING}", **values))
        if training.model == "acoustic"
        else None,
        Action(RELEASE if kept else KEEP, say(f"{STEP}.do.{RELEASE if kept else KEEP}", **values)),
        Action(
            DELETE, say(f"{STEP}.do.{DELETE}", **values), enabled=not reason, reason=reason
        ),
    ]  # fmt: skip
    return [one for one in buttons if one is not None]


def act(desk: Desk, action: str, trainings: Sequence[TrainStep]) -> Reply:
    """Do one of the :func:`actions`."""
    from ....core.training.keeping import keep, release

    found = _find(desk, trainings)
    if found is None:
        return Reply(False, say("refused.action"))
    training, steps, path = found
    folder = training.folder(desk)
    if action == SING:
        desk.save_answer("listen", "checkpoint", str(steps))
        return Reply(True, say(f"{STEP}.ckpt-chosen", steps=steps), go_to="listen")
    if action == KEEP:
        keep(folder, steps)
        return Reply(True, say(f"{STEP}.ckpt-kept", steps=steps))
    if action == RELEASE:
        release(folder, steps)
        return Reply(True, say(f"{STEP}.ckpt-released", steps=steps))
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SingwizError(
            "checkpoint-undeletable",
            f"'{path.name}' cannot be deleted: {error.strerror or error}.",
            hint="Check that no other program has it open.",
            where=str(path),
        ) from None
    return Reply(True, say(f"{STEP}.ckpt-deleted", steps=steps))
