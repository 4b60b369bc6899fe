"""What the voice learns besides its sound – timing, pitch, breath: a part of the step "Model".

It is a second model of its own. Without it the voice sings what somebody has timed and drawn;
with it OpenUTAU can sing lyrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ....core.project import ModelChoice, Project
from ..desk import Desk, fingerprint
from ..sources import dataset_signature
from ..store import signature
from ..view import Action, Block, Choice, Question, Text
from ..words import help_text, label, say

if TYPE_CHECKING:
    from ....core.config import Config

STEP = "model"
DUR, PITCH, CURVES = "learn_dur", "learn_pitch", "learn_curves"
PRESET, STEPS = "variance_preset", "variance_max_updates"
QUESTIONS = (DUR, PITCH, CURVES, PRESET, STEPS)
"""Questions of this part."""
FILLED = "filled"
"""Answer: the last of these buttons that was pressed."""
FILL = {
    "fill_words": ["words"],
    "fill_both": ["words", "notes"],
    "fill_notes": ["words", "notes"],
}
"""Buttons that add what recordings lack, and what they fill in."""
CURVE_SETS: dict[str, tuple[str, ...]] = {
    "none": (),
    "breath": ("breathiness", "voicing"),
    "tension": ("breathiness", "tension"),
    "all": ("breathiness", "voicing", "tension"),
}
"""Sets of curves that are offered; two models have to agree on them."""
CURVE_NAMES = ("energy", "breathiness", "voicing", "tension")
FLAGS = ("predict_dur", "predict_pitch", *(f"predict_{name}" for name in CURVE_NAMES))
MOST_LEFT_OUT = 0.2
"""Share of the recordings that may be left out because they lack words or notes."""
DUR_MINUTES, PITCH_MINUTES = 5.0, 20.0
"""Minutes of singing from which learning timing or pitch is recommended."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the recordings offer.

    Attributes:
        items: recordings.
        no_words: (dataset, item) of those without ``ph_num``.
        no_notes: of those without notes.
        minutes: length of all together.
    """

    items: int
    no_words: tuple[tuple[str, str], ...]
    no_notes: tuple[tuple[str, str], ...]
    minutes: float

    def enough(self, without: tuple[tuple[str, str], ...]) -> bool:
        """Whether so many have something that the others can be left out."""
        return self.items > 0 and len(without) <= MOST_LEFT_OUT * self.items


def facts(desk: Desk) -> Facts:
    """Counted again only when transcriptions change.

    Raises:
        SingwizError: transcriptions cannot be read.
    """
    project = desk.opened
    seen = fingerprint([dataset_signature(project, entry) for entry in project.state.datasets])
    return desk.remembered("variance-facts", seen, lambda: _count(project))


def _count(project: Project) -> Facts:
    from ....core.dataset import RawDataset

    items = [
        (entry.name, item)
        for entry in project.state.datasets
        for item in RawDataset.open(
            project.raw_folder(entry),
            name=entry.name,
            speaker=entry.speaker,
            language=entry.language,
        ).items
    ]

    def without(*columns: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (dataset, item.name)
            for dataset, item in items
            if not all(item.cells.get(column, "").strip() for column in columns)
        )

    minutes = sum(sum(item.ph_dur) for _, item in items) / 60.0
    return Facts(len(items), without("ph_num"), without("ph_num", "note_seq", "note_dur"), minutes)


# What was chosen --------------------------------------------------------------------------


def choice(desk: Desk) -> ModelChoice:
    """What was chosen for the variance model; what suits machine and recordings if nothing was."""
    from .model import ModelStep

    chosen = desk.opened.state.models.get("variance")
    if chosen is not None:
        return chosen
    sound = ModelStep().choice(desk)
    flags: set[str] = set()
    if desk.opened.config_path("variance").exists():  # from the command line
        flags = {flag for flag in FLAGS if _preset_values(ModelChoice().preset).get(flag)}
    elif not desk.opened.config_path("acoustic").exists():
        flags = _recommended(desk)
    return ModelChoice(
        preset=_suited(sound.preset),
        hardware=sound.hardware,
        overrides={flag: flag in flags for flag in FLAGS},
    )


def _recommended(desk: Desk) -> set[str]:
    try:
        known = facts(desk)
    except SingwizError:
        return set()
    # Who had something filled in wants it to be learned, however little there is.
    filled = desk.answer_of(STEP, FILLED, "")
    flags = set()
    if known.enough(known.no_words) and (filled or known.minutes >= DUR_MINUTES):
        flags.add("predict_dur")
        notes = "notes" in FILL.get(str(filled), [])
        if known.enough(known.no_notes) and (notes or known.minutes >= PITCH_MINUTES):
            flags.add("predict_pitch")
    return flags


def _suited(preset: str) -> str:
    """The preset of the size that the sound has."""
    from ....core.config import list_presets

    known = [one.id for one in list_presets("variance")]
    return preset if preset in known else known[0]


@lru_cache(maxsize=16)
def _preset_values(preset: str) -> dict[str, Any]:
    """The flags of a preset as it comes."""
    from ....core.config import load_config
    from ....core.config.loading import presets_dir
    from ....core.config.presets import find_preset

    found = find_preset("variance", preset)
    values = load_config(presets_dir() / found.template).to_dict()
    values |= {key: reason.value for key, reason in found.values.items()}
    return {flag: values.get(flag) for flag in FLAGS}


def learned(desk: Desk) -> frozenset[str]:
    """What the variance model is to predict: ``dur``, ``pitch`` and names of curves; empty if
    there is to be none."""
    now = choice(desk)
    try:
        preset = _preset_values(now.preset)
    except SingwizError:
        preset = {}
    on = [flag for flag in FLAGS if now.overrides.get(flag, preset.get(flag))]
    return frozenset(flag.removeprefix("predict_") for flag in on)


def wanted(desk: Desk) -> bool:
    """Whether there is to be a variance model."""
    return bool(learned(desk))


def store(desk: Desk) -> ModelChoice:
    """Make what is shown the choice; to be called while the project is being edited."""
    now = choice(desk).model_copy(deep=True)
    on = learned(desk)
    now.overrides |= {flag: flag.removeprefix("predict_") in on for flag in FLAGS}
    desk.opened.state.models["variance"] = now
    return now


def planned(desk: Desk) -> Config:
    """The config that the answers give, without writing it.

    Raises:
        SingwizError: they give none.
    """
    key = fingerprint([inputs(desk), choice(desk).overrides])
    return desk.remembered("planned-variance", key, lambda: _plan(desk))


def _plan(desk: Desk) -> Config:
    from ....core.jobs.configuring import planned_config

    project = desk.opened
    chosen = {**project.state.models, "variance": choice(desk)}
    state = project.state.model_copy(update={"models": chosen})
    return planned_config(Project(project.root, state), "variance")


def own_choice(desk: Desk) -> Any:
    """The choice as plain data; the experiment only names the folder of the training."""
    return choice(desk).model_dump(mode="json", exclude={"experiment"})


def inputs(desk: Desk) -> Any:
    """What the config of the variance model is made from, besides what both models share."""
    project = desk.opened
    return {
        "choice": own_choice(desk),
        "datasets": [dataset_signature(project, entry)[0] for entry in project.state.datasets],
        "shared": [
            project.state.overrides,
            project.state.extra_phonemes,
            project.state.merged_phoneme_groups,
            [
                [language, file, signature(Path(file))]
                for language, file in sorted(project.state.dictionaries.items())
            ],
            [entry.model_dump(mode="json") for entry in project.state.datasets],
        ],
    }


# Questions --------------------------------------------------------------------------------


def questions(desk: Desk) -> list[Question]:
    """What the voice is to learn besides its sound; nothing as long as nobody can know."""
    on = learned(desk)
    curves = [Choice(name, say(f"{STEP}.curves.{name}")) for name in CURVE_SETS]
    asked = [
        _ask(DUR, "toggle", "dur" in on),
        _ask(PITCH, "toggle", "pitch" in on),
        _ask(CURVES, "choice", _curve_set(on), choices=tuple(curves), advanced=True),
    ]
    if not on:
        return asked
    from ....core.config import list_presets

    now = choice(desk)
    presets = [Choice(one.id, one.label, one.why) for one in list_presets("variance")]
    asked.append(_ask(PRESET, "choice", now.preset, choices=tuple(presets), advanced=True))
    try:
        steps = planned(desk).max_updates
    except SingwizError:  # said in the blocks
        return asked
    asked.append(_ask(STEPS, "number", steps, minimum=1, integer=True, advanced=True))
    return asked


def _curve_set(on: frozenset[str]) -> str:
    curves = {name for name in on if name in CURVE_NAMES}
    return next((name for name, own in CURVE_SETS.items() if {*own} == curves), "all")


def _ask(name: str, kind: Any, value: Any, **more: Any) -> Question:
    return Question(name, label(STEP, name), kind, value, help=help_text(STEP, name), **more)


def answer(desk: Desk, values: dict[str, Any]) -> dict[str, str]:
    """Store answers; to be called while the project is being edited. Gives back refusals."""
    errors: dict[str, str] = {}
    now = store(desk)
    if PRESET in values:
        now.preset = values[PRESET]
        now.overrides.pop("max_updates", None)
    for question, flag in ((DUR, "predict_dur"), (PITCH, "predict_pitch")):
        if question not in values:
            continue
        reason = _lack(desk, question) if values[question] else ""
        if reason:
            errors[question] = reason
        else:
            now.overrides[flag] = values[question]
    if CURVES in values:
        _learn_curves(desk, now, CURVE_SETS[values[CURVES]])
    if STEPS in values:
        before = now.overrides.pop("max_updates", None)
        try:
            if values[STEPS] != planned(desk).max_updates:
                now.overrides["max_updates"] = values[STEPS]
        except SingwizError as error:
            if before is not None:
                now.overrides["max_updates"] = before
            errors[STEPS] = f"{error.message} {error.hint}".strip()
    return errors


def _learn_curves(desk: Desk, now: ModelChoice, curves: tuple[str, ...]) -> None:
    """Let one model predict curves, and the other one follow them."""
    from .model import ModelStep

    sound = ModelStep().store_choice(desk)
    for name in CURVE_NAMES:
        now.overrides[f"predict_{name}"] = name in curves
        sound.overrides.pop(f"use_{name}_embed", None)
        if name in curves:
            sound.overrides[f"use_{name}_embed"] = True


def _lack(desk: Desk, question: str) -> str:
    """Why timing or pitch cannot be learned from these recordings; empty if it can."""
    known = facts(desk)
    if not known.enough(known.no_words):
        return say(f"{STEP}.lacks-words", missing=len(known.no_words), items=known.items)
    if question == PITCH and not known.enough(known.no_notes):
        return say(f"{STEP}.lacks-notes", missing=len(known.no_notes), items=known.items)
    return ""


def lacks_notes(desk: Desk) -> bool:
    """Whether notes would have to be filled in for pitch to be learned."""
    known = facts(desk)
    return not known.enough(known.no_notes)


def left_out(desk: Desk) -> tuple[tuple[str, str], ...]:
    """(dataset, item) of recordings that lack what is to be learned."""
    on = learned(desk)
    if "pitch" in on:
        return facts(desk).no_notes
    return facts(desk).no_words if "dur" in on else ()


# What can be done and seen ----------------------------------------------------------------


def actions(desk: Desk) -> list[Action]:
    """Buttons that fill in what the recordings lack."""
    try:
        lacking = _lack(desk, DUR), _lack(desk, PITCH)
    except SingwizError:
        return []
    if lacking[0]:
        wants = ["fill_words", "fill_both"] if lacks_notes(desk) else ["fill_words"]
    else:
        wants = ["fill_notes"] if lacking[1] else []
    return [Action(name, say(f"{STEP}.do.{name}")) for name in wants]


def wish(desk: Desk, action: str) -> None:
    """Something is being filled in: once it is there it shall be learned, as nothing speaks
    against it any more."""
    for question in (DUR, PITCH):
        desk.refused.pop((STEP, question), None)
    with desk.edit() as project:
        desk.save_answer(STEP, FILLED, action)
        chosen = project.state.models.get("variance")
        if chosen is not None and not any(chosen.overrides.get(flag) for flag in FLAGS):
            # A no that was only said because it could not be a yes.
            del project.state.models["variance"]


def blocks(desk: Desk) -> list[Block]:
    """What the recordings lack, and what a voice without timing is good for."""
    try:
        known = facts(desk)
        words, notes = _lack(desk, DUR), _lack(desk, PITCH)
    except SingwizError as error:
        return [Text(f"{error.message} {error.hint}".strip(), "warning")]
    on = learned(desk)
    shown: list[Block] = []
    if left_out(desk):
        names = ", ".join(item for _, item in left_out(desk))
        shown.append(Text(say(f"{STEP}.left-out", names=names), "warning"))
    if words:
        shown.append(Text(words, "warning"))
    elif notes:
        shown.append(Text(notes))
    elif "pitch" in on and known.minutes < PITCH_MINUTES:
        shown.append(Text(say(f"{STEP}.little-pitch", minutes=round(known.minutes)), "warning"))
    if not on and not words:
        shown.append(Text(say(f"{STEP}.sound-only")))
    return shown


def write(desk: Desk) -> None:
    """Write the config; to be called while the project is being edited."""
    from ....core.jobs.configuring import write_config

    store(desk)
    write_config(desk.opened, "variance")
