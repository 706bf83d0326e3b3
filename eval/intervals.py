"""Estimates with bootstrap intervals, effect sizes, and the rule that turns a difference into a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vaegan.errors import UserError

LEVEL = 0.95
RESAMPLES = 1000
MINIMAL_EFFECT = 0.05  # px; a difference nobody could see is no support for a claim about what people see
BATCH = 100  # resamples at a time, so that memory stays below 10 MB for 10,000 images

OUTCOMES = ("supported", "refuted", "inconclusive")


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; infinite ends mean "beyond what was calibrated"."""

    value: float
    low: float
    high: float

    def overlaps(self, other: "Interval") -> bool:
        return not (self.low > other.high or self.high < other.low)

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Estimate:
    """A value and its bootstrap replicates (RESAMPLES,). Replicate b of every estimate made with one seed resamples the
    same image numbers: images that are paired stay paired in a difference, and for unpaired ones it does no harm."""

    value: float
    replicates: np.ndarray = field(repr=False)
    seeds: int = 1  # training runs behind it

    @property
    def interval(self) -> Interval:
        return Interval(self.value, *_ends(self.replicates))


@dataclass(frozen=True)
class Verdict:
    """`outcome` is one of OUTCOMES; `sentence` says it with the figures; `difference` is blurrier minus sharper, px."""

    outcome: str
    sentence: str
    difference: Interval


def mean_interval(values: ArrayLike, seed: int = 0) -> Interval:
    """Mean of (N,) with its percentile bootstrap interval (scipy.stats.bootstrap); UserError for fewer than two."""
    values = checked(values)
    result = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, batch=BATCH, method="percentile", confidence_level=LEVEL, rng=seed
    )
    return Interval(float(values.mean()), float(result.confidence_interval.low), float(result.confidence_interval.high))


def resampled_means(values: ArrayLike, seed: int = 0) -> np.ndarray:
    """Means over RESAMPLES bootstrap resamples of the rows of (N,) or (N, K): (RESAMPLES,) or (RESAMPLES, K).

    Resample b of N rows depends only on (N, seed, b), so arrays over the same images are resampled alike.
    """
    values = checked(values)
    return np.concatenate([counts @ values for counts in _counts(len(values), seed)]) / len(values)


def _counts(n: int, seed: int):
    """How often each of `n` rows is drawn in each resample, float64 (BATCH, n) at a time."""
    generator = np.random.default_rng((seed, n))
    for start in range(0, RESAMPLES, BATCH):
        rows = min(BATCH, RESAMPLES - start)
        drawn = generator.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def checked(values: ArrayLike) -> np.ndarray:
    """(N, ...) as float64; UserError for fewer than two rows or for values that are not finite."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or len(values) < 2:
        raise UserError(f"an interval needs at least 2 images, got {values.size if values.ndim < 2 else len(values)}")
    if not np.isfinite(values).all():
        raise UserError(f"{np.sum(~np.isfinite(values))} of {values.size} measured values are not finite numbers")
    return values


def over_seeds(estimates: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean over training runs with hierarchical replicates: runs are drawn with replacement, then their images.

    One run says nothing about runs: its interval is over images only. Simulated coverage: 0.93 and more from 3 runs.
    """
    if not estimates:
        raise UserError("there are no runs to average over; give at least one")
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.stack([estimate.replicates for estimate in estimates])  # (S, RESAMPLES)
    drawn = np.random.default_rng((seed, len(values))).integers(len(values), size=replicates.shape)
    with np.errstate(invalid="ignore"):  # inf - inf, where runs lie beyond opposite ends of the calibrated range
        resampled = np.take_along_axis(replicates, drawn, axis=0).mean(axis=0)
        if len(values) > 1 and np.isfinite(replicates).all():
            resampled += (_widening(values, replicates) - 1) * (values[drawn].mean(axis=0) - values.mean())
        return Estimate(float(values.mean()), resampled, len(values))


def _widening(values: np.ndarray, replicates: np.ndarray) -> float:
    """What the spread of S runs is stretched by. A bootstrap knows only their S values, so its spread is too small by
    sqrt((S - 1) / S) and by the ratio of the normal to Student's t quantile; but the part that the images explain is in
    the images' own resamples already."""
    runs, tail, spread = len(values), (1 + LEVEL) / 2, values.var(ddof=1)
    unexplained = max(0.0, 1 - replicates.var(axis=1).mean() / spread) if spread > 0 else 0.0
    return float(stats.t.ppf(tail, runs - 1) / stats.norm.ppf(tail) * math.sqrt(runs / (runs - 1) * unexplained))


def difference_interval(first: Estimate, second: Estimate) -> Interval:
    """`first` minus `second` with its interval; where both are beyond the calibrated range it is unknown, so NaN in
    [-inf, inf]."""
    with np.errstate(invalid="ignore"):
        return Interval(
            float(np.subtract(first.value, second.value)), *_ends(np.subtract(first.replicates, second.replicates))
        )


def _ends(replicates: np.ndarray) -> tuple[float, float]:
    """Percentiles of replicates that may be infinite, or NaN (unknown, which can only widen)."""
    unknown = np.isnan(replicates)
    low = np.quantile(np.where(unknown, -np.inf, replicates), (1 - LEVEL) / 2, method="inverted_cdf")
    high = np.quantile(np.where(unknown, np.inf, replicates), (1 + LEVEL) / 2, method="inverted_cdf")
    return float(low), float(high)


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float:
    """P(first > second) - P(first < second) over all pairs of (N,) and (M,): -1 to 1, 0 when neither tends higher."""
    first, second = checked(first), checked(second)
    return float(2 * stats.mannwhitneyu(first, second).statistic / (len(first) * len(second)) - 1)


def paired_effect(first: ArrayLike, second: ArrayLike) -> float:
    """Cohen's d_z of paired (N,) and (N,): mean difference over its standard deviation; 0 when they are the same."""
    first, second = checked(first), checked(second)
    if first.shape != second.shape:
        raise UserError(f"paired values must have one shape, got {first.shape} and {second.shape}")
    difference = first - second
    with np.errstate(divide="ignore"):
        return float(difference.mean() / difference.std(ddof=1)) if difference.any() else 0.0


def verdict(blurrier: Estimate, sharper: Estimate, names: tuple[str, str] = ("VAE", "VAE/GAN")) -> Verdict:
    """Decide "`names[0]` is blurrier than `names[1]`" from two estimates of sigma_eq in px.

    `supported`: the difference is at least MINIMAL_EFFECT, its interval excludes 0 and the two intervals do not
    overlap; `refuted`: the same with the opposite sign; `inconclusive`: anything else. One run each speaks for that
    pair only.
    """
    difference = difference_interval(blurrier, sharper)
    apart = not blurrier.interval.overlaps(sharper.interval)
    if apart and difference.low > 0 and difference.value >= MINIMAL_EFFECT:
        outcome = "supported"
    elif apart and difference.high < 0 and difference.value <= -MINIMAL_EFFECT:
        outcome = "refuted"
    else:
        outcome = "inconclusive"
    seeds = min(blurrier.seeds, sharper.seeds)
    scope = "for this pair of runs" if seeds == 1 else f"over {seeds} seeds"
    claim = f"{names[0]} is blurrier than {names[1]}"
    return Verdict(outcome, f"{outcome} {scope}: {claim} (difference {difference} px of Gaussian blur)", difference)
