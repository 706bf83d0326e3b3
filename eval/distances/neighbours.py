"""What near means among feature vectors: how varied a set is, what it fills of another, and what it copies."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

CHUNK = 1000  # rows of a distance matrix held at a time: 80 MB against 10,000 vectors
NEIGHBOURS = 5  # k of density and coverage, the value their authors recommend
PRECISION_NEIGHBOURS = 3  # k of precision and recall, their authors' value
COPY = 0.01  # share of held-out images that are as near to a training image as a copy must be


@dataclass(frozen=True)
class Memorisation:
    """How near images are to the training images, read against held-out images, which nobody copied."""

    copies: float  # share nearer to a training image than all but the nearest COPY of held-out images; expected: COPY
    nearer: float  # share of pairs (image, held-out image) in which the image is the nearer one; expected: 0.5


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
        first, second = sorted((start + row, column))
        best = min(best, (distances[row, column].item(), first, second))
    return best


@dataclass(frozen=True)
class Neighbourhoods:
    """Vectors (N, d), and how far each is from its nearest, third and fifth nearest other row, float64 (N,)."""

    vectors: Tensor = field(repr=False)
    nearest: Tensor = field(repr=False)
    narrow: Tensor = field(repr=False)  # PRECISION_NEIGHBOURS-th
    wide: Tensor = field(repr=False)  # NEIGHBOURS-th


@dataclass(frozen=True)
class Filling:
    """How a set fills another's neighbourhoods, and the other way round."""

    density: float  # neighbourhoods that a row lies in, over NEIGHBOURS; 1 is expected of real images
    coverage: float  # 0..1, share of real neighbourhoods with at least one row in them
    precision: float  # 0..1, share of rows that lie in a real neighbourhood: what is drawn looks real
    recall: float  # 0..1, share of real images that lie in a row's neighbourhood: what is real could be drawn


def neighbourhoods(vectors: Tensor) -> Neighbourhoods:
    """Measure how near the rows of (N, d) are to each other; ValueError for not more rows than NEIGHBOURS."""
    if len(vectors) <= NEIGHBOURS:
        raise ValueError(f"{NEIGHBOURS} neighbours need more than {len(vectors)} feature vectors")
    # one more than asked for: the nearest is the row itself. kthvalue would take eight times as long.
    blocks = [rows.topk(NEIGHBOURS + 1, dim=1, largest=False).values for rows in _distance_rows(vectors)]
    radii = torch.cat(blocks)
    return Neighbourhoods(vectors, radii[:, 1], radii[:, PRECISION_NEIGHBOURS], radii[:, NEIGHBOURS])


def filling(own: Neighbourhoods, reference: Neighbourhoods) -> Filling:
    """Return how a set fills the neighbourhoods of a reference, whatever the two counts. Memory grows as CHUNK * N.

    Sources: density and coverage, Naeem et al. 2020, arXiv 2002.09797, Eq. 3 and 4; precision and recall,
    Kynkaanniemi et al. 2019, arXiv 1904.06991, Eq. 1 and 2.
    """
    pairs, covered, recalled = 0, 0, 0
    precise = torch.zeros(len(own.vectors), dtype=torch.bool)
    radii = zip(reference.wide.split(CHUNK), reference.narrow.split(CHUNK), strict=True)
    for distances, (wide, narrow) in zip(_distance_rows(reference.vectors, own.vectors), radii, strict=True):
        inside = (distances <= wide[:, None]).sum(dim=1)
        pairs += int(inside.sum())
        covered += int((inside > 0).sum())
        precise |= (distances <= narrow[:, None]).any(dim=0)
        recalled += int((distances <= own.narrow).any(dim=1).sum())
    return Filling(
        pairs / (NEIGHBOURS * len(own.vectors)),
        covered / len(reference.vectors),
        float(precise.double().mean()),
        recalled / len(reference.vectors),
    )


def expected_coverage(count: int, reference_count: int) -> float:
    """The coverage of `count` images of the same kind as the reference's: the chance that not all NEIGHBOURS nearest of
    an image's neighbours are reference images (Naeem et al. 2020, Eq. 9)."""
    total = count + reference_count - 1
    return 1 - math.prod((reference_count - 1 - i) / (total - i) for i in range(NEIGHBOURS))


def nearest_distances(features: Tensor, reference: Tensor) -> Tensor:
    """Return the distance of each row of (N, d) to its nearest row of `reference` (M, d), float64 (N,).

    The neighbour is found in float32, in half the time, and its distance computed from the difference: 0 for a copy.
    """
    centre = reference.mean(dim=0)
    candidates = (reference - centre).float()
    half_norms = 0.5 * candidates.square().sum(dim=1)
    nearest = [
        torch.addmm(half_norms, rows, candidates.T, alpha=-1).argmin(dim=1)
        for rows in (features - centre).float().split(CHUNK // 5)  # 50 MB against 60,000 vectors
    ]
    return (features.double() - reference[torch.cat(nearest)].double()).norm(dim=1)


def memorisation(distances: Tensor, real_distances: Tensor) -> Memorisation:
    """Compare `nearest_distances` to the training images of some images (N,) with those of held-out ones (M,).

    `nearer` is the statistic of Mann and Whitney, as in Meehan et al. 2020, arXiv 2004.05675: 1 where everything is a
    copy, 0 where everything is farther off than any real image, as bad images are.
    """
    ordered = real_distances.sort().values
    limit = ordered[int(COPY * len(ordered))]
    ranks = torch.searchsorted(ordered, distances, right=True), torch.searchsorted(ordered, distances)
    beaten = len(ordered) - 0.5 * (ranks[0] + ranks[1]).double()
    return Memorisation(float((distances < limit).double().mean()), float(beaten.mean() / len(ordered)))


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
