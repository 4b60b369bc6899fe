"""Changing single entries of ``singwiz.yaml``, so that fixes can be undone one by one.

A key is dotted: ``extra_phonemes``, ``dictionaries.ja``, ``datasets.<name>.speaker``. The rest
of the file, which the wizard keeps writing to, stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ...errors import SingwizError
from ...project import Project, ProjectState


@dataclass(frozen=True, slots=True)
class Setting:
    """One changed entry; ``None`` stands for an entry that is not there.

    Attributes:
        key: dotted.
        before: value as plain data.
        after: value as plain data.
    """

    key: str
    before: Any
    after: Any


def read_setting(state: ProjectState, key: str) -> Any:
    """The value of an entry as plain data; None if it is absent.

    Raises:
        SingwizError: there is no such dataset or key.
    """
    owner, last = _owner(_plain(state), key)
    return owner.get(last)


def changed_state(state: ProjectState, values: dict[str, Any]) -> ProjectState:
    """A copy of the state with some entries changed; None takes an entry out.

    Raises:
        SingwizError: a key does not exist, or a value is not allowed there.
    """
    content = _plain(state)
    for key, value in values.items():
        owner, last = _owner(content, key)
        if value is None:
            owner.pop(last, None)
        else:
            owner[last] = value
    try:
        return ProjectState.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise SingwizError(
            "setting-invalid",
            f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.",
            hint="Nothing was changed.",
        ) from None


def write_settings(project: Project, values: dict[str, Any]) -> None:
    """Change entries in the file as it is now, and in ``project``.

    Raises:
        SingwizError: see :func:`changed_state`, or the file cannot be read or written.
    """
    if not values:
        return
    fresh = Project.open(project.root)
    state = changed_state(fresh.state, values)
    if state != fresh.state:
        fresh.state = state
        fresh.save()
    project.state = fresh.state


def _plain(state: ProjectState) -> dict[str, Any]:
    return state.model_dump(mode="json", by_alias=True)


def _owner(content: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """The mapping that holds an entry, and the entry's last name."""
    first, _, rest = key.partition(".")
    if first == "datasets" and rest:
        name, _, attribute = rest.partition(".")
        for entry in content["datasets"]:
            if entry["name"] == name and attribute in entry:
                return entry, attribute
    elif first in content and not rest:
        return content, first
    elif first in content and isinstance(content[first], dict):
        return content[first], rest
    raise SingwizError("setting-unknown", f"singwiz.yaml has no entry '{key}'.")
