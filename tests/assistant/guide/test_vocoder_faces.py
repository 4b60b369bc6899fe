"""The step about vocoders as it is seen: in the browser, and in a small terminal."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait
from textual.widgets import DataTable, Static

from singwiz.assistant.guide import Guide
from singwiz.assistant.tui.app import GuideApp
from singwiz.assistant.tui.widgets.blocks import AudioBlock
from singwiz.core.jobs import run_here
from singwiz.core.jobs.stages import STAGES
from singwiz.core.reporting import Reporter

from .conftest import RATE, vocoder


@pytest.fixture
def compared(ready: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guide:
    """A guide at the step about vocoders, with a comparison that favours the user's own."""
    import numpy as np
    import soundfile

    file = vocoder(tmp_path / "mine")
    assert ready.answer("vocoder", {"file": str(file)}).ok
    folder = ready.project.renders_dir
    folder.mkdir(parents=True)
    for name in ("recording", "1-preview", "2-mine"):
        soundfile.write(folder / f"{name}.wav", np.zeros(RATE // 10, np.float32), RATE)

    def copy(name: str, wav: str, error: float, path: str) -> dict[str, Any]:
        figures = {"mel_l1": error, "f0_cents": 1.0, "voicing_agreement": 1.0, "rtf": 0.5}
        return {
            "vocoder": name, "file": path, "preview": path == "preview", "figures": figures,
            "wav": str(folder / wav),
        }  # fmt: skip

    copies = [
        copy("preview (DSP)", "1-preview.wav", 0.9, "preview"),
        copy("mine", "2-mine.wav", 0.25, str(file)),
    ]
    clip = {
        "item": "song0", "recording": str(folder / "recording.wav"), "copies": copies,
        "spectrogram": "",
    }  # fmt: skip
    result = {"means": copies, "clips": [clip]}
    monkeypatch.setitem(STAGES, "vocoders", lambda *_: result)
    run_here(ready.project, "vocoders", {}, reporter=Reporter())
    monkeypatch.setattr(Guide, "current", lambda self: "vocoder")
    return ready


@pytest.fixture
def address(compared: Guide, tmp_path: Path) -> Iterator[str]:
    """A real server for the guide."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path / "cache")
    from singwiz.assistant.web.app import build, look

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    blocks = build(compared)
    _, url, _ = blocks.queue(default_concurrency_limit=8).launch(
        server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True,
        ssr_mode=False, footer_links=[], allowed_paths=[str(compared.project.root)], **look(),
    )  # fmt: skip
    yield url
    blocks.close(verbose=False)


@pytest.mark.browser
def test_terms_figures_and_sounds_are_seen_and_a_click_takes_the_better_one(
    browser: WebDriver, address: str, compared: Guide
) -> None:
    def until(condition: Callable[[], Any]) -> Any:
        waiting = WebDriverWait(browser, 60, 0.2, ignored_exceptions=[Exception])
        return waiting.until(lambda _: condition())

    def find(selector: str) -> list[Any]:
        return browser.find_elements(By.CSS_SELECTOR, selector)

    browser.get(address)
    until(lambda: find("#a-accept"))
    page = until(
        lambda: len(find(".sound")) == 3 and browser.find_element(By.TAG_NAME, "body").text
    )
    assert "CC BY-NC-SA 4.0" in page and "52 MB" in page
    assert "0.25 nat" in page
    until(lambda: find("#a-accept")[0].click() or True)
    until(lambda: "heard through: mine" in browser.find_element(By.TAG_NAME, "body").text)
    chosen = compared.project.state.models["acoustic"].overrides["vocoder_ckpt"]
    assert Path(chosen).parent.name == "mine"


async def test_a_small_terminal_shows_the_same(compared: Guide) -> None:
    app = GuideApp(compared)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(300):
            if app.query("#a-accept") and len(app.query(AudioBlock)) == 3:
                break
            await asyncio.sleep(0.05)
            await pilot.pause()
        words = "\n".join(str(one.render()) for one in app.query(Static))
        assert "CC BY-NC-SA 4.0" in words
        table = app.query_one(DataTable)
        shown = [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]
        assert [row[:2] for row in shown] == [["preview (DSP)", "0.90 nat"], ["mine", "0.25 nat"]]
        # Buttons fit into the width beside the list of steps.
        widest = max(button.region.right for button in app.query("Button") if button.region.width)
        assert widest <= 80
        await pilot.press("f9")
        for _ in range(300):
            if "acoustic" in compared.project.state.models and compared.project.state.models[
                "acoustic"
            ].overrides.get("vocoder_ckpt"):
                break
            await asyncio.sleep(0.05)
            await pilot.pause()
    assert Path(compared.project.state.models["acoustic"].overrides["vocoder_ckpt"]).is_file()
