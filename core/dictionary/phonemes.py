"""The phoneme set of a voice: which symbols exist, their ids, and the language ids.

Ids are those DiffSinger assigns (code-point order from 1, merged phonemes share an id), so
checkpoints can be exchanged. Not for reading dictionary files (:mod:`.files`) and not for
comparing a set with labels (:mod:`.mismatch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import SingwizError
from ..findings import Finding, Place
from .files import GLOBAL_PHONEMES, Dictionary
from .rules import DICTIONARY_RULES


class UnknownPhoneme(SingwizError):
    """A symbol that the phoneme set does not have.

    Attributes:
        symbol: as written in the labels.
        language: context it was looked up in.
    """

    def __init__(self, symbol: str, language: str) -> None:
        super().__init__(
            "unknown-phoneme",
            f"The phoneme '{symbol}' is not in the dictionary of '{language}'."
            if language
            else f"The phoneme '{symbol}' is not in the dictionary.",
            hint="Correct the label, or add the phoneme to the dictionary or to extra_phonemes.",
        )
        self.symbol = symbol
        self.language = language

    def __reduce__(self) -> tuple[type[UnknownPhoneme], tuple[str, str]]:
        return UnknownPhoneme, (self.symbol, self.language)


class PhonemeSet:
    """Symbols and ids of a voice; immutable. Made by :meth:`build` or :meth:`from_dump`.

    Names are ``SP``, ``AP`` and other global names without prefix; phonemes of a language are
    ``name`` in a voice with one language and ``lang/name`` in a voice with several.

    Attributes:
        ids: every name, aliases included, -> id; ids start at 1, 0 is padding.
        lang_map: language -> id; ids start at 1, 0 is "no language".
        groups: names that share an id, each group sorted.
        cross_lingual: names whose pronunciation the language id has to tell apart.
        dictionaries: what the set was built from; empty for a set read from a checkpoint.
        findings: oddities noticed while building.
    """

    def __init__(
        self,
        ids: Mapping[str, int],
        lang_map: Mapping[str, int],
        *,
        dictionaries: Mapping[str, Dictionary] | None = None,
        findings: Iterable[Finding] = (),
    ) -> None:
        self.ids = dict(ids)
        self.lang_map = dict(lang_map)
        self.dictionaries = dict(dictionaries or {})
        self.findings = tuple(findings)
        self._names: dict[int, tuple[str, ...]] = {}
        for name in sorted(self.ids):
            number = self.ids[name]
            self._names[number] = (*self._names.get(number, ()), name)
        self.groups = tuple(names for names in self._names.values() if len(names) > 1)
        self.cross_lingual = frozenset(
            name
            for group in self.groups
            if len({_language_of(member) for member in group}) > 1
            for name in group
            if "/" in name
        )
        self._found: dict[tuple[str, str], int | None] = {}

    @classmethod
    def build(
        cls,
        dictionaries: Mapping[str, Dictionary],
        extra_phonemes: Iterable[str] = (),
        merged_phoneme_groups: Iterable[Iterable[str]] = (),
    ) -> PhonemeSet:
        """The phoneme set of a config.

        Args:
            dictionaries: language -> dictionary.
            extra_phonemes: further names, global (``EP``) or of a language (``ja/cl``).
            merged_phoneme_groups: names that shall share an id; overlapping groups join.

        Raises:
            SingwizError: no language, or a name that contradicts the rest.
        """
        if not dictionaries:
            raise SingwizError(
                "dictionary-missing",
                "No dictionary was chosen.",
                hint="Choose a dictionary for the language of the recordings.",
            )
        for language in dictionaries:
            if not language or "/" in language:
                raise SingwizError(
                    "language-tag",
                    f"'{language}' cannot be used as a language name.",
                    hint="Use a short code such as 'zh', 'ja' or 'en'.",
                )
        multi = len(dictionaries) > 1
        findings: list[Finding] = []
        names = set(GLOBAL_PHONEMES)
        names.update(_extra_names([str(tag) for tag in extra_phonemes], dictionaries, multi))
        shared = {name for name in names if "/" not in name}
        for language, dictionary in dictionaries.items():
            for phoneme in sorted(dictionary.phonemes):
                if multi and phoneme in shared and phoneme not in GLOBAL_PHONEMES:
                    findings.append(
                        DICTIONARY_RULES["phoneme-hidden-by-global"].finding(
                            f"'{phoneme}' of language '{language}' is also in extra_phonemes, "
                            "so the language's own sound would be lost.",
                            Place(file=dictionary.path.name, symbol=phoneme),
                        )
                    )
                if phoneme not in shared:
                    names.add(f"{language}/{phoneme}" if multi else phoneme)
        root = _merge(merged_phoneme_groups, names, dictionaries, multi, findings)
        ids: dict[str, int] = {}
        of_group: dict[str, int] = {}
        for name in sorted(names):
            ids[name] = of_group.setdefault(root.get(name, name), len(of_group) + 1)
        lang_map = {language: k for k, language in enumerate(sorted(dictionaries), start=1)}
        return cls(ids, lang_map, dictionaries=dictionaries, findings=findings)

    @classmethod
    def from_dump(cls, ids: Mapping[str, int], lang_map: Mapping[str, int]) -> PhonemeSet:
        """The phoneme set stored beside a checkpoint or in an exported voice.

        Args:
            ids: name -> id, as :meth:`dump` gives it. Entries with id 0 (padding) are ignored.
            lang_map: language -> id.

        Raises:
            SingwizError: not such a mapping.
        """
        for mapping, what in ((ids, "phonemes"), (lang_map, "languages")):
            if not isinstance(mapping, Mapping) or not all(
                isinstance(name, str) and type(number) is int and number >= 0
                for name, number in mapping.items()
            ):
                raise SingwizError(
                    "phonemes-invalid",
                    f"The stored list of {what} is damaged.",
                    hint="Copy the file again from the folder of the checkpoint.",
                )
        return cls({name: number for name, number in ids.items() if number > 0}, lang_map)

    @property
    def multi(self) -> bool:
        """True if the voice has several languages, and names carry prefixes."""
        return len(self.lang_map) > 1

    @property
    def vocab_size(self) -> int:
        """Rows of the phoneme embedding: the distinct ids plus padding."""
        return len(self._names) + 1

    def find(self, symbol: str, language: str) -> int | None:
        """The id of a symbol as written in labels of a language; None if there is none."""
        key = (symbol, language)
        if key not in self._found:
            prefix, slash, short = symbol.partition("/")
            if not slash:
                prefix, short = language, symbol
            if not prefix or not self.multi or short in self.ids:
                self._found[key] = self.ids.get(short)
            else:
                self._found[key] = self.ids.get(f"{prefix}/{short}")
        return self._found[key]

    def encode(self, symbol: str, language: str) -> int:
        """The id of a symbol as written in labels of a language.

        Raises:
            UnknownPhoneme: the set does not have it.
        """
        number = self.find(symbol, language)
        if number is None:
            raise UnknownPhoneme(symbol, language)
        return number

    def encode_sequence(self, ph_seq: Sequence[str], language: str) -> list[int]:
        """Ids of a label sequence.

        Raises:
            UnknownPhoneme: at the first unknown symbol.
        """
        return [self.encode(symbol, language) for symbol in ph_seq]

    def decode(self, number: int, language: str = "") -> str | None:
        """The name behind an id: that of ``language`` where names are merged, else the first.

        Returns:
            The name, or None for padding (id 0 and below).

        Raises:
            SingwizError: no name has this id.
        """
        if number <= 0:
            return None
        names = self._names.get(number)
        if names is None:
            raise SingwizError(
                "phoneme-id-unknown",
                f"There is no phoneme with number {number}.",
                hint="The data was made with another dictionary; prepare it again.",
            )
        return next((name for name in names if _language_of(name) == language), names[0])

    def language_ids(self, ph_seq: Sequence[str], language: str) -> list[int]:
        """Language id per phoneme: 0 unless the phoneme is shared between languages."""
        result = []
        for symbol in ph_seq:
            full = symbol if "/" in symbol else f"{language}/{symbol}"
            known = full in self.cross_lingual
            result.append(self.lang_map.get(full.partition("/")[0], 0) if known else 0)
        return result

    def label(self, number: int) -> str:
        """All names of an id joined by ``|``, for reports."""
        return "|".join(self._names[number])

    def labels(self) -> dict[int, str]:
        """Id -> :meth:`label`, for every id but padding."""
        return {number: "|".join(names) for number, names in self._names.items()}

    def names(self, number: int) -> tuple[str, ...]:
        """All names of an id, sorted."""
        return self._names[number]

    def dump(self) -> dict[str, int]:
        """Name -> id with every alias, sorted by id and name; the content of phonemes.json."""
        return dict(sorted(self.ids.items(), key=lambda entry: (entry[1], entry[0])))


def _language_of(name: str) -> str:
    """The prefix of ``lang/name``; empty for a global name."""
    return name.partition("/")[0] if "/" in name else ""


def _extra_names(
    extra_phonemes: list[str], dictionaries: Mapping[str, Dictionary], multi: bool
) -> list[str]:
    bare = {tag for tag in extra_phonemes if "/" not in tag} | set(GLOBAL_PHONEMES)
    names = []
    for tag in extra_phonemes:
        language, slash, short = tag.partition("/")
        if not slash:
            short = language
        if not short or "/" in short or short != "".join(short.split()):
            raise SingwizError(
                "extra-phoneme-invalid",
                f"'{tag}' in extra_phonemes is not a phoneme name.",
                hint="Write 'name' for all languages or 'lang/name' for one.",
            )
        if slash and language not in dictionaries:
            raise SingwizError(
                "extra-phoneme-language",
                f"'{tag}' in extra_phonemes names the language '{language}', which has no "
                "dictionary.",
                hint=f"Use one of: {', '.join(dictionaries)}.",
            )
        if slash and short in bare:
            raise SingwizError(
                "extra-phoneme-conflict",
                f"'{tag}' in extra_phonemes clashes with '{short}', which all languages share.",
                hint="Give one of the two another name.",
            )
        # With one language labels are looked up without prefix, so 'ja/cl' has to be 'cl'.
        names.append(tag if multi else short)
    return names


def _merge(
    groups: Iterable[Iterable[str]],
    names: set[str],
    dictionaries: Mapping[str, Dictionary],
    multi: bool,
    findings: list[Finding],
) -> dict[str, str]:
    """Name -> representative of its merged group, by union-find."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for group in groups:
        members = []
        for tag in dict.fromkeys(str(member) for member in group):
            language, slash, short = tag.partition("/")
            if slash and language not in dictionaries:
                raise SingwizError(
                    "merged-phoneme-language",
                    f"'{tag}' in merged_phoneme_groups names the language '{language}', which "
                    "has no dictionary.",
                    hint=f"Use one of: {', '.join(dictionaries)}.",
                )
            name = short if slash and not multi else tag
            if name not in names:
                raise SingwizError(
                    "merged-phoneme-unknown",
                    f"'{tag}' in merged_phoneme_groups is not a phoneme of this voice.",
                    hint="Correct the name, or add it to the dictionary or extra_phonemes.",
                )
            members.append(name)
        if len(set(members)) < 2:
            findings.append(
                DICTIONARY_RULES["merged-group-single"].finding(
                    f"The merged group [{', '.join(members)}] merges nothing.", Place()
                )
            )
            continue
        joined = sorted(name for name in members if name in parent)
        if joined:
            findings.append(
                DICTIONARY_RULES["merged-groups-joined"].finding(
                    f"'{joined[0]}' is in several merged groups; they are treated as one.",
                    Place(symbol=joined[0]),
                )
            )
        for name in members[1:]:
            parent[root(name)] = root(members[0])
    return {name: root(name) for name in list(parent)}
