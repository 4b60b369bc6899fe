"""The one exception that users are meant to see.

Everything a user can cause and mend is a :class:`SingwizError`: a code that can be looked
up, one sentence on what is wrong, where, and one on what to do. Any other exception is a
bug of ours.
"""

from __future__ import annotations

INPUT_PROBLEM = 1
"""Exit code: what the user gave us has problems, and they are listed."""

USAGE_PROBLEM = 2
"""Exit code: wrong usage, or the machine lacks something we need."""

INTERRUPTED = 130
"""Exit code: the user stopped the work."""


class SingwizError(Exception):
    """A problem that the user can mend.

    Args:
        code: stable kebab-case identifier, e.g. ``"config-unknown-key"``.
        message: one sentence in a musician's words saying what is wrong.
        hint: one sentence saying what to do about it.
        where: file, line or item the message is about, e.g. ``"transcriptions.csv:12"``.
        exit_code: what the command line exits with.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        where: str = "",
        exit_code: int = INPUT_PROBLEM,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.where = where
        self.exit_code = exit_code

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.code}]"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from their positional arguments; ours are mostly keywords, and
        # worker processes have to hand them back whole.
        return (_rebuild, (type(self), self.args, self.__dict__))

    def to_dict(self) -> dict[str, str]:
        """The error as plain data, as it is stored in job records and printed by ``--json``."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where,
        }


def _rebuild(
    kind: type[SingwizError], args: tuple[object, ...], state: dict[str, object]
) -> SingwizError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class Cancelled(Exception):
    """Raised where long work notices that the user asked it to stop."""
