"""The step about vocoders: fetched, heard, chosen and taught, and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import yaml

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Audio, Image, StepStatus, Table, Text
from singwiz.core.assets import Library
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.jobs.vocoders import chosen_vocoder
from singwiz.core.reporting import Reporter

from .conftest import action, finish, question, vocoder


def texts(guide: Guide) -> str:
    return "\n".join(one.body for one in guide.view("vocoder").blocks if isinstance(one, Text))


def primary(guide: Guide) -> list[str]:
    """What the step itself puts first; the way on is the guide's."""
    actions = guide.view("vocoder").actions
    return [one.id for one in actions if one.primary and one.id != "continue"]


def saved(guide: Guide) -> dict[str, Any]:
    content = (guide.project.root / "singwiz.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(content)
    return loaded


def test_it_is_open_from_the_beginning_and_bars_nobody(ready: Guide) -> None:
    view = ready.view("vocoder")
    assert view.status is StepStatus.READY
    assert ready.current() == "prepare"
    assert question(view, "vocoder").value == "preview"
    assert "preview" in texts(ready)
    assert ready.act("vocoder", "keep").ok
    assert ready.view("vocoder").status is StepStatus.DONE
    # What is fetched later is used all the same.
    assert chosen_vocoder(ready.project) == ""


def test_the_terms_are_shown_before_anything_is_fetched(ready: Guide) -> None:
    shown = texts(ready)
    assert "CC BY-NC-SA 4.0" in shown and "OpenVPI" in shown and "52 MB" in shown
    assert primary(ready) == ["fetch"]
    assert "52 MB" in action(ready.view("vocoder"), "fetch").label
    assert ready.answer("vocoder", {"asset": "pc-nsf-hifigan-base"}).ok
    assert "400 MB" in texts(ready)


def test_a_downloaded_file_is_taken_and_heard(
    ready: Guide, library: Library, tmp_path: Path
) -> None:
    file = vocoder(tmp_path / "downloads")
    assert not ready.answer("vocoder", {"downloaded": str(tmp_path / "no.zip")}).ok
    assert ready.answer("vocoder", {"downloaded": str(file)}).ok
    assert ready.act("vocoder", "add").ok
    view = finish(ready, "vocoder")
    assert view.job is not None and view.job.state == "done", view.job
    assert view.status is StepStatus.DONE
    kept = library.get("pc-nsf-hifigan")
    assert kept is not None and question(view, "vocoder").value == str(kept.main)
    assert view.summary == "PC-NSF-HiFiGAN 44.1 kHz (February 2025)"
    assert "goes with everything" in texts(ready)
    assert question(view, "asset").value == "pc-nsf-hifigan-base", "next comes fine-tuning"
    assert "accept" not in [one.id for one in view.actions], "it is used already"


def test_a_file_that_is_no_vocoder_is_refused_with_a_reason(ready: Guide, tmp_path: Path) -> None:
    page = tmp_path / "release.zip"
    page.write_text("<html>Sign in</html>")
    assert ready.answer("vocoder", {"downloaded": str(page)}).ok
    assert ready.act("vocoder", "add").ok
    view = finish(ready, "vocoder")
    assert view.status is StepStatus.FAILED
    assert view.job is not None and "web page" in view.job.error
    assert primary(ready) == ["fetch"]


def test_choosing_counts_at_once_and_changes_no_other_step(ready: Guide, tmp_path: Path) -> None:
    file = vocoder(tmp_path / "mine")
    assert ready.answer("vocoder", {"file": str(file)}).ok
    assert ready.answer("vocoder", {"vocoder": str(file)}).ok
    assert saved(ready)["models"]["acoustic"]["overrides"]["vocoder_ckpt"] == str(file)
    config = yaml.safe_load(ready.project.config_path("acoustic").read_text(encoding="utf-8"))
    assert config["vocoder_ckpt"] == str(file), "validations are heard through it"
    statuses = {line.id: line.status for line in ready.overview()}
    assert statuses["model"] is StepStatus.DONE
    assert statuses["vocoder"] is StepStatus.DONE
    assert not [one for one in ready.view("model").actions if one.id == "reset"]
    assert ready.answer("vocoder", {"vocoder": "preview"}).ok
    assert chosen_vocoder(ready.project) == "preview"
    assert ready.view("vocoder").status is StepStatus.DONE


def test_a_vocoder_for_other_spectrograms_cannot_be_chosen(ready: Guide, tmp_path: Path) -> None:
    file = vocoder(tmp_path / "mine", fmin=0)
    assert ready.answer("vocoder", {"file": str(file)}).ok
    reply = ready.answer("vocoder", {"vocoder": str(file)})
    assert not reply.ok
    assert "fmin" in reply.errors["vocoder"]
    assert chosen_vocoder(ready.project) == ""


def test_an_edited_config_is_left_alone(ready: Guide, tmp_path: Path) -> None:
    path = ready.project.config_path("acoustic")
    path.write_text(path.read_text(encoding="utf-8") + "\nseed: 7\n", encoding="utf-8")
    before = path.read_bytes()
    file = vocoder(tmp_path / "mine")
    assert ready.answer("vocoder", {"file": str(file)}).ok
    assert ready.answer("vocoder", {"vocoder": str(file)}).ok
    assert path.read_bytes() == before
    assert chosen_vocoder(ready.project) == str(file)


def test_vocoders_are_compared_on_held_out_recordings(ready: Guide, tmp_path: Path) -> None:
    file = vocoder(tmp_path / "mine")
    assert ready.answer("vocoder", {"file": str(file)}).ok
    assert ready.act("vocoder", "compare").ok
    view = finish(ready, "vocoder")
    assert view.job is not None and view.job.state == "done", view.job
    (table,) = [one for one in view.blocks if isinstance(one, Table)]
    assert [row[0] for row in table.rows] == ["preview (DSP)", "mine"]
    assert "nat" in table.rows[0][1] and table.rows[0][3].endswith("%")
    sounds = [one for one in view.blocks if isinstance(one, Audio)]
    assert len(sounds) == 3, "the recording and two copies"
    lengths = {soundfile.info(one.path).frames for one in sounds}
    assert len(lengths) == 1
    (picture,) = [one for one in view.blocks if isinstance(one, Image)]
    held_out = question(view, "clip").choices[1].value.partition("/")[2]
    assert held_out in picture.caption
    # Random weights are no improvement, but they are a vocoder with real figures.
    assert action(view, "compare_again").enabled


def copies(**errors: float) -> dict[str, Any]:
    means = [
        {
            "vocoder": Path(file).parent.name,
            "file": file,
            "preview": file == "preview",
            "figures": {"mel_l1": error, "f0_cents": None, "voicing_agreement": 1.0, "rtf": 0.5},
        }
        for file, error in errors.items()
    ]
    return {"means": means, "clips": []}


def test_the_gain_of_fine_tuning_becomes_a_recommendation(
    ready: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = vocoder(tmp_path / "base")
    tuned = vocoder(ready.project.root / "checkpoints/vocoder/exported/best")
    assert ready.answer("vocoder", {"file": str(base)}).ok
    assert ready.answer("vocoder", {"vocoder": str(base)}).ok

    def compare(tuned_error: float) -> None:
        result = copies(**{"preview": 0.9, str(base): 0.30, str(tuned): tuned_error})
        monkeypatch.setitem(STAGES, "vocoders", lambda *_: result)
        run_here(ready.project, "vocoders", {}, reporter=Reporter())

    def offered() -> list[str]:
        return [one.id for one in ready.view("vocoder").actions]

    compare(0.29)
    assert "accept" not in offered(), "too small to be heard"
    compare(0.20)
    assert "accept" in offered()
    labels = [one.label for one in question(ready.view("vocoder"), "vocoder").choices]
    assert [label for label in labels if "recommended" in label] == [
        "Your own: vocoder, the best so far (recommended)"
    ]
    assert ready.act("vocoder", "accept").ok
    assert chosen_vocoder(ready.project) == str(tuned)
    assert "accept" not in offered()


def test_songs_are_to_be_sung_again_through_another_vocoder(
    ready: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ready.project.experiment_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "model_ckpt_steps_10.ckpt").write_bytes(b"")
    monkeypatch.setitem(STAGES, "render", lambda *_: {"wav": "a.wav"})
    run_here(ready.project, "render", {}, reporter=Reporter())
    assert ready.view("listen").status is StepStatus.DONE
    file = vocoder(tmp_path / "mine")
    assert ready.answer("vocoder", {"file": str(file)}).ok
    assert ready.answer("vocoder", {"vocoder": str(file)}).ok
    assert ready.view("listen").status is StepStatus.STALE
    assert action(ready.view("listen"), "again").enabled


def test_a_vocoders_own_work_does_not_pass_for_the_voices(
    ready: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Callable[..., dict[str, Any]] = lambda *_: {"counts": {"train": 5, "valid": 1}}  # noqa: E731
    monkeypatch.setitem(STAGES, "binarize", done)
    run_here(ready.project, "binarize", {"model": "vocoder"}, reporter=Reporter())
    assert ready.view("prepare").status is StepStatus.READY
    run_here(ready.project, "binarize", {"model": "acoustic"}, reporter=Reporter())
    assert ready.view("prepare").status is StepStatus.DONE
    run_here(ready.project, "binarize", {"model": "variance"}, reporter=Reporter())
    assert ready.view("prepare").status is StepStatus.DONE
