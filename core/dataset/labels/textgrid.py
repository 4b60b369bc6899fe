"""TextGrid files of Praat, long and short, as text.

Praat reads a text file as a row of free-standing numbers, quoted strings and flags, whatever
words stand between them; so does this. Binary files are refused: Praat can save them as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .model import MAX_SECONDS, Label, Tier, checked, invalid, parse_time

_TOKEN = re.compile(
    r'"(?P<string>(?:[^"]|"")*+)"|<(?P<flag>\w+)>|(?<![^\s])(?P<number>[+-]?\d[\d.eE+-]*)(?![^\s])'
)
_SHORTEST = 1e-8
"""s; Praat knows no intervals without length. Vanishes when durations are rounded again."""


class _Tokens:
    """The strings, numbers and flags of a file, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: Iterator[re.Match[str]] = _TOKEN.finditer(text)
        self._at = 0

    @property
    def line(self) -> int:
        """Line of the token that was taken last."""
        return self._text.count("\n", 0, self._at) + 1

    def take(self, kind: str, what: str) -> str:
        """The next token, which has to be of a kind.

        Raises:
            SingwizError: it is not, or there is none.
        """
        match = next(self._found, None)
        if match is None:
            raise invalid(f"the file ends where {what} should be", self.line)
        self._at = match.start()
        value = match.group(kind)
        if value is None:
            raise invalid(f"'{match.group()[:30]}' stands where {what} should be", self.line)
        return value

    def string(self, what: str) -> str:
        return self.take("string", what).replace('""', '"')

    def time(self, what: str) -> float:
        token = self.take("number", what)
        try:
            value = float(token)
        except ValueError:
            return parse_time(token, self.line)
        if abs(value) > MAX_SECONDS:
            raise invalid(f"'{token[:30]}' is not a time", self.line)
        return value

    def count(self, what: str) -> int:
        token = self.take("number", what)
        if not token.isdecimal() or len(token) > 9:
            raise invalid(f"'{token[:30]}' is not a number of {what}", self.line)
        return int(token)


def read_textgrid(text: str) -> list[Tier]:
    """Read all tiers; points become labels without length, empty intervals are left out.

    Raises:
        SingwizError: not a TextGrid, or damaged.
    """
    tokens = _Tokens(text)
    if text.startswith("ooBinaryFile"):
        raise invalid("this TextGrid is saved in binary form; save it as a text file in Praat")
    # Older versions of Praat wrote "ooTextFile short".
    known = text.lstrip().startswith(("File type", '"ooTextFile'))
    if not known or not tokens.string("the file type").startswith("ooTextFile"):
        raise invalid("this is not a TextGrid")
    if tokens.string("the kind of object") != "TextGrid":
        raise invalid("this is a file of Praat, but not a TextGrid")
    tokens.time("the start")
    tokens.time("the end")
    if tokens.take("flag", "<exists>") != "exists":
        return []
    return [_read_tier(tokens) for _ in range(tokens.count("tiers"))]


def _read_tier(tokens: _Tokens) -> Tier:
    kind = tokens.string("the kind of a tier")
    if kind not in ("IntervalTier", "TextTier"):
        raise invalid(f"a tier of kind '{kind[:30]}' is not known", tokens.line)
    name = tokens.string("the name of a tier")
    tokens.time("the start of a tier")
    end = tokens.time("the end of a tier")
    labels = []
    for _ in range(tokens.count("labels")):
        first = tokens.time("a time")
        last = tokens.time("a time") if kind == "IntervalTier" else first
        label = Label(first, last, tokens.string("a label").strip())
        if not 0 <= first <= last:
            # Only now, because finding the line takes time.
            checked(label, tokens.line)
        if label.text:
            labels.append(label)
    return Tier(tuple(labels), name, end)


def write_textgrid(tiers: Sequence[Tier]) -> str:
    """The text of a TextGrid with interval tiers; gaps become empty intervals.

    Labels have to be in order and must not overlap.
    """
    filled = [(tier.name, _intervals(tier)) for tier in tiers]
    end = max((intervals[-1].end for _, intervals in filled if intervals), default=_SHORTEST)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_time(end)}",
        "tiers? <exists>",
        f"size = {len(filled)}",
        "item []:",
    ]
    for k, (name, intervals) in enumerate(filled, start=1):
        if not intervals or intervals[-1].end < end:
            start = intervals[-1].end if intervals else 0.0
            intervals = [*intervals, Label(start, end, "")]
        lines += [
            f"    item [{k}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
            "        xmin = 0",
            f"        xmax = {_time(end)}",
            f"        intervals: size = {len(intervals)}",
        ]
        lines += _interval_lines(intervals)
    return "\n".join(lines) + "\n"


def _interval_lines(intervals: Iterable[Label]) -> Iterator[str]:
    for k, label in enumerate(intervals, start=1):
        yield f"        intervals [{k}]:"
        yield f"            xmin = {_time(label.start)}"
        yield f"            xmax = {_time(label.end)}"
        yield f"            text = {_quoted(label.text)}"


def _intervals(tier: Tier) -> list[Label]:
    """Labels from 0 to the end without gaps, each longer than nothing."""
    intervals: list[Label] = []
    at = 0.0
    for label in tier.labels:
        if label.start > at + _SHORTEST:
            intervals.append(Label(at, label.start, ""))
            at = label.start
        end = max(label.end, at + _SHORTEST)
        intervals.append(Label(at, end, label.text))
        at = end
    if tier.end is not None and tier.end > at + _SHORTEST:
        intervals.append(Label(at, tier.end, ""))
    return intervals


def _time(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") or "0"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
