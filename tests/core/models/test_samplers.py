"""Samplers against problems whose answer is known.

For data that is normal with standard deviation s the best noise prediction is a formula, and the
deterministic samplers have to carry x at noise level t to x · std(0) / std(t).
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from singwiz.core.models.backbones import build_backbone
from singwiz.core.models.ddpm import GaussianDiffusion, linear_betas
from singwiz.core.models.noise_schedule import ContinuousSchedule
from singwiz.core.models.ode_solvers import integrate
from singwiz.core.models.randomness import RandomSource
from singwiz.core.models.reflow import RectifiedFlow
from singwiz.core.models.sampling import SamplingOptions

SPREAD = 0.5
TIMESTEPS = 1000


class Perfect(nn.Module):
    """The best possible noise network for normal data; counts how often it is asked."""

    num_feats, in_dims = 1, 4

    def __init__(self) -> None:
        super().__init__()
        self.evaluations = 0
        betas = torch.from_numpy(linear_betas(TIMESTEPS, 0.02))
        self.schedule = ContinuousSchedule.from_betas(betas, trim=False)

    def project_condition(self, cond: Tensor) -> None:
        return None

    def evaluate(self, x: Tensor, t: Tensor, condition: None) -> Tensor:
        self.evaluations += 1
        level = self.schedule.at((t.item() + 1) / TIMESTEPS)
        return level.sigma * x / self.variance(level)

    @staticmethod
    def variance(level) -> float:
        return level.alpha**2 * SPREAD**2 + level.sigma**2

    def std(self, step: int) -> float:
        return math.sqrt(self.variance(self.schedule.at((step + 1) / TIMESTEPS)))


def diffusion(network: nn.Module, **options) -> GaussianDiffusion:
    return GaussianDiffusion(
        network,
        out_dims=4,
        spec_min=[-1.0],
        spec_max=[1.0],
        timesteps=TIMESTEPS,
        max_beta=0.02,
        sampling=SamplingOptions(**options),
    )


@pytest.mark.parametrize("accelerator", ["ddim", "pndm", "dpm-solver", "unipc"])
def test_deterministic_samplers_converge_to_the_exact_flow(accelerator) -> None:
    def error(speedup: int) -> float:
        network = Perfect()
        core = diffusion(network, accelerator=accelerator, speedup=speedup)
        seeded = [RandomSource(torch.Generator().manual_seed(0)) for _ in range(2)]
        noise = seeded[0].normal((1, 1, 4, 3), device=torch.device("cpu"))
        # The two on discrete steps start one stride below the top, the others at the top.
        start = TIMESTEPS - speedup if accelerator in ("ddim", "pndm") else TIMESTEPS - 1
        exact = network.std(0) / network.std(start)
        mel = core.sample(torch.zeros(1, 3, 8), random=seeded[1])
        return (mel / noise.squeeze(1).transpose(1, 2) / exact - 1).abs().max().item()

    coarse, fine = error(40), error(8)
    assert fine < 0.03
    assert fine < 0.4 * coarse


@pytest.mark.parametrize(
    ("accelerator", "evaluations"), [("ddim", 9), ("pndm", 10), ("dpm-solver", 10), ("unipc", 10)]
)
def test_no_evaluation_is_wasted(accelerator, evaluations) -> None:
    network = Perfect()
    diffusion(network, accelerator=accelerator, speedup=100).sample(torch.zeros(1, 3, 8))
    assert network.evaluations == evaluations


def test_ancestral_sampling_reproduces_the_spread_of_the_data() -> None:
    torch.manual_seed(0)
    mel = diffusion(Perfect(), speedup=1).sample(torch.zeros(1, 2000, 8))
    assert mel.mean().item() == pytest.approx(0.0, abs=0.02)
    assert mel.std().item() == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize(("algorithm", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4), ("rk5", 5)])
def test_flow_solvers_have_their_order(algorithm, order) -> None:
    def error(steps: int) -> float:
        # dx/dt = x cos(3t) from 0.2 on
        x = torch.ones(1, dtype=torch.float64)
        end = integrate(lambda x, t: x * math.cos(3 * t), x, 0.2, steps=steps, algorithm=algorithm)
        return abs(end.item() - math.exp((math.sin(3) - math.sin(0.6)) / 3))

    assert 0.6 * 2**order < error(16) / error(32) < 1.7 * 2**order


def test_a_straight_flow_needs_one_step() -> None:
    out = integrate(
        lambda x, t: torch.full_like(x, 3.0), torch.zeros(2), 0.25, steps=1, algorithm="euler"
    )
    torch.testing.assert_close(out, torch.full((2,), 2.25))


def test_unknown_samplers_are_named() -> None:
    with pytest.raises(ValueError, match="heun"):
        integrate(lambda x, t: x, torch.zeros(1), 0.0, steps=1, algorithm="heun")
    with pytest.raises(ValueError, match="plms2"):
        diffusion(Perfect(), accelerator="plms2").sample(torch.zeros(1, 2, 8))


def random_backbone(name: str = "wavenet") -> nn.Module:
    torch.manual_seed(0)
    backbone = build_backbone(
        name,
        {"num_layers": 2, "num_channels": 8, "kernel_size": 3, "no_such_option": 1},
        in_dims=4,
        num_feats=1,
        hidden_size=8,
    )
    nn.init.normal_(backbone.output_projection.weight, std=0.2)
    return backbone.eval()


@pytest.mark.parametrize("name", ["wavenet", "lynxnet", "lynxnet2"])
def test_the_condition_is_projected_once_per_song(name) -> None:
    backbone = random_backbone(name)
    calls = []
    project = backbone.project_condition
    backbone.project_condition = lambda cond: calls.append(1) or project(cond)
    flow = RectifiedFlow(backbone, out_dims=4, spec_min=[-1.0], spec_max=[1.0])
    flow.sample(torch.randn(1, 6, 8), options=SamplingOptions(algorithm="rk4", steps=3))
    assert len(calls) == 1


@pytest.mark.parametrize("accelerator", ["ddim", "pndm", "dpm-solver", "unipc"])
def test_songs_of_a_batch_do_not_influence_each_other(accelerator) -> None:
    core = GaussianDiffusion(
        random_backbone(), out_dims=4, spec_min=[-1.0], spec_max=[1.0], timesteps=40
    )
    options = SamplingOptions(accelerator=accelerator, speedup=4)
    noise = torch.randn(2, 1, 4, 6)

    class Fixed(RandomSource):
        def __init__(self, rows: slice) -> None:
            super().__init__()
            self.rows = rows

        def normal(self, shape, *, device) -> Tensor:
            return noise[self.rows]

    cond = torch.randn(2, 6, 8)
    both = core.sample(cond, options=options, random=Fixed(slice(None)))
    second = core.sample(cond[1:], options=options, random=Fixed(slice(1, 2)))
    torch.testing.assert_close(both[1:], second)


def flow(t_start: float = 0.4) -> RectifiedFlow:
    return RectifiedFlow(
        random_backbone(), out_dims=4, spec_min=[-8.0], spec_max=[0.0], t_start=t_start
    )


def test_a_shallow_flow_that_starts_at_the_end_returns_its_source() -> None:
    source = torch.rand(1, 6, 4) * -8
    mel = flow().sample(torch.randn(1, 6, 8), source=source, options=SamplingOptions(t_start=1.0))
    torch.testing.assert_close(mel, source)


def test_a_flow_never_starts_before_the_time_it_was_trained_for() -> None:
    cond, source = torch.randn(1, 6, 8), torch.rand(1, 6, 4) * -8
    results = []
    for t_start in (0.1, 0.4, 0.7):
        random = RandomSource(torch.Generator().manual_seed(1))
        options = SamplingOptions(t_start=t_start)
        results.append(flow().sample(cond, source=source, options=options, random=random))
    assert results[0].equal(results[1])
    assert not results[0].equal(results[2])


def shallow_diffusion(**options) -> Tensor:
    core = GaussianDiffusion(
        random_backbone(), out_dims=4, spec_min=[-8.0], spec_max=[0.0], timesteps=40, k_step=24
    )
    random = RandomSource(torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    source = torch.rand(1, 6, 4) * -8
    cond = torch.randn(1, 6, 8)
    mel = core.sample(cond, source=source, options=SamplingOptions(**options), random=random)
    return mel - source


def test_no_depth_keeps_the_source() -> None:
    assert shallow_diffusion(k_step=0, speedup=4).abs().max() < 1e-5


def test_little_depth_changes_less_than_much() -> None:
    little = shallow_diffusion(k_step=4, speedup=4).abs().mean()
    much = shallow_diffusion(k_step=24, speedup=4).abs().mean()
    assert 0 < little < much


def test_depth_is_limited_to_what_was_trained() -> None:
    assert shallow_diffusion(k_step=36, speedup=4).equal(shallow_diffusion(k_step=24, speedup=4))


def test_a_speedup_that_does_not_divide_the_depth_matters_only_when_shallow() -> None:
    with pytest.raises(ValueError, match="multiple"):
        shallow_diffusion(k_step=24, speedup=5)
    core = GaussianDiffusion(
        random_backbone(), out_dims=4, spec_min=[-8.0], spec_max=[0.0], timesteps=40, k_step=24
    )
    mel = core.sample(torch.randn(1, 6, 8), options=SamplingOptions(k_step=24, speedup=5))
    assert mel.isfinite().all()


def test_options_follow_the_config_and_its_old_names() -> None:
    old = {"timesteps": 1000, "K_step": 400, "K_step_infer": 300, "pndm_speedup": 20}
    options = SamplingOptions.from_config({**old, "use_shallow_diffusion": True})
    assert (options.steps, options.speedup, options.k_step) == (15, 20, 300)
    assert options.t_start == pytest.approx(0.7)


@pytest.mark.parametrize(("steps", "speedup"), [(20, 20), (1, 400), (400, 1), (30, 10)])
def test_chosen_steps_become_a_speedup_that_divides_the_depth(steps, speedup) -> None:
    config = {"timesteps": 1000, "K_step": 400, "K_step_infer": 400, "T_start": 0.6}
    options = SamplingOptions.from_config({**config, "use_shallow_diffusion": True}, steps=steps)
    assert (options.steps, options.speedup) == (steps, speedup)


def test_chosen_depth_sets_the_start_within_what_was_trained() -> None:
    config = {"timesteps": 1000, "K_step": 400, "K_step_infer": 400, "T_start": 0.6}
    config |= {"use_shallow_diffusion": True, "diff_speedup": 10}
    half = SamplingOptions.from_config(config, depth=0.25)
    assert (half.k_step, half.t_start, half.speedup) == (250, 0.75, 10)
    assert SamplingOptions.from_config(config, depth=0.9).t_start == 0.6
    assert SamplingOptions.from_config(config, depth=0.9).k_step == 400


def test_a_cpu_generator_gives_the_same_draws_again() -> None:
    device = torch.device("cpu")
    first, second = (RandomSource(torch.Generator().manual_seed(4)) for _ in range(2))
    assert first.normal((2, 3), device=device).equal(second.normal((2, 3), device=device))
    assert first.uniform(3, device=device).equal(second.uniform(3, device=device))
    assert first.integers(9, 5, device=device).equal(second.integers(9, 5, device=device))
