"""A view in the reader's language: what core wrote in English is said again.

The steps' own sentences are in the right language already (see :mod:`.words`); names, numbers and
whatever else is in no catalogue stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

from ...core.words import again
from .view import (
    Action,
    Audio,
    Block,
    Chart,
    Choice,
    Copyable,
    Image,
    JobView,
    Question,
    Reply,
    StepLine,
    StepView,
    Table,
    Text,
)


def line_in_language(line: StepLine) -> StepLine:
    """A line of the overview."""
    return replace(line, summary=again(line.summary))


def view_in_language(view: StepView) -> StepView:
    """Everything there is to read of a step."""
    return replace(
        view,
        summary=again(view.summary),
        questions=tuple(_question(question) for question in view.questions),
        blocks=tuple(_block(block) for block in view.blocks),
        actions=tuple(_action(action) for action in view.actions),
        job=_job(view.job) if view.job else None,
    )


def reply_in_language(reply: Reply) -> Reply:
    """What became of an answer or an action."""
    return replace(
        reply,
        message=again(reply.message),
        hint=again(reply.hint),
        errors={question: again(error) for question, error in reply.errors.items()},
    )


def _question(question: Question) -> Question:
    return replace(
        question,
        label=again(question.label),
        help=again(question.help),
        unit=again(question.unit),
        error=again(question.error),
        choices=tuple(_choice(choice) for choice in question.choices),
        columns=tuple(again(column) for column in question.columns),
    )


def _choice(choice: Choice) -> Choice:
    return replace(choice, label=again(choice.label), why=again(choice.why))


def _action(action: Action) -> Action:
    return replace(action, label=again(action.label), reason=again(action.reason))


def _block(block: Block) -> Block:
    match block:
        case Text():
            return replace(block, body=again(block.body))
        case Table():
            return replace(
                block,
                title=again(block.title),
                columns=tuple(again(column) for column in block.columns),
                rows=tuple(_row(row, block.severity_column) for row in block.rows),
                empty=again(block.empty),
            )
        case Chart():
            return replace(
                block,
                title=again(block.title),
                series={again(name): points for name, points in block.series.items()},
                x_label=again(block.x_label),
                y_label=again(block.y_label),
            )
        case Copyable():
            # The text is for others, who may read English only.
            return replace(block, title=again(block.title))
        case Image() | Audio():
            return replace(block, caption=again(block.caption))
    return block


def _row(row: tuple[str, ...], severity: int | None) -> tuple[str, ...]:
    # How bad something is, faces say and colour themselves.
    return tuple(cell if column == severity else again(cell) for column, cell in enumerate(row))


def _job(job: JobView) -> JobView:
    return replace(
        job,
        label=again(job.label),
        error=again(job.error),
        hint=again(job.hint),
        load=again(job.load),
        log_tail=tuple(again(line) for line in job.log_tail),
    )
