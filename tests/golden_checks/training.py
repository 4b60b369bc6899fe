"""Checks of fixtures about training: metrics, raw losses, batches, schedules, Muon with AdamW."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from singwiz.core.models import build_model
from singwiz.core.models.losses import lognorm_weight, noise_loss, velocity_loss
from singwiz.core.models.regulators import (
    durations_from_owners,
    fit_to_words,
    owners_from_durations,
    stretch_positions,
)
from singwiz.core.training.metrics import (
    CurveAccuracy,
    CurveR2,
    PhonemeDurationAccuracy,
    RhythmCorrectness,
)
from singwiz.core.training.muon import split_parameters
from singwiz.core.training.optimizers import build_optimizer
from singwiz.core.training.sampler import greedy_batches
from singwiz.core.training.schedulers import build_scheduler, schedule_at

if TYPE_CHECKING:
    from test_golden import Fixture

SEEDED_WEIGHTS = Path(__file__).parents[1] / "golden" / "seeded_weights.py"

SCHEDULE_LR = 0.01
"""Base learning rate of the schedules in the fixtures."""


def compare(fixture: Fixture, name: str, actual: Any, expected: Any, relative: float) -> None:
    """Note a failure unless two numbers, or two lists of numbers, agree."""
    pairs = (
        zip(actual, expected, strict=True) if isinstance(expected, list) else [(actual, expected)]
    )
    for position, (got, wanted) in enumerate(pairs):
        if got is None or not abs(got - wanted) <= relative * abs(wanted) + 1e-12:
            fixture.failures.append(f"{name}[{position}]: {got}, not {wanted}")


def check_metrics(fixture: Fixture) -> None:
    tolerances = fixture.data["tolerances_used"]
    metrics = {
        "rhythm_corr": RhythmCorrectness(tolerances["rhythm_corr"]),
        "ph_dur_acc": PhonemeDurationAccuracy(tolerances["ph_dur_acc"]),
        "curve_acc": CurveAccuracy(tolerances["curve_acc"]),
        "curve_r2": CurveR2(),
    }
    for number in range(len(fixture.data["metrics"])):
        given = fixture.tensors(f"in.{number}.")
        durations = [given[f"ph_dur_{which}"] for which in ("pred", "target")]
        curves = [given[f"curve_{which}"] for which in ("pred", "target", "mask")]
        metrics["rhythm_corr"].update(*durations, given["ph2word"], given["mask"])
        metrics["ph_dur_acc"].update(*durations, given["ph2word"], given["mask"])
        metrics["curve_acc"].update(*curves)
        metrics["curve_r2"].update(*curves)
        for name, expected in fixture.data["metrics"][f"after_update_{number}"].items():
            relative = 1e-5
            if name == "curve_r2":
                # The fixture's R2 is 1 - error / (sum of squares - squared sum / n) in float32,
                # where the two terms cancel; allow what that loses.
                r2 = metrics["curve_r2"]
                squares = r2.deviation + r2.count * r2.mean**2
                relative = 8 * 2**-24 * squares / r2.deviation * (1 - expected) / expected
            compare(fixture, f"{name} {number}", metrics[name].compute(), expected, relative)


def check_losses(fixture: Fixture) -> None:
    given = fixture.tensors("in.loss.")
    pred, target, t = given["pred"], given["target"], given["t"]
    mask = given["non_padding"][..., 0]
    for kind in ("l1", "l2"):
        measured = {
            f"ddpm_{kind}": noise_loss(pred, target, mask, loss_type=kind),
            f"ddpm_{kind}_nomask": noise_loss(pred, target, loss_type=kind),
            **{
                f"reflow_{kind}_lognorm{int(weighted)}": velocity_loss(
                    pred, target, t, mask, loss_type=kind, log_norm=weighted
                )
                for weighted in (False, True)
            },
        }
        for name, value in measured.items():
            fixture.check_number("losses", name, float(value), relative=1e-5)
    expected = fixture.data["losses"]["lognorm_weights"]
    compare(fixture, "lognorm_weights", lognorm_weight(t).tolist(), expected, 1e-5)
    fixture.unchecked.discard("losses lognorm_weights")


def check_regulators(fixture: Fixture) -> None:
    given = fixture.tensors("in.reg.")
    ph_dur = given["ph_dur"]
    mel2ph = owners_from_durations(ph_dur)
    fixture.check_array("out.reg.mel2ph", mel2ph)
    fixture.check_array("out.reg.stretch", stretch_positions(mel2ph, ph_dur))
    fixture.check_array("out.reg.stretch_no_dur", stretch_positions(mel2ph))
    fixture.check_array("out.reg.mel2ph_to_dur", durations_from_owners(mel2ph, ph_dur.shape[1]))
    fixture.check_array(
        "out.reg.rhythm", fit_to_words(ph_dur.float(), given["ph2word"], given["word_dur"])
    )


def check_batches(fixture: Fixture) -> None:
    case = fixture.data["batch_by_size"]
    frames = case["frames"]
    batches = greedy_batches(
        range(len(frames)),
        frames,
        max_frames=case["max_batch_frames"],
        max_items=case["max_batch_size"],
    )
    if batches != case["batches"]:
        fixture.failures.append(f"batches: {batches}, not {case['batches']}")


def check_schedules(fixture: Fixture) -> None:
    for name, case in fixture.data["lr"].items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=SCHEDULE_LR)
        scheduler = build_scheduler(optimizer, case["config"])
        rates = []
        for _ in case["lr_at_step"]:
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        compare(fixture, f"lr {name}", rates, case["lr_at_step"], 1e-5)
        for step, expected in case["resume_last_lr"].items():
            _, lr = schedule_at(case["config"], lr=SCHEDULE_LR, step=int(step))
            compare(fixture, f"lr {name} resumed at {step}", [lr], expected, 1e-9)


def check_training_numbers(fixture: Fixture) -> None:
    check_metrics(fixture)
    check_losses(fixture)
    check_regulators(fixture)
    check_batches(fixture)
    check_schedules(fixture)


def check_muon(fixture: Fixture) -> None:
    data = fixture.data
    category = data.get("constructor", {}).get("category", "acoustic")
    model = build_model(
        category, data["config"], vocab_size=data["constructor"]["vocab_size"]
    ).eval()
    fixture.check_state_dict(model)
    fixture.seed(model)
    muon, adamw = split_parameters(model)
    for name, names in (("muon_params", muon), ("adamw_params", adamw)):
        if sorted(names) != sorted(data[name]):
            differing = set(names) ^ set(data[name])
            fixture.failures.append(f"{name}: differ in {sorted(differing)[:5]}")
    optimizer = build_optimizer(model, data["optimizer_args"])
    state = optimizer.state_dict()
    for name, keys in (
        ("optimizer_state_dict_keys", state),
        ("param_group_keys", state["param_groups"][0]),
    ):
        if sorted(keys) != sorted(data[name]):
            fixture.failures.append(f"{name}: {sorted(keys)}, not {sorted(data[name])}")
    seeded_array = runpy.run_path(str(SEEDED_WEIGHTS))["seeded_array"]
    parameters = dict(model.named_parameters())
    for step in range(3):
        for name, parameter in parameters.items():
            gradient = seeded_array(f"grad{step}.{name}.weight", tuple(parameter.shape))
            parameter.grad = 0.01 * torch.from_numpy(gradient)
        optimizer.step()
    weights = {name: parameter.detach() for name, parameter in parameters.items()}
    for name, expected in data["param_norms_after_3_steps"].items():
        compare(fixture, f"norm {name}", float(weights[name].norm()), expected, 1e-3)
    for array in [name for name in fixture.arrays if name.startswith("out.")]:
        # The fixture iterated in half precision: an element may be off by a part of a step.
        value = weights[array.removeprefix("out.")]
        rows, columns = value.flatten(1).shape if value.ndim > 1 else (1, 1)
        allowed = 2e-2 * data["optimizer_args"]["lr"] * max(rows, columns) ** 0.5
        worst = (value.flatten()[:1024] - fixture.tensor(array)).abs().max()
        if not worst <= allowed:
            fixture.failures.append(f"{array}: off by {worst:.3g}, allowed {allowed:.3g}")
        fixture.unchecked.discard(f"array {array}")


CHECKS = {
    "metrics, losses, batching and LR schedules": check_training_numbers,
    "Muon_AdamW after three steps": check_muon,
}
