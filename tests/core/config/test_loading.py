"""Reading configs: inheritance, bases that come with us, and files that are not configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.core.config import load_config
from singwiz.core.errors import SingwizError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(path: Path | str, **options: object) -> SingwizError:
    with pytest.raises(SingwizError) as caught:
        load_config(path, **options)
    assert caught.value.hint
    return caught.value


def test_a_config_inherits_the_shipped_base_by_the_name_the_community_uses(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "my.yaml", "base_config: configs/acoustic.yaml\n"))
    assert (config.kind, config.hop_size, config.hidden_size) == ("acoustic", 512, 384)
    assert (config.diffusion_type, config.backbone_type) == ("reflow", "lynxnet2")
    assert config.use_rope and not config.rope_interleaved
    assert config.base_config == []


def test_a_file_of_that_name_in_the_working_folder_wins_over_the_shipped_one(
    tmp_path: Path,
) -> None:
    write(tmp_path / "configs/acoustic.yaml", "hidden_size: 96\ntask_cls: a.AcousticTask\n")
    config = load_config(write(tmp_path / "x/my.yaml", "base_config: [configs/acoustic.yaml]\n"))
    assert config.hidden_size == 96


def test_a_path_with_a_dot_starts_at_the_file_that_names_it(tmp_path: Path) -> None:
    write(tmp_path / "shared/size.yaml", "hidden_size: 32\nenc_layers: 3\n")
    file = write(
        tmp_path / "voices/mine.yaml",
        "base_config: [configs/acoustic.yaml, ../shared/size.yaml]\nenc_layers: 2\n",
    )
    config = load_config(file)
    assert (config.hidden_size, config.enc_layers) == (32, 2)


def test_maps_merge_and_everything_else_replaces(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "backbone_args: {num_layers: 4, kernel_size: 7}\nspec_min: [-9]\n")
    file = write(
        tmp_path / "b.yaml",
        "base_config: ./a.yaml\nbackbone_args: {num_layers: 2}\nspec_min: [-1, -2]\n"
        "extra: {a: 1}\n",
    )
    config = load_config(file)
    assert config.to_dict()["backbone_args"] == {"num_layers": 2, "kernel_size": 7}
    assert config.spec_min == [-1, -2]
    assert config.to_dict()["extra"] == {"a": 1}
    assert config.unknown_keys() == ["extra"]


def test_a_common_base_is_applied_once(tmp_path: Path) -> None:
    write(tmp_path / "root.yaml", "hidden_size: 64\nenc_layers: 1\n")
    write(tmp_path / "left.yaml", "base_config: ./root.yaml\nhidden_size: 128\n")
    write(tmp_path / "right.yaml", "base_config: ./root.yaml\nenc_layers: 9\n")
    config = load_config(write(tmp_path / "d.yaml", "base_config: [./left.yaml, ./right.yaml]\n"))
    # Applied a second time, the root would undo what the left side says.
    assert (config.hidden_size, config.enc_layers) == (128, 9)


@pytest.mark.parametrize("reference", ["./a.yaml", "a.yaml", "./sub/../a.yaml"])
def test_a_circle_of_bases_is_refused_however_the_path_is_written(
    tmp_path: Path, reference: str
) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "a.yaml", "base_config: ./b.yaml\n")
    write(tmp_path / "b.yaml", f"# a comment\nbase_config: {reference}\n")
    error = refused(tmp_path / "a.yaml")
    assert error.code == "config-cycle"
    assert error.where.endswith("b.yaml:2")
    assert "a.yaml -> b.yaml -> a.yaml" in error.message


def test_a_missing_base_is_reported_with_file_and_line(tmp_path: Path) -> None:
    error = refused(write(tmp_path / "a.yaml", "hidden_size: 8\nbase_config: ./no.yaml\n"))
    assert error.code == "config-base-not-found"
    assert error.where.endswith("a.yaml:2")


def test_an_experiment_folder_is_its_config(tmp_path: Path) -> None:
    write(tmp_path / "exp/config.yaml", "hidden_size: 48\n")
    assert load_config(tmp_path / "exp").hidden_size == 48


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"a: 1\nb:\n\tc: 2\n", "config-tab", 3),
        (b"a: 1\nb: [1, 2\nc: 3\n", "config-not-yaml", 3),
        (b"a: 1\nb: {c: 1}}\n", "config-not-yaml", 2),
        (b"- a\n- b\n", "config-not-a-map", 1),
        (b"just words\n", "config-not-a-map", 1),
        ("名: 1\n歌手: 声\n".encode("gbk"), "config-encoding", 1),
        ("a: 1\nname: ネコ\n".encode("shift-jis"), "config-encoding", 2),
        (b"a: 1\nb: \x00\x01\n", "config-not-yaml", 2),
        (b"a: 1\nb: !!python/object/apply:os.system [ls]\n", "config-not-yaml", 2),
        (b"a: 1\n---\nb: 2\n", "config-not-yaml", 2),
        (b"a: &a [*a]\n", "config-not-yaml", 1),
        (b"a: 2023-13-45\n", "config-not-yaml", None),
        (b"[" * 3000, "config-not-yaml", None),
        (b"base_config: {a: 1}\n", "config-invalid-value", None),
    ],
)
def test_a_broken_file_is_refused_with_file_line_and_cure(
    tmp_path: Path, content: bytes, code: str, line: int | None
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    error = refused(file)
    assert error.code == code
    assert "broken.yaml" in error.where
    if line is not None:
        assert error.where.endswith(f"broken.yaml:{line}")


def test_aliases_that_multiply_are_refused_instead_of_filling_memory(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    error = refused(write(tmp_path / "laughs.yaml", "\n".join(rows)))
    assert error.code == "config-not-yaml"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_not_become_part_of_the_first_key(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "bom.yaml").write_bytes("hidden_size: 56\n".encode(encoding))
    assert load_config(tmp_path / "bom.yaml").hidden_size == 56


def test_an_empty_file_is_an_empty_config(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "empty.yaml", "# nothing\n")).kind == "acoustic"


def test_a_missing_file_and_a_folder_are_refused_as_wrong_usage(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing.yaml").exit_code == 2
    assert refused(tmp_path).code == "config-not-found"


def test_an_impossible_value_names_key_line_and_meaning(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "optimizer_args:\n  lr: fast\n")
    error = refused(write(tmp_path / "a.yaml", "base_config: ./base.yaml\n"))
    assert error.code == "config-invalid-value"
    assert error.where.endswith("base.yaml:2")
    assert "optimizer_args.lr" in error.message and "a number" in error.message
    assert "Learning rate" in error.hint


def test_an_impossible_value_inside_a_list_names_its_place(tmp_path: Path) -> None:
    error = refused(
        write(tmp_path / "a.yaml", "datasets:\n  - speaker: a\n  - speaker: b\n    spk_id: x\n")
    )
    assert "datasets.1.spk_id" in error.message
    assert error.where.endswith("a.yaml:4")


def test_numbers_that_yaml_takes_for_texts_are_numbers(tmp_path: Path) -> None:
    # YAML 1.1 reads 6e-4 as a text, because it has no dot.
    config = load_config(write(tmp_path / "a.yaml", "optimizer_args: {lr: 6e-4}\n"))
    assert config.optimizer_args.lr == 6e-4


def test_null_means_absent_where_nothing_else_is_possible(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path / "a.yaml",
            "base_config: configs/acoustic.yaml\nextra_phonemes: null\nhidden_size:\n"
            "finetune_ckpt_path: null\ndatasets:\n  - {speaker: a, test_prefixes: null}\n",
        )
    )
    assert config.extra_phonemes == []
    assert config.hidden_size == 384
    assert config.datasets[0].test_prefixes == []
    assert config.to_dict()["finetune_ckpt_path"] is None


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path / "a.yaml",
            "one: &d {language: zh, speaker: a}\n"
            "datasets:\n  - {<<: *d, raw_data_dir: x}\n  - {<<: *d, raw_data_dir: y}\n",
        )
    )
    assert [(d.language, d.raw_data_dir) for d in config.datasets] == [("zh", "x"), ("zh", "y")]


def test_a_mapping_may_build_on_a_base_and_is_not_changed() -> None:
    mapping = {"base_config": "configs/variance.yaml", "melody_encoder_args": {"hidden_size": 8}}
    config = load_config(mapping)
    assert config.kind == "variance"
    assert config.to_dict()["melody_encoder_args"] == {"hidden_size": 8, "enc_layers": 4}
    assert mapping == {
        "base_config": "configs/variance.yaml",
        "melody_encoder_args": {"hidden_size": 8},
    }
