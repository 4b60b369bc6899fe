"""The page on implementing a model does what it says: every snippet is run, in its order."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from singwiz.assistant.cli.app import app
from singwiz.core.demo.corpus import make_corpus
from singwiz.core.models.registry import GROUPS, find_part

PAGE = Path(__file__).resolve().parents[2] / "docs" / "implementing-a-model.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SNIPPETS = FENCE.findall(PAGE.read_text(encoding="utf-8"))


def snippets(language: str) -> list[str]:
    return [body for found, body in SNIPPETS if found == language]


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_every_snippet_is_of_a_kind_that_is_run() -> None:
    assert {language for language, _ in SNIPPETS} == {"python", "bash", "toml"}


def test_the_python_of_the_page_runs() -> None:
    space: dict[str, object] = {"__name__": "page"}
    for body in snippets("python"):
        # Annotations of what the page defines are looked up where it was defined.
        exec(compile(body, str(PAGE), "exec"), space)


def test_the_entry_point_of_the_page_names_a_group_that_is_read() -> None:
    for body in snippets("toml"):
        assert set(tomllib.loads(body)["project"]["entry-points"]) <= set(GROUPS.values())


def test_the_commands_of_the_page_make_sing_and_export_a_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Callable[..., Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus = make_corpus(tmp_path / "demo-voice" / "recordings", items=6, seconds=1.5)
    run(
        *("new", "demo-voice", "--raw", str(corpus.raw_data_dir), "--speaker", "aoi"),
        *("--language", "demo", "--dictionary", str(corpus.dictionary), "--preset", "tiny"),
    )
    run("config", "set", "demo-voice", "num_valid_plots=0", "sampling_steps=1")
    run("binarize", "demo-voice", "--workers", "0")
    said = []
    for line in "".join(snippets("bash")).splitlines():
        program, *words = shlex.split(line)
        if program == "singwiz":
            said.append(run(*words))
            continue
        assert line == "pip install -e my-net"
        # What pip would do, without its half minute: the entry point and the module.
        package = tomllib.loads((tmp_path / "my-net" / "pyproject.toml").read_text())["project"]
        install(package["name"], package["entry-points"])
        monkeypatch.syspath_prepend(str(tmp_path / "my-net"))
    assert "my-net" in said[1]
    assert find_part("backbone", "my-net").package == "singwiz-my-net"
    assert list((tmp_path / "onnx").rglob("*.onnx"))
