"""Vocoder files: every container and naming, what does not fit, writing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from singwiz.core.errors import SingwizError
from singwiz.core.models import build_discriminators, build_model
from singwiz.core.vocoder_checkpoint import (
    find_vocoder,
    load_generator,
    load_vocoder_weights,
    read_vocoder_checkpoint,
    write_generator,
)

SMALL = {
    "resblock": "1",
    "upsample_rates": [4, 4, 2],
    "upsample_kernel_sizes": [8, 8, 4],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3, 5]],
    "num_mels": 8,
    "sampling_rate": 16000,
    "hop_size": 32,
    "n_fft": 128,
    "win_size": 128,
    "fmin": 40,
    "fmax": 8000,
}
FAMILIES = {"nsf": {}, "mini": {"mini_nsf": True}, "none": {}}
TRAINING = {
    "audio_sample_rate": 16000,
    "audio_num_mel_bins": 8,
    "fft_size": 128,
    "win_size": 128,
    "hop_size": 32,
    "fmin": 40,
    "fmax": 8000,
    "pc_aug": True,
}


def generator(excitation: str = "nsf") -> nn.Module:
    torch.manual_seed(3)
    return build_model("vocoder", {**SMALL, "excitation": excitation}).eval()


def save(path: Path, content: Any, config: dict[str, Any] | None = SMALL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    if config is not None:
        path.with_name("config.json").write_text(json.dumps(config))
    return path


def parametrised(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, value in state.items():
        name = name.replace("weight_g", "parametrizations.weight.original0")
        renamed[name.replace("weight_v", "parametrizations.weight.original1")] = value
    return renamed


def folded(module: nn.Module) -> dict[str, Tensor]:
    from copy import deepcopy

    from singwiz.core.models.vocoder.norms import fold_weight_norm

    return fold_weight_norm(deepcopy(module)).state_dict()


def prefixed(state: dict[str, Tensor], prefix: str = "generator.") -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


CONTAINERS: dict[str, tuple[str, Callable[[nn.Module], Any], str]] = {
    "exported": ("model.ckpt", lambda g: {"generator": g.state_dict()}, "export"),
    "older export": ("model", lambda g: {"generator": g.state_dict()}, "export"),
    "half precision": (
        "model.ckpt",
        lambda g: {"generator": {n: v.half() for n, v in g.state_dict().items()}},
        "export",
    ),
    "folded": ("model.ckpt", lambda g: {"generator": folded(g)}, "export"),
    "parametrised": ("a.ckpt", lambda g: {"generator": parametrised(g.state_dict())}, "export"),
    "HiFi-GAN": ("g_00005000", lambda g: {"generator": g.state_dict()}, "hifigan"),
    "training": (
        "model_ckpt_steps_200.ckpt",
        lambda g: {
            "state_dict": prefixed(g.state_dict()),
            "optimizer_states": [],
            "global_step": 200,
        },
        "training",
    ),
    "base": ("base.ckpt", lambda g: {"state_dict": prefixed(g.state_dict())}, "training"),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_sound(tmp_path: Path, container: str, family: str):
    name, content, kind = CONTAINERS[container]
    saved = generator(family)
    path = save(tmp_path / name, content(saved), {**SMALL, **FAMILIES[family]})
    checkpoint = read_vocoder_checkpoint(path)
    assert (checkpoint.kind, checkpoint.excitation) == (kind, family)
    loaded, config = load_generator(path)
    assert config["excitation"] == family
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    mel, f0 = torch.randn(1, 8, 6), torch.full((1, 6), 150.0)
    torch.manual_seed(0)
    expected = saved(mel, f0)
    torch.manual_seed(0)
    tolerance = 1e-3 if container == "half precision" else 1e-6
    torch.testing.assert_close(loaded(mel, f0), expected, atol=tolerance, rtol=1e-3)


def test_for_training_weights_keep_their_norm(tmp_path: Path):
    path = save(tmp_path / "model.ckpt", {"generator": folded(generator())})
    loaded, _ = load_generator(path, train=True)
    assert loaded.training and all(p.requires_grad for p in loaded.parameters())
    assert "conv_pre.weight_g" in loaded.state_dict()


def test_a_training_checkpoint_keeps_its_discriminators(tmp_path: Path):
    config = {"discriminators": ["fast_mrd", "mpd"], "discriminator_periods": [2]}
    sizes = {"fast_mrd_fft_sizes": [64], "fast_mrd_hop_sizes": [16], "fast_mrd_win_lengths": [64]}
    judges = build_discriminators({**config, **sizes})
    state = prefixed(generator().state_dict()) | prefixed(judges.state_dict(), "discriminator.")
    path = save(tmp_path / "model_ckpt_steps_4.ckpt", {"state_dict": state, "global_step": 4}, None)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**TRAINING, "model_args": SMALL}))
    checkpoint = read_vocoder_checkpoint(path)
    assert set(checkpoint.discriminators) == {"mrd", "mpd"}
    assert checkpoint.content == {"global_step": 4}
    for family, weights in checkpoint.discriminators.items():
        load_vocoder_weights(judges[family], weights)
    assert load_generator(path)[1]["pc_aug"] is True


def test_spectral_norm_loads_from_parametrised_names():
    conv = build_discriminators({"discriminators": ["msd"]})["msd"].discriminators[0].convs[0]
    state = conv.state_dict()
    names = {
        "weight_orig": "parametrizations.weight.original",
        "weight_u": "parametrizations.weight.0._u",
        "weight_v": "parametrizations.weight.0._v",
    }
    wanted = {name: torch.full_like(value, 0.5) for name, value in state.items()}
    load_vocoder_weights(conv, {names.get(name, name): v for name, v in wanted.items()})
    loaded = conv.state_dict()
    assert set(names) <= set(loaded)
    assert all(torch.equal(loaded[name], value) for name, value in wanted.items())


def test_hifigan_pairs_are_read_apart(tmp_path: Path):
    judges = build_discriminators({"discriminator_periods": [2], "discriminators": ["mpd"]})
    content = {"mpd": judges["mpd"].state_dict(), "optim_d": {}, "steps": 7, "epoch": 1}
    path = save(tmp_path / "do_00000007", content)
    checkpoint = read_vocoder_checkpoint(path)
    assert (checkpoint.kind, set(checkpoint.discriminators)) == ("hifigan", {"mpd"})
    assert checkpoint.content == {"optim_d": {}, "steps": 7, "epoch": 1}
    with pytest.raises(SingwizError) as caught:
        load_generator(path)
    assert "g_00000007" in caught.value.hint


def test_a_folder_stands_for_its_newest_vocoder(tmp_path: Path):
    for name in ("g_00000100", "g_00005000", "do_00005000"):
        save(tmp_path / "hifi" / name, {})
    for steps in (90, 1000):
        save(tmp_path / "train" / f"model_ckpt_steps_{steps}.ckpt", {})
    save(tmp_path / "nsf" / "model.ckpt", {})
    assert find_vocoder(tmp_path / "hifi").name == "g_00005000"
    assert find_vocoder(tmp_path / "train").name == "model_ckpt_steps_1000.ckpt"
    assert find_vocoder(tmp_path / "nsf").name == "model.ckpt"
    with pytest.raises(SingwizError, match="There is no vocoder"):
        find_vocoder(tmp_path)


@pytest.mark.parametrize(
    ("weights", "config"), [("mini", {}), ("nsf", {"mini_nsf": True}), ("none", {"mini_nsf": True})]
)
def test_weights_of_another_family_are_refused(
    tmp_path: Path, weights: str, config: dict[str, Any]
):
    path = save(
        tmp_path / "m.ckpt", {"generator": generator(weights).state_dict()}, {**SMALL, **config}
    )
    with pytest.raises(SingwizError, match="different vocoder families") as caught:
        load_generator(path)
    assert caught.value.code == "vocoder-family"


def test_what_does_not_fit_is_counted_and_named(tmp_path: Path):
    state = generator().state_dict()
    del state["conv_pre.bias"]
    state["conv_post.weight_v"] = torch.zeros(1, 3, 7)
    state["surprise"] = torch.zeros(1)
    path = save(tmp_path / "model.ckpt", {"generator": state})
    with pytest.raises(SingwizError) as caught:
        load_generator(path)
    assert caught.value.code == "vocoder-does-not-fit"
    said = caught.value.message
    assert "1 missing: conv_pre.bias" in said
    assert "1 unexpected: surprise" in said
    assert "1 of another size: conv_post.weight_v (1×3×7 instead of 1×2×7)" in said


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("/tmp/evil-was-run"),))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"generator": Evil()}, "vocoder-unreadable"),
        ([1, 2], "vocoder-without-weights"),
        ({"optimizer": {}}, "vocoder-without-weights"),
        ({"generator": {"a": 1}}, "vocoder-without-weights"),
        ({"state_dict": {"model.fs2.weight": torch.zeros(1)}}, "vocoder-without-weights"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, code: str):
    path = save(tmp_path / "model.ckpt", content)
    with pytest.raises(SingwizError) as caught:
        read_vocoder_checkpoint(path)
    assert caught.value.code == code


def test_damaged_and_missing_files_are_refused(tmp_path: Path):
    (tmp_path / "model.ckpt").write_bytes(b"PK\x03\x04 torn")
    for name, code in (("model.ckpt", "vocoder-unreadable"), ("none.ckpt", "vocoder-missing")):
        with pytest.raises(SingwizError) as caught:
            read_vocoder_checkpoint(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "vocoder-config-missing"),
        ("{", "vocoder-config-damaged"),
        ("[]", "vocoder-config-damaged"),
        (json.dumps({**SMALL, "hop_size": 64}), "vocoder-config"),
        ("{}", "vocoder-config"),
    ],
)
def test_a_config_that_is_no_config_is_named(tmp_path: Path, text: str | None, code: str):
    path = save(tmp_path / "model.ckpt", {"generator": generator().state_dict()}, None)
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(SingwizError) as caught:
        load_generator(path)
    assert caught.value.code == code


@pytest.mark.parametrize("family", FAMILIES)
def test_a_written_vocoder_is_what_everybody_reads(tmp_path: Path, family: str):
    saved = generator(family)
    write_generator(tmp_path / "out/model.ckpt", saved, {**TRAINING, "model_args": SMALL})
    content = torch.load(tmp_path / "out/model.ckpt", weights_only=True)
    assert set(content) == {"generator"}
    assert list(content["generator"]) == list(saved.state_dict())
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert {name: config[name] for name in SMALL} == SMALL
    assert (config["mini_nsf"], config["pc_aug"], config["noise_sigma"]) == (
        family == "mini",
        True,
        0.0,
    )
    assert "excitation" not in config
    # A loaded vocoder is folded; written again it has the old names and the same weights.
    loaded, keys = load_generator(tmp_path / "out/model.ckpt")
    write_generator(tmp_path / "again/model.ckpt", loaded, keys)
    again = torch.load(tmp_path / "again/model.ckpt", weights_only=True)["generator"]
    assert set(again) == set(content["generator"])
    once, twice = (load_generator(tmp_path / f"{name}/model.ckpt")[0] for name in ("out", "again"))
    for (name, one), other in zip(once.named_parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)


def test_a_failed_write_leaves_the_old_vocoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "model.ckpt"
    write_generator(path, generator(), SMALL)
    before = [file.read_bytes() for file in sorted(tmp_path.iterdir())]

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(SingwizError) as caught:
        write_generator(path, generator("mini"), SMALL)
    assert caught.value.code == "vocoder-unwritable"
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == before
