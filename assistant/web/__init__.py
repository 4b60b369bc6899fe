"""The guide in a browser (Gradio). Draws what the guide says and decides nothing."""

from __future__ import annotations

from pathlib import Path

__all__ = ["launch"]


def launch(
    project: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    auth: tuple[str, str] | None = None,
) -> None:
    """Serve the wizard until the process is interrupted.

    Args:
        project: a project folder, an empty folder to make one in, or None to be asked.
        host: address to listen on; anything but this machine itself needs ``auth``.
        port: TCP port.
        auth: user name and password that visitors must give.

    Raises:
        SingwizError: the project cannot be read, the port is taken, or ``host`` would open the
            wizard to the network without a password.
    """
    from .server import serve

    serve(project, host=host, port=port, open_browser=open_browser, auth=auth)
