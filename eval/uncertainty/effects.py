"""Effect sizes: how far two sets of per-image values lie apart, in units of their own variation."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from eval.uncertainty.estimates import checked
from vaegan.errors import UserError


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
