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
        cause: one or two sentences on how it comes about and what it would spoil.
    """

    code: str
    severity: Severity
    title: str
    cure: str
    cause: str = ""

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
            "The line lacks its TAB, has two of them, or one side is empty. DiffSinger stops at "
            "such a line.",
        ),
        Rule(
            "dictionary-empty",
            _ERROR,
            "Dictionary without entries",
            "Choose another dictionary file, or one of the shipped ones.",
            "No line could be used, so the voice would have no phonemes.",
        ),
        Rule(
            "dictionary-encoding",
            _ERROR,
            "Dictionary is not UTF-8",
            "Open the file in a text editor and save it as UTF-8.",
            "The file was saved in the old encoding of a Chinese, Japanese or Western system. "
            "DiffSinger reads UTF-8 only.",
        ),
        Rule(
            "dictionary-bom",
            _WARNING,
            "Dictionary starts with a byte order mark",
            "Save the file as UTF-8 without BOM; singwiz reads it all the same.",
            "The editor put an invisible mark in front of the text; DiffSinger takes it for a "
            "part of the first syllable.",
        ),
        Rule(
            "dictionary-duplicate",
            _WARNING,
            "Syllable listed twice",
            "Delete one of the two lines.",
            "The same line is there twice. It does no harm, but one of the two will be forgotten "
            "when the other is edited.",
        ),
        Rule(
            "dictionary-conflict",
            _ERROR,
            "Syllable with two pronunciations",
            "Keep one pronunciation; give the other one a syllable of its own.",
            "Editors can sing a syllable in one way only, so which of the two is sung would be "
            "left to chance.",
        ),
        Rule(
            "dictionary-slash-phoneme",
            _ERROR,
            "'/' inside a phoneme",
            "Rename the phoneme; '/' is reserved for language prefixes such as 'ja/a'.",
            "'/' separates language and phoneme; DiffSinger refuses such a dictionary.",
        ),
        Rule(
            "dictionary-slash-syllable",
            _ERROR,
            "'/' inside a syllable",
            "Rename the syllable; '/' is reserved for language prefixes.",
            "'/' separates language and syllable in editors, so this syllable could never be sung.",
        ),
        Rule(
            "dictionary-reserved",
            _ERROR,
            "Reserved name",
            "Choose another name; AP, SP and <PAD> have a fixed meaning.",
            "AP, SP and <PAD> have a fixed meaning in every voice.",
        ),
        Rule(
            "dictionary-global-phoneme",
            _WARNING,
            "AP or SP listed as a phoneme",
            "Remove the line; breath (AP) and silence (SP) exist without being listed.",
            "AP and SP belong to every voice; a syllable that lists them sings silence or a "
            "breath.",
        ),
        Rule(
            "dictionary-slur-mark",
            _ERROR,
            "Name is an editor's slur mark",
            "Choose another name; editors read '-' and '+' as 'the last syllable goes on'.",
            "Editors read '-' and '+' as 'the last syllable goes on' and would never send this "
            "name to the voice.",
        ),
        Rule(
            "dictionary-special-character",
            _WARNING,
            "Character that other programs treat specially",
            "Avoid @ # & | < > in syllables and phonemes.",
            "Editors and DiffSinger's tools use these characters for other things.",
        ),
        Rule(
            "dictionary-leading-dot",
            _WARNING,
            "Syllable starts with a dot",
            "Rename the syllable; editors treat a leading dot specially.",
            "Editors use a leading dot for hints, so the syllable may never arrive.",
        ),
        Rule(
            "dictionary-non-ascii",
            _NOTE,
            "Names outside plain Latin letters",
            "Nothing to do if the labels use exactly the same characters.",
            "Other programs can store such letters in more than one way, so that equal-looking "
            "names differ.",
        ),
        Rule(
            "dictionary-whitespace",
            _WARNING,
            "Stray spaces or invisible characters",
            "Remove them; singwiz reads the line as if they were not there.",
            "Spaces at the ends, double, full-width or zero-width ones were typed or pasted. "
            "DiffSinger keeps the invisible ones as part of the name.",
        ),
        Rule(
            "dictionary-look-alike",
            _WARNING,
            "Phonemes that look the same but are not",
            "Use one spelling everywhere, or the voice learns two half-trained phonemes.",
            "One name was typed in half-width and one in full-width letters, or with accents "
            "stored in two ways.",
        ),
        Rule(
            "dictionary-case",
            _NOTE,
            "Phonemes that differ only in upper and lower case",
            "Nothing to do if that is meant; otherwise use one spelling.",
            "Often meant (Japanese 'n' and 'N'), sometimes a slip that splits one sound in two.",
        ),
        Rule(
            "language-tag",
            _ERROR,
            "Unusable language name",
            "Use a short code such as 'zh', 'ja' or 'en'.",
            "The name of the language becomes part of file names and of phoneme names.",
        ),
        Rule(
            "phoneme-hidden-by-global",
            _ERROR,
            "Language phoneme with the name of a shared one",
            "Rename the phoneme, or take it out of extra_phonemes.",
            "A name without language wins over the language's own phoneme, whose sound would be "
            "mixed with the other.",
        ),
        Rule(
            "merged-groups-joined",
            _NOTE,
            "Merged groups that share a phoneme",
            "Nothing to do; write them as one group to make that plain.",
            "Two groups contain the same phoneme, so all their members share one place. "
            "DiffSinger's result depends on their order.",
        ),
        Rule(
            "merged-group-single",
            _WARNING,
            "Merged group with fewer than two phonemes",
            "Add the phoneme it should be merged with, or delete the group.",
            "The group names one phoneme only, or the same one twice.",
        ),
        Rule(
            "dictionary-not-chosen",
            _ERROR,
            "No dictionary for a language",
            "Name it with --dictionary, or choose one in the wizard's dictionary step.",
            "Recordings are marked with a language for which the voice has no dictionary, so "
            "nobody knows which labels are right.",
        ),
        Rule(
            "dictionary-not-found",
            _ERROR,
            "Dictionary file missing",
            "Correct the path, or choose one of the shipped dictionaries.",
            "The file was moved, renamed, or lies on a drive that is not connected.",
        ),
        Rule(
            "dictionary-unreadable",
            _ERROR,
            "Dictionary file cannot be read",
            "Check that it is a text file and that you may read it.",
            "A folder, a file of another user, or a damaged drive.",
        ),
        Rule(
            "dictionary-too-large",
            _ERROR,
            "Far too large for a dictionary",
            "Choose the right file.",
            "Another file was chosen by mistake; no dictionary has millions of lines.",
        ),
        Rule(
            "extra-phoneme-invalid",
            _ERROR,
            "Entry of extra_phonemes is no name",
            "Write 'name' for all languages or 'lang/name' for one.",
            "A name is empty, contains a space, or has more than one '/'.",
        ),
        Rule(
            "extra-phoneme-language",
            _ERROR,
            "Entry of extra_phonemes names an unknown language",
            "Use a language that has a dictionary.",
            "What stands before the '/' has to be a language of the voice.",
        ),
        Rule(
            "extra-phoneme-conflict",
            _ERROR,
            "Entry of extra_phonemes clashes with a shared phoneme",
            "Give one of the two another name.",
            "A phoneme of one language has the name of a phoneme that all languages share, so it "
            "could never be reached.",
        ),
        Rule(
            "merged-phoneme-language",
            _ERROR,
            "Merged group names an unknown language",
            "Use a language that has a dictionary.",
            "What stands before the '/' has to be a language of the voice.",
        ),
        Rule(
            "merged-phoneme-unknown",
            _ERROR,
            "Merged group names an unknown phoneme",
            "Correct the name, or add it to the dictionary or to extra_phonemes.",
            "A member of merged_phoneme_groups is in no dictionary and not in extra_phonemes.",
        ),
    )
}
