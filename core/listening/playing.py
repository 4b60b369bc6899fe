"""Playing sounds with what the machine has: switching between versions at the same moment."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path


def player_command(path: Path) -> list[str] | None:
    """The command that plays a WAV on this machine, or None."""
    players: tuple[tuple[str, ...], ...] = (
        ("pw-play",),
        ("paplay",),
        ("aplay", "-q"),
        ("afplay",),
        ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
        ("mpv", "--no-video", "--really-quiet"),
        ("play", "-q"),
    )
    for name, *options in players:
        if found := shutil.which(name):
            return [found, *options, str(path)]
    if shutil.which("powershell"):
        quoted = str(path).replace("'", "''")
        script = f"(New-Object Media.SoundPlayer '{quoted}').PlaySync()"
        return ["powershell", "-NoProfile", "-Command", script]
    return None


class Player:
    """Plays one file at a time. A second file goes on where the first one was."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._from = 0.0
        self._rest: Path | None = None

    @property
    def playing(self) -> bool:
        """Whether something sounds now."""
        return self._process is not None and self._process.poll() is None

    @property
    def position(self) -> float:
        """Seconds from the beginning of the sound; 0 when nothing plays."""
        return self._from + time.monotonic() - self._started if self.playing else 0.0

    def play(self, path: Path, *, keep_position: bool = False) -> bool:
        """Play a file, from the moment that sounds now if ``keep_position``.

        Returns:
            False if this machine has no player.
        """
        start = self.position if keep_position else 0.0
        self.stop()
        target = _tail(path, start) if start > 0 else None
        command = player_command(target or path)
        if command is None:
            return False
        self._rest = target
        self._from = start if target else 0.0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started = time.monotonic()
        return True

    def stop(self) -> None:
        """Silence."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process = None
        if self._rest is not None:
            self._rest.unlink(missing_ok=True)
            self._rest = None


def _tail(path: Path, start: float) -> Path | None:
    """The rest of a sound from ``start`` s on as a file; None if nothing is left."""
    import soundfile

    with soundfile.SoundFile(path) as sound:
        first = int(start * sound.samplerate)
        if first >= sound.frames:
            return None
        sound.seek(first)
        samples = sound.read(dtype="int16")
        handle = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it outlives this function
            prefix="singwiz-", suffix=".wav", delete=False
        )
        with handle:
            soundfile.write(handle, samples, sound.samplerate, format="WAV", subtype="PCM_16")
    return Path(handle.name)
