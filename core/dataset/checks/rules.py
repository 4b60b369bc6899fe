"""What is looked for in raw datasets: code, severity, title and cure of every check.

Not the detection itself; the reader of transcriptions and the modules beside this one do
that and take severity and advice from here.
"""

from __future__ import annotations

from ...dictionary.rules import Rule
from ...findings import Finding, Place, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_RULES: tuple[tuple[str, Severity, str, str], ...] = (
    # Folder and file
    (
        "raw-folder-missing",
        _E,
        "Folder does not exist",
        "Choose the folder that contains transcriptions.csv and wavs.",
    ),
    (
        "raw-folder-wrong",
        _E,
        "Neighbouring folder meant",
        "Choose the folder that contains transcriptions.csv and wavs.",
    ),
    (
        "labels-not-converted",
        _E,
        "Labels in another form",
        "Convert the labels to transcriptions.csv first.",
    ),
    (
        "transcriptions-missing",
        _E,
        "No transcriptions.csv",
        "Choose the folder that contains transcriptions.csv and wavs.",
    ),
    (
        "transcriptions-unreadable",
        _E,
        "transcriptions.csv cannot be read",
        "Check that it is a text file, that no other program holds it, and that you may read it.",
    ),
    (
        "transcriptions-not-text",
        _E,
        "transcriptions.csv is not a text file",
        "Open it in the spreadsheet program and save it as CSV (UTF-8).",
    ),
    (
        "transcriptions-empty",
        _E,
        "No rows",
        "Export the labels again: one header line, then one line per recording.",
    ),
    ("wavs-missing", _E, "No wavs folder", "Put the recordings into a folder named 'wavs'."),
    # CSV
    ("csv-encoding", _E, "Not UTF-8", "Save transcriptions.csv as UTF-8."),
    (
        "csv-bom",
        _W,
        "Byte order mark",
        "Save as UTF-8 without BOM; singwiz reads it all the same, DiffSinger does not.",
    ),
    ("csv-separator", _E, "Not separated by commas", "Save transcriptions.csv with commas."),
    ("csv-nul", _W, "Zero bytes in the text", "Save the file again from a text editor."),
    ("csv-quote", _E, "Stray quotation mark", "Remove the quotation mark or close it."),
    (
        "csv-extra-cells",
        _E,
        "More cells than columns",
        "Put cells that contain commas in quotation marks, and write decimals with a point.",
    ),
    ("column-missing", _E, "Column missing", "The first line must be: name,ph_seq,ph_dur"),
    ("column-name", _E, "Column name misspelt", "Rename the column in the first line."),
    ("column-duplicate", _E, "Column twice", "Delete one of the columns."),
    ("cell-empty", _E, "Empty cell", "Fill in the cell, or delete the row."),
    ("odd-spaces", _W, "Invisible or full-width spaces", "Replace them by plain spaces."),
    # Names
    ("name-duplicate", _E, "Name used twice", "Rename or delete one of the rows."),
    (
        "name-case-duplicate",
        _W,
        "Names differ only in case",
        "Rename one: on Windows and macOS both mean the same file.",
    ),
    ("name-extension", _E, "Name with extension", "Remove the extension from the name."),
    (
        "name-mangled",
        _E,
        "Name changed by a spreadsheet",
        "Restore the name; format the column as text before typing names.",
    ),
    (
        "name-illegal",
        _E,
        "Unusable name",
        "Use letters, digits, '_' and '-' only, in the row and in the file name.",
    ),
    # Audio files
    (
        "audio-missing",
        _E,
        "Recording missing",
        "Put the recording into 'wavs' under this name, or delete the row.",
    ),
    ("audio-orphan", _N, "Recordings without labels", "Label them, or ignore them."),
    ("audio-other-format", _E, "Other audio format", "Convert it to WAV or FLAC."),
    ("audio-identical", _W, "Same recording twice", "Keep one of them."),
    (
        "audio-unreadable",
        _E,
        "Damaged recording",
        "Open it in an audio editor and export it again as WAV, or remove its row.",
    ),
    ("audio-empty", _E, "Empty recording", "Copy or export the recording again."),
    ("audio-truncated", _E, "Recording breaks off", "Copy or export the recording again."),
    ("audio-too-long", _E, "Absurd length", "Cut the recording into phrases."),
    ("audio-sample-rate", _E, "Impossible sample rate", "Export the recording again."),
    (
        "audio-not-finite",
        _E,
        "Damaged samples",
        "Export the recording again as 16-bit or 24-bit WAV.",
    ),
    ("audio-silent", _E, "Silent recording", "Record it again, or remove its row."),
    # Numbers and lengths in the labels
    ("lengths-differ", _E, "Lists of different length", "Give every entry its partner."),
    ("number-invalid", _E, "Not a number", "Write seconds with a decimal point, e.g. 0.25."),
    ("duration-negative", _E, "Negative duration", "Correct the label boundaries."),
    ("duration-unit", _E, "Durations not in seconds", "Convert the durations to seconds."),
    ("duration-zero", _W, "Phoneme without length", "Merge it with a neighbour or lengthen it."),
    (
        "duration-short",
        _W,
        "Very short phonemes",
        "Look at these labels in an editor; the voice cannot learn sounds shorter than a frame.",
    ),
    (
        "duration-long",
        _W,
        "Very long phoneme",
        "Check the label there, or cut the recording at that place.",
    ),
    (
        "edge-label",
        _W,
        "No silence at the edge",
        "Leave 0.1 to 0.5 s of silence there and label it SP.",
    ),
    # Audio against labels, and sound
    (
        "label-audio-length",
        _W,
        "Labels and recording differ in length",
        "Check the last labels: trim the recording, or lengthen the last SP.",
    ),
    ("item-short", _W, "Short recording", "Join it with its neighbour; 5 to 15 s are best."),
    ("item-long", _W, "Long recording", "Cut it at a pause; 5 to 15 s are best."),
    (
        "sample-rate-low",
        _W,
        "Low sample rate",
        "Use the original recording if it has a higher rate: lost highs cannot be restored.",
    ),
    ("sample-rate-other", _N, "Will be resampled", "Nothing to do, it is converted."),
    ("sample-rate-mixed", _N, "Mixed sample rates", "Nothing to do, they are converted."),
    ("channels", _W, "Not mono", "Nothing to do if both channels are alike: they are averaged."),
    (
        "channels-differ",
        _W,
        "Channels differ",
        "Export one channel as mono: averaging different channels thins the voice.",
    ),
    (
        "level-clipped",
        _W,
        "Clipped",
        "Record it again at a lower level; clipping cannot be removed.",
    ),
    ("level-low", _W, "Quiet", "Raise the level of the whole dataset by the same amount."),
    (
        "level-outlier",
        _W,
        "Louder or quieter than the rest",
        "Adjust its level, unless it is sung that way.",
    ),
    ("level-offset", _W, "DC offset", "Remove the DC offset in an audio editor."),
    (
        "edge-cut",
        _W,
        "Cut into a sound",
        "Cut the recording in a pause, or fade the edge over a few milliseconds.",
    ),
    # Phonemes and languages
    (
        "unknown-phoneme",
        _E,
        "Not in the dictionary",
        "Correct the label, or add the phoneme to the dictionary or to extra_phonemes.",
    ),
    (
        "missing-phoneme",
        _E,
        "Never sung",
        "Use a copy of the dictionary without them, or record words that contain them.",
    ),
    ("rare-phoneme", _W, "Rarely sung", "Record more words that contain them."),
    (
        "validation-only-phoneme",
        _E,
        "Only in validation items",
        "Choose other validation items, so that training contains the phoneme.",
    ),
    (
        "syllable-in-labels",
        _E,
        "Syllable instead of phonemes",
        "Write the phonemes of the syllable, each with its duration.",
    ),
    ("language-prefix", _E, "Unknown language prefix", "Use a language of this voice."),
    ("language-unknown", _E, "Language without dictionary", "Choose a dictionary for it."),
    ("language-wrong", _E, "Labels of another language", "Set the dataset's language."),
)

CHECKS: dict[str, Rule] = {rule[0]: Rule(*rule) for rule in _RULES}
"""Every check by its code."""


def report(
    code: str,
    message: str,
    place: Place,
    *,
    severity: Severity | None = None,
    hint: str | None = None,
) -> Finding:
    """A finding of a registered check."""
    return CHECKS[code].finding(message, place, severity=severity, hint=hint)


def some(names: list[str], *, limit: int = 5) -> str:
    """The first few names in quotes, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
