"""Batch norm as in the paper, or group norm, which does not look across the batch; and what codes have in its place."""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan.networks.outputs import widened

Norm = Literal["batch", "group"]
CodeNorm = Literal["none", "weight"]
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d
LEAST_VARIANCE = 1e-8  # beneath a square root, whose slope at 0 is infinite


class GroupNorm(nn.GroupNorm):
    """Group norm of channels_last maps (B, C, H, W), computed in contiguous layout.

    PyTorch's own kernel for channels_last on a CPU takes 1.5 to 2 times as long in float32, and 3 to 5 in bfloat16, as
    this with its two copies does.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.contiguous()).contiguous(memory_format=torch.channels_last)


def normalise(norm: Norm, channels: int, dimensions: int) -> nn.Module:
    """Return a normalisation of (B, channels) for `dimensions` 1 or (B, channels, H, W) for 2.

    `momentum=0.1` is PyTorch's update factor; the released code's 0.9 is the factor it keeps.
    """
    if norm == "batch":
        return nn.BatchNorm1d(channels, momentum=0.1) if dimensions == 1 else nn.BatchNorm2d(channels, momentum=0.1)
    return nn.GroupNorm(1, channels) if dimensions == 1 else GroupNorm(group_count(channels), channels)


class WeightNormLinear(nn.Module):
    """A dense layer whose units have variance 1 over codes (B, D) from N(0, I): weight norm (arXiv 1602.07868).

    It is what batch norm would divide by in an endless batch of prior codes, and looks at no batch and at no |z|.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        dense = nn.Linear(n_in, n_out)
        self.weight, self.bias = dense.weight, dense.bias
        self.gain = nn.Parameter(torch.ones(n_out))

    def forward(self, z: Tensor) -> Tensor:
        return F.linear(z, self.gain[:, None] * F.normalize(self.weight, dim=1), self.bias)


def code_layers(norm: Norm, code_norm: CodeNorm, n_in: int, n_out: int) -> list[nn.Module]:
    """Return the decoder's first layers, (B, n_in) -> (B, n_out): dense, and batch norm as in the paper.

    Under group norm there is none, or weight norm: a norm over the units of one code would divide by |z|. The bias is
    what a later group norm measures |z| against.
    """
    if norm == "batch":
        return [nn.Linear(n_in, n_out, bias=False), normalise(norm, n_out, 1)]
    return [(WeightNormLinear if code_norm == "weight" else nn.Linear)(n_in, n_out)]


def group_count(channels: int) -> int:
    """Groups of at least 4 channels, 16 at most (Wu & He, arXiv 1803.08494, find the count uncritical)."""
    return max(g for g in (1, 2, 4, 8, 16) if channels % g == 0 and channels // g >= 4 or g == 1)


@contextlib.contextmanager
def unrecorded(network: nn.Module) -> Iterator[None]:
    """Let passes through a network leave its running averages alone, whose kind of images it is not evaluated with."""
    layers = [m for m in network.modules() if isinstance(m, BatchNorm)]
    for layer in layers:
        layer.track_running_stats = False  # in training: the batch's own statistics, and nothing kept of them
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True


class MinibatchStd(nn.Module):
    """Maps (B, F, s, s) -> (B, F + 1, s, s): one map more, the standard deviation over the batch, its mean over places
    and channels (Karras et al., arXiv 1710.10196). Processes that train together look across the batch of all."""

    def forward(self, x: Tensor) -> Tensor:
        apart = widened(x) - over_processes(widened(x).detach().mean(0))  # no variance changes with its own mean
        spread = (over_processes(apart.square().mean(0)) + LEAST_VARIANCE).sqrt().mean()
        return torch.cat([x, spread.to(x.dtype).expand(x.shape[0], 1, *x.shape[2:])], 1)


def over_processes(mean: Tensor) -> Tensor:
    """Return the mean over processes of a mean over each one's images; its gradient is that of all their losses."""
    if not dist.is_initialized():
        return mean
    total: Tensor = SumOverProcesses.apply(mean)
    return total / dist.get_world_size()


class SumOverProcesses(torch.autograd.Function):
    """The sum of every process's tensor; its gradient is the sum of theirs (torch.distributed.nn's is deprecated)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        summed: Tensor = SumOverProcesses.apply(grad)
        return summed


def mixes_images(network: nn.Module) -> bool:
    """Say whether what a network gives for one image now depends on the others of its batch."""
    return any(isinstance(m, MinibatchStd) or (isinstance(m, BatchNorm) and m.training) for m in network.modules())


def has_norm(network: nn.Module) -> bool:
    """Say whether a network normalises at all."""
    return any(isinstance(m, BatchNorm | nn.GroupNorm) for m in network.modules())
