"""Which class of sound each phoneme id is, for the breakdown of validation errors.

The classes lie beside the checkpoints, so training needs no dictionary to go on, and where a
phoneme is in the wrong class the user can put it right.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_text
from ..dictionary import Dictionary, read_dictionary
from ..dictionary.sounds import SOUND_CLASSES, SoundClass, sound_classes
from ..errors import SingwizError

CLASSES = "phoneme_classes.json"
PHONEMES = "phonemes.json"


def class_of_tokens(binary_dir: Path, work_dir: Path, *, vocab_size: int) -> NDArray[np.int64]:
    """The class number (an index of :data:`SOUND_CLASSES`) of every phoneme id.

    What ``phoneme_classes.json`` in ``work_dir`` does not say is derived from the dictionaries
    of the prepared data, and added to it.

    Returns:
        int64 ``[vocab_size]``; padding counts as a pause.
    """
    ids = json.loads((binary_dir / PHONEMES).read_text(encoding="utf-8"))
    stored = _read(work_dir / CLASSES)
    classes = {symbol: stored[symbol] for symbol in ids if symbol in stored}
    if len(classes) < len(ids):
        missing = [symbol for symbol in ids if symbol not in classes]
        classes |= sound_classes(missing, _dictionaries(binary_dir))
        write_text(work_dir / CLASSES, json.dumps(classes, ensure_ascii=False, indent=2) + "\n")
    numbers = np.full(vocab_size, SOUND_CLASSES.index("pause"), np.int64)
    for symbol, token in ids.items():
        numbers[int(token)] = SOUND_CLASSES.index(classes[symbol])
    return numbers


def _read(path: Path) -> dict[str, SoundClass]:
    """What is stored, as far as it makes sense."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {str(symbol): kind for symbol, kind in stored.items() if kind in SOUND_CLASSES}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _dictionaries(folder: Path) -> list[Dictionary]:
    found = []
    for path in sorted(folder.glob("dictionary-*.txt")):
        try:
            found.append(read_dictionary(path, path.stem.removeprefix("dictionary-"))[0])
        except SingwizError:
            continue  # only the breakdown suffers
    return found
