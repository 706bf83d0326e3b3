"""Image files as rows of one array: decoded many at a time, and every file that fails is reported."""

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from vaegan.data.cache import cache_key
from vaegan.errors import UserError
from vaegan.storage.reading import contents, reason

DECODER = 2  # raise it when `pixels` or `fit` change what a file becomes: caches of decoded images carry it
CHUNK = 512  # images decoded at a time
SHOWN = 5  # files that a message names
WITH_ALPHA = ("LA", "PA", "La", "RGBA", "RGBa")
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def fingerprint(root: Path, files: Sequence[Path]) -> str:
    """Return a cache key of `files`, relative to `root`: their names, sizes and times. OSError when one is absent."""
    names = [str(file) for file in files]  # text: joining 100,000 Paths takes a second
    stats = [(name, s.st_size, s.st_mtime_ns) for name in names for s in [os.stat(os.path.join(root, name))]]
    return cache_key("tree", str(root.resolve()), stats)


def opened(data: bytes) -> Image.Image:
    """Open an image that was read. Raises whatever Pillow's decoders do."""
    return Image.open(io.BytesIO(data))


def pixels(file: Path, mode: str = "RGB") -> np.ndarray:
    """Decode one file as (H, W, C) uint8, upright, over white where it is transparent, in Pillow's `mode`; of an
    animation the first frame. Raises whatever Pillow's decoders do."""
    with opened(contents(file)) as image:
        upright = over_white(ImageOps.exif_transpose(image)).convert(mode)
    return np.array(upright).reshape(upright.height, upright.width, -1)


def over_white(image: Image.Image) -> Image.Image:
    """Composite an image with an alpha channel or a transparent colour over white; return any other as it is."""
    if not is_transparent(image):
        return image
    image = image.convert(PREMULTIPLIED.get(image.mode, image.mode)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def is_transparent(image: Image.Image) -> bool:
    """Return whether an image has an alpha channel or a colour that means transparent."""
    return image.mode in WITH_ALPHA or "transparency" in image.info


def each(files: Sequence[Path], function: Callable[[Path], np.ndarray]) -> Iterator[np.ndarray]:
    """Yield `function` of the files, stacked by CHUNK.

    Raises UserError after the last one when it failed on any, naming the first few and the count.
    """
    failures = []

    def attempt(file: Path) -> np.ndarray | None:
        try:
            return function(file)
        except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more
            failures.append((file, error))
            return None

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), CHUNK):
            rows = [row for row in pool.map(attempt, files[start : start + CHUNK]) if row is not None]
            if rows and not failures:
                yield np.stack(rows)
    if failures:
        raise UserError(f"{len(failures)} of {len(files)} images cannot be read, first {_listed(failures)}")


def _listed(failures: list[tuple[Path, Exception]]) -> str:
    """Name the failures in order, each with its reason, and what to do."""
    ordered = sorted(failures, key=lambda failure: failure[0])
    named = [f"{file} ({_reason(error)})" for file, error in ordered[:SHOWN]]
    more = f" and {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
    return f"{', '.join(named)}{more}; repair or remove them"


def _reason(error: Exception) -> str:
    """Say what was wrong, without the buffer's address that Pillow names."""
    return " ".join(re.sub("<_io.BytesIO[^>]*>", "", reason(error)).split())
