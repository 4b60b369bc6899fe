import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from singwiz.core.binarize import BinarizeReport, BinaryDataset, read_metadata
from singwiz.core.binarize import binarize as binarize_dataset
from singwiz.core.config import Config
from singwiz.core.errors import Cancelled, SingwizError
from singwiz.core.reporting import Reporter

DT = 512 / 44100
SECONDS = 0.75
FRAMES = int(SECONDS * 44100) // 512
CURVES = {f"use_{name}_embed": True for name in ("energy", "breathiness", "voicing", "tension")}
COPIES = {
    "use_key_shift_embed": True,
    "use_speed_embed": True,
    "augmentation_args": {
        "random_pitch_shifting": {"enabled": True, "range": [-5, 5], "scale": 1.0},
        "random_time_stretching": {"enabled": True, "range": [0.5, 2], "scale": 1.0},
    },
}
MakeCorpus = Callable[..., Any]


def binarize(corpus: Any, config: Config | None = None, **options: Any) -> BinarizeReport:
    options = {"base_dir": corpus.folder, "workers": 0, "cache_dir": None, **options}
    return binarize_dataset(config or corpus.config(), **options)


def stored(folder: Path, split: str) -> list[dict[str, Any]]:
    dataset = BinaryDataset(folder / split)
    items = list(dataset)
    dataset.close()
    return items


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def assert_same_items(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes(), name


class Recorder(Reporter):
    def __init__(self, *, stop_after: int | None = None) -> None:
        self.labels: list[str] = []
        self.warnings: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.artifacts: list[Path] = []
        self.stop_after = stop_after

    def progress(self, done: float, total: float, label: str = "") -> None:
        self.labels.append(f"{done:g}/{total:g} {label}".strip())

    def warning(self, code: str, message: str, item: str = "") -> None:
        self.warnings.append((code, item))

    def log(self, text: str) -> None:
        self.lines.append(text)

    def artifact(self, kind: str, path: Path, label: str = "") -> None:
        self.artifacts.append(path)

    def cancelled(self) -> bool:
        return self.stop_after is not None and len(self.labels) >= self.stop_after


def test_items_have_the_fields_that_training_reads(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus()
    report = binarize(corpus)
    folder = corpus.folder / "binary" / "acoustic"
    assert report.counts == {"train": 2, "train_original": 2, "valid": 1}
    item = stored(folder, "train")[0]
    shapes = {name: (np.asarray(v).dtype.str[1:], np.shape(v)) for name, v in item.items()}
    assert shapes == {
        "spk_id": ("i8", ()),
        "languages": ("i8", (5,)),
        "tokens": ("i8", (5,)),
        "mel": ("f4", (FRAMES, 128)),
        "mel2ph": ("i8", (FRAMES,)),
        "f0": ("f4", (FRAMES,)),
    }
    # AP 1, SP 2, a 3, o 4, s 5
    assert item["tokens"].tolist() == [2, 3, 5, 4, 1]
    assert item["languages"].tolist() == [0] * 5
    borders = [np.ceil(time / DT) for time in (0.1, 0.35, 0.45, 0.65)]
    assert (np.flatnonzero(np.diff(item["mel2ph"])) + 1).tolist() == borders
    assert np.median(item["f0"]) == pytest.approx(220, rel=0.1)
    assert read_metadata(folder, "train")["lengths"] == [FRAMES, FRAMES]


def test_metadata_names_its_items(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus()
    binarize(corpus)
    folder = corpus.folder / "binary" / "acoustic"
    meta = read_metadata(folder, "valid")
    assert meta["names"] == ["item0"]
    assert meta["ph_texts"] == ["SP a s o AP"]
    assert meta["spk_names"] == ["aoi"]
    assert meta["ph_dur"] == [5]
    train = read_metadata(folder, "train")
    assert train["names"] == ["item1", "item2"]
    assert "ph_texts" not in train


def test_the_folder_holds_everything_training_copies(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus()
    reporter = Recorder()
    report = binarize(corpus, reporter=reporter)
    folder = corpus.folder / "binary" / "acoustic"
    files = content(folder)
    assert (
        sorted(files)
        == report.files
        == sorted(
            [
                "binarize.json",
                "dictionary-xx.txt",
                "lang_map.json",
                "phoneme_distribution.jpg",
                "phonemes.json",
                "spk_map.json",
                "train.data",
                "train.meta.json",
                "valid.data",
                "valid.meta.json",
            ]
        )
    )
    assert json.loads(files["spk_map.json"]) == {"aoi": 0}
    assert json.loads(files["lang_map.json"]) == {"xx": 1}
    assert json.loads(files["phonemes.json"]) == {"AP": 1, "SP": 2, "a": 3, "o": 4, "s": 5}
    assert files["dictionary-xx.txt"] == corpus.dictionary.read_bytes()
    assert files["phoneme_distribution.jpg"].startswith(b"\xff\xd8\xff")
    manifest = json.loads(files["binarize.json"])
    assert manifest["config_hash"] == corpus.config().hash_for("p")
    assert manifest["seconds_per_speaker"]["valid"] == {"aoi": pytest.approx(FRAMES * DT)}
    assert manifest["phonemes"] == {"AP": 3, "SP": 3, "a": 3, "o": 3, "s": 3}
    assert reporter.labels == ["0/3 item0", "1/3 item1", "2/3 item2", "3/3"]
    assert f"| train total duration: {2 * FRAMES * DT:.2f}s" in reporter.lines
    assert all(path.is_file() for path in reporter.artifacts)
    assert {path.name for path in corpus.folder.iterdir()} == {"raw", "dictionary.txt", "binary"}


def test_curves_are_stored_where_the_model_takes_them(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2)
    binarize(corpus, corpus.config(**CURVES))
    item = stored(corpus.folder / "binary" / "acoustic", "train")[0]
    for name in ("energy", "breathiness", "voicing", "tension"):
        assert item[name].shape == (FRAMES,)
        assert item[name].dtype == np.float32
        assert np.isfinite(item[name]).all()
    middle = slice(20, 40)
    assert np.median(item["energy"][middle]) == pytest.approx(
        np.median(item["voicing"][middle]), abs=1
    )
    assert np.median(item["breathiness"][middle]) < np.median(item["voicing"][middle]) - 10


def test_the_number_of_workers_changes_nothing(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(4)
    config = corpus.config(**CURVES, **COPIES)
    reports = [
        binarize(corpus, config, workers=workers, output_dir=tmp_path / str(workers))
        for workers in (0, 2)
    ]
    assert [report.workers for report in reports] == [0, 2]
    for split in ("train", "valid"):
        assert_same_items(stored(tmp_path / "0", split), stored(tmp_path / "2", split))
        assert read_metadata(tmp_path / "0", split) == read_metadata(tmp_path / "2", split)


def test_a_second_run_takes_features_from_the_cache(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    config = corpus.config(**CURVES, **COPIES)
    folder = corpus.folder / "binary" / "acoustic"
    first = binarize(corpus, config, cache_dir="auto")
    items = stored(folder, "train")
    assert first.cached == 0
    assert (corpus.folder / "binary" / ".cache" / "features").is_dir()
    again = binarize(corpus, config, cache_dir="auto")
    assert again.cached == 3
    assert_same_items(items, stored(folder, "train"))


def test_a_changed_recording_or_setting_is_computed_again(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    binarize(corpus, cache_dir="auto")
    corpus.rows.pop()
    corpus.add("item2")
    assert binarize(corpus, cache_dir="auto").cached == 3
    corpus.rows.pop()
    corpus.add("item2", 0.5 * np.sin(np.arange(33000) * 0.03))
    assert binarize(corpus, cache_dir="auto").cached == 2
    assert binarize(corpus, corpus.config(f0_max=900), cache_dir="auto").cached == 0
    folder = corpus.folder / "binary" / ".cache" / "features"
    # Spectrum and pitch of each, and nothing that is not needed any more.
    assert len(list(folder.glob("*.npz"))) == 6


def test_copies_follow_their_source(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(5)
    config = corpus.config(**COPIES, binarization_args={"num_workers": 0, "shuffle": False})
    report = binarize(corpus, config)
    items = stored(corpus.folder / "binary" / "acoustic", "train")
    # 4 items: 4 shifted, 2 stretched, 2 shifted and stretched; two of the shifted are mutated.
    assert report.counts == {"train": 12, "train_original": 4, "valid": 1}
    assert len(items) == 12
    originals = [i for i in items if i["key_shift"] == 0 and i["speed"] == 1]
    assert len(originals) == 4
    source = items[0]
    assert source is originals[0]
    for item in items:
        if item["key_shift"] == 0 and item["speed"] == 1:
            source = item
            continue
        assert item["speed"] == round(512 * item["speed"]) / 512
        assert len(item["mel"]) == pytest.approx(FRAMES / item["speed"], abs=3)
        assert len(item["mel2ph"]) == len(item["f0"]) == len(item["mel"])
        ratio = np.median(item["f0"]) / np.median(source["f0"])
        assert 12 * np.log2(ratio) == pytest.approx(item["key_shift"], abs=0.1)
        share = np.mean(item["mel2ph"] == 2), np.mean(source["mel2ph"] == 2)
        assert share[0] == pytest.approx(share[1], abs=0.05)


def test_fixed_shifts_are_new_speakers(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    fixed = {"enabled": True, "targets": [-3.0], "scale": 0.5}
    config = corpus.config(
        use_spk_id=True, num_spk=2, augmentation_args={"fixed_pitch_shifting": fixed}
    )
    binarize(corpus, config)
    folder = corpus.folder / "binary" / "acoustic"
    assert sorted(item["spk_id"] for item in stored(folder, "train")) == [0, 0, 1]
    assert json.loads((folder / "spk_map.json").read_text()) == {"aoi": 0}
    assert json.loads((folder / "spk_map_shifted.json").read_text()) == {"aoi_shift-3": 1}


def test_stereo_flac_at_another_rate_is_the_same_voice(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus = make_corpus(1)
    times = np.arange(int(SECONDS * 48000)) / 48000
    voice = sum(np.sin(2 * np.pi * 220 * k * times) / k for k in range(1, 10)) * 0.1
    stereo = np.stack([voice * 1.5, voice * 0.5], axis=1)
    corpus.add("wide", stereo, sample_rate=48000, suffix=".flac")
    at_441 = np.arange(int(SECONDS * 44100)) / 44100
    mono = sum(np.sin(2 * np.pi * 220 * k * at_441) / k for k in range(1, 10)) * 0.1
    corpus.add("plain", mono)
    config = corpus.config(binarization_args={"num_workers": 0, "shuffle": False})
    binarize(corpus, config)
    plain, wide = stored(corpus.folder / "binary" / "acoustic", "train")
    assert abs(len(wide["mel"]) - len(plain["mel"])) <= 1
    middle = slice(10, 50)
    np.testing.assert_allclose(wide["f0"][middle], plain["f0"][middle], rtol=1e-3)
    audible = plain["mel"][middle] > -7
    difference = np.abs(wide["mel"][middle] - plain["mel"][middle])[audible]
    assert np.median(difference) < 0.05


def test_two_speakers_get_ids_by_name(make_corpus: MakeCorpus) -> None:
    first, second = make_corpus(2, "one"), make_corpus(2, "two")
    config = first.config()
    data = config.to_dict() | {"use_spk_id": True, "num_spk": 2}
    data["datasets"] = [
        dict(data["datasets"][0]),
        dict(data["datasets"][0], raw_data_dir=str(second.raw), speaker="ren"),
        dict(data["datasets"][0], raw_data_dir=str(second.raw), test_prefixes=[]),
    ]
    from singwiz.core.config import load_config

    report = binarize(first, load_config(data))
    folder = first.folder / "binary" / "acoustic"
    assert json.loads((folder / "spk_map.json").read_text()) == {"aoi": 0, "ren": 1}
    assert read_metadata(folder, "valid")["spk_names"] == ["aoi", "ren"]
    assert sorted(read_metadata(folder, "train")["spk_ids"]) == [0, 0, 0, 1]
    assert report.seconds_per_speaker["train"] == {
        "aoi": pytest.approx(3 * FRAMES * DT),
        "ren": pytest.approx(FRAMES * DT),
    }


def test_an_item_without_voice_is_skipped_and_listed(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    noise = np.random.default_rng(0).standard_normal(33000) * 0.1
    corpus.add("breath", noise)
    reporter = Recorder()
    report = binarize(corpus, reporter=reporter)
    assert [entry["item"] for entry in report.skipped] == ["breath"]
    assert "voiced" in report.skipped[0]["reason"]
    assert ("item-skipped", "breath") in reporter.warnings
    assert report.counts["train"] == 2


def test_only_voiceless_training_items_are_an_error(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(1)
    corpus.add("breath", np.random.default_rng(0).standard_normal(33000) * 0.1)
    with pytest.raises(SingwizError) as caught:
        binarize(corpus)
    assert caught.value.code == "training-empty"


def test_a_failing_item_is_named_and_nothing_is_replaced(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    binarize(corpus)
    folder = corpus.folder / "binary" / "acoustic"
    before = content(folder)
    corpus.add("short", np.ones(500) * 0.1)
    broken = corpus.add("broken")
    broken.write_bytes(broken.read_bytes()[:20])
    with pytest.raises(SingwizError) as caught:
        binarize(corpus)
    assert caught.value.code == "items-failed"
    assert "2 item(s)" in caught.value.message
    assert "'broken'" in caught.value.message
    assert "'short'" in caught.value.message
    assert "0.011 s" in caught.value.message
    assert content(folder) == before
    assert {path.name for path in folder.parent.iterdir()} == {"acoustic"}

    report = binarize(corpus, max_failed=2)
    assert {entry["item"] for entry in report.skipped} == {"broken", "short"}
    assert report.counts["train"] == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_cancelled_run_keeps_the_previous_set(make_corpus: MakeCorpus, workers: int) -> None:
    corpus = make_corpus(4)
    binarize(corpus)
    folder = corpus.folder / "binary" / "acoustic"
    before = content(folder)
    with pytest.raises(Cancelled):
        binarize(corpus, workers=workers, reporter=Recorder(stop_after=2))
    assert content(folder) == before
    assert {path.name for path in folder.parent.iterdir()} == {"acoustic"}


def test_a_mismatch_shows_both_lists(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2)
    corpus.dictionary.write_text("a\ta\nke\tk e\n", encoding="utf-8")
    with pytest.raises(SingwizError) as caught:
        binarize(corpus)
    assert caught.value.code == "phoneme-mismatch"
    assert caught.value.message.splitlines() == [
        "transcriptions and dictionary mismatch.",
        " (+) ['o', 's']",
        " (-) ['e', 'k']",
    ]
    assert not (corpus.folder / "binary").exists()


def test_broken_rows_stop_the_work_before_it_starts(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    corpus.add("negative", ph_dur=(0.1, -0.2, 0.1, 0.2, 0.1), waveform=np.ones(9000) * 0.1)
    reporter = Recorder()
    with pytest.raises(SingwizError) as caught:
        binarize(corpus, reporter=reporter)
    assert caught.value.code == "recordings-broken"
    assert "negative" in str(caught.value)
    assert reporter.labels == []
    report = binarize(corpus, max_failed=1)
    assert [entry["item"] for entry in report.skipped] == ["negative"]


def test_labels_of_another_length_are_mentioned(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    corpus.add("long", np.sin(np.arange(60000) * 0.03) * 0.3)
    reporter = Recorder()
    report = binarize(corpus, reporter=reporter)
    assert ("label-length", "long") in reporter.warnings
    assert len(report.warnings) == 1
    item = max(stored(corpus.folder / "binary" / "acoustic", "train"), key=lambda i: len(i["f0"]))
    assert item["mel2ph"][-1] == 5


def test_a_rule_that_matches_nothing_is_a_warning(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    data = corpus.config().to_dict()
    data["datasets"][0]["test_prefixes"] = ["item0", "other"]
    from singwiz.core.config import load_config

    report = binarize(corpus, load_config(data))
    assert len(report.warnings) == 1
    assert "0:other" in report.warnings[0]


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"pe": "rmvpe"}, "pe_ckpt"),
        ({"hnsep": "vr", "use_tension_embed": True}, "hnsep_ckpt"),
        ({"mel_base": "10"}, "mel_base"),
        ({"num_spk": 0}, "num_spk"),
        ({"binary_data_dir": "raw/binary"}, "binary_data_dir"),
        (
            {"augmentation_args": {"random_pitch_shifting": {"enabled": True}}},
            "use_key_shift_embed",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_first(
    make_corpus: MakeCorpus, keys: dict[str, Any], where: str
) -> None:
    corpus = make_corpus(2)
    with pytest.raises(SingwizError) as caught:
        binarize(corpus, corpus.config(**keys))
    assert caught.value.where == where
    assert caught.value.hint
    assert {path.name for path in corpus.folder.iterdir()} == {"raw", "dictionary.txt"}


def test_an_unused_separator_is_never_asked_for(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2)
    report = binarize(corpus, corpus.config(hnsep="vr", use_energy_embed=True))
    assert report.counts["train"] == 1


def test_originals_stay_as_they_are(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(2)
    before = {path: path.read_bytes() for path in corpus.raw.rglob("*") if path.is_file()}
    binarize(corpus, cache_dir="auto")
    shutil.rmtree(corpus.folder / "binary")
    assert {p: p.read_bytes() for p in corpus.raw.rglob("*") if p.is_file()} == before


def test_num_workers_of_the_config_counts(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(3)
    config = corpus.config(binarization_args={"num_workers": 2})
    assert binarize(corpus, config, workers=None).workers == 2
    assert binarize(corpus, workers=None).workers == 0
