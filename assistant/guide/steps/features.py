"""Step 4: which pitch extractor and which separator suit the recordings; never in the way.

The answers become config keys of all models of the project. Who passes by keeps the usual ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ..desk import Desk, inside, is_file
from ..sources import dataset_files, dataset_signature
from ..view import Action, Audio, Block, Choice, Image, Question, Reply, StepStatus, Table, Text
from ..watch import JobWatch
from .model import ModelStep
from .statistics import version
from .work import JobStep, is_newer

if TYPE_CHECKING:
    from ....core.assets import AssetKind
    from ....core.config import Config

KEYS = ("pe", "hnsep", "f0_min", "f0_max")
"""Config keys that are decided here; the questions have the same names."""
FILES: dict[str, tuple[str, str, AssetKind]] = {
    "pe": ("rmvpe", "pe_ckpt", "pitch"),
    "hnsep": ("vr", "hnsep_ckpt", "separator"),
}
"""Key -> its value that needs a file, the key that names the file, and what file it is."""
PARTS = {"pe": "pitch_extractor", "hnsep": "separator"}
"""Key -> kind of part that it names."""


class FeaturesStep(JobStep):
    """Compares what can run, and takes the recommendation with one click."""

    id = "features"
    stage = "features"
    follows_at_once = True
    _model = ModelStep()

    def inputs(self, desk: Desk) -> Any:
        project = desk.opened
        return [dataset_signature(project, entry) for entry in project.state.datasets]

    def input_files(self, desk: Desk) -> Iterable[Path]:
        project = desk.opened
        return [path for entry in project.state.datasets for path in dataset_files(project, entry)]

    def params(self, desk: Desk) -> dict[str, Any]:
        return {}

    def lets_pass(self, desk: Desk) -> bool:
        return True

    def own_status(self, desk: Desk) -> StepStatus:
        watch = self.watch(desk)
        if watch is not None and watch.running:
            return StepStatus.RUNNING
        if self._decided(desk):
            return StepStatus.DONE
        failed = watch is not None and watch.status.state in ("failed", "died")
        return StepStatus.FAILED if failed and self.fresh(desk) else StepStatus.READY

    def _decided(self, desk: Desk) -> bool:
        """Something was chosen here or on the command line, or a model was made without it."""
        return (
            desk.answer_of(self.id, "decided", False)
            or any(key in desk.opened.state.overrides for key in KEYS)
            or self._model.started(desk)
        )

    # What is proposed -----------------------------------------------------------------

    def _compared(self, desk: Desk, part: str = "pitch") -> JobWatch | None:
        """The last comparison of a part that came to its end, whoever started it; a single
        recording that somebody wanted to see says too little about the others."""
        desk.watch(self.stage)  # brings the newest up to date
        for watch in reversed(desk.history(self.stage)):
            clips = watch.entries("clips")
            single = len(clips) == 1 and clips[0].get("why") == "asked"
            if watch.status.state == "done" and watch.facts(part) and not single:
                return watch
        return None

    def _advised(self, desk: Desk) -> dict[str, Any]:
        """Key -> recommended value, where there is one."""
        found: dict[str, Any] = {}
        for key, part in (("pe", "pitch"), ("hnsep", "separation")):
            watch = self._compared(desk, part)
            advice = watch.facts(part).get("advice") if watch else None
            if isinstance(advice, dict) and advice.get("name"):
                found[key] = str(advice["name"])
            heard = watch.facts(part).get("range") if watch else None
            for limit in ("f0_min", "f0_max"):
                value = heard.get(limit) if isinstance(heard, dict) else None
                if isinstance(value, int | float):
                    found[limit] = float(value)
        return found

    def _values(self, desk: Desk) -> dict[str, Any]:
        """The answers: what was chosen, else what is recommended, else what the config has."""
        config = self._config(desk)
        if config is None:
            return {}
        values = {key: getattr(config, key) for key in KEYS} | self._advised(desk)
        chosen = desk.opened.state.overrides
        return values | {key: getattr(config, key) for key in KEYS if key in chosen}

    def _config(self, desk: Desk) -> Config | None:
        try:
            return self._model.planned(desk)
        except SingwizError:
            return None  # said by the step that is about it

    def _checkpoint(self, desk: Desk, key: str) -> Path | None:
        """The file that a network of ``pe`` or ``hnsep`` would be read from, if it is there."""
        from ....core.assets import network_file

        config = self._config(desk)
        _, named, kind = FILES[key]
        return network_file(getattr(config, named), desk.opened.root, kind) if config else None

    # Questions ------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        values = self._values(desk)
        if not values:
            return ()
        asked = [
            self.ask(key, "choice", values[key], choices=self._choices(desk, key, values[key]))
            for key in FILES
        ]
        asked += [
            self.ask(
                key, "number", values[key], minimum=low, maximum=high, unit="Hz", advanced=True
            )
            for key, low, high in (("f0_min", 30, 1000), ("f0_max", 100, 4000))
        ]
        return asked

    def _choices(self, desk: Desk, key: str, now: str) -> list[Choice]:
        """What can run, and what is chosen now whether it can or not."""
        from ....core.config import explain
        from ....core.models.registry import find_part, is_foreign

        network, kind = FILES[key][0], PARTS[key]
        advised = self._advised(desk)
        choices = []
        for name in explain(key).choices:
            if name == network and now != name and self._checkpoint(desk, key) is None:
                continue
            title = self.say("recommended", name=name) if advised.get(key) == name else name
            foreign = is_foreign(kind, name)
            about = find_part(kind, name).origin if foreign else self.say(f"about.{name}")
            choices.append(Choice(name, title, about))
        return choices

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        shown = {**self._values(desk), **values}
        if not shown["f0_min"] < shown["f0_max"]:
            return {key: self.say("range-empty") for key in ("f0_min", "f0_max") if key in values}
        self._store(desk, values)
        return {}

    def _store(self, desk: Desk, values: Mapping[str, Any]) -> None:
        overrides = desk.opened.state.overrides
        for key, value in values.items():
            overrides[key] = value
            if key in FILES and value == FILES[key][0]:
                # Other stages start looking from elsewhere, so the path is written out.
                path = self._checkpoint(desk, key)
                if path is not None:
                    overrides[FILES[key][1]] = str(path)
        desk.save_answer(self.id, "decided", True)

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        watch = self.watch(desk)
        if watch is not None and watch.running:
            return (self.button("stop"),)
        compared, decided = self._compared(desk) is not None, self._decided(desk)
        start = self.button("again" if compared else "start")
        if compared:
            taken = all(
                desk.opened.state.overrides.get(key) == value
                for key, value in self._values(desk).items()
            )
            return (start,) if taken else (self.button("accept", primary=not decided), start)
        # Nothing depends on the comparison, and for clean recordings it confirms the usual choice.
        return (start,) if decided else (start, self.button("usual", primary=True))

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "usual":
            desk.save_answer(self.id, "decided", True)
            return Reply(True, self.say("kept"), go_to="next")
        if action == "accept":
            with desk.edit():
                self._store(desk, self._values(desk))
            return Reply(True, self.say("taken"), go_to="next")
        return super().act(desk, action)

    # What there is to see -------------------------------------------------------------

    def blocks(self, desk: Desk) -> Sequence[Block]:
        watch = self._compared(desk)
        if watch is None:
            return (Text(self.say("invitation")),)
        blocks: list[Block] = []
        if any(is_newer(path, watch.job.created) for path in self.input_files(desk)):
            blocks.append(Text(self.say("outdated"), "warning"))
        parted = self._compared(desk, "separation")
        pitch, separation = watch.facts("pitch"), parted.facts("separation") if parted else {}
        blocks += self._advice("pe", pitch)
        blocks.append(self._pitch_table(pitch))
        blocks += self._pitch_media(desk, _records(pitch, "shown"))
        if separation:
            blocks += self._advice("hnsep", separation)
            blocks.append(self._separation_table(separation))
            blocks += self._separation_media(desk, _records(separation, "shown"))
        return blocks

    def _advice(self, key: str, part: Mapping[str, Any]) -> list[Block]:
        advice = part.get("advice")
        if not isinstance(advice, dict):
            return []
        name, reason = str(advice.get("name", "")), str(advice.get("reason", ""))
        text = self.say(f"advice-{key}", name=name, reason=reason) if name else reason
        notes = [str(note) for note in advice.get("notes") or ()]
        blocks: list[Block] = [Text(text, "good" if name else "warning")]
        if notes:
            blocks.append(Text("\n".join(f"- {note}" for note in notes)))
        return blocks

    def _pitch_table(self, pitch: Mapping[str, Any]) -> Table:
        names = ("extractor", "found", "extra", "octaves", "cents", "leaps", "limits", "speed")
        rows = [
            (
                str(one.get("name", "")),
                _percent(one.get("found")),
                _percent(one.get("extra")),
                _percent(one.get("octaves")),
                _number(one.get("cents")),
                _number(one.get("jumps")),
                _percent(one.get("limits")),
                self.say("times", value=_number(one.get("speed"))),
            )
            for one in _records(pitch, "figures")
        ]
        columns = tuple(self.say(f"column-{name}") for name in names)
        return Table(self.say("pitch-title"), columns, tuple(rows))

    def _separation_table(self, separation: Mapping[str, Any]) -> Table:
        names = ("separator", "leak", "vowels", "consonants", "balance", "speed")
        rows = [
            (
                str(one.get("name", "")),
                *(_decibels(one.get(key)) for key in names[1:5]),
                self.say("times", value=_number(one.get("speed"))),
            )
            for one in _records(separation, "figures")
        ]
        columns = tuple(self.say(f"column-{name}") for name in names)
        return Table(self.say("separation-title"), columns, tuple(rows))

    def _pitch_media(self, desk: Desk, shown: Sequence[Mapping[str, Any]]) -> list[Block]:
        """All pictures; the sounds of the clip on which there is most disagreement."""
        blocks = [
            block
            for one in shown
            for block in self._image(desk, one, self.say("overlay", name=one.get("item", "")))
        ]
        if shown:
            worst = max(shown, key=lambda one: float(one.get("apart") or 0))
            name = worst.get("item", "")
            blocks += _sound(desk, worst.get("recording"), self.say("recording", name=name))
            tones = worst.get("tones")
            for extractor, path in (tones if isinstance(tones, dict) else {}).items():
                blocks += _sound(desk, path, self.say("tone", name=name, extractor=extractor))
        return blocks

    def _separation_media(self, desk: Desk, shown: Sequence[Mapping[str, Any]]) -> list[Block]:
        """Picture and sounds of the first clip, for every separator."""
        blocks: list[Block] = []
        for one in shown:
            if one.get("item") != shown[0].get("item"):
                break
            words = {"name": one.get("item", ""), "separator": one.get("separator", "")}
            blocks += self._image(desk, one, self.say("parts", **words))
            blocks += _sound(desk, one.get("harmonic"), self.say("harmonic", **words))
            blocks += _sound(desk, one.get("aperiodic"), self.say("aperiodic", **words))
        return blocks

    def _image(self, desk: Desk, one: Mapping[str, Any], caption: str) -> list[Block]:
        path = Path(str(one.get("picture", "")))
        shown = is_file(path) and inside(path, desk.opened.root)
        return [Image(path, caption, version=version(path))] if shown else []

    def summary(self, desk: Desk) -> str:
        if not self._decided(desk):
            return ""
        config = self._config(desk)  # what counts now; the questions may show better
        return self.say("summary", pe=config.pe, hnsep=config.hnsep) if config else ""


def _records(part: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = part.get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _sound(desk: Desk, path: object, caption: str) -> list[Block]:
    file = Path(str(path or ""))
    shown = is_file(file) and inside(file, desk.opened.root)
    return [Audio(file, caption, version=version(file))] if shown else []


def _percent(share: object) -> str:
    return f"{100 * share:.1f} %" if isinstance(share, int | float) else "–"


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return "–"
    # Adding zero makes a rounded -0.0 an ordinary one.
    return f"{value:.0f}" if abs(value) >= 10 else f"{round(value, 1) + 0.0:.1f}"


def _decibels(value: object) -> str:
    return f"{_number(value)} dB" if isinstance(value, int | float) else "–"
