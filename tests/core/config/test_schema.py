"""Questions a config answers: its kind, its plain form, what changed, its hash."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import yaml

from singwiz.core.config import changed_keys, load_config, save_config
from singwiz.core.errors import SingwizError

ACOUSTIC = {"base_config": "configs/acoustic.yaml"}
VARIANCE = {"base_config": "configs/variance.yaml"}


@pytest.mark.parametrize(
    ("mapping", "kind"),
    [
        ({"task_cls": "training.acoustic_task.AcousticTask"}, "acoustic"),
        ({"task_cls": "training.variance_task.VarianceTask"}, "variance"),
        ({"binarizer_cls": "preprocessing.variance_binarizer.VarianceBinarizer"}, "variance"),
        ({"task_cls": "training.nsf_HiFigan_task.nsf_HiFigan"}, "vocoder"),
        ({"predict_pitch": True}, "variance"),
        ({}, "acoustic"),
    ],
)
def test_the_kind_follows_from_class_names_or_keys(mapping: dict[str, object], kind: str) -> None:
    assert load_config(mapping).kind == kind


def test_class_names_are_kept_as_they_are() -> None:
    config = load_config({"task_cls": "my.VarianceTask"})
    assert config.to_dict()["task_cls"] == "my.VarianceTask"


def test_the_plain_form_holds_only_what_the_model_kind_knows() -> None:
    acoustic, variance = load_config(ACOUSTIC).to_dict(), load_config(VARIANCE).to_dict()
    assert "predict_dur" not in acoustic and "prefer_ds" not in acoustic["binarization_args"]
    assert "mel_base" not in variance and "augmentation_args" not in variance
    assert variance["pitch_prediction_args"]["backbone_args"]["num_channels"] == 512


def test_keys_of_another_kind_stay_if_the_user_wrote_them() -> None:
    assert load_config({**ACOUSTIC, "predict_dur": True}).to_dict()["predict_dur"] is True


@pytest.mark.parametrize("base", ["acoustic", "variance"])
def test_saving_and_loading_gives_the_same_config(tmp_path: Path, base: str) -> None:
    config = load_config({"base_config": f"configs/{base}.yaml", "custom": {"a": [1, "no"]}})
    save_config(config, tmp_path / "deep" / "c.yaml")
    again = load_config(tmp_path / "deep" / "c.yaml")
    assert again.to_dict() == config.to_dict()
    assert again.kind == base
    assert again.hash_for("p") == config.hash_for("p")


@pytest.mark.parametrize(
    "name",
    ["001", "010", "12:30", "1_000", "no", "~", "1e3", "0o17", "é", "歌 1", "a: b", "#x", " "],
)
def test_saved_texts_are_texts_for_every_yaml_reader(tmp_path: Path, name: str) -> None:
    config = load_config(
        {**ACOUSTIC, "datasets": [{"speaker": "a", "test_prefixes": [name], "raw_data_dir": "x"}]}
    )
    save_config(config, tmp_path / "c.yaml")
    text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["datasets"][0]["test_prefixes"] == [name]
    assert load_config(tmp_path / "c.yaml").loading_findings == ()
    if name[0].isdigit():
        assert f"'{name}'" in text


def test_a_saved_config_needs_no_base_and_nothing_injected(tmp_path: Path) -> None:
    save_config(load_config({**ACOUSTIC, "infer": True, "work_dir": "w"}), tmp_path / "c.yaml")
    data = yaml.safe_load((tmp_path / "c.yaml").read_text(encoding="utf-8"))
    assert data["base_config"] == []
    assert "infer" not in data and data["work_dir"] == "w"


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SingwizError) as caught:
        save_config(load_config(ACOUSTIC), tmp_path / "file" / "c.yaml")
    assert caught.value.code == "config-not-writable"


def test_the_hash_of_preparation_notices_what_changes_the_binary_dataset() -> None:
    base = load_config(ACOUSTIC).hash_for("p")
    for change in (
        {"hop_size": 256},
        {"f0_max": 1500},
        {"datasets": [{"speaker": "a"}]},
        {"dictionaries": {"zh": "a.txt"}},
        {"augmentation_args": {"random_pitch_shifting": {"enabled": True}}},
    ):
        assert load_config({**ACOUSTIC, **change}).hash_for("p") != base, change


def test_the_hash_of_preparation_ignores_training_speed_and_places() -> None:
    base = load_config({**ACOUSTIC, "dictionaries": {"zh": "/a/zh.txt"}}).hash_for("p")
    for change in (
        {"max_updates": 5},
        {"binary_data_dir": "elsewhere"},
        {"binarization_args": {"num_workers": 9}},
        {"dictionaries": {"zh": "/b/zh.txt"}},
        {"predict_dur": False},
        {"anything": 1},
    ):
        again = load_config({**ACOUSTIC, "dictionaries": {"zh": "/a/zh.txt"}, **change})
        assert again.hash_for("p") == base, change


def test_the_network_hash_notices_the_network_only() -> None:
    base = load_config(ACOUSTIC).hash_for("n")
    assert load_config({**ACOUSTIC, "f0_max": 1500}).hash_for("n") == base
    assert load_config({**ACOUSTIC, "backbone_args": {"num_layers": 7}}).hash_for("n") != base


def test_changed_keys_are_named_with_both_values() -> None:
    old = load_config(ACOUSTIC).to_dict()
    new = copy.deepcopy(old)
    new["optimizer_args"]["lr"] = 1.0
    del new["max_updates"]
    assert changed_keys(old, new) == {
        "optimizer_args.lr": (0.0006, 1.0),
        "max_updates": (100000, None),
    }
    assert changed_keys({}, {"a": {"b": 1}}) == {"a.b": (None, 1)}


def test_a_config_travels_to_another_process() -> None:
    config = load_config({**VARIANCE, "custom": 1})
    again = pickle.loads(pickle.dumps(config))
    assert again.kind == "variance" and again.to_dict() == config.to_dict()
