"""The command line, run in this process: what it prints, and the code it exits with."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import singwiz
from singwiz.assistant import tui, web
from singwiz.assistant.cli import main
from singwiz.core import dataset as dataset_room
from singwiz.core.demo.corpus import DemoCorpus, make_corpus
from singwiz.core.errors import Cancelled
from singwiz.core.jobs import start_job
from singwiz.core.project import Project


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("SINGWIZ_DEBUG", raising=False)

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["singwiz", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    return make_corpus(tmp_path_factory.mktemp("corpus") / "声 demo", items=6, seconds=2.0)


@pytest.fixture
def project(run: Run, corpus: DemoCorpus, tmp_path: Path) -> Path:
    folder = tmp_path / "my voice"
    made = run(
        *("new", folder, "--raw", corpus.raw_data_dir, "--speaker", "aoi"),
        *("--language", "demo", "--dictionary", corpus.dictionary, "--preset", "tiny"),
    )
    assert made.code == 0, made.err
    return folder


@pytest.fixture
def broken(corpus: DemoCorpus, tmp_path: Path) -> Path:
    """A copy of the corpus whose first label is no phoneme of the dictionary."""
    raw = tmp_path / "broken"
    (raw / "wavs").mkdir(parents=True)
    for wav in (corpus.raw_data_dir / "wavs").iterdir():
        (raw / "wavs" / wav.name).write_bytes(wav.read_bytes())
    labels = (corpus.raw_data_dir / "transcriptions.csv").read_text(encoding="utf-8")
    (raw / "transcriptions.csv").write_text(labels.replace("SP", "zzz", 1), encoding="utf-8")
    return raw


# The program itself ----------------------------------------------------------------------


def test_help_names_every_command_and_exits_well(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    for command in (
        *("web", "tui", "demo", "new", "check", "dictionary", "config", "binarize", "train"),
        *("render", "predict", "score", "vocode", "jobs", "doctor"),
    ):
        assert f" {command} " in outcome.out


def test_version_is_the_package_version(run: Run) -> None:
    assert run("--version").out.strip() == f"singwiz {singwiz.__version__}"


def test_help_loads_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys\n"
        "from singwiz.assistant.cli import main\n"
        "sys.argv = ['singwiz', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'lightning', 'gradio', 'textual', 'matplotlib', 'numpy', 'pydantic'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_misspelt_command_gets_a_suggestion_and_code_2(run: Run) -> None:
    outcome = run("binarise")
    assert outcome.code == 2
    assert "binarize" in outcome.err


def test_a_misspelt_option_gets_a_suggestion_and_code_2(run: Run) -> None:
    outcome = run("check", "--jsno")
    assert outcome.code == 2
    assert "--json" in outcome.err


def test_a_bug_is_called_a_bug_and_its_traceback_goes_into_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, corpus: DemoCorpus
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(dataset_room, "check_datasets", explode, raising=False)
    outcome = run("check", corpus.raw_data_dir, "--json")

    assert outcome.code == 2
    assert outcome.data["error"]["code"] == "internal-error"
    assert "Traceback" not in outcome.err
    log = Path(outcome.data["error"]["hint"].split("'")[1])
    assert "the sky fell" in log.read_text(encoding="utf-8")
    log.unlink()


def test_debugging_shows_the_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, corpus: DemoCorpus
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(dataset_room, "check_datasets", explode, raising=False)
    monkeypatch.setattr(sys, "argv", ["singwiz", "check", str(corpus.raw_data_dir)])
    monkeypatch.setenv("SINGWIZ_DEBUG", "1")
    with pytest.raises(RuntimeError, match="the sky fell"):
        main()


def test_work_that_the_user_stopped_exits_with_130(
    run: Run, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise Cancelled

    monkeypatch.setattr(dataset_room, "check_datasets", stop, raising=False)
    assert run("check", project).code == 130
    assert run("jobs", "list", project, "--json").data["jobs"][0]["state"] == "cancelled"


# new and check ---------------------------------------------------------------------------


def test_new_prints_the_project_as_json(run: Run, corpus: DemoCorpus, tmp_path: Path) -> None:
    outcome = run(
        *("new", tmp_path / "v", "--raw", corpus.raw_data_dir, "--language", "demo"),
        *("--dictionary", corpus.dictionary, "--json"),
    )
    assert outcome.code == 0
    assert outcome.data["root"] == str(tmp_path / "v")
    [recordings] = outcome.data["datasets"]
    assert recordings["raw_data_dir"] == str(corpus.raw_data_dir)
    assert outcome.data["dictionaries"] == {"demo": str(corpus.dictionary)}
    assert Project.open(tmp_path / "v").state.datasets[0].language == "demo"


def test_new_takes_several_folders_with_a_singer_each(
    run: Run, corpus: DemoCorpus, tmp_path: Path
) -> None:
    raw = corpus.raw_data_dir
    outcome = run(
        *("new", tmp_path / "v", "--raw", raw, "--raw", raw, "--speaker", "a", "--speaker", "b"),
        *("--language", "demo", "--json"),
    )
    assert [entry["speaker"] for entry in outcome.data["datasets"]] == ["a", "b"]
    assert len({entry["name"] for entry in outcome.data["datasets"]}) == 2

    outcome = run(
        *("new", tmp_path / "w", "--raw", raw, "--raw", raw, "--raw", raw),
        *("--speaker", "a", "--speaker", "b"),
    )
    assert outcome.code == 2
    assert "one-per-folder" in outcome.err


def test_new_leaves_nothing_behind_when_it_fails(
    run: Run, corpus: DemoCorpus, tmp_path: Path
) -> None:
    assert run("new", tmp_path / "v", "--raw", tmp_path / "nowhere").code == 2
    outcome = run(
        "new", tmp_path / "v", "--raw", corpus.raw_data_dir, "--dictionary", "nothing.txt"
    )
    assert outcome.code in (1, 2)
    assert "nothing.txt" in outcome.err
    assert not (tmp_path / "v").exists()


def test_new_does_not_touch_a_project_that_is_there(
    run: Run, project: Path, tmp_path: Path
) -> None:
    before = (project / "singwiz.yaml").read_bytes()
    outcome = run("new", project, "--raw", tmp_path)
    assert outcome.code != 0
    assert "project-exists" in outcome.err
    assert (project / "singwiz.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("dictionary", "language"),
    [("dictionary-ja.txt", "ja"), ("my_jp.dict.txt", "ja"), ("words.txt", "default")],
)
def test_the_language_is_guessed_from_the_dictionary(
    run: Run, corpus: DemoCorpus, tmp_path: Path, dictionary: str, language: str
) -> None:
    (tmp_path / dictionary).write_bytes(corpus.dictionary.read_bytes())
    outcome = run(
        *("new", tmp_path / "v", "--raw", corpus.raw_data_dir),
        *("--dictionary", tmp_path / dictionary, "--json"),
    )
    assert list(outcome.data["dictionaries"]) == [language]


def test_check_of_good_recordings_exits_0_with_the_contracts_fields(
    run: Run, project: Path
) -> None:
    outcome = run("check", project, "--json")
    assert outcome.code == 0
    assert {"findings", "summary"} <= set(outcome.data)
    assert outcome.data["summary"]["items"] == 6
    assert outcome.data["summary"]["errors"] == 0
    for finding in outcome.data["findings"]:
        assert {"code", "severity", "item", "message", "hint", "fix"} <= set(finding)
        assert finding["severity"] in ("warning", "note")


def test_check_of_a_raw_folder_names_the_unknown_phoneme_and_exits_1(
    run: Run, corpus: DemoCorpus, broken: Path
) -> None:
    before = _content(broken)
    outcome = run(
        "check", broken, "--dictionary", corpus.dictionary, "--language", "demo", "--json"
    )

    assert outcome.code == 1
    errors = [one for one in outcome.data["findings"] if one["severity"] == "error"]
    assert [one["code"] for one in errors] == ["unknown-phoneme"]
    assert "zzz" in errors[0]["message"]
    assert outcome.data["mismatch"]["unexpected"] == ["zzz"]

    outcome = run("check", broken, "--dictionary", corpus.dictionary, "--language", "demo")
    assert outcome.code == 1
    assert "error[unknown-phoneme]" in outcome.out
    assert "+ zzz" in outcome.out
    assert "1 errors" in outcome.out
    assert _content(broken) == before


def test_check_without_a_dictionary_says_what_it_could_not_do(run: Run, corpus: DemoCorpus) -> None:
    outcome = run("check", corpus.raw_data_dir, "--json")
    assert outcome.code == 1
    assert [one["code"] for one in outcome.data["findings"] if one["severity"] == "error"] == [
        "dictionary-not-chosen"
    ]
    assert outcome.data["mismatch"] is None


def test_check_follows_a_diffsinger_config_with_paths_from_here(
    run: Run, corpus: DemoCorpus, broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words.txt").write_bytes(corpus.dictionary.read_bytes())
    (tmp_path / "my.yaml").write_text(
        yaml.safe_dump(
            {
                "task_cls": "training.acoustic_task.AcousticTask",
                "dictionaries": {"demo": "words.txt"},
                "datasets": [
                    {
                        "raw_data_dir": "broken",
                        "speaker": "aoi",
                        "spk_id": 0,
                        "language": "demo",
                        "test_prefixes": ["demo_000"],
                    }
                ],
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    outcome = run("check", "--config", "my.yaml", "--json")
    assert outcome.code == 1, outcome.err
    assert outcome.data["mismatch"]["unexpected"] == ["zzz"]


def test_check_of_something_that_is_no_project_exits_2(run: Run, tmp_path: Path) -> None:
    outcome = run("check", tmp_path / "nowhere", "--json")
    assert outcome.code == 2
    assert outcome.data["error"]["code"] == "project-not-found"
    assert "to do:" in outcome.err
    assert run("check").code == 2


def test_a_dictionary_for_a_project_is_refused_instead_of_ignored(
    run: Run, project: Path, corpus: DemoCorpus
) -> None:
    outcome = run("check", project, "--dictionary", corpus.dictionary)
    assert outcome.code == 2
    assert "option-for-raw-only" in outcome.err


# dictionary ------------------------------------------------------------------------------


def test_shipped_dictionaries_are_listed_and_shown(run: Run) -> None:
    names = run("dictionary", "list", "--json").data["dictionaries"]
    assert "opencpop-extension" in names
    shown = run("dictionary", "show", "opencpop-extension", "--json").data
    assert shown["language"] == "zh"
    assert shown["entries"]["ba"] == ["b", "a"]
    assert "ba\tb a" in run("dictionary", "show", "opencpop-extension").out


def test_dictionary_check_points_at_the_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("ka\tk a\nbroken line\n", encoding="utf-8")
    outcome = run("dictionary", "check", tmp_path / "words.txt", "--json")
    assert outcome.code == 1
    [finding] = [one for one in outcome.data["findings"] if one["severity"] == "error"]
    assert finding["line"] == 2


def test_dictionary_diff_prints_both_sides(
    run: Run, corpus: DemoCorpus, broken: Path, tmp_path: Path
) -> None:
    same = run("dictionary", "diff", corpus.dictionary, corpus.raw_data_dir)
    assert same.code == 0
    assert "same phonemes" in same.out

    words = tmp_path / "words.txt"
    words.write_text(corpus.dictionary.read_text(encoding="utf-8") + "qa\tq a\n", encoding="utf-8")
    outcome = run("dictionary", "diff", words, broken, "--json")
    assert outcome.code == 1
    assert outcome.data["unexpected"] == ["zzz"]
    assert outcome.data["missing"] == ["q"]
    assert {one["symbol"] for one in outcome.data["suggestions"]} <= {"zzz", "q"}


# config ----------------------------------------------------------------------------------


def test_config_set_changes_the_config_and_remembers_the_change(run: Run, project: Path) -> None:
    outcome = run(
        "config", "set", project, "optimizer_args.lr=0.0004", "max_batch_size=3", "--json"
    )
    assert outcome.code == 0, outcome.err
    shown = run("config", "show", project, "--json").data
    assert shown["optimizer_args"]["lr"] == 0.0004
    assert shown["max_batch_size"] == 3
    assert run("config", "show", project, "--key", "optimizer_args.lr").out.strip() == "0.0004"
    overrides = Project.open(project).state.models["acoustic"].overrides
    assert overrides == {"optimizer_args.lr": 0.0004, "max_batch_size": 3}

    outcome = run("config", "set", project, "--unset", "max_batch_size", "--json")
    assert outcome.data["changed"] == ["max_batch_size"]
    assert list(Project.open(project).state.models["acoustic"].overrides) == ["optimizer_args.lr"]


@pytest.mark.parametrize("assignment", ["hiden_size=3", "max_batch_size=many", "no equals sign"])
def test_config_set_of_nonsense_changes_nothing(run: Run, project: Path, assignment: str) -> None:
    run("config", "set", project)
    before = _content(project)
    outcome = run("config", "set", project, assignment)
    assert outcome.code in (1, 2)
    assert "error[" in outcome.err
    assert _content(project) == before


def test_an_argument_of_a_package_is_refused_like_ours(
    run: Run, project: Path, install: Callable[..., Path]
) -> None:
    code = "def build(*, in_dims, num_feats, hidden_size, heads: int = 2): ..."
    install("many-heads", {"singwiz.backbones": {"heads": "many_heads:build"}}, code)
    run("config", "set", project, "backbone_type=heads", "backbone_args.heads=4")
    before = _content(project)
    outcome = run("config", "set", project, "backbone_args.heads=abc")
    assert outcome.code == 2
    assert "config-argument-type" in outcome.err and "'heads'" in outcome.err
    assert _content(project) == before


def test_a_config_edited_by_hand_counts_and_is_told(run: Run, project: Path) -> None:
    run("config", "set", project)
    file = project / "configs" / "acoustic.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("max_batch_size: 8", "max_batch_size: 7"), encoding="utf-8")

    outcome = run("config", "show", project, "--json")
    assert outcome.data["max_batch_size"] == 7
    assert "config-edited" in outcome.err
    assert "max_batch_size" in outcome.err
    run("config", "set", project)
    assert run("config", "show", project, "--json").data["max_batch_size"] == 8
    assert "max_batch_size: 7" in file.with_suffix(".edited.yaml").read_text(encoding="utf-8")


def test_a_change_of_the_project_file_reaches_the_config(run: Run, project: Path) -> None:
    run("config", "set", project)
    opened = Project.open(project)
    opened.state.extra_phonemes.append("EP")
    opened.save()
    assert run("config", "show", project, "--json").data["extra_phonemes"] == ["EP"]


def test_config_explain_says_what_a_key_means_or_suggests_one(run: Run) -> None:
    outcome = run("config", "explain", "hidden_size", "--json")
    assert outcome.code == 0
    assert outcome.data["key"] == "hidden_size"
    assert outcome.data["description"]
    outcome = run("config", "explain", "hiden_size")
    assert outcome.code == 2
    assert "hidden_size" in outcome.err
    assert "hop_size" in run("config", "explain").out.splitlines()


# Work ------------------------------------------------------------------------------------


def test_train_before_binarize_says_what_comes_first(run: Run, project: Path) -> None:
    outcome = run("train", project)
    assert outcome.code == 1
    assert "not-prepared" in outcome.err
    assert "singwiz binarize" in outcome.err


@pytest.mark.parametrize("command", ["binarize", "train"])
def test_a_project_and_a_config_at_once_are_refused(
    run: Run, project: Path, tmp_path: Path, command: str
) -> None:
    assert run(command, project, "--config", tmp_path / "my.yaml").code == 2
    outcome = run(command)
    assert outcome.code == 2
    assert "project-or-config" in outcome.err


def test_train_with_a_config_needs_the_name_of_the_experiment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("task_cls: training.acoustic_task.AcousticTask\n")
    outcome = run("train", "--config", tmp_path / "my.yaml")
    assert outcome.code == 2
    assert "--exp NAME" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("song.ds",), "who-sings"),
        (("PROJECT",), "what-to-sing"),
        (("PROJECT", "song.ds", "--item", "a"), "what-to-sing"),
        (("PROJECT", "song.ds"), "experiment-not-found"),
        (("song.ds", "--exp", "nobody"), "experiment-not-found"),
    ],
)
def test_render_says_what_is_missing(
    run: Run, project: Path, arguments: tuple[str, ...], code: str
) -> None:
    outcome = run("render", *(project if one == "PROJECT" else one for one in arguments))
    assert outcome.code == 2
    assert f"error[{code}]" in outcome.err


def test_demo_leaves_other_peoples_folders_alone(run: Run, project: Path, tmp_path: Path) -> None:
    before = _content(project)
    outcome = run("demo", project, "--quick")
    assert outcome.code == 2
    assert "not-a-demo" in outcome.err
    assert _content(project) == before

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song.txt").write_text("la la")
    assert "folder-not-empty" in run("demo", tmp_path / "mine", "--quick").err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["song.txt"]


# Jobs ------------------------------------------------------------------------------------


def test_running_work_is_listed_refused_twice_and_stopped(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "core" / "jobs"))
    opened = Project.open(project)
    job = start_job(opened, "check", {"do": "loop"}, entry="fake_stage:run")
    deadline = time.monotonic() + 30
    while not (project / "looping").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)

    refused = run("check", project, "--json")
    assert refused.code == 2
    assert refused.data["error"]["code"] == "job-running"
    assert job.id in refused.data["error"]["message"]
    [listed] = run("jobs", "list", project, "--json").data["jobs"]
    assert (listed["id"], listed["state"]) == (job.id, "running")

    stopped = run("jobs", "stop", project, "--json")
    assert stopped.code == 0
    assert stopped.data["state"] == "cancelled"
    assert run("jobs", "stop", project).code == 2
    assert run("check", project).code == 0


def test_a_foreground_check_is_a_job_with_a_log(run: Run, project: Path) -> None:
    assert run("jobs", "list", project).out.strip() == "No jobs yet."
    run("check", project)
    [job] = run("jobs", "list", project, "--json").data["jobs"]
    assert (job["stage"], job["state"]) == ("check", "done")
    assert job["result"]["summary"]["items"] == 6
    assert run("jobs", "logs", project, "--json").data["id"] == job["id"]
    assert job["id"] in run("jobs", "list", project).out
    report = run("jobs", "report", project).out
    assert "state    done" in report and str(project) not in report
    assert run("jobs", "queue").out.strip() == "Nothing runs or waits."
    again = run("jobs", "rerun", project, "--json").data
    assert again["stage"] == "check" and again["id"] != job["id"]
    stopped = run("jobs", "stop", project)
    assert stopped.code in (0, 2), "it may have been quick"


def test_bare_jobs_looks_at_the_project_in_this_folder(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    outcome = run("jobs")
    assert outcome.code == 0
    assert outcome.out.strip() == "No jobs yet."


# Faces -----------------------------------------------------------------------------------


def test_web_is_given_what_was_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(web, "launch", lambda project, **more: calls.append((project, more)))
    assert run("web", project, "--port", "7999", "--no-open").code == 0
    assert run("web", "--host", "0.0.0.0", "--auth", "aoi:secret:more").code == 0
    assert calls == [
        (project, {"host": "127.0.0.1", "port": 7999, "open_browser": False, "auth": None}),
        (
            None,
            {
                "host": "0.0.0.0",
                "port": 7860,
                "open_browser": True,
                "auth": ("aoi", "secret:more"),
            },
        ),
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "my-server.example"])
def test_web_for_the_network_needs_a_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(web, "launch", lambda *_, **__: pytest.fail("was opened to the network"))
    outcome = run("web", "--host", host)
    assert outcome.code == 2
    assert "--auth" in outcome.err


@pytest.mark.parametrize("auth", ["aoi", "aoi:", ":secret", ""])
def test_half_a_password_is_none(run: Run, monkeypatch: pytest.MonkeyPatch, auth: str) -> None:
    monkeypatch.setattr(web, "launch", lambda *_, **__: pytest.fail("was opened"))
    assert run("web", "--auth", auth).code == 2


def test_tui_opens_the_project(run: Run, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(tui, "run", opened.append)
    assert run("tui", project).code == 0
    assert run("tui").code == 0
    assert opened == [project, None]


def test_doctor_reports_this_machine(run: Run, project: Path) -> None:
    outcome = run("doctor", project, "--json")
    assert outcome.code == 0
    names = [one["name"] for one in outcome.data["checks"]]
    for name in ("python", "torch", "memory", "disk", "audio", "training", "project"):
        assert name in names
    assert {one["verdict"] for one in outcome.data["checks"]} <= {"ok", "warning"}


def test_doctor_notices_recordings_that_are_gone(run: Run, project: Path, tmp_path: Path) -> None:
    opened = Project.open(project)
    opened.state.datasets[0].raw_data_dir = str(tmp_path / "unplugged")
    opened.save()
    outcome = run("doctor", project)
    assert outcome.code == 2
    assert "unplugged" in outcome.out


def _content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_commands_speak_the_language_that_is_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    assert "is not a singwiz project" in run("check", gone).err
    chinese = run("--lang", "zh", "check", gone)
    assert "不是 singwiz 项目" in chinese.err
    assert "创建方法" in chinese.err
    monkeypatch.setenv("SINGWIZ_LANG", "ja")
    assert "プロジェクトではありません" in run("--lang", "ja", "check", gone).err
    refused = run("--lang", "tlh", "check", gone)
    assert refused.code == 2
    assert "language-not-spoken" in refused.err


def test_data_for_programs_is_the_same_in_every_language(run: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    english, chinese = run("check", gone, "--json"), run("--lang", "zh", "check", gone, "--json")
    assert english.out == chinese.out
    assert english.out or english.err == chinese.err


def test_the_language_is_saved_for_the_next_time(run: Run) -> None:
    assert "日本語" in run("language", "ja").out
    assert run("language", "--json").data["language"] == "ja"
