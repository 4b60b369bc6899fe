"""Muon with AdamW: orthogonalised momentum for matrices, AdamW for everything else.

The split, the update and the layout of the state are those of DiffSinger's ``Muon_AdamW``, so
its checkpoints resume here. The method: Keller Jordan, "Muon: An optimizer for hidden layers"
(2024). ``torch.optim.Muon`` is no replacement: it takes 2-D parameters only and scales otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from ..models.layers import ADAMW

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients a, b, c of the iteration X <- aX + (bA + cA^2)X with A = X X^T."""

RESTART = 2
"""In half precision the Gram form recomputes A from X before this iteration, or it drifts away."""


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push all singular values of matrices towards 1 with Newton-Schulz iterations.

    On a GPU the iterations run in float16, on a CPU in float32 (half precision is about five
    times slower there).

    Args:
        matrices: ``[N, rows, columns]``, any float dtype.
        steps: iterations.

    Returns:
        ``[N, rows, columns]`` float32.
    """
    a, b, c = QUINTIC
    x = matrices.float()
    x = x / x.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    x = x.to(torch.float16 if x.is_cuda else torch.float32)
    tall = x.size(1) > x.size(2)
    if tall:
        x = x.mT
    if x.size(1) == x.size(2):
        for _ in range(steps):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x.float()
    # Wide matrices: iterate on the small Gram matrix and apply the product Q once at the end.
    q: Tensor | None = None
    gram = x @ x.mT
    restart = RESTART if x.dtype == torch.float16 else steps
    for step in range(steps):
        if step == restart and q is not None:
            x = q @ x
            gram = x @ x.mT
            q = None
        z = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        if q is None:
            q = z.clone()
            q.diagonal(dim1=1, dim2=2).add_(a)
        else:
            q = torch.baddbmm(q, q, z, beta=a)
        if step + 1 < steps and step + 1 != restart:
            p = torch.baddbmm(gram, gram, z, beta=a)
            gram = torch.baddbmm(p, z, p, beta=a)
    if q is not None:
        x = q @ x
    return (x.mT if tall else x).float()


class Muon(Optimizer):
    """Momentum SGD whose update is orthogonalised; parameters of equal shape run as one batch.

    Args:
        params: parameters with at least two dimensions; kernels count as [out, rest] matrices.
        lr: learning rate; the update is scaled by ``lr * sqrt(max(rows, columns))``.
        weight_decay: decoupled weight decay per unit of learning rate.
        momentum: decay of the momentum buffer.
        nesterov: look ahead by one momentum step.
        ns_steps: Newton-Schulz iterations.
    """

    orthogonalise = staticmethod(orthogonalise)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 5e-4,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_steps": ns_steps,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; parameters without a gradient stay as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[Any, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape, parameter.device].append(parameter)
            for parameters in by_shape.values():
                self._update(parameters, group)
        return loss

    def _update(self, parameters: list[Tensor], group: Mapping[str, Any]) -> None:
        momentum, lr = group["momentum"], group["lr"]
        gradients: list[Tensor] = []
        buffers: list[Tensor] = []
        for parameter in parameters:
            assert parameter.grad is not None
            state = self.state[parameter]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
            buffers.append(state["momentum_buffer"])
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        updates = buffers
        if group["nesterov"]:
            updates = list(torch._foreach_lerp(gradients, buffers, momentum))
        matrices = torch.stack([update.flatten(1) for update in updates])
        orthogonal = self.orthogonalise(matrices, group["ns_steps"]).to(parameters[0].dtype)
        scale = lr * max(matrices.shape[1:]) ** 0.5
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        steps = [o.view_as(p) for o, p in zip(orthogonal.unbind(), parameters, strict=True)]
        torch._foreach_add_(parameters, steps, alpha=-scale)


def split_parameters(model: nn.Module) -> tuple[list[str], list[str]]:
    """Names of the parameters for Muon and of those for AdamW, in the order of the model.

    AdamW gets vectors (biases, scales), embedding tables, everything frozen, and the modules
    that the networks mark for it: embeddings of single numbers and layers that produce the
    prediction.
    """
    kept_out: set[int] = set()
    for module in model.modules():
        marked = getattr(module, "optimizer_group", None) == ADAMW
        if marked or isinstance(module, nn.Embedding):
            kept_out.update(id(parameter) for parameter in module.parameters())
    muon: list[str] = []
    adamw: list[str] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim >= 2 and parameter.requires_grad
        (muon if is_matrix and id(parameter) not in kept_out else adamw).append(name)
    return muon, adamw


class MuonAdamW(Optimizer):
    """Muon and AdamW behind one parameter group, whose learning rate drives both.

    Args:
        model: the network; :func:`split_parameters` decides who gets what.
        lr: learning rate of both; one inside the argument dicts has no effect.
        weight_decay: default for both.
        muon_args, adamw_args: further arguments of the inner optimizers.
    """

    muon_class = Muon
    split = staticmethod(split_parameters)

    def __init__(
        self,
        model: nn.Module,
        lr: float = 5e-4,
        weight_decay: float = 0.0,
        muon_args: Mapping[str, Any] | None = None,
        adamw_args: Mapping[str, Any] | None = None,
    ) -> None:
        common = {"lr": lr, "weight_decay": weight_decay}
        parameters = dict(model.named_parameters())
        muon, adamw = self.split(model)
        self.optimizers: list[Optimizer] = []
        if muon:
            chosen = [parameters[name] for name in muon]
            self.optimizers.append(self.muon_class(chosen, **{**common, **(muon_args or {})}))
        if adamw:
            chosen = [parameters[name] for name in adamw]
            self.optimizers.append(AdamW(chosen, **{**common, **(adamw_args or {})}))
        # DiffSinger's checkpoints carry this set; readers of its layout expect it.
        members = {(index, 0) for index in range(len(self.optimizers))}
        group = {
            "params": [parameters[name] for name in (*muon, *adamw)],
            "optimizer_and_param_group_indices": members,
        }
        super().__init__([group], common)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of all parameters with the outer group's learning rate."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.param_groups[0]["lr"]
            optimizer.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """State in DiffSinger's layout; ``optimizers`` holds the states of the inner ones."""
        inner = [optimizer.state_dict() for optimizer in self.optimizers]
        return {**super().state_dict(), "state": {}, "optimizers": inner}

    @torch.no_grad()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ValueError: the state belongs to another split of parameters.
        """
        inner = state_dict["optimizers"]
        if len(inner) != len(self.optimizers):
            raise ValueError("the state has another number of inner optimizers")
        for optimizer, state in zip(self.optimizers, inner, strict=True):
            optimizer.load_state_dict(state)
        for mine, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            mine.update({k: v for k, v in saved.items() if k != "params"})
