"""Bring images of any size to a square that the networks can do: one rule for every data set."""

import torch
from torch import Tensor

from vaegan.data.imageset import SIZES

CHUNK = 1024  # bounds the memory of a resize to a few hundred MB


def fitting_size(side: int) -> int:
    """Return the one of SIZES nearest to `side` (for 28 that is 32, to which it is padded without resampling)."""
    return min(SIZES, key=lambda size: abs(size - side))


def fit(images: Tensor, size: int) -> Tensor:
    """Centre-crop (..., H, W) uint8 images to squares and bring them to `size`.

    28 pixels keep their scale up to 32: they get a border of zeros, or lose one. What then still differs is resized
    bilinearly with antialiasing.
    """
    from torchvision.transforms import v2  # 2 s, which images that are in the cache already do not cost

    side = min(images.shape[-2:])
    images = v2.functional.center_crop(images, [side, side])
    if side == 28:
        images = v2.functional.center_crop(images, [min(size, 32)] * 2)  # crops, or pads with zeros
    if images.shape[-1] == size:
        return images
    if images.ndim == 3:
        return v2.functional.resize(images, [size, size], antialias=True)
    return torch.cat([v2.functional.resize(chunk, [size, size], antialias=True) for chunk in images.split(CHUNK)])


def enlarged_note(side: int, size: int) -> str:
    """Return a warning when `fit` had to enlarge, because enlarged images are blurred before anything is measured."""
    return f"images enlarged from {side} to {size} pixels" if (32 if side == 28 else side) < size else ""
