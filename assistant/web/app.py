"""The page: the steps on top, one step below, redrawn only where something changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from ...core.words import join, language, languages, matching, say, speaking, wanted
from ..guide.guide import Guide
from ..guide.overview import OVERVIEW
from ..guide.view import Reply, StepView
from ..guide.words import title
from .fields import Field, error_update, field
from .page import (
    MARKS,
    blocks_signature,
    charts_of,
    form_signature,
    is_drawn,
    job_html,
    new_drawing,
    others_of,
    shows,
    values_signature,
)
from .show import show_blocks, show_charts

POLL_SECONDS = 1.0

# Events are the page's own business, not an API; and polling must not dim the page.
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

# Screen readers, and fonts that draw the same letter in a Chinese and a Japanese way, go by the
# page's language. Of the steps Gradio only draws the one anew that is shown.
SPEAK = """() => { setTimeout(() => {
  const said = document.querySelector("#heading h1");
  if (!said) return;
  document.documentElement.lang = said.lang;
  const titles = JSON.parse(said.dataset.steps);
  for (const button of document.querySelectorAll("#steps [data-tab-id]")) {
    const label = button.querySelector(".step-label")?.firstChild;
    const title = titles[button.dataset.tabId - 1];
    if (label && title && label.nodeValue !== title) label.nodeValue = title;
  }
}, 50); return []; }"""


def look() -> dict[str, Any]:
    """Theme and style sheet, for ``launch``. Only fonts that the machine has: no network."""
    theme = gr.themes.Soft(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        # The theme's own grey is too pale to be read easily.
        body_text_color_subdued="*neutral_500",
        block_info_text_color="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color_dark="*neutral_400",
    )
    css = (files(__package__) / "style.css").read_text(encoding="utf-8")
    return {"theme": theme, "css": css}


def build(guide: Guide) -> gr.Blocks:
    """The whole page for one guide; every tab that opens it sees the same project."""
    with gr.Blocks(title="singwiz", analytics_enabled=False) as blocks:
        _Page(guide, blocks)
    return blocks


class _Page:
    """Components that exist once per tab, and the handlers between them and the guide."""

    def __init__(self, guide: Guide, blocks: gr.Blocks) -> None:
        self.guide = guide
        self.blocks = blocks
        overview = guide.overview()
        self.numbers = {line.id: line.number for line in overview}

        # What this browser chose, for its next visit; and what this tab speaks now.
        self.kept = gr.BrowserState("", storage_key="singwiz-language", secret="singwiz")  # noqa: S106
        self.spoken = gr.State(language())
        with gr.Row(elem_id="top"):
            self.heading = gr.HTML(elem_id="heading")
            self.tongue = gr.Dropdown(
                [(one.name, one.tag) for one in languages()],
                value=language(),
                label=say("face.language"),
                filterable=False,
                elem_id="language",
                min_width=120,
                scale=0,
            )
        self.step_id = gr.State(guide.current())
        # The step that was shown before the overview.
        self.left = gr.State("")
        self.form = gr.State("")
        self.values = gr.State("")
        self.doubt = gr.State("")
        self.seen = gr.State("")
        self.curves = gr.State("")
        # The list of steps also reports its first step as chosen while the page is being made.
        self.ready = gr.State(False)

        first = guide.current()
        with gr.Walkthrough(selected=self.numbers[first], elem_id="steps") as self.walkthrough:
            self.steps = [gr.Step(line.title, id=line.number) for line in overview]
        self.why = gr.HTML(elem_id="why")
        self.job = gr.HTML(elem_id="job")

        with gr.Column(elem_id="answers"):
            gr.render(
                [self.step_id, self.spoken],
                triggers=[self.form.change],
                show_progress="hidden",
            )(self.draw_form)
        for changed, draw in ((self.curves, self.draw_charts), (self.seen, self.draw_blocks)):
            gr.render(
                [self.step_id, self.spoken], triggers=[changed.change], show_progress="hidden"
            )(draw)

        with gr.Row(elem_id="move"):
            # The list of steps lets people only go back; looking ahead is allowed as well.
            back = gr.Button(say("web.back"), size="sm", elem_id="move-back")
            whole = gr.Button(title(OVERVIEW), size="sm", elem_id="to-overview")
            ahead = gr.Button(say("web.ahead"), size="sm", elem_id="move-ahead")

        self.everything = [
            self.heading,
            *self.steps,
            self.why,
            self.job,
            self.form,
            self.values,
            self.doubt,
            self.seen,
            self.curves,
            self.tongue,
            back,
            whole,
            ahead,
        ]
        refresh: dict[str, Any] = {
            "fn": self.refresh,
            "inputs": [self.step_id, self.form, self.values, self.doubt, self.spoken],
            "outputs": self.everything,
            **PRIVATE,
        }
        self.refresh_event = refresh
        blocks.load(
            self.enter, [self.kept], [self.step_id, self.walkthrough, self.spoken], **PRIVATE
        ).then(**refresh).then(None, None, None, js=SPEAK, **PRIVATE)
        self.tongue.input(
            lambda tag: (tag, tag, ""),
            [self.tongue],
            [self.spoken, self.kept, self.values],
            **PRIVATE,
        ).then(**refresh).then(None, None, None, js=SPEAK, **PRIVATE)
        gr.Timer(POLL_SECONDS).tick(**refresh).then(
            lambda: True, None, [self.ready], **PRIVATE
        ).then(None, None, None, js=SPEAK, **PRIVATE)
        for line, step in zip(overview, self.steps, strict=True):
            step.select(
                lambda ready, chosen=line.id: chosen if ready or chosen != first else gr.skip(),
                [self.ready],
                [self.step_id],
                **PRIVATE,
            ).then(**refresh)

        for button, distance in ((back, -1), (ahead, 1)):
            button.click(
                lambda step_id, left, by=distance: self.beside(step_id, by, left),
                [self.step_id, self.left],
                [self.step_id, self.walkthrough],
                **PRIVATE,
            ).then(**refresh)

        whole.click(
            lambda step_id: (OVERVIEW, step_id if step_id != OVERVIEW else gr.skip()),
            [self.step_id],
            [self.step_id, self.left],
            **PRIVATE,
        ).then(**refresh)

    def beside(self, step_id: str, distance: int, left: str) -> tuple[str, Any]:
        """The step before or after one; from the overview back to the one that was left."""
        ids = list(self.numbers)
        if step_id not in self.numbers:
            step_id, distance = (left if left in self.numbers else ids[0]), 0
        index = min(max(ids.index(step_id) + distance, 0), len(ids) - 1)
        return ids[index], gr.Walkthrough(selected=index + 1)

    def enter(self, kept: str, request: gr.Request) -> tuple[str, Any, str]:
        """Where a tab starts that has just been opened, and the language it speaks."""
        step_id = self.guide.current()
        accepted = request.headers.get("accept-language", "")
        return step_id, gr.Walkthrough(selected=self.numbers[step_id]), spoken_by(kept, accepted)

    # Drawing -----------------------------------------------------------------------------

    def refresh(self, step_id: str, form: str, values: str, doubt: str, spoken: str) -> list[Any]:
        """Everything that changes by itself, for one tab.

        ``form`` and ``values`` say what the tab shows. If the guide knows something else, another
        face has answered – or this tab has, a moment ago, and is about to draw it by itself. So
        a form of the same step is only drawn anew if ``doubt`` has lasted since the last poll.
        """
        with speaking(spoken):
            return self._refresh(step_id, form, values, doubt)

    def _refresh(self, step_id: str, form: str, values: str, doubt: str) -> list[Any]:
        overview, view = self.guide.overview(), self.guide.view(step_id)
        project = self.guide.project
        if project is not None:
            # Only the project's files are handed out; it may have been made after the start.
            self.blocks.allowed_paths = [str(project.root)]
        now = values_signature(view)
        drawn = values == now and is_drawn(form, view)
        redraw = not drawn and (doubt == form_signature(view) + now or not shows(values, step_id))
        titles = [MARKS[line.status] + line.title for line in overview]
        return [
            _heading(project.state.name if project else "", titles),
            *(gr.Step(title) for title in titles),
            _why(view),
            job_html(view.job),
            new_drawing(view) if redraw else gr.skip(),
            now if redraw else gr.skip(),
            "" if drawn or redraw else form_signature(view) + now,
            blocks_signature(view, others_of(view)),
            blocks_signature(view, charts_of(view)),
            gr.Dropdown(value=language(), label=say("face.language")),
            say("web.back"),
            title(OVERVIEW),
            say("web.ahead"),
        ]

    def draw_form(self, step_id: str, spoken: str) -> None:
        """Questions and buttons of a step."""
        with speaking(spoken):
            self._draw_form(step_id)

    def _draw_form(self, step_id: str) -> None:
        view = self.guide.view(step_id)
        fields = [field(step_id, q) for q in view.questions if not q.advanced]
        advanced = [q for q in view.questions if q.advanced]
        if advanced:
            with gr.Accordion(say("face.more-options"), open=False, elem_id="more-options"):
                fields += [field(step_id, question) for question in advanced]
        form = _Form(step_id, fields, form_signature(view))
        controls = [one.control for one in fields]
        outputs = [*controls, *(one.error for one in fields), self.form, self.values]
        for one in fields:
            one.taken_by(
                lambda value, spoken, one=one: self._answer(form, {one.question.id: value}, spoken),
                inputs=[one.control, self.spoken],
                outputs=outputs,
                **PRIVATE,
            )
        with gr.Row(elem_id="actions"):
            for action in view.actions:
                button = gr.Button(
                    action.label,
                    variant="primary" if action.primary else "secondary",
                    interactive=action.enabled,
                    elem_id=f"a-{action.id}",
                    key=("action", step_id, action.id),
                    preserved_by_key=[],
                )
                button.click(
                    lambda spoken, *values, action=action.id: self._act(
                        form, action, values, spoken
                    ),
                    [self.spoken, *controls],
                    [self.step_id, self.walkthrough, *outputs],
                    **PRIVATE,
                ).then(**self.refresh_event)
        for reason in {action.reason for action in view.actions if action.reason}:
            gr.Markdown(reason, elem_classes=["note", "plain"])

    def draw_blocks(self, step_id: str, spoken: str) -> None:
        """Texts, tables, pictures and sounds of a step."""
        with speaking(spoken):
            show_blocks(step_id, others_of(self.guide.view(step_id)))

    def draw_charts(self, step_id: str, spoken: str) -> None:
        """Curves of a step."""
        with speaking(spoken):
            show_charts(step_id, charts_of(self.guide.view(step_id)))

    # Telling the guide -------------------------------------------------------------------

    def _answer(self, form: _Form, values: dict[str, Any], spoken: str) -> list[Any]:
        with speaking(spoken):
            reply = self._tell(form, values)
            if not reply.ok and not reply.errors:
                _notify(reply)
            return self._updates(form, set(values))

    def _tell(self, form: _Form, values: dict[str, Any]) -> Reply:
        by_id = {one.question.id: one for one in form.fields}
        return self.guide.answer(
            form.step_id, {key: by_id[key].read(value) for key, value in values.items()}
        )

    def _updates(self, form: _Form, typed: set[str]) -> list[Any]:
        """What the form has to change after an answer; the fields in ``typed`` are left alone."""
        view = self.guide.view(form.step_id)
        now = {question.id: question for question in view.questions}
        anew = form_signature(view) != form.signature
        controls, errors = [], []
        for one in form.fields:
            question = now.get(one.question.id, one.question)
            # What is about to be drawn anew may have other choices by now.
            keep = anew or question.value == one.question.value or question.id in typed
            one.question = question
            controls.append(gr.skip() if keep else one.write(question))
            errors.append(error_update(question))
        redraw = new_drawing(view) if anew else gr.skip()
        return [*controls, *errors, redraw, values_signature(view)]

    def _act(self, form: _Form, action: str, values: tuple[Any, ...], spoken: str) -> list[Any]:
        with speaking(spoken):
            return self._press(form, action, values)

    def _press(self, form: _Form, action: str, values: tuple[Any, ...]) -> list[Any]:
        # A field may still hold what was typed last: the click can overtake the answer.
        changed = {
            one.question.id: value
            for one, value in zip(form.fields, values, strict=True)
            if one.read(value) != one.read(one.write(one.question))
        }
        reply = self._tell(form, changed) if changed else Reply(True)
        if reply.ok:
            reply = self.guide.act(form.step_id, action)
        _notify(reply)
        next_step = reply.go_to or form.step_id
        known = bool(reply.go_to) and next_step in self.numbers
        shown = gr.Walkthrough(selected=self.numbers[next_step]) if known else gr.skip()
        return [next_step, shown, *self._updates(form, set(changed))]


@dataclass
class _Form:
    """A form as one tab shows it."""

    step_id: str
    fields: list[Field]
    signature: str


def spoken_by(kept: str, accepted: str) -> str:
    """The language for a visitor.

    Args:
        kept: what the visitor chose in this browser before, or empty.
        accepted: what the browser says that its user reads (``Accept-Language``). A server's own
            language says little about its visitors, unless somebody chose it.
    """
    own = (matching(one.partition(";")[0]) for one in accepted.split(","))
    return matching(kept or "") or wanted() or next(filter(None, own), None) or language()


def _notify(reply: Reply) -> None:
    text = join(reply.message, reply.hint)
    if text:
        (gr.Info if reply.ok else gr.Warning)(_escape(text))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _heading(name: str, titles: list[str]) -> str:
    project = f" <span>{_escape(name)}</span>" if name else ""
    steps = escape(json.dumps(titles), quote=True)
    return f'<h1 lang="{language()}" data-steps="{steps}">singwiz{project}</h1>'


def _why(view: StepView) -> str:
    number = f"{view.number}. " if view.number else ""
    heading = f"<h2>{number}{_escape(view.title)}</h2>"
    return f"{heading}<p>{_escape(view.why)}</p>"
