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
        return sum(map(len, self.fixed))

    def gaps_in(self, text: str) -> dict[str, str] | None:
        """Name -> what fills the gap; None if the text is another sentence.

        Every gap is as short as can be. There is no going back and forth, so that no text, however
        it was made up, takes long.
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
        return dict(zip(self.gaps, filled, strict=True))


@dataclass(frozen=True, slots=True)
class _Book:
    """Everything a language can retell."""

    whole: dict[str, str]
    by_head: dict[str, list[_Sentence]]
    """First letters -> sentences with gaps, those with the most words first."""
    headless: list[_Sentence]
    """Sentences that begin with a gap, or nearly so."""


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
    for sentence in (*book.by_head.get(text[:_HEAD], ()), *book.headless):
        gaps = sentence.gaps_in(text)
        if gaps is not None:
            retold = {name: _retold(gap, tag) for name, gap in gaps.items()}
            return GAP.sub(lambda gap: retold.get(gap[1], gap[0]), sentence.other)
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
    for english, other in told(tag).items():
        gaps = GAP.findall(english)
        if not gaps:
            whole[english] = other
            continue
        sentence = _Sentence(tuple(GAP.split(english)[::2]), tuple(gaps), other)
        head = sentence.fixed[0][:_HEAD]
        (by_head.setdefault(head, []) if len(head) == _HEAD else headless).append(sentence)
    for listed in (*by_head.values(), headless):
        listed.sort(key=lambda sentence: -sentence.weight)
    return _Book(whole, by_head, headless)
