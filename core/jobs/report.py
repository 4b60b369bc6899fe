"""A report about a job to hand to somebody who can help, without what is nobody's business.

Home folder, user name, name of the machine and paths outside the project are taken out.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import site
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .job import Job

LOG_LINES = 60
PACKAGES = ("torch", "lightning", "numpy", "onnxruntime", "gradio", "textual")
SHORTEST_NAME = 3
"""Letters; shorter user names are parts of ordinary words."""
ORDINARY_NAMES = frozenset({"root", "user", "admin", "administrator", "home", "voice", "singwiz"})
"""User names that tell nothing, but stand in logs as words."""
_IN_NAMES = r"[^\n\"'<>|*?:,;()\[\]{}\\/]"
_PATH = re.compile(
    # Names of folders may have blanks in them; better a word too much than a name too few.
    rf"(?<![\w<>~:/\\.])(?:[A-Za-z]:[\\/]|/|\\\\)(?:{_IN_NAMES}+[\\/])+((?:(?!\s){_IN_NAMES})*)"
)
"""An absolute path; its last part is caught."""


def report(job: Job) -> str:
    """Everything that helps to understand how a job ended, as text to copy."""
    status = job.status()
    error = status.error or {}
    lines = [
        f"job      {job.id}",
        f"state    {status.state} after {status.elapsed:.0f} s, at: {status.label or '-'}",
        f"params   {' '.join(f'{key}={value}' for key, value in job.params.items()) or '-'}",
    ]
    if error:
        lines += [
            f"error    {error.get('code', '')}: {error.get('message', '')}",
            f"hint     {error.get('hint', '')}",
            f"where    {error.get('where', '')}",
        ]
    lines += [f"{name:<8} {value}" for name, value in _machine().items()]
    lines += ["", "end of the log:", *job.log_tail(LOG_LINES)]
    project = Path(str(job.record.get("project") or job.dir.parent.parent))
    return redact("\n".join(lines), project) + "\n"


def redact(text: str, project: Path) -> str:
    """A text without private paths and names.

    Args:
        text: what to clean.
        project: paths in it stay, from its folder on.
    """
    for place, name in _places(project):
        for spelling in dict.fromkeys((place, place.replace("\\", "/"), place.replace("/", "\\"))):
            # A folder whose name only begins alike is another one.
            text = re.sub(re.escape(spelling) + r"(?![\w.-])", name, text)
    text = _PATH.sub(lambda found: f"<elsewhere>/{found[1]}", text)
    for private, name in ((_user(), "<user>"), (platform.node(), "<machine>")):
        if len(private) >= SHORTEST_NAME and private.lower() not in ORDINARY_NAMES:
            text = re.sub(rf"(?<!\w){re.escape(private)}(?!\w)", name, text, flags=re.IGNORECASE)
    return text


def _places(project: Path) -> list[tuple[str, str]]:
    """Folders that may be named, and how; inner ones before those they are in."""
    package = Path(__file__).resolve().parents[2]
    found = [
        (str(project), "<project>"),
        (str(project.resolve()), "<project>"),
        (str(package), "<singwiz>"),
        *((folder, "<packages>") for folder in site.getsitepackages()),
        (str(Path(os.__file__).parent), "<python>"),
        (sys.prefix, "<environment>"),
        (str(Path.home()), "~"),
    ]
    known = [(place.rstrip("/\\"), name) for place, name in found if len(place) > SHORTEST_NAME]
    return sorted(known, key=lambda one: -len(one[0]))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _machine() -> dict[str, str]:
    import psutil

    from ... import __version__

    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "missing"
    memory = psutil.virtual_memory().total / 2**30
    return {
        "singwiz": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB memory",
        "packages": ", ".join(f"{name} {version}" for name, version in found.items()),
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }
