"""Reading text that people saved with editors and spreadsheets of all sorts.

Knows byte order marks and the legacy encodings of Chinese and Japanese systems. Not for
writing: everything singwiz writes is UTF-8 without BOM.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

INVISIBLE = "\u200b\u200c\u200d\ufeff\u2060"
"""Zero-width characters; Python's ``str.split`` does not treat them as spaces."""

ODD_SPACES = "\u00a0\u3000"
"""Non-breaking and full-width space."""


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text and how it was stored.

    Attributes:
        text: without BOM, line ends unified to ``\\n``.
        encoding: ``utf-8`` or a display name such as ``GBK``, ``Shift-JIS``, ``UTF-16``.
        bom: a UTF-8 byte order mark was there.
    """

    text: str
    encoding: str
    bom: bool = False

    @property
    def is_utf8(self) -> bool:
        """True if DiffSinger could read the file as it is (apart from a BOM)."""
        return self.encoding == "utf-8"


def decode_text(data: bytes) -> DecodedText:
    """Decode a text file, guessing the encoding if it is not UTF-8; never raises."""
    if data.startswith(codecs.BOM_UTF8):
        body, bom = data[3:], True
    else:
        body, bom = data, False
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return DecodedText(_unify(data.decode("utf-16", errors="replace")), "UTF-16")
        wide = _utf16_without_mark(data)
        if wide:
            return DecodedText(_unify(data.decode(wide, errors="replace")), "UTF-16")
    try:
        return DecodedText(_unify(body.decode("utf-8")), "utf-8", bom)
    except UnicodeDecodeError:
        codec, label = _guess_legacy(body)
        return DecodedText(_unify(body.decode(codec, errors="replace")), label, bom)


def _unify(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _utf16_without_mark(data: bytes) -> str | None:
    """Latin letters in UTF-16 have a zero in every other byte."""
    head = data[:4096]
    if len(head) < 4 or len(head) % 2:
        head = head[: len(head) - len(head) % 2]
    pairs = len(head) // 2
    if pairs < 2:
        return None
    zeros_low, zeros_high = head[0::2].count(0), head[1::2].count(0)
    if zeros_high > 0.7 * pairs and zeros_low < 0.1 * pairs:
        return "utf-16-le"
    if zeros_low > 0.7 * pairs and zeros_high < 0.1 * pairs:
        return "utf-16-be"
    return None


def _guess_legacy(data: bytes) -> tuple[str, str]:
    """The likelier of GBK and Shift-JIS, by the share of everyday characters.

    Both codecs accept most of each other's texts, but what comes out differs: Chinese read
    as Shift-JIS is a row of half-width katakana, Japanese read as GBK a row of rare hanzi.
    """
    scored = [
        (_everyday_share(data, "gb18030", _everyday_gbk), "gb18030", "GBK"),
        (_everyday_share(data, "cp932", _everyday_sjis), "cp932", "Shift-JIS"),
    ]
    score, codec, label = max(scored)
    return (codec, label) if score > 0.3 else ("cp1252", "Windows-1252")


def _everyday_share(data: bytes, codec: str, everyday: _Judge) -> float:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        # One damaged byte should not hide which encoding the other thousand are in.
        text = data.decode(codec, errors="ignore")
        if len(text.encode(codec, errors="ignore")) < 0.95 * len(data):
            return 0.0
    encoded = [char.encode(codec, errors="ignore") for char in text if char > "\x7f"]
    if not encoded:
        return 0.0
    return sum(everyday(char) for char in encoded) / len(encoded)


class _Judge:
    """Decides whether an encoded character lies in ranges of lead and trail bytes."""

    def __init__(self, ranges: tuple[tuple[int, int, int], ...]) -> None:
        self.ranges = ranges

    def __call__(self, char: bytes) -> bool:
        if len(char) != 2:
            return False
        return any(low <= char[0] <= high and char[1] >= trail for low, high, trail in self.ranges)


_everyday_gbk = _Judge(((0xB0, 0xD7, 0xA1), (0xA1, 0xA3, 0xA1)))
"""Level-1 hanzi of GB 2312 and its punctuation."""

_everyday_sjis = _Judge(((0x81, 0x84, 0x40), (0x88, 0x97, 0x40)))
"""Punctuation, kana and level-1 kanji of JIS X 0208."""
