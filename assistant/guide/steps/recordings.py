"""Step 1: where the project lives, where the recordings are, who sings, in which language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....core.dictionary import list_dictionaries
from ....core.dictionary.files import LANGUAGE_TAG
from ....core.project import FILE_NAME, SAFE_NAME, Project, Recordings
from .. import shelf
from ..desk import Desk, inside, is_file, is_folder
from ..store import signature
from ..view import Action, Block, Choice, Question, Reply, StepStatus, Table, Text
from ..words import languages
from .base import Step

OWN_FILE = "file"
"""Value of the dictionary question that means: the file named below."""


class RecordingsStep(Step):
    """Makes or opens the project and registers raw datasets. One singer is asked for in plain
    fields; as soon as there are several folders, tables say who sings what."""

    id = "recordings"
    asks_folder = True
    follows_at_once = True

    # What is known --------------------------------------------------------------------

    def _form(self, desk: Desk) -> dict[str, Any]:
        """Current answers, from the project or from the draft, with guesses for the rest."""
        project = desk.project
        if project is None:
            form = {"raw_dirs": [], "consent": False, "file": "", **desk.draft}
        else:
            state = project.state
            first = state.datasets[0] if state.datasets else None
            form = {
                "raw_dirs": [entry.raw_data_dir for entry in state.datasets],
                "consent": state.consent,
                "speaker": first.speaker if first else desk.answer_of(self.id, "speaker", ""),
                "language": first.language if first else desk.answer_of(self.id, "language", ""),
            }
            chosen = state.dictionaries.get(form["language"], "")
            form["dictionary"] = chosen or desk.answer_of(self.id, "dictionary", "")
        raw_dirs = form["raw_dirs"]
        if not form.get("language"):
            form["language"] = self._guess_language(desk, raw_dirs)
        if not form.get("speaker"):
            form["speaker"] = _guess_speaker(raw_dirs)
        if not form.get("dictionary"):
            form["dictionary"] = self._guess_dictionary(desk, raw_dirs, form["language"])
        return form

    def _beside(self, desk: Desk, raw_dirs: Sequence[str]) -> list[Path]:
        key = tuple((raw, signature(Path(raw))) for raw in raw_dirs)
        return desk.remembered("beside", key, lambda: shelf.found_beside(raw_dirs))

    def _guess_language(self, desk: Desk, raw_dirs: Sequence[str]) -> str:
        tags = [choice.value for choice in languages()]
        for file in self._beside(desk, raw_dirs):
            if tag := shelf.language_in_name(file.stem, tags):
                return tag
        for raw in raw_dirs:
            if tag := shelf.language_in_name(Path(raw).name, tags):
                return tag
        return tags[0]

    def _guess_dictionary(self, desk: Desk, raw_dirs: Sequence[str], language: str) -> str:
        beside = self._beside(desk, raw_dirs)
        if beside:
            return str(beside[0])
        for name in list_dictionaries():
            if shelf.language_in_name(name, [language]):
                return name
        return ""

    # Questions ------------------------------------------------------------------------

    def questions(self, desk: Desk) -> Sequence[Question]:
        form = self._form(desk)
        project = desk.project
        asked: list[Question] = []
        if project is None:
            asked.append(self.ask("project_dir", "path", form.get("project_dir", "")))
        asked.append(self.ask("raw_dirs", "paths", list(form["raw_dirs"])))
        if project is not None and len(project.state.datasets) > 1:
            asked += self._tables(project)
        else:
            asked += self._fields(desk, form)
        asked.append(self.ask("consent", "toggle", form["consent"]))
        return asked

    def _fields(self, desk: Desk, form: dict[str, Any]) -> list[Question]:
        offered = languages()
        if form["language"] not in {choice.value for choice in offered}:
            offered = (*offered, Choice(form["language"], form["language"]))
        chosen = form["dictionary"]
        choices = self._dictionary_choices(desk, form["raw_dirs"])
        own_file = chosen not in {choice.value for choice in choices}
        fields = [
            self.ask("speaker", "text", form["speaker"]),
            self.ask("language", "choice", form["language"], choices=offered),
            self.ask(
                "dictionary",
                "choice",
                OWN_FILE if own_file else chosen,
                choices=(*choices, Choice(OWN_FILE, self.say("own-file"))),
            ),
        ]
        if own_file:
            shown = "" if chosen == OWN_FILE else chosen
            fields.append(self.ask("dictionary_file", "path", shown, pick="file"))
        return fields

    def _dictionary_choices(self, desk: Desk, raw_dirs: Sequence[str]) -> list[Choice]:
        beside = [
            Choice(str(file), self.say("found-beside", name=file.name), str(file.parent))
            for file in self._beside(desk, raw_dirs)
        ]
        return beside + [
            Choice(name, self.say("shipped", name=name)) for name in list_dictionaries()
        ]

    def _tables(self, project: Project) -> list[Question]:
        singers = [
            [entry.raw_data_dir, entry.speaker, entry.language] for entry in project.state.datasets
        ]
        used = dict.fromkeys(entry.language for entry in project.state.datasets)
        known = [[language, project.state.dictionaries.get(language, "")] for language in used]
        return [
            self.ask(
                "singers",
                "table",
                singers,
                columns=(
                    self.say("column-folder"),
                    self.say("column-speaker"),
                    self.say("column-language"),
                ),
            ),
            self.ask(
                "dictionaries",
                "table",
                known,
                columns=(self.say("column-language"), self.say("column-dictionary")),
            ),
        ]

    # Answers --------------------------------------------------------------------------

    def answer(self, desk: Desk, values: dict[str, Any]) -> dict[str, str]:
        errors: dict[str, str] = {}
        good: dict[str, Any] = {}
        # Folders first: guesses for speaker, language and dictionary depend on them.
        for question in sorted(values, key=lambda name: name != "raw_dirs"):
            refusal = self._refusal(desk, question, values[question])
            if refusal:
                errors[question] = refusal
            else:
                good[question] = values[question]
        if desk.project is None:
            self._draft(desk, good)
        else:
            self._write(desk, desk.project, good)
        return errors

    def _refusal(self, desk: Desk, question: str, value: Any) -> str:
        if question == "project_dir":
            return self._bad_project_dir(value, desk.draft.get("raw_dirs", []))
        if question == "raw_dirs":
            project_dir = str(desk.project.root) if desk.project else ""
            for folder in value:
                if refusal := self._bad_raw_dir(folder, project_dir):
                    return refusal
        if question == "speaker" and value and not SAFE_NAME.match(value):
            return self.say("bad-speaker", name=value)
        if question == "dictionary_file" and value and not is_file(value):
            return self.say("no-dictionary-file", file=value)
        if question == "singers":
            return self._bad_singers(desk, value)
        if question == "dictionaries":
            for language, chosen in value:
                if not self._usable_dictionary(chosen):
                    return self.say("no-dictionary-for", language=language, file=chosen)
        return ""

    def _bad_project_dir(self, value: str, raw_dirs: Sequence[str]) -> str:
        if not value:
            return self.say("no-project-dir")
        if is_file(value):
            return self.say("project-is-file", folder=value)
        folder = Path(value)
        for raw in raw_dirs:
            if inside(folder, Path(raw)):
                return self.say("project-in-recordings", folder=raw)
        return ""

    def _bad_raw_dir(self, value: str, project_dir: str) -> str:
        if not is_folder(value):
            return self.say("no-folder", folder=value)
        folder = Path(value)
        if project_dir and inside(Path(project_dir), folder):
            return self.say("project-in-recordings", folder=value)
        if _with_transcriptions(folder) is None:
            return self.say("no-transcriptions", folder=value)
        return ""

    def _bad_singers(self, desk: Desk, rows: list[list[str]]) -> str:
        known = {entry.raw_data_dir for entry in desk.opened.state.datasets}
        for folder, speaker, language in rows:
            if folder not in known:
                return self.say("unknown-folder", folder=folder)
            if not SAFE_NAME.match(speaker):
                return self.say("bad-speaker", name=speaker)
            if not LANGUAGE_TAG.match(language):
                return self.say("bad-language", language=language)
        return ""

    def _usable_dictionary(self, chosen: str) -> bool:
        return bool(chosen) and (chosen in list_dictionaries() or is_file(chosen))

    def _draft(self, desk: Desk, good: dict[str, Any]) -> None:
        if "raw_dirs" in good:
            good["raw_dirs"] = _resolved(good["raw_dirs"])
        chosen_file = good.pop("dictionary_file", "")
        desk.draft.update(good)
        if chosen_file:
            desk.draft["dictionary"] = chosen_file

    def _write(self, desk: Desk, project: Project, good: dict[str, Any]) -> None:
        """Put answers where they belong, then give every language a dictionary if one is known."""
        state = project.state
        state.consent = good.get("consent", state.consent)
        for name in ("speaker", "language", "dictionary"):
            if name in good:
                desk.save_answer(self.id, name, good[name])
        if good.get("dictionary_file"):
            desk.save_answer(self.id, "dictionary", good["dictionary_file"])
        if "raw_dirs" in good:
            self._set_folders(desk, project, _resolved(good["raw_dirs"]))
        if len(state.datasets) == 1:
            self._set_singer(desk, project, good)
        for folder, speaker, language in good.get("singers", []):
            for entry in state.datasets:
                if entry.raw_data_dir == folder:
                    entry.speaker, entry.language = speaker, language
        for language, chosen in good.get("dictionaries", []):
            state.dictionaries[language] = chosen
        self._tidy_dictionaries(desk, project)

    def _set_folders(self, desk: Desk, project: Project, folders: Sequence[str]) -> None:
        form = self._form(desk)
        state = project.state
        state.datasets = [entry for entry in state.datasets if entry.raw_data_dir in folders]
        present = {entry.raw_data_dir for entry in state.datasets}
        named = form["speaker"] if form["raw_dirs"] else desk.answer_of(self.id, "speaker", "")
        language = form["language"] if form["raw_dirs"] else ""
        language = language or desk.answer_of(self.id, "language", "")
        for folder in folders:
            if folder not in present:
                project.add_recordings(
                    folder,
                    speaker=named or _guess_speaker([folder]),
                    language=language or self._guess_language(desk, folders),
                )
        state.datasets.sort(key=lambda entry: folders.index(entry.raw_data_dir))

    def _set_singer(self, desk: Desk, project: Project, good: dict[str, Any]) -> None:
        """The plain fields, which speak about the only folder there is."""
        state = project.state
        only = state.datasets[0]
        only.speaker = good.get("speaker") or only.speaker
        before = state.dictionaries.get(only.language, "")
        only.language = good.get("language") or only.language
        chosen = good.get("dictionary_file") or good.get("dictionary")
        if chosen == OWN_FILE:
            state.dictionaries.pop(only.language, None)
        elif chosen:
            state.dictionaries[only.language] = chosen
        elif before and only.language not in state.dictionaries:
            # The language was corrected: a file of the user's stays, a shipped one may not fit.
            if before in list_dictionaries():
                desk.save_answer(self.id, "dictionary", "")
            else:
                state.dictionaries[only.language] = before

    def _tidy_dictionaries(self, desk: Desk, project: Project) -> None:
        state = project.state
        used = dict.fromkeys(entry.language for entry in state.datasets)
        folders = [entry.raw_data_dir for entry in state.datasets]
        for language in used:
            if not state.dictionaries.get(language):
                chosen = desk.answer_of(self.id, "dictionary", "")
                chosen = chosen or self._guess_dictionary(desk, folders, language)
                if chosen and chosen != OWN_FILE:
                    state.dictionaries[language] = chosen
        for language in [one for one in state.dictionaries if one not in used]:
            del state.dictionaries[language]

    # Actions --------------------------------------------------------------------------

    def actions(self, desk: Desk) -> Sequence[Action]:
        if desk.project is not None:
            return ()
        folder = desk.draft.get("project_dir", "")
        exists = bool(folder) and is_file(Path(folder) / FILE_NAME)
        reason = "" if folder else self.say("no-project-dir")
        return (self.button("open" if exists else "create", reason=reason, primary=True),)

    def act(self, desk: Desk, action: str) -> Reply:
        folder = Path(desk.draft["project_dir"])
        if action == "open":
            desk.open(Project.open(folder))
            return Reply(True, self.say("opened", folder=folder))
        for raw in desk.draft.get("raw_dirs", []):
            if inside(folder, Path(raw)):
                return Reply(False, self.say("project-in-recordings", folder=raw))
        draft = {key: value for key, value in desk.draft.items() if key != "project_dir"}
        desk.open(Project.create(folder))
        with desk.edit() as project:
            # The folders bring their guesses; what was answered beats them.
            self._write(desk, project, {"raw_dirs": draft.pop("raw_dirs", [])})
            self._write(desk, project, draft)
        desk.draft.clear()
        return Reply(True, self.say("created", folder=folder), go_to="next")

    # What there is to see -------------------------------------------------------------

    def own_status(self, desk: Desk) -> StepStatus:
        return StepStatus.READY if self._lacking(desk) else StepStatus.DONE

    def _lacking(self, desk: Desk) -> list[str]:
        """What is still to be answered, in the words of the step."""
        project = desk.project
        if project is None:
            return [self.say("lacks.project")]
        state = project.state
        lacking = []
        if not state.datasets:
            lacking.append(self.say("lacks.folder"))
        lacking += [
            self.say("no-folder", folder=entry.raw_data_dir)
            for entry in state.datasets
            if not is_folder(entry.raw_data_dir)
        ]
        for language in dict.fromkeys(entry.language for entry in state.datasets):
            chosen = state.dictionaries.get(language, "")
            if not chosen:
                lacking.append(self.say("lacks.dictionary", language=language))
            elif not self._usable_dictionary(chosen):
                lacking.append(self.say("no-dictionary-for", language=language, file=chosen))
        if not (desk.project and desk.project.state.consent):
            lacking.append(self.say("lacks.consent"))
        return lacking

    def blocks(self, desk: Desk) -> Sequence[Block]:
        project = desk.project
        if project is None:
            return (Text(self.say("welcome")),)
        blocks: list[Block] = [Text(self.say("project-is", folder=project.root))]
        if project.state.datasets:
            blocks.append(
                Table(
                    self.say("table-title"),
                    (self.say("column-name"), self.say("column-folder"),
                     self.say("column-speaker"), self.say("column-language"),
                     self.say("column-lines")),
                    tuple(
                        (entry.name, entry.raw_data_dir, entry.speaker, entry.language,
                         str(self._lines(desk, entry)))
                        for entry in project.state.datasets
                    ),
                )
            )  # fmt: skip
        lacking = self._lacking(desk)
        if lacking:
            listed = "\n".join(f"- {sentence}" for sentence in lacking)
            blocks.append(Text(f"{self.say('lacks.title')}\n\n{listed}", "warning"))
        return blocks

    def _lines(self, desk: Desk, entry: Recordings) -> int:
        """Number of rows of a dataset's transcriptions, counted again only when they change."""
        file = Path(entry.raw_data_dir) / "transcriptions.csv"

        def count() -> int:
            try:
                content = file.read_bytes()
            except OSError:
                return 0
            return max(len([line for line in content.splitlines() if line.strip()]) - 1, 0)

        return desk.remembered(f"lines:{file}", signature(file), count)

    def summary(self, desk: Desk) -> str:
        project = desk.project
        if project is None or not project.state.datasets:
            return ""
        count = sum(self._lines(desk, entry) for entry in project.state.datasets)
        return self.say("summary", count=count)


def _with_transcriptions(folder: Path) -> Path | None:
    """The folder that has ``transcriptions.csv``: this one, or its ``raw`` (as MakeDiffSinger
    nests them); None if neither has."""
    for candidate in (folder, folder / "raw"):
        if is_file(candidate / "transcriptions.csv"):
            return candidate
    return None


def _resolved(folders: Sequence[str]) -> list[str]:
    """The folders that really hold transcriptions, each once."""
    found = (_with_transcriptions(Path(folder)) or folder for folder in folders)
    return list(dict.fromkeys(str(folder) for folder in found))


def _guess_speaker(raw_dirs: Sequence[str]) -> str:
    """A usable singer name from the first folder's name."""
    for raw in raw_dirs:
        folder = Path(raw)
        name = folder.parent.name if folder.name == "raw" else folder.name
        usable = re.sub(r"[^0-9A-Za-z_-]+", "_", name).strip("_")
        if usable:
            return usable
    return "voice"
