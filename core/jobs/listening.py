"""The stage that makes a listening test: conditions found, recordings chosen, sounds rendered."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project
from ..reporting import Reporter
from .experiments import checkpoint_steps, find_experiment, names_in, trained_tags
from .stages import open_datasets
from .vocoders import chosen_vocoder

if TYPE_CHECKING:
    from ..config import Config
    from ..dataset import Item, RawDataset
    from ..listening.plan import Kind
    from ..listening.recipe import Recipe
    from ..listening.store import ListeningTest
    from ..listening.voices import Voice

MOST_HEARD = 12
"""Held-out recordings that clips are looked for in."""


def make_listening_test(
    project: Project, params: Mapping[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Make a blind listening test.

    Args:
        params: ``kind`` (ab, abx, rank, mushra, tag); ``conditions``, see
            :meth:`~singwiz.core.listening.recipe.Recipe.parse`, by default the newest checkpoints;
            ``causes`` (recording, copy-synthesis, acoustic model and full chain as conditions);
            ``logged`` (use the sounds that training has kept; conditions are then steps);
            ``experiment``, ``trials``, ``clips``, ``seed``, ``device``.

    Returns:
        ``test`` (id), ``folder``, ``kind``, ``trials``, ``length``, ``conditions`` (labels),
        ``clips``, ``needed`` (equal answers that show a difference, or None), ``notes``.

    Raises:
        SingwizError: conditions make no sense, or a voice cannot sing.
    """
    from ..listening.design import check_size
    from ..listening.plan import KINDS
    from ..listening.statistics import needed

    causes = bool(params.get("causes"))
    kind = params.get("kind") or ("mushra" if causes else "ab")
    if kind not in KINDS:
        check_size(str(kind), 0, 0)
    if causes and kind not in ("mushra", "tag"):
        raise SingwizError(
            "listening-causes-kind",
            f"A test of the kind '{kind}' cannot tell where the sound is lost.",
            hint="Use mushra or tag for it.",
            exit_code=USAGE_PROBLEM,
        )
    seed = params.get("seed")
    seed = secrets.randbelow(2**31) if seed is None else int(seed)
    name = params.get("experiment") or project.model_choice("acoustic").experiment or "acoustic"
    make = _from_log if params.get("logged") else _from_voices
    test = make(project, cast("Kind", kind), str(name), causes, {**params, "seed": seed}, reporter)
    plan = test.plan
    reporter.artifact("data", test.folder, plan.id)
    sure = None
    if kind in ("ab", "abx"):
        sure = needed(plan.trials, one_sided=kind == "abx")
    return {
        "test": plan.id,
        "folder": str(test.folder),
        "kind": kind,
        "trials": plan.trials,
        "length": plan.length,
        "conditions": [one.label for one in plan.conditions if one.role == "candidate"],
        "clips": [
            {"item": one.item, "dataset": one.dataset, "start": one.start, "end": one.end,
             "why": list(one.why)}
            for one in plan.clips
        ],
        "needed": sure,
        "notes": list(plan.notes),
    }  # fmt: skip


def _from_log(
    project: Project,
    kind: Kind,
    name: str,
    causes: bool,
    params: Mapping[str, Any],
    reporter: Reporter,
) -> ListeningTest:
    from ..config import load_config
    from ..listening.design import MOST_CONDITIONS
    from ..listening.logged import choose_steps, logged_versions, read_logged
    from ..listening.making import length_of, write_test
    from ..listening.recipe import Recipe

    if causes:
        raise SingwizError(
            "listening-causes-logged",
            "Training keeps no sounds of the single stages.",
            hint="Leave --logged out.",
            exit_code=USAGE_PROBLEM,
        )
    recipes = [Recipe.parse(text) for text in names_in(params, "conditions") or ()]
    named = {recipe.experiment for recipe in recipes if recipe.experiment}
    if len(named) > 1 or any(not recipe.ckpt.isdecimal() for recipe in recipes):
        raise SingwizError(
            "listening-logged-conditions",
            "Of sounds that training has kept only steps of one training can be compared.",
            hint="Write conditions like @1000 or my-voice@1000.",
            exit_code=USAGE_PROBLEM,
        )
    folder = find_experiment(project.checkpoints_dir, named.pop() if named else name)
    logged = read_logged(folder)
    most = min(MOST_CONDITIONS[kind], 5)
    steps = choose_steps(logged, [int(recipe.ckpt) for recipe in recipes], most)
    config: Config | None = None
    if (folder / "config.yaml").is_file():
        config = load_config(folder / "config.yaml")
        config = config if config.kind == "acoustic" else None
    wanted = params.get("clips"), params.get("trials")
    questions, count = length_of(
        kind, len(steps), trials=wanted[1], clips=wanted[0], possible=MOST_HEARD * 4
    )
    clips, versions, rate = logged_versions(
        logged,
        steps,
        wanted=count,
        with_recording=kind == "mushra",
        config=config,
        reporter=reporter,
    )
    questions, _ = length_of(
        kind, len(steps), trials=questions, clips=wanted[0], possible=len(clips)
    )
    if kind == "tag":
        questions = len(clips) * len(steps)
    for version, recipe in zip([v for v in versions if v.role == "candidate"], recipes,
                               strict=False):  # fmt: skip
        version.label = recipe.label or version.label
    return write_test(
        project.listening_dir, kind, clips, versions,
        sample_rate=rate, trials=questions, seed=int(params["seed"]),
    )  # fmt: skip


def _from_voices(
    project: Project,
    kind: Kind,
    name: str,
    causes: bool,
    params: Mapping[str, Any],
    reporter: Reporter,
) -> ListeningTest:
    from ..listening.clips import choose_clips
    from ..listening.making import length_of, write_test
    from ..listening.voices import Studio
    from ..synthesis.experiment import read_experiment

    voices = _voices(project, kind, name, causes, params)
    candidates = sum(voice.role == "candidate" for voice in voices)
    length_of(
        kind, candidates, trials=params.get("trials"), clips=params.get("clips"), possible=100
    )
    folders = list(dict.fromkeys(voice.folder for voice in voices))
    experiments = [read_experiment(folder) for folder in folders]
    items, notes = _held_out(project, [one.config for one in experiments])
    studio = Studio(
        experiments[0].config,
        _classes(items, experiments[0].folder),
        str(params.get("device") or "auto"),
        int(params["seed"]),
        reporter,
    )
    heard = []
    for done, (item, dataset) in enumerate(items):
        reporter.progress(done, len(items), f"hearing {item.name}")
        try:
            heard.append(studio.hear(item, dataset))
        except SingwizError as error:
            reporter.warning(error.code, error.message, item.name)
    chained = causes and any(voice.source == "chain" for voice in voices)
    if chained and not all(_has_notes(one.item) for one in heard):
        voices = [voice for voice in voices if voice.source != "chain"]
        candidates = sum(voice.role == "candidate" for voice in voices)
        notes.append("The labels have no notes for the full chain to sing, so it is left out.")
    counts = Counter(
        symbol for dataset in open_datasets(project) for one in dataset.items
        for symbol in one.ph_seq
    )  # fmt: skip
    wanted = length_of(
        kind, candidates, trials=params.get("trials"), clips=params.get("clips"), possible=100
    )[1]
    clips = choose_clips([one.material for one in heard], counts, wanted, seed=int(params["seed"]))
    if not clips:
        raise SingwizError(
            "listening-no-clips",
            "No held-out recording can be used for listening.",
            hint="Check the recordings; at least one that training does not see has to be sung.",
        )
    questions, _ = length_of(
        kind,
        candidates,
        trials=params.get("trials"),
        clips=params.get("clips"),
        possible=len(clips),
    )
    versions = studio.perform(voices, heard, clips)
    return write_test(
        project.listening_dir,
        kind,
        clips,
        versions,
        sample_rate=studio.config.audio_sample_rate,
        trials=questions,
        seed=int(params["seed"]),
        stages=causes,
        notes=notes,
    )


def _voices(
    project: Project, kind: Kind, name: str, causes: bool, params: Mapping[str, Any]
) -> list[Voice]:
    """The conditions of a test with their files, the recording first where there is one."""
    from ..checkpoint import list_checkpoints
    from ..listening.design import LEAST_CONDITIONS, MOST_CONDITIONS
    from ..listening.recipe import Recipe
    from ..listening.voices import Voice

    recipes = [Recipe.parse(text) for text in names_in(params, "conditions") or ()]
    variance = _variance(project)
    if causes:
        if any(recipe.source != "voice" for recipe in recipes) or len(recipes) > 1:
            raise SingwizError(
                "listening-causes-conditions",
                "Where the sound is lost can be told for one voice at a time.",
                hint="Name at most one checkpoint, e.g. -c @best.",
                exit_code=USAGE_PROBLEM,
            )
        base = recipes[0] if recipes else Recipe()
        sources = ["copy", "voice", *(["chain"] if variance else [])]
        labels = {"copy": "copy-synthesis", "voice": "acoustic model", "chain": "full chain"}
        recipes = [
            Recipe(
                source,  # type: ignore[arg-type]
                labels[source],
                base.experiment,
                base.ckpt,
                base.vocoder,
                base.steps,
                base.depth,
            )
            for source in sources
        ]
    elif not recipes:
        folder = find_experiment(project.checkpoints_dir, name)
        steps = [step for step, _ in list_checkpoints(folder)]
        most = min(MOST_CONDITIONS[kind], 5)
        chosen = steps[-(1 if kind == "tag" else most) :]
        if len(chosen) < LEAST_CONDITIONS[kind]:
            raise SingwizError(
                "listening-too-few-checkpoints",
                f"'{folder.name}' has {len(chosen)} checkpoints; a test of the kind '{kind}' "
                f"compares at least {LEAST_CONDITIONS[kind]}.",
                hint="Train on, or name what to compare with -c.",
                where=str(folder),
                exit_code=USAGE_PROBLEM,
            )
        recipes = [Recipe(ckpt=str(step)) for step in chosen]
    voices = [_voice(project, recipe, name, variance) for recipe in recipes]
    wants_reference = kind == "mushra" or causes
    if wants_reference and all(voice.source != "recording" for voice in voices):
        role: Any = "reference" if kind == "mushra" else "candidate"
        voices.insert(0, Voice("recording", "recording", voices[0].folder, role=role))
    elif kind == "mushra":
        from dataclasses import replace

        voices = [
            replace(voice, role="reference") if voice.source == "recording" else voice
            for voice in voices
        ]
        voices.sort(key=lambda voice: voice.role != "reference")
    return voices


def _voice(project: Project, recipe: Recipe, name: str, variance: tuple[Path, ...]) -> Voice:
    from ..checkpoint import latest_checkpoint, list_checkpoints
    from ..listening.voices import Voice

    folder = find_experiment(project.checkpoints_dir, recipe.experiment or name)
    step = None
    if recipe.source in ("voice", "chain"):
        step = checkpoint_steps(recipe.ckpt or None, folder)
        if step is not None and latest_checkpoint(folder, step) is None:
            known = ", ".join(str(one) for one, _ in list_checkpoints(folder))
            raise SingwizError(
                "checkpoint-missing",
                f"'{folder.name}' has no checkpoint of step {step}.",
                hint=f"There are: {known}." if known else "Train it first.",
                where=str(folder),
                exit_code=USAGE_PROBLEM,
            )
        if step is None:
            checkpoints = list_checkpoints(folder)
            step = checkpoints[-1][0] if checkpoints else None
    return Voice(
        recipe.source,
        recipe.describe(folder.name, step),
        folder,
        step,
        variance if recipe.source == "chain" else (),
        recipe.vocoder or chosen_vocoder(project),
        recipe.steps,
        recipe.depth,
    )


def _variance(project: Project) -> tuple[Path, ...]:
    """Trained variance models that together predict most, the project's chosen one first."""
    from .experiments import variance_experiments

    tags = {
        tag
        for folder in project.checkpoints_dir.glob("*")
        if folder.is_dir()
        for tag in trained_tags(folder)
    }
    if not tags:
        return ()
    return tuple(
        variance_experiments(None, tags, checkpoints=project.checkpoints_dir, project=project)
    )


def _held_out(
    project: Project, configs: Sequence[Config]
) -> tuple[list[tuple[Item, RawDataset]], list[str]]:
    """Recordings that none of the voices has learned, and what to say about them."""
    from ..binarize.split import split_items

    datasets = open_datasets(project)
    folders = {str(Path(entry.raw_data_dir)): entry.name for entry in project.state.datasets}
    folders |= {str(project.raw_folder(entry)): entry.name for entry in project.state.datasets}
    kept: list[set[tuple[str, str]]] = []
    for config in configs:
        keys, rules = [], []
        for number, entry in enumerate(config.datasets):
            name = folders.get(str(Path(entry.raw_data_dir)), "")
            own = next((one for one in datasets if one.name == name), None)
            if own is not None:
                keys += [f"{number}:{own.name}/{item.name}" for item in own.items]
                rules += [f"{number}:{own.name}/{rule}" for rule in entry.test_prefixes]
        try:
            valid = split_items(keys, rules).valid
        except SingwizError:
            valid = ()
        kept.append({(name, item) for name, _, item in
                     (key.partition(":")[2].partition("/") for key in valid)})  # fmt: skip
    shared = set.intersection(*kept) if kept else set()
    notes = []
    if not shared:
        shared = {(d.name, item.name) for d in datasets for item in d.items}
        notes.append(
            "There is no recording that all voices have never seen; the test uses learned ones, "
            "which flatters whoever has learned them."
        )
    found = [
        (item, dataset)
        for dataset in datasets
        for item in dataset.items
        if (dataset.name, item.name) in shared and item.audio is not None
    ]
    # Very long ones are sung as a whole for one clip.
    found.sort(key=lambda pair: abs(pair[0].seconds - 8))
    return found[:MOST_HEARD], notes


def _has_notes(item: Item) -> bool:
    return all(item.cells.get(key, "").strip() for key in ("ph_num", "note_seq", "note_dur"))


def _classes(items: Sequence[tuple[Item, RawDataset]], folder: Path) -> dict[str, str]:
    """Phoneme -> class of sound, by the dictionaries beside the voice."""
    from ..dictionary import read_dictionary
    from ..dictionary.sounds import sound_classes

    dictionaries = []
    for path in sorted(folder.glob("dictionary-*.txt")):
        try:
            language = path.stem.removeprefix("dictionary-")
            dictionaries.append(read_dictionary(path, language)[0])
        except SingwizError:
            continue  # the spelling has to tell
    symbols = {symbol for item, _ in items for symbol in item.ph_seq}
    return dict(sound_classes(sorted(symbols), dictionaries))
