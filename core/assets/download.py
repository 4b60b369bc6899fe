"""Fetching a large file over a line that may break: resumed, limited, and hashed.

A file that is not complete yet lies beside its goal as ``<name>.part``, with
``<name>.part.json`` saying which version of the remote file it is a part of; the next attempt,
today or tomorrow, goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..atomic import write_text
from ..errors import Cancelled, SingwizError
from ..reporting import Reporter

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 4 << 30
"""No file of the catalogue is nearly as large; a server that sends more is not trusted."""
ATTEMPTS = 5
"""Broken connections in a row that brought nothing new, until we give up."""
TIMEOUT = 30.0
"""Seconds without a byte."""


@dataclass(frozen=True)
class Downloaded:
    """A complete file.

    Attributes:
        path: where it lies.
        size: bytes.
        sha256: of its content.
    """

    path: Path
    size: int
    sha256: str


class _Broken(Exception):
    """The connection ended early; what came so far can be used."""


def download(
    url: str,
    target: Path,
    *,
    reporter: Reporter | None = None,
    label: str = "",
    max_bytes: int = MAX_BYTES,
    pause: Callable[[float], None] = time.sleep,
) -> Downloaded:
    """Fetch ``url`` into ``target``, going on from what an earlier attempt left.

    Args:
        url: ``https``, or ``http``.
        target: the file to make; its folder is created.
        reporter: receives megabytes, and may cancel; what came so far is kept.
        label: what to call the file in progress lines.
        max_bytes: most bytes to accept.
        pause: waits some seconds between attempts.

    Raises:
        SingwizError: the server does not give the file, it is too large, or the disk is full.
        Cancelled: the user stopped.
    """
    import httpx

    if urlsplit(url).scheme not in ("http", "https"):
        raise SingwizError(
            "download-address",
            f"'{url}' is no web address.",
            hint="It has to begin with https://.",
        )
    reporter = reporter or Reporter()
    partial = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True, max_redirects=10) as client:
        fruitless = 0
        while True:
            before = _size(partial)
            try:
                _fetch(client, url, partial, reporter, label or target.name, max_bytes)
                break
            except (_Broken, httpx.TransportError) as error:
                fruitless = 0 if _size(partial) > before else fruitless + 1
                if fruitless >= ATTEMPTS:
                    raise _failed(url, f"the connection broke again and again ({error})") from None
                pause(min(2.0**fruitless, 20.0))
            except httpx.HTTPError as error:
                raise _failed(url, str(error)) from None
    digest = sha256_of(partial)
    partial.replace(target)
    _note(partial).unlink(missing_ok=True)
    return Downloaded(target, target.stat().st_size, digest)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(
    client: httpx.Client, url: str, partial: Path, reporter: Reporter, label: str, limit: int
) -> None:
    """One attempt; returns when the file is complete."""
    have = _size(partial)
    validator = _validator(partial, url) if have else ""
    headers = {"Accept-Encoding": "identity"}
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    else:
        have = 0
    with client.stream("GET", url, headers=headers) as response:
        if response.url.scheme == "http" and urlsplit(url).scheme == "https":
            raise _failed(url, "the server leads to an address without encryption")
        if response.status_code == 416:
            # Nothing lies behind what we have: either it is complete, or something else.
            if response.headers.get("Content-Range", "") == f"bytes */{have}":
                return
            _forget(partial)
            raise _Broken("the file on the server changed")
        if response.status_code == 206:
            start, total = _range(response.headers.get("Content-Range", ""))
            if start != have:
                _forget(partial)
                raise _Broken("the server sent another part than was asked for")
        elif response.status_code == 200:
            have = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else 0
        elif response.status_code in (408, 425, 429) or response.status_code >= 500:
            raise _Broken(f"the server answered {response.status_code}")
        else:
            raise _failed(url, f"the server answered {response.status_code}")
        if total > limit:
            raise _too_large(url, limit)
        _check_space(partial, total - have)
        write_text(_note(partial), json.dumps({"url": url, "validator": _strong(response)}))
        done = have
        with _disk(partial), partial.open("ab" if have else "wb") as file:
            # As it comes: what waits in a buffer is lost when the connection breaks.
            for chunk in response.iter_raw():
                done += len(chunk)
                if done > limit:
                    raise _too_large(url, limit)
                file.write(chunk)
                reporter.progress(done / 1e6, (total or done) / 1e6, label)
                if reporter.cancelled():
                    raise Cancelled
        if total and done < total:
            raise _Broken(f"{done} of {total} bytes came")


def _strong(response: httpx.Response) -> str:
    """What identifies this version of the file; weak tags do not allow to resume."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return response.headers.get("Last-Modified", "")


def _validator(partial: Path, url: str) -> str:
    try:
        note = json.loads(_note(partial).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(note, dict) or note.get("url") != url:
        return ""
    return str(note.get("validator") or "")


def _range(value: str) -> tuple[int, int]:
    """``bytes 100-199/200`` -> (100, 200); an unknown total is 0."""
    try:
        span, _, total = value.removeprefix("bytes ").partition("/")
        return int(span.partition("-")[0]), int(total) if total.isdigit() else 0
    except ValueError:
        return -1, 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _note(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _check_space(partial: Path, needed: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise SingwizError(
            "disk-full",
            f"The file needs {needed / 1e6:.0f} MB, but only {free / 1e6:.0f} MB are free.",
            hint="Free some space and try again.",
            where=str(partial.parent),
        )


@contextmanager
def _disk(partial: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SingwizError(
            "download-not-writable",
            f"The file cannot be written: {error.strerror or error}.",
            hint="Is the disk full? What came so far is kept; the same command goes on from there.",
            where=str(partial),
        ) from None


def _failed(url: str, reason: str) -> SingwizError:
    return SingwizError(
        "download-failed",
        f"The file could not be fetched: {reason}.",
        hint="Try again later, or download it with your browser and give it to "
        "'singwiz assets add NAME FILE'.",
        where=url,
    )


def _too_large(url: str, limit: int) -> SingwizError:
    return SingwizError(
        "download-too-large",
        f"The server sends more than {limit / 1e9:.1f} GB, which this file cannot have.",
        hint="Check the address.",
        where=url,
    )
