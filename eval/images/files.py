"""Folders of image files as they are: every file, at its own size, decoded when it is asked for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from vaegan.data.readers import decoding, listing
from vaegan.errors import UsageError, UserError
from vaegan.storage.reading import reason, regular

GREY_MODES = ("1", "L", "LA")
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values that swap width and height
Size = tuple[int, int]  # height, width
Rows = Sequence[int] | np.ndarray  # numbers of images
R = TypeVar("R")


@dataclass(frozen=True)
class Header:
    """What a file says of its image before it is decoded."""

    size: Size
    grey: bool


@dataclass(frozen=True)
class Folder:
    """The image files under `root`, all of one size, grey if every one of them is stored as grey."""

    root: Path
    files: tuple[Path, ...]  # relative to root
    size: Size  # of an image as it is decoded
    channels: int
    resized_from: tuple[Size, ...] = ()  # the sizes of the files, where a resize was asked for

    def images(self, rows: Rows) -> Tensor:
        """Decode files `rows`: uint8 (N, C, H, W). Raises UsageError naming a file that cannot be decoded."""
        return torch.stack(_side_by_side(self._image, [self.files[row] for row in rows]))

    def _image(self, file: Path) -> Tensor:
        try:
            image = decoding.pixels(self.root / file, "L" if self.channels == 1 else "RGB")
        except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more
            raise UsageError(_unreadable(self.root / file, error)) from None
        return resized(torch.from_numpy(image).permute(2, 0, 1), self.size)


def folder(root: Path, resize: Size | None = None) -> Folder:
    """Look at every image file under `root`, sub-folders and linked folders included, hidden ones left out.

    Raises UsageError where there is none, and for the first file that cannot be opened, that has more than 8 bits a
    channel, or, without `resize`, whose size differs from the first one's.
    """
    files = listed(root)
    headers = _side_by_side(lambda file: _header(root / file), files)
    sizes = tuple(dict.fromkeys(header.size for header in headers))
    if len(sizes) > 1 and not resize:
        other = next(file for file, header in zip(files, headers, strict=True) if header.size != sizes[0])
        raise UsageError(
            f"{root} has images of two sizes: {files[0]} is {spelled(sizes[0])} and {other} is "
            f"{spelled(headers[files.index(other)].size)}; bring them to one, for example with --resize "
            f"{spelled(min(sizes))}"
        )
    channels = 1 if all(header.grey for header in headers) else 3
    return Folder(root, tuple(files), resize or sizes[0], channels, sizes if resize and sizes != (resize,) else ())


def listed(root: Path) -> list[Path]:
    """Every image file under `root`, relative to it and sorted: hidden ones left out, a real file once."""
    if not root.is_dir():
        found = f"{root} is no folder: give a folder of images, or npz:FILE" if root.exists() else ""
        raise UsageError(found or f"no such folder: {root}")
    try:
        return listing.image_files(root).files
    except UserError as error:
        raise UsageError(str(error)) from None


def resized(image: Tensor, size: Size) -> Tensor:
    """uint8 (..., C, H, W) at another size, bilinear and antialiased; the whole image, nothing is cut off."""
    if tuple(image.shape[-2:]) == size:
        return image
    return v2.functional.resize(image, list(size), antialias=True)


def size_of(spec: str | None) -> Size | None:
    """The (height, width) that --resize names. UsageError for what is no size."""
    if spec is None:
        return None
    numbers = spec.lower().split("x")
    if len(numbers) > 2 or not all(number.isdigit() and int(number) for number in numbers):
        raise UsageError(f"--resize {spec!r} is no size: write 64, or 192x256 for WIDTHxHEIGHT")
    return int(numbers[-1]), int(numbers[0])


def spelled(size: Size) -> str:
    """A size for people, and as --resize takes it: width x height."""
    return f"{size[1]}x{size[0]}"


def _header(file: Path) -> Header:
    try:
        with Image.open(regular(file)) as image:
            if image.mode[0] in "IF":
                raise UsageError(f"{file} has {image.mode!r} pixels, which are not 8-bit: convert the images first")
            width, height = image.size
            # Of a square no turn shows, and where there are no tags Pillow decodes a whole PNG to look for them.
            if width != height and image.getexif().get(ORIENTATION) in TURNED:
                width, height = height, width
            return Header((height, width), image.mode in GREY_MODES)
    except UsageError:
        raise
    except Exception as error:  # as above
        raise UsageError(_unreadable(file, error)) from None


def _unreadable(file: Path, error: Exception) -> str:
    return f"{file} cannot be read ({reason(error)}); repair or remove it"


def _side_by_side(function: Callable[[Path], R], files: Sequence[Path]) -> list[R]:
    """Call `function` on every file in threads (Pillow's decoders let others run); the first failure in order."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, files))
