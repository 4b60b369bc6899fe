"""What lies beside a checkpoint: config, phonemes, languages, speakers.

Experiment folders come from other people too, so nothing in them is trusted: plain JSON, YAML
and text are read, sizes and types are checked, and every problem is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..config import Config, load_config
from ..dictionary import Dictionary, PhonemeSet, read_dictionary
from ..errors import USAGE_PROBLEM, SingwizError

MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Experiment:
    """The readable part of an experiment folder.

    Attributes:
        folder: where it is.
        config: of the model.
        phonemes: of the model.
        spk_map: speaker → id.
    """

    folder: Path
    config: Config
    phonemes: PhonemeSet
    spk_map: Mapping[str, int]


def read_experiment(
    folder: Path,
    *,
    kind: Literal["acoustic", "variance"] = "acoustic",
    config: Config | None = None,
) -> Experiment:
    """Read an experiment folder, without its weights.

    Args:
        folder: has ``config.yaml``, ``spk_map.json``, ``lang_map.json`` and ``phonemes.json`` or
            ``dictionary-<language>.txt`` (older ones: ``dictionary.txt``).
        kind: what the model has to be.
        config: used instead of ``config.yaml``.

    Raises:
        SingwizError: something is missing, damaged, of another kind, or contradicts the config.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SingwizError(
            "experiment-missing",
            f"There is no experiment folder '{folder}'.",
            hint="Choose the folder that holds config.yaml and the checkpoints.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    if config is None:
        path = folder / "config.yaml"
        if not path.is_file():
            raise SingwizError(
                "experiment-no-config",
                "The experiment folder has no config.yaml.",
                hint="Choose the folder that holds config.yaml and the checkpoints; training "
                "writes both.",
                where=str(folder),
                exit_code=USAGE_PROBLEM,
            )
        config = load_config(path)
    if config.kind != kind:
        wanted = "singing needs an acoustic one"
        if kind == "variance":
            wanted = "durations, pitch and curves come from a variance model"
        raise SingwizError(
            "experiment-kind",
            f"This experiment trained a {config.kind} model; {wanted}.",
            hint=f"Choose the experiment of the {kind} model.",
            where=str(folder),
            exit_code=USAGE_PROBLEM,
        )
    phonemes = _phonemes(folder, config)
    spk_map = _map(folder / "spk_map.json") if (folder / "spk_map.json").exists() else {}
    keys = config.to_dict()
    if keys.get("use_spk_id"):
        num_spk = int(keys.get("num_spk", 1))
        if not spk_map or max(spk_map.values()) >= num_spk:
            raise SingwizError(
                "experiment-speakers",
                f"spk_map.json does not name the {num_spk} singers of the config.",
                hint="Copy spk_map.json from the binary dataset the model was trained on.",
                where=str(folder / "spk_map.json"),
            )
    return Experiment(folder, config, phonemes, spk_map)


def _phonemes(folder: Path, config: Config) -> PhonemeSet:
    languages = folder / "lang_map.json"
    dumped = folder / "phonemes.json"
    if dumped.exists():
        lang_map = _map(languages) if languages.exists() else {}
        return PhonemeSet.from_dump(_map(dumped), lang_map)
    keys = config.to_dict()
    return PhonemeSet.build(
        read_dictionaries(folder, config),
        extra_phonemes=keys.get("extra_phonemes") or (),
        merged_phoneme_groups=keys.get("merged_phoneme_groups") or (),
    )


def read_dictionaries(folder: Path, config: Config) -> dict[str, Dictionary]:
    """The dictionaries in an experiment folder, by language.

    Args:
        folder: of the experiment.
        config: of the experiment; names the languages.

    Raises:
        SingwizError: one is missing.
    """
    languages = folder / "lang_map.json"
    names = list(config.to_dict().get("dictionaries") or {})
    if languages.exists():
        names = sorted({*names, *_map(languages)})
    found = {name: folder / f"dictionary-{name}.txt" for name in names}
    found = {name: path for name, path in found.items() if path.is_file()}
    if not found and (folder / "dictionary.txt").is_file():
        found = {names[0] if len(names) == 1 else "default": folder / "dictionary.txt"}
    if not found or (len(names) > 1 and len(found) < len(names)):
        lost = [f"dictionary-{name}.txt" for name in names if name not in found]
        wanted = " and ".join(lost) or "a dictionary"
        raise SingwizError(
            "experiment-no-dictionary",
            f"The experiment folder has neither phonemes.json nor {wanted}.",
            hint="Copy the dictionary from the binary dataset the model was trained on.",
            where=str(folder),
        )
    return {name: read_dictionary(path, name)[0] for name, path in found.items()}


def _map(path: Path) -> dict[str, int]:
    """Read a JSON object of names and non-negative ids."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path) from error
    if not isinstance(content, dict) or not content:
        raise _damaged(path)
    for value in content.values():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**20:
            raise _damaged(path)
    return {str(name): value for name, value in content.items()}


def _damaged(path: Path) -> SingwizError:
    return SingwizError(
        "experiment-file-damaged",
        f"'{path.name}' is not a list of names and numbers.",
        hint="Copy the file again from the binary dataset the model was trained on.",
        where=str(path),
    )
