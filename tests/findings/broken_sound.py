"""Recordings, how they fit their labels, and DS files, each broken in one way."""

from __future__ import annotations

import numpy as np
import soundfile
import soxr

from .scene import HERTZ, PH_DUR, RATE, Scene, breaks, sing


@breaks("label-audio-length")
def _(scene: Scene) -> None:
    scene.sound(lambda x: np.concatenate((x, 1e-5 * np.ones(RATE // 2, np.float32))))


@breaks("item-short")
def _(scene: Scene) -> None:
    scene.row("brief", 240.0, seq=("SP", "k", "a", "SP"), dur=(0.2, 0.1, 0.5, 0.2))
    scene.write()


@breaks("item-long")
def _(scene: Scene) -> None:
    scene.limits["item_max"] = 2.51


@breaks("sample-rate-low")
def _(scene: Scene) -> None:
    scene.sound(lambda x: x, rate=32000)


@breaks("sample-rate-other")
def _(scene: Scene) -> None:
    scene.sound(lambda x: x, rate=48000)


@breaks("sample-rate-mixed")
def _(scene: Scene) -> None:
    scene.sound(lambda x: x, rate=48000)


@breaks("bandwidth-low")
def _(scene: Scene) -> None:
    for row in range(3):
        scene.sound(lambda x: soxr.resample(soxr.resample(x, RATE, 22050), 22050, RATE), row)


@breaks("channels")
def _(scene: Scene) -> None:
    scene.sound(lambda x: np.stack([x, x], axis=1))


@breaks("channels-differ")
def _(scene: Scene) -> None:
    scene.sound(lambda x: np.stack([x, np.roll(x, 60)], axis=1))


@breaks("level-clipped")
def _(scene: Scene) -> None:
    scene.sound(lambda x: np.clip(4 * x, -1, 1))


@breaks("level-low")
def _(scene: Scene) -> None:
    for row in range(3):
        scene.sound(lambda x: 0.1 * x, row)


@breaks("level-outlier")
def _(scene: Scene) -> None:
    scene.sound(lambda x: 0.15 * x)


@breaks("level-offset")
def _(scene: Scene) -> None:
    scene.sound(lambda x: x + 0.02)


@breaks("edge-cut")
def _(scene: Scene) -> None:
    scene.row("cut", 240.0)
    x = sing(240.0)[int(0.35 * RATE) :]
    soundfile.write(scene.wav("cut"), x, RATE)
    scene.relabel("SP a m i AP s a SP", "0.05 0.38 0.1 0.52 0.2 0.1 0.5 0.3", 3)


def every(scene: Scene, change) -> None:
    for row in range(3):
        scene.sound(change, row)


@breaks("pause-noisy")
def _(scene: Scene) -> None:
    hiss = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    every(scene, lambda x: x + 0.01 * hiss[: len(x)])


@breaks("pause-tonal")
def _(scene: Scene) -> None:
    for row, pause in enumerate((0.9, 1.0, 1.1)):
        scene.rows[row]["ph_dur"] = " ".join(map(str, (*PH_DUR[:5], 0.2, 0.1, 0.5, pause)))
        x = sing(HERTZ[row], dur=(*PH_DUR[:8], pause))
        time = np.arange(len(x)) / RATE
        band = sum(0.02 / k * np.sin(2 * np.pi * 330 * k * time) for k in range(1, 9))
        soundfile.write(scene.wav(scene.rows[row]["name"]), x + band, RATE)
    scene.write()


@breaks("pause-reverberant")
def _(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    time = np.arange(int(1.2 * RATE)) / RATE
    room = rng.standard_normal(len(time)) * 10 ** (-3 * time / 1.2) * 0.05
    seq = ("SP", "k", "a", "SP") * 3 + ("SP",)
    for k in range(3):
        dur = (0.2, 0.1, 0.5, 0.8) * 3 + (0.3 + 0.01 * k,)
        row = scene.row(f"hall{k}", 200.0 + 10 * k, seq=seq, dur=dur)
        dry = sing(200.0 + 10 * k, seq=seq, dur=dur)
        wet = np.fft.irfft(np.fft.rfft(dry, 2**19) * np.fft.rfft(room, 2**19))[: len(dry)]
        both = dry + 0.3 * wet
        soundfile.write(scene.wav(row["name"]), 0.5 * both / np.abs(both).max(), RATE)
    scene.write()


@breaks("pause-voiced")
def _(scene: Scene) -> None:
    seq = ("SP", "k", "a", "m", "i", "a", "s", "a", "SP")
    dur = (0.2, 0.08, 0.5, 0.1, 0.52, 0.6, 0.1, 0.5, 0.3)
    scene.row("wordless", 240.0, seq=seq, dur=dur)
    scene.relabel("SP k a m i SP s a SP", " ".join(map(str, dur)), 3)


@breaks("silence-in-phoneme")
def _(scene: Scene) -> None:
    def drop(x: np.ndarray) -> np.ndarray:
        x[int(0.95 * RATE) : int(1.25 * RATE)] = 0
        return x

    scene.sound(drop)


@breaks("item-unvoiced")
def _(scene: Scene) -> None:
    noise = np.random.default_rng(1)
    scene.sound(lambda x: 0.1 * noise.standard_normal(len(x)).astype(np.float32))


@breaks("pitch-range")
def _(scene: Scene) -> None:
    scene.model(f0_max=240.0)


@breaks("pitch-jumps")
def _(scene: Scene) -> None:
    scene.limits |= {"pitch_jump": 3.0, "pitch_jump_share": 0.05}
    steps = np.tile(np.repeat((220.0, 311.0), int(0.1 * RATE)), 13)

    def trill(x: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * np.cumsum(steps[: len(x)]) / RATE
        voice = sum(0.15 / k**0.7 * np.sin(k * phase) for k in range(1, 20))
        loud = np.abs(x) > 0.02
        loud = np.convolve(loud, np.ones(2000), mode="same") > 400
        return np.where(loud, voice, x).astype(np.float32)

    scene.sound(trill)


@breaks("vowel-unvoiced")
def _(scene: Scene) -> None:
    seq = ("SP", "k", "a", "s", "i", "AP", "s", "a", "SP")
    scene.row("whisper", 240.0)
    whispered = ("SP", "k", "a", "s", "s", "AP", "s", "s", "SP")
    soundfile.write(scene.wav("whisper"), sing(240.0, seq=whispered), RATE)
    scene.relabel(" ".join(seq), " ".join(map(str, PH_DUR)), 3)
    scene.dictionary("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\nsi\ts i\n")


@breaks("label-shifted")
def _(scene: Scene) -> None:
    silence = 1e-5 * np.ones(int(0.3 * RATE), np.float32)
    scene.sound(lambda x: np.concatenate((silence, x))[: len(x)])


@breaks("label-misaligned")
def _(scene: Scene) -> None:
    seq = ("SP", "k", "a", "SP", "s", "i", "SP", "m", "a", "SP")
    dur = (0.9, 0.1, 0.4, 0.6, 0.1, 0.2, 0.7, 0.1, 0.5, 0.4)
    scene.row("other_take", 240.0, seq=seq, dur=dur)
    other = (0.3, 0.1, 0.8, 0.2, 0.1, 1.1, 0.2, 0.1, 0.1, 1.0)
    scene.relabel(" ".join(seq), " ".join(map(str, other)), 3)
    scene.dictionary("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\n")


@breaks("ds-invalid")
def _(scene: Scene) -> None:
    scene.ds("[{]")


@breaks("ds-number-invalid")
def _(scene: Scene) -> None:
    scene.ds([scene.segment(f0_seq="220 221 nan")])


@breaks("ds-lengths-differ")
def _(scene: Scene) -> None:
    scene.ds([scene.segment(ph_dur="0.2 0.3")])


@breaks("ds-timestep")
def _(scene: Scene) -> None:
    segment = scene.segment()
    del segment["f0_timestep"]
    scene.ds([segment])


@breaks("ds-curve-length")
def _(scene: Scene) -> None:
    scene.ds([scene.segment(f0_timestep=0.02)])


@breaks("ds-slur-count")
def _(scene: Scene) -> None:
    scene.ds(
        [
            scene.segment(
                ph_num="2 2 1 2 1 1",
                note_seq="rest A3 A3 rest A3 rest",
                note_dur="0.28 0.6 0.52 0.3 0.5 0.3",
                note_slur="0 0 1 0 0 0",
            )
        ]
    )


@breaks("ds-curve-range")
def _(scene: Scene) -> None:
    curve = " ".join(str(k % 5 + 1) for k in range(215))
    scene.ds([scene.segment(energy=curve, energy_timestep=512 / RATE)])


@breaks("ds-curve-constant")
def _(scene: Scene) -> None:
    curve = " ".join(["-96"] * 215)
    scene.ds([scene.segment(breathiness=curve, breathiness_timestep=512 / RATE)])


@breaks("ds-index")
def _(scene: Scene) -> None:
    scene.wav("song0_a").rename(scene.wav("song0_a#3"))
    scene.rows[0]["name"] = "song0_a#3"
    scene.write()
    scene.ds([scene.segment(), scene.segment()])


@breaks("ds-segments-unused")
def _(scene: Scene) -> None:
    scene.ds([scene.segment(), scene.segment()])


@breaks("ds-timestep-other")
def _(scene: Scene) -> None:
    curve = " ".join(str(220 + k % 5) for k in range(500))
    scene.ds([scene.segment(f0_seq=curve, f0_timestep=0.005)])
