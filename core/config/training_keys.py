"""Config keys about the vocoder, training, hardware and checkpoints."""

from __future__ import annotations

from typing import Any

from .section import OpenSection, Section, key

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "16-true", "bf16-true", "64-true", "32", "16")


class OptimizerArgs(OpenSection):
    """The optimizer; further keys go to its constructor."""

    optimizer_cls: str = key(
        "Optimizer: Muon_AdamW learns fastest on a GPU, torch.optim.AdamW is cheap on a CPU.",
        stage="t",
        kinds="AVW",
        level="Z",
    )
    lr: float = key("Learning rate at the start.", stage="t", kinds="AVW", level="r", low=0)
    beta1: float | None = key(
        "First momentum of AdamW.", stage="t", kinds="AVW", default=None, low=0, high=1
    )
    beta2: float | None = key(
        "Second momentum of AdamW.", stage="t", kinds="AVW", default=None, low=0, high=1
    )
    weight_decay: float | None = key(
        "How strongly weights are pulled to zero.", stage="t", kinds="AVW", default=None, low=0
    )
    muon_args: dict[str, Any] | None = key(
        "Settings of the Muon half of Muon_AdamW.", stage="t", kinds="AVW", default=None
    )
    adamw_args: dict[str, Any] | None = key(
        "Settings of the AdamW half of Muon_AdamW.", stage="t", kinds="AVW", default=None
    )


class LrSchedulerArgs(OpenSection):
    """The learning-rate schedule; further keys go to its constructor."""

    scheduler_cls: str = key("Schedule of the learning rate.", stage="t", kinds="AVW", level="X")
    step_size: int | None = key(
        "The learning rate drops after this many steps.",
        stage="t",
        level="r",
        unit="steps",
        default=None,
        low=1,
    )
    gamma: float | None = key(
        "Factor of each drop of the learning rate.",
        stage="t",
        kinds="AVW",
        level="r",
        default=None,
        low=0,
        high=1,
    )


class StrategyArgs(OpenSection):
    """How several GPUs work together; further keys go to the strategy."""

    name: str = key(
        "Strategy; 'auto' chooses, 'ddp' for several GPUs.", stage="t", kinds="AVW", level="Z"
    )
    process_group_backend: str | None = key(
        "How GPUs talk to each other; gloo where nccl does not work.",
        stage="t",
        kinds="AVW",
        default=None,
    )
    find_unused_parameters: bool | None = key(
        "Allow parts of the model that take no part in a step.",
        stage="t",
        kinds="AVW",
        default=None,
    )


class TrainingKeys(Section):
    """Top-level keys about vocoder, training and hardware."""

    vocoder: str = key(
        "Type of the vocoder that turns spectrograms into sound.", stage="pti", kinds="A"
    )
    vocoder_ckpt: str = key(
        "File of the vocoder's weights, with config.json beside it. Empty = singwiz's preview "
        "vocoder, which needs no file.",
        stage="pti",
        kinds="A",
        place=True,
    )
    val_with_vocoder: bool = key(
        "Render sound at every validation, not only pictures.", stage="t", kinds="A"
    )
    mel_vmin: float = key(
        "Darkest value of spectrogram pictures.", stage="t", level="X", kinds="AW"
    )
    mel_vmax: float = key(
        "Brightest value of spectrogram pictures.", stage="t", level="X", kinds="AW"
    )
    num_valid_plots: int = key(
        "How many validation items are rendered and drawn each time.",
        stage="t",
        kinds="AVW",
        level="r",
        low=0,
    )
    optimizer_args: OptimizerArgs = key("The optimizer.", stage="t", level="r")
    lr_scheduler_args: LrSchedulerArgs = key(
        "The schedule of the learning rate.", stage="t", kinds="AVW", level="r"
    )
    clip_grad_norm: float = key("Limit on a single learning step.", stage="t", level="X", low=0)
    accumulate_grad_batches: int = key(
        "Collect this many batches for one learning step; helps a small GPU.",
        stage="t",
        level="r",
        low=1,
    )
    max_batch_frames: int = key(
        "How much sound goes into one batch on each GPU; lower it when memory runs out.",
        stage="t",
        level="r",
        unit="frames",
        low=1,
    )
    max_batch_size: int = key(
        "How many recordings go into one batch on each GPU.", stage="t", level="r", low=1
    )
    max_val_batch_frames: int = key(
        "The same limit for validation; -1 = as in training.", stage="t", unit="frames", low=-1
    )
    max_val_batch_size: int = key(
        "Recordings in one validation batch; -1 = as in training.", stage="t", low=-1
    )
    dataset_size_key: str = key("What counts as the size of an item.", stage="t", level="X")
    sort_by_len: bool = key(
        "Put recordings of similar length into one batch.", stage="t", level="X"
    )
    sampler_frame_count_grid: int = key(
        "Lengths closer than this count as equal when batches are mixed.",
        stage="t",
        unit="frames",
        low=1,
    )
    ds_workers: int = key(
        "Processes that load training data; 0 = load in the training process.",
        stage="t",
        kinds="AVW",
        low=0,
    )
    dataloader_prefetch_factor: int = key(
        "Batches each loading process prepares ahead.", stage="t", kinds="AVW", low=1
    )
    log_interval: int = key(
        "Losses are written every so many steps.", stage="t", kinds="AVW", unit="steps", low=1
    )
    val_check_interval: int = key(
        "Validate and save a checkpoint every so many steps.",
        stage="t",
        kinds="AVW",
        level="r",
        unit="steps",
        low=1,
    )
    num_sanity_val_steps: int = key(
        "Validation batches tried before training starts.",
        stage="t",
        kinds="AVW",
        level="Z",
        low=-1,
    )
    max_updates: int = key(
        "Training ends after this many steps.",
        stage="t",
        kinds="AVW",
        level="r",
        unit="steps",
        low=1,
    )
    num_ckpt_keep: int = key(
        "How many of the newest checkpoints stay; -1 = all.", stage="t", kinds="AVW", low=-1
    )
    permanent_ckpt_start: int = key(
        "From this step on some checkpoints are kept for good; 0 = none.",
        stage="t",
        kinds="AVW",
        unit="steps",
        low=0,
    )
    permanent_ckpt_interval: int = key(
        "Distance between checkpoints kept for good; values below 10 switch this off.",
        stage="t",
        kinds="AVW",
        unit="steps",
        low=-1,
    )
    pl_trainer_accelerator: str = key(
        "What to train on: auto, cpu, gpu.", stage="t", kinds="AVW", level="X"
    )
    pl_trainer_devices: str | int | list[int] = key(
        "Which or how many devices: auto, a number, or a list.", stage="t", kinds="AVW", level="X"
    )
    pl_trainer_precision: str = key(
        "Number format of training: 32-true on a CPU, bf16-mixed on GPUs that know it, "
        "16-mixed on older ones.",
        stage="t",
        kinds="AVW",
        choices=PRECISIONS,
    )
    pl_trainer_num_nodes: int = key(
        "How many computers train together.", stage="t", kinds="AVW", level="Z", low=1
    )
    pl_trainer_strategy: StrategyArgs = key(
        "How several GPUs work together.", stage="t", kinds="AVW"
    )
    nccl_p2p: bool = key(
        "Let GPUs exchange data directly; switch off if training hangs at the start.",
        stage="t",
        kinds="AVW",
    )
    finetune_enabled: bool = key(
        "Start from the weights of another voice.", stage="t", kinds="AVW", default=False
    )
    finetune_ckpt_path: str | None = key(
        "Checkpoint of that voice.", stage="t", kinds="AVW", default=None
    )
    finetune_ignored_params: list[str] = key(
        "Parts of that voice that are learned anew.", stage="t", kinds="AVW", default=[]
    )
    finetune_strict_shapes: bool = key(
        "Stop if a part of that voice has another size, instead of skipping it.",
        stage="t",
        kinds="AVW",
    )
    freezing_enabled: bool = key(
        "Keep parts of the model as they are while learning.", stage="t", kinds="AVW", default=False
    )
    frozen_params: list[str] = key("Those parts.", stage="t", kinds="AVW", default=[])
    seed: int = key(
        "Starting number of all random draws; the same number repeats a training.",
        stage="pt",
        kinds="AVW",
        default=1234,
        low=0,
    )
    work_dir: str | None = key(
        "Experiment folder; written by DiffSinger into saved configs.",
        stage="o",
        kinds="AVW",
        default=None,
        place=True,
    )
    exp_name: str | None = key(
        "Name of the experiment.", stage="o", kinds="AVW", default=None, place=True
    )
    infer: bool | None = key(
        "Set by DiffSinger while rendering.", stage="o", kinds="AVW", default=None, place=True
    )
