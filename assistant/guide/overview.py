"""One view of everything: steps, models, what the voice still lacks, and who works on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import SingwizError
from .desk import Desk
from .steps import variance
from .steps import vocoder_learning as vocoder
from .steps.pair import PrepareBoth, TrainBoth
from .steps.vocoder_files import PREVIEW, heard_through
from .view import Action, Block, Reply, StepLine, StepStatus, Table, Text
from .words import say, title

if TYPE_CHECKING:
    from ...core.jobs import Job
    from .steps.prepare import PrepareStep
    from .steps.train import TrainStep

OVERVIEW = "overview"
"""Id of the view; it is no step of the way."""
REMOVE = "remove_"
"""Before the id of a job that waits and can be taken out of the line."""


@dataclass(frozen=True, slots=True)
class _Model:
    kind: str
    prepare: PrepareStep
    train: TrainStep
    step: str
    """Step in which it is trained."""


def _models() -> tuple[_Model, ...]:
    prepare, train = PrepareBoth(), TrainBoth()
    return (
        _Model("acoustic", prepare.sound, train.sound, "train"),
        _Model("variance", prepare.timing, train.timing, "train"),
        _Model("vocoder", vocoder.PREPARE, vocoder.TRAIN, "vocoder"),
    )


MODELS = _models()


# What there is to see -----------------------------------------------------------------------


def blocks(desk: Desk, lines: Sequence[StepLine]) -> list[Block]:
    """Steps, models, what is missing, and work."""
    shown: list[Block] = [_steps(lines)]
    if desk.project is None:
        return shown
    missing = lacks(desk, {line.id: line.status for line in lines})
    if missing:
        heads = (say("overview.column-lack"), say("overview.column-where"))
        rows = tuple((what, title(step)) for what, step in missing)
        shown.append(Table(say("overview.lacks"), heads, rows))
    else:
        shown.append(Text(say("overview.complete"), "good"))
    columns = tuple(say(f"overview.column-{name}") for name in ("model", "state", "next"))
    models = tuple(_model_row(desk, model) for model in MODELS)
    shown.append(Table(say("overview.models"), columns, models))
    work = _work(desk)
    if work is not None:
        shown.append(work)
    return shown


def _steps(lines: Sequence[StepLine]) -> Table:
    columns = tuple(say(f"overview.column-{name}") for name in ("step", "state", "summary"))
    rows = tuple(
        (f"{line.number}. {line.title}", say(f"overview.status.{line.status}"), line.summary)
        for line in lines
    )
    return Table(say("overview.steps"), columns, rows)


def _model_row(desk: Desk, model: _Model) -> tuple[str, str, str]:
    name = say(f"model.kind.{model.kind}")
    try:
        state, following = _model_state(desk, model)
    except SingwizError as error:
        return name, error.message, error.hint
    return name, state, following


def _model_state(desk: Desk, model: _Model) -> tuple[str, str]:
    checkpoints = model.train.checkpoints(desk)
    planned = model.train.planned_steps(desk)
    steps = checkpoints[-1][0] if checkpoints else 0
    status = model.train.own_status(desk)
    where = title(model.step)
    if status is StepStatus.RUNNING:
        return say("overview.training", steps=steps), say("overview.wait")
    if model.prepare.own_status(desk) is StepStatus.RUNNING:
        return say("overview.preparing"), say("overview.wait")
    if checkpoints and status is StepStatus.STALE:
        return say("overview.stale", steps=steps), say("overview.renew", step=where)
    if checkpoints:
        done = steps >= planned
        following = say("overview.nothing") if done else say("overview.go-on", step=where)
        return say("overview.trained", steps=steps, planned=max(planned, steps)), following
    if (desk.opened.binary_dir(model.prepare.model) / "train.data").is_file():
        return say("overview.prepared"), say("overview.train", step=where)
    if model.kind == "variance" and not variance.wanted(desk):
        return say("overview.not-wanted"), say("overview.want", step=title("model"))
    if model.kind == "vocoder":
        return say("overview.none"), say("overview.optional", step=where)
    return say("overview.none"), say("overview.prepare", step=title("prepare"))


def lacks(desk: Desk, statuses: Mapping[str, StepStatus]) -> list[tuple[str, str]]:
    """What keeps the voice from being finished, and the step that helps."""
    found: list[tuple[str, str]] = []
    if not desk.opened.state.consent:
        found.append((say("overview.lack.consent"), "recordings"))
    if statuses.get("check") is not StepStatus.DONE:
        found.append((say("overview.lack.check"), "check"))
    sound, timing = MODELS[0], MODELS[1]
    if not sound.train.checkpoints(desk):
        found.append((say("overview.lack.sound"), "train"))
    elif statuses.get("train") is StepStatus.STALE:
        found.append((say("overview.lack.stale"), "train"))
    learned = variance.learned(desk)
    trained = bool(timing.train.checkpoints(desk))
    if "dur" not in learned:
        found.append((say("overview.lack.timing"), "model"))
    elif not trained:
        found.append((say("overview.lack.timing-untrained"), "train"))
    if heard_through(desk) == PREVIEW:
        found.append((say("overview.lack.vocoder"), "vocoder"))
    if statuses.get("export") is not StepStatus.DONE:
        found.append((say("overview.lack.export"), "export"))
    return found


def active(desk: Desk) -> list[Job]:
    """Jobs of this project that work or wait, oldest first."""
    return sorted(
        (job for job in desk.all_jobs() if job.running), key=lambda job: job.created
    )  # fmt: skip


def _work(desk: Desk) -> Table | None:
    """Who works and who waits: this project, and long work of the user's others."""
    from ...core.jobs.queue import describe, list_tickets, model_of

    rows = []
    own = active(desk)
    for job in own:
        status = job.status()
        what = describe(job.stage, model_of(job.stage, job.params))
        share = "" if status.progress is None else f"{100 * status.progress:.0f} %"
        text = status.label if status.state == "waiting" else share or status.label
        rows.append((what, desk.opened.state.name, say(f"overview.work.{status.state}"), text))
    here = {job.dir for job in own}
    for ticket in list_tickets():
        if ticket.job_dir not in here:
            state = "running" if ticket.working else "waiting"
            what = describe(ticket.stage, ticket.model)
            rows.append((what, ticket.project, say(f"overview.work.{state}"), ticket.device))
    if not rows:
        return None
    columns = tuple(say(f"overview.column-{name}") for name in ("work", "project", "state", "note"))
    return Table(say("overview.work-title"), columns, tuple(rows))


# What can be done -----------------------------------------------------------------------------


def actions(desk: Desk, current: str, stale: Sequence[str], reason: str) -> list[Action]:
    """Go on, redo what is out of date, take waiting work out of the line.

    Args:
        current: the step to go on with.
        stale: steps that are out of date.
        reason: why they cannot be redone yet; empty if they can.
    """
    found = [Action("continue", say("overview.do.continue", step=title(current)), primary=True)]
    if desk.project is None:
        return found
    jobs = active(desk)
    if stale:
        reason = say("overview.busy") if jobs else reason
        names = ", ".join(title(step) for step in stale)
        found.append(
            Action("redo", say("overview.do.redo", steps=names), enabled=not reason, reason=reason)
        )
    from ...core.jobs.queue import describe, model_of

    found += [
        Action(
            REMOVE + job.id,
            say("overview.do.remove", work=describe(job.stage, model_of(job.stage, job.params))),
        )
        for job in jobs
        if job.status().state == "waiting"
    ]
    return found


def remove(desk: Desk, action: str) -> Reply:
    """Take a waiting job out of the line."""
    wanted = action.removeprefix(REMOVE)
    job = next((one for one in active(desk) if one.id == wanted), None)
    if job is None:
        return Reply(True, say("job.already-over"))
    job.stop()
    return Reply(True, say("overview.removed"))


REDONE = ("check", "model", "prepare", "train")
"""Steps that are done again by themselves; what follows is for ears and taste."""


def redo(desk: Desk) -> Reply:
    """Start everything that is out of date, each after what it needs.

    Recordings are checked, settings written, both models prepared and trained anew, as far as
    that is out of date; old checkpoints stay.
    """
    from .steps.check import CheckStep
    from .steps.model import ModelStep

    before: list[str] = []
    started: list[str] = []
    check, model = CheckStep(), ModelStep()
    if check.own_status(desk) is StepStatus.STALE:
        before = [check.launch(desk).id]
        started.append("check")
    if model.own_status(desk) is StepStatus.STALE:
        model.act(desk, "write")
        started.append("model")
    for one in MODELS[:2]:
        needed = list(before)
        if one.prepare.own_status(desk) is StepStatus.STALE:
            needed = [one.prepare.launch(desk, after=before).id]
            started.append("prepare")
        if one.train.own_status(desk) is StepStatus.STALE:
            one.train.launch_afresh(desk, after=needed)
            started.append("train")
    if not started:
        return Reply(True, say("overview.nothing-stale"))
    names = ", ".join(title(step) for step in dict.fromkeys(started))
    return Reply(True, say("overview.redoing", steps=names))
