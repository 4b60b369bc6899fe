"""From a project to a config that nobody has to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from singwiz.core.config import (
    check_config,
    choose_validation_items,
    generate_config,
    list_hardware,
    list_presets,
    load_config,
    save_config,
)
from singwiz.core.errors import SingwizError
from singwiz.core.project import ModelChoice, ModelKind, ProjectState, Recordings

NAMES = [f"{n:03}" for n in range(1, 31)]


def recordings(name: str = "aoi", **changes: Any) -> Recordings:
    values = {"raw_data_dir": f"/data/歌 {name}/raw", "speaker": name, "language": "zh"}
    return Recordings(name=name, **{**values, **changes})


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "辞書 zh.txt"
    path.write_text("a\ta\n", encoding="utf-8")
    return path


def project(dictionary: Path, *datasets: Recordings, **choice: Any) -> ProjectState:
    kind = choice.pop("kind", "acoustic")
    return ProjectState(
        schema=1,
        name="v",
        datasets=list(datasets or (recordings(),)),
        dictionaries={"zh": str(dictionary)},
        models={kind: ModelChoice(**{"preset": "small", "hardware": "cpu", **choice})},
    )


def generate(state: ProjectState, folder: Path, kind: ModelKind = "acoustic") -> Any:
    names = {dataset.name: NAMES for dataset in state.datasets}
    return generate_config(state, kind, item_names=names, binary_data_dir=folder / "binary")


@pytest.mark.parametrize(
    ("kind", "preset", "hardware"),
    [
        (kind, preset.id, machine.id)
        for kind in ("acoustic", "variance")
        for preset in list_presets(kind)
        for machine in list_hardware()
    ],
)
def test_every_preset_on_every_machine_gives_a_sound_config(
    tmp_path: Path, dictionary: Path, kind: ModelKind, preset: str, hardware: str
) -> None:
    state = project(dictionary, kind=kind, preset=preset, hardware=hardware)
    config = generate(state, tmp_path, kind)
    assert config.kind == kind
    assert [f for f in check_config(config) if f.severity == "error"] == []
    assert config.unknown_keys() == []
    save_config(config, tmp_path / "c.yaml")
    again = load_config(tmp_path / "c.yaml")
    assert again.to_dict() == config.to_dict()
    assert again.loading_findings == ()


def test_paths_are_absolute_and_nothing_has_to_be_downloaded(
    tmp_path: Path, dictionary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = generate_config(
        project(Path(dictionary.name)),
        "acoustic",
        item_names={"aoi": NAMES},
        binary_data_dir=Path("binary"),
    )
    assert config.datasets[0].raw_data_dir == "/data/歌 aoi/raw"
    assert config.dictionaries == {"zh": str(dictionary)}
    assert config.binary_data_dir == str(tmp_path / "binary")
    assert (config.pe, config.hnsep) == ("parselmouth", "world")
    # The usual name, which means the preview vocoder until it is fetched.
    assert config.vocoder_ckpt == "checkpoints/nsf_hifigan_44.1k_hop512_128bin_2024.02/model.ckpt"
    assert not [f for f in check_config(config) if f.code == "config-vocoder-missing"]


def test_a_shipped_dictionary_is_found_by_its_name(tmp_path: Path) -> None:
    config = generate(project(Path("opencpop-extension")), tmp_path)
    assert Path(config.dictionaries["zh"]).is_file()


def test_a_missing_dictionary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SingwizError):
        generate(project(tmp_path / "nowhere.txt"), tmp_path)


def test_the_vocoder_of_the_template_is_used_where_it_exists(
    tmp_path: Path, dictionary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    vocoder = tmp_path / "checkpoints/nsf_hifigan_44.1k_hop512_128bin_2024.02/model.ckpt"
    vocoder.parent.mkdir(parents=True)
    vocoder.write_bytes(b"x")
    assert generate(project(dictionary), tmp_path).vocoder_ckpt == str(vocoder)


def test_speakers_and_languages_are_counted(tmp_path: Path, dictionary: Path) -> None:
    state = project(
        dictionary,
        recordings("aoi"),
        recordings("ben", language="ja", spk_id=0),
        recordings("aoi2", speaker="aoi"),
    )
    state.dictionaries["ja"] = str(dictionary)
    state.merged_phoneme_groups = [["zh/a", "ja/a"]]
    config = generate(state, tmp_path)
    assert [dataset.spk_id for dataset in config.datasets] == [1, 0, 1]
    assert (config.num_spk, config.use_spk_id) == (2, True)
    assert (config.num_lang, config.use_lang_id) == (2, True)
    state.merged_phoneme_groups = [["zh/a", "zh/b"]]
    assert generate(state, tmp_path).use_lang_id is False


def test_one_singer_needs_no_speaker_embedding(tmp_path: Path, dictionary: Path) -> None:
    config = generate(project(dictionary), tmp_path)
    assert (config.num_spk, config.use_spk_id, config.num_lang, config.use_lang_id) == (
        1, False, 1, False
    )  # fmt: skip


def test_own_changes_come_last(tmp_path: Path, dictionary: Path) -> None:
    changes = {"hidden_size": 192, "optimizer_args.lr": "3e-4", "num_spk": 5, "pe": "harvest"}
    config = generate(project(dictionary, overrides=changes), tmp_path)
    assert (config.hidden_size, config.optimizer_args.lr) == (192, 3e-4)
    assert (config.num_spk, config.pe) == (5, "harvest")


def test_an_own_change_of_an_unknown_key_is_refused(tmp_path: Path, dictionary: Path) -> None:
    with pytest.raises(SingwizError) as caught:
        generate(project(dictionary, overrides={"hiden_size": 1}), tmp_path)
    assert "hidden_size" in caught.value.hint


def test_full_item_names_are_kept_for_validation_and_quoted(
    tmp_path: Path, dictionary: Path
) -> None:
    config = generate(project(dictionary), tmp_path)
    chosen = config.datasets[0].test_prefixes
    assert len(chosen) == 3 and set(chosen) < set(NAMES)
    assert config.num_valid_plots == 3
    save_config(config, tmp_path / "c.yaml")
    assert f"- '{chosen[0]}'" in (tmp_path / "c.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ([300], [10]),
        ([30], [3]),
        ([11], [2]),
        ([5], [1]),
        ([2], [1]),
        ([1], [0]),
        ([0], [0]),
        ([300, 300], [5, 5]),
        ([300, 300, 300], [4, 4, 4]),
        ([100] * 7, [3, 3, 3, 3, 3, 3, 2]),
        ([10, 4], [1, 1]),
        ([200, 1], [10, 0]),
    ],
)
def test_the_validation_share_is_small_and_reaches_every_speaker(
    sizes: list[int], counts: list[int]
) -> None:
    datasets = [recordings(f"s{i}") for i in range(len(sizes))]
    names = {f"s{i}": [f"n{k:04}" for k in range(size)] for i, size in enumerate(sizes)}
    chosen = choose_validation_items(datasets, names)
    assert [len(part) for part in chosen] == counts
    assert all(part == sorted(set(part)) for part in chosen)


def test_datasets_of_one_speaker_share_the_validation_items() -> None:
    datasets = [recordings("a", speaker="x"), recordings("b", speaker="x")]
    chosen = choose_validation_items(datasets, {"a": NAMES, "b": NAMES})
    assert sum(len(part) for part in chosen) == 6


def test_the_choice_repeats_and_depends_on_no_order() -> None:
    shuffled = choose_validation_items([recordings()], {"aoi": NAMES[::-1]})
    assert choose_validation_items([recordings()], {"aoi": NAMES}) == shuffled
    assert choose_validation_items([recordings()], {"aoi": NAMES}, seed=5) != shuffled


def test_the_only_recording_of_a_phoneme_stays_in_training() -> None:
    rare = {"007": ("a", "ny"), "019": ("a", "ry")}
    sung = {"aoi": {name: rare.get(name, ("a", "k")) for name in NAMES}}
    for seed in range(20):
        (chosen,) = choose_validation_items([recordings()], sung, sung=sung, seed=seed)
        assert len(chosen) == 3
        assert not set(rare) & set(chosen)


def test_validation_gets_items_even_if_every_recording_is_the_only_one_of_a_phoneme() -> None:
    sung = {"aoi": {name: (name,) for name in NAMES}}
    (chosen,) = choose_validation_items([recordings()], sung, sung=sung)
    assert len(chosen) == 3


def test_rules_of_the_user_stay_and_other_speakers_get_items() -> None:
    datasets = [recordings("a", test_prefixes=["song1"]), recordings("b")]
    chosen = choose_validation_items(datasets, {"a": NAMES, "b": NAMES})
    assert chosen[0] == ["song1"]
    assert len(chosen[1]) == 3


def test_the_project_is_not_changed(tmp_path: Path, dictionary: Path) -> None:
    state = project(dictionary)
    before = state.model_dump()
    generate(state, tmp_path)
    assert state.model_dump() == before


def test_keys_for_all_models_reach_every_model_that_has_them(
    tmp_path: Path, dictionary: Path
) -> None:
    state = project(dictionary, recordings(), preset="tiny")
    state.overrides = {"pe": "swift-f0", "f0_max": 1400.0, "midi_smooth_width": 0.1}
    state.models["variance"] = ModelChoice(overrides={"f0_max": 1500.0})
    made = {kind: generate(state, tmp_path, kind) for kind in ("acoustic", "variance")}
    assert [made[kind].pe for kind in made] == ["swift-f0", "swift-f0"]
    assert made["acoustic"].f0_max == 1400
    assert made["variance"].f0_max == 1500, "a model's own choice wins"
    assert made["variance"].midi_smooth_width == 0.1
    assert "midi_smooth_width" not in made["acoustic"].to_dict()


def test_an_unknown_key_for_all_models_is_refused(tmp_path: Path, dictionary: Path) -> None:
    state = project(dictionary, recordings(), preset="tiny")
    state.overrides = {"pitch_extractor_name": "swift-f0"}
    with pytest.raises(SingwizError):
        generate(state, tmp_path)
