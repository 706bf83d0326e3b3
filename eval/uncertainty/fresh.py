"""What one more run of either side would read apart: of single pairs every third lies outside the interval of a mean
over five seeds, and near 0 px, where a reading is a steep root, most.

Nothing is drawn: of one side's run quantiles of Student's t are gone through, of the other the distribution is known.
"""

import math

import numpy as np
from scipy import optimize, stats

from eval.uncertainty.estimates import Difference, Estimate, Interval
from eval.uncertainty.spread import LEVEL

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def pair(first: Estimate, second: Estimate) -> Interval | None:
    """What one more run of either side, on the same images, would read apart: a 95 % prediction interval on a scale
    that has ends.

    None where a side has one seed, which does not show how runs differ, or is unknown or outside the calibrated range;
    an end is infinite where a run of either may well be outside. Source: Hahn & Meeker 1991; each side's t is its own.
    """
    if min(first.seeds, second.seeds) < 2 or not all(map(_inside, (first, second))):
        return None
    if not Difference(first, second).known:
        return None
    value = first.value - second.value
    if first.by_runs > second.by_runs:  # the side that is known by its distribution has to have one
        low, high = _ends(second, first)
        return Interval(value, -high, -low)
    return Interval(value, *_ends(first, second))


def _inside(side: Estimate) -> bool:
    return side.scale.low <= side.value <= side.scale.high


def _ends(narrow: Estimate, wide: Estimate) -> tuple[float, float]:
    """Between which a run of `narrow` less one of `wide` lies."""
    scale = wide.scale
    if not wide.by_runs:
        return narrow.value - wide.value, narrow.value - wide.value
    sums = scale.sums(narrow.value) + _error(narrow) * stats.t.ppf((_NODES + 1) / 2, narrow.seeds - 1)
    readings = np.array([scale.shown(own) for own in sums])
    middle, error = float(scale.sums(wide.value)), _error(wide)

    def beyond(apart: float, share: float) -> float:
        """P(they are `apart` px or less) - share; a run outside the calibrated range is infinitely far on its side."""
        at = scale.sums(np.clip(readings - apart, scale.low, scale.high))
        less = np.where(np.isinf(readings), readings < 0, stats.t.sf((at - middle) / error, wide.seeds - 1))
        return float(_WEIGHTS @ less) / 2 - share

    span, tail = scale.high - scale.low, (1 - LEVEL) / 2
    low = -math.inf if beyond(-span, tail) > 0 else optimize.brentq(beyond, -span, span, (tail,))
    high = math.inf if beyond(span, 1 - tail) < 0 else optimize.brentq(beyond, -span, span, (1 - tail,))
    return low, high


def _error(side: Estimate) -> float:
    """Of one more run beside the mean of n: a run's own, and the mean's, a share 1 / n of it in variance."""
    return math.sqrt(side.by_runs * (side.seeds + 1))
