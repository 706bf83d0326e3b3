"""Folders of image files for tests: what somebody who has never trained anything here would bring."""

from pathlib import Path

from torch import Tensor
from torchvision.transforms.functional import to_pil_image


def save_folder(folder: Path, images: Tensor, suffix: str = "png", mode: str | None = None, first: int = 0) -> Path:
    """Write uint8 (N, C, H, W) as files 00000.suffix, 00001.suffix, ..., in Pillow's `mode` if told."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, first):
        picture = to_pil_image(image)
        (picture.convert(mode) if mode else picture).save(folder / f"{number:05d}.{suffix}")
    return folder
