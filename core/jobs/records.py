"""The two small files that say what a job is and how it ended.

``job.json`` is written when the job starts, ``result.json`` when it ends, whatever ends it.
"""

from __future__ import annotations

import errno
import json
import os
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from .events import EventWriter, to_plain
from .knowledge import LOG_FILE, known_error

JOB_FILE = "job.json"
RESULT_FILE = "result.json"


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Atomically write a record as JSON."""
    write_text(path, json.dumps(to_plain(record), ensure_ascii=False, indent=1) + "\n")


def read_record(path: Path) -> dict[str, Any] | None:
    """A record, or None if the file is not there (yet) or unusable."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write_result(
    job_dir: Path,
    state: str,
    *,
    result: Mapping[str, Any] | None = None,
    error: Mapping[str, str] | None = None,
) -> None:
    """Write ``result.json``; ``state`` is done, failed, cancelled or died."""
    write_record(
        job_dir / RESULT_FILE,
        {"state": state, "result": result, "error": error, "ended": time.time()},
    )


def as_user_error(error: BaseException) -> SingwizError | None:
    """``error`` as something a user can mend, or None if it is a bug of ours."""
    if isinstance(error, SingwizError):
        return error
    # torch.cuda.OutOfMemoryError is recognised by name: torch stays out of this room.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return SingwizError(
            "out-of-memory",
            "The computer ran out of memory.",
            hint="Close other programs, or choose a smaller batch or a smaller model preset.",
            exit_code=USAGE_PROBLEM,
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SingwizError(
            "disk-full",
            "The disk is full.",
            hint="Free some space and start again; what is finished is kept.",
            where=str(error.filename or ""),
            exit_code=USAGE_PROBLEM,
        )
    if isinstance(error, PermissionError):
        return SingwizError(
            "not-permitted",
            f"The system does not allow this: {error.strerror or error}.",
            hint="Check who owns that file, and that no other program has it open.",
            where=str(error.filename or ""),
            exit_code=USAGE_PROBLEM,
        )
    return None


def bug_report(error: BaseException, log: Path) -> SingwizError:
    """The error shown for a bug of ours; the traceback is in ``log``."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    return SingwizError(
        "internal-error",
        f"This is a bug in singwiz, not your mistake: {kind}{': ' + text if text else ''}.",
        hint=f"Please report it and attach '{log}'.",
        exit_code=USAGE_PROBLEM,
    )


def is_further_rank() -> bool:
    """True in the copies of this process that Lightning starts for further GPUs.

    They take part in the work, but only the first process keeps the records.
    """
    return int(os.environ.get("LOCAL_RANK") or 0) > 0 or int(os.environ.get("NODE_RANK") or 0) > 0


class LogLines(Reporter):
    """Writes the lines meant for humans into a text stream, with the time of day."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _line(self, text: str) -> None:
        self._stream.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        self._stream.flush()

    def log(self, text: str) -> None:
        self._line(text)

    def warning(self, code: str, message: str, item: str = "") -> None:
        self._line(f"warning: {item + ': ' if item else ''}{message} [{code}]")

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        self._line(f"{label or kind}: {path}")


class Tee(Reporter):
    """Passes everything on to several reporters; cancelled as soon as one of them is."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def progress(self, done: float, total: float, label: str = "") -> None:
        for reporter in self._reporters:
            reporter.progress(done, total, label)

    def metric(self, name: str, value: float, step: int) -> None:
        for reporter in self._reporters:
            reporter.metric(name, value, step)

    def log(self, text: str) -> None:
        for reporter in self._reporters:
            reporter.log(text)

    def warning(self, code: str, message: str, item: str = "") -> None:
        for reporter in self._reporters:
            reporter.warning(code, message, item)

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        for reporter in self._reporters:
            reporter.artifact(kind, path, label)

    def cancelled(self) -> bool:
        return any(reporter.cancelled() for reporter in self._reporters)


def run_recorded(
    job_dir: Path,
    events: EventWriter,
    log: TextIO,
    call: Callable[[Reporter], dict[str, Any]],
    *,
    audience: Reporter | None = None,
) -> dict[str, Any]:
    """Run ``call`` and record how it ends in events, log and ``result.json``.

    Returns:
        What ``call`` returned, as plain data.

    Raises:
        SingwizError: what the user can mend, or a bug report in that form.
        Cancelled: the user stopped the work.
    """
    reporter = Tee(events, LogLines(log), *([audience] if audience else []))
    error: SingwizError
    try:
        result = to_plain(call(reporter))
        if result.get("stopped_early"):
            write_result(job_dir, "cancelled", result=result)
        else:
            events.write("done")
            write_result(job_dir, "done", result=result)
        return result
    except (Cancelled, KeyboardInterrupt):
        write_result(job_dir, "cancelled")
        raise Cancelled from None
    except BaseException as exception:
        # Lightning turns Ctrl-C into SystemExit.
        if isinstance(exception, SystemExit) and reporter.cancelled():
            write_result(job_dir, "cancelled")
            raise Cancelled from None
        known = as_user_error(exception) or known_error(exception)
        if known is None or known is not exception:
            traceback.print_exc(file=log)
        error = known or bug_report(exception, job_dir / LOG_FILE)
        LogLines(log).log(f"error: {error}")
        events.error(error.to_dict())
        write_result(job_dir, "failed", error=error.to_dict())
        if error is exception or os.environ.get("SINGWIZ_DEBUG"):
            raise
        raise error from exception
    finally:
        events.close()
