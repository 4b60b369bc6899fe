"""The wizard: it knows the order of the steps, takes answers, starts work and says what is next.

Faces talk to this class and to the plain objects of :mod:`.view`, and to nothing else. Several
guides, in several processes, may have the same project open.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import SingwizError
from ...core.project import FILE_NAME, Project
from ...core.words import again, join
from . import overview
from .desk import Desk
from .fields import Refused, clean
from .overview import OVERVIEW
from .retelling import line_in_language, reply_in_language, view_in_language
from .steps import STEPS
from .steps.base import Step
from .view import Action, Copyable, Question, Reply, StepLine, StepStatus, StepView, Text
from .words import say, title, why


class Guide:
    """One visit to the wizard."""

    def __init__(self, steps: Sequence[Step] = STEPS) -> None:
        self._steps = tuple(steps)
        self._by_id = {step.id: step for step in self._steps}
        self._desk = Desk()
        # A browser polls from one thread while another one sends an answer.
        self._lock = threading.RLock()

    @classmethod
    def open(cls, project_path: Path | str | None = None) -> Guide:
        """Start with a project, or without one.

        A folder without a project is no mistake: it is proposed as the place for a new one.

        Raises:
            SingwizError: there is a project, but its ``singwiz.yaml`` cannot be read.
        """
        guide = cls()
        if project_path is None:
            return guide
        path = Path(project_path).expanduser().absolute()
        if path.name == FILE_NAME:
            path = path.parent
        if (path / FILE_NAME).exists():
            guide._desk.open(Project.open(path))
        else:
            guide._desk.draft["project_dir"] = str(path)
        return guide

    @property
    def project(self) -> Project | None:
        """The open project; None until the first step made or opened one."""
        return self._desk.project

    @property
    def step_ids(self) -> tuple[str, ...]:
        """All steps in order."""
        return tuple(self._by_id)

    def overview(self) -> list[StepLine]:
        """One line per step."""
        with self._lock:
            self._desk.refresh()
            statuses = self._statuses()
            return [
                line_in_language(
                    StepLine(
                        step.id,
                        number,
                        title(step.id),
                        statuses[step.id],
                        self._summary(step, statuses[step.id]),
                    )
                )
                for number, step in enumerate(self._steps, start=1)
            ]

    def current(self) -> str:
        """The step to show first: where work runs, else the first one that is not done."""
        with self._lock:
            self._desk.refresh()
            statuses = self._statuses()
            for step in self._steps:
                if statuses[step.id] is StepStatus.RUNNING:
                    return step.id
            for step in self._steps:
                if statuses[step.id] is not StepStatus.DONE:
                    return step.id
            return self._steps[-1].id

    def view(self, step_id: str) -> StepView:
        """Everything there is to draw of one step. Cheap enough to be called every second.

        Raises:
            KeyError: there is no such step.
        """
        return view_in_language(self._view(step_id))

    def _view(self, step_id: str) -> StepView:
        if step_id == OVERVIEW:
            return self._view_overview()
        step = self._by_id[step_id]
        with self._lock:
            self._desk.refresh()
            statuses = self._statuses()
            status = statuses[step.id]
            number = self._steps.index(step) + 1
            base = StepView(step.id, number, title(step.id), why(step.id), status)
            if status is StepStatus.LOCKED:
                return replace(base, blocks=(Text(self._lock_reason(step, statuses), "warning"),))
            try:
                return replace(
                    base,
                    summary=self._summary(step, status),
                    questions=self._questions(step),
                    blocks=(
                        *self._trouble(),
                        *self._about_status(status),
                        *step.blocks(self._desk),
                        *self._report(step),
                    ),
                    actions=self._actions(step, statuses),
                    job=step.job(self._desk),
                )
            except SingwizError as error:
                return replace(base, blocks=(*self._trouble(), _as_text(error)))

    def answer(self, step_id: str, values: dict[str, Any]) -> Reply:
        """Take one or several answers of a step; what can be taken is saved at once.

        Never raises for a bad answer: ``Reply.errors`` says per question what is wrong, and the
        question keeps showing what was typed.
        """
        return reply_in_language(self._answer(step_id, values))

    def _answer(self, step_id: str, values: dict[str, Any]) -> Reply:
        step = self._by_id.get(step_id)
        if step is None or not isinstance(values, dict):
            return Reply(False, say("refused.step"))
        with self._lock:
            try:
                self._desk.refresh()
                if self._statuses()[step.id] is StepStatus.LOCKED:
                    return Reply(False, self._lock_reason(step, self._statuses()))
                return self._take(step, values)
            except SingwizError as error:
                return _as_reply(error)
            except OSError as error:
                return Reply(False, say("refused.system", reason=error.strerror or error))

    def act(self, step_id: str, action_id: str) -> Reply:
        """Press a button. A disabled or unknown one does nothing and says why."""
        return reply_in_language(self._act(step_id, action_id))

    def _act(self, step_id: str, action_id: str) -> Reply:
        if step_id == OVERVIEW:
            return self._act_overview(str(action_id))
        step = self._by_id.get(step_id)
        if step is None:
            return Reply(False, say("refused.step"))
        with self._lock:
            try:
                self._desk.refresh()
                statuses = self._statuses()
                if statuses[step.id] is StepStatus.LOCKED:
                    return Reply(False, self._lock_reason(step, statuses))
                offered = {action.id: action for action in self._actions(step, statuses)}
                action = offered.get(str(action_id))
                if action is None:
                    return Reply(False, say("refused.action"))
                if not action.enabled:
                    return Reply(False, action.reason)
                if action.id == "continue":
                    return Reply(True, go_to=self._after(step))
                reply = step.act(self._desk, action.id)
                return replace(reply, go_to=self._after(step)) if reply.go_to == "next" else reply
            except SingwizError as error:
                return _as_reply(error)
            except OSError as error:
                return Reply(False, say("refused.system", reason=error.strerror or error))

    # ---------------------------------------------------------------------------------

    def _view_overview(self) -> StepView:
        with self._lock:
            lines, current = self.overview(), self.current()
            words = title(OVERVIEW), why(OVERVIEW)
            base = StepView(OVERVIEW, 0, *words, StepStatus.READY)
            try:
                blocks = tuple(overview.blocks(self._desk, lines))
                stale, reason = self._stale()
                actions = tuple(overview.actions(self._desk, current, stale, reason))
            except SingwizError as error:
                return replace(base, blocks=(*self._trouble(), _as_text(error)))
            return replace(base, blocks=(*self._trouble(), *blocks), actions=actions)

    def _act_overview(self, action: str) -> Reply:
        with self._lock:
            view = self._view_overview()
            offered = next((one for one in view.actions if one.id == action), None)
            if offered is None:
                return Reply(False, say("refused.action"))
            if not offered.enabled:
                return Reply(False, offered.reason)
            try:
                if action == "continue":
                    return Reply(True, go_to=self.current())
                if action == "redo":
                    return overview.redo(self._desk)
                return overview.remove(self._desk, action)
            except SingwizError as error:
                return _as_reply(error)

    def _stale(self) -> tuple[list[str], str]:
        """Steps that are out of date and can be done again by themselves; why not yet, if so."""
        if self._desk.project is None:
            return [], ""
        found = [
            step
            for step in self._steps
            if step.id in overview.REDONE and step.own_status(self._desk) is StepStatus.STALE
        ]
        blocked = self._blocked_by(found[0], self._statuses()) if found else None
        reason = say("job.earlier-first", step=title(blocked.id)) if blocked else ""
        return [step.id for step in found], reason

    def _take(self, step: Step, values: dict[str, Any]) -> Reply:
        questions = {question.id: question for question in step.questions(self._desk)}
        errors: dict[str, str] = {}
        cleaned: dict[str, Any] = {}
        for key, raw in values.items():
            question = questions.get(key)
            if question is None:
                errors[str(key)] = say("refused.question")
                continue
            try:
                value = clean(question, raw)
            except Refused as refusal:
                errors[key] = refusal.text
                continue
            # Faces may send a whole form: what still shows the guess is no decision, so that
            # better guesses can follow from what was decided.
            if value != question.value or type(value) is not type(question.value):
                cleaned[key] = value
        if cleaned:
            if self._desk.file is None:
                errors.update(step.answer(self._desk, cleaned))
            else:
                with self._desk.edit():
                    errors.update(step.answer(self._desk, cleaned))
        for key in values:
            if key in errors and key in questions:
                self._desk.refused[step.id, key] = (values[key], errors[key])
            else:
                self._desk.refused.pop((step.id, key), None)
        if errors:
            return Reply(False, say("refused.some", count=len(errors)), errors=errors)
        return Reply(True)

    def _questions(self, step: Step) -> tuple[Question, ...]:
        questions = []
        for question in step.questions(self._desk):
            refused = self._desk.refused.get((step.id, question.id))
            if refused is not None:
                value, error = refused
                shown = value if type(value) is type(question.value) else question.value
                question = replace(question, value=shown, error=error)
            questions.append(question)
        return tuple(questions)

    def _actions(self, step: Step, statuses: dict[str, StepStatus]) -> tuple[Action, ...]:
        actions = list(step.actions(self._desk))
        finished = statuses[step.id] is StepStatus.DONE and not step.is_asking(self._desk)
        if finished and self._after(step) != step.id:
            actions = [replace(action, primary=False) for action in actions]
            actions.append(Action("continue", say("job.continue"), primary=True))
        blocked = self._blocked_by(step, statuses)
        if blocked is None or step.asks_folder:
            return tuple(actions)
        reason = say("job.earlier-first", step=title(blocked.id))
        return tuple(
            replace(action, enabled=False, reason=reason)
            if action.enabled and action.id not in ("stop", "continue")
            else action
            for action in actions
        )

    def _summary(self, step: Step, status: StepStatus) -> str:
        if status is StepStatus.LOCKED:
            return ""
        try:
            return step.summary(self._desk)
        except SingwizError as error:
            return error.message

    def _statuses(self) -> dict[str, StepStatus]:
        statuses: dict[str, StepStatus] = {}
        outdated = False
        for step in self._steps:
            if self._desk.project is None and not step.asks_folder:
                statuses[step.id] = StepStatus.LOCKED
                continue
            try:
                status = step.own_status(self._desk)
            except SingwizError:
                status = StepStatus.FAILED
            blocked = self._blocked_by(step, statuses) is not None
            if blocked and status is not StepStatus.RUNNING and not step.started(self._desk):
                status = StepStatus.LOCKED
            elif status is StepStatus.DONE and outdated and not step.follows_at_once:
                status = StepStatus.STALE
            outdated = outdated or status is StepStatus.STALE
            statuses[step.id] = status
        return statuses

    def _blocked_by(self, step: Step, statuses: dict[str, StepStatus]) -> Step | None:
        """The first step that has to be done (again) before work can start in this one."""
        for earlier in self._steps[: self._steps.index(step)]:
            if step.needs is not None and earlier.id not in step.needs:
                continue
            if statuses[earlier.id] is not StepStatus.DONE and not earlier.lets_pass(self._desk):
                return earlier
        return None

    def _lock_reason(self, step: Step, statuses: dict[str, StepStatus]) -> str:
        earlier = self._blocked_by(step, statuses)
        return say("job.earlier-first", step=title(earlier.id if earlier else self._steps[0].id))

    def _after(self, step: Step) -> str:
        index = self._steps.index(step)
        return self._steps[min(index + 1, len(self._steps) - 1)].id

    def _trouble(self) -> tuple[Text, ...]:
        trouble = self._desk.file.trouble if self._desk.file else None
        return (_as_text(trouble),) if trouble else ()

    def _report(self, step: Step) -> tuple[Copyable, ...]:
        """What to send to somebody who can help, where work broke off."""
        job = step.job(self._desk)
        if job is None or job.state not in ("failed", "died"):
            return ()
        from ...core.jobs import Job
        from ...core.jobs.report import report

        folder = self._desk.opened.jobs_dir / job.id
        text = self._desk.remembered(f"report-{step.id}", job.id, lambda: report(Job.open(folder)))
        return (Copyable(say("job.report"), text),)

    def _about_status(self, status: StepStatus) -> tuple[Text, ...]:
        return (Text(say("job.stale"), "warning"),) if status is StepStatus.STALE else ()


def _as_text(error: SingwizError) -> Text:
    place = f"`{error.where}`: " if error.where else ""
    return Text(place + join(again(error.message), again(error.hint)), "error")


def _as_reply(error: SingwizError) -> Reply:
    place = f"{error.where}: " if error.where else ""
    return Reply(False, place + again(error.message), error.hint)
