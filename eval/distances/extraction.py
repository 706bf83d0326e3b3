"""From images to features: streamed, shared out among processes, and for real images kept from one time to the next."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import safetensors
import safetensors.torch
import torch
import torch.distributed as dist
from torch import Tensor

from eval.distances.columns import Features
from eval.distances.moments import Accumulator, blocks_of, merged
from eval.features.choice import Extractor
from eval.images.streams import digests
from vaegan.data.cache import cache_dir, cache_key, cannot_cache
from vaegan.machine import processes
from vaegan.storage.reading import reason, regular
from vaegan.storage.writing import write_file

T = TypeVar("T")

BATCH = 250  # images a pass, always the same ones together, whatever the number of processes
MOST_KEPT = 10_000  # vectors of a stream that are kept for neighbours and kernels, whose cost grows as their square
CACHE_FORMAT = "1"
Images = Callable[[int, int], Tensor]  # (first, last) -> uint8 (last - first, C, H, W)


def extract(
    count: int,
    images: Images,
    extractor: Extractor,
    advance: Callable[[int], object] = lambda n: None,
    most_kept: int = MOST_KEPT,
) -> Features:
    """Return the features of `count` images; memory holds one batch of them, `most_kept` vectors and the moments.

    Under torchrun every process does its share of the batches, and all get the same result. `advance` hears how many
    images are done. Raises UserError where a feature is not finite.
    """
    accumulator, kept = Accumulator(extractor.num_features), {}
    for first in range(0, count, BATCH)[processes.rank() :: processes.count()]:
        last = min(first + BATCH, count)
        vectors = extractor.features(images(first, last)).cpu()
        accumulator.update(vectors, first)
        if first < most_kept:
            kept[first] = vectors[: most_kept - first]
        advance(last - first)
    shares = _of_all_processes((kept, accumulator.blocks))
    kept = {first: vectors for part, _ in shares for first, vectors in part.items()}
    blocks = [merged(parts) for parts in zip(*(share for _, share in shares), strict=True)]
    return Features(torch.cat([kept[first] for first in sorted(kept)]), blocks)


def _of_all_processes(value: T) -> list[T]:
    if processes.count() == 1:
        return [value]
    values = [value] * processes.count()
    dist.all_gather_object(values, value)
    return values


def of_tensor(images: Tensor) -> Images:
    """Images that are all there, uint8 (N, C, H, W), as `extract` asks for them."""
    return lambda first, last: images[first:last]


def digesting(images: Images, seen: dict[int, np.ndarray]) -> Images:
    """The same images; `seen` takes down, by number, what only equal images share."""

    def noted(first: int, last: int) -> Tensor:
        batch = images(first, last)
        seen[first] = digests(batch)
        return batch

    return noted


def together(seen: dict[int, np.ndarray], order: Tensor) -> tuple[np.ndarray, str]:
    """What all processes took down: a number an image, image i being number order[i] of its set, and the sha256 of the
    numbers in the set's own order."""
    parts = {first: own for share in _of_all_processes(seen) for first, own in share.items()}
    own = np.concatenate([parts[first] for first in sorted(parts)])
    return own, hashlib.sha256(own[np.argsort(order.numpy())].tobytes()).hexdigest()


def content(images: Tensor) -> str:
    """The sha256 of the images' shape and bytes: what a cached result belongs to."""
    digest = hashlib.sha256(repr((str(images.dtype), tuple(images.shape))).encode())
    for part in images.split(4096):
        digest.update(part.contiguous().numpy().data)
    return digest.hexdigest()


def complain(line: str) -> None:
    """Print a line to stderr."""
    print(line, file=sys.stderr)


def extract_cached(
    images: Tensor,
    extractor: Extractor,
    advance: Callable[[int], object] = lambda n: None,
    say: Callable[[str], object] = complain,
) -> Features:
    """Return the features of real images, uint8 (N, C, H, W), from the cache folder when they were extracted before.

    A file belongs to these very images and this very network (both by sha256). One that is damaged or of another
    version is made anew, and `say` hears why. Processes that write at once each write a file of their own, and the last
    one stays.
    Raises UserError when the cache folder cannot be written.
    """
    key = {"images": content(images), **extractor.identity()}
    path = cache_dir() / f"{cache_key('features', sorted(key.items()))}.safetensors"
    vectors = _read(path, (len(images), extractor.num_features), say) if processes.rank() == 0 else None
    (vectors, *_) = _of_all_processes(vectors)
    if vectors is None:
        vectors = extract(len(images), of_tensor(images), extractor, advance, most_kept=len(images)).vectors
        if processes.rank() == 0:
            _write(path, vectors, key)
    else:
        advance(len(images))
    return Features(vectors, blocks_of(vectors))


def _read(path: Path, shape: tuple[int, int], say: Callable[[str], object]) -> Tensor | None:
    """The vectors of a cache file; None when there is none that can be used."""
    try:
        with safetensors.safe_open(regular(path), framework="pt") as file:
            header, vectors = file.metadata() or {}, file.get_tensor("vectors")
    except FileNotFoundError:
        return None
    except (safetensors.SafetensorError, OSError) as error:
        say(f"the cache file {path} is damaged ({reason(error)}): extracting its features anew")
        return None
    if header.get("format") != CACHE_FORMAT:
        say(f"the cache file {path} is of another version ({header.get('format')}): extracting its features anew")
        return None
    if tuple(vectors.shape) != shape or _digest(vectors) != header.get("digest"):
        say(f"the cache file {path} does not hold what its header says: extracting its features anew")
        return None
    return vectors


def _write(path: Path, vectors: Tensor, key: dict[str, str]) -> None:
    metadata = {"format": CACHE_FORMAT, "digest": _digest(vectors), "of": json.dumps(key)}
    try:
        write_file(path, safetensors.torch.save({"vectors": vectors.contiguous()}, metadata))
    except OSError as error:
        raise cannot_cache(path, vectors.nbytes, error) from None


def _digest(vectors: Tensor) -> str:
    return hashlib.sha256(vectors.contiguous().numpy().data).hexdigest()
