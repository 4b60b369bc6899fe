"""Names in configs lead to what was fetched, and to nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch import nn

from singwiz.core.assets import Library, is_usual, network_file, stand_in
from singwiz.core.assets.library import ENVIRONMENT
from singwiz.core.config import check_config, load_config
from singwiz.core.errors import SingwizError
from singwiz.core.features.pitch import pitch_extractor
from singwiz.core.features.separation import separator
from singwiz.core.jobs.configuring import name_stand_ins
from singwiz.core.reporting import Reporter
from singwiz.core.training.vocoder.experiment import load_finetune_base

PITCH = "checkpoints/rmvpe/model.pt"
OLD = "checkpoints/nsf_hifigan_44.1k_hop512_128bin_2024.02/model.ckpt"


class Heard(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def log(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "shared"))
    monkeypatch.chdir(tmp_path)
    return Library()


def install(library: Library, name: str, kind: str, file: str) -> Path:
    folder = library.folder / name
    folder.mkdir(parents=True)
    (folder / file).write_bytes(b"weights")
    record = {"name": name, "kind": kind, "licence": "L", "attribution": "A", "source": "",
              "sha256": "", "date": "2026-01-01", "main": file, "facts": {}}  # fmt: skip
    (folder / "asset.json").write_text(json.dumps(record))
    return folder / file


def test_a_usual_name_means_the_fetched_file(library, tmp_path):
    assert network_file(PITCH, tmp_path, "pitch") is None
    main = install(library, "rmvpe", "pitch", "model.pt")
    for named in (PITCH, f"/elsewhere/{PITCH}", "D:\\voices\\checkpoints\\rmvpe\\model.pt", ""):
        assert network_file(named, tmp_path, "pitch") == main, named
    own = tmp_path / PITCH
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    assert network_file(PITCH, tmp_path, "pitch") == own, "what lies at its place comes first"


def test_a_name_of_the_users_own_is_never_replaced(library, tmp_path):
    install(library, "rmvpe", "pitch", "model.pt")
    assert network_file("my/rmvpe.pt", tmp_path, "pitch") is None
    assert not is_usual("vocoder", "my/model.ckpt")
    assert stand_in("vocoder", OLD) is None, "RMVPE is no vocoder"


def test_a_vocoder_stands_in_for_another_only_if_the_meant_one_is_not_here(library):
    best = install(library, "pc-nsf-hifigan", "vocoder", "model.ckpt")
    found = stand_in("vocoder", OLD)
    assert found is not None and found.main == best
    meant = install(library, "nsf-hifigan-2024", "vocoder", "model.ckpt")
    found = stand_in("vocoder", OLD)
    assert found is not None and found.main == meant


def test_extractors_look_in_the_library_and_say_how_to_get_what_is_missing(library, tmp_path):
    settings = SimpleNamespace(
        pe="rmvpe", pe_ckpt=PITCH, f0_min=65.0, f0_max=1100.0,
        hnsep="vr", hnsep_ckpt="checkpoints/vr/model.pt", fft_size=2048,
    )  # fmt: skip
    for make, name in ((pitch_extractor, "rmvpe"), (separator, "vr")):
        with pytest.raises(SingwizError) as missing:
            make(settings, base_dir=tmp_path)
        assert f"singwiz assets get {name}" in missing.value.hint
    main = install(library, "rmvpe", "pitch", "model.pt")
    with pytest.raises(SingwizError) as damaged:
        pitch_extractor(settings, base_dir=tmp_path)
    assert damaged.value.where == str(main), "it was the fetched file that was read"


def test_a_config_with_a_usual_name_is_sound_once_the_file_is_fetched(library, tmp_path):
    config = load_config({"base_config": ["configs/acoustic.yaml"]}, overrides={"pe": "rmvpe"})

    def codes() -> set[str]:
        return {finding.code for finding in check_config(config)}

    assert "config-file-missing" in codes()
    main = install(library, "rmvpe", "pitch", "model.pt")
    assert "config-file-missing" not in codes()
    heard = Heard()
    name_stand_ins(config, heard)
    assert [str(main) in line and PITCH in line for line in heard.said] == [True]


def test_a_vocoder_to_start_from_that_got_lost_is_an_error_although_another_was_fetched(
    library, tmp_path
):
    install(library, "pc-nsf-hifigan-base", "vocoder-base", "base.ckpt")
    tuning = {"base_config": ["configs/ft_hifigan.yaml"], "data_input_path": ["a"]}

    def missing(**changes: object) -> list[str]:
        config = load_config(tuning, overrides=changes)
        found = check_config(config, base_dir=tmp_path)
        return [one.place.symbol for one in found if one.code == "config-file-missing"]

    assert missing() == [], "the name in everybody's configs means the fetched one"
    for own in ("mine.ckpt", ""):
        assert missing(finetune_ckpt_path=own) == ["finetune_ckpt_path"], own
        options = load_config(tuning, overrides={"finetune_ckpt_path": own}).to_dict()
        with pytest.raises(SingwizError) as caught:
            load_finetune_base(nn.Module(), options, Heard())
        assert "finetune_ckpt_path" in caught.value.hint
    (tmp_path / "mine.ckpt").write_bytes(b"weights")
    assert missing(finetune_ckpt_path="mine.ckpt") == []
