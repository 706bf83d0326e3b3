"""Every data set by name, a row each, and the two questions asked of them: the images, and their natural size."""

from __future__ import annotations  # names are known without torch

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaegan.data.imageset import SIZES, SMALL_SIZES, SPLITS, ImageSet
from vaegan.errors import UsageError, unknown

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Dataset:
    """One row. `where` is --data-dir for a named set, and what follows the colon for a prefix."""

    title: str
    native_size: Callable[[Path], int]  # of (where)
    read: Callable[[Path, str, int], ImageSet]  # of (where, split, image_size)
    drawn: Callable[..., Tensor] | None = None  # of (split, rows, image_size, attributes), where images are drawings


def _of(reader: str, function: str, *first: Any) -> Callable[..., Any]:
    """A reader's function, imported when it is called: nobody pays for the readers of other data (torchvision: 2 s)."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f"vaegan.data.readers.{reader}"), function)(*first, *arguments)

    return call


def _torchvision(name: str, title: str) -> Dataset:
    return Dataset(title, lambda where: 32, _of("torchvision_sets", "read", name))


PORTRAIT = 64  # pixels a side in the paper's experiments with faces
DATASETS = {
    "synthfaces": Dataset(
        "drawn faces, embedded: needs no download",
        lambda where: 64,
        _of("embedded", "read"),
        _of("embedded", "drawn"),
    ),
    "mnist": _torchvision("mnist", "handwritten digits"),
    "fashion-mnist": _torchvision("fashion-mnist", "articles of clothing"),
    "cifar10": _torchvision("cifar10", "photographs of ten classes"),
    "celeba": Dataset("photographs of faces with 40 attributes", lambda where: PORTRAIT, _of("celeba", "read")),
    "lfw": Dataset("photographs of faces, split by person", lambda where: PORTRAIT, _of("lfw", "read")),
}
PREFIXES = {
    "folder": Dataset(
        "folder:DIR, image files, with or without class sub-folders",
        _of("folder", "native_size"),
        _of("folder", "read"),
    ),
    "npz": Dataset(
        "npz:FILE, `images` (N, H, W, C) uint8 and optional `labels`", _of("npz", "native_size"), _of("npz", "read")
    ),
}
EMBEDDED = tuple(name for name, dataset in DATASETS.items() if dataset.drawn)  # those that need no data_dir


def load(
    name: str,
    split: str,
    *,
    image_size: int | None = None,
    data_dir: Path = Path("data"),
    trained_on: Mapping[str, Any] | None = None,
) -> ImageSet:
    """Load one split ("train", or "test": held out) of the data set `name`, at its native size unless told.

    trained_on: the identity of each split that a run keeps (`identities`); other images are then refused.
    Raises UsageError for an unknown name or image size, UserError when the data are absent or damaged.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not one of {SPLITS}")
    dataset, where = _find(name, data_dir, known=bool(trained_on))
    if image_size is None:
        image_size = dataset.native_size(where)
    if image_size not in SIZES + SMALL_SIZES:
        raise UsageError(f"image size {image_size} is not one of {', '.join(map(str, SIZES))}")
    from vaegan.data import identity

    images = identity.identified(dataset.read(where, split, image_size))
    identity.check(trained_on, name, {split: images.identity})
    return images


def identities(images: ImageSet, data_dir: Path = Path("data")) -> dict[str, dict[str, Any]]:
    """Return the identity of each split of the set that `images` is one split of: what a run keeps of its data."""
    other = next(split for split in SPLITS if split != images.split)
    loaded = load(images.name, other, image_size=images.image_size, data_dir=data_dir)
    return {images.split: images.identity, other: loaded.identity}


def native_size(name: str, data_dir: Path = Path("data")) -> int:
    """Return the image size that `load` uses unless told; errors as `load`."""
    dataset, where = _find(name, data_dir)
    return dataset.native_size(where)


def drawn(name: str, split: str, rows: Tensor, image_size: int, attributes: Tensor | None = None) -> Tensor | None:
    """Draw images `rows` (N,) of a split anew, uint8 (N, C, S, S): at any size, with their own attributes or with
    others (N, A). It is the truth for large images and for edited ones; None for data that are pixels and no more."""
    draw = DATASETS[name].drawn if name in DATASETS else None
    return draw and draw(split, rows, image_size, attributes)


def _find(name: str, data_dir: Path, known: bool = False) -> tuple[Dataset, Path]:
    prefix, colon, path = name.partition(":")
    if colon and prefix in PREFIXES:
        if not path:
            raise UsageError(f"data set {name!r} names no path; write {PREFIXES[prefix].title.split(',')[0]}")
        return PREFIXES[prefix], _moved(Path(path).expanduser(), data_dir, known)
    if name not in DATASETS:
        raise unknown("data set", name, [*DATASETS, *(f"{prefix}:" for prefix in PREFIXES)])
    return DATASETS[name], Path(data_dir)


def resolved(name: str) -> str:
    """Return a data set's name with an absolute path where it has one, so that it holds in any working directory."""
    prefix, colon, path = name.partition(":")
    return f"{prefix}:{Path(path).expanduser().resolve()}" if path and prefix in PREFIXES else name


def same_kind(name: str, other: str) -> bool:
    """Return whether two names say in the same way where a user's own images lie."""
    prefix = name.partition(":")[0]
    return prefix in PREFIXES and prefix == other.partition(":")[0] and name != other


def _moved(path: Path, data_dir: Path, known: bool) -> Path:
    """Return `path`, or where it lies now: a folder or file of the same name in `data_dir`, or that file itself, or,
    where the images will be compared with those of a run, that folder."""
    for candidate in (path, Path(data_dir) / path.name):
        if os.path.exists(candidate):
            return candidate
    itself = os.path.isfile(data_dir) if path.suffix else known and os.path.isdir(data_dir)
    return Path(data_dir) if itself else path
