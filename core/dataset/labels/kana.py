"""Kana in romaji, as ``japanese-romaji`` spells syllables. One syllable, not words."""

from __future__ import annotations

import unicodedata

_ROWS = (
    ("", "あいうえお"),
    ("k", "かきくけこ"),
    ("g", "がぎぐげご"),
    ("s", "さ*すせそ"),
    ("z", "ざ*ずぜぞ"),
    ("t", "た**てと"),
    ("d", "だ**でど"),
    ("n", "なにぬねの"),
    ("h", "はひ*へほ"),
    ("b", "ばびぶべぼ"),
    ("p", "ぱぴぷぺぽ"),
    ("m", "まみむめも"),
    ("r", "らりるれろ"),
)
_PLAIN = {
    kana: consonant + vowel
    for consonant, row in _ROWS
    for kana, vowel in zip(row, "aiueo", strict=True)
    if kana != "*"
} | {
    "し": "shi", "じ": "ji", "ち": "chi", "つ": "tsu", "ふ": "fu", "ぢ": "ji", "づ": "zu",
    "や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "N", "っ": "cl",
    "ゔ": "vu", "ゐ": "i", "ゑ": "e",
}  # fmt: skip

_SMALL_Y = {"ゃ": "a", "ゅ": "u", "ょ": "o", "ぇ": "e"}
_SMALL = {"ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_SOFT = {"し": "sh", "じ": "j", "ち": "ch", "ぢ": "j"}
"""Before a small kana these keep their consonant without y."""

_BORROWED = {
    "ふ": "f", "つ": "ts", "ゔ": "v", "う": "w", "て": "t", "で": "d", "と": "t", "ど": "d",
    "す": "s", "ず": "z", "い": "y", "く": "kw", "ぐ": "gw",
}  # fmt: skip
"""What these become before a small vowel, as loanwords need it."""


def to_romaji(text: str) -> str:
    """A syllable in romaji: hiragana or katakana, one kana or one with a small kana behind it.

    Anything else comes back as it is.
    """
    kana = "".join(
        chr(ord(char) - 0x60) if "ァ" <= char <= "ヴ" else char
        for char in unicodedata.normalize("NFKC", text)
    )
    if kana in _PLAIN:
        return _PLAIN[kana]
    if len(kana) != 2:
        return text
    first, small = kana[0], kana[1]
    if first in _BORROWED and small in _SMALL:
        return _BORROWED[first] + _SMALL[small]
    if first in ("て", "で") and small in _SMALL_Y:
        return _BORROWED[first] + "y" + _SMALL_Y[small]
    if first in _SOFT and small in _SMALL_Y:
        return _SOFT[first] + _SMALL_Y[small]
    plain = _PLAIN.get(first, "")
    if len(plain) == 2 and plain.endswith("i") and small in _SMALL_Y:
        return f"{plain[0]}y{_SMALL_Y[small]}"
    return text
