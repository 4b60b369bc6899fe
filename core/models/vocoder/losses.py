"""What generator and discriminators of a vocoder learn from (arXiv 2010.05646).

Functions for the formulas; :class:`VocoderCriterion` for all of them with the weights and log
names of a training config.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .discriminators import Judgement
from .mel import MelSpectrogram
from .mrd import magnitudes, resolutions

STFT_FLOOR = 10**-3.5
"""Magnitudes below do not count in the multi-resolution loss: the root of 1e-7."""

Losses = tuple[Tensor, dict[str, Tensor]]
"""What to minimise, and detached parts to log."""


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Distance of the scores of recordings from 1 and of generated sound from 0.

    Args:
        real: a score of any shape per part of the discriminator.
        fake: the same for generated sound, not necessarily as many rows.

    Returns:
        Sums over the parts for recordings and for generated sound, scalars.
    """
    return (
        torch.stack([(1 - score).square().mean() for score in real]).sum(),
        torch.stack([score.square().mean() for score in fake]).sum(),
    )


def joint_discriminator_loss(
    scores: Sequence[Tensor], fake_rows: int
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`discriminator_loss` for generated sound and recordings judged as one batch.

    Args:
        scores: ``[fake_rows + real rows, …]`` per part, generated sound first.
        fake_rows: how many rows are generated.

    Returns:
        The loss, a mean over all rows, and parts of it: means over the generated rows and over
        the recordings.
    """
    total, fake, real = [], [], []
    for score in scores:
        target = torch.ones_like(score)
        target[:fake_rows] = 0
        rows = (score - target).square().flatten(1).mean(dim=1)
        total.append(rows.mean())
        fake.append(rows[:fake_rows].mean())
        real.append(rows[fake_rows:].mean())
    return torch.stack(total).sum(), torch.stack(fake).sum(), torch.stack(real).sum()


def adversarial_loss(fake: Sequence[Tensor]) -> Tensor:
    """Distance of the scores of generated sound from 1, summed over the parts; scalar."""
    return torch.stack([(1 - score).square().mean() for score in fake]).sum()


def feature_matching_loss(
    real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Twice the mean distances between feature maps, summed over all maps.

    Args:
        real: maps ``[B_real, …]`` per part and layer.
        fake: maps ``[B_fake, …]``; only the first rows that both have are compared.

    Returns:
        Scalar.
    """
    distances = []
    for real_maps, fake_maps in zip(real, fake, strict=True):
        for a, b in zip(real_maps, fake_maps, strict=True):
            rows = min(len(a), len(b))
            distances.append((a[:rows] - b[:rows]).abs().mean())
    return 2 * torch.stack(distances).sum()


class MultiResolutionStft(nn.Module):
    """How far spectrograms of several resolutions differ (arXiv 1910.11480)."""

    def __init__(
        self, fft_sizes: Sequence[int], hop_sizes: Sequence[int], win_lengths: Sequence[int]
    ) -> None:
        super().__init__()
        # Popular lists name some resolutions twice; those are computed once and count twice.
        self.counts = Counter(resolutions(fft_sizes, hop_sizes, win_lengths))
        for win in {win for _, _, win in self.counts}:
            self.register_buffer(f"window_{win}", torch.hann_window(win), persistent=False)

    def resolution(
        self, fake: Tensor, real: Tensor, fft: int, hop: int, win: int
    ) -> tuple[Tensor, Tensor]:
        """Spectral convergence and log-magnitude distance at one resolution, scalars."""
        window = self.get_buffer(f"window_{win}")
        x, y = (
            magnitudes(wave.flatten(1), fft, hop, window).clamp(min=STFT_FLOOR)
            for wave in (fake, real)
        )
        # Over the whole batch: loud rows count more.
        convergence = torch.linalg.vector_norm(y - x) / torch.linalg.vector_norm(y)
        return convergence, (torch.log(y) - torch.log(x)).abs().mean()

    def forward(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Means over resolutions of spectral convergence and log-magnitude distance.

        Args:
            fake: ``[B, 1, N]``, longer than half of the largest FFT.
            real: the same.

        Returns:
            Two scalars.
        """
        parts = [
            count * torch.stack(self.resolution(fake, real, *sizes))
            for sizes, count in self.counts.items()
        ]
        convergence, magnitude = torch.stack(parts).sum(0) / self.counts.total()
        return convergence, magnitude


def log_stft_distance(fake: Tensor, real: Tensor) -> Tensor:
    """The measure vocoders are compared by: mean distance of log10 magnitudes.

    The STFT is fixed (2048 samples, hop 512), whatever the vocoder's mel is.

    Args:
        fake: ``[B, N]`` or ``[B, 1, N]``, at least 768 samples.
        real: the same.

    Returns:
        Scalar.
    """
    size, hop = 2048, 512
    spectra = []
    for wave in (fake, real):
        padded = F.pad(wave.flatten(1).float(), ((size - hop) // 2,) * 2, "reflect")
        spectrum = torch.stft(
            padded,
            size,
            hop_length=hop,
            window=torch.hann_window(size, device=wave.device),
            center=False,
            return_complex=True,
        )
        spectra.append(torch.log10(spectrum.abs().clamp(min=1e-7)))
    return (spectra[0] - spectra[1]).abs().mean()


class VocoderCriterion(nn.Module):
    """All losses of a vocoder, weighted and named as a training config says."""

    def __init__(self, config: Mapping[str, Any], mel: MelSpectrogram) -> None:
        """Set up.

        Args:
            config: ``lab_aux_melloss`` (else ``lab_aux_loss``, else 45), ``use_stftloss``,
                ``lab_aux_stftloss`` (else 2.5), ``loss_fft_sizes``, ``loss_hop_sizes``,
                ``loss_win_lengths``.
            mel: the mel that is compared; its filters reach up to ``fmax_for_loss``.

        Raises:
            ValueError: the STFT loss is on and its sizes are missing or do not fit.
        """
        super().__init__()
        weight = config.get("lab_aux_melloss")
        weight = config.get("lab_aux_loss") if weight is None else weight
        self.mel_weight = 45.0 if weight is None else float(weight)
        stft_weight = config.get("lab_aux_stftloss")
        self.stft_weight = 2.5 if stft_weight is None else float(stft_weight)
        self.mel = mel
        self.stft: MultiResolutionStft | None = None
        if config.get("use_stftloss"):
            names = ("loss_fft_sizes", "loss_hop_sizes", "loss_win_lengths")
            if any(not config.get(name) for name in names):
                raise ValueError(f"use_stftloss needs {', '.join(names)}")
            self.stft = MultiResolutionStft(*(config[name] for name in names))

    def discriminator(self, real: Mapping[str, Judgement], fake: Mapping[str, Judgement]) -> Losses:
        """What the discriminators minimise.

        Args:
            real: what each family (``msd``, ``mpd``, …) says about recordings.
            fake: and about generated sound.
        """
        total: list[Tensor] = []
        logs: dict[str, Tensor] = {}
        for family, (scores, _) in real.items():
            true, false = discriminator_loss(scores, fake[family][0])
            logs |= {f"D{family}lossT": true.detach(), f"D{family}lossF": false.detach()}
            total.append(true + false)
        return torch.stack(total).sum(), logs

    def joint_discriminator(self, judged: Mapping[str, Judgement], fake_rows: int) -> Losses:
        """The same for one batch of generated sound, then recordings."""
        total: list[Tensor] = []
        logs: dict[str, Tensor] = {}
        for family, (scores, _) in judged.items():
            loss, false, true = joint_discriminator_loss(scores, fake_rows)
            logs |= {f"D{family}lossT": true.detach(), f"D{family}lossF": false.detach()}
            total.append(loss)
        return torch.stack(total).sum(), logs

    def generator(self, real: Mapping[str, Judgement], fake: Mapping[str, Judgement]) -> Losses:
        """What the generator minimises, as far as discriminators judge it."""
        total: list[Tensor] = []
        logs: dict[str, Tensor] = {}
        for family, (scores, maps) in fake.items():
            adversarial = adversarial_loss(scores)
            matching = feature_matching_loss(real[family][1], maps)
            logs[f"G{family}loss"] = adversarial.detach()
            logs[f"G{family}_feature_loss"] = matching.detach()
            total += [adversarial, matching]
        return torch.stack(total).sum(), logs

    def auxiliary(self, fake: Tensor, real: Tensor) -> Losses:
        """What the generator minimises besides: mel and, where it is on, STFT distance.

        Args:
            fake: ``[B_fake, 1, N]``.
            real: ``[B_real, 1, N]``; only the first rows that both have are compared.
        """
        rows = min(len(fake), len(real))
        fake, real = fake[:rows], real[:rows]
        mel_loss = self.mel_weight * F.l1_loss(self.mel(fake), self.mel(real))
        logs = {"aux_mel_loss": mel_loss.detach()}
        if self.stft is None:
            return mel_loss, logs
        convergence, magnitude = self.stft(fake, real)
        stft_loss = self.stft_weight * (convergence + magnitude)
        return mel_loss + stft_loss, logs | {"aux_stft_loss": stft_loss.detach()}


PITCH_CONTROL_WEIGHT = 30.0


def pitch_control_loss(there_and_back: Tensor, direct: Tensor) -> Tensor:
    """Distance of a sound shifted by a detour from the one shifted at once, weighted; scalar."""
    return PITCH_CONTROL_WEIGHT * F.l1_loss(there_and_back, direct)
