"""The two pixel conversions: uint8 outside the networks, float in [-1, 1] inside; and how far images are apart."""

import torch
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """Map uint8 0..255 to float32 [-1, 1], any shape."""
    return images.float().div_(127.5).sub_(1.0)


def to_uint8(x: Tensor) -> Tensor:
    """Map float [-1, 1] to uint8: clamp, scale, round. NaN becomes 0 rather than an undefined byte."""
    return x.float().nan_to_num(nan=-1.0).clamp(-1, 1).add(1).mul(127.5).round().byte()


def rms(a: Tensor, b: Tensor) -> Tensor:
    """Return the root mean square difference of uint8 (N, ...) of one shape in levels of 0..255, a float64 scalar."""
    squares = [(x.float() - y.float()).square().mean(dtype=torch.float64) for x, y in zip(a, b, strict=True)]
    return torch.stack(squares).mean().sqrt()
