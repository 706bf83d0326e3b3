"""Damage that is not blur, put on images to see whether a measure of blur is fooled; uint8 in, uint8 out."""

from collections.abc import Callable

import torch
from torch import Tensor

NOISE_SD = 0.05  # of the 0..1 range, drawn for each channel apart
CHECKERBOARD_AMPLITUDE = 0.05  # of the 0..1 range
CONTRAST = 0.7


def add_noise(images: Tensor, seed: int = 0) -> Tensor:
    """White Gaussian noise; a pure function of (images, seed)."""
    generator = torch.Generator().manual_seed(seed)
    return _quantised(images.float() + 255 * NOISE_SD * torch.randn(images.shape, generator=generator))


def add_checkerboard(images: Tensor, seed: int = 0) -> Tensor:
    """The pattern of alternating pixels that transposed convolutions leave."""
    rows, columns = (torch.arange(side) for side in images.shape[-2:])
    signs = 1 - 2 * ((rows[:, None] + columns) % 2)
    return _quantised(images.float() + 255 * CHECKERBOARD_AMPLITUDE * signs)


def lower_contrast(images: Tensor, seed: int = 0) -> Tensor:
    """Every image drawn towards its own mean."""
    mean = images.float().mean(dim=(1, 2, 3), keepdim=True)
    return _quantised(mean + CONTRAST * (images.float() - mean))


def _quantised(levels: Tensor) -> Tensor:
    return levels.clamp(0, 255).round().byte()


DAMAGES: dict[str, Callable[[Tensor, int], Tensor]] = {
    f"noise {NOISE_SD:g}": add_noise,
    f"checkerboard {CHECKERBOARD_AMPLITUDE:g}": add_checkerboard,
    f"contrast {CONTRAST:g}": lower_contrast,
}
