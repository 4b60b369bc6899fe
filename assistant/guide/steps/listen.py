"""Step 8: the voice sings a held-out recording or a song of your own; or ears decide, blind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..desk import Desk, fingerprint, inside, is_file
from ..store import signature
from ..view import (
    Action,
    Audio,
    Block,
    Choice,
    Image,
    JobView,
    Question,
    Reply,
    StepStatus,
    Table,
    Text,
)
from . import listening_tests, validations, variance
from .pair import VarianceTrain
from .train import TrainStep
from .vocoder_files import heard_through
from .work import JobStep

OWN, RECORDED = "own", "recorded"
"""Values of the choice where timing and pitch come from."""
OWN_SONG = "own-song"
"""Value of the choice that means: the .ds file named below."""


class ListenStep(JobStep):
    """Renders and plays, the original beside it where there is one."""

    id = "listen"
    stage = "render"
    needs = ("recordings", "train")
    _train = TrainStep()
    _timing = VarianceTrain()

    def inputs(self, desk: Desk) -> Any:
        timing = self._timing.checkpoints(desk)
        return {
            "answers": self.params(desk),
            "vocoder": heard_through(desk),
            **({"variance": timing[-1][0]} if timing else {}),
        }

    def params(self, desk: Desk) -> dict[str, Any]:
        params: dict[str, Any] = {
            "key": desk.answer_of(self.id, "key", 0),
            "seed": desk.answer_of(self.id, "seed", 0),
        }
        if self._train.checkpoints(desk):
            params["ckpt"] = int(self.checkpoint(desk))
        chosen = self._chosen(desk)
        if chosen == OWN_SONG:
            params["song"] = desk.answer_of(self.id, "song", "")
        else:
            dataset, _, item = chosen.partition("/")
            params["dataset"], params["item"] = dataset, item
            if self._sings_by_itself(desk):
                params["predict"] = self._predicted(desk)
        return params

    def checkpoint(self, desk: Desk) -> str:
        """Steps of the checkpoint that sings: the named one, else the best, else the newest."""
        known = [str(steps) for steps, _ in self._train.checkpoints(desk)]
        named = desk.answer_of(self.id, "checkpoint", "")
        best = validations.best(desk, self._train.folder(desk))
        for steps in (named, str(best.step) if best else ""):
            if steps in known:
                return steps
        return known[-1] if known else ""

    def _predicted(self, desk: Desk) -> list[str]:
        """What the trained variance model tells the voice."""
        from ....core.config import load_config

        if not self._timing.checkpoints(desk):
            return []
        path = self._timing.folder(desk) / "config.yaml"
        seen = signature(path)
        if seen is None:
            return []
        values = desk.remembered(f"predicts-{path}", seen, lambda: load_config(path).to_dict())
        return [flag.removeprefix("predict_") for flag in variance.FLAGS if values.get(flag)]

    def _sings_by_itself(self, desk: Desk) -> bool:
        """Whether timing and pitch of a recording are left to the variance model."""
        return self._can_choose(desk) and desk.answer_of(self.id, "chain", OWN) == OWN

    def _can_choose(self, desk: Desk) -> bool:
        """Whether there is a model for it, and the recording has notes to sing by."""
        if not self._predicted(desk):
            return False
        dataset, _, item = self._chosen(desk).partition("/")
        return (dataset, item) not in variance.facts(desk).no_notes

    def _chosen(self, desk: Desk) -> str:
        choices = [f"{dataset}/{item}" for dataset, item in held_out(desk)]
        chosen = desk.answer_of(self.id, "what", "")
        if chosen == OWN_SONG or chosen in choices:
            return chosen
        return choices[0] if choices else OWN_SONG

    # A blind test takes the whole step while somebody listens --------------------------

    def is_asking(self, desk: Desk) -> bool:
        return listening_tests.is_open(desk)

    def job(self, desk: Desk) -> JobView | None:
        known = [one for one in (self.watch(desk), listening_tests.watch(desk)) if one]
        if not known:
            return None
        return max(known, key=lambda one: (one.running, one.job.created)).view()

    def own_status(self, desk: Desk) -> StepStatus:
        making = listening_tests.watch(desk)
        if making is not None and making.running:
            return StepStatus.RUNNING
        return super().own_status(desk)

    def actions(self, desk: Desk) -> Sequence[Action]:
        if listening_tests.is_open(desk):
            return listening_tests.trial_actions(desk)
        if self.own_status(desk) is StepStatus.RUNNING:
            return (self.button("stop"),)
        return (*super().actions(desk), *listening_tests.actions(desk))

    def act(self, desk: Desk, action: str) -> Reply:
        making = listening_tests.watch(desk)
        if action in listening_tests.ACTIONS:
            return listening_tests.act(desk, action)
        if listening_tests.is_open(desk):
            return listening_tests.vote(desk, action)
        if action == "stop" and making is not None and making.running:
            making.job.stop()
            return Reply(True, self.say("stopping"))
        return super().act(desk, action)

    # ---------------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        if listening_tests.is_open(desk):
            return listening_tests.trial_questions(desk)
        several = len(desk.opened.state.datasets) > 1
        choices = [
            Choice(f"{dataset}/{item}", f"{dataset}: {item}" if several else item)
            for dataset, item in held_out(desk)
        ]
        choices.append(Choice(OWN_SONG, self.say("own-song")))
        chosen = self._chosen(desk)
        asked = [self.ask("what", "choice", chosen, choices=choices)]
        if chosen == OWN_SONG:
            song = desk.answer_of(self.id, "song", "")
            asked.append(self.ask("song", "path", song, pick="file"))
        elif self._can_choose(desk):
            chains = [Choice(name, self.say(f"chain.{name}")) for name in (OWN, RECORDED)]
            now = OWN if self._sings_by_itself(desk) else RECORDED
            asked.append(self.ask("chain", "choice", now, choices=chains))
        asked += self._ask_checkpoint(desk)
        asked += [
            self.ask(
                "key", "number", desk.answer_of(self.id, "key", 0),
                minimum=-24, maximum=24, integer=True, unit=self.say("semitones"), advanced=True,
            ),
            self.ask(
                "seed", "number", desk.answer_of(self.id, "seed", 0),
                minimum=0, maximum=2**31 - 1, integer=True, advanced=True,
            ),
        ]  # fmt: skip
        return [*asked, *listening_tests.questions(desk)]

    def _ask_checkpoint(self, desk: Desk) -> list[Question]:
        checkpoints = self._train.checkpoints(desk)
        if len(checkpoints) < 2:
            return []
        best = validations.best(desk, self._train.folder(desk))
        choices = [
            Choice(
                str(steps),
                self.say(
                    "checkpoint-best" if best and best.step == steps else "checkpoint", steps=steps
                ),
            )
            for steps, _ in reversed(checkpoints)
        ]
        return [self.ask("checkpoint", "choice", self.checkpoint(desk), choices=choices)]

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        if listening_tests.is_open(desk):
            listening_tests.take(desk, values)
            return {}
        if refused := listening_tests.refusals(values):
            return refused | self.answer(
                desk, {key: value for key, value in values.items() if key not in refused}
            )
        song = values.get("song", "")
        if song and not is_file(song):
            return {"song": self.say("no-song", file=song)} | super().answer(
                desk, {key: value for key, value in values.items() if key != "song"}
            )
        return super().answer(desk, values)

    def start_reason(self, desk: Desk) -> str:
        if not self._train.checkpoints(desk):
            return self.say("no-checkpoint")
        if self._chosen(desk) == OWN_SONG and not desk.answer_of(self.id, "song", ""):
            return self.say("choose-song")
        return ""

    def blocks(self, desk: Desk) -> Sequence[Block]:
        if listening_tests.is_open(desk):
            return listening_tests.trial_blocks(desk)
        return (*listening_tests.blocks(desk), *self._sung(desk))

    def _sung(self, desk: Desk) -> Sequence[Block]:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ()
        result = watch.result
        wav = Path(str(result.get("wav", "")))
        blocks: list[Block] = []
        if result.get("preview"):
            blocks.append(Text(self.say("preview"), "warning"))
        names = [Path(str(one)).parent.name for one in result.get("variance") or ()]
        if names:
            what = ", ".join(self.say(f"tag.{tag}") for tag in result.get("predicted") or ())
            blocks.append(Text(self.say("sung-by", names=", ".join(names), what=what or "–")))
        if wav.is_file():
            blocks.append(Audio(wav, self.say("voice", name=wav.name)))
        recording = Path(str(result.get("recording") or ""))
        if recording.is_file() and inside(recording, desk.opened.root):
            blocks.append(Audio(recording, self.say("recording")))
        picture = Path(str(result.get("spectrogram") or ""))
        if picture.is_file():
            blocks.append(Image(picture, self.say("spectrogram")))
        figures = self._figures(watch.facts("figures"))
        if figures.rows:
            blocks.append(figures)
        blocks.append(Text(self.say("lands", file=wav)))
        return blocks

    def _figures(self, figures: dict[str, Any]) -> Table:
        """Objective closeness to the recording; figures that could not be measured are left out."""
        rows = []
        for name in ("f0_cents", "voicing_agreement", "mel_l1", "baseline_l1"):
            value = figures.get(name)
            if not isinstance(value, int | float):
                continue
            shown = f"{value:.2f}"
            if name == "f0_cents":
                shown = self.say("cents", value=round(value))
            elif name == "voicing_agreement":
                shown = self.say("percent", value=round(100.0 * value))
            rows.append((self.say(f"figure.{name}"), shown))
        columns = (self.say("column-figure"), self.say("column-value"))
        return Table(self.say("figures"), columns, tuple(rows))

    def summary(self, desk: Desk) -> str:
        watch = self.watch(desk)
        if watch is None or watch.status.state != "done":
            return ""
        return self.say("summary", name=Path(str(watch.result.get("wav", ""))).name)


def held_out(desk: Desk) -> list[tuple[str, str]]:
    """(dataset name, item) of the recordings that training does not see."""
    project = desk.opened
    path = project.config_path("acoustic")
    seen = signature(path)
    if seen is None:
        return []
    # A config made before or after a fix names the originals or their fixed copy.
    names = {entry.raw_data_dir: entry.name for entry in project.state.datasets}
    names |= {str(project.raw_folder(entry)): entry.name for entry in project.state.datasets}
    return desk.remembered("held-out", (seen, fingerprint(names)), lambda: _held_out(path, names))


def _held_out(config_path: Path, names: dict[str, str]) -> list[tuple[str, str]]:
    """Validation items named by a config."""
    from ....core.config import load_config

    datasets = load_config(config_path).to_dict().get("datasets")
    found = []
    for entry in datasets if isinstance(datasets, list) else []:
        name = names.get(str(entry.get("raw_data_dir", "")), "") if isinstance(entry, dict) else ""
        if name:
            found += [(name, str(item)) for item in entry.get("test_prefixes") or []]
    return found
