"""When the page redraws, and that nothing from a file name becomes markup."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from singwiz.assistant.guide.view import Chart, JobView, Text
from singwiz.assistant.web.app import spoken_by
from singwiz.assistant.web.page import (
    blocks_signature,
    charts_of,
    clock,
    form_signature,
    is_drawn,
    job_html,
    new_drawing,
    others_of,
    shows,
    values_signature,
)
from singwiz.assistant.web.server import is_loopback
from singwiz.assistant.web.show import chart_frame
from singwiz.core.errors import SingwizError
from singwiz.core.words import speaking


def test_an_answer_changes_the_values_but_not_the_form(guide: Any) -> None:
    before = guide.view("two")
    guide.values["name"] = "kaze"
    after = guide.view("two")
    assert form_signature(before) == form_signature(after)
    assert values_signature(before) != values_signature(after)


def test_a_new_question_or_button_makes_the_tab_draw_the_form_anew(guide: Any) -> None:
    view = guide.view("two")
    form = new_drawing(view)
    assert is_drawn(form, view)
    assert not is_drawn(form, replace(view, questions=view.questions[1:]))
    assert not is_drawn(form, replace(view, actions=view.actions[:1]))
    assert new_drawing(view) != form


def test_a_tab_knows_which_step_it_shows(guide: Any) -> None:
    values = values_signature(guide.view("two"))
    assert shows(values, "two")
    assert not shows(values, "one")
    assert not shows("", "two")


def test_a_growing_curve_leaves_sounds_and_pictures_alone(guide: Any) -> None:
    before = guide.view("two")
    guide.curve = (*guide.curve, (20.0, 0.1))
    after = guide.view("two")
    assert blocks_signature(before, others_of(before)) == blocks_signature(after, others_of(after))
    assert blocks_signature(before, charts_of(before)) != blocks_signature(after, charts_of(after))
    assert not any(isinstance(block, Chart) for block in others_of(after))
    assert any(isinstance(block, Text) for block in others_of(after))


def test_job_texts_are_escaped() -> None:
    html = job_html(JobView("j", "failed", error="<script>x</script>", hint="a & b"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &amp; b" in html


def test_progress_says_how_much_is_left() -> None:
    html = job_html(JobView("j", "running", "step 3", 0.25, eta=3700, elapsed=61))
    assert 'value="0.2500"' in html
    assert "25 %" in html
    assert "1:01 so far, about 1:01:40 left" in html
    assert "97 %" in job_html(JobView("j", "running", load="processor 97 %"))
    assert "then yours" in job_html(JobView("j", "waiting", "busy with x, then yours"))
    assert job_html(JobView("j", "done")) == ""
    assert job_html(None) == ""


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3600, "1:00:00")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_chart_frame_holds_every_point_of_every_series() -> None:
    frame = chart_frame(Chart("t", {"a": ((0, 1), (1, 2)), "b": ((0, 3),)}))
    assert frame.values.tolist() == [[0, 1, "a"], [1, 2, "a"], [0, 3, "b"]]


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("pc", False)],
)
def test_loopback_addresses_are_known(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_the_network_is_only_served_with_a_password() -> None:
    from singwiz.assistant.web import launch

    with pytest.raises(SingwizError) as refusal:
        launch(None, host="0.0.0.0")
    assert refusal.value.code == "web-needs-password"


def test_visitors_are_greeted_in_the_language_their_browser_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SINGWIZ_LANG")
    monkeypatch.setattr("singwiz.assistant.web.app.wanted", lambda: None)
    assert spoken_by("", "tlh,ja-JP;q=0.9,en;q=0.8") == "ja"
    assert spoken_by("zh", "ja-JP") == "zh"
    monkeypatch.setattr("singwiz.assistant.web.app.wanted", lambda: "en")
    assert spoken_by("", "ja-JP") == "en"


def test_pages_in_another_language_are_drawn_anew(guide: Any) -> None:
    job = JobView("j", "running", "", 0.5, eta=65, elapsed=5)
    english = job_html(job)
    with speaking("zh"):
        chinese = job_html(job)
    assert "约剩 1:05" in chinese
    assert "about 1:05 left" in english
