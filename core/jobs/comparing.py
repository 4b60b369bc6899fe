"""A rendering of a recording's labels beside the recording: the sound, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import USAGE_PROBLEM, SingwizError
from ..project import Project

if TYPE_CHECKING:
    from ..dataset import Item, RawDataset
    from ..synthesis.evaluate import PhonemeMeans
    from ..synthesis.rendering import Rendering
    from ..synthesis.singer import Singer

BASELINE_ITEMS = 500
"""Training items that the mean mel of each phoneme is taken from; more change nothing."""


def find_item(params: Mapping[str, Any], datasets: Sequence[RawDataset]) -> tuple[Item, RawDataset]:
    """The item that ``item`` and ``dataset`` of ``params`` name, and the dataset it is from.

    Raises:
        SingwizError: there is none, or more than one.
    """
    name, wanted = params["item"], params.get("dataset") or ""
    found = [
        (item, dataset)
        for dataset in datasets
        if not wanted or dataset.name == wanted
        for item in dataset.items
        if item.name == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise SingwizError(
            "item-ambiguous",
            f"Several datasets have a recording '{name}'.",
            hint=f"Name one with --dataset: {', '.join(dataset.name for _, dataset in found)}.",
            exit_code=USAGE_PROBLEM,
        )
    some = [item.name for dataset in datasets for item in dataset.items][:8]
    raise SingwizError(
        "item-not-found",
        f"There is no usable recording '{name}'.",
        hint=f"Recordings are, for example: {', '.join(some)}."
        if some
        else "Check the recordings first.",
        exit_code=USAGE_PROBLEM,
    )


def beside_the_recording(
    singer: Singer,
    rendering: Rendering,
    item: Item,
    dataset: RawDataset,
    truth: Mapping[str, Any],
    wav: Path,
    project: Project | None,
) -> dict[str, Any]:
    """The recording as a file that any player plays, and how close the rendering is to it.

    Args:
        singer: who sang.
        rendering: of the item.
        item: what was sung.
        dataset: where it is from.
        truth: the segment made of its labels and its sound.
        wav: where the rendering is.
        project: with prepared data for the mean mel of each phoneme.

    Returns:
        ``item``, ``recording`` (path) and ``figures``.

    Raises:
        SingwizError: the recording cannot be read.
    """
    from ..dataset import write_audio
    from ..synthesis.evaluate import compare_with_recording
    from ..synthesis.items import recording_of

    config = singer.experiment.config
    recording = wav.with_name(f"{wav.stem}-recording.wav")
    write_audio(recording, recording_of(item, config), config.audio_sample_rate)
    predicted = rendering.song.predicted[0] if rendering.song.predicted else frozenset()
    figures: dict[str, Any] = {}
    if not predicted:
        # With predicted timing or pitch a frame is no longer the same moment of the song.
        means = _phoneme_means(project)
        tokens = _tokens(singer, item, dataset) if means is not None else None
        comparison = compare_with_recording(rendering, item, config, means=means, tokens=tokens)
        figures = comparison.to_dict()
    else:
        figures = _prediction_figures(singer, rendering, item, dataset, truth, predicted)
    return {"item": item.name, "recording": str(recording), "figures": figures}


def _prediction_figures(
    singer: Singer,
    rendering: Rendering,
    item: Item,
    dataset: RawDataset,
    truth: Mapping[str, Any],
    predicted: frozenset[str],
) -> dict[str, Any]:
    from ..features.pitch import pitch_extractor
    from ..synthesis.evaluate_variance import compare_prediction, mean_durations
    from ..synthesis.items import recording_of

    config = singer.experiment.config
    audio = recording_of(item, config)
    length = max(1, len(audio) // config.hop_size)
    _, unvoiced = pitch_extractor(config).extract(
        audio, config.audio_sample_rate, hop_size=config.hop_size, length=length
    )
    means = mean_durations((o.ph_seq, o.ph_dur) for o in dataset.items if o.name != item.name)
    segment = rendering.song.segments[0]
    figures: dict[str, Any] = {"item": item.name}
    left = set(predicted)
    for predictor in singer.variance:
        own = left & {*predictor.tags}
        left -= own
        if own:
            figures |= compare_prediction(
                segment, truth, own, predictor.reader, unvoiced=unvoiced, means=means
            ).to_dict()
    return figures


def _tokens(singer: Singer, item: Item, dataset: RawDataset) -> Any:
    import numpy as np

    phonemes = singer.experiment.phonemes
    return np.array(phonemes.encode_sequence(item.ph_seq, dataset.language), np.int64)


def _phoneme_means(project: Project | None) -> PhonemeMeans | None:
    """Mean mels of the prepared training set, which a model has to beat."""
    prefix = project.binary_dir("acoustic") / "train" if project is not None else None
    if prefix is None or not prefix.with_suffix(".data").exists():
        return None
    from ..binarize.storage import BinaryDataset
    from ..synthesis.evaluate import PhonemeMeans

    data = BinaryDataset(prefix)
    step = max(1, len(data) // BASELINE_ITEMS)
    return PhonemeMeans.fit(data[number] for number in range(0, len(data), step))
