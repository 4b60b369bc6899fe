"""A voicebank project: one folder with ``singwiz.yaml``, and the only place that knows paths.

The folder layout is described in docs/project-folder.md. Recordings stay where the user
keeps them; the project stores where they are, what was chosen, and everything made from them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .atomic import write_text
from .errors import USAGE_PROBLEM, SingwizError

SCHEMA = 1
FILE_NAME = "singwiz.yaml"
SAFE_NAME = re.compile(r"[0-9A-Za-z_-]+\Z")

ModelKind = Literal["acoustic", "variance", "vocoder"]
MODEL_KINDS: tuple[ModelKind, ...] = ("acoustic", "variance", "vocoder")


class Recordings(BaseModel):
    """One raw dataset of the project."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """Short unique name inside the project; the folder name under ``datasets/``."""
    raw_data_dir: str
    """Absolute path of the folder that holds ``transcriptions.csv`` and ``wavs/``."""
    speaker: str
    """Speaker name; ``[0-9A-Za-z_-]+`` because mix expressions allow nothing else."""
    language: str
    """Key into :attr:`ProjectState.dictionaries`."""
    spk_id: int | None = None
    """Row of the speaker embedding; None = assigned automatically."""
    test_prefixes: list[str] = Field(default_factory=list)
    """Items kept for validation. Empty = chosen automatically when the config is made."""

    @field_validator("name", "speaker")
    @classmethod
    def _safe_name(cls, value: str) -> str:
        if not SAFE_NAME.match(value):
            raise ValueError(f"'{value}' may only contain letters A-Z, digits, '_' and '-'")
        return value


class ModelChoice(BaseModel):
    """What was chosen for one model kind."""

    model_config = ConfigDict(extra="forbid")

    preset: str = "standard"
    hardware: str = "auto"
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Config keys that the user changed, by dotted name, e.g. ``optimizer_args.lr``."""
    experiment: str = ""
    """Folder name under ``checkpoints/``; empty = the model kind."""

    @field_validator("experiment")
    @classmethod
    def _folder_name(cls, value: str) -> str:
        if value in (".", "..") or any(sign in value for sign in "/\\:"):
            raise ValueError(f"'{value}' is not a plain folder name")
        return value


class ProjectState(BaseModel):
    """The content of ``singwiz.yaml``."""

    model_config = ConfigDict(extra="forbid")

    schema_version: int = Field(SCHEMA, alias="schema")
    name: str
    datasets: list[Recordings] = Field(default_factory=list)
    consent: bool = False
    """The user has confirmed that the singers agree to a voice being made."""
    dictionaries: dict[str, str] = Field(default_factory=dict)
    """Language tag -> absolute path of a dictionary, or the name of a shipped one."""
    extra_phonemes: list[str] = Field(default_factory=list)
    merged_phoneme_groups: list[list[str]] = Field(default_factory=list)
    models: dict[ModelKind, ModelChoice] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Config keys, by dotted name, for every model that has them, e.g. ``pe``: models of one
    voice must agree on what is measured. A model's own overrides win."""
    thresholds: dict[str, float] = Field(default_factory=dict)
    """Limits of the checks that the user moved, by name."""
    guide: dict[str, Any] = Field(default_factory=dict)
    """Progress of the wizard; written by the guide, kept as it is by everything else."""

    @field_validator("schema_version")
    @classmethod
    def _known_schema(cls, value: int) -> int:
        if value != SCHEMA:
            raise ValueError(f"schema {value} is not known to this version (it knows {SCHEMA})")
        return value


class Project:
    """An opened project folder.

    Attributes:
        root: absolute path of the folder.
        state: what ``singwiz.yaml`` says. Change it and call :meth:`save`.
    """

    def __init__(self, root: Path, state: ProjectState) -> None:
        self.root = root
        self.state = state

    @classmethod
    def create(cls, root: Path | str, *, name: str = "") -> Project:
        """Make a new, empty project.

        Raises:
            SingwizError: the folder already holds a project, or cannot be written.
        """
        root = Path(root).expanduser().absolute()
        if (root / FILE_NAME).exists():
            raise SingwizError(
                "project-exists",
                f"There already is a project in '{root}'.",
                hint="Open it instead, or choose another folder.",
            )
        project = cls(root, ProjectState(schema=SCHEMA, name=name or root.name or "voice"))
        project.save()
        return project

    @classmethod
    def open(cls, path: Path | str) -> Project:
        """Open a project folder (or its ``singwiz.yaml``).

        Raises:
            SingwizError: nothing there, not YAML, or not a project of a known schema.
        """
        root = Path(path).expanduser().absolute()
        if root.name == FILE_NAME:
            root = root.parent
        file = root / FILE_NAME
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            raise SingwizError(
                "project-not-found",
                f"'{root}' is not a singwiz project: it has no {FILE_NAME}.",
                hint="Create one with: singwiz new PROJECT --raw FOLDER",
                exit_code=USAGE_PROBLEM,
            ) from None
        except OSError as error:
            raise SingwizError(
                "project-unreadable",
                f"{FILE_NAME} cannot be read: {error.strerror or error}.",
                hint="Check the file's permissions.",
                where=str(file),
                exit_code=USAGE_PROBLEM,
            ) from None
        except UnicodeDecodeError:
            raise SingwizError(
                "project-unreadable",
                f"{FILE_NAME} is not saved as UTF-8, so its letters cannot be read.",
                hint="Open it in a text editor and save it with the encoding UTF-8.",
                where=str(file),
                exit_code=USAGE_PROBLEM,
            ) from None
        try:
            state = ProjectState.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else ""
            raise SingwizError(
                "project-invalid",
                f"{FILE_NAME} is not valid YAML: {getattr(error, 'problem', error)}.",
                hint="Undo the last edit of that line.",
                where=f"{file}{line}",
                exit_code=USAGE_PROBLEM,
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "the file"
            raise SingwizError(
                "project-invalid",
                f"{FILE_NAME}: {key}: {first['msg']}.",
                hint="Correct that entry, or restore the file from a backup.",
                where=str(file),
                exit_code=USAGE_PROBLEM,
            ) from None
        except (ValueError, RecursionError) as error:
            # An impossible date, or brackets nested thousands deep.
            raise SingwizError(
                "project-invalid",
                f"{FILE_NAME} is not valid YAML: {error}.",
                hint="Undo the last edit of the file.",
                where=str(file),
                exit_code=USAGE_PROBLEM,
            ) from None
        return cls(root, state)

    def save(self) -> None:
        """Write ``singwiz.yaml`` atomically.

        Raises:
            SingwizError: the folder cannot be written.
        """
        text = yaml.safe_dump(
            self.state.model_dump(mode="json", by_alias=True), allow_unicode=True, sort_keys=False
        )
        try:
            write_text(self.root / FILE_NAME, text)
        except OSError as error:
            raise SingwizError(
                "project-not-writable",
                f"'{self.root}' cannot be written: {error.strerror or error}.",
                hint="Choose a folder that belongs to you, with free space.",
                exit_code=USAGE_PROBLEM,
            ) from None

    def add_recordings(
        self, raw_data_dir: Path | str, *, speaker: str = "", language: str, name: str = ""
    ) -> Recordings:
        """Register a raw dataset; the folder itself is not touched. Call :meth:`save` after.

        Raises:
            SingwizError: the folder does not exist, or a name has unusable characters.
        """
        raw = Path(raw_data_dir).expanduser().absolute()
        if not raw.is_dir():
            raise SingwizError(
                "raw-not-found",
                f"The recordings folder '{raw}' does not exist.",
                hint="Give the folder that contains transcriptions.csv and wavs/.",
                exit_code=USAGE_PROBLEM,
            )
        # MakeDiffSinger nests datasets as <dataset>/raw; that folder's own name says nothing.
        own_name = raw.parent.name if raw.name == "raw" else raw.name
        base = name or speaker or re.sub(r"[^0-9A-Za-z_-]+", "_", own_name).strip("_") or "voice"
        taken = {recordings.name for recordings in self.state.datasets}
        unique = base
        for number in range(2, len(taken) + 3):
            if unique not in taken:
                break
            unique = f"{base}_{number}"
        try:
            recordings = Recordings(
                name=unique, raw_data_dir=str(raw), speaker=speaker or base, language=language
            )
        except ValidationError as error:
            raise SingwizError(
                "name-unusable",
                f"{error.errors()[0]['msg'].removeprefix('Value error, ')}.",
                hint="Use a short Latin name for the speaker, e.g. 'aoi'.",
                exit_code=USAGE_PROBLEM,
            ) from None
        self.state.datasets.append(recordings)
        return recordings

    def model_choice(self, kind: ModelKind) -> ModelChoice:
        """The choice for a model kind; a default one is stored if there was none."""
        return self.state.models.setdefault(kind, ModelChoice())

    # Paths -----------------------------------------------------------------------------

    def config_path(self, kind: ModelKind) -> Path:
        """The generated config with DiffSinger key names."""
        return self.root / "configs" / f"{kind}.yaml"

    def dataset_dir(self, name: str) -> Path:
        """Where fixed copies of a raw dataset live."""
        return self.root / "datasets" / name

    def raw_folder(self, recordings: Recordings) -> Path:
        """The folder to read a raw dataset from: its fixed copy if there is one.

        A fixed copy that was made of another folder (the recordings were exchanged since) does
        not count.
        """
        copy = self.dataset_dir(recordings.name)
        try:
            described = json.loads((copy / "overlay.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return Path(recordings.raw_data_dir)
        except (OSError, ValueError, RecursionError):
            return copy  # opening it says what is wrong
        base = described.get("base") if isinstance(described, dict) else None
        same = isinstance(base, str) and Path(base) == Path(recordings.raw_data_dir)
        return copy if same else Path(recordings.raw_data_dir)

    def binary_dir(self, kind: ModelKind) -> Path:
        """The binary dataset of a model kind."""
        return self.root / "binary" / kind

    @property
    def checkpoints_dir(self) -> Path:
        """The folder that holds one folder per experiment."""
        return self.root / "checkpoints"

    def experiment_dir(self, kind: ModelKind, experiment: str = "") -> Path:
        """Checkpoints, saved config, maps and TensorBoard logs of one experiment."""
        return self.checkpoints_dir / (experiment or self.model_choice(kind).experiment or kind)

    @property
    def renders_dir(self) -> Path:
        """Rendered audio."""
        return self.root / "renders"

    @property
    def listening_dir(self) -> Path:
        """Listening tests."""
        return self.root / "listening"

    @property
    def export_dir(self) -> Path:
        """Exported voicebanks."""
        return self.root / "export"

    @property
    def jobs_dir(self) -> Path:
        """One folder per job."""
        return self.root / "jobs"
