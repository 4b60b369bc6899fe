"""Folders, transcriptions.csv, names and files, each broken in one way."""

from __future__ import annotations

import struct

import numpy as np
import soundfile

from .scene import HERTZ, PH_DUR, PH_SEQ, RATE, Scene, breaks, sing

DUR = " ".join(f"{seconds:g}" for seconds in PH_DUR)
SEQ = " ".join(PH_SEQ)


def move_raw(scene: Scene, folder: str) -> None:
    scene.project.state.datasets[0].raw_data_dir = str(scene.root / folder)


@breaks("raw-folder-missing")
def _(scene: Scene) -> None:
    move_raw(scene, "unplugged/drive")


@breaks("raw-folder-wrong")
def _(scene: Scene) -> None:
    move_raw(scene, "raw/wavs")


@breaks("labels-not-converted")
def _(scene: Scene) -> None:
    scene.csv.unlink()
    (scene.raw / "song0_a.lab").write_text("0 2000000 pau\n")


@breaks("utau-voicebank")
def _(scene: Scene) -> None:
    utau(scene, "a.wav=a,100,200,-900,150,40\n")


@breaks("utau-oto")
def _(scene: Scene) -> None:
    utau(scene, "a.wav=a,100,200,-900,50,60\n")


@breaks("utau-pitch")
def _(scene: Scene) -> None:
    names = "abcde"
    utau(scene, "".join(f"{name}.wav={name},100,200,-900,150,40\n" for name in names))
    for name in names:
        hertz = 330.0 if name == "e" else 220.0
        soundfile.write(scene.root / "bank" / f"{name}.wav", sing(hertz), RATE)


def utau(scene: Scene, oto: str) -> None:
    folder = scene.root / "bank"
    folder.mkdir()
    (folder / "oto.ini").write_text(oto)
    soundfile.write(folder / "a.wav", sing(220.0), RATE)
    move_raw(scene, "bank")


@breaks("transcriptions-missing")
def _(scene: Scene) -> None:
    scene.csv.unlink()


@breaks("transcriptions-unreadable")
def _(scene: Scene) -> None:
    scene.csv.unlink()
    scene.csv.mkdir()


@breaks("transcriptions-not-text")
def _(scene: Scene) -> None:
    scene.csv.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 8)


@breaks("transcriptions-empty")
def _(scene: Scene) -> None:
    scene.write("name,ph_seq,ph_dur\n")


@breaks("wavs-missing")
def _(scene: Scene) -> None:
    (scene.raw / "wavs").rename(scene.raw / "audio")


@breaks("csv-encoding")
def _(scene: Scene) -> None:
    scene.wav("song0_a").rename(scene.wav("月亮代表我的心"))
    scene.rows[0]["name"] = "月亮代表我的心"
    scene.write(encoding="gbk")


@breaks("csv-bom")
def _(scene: Scene) -> None:
    scene.write(encoding="utf-8-sig")


@breaks("csv-separator")
def _(scene: Scene) -> None:
    scene.write(scene.text().replace(",", ";"))


@breaks("csv-nul")
def _(scene: Scene) -> None:
    scene.write(scene.text() + "\0" * 64)


@breaks("csv-quote")
def _(scene: Scene) -> None:
    scene.write(scene.text().replace("song1_a", '"song1_a'))


@breaks("csv-extra-cells")
def _(scene: Scene) -> None:
    scene.write(scene.text().replace("0.08", "0,08", 1))


@breaks("column-missing")
def _(scene: Scene) -> None:
    for row in scene.rows:
        del row["ph_dur"]
    scene.write()


@breaks("column-name")
def _(scene: Scene) -> None:
    scene.write(scene.text().replace("ph_dur", "ph_durs", 1))


@breaks("column-duplicate")
def _(scene: Scene) -> None:
    lines = scene.text().splitlines()
    scene.write("\n".join(f"{line},{line.split(',')[1]}" for line in lines) + "\n")


@breaks("column-ignored")
def _(scene: Scene) -> None:
    for row in scene.rows:
        row["languages"] = "ja " * len(PH_SEQ)
    scene.write()


@breaks("cell-empty")
def _(scene: Scene) -> None:
    scene.rows[1]["ph_seq"] = ""
    scene.write()


@breaks("odd-spaces")
def _(scene: Scene) -> None:
    scene.rows[1]["ph_seq"] = SEQ.replace(" a m", "\u3000a\u00a0m", 1)
    scene.write()


@breaks("name-duplicate")
def _(scene: Scene) -> None:
    scene.rows[1]["name"] = "song0_a"
    scene.write()


@breaks("name-case-duplicate")
def _(scene: Scene) -> None:
    scene.row("Song0_A", 300.0, dur=(0.3, *PH_DUR[1:]))
    scene.write()


@breaks("name-extension")
def _(scene: Scene) -> None:
    scene.rows[1]["name"] = "song1_a.wav"
    scene.write()


@breaks("name-mangled")
def _(scene: Scene) -> None:
    scene.wav("song1_a").rename(scene.wav("00001"))
    scene.rows[1]["name"] = "1"
    scene.write()


@breaks("name-illegal")
def _(scene: Scene) -> None:
    scene.rows[1]["name"] = "../song1_a"
    scene.write()


@breaks("audio-missing")
def _(scene: Scene) -> None:
    scene.wav("song1_a").unlink()


@breaks("audio-orphan")
def _(scene: Scene) -> None:
    soundfile.write(scene.wav("take2"), sing(300.0), RATE)


@breaks("audio-other-format")
def _(scene: Scene) -> None:
    scene.wav("song1_a").rename(scene.wav("song1_a").with_suffix(".mp3"))


@breaks("audio-identical")
def _(scene: Scene) -> None:
    scene.wav("song1_a").write_bytes(scene.wav("song0_a").read_bytes())


@breaks("audio-unreadable")
def _(scene: Scene) -> None:
    scene.wav("song1_a").write_bytes(b"RIFF\x00\x10\x00\x00WAVEfmt garbage" * 40)


@breaks("audio-empty")
def _(scene: Scene) -> None:
    scene.wav("song1_a").write_bytes(b"")


@breaks("audio-truncated")
def _(scene: Scene) -> None:
    path = scene.wav("song1_a")  # an MP3 under another name, cut off in the middle
    soundfile.write(path, sing(HERTZ[1]), RATE, format="MP3", subtype="MPEG_LAYER_III")
    path.write_bytes(path.read_bytes()[:15000])


@breaks("audio-too-long")
def _(scene: Scene) -> None:
    header(scene, rate=4000, size=0x7FFFFF00)


@breaks("audio-sample-rate")
def _(scene: Scene) -> None:
    header(scene, rate=7, size=8000)


def header(scene: Scene, *, rate: int, size: int) -> None:
    """A WAV header that claims much and holds little."""
    body = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    claim = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + body
    data = b"data" + struct.pack("<I", size) + bytes(8000)
    path = scene.wav("song1_a")
    path.write_bytes(claim + data)
    if size > 8000:
        with path.open("r+b") as file:  # a sparse file: no disk is used for the claim
            file.truncate(44 + size)


@breaks("audio-not-finite")
def _(scene: Scene) -> None:
    def spoil(samples: np.ndarray) -> np.ndarray:
        samples[1000] = np.nan
        return samples

    scene.sound(spoil, subtype="FLOAT")


@breaks("audio-silent")
def _(scene: Scene) -> None:
    scene.sound(lambda samples: 0 * samples)


@breaks("overlay-broken")
def _(scene: Scene) -> None:
    (scene.raw / "overlay.json").write_text('{"schema": 1}')


@breaks("overlay-base-changed")
def _(scene: Scene) -> None:
    copy = scene.root / "fixed"
    copy.mkdir()
    (copy / "transcriptions.csv").write_text(scene.text())
    (copy / "overlay.json").write_text(
        f'{{"schema": 1, "base": "{scene.raw}", "base_csv": "{"0" * 64}"}}'
    )
    move_raw(scene, "fixed")
