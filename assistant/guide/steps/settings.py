"""Every key of every config: looked up, explained, changed and taken back; a part of "Model"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from ....core.errors import SingwizError
from ....core.findings import Severity
from ....core.project import MODEL_KINDS, ModelChoice, ModelKind, Project
from ..desk import Desk, fingerprint
from ..view import Action, Block, Choice, Question, Table, Text
from ..words import help_text, label, say
from . import variance

if TYPE_CHECKING:
    from ....core.config import Config, KeyInfo

STEP = "model"
KIND, KEY, VALUE = "settings_of", "setting", "setting_value"
QUESTIONS = (KIND, KEY, VALUE)
"""Questions of this part."""
UNSET = "unset"
_MAPS = ("map", "list of map")
FACTS = ("datasets", "dictionaries", "binary_data_dir")
"""Keys that follow from the recordings; their steps change them."""


def kind(desk: Desk) -> ModelKind:
    """The model whose settings are shown."""
    chosen = desk.answer_of(STEP, KIND, "")
    return next((one for one in MODEL_KINDS if one == chosen), MODEL_KINDS[0])


def choice(desk: Desk, which: ModelKind) -> ModelChoice:
    """What is chosen for a model, as its own part of the wizard knows it."""
    from . import vocoder_learning as vocoder
    from .model import ModelStep

    if which == "variance":
        return variance.choice(desk)
    return vocoder.choice(desk) if which == "vocoder" else ModelStep().choice(desk)


def _store(desk: Desk, which: ModelKind) -> ModelChoice:
    from . import vocoder_learning as vocoder
    from .model import ModelStep

    if which == "variance":
        return variance.store(desk)
    if which == "acoustic":
        return ModelStep().store_choice(desk)
    now = vocoder.choice(desk).model_copy(deep=True)
    desk.opened.state.models["vocoder"] = now
    return now


def planned(desk: Desk, which: ModelKind) -> Config:
    """The config that the answers give.

    Raises:
        SingwizError: they give none.
    """
    from .model import ModelStep

    now = choice(desk, which)
    key = fingerprint([which, ModelStep().inputs(desk), now.model_dump(mode="json")])
    return desk.remembered(f"settings-of-{which}", key, lambda: _plan(desk, which, now))


def _plan(desk: Desk, which: ModelKind, now: ModelChoice) -> Config:
    from ....core.jobs.configuring import planned_config

    project = desk.opened
    chosen = {**project.state.models, which: now}
    state = project.state.model_copy(update={"models": chosen})
    return planned_config(Project(project.root, state), which)


def keys(which: ModelKind) -> list[str]:
    """Every key of a model that can be changed by itself."""
    from ....core.config import explain, list_keys

    return [
        key
        for key in list_keys(which)
        if "[]" not in key and key not in FACTS and explain(key).type not in _MAPS
    ]


def _key(desk: Desk, which: ModelKind) -> str:
    known = keys(which)
    chosen = desk.answer_of(STEP, KEY, "")
    return chosen if chosen in known else known[0]


def questions(desk: Desk) -> list[Question]:
    """A model, one of its keys, and the value of that."""
    which = kind(desk)
    chosen = _key(desk, which)
    try:
        value = _shown(_dig(planned(desk, which).to_dict(), chosen))
    except SingwizError:
        value = _shown(choice(desk, which).overrides.get(chosen))
    kinds = tuple(Choice(one, say(f"{STEP}.kind.{one}")) for one in MODEL_KINDS)
    choices = tuple(Choice(key, key) for key in keys(which))
    return [
        _ask(KIND, "choice", which, help_text(STEP, KIND), choices=kinds),
        _ask(KEY, "choice", chosen, help_text(STEP, KEY), choices=choices),
        _ask(VALUE, "text", value, _meaning(chosen, which)),
    ]


def _ask(name: str, form: Any, value: Any, help: str, **more: Any) -> Question:
    return Question(name, label(STEP, name), form, value, help=help, advanced=True, **more)


def _meaning(key: str, which: ModelKind) -> str:
    """What a key means, what it may be, and what a change affects."""
    from ....core.config import explain

    info = explain(key)
    limits = _limits(info)
    return " ".join(
        part
        for part in (
            f"{key}: {info.description}",
            say(f"{STEP}.setting-default", value=_shown(info.defaults.get(which))),
            say(f"{STEP}.setting-limits", limits=limits) if limits else "",
            say(f"{STEP}.setting-stage", stage=info.stage),
        )
        if part
    )


def _limits(info: KeyInfo) -> str:
    if info.choices:
        return ", ".join(_shown(one) for one in info.choices)
    parts = [f"≥ {info.low:g}" if info.low is not None else ""]
    parts += [f"≤ {info.high:g}" if info.high is not None else "", info.unit]
    return ", ".join(part for part in parts if part)


def answer(desk: Desk, values: dict[str, Any]) -> dict[str, str]:
    """Store answers; gives back refusals. To be called while the project is being edited."""
    for question in (KIND, KEY):
        if question in values:
            desk.save_answer(STEP, question, values[question])
    if VALUE not in values:
        return {}
    which = kind(desk)
    refusal = _override(desk, which, _key(desk, which), values[VALUE])
    return {VALUE: refusal} if refusal else {}


def _override(desk: Desk, which: ModelKind, key: str, text: str) -> str:
    """Let a key have a value of the user's own, if a config can be made with it."""
    from ....core.config import check_config

    now = _store(desk, which)
    before = dict(now.overrides)
    now.overrides.pop(key, None)
    try:
        usual = _dig(planned(desk, which).to_dict(), key)
        now.overrides[key] = text
        made = planned(desk, which)
        value = _dig(made.to_dict(), key)
        wrong = [one for one in check_config(made) if one.severity is Severity.ERROR]
        if wrong:
            raise SingwizError(wrong[0].code, wrong[0].message, hint=wrong[0].hint)
    except SingwizError as error:
        now.overrides.clear()
        now.overrides.update(before)
        return f"{error.message} {error.hint}".strip()
    # The value as the config has it, not as it was typed.
    now.overrides[key] = value
    if value == usual and key not in variance.FLAGS:
        del now.overrides[key]
    return ""


def actions(desk: Desk) -> list[Action]:
    """A button that takes the chosen key back, if it was changed."""
    which = kind(desk)
    changed = _key(desk, which) in choice(desk, which).overrides
    title = say(f"{STEP}.do.{UNSET}", key=_key(desk, which))
    return [Action(UNSET, title)] if changed and _key(desk, which) not in variance.FLAGS else []


def unset(desk: Desk) -> None:
    """Take the chosen key back."""
    which = kind(desk)
    _store(desk, which).overrides.pop(_key(desk, which), None)


def blocks(desk: Desk) -> list[Block]:
    """The whole table, changed keys first; and what fits badly together."""
    from ....core.config import check_config, explain

    which = kind(desk)
    try:
        made = planned(desk, which)
    except SingwizError:
        return []  # said elsewhere in the step
    values = made.to_dict()
    own = choice(desk, which).overrides

    def rows() -> tuple[tuple[str, ...], ...]:
        ordered = sorted(keys(which), key=lambda key: key not in own)
        return tuple(
            (
                key,
                _shown(_dig(values, key)),
                say(f"{STEP}.setting-own") if key in own else "",
                explain(key).description,
            )
            for key in ordered
        )

    seen = fingerprint([which, values, own])
    columns = tuple(say(f"{STEP}.column-{name}") for name in ("key", "value", "own", "meaning"))
    title = say(f"{STEP}.settings-title", model=say(f"{STEP}.kind.{which}"))
    made_rows = desk.remembered("settings-table", seen, rows)
    odd = desk.remembered(
        "settings-odd",
        seen,
        lambda: [
            Text(f"{one.message} {one.hint}".strip(), "warning")
            for one in check_config(made)
            if one.severity is not Severity.NOTE
        ],
    )
    if which == "variance" and not variance.wanted(desk):
        odd = []  # that it predicts nothing is what was wanted
    return [*odd, Table(title, columns, made_rows, folded=True)]


def _dig(values: dict[str, Any], key: str) -> Any:
    node: Any = values
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _shown(value: Any) -> str:
    """A value as one would type it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        flow = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
        return flow.strip()
    return json.dumps(value)
