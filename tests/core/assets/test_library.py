"""The shared folder of fetched files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from singwiz.core.assets import Library, read_catalogue
from singwiz.core.errors import SingwizError


def zipped(**members: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return memory.getvalue()


VOCODER = zipped(pc__model_dot_ckpt=b"weights", pc__config_dot_json=b"{}", pc__NOTICE=b"by us")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "assets")


def test_a_fetched_archive_is_unpacked_checked_and_recorded(site, library):
    site.files["/v.zip"] = VOCODER
    seen = []

    def check(asset, main):
        seen.append((asset.name, main.read_bytes(), (main.parent / "config.json").read_bytes()))
        return {"sample rate": 44100}

    got = library.fetch("pc-nsf-hifigan", url=site.url("/v.zip"), check=check)
    assert seen == [("pc-nsf-hifigan", b"weights", b"{}")]
    assert got.main == library.folder / "pc-nsf-hifigan" / "model.ckpt"
    assert got.licence == "CC BY-NC-SA 4.0"
    assert got.source == site.url("/v.zip")
    assert got.facts == {"sample rate": 44100}
    assert (got.main.parent / "NOTICE").read_bytes() == b"by us"
    assert library.installed() == {"pc-nsf-hifigan": got}
    assert library.first_of("vocoder") == got
    assert library.first_of("pitch") is None
    assert not [path for path in library.folder.iterdir() if path.name.startswith(".new")]
    assert not list((library.folder / ".downloads").iterdir())


def test_a_file_that_fails_the_check_leaves_what_was_there(site, library):
    site.files["/v.zip"] = VOCODER
    url = site.url("/v.zip")
    before = library.fetch("pc-nsf-hifigan", url=url)

    def check(asset, main):
        raise SingwizError("wrong", "no vocoder")

    with pytest.raises(SingwizError, match="no vocoder"):
        library.fetch("pc-nsf-hifigan", url=url, check=check)
    assert library.get("pc-nsf-hifigan") == before


def test_a_file_that_changed_on_the_server_is_refused_until_accepted(site, library):
    site.files["/v.zip"] = VOCODER
    url = site.url("/v.zip")
    library.fetch("pc-nsf-hifigan", url=url)
    site.files["/v.zip"] = zipped(model_dot_ckpt=b"other", config_dot_json=b"{}")
    with pytest.raises(SingwizError) as refusal:
        library.fetch("pc-nsf-hifigan", url=url)
    assert refusal.value.code == "asset-changed"
    assert library.get("pc-nsf-hifigan").main.read_bytes() == b"weights"
    got = library.fetch("pc-nsf-hifigan", url=url, accept_changed=True)
    assert got.main.read_bytes() == b"other"
    assert library.fetch("pc-nsf-hifigan", url=url).main.read_bytes() == b"other"


def test_weights_without_their_config_are_refused(site, library):
    site.files["/v.zip"] = zipped(model_dot_ckpt=b"weights")
    with pytest.raises(SingwizError) as refusal:
        library.fetch("pc-nsf-hifigan", url=site.url("/v.zip"))
    assert refusal.value.code == "asset-incomplete"
    assert library.installed() == {}


def test_a_plain_file_from_the_browser_is_added_with_what_lies_beside_it(tmp_path, library):
    (tmp_path / "download").mkdir()
    weights = tmp_path / "download" / "my model.ckpt"
    weights.write_bytes(b"weights")
    (tmp_path / "download" / "config.json").write_bytes(b"{}")
    got = library.add("nsf-hifigan-2024", weights)
    assert got.main.name == "my model.ckpt"
    assert (got.main.parent / "config.json").is_file()
    assert weights.read_bytes() == b"weights"
    assert library.add("nsf-hifigan-2024", tmp_path / "download").main.read_bytes() == b"weights"


def test_a_folder_without_weights_is_refused(tmp_path, library):
    with pytest.raises(SingwizError) as refusal:
        library.add("rmvpe", tmp_path)
    assert refusal.value.code == "asset-incomplete"


def test_a_record_cannot_point_out_of_its_folder(library):
    folder = library.folder / "rmvpe"
    folder.mkdir(parents=True)
    (folder / "asset.json").write_text(
        '{"name": "rmvpe", "kind": "pitch", "licence": "", "attribution": "", "source": "",'
        ' "sha256": "", "date": "", "facts": {}, "main": "../../secret"}'
    )
    (library.folder.parent / "secret").write_text("x")
    assert library.get("rmvpe") is None


def test_a_removed_asset_is_gone(tmp_path, library):
    (tmp_path / "model.pt").write_bytes(b"x")
    library.add("rmvpe", tmp_path / "model.pt")
    assert library.remove("rmvpe")
    assert library.installed() == {}
    assert not library.remove("rmvpe")


def test_every_entry_names_its_terms_and_an_encrypted_address():
    for asset in read_catalogue().values():
        assert asset.licence and asset.attribution and asset.why
        assert asset.url.startswith("https://") and asset.page.startswith("https://")


def test_an_unknown_name_lists_the_known_ones(library):
    with pytest.raises(SingwizError) as refusal:
        library.fetch("nsf")
    assert "pc-nsf-hifigan" in refusal.value.hint
