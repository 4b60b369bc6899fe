"""What a step is. The guide knows steps only through :class:`Step`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from ..desk import Desk
from ..view import Action, Block, Choice, JobView, Question, QuestionKind, Reply, StepStatus
from ..words import help_text, label, say


class Step(ABC):
    """One step of the way: what it asks, what it can do, what it shows, where it stands.

    Everything but :meth:`answer` and :meth:`act` is called once a second and has to be cheap:
    read small files only when they changed, and remember the rest on the desk.
    """

    id: ClassVar[str]
    words: ClassVar[str] = ""
    """Step of the catalogue whose sentences are used; empty = those of :attr:`id`."""
    asks_folder: ClassVar[bool] = False
    """True for the step that works without a project, because it makes one."""
    follows_at_once: ClassVar[bool] = False
    """True if the step only shows how things are now, so that it can never be out of date."""
    needs: ClassVar[tuple[str, ...] | None] = None
    """Steps that have to be done before work can start here; None = all earlier ones."""

    @abstractmethod
    def own_status(self, desk: Desk) -> StepStatus:
        """Where the step stands by itself; the guide adds what earlier steps do to it."""

    def questions(self, desk: Desk) -> Sequence[Question]:
        """What the user decides here."""
        return ()

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        """Take answers of the right form and save them; gives back question -> refusal."""
        for question, value in values.items():
            desk.save_answer(self.id, question, value)
        return {}

    def actions(self, desk: Desk) -> Sequence[Action]:
        """What can be done here now."""
        return ()

    def act(self, desk: Desk, action: str) -> Reply:
        """Do one of the enabled :meth:`actions`."""
        return Reply(False, say("refused.action"))

    def blocks(self, desk: Desk) -> Sequence[Block]:
        """What there is to see."""
        return ()

    def summary(self, desk: Desk) -> str:
        """One line for the overview."""
        return ""

    def job(self, desk: Desk) -> JobView | None:
        """The job of this step."""
        return None

    def started(self, desk: Desk) -> bool:
        """Whether there is something to see already; such a step is never locked again."""
        return False

    def lets_pass(self, desk: Desk) -> bool:
        """Whether later steps may go on although this one is not done."""
        return False

    def is_asking(self, desk: Desk) -> bool:
        """Whether one question fills the step, so that nothing should lead away from it."""
        return False

    # Shorthands -----------------------------------------------------------------------

    def ask(
        self,
        question: str,
        kind: QuestionKind,
        value: Any,
        *,
        choices: Sequence[Choice] = (),
        **more: Any,
    ) -> Question:
        """A question with its words from the catalogue."""
        return Question(
            id=question,
            label=label(self.words or self.id, question),
            kind=kind,
            value=value,
            help=more.pop("help", None) or help_text(self.words or self.id, question),
            choices=tuple(choices),
            **more,
        )

    def button(self, action: str, *, reason: str = "", primary: bool = False) -> Action:
        """An action with its label from the catalogue; a reason disables it."""
        return Action(
            action,
            self.say(f"do.{action}"),
            primary=primary,
            enabled=not reason,
            reason=reason,
        )

    def say(self, key: str, /, **values: object) -> str:
        """A sentence of this step."""
        return say(f"{self.words or self.id}.{key}", **values)
