"""Projects and their surroundings, each broken in one way."""

from __future__ import annotations

import json

import numpy as np

from .scene import PH_DUR, Scene, breaks


@breaks("consent-missing")
def _(scene: Scene) -> None:
    scene.project.state.consent = False


@breaks("recordings-little")
def _(scene: Scene) -> None:
    scene.limits["total_min"] = 1800


@breaks("speaker-little")
def _(scene: Scene) -> None:
    another(scene)
    scene.limits["speaker_min"] = 300


@breaks("speakers-unbalanced")
def _(scene: Scene) -> None:
    another(scene)
    scene.limits["speaker_ratio"] = 1


def another(scene: Scene) -> None:
    """A second speaker with two recordings."""
    other = Scene(scene.root / "other")
    other.rows.clear()
    for k in range(2):
        other.row(f"song{k}_a", 300.0 + k, dur=(0.25, *PH_DUR[1:-1], 0.4 + 0.01 * k))
    other.write()
    other.wav("song2_a").unlink()
    scene.project.add_recordings(other.raw, speaker="ren", language="ja", name="second")


def keep(scene: Scene, *rules: str) -> None:
    scene.project.state.datasets[0].test_prefixes = list(rules)


@breaks("validation-empty")
def _(scene: Scene) -> None:
    keep(scene, "songs")


@breaks("training-empty")
def _(scene: Scene) -> None:
    keep(scene, "song")


@breaks("validation-large")
def _(scene: Scene) -> None:
    scene.limits["validation_share"] = 0.1
    keep(scene, "song0_a", "song1_a")


@breaks("validation-speaker-missing")
def _(scene: Scene) -> None:
    another(scene)
    for entry, rules in zip(scene.project.state.datasets, (["song0_a"], ["none"]), strict=True):
        entry.test_prefixes = rules


@breaks("validation-rule-broad")
def _(scene: Scene) -> None:
    for k in range(21):
        dur = (round(0.2 + 0.01 * k, 2), *PH_DUR[1:])
        scene.row(f"etude{k:02d}", 200.0 + 5 * k, dur=dur)
    scene.write()
    keep(scene, "etude")


@breaks("validation-rule-unmatched")
def _(scene: Scene) -> None:
    keep(scene, "song0_a", "sonng1_a")


@breaks("validation-leak")
def _(scene: Scene) -> None:
    scene.row("ballad_01", 230.0, dur=(0.3, *PH_DUR[1:]))
    scene.row("ballad_02", 235.0, dur=(0.35, *PH_DUR[1:]))
    scene.write()
    keep(scene, "ballad_02")


@breaks("validation-copy")
def _(scene: Scene) -> None:
    scene.row("copy", 240.0)
    scene.write()
    keep(scene, "copy")


@breaks("batch-too-small")
def _(scene: Scene) -> None:
    scene.model(max_batch_frames=100)


@breaks("binary-stale")
def _(scene: Scene) -> None:
    folder = scene.project.binary_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "binarize.json").write_text('{"config_hash": "that of another config"}')


@breaks("binary-incomplete")
def _(scene: Scene) -> None:
    folder = scene.project.binary_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "train.data").write_bytes(b"")


@breaks("saved-config-differs")
def _(scene: Scene) -> None:
    folder = scene.project.experiment_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("hop_size: 256\n")


@breaks("path-not-writable")
def _(scene: Scene) -> None:
    scene.project.renders_dir.write_text("a file where a folder should be")


@breaks("path-long")
def _(scene: Scene) -> None:
    scene.limits["path_length"] = 60


@breaks("path-cloud")
def _(scene: Scene) -> None:
    cloud = scene.root / "OneDrive - Home"
    scene.project.root.rename(cloud)
    scene.project.root = cloud


@breaks("path-relative")
def _(scene: Scene) -> None:
    scene.project.state.datasets[0].raw_data_dir = "raw"


@breaks("disk-space-low")
def _(scene: Scene) -> None:
    scene.limits["disk_factor"] = 1e12


@breaks("workers-many")
def _(scene: Scene) -> None:
    scene.model(binarization_args__num_workers=4000)


@breaks("workers-gpu")
def _(scene: Scene) -> None:
    weights = scene.root / "rmvpe.pt"
    weights.write_bytes(b"weights")
    scene.model(pe="rmvpe", pe_ckpt=str(weights), binarization_args__num_workers=2)


@breaks("batch-memory")
def _(scene: Scene) -> None:
    from singwiz.core.config import list_hardware
    from singwiz.core.jobs.checking import current_config
    from singwiz.core.jobs.environment import check_batches
    from singwiz.core.jobs.stages import open_datasets

    scene.model(max_batch_frames=200000, pl_trainer_accelerator="auto")
    config = current_config(scene.project, "acoustic", open_datasets(scene.project))
    small = next(machine for machine in list_hardware() if machine.memory)
    scene.extra += check_batches("acoustic", config, small)


def prepared(scene: Scene, **curves: np.ndarray) -> None:
    """Prepared data of one item that is all vowel."""
    from singwiz.core.binarize.storage import BinaryWriter

    folder = scene.project.binary_dir("acoustic")
    folder.mkdir(parents=True)
    (folder / "phonemes.json").write_text(json.dumps({"a": 1}))
    frames = 100
    with BinaryWriter(folder, "train") as writer:
        fields = {
            "spk_id": 0,
            "tokens": np.array([1]),
            "mel2ph": np.ones(frames, np.int64),
            "f0": np.full(frames, 220.0, np.float32),
            **curves,
        }
        writer.add(fields, length=frames, meta={"names": "song0_a"})


@breaks("curve-not-finite")
def _(scene: Scene) -> None:
    prepared(scene, tension=np.full(100, np.nan, np.float32))


@breaks("curve-constant")
def _(scene: Scene) -> None:
    prepared(scene, tension=np.zeros(100, np.float32))


@breaks("curve-breathy")
def _(scene: Scene) -> None:
    wave = np.sin(np.arange(100)).astype(np.float32)
    prepared(scene, breathiness=wave - 20, voicing=wave - 40)
