"""How values add up, and how their sums may err: the scale of blur, and Student's t integrated out over a normal."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

LEVEL = 0.95
ROUNDING = 1e-9  # of a scale's ends


@dataclass(frozen=True)
class Scale:
    """How values add up, and between which ends they were calibrated. Blur adds in squares: readings near 0 px are
    averaged and compared in signed px^2, where a measure is nearly linear; the signed root has an infinite slope there.
    """

    power: int = 1
    low: float = -math.inf
    high: float = math.inf

    def sums(self, values: ArrayLike) -> np.ndarray:
        """Values as what adds up: px -> signed px^2 on a scale of power 2."""
        values = np.asarray(values, dtype=np.float64)
        return np.sign(values) * np.abs(values) ** self.power

    def shown(self, sums: float) -> float:
        """The value behind a sum; infinite beyond the calibrated ends, which no figure may leave."""
        value = math.copysign(abs(sums) ** (1 / self.power), sums)
        beyond = value > self.high + ROUNDING or value < self.low - ROUNDING
        return math.copysign(math.inf, value) if beyond else value

    def apart(self, middle: float, sums: float) -> float:
        """A difference of sums as one of values, halfway between which lies the sum `middle`."""
        return self.shown(middle + sums / 2) - self.shown(middle - sums / 2)


LINEAR = Scale()


@dataclass(frozen=True)
class Spread:
    """How an estimate may err: a normal part of variance `images`, and for each entry of `runs`, (scale^2, degrees of
    freedom), a Student t, because that variance was itself estimated."""

    images: float
    runs: tuple[tuple[float, float], ...] = ()

    def above(self, distance: float) -> float:
        """P(error > distance), to 1e-5 of itself: a t is a normal whose variance is its degrees of freedom over a
        chi^2. Of two sides each keeps its own (Behrens 1929, Fisher 1935): one t for both has too light a tail."""
        variances, weights = np.array(self.images), np.array(1.0)
        for scale, freedom in self.runs:
            variances = np.add.outer(variances, scale * inflations(freedom))
            weights = np.multiply.outer(weights, WEIGHTS)
        errors = np.sqrt(np.maximum(variances, np.finfo(float).tiny))
        return float((weights * special.ndtr(-distance / errors)).sum())

    def reach(self) -> float:
        """How far the 95 % interval goes to either side."""
        tail = (1 - LEVEL) / 2
        share = tail / (1 + len(self.runs))  # so far out for each part, all of them together are beyond it more rarely
        most = math.sqrt(self.images) * -special.ndtri(share)
        most += sum(math.sqrt(scale) * stats.t.isf(share, freedom) for scale, freedom in self.runs)
        return optimize.brentq(lambda x: self.above(x) - tail, 0, 1.01 * most, xtol=1e-12) if most else 0.0


_NODES, WEIGHTS = np.polynomial.legendre.leggauss(80)
_NODES, WEIGHTS = ((_NODES + 1) / 2) ** 4, 2 * WEIGHTS * ((_NODES + 1) / 2) ** 3  # dense where a chi^2 is small


@functools.lru_cache(maxsize=256)
def inflations(freedom: float) -> np.ndarray:
    """`freedom` over a chi^2, at the quantiles (80,) that WEIGHTS weigh."""
    return freedom / (2 * special.gammaincinv(freedom / 2, _NODES))
