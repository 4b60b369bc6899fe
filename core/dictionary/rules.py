"""What a rule of a checker is, and the rules for dictionary files.

Not for the checking itself: :mod:`.files` applies these rules, and the dataset checks have
their own list made of the same :class:`Rule`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..findings import Finding, Place, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a checker looks for.

    Attributes:
        code: stable kebab-case identifier; the code of its findings.
        severity: of its findings, unless the checker knows better in a given case.
        title: a few words for lists and headings.
        cure: one sentence on what to do about it.
    """

    code: str
    severity: Severity
    title: str
    cure: str

    def finding(
        self,
        message: str,
        place: Place,
        *,
        severity: Severity | None = None,
        hint: str | None = None,
    ) -> Finding:
        """A finding of this rule; severity and hint come from the rule unless given."""
        return Finding(
            code=self.code,
            severity=severity or self.severity,
            message=message,
            hint=self.cure if hint is None else hint,
            place=place,
        )


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

DICTIONARY_RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule(
            "dictionary-line",
            _ERROR,
            "Line is not 'syllable TAB phonemes'",
            "Write the syllable, one TAB, then its phonemes separated by spaces.",
        ),
        Rule(
            "dictionary-empty",
            _ERROR,
            "Dictionary without entries",
            "Choose another dictionary file, or one of the shipped ones.",
        ),
        Rule(
            "dictionary-encoding",
            _ERROR,
            "Dictionary is not UTF-8",
            "Open the file in a text editor and save it as UTF-8.",
        ),
        Rule(
            "dictionary-bom",
            _WARNING,
            "Dictionary starts with a byte order mark",
            "Save the file as UTF-8 without BOM; singwiz reads it all the same.",
        ),
        Rule(
            "dictionary-duplicate",
            _WARNING,
            "Syllable listed twice",
            "Delete one of the two lines.",
        ),
        Rule(
            "dictionary-conflict",
            _ERROR,
            "Syllable with two pronunciations",
            "Keep one pronunciation; give the other one a syllable of its own.",
        ),
        Rule(
            "dictionary-slash-phoneme",
            _ERROR,
            "'/' inside a phoneme",
            "Rename the phoneme; '/' is reserved for language prefixes such as 'ja/a'.",
        ),
        Rule(
            "dictionary-slash-syllable",
            _ERROR,
            "'/' inside a syllable",
            "Rename the syllable; '/' is reserved for language prefixes.",
        ),
        Rule(
            "dictionary-reserved",
            _ERROR,
            "Reserved name",
            "Choose another name; AP, SP and <PAD> have a fixed meaning.",
        ),
        Rule(
            "dictionary-global-phoneme",
            _WARNING,
            "AP or SP listed as a phoneme",
            "Remove the line; breath (AP) and silence (SP) exist without being listed.",
        ),
        Rule(
            "dictionary-slur-mark",
            _ERROR,
            "Name is an editor's slur mark",
            "Choose another name; editors read '-' and '+' as 'the last syllable goes on'.",
        ),
        Rule(
            "dictionary-special-character",
            _WARNING,
            "Character that other programs treat specially",
            "Avoid @ # & | < > in syllables and phonemes.",
        ),
        Rule(
            "dictionary-leading-dot",
            _WARNING,
            "Syllable starts with a dot",
            "Rename the syllable; editors treat a leading dot specially.",
        ),
        Rule(
            "dictionary-non-ascii",
            _NOTE,
            "Names outside plain Latin letters",
            "Nothing to do if the labels use exactly the same characters.",
        ),
        Rule(
            "dictionary-whitespace",
            _WARNING,
            "Stray spaces or invisible characters",
            "Remove them; singwiz reads the line as if they were not there.",
        ),
        Rule(
            "dictionary-look-alike",
            _WARNING,
            "Phonemes that look the same but are not",
            "Use one spelling everywhere, or the voice learns two half-trained phonemes.",
        ),
        Rule(
            "dictionary-case",
            _NOTE,
            "Phonemes that differ only in upper and lower case",
            "Nothing to do if that is meant; otherwise use one spelling.",
        ),
        Rule(
            "language-tag",
            _ERROR,
            "Unusable language name",
            "Use a short code such as 'zh', 'ja' or 'en'.",
        ),
        Rule(
            "phoneme-hidden-by-global",
            _ERROR,
            "Language phoneme with the name of a shared one",
            "Rename the phoneme, or take it out of extra_phonemes.",
        ),
        Rule(
            "merged-groups-joined",
            _NOTE,
            "Merged groups that share a phoneme",
            "Nothing to do; write them as one group to make that plain.",
        ),
        Rule(
            "merged-group-single",
            _WARNING,
            "Merged group with fewer than two phonemes",
            "Add the phoneme it should be merged with, or delete the group.",
        ),
    )
}
