"""What all rooms share: errors, findings and atomic writes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from singwiz.core.atomic import atomic_path, write_text
from singwiz.core.dictionary import UnknownPhoneme
from singwiz.core.errors import SingwizError
from singwiz.core.findings import Finding, Place, Severity, count_by_severity, has_errors


def test_an_error_comes_back_whole_from_a_worker_process() -> None:
    error = SingwizError("a-code", "It is wrong.", hint="Mend it.", where="f:3", exit_code=2)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is SingwizError
    assert (back.to_dict(), back.exit_code, str(back)) == (error.to_dict(), 2, str(error))
    assert issubclass(UnknownPhoneme, SingwizError)


def test_an_error_says_where_and_which_code() -> None:
    error = SingwizError("a-code", "It is wrong.", where="x.csv:3")
    assert str(error) == "x.csv:3: It is wrong. [a-code]"


def test_findings_are_counted_by_severity() -> None:
    findings = [Finding("a", Severity.WARNING, "m"), Finding("b", Severity.NOTE, "m")]
    assert count_by_severity(findings) == {"error": 0, "warning": 1, "note": 1}
    assert not has_errors(findings)
    assert has_errors([*findings, Finding("c", Severity.ERROR, "m")])


def test_a_finding_keeps_the_contract_of_the_command_line() -> None:
    place = Place(item="song", file="transcriptions.csv", line=4, start=1.0, end=2.0)
    finding = Finding("a", Severity.ERROR, "m", "h", place)
    assert list(finding.to_dict())[:6] == ["code", "severity", "item", "message", "hint", "fix"]
    assert str(place) == "transcriptions.csv:4, item 'song', at 1.00–2.00 s"


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    file = tmp_path / "日本 語.txt"
    write_text(file, "old")
    with pytest.raises(RuntimeError), atomic_path(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_written_file_keeps_the_suffix_while_it_is_made(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "new" / "song.wav") as temporary:
        assert temporary.suffix == ".wav"
        temporary.write_bytes(b"x")
    assert (tmp_path / "new" / "song.wav").read_bytes() == b"x"
