"""What was heard is remembered, forgotten when it should be, and never trusted blindly."""

import sqlite3

import pytest
import soundfile

from singwiz.core.dataset.checks import hearing
from singwiz.core.dataset.checks.memory import FILE_NAME

from .conftest import RATE, sing


@pytest.fixture
def ears(monkeypatch):
    """Names of the recordings that were really listened to."""
    opened = []
    listen = hearing.listen

    def count(path):
        opened.append(path.stem)
        return listen(path)

    monkeypatch.setattr(hearing, "listen", count)
    return opened


@pytest.fixture
def remembered(corpus, tmp_path):
    folder = tmp_path / "project" / ".cache"

    def check(**options):
        return corpus.check(memory=folder, **options)

    check.file = folder / FILE_NAME
    return check


def spoil(corpus, row=1):
    samples = sing(250.0) + 0.02
    soundfile.write(corpus.wav(corpus.rows[row]["name"]), samples, RATE)


def test_a_second_check_listens_to_nothing_and_says_the_same(corpus, remembered, ears):
    spoil(corpus)
    first = remembered()
    assert len(ears) == 3
    assert remembered() == first
    assert len(ears) == 3
    assert corpus.check() == first, "a fresh check without memory agrees"


def test_only_what_changed_is_heard_again(corpus, remembered, ears):
    assert remembered() == []
    ears.clear()
    spoil(corpus)
    assert [finding.code for finding in remembered()] == ["level-offset"]
    assert ears == ["song_01"]


def test_new_labels_and_limits_need_no_listening(corpus, remembered, ears):
    remembered()
    ears.clear()
    corpus.rows[0]["ph_dur"] = corpus.rows[0]["ph_dur"].replace("0.5 0.3", "0.5 0.9")
    corpus.write()
    codes = {finding.code for finding in remembered(thresholds={"item_min": 3})}
    assert codes == {"label-audio-length", "item-short"}
    assert ears == []


def test_recordings_that_left_are_forgotten(corpus, remembered):
    remembered()
    del corpus.rows[2]
    corpus.write()
    remembered()
    with sqlite3.connect(remembered.file) as database:
        assert database.execute("SELECT count(*) FROM heard").fetchone() == (2,)


def test_damaged_recordings_are_heard_every_time(corpus, remembered, ears):
    corpus.wav("song_01").write_bytes(b"damaged")
    for _ in range(2):
        assert [finding.code for finding in remembered()] == ["audio-unreadable"]
    assert ears.count("song_01") == 2
    assert ears.count("song_00") == 1


@pytest.mark.parametrize(
    "content", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_memory_is_made_anew(remembered, ears, content):
    remembered()
    remembered.file.write_bytes(content)
    for _ in range(3):
        assert remembered() == []
    assert len(ears) <= 9
    ears.clear()
    assert remembered() == []
    assert ears == []


def test_nonsense_inside_the_memory_is_not_believed(remembered, ears):
    remembered()
    with sqlite3.connect(remembered.file) as database:
        database.execute("UPDATE heard SET facts = '{}'")
    ears.clear()
    assert remembered() == []
    assert len(ears) == 3


def test_without_a_place_for_it_checks_work_without_memory(corpus, tmp_path, ears):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert corpus.check(memory=tmp_path / "file" / "cache") == []
    assert len(ears) == 6


def test_a_memory_in_use_elsewhere_is_left_alone(remembered, monkeypatch):
    remembered()
    real = sqlite3.connect
    other = real(remembered.file)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: real(path, timeout=0.01))
    assert remembered() == []
    other.close()
    assert remembered.file.exists()


def test_stopping_keeps_what_was_heard(corpus, remembered, ears):
    from singwiz.core.errors import Cancelled
    from singwiz.core.reporting import Reporter

    class Impatient(Reporter):
        asked = 0

        def cancelled(self):
            self.asked += 1
            return self.asked > 2

    with pytest.raises(Cancelled):
        remembered(reporter=Impatient())
    ears.clear()
    assert remembered() == []
    assert len(ears) == 1


def test_threads_and_memory_agree(remembered):
    assert remembered(workers=3) == remembered(workers=3) == []
