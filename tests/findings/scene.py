"""A clean little project, and a way to break it: the stage for one fault at a time.

Used by the tests and by the script that writes docs/findings.md, so that every example there is
what singwiz really says.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from singwiz.core.config import check_config, load_config
from singwiz.core.findings import Finding, Place, Severity
from singwiz.core.jobs.checking import check_recordings
from singwiz.core.jobs.stages import open_datasets
from singwiz.core.project import Project
from singwiz.core.reporting import Reporter

from .packages import write_package

RATE = 44100
PH_SEQ = ("SP", "k", "a", "m", "i", "AP", "s", "a", "SP")
PH_DUR = (0.2, 0.08, 0.5, 0.1, 0.52, 0.2, 0.1, 0.5, 0.3)
NOTES = ("A3", "B3+21", "C#4+18")
HERTZ = (220.0, 250.0, 280.0)
DICTIONARY = "a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\n"
LIMITS = {
    # So small a voice has little of everything.
    "rare_count": 0,
    "very_rare_count": 0,
    "total_min": 0,
    "speaker_min": 0,
    "validation_share": 1,
}

Break = Callable[["Scene"], None]
BROKEN: dict[str, Break] = {}
"""Code -> what to do to the scene so that the code is found."""


def breaks(code: str) -> Callable[[Break], Break]:
    """Register a way to get a finding."""

    def register(function: Break) -> Break:
        assert code not in BROKEN, code
        BROKEN[code] = function
        return function

    return register


def sing(
    hertz: float,
    rate: int = RATE,
    *,
    seq: tuple[str, ...] = PH_SEQ,
    dur: tuple[float, ...] = PH_DUR,
) -> np.ndarray:
    """Labels as sound: overtones for vowels, noise for the rest, almost nothing for SP."""
    return _sing(hertz, rate, tuple(seq), tuple(dur)).copy()


@lru_cache(maxsize=64)
def _sing(hertz: float, rate: int, seq: tuple[str, ...], dur: tuple[float, ...]) -> np.ndarray:
    noise = np.random.default_rng(int(hertz))
    parts = []
    for symbol, seconds in zip(seq, dur, strict=True):
        time = np.arange(round(seconds * rate)) / rate
        if symbol in ("a", "i", "m"):
            phase = 2 * np.pi * hertz * (time + 0.0002 * np.sin(2 * np.pi * 5 * time))
            part = sum(0.15 / k**0.7 * np.sin(k * phase + k * k) for k in range(1, 25))
            part = part + 0.002 * noise.standard_normal(len(time))
        else:
            loudness = {"SP": 1e-5, "AP": 0.01}.get(symbol, 0.03)
            part = loudness * noise.standard_normal(len(time))
        parts.append(part)
    return np.concatenate(parts).astype(np.float32)


@dataclass
class Scene:
    """A project with one dataset of three items; change anything, then look at ``findings``.

    Attributes:
        root: temporary folder.
        rows: of transcriptions.csv; written by :meth:`write`.
        kind: of the model.
        limits: thresholds of the project.
        overrides: config keys to change, by dotted name.
        extra: findings that come from elsewhere (a dictionary, a config file).
    """

    root: Path
    rows: list[dict[str, str]] = field(default_factory=list)
    kind: str = "acoustic"
    limits: dict[str, float] = field(default_factory=lambda: dict(LIMITS))
    overrides: dict[str, Any] = field(default_factory=dict)
    extra: list[Finding] = field(default_factory=list)
    project: Project = field(init=False)

    def __post_init__(self) -> None:
        (self.raw / "wavs").mkdir(parents=True)
        (self.root / "dictionary-ja.txt").write_text(DICTIONARY)
        for k, hertz in enumerate(HERTZ):
            # Takes differ a little; equal labels would be a finding.
            self.row(f"song{k}_a", hertz, dur=(*PH_DUR[:-1], round(PH_DUR[-1] + 0.01 * k, 2)))
        self.write()
        self.project = Project.create(self.root / "project")
        self.project.add_recordings(self.raw, speaker="aoi", language="ja", name="voice")
        self.project.state.dictionaries["ja"] = str(self.root / "dictionary-ja.txt")
        self.project.state.consent = True
        self.project.model_choice("acoustic").preset = "small"

    @property
    def raw(self) -> Path:
        """The recordings folder."""
        return self.root / "raw"

    @property
    def csv(self) -> Path:
        """The labels."""
        return self.raw / "transcriptions.csv"

    def wav(self, name: str) -> Path:
        """The recording of an item."""
        return self.raw / "wavs" / f"{name}.wav"

    def row(self, name: str, hertz: float, **labels: Any) -> dict[str, str]:
        """Add an item with its recording."""
        seq, dur = labels.get("seq", PH_SEQ), labels.get("dur", PH_DUR)
        soundfile.write(self.wav(name), sing(hertz, seq=seq, dur=dur), RATE)
        row = {"name": name, "ph_seq": " ".join(seq), "ph_dur": " ".join(f"{s:g}" for s in dur)}
        self.rows.append(row)
        return row

    def relabel(self, seq: str, dur: str, row: int = 0) -> None:
        """Give a row other labels."""
        self.rows[row] |= {"ph_seq": seq, "ph_dur": dur}
        self.write()

    def notes(self) -> None:
        """Add correct word and note columns to every row."""
        for k, (row, note) in enumerate(zip(self.rows, NOTES, strict=True)):
            row["ph_num"] = "2 2 1 2 1 1"
            row["note_seq"] = f"rest {note} {note} rest {note} rest"
            row["note_dur"] = f"0.28 0.6 0.52 0.3 0.5 {0.3 + 0.01 * k:g}"
        self.write()

    def sound(
        self, change: Callable[[np.ndarray], np.ndarray], row: int = 1, **options: Any
    ) -> None:
        """Change the recording of a row."""
        rate = options.pop("rate", RATE)
        path = self.wav(self.rows[row]["name"])
        soundfile.write(path, change(sing(HERTZ[row], rate)), rate, **options)

    def text(self) -> str:
        """transcriptions.csv as it would be written."""
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        lines = [",".join(row.get(column, "") for column in columns) for row in self.rows]
        return "\n".join([",".join(columns), *lines]) + "\n"

    def write(self, text: str | None = None, encoding: str = "utf-8") -> None:
        """Write transcriptions.csv."""
        self.csv.write_bytes((self.text() if text is None else text).encode(encoding))

    def dictionary(self, text: str, encoding: str = "utf-8") -> None:
        """Replace the dictionary."""
        (self.root / "dictionary-ja.txt").write_bytes(text.encode(encoding))

    def ds(self, segments: Any, name: str = "song0_a") -> None:
        """Write a DS file for an item."""
        folder = self.raw / "ds"
        folder.mkdir(exist_ok=True)
        text = segments if isinstance(segments, str) else json.dumps(segments)
        (folder / f"{name}.ds").write_text(text)

    def segment(self, **more: Any) -> dict[str, Any]:
        """A correct DS segment for the first item."""
        frames = round(sum(PH_DUR) * RATE / 512)
        base = {
            "ph_seq": self.rows[0]["ph_seq"],
            "ph_dur": self.rows[0]["ph_dur"],
            "f0_seq": " ".join(f"{220 + k % 7}" for k in range(frames)),
            "f0_timestep": str(512 / RATE),
        }
        return {**base, **more}

    def model(self, **values: Any) -> None:
        """Change config keys of the project; dots are written as two underscores."""
        choice = self.project.model_choice(self.kind)  # type: ignore[arg-type]
        choice.overrides.update({k.replace("__", "."): v for k, v in values.items()})

    def config(self, content: Mapping[str, Any], *, kind: str = "acoustic") -> None:
        """Check a config of its own, made of the shipped base and some other values."""
        merged = {
            "base_config": [f"configs/{kind}.yaml"],
            "datasets": [
                {
                    "raw_data_dir": str(self.raw),
                    "speaker": "aoi",
                    "language": "ja",
                    "test_prefixes": ["song0_a"],
                }
            ],
            "dictionaries": {"ja": str(self.root / "dictionary-ja.txt")},
            "binary_data_dir": str(self.root / "binary"),
            **content,
        }
        loaded = load_config(merged)
        self.extra += check_config(loaded, base_dir=self.root)

    def config_with_package(self, content: Mapping[str, Any], name: str, code: str) -> None:
        """The same where a package brings a backbone ``blur``, the class Blur of its module."""
        site = self.root / "site"
        module = name.replace("-", "_")
        write_package(site, name, {"singwiz.backbones": {"blur": f"{module}:Blur"}}, code)
        sys.path.insert(0, str(site))
        importlib.invalidate_caches()
        try:
            self.config({"backbone_type": "blur", **content})
        finally:
            sys.path.remove(str(site))
            sys.modules.pop(module, None)

    def config_text(self, text: str) -> None:
        """Check a config file."""
        path = self.root / "own.yaml"
        path.write_text("base_config: [configs/acoustic.yaml]\n" + text)
        self.extra += check_config(load_config(path), base_dir=self.root)

    def findings(self) -> list[Finding]:
        """Everything that is found; only the extra findings if there are any."""
        if self.extra:
            return self.extra
        self.project.state.thresholds = dict(self.limits)
        self.project.save()
        state = self.project.state
        result = check_recordings(
            open_datasets(self.project),
            state.dictionaries,
            base=self.project.root,
            kind=self.kind,  # type: ignore[arg-type]
            extra_phonemes=state.extra_phonemes,
            merged_phoneme_groups=state.merged_phoneme_groups,
            thresholds=state.thresholds,
            workers=1,
            project=self.project,
            reporter=Reporter(),
        )
        return [_finding(one) for one in result["findings"]]


def _finding(content: Mapping[str, Any]) -> Finding:
    place = {key: content[key] for key in ("dataset", "item", "file", "line", "symbol")}
    return Finding(
        content["code"],
        Severity(content["severity"]),
        content["message"],
        content["hint"],
        Place(**place, start=content["start"], end=content["end"]),
        content["fix"],
    )
