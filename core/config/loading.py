"""Making a :class:`Config` out of files, mappings and overrides, and writing one.

Inheritance works as in DiffSinger: bases first, from left to right, then the file's own keys;
maps merge, everything else replaces; a base that was applied already is not applied again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, SingwizError
from ..findings import Finding
from ..project import MODEL_KINDS, ModelKind
from . import legacy, vocoder_legacy
from .overrides import apply_overrides
from .schema import Config, kind_of
from .section import Section, meta_of, nullable, section_type
from .yaml_source import KeyPath, YamlSource, dotted, read_yaml_file

SHIPPED = {
    "configs/base.yaml": "bases/base.yaml",
    "configs/acoustic.yaml": "bases/acoustic.yaml",
    "configs/variance.yaml": "bases/variance.yaml",
    "configs/vocoder.yaml": "bases/vocoder.yaml",
    "configs/base_hifi.yaml": "bases/base_hifi.yaml",
    "configs/ft_hifigan.yaml": "templates/ft_hifigan.yaml",
    "configs/nsf_hifigan_fast.yaml": "templates/nsf_hifigan_fast.yaml",
    "configs/templates/config_acoustic.yaml": "templates/acoustic.yaml",
    "configs/templates/config_duration.yaml": "templates/duration.yaml",
    "configs/templates/config_variance.yaml": "templates/variance.yaml",
}
"""Names under which configs of the community refer to files that come with singwiz."""

_PACKAGE = __name__.partition(".core.")[0]


def presets_dir() -> Path:
    """The folder of shipped bases, templates and presets."""
    return Path(str(resources.files(_PACKAGE) / "presets"))


def load_config(
    path_or_mapping: Path | str | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Load a config with everything it builds on.

    Args:
        path_or_mapping: a config file, an experiment folder with ``config.yaml``, or plain data.
        overrides: dotted key -> value, applied last. Values that are strings are read like YAML
            unless the key is a text.

    Returns:
        A complete config; keys nobody gave have the value their absence means in DiffSinger.

    Raises:
        SingwizError: a file is missing or unreadable, bases go round in a circle, or a value
            cannot be what the key needs. Whether values make sense together is up to
            :func:`check_config`.
    """
    chain = _Chain()
    if isinstance(path_or_mapping, Mapping):
        origin = ""
        chain.add(_from_mapping(path_or_mapping), Path("config"), ())
    else:
        file = _existing(Path(path_or_mapping))
        origin = str(file)
        chain.load(file, ())
    data = chain.data
    notes: list[Finding] = []
    if overrides:
        apply_overrides(data, overrides)
    if kind_of(data) == "vocoder":
        more, original = vocoder_legacy.modernise_vocoder(data)
    else:
        more, original = legacy.modernise(data, base_dir=Path.cwd())
        legacy.derive_absent(data)
    notes += more
    data["base_config"] = []
    config = _validated(data, chain)
    config._findings = (*chain.findings, *notes)
    config._original_keys = original
    config._source = origin
    return config


def save_config(config: Config, path: Path | str) -> None:
    """Write a config so that it needs no base, atomically.

    Texts that YAML could mistake for numbers or truth values are quoted. Translated keys of an
    older DiffSinger are kept as a comment.

    Raises:
        SingwizError: the file cannot be written.
    """
    path = Path(path)
    data = config.to_dict()
    data["base_config"] = []
    for injected in ("infer", "exp_name"):
        data.pop(injected, None)
    text = dump_yaml(data)
    if config.original_keys:
        old = dump_yaml(config.original_keys)
        lines = ["# Translated from these keys of an older DiffSinger:", *old.splitlines()]
        text = "\n".join([lines[0], *(f"#   {line}" for line in lines[1:])]) + "\n\n" + text
    try:
        write_text(path, text)
    except OSError as error:
        raise SingwizError(
            "config-not-writable",
            f"The config cannot be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            where=str(path),
            exit_code=USAGE_PROBLEM,
        ) from None


class _Dumper(yaml.SafeDumper):
    """Writes every text in quotes where YAML 1.1 readers could take it for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value)
    # '1e3' and '0o17' are texts for PyYAML and numbers for readers of YAML 1.2.
    looks_like_a_number = value[:1] in "0123456789+-." and value != ""
    style = "'" if looks_like_a_number else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML text, keys in the given order."""
    return yaml.dump(
        dict(data), Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False
    )


def shipped_default(kind: ModelKind, key: str) -> Any:
    """Value of a dotted key in the shipped base of a kind; None if it has none there."""
    value: Any = _base_values(kind)
    section: type[Section] | None = Config
    for part in key.split("."):
        field = section.model_fields.get(part) if section else None
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif field is not None and not field.is_required():
            value = field.get_default()
        else:
            return None
        section = section_type(field.annotation) if field else None
    return copy.deepcopy(value)


@cache
def _base_values(kind: ModelKind) -> dict[str, Any]:
    chain = _Chain()
    chain.load(presets_dir() / f"bases/{kind}.yaml", ())
    return chain.data


class _Chain:
    """The files a config is made of, merged in order."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self._origins: dict[KeyPath, str] = {}
        self._applied: set[Path] = set()

    def load(self, file: Path, above: tuple[Path, ...]) -> None:
        """Merge a file with its bases. ``above`` are the files that lead to it."""
        file = file.resolve()
        self._applied.add(file)
        source = read_yaml_file(file, schema=Config, extra=legacy.LEGACY_TYPES)
        self.add(source, file, (*above, file))

    def add(self, source: YamlSource, file: Path, above: tuple[Path, ...]) -> None:
        """Merge the bases of ``source``, then ``source`` itself."""
        own = dict(source.data)
        if vocoder_legacy.is_hifigan(own):
            own = vocoder_legacy.from_hifigan(own)
        for base in _base_paths(own.pop("base_config", None), file):
            target = _find_base(base, file, source.lines.get(("base_config",)))
            if target in above:
                names = " -> ".join(path.name for path in (*above, target))
                raise SingwizError(
                    "config-cycle",
                    f"The configs build on each other in a circle: {names}.",
                    hint="Remove one of these base_config lines.",
                    where=_at(file, source.lines.get(("base_config",))),
                )
            if target not in self._applied:
                self.load(target, above)
        legacy.forget_replaced(self.data, own)
        merge(self.data, own)
        self.findings += source.findings
        for path, line in source.lines.items():
            self._origins[path] = _at(file, line)

    def where(self, path: KeyPath) -> str:
        """``file:line`` of the nearest known part of a key path; empty if unknown."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._origins:
                return self._origins[path[:length]]
        return ""


def merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Merge ``source`` into ``target``: two maps merge key by key, everything else replaces."""
    for name, value in source.items():
        known = target.get(name)
        if isinstance(known, dict) and isinstance(value, Mapping):
            merge(known, value)
        else:
            target[name] = copy.deepcopy(value)


def _existing(path: Path) -> Path:
    path = path.expanduser()
    if path.is_dir() and (path / "config.yaml").is_file():
        return path / "config.yaml"
    if path.is_file():
        return path
    shipped = SHIPPED.get(path.as_posix())
    if shipped is not None:
        return presets_dir() / shipped
    what = "is a folder without config.yaml" if path.is_dir() else "does not exist"
    raise SingwizError(
        "config-not-found",
        f"The config '{path}' {what}.",
        hint="Check the path; it starts at the folder you are working in.",
        exit_code=USAGE_PROBLEM,
    )


def _base_paths(value: Any, file: Path) -> list[str]:
    paths = [value] if isinstance(value, str) else value
    if paths in (None, "", [""]):
        return []
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise SingwizError(
            "config-invalid-value",
            "'base_config' should be a path or a list of paths.",
            hint="For example: base_config: configs/acoustic.yaml",
            where=str(file),
        )
    return [path for path in paths if path]


def _find_base(base: str, file: Path, line: int | None) -> Path:
    path = file.parent / base if base.startswith(".") else Path(base).expanduser()
    if path.is_file():
        return path.resolve()
    shipped = SHIPPED.get(Path(base).as_posix())
    if shipped is not None:
        return (presets_dir() / shipped).resolve()
    raise SingwizError(
        "config-base-not-found",
        f"The config builds on '{base}', which does not exist.",
        hint="A path that begins with '.' starts at the config that names it, any other at the "
        "folder you are working in.",
        where=_at(file, line),
    )


def _at(file: Path, line: int | None) -> str:
    return f"{file}:{line}" if line else str(file)


def _from_mapping(mapping: Mapping[str, Any]) -> YamlSource:
    for name in mapping:
        if not isinstance(name, str):
            raise SingwizError(
                "config-invalid-value",
                f"A config key should be a text, but {name!r} is not.",
                hint="Put quotes around it.",
            )
    return YamlSource(copy.deepcopy(dict(mapping)))


def _validated(data: dict[str, Any], chain: _Chain) -> Config:
    kind = kind_of(data)
    borrowed: set[str] = set()
    for name, field in Config.model_fields.items():
        if kind not in meta_of(field).kinds and data.get(name) is None:
            borrowed.add(name)
    for source in (kind, *MODEL_KINDS):  # Keys of other kinds need some value, too.
        _complete(data, Config, _base_values(source))
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _value_error(error, chain) from None
    config._kind = kind
    config._borrowed = frozenset(borrowed)
    return config


def _complete(data: dict[str, Any], section: type[Section], base: Mapping[str, Any]) -> None:
    """Give required keys that are absent (or null) the value of ``base``, in place."""
    for name, field in section.model_fields.items():
        value = data.get(name)
        nested = section_type(field.annotation)
        if value is None and name in data and not nullable(field.annotation):
            del data[name]
        if value is None and field.is_required() and name in base:
            data[name] = copy.deepcopy(base[name])
        elif nested is not None and isinstance(value, dict):
            inner = base.get(name)
            _complete(value, nested, inner if isinstance(inner, Mapping) else {})
        elif isinstance(value, list) and field.annotation is not None:
            _drop_nulls(value)


def _drop_nulls(entries: list[Any]) -> None:
    for entry in entries:
        if isinstance(entry, dict):
            for name in [name for name, value in entry.items() if value is None]:
                del entry[name]


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "dict": "a map",
    "model": "a map",
}


def _value_error(error: ValidationError, chain: _Chain) -> SingwizError:
    from .explanations import explain

    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    path: KeyPath = tuple(
        part for part in first["loc"] if not str(part).startswith(("list[", "str", "int"))
    ) or tuple(first["loc"])
    key = dotted(path)
    wanted = _WORDS.get(first["type"].split("_")[0], "")
    given = first["input"]
    shown = repr(given) if not isinstance(given, dict | list) else f"a {type(given).__name__}"
    shown = {"a dict": "a map", "a list": "a list"}.get(shown, shown)
    message = (
        f"'{key}' should be {wanted}, but it is {shown[:80]}."
        if wanted
        else f"'{key}' cannot be {shown[:80]}: {first['msg']}."
    )
    others = {dotted(tuple(problem["loc"])) for problem in problems[1:]} - {key}
    if others:
        several = f" {len(others)} more values are unusable."
        message += several if len(others) > 1 else " One more value is unusable."
    try:
        hint = f"It means: {explain(key).description}"
    except SingwizError:
        hint = "Correct the value, or remove the line to use the default."
    return SingwizError("config-invalid-value", message, hint=hint, where=chain.where(path))
