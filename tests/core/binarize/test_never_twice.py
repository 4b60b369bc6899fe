"""What was computed once is not computed again, and what was interrupted does no harm."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import singwiz
from singwiz.core.binarize import BinaryDataset, layers
from singwiz.core.binarize import binarize as binarize_dataset
from singwiz.core.config import Config, save_config
from singwiz.core.errors import SingwizError
from singwiz.core.features.pitch import Parselmouth

from .conftest import NOTES, sung

MakeCorpus = Callable[..., Any]
THREE = {f"use_{name}_embed": True for name in ("breathiness", "voicing", "tension")}


def prepare(corpus: Any, config: Config, **options: Any) -> Any:
    return binarize_dataset(config, base_dir=corpus.folder, workers=0, **options)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often each layer is computed from here on."""
    counts: dict[str, int] = {}

    def count(owner: object, name: str, label: str) -> None:
        genuine = getattr(owner, name)

        def counting(*arguments: Any, **keywords: Any) -> Any:
            counts[label] = counts.get(label, 0) + 1
            return genuine(*arguments, **keywords)

        monkeypatch.setattr(owner, name, counting)

    count(layers.Layers, "_compute_mel", "mel")
    count(layers.Layers, "_compute_pitch", "pitch")
    count(layers.tension, "base_harmonic", "base")
    count(layers, "separator_of", "separated")
    count(layers, "read_audio", "decoded")
    return counts


def test_every_recording_is_decoded_measured_and_separated_once(
    make_corpus: MakeCorpus, counted: dict[str, int]
) -> None:
    corpus = make_corpus(3)
    shifts = {"enabled": True, "range": [-5, 5], "scale": 1.0}
    config = corpus.config(
        **THREE,
        use_energy_embed=True,
        use_key_shift_embed=True,
        augmentation_args={"random_pitch_shifting": shifts},
    )
    prepare(corpus, config, cache_dir=None)
    # Two transposed copies have spectra of their own, but no pitch of their own.
    assert counted == {"decoded": 3, "mel": 5, "pitch": 3, "separated": 3, "base": 3}


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, {}),
        ({"tension_smooth_width": 0.2}, {}),
        ({"use_tension_embed": False}, {}),
        ({"use_energy_embed": True}, {"decoded": 3}),
        ({"fmax": 15000}, {"decoded": 3, "mel": 3}),
        ({"f0_max": 900}, {"decoded": 3, "pitch": 3, "separated": 3, "base": 3}),
        ({"use_spk_id": True, "num_spk": 3}, {}),
    ],
)
def test_a_changed_setting_costs_only_what_depends_on_it(
    make_corpus: MakeCorpus,
    counted: dict[str, int],
    changes: dict[str, Any],
    again: dict[str, int],
) -> None:
    corpus = make_corpus(3)
    prepare(corpus, corpus.config(**THREE))
    counted.clear()
    prepare(corpus, corpus.config(**{**THREE, **changes}))
    assert counted == again


def test_a_wanted_tension_leaves_spectrum_pitch_and_loudness_alone(
    make_corpus: MakeCorpus, counted: dict[str, int]
) -> None:
    corpus = make_corpus(3)
    prepare(corpus, corpus.config(**{**THREE, "use_tension_embed": False}))
    counted.clear()
    prepare(corpus, corpus.config(**THREE))
    assert counted == {"decoded": 3, "separated": 3, "base": 3}


def test_changed_labels_measure_nothing_again(
    make_corpus: MakeCorpus, counted: dict[str, int]
) -> None:
    corpus = make_corpus(2, **NOTES)
    acoustic, variance = corpus.config(**THREE), corpus.variance(predict_tension=True)
    prepare(corpus, acoustic)
    prepare(corpus, variance)
    counted.clear()
    table = corpus.raw / "transcriptions.csv"
    text = table.read_text()
    table.write_text(text.replace("0.1 0.25 0.1 0.2 0.1", "0.08 0.27 0.1 0.2 0.07"))
    assert text != table.read_text()
    prepare(corpus, acoustic)
    prepare(corpus, variance)
    assert counted == {}
    stored = BinaryDataset(corpus.folder / "binary" / "variance" / "train")[0]
    assert len(stored["pitch"]) == round(0.72 * 44100 / 512)


def test_a_recording_under_another_name_is_still_known(
    make_corpus: MakeCorpus, counted: dict[str, int]
) -> None:
    corpus = make_corpus(2)
    prepare(corpus, corpus.config())
    counted.clear()
    (corpus.raw / "wavs" / "item1.wav").rename(corpus.raw / "wavs" / "better.wav")
    table = corpus.raw / "transcriptions.csv"
    table.write_text(table.read_text().replace("item1", "better"))
    prepare(corpus, corpus.config())
    assert counted == {}


def test_a_killed_run_leaves_no_dataset_and_is_continued(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus = make_corpus(2)
    for number in range(2, 10):
        corpus.add(f"item{number}", sung(3.0, f0=200.0 + number), ph_dur=(0.5, 1.0, 0.5, 0.5, 0.5))
    config = corpus.config(**THREE, binarization_args={"num_workers": 0, "shuffle": False})
    target = corpus.folder / "binary" / "acoustic"
    save_config(config, tmp_path / "config.yaml")
    code = (
        "import sys; from pathlib import Path; from singwiz.core.binarize import binarize;"
        "from singwiz.core.config import load_config;"
        "binarize(load_config(Path(sys.argv[1])), base_dir=Path(sys.argv[2]), workers=0)"
    )
    outside = str(Path(singwiz.__file__).parents[1])
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "config.yaml"), str(corpus.folder)],
        env={**os.environ, "PYTHONPATH": outside},
    )
    entries = target.parent / ".cache" / "features"
    deadline = time.monotonic() + 60
    # Four layers per recording; kill it in the middle of one.
    while len(list(entries.glob("*.npz"))) < 10 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert run.poll() is None
    run.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    run.wait()

    assert not target.exists()
    with pytest.raises(SingwizError) as caught:
        BinaryDataset(target / "train")
    assert caught.value.code == "binary-missing"

    report = prepare(corpus, config)
    assert 2 <= report.cached < 10
    assert report.counts["train"] == 9
    assert sorted(path.name for path in target.parent.iterdir()) == [".cache", "acoustic"]
    prepare(corpus, config, output_dir=tmp_path / "fresh", cache_dir=None)
    for name in ("train.data", "valid.data"):
        assert (target / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


def test_a_network_works_in_this_process_and_its_weights_count(
    make_corpus: MakeCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(3)
    made: list[str] = []

    def stand_in(recipe: Any, **_: Any) -> Parselmouth:
        made.append(recipe.pe_ckpt)
        return Parselmouth(65, 1100)

    monkeypatch.setattr(layers, "pitch_extractor", stand_in)
    weights = corpus.folder / "rmvpe" / "model.pt"
    weights.parent.mkdir()
    weights.write_bytes(b"old")
    config = corpus.config(pe="rmvpe", pe_ckpt="rmvpe/model.pt")

    def run() -> Any:
        layers.extractor_of.cache_clear()
        return binarize_dataset(config, base_dir=corpus.folder, workers=2)

    first = run()
    assert (first.workers, first.cached) == (0, 0)
    assert made == [str(weights)]
    assert run().cached == 3
    weights.write_bytes(b"new")
    assert run().cached == 0
    layers.extractor_of.cache_clear()


def test_metadata_for_diffsinger_is_written_on_request(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    prepare(corpus, corpus.config(), pickled_meta=True)
    folder = corpus.folder / "binary" / "acoustic"
    meta = pickle.loads((folder / "valid.meta").read_bytes())
    assert meta["names"] == ["item0"]
    assert meta["lengths"] == [64]
    (folder / "valid.meta.json").unlink()
    np.testing.assert_array_equal(BinaryDataset(folder / "valid")[0]["tokens"], [2, 3, 5, 4, 1])
    prepare(corpus, corpus.config())
    assert not (folder / "valid.meta").exists()
