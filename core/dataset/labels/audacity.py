"""Label tracks of Audacity: ``start TAB end TAB text``, in seconds."""

from __future__ import annotations

from collections.abc import Iterable

from .model import Label, Tier, checked, invalid, parse_time


def read_audacity(text: str) -> Tier:
    """Read an exported label track. Labels without length mark points in time.

    Raises:
        SingwizError: not a label track.
    """
    labels = []
    for number, line in enumerate(text.split("\n"), start=1):
        # A line with a backslash holds the frequency range of the label above.
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t", 2)
        if len(fields) < 2:
            raise invalid(f"'{line.strip()[:30]}' has no TABs between times and text", number)
        start, end = (parse_time(field.strip(), number) for field in fields[:2])
        name = fields[2].strip() if fields[2:] else ""
        labels.append(checked(Label(start, end, name), number))
    return Tier(tuple(labels))


def write_audacity(labels: Iterable[Label]) -> str:
    """The text of a label track."""
    return "".join(f"{label.start:.7f}\t{label.end:.7f}\t{label.text}\n" for label in labels)
