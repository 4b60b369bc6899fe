"""Whether a voicebank fits together, and whether it sings: the report after an export."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...reporting import Reporter
from .bank import Bank, Module
from .problems import BankProblem, Remark, warning
from .sessions import GraphSession
from .singing import Steps, check_mel, embedded_curves, predicted_curves, sing
from .tuning import pitch_remarks
from .words import Note

SMOKE_STEPS = Steps(acoustic=8, variance=8, pitch=6)
"""Enough to see that every graph runs; of the sound, only the pitch is judged."""

SMOKE_WORDS = 6
"""Words that are sung per speaker and language."""

OPSET, IR_VERSION = 17, 9
"""The newest that all OpenUTAU builds with DiffSinger renderer read."""

_SHOWN = 8


@dataclass
class BankReport:
    """What was found in a voicebank.

    Attributes:
        folder: of the bank.
        remarks: errors and warnings.
        renders: what was sung: ``speaker``, ``language``, ``seconds``, ``lyrics``.
    """

    folder: Path
    remarks: list[Remark] = field(default_factory=list)
    renders: list[dict[str, Any]] = field(default_factory=list)

    @property
    def errors(self) -> list[Remark]:
        """What makes the bank fail."""
        return [remark for remark in self.remarks if remark.severity == "error"]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "bank": self.folder.name,
            "passed": not self.errors,
            "remarks": [remark.to_dict() for remark in self.remarks],
            "renders": self.renders,
        }


def check_bank(
    folder: Path,
    *,
    packages: Path | None = None,
    smoke: bool = True,
    reporter: Reporter | None = None,
) -> BankReport:
    """Check a voicebank and let every speaker sing a little in every language.

    Args:
        folder: the one with ``character.txt``.
        packages: OpenUTAU's ``Dependencies`` folder, where its vocoder may be.
        smoke: sing.
        reporter: receives progress.

    Raises:
        Cancelled: the user stopped the work.
    """
    reporter = reporter or Reporter()
    report = BankReport(folder)
    reporter.progress(0, 1, "reading the voicebank")
    try:
        bank = Bank.open(folder, packages=packages)
    except BankProblem as problem:
        report.remarks.append(Remark.of(problem))
        report.remarks += _other_faults(folder, problem)
        return report
    report.remarks += bank.remarks
    checks: Sequence[Callable[[Bank], list[Remark]]] = (
        _phonemes,
        _dictionaries,
        _curves,
        _mel,
        _speakers,
        _acoustic_settings,
        _graphs,
        _parts,
    )
    for check in checks:
        try:
            report.remarks += check(bank)
        except BankProblem as problem:
            report.remarks.append(Remark.of(problem))
    if smoke and not report.errors and bank.dur is not None:
        _smoke(bank, report, reporter)
    return report


def _other_faults(folder: Path, first: BankProblem) -> list[Remark]:
    """Faults of the other modules, so that they need not be found one by one."""
    found = []
    for name in ("", "dsdur", "dspitch", "dsvariance"):
        if name and not (folder / name).is_dir():
            continue
        try:
            Module.read(folder, name)
        except BankProblem as problem:
            if (problem.code, problem.where) != (first.code, first.where):
                found.append(Remark.of(problem))
    return found


def _phonemes(bank: Bank) -> list[Remark]:
    """Every module knows the same phonemes and languages."""
    remarks = []
    own = set(bank.acoustic.phonemes)
    for module in bank.modules[1:]:
        theirs = set(module.phonemes)
        where = f"{module.name}/{module.settings['phonemes']}"
        if own - theirs:
            said = f"Phonemes of the acoustic model are missing: {_some(own - theirs)}."
            remarks.append(Remark.of(BankProblem("E_PHONEME", said, where)))
        if theirs - own:
            said = f"The acoustic model does not know {_some(theirs - own)}."
            remarks.append(Remark.of(BankProblem("E_PHONEME", said, where)))
        if bank.acoustic.settings["use_lang_id"] and module.settings["use_lang_id"]:
            lost = {*bank.acoustic.languages} - {*module.languages}
            if lost:
                said = f"Languages are missing: {_some(lost)}."
                where = f"{module.name}/{module.settings['languages']}"
                remarks.append(Remark.of(BankProblem("E_LANGUAGES", said, where)))
    return remarks


def _dictionaries(bank: Bank) -> list[Remark]:
    """Every phoneme has a type, in every dictionary."""
    remarks = []
    for module in bank.modules[1:]:
        languages = {"", *bank.languages} if module is bank.dur else {""}
        for language in sorted(languages):
            try:
                dsdict = module.dictionary(language)
            except BankProblem as problem:
                remarks.append(Remark.of(problem))
                continue
            untyped = {*bank.acoustic.phonemes} - {*dsdict.types} - {"<PAD>", ""}
            if untyped:
                said = f"Phonemes have no type: {_some(untyped)}."
                remarks.append(Remark.of(BankProblem("E_DSDICT", said, dsdict.where)))
            if not any(dsdict.is_vowel(s) for s in dsdict.types if s not in ("SP", "AP")):
                said = "No phoneme is a vowel, so no note can be sung on time."
                remarks.append(Remark.of(BankProblem("E_DSDICT", said, dsdict.where)))
    return remarks


def _curves(bank: Bank) -> list[Remark]:
    """Every curve that the voice needs is predicted."""
    needed = embedded_curves(bank.acoustic)
    predicted = predicted_curves(bank.variance) if bank.variance is not None else ()
    lacking = [name for name in needed if name not in predicted]
    if not lacking:
        return []
    where = "dsvariance" if bank.variance is None else bank.variance.settings.where
    said = f"The voice needs {', '.join(lacking)}, which nothing predicts."
    return [Remark.of(BankProblem("E_VARIANCE", said, where))]


def _mel(bank: Bank) -> list[Remark]:
    check_mel(bank)
    return []


def _speakers(bank: Bank) -> list[Remark]:
    """Colours lead to speakers, in all modules, and the first one is the default."""
    remarks = []
    listed = bank.acoustic.settings.speakers
    for module in bank.modules:
        speakers = module.settings.speakers
        if speakers is None:
            continue
        remarks += [
            warning(
                "W_SUFFIX",
                f"The colour '{colour.name}' leads to '{colour.suffix}', which is no speaker; "
                f"'{speakers[0]}' sings instead.",
                module.settings.where,
                "Write the same names into 'speakers' and into the suffixes of character.yaml.",
            )
            for colour in bank.colours
            if colour.suffix not in speakers
        ]
    if not listed:
        return remarks
    first = bank.suffix(bank.default_colour)
    if first in listed and first != listed[0]:
        remarks.append(
            warning(
                "W_SUFFIX",
                f"Without a choice '{first}' sings, but the durations are those of '{listed[0]}'.",
                "character.yaml",
                "Begin the colours with numbers, so that the first speaker comes first.",
            )
        )
    if not all(colour.has_tones for colour in bank.colours):
        remarks.append(
            warning(
                "W_TONE_RANGES",
                "Colours without tone_ranges: durations do not follow them.",
                "character.yaml",
                'Add tone_ranges: ["C1-B7"] to every subbank.',
            )
        )
    return remarks


def _acoustic_settings(bank: Bank) -> list[Remark]:
    settings = bank.acoustic.settings
    deep = settings["use_variable_depth"] or settings["use_shallow_diffusion"]
    if deep and not 0 < settings["max_depth"] <= 1:
        raise BankProblem(
            "E_CONFIG",
            f"max_depth is {settings['max_depth']}: the voice would sound dull.",
            settings.where,
        )
    if settings["use_key_shift_embed"] and settings.shift is None:
        raise BankProblem(
            "E_CONFIG",
            "use_key_shift_embed is true, but augmentation_args has no range.",
            settings.where,
        )
    return []


def sent_inputs(module: Module, graph: str) -> set[str]:
    """The inputs that OpenUTAU sends to a graph, by the settings of its module."""
    settings = module.settings
    flags: Mapping[str, bool] = {
        "languages": settings["use_lang_id"],
        "spk_embed": settings.speakers is not None,
        "steps": settings["use_continuous_acceleration"],
        "speedup": not settings["use_continuous_acceleration"],
        "gender": settings["use_key_shift_embed"],
        "velocity": settings["use_speed_embed"],
        "depth": settings["use_variable_depth"] or settings["use_shallow_diffusion"],
        "expr": settings["use_expr"],
        "note_rest": settings["use_note_rest"],
    }
    always: set[str]
    by_flag: tuple[str, ...] = ("spk_embed", "steps", "speedup")
    if graph == "linguistic":
        words = module.name == "dsdur" or settings["predict_dur"]
        always = {"tokens", *(("word_div", "word_dur") if words else ("ph_dur",))}
        by_flag = ("languages",)
    elif graph == "dur":
        always, by_flag = {"encoder_out", "x_masks", "ph_midi"}, ("spk_embed",)
    elif graph == "pitch":
        always = {"encoder_out", "ph_dur", "note_midi", "note_dur", "pitch", "retake"}
        by_flag = (*by_flag, "expr", "note_rest")
    elif graph == "variance":
        always = {"encoder_out", "ph_dur", "pitch", "retake", *predicted_curves(module)}
    else:
        always = {"tokens", "durations", "f0", *embedded_curves(module)}
        by_flag = (*by_flag, "languages", "gender", "velocity", "depth")
    return always | {name for name in by_flag if flags[name]}


def _graphs(bank: Bank) -> list[Remark]:
    """Every graph loads, and takes and gives what the settings promise."""
    remarks = []
    parts = {
        "": ("acoustic",),
        "dsdur": ("linguistic", "dur"),
        "dspitch": ("linguistic", "pitch"),
        "dsvariance": ("linguistic", "variance"),
    }
    for module in bank.modules:
        for graph in parts[module.name]:
            try:
                session = module.session(graph)
                remarks += _version(session, module.folder / module.settings[graph])
                session.check_inputs(sent_inputs(module, graph))
                _outputs(session, module, graph)
            except BankProblem as problem:
                remarks.append(Remark.of(problem))
    if bank.vocoder is not None and bank.vocoder_folder is not None:
        sound = bank.vocoder_session
        assert sound is not None
        sound.check_inputs({"mel", "f0"})
        remarks += _version(sound, bank.vocoder_folder / bank.vocoder["model"])
    return remarks


def _outputs(session: GraphSession, module: Module, graph: str) -> None:
    names = [port.name for port in session.session.get_outputs()]
    wanted: Sequence[str] = ()
    if graph == "linguistic":
        wanted = ("encoder_out",) if module.name == "dsvariance" else ("encoder_out", "x_masks")
    if graph == "variance":
        wanted = [f"{name}_pred" for name in predicted_curves(module)]
    lost = [name for name in wanted if name not in names]
    if lost:
        raise BankProblem(
            "E_OUTPUT_NAME", f"The graph does not give {', '.join(lost)}.", session.where
        )


def _version(session: GraphSession, path: Path) -> list[Remark]:
    """Whether older builds of OpenUTAU read the file."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    newest = max((entry.version for entry in model.opset_import if not entry.domain), default=0)
    if newest <= OPSET and model.ir_version <= IR_VERSION:
        return []
    return [
        warning(
            "W_VERSION",
            f"The graph uses opset {newest} and IR version {model.ir_version}; older builds of "
            f"OpenUTAU read up to {OPSET} and {IR_VERSION}.",
            session.where,
            "Export the model again, or tell people to use the newest OpenUTAU.",
        )
    ]


def _parts(bank: Bank) -> list[Remark]:
    """What the bank does without."""
    remarks = []
    if bank.dur is None:
        remarks.append(
            warning(
                "W_NO_DUR",
                "Without a duration model all notes fail, but for phonemizers of other voices.",
                "dsdur",
                "Train a variance model that predicts durations.",
            )
        )
    if bank.vocoder is None:
        remarks.append(
            warning(
                "W_NO_VOCODER",
                f"The vocoder '{bank.acoustic.settings['vocoder']}' is not part of the voice: "
                "everybody has to install it, and no sound was checked.",
                "dsconfig.yaml",
                "Export with --vocoder FILE to add one.",
            )
        )
    steps = [module for module in bank.modules if module.name != "dsdur"]
    old = [module for module in steps if not module.settings["use_continuous_acceleration"]]
    remarks += [
        warning(
            "W_SPEEDUP",
            "This module is of an old kind, which takes 'speedup' instead of 'steps'.",
            module.settings.where,
            "Export the model again.",
        )
        for module in old
    ]
    return remarks


def smoke_notes(bank: Bank, language: str) -> list[Note]:
    """A few words of a language with a slur and a rest, spread over the dictionary."""
    assert bank.dur is not None
    dsdict = bank.dur.dictionary(language)
    prefix = f"{language}/"
    words = [
        word
        for word, sung in dsdict.entries.items()
        if sung
        and word not in dsdict.types
        and word.strip() == word
        and not word.startswith("+")
        and "[" not in word
        and any(dsdict.is_vowel(symbol) for symbol in sung)
    ]
    if not words:
        # A dictionary without words: single vowels, with consonants before them.
        own = [s for s in dsdict.types if not language or "/" not in s or s.startswith(prefix)]
        vowels = [s for s in own if dsdict.is_vowel(s) and s not in ("SP", "AP")]
        rest = [s for s in own if not dsdict.is_vowel(s)]
        words = [f"la [{c} {v}]" for c, v in zip(rest, vowels * len(rest), strict=False)]
        words = words or [f"la [{v}]" for v in vowels]
    if not words:
        raise BankProblem("E_DSDICT", "It knows no word and no vowel to sing.", dsdict.where)
    chosen = [words[int(k)] for k in np.linspace(0, len(words) - 1, SMOKE_WORDS)]
    notes: list[Note] = []
    tick = 1000
    for number, word in enumerate(chosen):
        notes.append(Note(tick, 400, 60.0 + number % 5, word))
        tick += 400
        if number == 1:
            notes.append(Note(tick, 250, 62.5, "+"))
            tick += 250
        if number == SMOKE_WORDS // 2:
            tick += 600
    return notes


def _smoke(bank: Bank, report: BankReport, reporter: Reporter) -> None:
    cases = [(colour.name, language) for colour in bank.colours for language in bank.languages]
    for number, (colour, language) in enumerate(cases):
        who = " ".join(name for name in (colour, language) if name) or "the voice"
        reporter.progress(number, len(cases), f"{who} sings")
        try:
            notes = smoke_notes(bank, language)
            song = sing(
                bank, notes, language=language, colour=colour, steps=SMOKE_STEPS,
            )  # fmt: skip
        except BankProblem as problem:
            told = f"{who}: {problem.message}"
            report.remarks.append(Remark("error", problem.code, told, problem.where, problem.hint))
            continue
        report.remarks += pitch_remarks(song.phrases, bank.acoustic.settings["hop_size"], who)
        frames = sum(len(phrase.f0) for phrase in song.phrases)
        report.renders.append(
            {
                "speaker": colour,
                "language": language,
                "lyrics": [note.lyric for note in notes],
                "seconds": round(frames * bank.acoustic.settings.frame / 1000, 2),
                "sound": all(phrase.audio is not None for phrase in song.phrases),
            }
        )
    reporter.progress(len(cases), len(cases), "test songs")


def write_report(path: Path, content: Mapping[str, Any]) -> None:
    """Write a report as JSON."""
    from ...atomic import write_text

    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _some(names: set[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
