"""Labels of a project against its dictionaries, as the mismatch desk works with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..dictionary import Dictionary, Mismatch, PhonemeSet, compare, read_dictionary
from ..dictionary.files import resolve_dictionary
from ..findings import Finding
from ..project import Project


@dataclass(frozen=True, slots=True)
class Matching:
    """How labels and dictionaries fit together.

    Attributes:
        phonemes: what the voice can sing.
        mismatch: of that set with all labels.
        findings: what is wrong with the dictionary files and with the set.
    """

    phonemes: PhonemeSet
    mismatch: Mismatch
    findings: tuple[Finding, ...] = ()


def match(project: Project) -> Matching:
    """Compare everything that is sung with everything that can be sung.

    Fixed copies stand for their originals.

    Raises:
        SingwizError: there are no recordings yet, or a dictionary cannot be read.
    """
    from ..dataset import label_sequences
    from .stages import open_datasets

    state = project.state
    findings: list[Finding] = []
    dictionaries: dict[str, Dictionary] = {}
    for language, chosen in state.dictionaries.items():
        path: Path = resolve_dictionary(chosen, base=project.root)
        dictionaries[language], problems = read_dictionary(path, language)
        findings += problems
    phonemes = PhonemeSet.build(
        dictionaries,
        extra_phonemes=state.extra_phonemes,
        merged_phoneme_groups=state.merged_phoneme_groups,
    )
    mismatch = compare(phonemes, label_sequences(open_datasets(project)))
    return Matching(phonemes, mismatch, (*findings, *phonemes.findings))
