"""The preview vocoder: hear a mel without any trained vocoder.

A pulse train that follows F0 and noise are mixed per frame and frequency, shaped by the mel in
the short-time spectrum, and corrected by listening to themselves: the mel of the result is
compared with the wanted one and the difference is applied as gain, twice. That copies loudness,
vowels, consonants and breath noise; it is not a replacement for a trained vocoder, whose phases
and fine structure it does not have. Only NumPy and SciPy; the same input gives the same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..features.mel import mel_filterbank
from ..features.pitch import interpolate_unvoiced
from .voicing import voicing

Array = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

LABEL = "preview (DSP)"
CORRECTIONS = 2
"""Passes of mel matching; each costs two FFTs per frame and lowers the mel error by a fifth."""

MARGIN = 4
"""Frames added at both ends so that the first and last real frame are fully overlapped."""

BLOCK = 1024
"""Frames shaped at once, to bound memory on long songs (12 s at 44.1 kHz / 512)."""

CONTEXT = 16
"""Frames computed on both sides of a block and thrown away; more than corrections can reach."""

FLOOR, CEILING = -11.6, 4.5
"""Natural-log mel values beyond these are no sound: below the floor of the analysis, above what
full scale can reach."""

VOICED_SHARE = 0.997
"""Even a clean voice has noise 25 dB below its harmonics; mel matching then sets its level."""

INITIAL_ABOVE, CORRECTION_ABOVE = 1.0, 0.3

ENVELOPE = 17
"""Mel bands an envelope is smoothed over: more than lie between two low harmonics."""

LIFTER_SECONDS = 0.0015
"""Quefrencies kept for the phase of the vocal tract: formants, not harmonics."""


class PreviewVocoder:
    """Mel and F0 to waveform by signal processing.

    Args:
        sample_rate: Hz.
        hop_size: samples between mel frames.
        win_size: samples of the analysis window of the mel.
        fft_size: FFT size of the mel, ≥ ``win_size``.
        num_mels: mel bands.
        fmin: lower edge of the filterbank, Hz.
        fmax: upper edge of the filterbank, Hz.
        seed: seed of the noise.
    """

    label = LABEL
    is_preview = True

    def __init__(
        self,
        *,
        sample_rate: int = 44100,
        hop_size: int = 512,
        win_size: int = 2048,
        fft_size: int = 2048,
        num_mels: int = 128,
        fmin: float = 40.0,
        fmax: float = 16000.0,
        seed: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.hop_size = hop_size
        self.win_size = win_size
        self.fft_size = max(fft_size, win_size)
        self.num_mels = num_mels
        self.seed = seed
        self.fmax = min(fmax, sample_rate / 2)
        self.filterbank = mel_filterbank(
            sample_rate=sample_rate,
            fft_size=self.fft_size,
            num_mels=num_mels,
            fmin=fmin,
            fmax=self.fmax,
        ).astype(np.float32)
        self.frequencies = np.arange(self.fft_size // 2 + 1) * sample_rate / self.fft_size
        weights = np.maximum(self.filterbank.sum(axis=1), 1e-12)
        centres = (self.filterbank @ self.frequencies) / weights
        # Narrow bands of small filterbanks may fall between two FFT bins and be empty.
        self.centres = np.maximum.accumulate(centres + 1e-3 * np.arange(num_mels))
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win_size) / win_size)
        self.window = window.astype(np.float32)
        fade = (self.fmax - self.frequencies) / (0.12 * sample_rate / 2) + 1.0
        self.top = np.clip(fade, 0.0, 1.0).astype(np.float32)
        position = np.interp(self.frequencies, self.centres, np.arange(num_mels))
        self.below = np.clip(position.astype(np.int64), 0, num_mels - 2)
        self.part = (position - self.below).astype(np.float32)

    def synthesise(self, mel: Array, f0: Array) -> Array:
        """Turn a mel into sound.

        Args:
            mel: float32 ``[T, bins]`` natural-log amplitude mel; frame i is centred at sample
                ``(i + ½)·hop_size``. Non-finite values count as silence.
            f0: float32 ``[T]`` Hz; frame i at sample ``i·hop_size``. Zeros are unvoiced.

        Returns:
            float32 ``[T · hop_size]``.

        Raises:
            ValueError: shapes do not fit.
        """
        if mel.ndim != 2 or mel.shape[1] != self.num_mels or f0.shape != (len(mel),):
            raise ValueError(
                f"expected mel [T, {self.num_mels}] and f0 [T], got {mel.shape} and {f0.shape}"
            )
        frames = len(mel)
        if frames == 0:
            return np.zeros(0, np.float32)
        mel = np.nan_to_num(mel, nan=FLOOR, posinf=CEILING, neginf=FLOOR)
        mel = np.clip(mel, FLOOR, CEILING).astype(np.float32)
        f0 = np.where(np.isfinite(f0), f0, 0.0).astype(np.float32)
        pitch, unvoiced = interpolate_unvoiced(np.maximum(f0, 0.0))
        if unvoiced.all():
            pitch = np.full(frames, 200.0, np.float32)
        later = np.append(pitch[1:], pitch[-1])
        centre_pitch = np.sqrt(pitch * later)
        voiced, tilt, sharpness = voicing(mel, centre_pitch, self.centres)
        whispered = unvoiced & np.append(unvoiced[1:], unvoiced[-1])
        voiced = np.where(whispered, 0.0, voiced)
        blur = np.maximum(1.0 - sharpness, whispered).astype(np.float32)[:, None]

        pulses, noise = self._excitation(pitch)
        target = _extend(mel)
        share = self._voiced_share(_extend(voiced), _extend(tilt))
        blur = _extend(blur)
        fundamental = _extend(centre_pitch)[:, None].astype(np.float32)
        lead = MARGIN * self.hop_size + (self.win_size - self.hop_size) // 2
        output = np.empty(frames * self.hop_size, np.float32)
        total = len(target)
        for start in range(0, frames, BLOCK):
            stop = min(start + BLOCK, frames)
            first = max(0, start + MARGIN - CONTEXT)
            last = min(total, stop + MARGIN + CONTEXT)
            part = slice(first * self.hop_size, (last - 1) * self.hop_size + self.win_size)
            sound = self._shape(
                pulses[part],
                noise[part],
                target[first:last],
                share[first:last],
                fundamental[first:last],
                blur[first:last],
            )
            offset = start * self.hop_size + lead - first * self.hop_size
            length = (stop - start) * self.hop_size
            begin = start * self.hop_size
            output[begin : begin + length] = sound[offset : offset + length]
        return output

    def _excitation(self, pitch: Array) -> tuple[Array, Array]:
        """Pulse train (every harmonic of amplitude 1) and white noise, with margins."""
        frames = len(pitch)
        length = (frames + 2 * MARGIN - 1) * self.hop_size + self.win_size
        lead = MARGIN * self.hop_size + (self.win_size - self.hop_size) // 2
        time = (np.arange(length) - lead) / self.hop_size
        frequency = np.exp(np.interp(time, np.arange(frames), np.log(pitch)))
        phase = np.mod(2 * np.pi * np.cumsum(frequency / self.sample_rate), 2 * np.pi)
        harmonics = np.floor(0.49 * self.sample_rate / frequency)
        # Closed form of the sum of the first K cosines: no oscillator bank is needed.
        sine = np.sin(phase / 2)
        at_pulse = np.abs(sine) < 1e-5
        pulses = np.sin((harmonics + 0.5) * phase) / np.where(at_pulse, 1.0, 2 * sine) - 0.5
        pulses = np.where(at_pulse, harmonics, pulses)
        noise = np.random.default_rng(self.seed).standard_normal(length, dtype=np.float32)
        return pulses.astype(np.float32), noise

    def _voiced_share(self, voiced: Array, tilt: Array) -> Array:
        """Share of harmonic power, ``[T]`` → function of frequency ``[T, fft_size/2 + 1]``.

        The higher, the noisier; voiced fricatives (little tilt) turn to noise earlier than vowels.
        """
        edge = 3000.0 + 7000.0 * np.clip(tilt / 2.5, 0.0, 1.0)
        slope = (self.frequencies[None, :] - edge[:, None]) / 1200.0
        share = voiced[:, None] * VOICED_SHARE / (1.0 + np.exp(np.clip(slope, -30, 30)))
        return share.astype(np.float32)

    def _shape(
        self,
        pulses: Array,
        noise: Array,
        target: Array,
        share: Array,
        fundamental: Array,
        blur: Array,
    ) -> Array:
        """Mix and shape one block; all arguments cover the same frames."""
        # Both have a power density of 1: a harmonic has ½ and comes once per F0.
        spectrum = self._stft(pulses) * np.sqrt(2.0 * fundamental * share)
        spectrum += self._stft(noise) * (np.sqrt(self.sample_rate / 2) * np.sqrt(1.0 - share))
        spectrum *= self._without_rumble(fundamental, blur * share[:, :1])
        gain = self._missing(spectrum, target, blur, above=INITIAL_ABOVE)
        spectrum *= np.exp(gain) * self.top
        spectrum *= self._tract_phase(gain)
        overlap = self._overlap(len(target))
        for _ in range(CORRECTIONS):
            spectrum = self._stft(self._istft(spectrum, overlap))
            spectrum *= np.exp(self._missing(spectrum, target, blur, above=CORRECTION_ABOVE))
        return self._istft(spectrum, overlap)

    def _without_rumble(self, fundamental: Array, amount: Array) -> Array:
        """Factor ``[T, fft_size/2 + 1]`` that takes away what lies below F0.

        A voice has nothing there, but a blurred mel has, and it would be heard as an octave.
        """
        below = (0.7 * fundamental - self.frequencies.astype(np.float32)) / (0.08 * fundamental)
        return 1.0 - 0.98 * amount / (1.0 + np.exp(-np.clip(below, -30, 30)))

    def _missing(self, spectrum: Spectrum, target: Array, blur: Array, *, above: float) -> Array:
        """Log gain ``[T, fft_size/2 + 1]`` that would bring ``spectrum`` to the wanted mel.

        Args:
            spectrum: ``[T, fft_size/2 + 1]``.
            target: ``[T, bins]`` natural-log mel.
            blur: ``[T, 1]``; 1 compares envelopes only, because a mel without harmonics must
                not fill the gaps between ours.
            above: how far the gain of a band may rise above that of its surroundings, nat.
                It keeps the pitch where F0 is if the harmonics of the mel lie elsewhere.
        """
        have = np.maximum(np.abs(spectrum) @ self.filterbank.T, 1e-9)
        wide = np.log(_envelope(np.exp(target)) / _envelope(have))
        gain = np.minimum(target - np.log(have), wide + np.float32(above))
        gain = np.clip(gain + blur * (wide - gain), -25.0, 25.0)
        return gain[:, self.below] * (1 - self.part) + gain[:, self.below + 1] * self.part

    def _tract_phase(self, gain: Array) -> Spectrum:
        """Unit phasors of the minimum-phase filter with the smoothed magnitude ``gain``.

        Without them all harmonics peak together, which sounds like a buzzer.
        """
        from scipy import fft

        count = max(2, round(LIFTER_SECONDS * self.sample_rate))
        lifter = np.zeros(self.fft_size, np.float32)
        lifter[1:count] = 2 * np.cos(np.pi / 2 * np.arange(1, count) / count) ** 2
        cepstrum = fft.irfft(gain, n=self.fft_size, axis=1)
        phase = fft.rfft(cepstrum * lifter, axis=1).imag
        return np.exp(1j * phase).astype(np.complex64)

    def _stft(self, signal: Array) -> Spectrum:
        from scipy import fft

        windows = np.lib.stride_tricks.sliding_window_view(signal, self.win_size)
        return fft.rfft(windows[:: self.hop_size] * self.window, n=self.fft_size, axis=1)

    def _istft(self, spectrum: Spectrum, overlap: Array) -> Array:
        from scipy import fft

        pieces = fft.irfft(spectrum, n=self.fft_size, axis=1)[:, : self.win_size] * self.window
        return self._add(pieces, len(overlap)) / overlap

    def _overlap(self, frames: int) -> Array:
        length = (frames - 1) * self.hop_size + self.win_size
        squares = np.broadcast_to(self.window**2, (frames, self.win_size))
        return np.maximum(self._add(squares, length), 1e-3)

    def _add(self, pieces: Array, length: int) -> Array:
        sound = np.zeros(length, np.float32)
        for i, piece in enumerate(pieces):
            sound[i * self.hop_size : i * self.hop_size + self.win_size] += piece
        return sound


def _envelope(mel: Array) -> Array:
    """Smooth amplitudes ``[T, bins]`` over ``ENVELOPE`` bands and three frames."""
    from scipy.ndimage import convolve1d

    window = np.hanning(ENVELOPE + 2)[1:-1].astype(np.float32)
    smooth = convolve1d(mel, window / window.sum(), axis=1, mode="nearest")
    return convolve1d(smooth, np.array([0.25, 0.5, 0.25], np.float32), axis=0, mode="nearest")


def _extend(values: Array) -> Array:
    """Repeat the first and the last frame ``MARGIN`` times."""
    return np.concatenate(
        [np.repeat(values[:1], MARGIN, axis=0), values, np.repeat(values[-1:], MARGIN, axis=0)]
    )
