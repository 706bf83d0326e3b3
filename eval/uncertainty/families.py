"""Simulated families of many claims about few seeds: how often does one pass the level that Holm leaves it, and what
would other degrees of freedom change?

That level, 0.05 over the number of claims, lies far in the tail of a t with 2 to 8 degrees of freedom.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from eval.uncertainty import fresh
from eval.uncertainty.estimates import ALPHA, Difference, Estimate, over_seeds
from eval.uncertainty.simulation import UNITS, roots
from eval.uncertainty.spread import Spread
from eval.uncertainty.verdicts import holm

CLAIMS = 60  # of a family
FIRST = ALPHA / CLAIMS  # what the smallest p-value of a family has to stay below
SHARED_ERROR = 0.005  # px^2; of a difference, because of images and calibration that the spread of runs cannot show
DESIGNS = ((5, 5), (5, 3), (3, 3))  # seeds of either side
RATIOS = (1, 3, 6, 12)  # of the two sides' spreads
WIDE, NARROW = 0.1, 0.01  # px^2; spreads of runs around 1 px that differ by 0.05 px and by 0.005 px
DIFFERENCES = (0.3, 0.6, 1.0)  # px below BLURRIER
BLURRIER = 1.0  # px


@dataclass(frozen=True)
class Sides:
    """Two sides: how many seeds each has, and the standard deviation between them in px^2."""

    seeds: tuple[int, int]
    spreads: tuple[float, float]
    around: float = BLURRIER  # px

    def named(self) -> tuple[str, str]:
        """Seeds and spreads for people, the first side's first."""
        return "{} against {}".format(*self.seeds), "{:.3f} against {:.3f}".format(*self.spreads)

    def drawn(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Readings (draws, seeds) of two sides that are truly equal, in px^2."""
        shared = self.around**2 + rng.normal(0, SHARED_ERROR, size=(draws, 1))
        first, second = (rng.normal(0, s, size=(draws, n)) for n, s in zip(self.seeds, self.spreads, strict=True))
        return shared + first, self.around**2 + second


def equals() -> list[Sides]:
    """Where false alarms are counted: the wider side is either where the seeds are unequal."""
    pairs = [(WIDE, WIDE / ratio) for ratio in RATIOS]
    return [Sides(seeds, spreads) for seeds in DESIGNS for spreads in _oriented(seeds, pairs)]


def unequals() -> list[Sides]:
    """Where it is counted how often a difference is found."""
    pairs = [(NARROW, NARROW), (WIDE, NARROW), (WIDE, WIDE)]
    return [Sides(seeds, spreads) for seeds in DESIGNS for spreads in _oriented(seeds, pairs)]


def _oriented(seeds: tuple[int, int], pairs: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for wide, narrow in pairs:
        yield wide, narrow
        if seeds[0] != seeds[1] and wide != narrow:
            yield narrow, wide


def compared(first: np.ndarray, second: np.ndarray) -> Difference:
    """What a report makes of the readings (seeds,) of two sides, in px^2; two replicates carry SHARED_ERROR as well as
    2,000 do."""
    around = SHARED_ERROR * np.array([-1.0, 1.0]) / np.sqrt(2)
    return Difference(over_seeds(_runs(first, around)), over_seeds(_runs(second, 0 * around)))


def _runs(readings: np.ndarray, around: np.ndarray) -> list[Estimate]:
    return [Estimate(float(roots(own)), roots(own + around), scale=UNITS["px²"]) for own in readings]


def fresh_held(sides: Sides, draws: int, seed: int = 0) -> np.ndarray:
    """Whether one more pair of runs reads as far apart, in px, as the interval for it says: (draws,)."""
    more = replace(sides, seeds=(sides.seeds[0] + 1, sides.seeds[1] + 1))
    first, second = more.drawn(draws, np.random.default_rng(seed))
    apart, held = roots(first[:, -1]) - roots(second[:, -1]), []
    for one, other, own in zip(first[:, :-1], second[:, :-1], apart, strict=True):
        difference = compared(one, other)
        ends = fresh.pair(difference.first, difference.second)
        held.append(ends is not None and ends.low <= own <= ends.high)
    return np.array(held)


def welch(difference: Difference) -> float:
    """p with one t for both sides and the degrees of freedom of Welch (1947)."""
    sides = (difference.first, difference.second)
    runs = sum(e.by_runs for e in sides)
    return _of_one_t(difference, runs**2 / sum(e.by_runs**2 / (e.seeds - 1) for e in sides))


def fewest(difference: Difference) -> float:
    """p with one t for both sides and the degrees of freedom of that with fewer seeds, which no two normal means make
    liberal (Mickey & Brown 1966)."""
    return _of_one_t(difference, min(difference.first.seeds, difference.second.seeds) - 1)


def _of_one_t(difference: Difference, freedom: float) -> float:
    runs = difference.first.by_runs + difference.second.by_runs
    error = Spread(difference.spread.images, ((runs, freedom),))
    return min(1.0, 2 * error.above(abs(difference.sums)))


def apart(difference: Difference) -> float:
    """p by which verdicts are decided: either side's t is integrated out with its own degrees of freedom (Fisher
    1935)."""
    return difference.p


RULES: dict[str, Callable[[Difference], float]] = {
    "Welch": welch,
    "fewest": fewest,
    "Behrens–Fisher": apart,
}


def p_values(first: np.ndarray, second: np.ndarray, level: float = FIRST) -> np.ndarray:
    """p-values (rules, draws) of readings (draws, seeds) of two sides: as they are wherever one is below `level`, else
    what bounds them from below, because what is not rejected need not be known."""
    bound = least_p(first, second)
    p = np.tile(bound, (len(RULES), 1))
    for i in np.flatnonzero(bound < level):
        own = compared(first[i], second[i])
        p[:, i] = [rule(own) for rule in RULES.values()]
    return p


def least_p(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Below the p (draws,) of every rule: no image errs, and no rule has more degrees of freedom than all runs give
    (Hájek 1962)."""
    sides = (first, second)
    errors = np.sqrt(sum(side.var(axis=1, ddof=1) / side.shape[1] for side in sides))
    freedom = sum(side.shape[1] - 1 for side in sides)
    return 2 * stats.t.sf(np.abs(first.mean(axis=1) - second.mean(axis=1)) / errors, freedom)


def null_p_values(sides: Sides, families: int, seed: int = 0) -> np.ndarray:
    """p-values (rules, families, CLAIMS) of claims none of which is true, independent of each other."""
    first, second = sides.drawn(families * CLAIMS, np.random.default_rng(seed))
    return p_values(first, second).reshape(len(RULES), families, CLAIMS)


def rejected(p: np.ndarray) -> np.ndarray:
    """Which claims pass the level of a family's smallest p-value."""
    return p < FIRST


def any_rejected(p: np.ndarray) -> np.ndarray:
    """In which families (families,) Holm's correction lets any of the claims (families, CLAIMS) pass."""
    return np.array([holm(family).min() < ALPHA for family in p])


def found(sides: Sides, less: float, draws: int, seed: int = 0) -> np.ndarray:
    """Whether a first side that is `less` px blurrier is told from the second at that level: (rules, draws)."""
    first, second = sides.drawn(draws, np.random.default_rng(seed))
    second = second - (BLURRIER**2 - (BLURRIER - less) ** 2)
    return rejected(p_values(first, second)) & (first.mean(axis=1) > second.mean(axis=1))
