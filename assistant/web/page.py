"""What a browser tab shows, as plain data: when to redraw, and small pieces of HTML.

A tab polls once a second. Only what changed may be redrawn, or a field would lose its cursor
and a sound would stop; so each part of the page has a signature that says what it shows.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from html import escape
from typing import Any

from ...core.words import say
from ..guide.view import Block, Chart, JobView, StepStatus, StepView

MARKS: dict[StepStatus, str] = {
    StepStatus.LOCKED: "",
    StepStatus.READY: "",
    StepStatus.RUNNING: "▶ ",
    StepStatus.DONE: "✓ ",
    StepStatus.STALE: "↻ ",
    StepStatus.FAILED: "✗ ",
}


def form_signature(view: StepView) -> str:
    """Changes when the questions or buttons themselves change, not with what is answered."""
    questions = [
        {key: value for key, value in asdict(q).items() if key not in ("value", "error")}
        for q in view.questions
    ]
    locked = view.status is StepStatus.LOCKED
    return _sign([view.id, locked, questions, [asdict(action) for action in view.actions]])


def new_drawing(view: StepView) -> str:
    """A value of the form's state that makes the tab draw it anew."""
    return f"{form_signature(view)}#{secrets.token_hex(4)}"


def is_drawn(form: str, view: StepView) -> bool:
    """Whether the form's state stands for these questions and buttons."""
    return form.rpartition("#")[0] == form_signature(view)


def values_signature(view: StepView) -> str:
    """Changes when any answer or refusal changes."""
    return _sign([view.id, [[q.id, q.value, q.error] for q in view.questions]])


def shows(values: str, step_id: str) -> bool:
    """Whether a values signature is about this step."""
    return bool(values) and json.loads(values)[0] == step_id


def charts_of(view: StepView) -> list[Chart]:
    """The curves, which change all the time."""
    return [block for block in view.blocks if isinstance(block, Chart)]


def others_of(view: StepView) -> list[Block]:
    """Everything else there is to see."""
    return [block for block in view.blocks if not isinstance(block, Chart)]


def blocks_signature(view: StepView, blocks: list[Any]) -> str:
    """Changes when something of ``blocks`` changes."""
    return _sign([view.id, [[type(block).__name__, asdict(block)] for block in blocks]])


def _sign(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, default=str, sort_keys=True)


def job_html(job: JobView | None) -> str:
    """Running work with its progress, or how the last one ended; empty when all is well."""
    if job is None or job.state == "done":
        return ""
    log = "".join(f"{escape(line)}\n" for line in job.log_tail[-5:])
    log_html = f"<pre>{log}</pre>" if log else ""
    if job.state == "waiting":
        return f'<div class="job running" role="status">⏳ {escape(job.label)}</div>'
    if job.state != "running":
        fallback = say(
            {"cancelled": "face.stopped", "died": "face.died"}.get(job.state, "face.failed")
        )
        tone = "warning" if job.state == "cancelled" else "error"
        message = f"<strong>{escape(job.error or fallback)}</strong> {escape(job.hint)}"
        return f'<div class="job {tone}" role="alert">{message}{log_html}</div>'
    label = escape(job.label or say("face.working"))
    value = "" if job.fraction is None else f' value="{job.fraction:.4f}"'
    percent = "" if job.fraction is None else f"{100 * job.fraction:.0f} %"
    load = f" · {escape(job.load)}" if job.load else ""
    return (
        f'<div class="job running" role="status"><span>{label}</span>'
        f'<progress max="1"{value} aria-label="{label}"></progress>'
        f"<small>{percent} {times(job)}{load}</small>{log_html}</div>"
    )


def times(job: JobView) -> str:
    """How long a running job has taken, and how long it still will."""
    so_far = clock(job.elapsed)
    if job.eta is None:
        return say("face.so-far", clock=so_far)
    return say("face.left", clock=so_far, eta=clock(job.eta))


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
