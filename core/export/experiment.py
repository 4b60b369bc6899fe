"""One experiment as ONNX: graphs, embeddings, phonemes, and a dsconfig that describes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, Cancelled, SingwizError
from ..reporting import Reporter
from ..synthesis.experiment import Experiment, read_experiment
from ..synthesis.networks import load_network
from .dsconfig import (
    DEFAULT_VOCODER,
    acoustic_dsconfig,
    input_names,
    variance_dsconfig,
    write_yaml,
)
from .voices import Cast, Voice, choose_cast, embedding, write_embedding

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .graphs.parts import Graph

LENGTHS = ((3, 20), (11, 137), (24, 420))
"""Phonemes and frames of the examples that a file is compared with its model on."""

TRACED = (6, 40)
"""Phonemes and frames of the example a graph is traced with."""

TOLERANCE = 1e-3
"""Share of the largest value; rounding gives about 1e-5."""


@dataclass(frozen=True)
class GraphOptions:
    """What the user wants of the graphs of one experiment.

    Attributes:
        export_speakers: voices the editor shall offer: ``NAME`` or ``ALIAS=MIX``.
        freeze_speaker: the only voice, instead.
        freeze_gender: -1 … 1, always.
        freeze_velocity: normal speed always.
        freeze_expr: full expressiveness always.
        freeze_glide: no note glides; OpenUTAU cannot say that one does.
    """

    export_speakers: tuple[str, ...] = ()
    freeze_speaker: str = ""
    freeze_gender: float | None = None
    freeze_velocity: bool = False
    freeze_expr: bool = False
    freeze_glide: bool = True


@dataclass(frozen=True)
class Layout:
    """How files are called.

    Attributes:
        graph: name of a graph (``acoustic``, ``linguistic``, ``dur``, ``pitch``, ``variance``)
            and of the frozen speaker ("" if none) -> file.
        embedding: voice -> file.
        phonemes: file of the phoneme list.
        languages: file of the languages.
    """

    graph: Callable[[str, str], str]
    embedding: Callable[[str], str]
    phonemes: str
    languages: str


def flat_layout(experiment: str) -> Layout:
    """All files in one folder with the experiment's name in front, as DiffSinger exports them."""

    def graph(name: str, speaker: str) -> str:
        middle = f".{speaker}" if speaker else ""
        return f"{experiment}{middle}{'' if name == 'acoustic' else f'.{name}'}.onnx"

    return Layout(
        graph=graph,
        embedding=lambda voice: f"{experiment}.{voice}.emb",
        phonemes=f"{experiment}.phonemes.json",
        languages=f"{experiment}.languages.json",
    )


@dataclass(frozen=True)
class ExportedExperiment:
    """What was written for one experiment.

    Attributes:
        folder: where.
        kind: ``acoustic`` or ``variance``.
        checkpoint: whose weights.
        graphs: name -> file.
        files: everything written, relative to ``folder``.
        errors: ``file: output`` -> largest difference from torch on random lengths.
        dsconfig: content of the dsconfig.
        voices: names of the exported voices.
        frozen: name of the frozen voice, or "".
    """

    folder: Path
    kind: str
    checkpoint: Path
    graphs: Mapping[str, Path]
    files: tuple[str, ...]
    errors: Mapping[str, float]
    dsconfig: Mapping[str, Any]
    voices: tuple[str, ...] = ()
    frozen: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind,
            "checkpoint": str(self.checkpoint),
            "files": [*self.files],
            "errors": dict(self.errors),
            "voices": [*self.voices],
            "frozen": self.frozen,
        }


@dataclass
class _Writer:
    """Writes the parts of one experiment and keeps book."""

    experiment: Experiment
    folder: Path
    layout: Layout
    reporter: Reporter
    total: int
    files: list[str] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)
    graphs: dict[str, Path] = field(default_factory=dict)
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def graph(self, name: str, graph: Graph, speaker: str) -> None:
        from .examples import example_inputs
        from .onnx_file import compare_with_torch, write_graph

        if self.reporter.cancelled():
            raise Cancelled
        file = self.layout.graph(name, speaker)
        self.reporter.progress(len(self.graphs), self.total, f"writing {file}")
        path = self.folder / file
        graph = graph.eval()
        phonemes = self.experiment.phonemes

        def example(lengths: tuple[int, int], seed: int) -> dict[str, Tensor]:
            return example_inputs(
                graph,
                vocab_size=phonemes.vocab_size,
                languages=max(phonemes.lang_map.values(), default=0),
                n_tokens=lengths[0],
                n_frames=lengths[1],
                seed=seed,
            )

        write_graph(graph, example(TRACED, 0), path)
        examples = [example(lengths, seed) for seed, lengths in enumerate(LENGTHS, start=1)]
        for agreement in compare_with_torch(graph, path, examples):
            self.errors[f"{file}: {agreement.output}"] = agreement.error
            if not agreement.error <= TOLERANCE * max(agreement.scale, 1e-3):
                raise SingwizError(
                    "export-differs",
                    f"'{file}' does not compute what the model computes: {agreement.output} "
                    f"differs by {agreement.error:.3g} of {agreement.scale:.3g}.",
                    hint="Please report this with the model's config.yaml.",
                    where=str(self.experiment.folder),
                )
        self.graphs[name] = path
        self.inputs[name] = input_names(path)
        self.files.append(file)

    def text(self, name: str, content: str) -> None:
        write_text(self.folder / name, content)
        self.files.append(name)

    def embeddings(self, voices: Sequence[Voice], table: nn.Module) -> list[str]:
        names = []
        for voice in voices:
            file = self.layout.embedding(voice.name)
            write_embedding(self.folder / file, embedding(table, voice, self.experiment.spk_map))
            self.files.append(file)
            names.append(file.removesuffix(".emb"))
        return names


def export_experiment(
    experiment: Experiment | Path,
    folder: Path,
    *,
    kind: str = "acoustic",
    steps: int | None = None,
    options: GraphOptions | None = None,
    only: Sequence[str] | None = None,
    layout: Layout | None = None,
    vocoder: str = DEFAULT_VOCODER,
    reporter: Reporter | None = None,
) -> ExportedExperiment:
    """Write the graphs of an experiment and what belongs to them, each compared with torch.

    Args:
        experiment: the experiment, or its folder.
        folder: where to write; made if needed.
        kind: of the model, ``acoustic`` or ``variance``.
        steps: of which checkpoint; the largest if None.
        options: speakers and frozen inputs.
        only: of a variance model, which of ``dur``, ``pitch`` and ``variance``; all if None.
        layout: names of files; DiffSinger's by default.
        vocoder: package named in the dsconfig.
        reporter: receives progress.

    Raises:
        SingwizError: the experiment is incomplete, options do not fit it, or a file computes
            something else than its model.
        Cancelled: the user stopped the work.
    """
    if isinstance(experiment, Path):
        experiment = read_experiment(
            experiment, kind="variance" if kind == "variance" else "acoustic"
        )
    options = options or GraphOptions()
    keys = experiment.config.to_dict()
    cast = choose_cast(
        experiment.spk_map if keys.get("use_spk_id") else None,
        export=options.export_speakers,
        freeze=options.freeze_speaker,
        folder=str(experiment.folder),
    )
    _check_options(options, keys, experiment)
    model, checkpoint = load_network(experiment, steps=steps, device="cpu")
    writer = _Writer(
        experiment,
        folder,
        layout or flat_layout(experiment.folder.name),
        reporter or Reporter(),
        total=1,
    )
    write = _write_acoustic if experiment.config.kind == "acoustic" else _write_variance
    dsconfig = write(writer, model, keys, cast, options, only, vocoder)
    phonemes = experiment.phonemes
    writer.text(writer.layout.phonemes, json.dumps(phonemes.dump(), ensure_ascii=False, indent=1))
    writer.text(
        writer.layout.languages, json.dumps(phonemes.lang_map, ensure_ascii=False, indent=1)
    )
    write_yaml(folder / "dsconfig.yaml", dsconfig)
    writer.files.append("dsconfig.yaml")
    writer.reporter.progress(writer.total, writer.total, "graphs")
    return ExportedExperiment(
        folder=folder,
        kind=experiment.config.kind,
        checkpoint=checkpoint,
        graphs=writer.graphs,
        files=tuple(writer.files),
        errors=writer.errors,
        dsconfig=dsconfig,
        voices=tuple(voice.name for voice in cast.exported),
        frozen=cast.frozen.name if cast.frozen else "",
    )


def copy_dictionaries(experiment: Experiment, folder: Path) -> list[str]:
    """Copy ``dictionary-<language>.txt`` beside the graphs, as DiffSinger does; gives the names."""
    names = []
    for path in sorted(experiment.folder.glob("dictionary*.txt")):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path.name)
        names.append(path.name)
    return names


def cross_lingual_ids(experiment: Experiment) -> list[int]:
    """Ids of the phonemes whose pronunciation depends on the language."""
    phonemes = experiment.phonemes
    return sorted({phonemes.ids[name] for name in phonemes.cross_lingual})


def _check_options(options: GraphOptions, keys: Mapping[str, Any], experiment: Experiment) -> None:
    """Refuse wishes the model cannot fulfil."""
    gender = options.freeze_gender
    if gender is not None and not -1.0 <= gender <= 1.0:
        raise SingwizError(
            "gender-range",
            f"Gender {gender:g} is outside of -1 to 1.",
            hint="Choose a value between -1 and 1.",
            exit_code=USAGE_PROBLEM,
        )
    if experiment.config.kind != "acoustic":
        return
    for wish, key, name in (
        (gender, "use_key_shift_embed", "gender"),
        (options.freeze_velocity or None, "use_speed_embed", "velocity"),
    ):
        if wish is not None and not keys.get(key):
            raise SingwizError(
                "export-freeze-nothing",
                f"This voice was trained without {name}, so there is nothing to freeze.",
                hint=f"Leave --freeze-{name} out.",
                where=str(experiment.folder),
                exit_code=USAGE_PROBLEM,
            )


def _frozen(cast: Cast, table: nn.Module | None, experiment: Experiment) -> Tensor | None:
    import torch

    if cast.frozen is None or table is None:
        return None
    return torch.from_numpy(embedding(table, cast.frozen, experiment.spk_map))


def _names(writer: _Writer, cast: Cast) -> dict[str, str]:
    speaker = cast.frozen.name if cast.frozen else ""
    return {
        "phonemes": writer.layout.phonemes,
        "languages": writer.layout.languages,
        **{name: writer.layout.graph(name, speaker) for name in writer.graphs},
    }


def _write_acoustic(
    writer: _Writer,
    model: Any,
    keys: Mapping[str, Any],
    cast: Cast,
    options: GraphOptions,
    only: Sequence[str] | None,
    vocoder: str,
) -> dict[str, Any]:
    from .graphs.acoustic import AcousticGraph, ForeignAcousticGraph

    table = model.speaker_table
    wishes: dict[str, Any] = {
        "cross_lingual": cross_lingual_ids(writer.experiment),
        "frozen_speaker": _frozen(cast, table, writer.experiment),
        "frozen_gender": options.freeze_gender,
        "freeze_velocity": options.freeze_velocity,
    }
    graph: Graph
    if keys.get("architecture"):
        vocab_size = writer.experiment.phonemes.vocab_size
        graph = ForeignAcousticGraph(model, keys, vocab_size=vocab_size, **wishes)
    else:
        graph = AcousticGraph(model, keys, **wishes)
    writer.graph("acoustic", graph, cast.frozen.name if cast.frozen else "")
    return acoustic_dsconfig(
        keys,
        writer.inputs["acoustic"],
        files=_names(writer, cast),
        speakers=writer.embeddings(cast.exported, table),
        hidden_size=int(keys["hidden_size"] if table is None else table.embedding_dim),
        vocoder=vocoder,
        max_depth=max_depth(keys),
    )


def max_depth(keys: Mapping[str, Any]) -> float:
    """How deep the sampling of a model can start."""
    from ..models.sampling import trained_start

    if not keys.get("use_shallow_diffusion"):
        return 1.0
    if keys.get("diffusion_type") == "ddpm":
        return float(keys["K_step"]) / float(keys["timesteps"])
    return 1.0 - trained_start(keys)


def _write_variance(
    writer: _Writer,
    model: Any,
    keys: Mapping[str, Any],
    cast: Cast,
    options: GraphOptions,
    only: Sequence[str] | None,
    vocoder: str,
) -> dict[str, Any]:
    from .graphs.variance import DurationGraph, LinguisticGraph, PitchGraph, VarianceGraph

    def wanted(name: str) -> bool:
        return only is None or name in only

    frozen = _frozen(cast, model.spk_embed, writer.experiment)
    graphs: dict[str, Graph] = {
        "linguistic": LinguisticGraph(model, cross_lingual=cross_lingual_ids(writer.experiment))
    }
    if model.predict_dur and wanted("dur"):
        graphs["dur"] = DurationGraph(model, frozen_speaker=frozen)
    if model.predict_pitch and wanted("pitch"):
        graphs["pitch"] = PitchGraph(
            model,
            keys,
            frozen_speaker=frozen,
            freeze_expr=options.freeze_expr,
            freeze_glide=options.freeze_glide,
        )
    if model.variances and wanted("variance"):
        graphs["variance"] = VarianceGraph(model, frozen_speaker=frozen)
    writer.total = len(graphs)
    for name, graph in graphs.items():
        writer.graph(name, graph, cast.frozen.name if cast.frozen else "")
    return variance_dsconfig(
        keys,
        writer.inputs,
        files=_names(writer, cast),
        speakers=writer.embeddings(cast.exported, model.spk_embed),
        hidden_size=int(keys["hidden_size"]),
    )
