"""Everything that is wrong with a song, said at once and before any heavy work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import SingwizError

_SHOWN = 8


class SongProblems(SingwizError):
    """Several problems of one song.

    Attributes:
        problems: each with its own code, place and hint.
    """

    def __init__(self, problems: tuple[SingwizError, ...]) -> None:
        codes = {problem.code for problem in problems}
        lines = [
            f"{problem.where}: {problem.message}" if problem.where else problem.message
            for problem in problems[:_SHOWN]
        ]
        if len(problems) > _SHOWN:
            lines.append(f"… and {len(problems) - _SHOWN} more.")
        super().__init__(
            codes.pop() if len(codes) == 1 else "song-problems",
            f"The song has {len(problems)} problems:\n  " + "\n  ".join(lines),
            hint=" ".join(dict.fromkeys(p.hint for p in problems[:_SHOWN] if p.hint)),
            exit_code=max(problem.exit_code for problem in problems),
        )
        self.problems = problems

    def __reduce__(self) -> tuple[type[SongProblems], tuple[tuple[SingwizError, ...]]]:
        return SongProblems, (self.problems,)


class Problems:
    """Collects problems while a song is checked segment by segment."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], SingwizError] = {}

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep what the block raises instead of raising it; the same problem counts once."""
        try:
            yield
        except SingwizError as error:
            self._found.setdefault((error.where, error.message), error)

    def raise_any(self) -> None:
        """Raise what was collected.

        Raises:
            SingwizError: the only problem, or :class:`SongProblems`.
        """
        found = tuple(self._found.values())
        if len(found) == 1:
            raise found[0]
        if found:
            raise SongProblems(found)


@contextmanager
def in_segment(number: int) -> Iterator[None]:
    """Name the segment, counted from 1, in what the block raises."""
    try:
        yield
    except SingwizError as error:
        where = f"segment {number}" + (f", {error.where}" if error.where else "")
        raise SingwizError(
            error.code,
            error.message.replace("A segment", "The segment").replace("a segment", "it"),
            hint=error.hint,
            where=where,
            exit_code=error.exit_code,
        ) from error
