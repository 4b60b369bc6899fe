"""What is looked for in folders, transcriptions.csv, names and the presence of files."""

from __future__ import annotations

from ...dictionary.rules import Rule
from ...findings import Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

FILE_RULES: tuple[Rule, ...] = (
    Rule(
        "raw-folder-missing",
        _E,
        "Folder does not exist",
        "Choose the folder that contains transcriptions.csv and wavs.",
        "The folder was moved or renamed, or lies on a drive that is not connected.",
    ),
    Rule(
        "raw-folder-wrong",
        _E,
        "Neighbouring folder meant",
        "Choose the folder that contains transcriptions.csv and wavs.",
        "The folder one level above or below the right one was chosen, e.g. 'wavs' itself.",
    ),
    Rule(
        "labels-not-converted",
        _E,
        "Labels in another form",
        "Convert the labels to transcriptions.csv first.",
        "The labels are those of another program: .lab, TextGrid, transcriptions.txt and the like.",
    ),
    Rule(
        "utau-voicebank",
        _E,
        "UTAU voicebank instead of a singing corpus",
        "Import it with 'singwiz import', or record whole phrases: samples of single syllables "
        "teach a voice no transitions.",
        "The folder holds an oto.ini with the cut marks of single syllables; UTAU glues them "
        "together, DiffSinger learns from sung phrases with phoneme labels.",
    ),
    Rule(
        "utau-oto",
        _W,
        "Contradiction in oto.ini",
        "Make the overlap shorter than the preutterance in an oto editor.",
        "The overlap of a sample reaches beyond its preutterance, so labels made from it start "
        "too early.",
    ),
    Rule(
        "utau-pitch",
        _W,
        "Voicebank samples on different pitches",
        "Nothing to do for an import; in UTAU the samples would differ in colour.",
        "A voicebank is recorded on one pitch; some of its samples were sung on another.",
    ),
    Rule(
        "transcriptions-missing",
        _E,
        "No transcriptions.csv",
        "Choose the folder that contains transcriptions.csv and wavs.",
        "The labels have another name, or there are none yet.",
    ),
    Rule(
        "transcriptions-unreadable",
        _E,
        "transcriptions.csv cannot be read",
        "Check that it is a text file, that no other program holds it, and that you may read it.",
        "A folder has the name of the file, another program holds it, or it belongs to another "
        "user.",
    ),
    Rule(
        "transcriptions-not-text",
        _E,
        "transcriptions.csv is not a text file",
        "Open it in the spreadsheet program and save it as CSV (UTF-8).",
        "A spreadsheet document was renamed to .csv instead of being exported.",
    ),
    Rule(
        "transcriptions-empty",
        _E,
        "No rows",
        "Export the labels again: one header line, then one line per recording.",
        "The export was stopped, or only its header arrived.",
    ),
    Rule(
        "wavs-missing",
        _E,
        "No wavs folder",
        "Put the recordings into a folder named 'wavs'.",
        "The recordings lie in a folder of another name, or beside transcriptions.csv.",
    ),
    Rule(
        "csv-encoding",
        _E,
        "Not UTF-8",
        "Save transcriptions.csv as UTF-8.",
        "A spreadsheet program saved the file in the old encoding of a Chinese, Japanese or "
        "Western system. DiffSinger reads UTF-8 only.",
    ),
    Rule(
        "csv-bom",
        _W,
        "Byte order mark",
        "Save as UTF-8 without BOM; singwiz reads it all the same, DiffSinger does not.",
        "The program that saved the file put an invisible mark in front; DiffSinger takes it for "
        "a part of the first column's name.",
    ),
    Rule(
        "csv-separator",
        _E,
        "Not separated by commas",
        "Save transcriptions.csv with commas.",
        "Spreadsheet programs of many countries write semicolons or tabs.",
    ),
    Rule(
        "csv-nul",
        _W,
        "Zero bytes in the text",
        "Save the file again from a text editor.",
        "A crash or a full disk while saving leaves zero bytes behind.",
    ),
    Rule(
        "csv-quote",
        _E,
        "Stray quotation mark",
        "Remove the quotation mark or close it.",
        "A quotation mark that is never closed swallows the rows after it.",
    ),
    Rule(
        "csv-extra-cells",
        _E,
        "More cells than columns",
        "Put cells that contain commas in quotation marks, and write decimals with a point.",
        "A comma inside a cell, often a decimal comma, splits the cell in two.",
    ),
    Rule(
        "column-missing",
        _E,
        "Column missing",
        "The first line must be: name,ph_seq,ph_dur",
        "The header lacks a column that every voice needs.",
    ),
    Rule(
        "column-name",
        _E,
        "Column name misspelt",
        "Rename the column in the first line.",
        "The name of a column is misspelt, has spaces or other capitals; DiffSinger wants it "
        "exactly.",
    ),
    Rule(
        "column-duplicate",
        _E,
        "Column twice",
        "Delete one of the columns.",
        "Two columns have the same name; only the first one is read.",
    ),
    Rule(
        "column-ignored",
        _N,
        "Column has no effect",
        "Nothing to do; write 'lang/phoneme' in ph_seq for a foreign sound.",
        "The language of a phoneme comes from its prefix or from the dataset, not from a column.",
    ),
    Rule(
        "cell-empty",
        _E,
        "Empty cell",
        "Fill in the cell, or delete the row.",
        "A row without name, phonemes or durations cannot be used.",
    ),
    Rule(
        "odd-spaces",
        _W,
        "Invisible or full-width spaces",
        "Replace them by plain spaces.",
        "Full-width, non-breaking or zero-width spaces were typed or pasted; they look like "
        "nothing, but DiffSinger takes some of them for a part of the name.",
    ),
    Rule(
        "name-duplicate",
        _E,
        "Name used twice",
        "Rename or delete one of the rows.",
        "Two rows have the same name. DiffSinger silently forgets the first one.",
    ),
    Rule(
        "name-case-duplicate",
        _W,
        "Names differ only in case",
        "Rename one: on Windows and macOS both mean the same file.",
        "Two names differ in capitals only; on Windows and macOS both mean the same file.",
    ),
    Rule(
        "name-extension",
        _E,
        "Name with extension",
        "Remove the extension from the name.",
        "The name column holds 'song.wav' instead of 'song'.",
    ),
    Rule(
        "name-mangled",
        _E,
        "Name changed by a spreadsheet",
        "Restore the name; format the column as text before typing names.",
        "A spreadsheet program took the name for a number: 00001 became 1, or 1E+05.",
    ),
    Rule(
        "name-illegal",
        _E,
        "Unusable name",
        "Use letters, digits, '_' and '-' only, in the row and in the file name.",
        "The name has characters that no file may have on some system, leaves the folder, is "
        "reserved by Windows, or is too long.",
    ),
    Rule(
        "audio-missing",
        _E,
        "Recording missing",
        "Put the recording into 'wavs' under this name, or delete the row.",
        "The file was not copied, or its name differs in capitals, accents or extension.",
    ),
    Rule(
        "audio-orphan",
        _N,
        "Recordings without labels",
        "Label them, or ignore them.",
        "There are recordings that no row names; DiffSinger ignores them silently.",
    ),
    Rule(
        "audio-other-format",
        _E,
        "Other audio format",
        "Convert it to WAV or FLAC.",
        "MP3 and the like have to be converted first, and have lost sound already.",
    ),
    Rule(
        "audio-identical",
        _W,
        "Same recording twice",
        "Keep one of them.",
        "A file was copied under a second name. What is learned twice counts twice, and in a "
        "validation item it flatters the result.",
    ),
    Rule(
        "audio-unreadable",
        _E,
        "Damaged recording",
        "Open it in an audio editor and export it again as WAV, or remove its row.",
        "The file is damaged, or not what its name says.",
    ),
    Rule(
        "audio-empty",
        _E,
        "Empty recording",
        "Copy or export the recording again.",
        "The file has no samples: an export or a copy that was stopped.",
    ),
    Rule(
        "audio-truncated",
        _E,
        "Recording breaks off",
        "Copy or export the recording again.",
        "The file ends before the length that its header promises: an export or a copy that was "
        "stopped.",
    ),
    Rule(
        "audio-too-long",
        _E,
        "Absurd length",
        "Cut the recording into phrases.",
        "A damaged header, or a whole session in one file.",
    ),
    Rule(
        "audio-sample-rate",
        _E,
        "Impossible sample rate",
        "Export the recording again.",
        "The header of the file is damaged.",
    ),
    Rule(
        "audio-not-finite",
        _E,
        "Damaged samples",
        "Export the recording again as 16-bit or 24-bit WAV.",
        "A plug-in or a crashed export left samples that are not numbers.",
    ),
    Rule(
        "audio-silent",
        _E,
        "Silent recording",
        "Record it again, or remove its row.",
        "A muted track was exported, or the file was mixed up.",
    ),
)
