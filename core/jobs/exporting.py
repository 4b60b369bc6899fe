"""The stage that exports: voicebanks, graphs, checkpoints; and listening to exported voicebanks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from .experiments import checkpoint_steps, find_experiment, names_in, trained_tags

if TYPE_CHECKING:
    from ..export.experiment import GraphOptions
    from ..project import Project
    from ..synthesis.experiment import Experiment

TARGETS = ("openutau", "onnx", "diffsinger")
ROLES = ("duration", "pitch", "variance")
TYPES_FILE = "phoneme-types.yaml"
"""Table of phoneme types in the export folder of a project."""

NONE = "none"
"""Instead of the name of an experiment: do without one."""


def export_project(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Export a project's models.

    Args:
        project: whose.
        params: see :mod:`.stages`.
        reporter: receives progress and files.

    Returns:
        For ``openutau`` the manifest of :class:`..export.voicebank.ExportedBank`; for ``onnx`` and
        ``diffsinger`` ``exports``, one entry per experiment, and for ``onnx`` maybe ``vocoder``.

    Raises:
        SingwizError: models are missing or do not fit together.
    """
    target = _target(params)
    if target == "openutau" and not params.get("vocoder"):
        params = {**params, "vocoder": _chosen_vocoder(project)}
    output = Path(params["output"]) if params.get("output") else None
    if target == "openutau":
        return _bank(
            _acoustic(project, params),
            _roles(project, params),
            output or project.export_dir,
            {
                "name": project.state.name,
                **_given(params),
                "consent": project.state.consent or bool(params.get("consent")),
            },
            types_file=project.export_dir / TYPES_FILE,
            reporter=reporter,
        )
    folders = [_experiment_dir(project, params, "acoustic")]
    folders += [experiment.folder for experiment in _roles(project, params).values()]
    found = [*dict.fromkeys(folder for folder in folders if folder.is_dir())]
    if params.get("experiment"):
        found = [find_experiment(project.checkpoints_dir, str(params["experiment"]))]
    if not found and not (target == "onnx" and params.get("vocoder")):
        raise _no_voice(project, folders[0])
    return _plain(found, output or project.export_dir / target, params, reporter, nested=True)


def export_experiments(params: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Export experiments without a project; params and result as of :func:`export_project`.

    Raises:
        SingwizError: as there, or no experiment is named.
    """
    from ..synthesis.experiment import read_experiment

    target = _target(params)
    checkpoints = Path.cwd() / "checkpoints"
    output = Path(params.get("output") or Path.cwd() / "artifacts")
    named = str(params.get("acoustic") or params.get("experiment") or "")
    if target == "openutau":
        if not named:
            raise _nothing()
        acoustic = read_experiment(find_experiment(checkpoints, named))
        roles = {}
        for role in ROLES:
            name = str(params.get(role) or "")
            if name and name != NONE:
                folder = find_experiment(checkpoints, name)
                roles[role] = read_experiment(folder, kind="variance")
        given = {"name": acoustic.folder.name, **_given(params)}
        file = output / f"{acoustic.folder.name}.{TYPES_FILE}"
        return _bank(acoustic, roles, output, given, types_file=file, reporter=reporter)
    names = [str(params.get(key) or "") for key in ("experiment", "acoustic", *ROLES)]
    folders = [find_experiment(checkpoints, name) for name in names if name not in ("", NONE)]
    folders = [*dict.fromkeys(folders)]
    if not folders and not (target == "onnx" and params.get("vocoder")):
        raise _nothing()
    return _plain(folders, output, params, reporter, nested=len(folders) > 1)


def _target(params: Mapping[str, Any]) -> str:
    target = str(params.get("to") or "openutau")
    if target not in TARGETS:
        raise SingwizError(
            "export-target",
            f"Nothing can be exported to '{target}'.",
            hint=f"Choose one of: {', '.join(TARGETS)}.",
            exit_code=USAGE_PROBLEM,
        )
    return target


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params that say something."""
    return {key: value for key, value in params.items() if value not in (None, "", (), [])}


def _nothing() -> SingwizError:
    return SingwizError(
        "export-nothing",
        "Name what to export: a project folder, or an experiment with --exp.",
        hint="For example: singwiz export my-voice --to openutau",
        exit_code=USAGE_PROBLEM,
    )


def _experiment_dir(project: Project, params: Mapping[str, Any], kind: Any) -> Path:
    named = str(params.get(kind) or "")
    if named:
        return find_experiment(project.checkpoints_dir, named)
    return project.experiment_dir(kind)


def _acoustic(project: Project, params: Mapping[str, Any]) -> Experiment:
    from ..synthesis.experiment import read_experiment

    folder = _experiment_dir(project, params, "acoustic")
    if not folder.is_dir():
        raise _no_voice(project, folder)
    return read_experiment(folder)


def _chosen_vocoder(project: Project) -> str:
    """The vocoder that was chosen after the training; "" leaves it to the voice's config."""
    from ..synthesis.vocoder import PREVIEW
    from .vocoders import chosen_vocoder, project_vocoder

    if chosen_vocoder(project) in ("", PREVIEW):
        return ""
    found = project_vocoder(project)
    return "" if found == PREVIEW else found


def _no_voice(project: Project, folder: Path) -> SingwizError:
    return SingwizError(
        "export-no-acoustic",
        "There is no trained voice yet.",
        hint=f"Train one first: singwiz train '{project.root}'",
        where=str(folder),
        exit_code=USAGE_PROBLEM,
    )


def _roles(project: Project, params: Mapping[str, Any]) -> dict[str, Experiment]:
    """Who predicts what: the named experiments, else the project's own one, else the newest."""
    from ..synthesis.experiment import read_experiment
    from ..synthesis.segment import CURVES

    checkpoints = project.checkpoints_dir
    favourite = project.experiment_dir("variance")
    trained = [folder for folder in checkpoints.glob("*") if folder.is_dir()]
    trained.sort(key=lambda folder: (folder != favourite, -folder.stat().st_mtime, folder.name))
    tags = {folder: trained_tags(folder) for folder in trained}
    acoustic = _experiment_dir(project, params, "acoustic")
    curves = {name for name in CURVES if _embeds(acoustic, name)}
    wanted: dict[str, Any] = {
        "duration": lambda own: "dur" in own,
        "pitch": lambda own: "pitch" in own,
        "variance": lambda own: curves and curves <= {*own},
    }
    roles: dict[str, Experiment] = {}
    for role, fits in wanted.items():
        named = str(params.get(role) or "")
        if named == NONE:
            continue
        found = [folder for folder in trained if fits(tags[folder])]
        folder = find_experiment(checkpoints, named) if named else next(iter(found), None)
        if folder is not None:
            roles[role] = read_experiment(folder, kind="variance")
    return roles


def missing_tags(project: Project) -> list[str]:
    """What OpenUTAU needs and no trained model of a project predicts: ``dur``, names of curves.

    Reads configs only.
    """
    from ..synthesis.segment import CURVES

    acoustic = project.experiment_dir("acoustic")
    predicted = [set(trained_tags(path)) for path in project.checkpoints_dir.glob("*/")]
    curves = [name for name in CURVES if _embeds(acoustic, name)]
    together = max((tags & {*curves} for tags in predicted), key=len, default=set())
    missing = [name for name in curves if name not in together]
    return ([] if any("dur" in tags for tags in predicted) else ["dur"]) + missing


def _embeds(folder: Path, curve: str) -> bool:
    from ..config import load_config

    path = folder / "config.yaml"
    return path.is_file() and bool(load_config(path).to_dict().get(f"use_{curve}_embed"))


def graph_options(params: Mapping[str, Any]) -> GraphOptions:
    """Wishes about graphs in stage params."""
    from ..export.experiment import GraphOptions

    gender = params.get("freeze_gender")
    return GraphOptions(
        export_speakers=tuple(names_in(params, "export_spk") or ()),
        freeze_speaker=str(params.get("freeze_spk") or ""),
        freeze_gender=None if gender is None else float(gender),
        freeze_velocity=bool(params.get("freeze_velocity")),
        freeze_expr=bool(params.get("freeze_expr")),
        # OpenUTAU cannot say that notes glide; other programs can.
        freeze_glide=_target(params) == "openutau" or bool(params.get("freeze_glide")),
    )


def _bank(
    acoustic: Experiment,
    roles: Mapping[str, Experiment],
    parent: Path,
    params: Mapping[str, Any],
    *,
    types_file: Path,
    reporter: Reporter,
) -> dict[str, Any]:
    from ..export.character import Character
    from ..export.plan import plan_bank
    from ..export.voicebank import export_bank

    character = Character(
        name=str(params["name"]),
        author=str(params.get("author") or ""),
        voice=str(params.get("voice") or ""),
        web=str(params.get("web") or ""),
        version=str(params.get("version") or ""),
        image=Path(params["image"]) if params.get("image") else None,
        licence=_terms(str(params.get("license") or "")),
        phonemizer=str(params.get("phonemizer") or ""),
    )
    # One speaker's voice in several models has to be read only once.
    same = {experiment.folder: experiment for experiment in roles.values()}
    plan = plan_bank(
        acoustic,
        {role: same[experiment.folder] for role, experiment in roles.items()},
        character=character,
        options=graph_options(params),
        vocoder=str(params.get("vocoder") or ""),
        consent=bool(params.get("consent")),
        allow_incomplete=bool(params.get("allow_incomplete")),
        steps=checkpoint_steps(params.get("ckpt"), acoustic.folder),
    )
    for note in plan.notes:
        reporter.warning("export-note", note)
    bank = export_bank(
        plan,
        parent,
        archive=bool(params.get("zip")),
        types_file=types_file,
        corrections=_corrections(names_in(params, "types") or ()),
        force=bool(params.get("force")),
        reporter=reporter,
    )
    return bank.to_dict()


def _terms(given: str) -> str:
    """Terms of use, or the content of the text file that the words name."""
    if given.lower().endswith((".txt", ".md")):
        from ..dataset.labels.files import read_text

        return read_text(Path(given))
    return given


def _corrections(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, kind = text.partition("=")
        if not equals or not name.strip():
            raise SingwizError(
                "phoneme-type-unknown",
                f"'{text}' does not give a phoneme a type.",
                hint="Write it like --type cl=stop.",
                exit_code=USAGE_PROBLEM,
            )
        found[name.strip()] = kind.strip()
    return found


def _plain(
    folders: Sequence[Path],
    output: Path,
    params: Mapping[str, Any],
    reporter: Reporter,
    *,
    nested: bool,
) -> dict[str, Any]:
    """Graphs or checkpoints of experiments, each in a folder of its own if there are several."""
    from ..config import load_config
    from ..export.experiment import copy_dictionaries, export_experiment
    from ..export.peer import export_checkpoint
    from ..export.vocoder import export_vocoder
    from ..synthesis.experiment import read_experiment

    experiments = []
    for folder in folders:
        kind = (
            load_config(folder / "config.yaml").kind if (folder / "config.yaml").is_file() else ""
        )
        experiments.append(
            read_experiment(folder, kind="variance" if kind == "variance" else "acoustic")
        )
    options = graph_options(params)
    exports = []
    for experiment in experiments:
        steps = checkpoint_steps(params.get("ckpt"), experiment.folder)
        target = output / experiment.folder.name if nested else output
        if _target(params) == "diffsinger":
            exports.append(
                export_checkpoint(
                    experiment,
                    target,
                    steps=steps,
                    weights_only=bool(params.get("weights_only")),
                    reporter=reporter,
                )
            )
            continue
        own = options
        if experiment.config.kind == "variance":
            own = replace(own, freeze_gender=None, freeze_velocity=False)
        written = export_experiment(experiment, target, steps=steps, options=own, reporter=reporter)
        files = [*written.files, *copy_dictionaries(experiment, target)]
        exports.append({**written.to_dict(), "folder": str(target), "files": files})
        reporter.artifact("data", target, experiment.folder.name)
    result: dict[str, Any] = {"exports": exports}
    vocoder = str(params.get("vocoder") or "")
    if _target(params) == "onnx" and vocoder and vocoder != NONE:
        name = str(params.get("name") or "nsf_hifigan")
        target = output / "vocoder" if exports else output
        done = export_vocoder(Path(vocoder).expanduser(), target, name=name, reporter=reporter)
        result["vocoder"] = {**done.to_dict(), "folder": str(target)}
    return result


def check_voicebank(folder: Path, *, packages: Path | None, reporter: Reporter) -> dict[str, Any]:
    """Check an exported voicebank and let it sing a little; the report, plain data."""
    from ..export.client.checking import check_bank

    _is_folder(folder)
    return check_bank(folder, packages=packages, reporter=reporter).to_dict()


def sing_voicebank(
    folder: Path, song: Path, params: Mapping[str, Any], *, output: Path, reporter: Reporter
) -> dict[str, Any]:
    """Sing a score with an exported voicebank.

    Args:
        folder: of the voicebank.
        song: MusicXML, MIDI, UST or USTX.
        params: ``speaker`` (colour or name), ``language``, ``part``, ``lyrics``, ``flat`` (no
            pitch model), ``steps``, ``packages``.
        output: WAV file to write.
        reporter: receives progress.

    Returns:
        ``wav``, ``seconds``, ``rtf``, ``timings`` (s by stage), ``preview``.

    Raises:
        SingwizError: the voicebank or the song cannot be used.
    """
    from ..export.bank_songs import loudness_checked, notes_of, preview_sound
    from ..export.client.bank import Bank
    from ..export.client.singing import Steps, save_wav, sing
    from ..songs import read_score
    from .song_files import lyrics_text

    _is_folder(folder)
    score = read_score(
        song,
        part=str(params.get("part") or ""),
        lyrics=lyrics_text(str(params.get("lyrics") or "")),
    )
    packages = Path(params["packages"]) if params.get("packages") else None
    bank = Bank.open(folder, packages=packages)
    language = _language(bank, str(params.get("language") or ""))
    notes = notes_of(score, bank, language)
    steps = Steps()
    if params.get("steps"):
        count = int(params["steps"])
        steps = Steps(acoustic=count, variance=count, pitch=count)
    sung = sing(
        bank,
        notes,
        language=language,
        colour=_colour(bank, str(params.get("speaker") or "")),
        predict_pitch=not params.get("flat"),
        steps=steps,
        reporter=reporter,
    )
    preview = bank.vocoder is None
    if preview:
        reporter.warning(
            "vocoder-missing",
            "The voicebank has no vocoder of its own. You hear the preview vocoder instead.",
        )
        sung = preview_sound(sung, bank)
    audio = loudness_checked(sung.audio())
    save_wav(output, audio)
    reporter.artifact("audio", output, song.stem)
    seconds = len(audio) / 44100
    total = sum(sung.seconds.values())
    return {
        "wav": str(output),
        "seconds": seconds,
        "rtf": total / seconds if seconds else 0.0,
        "timings": dict(sung.seconds),
        "preview": preview,
    }


def _is_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise SingwizError(
            "bank-missing",
            f"There is no folder '{folder}'.",
            hint="Give the folder with character.txt; unpack a zip first.",
            exit_code=USAGE_PROBLEM,
        )


def _language(bank: Any, wanted: str) -> str:
    known = [name for name in bank.languages if name]
    if wanted and wanted not in known and known:
        raise SingwizError(
            "language-unknown",
            f"This voice does not know the language '{wanted}'.",
            hint=f"Choose one of: {', '.join(known)}.",
            exit_code=USAGE_PROBLEM,
        )
    if not wanted and len(known) > 1:
        raise SingwizError(
            "language-not-chosen",
            "This voice sings several languages, and a score does not say which it is in.",
            hint=f"Choose one of: {', '.join(known)}.",
            exit_code=USAGE_PROBLEM,
        )
    return wanted or (known[0] if known else "")


def _colour(bank: Any, wanted: str) -> str:
    if not wanted:
        return ""
    for colour in bank.colours:
        names = {colour.name, colour.suffix, colour.suffix.rpartition("/")[2]}
        if wanted in names:
            return str(colour.name)
    raise SingwizError(
        "speaker-unknown",
        f"This voicebank has no singer called '{wanted}'.",
        hint=f"Choose of: {', '.join(colour.name for colour in bank.colours)}.",
        exit_code=USAGE_PROBLEM,
    )
