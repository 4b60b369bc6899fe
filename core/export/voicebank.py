"""A voicebank folder for OpenUTAU, written from models, verified, and put in place as a whole."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..atomic import atomic_path, write_text
from ..dictionary import Dictionary
from ..errors import USAGE_PROBLEM, SingwizError
from ..reporting import Reporter
from ..synthesis.experiment import Experiment
from .character import character_txt, character_yaml, folder_name, phonemizer_of
from .client.checking import BankReport, check_bank, write_report
from .client.problems import Remark
from .dsconfig import input_names, variance_dsconfig, write_yaml
from .dsdict import (
    PhonemeType,
    dictionary_entries,
    dsdict_text,
    phoneme_types,
    read_types,
    replacements_of,
    write_types,
)
from .experiment import ExportedExperiment, Layout, export_experiment
from .plan import FOLDERS, BankPlan
from .vocoder import export_vocoder

GRAPHS = {"duration": "dur", "pitch": "pitch", "variance": "variance"}
"""Role -> the graph it needs beside the linguistic one."""

ASSET_RECORD = "asset.json"
"""Beside or above a fetched file: ``name``, ``licence`` and ``attribution``."""

REPORT_SUFFIX = ".verification.json"
"""Ending of the report that lies beside the voicebank."""

BANK_LAYOUT = Layout(
    graph=lambda name, speaker: f"{name}.onnx",
    embedding=lambda voice: f"embeds/{voice}.emb",
    phonemes="phonemes.json",
    languages="languages.json",
)


@dataclass(frozen=True)
class ExportedBank:
    """What an export made.

    Attributes:
        folder: the voicebank.
        archive: the same as a zip, or None.
        report: its verification.
        report_file: where that is kept.
        types_file: the table of phoneme types, or None.
        errors: graph and output -> largest difference from torch.
        files: file in the voicebank -> bytes.
        guessed: phonemes whose type was guessed from their names.
        notes: what is missing or odd, as sentences.
    """

    folder: Path
    archive: Path | None
    report: BankReport
    report_file: Path
    types_file: Path | None
    errors: Mapping[str, float]
    files: Mapping[str, int]
    guessed: Mapping[str, str]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The manifest, plain data."""
        return {
            "folder": str(self.folder),
            "archive": str(self.archive) if self.archive else None,
            "report_file": str(self.report_file),
            "types_file": str(self.types_file) if self.types_file else None,
            "files": dict(self.files),
            "bytes": sum(self.files.values()),
            "errors": dict(self.errors),
            "guessed_types": dict(self.guessed),
            "notes": [*self.notes],
            "report": self.report.to_dict(),
        }


def export_bank(
    plan: BankPlan,
    parent: Path,
    *,
    archive: bool = False,
    types_file: Path | None = None,
    corrections: Mapping[str, str] | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> ExportedBank:
    """Write a voicebank.

    Everything is written beside its place first, verified there by singing with it, and moved when
    it passed. A voicebank of the same name is replaced.

    Args:
        plan: of :func:`.plan.plan_bank`.
        parent: the folder that will hold the voicebank.
        archive: also make a zip of it.
        types_file: table of phoneme types; read if it is there, written anew in any case.
        corrections: phoneme -> type; stronger than the table.
        force: keep a voicebank that did not pass.
        reporter: receives progress and files.

    Raises:
        SingwizError: a part cannot be exported, or the voicebank does not pass.
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    name = folder_name(plan.character.name)
    target = parent / name
    _check_target(target)
    known = read_types(types_file) if types_file is not None and types_file.is_file() else {}
    dictionaries = plan.dictionaries
    own = plan.acoustic.phonemes.ids
    types = phoneme_types(
        plan.acoustic.phonemes,
        dictionaries,
        corrections={n: t for n, t in known.items() if n in own} | dict(corrections or {}),
    )
    guessed = {n: entry.type for n, entry in types.items() if entry.guessed}
    report_file = parent / f"{name}{REPORT_SUFFIX}"
    with _staged(target) as folder:
        errors = _write_models(plan, folder, reporter)
        _write_dictionaries(plan, folder, types, dictionaries)
        speakers = _speakers(plan)
        _write_character(plan, folder, speakers, dictionaries)
        _write_papers(plan, folder)
        _check_names(folder)
        files = {
            str(path.relative_to(folder).as_posix()): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        report = check_bank(folder, reporter=reporter)
        report.folder = target
        if plan.lacks_curves:
            report.remarks = [_known(remark) for remark in report.remarks]
        _keep_report(report_file, report, errors, plan)
        if report.errors and not force:
            raise _failed(report, report_file)
        _move(folder, target)
    if types_file is not None:
        write_types(types_file, types)
    packed = _pack(target, reporter) if archive else None
    reporter.artifact("data", target, plan.character.name)
    if packed is not None:
        reporter.artifact("data", packed, packed.name)
    reporter.artifact("report", report_file, "verification")
    return ExportedBank(
        target, packed, report, report_file, types_file, errors, files, guessed, plan.notes
    )


def _check_target(target: Path) -> None:
    if target.exists() and not (target / "character.txt").is_file():
        raise SingwizError(
            "export-folder-taken",
            f"'{target}' is there already and is no voicebank.",
            hint="Choose another name or another folder with -o.",
            where=str(target),
            exit_code=USAGE_PROBLEM,
        )


@contextlib.contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder beside the target that vanishes if it was not moved."""
    folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            raise SingwizError(
                "export-unwritable",
                f"The voicebank cannot be written: {error.strerror or error}.",
                hint="Check that the disk is not full and the folder can be written to.",
                where=str(target.parent),
            ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(folder: Path, target: Path) -> None:
    """Put a finished folder in its place; an older one goes when the new one is there."""
    old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
    if target.exists():
        target.replace(old)
    try:
        folder.replace(target)
    except OSError:
        if old.exists():
            old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_models(plan: BankPlan, folder: Path, reporter: Reporter) -> dict[str, float]:
    """All graphs; gives the differences from torch."""
    errors: dict[str, float] = {}
    reporter.log(f"Acoustic model: {plan.acoustic.folder.name}")
    acoustic = export_experiment(
        plan.acoustic,
        folder,
        steps=plan.steps,
        options=plan.options,
        layout=BANK_LAYOUT,
        vocoder=plan.vocoder_name,
        reporter=reporter,
    )
    errors |= acoustic.errors
    for experiment, roles in _by_experiment(plan.roles):
        reporter.log(f"{', '.join(roles)}: {experiment.folder.name}")
        errors |= _write_variance(plan, experiment, roles, folder, reporter)
    if plan.vocoder is not None:
        written = export_vocoder(plan.vocoder, folder / "dsvocoder", reporter=reporter)
        errors |= {f"dsvocoder/{name}": error for name, error in written.errors.items()}
    return errors


def _by_experiment(roles: Mapping[str, Experiment]) -> list[tuple[Experiment, list[str]]]:
    grouped: dict[Path, tuple[Experiment, list[str]]] = {}
    for role, experiment in roles.items():
        grouped.setdefault(experiment.folder, (experiment, []))[1].append(role)
    return [*grouped.values()]


def _write_variance(
    plan: BankPlan,
    experiment: Experiment,
    roles: Sequence[str],
    folder: Path,
    reporter: Reporter,
) -> dict[str, float]:
    """The modules of one variance model; each gets all it needs, so that none looks elsewhere."""
    first = folder / FOLDERS[roles[0]]
    exported = export_experiment(
        experiment,
        first,
        kind="variance",
        options=plan.options_of(experiment),
        only=[GRAPHS[role] for role in roles],
        layout=BANK_LAYOUT,
        reporter=reporter,
    )
    for role in reversed(roles):
        module = folder / FOLDERS[role]
        _split(exported, module, role, experiment)
    homes = {f"{GRAPHS[role]}.onnx": FOLDERS[role] for role in roles}
    return {
        f"{homes.get(name.partition(':')[0], first.name)}/{name}": error
        for name, error in exported.errors.items()
    }


def _split(exported: ExportedExperiment, module: Path, role: str, experiment: Experiment) -> None:
    """Copy (or keep) what one role needs of an exported model."""
    graph = GRAPHS[role]
    here = module == exported.folder
    for file in exported.files:
        path = exported.folder / file
        is_other = path.suffix == ".onnx" and path.stem not in ("linguistic", graph)
        if here and is_other:
            path.unlink(missing_ok=True)
        elif not here and not is_other and file != "dsconfig.yaml":
            (module / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, module / file)
    names = ("linguistic", graph)
    settings = variance_dsconfig(
        experiment.config.to_dict(),
        {name: input_names(module / f"{name}.onnx") for name in names},
        files={
            "phonemes": BANK_LAYOUT.phonemes,
            "languages": BANK_LAYOUT.languages,
            **{name: f"{name}.onnx" for name in names},
        },
        speakers=exported.dsconfig.get("speakers", ()),
        hidden_size=exported.dsconfig["hidden_size"],
    )
    write_yaml(module / "dsconfig.yaml", settings)


def _write_dictionaries(
    plan: BankPlan,
    folder: Path,
    types: Mapping[str, PhonemeType],
    dictionaries: Mapping[str, Dictionary],
) -> None:
    phonemes = plan.acoustic.phonemes
    for role in plan.roles:
        module = folder / FOLDERS[role]
        entries = dictionary_entries(dictionaries.items(), phonemes)
        write_text(module / "dsdict.yaml", dsdict_text(types, entries))
        if role != "duration":
            continue
        for language, dictionary in dictionaries.items():
            own = dictionary_entries([(language, dictionary)], phonemes)
            text = dsdict_text(types, own, replacements_of(language, dictionary, phonemes))
            write_text(module / f"dsdict-{language}.yaml", text)


def _speakers(plan: BankPlan) -> list[str]:
    return [f"embeds/{voice.name}" for voice in plan.cast.exported]


def _write_character(
    plan: BankPlan,
    folder: Path,
    speakers: Sequence[str],
    dictionaries: Mapping[str, Dictionary],
) -> None:
    character = plan.character
    image = ""
    if character.image is not None:
        image = f"image{character.image.suffix.lower()}"
        shutil.copyfile(character.image, folder / image)
    chosen = character.phonemizer
    if chosen and "." not in chosen:
        chosen = f"OpenUtau.Core.DiffSinger.{chosen}"
    words = {language: d.entries for language, d in dictionaries.items()}
    content = character_yaml(character, image, chosen or phonemizer_of(words), speakers)
    write_text(folder / "character.txt", character_txt(character, image))
    write_yaml(folder / "character.yaml", content)


def _write_papers(plan: BankPlan, folder: Path) -> None:
    """``readme.txt`` and ``license.txt``: what this is, and what may be done with it."""
    character = plan.character
    lines = [character.name, "=" * len(character.name), ""]
    lines += [
        "A DiffSinger voice for OpenUTAU.",
        "",
        "Install it: drop the zip file onto OpenUTAU's window, or copy this folder into the",
        "folder 'Singers' of OpenUTAU.",
        "",
        # Without that nothing is exported, see plan_bank.
        "Its maker has confirmed that the singers agree to this voice being made.",
    ]
    if plan.vocoder is None:
        lines += ["", f"It needs the vocoder package '{plan.vocoder_name}' in OpenUTAU."]
    if plan.notes:
        lines += ["", *plan.notes]
    write_text(folder / "readme.txt", "\n".join(lines) + "\n")
    terms = character.licence.strip() or (
        "The author has not written down terms of use. Ask before you publish or sell what this "
        "voice sings."
    )
    who = f" by {character.author}" if character.author else ""
    lines = [
        f"{character.name}{who}",
        "",
        terms,
        "",
        "The author has confirmed that the singers agreed to this voice being made.",
    ]
    lines += _vocoder_terms(plan)
    write_text(folder / "license.txt", "\n".join(lines) + "\n")


def _vocoder_terms(plan: BankPlan) -> list[str]:
    if plan.vocoder is None:
        return []
    home = plan.vocoder if plan.vocoder.is_dir() else plan.vocoder.parent
    lines = ["", "The vocoder in dsvocoder is a work of its own."]
    asset = None
    # What was fetched may lie in a folder of its own below its record.
    for record in (home.parent / ASSET_RECORD, home / ASSET_RECORD):
        with contextlib.suppress(OSError, ValueError, RecursionError):
            asset = json.loads(record.read_text(encoding="utf-8-sig")[: 2**20])
    if isinstance(asset, dict) and asset.get("licence"):
        lines.append(f"{asset.get('name') or plan.vocoder.stem}: {asset['licence']}")
        if asset.get("attribution"):
            lines.append(str(asset["attribution"]))
    else:
        lines.append("Its terms were not recorded; common community vocoders are CC BY-NC-SA 4.0.")
    return lines


def _check_names(folder: Path) -> None:
    odd = [path.name for path in folder.rglob("*") if not path.name.isascii()]
    if odd:
        raise SingwizError(
            "export-file-names",
            f"'{odd[0]}' is a file name that some systems cannot unpack.",
            hint="Rename the file or language so that it has plain letters only.",
        )


def _keep_report(
    path: Path, report: BankReport, errors: Mapping[str, float], plan: BankPlan
) -> None:
    """Beside the voicebank, so that it is no part of what people download."""
    models = {"acoustic": plan.acoustic, **plan.roles}
    content = {
        **report.to_dict(),
        "errors_against_torch": dict(errors),
        "models": {role: experiment.folder.name for role, experiment in models.items()},
        "notes": [*plan.notes],
    }
    write_report(path, content)


def _known(remark: Remark) -> Remark:
    """What the user was told and wants to have nevertheless is no error."""
    return replace(remark, severity="warning") if remark.code == "E_VARIANCE" else remark


def _failed(report: BankReport, path: Path) -> SingwizError:
    lines = [f"{r.where}: {r.message} {r.hint} [{r.code}]" for r in report.errors[:8]]
    more = len(report.errors) - len(lines)
    if more > 0:
        lines.append(f"… and {more} more")
    return SingwizError(
        "export-verification",
        "The voicebank does not pass its checks:\n  " + "\n  ".join(lines),
        hint=f"The whole report is in {path.name}. --force keeps a voicebank that does not pass.",
        where=str(path),
    )


def _pack(folder: Path, reporter: Reporter) -> Path:
    """A zip with the folder as its only top entry."""
    path = folder.with_name(f"{folder.name}.zip")
    files = sorted(entry for entry in folder.rglob("*") if entry.is_file())
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive,
    ):
        for number, file in enumerate(files):
            reporter.progress(number, len(files), "packing")
            archive.write(file, f"{folder.name}/{file.relative_to(folder).as_posix()}")
    return path
