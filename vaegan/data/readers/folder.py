"""`folder:DIR`: a tree of image files, with classes as sub-folders or without, decoded once into the cache."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS

from vaegan.data.cache import cache_key, cached_array
from vaegan.data.fitting import fit
from vaegan.data.imageset import SIZES, SPLITS, ImageSet, held_out, hold_out_note
from vaegan.data.readers import decoding
from vaegan.errors import UserError

GREY_MODES = ("1", "L", "LA")


@dataclass(frozen=True)
class Tree:
    """The image files under a folder: the training split first, then the test split, each in sorted order."""

    root: Path
    files: list[Path]  # relative to root
    train_count: int
    class_depth: int  # which part of a relative path names the class
    note: str

    def rows(self, split: str) -> slice:
        return slice(0, self.train_count) if split == "train" else slice(self.train_count, None)

    def paths(self) -> list[Path]:
        return [self.root / file for file in self.files]


def native_size(root: Path) -> int:
    """Return the largest of 32, 64 and 128 that no image under `root` must be enlarged to; 32 when all would be."""
    tree = _find(root)
    return _size_below(_headers(tree, decoding.fingerprint(root, tree.files)))


def read(root: Path, split: str, image_size: int) -> ImageSet:
    """Read one split of the images under `root`, centre-cropped, resized, RGB unless every file is grey.

    `root`/train and `root`/test are the splits when both exist; else every tenth image is held out. Labels are the
    first sub-folders' names, in sorted order; an image outside them gets -1, and with fewer than two classes there
    are no labels. Hidden files and those without an image's suffix are not images.
    Raises UserError when the folder or its images are absent, or when any image cannot be decoded.
    """
    tree = _find(root)
    fingerprint = decoding.fingerprint(root, tree.files)
    headers = _headers(tree, fingerprint)
    channels = 1 if headers[:, 2].all() else 3
    shape = (len(tree.files), channels, image_size, image_size)
    key = cache_key("folder", fingerprint, image_size, channels)
    images = cached_array(key, shape, np.uint8, lambda: _decoded(tree, image_size, channels))
    labels, names = _labels(tree)
    rows = tree.rows(split)
    return ImageSet(
        name=f"folder:{root}",
        split=split,
        images=torch.from_numpy(images[rows]),
        labels=None if labels is None else labels[rows],
        label_names=names,
        note="; ".join(filter(None, [tree.note, _enlarged_note(headers[rows], image_size)])),
    )


def _find(root: Path) -> Tree:
    if not root.is_dir():
        raise UserError(f"no such folder: {root}")
    if all((root / split).is_dir() for split in SPLITS):
        train, test = (_image_files(root, split) for split in SPLITS)
        return Tree(root, train + test, len(train), class_depth=1, note="splits are the folders train/ and test/")
    files = _image_files(root, "")
    if len(files) < 2:
        raise UserError(f"{root} holds a single image ({files[0]}); at least two are needed, one to be held out")
    train, test = ([files[i] for i in held_out(len(files), split)] for split in SPLITS)
    return Tree(root, train + test, len(train), class_depth=0, note=hold_out_note(f"{root} in sorted order"))


def _image_files(root: Path, sub_folder: str) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(root / sub_folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        images = [name for name in files if name.lower().endswith(IMG_EXTENSIONS) and not name.startswith(".")]
        found += [Path(folder, name).relative_to(root) for name in images]
    if not found:
        raise UserError(f"no images under {root / sub_folder}; looked for {' '.join(IMG_EXTENSIONS)}")
    return sorted(found)


def _labels(tree: Tree) -> tuple[Tensor | None, tuple[str, ...]]:
    depth = tree.class_depth
    classes = [file.parts[depth] if len(file.parts) > depth + 1 else None for file in tree.files]
    names = tuple(sorted({name for name in classes if name is not None}))
    if len(names) < 2:
        return None, ()
    index = {name: i for i, name in enumerate(names)}
    return torch.tensor([index.get(name, -1) for name in classes]), names


def _headers(tree: Tree, fingerprint: str) -> np.ndarray:
    """Return (N, 3) int32 width, height and whether grey; cached, as opening 200,000 files takes many seconds."""
    key = cache_key("headers", fingerprint)
    return cached_array(key, (len(tree.files), 3), np.int32, lambda: decoding.each(tree.paths(), _header))


def _header(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        if image.mode[0] in "IF":
            raise ValueError(f"its {image.mode!r} pixels are not 8-bit: convert it first")
        return np.array([*image.size, image.mode in GREY_MODES], np.int32)


def _decoded(tree: Tree, size: int, channels: int) -> Iterator[np.ndarray]:
    mode = "L" if channels == 1 else "RGB"

    def decode(file: Path) -> np.ndarray:
        return fit(torch.from_numpy(decoding.pixels(file, mode)).permute(2, 0, 1), size).numpy()

    return decoding.each(tree.paths(), decode)


def _size_below(headers: np.ndarray) -> int:
    smallest = headers[:, :2].min()
    return max((size for size in SIZES if size <= smallest), default=SIZES[0])


def _enlarged_note(headers: np.ndarray, size: int) -> str:
    sides = headers[:, :2].min(axis=1)
    enlarged = int((np.where(sides == 28, 32, sides) < size).sum())
    return f"{enlarged} of {len(headers)} images are smaller than {size} pixels and were enlarged" if enlarged else ""
