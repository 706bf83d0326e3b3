"""Damage that is not blur, put on images to see whether a measure of blur is fooled; uint8 in, uint8 out."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from eval.blur.measures import REC_601, grey

NOISE_SD = 0.05  # of the 0..1 range, drawn for each channel apart
CHECKERBOARD_AMPLITUDE = 0.05  # of the 0..1 range
CONTRAST = 0.7
SPECK_HEIGHT, SPECK_SHARE = 0.25, 0.05  # of the 0..1 range, and of the pixels on flat parts
SAME_LEVELS = 10  # of 255: levels within which neighbours look the same


def add_noise(images: Tensor, seed: int = 0, sd: float = NOISE_SD) -> Tensor:
    """White Gaussian noise; a pure function of (images, seed), `sd` of the 0..1 range."""
    generator = torch.Generator().manual_seed(seed)
    return _quantised(images.float() + 255 * sd * torch.randn(images.shape, generator=generator))


def add_checkerboard(images: Tensor, seed: int = 0) -> Tensor:
    """The pattern of alternating pixels that transposed convolutions leave."""
    rows, columns = (torch.arange(side) for side in images.shape[-2:])
    signs = 1 - 2 * ((rows[:, None] + columns) % 2)
    return _quantised(images.float() + 255 * CHECKERBOARD_AMPLITUDE * signs)


def lower_contrast(images: Tensor, seed: int = 0) -> Tensor:
    """Every image drawn towards its own mean."""
    mean = images.float().mean(dim=(1, 2, 3), keepdim=True)
    return _quantised(mean + CONTRAST * (images.float() - mean))


def add_colour_noise(images: Tensor, seed: int = 0) -> Tensor:
    """White noise of R - Y and B - Y that leaves the grey values alone; grey images stay as they are."""
    if images.shape[1] == 1:
        return images
    red, blue = NOISE_SD * torch.randn(2, *images[:, 0].shape, generator=torch.Generator().manual_seed(seed))
    luma_red, luma_green, luma_blue = REC_601
    green = -(luma_red * red + luma_blue * blue) / luma_green
    return _quantised(images.float() + 255 * torch.stack((red, green, blue), dim=1))


def halve_colour(images: Tensor, seed: int = 0) -> Tensor:
    """Chroma at half the resolution, as JPEG's 4:2:0 has it: a blur of colour alone; grey images stay as they are."""
    if images.shape[1] == 1:
        return images
    luma = grey(images).float()[:, None] * 255
    chroma = images.float() - luma
    small = F.avg_pool2d(chroma, 2, ceil_mode=True, count_include_pad=False)
    large = F.interpolate(small, scale_factor=2, mode="bilinear")  # libjpeg's triangle filter
    return _quantised(luma + large[..., : images.shape[2], : images.shape[3]])


def add_speckle(images: Tensor, seed: int = 0) -> Tensor:
    """Specks of one pixel, each channel on its own, on places whose neighbours within two pixels all look the same."""
    x = images.float()
    flat = (_largest(x) + _largest(-x) <= SAME_LEVELS).all(dim=1, keepdim=True)
    chosen = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)) < SPECK_SHARE
    away = torch.where(x > 127.5, -1.0, 1.0)  # of black or white, so that no speck is clipped
    return _quantised(x + 255 * SPECK_HEIGHT * away * (chosen & flat))


def _largest(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 5, stride=1, padding=2)


def _quantised(levels: Tensor) -> Tensor:
    return levels.clamp(0, 255).round().byte()


DAMAGES: dict[str, Callable[[Tensor, int], Tensor]] = {
    f"noise {NOISE_SD:g}": add_noise,
    f"checkerboard {CHECKERBOARD_AMPLITUDE:g}": add_checkerboard,
    f"contrast {CONTRAST:g}": lower_contrast,
}

COLOUR_DAMAGES: dict[str, Callable[[Tensor, int], Tensor]] = {
    f"colour noise {NOISE_SD:g}": add_colour_noise,
    "colour at half resolution": halve_colour,
    f"speckle {SPECK_HEIGHT:g} on flat parts": add_speckle,
}
