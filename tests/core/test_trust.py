"""Trust in files that are programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from singwiz.core import trust


@pytest.fixture(autouse=True)
def own_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data" / "trusted.json"
    monkeypatch.setattr(trust, "trust_file", lambda: path)
    return path


def test_trust_is_in_a_content_and_remembered(own_record: Path):
    assert not trust.is_trusted(b"program")
    trust.trust(b"program", "voice.jit")
    trust.trust(b"another", "other.jit")
    assert trust.is_trusted(b"program")
    assert not trust.is_trusted(b"program, changed")
    record = json.loads(own_record.read_text())
    assert record[trust.fingerprint(b"program")]["name"] == "voice.jit"
    assert len(record) == 2


@pytest.mark.parametrize("text", ["", "[]", "{broken", f'["{trust.fingerprint(b"program")}"]'])
def test_a_damaged_record_trusts_nothing(own_record: Path, text: str):
    own_record.parent.mkdir()
    own_record.write_text(text)
    assert not trust.is_trusted(b"program")
    trust.trust(b"program", "voice.jit")
    assert trust.is_trusted(b"program")
