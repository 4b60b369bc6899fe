"""A listening test as one HTML file: for friends, without a server, blind.

The file holds the sounds under their random names and a few orders of questions. What is which
stays in ``test.yaml``. The page gives back a JSON file that :func:`read_result` reads. It speaks
the language that is spoken when it is written.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import soundfile

from ..atomic import write_text
from ..errors import USAGE_PROBLEM, SingwizError
from ..words import language, retell
from .design import fixed_trials
from .plan import TAGS
from .store import ListeningTest

FORMAT = "singwiz-listening-result"
ORDERS = 8
"""Orders in one file; the page draws one, so that friends do not all tire at the same place."""
MAX_RESULT_BYTES = 2**20

QUESTIONS = {
    "ab": "Which one do you prefer?",
    "rank": "Which one do you prefer?",
    "abx": "X is either A or B. Which one?",
    "mushra": "How close is each one to the reference? 100 = no difference, 0 = bad.",
    "tag": "How good is it?",
}
GRADES = ("excellent", "good", "fair", "poor", "bad")
"""Absolute category rating of ITU-T P.800, from 5 to 1."""
TAG_WORDS = {
    "buzz": "buzz",
    "slur": "slurred",
    "wrong-phoneme": "wrong sound or word",
    "pitch-jump": "pitch jumps",
    "breath": "breath is wrong",
    "clipping": "crackles",
}


def write_pack(test: ListeningTest, path: Path) -> Path:
    """Write the file.

    Args:
        test: with all its sounds.
        path: the ``.html`` to write.

    Raises:
        SingwizError: sounds are missing, or the file cannot be written.
    """
    test.check_sounds()
    plan = test.plan
    orders = []
    for order in range(ORDERS):
        questions = [
            {"letters": trial.letters, "rated": trial.rated, "sounds": trial.tokens}
            for trial in fixed_trials(plan, order)
        ]
        orders.append({"order": order, "questions": questions})
    content = {
        "id": plan.id,
        "digest": plan.digest,
        "kind": plan.kind,
        "orders": orders,
        "words": {
            "reference": retell("reference"),
            "stop": retell("stop (space)"),
            "vote": retell("X is {letter}" if plan.kind == "abx" else "I prefer {letter}"),
            "send": retell("Next"),
            "go_on": retell("Go on"),
            "quality": retell("Quality"),
            "grades": [retell(grade) for grade in GRADES],
            "wrong": retell("What is wrong with it? Nothing, one or several."),
            "tags": {tag: retell(TAG_WORDS[tag]) for tag in TAGS},
        },
    }
    used = sorted({token for o in orders for q in o["questions"] for token in q["sounds"]})  # type: ignore[attr-defined]
    said = {
        "title": "Listening test",
        "intro": "You will hear short pieces of singing and answer one question about each. You "
        "may listen and switch as often as you like. Please use headphones in a quiet room.",
        "length": f"{plan.length} questions, about {max(1, round(plan.length * 0.3))} minutes.",
        "name_label": "Your name (or anything, or nothing):",
        "begin": "Begin",
        "question": QUESTIONS[plan.kind],
        "listen": "Listen to all of them first.",
        "keys": _keys(plan.kind),
        "done": "Thank you! Save your answers and send the file back to whoever gave you this "
        "page.",
        "save": "Save my answers",
        "again": "Another person listens",
    }
    page = Template(_file("pack.html")).substitute(
        {name: html.escape(retell(text)) for name, text in said.items()},
        lang=language(),
        style=_file("pack.css"),
        sounds="\n".join(_embedded(test.sound(token), token) for token in used),
        # "</script>" inside a script would end it.
        test=json.dumps(content).replace("<", "\\u003c"),
        player=_file("player.js"),
        script=_file("pack.js"),
    )
    try:
        write_text(path, page)
    except OSError as error:
        raise SingwizError(
            "listening-pack-not-written",
            f"'{path}' cannot be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            exit_code=USAGE_PROBLEM,
        ) from None
    return path


def read_result(path: Path) -> Mapping[str, Any]:
    """Read what a friend sent back; whether it fits a test is checked by the merge.

    Raises:
        SingwizError: missing, too large, or not such a file.
    """
    try:
        if path.stat().st_size > MAX_RESULT_BYTES:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError("another format")
    except FileNotFoundError:
        raise SingwizError(
            "listening-result-missing",
            f"There is no file '{path}'.",
            hint="Check the path.",
            exit_code=USAGE_PROBLEM,
        ) from None
    except (OSError, ValueError, RecursionError):
        raise SingwizError(
            "listening-result-invalid",
            f"'{path.name}' is no result of a listening test.",
            hint="Ask for the file that the page offers after the last question, unchanged.",
            where=str(path),
        ) from None
    return content


def _keys(kind: str) -> str:
    if kind == "mushra":
        return "Keys: R plays the reference, letters play the others, space stops."
    if kind == "tag":
        return "Keys: A plays, space stops."
    return "Keys: letters play, space stops, 1 and 2 answer."


def _embedded(path: Path, token: str) -> str:
    """A sound as FLAC, half as large as WAV and the same samples."""
    samples, rate = soundfile.read(path, dtype="int16")
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format="FLAC", subtype="PCM_16")
    text = base64.b64encode(data.getvalue()).decode("ascii")
    return f'<script type="text/plain" id="s-{token}">{text}</script>'


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
