"""Rules about vocoders."""

from __future__ import annotations

import math
from pathlib import Path

from .rule import ERROR, WARNING, Findings, Rule, say
from .schema import Config
from .vocoder_legacy import SCHEDULES

_OTHER_TASKS = ("univnet", "ddsp", "hifivae", "one_step", "lvc")
"""Parts of class names of SingingVocoders' trainings that are not these."""


def _task(config: Config, base: Path) -> Findings:
    task = config.task_cls.lower()
    if any(word in task for word in _OTHER_TASKS):
        yield say(
            "config-vocoder-task",
            ERROR,
            "task_cls",
            f"'{config.task_cls}' is a kind of vocoder that cannot be trained here.",
            "Build on configs/vocoder.yaml (NSF-HiFiGAN), or train it with SingingVocoders.",
        )
    schedule = config.lr_scheduler_args.scheduler_cls
    if schedule not in SCHEDULES:
        yield say(
            "config-unknown-choice",
            ERROR,
            "lr_scheduler_args.scheduler_cls",
            f"'lr_scheduler_args.scheduler_cls' is '{schedule}', which does not exist for "
            "vocoders.",
            f"Choose one of: {', '.join(SCHEDULES)}.",
        )


def _data(config: Config, base: Path) -> Findings:
    index = base / config.DataIndexPath / config.train_set_name
    if not config.datasets and not config.data_input_path and not index.is_file():
        yield say(
            "config-no-datasets",
            ERROR,
            "data_input_path",
            "The config names no recordings.",
            "List folders of sound under 'data_input_path', or labelled ones under 'datasets'.",
        )


def _network(config: Config, base: Path) -> Findings:
    args = config.model_args
    product = math.prod(args.upsample_rates)
    if product != config.hop_size:
        yield say(
            "config-vocoder-rates",
            ERROR,
            "model_args.upsample_rates",
            f"The stages multiply a frame to {product} samples, but 'hop_size' is "
            f"{config.hop_size}.",
            "Choose upsample_rates whose product is hop_size.",
        )
    if config.pc_aug and (config.gan_recipe == "hifigan" or not args.mini_nsf):
        yield say(
            "config-vocoder-pitch-control",
            ERROR,
            "pc_aug",
            "Only a vocoder with 'mini_nsf' can learn to sing at other pitches.",
            "Set model_args.mini_nsf to true, or pc_aug to false.",
        )
    if config.pitch_first and config.gan_recipe == "hifigan":
        yield say(
            "config-vocoder-pitch-first",
            ERROR,
            "pitch_first",
            "The original HiFi-GAN is given no pitch that could come first.",
            "Set pitch_first to false, or gan_recipe to nsf or fast.",
        )


def _losses(config: Config, base: Path) -> Findings:
    lists = (config.loss_fft_sizes, config.loss_hop_sizes, config.loss_win_lengths)
    clip = config.crop_mel_frames * config.hop_size
    if config.use_stftloss and (not lists[0] or len({len(entry) for entry in lists}) > 1):
        counts = ", ".join(str(len(entry)) for entry in lists)
        yield say(
            "config-vocoder-losses",
            ERROR,
            "loss_fft_sizes",
            f"The lists of spectra for the loss have {counts} entries.",
            "Give loss_fft_sizes, loss_hop_sizes and loss_win_lengths the same number of entries.",
        )
        return
    longest = max([config.fft_size, *(config.loss_fft_sizes if config.use_stftloss else ())])
    if clip <= longest // 2:
        yield say(
            "config-vocoder-losses",
            ERROR,
            "crop_mel_frames",
            f"A clip of {config.crop_mel_frames} frames has {clip} samples, too few for a spectrum "
            f"of {longest}.",
            f"Set crop_mel_frames to at least {longest // 2 // config.hop_size + 1}.",
        )


def _machine(config: Config, base: Path) -> Findings:
    if config.pl_trainer_precision.startswith("bf16"):
        yield say(
            "config-vocoder-bf16",
            WARNING,
            "pl_trainer_precision",
            "bf16 is too coarse for sound: vocoders trained with it crackle.",
            "Use 32-true, or 16-mixed where memory is short.",
        )
    for which in ("generater", "discriminate"):
        args = getattr(config, f"{which}_optimizer_args")
        if config.pl_trainer_accelerator == "cpu" and "muon" in args.optimizer_cls.lower():
            yield say(
                "config-muon-on-cpu",
                WARNING,
                f"{which}_optimizer_args.optimizer_cls",
                "The Muon optimizer makes every step on a CPU several times as expensive.",
                "Use torch.optim.AdamW.",
            )


RULES: tuple[Rule, ...] = (_task, _data, _network, _losses, _machine)
