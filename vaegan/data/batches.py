"""Which images make up batch i: a pure function, so that resuming and sharding are exact."""

import functools

import numpy as np
import torch
from torch import Tensor


def batch_indices(n: int, batch_size: int, seed: int, step: int) -> Tensor:
    """Return the (batch_size,) int64 indices of batch `step` out of `n` images.

    Every epoch is a permutation of its own, and the epochs are laid end to end: a batch may span two of them, no
    image is dropped, and each comes once an epoch.
    """
    start, stop = step * batch_size, (step + 1) * batch_size
    pieces = []
    for epoch in range(start // n, (stop - 1) // n + 1):
        first = epoch * n
        pieces.append(_permutation(n, seed, epoch)[max(start - first, 0) : stop - first])
    return torch.cat(pieces)


@functools.lru_cache(maxsize=4)  # a permutation of 200,000 costs milliseconds, and consecutive batches share it
def _permutation(n: int, seed: int, epoch: int) -> Tensor:
    mixed = int(np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)[0])
    return torch.randperm(n, generator=torch.Generator().manual_seed(mixed))
