"""Fetching files of the community, and loading them to see whether they are what they claim.

What may be in the library is known to :mod:`..assets`; what a vocoder or a network has to look like
is known to the rooms that use it. Here the two meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..assets import Asset, AssetKind, Installed, Library
from ..errors import SingwizError
from ..models.vocoder.config import MEL_KEYS
from ..project import Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from torch import nn


def fetch_asset(
    name: str,
    *,
    url: str = "",
    accept_changed: bool = False,
    reporter: Reporter | None = None,
    library: Library | None = None,
) -> Installed:
    """Download an asset, load it to see that it works, and keep it; see :meth:`Library.fetch`."""
    return (library or Library()).fetch(
        name,
        url=url,
        check=check_asset,
        accept_changed=accept_changed,
        reporter=reporter,
    )


def add_asset(name: str, source: Path, *, library: Library | None = None) -> Installed:
    """The same for a file that the user has; see :meth:`Library.add`."""
    return (library or Library()).add(name, source, check=check_asset)


def fetch_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """The stage ``fetch``: download ``asset``, or take the user's ``file`` for it.

    Returns:
        :meth:`Installed.to_dict`.
    """
    name = str(params.get("asset") or "")
    if params.get("file"):
        reporter.progress(0, 1, "checking the file")
        installed = add_asset(name, Path(str(params["file"])))
    else:
        installed = fetch_asset(
            name,
            url=str(params.get("url") or ""),
            accept_changed=bool(params.get("accept_changed")),
            reporter=reporter,
        )
    reporter.log(f"{installed.name}: {installed.licence}; {installed.attribution}")
    return installed.to_dict()


def check_asset(asset: Asset, main: Path) -> dict[str, object]:
    """Load the weights; what they are, for people to read.

    Raises:
        SingwizError: they are something else, damaged, or contain code.
    """
    return _CHECKS[asset.kind](main)


def _vocoder(main: Path) -> dict[str, object]:
    from ..config import load_config
    from ..synthesis.vocoder import mel_differences
    from ..vocoder_checkpoint import load_generator, read_vocoder_checkpoint

    _, keys = load_generator(main)
    usual = load_config({"base_config": ["configs/acoustic.yaml"]}).to_dict()
    differences = mel_differences(usual, keys)
    return {
        "family": read_vocoder_checkpoint(main).family,
        **{name: keys[name] for name in MEL_KEYS if name in keys},
        "pitch_controllable": bool(keys.get("pc_aug")),
        "fits": "; ".join(differences) if differences else "the usual spectrograms",
    }


def _vocoder_base(main: Path) -> dict[str, object]:
    from ..vocoder_checkpoint import read_vocoder_checkpoint

    checkpoint = read_vocoder_checkpoint(main)
    if not checkpoint.generator or not checkpoint.discriminators:
        lacking = "what judged it in training" if checkpoint.generator else "the vocoder itself"
        raise SingwizError(
            "asset-no-base",
            f"'{main.name}' is no base for fine-tuning: {lacking} is missing in it.",
            hint="Choose the large training checkpoint from the page of the release.",
            where=str(main),
        )
    first = next(
        (checkpoint.generator[name] for name in _FIRST_LAYER if name in checkpoint.generator), None
    )
    return {
        "family": checkpoint.family,
        "discriminators": ", ".join(sorted(checkpoint.discriminators)),
        **({"num_mels": int(first.shape[1])} if first is not None and first.dim() > 1 else {}),
    }


def _pitch(main: Path) -> dict[str, object]:
    from ..features.rmvpe import TIMESTEP, Rmvpe

    network = Rmvpe(main, device="cpu").network
    return {"network": "RMVPE", "parameters": _count(network), "timestep": TIMESTEP}


def _separator(main: Path) -> dict[str, object]:
    from ..features.vr import Vr

    vr = Vr(main, device="cpu")
    return {
        "network": "VR",
        "parameters": _count(vr.network),
        "n_fft": vr.network.n_fft,
        "hop_length": vr.network.hop_length,
        **({"sampling_rate": vr.sample_rate} if vr.sample_rate else {}),
    }


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


_FIRST_LAYER = (
    "conv_pre.weight_v",
    "conv_pre.weight",
    "conv_pre.parametrizations.weight.original1",
)
"""Names of the layer that takes the mel."""

_CHECKS: dict[AssetKind, Callable[[Path], dict[str, object]]] = {
    "vocoder": _vocoder,
    "vocoder-base": _vocoder_base,
    "pitch": _pitch,
    "separator": _separator,
}
