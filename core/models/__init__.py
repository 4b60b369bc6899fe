"""The networks: nothing but ``nn.Module``\\ s, named and computed as DiffSinger checkpoints expect.

For building models and reading their structure. Not for files, training loops or audio: this
package knows torch and nothing else of singwiz, and complains with ``ValueError``. Importing
it costs nothing; torch is loaded when a model is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

CATEGORIES = ("acoustic", "variance", "vocoder", "rmvpe", "vr")


def build_model(
    category: str, config: Mapping[str, Any], *, vocab_size: int | None = None
) -> nn.Module:
    """A freshly initialised network.

    Args:
        category: ``"acoustic"`` (phonemes and f0 to mel), ``"variance"`` (phonemes and notes to
            durations, pitch and other curves), ``"vocoder"`` (mel and f0 to sound), ``"rmvpe"``
            (audio to pitch) or ``"vr"`` (audio to its harmonic part).
        config: plain mapping with DiffSinger's key names. An absent key means what it means in an
            old saved config: options that did not exist yet are off. For a vocoder its
            ``config.json``, or a training config with ``model_args``. The networks that analyse
            audio take their own constructor arguments. For an acoustic model ``architecture``
            names one of an installed package, see :mod:`.registry`.
        vocab_size: number of phoneme ids including the padding id 0; only for singing models.

    Returns:
        An :class:`~.acoustic.AcousticModel`, a :class:`~.variance.VarianceModel`, a
        :class:`~.vocoder.generator.Generator`, a :class:`~.extractors.rmvpe.RmvpeNetwork` or a
        :class:`~.extractors.vr.VrNetwork`.

    Raises:
        ValueError: unknown category, missing ``vocab_size``, or a config that fits no network.
    """
    if category not in CATEGORIES:
        known = ", ".join(CATEGORIES)
        raise ValueError(f"unknown model category {category!r} (known: {known})")
    if category == "vocoder":
        from .vocoder.generator import Generator

        return Generator(config)
    if category == "rmvpe":
        from .extractors.rmvpe import RmvpeNetwork

        return RmvpeNetwork(config)
    if category == "vr":
        from .extractors.vr import VrNetwork

        return VrNetwork(config)
    if vocab_size is None or vocab_size < 2:
        raise ValueError(f"the {category} model needs vocab_size, the number of phonemes plus one")
    try:
        if category == "acoustic" and config.get("architecture"):
            from .registry import load_part

            made: nn.Module = load_part("model", config["architecture"]).init_from_config(
                config, vocab_size=vocab_size
            )
            return made
        if category == "acoustic":
            from .acoustic import AcousticModel

            return AcousticModel(config, vocab_size=vocab_size)
        from .variance import VarianceModel

        return VarianceModel(config, vocab_size=vocab_size)
    except KeyError as missing:
        raise ValueError(f"the config of the {category} model lacks {missing}") from missing


def build_discriminators(config: Mapping[str, Any]) -> nn.ModuleDict:
    """The discriminators a vocoder is trained against, by family (``msd``, ``mpd``, ``mrd``).

    Args:
        config: see :func:`.vocoder.discriminators.build_discriminators`.

    Raises:
        ValueError: the config fits no discriminators.
    """
    from .vocoder.discriminators import build_discriminators as build

    return build(config)
