"""Checks of fixtures about the acoustic and the variance model and their diffusion cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from singwiz.core.models import build_model
from singwiz.core.models.decoder import build_diffusion
from singwiz.core.models.diffusion import DiffusionCore
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.regulators import fit_to_words, owners_from_durations


class Replay(RandomSource):
    """Returns stored draws in order."""

    def __init__(self, draws: Sequence[Tensor]) -> None:
        super().__init__()
        self.draws = iter(draws)

    def _next(self, shape: Sequence[int]) -> Tensor:
        draw = next(self.draws)
        assert tuple(draw.shape) == tuple(shape), f"drew {tuple(draw.shape)}, wanted {shape}"
        return draw

    def normal(self, shape: Sequence[int], *, device: torch.device) -> Tensor:
        return self._next(shape)

    def uniform(self, size: int, *, device: torch.device) -> Tensor:
        return self._next((size,))

    def integers(self, high: int, size: int, *, device: torch.device) -> Tensor:
        draw = self._next((size,))
        assert draw.max() < high
        return draw


class Recorder:
    """Collects what passes through parts of a model, by the fixtures' names."""

    def __init__(self) -> None:
        self.seen: dict[str, Tensor] = {}
        self.hooks: list[Any] = []

    def output(self, module: nn.Module, name: str) -> None:
        """Record what a module returns."""

        def hook(module: nn.Module, args: Any, output: Any) -> None:
            self.seen[name] = output[0] if isinstance(output, tuple) else output

        self.hooks.append(module.register_forward_hook(hook))

    def diffusion(self, core: DiffusionCore, prefix: str, cond: str | None, image: str) -> None:
        """Record condition and backbone of a training pass, and what sampling gives."""

        def of_core(module: nn.Module, args: Any) -> None:
            if cond is not None:
                self.seen[cond] = args[0]

        def of_backbone(module: nn.Module, args: Any, output: Tensor) -> None:
            self.seen[f"{prefix}x"], self.seen[f"{prefix}t"] = args[0], args[1]
            self.seen[f"{prefix}out"] = output

        self.hooks.append(core.register_forward_pre_hook(of_core))
        self.hooks.append(core.backbone.register_forward_hook(of_backbone))
        sample = core.sample

        def recording_sample(condition: Tensor, **kwargs: Any) -> Tensor:
            spec = sample(condition, **kwargs)
            if cond is not None:
                self.seen[cond] = condition
            self.seen[image] = core.norm_spec(spec)
            return spec

        core.sample = recording_sample


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    for hook in recorder.hooks:
        hook.remove()


def draws(fixture: Any, stage: str) -> Replay:
    """The stored random draws of a stage, in call order."""
    stored = fixture.tensors(f"rand.{stage}.")
    return Replay([stored[str(i)] for i in range(len(stored))])


def built(fixture: Any, category: str, overrides: Mapping[str, Any]) -> nn.Module:
    """The fixture's model with its weights; keys starting with _ are switches of the harness."""
    config = dict(fixture.data["config"])
    constructor = fixture.data["constructor"]
    if "out_dims" in constructor:
        config["audio_num_mel_bins"] = constructor["out_dims"]
    config |= {key: value for key, value in overrides.items() if not key.startswith("_")}
    if "val_gt_start" in overrides:
        args = {**config["shallow_diffusion_args"], "val_gt_start": overrides["val_gt_start"]}
        config["shallow_diffusion_args"] = args
    model = build_model(category, config, vocab_size=constructor["vocab_size"]).eval()
    fixture.seed(model)
    return model


def report(fixture: Any, stage: str, seen: Mapping[str, Tensor | None]) -> None:
    for name, value in seen.items():
        fixture.check_array(f"out.{stage}.{name}", value)


def check_gradients(fixture: Any, model: nn.Module, losses: Mapping[str, Tensor]) -> None:
    """All losses, their sum, and the gradient norm of every parameter."""
    total = sum(losses.values())
    for name, loss in {**losses, "total_loss": total}.items():
        fixture.check_number("losses", name, loss.item())
    total.backward()
    expected = fixture.data["grad_norms"]
    floor = 1e-6 * max(expected.values(), default=0.0)
    for name, parameter in model.named_parameters():
        norm = 0.0 if parameter.grad is None else parameter.grad.norm().item()
        if name in expected or norm > floor:
            fixture.check_number("grad_norms", name, norm, relative=1e-3, absolute=floor)


def check_acoustic(fixture: Any) -> None:
    inputs = fixture.tensors("in.")
    mix = inputs.pop("mix", None)
    model = built(fixture, "acoustic", {})
    fixture.check_state_dict(model)
    with recording() as recorder:
        recorder.output(model.fs2.encoder, "encoder_out")
        recorder.output(model.fs2, "condition")
        recorder.diffusion(model.diffusion, "backbone_", None, "mel_x")
        output = model(**inputs, random=draws(fixture, "train"))
        seen = dict(recorder.seen)
    seen["aux_out_norm"] = output.aux_out
    if output.diff_out is not None and len(output.diff_out) == 3:
        _, seen["v_target"], seen["t"] = output.diff_out
    elif output.diff_out is not None:
        seen["noise"] = output.diff_out[1]
    report(fixture, "train", seen)
    losses = model.losses(output, gt_mel=inputs["gt_mel"], mel2ph=inputs["mel2ph"])
    check_gradients(fixture, model, losses)

    gt_mel = inputs.pop("gt_mel")
    for run, overrides in fixture.data["sampler_runs"].items():
        model = built(fixture, "acoustic", overrides)
        given = dict(inputs)
        if overrides.get("_gt"):
            given["gt_mel"] = gt_mel
        if overrides.get("_mix"):
            del given["spk_embed_id"]
            given["spk_mix_embed"] = mix @ model.fs2.spk_embed.weight
        for name in overrides.get("_drop", ()):
            given.pop(name, None)
        with torch.no_grad():
            output = model(**given, infer=True, random=draws(fixture, "infer"))
        fixture.check_array(f"out.infer.{run}.mel", output.diff_out)
        fixture.check_array(f"out.infer.{run}.aux_mel", output.aux_out)
        fixture.check_array("out.infer.aux_mel", output.aux_out)


def check_variance(fixture: Any) -> None:
    inputs: dict[str, Any] = fixture.tensors("in.")
    retake = {
        name.removeprefix("variance_retake."): inputs.pop(name)
        for name in list(inputs)
        if name.startswith("variance_retake.")
    }
    if retake:
        inputs["variance_retake"] = retake
    mixes = {name: inputs.pop(name, None) for name in ("mix", "ph_mix")}
    model = built(fixture, "variance", {})
    fixture.check_state_dict(model)
    with recording() as recorder:
        record_variance(recorder, model)
        output = model(**inputs, random=draws(fixture, "train"))
        report(fixture, "train", {**recorder.seen, "dur_pred": output.dur_pred})
    known = {name: inputs.get(name) for name in ("ph_dur", "ph2word", "mel2ph")}
    check_gradients(fixture, model, model.losses(output, **known))

    for run, overrides in fixture.data["inference_runs"].items():
        model = built(fixture, "variance", overrides)
        given = {k: v for k, v in inputs.items() if k not in overrides.get("_drop", ())}
        if "_expr" in overrides:
            given["pitch_expr"] = torch.tensor(overrides["_expr"])
        if overrides.get("_mix"):
            given.pop("spk_id", None)
            given["spk_mix_embed"] = mixes["mix"] @ model.spk_embed.weight
            given["ph_spk_mix_embed"] = mixes["ph_mix"] @ model.spk_embed.weight
        with torch.no_grad(), recording() as recorder:
            record_variance(recorder, model)
            output = model(**given, infer=True, random=draws(fixture, "infer"))
            seen = dict(recorder.seen)
        seen["dur_pred"], seen["pitch_delta"] = output.dur_pred, output.pitch_pred
        seen |= output.variances_pred
        if output.dur_pred is not None:
            aligned = fit_to_words(output.dur_pred, given["ph2word"], given["word_dur"])
            mel2ph = owners_from_durations(aligned)
            if "base_pitch" in given:
                mel2ph = F.pad(mel2ph, (0, given["base_pitch"].shape[1] - mel2ph.shape[1]))
            seen["dur_aligned"], seen["mel2ph"] = aligned, mel2ph
        report(fixture, f"infer.{run}", seen)


def record_variance(recorder: Recorder, model: nn.Module) -> None:
    recorder.output(model.fs2.encoder, "encoder_out")
    if model.predict_pitch:
        recorder.diffusion(model.pitch_predictor, "pitch_backbone_", "pitch_cond", "pitch_x")
        if model.melody_encoder is not None:
            recorder.output(model.melody_encoder, "melody_encoder_out")
    if model.variances:
        recorder.diffusion(model.variance_predictor, "var_backbone_", "var_cond", "var_x")


def check_samplers(fixture: Any) -> None:
    """The diffusion core alone: schedule, and every sampler from the same start."""
    cond, source = fixture.tensor("in.cond"), fixture.tensor("in.src_spec")
    noise = fixture.tensor("rand.noise")
    for kind in ("ddpm", "reflow"):
        for run, overrides in fixture.data[f"{kind}_runs"].items():
            shallow = overrides["_shallow"]
            core = built_core(fixture, kind, shallow, overrides)
            fixture.check_state_dict(core, fixture.data[f"state_dict_{kind}"])
            for name, buffer in core.named_buffers():
                fixture.check_array(f"sched.{name}", buffer)
            spec = core.sample(cond, source=source if shallow else None, random=Replay(noise))
            fixture.check_array(f"out.{kind}.{run}", spec)


def built_core(
    fixture: Any, kind: str, shallow: bool, overrides: Mapping[str, Any]
) -> DiffusionCore:
    """A core made from the fixture's constructor arguments and the keys of one run."""
    made = fixture.data["constructor"]
    config = {
        **fixture.data["config"],
        **{key: value for key, value in overrides.items() if not key.startswith("_")},
        "diffusion_type": kind,
        "use_shallow_diffusion": shallow,
        "timesteps": made["timesteps"],
        "K_step": made["k_step"],
        "T_start": made["t_start"],
        "time_scale_factor": made["time_scale_factor"],
    }
    core = build_diffusion(
        config,
        out_dims=made["out_dims"],
        num_feats=made["num_feats"],
        spec_min=made["spec_min"],
        spec_max=made["spec_max"],
        shallow=shallow,
    ).eval()
    fixture.seed(core)
    return core


CHECKS = {
    "acoustic": check_acoustic,
    "variance": check_variance,
    "diffusion core without encoder": check_samplers,
}
