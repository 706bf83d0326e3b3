"""The embedded data set: synthfaces, drawn on first use and then memory-mapped."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from vaegan.data.cache import cache_key, cached_array
from vaegan.data.imageset import ImageSet
from vaegan.data.synthfaces import renderer as synthfaces

COUNTS = {"train": 20_000, "test": 10_000}
SEEDS = {"train": 0, "test": 1}
CHUNK = 500  # images drawn at a time


def read(data_dir: Path, split: str, image_size: int) -> ImageSet:
    """Draw, or map from the cache, one split of synthfaces; `data_dir` is not used. Labels are (N, A) attributes."""
    count, seed = COUNTS[split], SEEDS[split]
    drawing = _renderer_hash()
    key = cache_key("synthfaces", drawing, seed, count, image_size)
    shape = (count, 3, image_size, image_size)
    images = cached_array(key, shape, np.uint8, lambda: _rendered(seed, count, image_size))
    names = tuple(synthfaces.ATTRIBUTES)
    labels = cached_array(cache_key("synthfaces-labels", drawing, seed, count), (count, len(names)), np.uint8,
                          lambda: [synthfaces.attributes(seed, torch.arange(count)).numpy()])  # fmt: skip
    return ImageSet("synthfaces", split, torch.from_numpy(images), torch.from_numpy(labels), names, source=key)


def drawn(split: str, rows: torch.Tensor, image_size: int, attributes: torch.Tensor | None = None) -> torch.Tensor:
    """Draw images `rows` of a split at any size, uint8 (N, 3, S, S): the faces that `read` returns, with their own
    attributes or with others (N, A)."""
    return synthfaces.render(SEEDS[split], rows, image_size, attributes)


def _rendered(seed: int, count: int, size: int) -> Iterator[np.ndarray]:
    for indices in torch.arange(count).split(CHUNK):
        yield np.asarray(synthfaces.render(seed, indices, size))


def _renderer_hash() -> str:
    """Hash this package's sources: more than the renderer, but then no module it draws with can be forgotten."""
    sources = sorted(Path(synthfaces.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
