"""Mean and covariance of a stream of feature vectors, in float64 and in memory that does not grow with the stream."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from vaegan.errors import UserError

BLOCKS = 8  # disjoint parts of a stream that are kept apart, so that the distance is known at N, N/2, N/4 and N/8


@dataclass(frozen=True)
class Moments:
    """How many vectors there were, their mean (d,) and their scatter (d, d): the sum of squared deviations.

    Merging is exact up to rounding, so batches, their order and processes do not matter (Chan et al. 1979).
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance (d, d); needs two vectors."""
        return self.scatter / (self.count - 1)

    def merge(self, other: "Moments") -> "Moments":
        """The moments of both streams together."""
        if not (self.count and other.count):  # in 2,048 dimensions a sum of matrices takes longer than an image
            return self if self.count else other
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        scatter = self.scatter + other.scatter + torch.outer(delta, delta) * (self.count * other.count / count)
        return Moments(count, mean, scatter)


def nothing(d: int) -> Moments:
    """The moments of no vectors of length `d`."""
    return Moments(0, torch.zeros(d, dtype=torch.float64), torch.zeros(d, d, dtype=torch.float64))


def moments(features: Tensor) -> Moments:
    """The moments of (N, d) vectors of any float type. Raises UserError where a number is not finite."""
    if not features.isfinite().all():
        raise UserError("features are not finite: the images or the network that made them are broken")
    features = features.double()
    mean = features.mean(dim=0)
    centred = features - mean
    return Moments(len(features), mean, centred.T @ centred)


def merged(parts: Iterable[Moments]) -> Moments:
    """The moments of several streams together."""
    return reduce(Moments.merge, parts)


class Accumulator:
    """Moments of a stream whose vector i goes to block i mod BLOCKS; 8 d^2 numbers, whatever the stream's length."""

    def __init__(self, d: int):
        self.blocks = [nothing(d) for _ in range(BLOCKS)]

    def update(self, features: Tensor, first: int) -> None:
        """Add (N, d) vectors, the first of which is number `first` of the stream; batches may come in any order."""
        if not len(features):
            return
        for i in range(min(BLOCKS, len(features))):
            block = (first + i) % BLOCKS
            self.blocks[block] = self.blocks[block].merge(moments(features[i::BLOCKS]))


def blocks_of(features: Tensor) -> list[Moments]:
    """The blocks of (N, d) vectors that are all there."""
    accumulator = Accumulator(features.shape[1])
    accumulator.update(features, 0)
    return accumulator.blocks
