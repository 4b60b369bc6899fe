"""Making a config out of a project: template, machine, preset, recordings, own changes."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..dictionary import resolve_dictionary
from ..project import ModelChoice, ModelKind, ProjectState, Recordings
from .data_rules import crosses_languages
from .explanations import explain
from .loading import load_config, presets_dir
from .presets import find_preset, reasons
from .schema import Config
from .speakers import assign_speaker_ids

Sung = Mapping[str, Mapping[str, Sequence[str]]]
"""Dataset name -> item name -> ``ph_seq``."""

MEL_KEYS = (
    "audio_sample_rate",
    "hop_size",
    "win_size",
    "fft_size",
    "audio_num_mel_bins",
    "fmin",
    "fmax",
)
"""Keys in which an acoustic model and its vocoder have to agree."""

_SPLIT_SEED = 1234
_FEWEST, _MOST, _PER_SPEAKER = 10, 20, 4
_LARGEST_SHARE = 0.1


def generate_config(
    state: ProjectState,
    kind: ModelKind,
    *,
    item_names: Mapping[str, Collection[str]],
    sung: Sung | None = None,
    binary_data_dir: Path,
) -> Config:
    """The config of one model of a project.

    Args:
        state: the project's choices; recordings, dictionaries, preset, hardware, own changes.
        kind: which model.
        item_names: names of the usable items of each dataset, by dataset name. Validation items
            are chosen from them for speakers that have none.
        sung: see :func:`choose_validation_items`.
        binary_data_dir: where the prepared dataset will be.

    Returns:
        A complete config with absolute paths. Changes the user made come last, so they win.

    Raises:
        SingwizError: no such preset or hardware, a dictionary is missing, or a change of the
            user names an unknown key or an impossible value.
    """
    choice = state.models.get(kind) or ModelChoice()
    chosen = {
        key: reason.value for key, reason in reasons(kind, choice.preset, choice.hardware).items()
    }
    template = load_config(presets_dir() / find_preset(kind, choice.preset).template)
    held_out = choose_validation_items(state.datasets, item_names, sung=sung)
    facts = _facts(state, held_out, binary_data_dir)
    if kind == "vocoder":
        facts = {name: facts[name] for name in ("datasets", "binary_data_dir")}
        chosen = {**_mel_of_acoustic(state), **chosen}
    plain = {**template.to_dict(), **facts}
    if kind == "acoustic":
        # The usual name means what was fetched (assets.finding), until then the preview.
        vocoder = Path(template.vocoder_ckpt).absolute()
        plain["vocoder_ckpt"] = str(vocoder) if vocoder.is_file() else template.vocoder_ckpt
    chosen["num_valid_plots"] = min(
        chosen.get("num_valid_plots", template.num_valid_plots),
        max(1, sum(len(names) for names in held_out)),
    )
    shared = {key: value for key, value in state.overrides.items() if kind in explain(key).kinds}
    return load_config(plain, overrides={**chosen, **shared, **choice.overrides})


def choose_validation_items(
    datasets: Sequence[Recordings],
    item_names: Mapping[str, Collection[str]],
    *,
    sung: Sung | None = None,
    seed: int = _SPLIT_SEED,
) -> list[list[str]]:
    """Which items each dataset keeps for validation, in the order of the datasets.

    Rules that the user gave stay. Every speaker without any gets a random share: four items per
    speaker, 10 to 20 in total, but at most a tenth of all items; at least one per speaker that
    has two. Names are complete, because a beginning of a name selects more than meant.

    ``sung`` tells the ``ph_seq`` of items: dataset name -> item name -> phonemes. With it, an item
    is kept for training as long as another one can be taken if no other item sings one of its
    phonemes.
    """
    chosen = [list(dataset.test_prefixes) for dataset in datasets]
    ids = assign_speaker_ids(datasets)
    done = {number for number, rules in zip(ids, chosen, strict=True) if rules}
    pools: dict[int, list[tuple[int, str]]] = {}
    for index, (dataset, number) in enumerate(zip(datasets, ids, strict=True)):
        if number not in done:
            names = sorted(set(item_names.get(dataset.name, ())))
            pools.setdefault(number, []).extend((index, name) for name in names)
    pools = {number: pool for number, pool in pools.items() if len(pool) > 1}
    if not pools:
        return chosen
    total = min(max(_PER_SPEAKER * len(pools), _FEWEST), _MOST)
    total = min(total, math.ceil(_LARGEST_SHARE * sum(len(pool) for pool in pools.values())))
    share, rest = divmod(max(total, len(pools)), len(pools))
    draw = random.Random(seed)
    known = sung or {}
    # In how many items that training sees a phoneme is sung.
    left = Counter(
        phoneme for items in known.values() for ph_seq in items.values() for phoneme in set(ph_seq)
    )
    for position, (_, pool) in enumerate(sorted(pools.items())):
        count = min(share + (position < rest), len(pool) - 1)
        taken: list[tuple[int, str]] = []
        kept: list[tuple[int, str]] = []
        for index, name in draw.sample(pool, len(pool)):
            phonemes = set(known.get(datasets[index].name, {}).get(name, ()))
            if len(taken) < count and all(left[phoneme] > 1 for phoneme in phonemes):
                taken.append((index, name))
                left.subtract(phonemes)
            else:
                kept.append((index, name))
        for index, name in sorted(taken + kept[: count - len(taken)]):
            chosen[index].append(name)
    return chosen


def _mel_of_acoustic(state: ProjectState) -> dict[str, Any]:
    """What the project's acoustic model has of its own about spectrograms: a vocoder that turns
    others into sound would be of no use to it."""
    acoustic = state.models.get("acoustic")
    if acoustic is None:
        return {}
    values = {
        key: reason.value
        for key, reason in reasons("acoustic", acoustic.preset, acoustic.hardware).items()
    }
    values |= acoustic.overrides
    return {key: values[key] for key in MEL_KEYS if key in values}


def _facts(state: ProjectState, held_out: list[list[str]], binary_data_dir: Path) -> dict[str, Any]:
    ids = assign_speaker_ids(state.datasets)
    entries = [
        {
            "raw_data_dir": str(Path(dataset.raw_data_dir).expanduser().absolute()),
            "speaker": dataset.speaker,
            "spk_id": number,
            "language": dataset.language,
            "test_prefixes": prefixes,
        }
        for dataset, number, prefixes in zip(state.datasets, ids, held_out, strict=True)
    ]
    dictionaries = {
        language: str(resolve_dictionary(name).absolute())
        for language, name in state.dictionaries.items()
    }
    return {
        "datasets": entries,
        "dictionaries": dictionaries,
        "extra_phonemes": list(state.extra_phonemes),
        "merged_phoneme_groups": [list(group) for group in state.merged_phoneme_groups],
        "binary_data_dir": str(Path(binary_data_dir).absolute()),
        "num_spk": max(ids, default=0) + 1,
        "use_spk_id": len(set(ids)) > 1,
        "num_lang": max(1, len(dictionaries)),
        "use_lang_id": len(dictionaries) > 1
        and any(crosses_languages(group) for group in state.merged_phoneme_groups),
    }
