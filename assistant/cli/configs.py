"""``singwiz config …``: the generated config, one key of it, and what a key means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, err, out, print_json, show_findings
from .places import ConfigFile, Model, ProjectFolder, ProjectOrNone, open_project

if TYPE_CHECKING:
    from ...core.config import Config

app = typer.Typer(help="The config of a model, with DiffSinger's key names.", no_args_is_help=True)


@app.command()
def show(
    project: ProjectOrNone = None,
    key: Annotated[
        str, typer.Option("--key", metavar="A.B", help="Only this key, e.g. optimizer_args.lr.")
    ] = "",
    model: Model = "acoustic",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """The complete config that training would use now."""
    from ...core.config import check_config, dump_yaml, load_config
    from ...core.jobs.configuring import project_config
    from .foreground import ConsoleReporter

    opened = open_project(project, config=config)
    if opened is not None:
        loaded = project_config(opened, model, reporter=ConsoleReporter())
    else:
        assert config is not None
        loaded = load_config(config)
    findings = [*loaded.loading_findings, *check_config(loaded)]
    show_findings([finding.to_dict() for finding in findings], err())
    data: Any = loaded.to_dict()
    if key:
        data = _value_at(data, key)
    if as_json:
        print_json(data)
    else:
        out().print(dump_yaml(data).rstrip() if isinstance(data, dict) else str(data))


@app.command("set")
def set_(
    project: ProjectFolder,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]…", help="For example: optimizer_args.lr=0.0004"),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="KEY", help="Back to the proposed value."),
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="Another size: tiny, small, standard.")
    ] = "",
    hardware: Annotated[
        str,
        typer.Option("--hardware", metavar="NAME", help="Machine to train on, e.g. cpu, gpu-8gb."),
    ] = "",
    model: Model = "acoustic",
    as_json: Json = False,
) -> None:
    """Change keys, and make the config anew (also after editing singwiz.yaml)."""
    from ...core.config import check_config, explain, load_config
    from ...core.jobs.configuring import planned_config, write_config

    opened = open_project(project)
    assert opened is not None
    choice = opened.model_choice(model)
    choice.preset = preset or choice.preset
    choice.hardware = hardware or choice.hardware
    before = dict(choice.overrides)
    for assignment in assignments or ():
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            raise SingwizError(
                "assignment-unusable",
                f"'{assignment}' is not KEY=VALUE.",
                hint="For example: singwiz config set my-voice optimizer_args.lr=0.0004",
                exit_code=USAGE_PROBLEM,
            )
        explain(key)  # refuses a key that does not exist
        choice.overrides[key] = value
    for key in unset or ():
        if choice.overrides.pop(key, None) is None and key not in before:
            raise SingwizError(
                "not-set",
                f"'{key}' was not changed in this project.",
                hint=f"Changed are: {', '.join(before) or 'none'}.",
                exit_code=USAGE_PROBLEM,
            )
    for finding in check_config(planned_config(opened, model)) if assignments else ():
        # Our own keys are refused by their schema; what packages expect is only known here.
        if finding.code == "config-argument-type":
            raise SingwizError(
                finding.code, finding.message, hint=finding.hint, exit_code=USAGE_PROBLEM
            )
    changed = write_config(opened, model)  # fails before anything is saved
    made = load_config(opened.config_path(model))
    for key in choice.overrides:
        choice.overrides[key] = _value_at(made.to_dict(), key)
    opened.save()
    findings = [finding.to_dict() for finding in check_config(made)]
    if as_json:
        print_json({"path": opened.config_path(model), "changed": changed, "findings": findings})
        return
    show_findings(findings, err())
    out().print(f"{opened.config_path(model)}")
    for key in changed if assignments or unset else ():
        out().print(f"  {key}: {_shown(made, key)}")


@app.command()
def explain(
    key: Annotated[
        str, typer.Argument(metavar="[KEY]", help="For example: hidden_size; none lists all.")
    ] = "",
    as_json: Json = False,
) -> None:
    """What a config key means."""
    from ...core.config import explain as explain_key
    from ...core.config import list_keys

    if not key:
        if as_json:
            print_json({"keys": list_keys()})
        else:
            out().print("\n".join(list_keys()))
        return
    info = explain_key(key)
    if as_json:
        print_json(info.to_dict())
        return
    console = out()
    console.print(info.key, style="bold")
    console.print(f"  {info.description}")
    facts = {
        "type": info.type,
        "unit": info.unit,
        "default": info.default,
        "choices": ", ".join(str(choice) for choice in info.choices),
        "models": ", ".join(info.kinds),
        "a change affects": info.stage,
        "advice": info.level,
    }
    for name, fact in facts.items():
        if fact not in ("", None):
            console.print(f"  {name}: {fact}")


def _value_at(data: Any, key: str) -> Any:
    for part in key.split("."):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            from ...core.config import explain as explain_key

            explain_key(key)  # raises with similar names if the key does not exist
            return None
    return data


def _shown(config: Config, key: str) -> str:
    value = _value_at(config.to_dict(), key)
    text = str(value)
    return text if len(text) <= 100 else text[:99] + "…"
