"""Findings, going on in spite of them, and bringing labels and dictionary together."""

from __future__ import annotations

from pathlib import Path

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import StepStatus, Table, Text
from singwiz.core.jobs import run_here
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RawFolder, action, finish, question


def texts(guide: Guide, step: str) -> str:
    return "\n".join(block.body for block in guide.view(step).blocks if isinstance(block, Text))


def start_check(guide: Guide) -> None:
    """The check, run as the command line does: without the seconds a new process takes."""
    run_here(Project.open(guide.project.root), "check", {}, reporter=Reporter())


def test_the_check_runs_as_a_job_and_opens_the_way(guide: Guide) -> None:
    assert guide.view("model").status is StepStatus.LOCKED
    assert guide.act("check", "start").ok
    view = finish(guide, "check")
    assert view.status is StepStatus.DONE
    assert view.job is not None
    assert view.job.state == "done"
    assert view.summary.startswith("6 recordings")
    assert [a.id for a in view.actions if a.primary] == ["continue"]
    rows = [row for block in view.blocks if isinstance(block, Table) for row in block.rows]
    assert not any("-on-cpu" in row[-1] for row in rows), "no size was chosen yet"
    assert guide.act("check", "continue").go_to == "dictionary"
    assert guide.view("dictionary").status is StepStatus.DONE
    assert guide.current() == "features"


def test_errors_are_listed_with_place_and_advice_and_block(guide: Guide, raw: RawFolder) -> None:
    (raw.root / "wavs" / "song3.wav").unlink()
    start_check(guide)
    view = guide.view("check")
    assert view.status is StepStatus.READY
    table = next(block for block in view.blocks if isinstance(block, Table))
    assert table.severity_column == 0
    severity, where, message, hint, fix, code = table.rows[0]
    assert (severity, fix, code) == ("error", "yes", "audio-missing")
    assert "song3" in where
    assert message
    assert hint
    assert guide.current() == "check"
    assert guide.view("model").status is StepStatus.LOCKED


def test_going_on_is_a_decision_about_the_errors_that_were_seen(
    guide: Guide, raw: RawFolder
) -> None:
    (raw.root / "wavs" / "song3.wav").unlink()
    start_check(guide)
    assert question(guide.view("check"), "go_on").value is False
    assert guide.answer("check", {"go_on": True}).ok
    assert guide.view("check").status is StepStatus.DONE
    assert guide.view("model").status is StepStatus.READY
    start_check(guide)
    assert guide.view("check").status is StepStatus.DONE, "nothing new was found"
    (raw.root / "wavs" / "song4.wav").unlink()
    start_check(guide)
    view = guide.view("check")
    assert view.status is StepStatus.READY, "a new error, a new decision"
    assert action(view, "fix_safe").primary or action(view, "go_on").primary
    assert guide.act("check", "go_on").go_to == "dictionary"
    assert guide.view("check").status is StepStatus.DONE
    assert question(guide.view("check"), "go_on").value is True, "and can be taken back"


def test_a_check_without_errors_does_not_ask_whether_to_go_on(guide: Guide) -> None:
    start_check(guide)
    view = guide.view("check")
    assert "go_on" not in {one.id for one in (*view.questions, *view.actions)}
    assert "go_on" in guide.answer("check", {"go_on": True}).errors


def test_changed_recordings_make_the_check_stale_and_one_action_renews_it(
    guide: Guide, raw: RawFolder
) -> None:
    start_check(guide)
    raw.sing("song9", "SP k a SP")
    raw.write()
    view = guide.view("check")
    assert view.status is StepStatus.STALE
    assert guide.current() == "check"
    assert "changed" in texts(guide, "check")
    (again,) = [a for a in view.actions if a.primary]
    assert guide.act("check", again.id).ok
    assert finish(guide, "check").status is StepStatus.DONE
    assert guide.view("check").summary.startswith("7 recordings")


def test_an_unknown_symbol_is_left_to_the_dictionary_step(guide: Guide, raw: RawFolder) -> None:
    raw.sing("odd", "SP k a xx SP")
    raw.write()
    start_check(guide)
    assert guide.view("check").status is StepStatus.DONE
    assert "dictionary" in texts(guide, "check")
    view = guide.view("dictionary")
    assert view.status is StepStatus.READY
    assert " (+) ['xx']" in texts(guide, "dictionary")
    (table,) = [block for block in view.blocks if isinstance(block, Table)]
    symbol, side, count, places, advice = table.rows[0]
    assert (symbol, count, places) == ("xx", "1", "odd 0.90 s")
    assert "labels" in side
    assert advice
    assert guide.view("model").status is StepStatus.LOCKED


def test_unknown_symbols_can_be_added(guide: Guide, raw: RawFolder) -> None:
    raw.sing("odd", "SP k a xx SP")
    raw.write()
    start_check(guide)
    assert guide.act("dictionary", "add_symbols").ok
    assert Project.open(guide.project.root).state.extra_phonemes == ["xx"]
    assert guide.view("dictionary").status is StepStatus.DONE
    assert guide.view("check").status is StepStatus.DONE, "the recordings did not change"


def test_unused_sounds_go_into_a_trimmed_copy(guide: Guide, raw: RawFolder) -> None:
    text = raw.dictionary.read_text(encoding="utf-8") + "zu\tz u\n"
    raw.dictionary.write_text(text, encoding="utf-8")
    start_check(guide)
    assert " (-) ['u', 'z']" in texts(guide, "dictionary")
    assert guide.act("dictionary", "trim").ok
    copy = Path(guide.project.state.dictionaries["ja"])
    assert copy.is_relative_to(guide.project.root)
    assert "zu" not in copy.read_text(encoding="utf-8")
    assert raw.dictionary.read_text(encoding="utf-8") == text
    assert guide.view("dictionary").status is StepStatus.DONE


def test_a_copy_that_cannot_be_written_is_no_crash(guide: Guide, raw: RawFolder) -> None:
    text = raw.dictionary.read_text(encoding="utf-8") + "zu\tz u\n"
    raw.dictionary.write_text(text, encoding="utf-8")
    (guide.project.root / "datasets").write_text("a file in the way", encoding="utf-8")
    reply = guide.act("dictionary", "trim")
    assert not reply.ok
    assert reply.message
    assert guide.project.state.dictionaries["ja"] == str(raw.dictionary)


def test_a_voice_without_breaths_may_treat_them_as_silence(tmp_path: Path) -> None:
    raw = RawFolder(tmp_path / "calm")
    raw.sing("one", "SP k a m i SP")
    raw.write()
    guide = Guide.open(tmp_path / "v")
    guide.answer("recordings", {"raw_dirs": [str(raw.root)], "consent": True})
    guide.act("recordings", "create")
    view = guide.view("dictionary")
    assert view.status is StepStatus.READY
    assert [a.id for a in view.actions if a.primary] == ["merge_silence"]
    assert guide.act("dictionary", "merge_silence").ok
    assert guide.view("dictionary").status is StepStatus.DONE


def test_another_dictionary_shows_its_effect_at_once(guide: Guide, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a\ta\n", encoding="utf-8")
    assert guide.answer("dictionary", {"dictionary_file": str(other)}).ok
    assert " (+) ['i', 'k', 'm']" in texts(guide, "dictionary")
    other.write_text("a\ta\nki\tk i\nm\tm\n", encoding="utf-8")
    assert guide.view("dictionary").status is StepStatus.DONE


def test_a_shipped_dictionary_may_be_named(guide: Guide) -> None:
    assert guide.answer("dictionary", {"dictionary_file": "opencpop-extension"}).ok
    assert guide.project.state.dictionaries["ja"] == "opencpop-extension"
    reply = guide.answer("dictionary", {"dictionary_file": "/no/such.txt"})
    assert "dictionary_file" in reply.errors
    assert guide.project.state.dictionaries["ja"] == "opencpop-extension"


def test_a_broken_dictionary_is_explained_line_by_line(guide: Guide, raw: RawFolder) -> None:
    text = raw.dictionary.read_text(encoding="utf-8")
    raw.dictionary.write_text(text + "this is no entry\n", encoding="utf-8")
    view = guide.view("dictionary")
    assert view.status is StepStatus.READY
    (table,) = [block for block in view.blocks if isinstance(block, Table)]
    assert table.rows[0][:2] == ("error", "4")


def test_a_dictionary_that_vanished_is_said_and_can_be_replaced(
    guide: Guide, raw: RawFolder
) -> None:
    moved = raw.dictionary.with_name("moved.txt")
    raw.dictionary.rename(moved)
    assert guide.view("recordings").status is StepStatus.READY
    assert guide.answer("recordings", {"dictionary": str(moved)}).ok
    assert guide.view("dictionary").status is StepStatus.DONE


def test_a_stopped_check_can_be_started_again(guide: Guide) -> None:
    assert guide.act("check", "start").ok
    guide.act("check", "stop")
    view = finish(guide, "check")
    assert view.status in (StepStatus.READY, StepStatus.DONE)
    start = view.actions[0]
    assert start.enabled
    assert action(view, start.id).id in ("start", "again")
