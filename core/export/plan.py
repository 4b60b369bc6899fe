"""What a voicebank will be made of, and everything that speaks against it, before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..assets import network_file
from ..dictionary import Dictionary
from ..errors import USAGE_PROBLEM, SingwizError
from ..synthesis.experiment import Experiment, read_dictionaries
from .character import Character, check_character
from .dsconfig import CURVES, DEFAULT_VOCODER, mel_keys
from .experiment import GraphOptions
from .vocoder import describe_vocoder
from .voices import Cast, Voice, choose_cast

ROLES = ("duration", "pitch", "variance")
FOLDERS = {"duration": "dsdur", "pitch": "dspitch", "variance": "dsvariance"}
"""Role of a variance model -> its folder in the voicebank."""

PLAYED_AT = 44100
"""Hz; OpenUTAU takes every vocoder's sound for this."""

_SHOWN = 8


class ExportProblems(SingwizError):
    """Everything that has to be mended before a voice can be exported.

    Attributes:
        problems: each with its own code, place and hint.
    """

    def __init__(self, problems: tuple[SingwizError, ...]) -> None:
        lines = [f"{problem.message} {problem.hint}".rstrip() for problem in problems]
        super().__init__(
            problems[0].code if len(problems) == 1 else "export-problems",
            problems[0].message
            if len(problems) == 1
            else "The voice cannot be exported yet:\n  " + "\n  ".join(lines),
            hint=problems[0].hint if len(problems) == 1 else "",
            where=problems[0].where if len(problems) == 1 else "",
            exit_code=max(problem.exit_code for problem in problems),
        )
        self.problems = problems

    def __reduce__(self) -> tuple[type[ExportProblems], tuple[tuple[SingwizError, ...]]]:
        return ExportProblems, (self.problems,)


@dataclass(frozen=True)
class BankPlan:
    """The parts of a voicebank, checked against each other.

    Attributes:
        acoustic: the model that sings.
        roles: ``duration``, ``pitch``, ``variance`` -> the model for it, where there is one.
        cast: voices of the acoustic model.
        options: of the graphs.
        vocoder: file or folder to take along, or None.
        vocoder_name: package that is named in the dsconfig.
        character: who the singer is.
        notes: what is missing or odd but no obstacle, as sentences.
        dictionaries: language -> dictionary of the acoustic model; empty if they are lost.
        steps: of the acoustic model's checkpoint; the largest if None.
        lacks_curves: True if the user takes a voice whose curves nothing predicts.
    """

    acoustic: Experiment
    roles: Mapping[str, Experiment]
    cast: Cast
    options: GraphOptions
    vocoder: Path | None
    vocoder_name: str
    character: Character
    notes: tuple[str, ...]
    dictionaries: Mapping[str, Dictionary]
    steps: int | None = None
    lacks_curves: bool = False

    def options_of(self, experiment: Experiment) -> GraphOptions:
        """Options for one of the variance models: the voices of the acoustic model."""
        if not experiment.config.to_dict().get("use_spk_id"):
            return GraphOptions(freeze_expr=self.options.freeze_expr)
        voices = [_written(voice) for voice in self.cast.exported]
        frozen = "" if voices else _frozen_name(self, experiment)
        return GraphOptions(
            export_speakers=tuple(voices),
            freeze_speaker=frozen,
            freeze_expr=self.options.freeze_expr,
        )


def plan_bank(
    acoustic: Experiment,
    roles: Mapping[str, Experiment],
    *,
    character: Character,
    options: GraphOptions | None = None,
    vocoder: str = "",
    consent: bool = False,
    allow_incomplete: bool = False,
    steps: int | None = None,
) -> BankPlan:
    """Put a voicebank together on paper.

    Args:
        acoustic: the model that sings.
        roles: ``duration``, ``pitch``, ``variance`` -> the model for it.
        character: who the singer is.
        options: speakers and frozen inputs.
        vocoder: file or folder; ``none`` for none; the name of a package that people have
            installed; "" for the one in the acoustic model's config.
        consent: the singers agree to a voice being made.
        allow_incomplete: go on without models that OpenUTAU needs.
        steps: of the acoustic model's checkpoint; the largest if None.

    Raises:
        ExportProblems: all obstacles at once.
    """
    options = options or GraphOptions()
    problems: list[SingwizError] = []
    notes: list[str] = []

    def tried(call: Any, *args: Any, **named: Any) -> Any:
        try:
            return call(*args, **named)
        except SingwizError as error:
            problems.append(error)
            return None

    if not consent:
        problems.append(
            SingwizError(
                "export-consent",
                "Nobody has confirmed yet that the singers agree to a voice being made of them.",
                hint="Ask them, then confirm it in the wizard's first step or with --consent.",
                exit_code=USAGE_PROBLEM,
            )
        )
    tried(check_character, character)
    keys = acoustic.config.to_dict()
    cast = tried(
        choose_cast,
        acoustic.spk_map if keys.get("use_spk_id") else None,
        export=options.export_speakers,
        freeze=options.freeze_speaker,
        folder=str(acoustic.folder),
    )
    lacking = _lacking(keys, roles)
    if allow_incomplete:
        notes += [problem.message for problem in lacking]
    else:
        problems += lacking
    if "pitch" not in roles:
        notes.append("There is no pitch model: OpenUTAU cannot load rendered pitch.")
    for role, experiment in roles.items():
        fits, remarks = _fit(acoustic, experiment, role)
        problems += [problem for problem in fits if str(problem) not in map(str, problems)]
        notes += remarks
    path, name = tried(_find_vocoder, vocoder, keys, notes) or (None, DEFAULT_VOCODER)
    if path is not None:
        description = tried(describe_vocoder, path)
        if description is not None:
            problems += _vocoder_fit(keys, description, path)
    dictionaries = _dictionaries(acoustic, notes)
    if problems:
        raise ExportProblems(tuple(problems))
    plan = BankPlan(
        acoustic,
        roles,
        cast,
        options,
        path,
        name,
        character,
        tuple(notes),
        dictionaries,
        steps,
        lacks_curves=any(problem.code == "export-no-curves" for problem in lacking),
    )
    for experiment in {id(one): one for one in roles.values()}.values():
        tried(_check_voices, plan, experiment)
    if problems:
        raise ExportProblems(tuple(problems))
    return plan


def _dictionaries(experiment: Experiment, notes: list[str]) -> dict[str, Dictionary]:
    """The dictionaries of the acoustic model; old experiments may have a phoneme list only."""
    try:
        return read_dictionaries(experiment.folder, experiment.config)
    except SingwizError:
        notes.append(
            "The dictionaries are not beside the acoustic model, so the voicebank knows no words: "
            "people have to write phonemes. Copy dictionary-<language>.txt into its folder."
        )
        return {}


def _lacking(keys: Mapping[str, Any], roles: Mapping[str, Experiment]) -> list[SingwizError]:
    problems = []
    if "duration" not in roles:
        problems.append(
            SingwizError(
                "export-no-duration",
                "There is no duration model, without which OpenUTAU cannot sing lyrics.",
                hint="Train a variance model with durations, or use --allow-incomplete.",
                exit_code=USAGE_PROBLEM,
            )
        )
    needed = [name for name in CURVES if keys.get(f"use_{name}_embed")]
    given: Mapping[str, Any] = {}
    if "variance" in roles:
        given = roles["variance"].config.to_dict()
    missing = [name for name in needed if not given.get(f"predict_{name}")]
    if missing:
        problems.append(
            SingwizError(
                "export-no-curves",
                f"The voice needs {', '.join(missing)}, which no variance model predicts.",
                hint="Train a variance model that predicts them, or use --allow-incomplete.",
                exit_code=USAGE_PROBLEM,
            )
        )
    return problems


def _fit(
    acoustic: Experiment, other: Experiment, role: str
) -> tuple[list[SingwizError], list[str]]:
    """Whether a variance model and the acoustic model sing the same phonemes."""
    problems: list[SingwizError] = []
    notes = []
    names = f"'{acoustic.folder.name}' and '{other.folder.name}'"
    own, theirs = set(acoustic.phonemes.ids), set(other.phonemes.ids)
    if own != theirs:
        told = [
            f"only {one.folder.name} has {_some(lost)}"
            for one, lost in ((acoustic, own - theirs), (other, theirs - own))
            if lost
        ]
        problems.append(
            SingwizError(
                "export-phonemes-differ",
                f"The models {names} were trained with different phonemes: {'; '.join(told)}.",
                hint="Train both with the same dictionaries.",
                where=str(other.folder),
            )
        )
    languages = set(acoustic.phonemes.lang_map) - set(other.phonemes.lang_map)
    if languages and acoustic.phonemes.cross_lingual and other.phonemes.cross_lingual:
        problems.append(
            SingwizError(
                "export-languages-differ",
                f"The model '{other.folder.name}' does not know the languages "
                f"{', '.join(sorted(languages))}.",
                hint="Train both with the same dictionaries.",
                where=str(other.folder),
            )
        )
    a, b = acoustic.config.to_dict(), other.config.to_dict()
    wanted = {"duration": "predict_dur", "pitch": "predict_pitch"}.get(role)
    if wanted and not b.get(wanted):
        problems.append(
            SingwizError(
                "export-wrong-role",
                f"The model '{other.folder.name}' does not predict {role}.",
                hint=f"Choose another one with --{role}.",
                where=str(other.folder),
                exit_code=USAGE_PROBLEM,
            )
        )
    if any(a[key] != b[key] for key in ("hop_size", "audio_sample_rate")):
        notes.append(f"The models {names} have frames of different length, which costs quality.")
    return problems, notes


def _find_vocoder(
    wanted: str, keys: Mapping[str, Any], notes: list[str]
) -> tuple[Path | None, str]:
    """The vocoder to take along, and the name in the dsconfig, which must not be empty."""
    if wanted and wanted != "none":
        path = Path(wanted).expanduser()
        if path.exists():
            return path, DEFAULT_VOCODER
        if "/" in wanted or "\\" in wanted or path.suffix in (".ckpt", ".onnx", ".pt", ".yaml"):
            raise SingwizError(
                "vocoder-missing",
                f"There is no vocoder '{wanted}'.",
                hint="Give a file or folder, 'none', or the name of an installed package.",
                exit_code=USAGE_PROBLEM,
            )
        notes.append(_to_install(wanted))
        return None, wanted
    configured = str(keys.get("vocoder_ckpt") or "").strip()
    # A fetched vocoder stands in for the usual name in a config.
    found = network_file(configured, Path.cwd(), "vocoder") if configured else None
    if not wanted and found is not None:
        return found, DEFAULT_VOCODER
    mel = mel_keys(keys)
    fits = (44100, 512, 2048, 2048, 128, 40, 16000)
    if tuple(mel.values())[: len(fits)] != fits:
        raise SingwizError(
            "export-no-vocoder",
            "The voice's spectrograms are of a kind that no common vocoder reads.",
            hint="Name the voice's vocoder with --vocoder FILE, or a package with --vocoder NAME.",
            exit_code=USAGE_PROBLEM,
        )
    notes.append(_to_install(DEFAULT_VOCODER))
    return None, DEFAULT_VOCODER


def _to_install(name: str) -> str:
    return f"No vocoder is taken along: people have to install '{name}' in OpenUTAU."


def _vocoder_fit(
    keys: Mapping[str, Any], description: Mapping[str, Any], path: Path
) -> list[SingwizError]:
    own = mel_keys(keys)
    differ = [
        f"{key} {own[key]} and {description.get(key)}"
        for key in own
        if key != "mel_base" and own[key] != description.get(key)
    ]
    problems = []
    if differ:
        problems.append(
            SingwizError(
                "export-vocoder-differs",
                f"Voice and vocoder do not fit: {', '.join(differ)}.",
                hint="Use the vocoder that the voice was trained for.",
                where=str(path),
            )
        )
    elif own["sample_rate"] != PLAYED_AT:
        problems.append(
            SingwizError(
                "export-sample-rate",
                f"OpenUTAU plays every voice at {PLAYED_AT} Hz, this one has "
                f"{own['sample_rate']} Hz and would sing at another pitch.",
                hint=f"Train the voice and its vocoder at {PLAYED_AT} Hz.",
                where=str(path),
            )
        )
    return problems


def _frozen_name(plan: BankPlan, experiment: Experiment) -> str:
    """Who a variance model sings as in a voice without a choice of speakers."""
    if plan.cast.frozen is not None:
        return _written(plan.cast.frozen)
    if plan.options.freeze_speaker:
        return plan.options.freeze_speaker
    shared = [name for name in plan.acoustic.spk_map if name in experiment.spk_map]
    if len(shared) == 1 and len(plan.acoustic.spk_map) == 1:
        return shared[0]
    if len(set(experiment.spk_map.values())) == 1:
        return next(iter(experiment.spk_map))
    raise SingwizError(
        "speaker-not-chosen",
        f"The model '{experiment.folder.name}' knows several singers, and it is not clear who of "
        "them this voice is.",
        hint=f"Name one with --freeze-spk: {', '.join(sorted(experiment.spk_map))}.",
        where=str(experiment.folder),
        exit_code=USAGE_PROBLEM,
    )


def _check_voices(plan: BankPlan, experiment: Experiment) -> None:
    """A variance model knows the voices of the acoustic model."""
    options = plan.options_of(experiment)
    if experiment.config.to_dict().get("use_spk_id"):
        choose_cast(
            experiment.spk_map,
            export=options.export_speakers,
            freeze=options.freeze_speaker,
            folder=str(experiment.folder),
        )


def _written(voice: Voice) -> str:
    """A voice as the command line names it."""
    shares = "|".join(f"{name}:{share:.12f}" for name, share in voice.mix.items())
    return f"{voice.name}={shares}"


def _some(names: set[str] | Sequence[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
