"""CelebA in torchvision's folder layout, read without its downloader: 202,599 faces with 40 attributes."""

from pathlib import Path

import numpy as np
import torch

from vaegan.data.imageset import ImageSet
from vaegan.data.readers import portraits
from vaegan.data.readers.portraits import Crop
from vaegan.errors import UserError

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
    names = _attribute_names(attributes)
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


def _attribute_names(file: Path) -> list[str]:
    """Return the second line of the attribute list, below the number of images."""
    with open(file, errors="replace") as lines:
        next(lines, "")
        return next(lines, "").split()


def _table(file: Path, skip: int, columns: int) -> tuple[list[str], np.ndarray]:
    """Read lines of a file name and `columns` whole numbers: N names, and (N, columns) int8."""
    try:
        names = np.loadtxt(file, dtype=str, skiprows=skip, usecols=0, ndmin=1, comments=None)
        values = np.loadtxt(file, dtype=np.int8, skiprows=skip, usecols=range(1, columns + 1), ndmin=2, comments=None)
    except (ValueError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{file} cannot be read ({reason}): copy the publisher's file again") from None
    return names.tolist(), values
