"""Estimates with their intervals: what other images and, over several runs, other seeds would change.

Nothing here is drawn when it is read: images enter by the variance of bootstrap replicates, of fixed resamples, and
seeds by Student's t, integrated out. So an interval moves no further than the readings behind it (docs/error_rates.md).
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from eval.uncertainty.spread import LEVEL, LINEAR, Scale, Spread
from eval.words import bracketed, pixels
from vaegan.errors import UserError

ALPHA = 0.05  # what a p-value, corrected for all hypotheses of a document, has to stay below
RESAMPLES = 2000  # ends move by 0.03 standard errors from one set of resamples to another: below 0.001 px
MINIMAL_EFFECT = 0.05  # px; a difference nobody could see is no support for a claim about what people see
FEWEST = 30  # images; the mean of fewer has no normal error, and what is read from it is no measurement
BATCH = 100  # resamples at a time, so that memory stays below 20 MB for 10,000 images


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; infinite ends mean "beyond what was calibrated"."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{pixels(self.value)} {bracketed(self.low, self.high)}"


@dataclass(frozen=True)
class Estimate:
    """A value and its bootstrap replicates (RESAMPLES,) over images. Replicate b of every estimate made with one seed
    resamples the same image numbers: images that are paired stay paired in a difference, and for unpaired ones it does
    no harm."""

    value: float
    replicates: np.ndarray = field(repr=False)
    seeds: int = 1  # training runs behind it
    by_runs: float = 0.0  # variance of the mean, of sums on the scale, as the spread of several runs shows it
    by_images: float = 0.0  # the part of it that is in the replicates too: images that each run has for itself
    scale: Scale = LINEAR

    @property
    def parts(self) -> tuple[tuple[float, float], ...]:
        """The variance that the spread of several runs shows, and its degrees of freedom; () of one."""
        return ((self.by_runs, self.seeds - 1),) if self.by_runs else ()

    @property
    def reach(self) -> float:
        """How far the interval of the sum goes to either side; infinite of a value beyond the calibrated range."""
        if not math.isfinite(self.value):
            return math.inf
        images = _variance(self.scale.sums(self.replicates), self.by_images)
        return Spread(images, self.parts).reach()

    @property
    def interval(self) -> Interval:
        """The interval over images and, where there are several, over runs; of a value beyond the calibrated range what
        its replicates say."""
        if not math.isfinite(self.value):
            return Interval(self.value, *_ends(self.replicates))
        middle, reach = float(self.scale.sums(self.value)), self.reach
        return Interval(self.value, self.scale.shown(middle - reach), self.scale.shown(middle + reach))


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


def combined(weights: Sequence[float], estimates: Sequence[Estimate]) -> Estimate:
    """The weighted sum of estimates of one scale, image for image; NaN where infinities cancel."""
    scale = _one_scale(estimates)
    used = [(w, e) for w, e in zip(weights, estimates, strict=True) if w]  # 0 x inf would be NaN
    with np.errstate(invalid="ignore"):
        value = _root(scale, sum(w * scale.sums(e.value) for w, e in used))
        replicates = _root(scale, np.sum([w * scale.sums(e.replicates) for w, e in used], axis=0))
    return Estimate(float(value), replicates, scale=_reachable(scale, [w for w, _ in used]))


def _reachable(scale: Scale, weights: Sequence[float]) -> Scale:
    """The scale of a weighted sum, between the ends that it has where every part is at one of its own."""
    low, high = (float(end) for end in scale.sums([scale.low, scale.high]))
    least = sum(w * (low if w > 0 else high) for w in weights)
    most = sum(w * (high if w > 0 else low) for w in weights)
    return Scale(scale.power, *(float(_root(scale, end)) for end in (least, most)))


def reading(last: Estimate, snapshots: Sequence[Estimate]) -> tuple[Estimate, float]:
    """A run's one reading, the mean over its snapshots, and their standard deviation on the scale (NaN of one).

    `last` is read on all images, `snapshots`, the last weights last, on some of them: what they differ by, image for
    image, moves it. Where one is beyond the calibrated range there is no difference: then it is their plain mean. What
    a run's last steps wander is no spread of seeds: the run stays the unit of replication.
    """
    if len(snapshots) < 2:
        return last, math.nan
    scale, share = _one_scale([last, *snapshots]), 1 / len(snapshots)
    with np.errstate(invalid="ignore"):  # inf - inf
        spread = float(np.std(scale.sums([e.value for e in snapshots]), ddof=1))
    if math.isfinite(spread) and math.isfinite(last.value):
        weights = [1.0, *[share] * (len(snapshots) - 1), share - 1]
        return replace(combined(weights, [last, *snapshots]), scale=scale), spread
    return replace(combined([share] * len(snapshots), [*snapshots[:-1], last]), scale=scale), math.nan


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """Their mean, image for image, of one scale."""
    if len(estimates) == 1:
        return estimates[0]
    return replace(combined([1 / len(estimates)] * len(estimates), estimates), scale=_one_scale(estimates))


def over_seeds(estimates: Sequence[Estimate]) -> Estimate:
    """Mean over training runs: other runs of the same kind, then other images of each.

    How S runs differ, because of their seeds and of the images that each has for itself, is Student's t; what moves all
    of them alike (the calibration, the same originals) it cannot show, and that alone is left to the replicates. Known
    image errors count where the runs happen to lie closer together than these allow. One run says nothing about runs:
    its interval is over images only. Where one of several is beyond the calibrated range nothing is known.
    """
    if not estimates:
        raise UserError("there are no runs to average over; give at least one")
    scale, runs = _one_scale(estimates), len(estimates)
    if runs == 1:
        return estimates[0]
    values = scale.sums([e.value for e in estimates])
    replicates = np.stack([scale.sums(e.replicates) for e in estimates])  # (S, RESAMPLES)
    with np.errstate(invalid="ignore"):  # inf - inf, where runs lie beyond opposite ends of the calibrated range
        value = float(_root(scale, values.mean()))
    if not (math.isfinite(value) and np.isfinite(replicates).all()):
        return Estimate(value, np.full(replicates.shape[1], math.nan), runs, scale=scale)
    explained = (replicates - values[:, None]).var(axis=0, ddof=1).mean()
    by_runs, by_images = max(float(values.var(ddof=1)), float(explained)) / runs, float(explained) / runs
    return Estimate(value, _root(scale, replicates.mean(axis=0)), runs, by_runs, by_images, scale)


def _one_scale(estimates: Sequence[Estimate]) -> Scale:
    scale, *others = dict.fromkeys(e.scale for e in estimates)
    if others:
        raise ValueError(f"estimates of two scales have no sum: {scale}, {others[0]}")
    return scale


def _root(scale: Scale, sums: ArrayLike) -> np.ndarray:
    """Values behind sums, without the ends: what has an end is an interval."""
    return np.sign(sums) * np.abs(sums) ** (1 / scale.power)


def _variance(sums: np.ndarray, counted: float) -> float:
    """Variance of replicates without the part that is counted elsewhere."""
    return max(0.0, float(sums.var(ddof=1)) - counted)


@dataclass(frozen=True)
class Difference:
    """`first` minus `second`: sums on their scale, image for image, with the spread of both; what other runs of either
    side would change has that side's degrees of freedom."""

    first: Estimate
    second: Estimate

    @functools.cached_property
    def replicates(self) -> np.ndarray:
        """(RESAMPLES,), of sums; NaN where both are beyond the calibrated range."""
        scale = _one_scale((self.first, self.second))
        with np.errstate(invalid="ignore"):
            return scale.sums(self.first.replicates) - scale.sums(self.second.replicates)

    @functools.cached_property
    def known(self) -> bool:
        """Whether it is a number: neither side is beyond the calibrated range."""
        ends = (self.first.value, self.second.value)
        return all(map(math.isfinite, ends)) and bool(np.isfinite(self.replicates).all())

    @functools.cached_property
    def spread(self) -> Spread:
        shared = _variance(self.replicates, self.first.by_images + self.second.by_images)
        return Spread(shared, self.first.parts + self.second.parts)

    @property
    def sums(self) -> float:
        scale = self.first.scale
        return float(scale.sums(self.first.value) - scale.sums(self.second.value))

    @property
    def interval(self) -> Interval:
        """In px (the unit of the values): what the two read apart; its ends are sums shown halfway between the two."""
        with np.errstate(invalid="ignore"):
            value = float(np.subtract(self.first.value, self.second.value))
        if not self.known:
            return Interval(value, *_ends(_root(self.first.scale, self.replicates)))
        scale, reach = self.first.scale, self.spread.reach()
        middle = float(scale.sums(self.first.value) + scale.sums(self.second.value)) / 2
        return Interval(value, *(scale.apart(middle, self.sums + side * reach) for side in (-1, 1)))

    @property
    def p(self) -> float:
        """Two-sided p of "no difference". Beyond the calibrated range there is no distance from 0: then twice the
        smaller share of replicates on either side of it, one more counted, those that are unknown on both sides."""
        if self.known:
            return min(1.0, 2 * self.spread.above(abs(self.sums))) if self.sums else 1.0
        against = min(np.sum(~(self.replicates > 0)), np.sum(~(self.replicates < 0)))
        return min(1.0, float(2 * (1 + against) / (len(self.replicates) + 1)))


def difference_interval(first: Estimate, second: Estimate) -> Interval:
    """`first` minus `second` with its interval; where both are beyond the calibrated range it is unknown, so NaN in
    [-inf, inf]."""
    return Difference(first, second).interval


def _ends(replicates: np.ndarray) -> tuple[float, float]:
    """Percentiles of replicates that may be infinite, or NaN (unknown, which can only widen)."""
    unknown = np.isnan(replicates)
    low = np.quantile(np.where(unknown, -np.inf, replicates), (1 - LEVEL) / 2, method="inverted_cdf")
    high = np.quantile(np.where(unknown, np.inf, replicates), (1 + LEVEL) / 2, method="inverted_cdf")
    return float(low), float(high)
