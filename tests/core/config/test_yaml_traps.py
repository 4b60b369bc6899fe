"""Unquoted words that YAML turns into something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from singwiz.core.config import Config, check_config, load_config

TRAPS = [
    "001",
    "010",
    "12:30",
    "1_000",
    "no",
    "on",
    "Yes",
    "off",
    "~",
    "2023-01-02",
    "1.50",
    "0x1F",
]


def load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    return load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize("word", TRAPS)
def test_an_item_name_stays_as_written_and_is_warned_about(tmp_path: Path, word: str) -> None:
    config = load(
        tmp_path, f"datasets:\n  - speaker: a\n    test_prefixes:\n      - fine\n      - {word}\n"
    )
    assert config.datasets[0].test_prefixes == ["fine", word]
    traps = [f for f in config.loading_findings if f.code == "yaml-type-trap"]
    assert [trap.place.line for trap in traps] == [5]
    assert f"'{word}'" in traps[0].hint
    assert traps[0] in check_config(config)


def test_plain_numbers_become_texts_without_a_fuss(tmp_path: Path) -> None:
    config = load(tmp_path, "datasets:\n  - speaker: 12\n    test_prefixes: [1, 20]\n")
    assert config.datasets[0].speaker == "12"
    assert config.datasets[0].test_prefixes == ["1", "20"]
    assert config.loading_findings == ()


def test_norwegian_is_a_language_and_no_phoneme_becomes_a_truth_value(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "dictionaries: {no: nb.txt}\nextra_phonemes: [y, n, on]\n"
        "merged_phoneme_groups:\n  - [no/y, off]\n",
    )
    assert config.dictionaries == {"no": "nb.txt"}
    assert config.extra_phonemes == ["y", "n", "on"]
    assert config.merged_phoneme_groups == [["no/y", "off"]]
    symbols = {finding.place.symbol for finding in config.loading_findings}
    assert {"dictionaries", "extra_phonemes", "merged_phoneme_groups.0"} <= symbols


def test_a_key_given_twice_is_warned_about(tmp_path: Path) -> None:
    config = load(tmp_path, "hidden_size: 8\nenc_layers: 1\nhidden_size: 16\n")
    assert config.hidden_size == 16
    (finding,) = config.loading_findings
    assert (finding.code, finding.place.line) == ("config-duplicate-key", 3)


def test_numbers_and_switches_keep_their_yaml_meaning(tmp_path: Path) -> None:
    config = load(tmp_path, "use_spk_id: yes\nnum_spk: 0x10\npl_trainer_devices: 2\n")
    assert config.use_spk_id is True
    assert config.num_spk == 16
    assert config.pl_trainer_devices == 2
    assert config.loading_findings == ()
