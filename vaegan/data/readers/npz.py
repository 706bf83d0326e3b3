"""`npz:FILE`: arrays of a user's own, `images` (N, H, W, C) uint8 and optional `labels` and `label_names`."""

import math
import os
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from vaegan.data import splits
from vaegan.data.cache import cache_key, cached_array
from vaegan.data.fitting import cropped_note, fit, fitting_size, is_too_long, resized_note
from vaegan.data.imageset import ImageSet, joined
from vaegan.data.readers import decoding
from vaegan.data.readers.decoding import DECODER
from vaegan.data.splits import Labels
from vaegan.errors import UserError
from vaegan.storage.reading import reason, regular

MOST_CLASSES = 100_000  # a name is made for each: numbers beyond are no classes but something else, as dates
KEYS = ("images", "labels", "label_names")


@dataclass(frozen=True)
class Contents:
    """What one file holds. images: (N, H, W, C) uint8."""

    file: Path
    images: np.ndarray
    labels: Labels

    @property
    def digests(self) -> np.ndarray:
        """Digests of the images as they are stored, uint64 (N,), kept in the cache."""
        rows, key = self.images.reshape(len(self.images), -1), cache_key("rows", _stamp(self.file))
        made = cached_array(key, (len(rows), 1), np.uint64, lambda: [splits.digests(rows)[:, None]])
        return made[:, 0]


Chosen = tuple[
    Contents, slice | np.ndarray, str, str
]  # a file, its rows of a split, its labels' fault, how it was made


def native_size(file: Path) -> int:
    """Return the size images get by default: their own if it is 32, 64 or 128, else the nearest of these."""
    return fitting_size(min(_images(file, _arrays(file)).shape[1:3]))


def read(file: Path, split: str, image_size: int) -> ImageSet:
    """Read one split; the held-out split is the sibling file with "test" (or "val", "valid", "validation") for "train"
    in its name, else about a tenth is held out, see `splits.held_out`.

    Raises UserError for a file that is no .npz, a missing key, any shape or type but those named above, and siblings
    of different channels or sizes; labels that do not belong together are left out.
    """
    sibling = _sibling(file)
    chosen, rows, fault, note = _of_sibling(file, sibling, split) if sibling else _held_out(file, split)
    labels, names = (None, ()) if fault else (chosen.labels.values, chosen.labels.names)
    images = torch.from_numpy(chosen.images[rows]).permute(0, 3, 1, 2).contiguous()
    height, width = images.shape[-2:]
    pixel_note = joined(
        resized_note(min(height, width), image_size), cropped_note(np.array([[width, height]] * len(images)))
    )
    return ImageSet(
        name=f"npz:{file}",
        split=split,
        images=fit(images, image_size),
        labels=None if labels is None else labels[rows],
        label_names=names,
        note=joined(note, pixel_note, splits.unlabelled(fault)),
        unusable_labels=fault,
        source=f"npz {_stamp(file)} {sibling and _stamp(sibling)} {split} {image_size} {DECODER}",
    )


def _of_sibling(file: Path, sibling: Path, split: str) -> Chosen:
    train, test = _contents(file), _contents(sibling)
    _check_alike(train, test)
    fault = splits.label_fault(train.labels, test.labels)
    note = joined(f"the test split is the file {sibling.name}", splits.overlap_note(train.digests, test.digests))
    return (train if split == "train" else test), slice(None), fault, note


def _held_out(file: Path, split: str) -> Chosen:
    whole = _contents(file)
    fault = splits.label_fault(whole.labels)
    is_held_out = splits.held_out(whole.digests, None if fault else whole.labels.values)
    note = splits.hold_out_note(file.name, int(is_held_out.sum()), len(is_held_out))
    return whole, np.flatnonzero(is_held_out == (split == "test")), fault, note


def all_images(file: Path) -> Tensor:
    """Every image of a file at its own size, uint8 (N, C, H, W); errors as `read`."""
    return torch.from_numpy(_images(file, _arrays(file))).permute(0, 3, 1, 2).contiguous()


def _sibling(file: Path) -> Path | None:
    wanted = splits.siblings(file.name)
    if not wanted or not file.is_file():
        return None
    there = {path.name.lower(): path for path in file.parent.iterdir() if path != file and path.is_file()}
    return next((there[name] for name in wanted if name in there), None)


def _stamp(file: Path) -> str:
    return decoding.fingerprint(file.parent, [Path(file.name)])


def _contents(file: Path) -> Contents:
    arrays = _arrays(file)
    images = _images(file, arrays)
    values, names = _labels(file, arrays, len(images))
    return Contents(file, images, Labels(str(file), values, names))


def _check_alike(train: Contents, test: Contents) -> None:
    """Raise UserError where two files hold images of different channels or sizes."""
    for what, axes in (("channels", slice(3, 4)), ("pixels a side", slice(1, 3))):
        a, b = ("x".join(map(str, contents.images.shape[axes])) for contents in (train, test))
        if a != b:
            raise UserError(f"{train.file} has images of {a} {what}, {test.file} of {b}: give both the same")


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        _check_claims(regular(file))
        with np.load(regular(file), allow_pickle=False) as archive:
            return {key: archive[key] for key in KEYS if key in archive}
    except FileNotFoundError:
        raise UserError(f"no such file: {file}") from None
    except (  # RuntimeError: also what zipfile raises of a compression that it does not know
        OSError, ValueError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise UserError(
            f"{file} is not a readable .npz of arrays ({reason(error)}); write it with numpy.savez"
        ) from None


def _check_claims(file: Path) -> None:
    """Raise ValueError where a header claims more than its file or memory can hold, before anything is allocated."""
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no zip archive")
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.removesuffix(".npy") not in KEYS:
                continue
            with archive.open(info) as member:
                shape, dtype = _claim(member)
            claimed = math.prod(shape) * dtype.itemsize
            if claimed > info.file_size:
                raise ValueError(f"{info.filename} claims {claimed / 1e9:,.1f} GB and has {info.file_size / 1e9:,.1f}")
            if claimed > _memory():
                raise ValueError(f"{info.filename} needs {claimed / 1e9:,.1f} GB of memory: use folder: instead")


def _claim(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and type in an .npy header."""
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    return shape, dtype


def _memory() -> float:
    """Return the bytes of memory of this machine, without a bound where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _images(file: Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if "images" not in arrays:
        raise UserError(f"{file} has no array named 'images'; write it with numpy.savez(FILE, images=...)")
    images = arrays["images"]
    what = f"'images' in {file} has shape {images.shape}"
    if images.dtype != np.uint8:
        raise UserError(f"'images' in {file} has type {images.dtype}; it must be uint8 with values 0 to 255")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        turned = "; transpose it with (0, 2, 3, 1)" if images.ndim == 4 and images.shape[1] in (1, 3) else ""
        raise UserError(f"{what}; it must be (N, H, W, C) with C 1 or 3, or (N, H, W){turned}")
    if 0 not in images.shape and is_too_long(*images.shape[1:3]):
        raise UserError(f"{what}, {images.shape[1]} rows of {images.shape[2]} pixels; is it (N, H, W, C)? Transpose it")
    if len(images) < 2 or 0 in images.shape:
        raise UserError(f"{what}; at least two images are needed, as one is held out")
    return images


def _labels(file: Path, arrays: dict[str, np.ndarray], count: int) -> tuple[Tensor | None, tuple[str, ...]]:
    if "labels" not in arrays:
        return None, ()
    labels, names = arrays["labels"], tuple(map(str, arrays.get("label_names", np.array([])).ravel()))
    if labels.ndim not in (1, 2) or len(labels) != count or labels.dtype.kind not in "iub":
        raise UserError(
            f"'labels' in {file} is {labels.dtype} of shape {labels.shape}; with {count} images it must be integers of "
            f"shape ({count},) for classes or ({count}, A) for binary attributes"
        )
    if labels.ndim == 2 and not np.isin(labels, (0, 1)).all():
        raise UserError(f"'labels' in {file} holds attributes other than 0 and 1; store classes as a ({count},) array")
    if labels.ndim == 1 and labels.min() < -1:
        raise UserError(f"'labels' in {file} holds the class {labels.min()}; classes count from 0, -1 is unlabelled")
    needed = labels.shape[1] if labels.ndim == 2 else int(labels.max()) + 1
    if labels.ndim == 1 and needed > MOST_CLASSES:
        raise UserError(f"'labels' in {file} holds the class {needed - 1}, with {count} images: number classes from 0")
    names = names or tuple(map(str, range(needed)))
    if len(names) < needed:
        raise UserError(f"'label_names' in {file} has {len(names)} names for {needed} labels")
    for name, times in Counter(names).most_common(1):
        if times > 1:
            raise UserError(f"'label_names' in {file} has {name!r} {times} times: give each label a name of its own")
    return torch.from_numpy(labels.astype(np.int64 if labels.ndim == 1 else np.uint8)), names
