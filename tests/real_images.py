"""Real images for tests, where `shared_data` has them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vaegan.data import load


def held_out(shared_data: Path, name: str, count: int = 40) -> Tensor:
    """Real images at their native size."""
    if name == "mnist":
        return load("mnist", "test", image_size=28, data_dir=shared_data).images[:count]
    side, sheet = {
        "cifar10": (32, next((shared_data / "cifar10" / "test").glob("3_cat.*"), None)),
        "lfw": (64, shared_data / "lfw64" / "test_00.jpg"),
    }[name]
    if sheet is None or not sheet.is_file():
        pytest.skip(f"no {name} images")
    pixels = np.asarray(Image.open(sheet).convert("RGB"))
    tiles = torch.from_numpy(pixels.copy()).unfold(0, side, side).unfold(1, side, side)  # (rows, columns, 3, S, S)
    return tiles.flatten(0, 1)[:count].contiguous()
