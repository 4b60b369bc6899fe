"""Making a trained network faster without changing what it computes."""

from __future__ import annotations

from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fold_batch_norms(network: Network) -> Network:
    """Multiply batch normalisations into the convolutions and linear layers before them.

    Works in place on every ``nn.Sequential`` in ``network``, which must be in evaluation mode and
    can't be trained or saved in its old names afterwards.

    Raises:
        ValueError: the network is in training mode.
    """
    if network.training:
        raise ValueError("only a network in evaluation mode can be folded")
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        for position in range(len(module) - 1):
            layer, norm = module[position], module[position + 1]
            if not isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
                continue
            if isinstance(layer, nn.Linear):
                module[position] = fuse_linear_bn_eval(layer, norm)
            elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                transposed = isinstance(layer, nn.ConvTranspose2d)
                module[position] = fuse_conv_bn_eval(layer, norm, transpose=transposed)
            else:
                continue
            module[position + 1] = nn.Identity()
    return network
