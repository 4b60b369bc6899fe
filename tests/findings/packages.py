"""Packages as pip would leave them, for whatever finds parts of others by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_package(
    site: Path,
    name: str,
    entry_points: Mapping[str, Mapping[str, str]],
    code: str = "",
    version: str = "1.2",
) -> None:
    """Install a package of one module into ``site``; without ``code`` only its metadata.

    Args:
        site: the folder to put on the search path.
        name: of the package; the module is called the same, with underscores.
        entry_points: group -> name of the part -> ``module:object``.
        code: of the module.
        version: of the package.
    """
    module = name.replace("-", "_")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    lines = []
    for group, parts in entry_points.items():
        lines += [f"[{group}]", *(f"{part} = {target}" for part, target in parts.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if code:
        (site / f"{module}.py").write_text(code, encoding="utf-8")
