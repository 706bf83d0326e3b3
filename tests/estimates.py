"""Estimates whose error is known, for tests of what is read from them."""

import numpy as np
from scipy import stats

from eval.uncertainty.estimates import (
    RESAMPLES,
    Estimate,
    resampled_means,
)
from eval.uncertainty.spread import LINEAR, Scale


def estimate(values: np.ndarray, seed: int = 0) -> Estimate:
    return Estimate(float(values.mean()), resampled_means(values, seed))


def simulated(center: float, spread: float, rng: np.random.Generator) -> Estimate:
    """An estimate whose error is normal with standard deviation `spread`, and which knows so."""
    value = rng.normal(center, spread)
    return Estimate(value, value + spread * rng.standard_normal(RESAMPLES))


BLUR = Scale(2, -1.0, 5.0)


def certain(value: float, scale: Scale = BLUR) -> Estimate:
    """A run whose images say exactly what it is."""
    return Estimate(value, np.full(RESAMPLES, value), scale=scale)


def exactly(value: float, error: float, scale: Scale = LINEAR) -> Estimate:
    """An estimate whose replicates have mean `value` and standard deviation `error`, exactly, as sums on the scale."""
    z = stats.norm.ppf((np.arange(RESAMPLES) + 0.5) / RESAMPLES)
    sums = float(scale.sums(value)) + error * z / z.std(ddof=1)
    return Estimate(value, np.sign(sums) * np.abs(sums) ** (1 / scale.power), scale=scale)
