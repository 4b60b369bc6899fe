"""A real server for a guide."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.remote.webdriver import WebDriver


@pytest.fixture
def serve_guide(
    tmp_path: Path, browser: WebDriver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """Serve a guide on a free port of this machine; gives the address."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path / "cache")
    running = []

    def serve(guide: Any, *, allowed: Path | None = None) -> str:
        from singwiz.assistant.web.app import build, look

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        blocks = build(guide)
        running.append(blocks)
        _, url, _ = blocks.queue(default_concurrency_limit=8).launch(
            server_name="127.0.0.1",
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            ssr_mode=False,
            footer_links=[],
            allowed_paths=[str(allowed)] if allowed else [],
            **look(),
        )
        return url

    monkeypatch.setattr("singwiz.assistant.web.app.POLL_SECONDS", 0.4)
    yield serve
    # A server waits for its visitors before it closes.
    browser.get("about:blank")
    for blocks in running:
        blocks.close(verbose=False)
