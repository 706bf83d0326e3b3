"""Anybody's images as streams: a folder, an .npz file, a data set; fetched by number, never all at once."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import Tensor

from eval.images import files
from eval.images.files import Rows, Size, resized, spelled
from vaegan.data import DATASETS, load
from vaegan.data.readers import npz
from vaegan.errors import UsageError, UserError, nearest

BATCH_PIXELS, MOST_A_BATCH = 2**21, 250  # 250 images of 64x64, 8 of 512x512: 6 MB of uint8


@dataclass(frozen=True)
class Stream:
    """Images that are made when they are asked for. `images` maps row numbers to uint8 (N, C, H, W)."""

    title: str
    count: int
    shape: tuple[int, int, int]  # C, H, W
    images: Callable[[Rows], Tensor] = field(repr=False)
    names: tuple[str, ...] = field(repr=False, default=())  # of files, without suffix; () where there are none
    note: str = ""  # what was done to the pixels

    @property
    def size(self) -> Size:
        return self.shape[1:]

    @property
    def batch(self) -> int:
        """Images to ask for at a time."""
        return max(1, min(MOST_A_BATCH, BATCH_PIXELS // (self.shape[1] * self.shape[2])))

    def batches(self, rows: Rows | None = None) -> Iterator[Tensor]:
        """Images `rows` (default all, in order) in batches; the next is fetched while one is worked on."""
        rows = range(self.count) if rows is None else rows
        parts = [rows[start : start + self.batch] for start in range(0, len(rows), self.batch)]
        with ThreadPoolExecutor(1) as pool:
            coming = [pool.submit(self.images, part) for part in parts[:1]]
            for part in parts[1:]:
                images = coming.pop().result()
                coming.append(pool.submit(self.images, part))
                yield images
            for last in coming:
                yield last.result()


def of_tensor(title: str, images: Tensor) -> Stream:
    """A stream of uint8 (N, C, H, W) that is all there."""
    channels, height, width = images.shape[1:]
    return Stream(title, len(images), (channels, height, width), lambda rows: images[_slice(rows)])


def _slice(rows: Rows) -> slice | torch.Tensor:
    """A slice where rows follow each other: indexing by a tensor would copy the images."""
    if isinstance(rows, range) and rows.step == 1:
        return slice(rows.start, rows.stop)
    return torch.as_tensor(rows)


def open_stream(source: str, resize: Size | None = None, data_dir: Path = Path("data"), like: Size = (0, 0)) -> Stream:
    """The images that `source` names: a folder (also folder:DIR), npz:FILE, or the held-out images of a data set.

    Files keep their own size unless `resize` says otherwise; a data set is read at the size `like` where it can be.
    Raises UsageError for what is none of these, and for images that cannot be used.
    """
    prefix, _, path = source.partition(":")
    if prefix == "npz" and path:
        return of_npz(Path(path).expanduser(), resize)
    if source in DATASETS:
        return of_dataset(source, resize, data_dir, like)
    root = Path(path if prefix == "folder" and path else source).expanduser()
    if not root.exists() and prefix != "folder":
        raise UsageError(
            f"no such folder: {source}{nearest(source, DATASETS)}; give a folder of images, npz:FILE or one of "
            f"{', '.join(DATASETS)}"
        )
    return of_folder(root, resize)


def of_folder(root: Path, resize: Size | None = None) -> Stream:
    """Every image file under `root`; see eval.images.files.folder."""
    listed = files.folder(root, resize)
    note = f"resized from {', '.join(map(spelled, listed.resized_from[:3]))}" if listed.resized_from else ""
    names = tuple(str(PurePath(file).with_suffix("")) for file in listed.files)
    return Stream(str(root), len(names), (listed.channels, *listed.size), listed.images, names, note)


def of_npz(file: Path, resize: Size | None = None) -> Stream:
    """All `images` of a file, whatever their size. Raises UsageError for a file that the data set reader refuses."""
    try:
        images = npz.all_images(file)
    except UserError as error:
        raise UsageError(str(error)) from None
    stream = of_tensor(str(file), images)
    if not resize or resize == stream.size:
        return stream
    shape = (stream.shape[0], *resize)
    return Stream(
        stream.title,
        stream.count,
        shape,
        lambda rows: resized(images[_slice(rows)], resize),
        note=f"resized from {spelled(stream.size)}",
    )


def of_dataset(name: str, resize: Size | None, data_dir: Path, like: Size = (0, 0)) -> Stream:
    """The held-out images of a data set by name, of the side that `resize` or else `like` asks for."""
    wanted = resize or like
    side = wanted[0] if wanted[0] == wanted[1] else None
    try:
        images = load(name, "test", image_size=side or None, data_dir=data_dir)
    except UsageError:
        images = load(name, "test", data_dir=data_dir)  # its own size: the mismatch is named with both
    return of_tensor(name, images.images)


def as_grey(stream: Stream) -> Stream:
    """The same images as one channel. They raise UsageError where one of them has a pixel that is not grey."""
    if stream.shape[0] == 1:
        return stream

    def images(rows: Rows) -> Tensor:
        batch = stream.images(rows)
        if coloured(batch).any():
            raise UsageError(
                f"{stream.title} is in colour and other images are grey (R = G = B counts as grey); convert one of them"
            )
        return batch[:, :1]

    return replace(stream, shape=(1, *stream.size), images=images)


def digests(images: Tensor) -> np.ndarray:
    """A number an image that only equal images share, uint64 (N,), of uint8 (N, C, H, W): grey and R = G = B alike."""
    kept = zip(images.contiguous().numpy(), coloured(images), strict=True)
    return np.array([_digest(image if colour else image[:1]) for image, colour in kept], dtype=np.uint64)


def _digest(image: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(image.data, digest_size=8).digest(), "little")


def flat(images: Tensor) -> Tensor:
    """Which of uint8 (N, C, H, W) are of one colour, bool (N,)."""
    pixels = images.flatten(2)
    return (pixels.amin(dim=2) == pixels.amax(dim=2)).all(dim=1)


def coloured(images: Tensor) -> Tensor:
    """Which of uint8 (N, C, H, W) have a pixel that is not grey, bool (N,)."""
    if images.shape[1] == 1:
        return torch.zeros(len(images), dtype=torch.bool)
    red, green, blue = images.unbind(dim=1)
    return ((red != green) | (green != blue)).flatten(1).any(dim=1)
