"""Step 5: how big a voice, on which machine; writes the config with DiffSinger's key names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ....core.project import ModelChoice, Project
from ....core.reporting import Reporter
from ..desk import Desk, fingerprint
from ..sources import dataset_signature
from ..store import signature
from ..view import Action, Block, Choice, JobView, Question, Reply, StepStatus, Table, Text
from ..watch import JobWatch
from . import mending, settings, variance
from .base import Step
from .foreign import NETWORK, PREFIX, network_overrides, network_questions

if TYPE_CHECKING:
    from ....core.config import Config

PLAIN_KEYS = ("max_updates", "max_batch_size")
"""Config keys that are asked for in any case."""
ADVANCED_KEYS = (
    "max_batch_frames",
    "optimizer_args.lr",
    "pl_trainer_precision",
    "val_check_interval",
    "seed",
)
"""Config keys under "more options"."""
CPU, CPU_PRESET = "cpu", "small"
"""Without a graphics card the standard size would take weeks."""
VOCODER_KEY = "vocoder_ckpt"
"""Override that belongs to the step about vocoders."""
CURVE_KEYS = tuple(f"use_{name}_embed" for name in variance.CURVE_NAMES)
"""Overrides that follow from what the voice learns besides its sound."""
LEAST_STEPS = 200
"""A shorter training says nothing about speed: starting up takes longer than the steps."""
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


class ModelStep(Step):
    """Chooses preset and hardware; numbers that were touched become overrides."""

    id = "model"
    kind = "acoustic"

    # What is known --------------------------------------------------------------------

    def choice(self, desk: Desk) -> ModelChoice:
        """What was chosen; what suits this machine as long as nothing was."""
        from ....core.config import detect_hardware, list_hardware

        chosen = desk.opened.state.models.get("acoustic")
        found = desk.remembered("hardware", None, detect_hardware)
        if chosen is not None:
            known = chosen.hardware in {one.id for one in list_hardware()}
            return chosen if known else chosen.model_copy(update={"hardware": found})
        if self.started(desk):  # from the command line, with its defaults
            return ModelChoice(hardware=found)
        return ModelChoice(preset=CPU_PRESET if found == CPU else "standard", hardware=found)

    def inputs(self, desk: Desk) -> Any:
        """What the config is made from."""
        state = desk.opened.state
        choice = self.choice(desk)
        return {
            "datasets": [
                [entry.model_dump(mode="json"), dataset_signature(desk.opened, entry)[0]]
                for entry in state.datasets
            ],
            "dictionaries": [
                [language, chosen, signature(Path(chosen))]
                for language, chosen in sorted(state.dictionaries.items())
            ],
            "extra_phonemes": state.extra_phonemes,
            "merged_phoneme_groups": state.merged_phoneme_groups,
            # Not the experiment: it only names the folder of the training. Nor the vocoder, which
            # has a step of its own and changes nothing about the model.
            "choice": [choice.preset, choice.hardware, _without_vocoder(choice.overrides)],
            **({"shared": state.overrides} if state.overrides else {}),
            **({"variance": variance.own_choice(desk)} if variance.wanted(desk) else {}),
        }

    def planned(self, desk: Desk) -> Config:
        """The config that the answers give, without writing it."""
        key = fingerprint([self.inputs(desk), self.choice(desk).overrides])
        return desk.remembered("planned", key, lambda: self._plan(desk))

    def _plan(self, desk: Desk) -> Config:
        from ....core.jobs.configuring import planned_config

        project = desk.opened
        chosen = {**project.state.models, "acoustic": self.choice(desk)}
        state = project.state.model_copy(update={"models": chosen})
        return planned_config(Project(project.root, state), "acoustic")

    def written(self, desk: Desk) -> Config | None:
        """The config on disk; None if there is none.

        Raises:
            SingwizError: it was edited into something that cannot be read.
        """
        path = desk.opened.config_path("acoustic")
        seen = signature(path)
        if seen is None:
            return None
        from ....core.config import load_config

        return desk.remembered("config", seen, lambda: load_config(path))

    def own_status(self, desk: Desk) -> StepStatus:
        if not desk.opened.state.datasets or self.written(desk) is None:
            return StepStatus.READY
        if variance.wanted(desk) and not desk.opened.config_path("variance").exists():
            return StepStatus.READY
        run = desk.run_of(self.id)
        if not run:
            # Written from the command line, or by hand: taken as it is, and followed from now on.
            desk.save_run(self.id, inputs=fingerprint(self.inputs(desk)))
            return StepStatus.DONE
        same = run.get("inputs") == fingerprint(self.inputs(desk))
        return StepStatus.DONE if same else StepStatus.STALE

    def started(self, desk: Desk) -> bool:
        return desk.opened.config_path("acoustic").exists()

    # Questions ------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        from ....core.config import list_hardware, list_presets

        choice = self.choice(desk)
        presets = [Choice(one.id, one.label, one.why) for one in list_presets("acoustic")]
        hardware = [Choice(one.id, one.label, one.why) for one in list_hardware()]
        asked = [
            self.ask("preset", "choice", choice.preset, choices=presets),
            self.ask("hardware", "choice", choice.hardware, choices=hardware),
        ]
        try:
            values = self.planned(desk).to_dict()
        except SingwizError:  # said in the blocks; preset and machine can still be chosen
            return asked
        asked += variance.questions(desk)
        asked += [
            self._key_question(key, _dig(values, key), key in ADVANCED_KEYS)
            for key in (*PLAIN_KEYS, *ADVANCED_KEYS)
        ]
        networks = network_questions(self.ask, values, self.say("network-ours"))
        return [*asked, *networks, *settings.questions(desk)]

    def _key_question(self, key: str, value: Any, advanced: bool) -> Question:
        from ....core.config import explain

        name = _question_of(key)
        info = explain(key)
        if key == "pl_trainer_precision":
            choices = [Choice(one, self.say(f"precision.{one}")) for one in PRECISIONS]
            if value not in PRECISIONS:
                choices.append(Choice(str(value), str(value)))
            return self.ask(name, "choice", str(value), choices=choices, advanced=advanced)
        return self.ask(
            name,
            "number",
            value,
            minimum=info.low,
            maximum=info.high,
            integer=isinstance(info.default, int),
            unit="" if info.unit == "steps" else info.unit,
            advanced=advanced,
        )

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        others = {name: values.pop(name) for name in settings.QUESTIONS if name in values}
        about_variance = {name: values.pop(name) for name in variance.QUESTIONS if name in values}
        errors = self._answer_own(desk, values) if values else {}
        if about_variance:
            errors |= variance.answer(desk, about_variance)
        return errors | (settings.answer(desk, others) if others else {})

    def _answer_own(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        errors: dict[str, str] = {}
        choice = self.store_choice(desk)
        keys = {_question_of(key): key for key in (*PLAIN_KEYS, *ADVANCED_KEYS)}
        # Preset and hardware first: a number equal to what they propose is no override.
        for question in sorted(values, key=lambda name: name in keys):
            if question == "preset":
                choice.preset = values[question]
            elif question == "hardware":
                choice.hardware = values[question]
            elif question == NETWORK or question.startswith(PREFIX):
                planned = self.planned(desk).to_dict()
                network_overrides(choice.overrides, planned, question, values[question])
            else:
                refusal = self._override(desk, choice, keys[question], values[question])
                if refusal:
                    errors[question] = refusal
        return errors

    def _override(self, desk: Desk, choice: ModelChoice, key: str, value: Any) -> str:
        """Let a number differ from the proposal, if a config can be made with it."""
        before = dict(choice.overrides)
        choice.overrides.pop(key, None)
        try:
            if value != _dig(self.planned(desk).to_dict(), key):
                choice.overrides[key] = value
                self.planned(desk)
        except SingwizError as error:
            choice.overrides = before
            return f"{error.message} {error.hint}".strip()
        return ""

    def store_choice(self, desk: Desk) -> ModelChoice:
        """Make what is shown the choice: it stays the same on another machine tomorrow."""
        choice = self.choice(desk).model_copy(deep=True)
        desk.opened.state.models["acoustic"] = choice
        return choice

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        if mending.at_work(desk) is not None:
            return [self.button("stop")]
        actions = [self.button("write", primary=True), *variance.actions(desk)]
        if _own_numbers(self.choice(desk).overrides):
            actions.append(self.button("reset"))
        return [*actions, *settings.actions(desk)]

    def job(self, desk: Desk) -> JobView | None:
        watch = mending.at_work(desk)
        return watch.view() if watch else None

    def act(self, desk: Desk, action: str) -> Reply:
        from ....core.jobs.stages import run_stage

        if action in variance.FILL:
            reply = mending.start(desk, "fix", {"fill": variance.FILL[action], "recheck": True})
            if reply.ok:
                variance.wish(desk, action)
            return reply
        if action == "stop":
            watch = mending.at_work(desk)
            if watch is not None:
                watch.job.stop()
            return Reply(True, self.say("stopping"))
        with desk.edit() as project:
            choice = self.store_choice(desk)
            if action == settings.UNSET:
                settings.unset(desk)
                return Reply(True, self.say("taken-back"))
            if action == "reset":
                for key in _own_numbers(choice.overrides):
                    del choice.overrides[key]
                return Reply(True, self.say("taken-back"))
            run_stage("config", project, {"model": "acoustic"}, Reporter())
            if variance.wanted(desk):
                variance.write(desk)
            desk.save_run(self.id, inputs=fingerprint(self.inputs(desk)))
        return Reply(True, self.say("written"), go_to="next")

    # What there is to see -------------------------------------------------------------

    def blocks(self, desk: Desk) -> Sequence[Block]:
        try:
            planned = self.planned(desk)
        except SingwizError as error:
            return (Text(f"{error} {error.hint}", "error"),)
        values = planned.to_dict()
        blocks: list[Block] = []
        written = self.written(desk)
        if written is not None and self.own_status(desk) is StepStatus.DONE:
            on_disk = written.to_dict()
            edited = sorted(key for key in values if on_disk.get(key) != values[key])
            if edited:
                blocks.append(Text(self.say("edited", keys=", ".join(edited)), "warning"))
        blocks += variance.blocks(desk)
        split = _split(values)
        if split:
            columns = (self.say("column-dataset"), self.say("column-held-out"))
            blocks.append(Table(self.say("split-title"), columns, split))
        blocks.append(Text(self._estimate(desk, values)))
        return [*blocks, *settings.blocks(desk)]

    def _estimate(self, desk: Desk, config: dict[str, Any]) -> str:
        """How often every recording will be heard, and how long it takes if that is known."""
        steps = int(config.get("max_updates") or 0)
        checked = desk.watch("check")
        facts = checked.facts("summary") if checked else {}
        if not facts.get("items"):
            return self.say("estimate-unknown", steps=steps)
        rate = float(config.get("audio_sample_rate") or 44100) / float(
            config.get("hop_size") or 512
        )
        # A step takes as many recordings as both limits of a batch allow.
        batches = max(
            float(facts.get("seconds") or 0.0) * rate / float(config["max_batch_frames"]),
            float(facts["items"]) / float(config["max_batch_size"]),
            1.0,
        )
        known: dict[str, object] = {"steps": steps, "rounds": max(round(steps / batches), 1)}
        pace = _seconds_per_step(desk.watch("train", "acoustic"))
        if pace is None:
            return self.say("estimate", **known)
        minutes = steps * pace / 60.0
        unit, count = ("hours", minutes / 60.0) if minutes >= 90.0 else ("minutes", minutes)
        return self.say("estimate-time", hours=self.say(unit, count=max(round(count), 1)), **known)

    def summary(self, desk: Desk) -> str:
        from ....core.config import list_presets

        if not self.started(desk):
            return ""
        choice = self.choice(desk)
        labels = {one.id: one.label for one in list_presets("acoustic")}
        key = "summary-both" if variance.wanted(desk) else "summary"
        return self.say(key, preset=labels.get(choice.preset, choice.preset))


def _without_vocoder(overrides: dict[str, Any]) -> dict[str, Any]:
    """Own numbers of the model; which vocoder it is heard through is none."""
    return {key: value for key, value in overrides.items() if key != VOCODER_KEY}


def _own_numbers(overrides: dict[str, Any]) -> dict[str, Any]:
    """Overrides that were touched here as numbers, and can be taken back as such."""
    return {
        key: value for key, value in _without_vocoder(overrides).items() if key not in CURVE_KEYS
    }


def _question_of(key: str) -> str:
    """Id of the question about a config key."""
    return key.replace(".", "_")


def _seconds_per_step(training: JobWatch | None) -> float | None:
    """How fast the last training was; None if there was none to speak of."""
    if training is None:
        return None
    steps = [step for points in training.metrics.values() for step, _ in points]
    done = max(steps) - min(steps) if steps else 0.0
    return training.status.elapsed / done if done >= LEAST_STEPS else None


def _dig(values: dict[str, Any], key: str) -> Any:
    """The value of a dotted key; None if it is not there."""
    node: Any = values
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _split(config: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Rows: dataset folder, items kept for validation."""
    datasets = config.get("datasets")
    if not isinstance(datasets, list):
        return ()
    return tuple(
        (
            f"{entry.get('speaker', '')} – {Path(str(entry.get('raw_data_dir', ''))).name}",
            ", ".join(str(name) for name in entry.get("test_prefixes") or []),
        )
        for entry in datasets
        if isinstance(entry, dict)
    )
