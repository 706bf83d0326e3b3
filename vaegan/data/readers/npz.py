"""`npz:FILE`: arrays of a user's own, `images` (N, H, W, C) uint8 and optional `labels` and `label_names`."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaegan.data.fitting import enlarged_note, fit, fitting_size
from vaegan.data.imageset import ImageSet, held_out, hold_out_note
from vaegan.errors import UserError


def native_size(file: Path) -> int:
    """Return the size images get by default: their own if it is 32, 64 or 128, else the nearest of these."""
    return fitting_size(min(_images(file, _arrays(file)).shape[1:3]))


def read(file: Path, split: str, image_size: int) -> ImageSet:
    """Read one split; the test split is the sibling file with "test" for "train" in its name, else every tenth image.

    Raises UserError for a file that is no .npz, a missing key, and any shape or type but those named above.
    """
    sibling = _sibling(file)
    if sibling:
        images, labels, names = _read_all(sibling if split == "test" else file)
        note = f"the test split is the file {sibling.name}"
    else:
        images, labels, names = _read_all(file)
        rows = held_out(len(images), split)
        images, labels = images[rows], labels if labels is None else labels[rows]
        note = hold_out_note(file.name)
    note = "; ".join(filter(None, [note, enlarged_note(min(images.shape[-2:]), image_size)]))
    return ImageSet(f"npz:{file}", split, fit(images, image_size), labels, names, note)


def all_images(file: Path) -> Tensor:
    """Every image of a file at its own size, uint8 (N, C, H, W); errors as `read`."""
    return _read_all(file)[0]


def _sibling(file: Path) -> Path | None:
    sibling = file.with_name(file.name.replace("train", "test"))
    return sibling if sibling != file and sibling.is_file() else None


def _read_all(file: Path) -> tuple[Tensor, Tensor | None, tuple[str, ...]]:
    arrays = _arrays(file)
    images = torch.from_numpy(_images(file, arrays)).permute(0, 3, 1, 2).contiguous()
    labels, names = _labels(file, arrays, len(images))
    return images, labels, names


def _arrays(file: Path) -> dict[str, np.ndarray]:
    if not file.is_file():
        raise UserError(f"no such file: {file}")
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in ("images", "labels", "label_names") if key in archive}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        # TypeError and AttributeError: numpy opens a bare .npy as an array, which is no context manager
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is not a readable .npz of arrays ({reason}); write it with numpy.savez") from None


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
        raise UserError(f"{what}; it must be (N, H, W, C) with C 1 or 3, or (N, H, W)")
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
    names = names or tuple(map(str, range(needed)))
    if len(names) < needed:
        raise UserError(f"'label_names' in {file} has {len(names)} names for {needed} labels")
    return torch.from_numpy(labels.astype(np.int64 if labels.ndim == 1 else np.uint8)), names
