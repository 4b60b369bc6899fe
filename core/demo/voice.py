"""The demo singer: a small source–filter singing synthesiser with exact labels.

Pulses with vibrato, drift, portamento and jitter drive a chain of resonators whose formants
glide from sound to sound; fricatives and bursts are filtered noise, breaths are noise through
a wide throat. It is made to give a training run something voice-like to learn, in seconds and
without any recording; it is no candidate for real singing.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .melody import VOWELS, Phrase

Array = NDArray[np.float64]

STEP = 0.005
"""Seconds between control values."""

FORMANTS: dict[str, tuple[float, float, float, float, float]] = {
    "a": (780.0, 1250.0, 2650.0, 3500.0, 4300.0),
    "i": (310.0, 2250.0, 3050.0, 3600.0, 4400.0),
    "u": (350.0, 1150.0, 2350.0, 3350.0, 4200.0),
    "e": (500.0, 1900.0, 2600.0, 3500.0, 4350.0),
    "o": (480.0, 820.0, 2550.0, 3400.0, 4250.0),
    "N": (280.0, 1150.0, 2200.0, 3300.0, 4200.0),
    "n": (270.0, 1550.0, 2400.0, 3300.0, 4200.0),
    "m": (260.0, 1000.0, 2150.0, 3250.0, 4200.0),
    "r": (380.0, 1400.0, 1900.0, 3200.0, 4200.0),
    "s": (350.0, 1700.0, 2600.0, 3500.0, 4300.0),
    "t": (330.0, 1750.0, 2650.0, 3500.0, 4300.0),
    "AP": (700.0, 1500.0, 2500.0, 3500.0, 4300.0),
}
"""Resonances of the vocal tract, Hz; ``k`` and ``h`` borrow those of the vowel after them."""

WIDTHS = (75.0, 95.0, 130.0, 200.0, 280.0)
NASAL_WIDTHS = (110.0, 260.0, 300.0, 350.0, 400.0)
NASALS = ("N", "n", "m")

SOURCES: dict[str, tuple[float, float]] = {
    "N": (0.45, 0.0),
    "n": (0.40, 0.0),
    "m": (0.40, 0.0),
    "r": (0.25, 0.0),
    "s": (0.0, 0.02),
    "h": (0.0, 0.35),
    "AP": (0.0, 0.12),
}
"""How much pulse and how much breath drives the throat; sounds not listed are silent."""

VOWEL_SOURCE = (1.0, 0.03)

HISS: dict[str, tuple[float, float, float]] = {
    "s": (7000.0, 0.45, 0.0),
    "k": (2300.0, 0.60, 0.025),
    "t": (4500.0, 0.60, 0.015),
    "AP": (5500.0, 0.03, 0.0),
}
"""Noise made in front of the throat: centre in Hz, level, and seconds of a burst at the end of
the phoneme (0 = noise all through it)."""

LEVEL = 0.22
SILENCE = 10 ** (-78 / 20)
"""Noise of the room, so that silence is quiet but not digital zero."""


def pitch_curve(phrase: Phrase, times: Array, rng: np.random.Generator) -> Array:
    """F0 of a sung phrase, defined everywhere (also through consonants and silence).

    Args:
        phrase: what is sung.
        times: ``[T]`` seconds from the start of the phrase, ascending, equally spaced.
        rng: drift and jitter.

    Returns:
        ``[T]`` Hz.
    """
    starts = np.cumsum([0, *(n.milliseconds for n in phrase.notes)]) / 1000
    sung = [i for i, note in enumerate(phrase.notes) if note.midi is not None]
    midi = np.full(len(times), float(phrase.notes[sung[0]].midi or 0))
    for before, after in pairwise(sung):
        leap = float(phrase.notes[after].midi or 0) - float(phrase.notes[before].midi or 0)
        # Portamento of about 80 ms that arrives shortly after the beat.
        midi += leap / (1 + np.exp(-np.clip((times - starts[after] + 0.005) / 0.014, -40, 40)))
    for i in sung:
        inside = times - starts[i]
        length = starts[i + 1] - starts[i]
        fade = np.clip((inside - 0.22) / 0.2, 0, 1) * np.clip((length - inside) / 0.08, 0, 1)
        depth = 0.35 * fade if length > 0.4 else 0.0
        midi += depth * np.sin(2 * np.pi * 5.6 * (inside - 0.22))
    midi += 0.10 * _slow_noise(times, 1.5, rng)
    midi += 0.04 * _slow_noise(times, 25.0, rng)
    return 440.0 * 2 ** ((midi - 69) / 12)


def sing(phrase: Phrase, *, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Sing a phrase.

    Args:
        phrase: what is sung.
        sample_rate: Hz, at least 16000.
        rng: noise, drift and jitter.

    Returns:
        float32 ``[N]`` in [−1, 1], ``N = round(milliseconds / 1000 · sample_rate)``.
    """

    length = round(phrase.milliseconds * sample_rate / 1000)
    block = round(STEP * sample_rate)
    steps = -(-length // block)
    times = (np.arange(steps) + 0.5) * block / sample_rate
    grid = np.arange(steps * block) / sample_rate
    formants, widths, voiced, aspirated = _controls(phrase, times)
    f0 = np.interp(grid, times, pitch_curve(phrase, times, rng))
    shimmer = 1 + 0.03 * _slow_noise(times, 12.0, rng)
    # Air rushes while the folds are open: noise in a vowel pulses with the pitch.
    opening = np.cos(2 * np.pi * np.cumsum(f0 / sample_rate))
    pulsing = 1 + 0.6 * np.interp(grid, times, voiced) * opening
    source = _glottis(f0, sample_rate) * np.interp(grid, times, voiced * shimmer)
    breath = rng.standard_normal(len(grid))
    source += 0.6 * breath * pulsing * np.interp(grid, times, aspirated)
    sound = _throat(source, formants, widths, block, sample_rate)
    sound += _hiss(phrase, times, grid, sample_rate, rng)
    sound = LEVEL * sound + SILENCE * rng.standard_normal(len(sound))
    return np.clip(sound[:length], -1.0, 1.0).astype(np.float32)


def _owners(phrase: Phrase, times: Array) -> NDArray[np.int64]:
    ends = np.cumsum(phrase.ph_ms) / 1000
    return np.minimum(np.searchsorted(ends, times, side="right"), len(ends) - 1)


def _controls(phrase: Phrase, times: Array) -> tuple[Array, Array, Array, Array]:
    """Formants ``[T, 5]``, widths ``[T, 5]``, voiced ``[T]`` and aspirated ``[T]``."""
    owner = _owners(phrase, times)
    shapes, widths, sources = [], [], []
    for i, ph in enumerate(phrase.ph_seq):
        after = phrase.ph_seq[i + 1] if i + 1 < len(phrase.ph_seq) else ph
        before = phrase.ph_seq[i - 1] if i else after
        shape = FORMANTS.get(ph) or FORMANTS.get(after) or FORMANTS.get(before) or FORMANTS["AP"]
        shapes.append(shape)
        widths.append(NASAL_WIDTHS if ph in NASALS else WIDTHS)
        sources.append(VOWEL_SOURCE if ph in VOWELS else SOURCES.get(ph, (0.0, 0.0)))
    levels = _glide(np.array(sources)[owner], 0.02)
    ends = np.cumsum(phrase.ph_ms) / 1000
    for i, ph in enumerate(phrase.ph_seq):
        burst = HISS.get(ph, (0.0, 0.0, 0.0))[2]
        if burst:  # the closure opens with a puff of breath
            levels[(times >= ends[i] - burst) & (times < ends[i]), 1] += 0.12
    formants = _glide(np.array(shapes)[owner], 0.055)
    return formants, _glide(np.array(widths)[owner], 0.04), levels[:, 0], levels[:, 1]


def _hiss(
    phrase: Phrase, times: Array, grid: Array, sample_rate: int, rng: np.random.Generator
) -> Array:
    """Fricatives and bursts: one band of noise per sound, opened and closed by its own curve."""
    from scipy.signal import sosfilt

    owner = _owners(phrase, times)
    ends = np.cumsum(phrase.ph_ms) / 1000
    symbols = np.array(phrase.ph_seq)
    noise = rng.standard_normal(len(grid))
    sound = np.zeros(len(grid))
    for symbol, (centre, level, burst) in HISS.items():
        on = symbols[owner] == symbol
        if burst:
            on &= times >= ends[owner] - burst
        width = 0.4 * centre
        frequency = np.minimum([centre, 1.2 * centre], 0.45 * sample_rate)
        sections = _resonators(frequency, np.full(2, width), sample_rate)
        gain = 0.5 * (1 - sections[:, 5])
        sections[:, 0], sections[:, 1], sections[:, 2] = gain, 0.0, -gain
        curve = _glide(level * on[:, None].astype(np.float64), 0.005 if burst else 0.025)[:, 0]
        sound += np.asarray(sosfilt(sections, noise)) * np.interp(grid, times, curve)
    return sound


def _glottis(f0: Array, sample_rate: int) -> Array:
    """Band-limited pulses that fall by 12 dB per octave, seen through the lips (+6 dB)."""
    from scipy.signal import lfilter

    phase = np.mod(2 * np.pi * np.cumsum(f0 / sample_rate), 2 * np.pi)
    harmonics = np.floor(0.45 * sample_rate / f0)
    sine = np.sin(phase / 2)
    at_pulse = np.abs(sine) < 1e-6
    pulses = np.sin((harmonics + 0.5) * phase) / np.where(at_pulse, 1.0, 2 * sine) - 0.5
    pulses = np.where(at_pulse, harmonics, pulses) / np.sqrt(harmonics)
    pole = np.exp(-2 * np.pi * 120.0 / sample_rate)
    soft = np.exp(-2 * np.pi * 9000.0 / sample_rate)
    flow = lfilter([1 - pole], [1, -pole], pulses)
    return 4.0 * np.asarray(lfilter([1 - soft], [1, -soft], flow))


def _throat(source: Array, formants: Array, widths: Array, block: int, sample_rate: int) -> Array:
    """Cascade of resonators of gain 1 at 0 Hz; the first five move.

    The moving ones are applied to overlapping pieces of four blocks, each with the formants of
    its middle: recursive filters whose coefficients jump would click and swell.
    """
    from scipy import fft
    from scipy.signal import sosfilt

    upper = np.arange(5300.0, 0.42 * sample_rate, 1050.0)
    sound = np.asarray(sosfilt(_resonators(upper, 0.07 * upper, sample_rate), source))
    size = 4 * block
    points = fft.next_fast_len(2 * size + 1, real=True)
    turn = np.exp(-2j * np.pi * np.arange(points // 2 + 1) / points)
    response = np.ones((len(formants), len(turn)), np.complex128)
    for moving, width in zip(formants.T, widths.T, strict=True):
        section = _resonators(moving, width, sample_rate)
        response *= section[:, :1] / (1 + section[:, 4:5] * turn + section[:, 5:6] * turn**2)
    # A periodic Hann window over four blocks adds up to 2 everywhere.
    window = 0.25 - 0.25 * np.cos(2 * np.pi * np.arange(size) / size)
    lead = size // 2 - block // 2
    padded = np.pad(sound, (lead, size))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size)[::block][: len(formants)]
    shaped = fft.irfft(fft.rfft(pieces * window, n=points, axis=1) * response, n=points, axis=1)
    result = np.zeros(len(padded) + points)
    for i, piece in enumerate(shaped):
        result[i * block : i * block + points] += piece
    return result[lead : lead + len(sound)]


def _resonators(frequency: Array, width: Array, sample_rate: int) -> Array:
    radius = np.exp(-np.pi * width / sample_rate)
    a1 = -2 * radius * np.cos(2 * np.pi * frequency / sample_rate)
    a2 = radius**2
    zero = np.zeros_like(a1)
    return np.stack([1 + a1 + a2, zero, zero, zero + 1, a1, a2], axis=-1)


def _glide(values: Array, seconds: float) -> Array:
    """Smooth ``[T, K]`` with a window of ``seconds``."""
    count = max(3, round(seconds / STEP) | 1)
    window = np.hanning(count + 2)[1:-1]
    window /= window.sum()
    padded = np.pad(values, ((count // 2, count // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, window, mode="valid") for column in padded.T], axis=1)


def _slow_noise(times: Array, rate: float, rng: np.random.Generator) -> Array:
    """Random curve of unit spread that changes about ``rate`` times per second."""
    knots = np.arange(0.0, times[-1] + 2 / rate, 1 / rate)
    return np.interp(times, knots, rng.standard_normal(len(knots)))
