"""Estimates with bootstrap intervals, and the rule that turns a difference into a verdict."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vaegan.errors import UserError

LEVEL = 0.95
ALPHA = 0.05  # what a p-value, corrected for all hypotheses of a report, has to stay below
RESAMPLES = 1000
SMALLEST_P = 2 / (RESAMPLES + 1)  # two-sided: up to 25 hypotheses can stay below ALPHA after Holm's correction
MINIMAL_EFFECT = 0.05  # px; a difference nobody could see is no support for a claim about what people see
BATCH = 100  # resamples at a time, so that memory stays below 20 MB for 10,000 images

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
    """`outcome` is one of OUTCOMES; `sentence` says it with the figures; `difference` is blurrier minus sharper, px; `p`
    is that of the difference alone, `p_adjusted` what the outcome was decided by."""

    outcome: str
    sentence: str
    difference: Interval
    p: float
    p_adjusted: float


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
    counts = _counts(len(values), seed)
    parts = [counts[start : start + BATCH].astype(np.float64) @ values for start in range(0, RESAMPLES, BATCH)]
    return np.concatenate(parts) / len(values)


@functools.lru_cache(maxsize=4)  # drawing them costs ten times what using them does; 10 MB for 10,000 images
def _counts(n: int, seed: int) -> np.ndarray:
    """How often each of `n` rows is drawn in each resample, (RESAMPLES, n); that one is drawn 256 times or more has a
    probability below 1e-500, so a byte holds it."""
    generator = np.random.default_rng((seed, n))
    counts = np.empty((RESAMPLES, n), dtype=np.uint8)
    for rows in np.split(counts, range(BATCH, RESAMPLES, BATCH)):
        drawn = generator.integers(n, size=rows.shape) + n * np.arange(len(rows))[:, None]
        rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
    return counts


def checked(values: ArrayLike) -> np.ndarray:
    """(N, ...) as float64; UserError for fewer than two rows or for values that are not finite."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or len(values) < 2:
        raise UserError(f"an interval needs at least 2 images, got {values.size if values.ndim < 2 else len(values)}")
    if not np.isfinite(values).all():
        raise UserError(f"{np.sum(~np.isfinite(values))} of {values.size} measured values are not finite numbers")
    return values


def over_seeds(estimates: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean over training runs with hierarchical replicates: other runs of the same kind, then other images of each.

    One run says nothing about runs: its interval is over images only. Simulated coverage: 0.91 and more from 3 runs.
    """
    if not estimates:
        raise UserError("there are no runs to average over; give at least one")
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.stack([estimate.replicates for estimate in estimates])  # (S, RESAMPLES)
    # Seeded by the values too, so that the draws of two teams are independent; rounded, as platforms differ at 1e-16.
    generator = np.random.default_rng((seed, *(np.round(values, 6) + 0.0).view(np.uint64).tolist()))
    if len(values) > 1 and np.isfinite(replicates).all():
        resampled = replicates.mean(axis=0) + _other_runs(values, replicates, generator)
    else:
        drawn = generator.integers(len(values), size=replicates.shape)
        with np.errstate(invalid="ignore"):  # inf - inf, where runs lie beyond opposite ends of the calibrated range
            resampled = np.take_along_axis(replicates, drawn, axis=0).mean(axis=0)
    with np.errstate(invalid="ignore"):
        return Estimate(float(values.mean()), resampled, len(values))


def _other_runs(values: np.ndarray, replicates: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """By how much the mean of S other runs would differ, (RESAMPLES,): Student's t of S - 1 degrees of freedom.

    Not S of the S values with replacement: of 3 runs, 27 such draws exist, all between the least and the greatest, so
    that a p-value is 0.04 or next to 0. The images of each run explain part of the spread and have it already.
    """
    runs, by_images = len(values), (replicates - values[:, None]).var(axis=0, ddof=1).mean()
    unexplained = max(0.0, values.var(ddof=1) - by_images)
    return math.sqrt(unexplained / runs) * generator.standard_t(runs - 1, size=RESAMPLES)


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


def p_value(first: Estimate, second: Estimate) -> float:
    """Two-sided p of "no difference": twice the smaller share of replicates of the difference on either side of 0,
    counting the estimate itself as one more, so at least SMALLEST_P. Unknown replicates count for both."""
    with np.errstate(invalid="ignore"):
        difference = np.subtract(first.replicates, second.replicates)
    against = min(np.sum(~(difference > 0)), np.sum(~(difference < 0)))
    return min(1.0, float(2 * (1 + against) / (len(difference) + 1)))


def verdict(
    blurrier: Estimate,
    sharper: Estimate,
    names: tuple[str, str] = ("VAE", "VAE/GAN"),
    p_adjusted: float | None = None,
) -> Verdict:
    """Decide "`names[0]` is blurrier than `names[1]`" from two estimates of sigma_eq in px.

    `supported`: the difference is at least MINIMAL_EFFECT, its interval excludes 0, the two intervals do not overlap
    and `p_adjusted`, its p-value corrected for every hypothesis declared with it (eval.multiplicity; none by default),
    is below ALPHA; `refuted`: the same with the opposite sign; `inconclusive`: anything else.
    """
    difference, p = difference_interval(blurrier, sharper), p_value(blurrier, sharper)
    p_adjusted = p if p_adjusted is None else p_adjusted
    sure = p_adjusted < ALPHA and not blurrier.interval.overlaps(sharper.interval)
    if sure and difference.low > 0 and difference.value >= MINIMAL_EFFECT:
        outcome = "supported"
    elif sure and difference.high < 0 and difference.value <= -MINIMAL_EFFECT:
        outcome = "refuted"
    else:
        outcome = "inconclusive"
    claim = f"{names[0]} is blurrier than {names[1]}"
    sentence = f"{outcome} {scope(blurrier, sharper)}: {claim} (difference {difference} px of Gaussian blur)"
    return Verdict(outcome, sentence, difference, p, p_adjusted)


def scope(first: Estimate, second: Estimate) -> str:
    """What a verdict speaks for: a side of one run has no spread over seeds, so then for these runs only."""
    if first.seeds == second.seeds:
        return "for this pair of runs" if first.seeds == 1 else f"over {first.seeds} seeds"
    seeds = f"{first.seeds} against {second.seeds} seeds"
    return f"for these runs only, {seeds}" if 1 in (first.seeds, second.seeds) else f"over {seeds}"
