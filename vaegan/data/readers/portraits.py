"""Photographs of aligned faces, cut and reduced as Larsen's released code does it, decoded once into the cache."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from vaegan.data.cache import cache_key, cached_array
from vaegan.data.readers import decoding
from vaegan.errors import UserError


@dataclass(frozen=True)
class Crop:
    """The square of a photograph that is kept: its first row and column, and its side, in pixels."""

    top: int
    left: int
    side: int

    def sigma(self, size: int) -> float:
        """Return the Gaussian, in pixels of the photograph, that goes before a reduction to `size`; 0 to enlarge.

        sqrt(scale) / 2 is the released code's (`dataset/celeba.py`): 0.76 px from 148 to 64.
        """
        return (self.side / size) ** 0.5 / 2 if size < self.side else 0.0

    def cut(self, photograph: np.ndarray, size: int) -> np.ndarray:
        """Cut (H, W, 3) uint8, smooth it, and bring it to (3, size, size) uint8 by a cubic spline.

        Raises ValueError for a photograph that the square does not fit into.
        """
        bottom, right = self.top + self.side, self.left + self.side
        if photograph.shape[0] < bottom or photograph.shape[1] < right:
            height, width = photograph.shape[:2]
            raise ValueError(f"{width}x{height} pixels: the publisher's are at least {right}x{bottom}")
        x = photograph[self.top : bottom, self.left : right].astype(np.float32)
        sigma = self.sigma(size)
        x = ndimage.gaussian_filter(x, sigma=(sigma, sigma, 0), mode="nearest")
        x = ndimage.zoom(x, (size / self.side, size / self.side, 1), order=3, mode="mirror", grid_mode=True)
        return x.clip(0, 255).round().astype(np.uint8).transpose(2, 0, 1)

    def note(self, size: int) -> str:
        """Say what was done to the pixels."""
        smoothed = f", smoothed by {self.sigma(size):.2f} px" if self.sigma(size) else ""
        return f"cut to {self.side} pixels{smoothed} and brought to {size}"


def decoded(name: str, root: Path, files: list[Path], crop: Crop, size: int) -> np.ndarray:
    """Return `files`, relative to `root`, as a memory-mapped (N, 3, size, size) uint8 array.

    Raises UserError when a file is absent, cannot be decoded or is too small.
    """
    try:
        key = cache_key(name, decoding.fingerprint(root, files), crop, size)
    except OSError as error:
        raise UserError(f"{name} lists {error.filename}, which cannot be read: unpack the images again") from None
    return cached_array(key, (len(files), 3, size, size), np.uint8, _cutter(root, files, crop, size))


def _cutter(root: Path, files: list[Path], crop: Crop, size: int) -> Callable[[], Iterator[np.ndarray]]:
    def cut(file: Path) -> np.ndarray:
        return crop.cut(decoding.pixels(file), size)

    return lambda: decoding.each([root / file for file in files], cut)


def find(name: str, data_dir: Path, wanted: Path, remedy: str) -> Path:
    """Return `data_dir / wanted`. Raises UserError, naming it and saying how to get it, when it is not there."""
    path = data_dir / wanted
    if not path.exists():
        raise UserError(f"{name} is not in {str(data_dir)!r} (looked for {path}); {remedy}")
    return path
