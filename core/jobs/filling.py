"""Words and notes that variance models need, filled in for a whole project as one change."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import TYPE_CHECKING

from ..errors import SingwizError
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..dataset.fixes import Plan
    from ..dictionary import PhonemeKinds

WORDS, NOTES = "words", "notes"
FILLINGS = (WORDS, NOTES)


def plan_filling(project: Project, what: Collection[str], *, reporter: Reporter) -> Plan:
    """What filling in would change; cells that have something in them are left alone.

    Args:
        project: whose recordings.
        what: ``words`` (``ph_num``) or ``notes`` (rough ``note_seq`` and ``note_dur``, with the
            words that they need).
        reporter: receives progress of finding pitches.

    Raises:
        SingwizError: a dictionary does not tell vowels from consonants.
    """
    from ..dataset import RawDataset
    from ..dataset.filling import fill_words
    from ..dataset.fixes import ProjectEdit
    from ..features.notes import add_estimated_notes
    from ..features.pitch import pitch_extractor

    edit = ProjectEdit(project)
    for entry in project.state.datasets:
        one = edit.dataset(entry.name)
        fill_words(one, {entry.language: _kinds(project, entry.language)})
        if NOTES not in what:
            continue
        shared = project.state.overrides
        extractor = pitch_extractor(
            SimpleNamespace(
                pe="parselmouth",
                f0_min=float(shared.get("f0_min", 65.0)),
                f0_max=float(shared.get("f0_max", 1100.0)),
            ),
            base_dir=project.root,
        )
        dataset = RawDataset.open(
            project.raw_folder(entry),
            name=entry.name,
            speaker=entry.speaker,
            language=entry.language,
        )
        add_estimated_notes(one, dataset, extractor, reporter=reporter)
    return edit.plan("Words and rough notes filled in" if NOTES in what else "Words filled in")


def _kinds(project: Project, language: str) -> PhonemeKinds:
    from ..dictionary import PhonemeKinds, read_dictionary, resolve_dictionary

    chosen = project.state.dictionaries.get(language, "")
    if not chosen:
        raise SingwizError(
            "dictionary-missing",
            f"There is no dictionary for '{language}' to tell vowels from consonants.",
            hint="Choose one in the first step.",
        )
    path = resolve_dictionary(chosen, base=project.root)
    dictionary = read_dictionary(path, language)[0]
    # A sound of its own that no syllable contains counts as a word, as breaths do.
    extra = {name.removeprefix(f"{language}/") for name in project.state.extra_phonemes}
    return PhonemeKinds.of_dictionary(dictionary, vowels=extra - dictionary.phonemes)
