"""The optimizer that ``optimizer_args`` of a config asks for, and its state on resume.

Only torch's optimizers and DiffSinger's ``Muon_AdamW`` can be named: a config never imports code.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..errors import SingwizError
from .muon import MuonAdamW

MUON_NAMES = frozenset({"modules.optimizer.muon.Muon_AdamW", "Muon_AdamW"})
HINT = "Use modules.optimizer.muon.Muon_AdamW or for example torch.optim.AdamW."


def build_optimizer(
    model: nn.Module,
    args: Mapping[str, Any],
    *,
    muon: type[MuonAdamW] = MuonAdamW,
    groups: Sequence[nn.Module] = (),
) -> Optimizer:
    """The optimizer for all parameters of a model.

    Args:
        model: the network, already frozen where it should be.
        args: ``optimizer_cls`` and its arguments; unknown arguments are left out, and ``beta1``
            with ``beta2`` become ``betas`` unless those are given.
        muon: what the name of ``Muon_AdamW`` stands for.
        groups: parts of the model that get a parameter group each; not for Muon.

    Raises:
        SingwizError: unknown class or unusable arguments.
    """
    name = str(args.get("optimizer_cls", ""))
    cls = optimizer_class(name)
    cls = muon if cls is MuonAdamW else cls
    settings = {key: value for key, value in args.items() if value is not None}
    if "betas" not in settings and {"beta1", "beta2"} <= settings.keys():
        settings["betas"] = (settings["beta1"], settings["beta2"])
    if "betas" in settings:
        settings["betas"] = tuple(settings["betas"])
    allowed = set(inspect.signature(cls.__init__).parameters) - {"self", "params", "model"}
    kept = {key: value for key, value in settings.items() if key in allowed}
    target: Any = [{"params": list(part.parameters())} for part in groups]
    if cls is muon:
        target = model
    elif not groups:
        target = list(model.parameters())
    try:
        optimizer: Optimizer = cls(target, **kept)
        return optimizer
    except (TypeError, ValueError) as error:
        raise SingwizError(
            "optimizer-unusable", f"The optimizer {name} is refused: {error}.", hint=HINT
        ) from None


def optimizer_class(name: str) -> Any:
    """The class behind a dotted name.

    Raises:
        SingwizError: it is neither torch's nor one of ours.
    """
    if name in MUON_NAMES:
        return MuonAdamW
    package, _, last = name.rpartition(".")
    inside_torch = package == "torch.optim" or package.startswith("torch.optim.")
    cls = getattr(torch.optim, last, None) if inside_torch else None
    if not (inspect.isclass(cls) and issubclass(cls, Optimizer) and cls is not Optimizer):
        raise SingwizError(
            "optimizer-unknown", f"There is no optimizer called '{name}'.", hint=HINT
        )
    return cls


def resumed_state(
    fresh: Mapping[str, Any], saved: Mapping[str, Any], shapes: Mapping[str, Any], *, lr: float
) -> dict[str, Any] | None:
    """Moments from a checkpoint under the settings of the present config.

    Args:
        fresh: state dict of a new optimizer built from the present config.
        saved: the checkpoint's state dict.
        shapes: see :func:`state_shapes`, of the new optimizer.
        lr: learning rate of the next step.

    Returns:
        A state dict to load, or None if the saved moments belong to other parameters (another
        optimizer, or other frozen ones).
    """
    if ("optimizers" in fresh) != ("optimizers" in saved):
        return None
    if "optimizers" in fresh:
        pairs = list(zip(fresh["optimizers"], saved["optimizers"], strict=False))
        if len(fresh["optimizers"]) != len(saved["optimizers"]):
            return None
        inner = [
            resumed_state(new, old, part, lr=lr)
            for (new, old), part in zip(pairs, shapes["optimizers"], strict=True)
        ]
        if any(state is None for state in inner):
            return None
        return {**fresh, "optimizers": inner, "param_groups": _with_lr(fresh, lr)}
    old_groups = saved.get("param_groups", [])
    if [len(g["params"]) for g in fresh["param_groups"]] != [len(g["params"]) for g in old_groups]:
        return None
    for index, moments in saved["state"].items():
        tensors = [value for value in moments.values() if isinstance(value, torch.Tensor)]
        if any(value.ndim and value.shape != shapes["params"][index] for value in tensors):
            return None
    return {**fresh, "state": saved["state"], "param_groups": _with_lr(fresh, lr)}


def _with_lr(fresh: Mapping[str, Any], lr: float) -> list[dict[str, Any]]:
    groups = fresh["param_groups"]
    return [{**group, "lr": lr, "initial_lr": group["lr"]} for group in groups]


def state_shapes(optimizer: Optimizer) -> dict[str, Any]:
    """Shapes of an optimizer's parameters by their number in its state dict, nested like it."""
    if isinstance(optimizer, MuonAdamW):
        return {"optimizers": [state_shapes(inner) for inner in optimizer.optimizers]}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {"params": dict(enumerate(p.shape for p in parameters))}
