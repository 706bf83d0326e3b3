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
    by_images: np.ndarray | None = field(default=None, repr=False)  # replicates as if these were all the runs there are
    by_runs: float = 0.0  # variance of the mean over runs beyond that, px^2; `replicates` have both

    @property
    def interval(self) -> Interval:
        return Interval(self.value, *_ends(self.replicates))


@dataclass(frozen=True)
class Verdict:
    """`outcome` is one of OUTCOMES; `difference` is blurrier minus sharper, px.

    `p` is that of the difference alone, `p_adjusted` what the outcome was decided by.
    """

    outcome: str
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

    Other runs are drawn from Student's t, not from the S runs with replacement: of 3 runs there are 27 such draws, all
    between the least and the greatest, so that a p-value would be 0.04 or next to 0. One run says nothing about runs:
    its interval is over images only. Simulated coverage: 0.91 and more from 3 runs.
    """
    if not estimates:
        raise UserError("there are no runs to average over; give at least one")
    values = np.array([estimate.value for estimate in estimates])
    replicates = np.stack([estimate.replicates for estimate in estimates])  # (S, RESAMPLES)
    generator = _generator(seed, values)
    if len(values) > 1 and np.isfinite(replicates).all():
        by_images, by_runs = replicates.mean(axis=0), _variance_by_runs(values, replicates)
        resampled = by_images + math.sqrt(by_runs) * generator.standard_t(len(values) - 1, size=RESAMPLES)
        return Estimate(float(values.mean()), resampled, len(values), by_images, by_runs)
    drawn = generator.integers(len(values), size=replicates.shape)
    with np.errstate(invalid="ignore"):  # inf - inf, where runs lie beyond opposite ends of the calibrated range
        resampled = np.take_along_axis(replicates, drawn, axis=0).mean(axis=0)
        return Estimate(float(values.mean()), resampled, len(values))


def _variance_by_runs(values: np.ndarray, replicates: np.ndarray) -> float:
    """Variance of the mean of S runs because other seeds would give other runs: what of the runs' spread their images
    (replicates (S, RESAMPLES)) do not explain, over S."""
    explained = (replicates - values[:, None]).var(axis=0, ddof=1).mean()
    return max(0.0, values.var(ddof=1) - explained) / len(values)


def _generator(seed: int, values: ArrayLike) -> np.random.Generator:
    """Seeded by the values too: draws of two teams are independent. Rounded, because platforms differ at 1e-16."""
    return np.random.default_rng((seed, *(np.round(values, 6) + 0.0).view(np.uint64).tolist()))


def difference_interval(first: Estimate, second: Estimate) -> Interval:
    """`first` minus `second` with its interval; where both are beyond the calibrated range it is unknown, so NaN in
    [-inf, inf]."""
    with np.errstate(invalid="ignore"):
        value = float(np.subtract(first.value, second.value))
    return Interval(value, *_ends(_difference_replicates(first, second)))


def _difference_replicates(first: Estimate, second: Estimate) -> np.ndarray:
    """Replicates of `first` minus `second`, (RESAMPLES,): image for image; what other runs would change is drawn once
    for both sides, with the degrees of freedom of Welch (1947): the difference of a draw for each, with 2 degrees of
    freedom from 3 runs, is wider than it need be."""
    with np.errstate(invalid="ignore"):
        difference = np.subtract(_over_images(first), _over_images(second))
    total = first.by_runs + second.by_runs
    if total > 0:
        freedom = total**2 / sum(e.by_runs**2 / (e.seeds - 1) for e in (first, second) if e.by_runs)
        draws = _generator(0, [first.value, second.value]).standard_t(freedom, size=len(difference))
        difference = difference + math.sqrt(total) * draws
    return difference


def _over_images(estimate: Estimate) -> np.ndarray:
    return estimate.replicates if estimate.by_images is None else estimate.by_images


def _ends(replicates: np.ndarray) -> tuple[float, float]:
    """Percentiles of replicates that may be infinite, or NaN (unknown, which can only widen)."""
    unknown = np.isnan(replicates)
    low = np.quantile(np.where(unknown, -np.inf, replicates), (1 - LEVEL) / 2, method="inverted_cdf")
    high = np.quantile(np.where(unknown, np.inf, replicates), (1 + LEVEL) / 2, method="inverted_cdf")
    return float(low), float(high)


def p_value(first: Estimate, second: Estimate) -> float:
    """Two-sided p of "no difference": twice the smaller share of replicates of the difference on either side of 0,
    counting the estimate itself as one more, so at least SMALLEST_P. Unknown replicates count for both."""
    difference = _difference_replicates(first, second)
    against = min(np.sum(~(difference > 0)), np.sum(~(difference < 0)))
    return min(1.0, float(2 * (1 + against) / (len(difference) + 1)))


def verdict(
    blurrier: Estimate,
    sharper: Estimate,
    p_adjusted: float | None = None,
) -> Verdict:
    """Decide "the first is blurrier than the second" from two estimates of sigma_eq in px.

    `supported`: the difference is at least MINIMAL_EFFECT, its interval excludes 0 and `p_adjusted`, its p-value
    corrected for every hypothesis declared with it (eval.multiplicity; as it is by default), is below ALPHA; `refuted`:
    the same with the opposite sign; `inconclusive`: anything else. The sides' own intervals may overlap: they contain
    the error of the calibration, which cancels in the difference (docs/blur.md).
    """
    difference, p = difference_interval(blurrier, sharper), p_value(blurrier, sharper)
    p_adjusted = p if p_adjusted is None else p_adjusted
    if p_adjusted < ALPHA and difference.low > 0 and difference.value >= MINIMAL_EFFECT:
        outcome = "supported"
    elif p_adjusted < ALPHA and difference.high < 0 and difference.value <= -MINIMAL_EFFECT:
        outcome = "refuted"
    else:
        outcome = "inconclusive"
    return Verdict(outcome, difference, p, p_adjusted)


def scope(first: Estimate, second: Estimate) -> str:
    """What a verdict speaks for: a side of one run has no spread over seeds, so then for these runs only."""
    if first.seeds == second.seeds:
        return "for this pair of runs" if first.seeds == 1 else f"over {first.seeds} seeds"
    seeds = f"{first.seeds} against {second.seeds} seeds"
    return f"for these runs only, {seeds}" if 1 in (first.seeds, second.seeds) else f"over {seeds}"
