"""Which items are kept for validation.

Items are known by keys ``"<ds_id>:<name>"``, rules come from ``test_prefixes``. The order of
the four passes is DiffSinger's: an exact name never acts as a prefix, so ``wav1`` does not
swallow ``wav10`` where an item ``wav1`` exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import SingwizError


@dataclass(frozen=True)
class Split:
    """The result of :func:`split_items`.

    Attributes:
        train: keys, sorted.
        valid: keys in the order in which the rules found them.
        unmatched: rules that found nothing.
    """

    train: tuple[str, ...]
    valid: tuple[str, ...]
    unmatched: tuple[str, ...]


def _name(key: str) -> str:
    return key.rpartition(":")[2]


_PASSES: tuple[Callable[[str, str], bool], ...] = (
    lambda rule, key: key == rule,
    lambda rule, key: _name(key) == rule,
    # Without a colon a rule "1" would take all of dataset 1.
    lambda rule, key: ":" in rule and key.startswith(rule),
    lambda rule, key: _name(key).startswith(rule),
)


def split_items(keys: Iterable[str], rules: Iterable[object]) -> Split:
    """Split items into training and validation.

    Args:
        keys: ``"<ds_id>:<name>"`` of every item.
        rules: ``"<ds_id>:<rule>"`` for one dataset; a rule without a colon is for all of them,
            as in configs of DiffSinger 2.4 and before.

    Raises:
        SingwizError: nothing is left for one of the two.
    """
    ordered = sorted(keys)
    pending = list(dict.fromkeys(str(rule) for rule in rules))
    valid: dict[str, None] = {}
    for matches in _PASSES:
        unused = []
        for rule in pending:
            found = [key for key in ordered if matches(rule, key)]
            valid.update(dict.fromkeys(found))
            if not found:
                unused.append(rule)
        pending = unused
    if not valid:
        raise SingwizError(
            "validation-empty",
            "Validation set is empty: no recording is kept for judging the voice.",
            hint="Put the full names of a few items into test_prefixes of their dataset.",
            where=", ".join(pending),
        )
    train = tuple(key for key in ordered if key not in valid)
    if not train:
        raise SingwizError(
            "training-empty",
            "Training set is empty: test_prefixes takes every recording for validation.",
            hint="Use full item names in test_prefixes instead of a common beginning.",
        )
    return Split(train, tuple(valid), tuple(pending))
