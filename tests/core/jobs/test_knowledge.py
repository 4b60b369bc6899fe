"""Crashes are explained, and reports about them keep private things private."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

import pytest

from singwiz.core.jobs import Job
from singwiz.core.jobs.knowledge import KNOWN, explain, known_error, sudden_end, vanished
from singwiz.core.jobs.report import redact, report

SHOWN = [
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "gpu-out-of-memory",
    ),
    ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "out-of-memory"),
    ("MemoryError: Unable to allocate 3.2 GiB for an array", "out-of-memory"),
    ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.", "out-of-memory"),
    ("OSError: [Errno 28] No space left on device", "disk-full"),
    ("OSError: [WinError 112] There is not enough space on the disk", "disk-full"),
    ("Failed to initialize NVML: Driver/library version mismatch", "gpu-driver-mismatch"),
    ("The NVIDIA driver on your system is too old (found version 11040)", "gpu-driver-old"),
    ("CUDA error: no kernel image is available for execution", "gpu-not-supported"),
    ("AssertionError: Torch not compiled with CUDA enabled", "gpu-missing"),
    ("RuntimeError: CUDA error: an illegal memory access was encountered", "gpu-error"),
    (
        "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central "
        "directory",
        "checkpoint-damaged",
    ),
    ("size mismatch for fs2.txt_embed.weight: copying a param", "checkpoint-other-network"),
    ("OSError: Unable to open file (truncated file: eof = 96)", "prepared-data-damaged"),
    ("BlockingIOError: Unable to open file (unable to lock file)", "prepared-data-locked"),
    ("ValueError: Input contains NaN.", "not-a-number"),
    ("OSError: [Errno 98] Address already in use", "port-in-use"),
    ("PermissionError: [WinError 32] The process cannot access the file", "file-in-use"),
    ("OSError: [Errno 36] File name too long: 'aaaa'", "path-too-long"),
    ("UnicodeEncodeError: 'charmap' codec can't encode characters", "path-letters"),
    ("PermissionError: [Errno 13] Permission denied: 'x'", "not-permitted"),
    ("OSError: [Errno 24] Too many open files", "too-many-files"),
    ("ImportError: DLL load failed while importing _C", "package-missing"),
    ("FileNotFoundError: [Errno 2] No such file or directory: 'a.wav'", "file-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), SHOWN)
def test_what_a_log_shows_is_recognised(text: str, code: str) -> None:
    found = explain(f"Traceback (most recent call last):\n  File 'x.py', line 3\n{text}\n")
    assert found is not None and found.code == code
    assert found.cause.endswith(".") and found.cure.endswith(".")


def test_bugs_are_not_explained_away() -> None:
    for text in ("shapes (3,) and (4,) do not match", "KeyError: 'nan_mask'", "list index"):
        assert explain(text) is None
    assert known_error(RuntimeError("index 4 is out of bounds")) is None
    assert len({one.code for one in KNOWN}) == len(KNOWN)


def test_the_exception_behind_an_exception_counts() -> None:
    try:
        try:
            raise OSError(36, "File name too long", "long.wav")
        except OSError as error:
            raise RuntimeError("could not write") from error
    except RuntimeError as error:
        found = known_error(error)
    assert found is not None and found.code == "path-too-long"


def test_a_killed_process_is_told_from_one_that_crashed(tmp_path: Path) -> None:
    assert sudden_end(-9, tmp_path)["code"] == "killed-for-memory"
    assert sudden_end(-11, tmp_path)["code"] == "crashed"
    assert sudden_end(0xC0000005, tmp_path)["code"] == "crashed"
    assert sudden_end(1, tmp_path)["code"] == "job-died"
    (tmp_path / "log.txt").write_text("12:00:00 step 3\nCUDA error: unspecified launch failure\n")
    assert sudden_end(-6, tmp_path)["code"] == "gpu-error"
    assert sudden_end(-9, tmp_path)["code"] == "killed-for-memory"
    assert vanished(tmp_path)["code"] == "gpu-error"


def test_paths_and_names_are_taken_out_of_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/miyu")
    monkeypatch.setattr(getpass, "getuser", lambda: "miyu")
    monkeypatch.setattr(platform, "node", lambda: "miyus-laptop")
    project = Path("/home/miyu/voices/aoi")
    text = redact(
        "/home/miyu/voices/aoi/jobs/1/log.txt and /home/miyu/voices/aoi-secret/a.wav\n"
        "/srv/studio/singer name/take1.wav, C:\\Users\\Miyu\\songs\\b.wav; /media/disk/x.ckpt:12\n"
        "Miyu on miyus-laptop, 3/4 time, and/or, http://localhost:7860/x",
        project,
    )
    assert "<project>/jobs/1/log.txt" in text
    assert "~/voices/aoi-secret/a.wav" in text
    assert "<elsewhere>/x.ckpt:12" in text
    assert "<elsewhere>/b.wav" in text
    assert "<user> on <machine>" in text
    assert "3/4 time, and/or, http://localhost:7860/x" in text
    for private in ("miyu", "studio", "Users"):
        assert private.lower() not in text.lower()


def test_a_report_has_error_versions_and_log_but_no_home(tmp_path: Path) -> None:
    folder = tmp_path / "voice" / "jobs" / "20260101-000000000-train-abcd"
    folder.mkdir(parents=True)
    job = {"stage": "train", "params": {"model": "acoustic"}, "created": 1.0}
    (folder / "job.json").write_text(json.dumps({**job, "project": str(tmp_path / "voice")}))
    error = {"code": "disk-full", "message": "Full.", "hint": "Free.", "where": str(folder)}
    (folder / "result.json").write_text(json.dumps({"state": "failed", "error": error, "ended": 3}))
    (folder / "log.txt").write_text(f"reading {tmp_path}/elsewhere/song.wav\n")
    text = report(Job.open(folder))
    assert "failed after 2 s" in text
    assert "disk-full: Full." in text
    assert "model=acoustic" in text
    assert "torch 2" in text
    assert "<elsewhere>/song.wav" in text
    assert "<project>/jobs/" in text
    assert str(tmp_path) not in text
