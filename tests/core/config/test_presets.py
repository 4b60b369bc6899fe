"""Presets load, say why, and fit the schema; the machine is found without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from singwiz.core.config import (
    detect_hardware,
    explain,
    list_hardware,
    list_presets,
    presets,
    reasons,
    recommended_preset,
)
from singwiz.core.errors import SingwizError

PAIRS = [
    (kind, preset.id, machine.id)
    for kind in ("acoustic", "variance", "vocoder")
    for preset in list_presets(kind)
    for machine in list_hardware()
]


def test_there_are_presets_for_every_purse() -> None:
    assert {"standard", "small", "tiny"} <= {preset.id for preset in list_presets("acoustic")}
    assert "standard" in {preset.id for preset in list_presets("variance")}
    assert {"standard", "fast", "small", "tiny"} == {p.id for p in list_presets("vocoder")}
    assert [machine.id for machine in list_hardware()] == [
        "cpu", "gpu-6gb", "gpu-8gb", "gpu-12gb", "gpu-24gb", "gpu-80gb"
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "preset", "machine"), PAIRS)
def test_every_value_of_a_preset_has_a_reason_and_a_key(
    kind: str, preset: str, machine: str
) -> None:
    for key, reason in reasons(kind, preset, machine).items():
        assert kind in explain(key).kinds, key
        assert reason.why.endswith(".") and len(reason.why) > 10, key
        assert reason.source


def test_a_cpu_gets_full_precision_and_the_cheap_optimizer() -> None:
    chosen = reasons("acoustic", "standard", "cpu")
    assert chosen["pl_trainer_precision"].value == "32-true"
    assert chosen["optimizer_args.optimizer_cls"].value == "torch.optim.AdamW"
    assert chosen["use_key_shift_embed"].value is False
    assert chosen["max_updates"].value <= 20000


def test_the_preset_has_the_last_word_unless_the_machine_insists() -> None:
    assert reasons("acoustic", "tiny", "cpu")["max_updates"].source == "Tiny"
    assert reasons("acoustic", "standard", "cpu")["use_key_shift_embed"].source == "No GPU"
    assert reasons("acoustic", "standard", "gpu-24gb")["use_key_shift_embed"].value is True


def test_larger_cards_get_larger_batches() -> None:
    frames = [
        machine.values_for("acoustic")["max_batch_frames"].value for machine in list_hardware()
    ]
    assert frames == sorted(frames)


def test_a_machine_without_a_strong_gpu_is_recommended_a_small_model() -> None:
    assert recommended_preset("acoustic", "cpu") == "small"
    assert recommended_preset("acoustic", "gpu-24gb") == "standard"


@pytest.mark.parametrize(
    ("listing", "machine"),
    [
        ("24564, 8.9\n", "gpu-24gb"),
        ("12288, 8.6\n", "gpu-12gb"),
        ("11264, 7.5\n", "gpu-8gb"),
        ("6144, 7.5\n", "gpu-6gb"),
        ("5926, 6.1\n", "gpu-6gb"),
        ("4096, 8.6\n", "cpu"),
        ("143771, 9.0\n", "gpu-80gb"),
        ("24576, 6.1\n", "gpu-8gb"),
        ("24564, 8.9\n8192, 8.6\n", "gpu-8gb"),
        ("[N/A], [N/A]\n", "cpu"),
        ("", "cpu"),
        ("NVIDIA-SMI has failed\n", "cpu"),
    ],
)
def test_the_weakest_gpu_decides_and_old_ones_get_no_bf16(listing: str, machine: str) -> None:
    assert presets.hardware_for_gpus(listing) == machine


def test_the_machine_is_asked_and_may_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(script: str) -> str:
        monkeypatch.setattr(presets, "_PROBE", [sys.executable, "-c", script])
        return detect_hardware()

    assert answer("print('12288, 8.6')") == "gpu-12gb"
    assert answer("print('12288, 8.6'); raise SystemExit(9)") == "cpu"
    monkeypatch.setattr(presets, "_PROBE_SECONDS", 0.2)
    assert answer("import time; time.sleep(60)") == "cpu"
    monkeypatch.setattr(presets, "_PROBE", ["there-is-no-such-program"])
    assert detect_hardware() == "cpu"


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(SingwizError, match="huge") as caught:
        reasons("acoustic", "huge", "cpu")
    assert "small" in caught.value.hint
    with pytest.raises(SingwizError, match="toaster") as caught:
        reasons("acoustic", "small", "toaster")
    assert "gpu-8gb" in caught.value.hint


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, singwiz.core.config as c; light = 'pydantic' not in sys.modules;"
        "c.load_config({}); c.generate_config; c.check_config; c.detect_hardware;"
        "heavy = {'torch', 'lightning', 'gradio', 'matplotlib', 'numpy'} & set(sys.modules);"
        "print(light, sorted(heavy))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split(maxsplit=1) == ["True", "[]\n"]
