"""Image files as rows of one array: decoded many at a time, and every file that fails is reported."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from vaegan.data.cache import cache_key
from vaegan.errors import UserError

CHUNK = 512  # images decoded at a time


def fingerprint(root: Path, files: Sequence[Path]) -> str:
    """Return a cache key of `files`, relative to `root`: their names, sizes and times. OSError when one is absent."""
    stats = [(str(file), s.st_size, s.st_mtime_ns) for file in files for s in [(root / file).stat()]]
    return cache_key("tree", str(root.resolve()), stats)


def pixels(file: Path, mode: str = "RGB") -> np.ndarray:
    """Decode one file as (H, W, C) uint8, upright, in Pillow's `mode`. Raises whatever Pillow's decoders do."""
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image).convert(mode)
    return np.array(upright).reshape(upright.height, upright.width, -1)


def each(files: Sequence[Path], function: Callable[[Path], np.ndarray]) -> Iterator[np.ndarray]:
    """Yield `function` of the files, stacked by CHUNK.

    Raises UserError after the last one when it failed on any, naming the first and the count.
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
            if rows:
                yield np.stack(rows)
    if failures:
        file, error = min(failures, key=lambda failure: failure[0])
        reason = " ".join(str(error).split())
        raise UserError(
            f"{len(failures)} of {len(files)} images cannot be read, first {file} ({reason}); repair or remove them"
        )
