"""Rules about recordings, speakers, languages and augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..project import SAFE_NAME
from .rule import ERROR, NOTE, WARNING, Findings, Rule, say
from .schema import Config, kind_of
from .speakers import assign_speaker_ids


def _kinds_agree(config: Config, base: Path) -> Findings:
    task, binarizer = (
        kind_of({"task_cls": config.task_cls}),
        kind_of({"task_cls": config.binarizer_cls}),
    )
    known = all(
        word in path.lower()
        for word, path in ((task, config.task_cls), (binarizer, config.binarizer_cls))
    )
    if not known or task != binarizer:
        yield say(
            "config-class-mismatch",
            ERROR,
            "task_cls",
            f"'task_cls' ({config.task_cls}) and 'binarizer_cls' ({config.binarizer_cls}) do not "
            "belong to one known kind of model.",
            "Remove both lines and build on configs/acoustic.yaml or configs/variance.yaml.",
        )


def _datasets(config: Config, base: Path) -> Findings:
    if not config.datasets:
        yield say(
            "config-no-datasets",
            ERROR,
            "datasets",
            "The config names no recordings.",
            "List at least one folder under 'datasets'.",
        )
        return
    for index, dataset in enumerate(config.datasets):
        key = f"datasets.{index}"
        if not dataset.raw_data_dir:
            yield say(
                "config-dataset-incomplete",
                ERROR,
                f"{key}.raw_data_dir",
                f"Dataset {index} has no folder.",
                "Give 'raw_data_dir', the folder with transcriptions.csv and wavs/.",
            )
        elif config.binary_data_dir and _inside(
            base / config.binary_data_dir, base / dataset.raw_data_dir
        ):
            yield say(
                "config-binary-in-raw",
                ERROR,
                "binary_data_dir",
                "The prepared dataset would be written into the folder of the recordings.",
                "Choose a folder outside of the recordings for 'binary_data_dir'.",
            )
        if not dataset.language or dataset.language not in config.dictionaries:
            known = ", ".join(config.dictionaries) or "none yet"
            yield say(
                "config-language-unknown",
                ERROR,
                f"{key}.language",
                f"Dataset {index} is in the language '{dataset.language}', for which there is no "
                "dictionary.",
                f"Use a language of 'dictionaries' ({known}), or add a dictionary for it.",
            )
    if not any(dataset.test_prefixes for dataset in config.datasets):
        yield say(
            "config-no-validation",
            ERROR,
            "datasets.0.test_prefixes",
            "No recording is kept to judge the voice by, so the validation set would be empty.",
            "List a few item names under 'test_prefixes'.",
        )
    if not config.binary_data_dir:
        yield say(
            "config-no-binary-dir",
            ERROR,
            "binary_data_dir",
            "There is no folder for the prepared dataset.",
            "Set 'binary_data_dir', e.g. data/my_voice/binary.",
        )


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _speakers(config: Config, base: Path) -> Findings:
    if not config.datasets:
        return
    ids = assign_speaker_ids(config.datasets)
    by_name: dict[str, set[int]] = {}
    by_id: dict[int, set[str]] = {}
    for index, (dataset, number) in enumerate(zip(config.datasets, ids, strict=True)):
        by_name.setdefault(dataset.speaker, set()).add(number)
        by_id.setdefault(number, set()).add(dataset.speaker)
        if not SAFE_NAME.match(dataset.speaker):
            yield say(
                "config-speaker-name",
                WARNING if dataset.speaker else ERROR,
                f"datasets.{index}.speaker",
                f"The speaker name '{dataset.speaker}' cannot be used in speaker mixes.",
                "Use only letters A-Z, digits, '_' and '-'.",
            )
    for name, numbers in by_name.items():
        if len(numbers) > 1:
            yield say(
                "config-speaker-two-ids",
                ERROR,
                "datasets",
                f"Speaker '{name}' has several numbers: {', '.join(map(str, sorted(numbers)))}.",
                "Give every dataset of a speaker the same 'spk_id'.",
            )
    for number, names in by_id.items():
        if len(names) > 1:
            yield say(
                "config-speakers-share-id",
                ERROR,
                "datasets",
                f"Speakers {', '.join(sorted(names))} share the number {number}.",
                "Give each speaker a 'spk_id' of its own, or the same name.",
            )
    highest = max(ids)
    if highest >= config.num_spk:
        yield say(
            "config-num-spk-too-small",
            ERROR,
            "num_spk",
            f"The highest speaker number is {highest}, but there is only room for "
            f"{config.num_spk}.",
            f"Set num_spk to {highest + 1}.",
        )
    elif config.num_spk > highest + 1 and not _fixed_shifts(config):
        yield say(
            "config-num-spk-spare",
            NOTE,
            "num_spk",
            f"There is room for {config.num_spk} speakers, but only {highest + 1} is needed.",
            "Leave it if you want to add speakers later.",
        )
    if len(by_id) > 1 and not config.use_spk_id:
        yield say(
            "config-speakers-blend",
            WARNING,
            "use_spk_id",
            f"{len(by_id)} speakers would blend into one voice.",
            "Set use_spk_id to true to keep them apart.",
        )
    if len(by_id) == 1 and config.use_spk_id and not _fixed_shifts(config):
        yield say(
            "config-one-speaker",
            NOTE,
            "use_spk_id",
            "There is only one speaker, so use_spk_id does nothing but make the model larger.",
            "Set it to false unless you want to add speakers later.",
        )


def _fixed_shifts(config: Config) -> bool:
    return config.kind == "acoustic" and config.augmentation_args.fixed_pitch_shifting.enabled


def crosses_languages(group: Sequence[str]) -> bool:
    """True if a merged group joins phonemes of different languages, or with a global tag."""
    languages = {symbol.partition("/")[0] if "/" in symbol else "" for symbol in group}
    return len(languages) > 1


def _languages(config: Config, base: Path) -> Findings:
    count = len(config.dictionaries)
    if count > config.num_lang:
        yield say(
            "config-num-lang-too-small",
            ERROR,
            "num_lang",
            f"There are {count} dictionaries, but only room for {config.num_lang} languages.",
            f"Set num_lang to {count}.",
        )
    crossing = count > 1 and any(map(crosses_languages, config.merged_phoneme_groups))
    if crossing and not config.use_lang_id:
        yield say(
            "config-lang-id-off",
            NOTE,
            "use_lang_id",
            "Languages share phonemes, but the model is not told which language it sings.",
            "Set use_lang_id to true to keep the accents apart.",
        )
    elif config.use_lang_id and not crossing:
        yield say(
            "config-lang-id-idle",
            NOTE,
            "use_lang_id",
            "No phoneme is shared between languages, so use_lang_id has nothing to tell apart.",
            "Set it to false, or merge phonemes of different languages.",
        )


def _augmentation(config: Config, base: Path) -> Findings:
    args = config.augmentation_args
    pitch, fixed, time = (
        args.random_pitch_shifting,
        args.fixed_pitch_shifting,
        args.random_time_stretching,
    )
    home = "augmentation_args"
    if pitch.enabled and fixed.enabled:
        yield say(
            "config-two-pitch-shifts",
            ERROR,
            f"{home}.fixed_pitch_shifting.enabled",
            "Random and fixed pitch shifting exclude each other.",
            "Switch one of them off.",
        )
    if pitch.enabled and not config.use_key_shift_embed:
        yield say(
            "config-key-shift-off",
            ERROR,
            "use_key_shift_embed",
            "Pitch-shifted copies without a gender control would blur the voice.",
            "Set use_key_shift_embed to true, or switch random pitch shifting off.",
        )
    elif config.use_key_shift_embed and not pitch.enabled:
        yield say(
            "config-key-shift-untaught",
            WARNING,
            "use_key_shift_embed",
            "The gender control has nothing to learn from.",
            "Switch random pitch shifting on, or set use_key_shift_embed to false.",
        )
    if time.enabled and not config.use_speed_embed:
        yield say(
            "config-speed-off",
            ERROR,
            "use_speed_embed",
            "Time-stretched copies without a velocity control would blur the voice.",
            "Set use_speed_embed to true, or switch random time stretching off.",
        )
    elif config.use_speed_embed and not time.enabled:
        yield say(
            "config-speed-untaught",
            WARNING,
            "use_speed_embed",
            "The velocity control has nothing to learn from.",
            "Switch random time stretching on, or set use_speed_embed to false.",
        )
    if pitch.enabled and not (len(pitch.range) == 2 and pitch.range[0] < 0 < pitch.range[1]):
        yield say(
            "config-pitch-range",
            ERROR,
            f"{home}.random_pitch_shifting.range",
            "The range of random pitch shifts does not reach both up and down.",
            "Use for example [-5, 5].",
        )
    if time.enabled and not (len(time.range) == 2 and 0 < time.range[0] < 1 < time.range[1]):
        yield say(
            "config-time-range",
            ERROR,
            f"{home}.random_time_stretching.range",
            "The range of time stretching does not reach both slower and faster.",
            "Use for example [0.5, 2].",
        )
    if fixed.enabled:
        yield from _fixed(config)


def _fixed(config: Config) -> Findings:
    fixed, home = config.augmentation_args.fixed_pitch_shifting, "augmentation_args"
    if not config.use_spk_id:
        yield say(
            "config-fixed-without-speakers",
            ERROR,
            "use_spk_id",
            "Fixed pitch shifts are learned as further singers, but the model has no singers.",
            "Set use_spk_id to true.",
        )
    needed = (1 + len(fixed.targets)) * (max(assign_speaker_ids(config.datasets), default=0) + 1)
    if config.num_spk < needed:
        yield say(
            "config-num-spk-too-small",
            ERROR,
            "num_spk",
            f"With the shifted copies there are {needed} singers, but only room for "
            f"{config.num_spk}.",
            f"Set num_spk to {needed}.",
        )
    if len(set(fixed.targets)) < len(fixed.targets):
        yield say(
            "config-fixed-duplicate",
            ERROR,
            f"{home}.fixed_pitch_shifting.targets",
            "A pitch shift is listed twice.",
            "List every shift once.",
        )
    if fixed.scale >= 1:
        yield say(
            "config-fixed-scale",
            ERROR,
            f"{home}.fixed_pitch_shifting.scale",
            f"The share of shifted copies ({fixed.scale:g}) is not below 1.",
            "Use for example 0.5.",
        )


RULES: tuple[Rule, ...] = (_kinds_agree, _datasets, _speakers, _languages)
ACOUSTIC_RULES: tuple[Rule, ...] = (_augmentation,)
