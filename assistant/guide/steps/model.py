"""Step 4: how big a voice, on which machine; writes the config with DiffSinger's key names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import SingwizError
from ....core.project import ModelChoice
from ..desk import Desk, fingerprint
from ..store import signature
from ..view import Action, Block, Choice, Question, Reply, StepStatus, Table, Text
from .base import Step
from .check import dataset_signature

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
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


class ModelStep(Step):
    """Chooses preset and hardware; numbers that were touched become overrides."""

    id = "model"
    kind = "acoustic"

    # What is known --------------------------------------------------------------------

    def _choice(self, desk: Desk) -> ModelChoice:
        return desk.opened.state.models.get("acoustic") or ModelChoice()

    def inputs(self, desk: Desk) -> Any:
        """What the config is made from."""
        state = desk.opened.state
        return {
            "datasets": [
                [entry.model_dump(mode="json"), dataset_signature(entry.raw_data_dir)[0]]
                for entry in state.datasets
            ],
            "dictionaries": [
                [language, chosen, signature(Path(chosen))]
                for language, chosen in sorted(state.dictionaries.items())
            ],
            "extra_phonemes": state.extra_phonemes,
            "merged_phoneme_groups": state.merged_phoneme_groups,
            "choice": self._choice(desk).model_dump(mode="json"),
        }

    def planned(self, desk: Desk) -> Config:
        """The config that the answers give, without writing it."""
        key = fingerprint(self.inputs(desk))
        return desk.remembered("planned", key, lambda: self._plan(desk))

    def _plan(self, desk: Desk) -> Config:
        from ....core.config import generate_config
        from ....core.dataset.raw import RawDataset

        project = desk.opened
        names = {
            entry.name: [
                item.name
                for item in RawDataset.open(
                    Path(entry.raw_data_dir),
                    name=entry.name,
                    speaker=entry.speaker,
                    language=entry.language,
                ).items
            ]
            for entry in project.state.datasets
        }
        return generate_config(
            project.state,
            "acoustic",
            item_names=names,
            binary_data_dir=project.binary_dir("acoustic"),
        )

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
        from ....core.config import detect_hardware, list_hardware, list_presets

        choice = self._choice(desk)
        presets = [Choice(one.id, one.label, one.why) for one in list_presets("acoustic")]
        hardware = [Choice(one.id, one.label, one.why) for one in list_hardware()]
        known = {one.value for one in hardware}
        chosen = choice.hardware if choice.hardware in known else detect_hardware()
        asked = [
            self.ask("preset", "choice", choice.preset, choices=presets),
            self.ask("hardware", "choice", chosen, choices=hardware),
        ]
        values = self.planned(desk).to_dict()
        asked += [
            self._key_question(key, _dig(values, key), key in ADVANCED_KEYS)
            for key in (*PLAIN_KEYS, *ADVANCED_KEYS)
        ]
        return asked

    def _key_question(self, key: str, value: Any, advanced: bool) -> Question:
        from ....core.config import explain

        name = key.replace(".", "_")
        info = explain(key)
        if key == "pl_trainer_precision":
            choices = [Choice(one, self.say(f"precision.{one}")) for one in PRECISIONS]
            if value not in PRECISIONS:
                choices.append(Choice(str(value), str(value)))
            return self.ask(name, "choice", str(value), choices=choices, advanced=advanced)
        whole = isinstance(info.default, int)
        return self.ask(
            name,
            "number",
            value,
            minimum=1 if whole and key != "seed" else 0,
            integer=whole,
            unit=info.unit,
            advanced=advanced,
        )

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        choice = desk.opened.model_choice("acoustic")
        keys = {key.replace(".", "_"): key for key in (*PLAIN_KEYS, *ADVANCED_KEYS)}
        # Preset and hardware first: a number equal to what they propose is no override.
        for question in sorted(values, key=lambda name: name in keys):
            value = values[question]
            if question == "preset":
                choice.preset = value
            elif question == "hardware":
                choice.hardware = value
            else:
                key = keys[question]
                before = choice.overrides.pop(key, None)
                proposed = _dig(self._plan(desk).to_dict(), key)
                if value != proposed:
                    choice.overrides[key] = value
                elif before is not None:
                    desk.remembered("planned", None, lambda: None)
        return {}

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        return (self.button("write", primary=True),)

    def act(self, desk: Desk, action: str) -> Reply:
        from ....core.config import detect_hardware, list_hardware
        from ....core.jobs.stages import run_stage
        from ....core.reporting import Reporter

        with desk.edit() as project:
            # What is written is what was shown, also on another machine tomorrow.
            choice = project.model_choice("acoustic")
            if choice.hardware not in {one.id for one in list_hardware()}:
                choice.hardware = detect_hardware()
            run_stage("config", project, {"model": "acoustic"}, Reporter())
            desk.save_run(self.id, inputs=fingerprint(self.inputs(desk)))
        return Reply(True, self.say("written"), go_to="next")

    # What there is to see -------------------------------------------------------------

    def blocks(self, desk: Desk) -> Sequence[Block]:
        try:
            planned = self.planned(desk)
        except SingwizError as error:
            return (Text(f"{error} {error.hint}", "error"),)
        blocks: list[Block] = []
        split = _split(planned.to_dict())
        if split:
            blocks.append(
                Table(
                    self.say("split-title"),
                    (self.say("column-dataset"), self.say("column-held-out")),
                    split,
                )
            )
        blocks.append(Text(self._estimate(desk, planned.to_dict())))
        return blocks

    def _estimate(self, desk: Desk, config: dict[str, Any]) -> str:
        """How often every recording will be heard; a time would be a guess before training."""
        seconds = 0.0
        watch = desk.watch("check")
        if watch is not None and isinstance(watch.result.get("summary"), dict):
            seconds = float(watch.result["summary"].get("seconds") or 0.0)
        steps = int(config.get("max_updates") or 0)
        rate = float(config.get("audio_sample_rate") or 44100) / float(
            config.get("hop_size") or 512
        )
        if not seconds or not steps:
            return self.say("estimate-unknown", steps=steps)
        watched = desk.watch("check")
        items = int(watched.result["summary"].get("items") or 1) if watched else 1
        batches = max(
            seconds * rate / float(config.get("max_batch_frames") or 50000),
            items / float(config.get("max_batch_size") or 64),
            1.0,
        )
        return self.say("estimate", steps=steps, rounds=round(steps / batches))

    def summary(self, desk: Desk) -> str:
        from ....core.config import list_presets

        if not self.started(desk):
            return ""
        choice = self._choice(desk)
        labels = {one.id: one.label for one in list_presets("acoustic")}
        return self.say("summary", preset=labels.get(choice.preset, choice.preset))


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
