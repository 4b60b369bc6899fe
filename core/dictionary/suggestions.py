"""What could be done about symbols that labels and dictionary do not share.

Knows the names other programs give to silence and breath, the two Mandarin dictionaries
that are often mixed up, and how names get misspelt. Only suggests; never changes anything.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .phonemes import PhonemeSet

SILENCE_NAMES = frozenset(
    {"sil", "silb", "sile", "silence", "pau", "pause", "sp", "spn", "rest", "_", "#", "eps"}
)
BREATH_NAMES = frozenset(
    {"br", "bre", "breath", "ap", "asp", "inhale", "inh", "exh", "exhale", "h#", "brth", "息"}
)

SAME_SOUND = (
    frozenset({"cl", "q", "Q", "ʔ", "vf", "xtsu", "っ"}),
    frozenset({"N", "nn", "n'", "ɴ", "ん"}),
    frozenset({"ch", "ty", "tch", "tʃ", "tɕ", "tS"}),
    frozenset({"sh", "sy", "ʃ", "ɕ", "S"}),
    frozenset({"j", "jy", "zy", "jh", "dʒ", "dʑ", "dZ"}),
    frozenset({"zh", "ʒ", "Z"}),
    frozenset({"ng", "ŋ"}),
    frozenset({"h", "hh"}),
    frozenset({"f", "ɸ"}),
    frozenset({"y", "j"}),
    frozenset({"ny", "ɲ"}),
    frozenset({"th", "θ", "T"}),
    frozenset({"dh", "ð", "D"}),
    frozenset({"r", "ɾ", "ɹ"}),
    frozenset({"a", "aa", "ɑ", "あ"}),
    frozenset({"i", "iy", "ii", "い"}),
    frozenset({"u", "uw", "uu", "ɯ", "う"}),
    frozenset({"e", "eh", "ee", "ɛ", "え"}),
    frozenset({"o", "ow", "oo", "ɔ", "お"}),
    frozenset({"v", "yu", "ü"}),
    frozenset({"ao", "ɔ"}),
    frozenset({"ah", "ʌ", "ə", "ax"}),
    frozenset({"er", "ɚ", "ɝ", "axr"}),
)
"""Names that notations (romaji, ARPAbet, X-SAMPA, IPA) give to one sound."""

NEAR_SOUND = (
    frozenset({"l", "r", "ɾ", "ɹ"}),
    frozenset({"b", "v", "β"}),
    frozenset({"v", "w", "f"}),
    frozenset({"s", "th", "θ"}),
    frozenset({"z", "dh", "ð", "dz"}),
    frozenset({"h", "f", "hh", "hy"}),
    frozenset({"n", "ng", "N", "ŋ"}),
    frozenset({"g", "ng", "ŋ"}),
    frozenset({"j", "zh", "jh", "z"}),
    frozenset({"ts", "c", "z"}),
    frozenset({"e", "ae", "eh", "E"}),
    frozenset({"a", "ah", "aa", "ae"}),
    frozenset({"i", "ih", "iy"}),
    frozenset({"u", "uh", "uw", "eu"}),
)
"""Sounds of one class that stand for each other where a dictionary lacks one of them."""

OPENCPOP_ONLY_EXTENSION = frozenset({"E", "En", "i0", "ir"})
"""Phonemes of opencpop-extension that the older opencpop dictionary writes as e, an and i."""

_APICAL = frozenset({"z", "c", "s", "zh", "ch", "sh", "r"})
"""Initials after which opencpop writes ``i`` and the extension ``i0`` or ``ir``."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One possible cure.

    Attributes:
        symbol: what it is about, as in :class:`~.mismatch.Mismatch`.
        action: ``rename`` (in the labels), ``expand`` (a syllable into its phonemes),
            ``prefix`` (write it with a language), ``add-extra``, ``remove-extra``, ``trim``
            (a copy of the dictionary without it), ``merge`` (share an id), ``record``,
            ``label`` (mark it in the labels), ``change-dictionary``, ``migrate-labels``.
        target: what the action leads to: a phoneme, a dictionary, a language's name.
        reason: one sentence for the user.
        confidence: 0 to 1; suggestions are sorted by it.
    """

    symbol: str
    action: str
    target: str
    reason: str
    confidence: float = 0.5

    @property
    def advice(self) -> str:
        """What to do, as a sentence, followed by the reason."""
        name = self.symbol.rpartition("/")[2]
        return f"{_ADVICE[self.action].format(name=name, target=self.target)} {self.reason}".strip()


_ADVICE = {
    "rename": "Rename '{name}' to '{target}' in the labels.",
    "expand": "Write '{target}' instead of '{name}', each with its duration.",
    "prefix": "Write '{target}' in the labels.",
    "add-extra": "Add '{target}' to extra_phonemes, or correct the label.",
    "remove-extra": "Remove '{target}' from extra_phonemes.",
    "trim": "Use a copy of '{target}' without '{name}'.",
    "merge": "Let '{name}' share its place with '{target}' (merged_phoneme_groups).",
    "record": "Record words with '{name}'.",
    "label": "",
    "change-dictionary": "Use the dictionary '{target}'.",
    "migrate-labels": "Convert the labels to {target}.",
}


def suggest(
    phoneme_set: PhonemeSet,
    unexpected: Mapping[str, int],
    missing: Collection[str],
    pairs: Collection[tuple[str, str]] = (),
) -> list[Suggestion]:
    """All suggestions, the likeliest first.

    Args:
        phoneme_set: what the voice can sing.
        unexpected: unknown symbol -> occurrences.
        missing: labels of phonemes that are never sung.
        pairs: neighbouring phonemes ``(x, "i")`` seen in the labels; tells opencpop apart.
    """
    found = [
        suggestion
        for symbol in unexpected
        for suggestion in _for_unexpected(phoneme_set, symbol, unexpected)
    ]
    renamed = {cure.target for cure in found if cure.action == "rename" and cure.confidence > 0.8}
    old_labels = set(missing) >= OPENCPOP_ONLY_EXTENSION and any(
        first in _APICAL for first, _ in pairs
    )
    for label in missing:
        found += _for_missing(phoneme_set, label, set(missing), renamed, old_labels)
    return sorted(found, key=lambda cure: (-cure.confidence, cure.symbol))


def _for_unexpected(
    phoneme_set: PhonemeSet, symbol: str, unexpected: Mapping[str, int]
) -> list[Suggestion]:
    language, slash, short = symbol.partition("/")
    if not slash:
        language, short = next(iter(phoneme_set.lang_map), ""), symbol
    cures: list[Suggestion] = []
    seen: set[str] = set()

    def rename(target: str, reason: str, confidence: float) -> None:
        if target not in seen and phoneme_set.find(target, language) is not None:
            seen.add(target)
            cures.append(Suggestion(symbol, "rename", target, reason, confidence))

    bare = short.strip("<>[]()").casefold()
    if bare in SILENCE_NAMES:
        rename("SP", f"'{short}' is another program's name for silence.", 1.0)
    if bare in BREATH_NAMES:
        rename("AP", f"'{short}' is another program's name for a breath.", 1.0)
    own = _own_names(phoneme_set, language)
    form = _form(short)
    for name in own:
        if _form(name) == form:
            rename(name, f"'{short}' and '{name}' differ only in how they are written.", 0.95)
    if short[-1:] in tuple("012") and len(short) > 1:
        for name in own:
            if _form(name) == _form(short[:-1]):
                rename(name, "The dictionary has this phoneme without stress number.", 0.9)
    for name in own:
        if any(short in names and name in names for names in SAME_SOUND):
            reason = f"'{name}' is the dictionary's name for the same sound, as far as names tell."
            rename(name, reason, 0.75)

    if short in OPENCPOP_ONLY_EXTENSION and set(unexpected) <= OPENCPOP_ONLY_EXTENSION:
        reason = "The labels were made with opencpop-extension, the dictionary is an older one."
        cures.append(Suggestion(symbol, "change-dictionary", "opencpop-extension", reason, 0.97))

    dictionary = phoneme_set.dictionaries.get(language)
    if dictionary and short in dictionary.entries:
        target = " ".join(dictionary.entries[short])
        reason = f"'{short}' is a syllable; labels need its phonemes '{target}'."
        cures.append(Suggestion(symbol, "expand", target, reason, 0.93))

    for other in phoneme_set.lang_map:
        if phoneme_set.multi and other != language and f"{other}/{short}" in phoneme_set.ids:
            reason = f"The language '{other}' has this phoneme."
            cures.append(Suggestion(symbol, "prefix", f"{other}/{short}", reason, 0.6))

    # One letter is too little to tell a slip from another sound.
    if len(short) > 1:
        for name in difflib.get_close_matches(short, own, n=2, cutoff=0.6):
            closeness = difflib.SequenceMatcher(None, short, name).ratio()
            rename(name, f"'{name}' is spelt most like '{short}'.", 0.8 * closeness)

    for name in own:
        if any(short in names and name in names for names in NEAR_SOUND):
            rename(name, f"'{name}' is the nearest sound in the dictionary.", 0.45)

    reason = f"If '{short}' is a sound of its own, the voice can learn it."
    enough = unexpected[symbol] >= 20
    target = symbol if phoneme_set.multi else short
    cures.append(Suggestion(symbol, "add-extra", target, reason, 0.55 if enough else 0.3))
    return cures


def _for_missing(
    phoneme_set: PhonemeSet,
    label: str,
    missing: set[str],
    renamed: set[str],
    old_labels: bool,
) -> list[Suggestion]:
    names = label.split("|")
    if renamed & {name.partition("/")[2] or name for name in names}:
        return []
    if label in ("AP", "SP"):
        other, what = ("SP", "breaths") if label == "AP" else ("AP", "silence")
        cures = [
            Suggestion(label, "label", label, f"Mark {what} in the labels as {label}.", 0.7),
        ]
        if other not in missing:
            reason = f"If no {what} can be labelled, {label} can share the place of {other}."
            cures.append(Suggestion(label, "merge", other, reason, 0.65))
        return cures
    if old_labels and label in OPENCPOP_ONLY_EXTENSION:
        reason = "The labels were made with the older opencpop dictionary."
        return [Suggestion(label, "migrate-labels", "opencpop-extension", reason, 0.97)]
    cures = []
    covered = phoneme_set.labels()
    for name in names:
        language, slash, short = name.partition("/")
        owner = language if slash else next(iter(phoneme_set.lang_map), "")
        for other in phoneme_set.lang_map:
            twin = f"{other}/{short}"
            if slash and other != language and twin in phoneme_set.ids:
                twin_label = covered[phoneme_set.ids[twin]]
                if twin_label not in missing:
                    reason = f"'{twin}' is sung and could stand for '{name}'."
                    cures.append(Suggestion(label, "merge", twin, reason, 0.6))
        dictionary = phoneme_set.dictionaries.get(owner)
        phoneme = short if slash else name
        if dictionary and phoneme in dictionary.phonemes:
            reason = "A copy of the dictionary without it makes the voice train without it."
            cures.append(Suggestion(label, "trim", dictionary.path.name, reason, 0.5))
        elif dictionary:
            reason = "It is in extra_phonemes but never sung."
            cures.append(Suggestion(label, "remove-extra", name, reason, 0.5))
    reason = "Sing some words that contain it, if the voice shall be able to."
    cures.append(Suggestion(label, "record", label, reason, 0.4))
    return cures


def _own_names(phoneme_set: PhonemeSet, language: str) -> list[str]:
    """Names that labels of a language may use without prefix, sorted."""
    prefix = f"{language}/"
    return sorted(
        name.removeprefix(prefix)
        for name in phoneme_set.ids
        if "/" not in name or name.startswith(prefix)
    )


def _form(name: str) -> str:
    """The name without case, width and invisible characters."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(char for char in plain if char.isprintable()).casefold()
