"""The stages of the way to a voice, as a job or the command line runs them.

Thin on purpose: a stage opens what the project names, calls the room that does the work, and
returns plain data. Each stage imports what it needs only when it runs.

======== ==================================================================================
stage    params (all optional unless said otherwise)
======== ==================================================================================
check    ``model``, ``workers``
fix      ``only``, ``all``, ``dry_run``, ``check``, ``model``; or ``cures`` or ``fill``,
         ``dry_run``, ``recheck``; see :func:`.fixing.fix_project`
undo     ``overwrite``, ``recheck``
profile  ``workers``, ``output`` (folder)
picture  ``item`` (needed), ``dataset``, ``start``, ``end``, ``output`` (folder)
features ``item`` and ``dataset``, or ``clips`` or ``all``; ``only``, ``device``, ``output``;
         see :func:`.choosing.compare_recordings`
config   ``model``
binarize ``model``, ``workers``, ``engine`` (``local`` or ``dask``), ``address`` (of the Dask
         scheduler), ``max_failed`` (broken items to do without), ``leave_out`` (``[dataset,
         item]`` pairs), ``pickled_meta``
train    ``model``, ``experiment``, ``max_steps``, ``device``, ``seed``, ``retry_smaller``,
         ``compile``, ``dry_run`` (say the plan and stop)
render   ``song`` (path of a .ds, a score or a folder of them, or several) or ``item`` (name of a
         recording, maybe with ``dataset``); ``experiment``, ``ckpt`` (or ``best``), ``device``,
         ``variance`` (experiments; none = []), ``predict`` and ``retakes`` (lists), ``speaker``,
         ``language``, ``key``, ``gender``, ``expr``, ``steps``, ``depth``, ``seed``, ``num``,
         ``title``, ``mel`` (bool), ``ds_out``, ``output``; of scores ``part``, ``lyrics``,
         ``dictionary``, ``vowels``, ``consonants``; ``vocoder`` (file, folder or ``preview``),
         ``trust_vocoder``, ``any_mel``
listen   ``kind`` (ab, abx, rank, mushra, tag), ``conditions`` (list), ``causes``, ``logged``,
         ``experiment``, ``trials``, ``clips``, ``seed``, ``device``; see
         :func:`.listening.make_listening_test`
export   ``to`` (openutau, onnx, diffsinger), ``output``, ``experiment``, ``acoustic``,
         ``duration``, ``pitch``, ``variance`` (experiments, ``none``), ``vocoder``, ``ckpt``,
         ``name``, ``author``, ``voice``, ``web``, ``version``, ``image``, ``license``,
         ``phonemizer``, ``types`` (list of ``phoneme=type``), ``zip``, ``export_spk`` (list),
         ``freeze_spk``, ``freeze_gender``, ``freeze_velocity``, ``freeze_expr``,
         ``freeze_glide``, ``weights_only``, ``consent``, ``allow_incomplete``, ``force``
vocoders ``vocoders`` (files, folders or ``preview``), ``items`` (``[dataset, item]`` pairs) or
         ``item`` and ``dataset``, ``device``, ``trust_vocoder``
fetch    ``asset`` (needed), ``file`` (the user's own download), ``url``, ``accept_changed``
export-vocoder ``experiment``, ``ckpt`` (step), ``output`` (folder)
predict  like render, without ``item``, ``experiment``, ``gender``, ``depth``, ``mel``, ``ds_out``
======== ==================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import MODEL_KINDS, ModelKind, Project
from ..reporting import Reporter

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import RawDataset

Stage = Callable[[Project, Mapping[str, Any], Reporter], dict[str, Any]]


def run_stage(
    stage: str, project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Run one stage in this process.

    Returns:
        Plain data; the keys are described at each stage.

    Raises:
        SingwizError: what the user can mend.
    """
    if stage not in STAGES:
        raise SingwizError(
            "stage-unknown",
            f"There is no stage '{stage}'.",
            hint=f"Stages are: {', '.join(STAGES)}.",
            exit_code=USAGE_PROBLEM,
        )
    return STAGES[stage](project, params, reporter)


def _model(params: Mapping[str, Any]) -> ModelKind:
    kind = params.get("model") or "acoustic"
    if kind not in MODEL_KINDS:
        raise SingwizError(
            "model-unknown",
            f"There is no model '{kind}'.",
            hint=f"Choose one of: {', '.join(MODEL_KINDS)}.",
            exit_code=USAGE_PROBLEM,
        )
    return kind


def open_datasets(project: Project) -> list[RawDataset]:
    """The project's raw datasets, read; a fixed copy stands for its originals.

    Raises:
        SingwizError: there are none yet, or an interrupted fix cannot be finished.
    """
    from ..dataset import RawDataset
    from ..dataset.fixes import settle

    if not project.state.datasets:
        raise SingwizError(
            "no-recordings",
            "This project has no recordings yet.",
            hint="Add a folder of recordings in the wizard's first step, or make the project "
            "with: singwiz new PROJECT --raw FOLDER",
            where=str(project.root),
        )
    settle(project)
    return [
        RawDataset.open(
            project.raw_folder(recordings),
            name=recordings.name,
            speaker=recordings.speaker,
            language=recordings.language,
        )
        for recordings in project.state.datasets
    ]


def config_datasets(config: Config) -> list[RawDataset]:
    """The raw datasets that a config names, read."""
    from ..dataset import RawDataset

    return [
        RawDataset.open(
            entry.raw_data_dir,
            name=Path(entry.raw_data_dir).name,
            speaker=entry.speaker,
            language=entry.language,
            prefer_ds=config.kind == "variance" and config.binarization_args.prefer_ds,
        )
        for entry in config.datasets
    ]


def check(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Every check of every dataset; see :func:`check_recordings` for the result."""
    from .checking import check_recordings

    state = project.state
    datasets = open_datasets(project)
    return check_recordings(
        datasets,
        state.dictionaries,
        base=project.root,
        kind=_model(params),
        extra_phonemes=state.extra_phonemes,
        merged_phoneme_groups=state.merged_phoneme_groups,
        thresholds=state.thresholds or None,
        workers=params.get("workers"),
        validation_items=_held_out(project, datasets),
        memory=project.root / "binary" / ".cache",
        project=project,
        reporter=reporter,
    )


def fix(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Fix what the check finds, or carry out cures; see :func:`.fixing.fix_project`."""
    from .fixing import fix_project

    return fix_project(project, params, reporter)


def undo(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Take back the newest change; see :func:`.fixing.undo_project`."""
    from .fixing import undo_project

    return undo_project(project, params, reporter)


def _held_out(project: Project, datasets: Sequence[RawDataset]) -> dict[str, set[str]] | None:
    """The items that would be kept for validation, by dataset; None if no split is possible."""
    from ..binarize.split import split_items
    from ..config import choose_validation_items

    sung = {d.name: {item.name: item.ph_seq for item in d.items} for d in datasets}
    chosen = choose_validation_items(project.state.datasets, sung, sung=sung)
    keys = [f"{i}:{name}" for i, dataset in enumerate(datasets) for name in sung[dataset.name]]
    try:
        split = split_items(keys, [f"{i}:{rule}" for i, part in enumerate(chosen) for rule in part])
    except SingwizError:
        return None  # too few recordings; preparing them says so
    held_out: dict[str, set[str]] = {dataset.name: set() for dataset in datasets}
    for key in split.valid:
        number, _, name = key.partition(":")
        held_out[datasets[int(number)].name].add(name)
    return held_out


def profile(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Statistics and charts of every dataset; see :func:`.picturing.profile_recordings`."""
    from .picturing import profile_project

    return profile_project(project, params, reporter)


def picture(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """One recording to look at and hear; see :func:`.picturing.picture_recording`."""
    from .picturing import picture_project

    return picture_project(project, params, reporter)


def features(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Extractors side by side; see :func:`.choosing.compare_recordings`."""
    from .choosing import compare_project

    return compare_project(project, params, reporter)


def config(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Make the config anew from the choices.

    Returns:
        ``path``, ``model``, ``changed`` (keys).
    """
    from .configuring import write_config

    kind = _model(params)
    open_datasets(project)
    changed = write_config(project, kind)
    path = project.config_path(kind)
    reporter.artifact("config", path, "config")
    return {"path": str(path), "model": kind, "changed": changed}


def binarize(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Recordings to binary dataset; the result is :meth:`BinarizeReport.to_dict`."""
    from .configuring import project_config

    kind = _model(params)
    open_datasets(project)
    folders = {entry.name: str(project.raw_folder(entry)) for entry in project.state.datasets}
    return binarize_config(
        project_config(project, kind, reporter=reporter),
        params,
        output_dir=project.binary_dir(kind),
        leave_out=[
            (folders[dataset], item)
            for dataset, item in params.get("leave_out") or ()
            if dataset in folders
        ],
        base_dir=project.root,
        reporter=reporter,
    )


def binarize_config(
    config: Config,
    params: Mapping[str, Any],
    *,
    output_dir: Path | None = None,
    leave_out: Collection[tuple[str, str]] = (),
    base_dir: Path,
    reporter: Reporter,
) -> dict[str, Any]:
    """Binarize what a config says; without ``output_dir`` where the config says."""
    if config.kind == "vocoder":
        from ..binarize.vocoder import binarize_vocoder

        # Recordings that a vocoder cannot use are left out; there are always some.
        return binarize_vocoder(
            config,
            output_dir=output_dir,
            workers=params.get("workers"),
            engine=params.get("engine") or "local",
            dask_address=params.get("address") or None,
            leave_out=leave_out,
            base_dir=base_dir,
            reporter=reporter,
        ).to_dict()
    from ..binarize import binarize as prepare

    report = prepare(
        config,
        output_dir=output_dir,
        workers=params.get("workers"),
        engine=params.get("engine") or "local",
        dask_address=params.get("address") or None,
        max_failed=int(params.get("max_failed") or 0),
        pickled_meta=bool(params.get("pickled_meta")),
        leave_out=leave_out,
        base_dir=base_dir,
        reporter=reporter,
    )
    return report.to_dict()


def train(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Train, or go on from the last checkpoint.

    Returns:
        ``steps``, ``checkpoint``, ``metrics``, ``seconds``, ``stopped_early``; ``table`` (lines:
        what the last validation measured) and ``best`` (``step``, ``checkpoint``, ``score_name``,
        ``score``, ``why``, or None). With ``dry_run`` the plan, see
        :class:`~singwiz.core.training.Preflight`.
    """
    from .configuring import project_config

    kind = _model(params)
    if not (project.binary_dir(kind) / "train.data").exists():
        raise SingwizError(
            "not-prepared",
            "The recordings are not prepared for training yet.",
            hint=f"Run first: singwiz binarize '{project.root}' --model {kind}",
            where=str(project.binary_dir(kind)),
        )
    return train_config(
        project_config(project, kind, reporter=reporter),
        work_dir=project.experiment_dir(kind, params.get("experiment") or ""),
        params=params,
        reporter=reporter,
    )


def train_config(
    config: Config, *, work_dir: Path, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Train what a config says into ``work_dir``."""
    from ..training import preview
    from ..training import train as run_training
    from ..training.journal import read_best, read_validations
    from ..training.measurements import table

    settings: dict[str, Any] = {
        "work_dir": work_dir,
        "max_steps": params.get("max_steps"),
        "device": params.get("device") or "auto",
        "reporter": reporter,
    }
    if params.get("seed") is not None:
        settings["seed"] = int(params["seed"])
    if params.get("dry_run"):
        return preview(config, **settings).to_dict()
    outcome = run_training(
        config,
        **settings,
        retry_smaller=bool(params.get("retry_smaller")),
        compiled=bool(params.get("compile")),
    )
    validations, best = read_validations(work_dir), read_best(work_dir)
    return {
        **outcome.to_dict(),
        "table": table(validations[-1].measurements) if validations else [],
        "best": best.to_dict() if best else None,
    }


def render(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Sing songs or a recording's labels; see :func:`.rendering.render_experiment`."""
    from .rendering import render_project

    return render_project(project, params, reporter)


def listen(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Make a blind listening test; see :func:`.listening.make_listening_test`."""
    from .listening import make_listening_test

    return make_listening_test(project, params, reporter)


def predict(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Complete songs with the project's variance models; see :func:`.predicting.predict_songs`."""
    from .predicting import predict_songs

    return predict_songs(
        params, checkpoints=project.checkpoints_dir, project=project, reporter=reporter
    )


def export(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Export the voice; see :func:`.exporting.export_project`."""
    from .exporting import export_project

    return export_project(project, params, reporter)


def export_vocoder(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """A vocoder to sing with out of a training; see :func:`export_experiment`."""
    work_dir = project.experiment_dir("vocoder", params.get("experiment") or "")
    return export_experiment(work_dir, params, reporter=reporter)


def export_experiment(
    work_dir: Path, params: Mapping[str, Any], *, reporter: Reporter
) -> dict[str, Any]:
    """Write ``model.ckpt`` and ``config.json`` of a vocoder's training.

    Args:
        work_dir: the experiment folder.
        params: ``ckpt`` (step, else the newest) and ``output`` (folder, else ``exported/<step>``).

    Returns:
        ``vocoder`` (file), ``step``.
    """
    from ..config import load_config
    from ..training.vocoder.experiment import find_checkpoint
    from ..training.vocoder.export import FOLDER, export_vocoder

    wanted = params.get("ckpt")
    find_checkpoint(work_dir, wanted)  # says what is missing before the config does
    default = work_dir / FOLDER / (str(wanted) if wanted is not None else "chosen")
    target = Path(params["output"]) if params.get("output") else default
    path, step = export_vocoder(
        load_config(work_dir / "config.yaml"), work_dir, target, step=wanted
    )
    reporter.artifact("checkpoint", path, f"vocoder, step {step}")
    return {"vocoder": str(path), "step": step}


def vocoders(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Send a recording through vocoders; see :func:`.vocoders.compare_vocoders`."""
    from .vocoders import compare_vocoders

    return compare_vocoders(project, params, reporter)


def fetch(project: Project, params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Get a file of the community; see :func:`.fetching.fetch_project`."""
    from .fetching import fetch_project

    return fetch_project(project, params, reporter)


STAGES: dict[str, Stage] = {
    "check": check,
    "fix": fix,
    "undo": undo,
    "profile": profile,
    "picture": picture,
    "features": features,
    "config": config,
    "binarize": binarize,
    "train": train,
    "render": render,
    "listen": listen,
    "predict": predict,
    "export": export,
    "vocoders": vocoders,
    "export-vocoder": export_vocoder,
    "fetch": fetch,
}
"""Name -> function, in the order of the way."""
