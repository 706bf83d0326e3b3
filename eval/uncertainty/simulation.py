"""Simulated readings of runs whose truth is known, without images: how often does the rule err, and in which unit?

Readings are drawn in signed px^2, in which blurs add. A spread of s px around b px is there that of a run that reads
b + s px one standard deviation up: 2 b s + s^2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.uncertainty.estimates import RESAMPLES, Estimate, over_seeds
from eval.uncertainty.spread import LINEAR, Scale
from eval.uncertainty.verdicts import INCONCLUSIVE, SUPPORTED, decide

UNITS = {"px²": Scale(2, -5.0, 5.0), "px": LINEAR}  # in which runs are averaged and compared
IMAGE_ERROR = 0.01  # px; of one run's reading, because of its images
HYPOTHESES = 2  # a report's: reconstructions and samples


def squares(blur: float, spread: float) -> float:
    """A spread of `spread` px around `blur` px, in px^2."""
    return 2 * blur * spread + spread**2


VAE, VAEGAN = squares(1.1, 0.03), squares(0.0, 0.25)  # px^2 between seeds
SPREADS = ((VAE, VAEGAN), (VAEGAN / 10, VAEGAN))
BLURS = ((0.0, 0.0), (0.5, 0.5), (1.1, 0.0), (0.5, 0.0))  # px; truly equal, then truly not


@dataclass(frozen=True)
class Side:
    """A true blur in px, the standard deviation between runs in px^2, and how many runs there are."""

    blur: float
    spread: float
    seeds: int


@dataclass(frozen=True)
class Case:
    """Two sides, the first the blurrier where they differ, and the unit they are compared in."""

    first: Side
    second: Side
    unit: str

    @property
    def equal(self) -> bool:
        return self.first.blur == self.second.blur


def cases(seeds: Sequence[int]) -> list[Case]:
    """Everything that the rule is decided by."""
    return [
        Case(Side(first, spreads[0], n), Side(second, spreads[1], n), unit)
        for n in seeds
        for spreads in SPREADS
        for first, second in BLURS
        for unit in UNITS
    ]


def side(truth: Side, scale: Scale, rng: np.random.Generator) -> Estimate:
    """What a report makes of one draw of a side's runs."""
    error, runs = squares(truth.blur, IMAGE_ERROR), []
    for own in rng.normal(truth.blur**2, truth.spread, size=truth.seeds):
        read = own + rng.normal(0, error)
        values = roots(np.append(read, read + rng.normal(0, error, size=RESAMPLES)))
        runs.append(Estimate(float(values[0]), values[1:], scale=scale))
    return over_seeds(runs)


def roots(squares: np.ndarray) -> np.ndarray:
    """Signed px^2 -> px."""
    return np.sign(squares) * np.sqrt(np.abs(squares))


def outcomes(case: Case, comparisons: int, seed: int = 0) -> np.ndarray:
    """What the rule says of every hypothesis of every comparison, words (comparisons, HYPOTHESES)."""
    words, scale = [], UNITS[case.unit]
    for i in range(comparisons):
        rng = np.random.default_rng((seed, i))  # every unit and truth from the same draws
        pairs = [(side(case.first, scale, rng), side(case.second, scale, rng)) for _ in range(HYPOTHESES)]
        words.append([verdict.outcome for verdict in decide(pairs)])
    return np.array(words)


def hits(case: Case, words: np.ndarray) -> np.ndarray:
    """bool (comparisons,): where equal sides are told apart in any hypothesis; else (comparisons x hypotheses,): where
    the difference is found."""
    return (words != INCONCLUSIVE).any(axis=1) if case.equal else (words == SUPPORTED).ravel()
