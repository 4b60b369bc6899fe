"""What a listening test is: conditions, clips and sounds, as ``test.yaml`` keeps them.

The file is the key of the test: it says which sound is which. Whoever listens need not see it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SCHEMA = 1
MAX_TRIALS = 200

Kind = Literal["ab", "abx", "rank", "mushra", "tag"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Tag = Literal["buzz", "slur", "wrong-phoneme", "pitch-jump", "breath", "clipping"]
TAGS: tuple[Tag, ...] = get_args(Tag)
"""What can be wrong with a sound."""

Role = Literal["candidate", "reference", "low-anchor", "mid-anchor", "broken"]
"""``candidate`` is what the test is about; the rest tells whether somebody listens."""

NAME = r"^[0-9a-f]{16}$"
"""Names of sounds and sessions: random, so that they say nothing."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """One way in which every clip of a test exists."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,24}$")
    label: str = Field(min_length=1, max_length=120)
    """What the maker calls it; never shown while somebody listens."""
    role: Role = "candidate"
    made: dict[str, Any] = Field(default_factory=dict)
    """How: checkpoint, vocoder, seed, steps, …"""


class Clip(_Part):
    """A part of a recording that the test is heard on."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,24}$")
    item: str
    dataset: str = ""
    start: float
    end: float
    """Seconds in the recording."""
    why: tuple[str, ...] = ()
    """What makes it worth hearing."""


class Sound(_Part):
    """One file of the test."""

    token: str = Field(pattern=NAME)
    """Name of the file without suffix."""
    clip: str
    condition: str
    of: str = ""
    """For ``broken`` and anchors: the condition they were made from."""
    twin: bool = False
    """A second file of the same sound with other dither: X, and the hidden reference."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Plan(_Part):
    """A listening test without its answers."""

    schema_version: int = Field(SCHEMA, alias="schema")
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    kind: Kind
    created: str
    seed: int = Field(ge=0, lt=2**31)
    trials: int = Field(ge=1, le=MAX_TRIALS)
    """Questions that count."""
    catches: int = Field(2, ge=0, le=8)
    """Questions with a known answer among them."""
    conditions: tuple[Condition, ...]
    clips: tuple[Clip, ...]
    sounds: tuple[Sound, ...]
    loudness: float = -23.0
    """LUFS of all sounds; single clips may be lower, see ``notes``."""
    stages: tuple[str, ...] = ()
    """Conditions from the recording to the full chain, where causes are told apart."""
    notes: tuple[str, ...] = ()
    figures: tuple[dict[str, Any], ...] = ()
    """Measurements per condition, see :mod:`.companions`."""

    @field_validator("schema_version")
    @classmethod
    def _known(cls, value: int) -> int:
        if value != SCHEMA:
            raise ValueError(f"schema {value} is not known to this version (it knows {SCHEMA})")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Plan:
        conditions, clips = {c.id for c in self.conditions}, {c.id for c in self.clips}
        if len(conditions) < len(self.conditions) or len(clips) < len(self.clips):
            raise ValueError("two conditions or clips have the same id")
        if len({s.token for s in self.sounds}) < len(self.sounds):
            raise ValueError("two sounds have the same name")
        for sound in self.sounds:
            if sound.clip not in clips or sound.condition not in conditions:
                raise ValueError(f"sound {sound.token} belongs to no clip or condition")
        if set(self.stages) - conditions:
            raise ValueError("a stage is no condition")
        return self

    @cached_property
    def digest(self) -> str:
        """Hash of everything an answer depends on."""
        plain = self.model_dump(
            mode="json",
            by_alias=True,
            include={"id", "kind", "seed", "trials", "catches", "sounds", "clips"},
        )
        plain["conditions"] = [[one.id, one.role] for one in self.conditions]
        text = json.dumps(plain, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def candidates(self) -> tuple[Condition, ...]:
        """The conditions the test is about."""
        return tuple(one for one in self.conditions if one.role == "candidate")

    @property
    def length(self) -> int:
        """All questions, catch trials included."""
        return self.trials + self.catches

    def condition(self, wanted: str) -> Condition:
        """A condition by its id."""
        return self._conditions[wanted]

    def with_role(self, role: Role) -> Condition | None:
        """The condition with a role that exists once; None if the test has none."""
        return next((one for one in self.conditions if one.role == role), None)

    def sound(self, token: str) -> Sound:
        """A sound by the name of its file.

        Raises:
            KeyError: the test has no such sound.
        """
        return self._sounds[token]

    def token(self, clip: str, condition: str, *, twin: bool = False) -> str:
        """The name of a sound.

        Raises:
            KeyError: there is none.
        """
        return self._tokens[clip, condition, twin]

    @cached_property
    def _conditions(self) -> dict[str, Condition]:
        return {one.id: one for one in self.conditions}

    @cached_property
    def _sounds(self) -> dict[str, Sound]:
        return {one.token: one for one in self.sounds}

    @cached_property
    def _tokens(self) -> dict[tuple[str, str, bool], str]:
        return {(one.clip, one.condition, one.twin): one.token for one in self.sounds}
