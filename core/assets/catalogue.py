"""Which files of the community there are, where they come from, and on which terms."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ..errors import USAGE_PROBLEM, SingwizError

AssetKind = Literal["vocoder", "vocoder-base", "pitch", "separator"]


class Asset(BaseModel):
    """One entry of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """What users type, and the folder in the library."""
    kind: AssetKind
    title: str
    why: str
    """Who needs it, in one sentence."""
    url: str
    page: str
    """Where people find it with a browser."""
    megabytes: int = Field(gt=0)
    """About; the server says the exact size."""
    main: tuple[str, ...]
    """File name patterns of the weights, best first."""
    beside: tuple[str, ...]
    """Files that must lie beside the weights."""
    usual: tuple[str, ...] = ()
    """Names under which configs expect the weights, see :mod:`.finding`."""
    licence: str
    attribution: str
    sha256: str = ""
    """Of the file at ``url``, where it is known; otherwise the first download is remembered."""


@cache
def read_catalogue() -> dict[str, Asset]:
    """All known files by name, in the order to show them."""
    text = (files("singwiz") / "presets" / "assets.yaml").read_text(encoding="utf-8")
    return {name: Asset(name=name, **entry) for name, entry in yaml.safe_load(text).items()}


def find_asset(name: str) -> Asset:
    """The entry called ``name``.

    Raises:
        SingwizError: there is none.
    """
    catalogue = read_catalogue()
    if name not in catalogue:
        raise SingwizError(
            "asset-unknown",
            f"There is no file called '{name}' in the catalogue.",
            hint=f"Known are: {', '.join(catalogue)}.",
            exit_code=USAGE_PROBLEM,
        )
    return catalogue[name]
