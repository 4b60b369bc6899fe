"""Starting the web server: where it listens, who may come in, which files it hands out."""

from __future__ import annotations

import ipaddress
import os
import sys
import tempfile
from pathlib import Path

from ...core.errors import USAGE_PROBLEM, SingwizError
from ...core.words import say
from ..guide.guide import Guide

# Nothing is told to anybody: Gradio reads these when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def serve(
    project: Path | None,
    *,
    host: str,
    port: int,
    open_browser: bool,
    auth: tuple[str, str] | None,
) -> None:
    """See :func:`singwiz.assistant.web.launch`."""
    if auth is None and not is_loopback(host):
        raise SingwizError(
            "web-needs-password",
            f"Listening on '{host}' would let everybody in your network into your project.",
            hint="Add --auth USER:PASSWORD, or leave --host out to stay on this machine.",
            exit_code=USAGE_PROBLEM,
        )
    guide = Guide.open(project)
    with tempfile.TemporaryDirectory(prefix="singwiz-web-") as cache:
        # What browsers upload or what has to be copied for them goes here, and goes with us.
        os.environ["GRADIO_TEMP_DIR"] = cache
        from .app import build, look

        blocks = build(guide)
        try:
            _, url, _ = blocks.queue(default_concurrency_limit=8).launch(
                server_name=host,
                server_port=port,
                auth=auth,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                share=False,
                quiet=True,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                run_history=False,
                footer_links=[],
                strict_cors=True,
                allowed_paths=[str(guide.project.root)] if guide.project else [],
                **look(),
            )
        except OSError as error:
            raise SingwizError(
                "web-port-taken",
                f"The wizard cannot listen on {host}:{port}: {error}.",
                hint="Another one may be open already; use it, or choose another --port.",
                exit_code=USAGE_PROBLEM,
            ) from None
        sys.stdout.write(say("web.open-at", url=url) + "\n")
        sys.stdout.flush()
        try:
            blocks.block_thread()
        finally:
            blocks.close(verbose=False)


def is_loopback(host: str) -> bool:
    """True if only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
