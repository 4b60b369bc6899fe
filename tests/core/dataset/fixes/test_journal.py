"""Applying and taking back: all or nothing, also when the power fails at any moment."""

import builtins
import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from singwiz.core.dataset import RawDataset, write_ds
from singwiz.core.dataset.fixes import DatasetEdit, apply_plan, history, journal, settle, undo
from singwiz.core.dataset.fixes.locking import locked
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter


def make_edit(project: Project) -> DatasetEdit:
    """One edit of everything: rows, a new recording, a renamed one, a DS file, a setting."""
    edit = DatasetEdit.open(project, "voice")
    edit.set(edit.rows[0], "ph_seq", "SP k a m i SP s a SP")
    edit.set_audio("song_00.wav", edit.audio("song_00.wav").cut(end=2.4))
    edit.rename(edit.rows[1], "second")
    edit.write_ds("song_02.ds", [{"ph_seq": "SP a SP", "ph_dur": "0.1 0.2 0.3"}])
    edit.edit.set("extra_phonemes", ["cl"])
    return edit


def make_second_edit(project: Project) -> DatasetEdit:
    """Changes, replaces and removes what the first edit made."""
    edit = DatasetEdit.open(project, "voice")
    edit.set(edit.rows[2], "ph_seq", "SP k a m i SP s a SP")
    edit.set_audio("song_00.wav", edit.audio("song_00.wav").amplified(0.5))
    edit.drop(edit.find("song_02")[0])
    edit.edit.set("extra_phonemes", ["cl", "vf"])
    return edit


def test_undo_takes_back_one_step_at_a_time(studio, files):
    states = [files(studio.project.root)]
    for make in (make_edit, make_second_edit):
        apply_plan(studio.project, make(studio.project).plan(make.__name__))
        states.append(files(studio.project.root))
    assert [entry.title for entry in history(studio.project)] == ["make_second_edit", "make_edit"]
    assert studio.project.state.extra_phonemes == ["cl", "vf"]
    for state, entry_id in zip(reversed(states[:-1]), (2, 1), strict=True):
        entry = undo(studio.project)
        assert entry is not None and entry.id == entry_id
        assert files(studio.project.root) == state
    assert studio.project.state.extra_phonemes == []
    assert undo(studio.project) is None
    assert history(studio.project) == []


def test_originals_are_never_touched(studio):
    before = studio.corpus.snapshot()
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    apply_plan(studio.project, make_second_edit(studio.project).plan("two"))
    undo(studio.project)
    undo(studio.project)
    assert studio.corpus.snapshot() == before


def test_the_second_time_there_is_nothing_to_do(studio):
    plan = make_edit(studio.project).plan("once")
    apply_plan(studio.project, plan)
    edit = DatasetEdit.open(studio.project, "voice")
    edit.set(edit.rows[0], "ph_seq", "SP k a m i SP s a SP")
    edit.edit.set("extra_phonemes", ["cl"])
    again = edit.plan("again")
    assert not again
    with pytest.raises(SingwizError) as error:
        apply_plan(studio.project, again)
    assert error.value.code == "nothing-to-fix"
    with pytest.raises(SingwizError) as error:
        apply_plan(studio.project, plan)  # an old plan does not fit any more
    assert error.value.code == "plan-outdated"


def test_what_the_wizard_wrote_meanwhile_stays(studio):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    other = Project.open(studio.project.root)
    other.state.guide["step"] = "check"
    other.save()
    undo(studio.project)
    content = yaml.safe_load((studio.project.root / "singwiz.yaml").read_text())
    assert content["guide"] == {"step": "check"}
    assert content["extra_phonemes"] == []


def test_undo_does_not_lose_what_was_edited_by_hand_since(studio):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    csv = studio.project.dataset_dir("voice") / "transcriptions.csv"
    csv.write_text(csv.read_text() + "mine,SP,1\n")
    with pytest.raises(SingwizError) as error:
        undo(studio.project)
    assert error.value.code == "undo-changed"
    assert csv.read_text().endswith("mine,SP,1\n")
    assert undo(studio.project, overwrite=True)
    assert not csv.exists()
    aside = studio.project.root / "datasets/.journal/aside/000001/datasets/voice/transcriptions.csv"
    assert aside.read_text().endswith("mine,SP,1\n")


def test_moved_recordings_keep_their_fixes_and_their_undo(studio, tmp_path):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    moved = tmp_path / "elsewhere"
    shutil.move(studio.corpus.root, moved)
    studio.project.state.datasets[0].raw_data_dir = str(moved)
    studio.project.save()
    assert studio.project.raw_folder(studio.project.state.datasets[0]) == moved
    DatasetEdit.open(studio.project, "voice")
    folder = studio.project.raw_folder(studio.project.state.datasets[0])
    dataset = RawDataset.open(folder, name="voice", speaker="aoi", language="ja")
    assert folder == studio.project.dataset_dir("voice")
    assert {item.name for item in dataset.items} == {"song_00", "second", "song_02"}
    assert undo(studio.project) is not None
    assert not folder.exists()


def test_fixes_of_other_recordings_are_not_mixed_up(studio, tmp_path):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "transcriptions.csv").write_text("name,ph_seq,ph_dur\n")
    studio.project.state.datasets[0].raw_data_dir = str(other)
    studio.project.save()
    assert studio.project.raw_folder(studio.project.state.datasets[0]) == other
    with pytest.raises(SingwizError) as error:
        DatasetEdit.open(studio.project, "voice")
    assert error.value.code == "overlay-other-base"


def test_two_processes_do_not_fix_at_once(studio, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.0)
    plan = make_edit(studio.project).plan("one")
    lock = studio.project.root / "datasets" / ".journal" / "lock"
    script = (
        "import sys; from pathlib import Path;"
        "from singwiz.core.dataset.fixes.locking import locked\n"
        f"with locked(Path({str(lock)!r}), patience=5):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(SingwizError) as error, locked(lock, patience=0.0):
            pass
        assert error.value.code == "project-busy"
        other.stdin.close()
    apply_plan(studio.project, plan)


def test_stopping_before_files_are_in_place_changes_nothing(studio, files):
    class Stop(Reporter):
        polls = 0

        def cancelled(self) -> bool:
            self.polls += 1
            return self.polls > 3

    before = files(studio.project.root)
    with pytest.raises(Cancelled):
        apply_plan(studio.project, make_edit(studio.project).plan("one"), reporter=Stop())
    assert files(studio.project.root) == before
    assert history(studio.project) == []


def test_links_out_of_the_project_are_not_followed(studio, tmp_path):
    plan = make_edit(studio.project).plan("one")
    outside = tmp_path / "outside"
    outside.mkdir()
    studio.project.dataset_dir("voice").parent.mkdir(exist_ok=True)
    studio.project.dataset_dir("voice").symlink_to(outside)
    with pytest.raises(SingwizError) as error:
        apply_plan(studio.project, plan)
    assert error.value.code == "path-outside-project"
    assert list(outside.iterdir()) == []


def test_a_loop_of_links_is_an_answer(studio):
    plan = make_edit(studio.project).plan("one")
    folder = studio.project.dataset_dir("voice")
    folder.parent.mkdir(exist_ok=True)
    folder.symlink_to(folder)
    with pytest.raises(SingwizError):
        apply_plan(studio.project, plan)


def test_a_damaged_record_is_an_answer(studio):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    record = studio.project.root / "datasets/.journal/000001/entry.json"
    record.write_text('{"id": 1')
    for attempt in (undo, history):
        with pytest.raises(SingwizError) as error:
            attempt(studio.project)
        assert error.value.code == "journal-damaged"


def test_a_forged_record_writes_nothing_elsewhere(studio, tmp_path):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    record = studio.project.root / "datasets/.journal/000001/entry.json"
    record.write_text(
        record.read_text().replace("datasets/voice/overlay.json", "datasets/../../victim.txt")
    )
    with pytest.raises(SingwizError) as error:
        undo(studio.project, overwrite=True)
    assert error.value.code == "path-outside-project"
    assert victim.read_text() == "precious"


# Things going wrong at every single step ---------------------------------------------------


class Saboteur:
    """Makes the n-th operation on files fail, as a full disk or a missing permission does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: int, lasting: bool) -> None:
        self.count = 0
        self.fail_at = fail_at
        self.lasting = lasting
        self.active = True
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (os, "mkdir"),
            (os, "unlink"),
            (os, "rmdir"),
            (Path, "replace"),
            (Path, "write_bytes"),
            (shutil, "copyfile"),
        ):
            self._spoil(monkeypatch, owner, name)
        original = builtins.open
        monkeypatch.setattr(Path, "open", self._opener(Path.open))
        assert original is builtins.open

    def _step(self) -> None:
        if not self.active:
            return
        self.count += 1
        if self.count == self.fail_at or (self.lasting and self.count > self.fail_at > 0):
            raise OSError(errno.ENOSPC, "No space left on device")

    def _spoil(self, monkeypatch, owner, name) -> None:
        original = getattr(owner, name)

        def spoilt(*args, **options):
            self._step()
            return original(*args, **options)

        monkeypatch.setattr(owner, name, spoilt)

    def _opener(self, original):
        def spoilt(path, mode="r", *args, **options):
            if "w" in mode or "a" in mode or "+" in mode:
                self._step()
            return original(path, mode, *args, **options)

        return spoilt


def count_operations(studio, act) -> int:
    with pytest.MonkeyPatch.context() as patch:
        saboteur = Saboteur(patch, 0, False)
        act(studio.project)
        return saboteur.count


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_failing_disk_leaves_the_old_or_the_new_state(studio, files, lasting):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    before = files(studio.project.root)
    apply_plan(studio.project, make_second_edit(studio.project).plan("two"))
    after = files(studio.project.root)
    undo(studio.project)
    plan = make_second_edit(studio.project).plan("two")
    total = count_operations(studio, lambda project: apply_plan(project, plan))
    undo(studio.project)
    assert total > 20
    for fail_at in range(1, total + 1):
        with pytest.MonkeyPatch.context() as patch:
            saboteur = Saboteur(patch, fail_at, lasting)
            failed = False
            try:
                apply_plan(studio.project, plan)
            except SingwizError as error:
                failed = True
                assert error.code in ("fixes-not-writable", "project-not-writable"), fail_at
                assert error.hint
            saboteur.active = False
        settle(studio.project)
        state = files(studio.project.root)
        assert state in (before, after), fail_at
        if not failed:
            assert state == after
        while len(history(studio.project)) > 1:
            undo(studio.project)
        assert files(studio.project.root) == before, fail_at


def test_a_disk_that_fills_up_while_a_recording_is_written_loses_nothing(studio, files):
    before = files(studio.project.root)
    script = (
        "import resource, signal, sys\n"
        "from singwiz.core.dataset.fixes import DatasetEdit, apply_plan\n"
        "from singwiz.core.errors import SingwizError\n"
        "from singwiz.core.project import Project\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "project = Project.open(sys.argv[1])\n"
        "edit = DatasetEdit.open(project, 'voice')\n"
        "edit.set_audio('song_00.wav', edit.audio('song_00.wav').with_silence(after=0.5))\n"
        "try:\n"
        "    apply_plan(project, edit.plan('longer'))\n"
        "except SingwizError as error:\n"
        "    print(error.code)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, studio.project.root], capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("fixes-not-writable\n", "")
    assert files(studio.project.root) == before
    assert history(studio.project) == []


def test_a_failing_disk_during_undo_is_finished_later(studio, files):
    first = files(studio.project.root)

    def prepare() -> None:
        apply_plan(studio.project, make_edit(studio.project).plan("one"))

    prepare()
    after = files(studio.project.root)
    total = count_operations(studio, undo)
    for fail_at in range(1, total + 1):
        prepare()
        with pytest.MonkeyPatch.context() as patch:
            saboteur = Saboteur(patch, fail_at, True)
            with pytest.raises(SingwizError) if _must_fail(fail_at, total) else _either():
                undo(studio.project)
            saboteur.active = False
        settle(studio.project)
        assert files(studio.project.root) in (first, after), fail_at
        while undo(studio.project):
            pass
        assert files(studio.project.root) == first


def _must_fail(fail_at: int, total: int) -> bool:
    return fail_at == 1


class _either:
    """Whether the operation fails is not the question here."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> bool:
        return kind is not None and issubclass(kind, SingwizError)


CRASH = textwrap.dedent("""
    import os, shutil, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    from singwiz.core.dataset.fixes import apply_plan, undo
    from singwiz.core.project import Project
    import journal_crash_edits as edits

    project = Project.open(sys.argv[1])
    act, first, last = sys.argv[2].split(":")
    plan = edits.make_second_edit(project).plan("two") if act == "apply" else None
    count, die_at = 0, 0

    def spoil(owner, name):
        original = getattr(owner, name)
        def spoilt(*args, **options):
            global count
            count += 1
            if count == die_at:
                os._exit(9)
            return original(*args, **options)
        setattr(owner, name, spoilt)

    for owner, name in ((os, "replace"), (os, "fsync"), (os, "mkdir"), (os, "unlink"),
                        (Path, "replace"), (Path, "mkdir"), (Path, "unlink"),
                        (Path, "write_bytes"), (shutil, "copyfile"), (shutil, "rmtree")):
        spoil(owner, name)
    for die in range(int(first), int(last)):
        # One process per death would take minutes; a fork shares what is imported.
        child = os.fork()
        if child == 0:
            count, die_at = 0, die
            apply_plan(project, plan) if act == "apply" else undo(project)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        sys.stdin.readline()
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("act", ["apply", "undo"])
def test_a_process_killed_at_any_moment_is_made_good(studio, files, tmp_path, act):
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    before = files(studio.project.root)
    if act == "undo":
        apply_plan(studio.project, make_second_edit(studio.project).plan("two"))
    start = files(studio.project.root)
    (tmp_path / "journal_crash_edits.py").write_text(
        "from singwiz.core.dataset.fixes import DatasetEdit\n" + _source_of(make_second_edit)
    )
    deaths, outcomes = 0, set()
    with subprocess.Popen(
        [sys.executable, "-c", CRASH, studio.project.root, f"{act}:1:500", tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.stdout.readline().strip() == "9":
            deaths += 1
            interrupted = files(studio.project.root)
            settle(studio.project)
            state = files(studio.project.root)
            outcomes.add("done" if state != start else "not done")
            if act == "apply":
                if state != before:
                    assert undo(studio.project).title == "two"
            elif state == start:
                assert interrupted == start
            else:
                assert state == before
                studio.project = Project.open(studio.project.root)
                apply_plan(studio.project, make_second_edit(studio.project).plan("two"))
            assert files(studio.project.root) == start, deaths
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
    assert deaths > 15
    assert outcomes == {"done", "not done"}


def _source_of(function) -> str:
    import inspect

    return inspect.getsource(function).replace("project: Project", "project")


def test_a_read_only_project_says_so(studio):
    if os.geteuid() == 0:
        # The superuser may write anywhere; a file in place of the folder refuses him as well.
        (studio.project.root / "datasets").write_text("")
    else:
        studio.project.root.chmod(0o500)
    try:
        with pytest.raises(SingwizError) as error:
            apply_plan(studio.project, make_edit(studio.project).plan("one"))
    finally:
        studio.project.root.chmod(0o700)
    assert error.value.code == "fixes-not-writable"


def test_ds_files_of_the_base_are_seen_through_the_copy(studio):
    (studio.corpus.root / "ds").mkdir()
    write_ds(studio.corpus.root / "ds" / "song_00.ds", [{"ph_seq": "SP"}])
    apply_plan(studio.project, make_edit(studio.project).plan("one"))
    listed = studio.open().list_ds()
    assert listed["song_00.ds"].parent == studio.corpus.root / "ds"
    assert listed["song_02.ds"].parent == studio.project.dataset_dir("voice") / "ds"
