"""``singwiz listen``: blind tests that tell which checkpoint, vocoder or setting sounds better."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, out, print_json, show_table
from .places import ProjectFolder
from .work import Device

if TYPE_CHECKING:
    from ...core.listening.design import Trial
    from ...core.listening.playing import Player
    from ...core.listening.store import ListeningTest
    from ...core.listening.verdict import Outcome

KindName = Literal["ab", "abx", "rank", "mushra", "tag"]
TestName = Annotated[
    str, typer.Option("--test", metavar="ID", help="Which test; default: the newest.")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Blind listening tests: which checkpoint, vocoder or setting sounds better.",
)


@app.command()
def new(
    project: ProjectFolder,
    kind: Annotated[
        KindName | None,
        typer.Option(
            "--kind",
            help="ab: which of two is better. abx: is there any difference. rank: order of many. "
            "mushra: scores beside the recording. tag: what is wrong.",
        ),
    ] = None,
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--conditions",
            metavar="WHAT",
            help="What to compare, once for each: @1000, voice@best, recording, copy, "
            "@best,vocoder=FILE,steps=50, @best,chain, name=@1000. Default: newest checkpoints.",
        ),
    ] = None,
    causes: Annotated[
        bool,
        typer.Option(
            "--causes", help="Where the sound is lost: vocoder, acoustic model or variance models."
        ),
    ] = False,
    logged: Annotated[
        bool,
        typer.Option("--logged", help="Use sounds that training has kept, without singing anew."),
    ] = False,
    experiment: Annotated[
        str, typer.Option("--exp", metavar="NAME", help="Voice; default: the project's.")
    ] = "",
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, max=100, help="Questions that count.")
    ] = None,
    clips: Annotated[
        int | None, typer.Option("--clips", min=1, max=100, help="Different pieces of singing.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, max=2**31 - 1, help="Of noise and orders.")
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Make a test: choose clips from held-out recordings and let all conditions sing them."""
    from .foreground import run_here

    result = run_here(
        _open(project),
        "listen",
        {
            "kind": kind,
            "conditions": conditions or None,
            "causes": causes,
            "logged": logged,
            "experiment": experiment,
            "trials": trials,
            "clips": clips,
            "seed": seed,
            "device": device,
        },
    )
    if as_json:
        print_json(result)
        return
    console = out()
    console.print(f"Test {result['test']}: {', '.join(result['conditions'])}", style="bold")
    for clip in result["clips"]:
        console.print(
            f"  {clip['item']}, {clip['start']:.1f}–{clip['end']:.1f} s: {', '.join(clip['why'])}",
            style="dim",
        )
    what = "right" if result["kind"] == "abx" else "equal"
    length, trials, needed = result["length"], result["trials"], result["needed"]
    if needed:
        console.print(
            f"{length} questions, {trials} of them count. "
            f"{needed} {what} answers show a difference."
        )
    else:
        console.print(f"{length} questions, {trials} of them count.")
    for note in result["notes"]:
        console.print(note, style="yellow")
    console.print(f"Listen: singwiz listen run '{project}'")
    console.print(f"For friends: singwiz listen pack '{project}'")


@app.command()
def run(
    project: ProjectFolder,
    test: TestName = "",
    listener: Annotated[
        str, typer.Option("--listener", metavar="NAME", help="Who listens; each counts once.")
    ] = "",
    anew: Annotated[
        bool, typer.Option("--anew", help="Start again instead of going on where it stopped.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Listen and answer in the terminal. Ctrl-C stops; the same command goes on."""
    from ...core.listening.playing import Player, player_command

    opened = _test(project, test)
    session = None if anew else opened.unfinished(listener=listener)
    console = out()
    if session is None:
        session = opened.begin(listener=listener, via="cli")
    else:
        console.print(f"Going on at question {len(session.answers) + 1}.")
    player = Player()
    silent = player_command(Path("x.wav")) is None
    try:
        while (trial := opened.next_trial(session)) is not None:
            began = time.monotonic()
            answer = _ask(opened, trial, player, silent=silent)
            session = opened.answer(session, trial, answer, seconds=time.monotonic() - began)
    finally:
        player.stop()
    _show(opened, everybody=False, as_json=as_json)


@app.command()
def result(
    project: ProjectFolder,
    test: TestName = "",
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Count listeners who missed catch trials, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The verdict: what the answers show, and measurements beside it."""
    _show(_test(project, test), everybody=everybody, as_json=as_json)


@app.command()
def merge(
    project: ProjectFolder,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Results that friends sent back.")
    ],
    test: TestName = "",
    as_json: Json = False,
) -> None:
    """Take in results of a pack; each is checked, and all are taken or none."""
    from ...core.listening.pack import read_result

    contents = [read_result(file.expanduser()) for file in files]
    name = test or str(contents[0].get("test", ""))
    opened = _test(project, name)
    added = opened.merge(contents)
    if as_json:
        print_json({"test": opened.plan.id, "added": [one.listener for one in added]})
        return
    names = ", ".join(one.listener or "a listener without name" for one in added)
    out().print(f"Taken in: {names}.")
    _show(opened, everybody=False, as_json=False)


@app.command()
def pack(
    project: ProjectFolder,
    test: TestName = "",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Default: beside the test."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the test as one HTML file for friends; it works without network or server."""
    from ...core.listening.pack import write_pack

    opened = _test(project, test)
    default = opened.folder / f"{opened.plan.id}.html"
    target = (output or default).expanduser().absolute()
    if target.is_dir():
        target /= default.name
    path = write_pack(opened, target)
    if as_json:
        print_json({"test": opened.plan.id, "pack": str(path), "bytes": path.stat().st_size})
        return
    console = out()
    console.print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)", style="bold")
    console.print("Send it to friends. What they send back: singwiz listen merge PROJECT FILE…")


@app.command("list")
def list_all(project: ProjectFolder, as_json: Json = False) -> None:
    """The tests of a project, newest first."""
    from ...core.listening.store import list_tests

    tests = list_tests(_open(project).listening_dir)
    rows: list[dict[str, Any]] = [
        {
            "test": one.plan.id,
            "kind": one.plan.kind,
            "created": one.plan.created,
            "conditions": [c.label for c in one.plan.candidates],
            "finished": len(one.finished()),
            "listeners": len(one.sessions()),
        }
        for one in tests
    ]
    if as_json:
        print_json({"tests": rows})
    elif not rows:
        out().print("There is no listening test yet: singwiz listen new PROJECT")
    else:
        show_table(
            ("test", "made", "listeners", "conditions"),
            [
                (r["test"], r["created"][:16], f"{r['finished']} of {r['listeners']}",
                 ", ".join(r["conditions"]))
                for r in rows
            ],
        )  # fmt: skip


def _open(project: Path) -> Any:
    from ...core.project import Project

    return Project.open(project)


def _test(project: Path, name: str) -> ListeningTest:
    from ...core.listening.store import open_test

    return open_test(_open(project).listening_dir, name)


def _ask(opened: ListeningTest, trial: Trial, player: Player, *, silent: bool) -> dict[str, Any]:
    """Play on keys until a valid answer was typed."""
    from ...core.listening.pack import QUESTIONS, TAG_WORDS

    kind = opened.plan.kind
    sounds = {
        letter: opened.sound(token)
        for letter, token in zip(trial.letters, trial.tokens, strict=True)
    }
    console = out()
    console.print(f"\n{trial.number + 1} of {opened.plan.length}. {QUESTIONS[kind]}", style="bold")
    if silent:
        for letter, path in sounds.items():
            console.print(f"  {letter}: {path}")
    letters = " ".join(letter.lower() for letter in sounds)
    if kind in ("ab", "abx", "rank"):
        console.print(f"Play: {letters}. Answer: 1 = A, 2 = B. Stop: s.", style="dim")
    elif kind == "mushra":
        console.print(
            f"Play: {letters}. Answer: {len(trial.rated)} numbers from 0 to 100, for "
            f"{' '.join(trial.rated)}.", style="dim",
        )  # fmt: skip
    else:
        tags = ", ".join(f"{key} {word}" for key, word in zip("zxcvnm", TAG_WORDS.values(),
                                                              strict=True))  # fmt: skip
        console.print(
            f"Play: a. Answer: 1 (bad) to 5 (excellent), then what is wrong: {tags}. "
            "For example: 3 zx", style="dim",
        )  # fmt: skip
    heard: set[str] = set()
    while True:
        typed = _typed()
        if typed.upper() in sounds:
            heard.add(typed.upper())
            if not player.play(sounds[typed.upper()], keep_position=True):
                console.print(f"No player was found here. The file is {sounds[typed.upper()]}")
            continue
        if typed in ("s", "space"):
            player.stop()
            continue
        missing = [letter for letter in sounds if letter not in heard]
        answer = _READERS[kind](trial, typed)
        if answer is None:
            console.print("That is no answer to this question.", style="yellow")
        elif missing and not silent:
            console.print(f"Listen to {', '.join(missing)} first.", style="yellow")
        else:
            player.stop()
            return answer


def _typed() -> str:
    import sys

    sys.stdout.write("> ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise SingwizError(
            "listening-no-answers",
            "The input ended in the middle of the test.",
            hint="Run the same command again to go on.",
            exit_code=USAGE_PROBLEM,
        )
    return line.strip().lower()


def _read_choice(trial: Trial, typed: str) -> dict[str, Any] | None:
    if typed in ("1", "2"):
        return {"choice": trial.rated[int(typed) - 1]}
    return None


def _read_scores(trial: Trial, typed: str) -> dict[str, Any] | None:
    parts = typed.replace(",", " ").split()
    if len(parts) != len(trial.rated) or not all(p.isdecimal() and int(p) <= 100 for p in parts):
        return None
    return {"scores": dict(zip(trial.rated, map(int, parts), strict=True))}


def _read_tags(trial: Trial, typed: str) -> dict[str, Any] | None:
    from ...core.listening.plan import TAGS

    score, rest = typed[:1], typed[1:].replace(" ", "")
    keys = dict(zip("zxcvnm", TAGS, strict=True))
    if score not in set("12345") or not score or not set(rest) <= set(keys):
        return None
    return {"score": int(score), "tags": [keys[key] for key in rest]}


_READERS: dict[str, Callable[[Trial, str], dict[str, Any] | None]] = {
    "ab": _read_choice,
    "abx": _read_choice,
    "rank": _read_choice,
    "mushra": _read_scores,
    "tag": _read_tags,
}


def _show(opened: ListeningTest, *, everybody: bool, as_json: bool) -> None:
    from ...core.listening.verdict import judge

    outcome = judge(opened, everybody=everybody)
    if as_json:
        print_json(outcome.to_dict())
        return
    show_outcome(outcome)


def show_outcome(outcome: Outcome) -> None:
    """The verdict, what it rests on, and measurements beside it."""
    from ...core.listening.tables import condition_table, figure_table, session_table

    console = out()
    console.print(f"{outcome.test}: {outcome.words}", style="bold")
    for table in (condition_table(outcome), session_table(outcome), figure_table(outcome)):
        if table is not None:
            console.print(f"\n{table.title}")
            show_table(table.columns, table.rows)
    for note in outcome.notes:
        console.print(f"Note: {note}", style="dim")
    seconds = sum(one.seconds for one in outcome.sessions)
    if seconds:
        console.print(f"Listening took {duration(seconds)} in all.", style="dim")
