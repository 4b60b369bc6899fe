"""The mismatch desk inside the dictionary step: what can be done, and what it would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.dictionary import Mismatch, Suggestion, cards
from ....core.dictionary.desk import CHOICE_ACTIONS, LABEL_ACTIONS, Card
from ....core.dictionary.files import GLOBAL_PHONEMES
from ....core.errors import SingwizError
from ....core.project import Project
from ..desk import Desk, fingerprint, is_file
from ..view import Action, Audio, Block, Choice, Question, Reply, Table
from ..words import help_text, label, say
from . import mending

if TYPE_CHECKING:
    from ....core.dataset.fixes import Plan
    from ....core.dictionary import Occurrence

STEP = "dictionary"
SETTLE = "settle"
"""Button that does all groups in one go."""
OWN = "own"
"""The answer that means: a name that I type."""
SURE = 0.85
"""Confidence above which renamings are offered all at once."""
MOST_SYMBOLS = 300
"""Symbols in the table; a wrong dictionary can have thousands."""
MOST_CHOICES = 100
TABLE = ("symbol", "side", "count", "places", "advice")


def table(mismatch: Mismatch) -> Table:
    """Every symbol that only one side has."""
    shown = cards(mismatch)
    rows = tuple(
        (
            card.symbol,
            say(f"{STEP}.side-{card.side}"),
            str(card.count) if card.side == "unexpected" else "",
            places_text(card),
            card.suggestions[0].advice if card.suggestions else "",
        )
        for card in shown[:MOST_SYMBOLS]
    )
    title = say(f"{STEP}.table-title", shown=len(rows), count=len(shown))
    return Table(title, tuple(say(f"{STEP}.column-{name}") for name in TABLE), rows)


def places_text(card: Card) -> str:
    """The first items, with the time of the first occurrence where it is known."""
    times = {place.item: place.start for place in card.places}
    return ", ".join(
        f"{item} {times[item]:.2f} s" if item in times else item for item in card.items
    )


def doable(mismatch: Mismatch) -> list[Suggestion]:
    """Suggestions that singwiz can carry out, symbol by symbol as in the table."""
    return [
        cure
        for card in cards(mismatch)
        for cure in card.suggestions
        if cure.action in LABEL_ACTIONS | CHOICE_ACTIONS
    ]


def key_of(cure: Suggestion) -> str:
    """The answer that stands for a suggestion."""
    return f"{cure.action} {cure.symbol} {cure.target}"


# Questions --------------------------------------------------------------------------------


def questions(desk: Desk, mismatch: Mismatch) -> list[Question]:
    """Which suggestion to look at; a symbol and its new name, if one's own is wanted."""
    choices = [Choice(key_of(cure), cure.advice) for cure in doable(mismatch)[:MOST_CHOICES]]
    if mismatch.unexpected:
        choices.append(Choice(OWN, say(f"{STEP}.own-name")))
    if not choices:
        return []
    chosen = _chosen(desk, mismatch)
    asked = [_ask("cure", chosen, choices)]
    if chosen == OWN:
        symbols = [Choice(symbol, symbol) for symbol in mismatch.unexpected]
        asked.append(_ask("map_symbol", _own_symbol(desk, mismatch), symbols))
        target = desk.answer_of(STEP, "map_to", "")
        asked.append(
            Question(
                id="map_to",
                label=label(STEP, "map_to"),
                kind="text",
                value=target,
                help=help_text(STEP, "map_to"),
            )
        )
    return asked


def _ask(name: str, value: str, choices: Sequence[Choice]) -> Question:
    return Question(
        id=name,
        label=label(STEP, name),
        kind="choice",
        value=value,
        help=help_text(STEP, name),
        choices=tuple(choices),
    )


def answer(desk: Desk, values: dict[str, Any]) -> dict[str, str]:
    """Take the answers of this part."""
    for name in ("cure", "map_symbol"):
        if name in values:
            desk.save_answer(STEP, name, values[name])
    if "map_to" in values:
        target = values["map_to"]
        if len(target.split()) > 1:
            return {"map_to": say(f"{STEP}.one-symbol")}
        desk.save_answer(STEP, "map_to", target)
    return {}


def _chosen(desk: Desk, mismatch: Mismatch) -> str:
    known = [key_of(cure) for cure in doable(mismatch)[:MOST_CHOICES]]
    answered = desk.answer_of(STEP, "cure", "")
    if answered in known or (answered == OWN and mismatch.unexpected):
        return answered
    return known[0] if known else OWN


def _own_symbol(desk: Desk, mismatch: Mismatch) -> str:
    answered = desk.answer_of(STEP, "map_symbol", "")
    return answered if answered in mismatch.unexpected else next(iter(mismatch.unexpected), "")


def chosen_cure(desk: Desk, mismatch: Mismatch) -> Suggestion | None:
    """The suggestion that is chosen, or the renaming that was typed; None if it is incomplete."""
    chosen = _chosen(desk, mismatch)
    if chosen == OWN:
        symbol, target = _own_symbol(desk, mismatch), desk.answer_of(STEP, "map_to", "")
        return Suggestion(symbol, "rename", target, "") if symbol and target else None
    return next((cure for cure in doable(mismatch) if key_of(cure) == chosen), None)


# Actions ----------------------------------------------------------------------------------


def groups(mismatch: Mismatch) -> dict[str, list[Suggestion]]:
    """Button -> what it does in one go, the likeliest remedy first; empty groups left out."""
    best = [card.suggestions[0] for card in cards(mismatch) if card.suggestions]
    every = doable(mismatch)
    silent = set(GLOBAL_PHONEMES)
    found = {
        "migrate": [cure for cure in every if cure.action == "migrate-labels"][:1],
        "expand": [cure for cure in every if cure.action == "expand"],
        "rename_all": [
            cure for cure in best if cure.action == "rename" and cure.confidence >= SURE
        ],
        "trim": [
            cure
            for cure in every
            if cure.action in ("trim", "remove-extra") and cure.symbol not in silent
        ],
        "merge_silence": [
            cure for cure in every if cure.action == "merge" and cure.symbol in silent
        ],
        "add_symbols": [cure for cure in every if cure.action == "add-extra"],
    }
    return {name: cures for name, cures in found.items() if cures}


def settling(mismatch: Mismatch) -> list[Suggestion]:
    """What settles everything that has a likely remedy; empty where one group does it, or where
    the labels have to be converted as a whole first."""
    found = groups(mismatch)
    if len(found) < 2 or "migrate" in found:
        return []
    chosen: dict[str, Suggestion] = {}
    for cures in found.values():
        for cure in cures:
            chosen.setdefault(cure.symbol, cure)
    return list(chosen.values())


def actions(desk: Desk, mismatch: Mismatch) -> list[Action]:
    """Buttons for whole groups and for the chosen suggestion."""
    found = groups(mismatch)
    settle = [SETTLE] if settling(mismatch) else []
    buttons = [
        Action(name, say(f"{STEP}.do.{name}"), primary=number == 0)
        for number, name in enumerate([*settle, *found])
    ]
    if doable(mismatch) or mismatch.unexpected:
        cure = chosen_cure(desk, mismatch)
        reason = "" if cure else say(f"{STEP}.type-a-name")
        buttons.append(
            Action("apply_cure", say(f"{STEP}.do.apply_cure"), enabled=bool(cure), reason=reason)
        )
    if _places(desk, mismatch):
        buttons.append(Action("hear", say(f"{STEP}.do.hear")))
    return buttons


def act(desk: Desk, action: str, mismatch: Mismatch) -> Reply | None:
    """Do what a button says; None if it is none of this part."""
    if action == "apply_cure":
        cure = chosen_cure(desk, mismatch)
        return apply(desk, [cure]) if cure else Reply(False, say(f"{STEP}.type-a-name"))
    if action == "hear":
        return _hear(desk, mismatch)
    cures = settling(mismatch) if action == SETTLE else groups(mismatch).get(action)
    return apply(desk, cures) if cures else None


def apply(desk: Desk, cures: Sequence[Suggestion]) -> Reply:
    """Carry out cures: choices at once, labels as a job, because there may be many."""
    if any(cure.action in LABEL_ACTIONS for cure in cures):
        params = {"cures": [asdict(cure) for cure in cures], "recheck": True}
        return mending.start(desk, "fix", params)
    from ....core.jobs.fixing import plan_cures

    return apply_now(desk, plan_cures(Project.open(desk.opened.root), cures))


def apply_now(desk: Desk, plan: Plan) -> Reply:
    """Carry out a plan about dictionaries and choices, which takes no time."""
    from ....core.dataset.fixes import apply_plan

    if not plan:
        return Reply(False, say("mend.in-vain"), plan.refused[0].why if plan.refused else "")
    apply_plan(Project.open(desk.opened.root), plan)
    desk.refresh()
    return Reply(True, f"{plan.title}. {say('mend.can-undo')}")


# What there is to see ---------------------------------------------------------------------


def preview(desk: Desk, mismatch: Mismatch, mark: str) -> list[Block]:
    """What the chosen suggestion would change."""
    cure = chosen_cure(desk, mismatch)
    if cure is None:
        return []
    from ....core.jobs.fixing import plan_cures

    return mending.preview(
        desk, "cures", (key_of(cure), mark), lambda project: plan_cures(project, [cure])
    )


def clips(desk: Desk, mismatch: Mismatch) -> list[Block]:
    """Sounds that were cut out for the chosen symbol."""
    return [
        Audio(path, f"{place.item}, {place.start:.2f} s")
        for place, path in _places(desk, mismatch).items()
        if is_file(path)
    ]


def _places(desk: Desk, mismatch: Mismatch) -> dict[Occurrence, Path]:
    """Where the chosen symbol is sung -> the file with that sound, made or not."""
    cure = chosen_cure(desk, mismatch)
    if cure is None and _chosen(desk, mismatch) == OWN:
        symbol = _own_symbol(desk, mismatch)
    else:
        symbol = cure.symbol if cure else ""
    use = mismatch.unexpected.get(symbol)
    if use is None:
        return {}
    folder = _clip_folder(desk)
    return {place: folder / f"{fingerprint(asdict(place))}.wav" for place in use.places}


def _clip_folder(desk: Desk) -> Path:
    return desk.opened.root / "datasets" / ".clips"


def _hear(desk: Desk, mismatch: Mismatch) -> Reply:
    from ....core.dataset.clips import cut_clips
    from ....core.jobs.stages import open_datasets

    places = _places(desk, mismatch)
    folder = _clip_folder(desk)
    if folder.is_dir():
        for old in folder.glob("*.wav"):  # recordings may have changed since
            old.unlink()
    try:
        written = cut_clips(open_datasets(desk.opened), places)
    except SingwizError as error:
        return Reply(False, error.message, error.hint)
    if not written:
        return Reply(False, say(f"{STEP}.no-sound"))
    return Reply(True, say(f"{STEP}.cut", count=len(written)))
