"""Downloads over a line that breaks."""

from __future__ import annotations

import hashlib
import random

import pytest

from singwiz.core.assets.download import download
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.reporting import Reporter

CONTENT = random.Random(1).randbytes(1_500_000)


class Listener(Reporter):
    """Remembers progress, and cancels after some reports."""

    def __init__(self, *, stop_after: int = 10**9) -> None:
        self.reports: list[tuple[float, float]] = []
        self.stop_after = stop_after

    def progress(self, done: float, total: float, label: str = "") -> None:
        self.reports.append((done, total))

    def cancelled(self) -> bool:
        return len(self.reports) >= self.stop_after


def no_pause(seconds: float) -> None:
    pass


def fetch(site, tmp_path, **more):
    return download(site.url("/model.zip"), tmp_path / "model.zip", pause=no_pause, **more)


def test_a_file_arrives_whole_with_progress_and_its_hash(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    listener = Listener()
    got = fetch(site, tmp_path, reporter=listener)
    assert got.path.read_bytes() == CONTENT
    assert got.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert listener.reports[-1] == (1.5, 1.5)
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


def test_a_broken_transfer_goes_on_where_it_broke(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    site.break_after = [400_000, 500_000]
    assert fetch(site, tmp_path).path.read_bytes() == CONTENT
    first, second, third = site.asked
    assert first == ""
    assert second == "bytes=400000-"
    assert third == "bytes=900000-"


def test_a_cancelled_download_goes_on_with_the_next_call(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    with pytest.raises(Cancelled):
        fetch(site, tmp_path, reporter=Listener(stop_after=2))
    assert not (tmp_path / "model.zip").exists()
    assert fetch(site, tmp_path).path.read_bytes() == CONTENT
    assert site.asked[1].startswith("bytes=") and site.asked[1] != "bytes=0-"


def test_a_file_that_changed_in_between_starts_anew(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    with pytest.raises(Cancelled):
        fetch(site, tmp_path, reporter=Listener(stop_after=2))
    site.files["/model.zip"] = other = CONTENT[::-1]
    assert fetch(site, tmp_path).path.read_bytes() == other


def test_a_server_that_cannot_resume_starts_anew(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    site.resumes = False
    site.break_after = [700_000]
    assert fetch(site, tmp_path).path.read_bytes() == CONTENT


def test_a_complete_part_is_recognised(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    with pytest.raises(Cancelled):
        fetch(site, tmp_path, reporter=Listener(stop_after=1))
    (tmp_path / "model.zip.part").write_bytes(CONTENT)
    assert fetch(site, tmp_path).path.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    site.statuses = [503, 429]
    assert fetch(site, tmp_path).path.read_bytes() == CONTENT


def test_a_line_that_never_delivers_is_given_up(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    site.break_after = [0] * 50
    with pytest.raises(SingwizError) as refusal:
        fetch(site, tmp_path)
    assert refusal.value.code == "download-failed"
    assert len(site.asked) == 5


def test_a_missing_file_says_how_to_do_without(site, tmp_path):
    with pytest.raises(SingwizError) as refusal:
        fetch(site, tmp_path)
    assert "404" in refusal.value.message
    assert "assets add" in refusal.value.hint


def test_a_server_that_sends_too_much_is_stopped(site, tmp_path):
    site.files["/model.zip"] = CONTENT
    with pytest.raises(SingwizError) as refusal:
        fetch(site, tmp_path, max_bytes=1_000_000)
    assert refusal.value.code == "download-too-large"
    assert not (tmp_path / "model.zip").exists()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "model.zip"])
def test_only_web_addresses_are_fetched(url, tmp_path):
    with pytest.raises(SingwizError) as refusal:
        download(url, tmp_path / "x")
    assert refusal.value.code == "download-address"
