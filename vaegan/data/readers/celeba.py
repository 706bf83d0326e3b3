"""CelebA in torchvision's folder layout, read without its downloader: 202,599 faces with 40 attributes."""

from pathlib import Path

import numpy as np
import torch

from vaegan.data.imageset import ImageSet
from vaegan.data.readers import portraits
from vaegan.data.readers.portraits import Crop
from vaegan.errors import UserError
from vaegan.storage.reading import reason, text

FOLDER = Path("celeba")
PARTS = {"train": 0, "test": 2}  # 1 is the publisher's validation part, which nothing here uses
# Rows 40 to 188 and columns 15 to 163 of 178x218, the released code's box: 5 pixels below the centre.
CROP = Crop(top=40, left=15, side=148)
REMEDY = (
    "get img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt from "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and unpack them there"
)


def read(data_dir: Path, split: str, image_size: int) -> ImageSet:
    """Read one of the publisher's splits from `data_dir`/celeba; labels are the (N, 40) attributes.

    Raises UserError when a file is absent or damaged.
    """
    wanted = ("img_align_celeba", "list_eval_partition.txt", "list_attr_celeba.txt")
    root, partition, attributes = (portraits.find("celeba", data_dir, FOLDER / name, REMEDY) for name in wanted)
    files, part = _table(partition, skip=0, columns=1)
    names = [*_lines(attributes), "", ""][1].split()  # below the number of images
    labelled, flags = _table(attributes, skip=2, columns=len(names))
    if labelled != files:
        raise UserError(f"{attributes} and {partition} list different images: copy the publisher's files again")
    rows = np.flatnonzero(part[:, 0] == PARTS[split])
    if not len(rows):
        raise UserError(f"{partition} has no image of the {split} part: copy the publisher's file again")
    images, source = portraits.decoded("celeba", root, [Path(files[row]) for row in rows], CROP, image_size)
    labels = torch.from_numpy((flags[rows] > 0).astype(np.uint8))
    return ImageSet(
        "celeba", split, torch.from_numpy(images), labels, tuple(names), CROP.note(image_size), source=source
    )


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in text(file, errors="replace").splitlines() if line.strip()]
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> UserError:
    return UserError(f"{file} cannot be read ({reason(error)}): copy the publisher's file again")


def _table(file: Path, skip: int, columns: int) -> tuple[list[str], np.ndarray]:
    """Read lines of a file name and `columns` whole numbers: N names, and (N, columns) int8."""
    try:
        lines = _lines(file)[skip:]
        if not lines:
            raise ValueError("no image is listed")
        names = np.loadtxt(lines, dtype=str, usecols=0, ndmin=1, comments=None)
        values = np.loadtxt(lines, dtype=np.int8, usecols=range(1, columns + 1), ndmin=2, comments=None)
    except (ValueError, IndexError) as error:
        raise _unreadable(file, error) from None
    return names.tolist(), values
