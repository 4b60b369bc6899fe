"""What is looked for in a project as a whole: title, cause and cure of every finding, by code."""

from __future__ import annotations

from ..dictionary.rules import Rule
from ..findings import Finding, Place, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_RULES: tuple[Rule, ...] = (
    Rule(
        "consent-missing",
        _W,
        "Permission not confirmed",
        "Ask the singer and whoever holds the rights to the songs, then confirm it in the "
        "wizard's first step.",
        "Nobody has confirmed that the singer agrees to a synthetic voice. Without that the voice "
        "must not be made.",
    ),
    Rule(
        "recordings-little",
        _W,
        "Few recordings",
        "Record more, or start from a voice that others trained (finetune_ckpt_path).",
        "Below half an hour in total a voice learns each sound from a handful of examples.",
    ),
    Rule(
        "speaker-little",
        _W,
        "Few recordings of a speaker",
        "Record more of this speaker, or leave the speaker out.",
        "A few minutes do not show how a singer sounds in all heights and all sounds.",
    ),
    Rule(
        "speakers-unbalanced",
        _W,
        "Speakers of very different size",
        "Record more of the small one, or train it alone.",
        "The speaker with most recordings rules the model, the others take on its sound.",
    ),
    Rule(
        "validation-empty",
        _E,
        "No recordings kept for validation",
        "Put the full names of a few items into test_prefixes, or leave it empty to have them "
        "chosen.",
        "The rules in test_prefixes match no recording, so nobody could tell whether the voice "
        "learns.",
    ),
    Rule(
        "training-empty",
        _E,
        "All recordings kept for validation",
        "Use full item names in test_prefixes instead of a common beginning.",
        "The rules in test_prefixes take every recording, and nothing is left to learn from.",
    ),
    Rule(
        "validation-large",
        _W,
        "Too much kept for validation",
        "Keep 10 to 20 recordings.",
        "What is kept for validation is not learned, and listening to it takes time in training.",
    ),
    Rule(
        "validation-speaker-missing",
        _W,
        "Speaker or language without validation",
        "Keep a recording of it as well.",
        "Nobody would hear how this speaker or language comes along.",
    ),
    Rule(
        "validation-rule-broad",
        _W,
        "Rule takes many recordings",
        "Use full item names in test_prefixes.",
        "A rule is a beginning of names where no item has exactly that name, so 'song1' takes "
        "song10 to song19 as well.",
    ),
    Rule(
        "validation-rule-unmatched",
        _W,
        "Rule without recordings",
        "Correct the name.",
        "No recording begins with what the rule says; it was renamed or is misspelt.",
    ),
    Rule(
        "validation-leak",
        _N,
        "Validation knows the song",
        "For an honest judgement keep a song of which nothing else is learned.",
        "A kept recording comes from a song whose other parts are learned, so it sounds better "
        "than new songs will.",
    ),
    Rule(
        "validation-copy",
        _W,
        "Validation item is learned too",
        "Keep another recording, or drop the copy.",
        "The same labels are in training and in validation, so the result flatters.",
    ),
    Rule(
        "batch-too-small",
        _E,
        "Recording longer than a batch",
        "Cut the recording, or raise max_batch_frames.",
        "A recording has to fit into one batch as a whole.",
    ),
    Rule(
        "binary-stale",
        _W,
        "Prepared data is out of date",
        "Prepare the recordings again.",
        "Settings that decide about the prepared data were changed after it was made.",
    ),
    Rule(
        "binary-incomplete",
        _W,
        "Prepared data is unfinished",
        "Prepare the recordings again.",
        "Preparing stopped before the end, so the list of the data is missing.",
    ),
    Rule(
        "saved-config-differs",
        _W,
        "Running voice has other settings",
        "Decide: the new settings count when training goes on; train under another name to keep "
        "both.",
        "The config saved with the voice differs from the one that would be used now. DiffSinger "
        "silently takes the saved one.",
    ),
    Rule(
        "path-not-writable",
        _E,
        "Folder cannot be written",
        "Choose a folder that belongs to you.",
        "singwiz has to write there, and the system does not allow it.",
    ),
    Rule(
        "path-long",
        _W,
        "Very long path",
        "Move the project nearer to the top, e.g. C:\\voices.",
        "Windows refuses paths of more than 260 characters, and names are still to be added.",
    ),
    Rule(
        "path-cloud",
        _W,
        "Project in a synchronised folder",
        "Move the project to an ordinary folder and copy the finished voice.",
        "Cloud services upload every checkpoint and lock files while they are written.",
    ),
    Rule(
        "path-relative",
        _W,
        "Path depends on where singwiz is started",
        "Choose the folder again in the wizard, or write the whole path.",
        "A relative path means another folder as soon as singwiz is started elsewhere.",
    ),
    Rule(
        "disk-space-low",
        _W,
        "Little disk space",
        "Free some space, or choose a folder on another disk.",
        "Prepared data and checkpoints will not fit; a full disk stops the work in the middle.",
    ),
    Rule(
        "workers-many",
        _W,
        "More workers than processor cores",
        "Lower the number of workers.",
        "They only wait for each other and use memory.",
    ),
    Rule(
        "workers-gpu",
        _W,
        "Several workers share the graphics card",
        "Use 0 or 1 for binarization_args.num_workers.",
        "Each worker loads the network of the extractor into the memory of the graphics card.",
    ),
    Rule(
        "batch-memory",
        _W,
        "Batches for a larger machine",
        "Lower max_batch_frames and max_batch_size.",
        "The batches are made for more memory than this machine's graphics card has; training "
        "would stop with 'out of memory'.",
    ),
    Rule(
        "curve-not-finite",
        _E,
        "Broken values in prepared data",
        "Prepare the recordings again; if it happens again, leave the recording out.",
        "A feature contains values that are not numbers; one is enough to ruin a training.",
    ),
    Rule(
        "curve-constant",
        _W,
        "Curve that never moves in prepared data",
        "Listen to the recording, or choose another extractor.",
        "A curve has one value from beginning to end, as no voice sings: the extraction failed.",
    ),
    Rule(
        "curve-breathy",
        _W,
        "More breath than voice in vowels",
        "Choose another separator (hnsep), or leave the recording out.",
        "In vowels breathiness lies far above voicing, so harmonics and noise were not told apart.",
    ),
)

PROJECT_RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
"""Every finding about a project by its code."""


def say(
    code: str,
    message: str,
    *,
    dataset: str = "",
    item: str = "",
    file: str = "",
    symbol: str = "",
    severity: Severity | None = None,
    hint: str | None = None,
) -> Finding:
    """A finding about a project."""
    place = Place(dataset=dataset, item=item, file=file, symbol=symbol)
    return PROJECT_RULES[code].finding(message, place, severity=severity, hint=hint)
