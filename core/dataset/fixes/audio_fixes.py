"""Fixes of recordings as sound: mono and level. For their ends see :mod:`.edge_fixes`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import SingwizError
from ...findings import Finding
from ..audio import open_audio, probe_audio
from ..measure import level, measure
from .edits import DatasetEdit
from .recipe import AudioRecipe
from .registry import FixRun, dataset_fix
from .table import TableRow

_PEAK = -1.0
"""dBFS that the loudest recording gets."""

_DAMAGED = (
    "audio-unreadable",
    "audio-empty",
    "audio-truncated",
    "audio-too-long",
    "audio-sample-rate",
    "audio-not-finite",
)
"""Recordings with these findings cannot be made into others."""


@dataset_fix("channels", title="Make recordings mono", safe=True)
def to_mono(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Alike channels are averaged; of channels that differ, the louder one is kept if asked."""
    _each_wide(run, edit, "channels", edit.rows)


@dataset_fix("channels-differ", title="Keep the louder channel", safe=False)
def keep_louder(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """Averaging channels that differ would thin the voice."""
    _each_wide(run, edit, "channels-differ", run.rows(edit, findings))


def _each_wide(run: FixRun, edit: DatasetEdit, code: str, rows: Sequence[TableRow]) -> None:
    for row in rows:
        item = edit.item(row)
        file = edit.audio_file(item)
        if file is None or edit.audio(file).mix != "keep":
            continue
        recipe = edit.audio(file)
        try:
            if probe_audio(recipe.source).channels < 2:
                continue
        except SingwizError:
            continue  # it has a finding of its own
        measures = measure(recipe.source)
        if sound_file(run, edit, item, code) is None or measures.error or not measures.finite:
            continue
        alike = measures.correlation >= run.limits.channel_correlation
        if alike and code == "channels":
            edit.set_audio(file, recipe.mono())
            edit.did(code, f"The channels of '{item}' are averaged to mono.", item=item)
        elif not alike and run.may(
            edit, code, f"keep only the louder channel of '{item}'.", item=item
        ):
            channel = _louder_channel(recipe)
            edit.set_audio(file, recipe.mono(channel))
            what = f"Only channel {channel + 1} of '{item}' is kept."
            edit.did(code, what, item=item, safe=False)


def sound_file(run: FixRun, edit: DatasetEdit, item: str, code: str) -> str | None:
    """An item's recording, if it can be changed; otherwise the plan says why not."""
    if run.is_doubtful(edit, item, _DAMAGED):
        edit.refuse(code, "Its recording is damaged.", item=item)
        return None
    if len(edit.find(item)) > 1:
        edit.refuse(code, "There are several rows of this name.", item=item)
        return None
    return edit.audio_file(item)


def _louder_channel(recipe: AudioRecipe) -> int:
    with open_audio(recipe.source) as sound:
        powers = np.zeros(sound.channels)
        for block in sound.blocks(2**19, dtype="float32", always_2d=True):
            powers += np.square(block, dtype=np.float64).sum(axis=0)
    return int(np.argmax(powers))


@dataset_fix("level-low", title="Raise the level of all recordings alike", safe=False)
def raise_level(run: FixRun, edit: DatasetEdit, findings: Sequence[Finding]) -> None:
    """One gain for the whole dataset, so that loud and soft stay apart."""
    files, peak = [], 0.0
    for row in edit.rows:
        file = edit.audio_file(edit.item(row))
        if file is None or file in files:
            continue
        measures = measure(edit.audio(file).source)
        if measures.error is None and measures.finite:
            files.append(file)
            peak = max(peak, measures.peak * edit.audio(file).gain)
    if not files or not peak:
        return
    loudest = level(peak**2)
    gain = _PEAK - loudest
    if loudest > run.limits.peak_min or gain < 1.0:
        why = (
            f"The loudest recording already peaks at {loudest:.0f} dBFS, so one gain for all "
            "cannot help; raise the quiet ones by ear."
        )
        edit.refuse("level-low", why)
        return
    if run.may(edit, "level-low", f"raise all recordings by {gain:.1f} dB."):
        for file in files:
            edit.set_audio(file, edit.audio(file).amplified(10 ** (gain / 20)))
        what = f"All {len(files)} recordings are raised by {gain:.1f} dB."
        edit.did("level-low", what, safe=False)
