"""Batch norm as in the paper, or group norm, which does not look across the batch."""

from typing import Literal

from torch import nn

Norm = Literal["batch", "group"]


def normalise(norm: Norm, channels: int, dimensions: int) -> nn.Module:
    """Return a normalisation of (B, channels) for `dimensions` 1 or (B, channels, H, W) for 2.

    `momentum=0.1` is PyTorch's update factor; the released code's 0.9 is the factor it keeps.
    """
    if norm == "batch":
        return nn.BatchNorm1d(channels, momentum=0.1) if dimensions == 1 else nn.BatchNorm2d(channels, momentum=0.1)
    return nn.GroupNorm(1 if dimensions == 1 else group_count(channels), channels)


def group_count(channels: int) -> int:
    """Groups of at least 4 channels, 16 at most (Wu & He, arXiv 1803.08494, find the count uncritical)."""
    return max(g for g in (1, 2, 4, 8, 16) if channels % g == 0 and channels // g >= 4 or g == 1)


def has_norm(network: nn.Module) -> bool:
    """Say whether a network normalises at all."""
    return any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm) for m in network.modules())
