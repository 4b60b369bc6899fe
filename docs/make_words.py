"""Keeps the translations in presets/words complete: lists what is missing and what is left over.

Core writes its sentences in English where they happen. This script reads them from the source, as
gettext would, and compares them with presets/words/<tag>/told/*.yaml, and the wizard's sentences
with those of presets/words/en. Run from the repository root:

    python docs/make_words.py            # what is missing or left over, per language
    python docs/make_words.py --write    # the same, and put empty lines where words are missing

A new language begins as a folder with a language.yaml; see docs/translating.md.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "presets" / "words"
KEYED = ("guide.yaml", "faces.yaml")

UNSEEN = ("core/models/", "core/plots/", "core/demo/", "core/jobs/report.py")
"""Rooms that say nothing to people but their errors, or write it into pictures whose fonts know
Latin letters, or into reports for others."""
_FOR_PROGRAMS = """
Option Argument command Typer compile getLogger einsum partition rpartition split rsplit
strip startswith endswith removeprefix removesuffix fromkeys open glob rglob getattr hasattr
get key d Place string Binding fullmatch match search sub findall finditer encode decode
strptime strftime set_classes query query_one represent_scalar import_module TypeVar
RuntimeError ValueError TypeError KeyError AttributeError AssertionError IndexError
NotImplementedError UnpicklingError EOFError
"""
NO_WORDS = frozenset(_FOR_PROGRAMS.split())
"""Calls whose texts are for programs or programmers, or have keys."""
NO_WORDS_IN = frozenset(("help", "epilog", "metavar", "js", "css", "pattern", "tag", "format"))
"""Keyword arguments of the same kind."""
LABELS = ("label", "why", "title", "about", "terms")
"""Keys in presets whose values are shown."""

_WORD_PAIR = re.compile(
    r"[A-Za-z]{2,}[,:]? \(?[A-Za-z\0'\"„]|[\0)'] [A-Za-z]{2,}|^[A-Z'\0].*[A-Za-z]{3,}[.?…]$"
)
NOT_SAID = re.compile(
    r"(SELECT|DELETE|UPDATE|INSERT|CREATE|PRAGMA) [A-Za-z]"  # SQL
    r"|bold |block |question |<div|\(\) =>|upper right|\(New-Object"  # styles and markup
    r"|(map|expand|extra|trim|merge|migrate) \{|singwiz (undo|dictionary) "  # commands
    r"|\{say\} \{fence"
    r"|File type =|Object class =|intervals: size|- \{"  # other programs' files
    r"|\| (spk|lang)_map|extra_phonemes: |singwiz\.yaml: |Sending large"
    r"|out of memory$|can't allocate|(google|my|icloud) drive|mobile documents|creative cloud"
    r"|Traceback \(|Fatal Python|list of map|[^|]*[A-Za-z):]\|[A-Za-z\\('/]"  # for logs
    r"|OpenUtau\.Core|Apple \(mps\)|parselmouth \{|DDSP \{|singwiz \{version"
    r"|([A-Za-z]{1,3}( |$)){6}|h hy hw|r l ry|its experiment; |singwiz \{argv|\{(count|size)\} MB"
    r"|sil silB|br bre|\{\w+\} dB$|\{megabytes\} MB|\{name\}, \{GIB\}"
)
"""Beginnings of texts that look like sentences and are none."""
NO_WORDS_FROM = frozenset(("_write_papers", "_vocoder_terms"))
"""Functions that write files for others, in English."""
PIECES = "pieces"
"""Single words and phrases that fill gaps; kept by hand, see docs/translating.md."""
_GAP = re.compile(r"\{\w+\}")


def sentences() -> dict[str, dict[str, str]]:
    """Room -> sentences in the order of the source: with unnamed gaps -> with named ones."""
    found: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for room, sentence in (*_from_source(), *_from_presets()):
        shape = shape_of(sentence)
        if shape not in seen:
            seen.add(shape)
            found.setdefault(room, {})[shape] = sentence
    return found


def shape_of(sentence: str) -> str:
    """A sentence with nameless gaps: names of variables may change, the sentence stays."""
    return _GAP.sub("{}", sentence)


def gaps_of(sentence: str) -> list[str]:
    """Names of the gaps, sorted."""
    return sorted(set(re.findall(r"\{(\w+)\}", sentence)))


def _from_source() -> Iterator[tuple[str, str]]:
    for path in sorted((*ROOT.glob("core/**/*.py"), *ROOT.glob("assistant/**/*.py"))):
        name = path.relative_to(ROOT).as_posix()
        _, *rooms, file = name.split("/")
        room = (
            ("cli" if "cli" in rooms else "wizard")
            if name.startswith("assistant")
            else (
                "checks" if "checks" in rooms else rooms[0] if rooms else file.removesuffix(".py")
            )
        )
        tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
        if name.startswith(UNSEEN):
            tree = ast.Module([ast.Expr(error) for error in _errors(tree)], [])
        for sentence in _texts(tree):
            if is_sentence(sentence):
                yield room, sentence


def _errors(tree: ast.AST) -> Iterator[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return (call for call in calls if _callee(call) == "SingwizError")


def _from_presets() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "presets").rglob("*.yaml")):
        if WORDS not in path.parents:
            for sentence in _labels(yaml.safe_load(path.read_text(encoding="utf-8"))):
                yield "presets", sentence


def _labels(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and key in LABELS:
                yield " ".join(value.split())
            else:
                yield from _labels(value)
    elif isinstance(node, list):
        for value in node:
            yield from _labels(value)


def is_sentence(text: str) -> bool:
    """Whether a text of the source is meant for people: it has at least two words."""
    bare = _GAP.sub("\0", text)
    return (
        bool(_WORD_PAIR.search(bare))
        and "://" not in text
        and not text.startswith("#")
        and not (text.startswith("--") and text[-1] != ".")
        and not NOT_SAID.match(text)
    )


def _texts(node: ast.AST) -> Iterator[str]:
    """Texts with named gaps, without docstrings and what is for programmers."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
        return
    if isinstance(node, ast.FunctionDef) and node.name in NO_WORDS_FROM:
        return
    if isinstance(node, ast.Call):
        if _callee(node) == "Rule":
            # Code, severity, title, cure; causes are for the page docs/findings.md.
            for argument in node.args[2:4]:
                yield from _texts(argument)
            return
        if _callee(node) in NO_WORDS:
            return
        yield from _texts(node.func)
        for argument in node.args:
            yield from _texts(argument)
        for keyword in node.keywords:
            if keyword.arg not in NO_WORDS_IN:
                yield from _texts(keyword.value)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield " ".join(node.value.split())
    elif isinstance(node, ast.JoinedStr):
        yield " ".join(_template(node).split())
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _texts(part.value)
        return
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def _callee(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _template(node: ast.JoinedStr) -> str:
    text, names = "", set()
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            name = base = _name(part.value)
            number = 2
            while name in names:
                name, number = f"{base}_{number}", number + 1
            names.add(name)
            text += f"{{{name}}}"
    return text


def _name(value: ast.expr) -> str:
    """A short name for what fills a gap: the last one in the expression."""
    bare = re.sub(r"'[^']*'", "", ast.unparse(value))
    names = [name.strip("_") for name in re.findall(r"[A-Za-z_]\w*", bare)]
    names = [
        name for name in names if name and name not in ("if", "else", "for", "in", "or", "len")
    ]
    return names[-1] if names else "value"


# Comparing ----------------------------------------------------------------------------


def tags() -> list[str]:
    """All languages but English."""
    return sorted(path.parent.name for path in WORDS.glob("*/language.yaml") if
                  path.parent.name != "en")  # fmt: skip


def told(tag: str) -> dict[str, str]:
    """What a language can retell: English sentence -> translation, which may still be empty."""
    found: dict[str, str] = {}
    for path in sorted((WORDS / tag / "told").glob("*.yaml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {english: other or "" for english, other in found.items()}


def _pieces() -> set[str]:
    """Shapes of the words and phrases that any language has for gaps."""
    files = WORDS.glob(f"*/told/{PIECES}.yaml")
    return {shape_of(one) for path in files for one in yaml.safe_load(path.read_text("utf-8"))}


def keyed(tag: str) -> dict[str, str]:
    """Dotted key -> sentence of the wizard's own words."""
    found: dict[str, str] = {}
    for name in KEYED:
        path = WORDS / tag / name
        if path.is_file():
            found |= _leaves(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    return found


def _leaves(node: Any, path: str = "") -> dict[str, str]:
    if isinstance(node, dict):
        found: dict[str, str] = {}
        for key, value in node.items():
            found |= _leaves(value, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(node, list):
        return _leaves(
            {entry.get("tag", number): entry.get("label") for number, entry in enumerate(node)},
            path,
        )
    return {path: node or ""}


def missing(tag: str) -> list[str]:
    """Sentences and keys that a language lacks."""
    known = {shape_of(english) for english, other in told(tag).items() if other}
    lacking = [f"{PIECES}: {shape}" for shape in sorted(_pieces() - known)]
    lacking += [
        f"{room}: {sentence}"
        for room, listed in sentences().items()
        for shape, sentence in listed.items()
        if shape not in known
    ]
    own = keyed(tag)
    return lacking + [key for key, text in keyed("en").items() if text and not own.get(key)]


def left_over(tag: str) -> list[str]:
    """Translations of sentences and keys that there are no more."""
    shapes = {shape for listed in sentences().values() for shape in listed} | _pieces()
    stale = [english for english in told(tag) if shape_of(english) not in shapes]
    return stale + sorted(set(keyed(tag)) - set(keyed("en")))


def wrong_gaps(tag: str) -> list[str]:
    """Translations that use other names in braces than the English sentence."""
    english = keyed("en")
    pairs = [*told(tag).items(), *((english.get(k, ""), text) for k, text in keyed(tag).items())]
    return [other for ours, other in pairs if ours and other and gaps_of(ours) != gaps_of(other)]


def write(tag: str) -> None:
    """Bring the told sentences of a language into the order of the source, with empty lines for
    what is missing and without what is left over."""
    known = {shape_of(english): (english, other) for english, other in told(tag).items()}
    folder = WORDS / tag / "told"
    folder.mkdir(exist_ok=True)
    rooms = sentences()
    for room, listed in rooms.items():
        pairs = [known.get(shape, (sentence, "")) for shape, sentence in listed.items()]
        lines = [f"{_quoted(english)}:\n  {_quoted(other)}\n" for english, other in pairs]
        (folder / f"{room}.yaml").write_text("".join(lines), encoding="utf-8")
    for path in folder.glob("*.yaml"):
        if path.stem not in (*rooms, PIECES):
            path.unlink()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> int:
    """Report; 1 if something is not in order."""
    bad = 0
    for tag in tags():
        if "--write" in sys.argv[1:]:
            write(tag)
        for what, found in (
            ("missing", missing(tag)),
            ("left over", left_over(tag)),
            ("other names in braces", wrong_gaps(tag)),
        ):
            bad += len(found)
            for one in found:
                print(f"{tag}: {what}: {one}")  # noqa: T201
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
