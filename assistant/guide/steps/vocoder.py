"""Step 9: what turns the voice's spectrograms into sound. Nobody has to stop here.

Fetches the community's vocoder, lets the user hear what each vocoder makes of the recordings,
chooses one, and teaches one the singer's own sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....core.errors import SingwizError
from ..desk import Desk, inside, is_file
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
from ..watch import JobWatch
from ..words import say
from . import vocoder_learning as learning
from .base import Step
from .listen import held_out
from .model import ModelStep
from .statistics import version
from .vocoder_files import OVERRIDE, PREVIEW, heard_through, installed, offered, refusal, usable
from .work import is_newer

MOST_CLIPS = 3
"""Held-out recordings compared if nobody names one."""
SOME = "some"
"""Value of the question about the recording that means: the first few held-out ones."""
NOTICEABLE = 0.02
"""nat by which another vocoder has to be closer to the recordings to be recommended."""


class VocoderStep(Step):
    """Several small works side by side: fetching, comparing, preparing, training."""

    id = "vocoder"
    needs = ("recordings",)
    follows_at_once = True

    # Where it stands ------------------------------------------------------------------

    def _watches(self, desk: Desk) -> list[JobWatch]:
        """The newest job of each work, the newest of all last."""
        found = [
            desk.watch("fetch"),
            desk.watch("vocoders"),
            learning.PREPARE.watch(desk),
            learning.TRAIN.watch(desk),
        ]
        return sorted((one for one in found if one), key=lambda one: one.job.created)

    def _running(self, desk: Desk) -> JobWatch | None:
        return next((one for one in reversed(self._watches(desk)) if one.running), None)

    def job(self, desk: Desk) -> JobView | None:
        watch = self._running(desk) or next(reversed(self._watches(desk)), None)
        return watch.view() if watch else None

    def started(self, desk: Desk) -> bool:
        return bool(self._watches(desk))

    def lets_pass(self, desk: Desk) -> bool:
        return True

    def own_status(self, desk: Desk) -> StepStatus:
        watches = self._watches(desk)
        if any(one.running for one in watches):
            return StepStatus.RUNNING
        if watches and watches[-1].status.state in ("failed", "died"):
            return StepStatus.FAILED
        return StepStatus.DONE if self._decided(desk) else StepStatus.READY

    def _decided(self, desk: Desk) -> bool:
        return heard_through(desk) != PREVIEW or desk.answer_of(self.id, "decided", False)

    # Questions ------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        own = desk.answer_of(self.id, "file", "")
        best = self._recommended(desk)
        choices = [
            Choice(
                one.file, self.say("recommended", name=one.name) if one.file == best else one.name,
                one.about,
            )
            for one in usable(desk, own)
        ]  # fmt: skip
        asked = [self.ask("vocoder", "choice", heard_through(desk), choices=choices)]
        assets = offered(desk)
        if assets:
            offers = [
                Choice(one.name, self.say("offer", title=one.title, size=one.megabytes), one.why)
                for one in assets
            ]
            asked.append(
                self.ask(
                    "asset", "choice", self._asset(desk), choices=offers,
                    advanced=self._has_vocoder(desk),
                )
            )  # fmt: skip
        asked.append(
            self.ask("clip", "choice", self._clip(desk), choices=self._clips(desk), advanced=True)
        )
        asked.append(self.ask("file", "path", own, pick="file", advanced=True))
        if assets:
            downloaded = desk.answer_of(self.id, "downloaded", "")
            asked.append(self.ask("downloaded", "path", downloaded, pick="file", advanced=True))
        return [*asked, *learning.questions(desk)]

    def _has_vocoder(self, desk: Desk) -> bool:
        return any(one.kind == "vocoder" for one in installed(desk).values())

    def _asset(self, desk: Desk) -> str:
        """Which file to fetch: what was chosen, else the first vocoder, then the first base."""
        names = {one.name: one for one in offered(desk)}
        chosen = desk.answer_of(self.id, "asset", "")
        if chosen in names:
            return chosen
        wanted = "vocoder-base" if self._has_vocoder(desk) else "vocoder"
        ordered = sorted(names.values(), key=lambda one: one.kind != wanted)
        return ordered[0].name if ordered else ""

    def _clips(self, desk: Desk) -> list[Choice]:
        several = len(desk.opened.state.datasets) > 1
        return [
            Choice(SOME, self.say("some-clips", most=MOST_CLIPS)),
            *(
                Choice(f"{dataset}/{item}", f"{dataset}: {item}" if several else item)
                for dataset, item in held_out(desk)
            ),
        ]

    def _clip(self, desk: Desk) -> str:
        chosen = desk.answer_of(self.id, "clip", SOME)
        return chosen if chosen in {one.value for one in self._clips(desk)} else SOME

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        errors: dict[str, str] = {}
        for question in (learning.PRESET, learning.STEPS):
            if question in values:
                learning.answer(desk, {question: values.pop(question)})
        for question in ("file", "downloaded"):
            path = values.get(question, "")
            if path and not is_file(path):
                errors[question] = self.say("no-file", file=values.pop(question))
        if "vocoder" in values:
            refused = self._choose(desk, values.pop("vocoder"))
            if refused:
                errors["vocoder"] = refused
        return errors | super().answer(desk, values)

    def _choose(self, desk: Desk, file: str) -> str:
        """Let the voice be heard through a vocoder; why not, if it does not fit."""
        model = ModelStep()
        choice = model.store_choice(desk)
        before = dict(choice.overrides)
        choice.overrides[OVERRIDE] = "" if file == PREVIEW else file
        try:
            refused = refusal(model.planned(desk)) if file != PREVIEW else ""
        except SingwizError:
            refused = ""  # no config can be made yet; the step about it says why
        if refused:
            choice.overrides.clear()
            choice.overrides.update(before)
            return refused
        self._renew_config(desk)
        desk.save_answer(self.id, "decided", True)
        return ""

    def _renew_config(self, desk: Desk) -> None:
        """The written config names the vocoder, too: validations are heard through it."""
        from ....core.jobs.configuring import edited_by_hand, write_config

        project = desk.opened
        if project.config_path("acoustic").exists() and not edited_by_hand(project, "acoustic"):
            write_config(project, "acoustic")

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        if self._running(desk) is not None:
            return (self.button("stop"),)
        found: list[Action] = []
        best, has_vocoder = self._recommended(desk), self._has_vocoder(desk)
        if best:
            found.append(self.button("accept", primary=True))
        asset = next((one for one in offered(desk) if one.name == self._asset(desk)), None)
        if asset is not None:
            label = self.say(f"do.fetch-{asset.kind}", size=asset.megabytes)
            first = not has_vocoder and not self._decided(desk) and not best
            found.append(Action("fetch", label, primary=first))
            if desk.answer_of(self.id, "downloaded", ""):
                found.append(self.button("add"))
        compared = self._compared(desk) is not None
        found.append(self.button("compare_again" if compared else "compare"))
        if not self._decided(desk):
            found.append(self.button("keep"))
        return [*found, *learning.actions(desk)]

    def act(self, desk: Desk, action: str) -> Reply:
        if action == "stop":
            return self._stop(desk)
        if action == "keep":
            desk.save_answer(self.id, "decided", True)
            return Reply(True, self.say("kept"), go_to="next")
        if action == "accept":
            with desk.edit():
                refused = self._choose(desk, self._recommended(desk))
            return Reply(not refused, refused or self.say("taken"))
        if action.startswith("compare"):
            return self._start(desk, "vocoders", self._compare_params(desk))
        if action in ("fetch", "add"):
            params = {"asset": self._asset(desk)}
            if action == "add":
                params["file"] = desk.answer_of(self.id, "downloaded", "")
            return self._start(desk, "fetch", params)
        if action.startswith("prepare"):
            reply: Reply = learning.prepare(desk)
            return reply
        return learning.TRAIN.act(desk, action.removeprefix("train_"))

    def _start(self, desk: Desk, stage: str, params: dict[str, Any]) -> Reply:
        from ....core.jobs import start_job

        with desk.edit() as project:
            start_job(project, stage, params)
        return Reply(True, self.say(f"started-{stage}"))

    def _stop(self, desk: Desk) -> Reply:
        watch = self._running(desk)
        if watch is None:
            return Reply(True, say("job.already-over"))
        watch.job.stop()
        return Reply(True, self.say("stopping-fetch" if watch.job.stage == "fetch" else "stopping"))

    def _compare_params(self, desk: Desk) -> dict[str, Any]:
        own = desk.answer_of(self.id, "file", "")
        chosen = self._clip(desk)
        pairs = held_out(desk)[:MOST_CLIPS]
        if chosen != SOME:
            dataset, _, item = chosen.partition("/")
            pairs = [(dataset, item)]
        files = [one.file for one in usable(desk, own)]
        return {"vocoders": files, "items": [list(pair) for pair in pairs]}

    # What there is to see -------------------------------------------------------------

    def _compared(self, desk: Desk) -> JobWatch | None:
        """The last comparison that came to its end."""
        desk.watch("vocoders")  # brings the newest up to date
        done = (one for one in reversed(desk.history("vocoders")) if one.status.state == "done")
        return next((one for one in done if one.entries("means")), None)

    def _recommended(self, desk: Desk) -> str:
        """A vocoder that is better than the one in use: by ear's nearest figure, else a real one
        instead of the preview. Empty if there is none."""
        now = heard_through(desk)
        here = {one.file for one in usable(desk, desk.answer_of(self.id, "file", ""))}
        watch = self._compared(desk)
        errors = {
            str(one.get("file", "")): float(one["figures"]["mel_l1"])
            for one in (watch.entries("means") if watch else [])
            if isinstance(one.get("figures"), dict)
            and isinstance(one["figures"].get("mel_l1"), int | float)
            and not one.get("preview")
            and one.get("file") in here
        }
        if errors:
            best = min(errors, key=lambda file: errors[file])
            if now == PREVIEW or errors[best] < errors.get(now, float("inf")) - NOTICEABLE:
                return best
            return ""
        if now != PREVIEW:
            return ""
        return next(
            (str(one.main) for one in installed(desk).values() if one.kind == "vocoder"), ""
        )

    def blocks(self, desk: Desk) -> Sequence[Block]:
        now = heard_through(desk)
        names = {one.file: one.name for one in usable(desk, "")}
        if now == PREVIEW:
            blocks: list[Block] = [Text(self.say("now-preview"), "warning")]
        else:
            blocks = [Text(self.say("now", name=names.get(now, now)), "good")]
        blocks += self._licence(desk)
        offer = self._terms(desk)
        if not self._has_vocoder(desk):
            blocks += offer
        watch = self._compared(desk)
        if watch is not None:
            left = self._not_compared(desk, watch)
            if left:
                blocks.append(Text(self.say("not-compared", names=", ".join(left)), "warning"))
            blocks.append(self._figures(desk, watch))
            for clip in watch.entries("clips"):
                blocks += self._clip_blocks(desk, clip)
        if self._has_vocoder(desk):
            blocks += offer
        return [*blocks, *learning.blocks(desk)]

    def _licence(self, desk: Desk) -> list[Block]:
        """Terms of the fetched vocoder that is in use."""
        now = heard_through(desk)
        return [
            Text(self.say("licence-here", licence=one.licence, by=one.attribution))
            for one in installed(desk).values()
            if str(one.main) == now
        ]

    def _terms(self, desk: Desk) -> list[Block]:
        """From whom and on which terms; seen before the button is pressed."""
        asset = next((one for one in offered(desk) if one.name == self._asset(desk)), None)
        if asset is None:
            return []
        facts = asset.model_dump(include={"title", "why", "licence", "attribution", "page"})
        return [Text(self.say("terms", size=asset.megabytes, **facts))]

    def _not_compared(self, desk: Desk, watch: JobWatch) -> list[str]:
        """Vocoders that came, or were trained further, since the comparison."""
        seen = {str(one.get("file", "")) for one in watch.entries("means")}
        return [
            one.name
            for one in usable(desk, desk.answer_of(self.id, "file", ""))
            if one.file not in seen or is_newer(Path(one.file), watch.job.created)
        ]

    def _figures(self, desk: Desk, watch: JobWatch) -> Table:
        called = {one.file: one.name for one in usable(desk, "") if one.file != PREVIEW}
        names = ("mel_l1", "f0_cents", "voicing_agreement", "rtf")
        rows = []
        for one in watch.entries("means"):
            figures = one.get("figures")
            known: Mapping[str, Any] = figures if isinstance(figures, dict) else {}
            cells = [self._cell(name, known.get(name)) for name in names]
            name = called.get(str(one.get("file", "")), str(one.get("vocoder", "")))
            rows.append((name, *cells))
        columns = (self.say("column-vocoder"), *(self.say(f"column-{name}") for name in names))
        clips = len(watch.entries("clips"))
        return Table(self.say("figures", clips=clips), columns, tuple(rows))

    def _cell(self, name: str, value: object) -> str:
        if not isinstance(value, int | float):
            return "–"
        if name == "voicing_agreement":
            return f"{100 * value:.0f} %"
        return self.say(f"cell.{name}", value=f"{value:.{1 if name == 'f0_cents' else 2}f}")

    def _clip_blocks(self, desk: Desk, clip: Mapping[str, Any]) -> list[Block]:
        """Picture of a recording's copies, and their sounds."""
        root = desk.opened.root
        name = str(clip.get("item", ""))
        listed = clip.get("copies")
        copies = (
            [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        sounds = [(clip.get("recording"), self.say("recording", name=name))]
        sounds += [
            (one.get("wav"), self.say("copy", name=name, vocoder=one.get("vocoder", "")))
            for one in copies
        ]
        shown: list[Block] = []
        picture = Path(str(clip.get("spectrogram", "")))
        if is_file(picture) and inside(picture, root):
            shown.append(Image(picture, self.say("picture", name=name), version=version(picture)))
        for path, caption in sounds:
            file = Path(str(path or ""))
            if is_file(file) and inside(file, root):
                shown.append(Audio(file, caption, version=version(file)))
        return shown

    def summary(self, desk: Desk) -> str:
        now = heard_through(desk)
        if now == PREVIEW:
            return self.say("summary-preview") if self._decided(desk) else ""
        names = {one.file: one.name for one in usable(desk, "")}
        return names.get(now, Path(now).name)
