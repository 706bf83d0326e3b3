"""Random numbers as a pure function of (seed, index, stream, position): no generator, so no order and no state."""

import numpy as np
import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(h: np.ndarray) -> np.ndarray:
    """Finalise uint64 in place (splitmix64: Steele, Lea, Flood 2014)."""
    h ^= h >> np.uint64(30)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def _bits(seed: int, indices: np.ndarray, stream: int, count: int) -> np.ndarray:
    """Return (N, count) uint64 for image `indices` of `seed`; streams are independent of one another."""
    key = _mix(np.array([(seed + (stream + 1) * _GOLDEN) & _MASK], dtype=np.uint64))
    key = _mix(key + indices.astype(np.uint64) * np.uint64(_GOLDEN))
    return _mix(key[:, None] + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95))


def uniforms(seed: int, indices: np.ndarray, stream: int, count: int) -> Tensor:
    """Return (N, count) float32 in [0, 1), 24 bits each."""
    bits = _bits(seed, indices, stream, count) >> np.uint64(40)
    return torch.from_numpy(bits.astype(np.float32)) * 2.0**-24


def noise(seed: int, indices: np.ndarray, stream: int, shape: tuple[int, ...]) -> Tensor:
    """Return (N, *shape) float32 uniform in [-1, 1), 16 bits each: four values to one hash."""
    count = int(np.prod(shape))
    bits = _bits(seed, indices, stream, -(-count // 4)).astype("<u8").view("<i2")[:, :count]
    return torch.from_numpy(bits.astype(np.float32)).mul_(2.0**-15).view(-1, *shape)
