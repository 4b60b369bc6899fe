"""Fixing, curing and undoing from the wizard, on small corpora that are really broken."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Audio, StepStatus, StepView, Table, Text
from singwiz.core.dataset import RawDataset
from singwiz.core.dataset.fixes import history
from singwiz.core.jobs import run_here
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .conftest import RATE, RawFolder, action, finish, question


def start_check(guide: Guide) -> None:
    run_here(Project.open(guide.project.root), "check", {}, reporter=Reporter())


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def make_stereo(raw: RawFolder, name: str) -> None:
    path = raw.root / "wavs" / f"{name}.wav"
    samples, rate = soundfile.read(path)
    soundfile.write(path, np.stack([samples, samples], axis=1), rate)


def labels(guide: Guide) -> dict[str, str]:
    entry = guide.project.state.datasets[0]
    folder = guide.project.raw_folder(entry)
    dataset = RawDataset.open(folder, name="x", speaker="x", language=entry.language)
    return {item.name: " ".join(item.ph_seq) for item in dataset.items}


def texts(view: StepView) -> str:
    return "\n".join(block.body for block in view.blocks if isinstance(block, Text))


def tables(view: StepView) -> dict[str, Table]:
    return {block.title.split(" (")[0]: block for block in view.blocks if isinstance(block, Table)}


def previewed(guide: Guide, step: str) -> StepView:
    """The view once the changes are worked out."""
    deadline = time.monotonic() + 30.0
    while "Working out" in texts(guide.view(step)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return guide.view(step)


@pytest.fixture
def stereo(guide: Guide, raw: RawFolder) -> Guide:
    """A checked project with one recording in stereo and one that is damaged."""
    make_stereo(raw, "song1")
    (raw.root / "wavs" / "song2.wav").write_bytes(b"this is no sound")
    start_check(guide)
    return guide


def test_findings_say_whether_they_can_be_fixed(stereo: Guide) -> None:
    findings = tables(stereo.view("check"))["Findings"]
    by_code = {row[-1]: row[-2] for row in findings.rows}
    assert by_code["channels"] == "yes"
    assert by_code["audio-unreadable"] == "if you choose it"
    assert by_code["rare-phoneme"] == ""


def test_what_would_change_is_shown_before(stereo: Guide, raw: RawFolder) -> None:
    before = snapshot(stereo.project.root / "datasets")
    view = previewed(stereo, "check")
    assert question(view, "fix").value == "safe"
    assert any("song1" in " ".join(row) for row in tables(view)["What would be done"].rows)
    assert "song1.wav" in texts(view)
    assert "song2" in str(tables(view)["What would stay as it is, and why"].rows)
    assert snapshot(stereo.project.root / "datasets") == before


def test_all_safe_fixes_are_applied_and_checked_again(stereo: Guide, raw: RawFolder) -> None:
    originals = snapshot(raw.root)
    assert stereo.act("check", "fix_safe").ok
    assert stereo.view("check").status is StepStatus.RUNNING
    view = finish(stereo, "check")
    codes = {row[-1] for row in tables(view)["Findings"].rows}
    assert "channels" not in codes
    assert "audio-unreadable" in codes, "leaving a recording out is not safe"
    assert view.status is StepStatus.READY, "checked already, and one error is left"
    assert snapshot(raw.root) == originals
    assert "Changes so far" in tables(view)


def test_one_kind_can_be_chosen_seen_and_applied(stereo: Guide) -> None:
    assert stereo.answer("check", {"fix": "audio-unreadable"}).ok
    view = previewed(stereo, "check")
    assert [row[0] for row in tables(view)["What would be done"].rows] == ["song2"]
    assert action(view, "fix_kind").enabled
    assert stereo.act("check", "fix_kind").ok
    view = finish(stereo, "check")
    assert "song2" not in labels(stereo)
    codes = {row[-1] for row in tables(view)["Findings"].rows}
    assert "channels" in codes, "only the chosen kind"
    assert question(view, "fix").value == "safe", "what was chosen is no longer there"


def test_undo_takes_back_the_last_change_and_checks_again(stereo: Guide) -> None:
    assert "undo" not in {one.id for one in stereo.view("check").actions}
    stereo.act("check", "fix_safe")
    view = finish(stereo, "check")
    assert "song1" in str(tables(view)["Changes so far"].rows[0])
    assert stereo.act("check", "undo").ok
    view = finish(stereo, "check")
    assert "channels" in {row[-1] for row in tables(view)["Findings"].rows}
    assert "Changes so far" not in tables(view)
    assert view.status is not StepStatus.STALE


def test_a_change_made_elsewhere_makes_the_check_stale(stereo: Guide) -> None:
    project = Project.open(stereo.project.root)
    cure = {"symbol": "AP", "action": "rename", "target": "SP"}
    run_here(project, "fix", {"cures": [cure]}, reporter=Reporter())
    assert stereo.view("check").status is StepStatus.STALE
    assert "AP" not in " ".join(labels(stereo).values())


def test_a_fix_that_would_change_nothing_cannot_be_applied(guide: Guide) -> None:
    """The only validation item cannot be released, so its safe fix has nothing to do."""
    start_check(guide)
    button = action(previewed(guide, "check"), "fix_safe")
    assert not button.enabled
    assert "Nothing would change" in button.reason


def test_a_fix_that_changed_nothing_says_so(guide: Guide) -> None:
    start_check(guide)
    checked = guide.project.jobs_dir.glob("*-check-*")
    params = {"check": next(checked).name}
    run_here(Project.open(guide.project.root), "fix", params, reporter=Reporter())
    assert "nothing that could be changed" in texts(guide.view("check"))
    assert history(guide.project) == []


def test_errors_that_can_be_fixed_make_fixing_the_next_thing_to_do(stereo: Guide) -> None:
    assert [one.id for one in stereo.view("check").actions if one.primary] == ["fix_safe"]


# The mismatch desk ------------------------------------------------------------------------


@pytest.fixture
def odd(guide: Guide, raw: RawFolder) -> Guide:
    """Labels with a capital letter, a syllable, another silence and a symbol nobody knows."""
    raw.sing("odd", "pau K a mi xx SP")
    raw.write()
    start_check(guide)
    return guide


def choices(view: StepView) -> dict[str, str]:
    return {choice.value: choice.label for choice in question(view, "cure").choices}


def test_the_desk_offers_a_button_for_every_kind_of_cure(odd: Guide) -> None:
    view = odd.view("dictionary")
    ids = [one.id for one in view.actions]
    assert {"expand", "rename_all", "add_symbols", "apply_cure", "hear"} <= set(ids)
    assert [one.id for one in view.actions if one.primary] == ["settle"]
    assert {"rename pau SP", "rename K k", "expand mi m i", "own"} <= set(choices(view))


def test_one_button_settles_everything_that_has_a_likely_remedy(odd: Guide) -> None:
    assert odd.act("dictionary", "settle").ok
    assert finish(odd, "dictionary").status is StepStatus.DONE
    assert labels(odd)["odd"] == "SP k a m i xx SP"
    assert odd.project.state.extra_phonemes == ["xx"]


def test_a_suggestion_is_shown_applied_and_undone(odd: Guide, raw: RawFolder) -> None:
    originals = snapshot(raw.root)
    assert odd.answer("dictionary", {"cure": "rename K k"}).ok
    view = previewed(odd, "dictionary")
    assert "-odd" in texts(view)
    assert odd.act("dictionary", "apply_cure").ok
    view = finish(odd, "dictionary")
    assert labels(odd)["odd"] == "pau k a mi xx SP"
    assert "K" not in [row[0] for row in tables(view)["Symbols that only one side has"].rows]
    assert odd.act("dictionary", "undo").ok
    finish(odd, "check")
    assert labels(odd)["odd"] == "pau K a mi xx SP"
    assert snapshot(raw.root) == originals


def test_a_symbol_can_be_renamed_freely(odd: Guide) -> None:
    odd.answer("dictionary", {"cure": "own"})
    assert not action(odd.view("dictionary"), "apply_cure").enabled
    assert "map_to" in odd.answer("dictionary", {"map_to": "a b"}).errors
    assert odd.answer("dictionary", {"map_symbol": "xx", "map_to": "a"}).ok
    assert odd.act("dictionary", "apply_cure").ok
    finish(odd, "dictionary")
    assert labels(odd)["odd"] == "pau K a mi a SP"


def test_all_clear_renamings_and_syllables_are_done_at_once(odd: Guide) -> None:
    assert odd.act("dictionary", "expand").ok
    finish(odd, "dictionary")
    assert odd.act("dictionary", "rename_all").ok
    finish(odd, "dictionary")
    assert labels(odd)["odd"] == "SP k a m i xx SP"
    assert odd.act("dictionary", "add_symbols").ok
    assert odd.view("dictionary").status is StepStatus.DONE
    assert finish(odd, "check").status is not StepStatus.STALE, "it was checked again"


def test_choices_are_taken_back_like_labels(odd: Guide) -> None:
    odd.act("dictionary", "add_symbols")
    assert "xx" in odd.project.state.extra_phonemes
    assert odd.act("dictionary", "undo").ok
    finish(odd, "check")
    odd.overview()
    assert odd.project.state.extra_phonemes == []


def test_the_first_places_can_be_heard(odd: Guide) -> None:
    odd.answer("dictionary", {"cure": "rename K k"})
    assert odd.act("dictionary", "hear").ok
    (sound,) = [one for one in odd.view("dictionary").blocks if isinstance(one, Audio)]
    assert sound.path.is_relative_to(odd.project.root)
    assert "odd" in sound.caption
    # From 0.3 s to 0.6 s, with 0.4 s around it where there is something.
    assert soundfile.info(sound.path).frames == pytest.approx(1.0 * RATE, abs=2)


def test_a_dictionary_file_with_faults_is_cleaned_in_a_copy(guide: Guide, raw: RawFolder) -> None:
    text = raw.dictionary.read_text(encoding="utf-8")
    raw.dictionary.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"# a comment\n")
    assert guide.view("dictionary").status is StepStatus.READY
    assert guide.act("dictionary", "fix_dictionary").ok
    assert guide.view("dictionary").status is StepStatus.DONE
    copy = Path(guide.project.state.dictionaries["ja"])
    assert copy.is_relative_to(guide.project.root)
    assert copy.read_text(encoding="utf-8") == text


def test_an_interrupted_change_is_finished_when_the_wizard_opens(odd: Guide) -> None:
    cure = {"symbol": "xx", "action": "rename", "target": "a"}
    run_here(Project.open(odd.project.root), "fix", {"cures": [cure]}, reporter=Reporter())
    (folder,) = (odd.project.root / "datasets" / ".journal").glob("0*")
    (folder / "entry.json").rename(folder / "undoing.json")  # as after a power cut
    again = Guide.open(odd.project.root)
    assert labels(again)["odd"] == "pau K a mi xx SP"
    assert isinstance(again.view("dictionary").blocks, tuple | list)
    assert history(again.project) == []
