"""Why long work breaks off: what the log of a crash shows, what it means, and what helps.

An entry is a pattern over the last lines of a log or over an exception. The first one that fits
counts, so special ones stand before general ones.
"""

from __future__ import annotations

import re
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path

from ..errors import USAGE_PROBLEM, SingwizError

LOG_FILE = "log.txt"
TAIL_BYTES = 16_384
"""How much of the end of a log is looked at: what broke the work stands there."""


@dataclass(frozen=True, slots=True)
class Known:
    """One way to break off.

    Attributes:
        code: stable name.
        pattern: what the log or the exception shows.
        cause: what it means, one sentence.
        cure: what helps.
    """

    code: str
    pattern: str
    cause: str
    cure: str

    def fits(self, text: str) -> bool:
        """Whether a text shows it."""
        return re.search(self.pattern, text, re.IGNORECASE) is not None


KNOWN: tuple[Known, ...] = (
    Known(
        "gpu-out-of-memory",
        r"CUDA out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED"
        r"|torch\.\w*\.?OutOfMemoryError|MPS backend out of memory|HIP out of memory",
        "The memory of the graphics card is full.",
        "Close other programs that use the card, or lower max_batch_frames and max_batch_size, or "
        "choose a smaller size of the voice; training goes on from its last checkpoint.",
    ),
    Known(
        "shared-memory",
        r"insufficient shared memory"
        r"|unable to (?:open|write to|mmap) (?:shared memory|file </torch_)"
        r"|/dev/shm.*No space left",
        "The memory that processes share is full; containers often have very little of it.",
        "Set ds_workers to 0, or give the container more shared memory (--shm-size).",
    ),
    Known(
        "out-of-memory",
        r"MemoryError|Cannot allocate memory|std::bad_alloc|(?:can't|not enough).{0,20}allocate"
        r"|not enough memory: you tried|paging file is too small|WinError 1455|WinError 8\b"
        r"|DataLoader worker .* killed by signal: Killed|Unable to allocate .* for an array",
        "The computer ran out of memory.",
        "Close other programs, use fewer workers, or choose smaller batches or a smaller size of "
        "the voice.",
    ),
    Known(
        "disk-full",
        r"No space left on device|\[Errno 28\]|Disk quota exceeded|\[Errno 122\]|WinError 112\b"
        r"|not enough space on the disk",
        "The disk is full.",
        "Free some space and start again; what is finished is kept.",
    ),
    Known(
        "gpu-driver-mismatch",
        r"Driver/library version mismatch|forward compatibility was attempted"
        r"|CUDA (?:error: )?unknown error",
        "The driver of the graphics card was changed while it was in use.",
        "Restart the computer.",
    ),
    Known(
        "gpu-driver-old",
        r"driver.{0,60}is too old|CUDA driver version is insufficient",
        "The driver of the graphics card is too old for the installed torch.",
        "Install NVIDIA's newest driver, then restart the computer; or train on the processor "
        "(--device cpu).",
    ),
    Known(
        "gpu-not-supported",
        r"no kernel image is available|CUDA error: invalid device function"
        r"|is not compatible with the current PyTorch",
        "The installed torch was not made for this graphics card.",
        "Install a torch that knows the card ('singwiz doctor' names the card and the torch), or "
        "train on the processor (--device cpu).",
    ),
    Known(
        "gpu-missing",
        r"Torch not compiled with CUDA enabled|Found no NVIDIA driver|No CUDA GPUs are available"
        r"|No supported gpu backend found",
        "No graphics card can be used: torch was installed without CUDA, or there is no driver.",
        "Choose 'No GPU' as the machine, or install torch for CUDA and NVIDIA's driver; 'singwiz "
        "doctor' says which one is missing.",
    ),
    Known(
        "gpu-error",
        r"CUDA error:|cuDNN error|CUDNN_STATUS|CUBLAS_STATUS|CUFFT_|GPU has fallen off the bus"
        r"|NCCL error",
        "The graphics card reported an error in the middle of the work.",
        "Start again: training goes on from its last checkpoint. If it comes back, restart the "
        "computer, update the driver and undo overclocking.",
    ),
    Known(
        "checkpoint-damaged",
        r"PytorchStreamReader failed|failed finding central directory|archive is corrupted"
        r"|unexpected EOF, expected \d+ more bytes|UnpicklingError|Weights only load failed"
        r"|not a ZIP archive",
        "A checkpoint is damaged; it was probably cut off while it was copied or written.",
        "Delete that file and start again from the checkpoint before it, or copy or fetch it anew.",
    ),
    Known(
        "checkpoint-other-network",
        r"size mismatch for|(?:Missing|Unexpected) key\(s\) in state_dict",
        "The checkpoint belongs to a network of another shape.",
        "Undo the change of the model's settings, or train a new voice with the new ones.",
    ),
    Known(
        "prepared-data-locked",
        r"unable to lock file|resource temporarily unavailable.*h5|file is already open for",
        "Another program has the prepared recordings open.",
        "Stop the other work on this project and start again.",
    ),
    Known(
        "prepared-data-damaged",
        r"truncated file: eof|file signature not found|bad object header|"
        r"Unable to (?:synchronously )?open (?:file|object)|Can't (?:synchronously )?read data",
        "The prepared recordings are damaged or were made by something else.",
        "Prepare the recordings again; only what is missing is measured anew.",
    ),
    Known(
        "not-a-number",
        r"loss (?:is|became|was) (?:nan|inf|not)|(?:contains|found|has|is) (?:nan|inf)\b"
        r"|not finite|Input contains NaN|non-finite",
        "A value is no longer a number, so nothing more can be learned from it.",
        "Check the recordings again; if they are fine, go on from an earlier checkpoint with a "
        "lower learning rate (optimizer_args.lr) and precision 32-true.",
    ),
    Known(
        "port-in-use",
        r"Address already in use|\[Errno (?:98|48)\]|WinError 10048|only one usage of each socket",
        "Another program already uses that network port.",
        "Close the other window of the wizard, or choose another --port.",
    ),
    Known(
        "file-in-use",
        r"WinError 32\b|being used by another process|Text file busy",
        "Another program has one of the files open.",
        "Close it there (players and editors, too), then start again.",
    ),
    Known(
        "path-too-long",
        r"File name too long|\[Errno 36\]|\[Errno 63\]|WinError 206\b",
        "The path of a file is too long for this system.",
        "Move the project nearer to the top, e.g. C:\\voices, or shorten the names of the "
        "recordings.",
    ),
    Known(
        "path-letters",
        r"UnicodeEncodeError|'(?:charmap|cp\d+|gbk|shift_jis|ascii)' codec can't",
        "A name has letters that a program on this system cannot handle.",
        "Move the project to a folder with Latin letters only, e.g. C:\\voices.",
    ),
    Known(
        "not-permitted",
        r"PermissionError|Permission denied|\[Errno 13\]|WinError 5\b|Access is denied"
        r"|Operation not permitted|Read-only file system|\[Errno 30\]",
        "The system does not allow a file to be read or written.",
        "Check who owns the project folder, and that no other program has its files open.",
    ),
    Known(
        "too-many-files",
        r"Too many open files|\[Errno 24\]",
        "The system does not allow so many open files.",
        "Use fewer workers, or raise the limit (ulimit -n 4096).",
    ),
    Known(
        "worker-process-lost",
        r"DataLoader worker .*exited unexpectedly|BrokenProcessPool|worker process.*terminated"
        r"|TerminatedWorkerError",
        "A helper process ended in the middle of the work, most likely because memory ran out.",
        "Set ds_workers or the number of workers to 0, or close other programs.",
    ),
    Known(
        "package-missing",
        r"ModuleNotFoundError|DLL load failed|cannot open shared object file|undefined symbol"
        r"|compiled using NumPy 1|numpy\.dtype size changed",
        "A part of the installation is missing or does not fit the others.",
        "Install singwiz anew into an empty environment; 'singwiz doctor' says what is wrong.",
    ),
    Known(
        "network-unreachable",
        r"getaddrinfo failed|Name or service not known|Temporary failure in name resolution"
        r"|CERTIFICATE_VERIFY_FAILED|Max retries exceeded|ConnectError|Network is unreachable",
        "The server could not be reached.",
        "Check the network, or fetch the file by other means and hand it over.",
    ),
    Known(
        "file-missing",
        r"FileNotFoundError|No such file or directory|WinError [23]\b",
        "A file that the work needs is not there any more.",
        "See in the log which one it is; if recordings were moved, choose their folder again in "
        "the first step, else prepare the recordings again.",
    ),
)
"""Everything known, special before general."""

_SIGNALS: dict[str, tuple[str, str, str]] = {
    "SIGKILL": (
        "killed-for-memory",
        "The system ended the work, as it does when memory runs out.",
        "Close other programs, choose smaller batches, fewer workers or a smaller size of the "
        "voice, then start again; training continues from its last checkpoint.",
    ),
    "SIGSEGV": (
        "crashed",
        "A library crashed in the middle of the work.",
        "Start again; if it comes back, update the driver of the graphics card and install "
        "singwiz anew into an empty environment.",
    ),
    "SIGILL": (
        "processor-too-old",
        "A library uses instructions that this processor does not have.",
        "Install versions of torch and onnxruntime that are made for older processors.",
    ),
    "SIGBUS": (
        "shared-memory",
        "Memory that processes share, or a file on a network drive, went away.",
        "Set ds_workers to 0, and keep the project on a local disk.",
    ),
    "SIGXFSZ": (
        "disk-full",
        "A file became larger than the system allows you.",
        "Raise the limit (ulimit -f), or use another disk.",
    ),
    "SIGTERM": (
        "ended-from-outside",
        "The work was ended from outside, for example because the computer was shut down.",
        "Start it again; training continues from its last checkpoint.",
    ),
}
_SIGNALS["SIGABRT"] = _SIGNALS["SIGSEGV"]
_WINDOWS_CODES = {
    0xC0000005: "SIGSEGV",
    0xC0000409: "SIGSEGV",
    0xC000001D: "SIGILL",
    0xC0000017: "SIGKILL",
    0x40010004: "SIGTERM",
}
"""Exit codes of Windows and the signals they come closest to."""


def explain(text: str) -> Known | None:
    """What a log or an exception shows; None if nothing known."""
    return next((one for one in KNOWN if one.fits(text)), None)


def known_error(error: BaseException) -> SingwizError | None:
    """An exception from a library as something a user can mend; None if it is not known."""
    text = "".join(traceback.format_exception_only(error))
    if error.__cause__ is not None:
        text += "".join(traceback.format_exception_only(error.__cause__))
    found = explain(text)
    if found is None:
        return None
    return SingwizError(
        found.code,
        found.cause,
        hint=found.cure,
        where=str(getattr(error, "filename", None) or ""),
        exit_code=USAGE_PROBLEM,
    )


def sudden_end(code: int, job_dir: Path) -> dict[str, str]:
    """Why a process ended without a last word.

    Args:
        code: what it ended with; negative = number of a signal.
        job_dir: folder with its log.

    Returns:
        ``code``, ``message``, ``hint``, ``where``.
    """
    how = f"exit code {code}"
    name = _WINDOWS_CODES.get(code & 0xFFFFFFFF, "")
    if code < 0 and not name:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = ""
        how = f"signal {-code}"
    found = explain(_tail(job_dir))
    if found is not None and name not in ("SIGKILL", "SIGTERM"):
        return _error(found.code, f"{found.cause} The work ended with {how}.", found.cure, job_dir)
    if name in _SIGNALS:
        key, cause, cure = _SIGNALS[name]
        return _error(key, f"{cause} ({how})", cure, job_dir)
    return _error(
        "job-died",
        f"The work was ended from outside before it was finished ({how}).",
        "Start it again; training continues from its last checkpoint. If this repeats, the "
        "computer probably runs out of memory: choose a smaller batch.",
        job_dir,
    )


def vanished(job_dir: Path) -> dict[str, str]:
    """Why work is gone without a record: nobody was left to write one; in the same form."""
    found = explain(_tail(job_dir))
    if found is not None:
        return _error(found.code, f"{found.cause} The work stopped there.", found.cure, job_dir)
    return _error(
        "job-died",
        "The work stopped before it was finished: its process is gone.",
        "The computer was probably restarted or shut down. Start it again; training continues "
        "from its last checkpoint.",
        job_dir,
    )


def _error(code: str, message: str, hint: str, job_dir: Path) -> dict[str, str]:
    return {"code": code, "message": message, "hint": hint, "where": str(job_dir / LOG_FILE)}


def _tail(job_dir: Path) -> str:
    """The end of the log, from the last traceback on if it has one."""
    try:
        with (job_dir / LOG_FILE).open("rb") as handle:
            handle.seek(0, 2)
            handle.seek(max(handle.tell() - TAIL_BYTES, 0))
            text = handle.read().decode("utf-8", "replace")
    except OSError:
        return ""
    start = max(text.rfind("Traceback (most recent"), text.rfind("Fatal Python error"))
    return text[start:] if start >= 0 else "\n".join(text.splitlines()[-15:])
