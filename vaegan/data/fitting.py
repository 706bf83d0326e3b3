"""Bring images of any size to a square that the networks can do: one rule for every data set."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vaegan.data.imageset import DEFAULT_SIZES

CHUNK = 1024  # bounds the memory of a resize to a few hundred MB
LONGEST = 4  # sides of an image to 1: of a longer one the centre would be less than a quarter
BLACK = 16  # levels of 255 up to which a border counts as black: JPEG's is never quite 0


def fitting_size(side: int) -> int:
    """Return the one of DEFAULT_SIZES nearest to `side` (for 28 that is 32, to which it is padded, not resampled)."""
    return min(DEFAULT_SIZES, key=lambda size: abs(size - side))


def fit(images: Tensor, size: int, black_ground: bool = False) -> Tensor:
    """Centre-crop (..., H, W) uint8 images to squares and bring them to `size`.

    28 pixels keep their scale up to 32: they get a border, or lose one. The border is black where the image's own is
    (for most of it, or by the word of the caller), else its edge repeated, so that no frame is drawn. What then still
    differs is resized bilinearly with antialiasing.
    """
    if tuple(images.shape[-2:]) == (size, size):
        return images
    from torchvision.transforms import v2  # 2 s, which images that are in the cache already do not cost

    side = min(images.shape[-2:])
    images = v2.functional.center_crop(images, [side, side])
    if side == 28:
        least = min(size, 32)
        images = _padded(images, black_ground) if least == 32 else v2.functional.center_crop(images, [least, least])
    if images.shape[-1] == size:
        return images
    if images.ndim == 3:
        return v2.functional.resize(images, [size, size], antialias=True)
    return torch.cat([v2.functional.resize(chunk, [size, size], antialias=True) for chunk in images.split(CHUNK)])


def _padded(images: Tensor, black_ground: bool) -> Tensor:
    """Put 2 pixels around (..., C, 28, 28)."""
    black = F.pad(images, (2, 2, 2, 2))
    if black_ground:
        return black
    dark = (images.amax(dim=-3) <= BLACK).float()  # (..., 28, 28)
    border = torch.cat([dark[..., 0, :], dark[..., -1, :], dark[..., 1:-1, 0], dark[..., 1:-1, -1]], dim=-1)
    is_black = (border.mean(dim=-1) >= 0.5)[..., None, None, None]
    repeated = images[..., torch.arange(-2, 30).clamp(0, 27), :][..., torch.arange(-2, 30).clamp(0, 27)]
    return torch.where(is_black, black, repeated)


def is_too_long(width: int, height: int) -> bool:
    """Return whether sides cannot be meant as a picture's, of which the centre is kept."""
    return max(width, height) > LONGEST * min(width, height)


def cropped_note(sizes: np.ndarray) -> str:
    """Say how many images of sizes (N, 2) lose their sides to the square in the centre."""
    cropped = int((sizes[:, 0] != sizes[:, 1]).sum())
    return f"{cropped:,} of {len(sizes):,} images are not square and were cropped to their centre" if cropped else ""


def resized_note(side: int, size: int) -> str:
    """Say how `fit` had to resize: enlarged images are blurred before anything is measured, reduced ones sharper."""
    if size == side or (side == 28 and size <= 32):  # 28 pixels keep their scale up to 32
        return ""
    return f"images {'enlarged' if side < size else 'reduced'} from {side} to {size} pixels"
