"""Distances between sets of feature vectors: Frechet, density and coverage, and how far apart those of one set are.

None of these is "the FID": that name belongs to the Inception network of its authors. Each number's name says what
it was made with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

CHUNK = 1000  # rows of a distance matrix held at a time: 80 MB against 10,000 vectors
NEIGHBOURS = 5  # k of density and coverage, the value their authors recommend


@dataclass(frozen=True)
class Distance:
    """A value with the protocol it was measured by; None, and a note saying why, when it cannot be trusted."""

    value: float | None
    name: str
    note: str = ""


class _FeaturesGiven(nn.Module):
    """The "feature extractor" that torchmetrics asks for, when the features are there already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet(features: Tensor, reference: Tensor, extractor: str, reference_name: str) -> Distance:
    """Return the squared Frechet distance of the Gaussians fitted to `features` (N, d) and `reference` (M, d).

    Features come from eval.features: extracted once from uint8 images, in evaluation mode, without gradients; here
    they are accumulated in float64 (torchmetrics returns the type it is given). With fewer vectors than features the
    covariances are singular and the distance is mostly bias, so the value is None. Finite N biases it upwards by
    about 1/N: compare only equal N, and beside the floor of real against real.
    Source: Heusel et al. 2017, arXiv 1706.08500, Eq. 6.
    """
    count, d = features.shape
    name = f"Frechet distance in {extractor}, {count:,} images against {len(reference):,} of {reference_name}"
    if min(count, len(reference)) <= d:
        return Distance(None, name, f"needs more images than the {d} features")
    metric = FrechetInceptionDistance(feature=_FeaturesGiven(d))
    metric.update(reference.double(), real=True)
    metric.update(features.double(), real=False)
    return Distance(max(metric.compute().item(), 0.0), name)  # rounding can leave -1e-12


def mean_pairwise_distance(features: Tensor) -> float:
    """Return the mean Euclidean distance over all pairs of different rows of (N, d); 0 when all images are alike."""
    count = len(features)
    total = sum(distances.sum().item() for distances in _distance_rows(features))
    return total / (count * (count - 1))


def nearest_pair(features: Tensor) -> tuple[float, int, int]:
    """Return the smallest distance between two rows of (N, d), and which two: the likeliest repeated image."""
    best = (float("inf"), 0, 0)
    for start, distances in zip(range(0, len(features), CHUNK), _distance_rows(features), strict=True):
        rows = torch.arange(len(distances))
        distances[rows, start + rows] = float("inf")  # itself
        row, column = divmod(int(distances.argmin()), len(features))
        best = min(best, (distances[row, column].item(), *sorted((start + row, column))))
    return best


def neighbourhood_radii(reference: Tensor) -> Tensor:
    """Return how far each row of (M, d) is from its NEIGHBOURS-th nearest other row, float64 (M,).

    Raises ValueError when there are not more rows than NEIGHBOURS.
    """
    if len(reference) <= NEIGHBOURS:
        raise ValueError(f"{NEIGHBOURS} neighbours need more than {len(reference)} feature vectors")
    # one more than asked for: the nearest is the row itself. kthvalue would take eight times as long.
    nearest = (rows.topk(NEIGHBOURS + 1, dim=1, largest=False).values[:, -1] for rows in _distance_rows(reference))
    return torch.cat(list(nearest))


def density_and_coverage(features: Tensor, reference: Tensor, radii: Tensor) -> tuple[float, float]:
    """Return how `features` (N, d) fill the neighbourhoods of `reference` (M, d), whose `radii` (M,) are those above.

    Density is the mean number of neighbourhoods that a row lies in, over NEIGHBOURS: 1 is expected of real images, more
    of rows that crowd where real ones are dense. Coverage is the share of neighbourhoods with at least one row in them,
    0..1: a generator that repeats itself leaves most empty. Memory grows as CHUNK * N.
    Source: Naeem et al. 2020, arXiv 2002.09797, Eq. 3 and 4.
    """
    found, covered = 0, 0
    for distances, radius in zip(_distance_rows(reference, features), radii.split(CHUNK), strict=True):
        inside = (distances <= radius[:, None]).sum(dim=1)
        found += int(inside.sum())
        covered += int((inside > 0).sum())
    return found / (NEIGHBOURS * len(features)), covered / len(reference)


def _distance_rows(features: Tensor, others: Tensor | None = None) -> Iterator[Tensor]:
    """Yield (CHUNK, M) float64 blocks of the distances of (N, d) to `others` (M, d), by default to itself.

    By matrix products, which are 20 times as fast as differences and lose half the digits near 0: in float64 equal
    rows still come out below 1e-6 of the spread.
    """
    if others is None and len(features) < 2:
        raise ValueError("a pair needs at least two feature vectors")
    centre = features.double().mean(dim=0)
    features = features.double() - centre
    others = features if others is None else others.double() - centre
    for rows in features.split(CHUNK):
        yield torch.cdist(rows, others, compute_mode="use_mm_for_euclid_dist")
