"""Vocoders for OpenUTAU: a graph and ``vocoder.yaml`` of a checkpoint, or what is there already."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .dsconfig import write_yaml

DESCRIPTION = "vocoder.yaml"

_MEL_KEYS = {
    "sample_rate": "sampling_rate",
    "hop_size": "hop_size",
    "win_size": "win_size",
    "fft_size": "n_fft",
    "num_mel_bins": "num_mels",
    "mel_fmin": "fmin",
    "mel_fmax": "fmax",
}
"""Key of ``vocoder.yaml`` -> key of a vocoder's own config."""

_KEEP = ("license", "licence", "notice", "readme", "attribution", "asset.json")
"""Beginnings of files that travel with a vocoder."""

_MAX_BYTES = 2**20


@dataclass(frozen=True)
class ExportedVocoder:
    """What was written.

    Attributes:
        folder: with ``vocoder.yaml``.
        files: relative to ``folder``.
        description: content of ``vocoder.yaml``.
        errors: as of :class:`.experiment.ExportedExperiment`; empty for a copy.
    """

    folder: Path
    files: tuple[str, ...]
    description: Mapping[str, Any]
    errors: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": "vocoder",
            "files": [*self.files],
            "errors": dict(self.errors),
            "pitch_controllable": bool(self.description.get("pitch_controllable")),
        }


def describe_vocoder(path: Path, *, name: str = "nsf_hifigan") -> dict[str, Any]:
    """``vocoder.yaml`` of a vocoder, without loading its weights.

    Args:
        path: a checkpoint, its folder, or a folder that has ``vocoder.yaml`` already.
        name: of the model's file, for a checkpoint.

    Raises:
        SingwizError: there is no vocoder, or OpenUTAU cannot use it.
    """
    from ..synthesis.ddsp import is_torchscript
    from ..vocoder_checkpoint import find_vocoder, read_vocoder_config

    if packaged(path) is not None:
        return _read_description(path)
    path = find_vocoder(path)
    if is_torchscript(path):
        raise SingwizError(
            "vocoder-not-exportable",
            "DDSP vocoders cannot be exported for OpenUTAU.",
            hint="Choose an NSF-HiFiGAN vocoder, or name an installed package with --vocoder.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        )
    keys = read_vocoder_config(path)
    base = str(keys.get("mel_base", "e"))
    missing = [k for k in _MEL_KEYS.values() if k not in keys and k != "fmax"]
    if base != "e" or missing:
        raise SingwizError(
            "vocoder-not-exportable",
            f"The vocoder reads mels of base {base}; OpenUTAU's are natural logarithms."
            if base != "e"
            else f"The vocoder's config lacks {', '.join(missing)}.",
            hint="Choose another vocoder, or complete the config.json beside it.",
            where=str(path),
        )
    mel: dict[str, Any] = {ours: keys.get(theirs) for ours, theirs in _MEL_KEYS.items()}
    mel["mel_fmax"] = mel["mel_fmax"] or mel["sample_rate"] / 2
    return {
        "name": name,
        "model": f"{name}.onnx",
        **mel,
        "mel_base": "e",
        "mel_scale": "slaney",
        "pitch_controllable": bool(keys.get("pc_aug")),
        "force_on_cpu": False,
    }


def packaged(path: Path) -> Path | None:
    """The folder of a vocoder that is a package of OpenUTAU already, else None."""
    folder = path.parent if path.name == DESCRIPTION or path.suffix == ".onnx" else path
    return folder if (folder / DESCRIPTION).is_file() else None


def export_vocoder(
    path: Path, folder: Path, *, name: str = "nsf_hifigan", reporter: Reporter | None = None
) -> ExportedVocoder:
    """Write a vocoder for OpenUTAU, compared with torch; a package is copied.

    Args:
        path: see :func:`describe_vocoder`.
        folder: where to write.
        name: of the model's file.
        reporter: receives progress.

    Raises:
        SingwizError: there is no vocoder, or it cannot be exported.
    """
    reporter = reporter or Reporter()
    description = describe_vocoder(path, name=name)
    source = packaged(path)
    folder.mkdir(parents=True, exist_ok=True)
    errors: dict[str, float] = {}
    reporter.progress(0, 1, "writing the vocoder")
    if source is not None:
        model = source / str(description["model"])
        shutil.copyfile(model, folder / model.name)
        description = {**description, "model": model.name}
        files = [model.name]
    else:
        from ..vocoder_checkpoint import find_vocoder

        source = find_vocoder(path).parent
        files = [str(description["model"])]
        errors = _write(find_vocoder(path), folder / files[0])
    write_yaml(folder / DESCRIPTION, description)
    files.append(DESCRIPTION)
    for beside in sorted(source.iterdir()):
        if beside.is_file() and beside.name.lower().startswith(_KEEP):
            shutil.copyfile(beside, folder / beside.name)
            files.append(beside.name)
    reporter.progress(1, 1, "vocoder")
    return ExportedVocoder(folder, tuple(files), description, errors)


def _write(path: Path, target: Path) -> dict[str, float]:
    from ..vocoder_checkpoint import load_generator
    from .examples import example_inputs
    from .experiment import TOLERANCE
    from .graphs.vocoder import VocoderGraph
    from .onnx_file import compare_with_torch, write_graph

    generator, _ = load_generator(path)
    graph = VocoderGraph(generator).eval()
    examples = [
        example_inputs(graph, vocab_size=2, n_tokens=1, n_frames=frames, seed=frames)
        for frames in (10, 20, 64, 101)
    ]
    write_graph(graph, examples[0], target)
    errors = {}
    for agreement in compare_with_torch(graph, target, examples[1:]):
        errors[f"{target.name}: {agreement.output}"] = agreement.error
        if not agreement.error <= 10 * TOLERANCE * max(agreement.scale, 1e-3):
            raise SingwizError(
                "export-differs",
                f"'{target.name}' does not compute what the vocoder computes: it differs by "
                f"{agreement.error:.3g} of {agreement.scale:.3g}.",
                hint="Please report this with the vocoder's config.json.",
                where=str(path),
            )
    return errors


def _read_description(path: Path) -> dict[str, Any]:
    folder = packaged(path)
    assert folder is not None
    file = folder / DESCRIPTION
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ValueError("too large")
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
        model = folder / str(content.get("model") or "model.onnx")
        if not model.is_file() or model.resolve().parent != folder.resolve():
            raise ValueError("no model")
    except (OSError, ValueError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise SingwizError(
            "vocoder-description",
            f"The vocoder's '{DESCRIPTION}' cannot be used: it is damaged, or the model it names "
            "is not beside it.",
            hint="Unpack the vocoder's package again.",
            where=str(file),
        ) from error
    defaults = {
        "sample_rate": 44100,
        "hop_size": 512,
        "win_size": 2048,
        "fft_size": 2048,
        "num_mel_bins": 128,
        "mel_fmin": 40,
        "mel_fmax": 16000,
        "mel_base": "10",
        "mel_scale": "slaney",
        "pitch_controllable": False,
    }
    return {"name": folder.name, "model": model.name, **defaults, **content}
