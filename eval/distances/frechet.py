"""The Frechet distance of two Gaussians, and what it would be with infinitely many images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eval.distances.moments import BLOCKS, Moments, merged


@dataclass(frozen=True)
class Curve:
    """Frechet distance at several numbers of images a side, averaged over disjoint parts, and its limit.

    Finite N biases the distance upwards by about c / N, with a c that depends on the model, so that two models may
    change places: the limit is the line through the points at 1 / N = 0 (Chong and Forsyth 2020, arXiv 1911.07023).
    """

    counts: tuple[int, ...]  # rising
    values: tuple[float, ...]
    limit: float | None  # None with fewer than two points


def frechet(a: Moments, b: Moments) -> float:
    """Return |mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2)), 0 or more.

    The trace of the root is the sum of singular values of R_a^T R_b, where A = R_a R_a^T and B = R_b R_b^T. The usual
    root of the eigenvalues of A B turns rounding of 1e-16 into 1e-8 wherever the covariances are singular; singular
    values keep it. In 2,048 dimensions this takes a quarter of the time of torchmetrics' eigenvalues of the product.
    Source: Heusel et al. 2017, arXiv 1706.08500, Eq. 6.
    """
    overlap = torch.linalg.svdvals(root(a.covariance).T @ root(b.covariance)).sum()
    means = (a.mean - b.mean).square().sum()
    return max(0.0, float(means + a.covariance.trace() + b.covariance.trace() - 2 * overlap))


def root(covariance: Tensor) -> Tensor:
    """Return R (d, r) with R R^T = `covariance` (d, d), r its rank."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > values[-1].clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    return vectors[:, kept] * values[kept].sqrt()


def singular(a: Moments, b: Moments) -> bool:
    """Whether there are too few vectors for a covariance of full rank: the distance is then mostly bias."""
    return min(a.count, b.count) <= len(a.mean)


def curve(a: Sequence[Moments], b: Sequence[Moments]) -> Curve:
    """Distances at N / 8, N / 4, N / 2 and N images of both sides, where N / 8 and so on still exceed the dimension.

    `a` and `b` are blocks of moments (eval.distances.moments). Parts of one size are disjoint; their distances are
    averaged.
    """
    counts, values = [], []
    for parts in (BLOCKS >> k for k in range(BLOCKS.bit_length())):  # 8, 4, 2, 1
        if parts == 1 or min(_counts(a, parts) + _counts(b, parts)) > len(a[0].mean):
            pairs = list(zip(_joined(a, parts), _joined(b, parts), strict=True))
            counts.append(pairs[0][0].count)
            values.append(float(np.mean([frechet(*pair) for pair in pairs])))
    limit = intercept(1 / np.array(counts), np.array(values)) if len(counts) > 1 else None
    return Curve(tuple(counts), tuple(values), limit)


def intercept(x: np.ndarray, y: np.ndarray) -> float:
    """Where the least-squares line through (x, y) meets x = 0; a distance is never below 0."""
    return max(0.0, float(np.polynomial.Polynomial.fit(x, y, 1).convert().coef[0]))


def _counts(blocks: Sequence[Moments], parts: int) -> list[int]:
    return [sum(block.count for block in blocks[i::parts]) for i in range(parts)]


def _joined(blocks: Sequence[Moments], parts: int) -> list[Moments]:
    return [merged(blocks[i::parts]) for i in range(parts)]
