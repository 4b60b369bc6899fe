"""A vocoder of one's own by buttons: prepared, trained, heard and used."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.assistant.guide import Guide
from singwiz.assistant.guide.view import Audio, StepStatus, Table, Text
from singwiz.core.demo.corpus import make_corpus
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.reporting import Reporter

from .conftest import action, finish, question


def ids(guide: Guide) -> list[str]:
    return [one.id for one in guide.view("vocoder").actions]


def test_fine_tuning_asks_for_its_base_first(ready: Guide) -> None:
    assert ready.answer("vocoder", {"preset": "standard"}).ok
    start = action(ready.view("vocoder"), "prepare_start")
    assert not start.enabled
    assert "for fine-tuning" in start.reason
    assert ready.answer("vocoder", {"preset": "tiny"}).ok
    assert action(ready.view("vocoder"), "prepare_start").enabled


def test_buttons_lead_to_a_vocoder_of_ones_own(
    tmp_path: Path, library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(tmp_path / "demo", items=6, seconds=1.5, sample_rate=44100)
    guide = Guide.open(tmp_path / "voice")
    assert guide.answer("recordings", {"raw_dirs": [str(corpus.raw_data_dir)]}).ok
    assert guide.answer("recordings", {"consent": True}).ok
    assert guide.act("recordings", "create").ok
    clean = {"findings": [], "summary": {"errors": 0, "items": 6, "seconds": 9.0}}
    monkeypatch.setitem(STAGES, "check", lambda *_: clean)
    run_here(guide.project, "check", {}, reporter=Reporter())
    assert guide.answer("model", {"preset": "tiny"}).ok
    assert guide.act("model", "write").ok

    assert guide.answer("vocoder", {"preset": "tiny"}).ok
    assert guide.answer("vocoder", {"max_updates": 4}).ok
    assert question(guide.view("vocoder"), "max_updates").value == 4
    assert not any(name.startswith("train") for name in ids(guide))
    assert guide.act("vocoder", "prepare_start").ok
    view = finish(guide, "vocoder", limit=120)
    assert view.job is not None and view.job.state == "done", view.job
    assert any(isinstance(one, Text) and "A vocoder of your own" in one.body for one in view.blocks)
    # The voice's own preparation is still to be done.
    assert guide.view("prepare").status is StepStatus.READY

    assert guide.act("vocoder", "train_start").ok
    assert ids(guide) == ["stop"]
    view = finish(guide, "vocoder", limit=300)
    assert view.job is not None and view.job.state == "done", view.job
    titles = [one.title for one in view.blocks if isinstance(one, Table)]
    assert "Checkpoints" in titles
    assert any(isinstance(one, Audio) for one in view.blocks)
    assert "train_resume" in ids(guide)
    assert guide.view("train").status is not StepStatus.DONE

    own = guide.project.checkpoints_dir / "vocoder" / "exported" / "last" / "model.ckpt"
    choices = [one.value for one in question(view, "vocoder").choices]
    assert str(own) in choices
    assert guide.answer("vocoder", {"vocoder": str(own)}).ok
    assert guide.view("vocoder").status is StepStatus.DONE
    assert guide.act("vocoder", "compare").ok
    view = finish(guide, "vocoder", limit=120)
    table = next(one for one in view.blocks if isinstance(one, Table))
    assert [row[0] for row in table.rows][1] == "Your own: vocoder, the newest"
