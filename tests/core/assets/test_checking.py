"""Fetched files are loaded before they are kept: real networks in the community's containers."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from singwiz.core.assets import Library
from singwiz.core.errors import SingwizError
from singwiz.core.jobs.fetching import add_asset, fetch_asset
from singwiz.core.models import build_model

VOCODER: dict[str, Any] = {
    "resblock": "2",
    "upsample_rates": [8, 8, 8],
    "upsample_kernel_sizes": [16, 16, 16],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 2]],
    "num_mels": 128,
    "sampling_rate": 44100,
    "hop_size": 512,
    "n_fft": 2048,
    "win_size": 2048,
    "fmin": 40,
    "fmax": 16000,
    "mini_nsf": True,
    "pc_aug": True,
}
SEPARATOR = {"n_fft": 128, "hop_length": 32, "n_out": 8, "n_out_lstm": 8, "is_mono": True}


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def zipped(**files: bytes | str) -> bytes:
    """An archive as the releases have it: everything in a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr("release/" + name.replace("__", "."), content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def generator() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build_model("vocoder", VOCODER).state_dict()


@pytest.fixture(scope="module")
def separator() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build_model("vr", SEPARATOR).state_dict()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "shared")


def kept(library: Library) -> list[str]:
    """Everything that lies in the library."""
    return [str(path.relative_to(library.folder)) for path in library.folder.rglob("*.*")]


def refused(site: Any, library: Library, name: str, path: str, content: bytes) -> SingwizError:
    site.files[path] = content
    with pytest.raises(SingwizError) as caught:
        fetch_asset(name, url=site.url(path), library=library)
    assert (
        kept(library)
        == ["pins.json"] * (library.folder / "pins.json").exists()
        + [".downloads"] * (library.folder / ".downloads").exists()
    )
    assert not library.installed()
    return caught.value


def test_a_vocoder_is_loaded_and_its_spectrogram_is_told(site, library, generator):
    archive = zipped(model__ckpt=saved({"generator": generator}), config__json=json.dumps(VOCODER))
    site.files["/voc.zip"] = archive
    site.break_after = [len(archive) // 2]
    got = fetch_asset("pc-nsf-hifigan", url=site.url("/voc.zip"), library=library)
    assert len(site.asked) == 2, "the broken transfer was continued"
    assert got.main.is_file()
    assert got.facts["family"] == "a pitch-controllable (mini) NSF-HiFiGAN"
    assert (got.facts["sampling_rate"], got.facts["num_mels"]) == (44100, 128)
    assert got.facts["pitch_controllable"] is True
    assert got.facts["fits"] == "the usual spectrograms"
    # What was told is remembered.
    assert library.get("pc-nsf-hifigan") == got


def test_a_vocoder_for_other_spectrograms_says_how_they_differ(library, generator, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.ckpt").write_bytes(saved({"generator": generator}))
    (folder / "config.json").write_text(json.dumps(VOCODER | {"fmin": 0}))
    got = add_asset("nsf-hifigan-2024", folder, library=library)
    assert got.facts["fits"] == "fmin is 40, the vocoder's fmin 0"


def test_a_base_needs_its_discriminators(site, library, generator):
    judge = {"discriminator.msd.a": torch.zeros(1), "discriminator.mpd.a": torch.zeros(1)}
    whole = {f"generator.{name}": value for name, value in generator.items()} | judge
    site.files["/base.ckpt"] = saved({"state_dict": whole, "global_step": 5})
    got = fetch_asset("pc-nsf-hifigan-base", url=site.url("/base.ckpt"), library=library)
    assert got.facts["discriminators"] == "mpd, msd"
    assert got.facts["num_mels"] == 128
    library.remove("pc-nsf-hifigan-base")
    alone = refused(
        site, library, "pc-nsf-hifigan-base", "/alone.ckpt", saved({"generator": generator})
    )
    assert alone.code == "asset-no-base"


def test_a_separator_is_loaded_with_its_settings(site, library, separator):
    settings = yaml.safe_dump(SEPARATOR)
    site.files["/vr.zip"] = zipped(model__pt=saved(separator), config__yaml=settings)
    got = fetch_asset("vr", url=site.url("/vr.zip"), library=library)
    assert got.facts["network"] == "VR"
    assert (got.facts["n_fft"], got.facts["hop_length"]) == (128, 32)


def test_rmvpe_is_loaded(library, tmp_path):
    with torch.device("meta"):
        shapes = build_model("rmvpe", {}).state_dict()
    # Half precision and zeros: the real names and sizes without their weight.
    weights = {
        name: torch.zeros(value.shape, dtype=torch.half if value.is_floating_point() else None)
        for name, value in shapes.items()
    }
    torch.save({"model": weights}, tmp_path / "rmvpe.pt")
    got = add_asset("rmvpe", tmp_path / "rmvpe.pt", library=library)
    assert got.facts["network"] == "RMVPE"
    assert int(str(got.facts["parameters"])) > 10_000_000


def test_a_web_page_instead_of_the_file_is_recognised(site, library):
    page = b"\n<!DOCTYPE html><html><body>Sign in to continue</body></html>"
    for name in ("pc-nsf-hifigan", "rmvpe"):
        error = refused(site, library, name, "/release.zip", page)
        assert error.code == "asset-web-page"
        assert "browser" in error.hint


def test_an_archive_without_its_end_is_recognised(site, library, generator):
    archive = zipped(model__ckpt=saved({"generator": generator}), config__json="{}")
    error = refused(site, library, "pc-nsf-hifigan", "/voc.zip", archive[: len(archive) // 2])
    assert error.code == "archive-damaged"
    weights = saved({"generator": generator})
    error = refused(site, library, "rmvpe", "/model.pt", weights[:-400])
    assert error.code == "archive-damaged"


def test_weights_of_another_kind_are_refused(site, library, generator, separator):
    vocoder = zipped(model__ckpt=saved({"generator": generator}), config__json=json.dumps(VOCODER))
    assert (
        refused(site, library, "rmvpe", "/a.pt", saved({"model": generator})).code
        == "network-does-not-fit"
    )
    other = zipped(model__ckpt=saved(separator), config__json=json.dumps(VOCODER))
    assert refused(site, library, "pc-nsf-hifigan", "/b.zip", other).code.startswith("vocoder-")
    # The right family of file, but there are no weights of a separator in it.
    assert refused(site, library, "vr", "/c.zip", vocoder).code == "asset-incomplete"


def test_a_refused_file_leaves_the_earlier_one_in_place(site, library, generator):
    archive = zipped(model__ckpt=saved({"generator": generator}), config__json=json.dumps(VOCODER))
    site.files["/voc.zip"] = archive
    got = fetch_asset("pc-nsf-hifigan", url=site.url("/voc.zip"), library=library)
    site.files["/new.zip"] = b"<html></html>"
    with pytest.raises(SingwizError):
        fetch_asset("pc-nsf-hifigan", url=site.url("/new.zip"), library=library)
    assert library.get("pc-nsf-hifigan") == got
