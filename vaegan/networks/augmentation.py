"""What a discriminator sees, altered at random, real images and fakes alike, so that it knows few pictures by heart.

Differentiable augmentation (Zhao et al., arXiv 2006.10738): colour, then a shift. Gradients pass through it to Dec, and
as real images are altered too, Dec learns to draw them as they are.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

FARTHEST = 8  # a shift is at most a side's eighth


def draw(n: int, generator: torch.Generator) -> Tensor:
    """Return what decides on n alterations, (n, 5) uniform on [0, 1): brightness, saturation, contrast, two shifts."""
    return torch.rand(n, 5, generator=generator)


def altered(x: Tensor, u: Tensor | None) -> Tensor:
    """Images (B, C, S, S) altered as u (B, 5) of `draw` says: the same u, the same alteration; None: as they are.

    Brightness moves by -0.5 to 0.5 of [-1, 1], departures from grey are multiplied by 0 to 2, those from an image's
    mean by 0.5 to 1.5, and the image moves by up to a side's eighth, mid-grey following.
    """
    if u is None:
        return x
    bright, saturation, contrast = (part[:, None, None, None] for part in u[:, :3].to(x).unbind(1))
    x = x + (bright - 0.5)
    x = away(x, x.mean(1, keepdim=True), 2 * saturation)
    x = away(x, x.mean((1, 2, 3), keepdim=True), contrast + 0.5)
    return shifted(x, u[:, 3:])


def away(x: Tensor, centre: Tensor, times: Tensor) -> Tensor:
    """Images with their departures from a centre multiplied."""
    return centre + times * (x - centre)


def shifted(x: Tensor, u: Tensor) -> Tensor:
    """Images (B, C, S, S) moved by whole pixels, u (B, 2) of the way from -S/8 to S/8 down and right; 0 follows."""
    most, side = x.shape[-1] // FARTHEST, x.shape[-1]
    wide = F.pad(x, (most, most, most, most))
    first = (u * (2 * most + 1)).long()
    rows, columns = (corner[:, None] + torch.arange(side, device=x.device) for corner in first.unbind(1))
    # Two gathers: indexing both sides at once takes a CPU nine times as long, most of it on the way back.
    wide = wide.gather(2, rows[:, None, :, None].expand(-1, x.shape[1], -1, wide.shape[3]))
    return wide.gather(3, columns[:, None, None, :].expand(-1, x.shape[1], side, -1))
