"""Muon as SingingVocoders has it: other coefficients for every iteration, and another split.

The coefficients are those of "The Polar Express" (Amsel et al., arXiv 2505.16932), which reach the
orthogonal matrix in fewer iterations than a fixed polynomial.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..muon import Muon, MuonAdamW

COEFFICIENTS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375),
)
"""a, b, c of X <- aX + (bA + cA^2)X, one triple per iteration, the last one repeated."""

SAFETY = 1.01
"""All iterations but the last are damped by powers of this, against rounding."""

_FIRST_WITH_BFLOAT16 = 8


def polar_express(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push all singular values of matrices towards 1.

    In bfloat16 on GPUs that compute in it, else in float32.

    Args:
        matrices: ``[N, rows, columns]``, any float dtype.
        steps: iterations.

    Returns:
        ``[N, rows, columns]`` float32.
    """
    x = matrices.float()
    x = x / x.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    if x.is_cuda and torch.cuda.get_device_capability(x.device)[0] >= _FIRST_WITH_BFLOAT16:
        x = x.to(torch.bfloat16)
    wide = x.size(1) < x.size(2)
    for step in range(steps):
        a, b, c = COEFFICIENTS[min(step, len(COEFFICIENTS) - 1)]
        if step < len(COEFFICIENTS) - 1:
            a, b, c = a / SAFETY, b / SAFETY**3, c / SAFETY**5
        gram = x @ x.mT if wide else x.mT @ x
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        product = (polynomial, x) if wide else (x, polynomial)
        x = torch.baddbmm(x, *product, beta=a)
    return x.float()


class VocoderMuon(Muon):
    """:class:`~singwiz.core.training.muon.Muon` with :func:`polar_express`."""

    orthogonalise = staticmethod(polar_express)


def split_vocoder_parameters(model: nn.Module) -> tuple[list[str], list[str]]:
    """Names of the parameters for Muon and of those for AdamW, in the order of the model.

    AdamW gets vectors, embedding tables, the lengths of weight-normalised kernels (``weight_g``)
    and everything frozen.
    """
    tables = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    muon: list[str] = []
    adamw: list[str] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim >= 2 and parameter.requires_grad
        apart = id(parameter) in tables or name.rpartition(".")[2] == "weight_g"
        (muon if is_matrix and not apart else adamw).append(name)
    return muon, adamw


class VocoderMuonAdamW(MuonAdamW):
    """SingingVocoders' ``Muon_AdamW``."""

    muon_class = VocoderMuon
    split = staticmethod(split_vocoder_parameters)
