"""What is looked for in labels: numbers, lengths, notes, words, phonemes and languages."""

from __future__ import annotations

from ...dictionary.rules import Rule
from ...findings import Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

LABEL_RULES: tuple[Rule, ...] = (
    Rule(
        "lengths-differ",
        _E,
        "Lists of different length",
        "Give every entry its partner.",
        "A phoneme lost its duration or a note its length, so that everything after it would be "
        "shifted.",
    ),
    Rule(
        "number-invalid",
        _E,
        "Not a number",
        "Write seconds with a decimal point, e.g. 0.25.",
        "A decimal comma, a word or nothing stands where a number should be.",
    ),
    Rule(
        "duration-negative",
        _E,
        "Negative duration",
        "Correct the label boundaries.",
        "Two label boundaries are in the wrong order.",
    ),
    Rule(
        "duration-unit",
        _E,
        "Durations not in seconds",
        "Convert the durations to seconds.",
        "The durations are in milliseconds or in the 100 ns units of .lab files.",
    ),
    Rule(
        "duration-zero",
        _W,
        "Phoneme without length",
        "Merge it with a neighbour or lengthen it.",
        "A label without length; the voice never hears the phoneme there.",
    ),
    Rule(
        "duration-short",
        _W,
        "Very short phonemes",
        "Look at these labels in an editor; the voice cannot learn sounds shorter than a frame.",
        "Many labels of less than two frames: usually an automatic alignment that slipped.",
    ),
    Rule(
        "duration-under-frame",
        _W,
        "Phonemes shorter than a frame",
        "Lengthen these labels to at least 12 ms, or merge them with a neighbour.",
        "The model sees one frame every 11.6 ms; a shorter phoneme may own none and is then not "
        "learned there.",
    ),
    Rule(
        "duration-long",
        _W,
        "Very long phoneme",
        "Check the label there, or cut the recording at that place.",
        "A held note of this length is rare: often a label is missing or an alignment slipped.",
    ),
    Rule(
        "edge-label",
        _W,
        "No silence at the edge",
        "Leave 0.1 to 0.5 s of silence there and label it SP.",
        "Without silence or a breath at the edges the voice does not learn how phrases begin and "
        "end.",
    ),
    Rule(
        "edge-silence-long",
        _W,
        "Long silence at the edge",
        "Cut the silence down to 0.1 to 0.5 s.",
        "More than a second of silence teaches nothing and takes time in every training step.",
    ),
    Rule(
        "label-audio-length",
        _W,
        "Labels and recording differ in length",
        "Check the last labels: trim the recording, or lengthen the last SP.",
        "The labels belong to another take or tempo, or the recording was trimmed after "
        "labelling. DiffSinger silently pads or cuts.",
    ),
    Rule(
        "word-form",
        _W,
        "Words cut at the wrong place",
        "Compute ph_num anew: a word is a vowel with the consonants of the next syllable.",
        "ph_num should cut before every vowel, so that note and word begin together; here a word "
        "begins with a consonant, holds two vowels, or has a pause inside.",
    ),
    Rule(
        "variance-columns-missing",
        _E,
        "Columns for the variance model missing",
        "Fill them in: ph_num follows from the dictionary, notes can be estimated from the "
        "singing.",
        "Predicting durations needs ph_num, predicting pitch needs note_seq and note_dur.",
    ),
    Rule(
        "note-invalid",
        _E,
        "Not a note name",
        "Write C4, F#3, Bb4+20 or 'rest'.",
        "A note is a letter, accidentals, an octave and cents; anything else stops DiffSinger.",
    ),
    Rule(
        "note-all-rest",
        _E,
        "Only rests",
        "Write the sung notes, or remove the row.",
        "An item without a single note teaches no pitch; DiffSinger stops there.",
    ),
    Rule(
        "note-length",
        _W,
        "Notes and phonemes differ in length",
        "Lengthen or shorten the last rest, or align the notes with the words.",
        "The notes end before or after the phonemes, so the melody drifts against the words.",
    ),
    Rule(
        "note-word-boundary",
        _W,
        "Words begin beside the notes",
        "Align the notes with the words.",
        "Every word should begin with a note; here boundaries are apart, usually because notes "
        "come from a score and words from the singing.",
    ),
    Rule(
        "note-rest",
        _W,
        "Rest on a sung word",
        "Correct the note or the label there.",
        "A rest stands over sung phonemes, or a note over silence.",
    ),
    Rule(
        "note-octave",
        _W,
        "Notes an octave beside the singing",
        "Move the notes by an octave, or use another pitch extractor if its curve is wrong.",
        "The score is written an octave away from the sung pitch, or the extractor took an "
        "overtone for the pitch.",
    ),
    Rule(
        "note-off-pitch",
        _W,
        "Notes beside the singing",
        "Correct the cents, or estimate the notes from the singing.",
        "The labelled notes are not those that were sung; a pitch model would learn to sing out "
        "of tune.",
    ),
    Rule(
        "glide-unused",
        _W,
        "Ornament never used",
        "Label some notes with it, or take it out of glide_types.",
        "A type of glide that no note has cannot be learned.",
    ),
    Rule(
        "glide-unknown",
        _E,
        "Unknown ornament",
        "Correct it, or add it to glide_types.",
        "note_glide names a type that the config does not list.",
    ),
    Rule(
        "unknown-phoneme",
        _E,
        "Not in the dictionary",
        "Correct the label, or add the phoneme to the dictionary or to extra_phonemes.",
        "The label is misspelt, comes from another dictionary, or uses another program's name for "
        "silence or breath.",
    ),
    Rule(
        "missing-phoneme",
        _E,
        "Never sung",
        "Use a copy of the dictionary without them, or record words that contain them.",
        "The dictionary promises sounds that no recording has; DiffSinger refuses to train then.",
    ),
    Rule(
        "rare-phoneme",
        _W,
        "Rarely sung",
        "Record more words that contain them.",
        "What is sung only a few times is learned badly.",
    ),
    Rule(
        "validation-only-phoneme",
        _E,
        "Only in validation items",
        "Choose other validation items, so that training contains the phoneme.",
        "All recordings with this phoneme were set aside for validation, so training never hears "
        "it.",
    ),
    Rule(
        "mandarin-dictionary",
        _E,
        "Labels of the other Mandarin dictionary",
        "Use the dictionary that the labels were made with, or migrate the labels: the phoneme "
        "counts are equal.",
        "The two opencpop dictionaries write zi, zhi, ye and yan differently: one has i0, ir, E "
        "and En, the other i, e and an.",
    ),
    Rule(
        "syllable-in-labels",
        _E,
        "Syllable instead of phonemes",
        "Write the phonemes of the syllable, each with its duration.",
        "ph_seq holds syllables or words; a voice is made of phonemes.",
    ),
    Rule(
        "language-prefix",
        _E,
        "Unknown language prefix",
        "Use a language of this voice.",
        "What stands before the '/' has to be a language of the voice.",
    ),
    Rule(
        "language-unknown",
        _E,
        "Language without dictionary",
        "Choose a dictionary for it.",
        "The recordings are in a language for which the voice has no dictionary.",
    ),
    Rule(
        "language-wrong",
        _E,
        "Labels of another language",
        "Set the dataset's language.",
        "The recordings were registered with the wrong language.",
    ),
)
