"""Playing sounds with a player of the system: here one that only writes down what it was given."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from singwiz.core.listening.playing import Player, player_command

RATE = 44100


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A log of what the player of this machine was asked to play, with the length of each file."""
    player, log = tmp_path / "aplay", tmp_path / "played.txt"
    player.write_text(
        f"#!{sys.executable}\n"
        "import sys, time, wave\n"
        "with wave.open(sys.argv[-1]) as sound:\n"
        "    length = sound.getnframes()\n"
        f"with open({str(log)!r}, 'a') as file:\n"
        "    file.write(f'{length}\\n')\n"
        "time.sleep(20)\n"
    )
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return log


def lengths(log: Path, count: int) -> list[int]:
    for _ in range(200):
        if log.is_file() and len(log.read_text().split()) == count:
            break
        time.sleep(0.02)
    return [int(line) for line in log.read_text().split()]


def test_a_sound_is_played_by_a_player_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    player = tmp_path / "aplay"
    player.write_text(f"#!{sys.executable}\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert player_command(Path("/x y.wav")) == [str(player), "-q", "/x y.wav"]
    monkeypatch.setenv("PATH", "")
    assert player_command(Path("/x y.wav")) is None


def test_switching_goes_on_where_the_other_version_was(played: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(3 * RATE, np.int16), RATE)
    player = Player()
    assert player.play(tmp_path / "a.wav", keep_position=True)
    assert lengths(played, 1) == [3 * RATE]
    time.sleep(0.2)
    heard = player.position
    assert player.play(tmp_path / "b.wav", keep_position=True)
    assert 3 - lengths(played, 2)[1] / RATE == pytest.approx(heard, abs=0.2)
    player.stop()
    assert not player.playing and player.position == 0


def test_without_a_player_nothing_pretends_to_sound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    assert not Player().play(tmp_path / "a.wav")
