"""What describes a generator: read from ``config.json`` or a training config, and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Excitation = Literal["nsf", "mini", "none"]
"""``nsf``: a sine with eight overtones and noise; ``mini``: one sine; ``none``: mel only."""

MEL_KEYS = {
    "sampling_rate": "audio_sample_rate",
    "num_mels": "audio_num_mel_bins",
    "n_fft": "fft_size",
    "win_size": "win_size",
    "hop_size": "hop_size",
    "fmin": "fmin",
    "fmax": "fmax",
}
"""What describes the mel: names in ``config.json`` -> names in the configs of models."""

_DDSP_KEYS = {
    "sampling_rate": "sampling_rate",
    "num_mels": "n_mels",
    "n_fft": "n_fft",
    "win_size": "win_length",
    "hop_size": "block_size",
    "fmin": "mel_fmin",
    "fmax": "mel_fmax",
}
"""The same -> names in the section ``data`` of a DDSP vocoder's ``config.yaml``."""

_NOT_A_KEY = "the vocoder config lacks {key!r}; use the config.json that came with the vocoder"


def generator_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a ``config.json``, from one or from a training config.

    Args:
        config: a ``config.json``, or a mapping whose ``model_args`` describe the network and whose
            ``audio_sample_rate``, ``audio_num_mel_bins``, ``fft_size``, … describe the mel.

    Raises:
        ValueError: ``model_args`` is no mapping.
    """
    if "model_args" not in config:
        return dict(config)
    network = config["model_args"]
    if not isinstance(network, Mapping):
        raise ValueError("model_args must map names of options to values")
    names = {**MEL_KEYS, "pc_aug": "pc_aug"}
    audio = {ours: config[theirs] for ours, theirs in names.items() if theirs in config}
    return {**audio, **network}


def ddsp_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """The mel a DDSP vocoder was made for, in the names of a ``config.json``.

    Args:
        config: its ``config.yaml``.

    Raises:
        ValueError: the description is incomplete.
    """
    data = config.get("data")
    if not isinstance(data, Mapping) or not all(name in data for name in _DDSP_KEYS.values()):
        raise ValueError("the section data of a DDSP config is incomplete")
    return {ours: data[theirs] for ours, theirs in _DDSP_KEYS.items()}


@dataclass(frozen=True)
class GeneratorConfig:
    """A generator's structure.

    Attributes:
        resblock: 1 (two convolutions per dilation) or 2 (one).
        upsample_rates: samples per input sample of each stage; their product is the hop.
        upsample_kernel_sizes: kernels of the transposed convolutions.
        upsample_initial_channel: channels before the first stage; each stage halves them.
        resblock_kernel_sizes: one residual block per entry and stage.
        resblock_dilation_sizes: dilations of each of these blocks.
        num_mels: mel channels.
        sampling_rate: Hz; None only without excitation.
        excitation: how F0 enters.
        noise_sigma: standard deviation of noise added after the first convolution.
    """

    resblock: int
    upsample_rates: tuple[int, ...]
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    num_mels: int
    sampling_rate: int | None
    excitation: Excitation
    noise_sigma: float = 0.0

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> GeneratorConfig:
        """Read and check a config.

        Args:
            config: see :func:`generator_keys`. Besides the community's keys, ``excitation`` may
                be given; without it ``mini_nsf`` chooses between ``mini`` and ``nsf``.

        Raises:
            ValueError: something is missing or does not fit; names the key and the cure.
        """
        keys = generator_keys(config)
        excitation: Any = keys.get("excitation") or ("mini" if keys.get("mini_nsf") else "nsf")
        if excitation not in ("nsf", "mini", "none"):
            raise ValueError(f"excitation is {excitation!r}; choose nsf, mini or none")
        resblock = keys.get("resblock")
        if str(resblock) not in ("1", "2") or isinstance(resblock, bool):
            raise ValueError(f"resblock is {resblock!r}; choose '1' or '2'")
        rate = keys.get("sampling_rate")
        result = cls(
            resblock=int(str(resblock)),
            upsample_rates=_numbers(keys, "upsample_rates"),
            upsample_kernel_sizes=_numbers(keys, "upsample_kernel_sizes"),
            upsample_initial_channel=_number(keys, "upsample_initial_channel"),
            resblock_kernel_sizes=_numbers(keys, "resblock_kernel_sizes"),
            resblock_dilation_sizes=_dilations(keys),
            num_mels=_number(keys, "num_mels"),
            sampling_rate=None
            if rate is None and excitation == "none"
            else _number(keys, "sampling_rate"),
            excitation=excitation,
            noise_sigma=_sigma(keys.get("noise_sigma")),
        )
        result._check(keys.get("hop_size"))
        return result

    @property
    def hop_size(self) -> int:
        """Samples per mel frame."""
        return math.prod(self.upsample_rates)

    @property
    def excitation_hop(self) -> int:
        """Samples of the excitation per mel frame; 0 without excitation."""
        if self.excitation == "none":
            return 0
        rates = self.upsample_rates if self.excitation == "nsf" else self.upsample_rates[:2]
        return math.prod(rates)

    @property
    def excitation_rate(self) -> float:
        """Sampling rate of the excitation, Hz; F0 has to stay below half of it."""
        return (self.sampling_rate or 0) * self.excitation_hop / self.hop_size

    @property
    def context_frames(self) -> int:
        """Mel frames before and after a frame that its samples may depend on."""
        dilations = range(3 if self.resblock == 1 else 2)
        radius = 3.0  # of the last convolution
        for rate, kernel in zip(
            reversed(self.upsample_rates), reversed(self.upsample_kernel_sizes), strict=True
        ):
            radius += max(
                sum(
                    (size - 1) // 2 * (spread[i] + (1 if self.resblock == 1 else 0))
                    for i in dilations
                )
                for size, spread in zip(
                    self.resblock_kernel_sizes, self.resblock_dilation_sizes, strict=True
                )
            )
            radius = math.ceil((radius + kernel - (kernel - rate) // 2) / rate)
        return int(radius) + 3  # radius of the first convolution

    def _check(self, hop_size: Any) -> None:
        rates, kernels = self.upsample_rates, self.upsample_kernel_sizes
        stages = len(rates)
        if len(kernels) != stages:
            raise ValueError(
                f"upsample_kernel_sizes has {len(kernels)} entries, upsample_rates {stages}; "
                "give each stage a rate and a kernel"
            )
        if self.excitation == "mini" and stages < 2:
            raise ValueError("mini_nsf needs at least two upsample_rates")
        for rate, kernel in zip(rates, kernels, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise ValueError(
                    f"upsample_kernel_sizes: a kernel of {kernel} does not fit the rate {rate}; "
                    f"use {2 * rate} (at least the rate, and larger by an even number)"
                )
        if self.excitation == "nsf":
            for i in range(stages - 1):
                step = math.prod(rates[i + 1 :])
                if step % 2:
                    raise ValueError(
                        f"upsample_rates: the rates after stage {i + 1} multiply to {step}, which "
                        "has to be even; put an even rate last"
                    )
        if self.upsample_initial_channel % 2**stages:
            raise ValueError(
                f"upsample_initial_channel is {self.upsample_initial_channel}, but {stages} stages "
                f"halve it {stages} times; use a multiple of {2**stages}"
            )
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes):
            raise ValueError(
                f"resblock_dilation_sizes has {len(self.resblock_dilation_sizes)} entries, "
                f"resblock_kernel_sizes {len(self.resblock_kernel_sizes)}; give each kernel its "
                "list of dilations"
            )
        if any(kernel % 2 == 0 for kernel in self.resblock_kernel_sizes):
            raise ValueError("resblock_kernel_sizes must be odd numbers, such as 3, 7, 11")
        needed = 3 if self.resblock == 1 else 2
        if any(len(dilations) < needed for dilations in self.resblock_dilation_sizes):
            raise ValueError(
                f"resblock_dilation_sizes: resblock '{self.resblock}' needs {needed} dilations for "
                "each kernel"
            )
        if hop_size is not None and hop_size != self.hop_size:
            raise ValueError(
                f"upsample_rates multiply to {self.hop_size}, but hop_size is {hop_size}; change "
                "one so that they agree"
            )


def _number(keys: Mapping[str, Any], key: str) -> int:
    if keys.get(key) is None:
        raise ValueError(_NOT_A_KEY.format(key=key))
    return _positive(keys[key], key)


def _numbers(keys: Mapping[str, Any], key: str) -> tuple[int, ...]:
    if keys.get(key) is None:
        raise ValueError(_NOT_A_KEY.format(key=key))
    return _positives(keys[key], key)


def _positives(values: Any, key: str) -> tuple[int, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise ValueError(f"{key} must be a list of whole numbers, not {values!r}")
    return tuple(_positive(value, key) for value in values)


def _positive(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{key} must be a whole number, not {value!r}")
    if not 0 < value < 2**24:
        raise ValueError(f"{key} must be positive and reasonable, not {value!r}")
    return int(value)


def _dilations(keys: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    key = "resblock_dilation_sizes"
    values = keys.get(key)
    if values is None:
        raise ValueError(_NOT_A_KEY.format(key=key))
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"{key} must be a list of lists of whole numbers, not {values!r}")
    return tuple(_positives(entry, key) for entry in values)


def _sigma(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e3:
        raise ValueError(f"noise_sigma must be a number from 0, not {value!r}")
    return float(value)
