"""Saying again in the reader's language what was written in English.

The English sentence with its gaps, ``The folder '{folder}' does not exist.``, is the key of its
translation, as in gettext. Which words stand in the gaps is found by comparing the text with the
sentence, so that texts can be retold that were written long ago, by another process, into a file.
What is in no catalogue stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .catalogue import told
from .languages import ENGLISH, language

LONGEST = 4000
"""Longer texts are no sentences of ours."""
GAP = re.compile(r"\{(\w+)\}")
AND = "{one} and {other}"
"""Joins two phrases that are known each by itself."""
_FEW = 9
_HEAD = 3
"""Letters by which sentences are sorted for the search."""
_BETWEEN = re.compile(r"(?<=[.?!…]) (?=[A-Z'\"„`(–])")
_PLACE = re.compile(r"^([^\s:][^:]{0,200}(?::\d+)?): (.+)$", re.DOTALL)
_NO_BLANK = "。？！，：；、（）“”「」"


@dataclass(frozen=True, slots=True)
class _Sentence:
    """An English sentence with gaps and its translation."""

    fixed: tuple[str, ...]
    """What stands before, between and after the gaps."""
    gaps: tuple[str, ...]
    other: str

    @property
    def weight(self) -> int:
        """Characters outside of the gaps."""
        return sum(map(len, self.fixed))

    @property
    def vague(self) -> bool:
        """Whether there is hardly a word in it, and nothing that it is plainly about."""
        return self.weight < _FEW and not self.fixed[0].endswith(": ")

    @property
    def quoted(self) -> tuple[bool, ...]:
        """For each gap whether it stands in quotes: a name, which is nobody's sentence."""
        pairs = zip(self.fixed, self.fixed[1:], strict=False)
        return tuple(before.endswith("'") and after.startswith("'") for before, after in pairs)

    def retold(self, gaps: dict[str, str], tag: str) -> str:
        """The translation with its gaps filled."""
        filled = {
            name: gap if quoted else _retold(gap, tag)
            for (name, gap), quoted in zip(gaps.items(), self.quoted, strict=True)
        }
        return GAP.sub(lambda gap: filled.get(gap[1], gap[0]), self.other)

    def gaps_in(self, text: str) -> dict[str, str] | None:
        """Name -> what fills the gap; None if the text is another sentence.

        Every gap is as short as can be. There is no going back and forth, so that no text, however
        it was made up, takes long. A gap in quotes ends with its quotes, and what has hardly a
        word of its own ("{low} to {high}") has single words in its gaps; it would be found
        everywhere otherwise.
        """
        first, *between, last = self.fixed
        if not text.startswith(first) or not text.endswith(last):
            return None
        start, end = len(first), len(text) - len(last)
        if start > end:
            return None
        filled = []
        for fixed in between:
            found = text.find(fixed, start, end)
            if found < 0:
                return None
            filled.append(text[start:found])
            start = found + len(fixed)
        filled.append(text[start:end])
        if self.vague and any(not gap or " " in gap for gap in filled):
            return None
        if any("' " in gap for gap, quoted in zip(filled, self.quoted, strict=True) if quoted):
            return None
        return dict(zip(self.gaps, filled, strict=True))


@dataclass(frozen=True, slots=True)
class _Book:
    """Everything a language can retell."""

    whole: dict[str, str]
    by_head: dict[str, list[_Sentence]]
    """First letters -> sentences with gaps, those with the most words first."""
    headless: list[_Sentence]
    """Sentences that begin with a gap, or nearly so."""
    both: str
    """How two phrases are joined."""

    def joined(self, one: str | None, other: str | None) -> str | None:
        """Two phrases in one, if both are known."""
        if one is None or other is None:
            return None
        return self.both.format(one=one, other=other)


def retell(text: str) -> str:
    """A text of core in the language that is spoken; unchanged if it is in no catalogue."""
    tag = language()
    if tag == ENGLISH or not text or len(text) > LONGEST:
        return text
    return _retold(text, tag)


@lru_cache(maxsize=16384)
def _retold(text: str, tag: str) -> str:
    bare = text.strip()
    if not bare:
        return text
    found = _one_sentence(bare, tag)
    if found is None:
        found = _parts(bare, tag)
    return text if found is None else text.replace(bare, found, 1)


def _one_sentence(text: str, tag: str) -> str | None:
    book = _book(tag)
    if text in book.whole:
        return book.whole[text]
    one, between, other = text.partition(" and ")
    if between and (joined := book.joined(_known(one, tag), _known(other, tag))):
        return joined
    return _known(text, tag)


def _known(text: str, tag: str) -> str | None:
    book = _book(tag)
    if text in book.whole:
        return book.whole[text]
    for sentence in (*book.by_head.get(text[:_HEAD], ()), *book.headless):
        gaps = sentence.gaps_in(text)
        if gaps is not None:
            return sentence.retold(gaps, tag)
    return None


def _parts(text: str, tag: str) -> str | None:
    """A text of several lines or sentences, or one that a place stands before."""
    if "\n" in text:
        return "\n".join(_retold(line, tag) for line in text.split("\n"))
    sentences = _BETWEEN.split(text)
    if len(sentences) > 1:
        # What looks like an end may be none ("e.g. A"): the longest beginning that is known counts.
        for end in range(len(sentences) - 1, 0, -1):
            head = _one_sentence(" ".join(sentences[:end]), tag)
            if head is not None:
                return join(head, _retold(" ".join(sentences[end:]), tag))
        tail = _retold(" ".join(sentences[1:]), tag)
        return None if tail == " ".join(sentences[1:]) else join(sentences[0], tail)
    placed = _PLACE.match(text)
    if placed is not None:
        place, rest = placed.groups()
        retold = _retold(rest, tag)
        return None if retold == rest else f"{place}: {retold}"
    return None


def join(*sentences: str) -> str:
    """Sentences one after the other; no blank where the script has none."""
    text = ""
    for sentence in filter(None, sentences):
        text += ("" if not text or text[-1] in _NO_BLANK else " ") + sentence
    return text


@lru_cache(maxsize=8)
def _book(tag: str) -> _Book:
    whole: dict[str, str] = {}
    by_head: dict[str, list[_Sentence]] = {}
    headless: list[_Sentence] = []
    sentences = dict(told(tag))
    both = sentences.pop(AND, AND)
    for english, other in sentences.items():
        gaps = GAP.findall(english)
        if not gaps:
            whole[english] = other
            continue
        sentence = _Sentence(tuple(GAP.split(english)[::2]), tuple(gaps), other)
        head = sentence.fixed[0][:_HEAD]
        (by_head.setdefault(head, []) if len(head) == _HEAD else headless).append(sentence)
    for listed in (*by_head.values(), headless):
        listed.sort(key=lambda sentence: -sentence.weight)
    return _Book(whole, by_head, headless, both)
