"""The rule that turns a difference into a verdict, alone and among all that a document claims; and effect sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from eval.uncertainty.estimates import ALPHA, FEWEST, MINIMAL_EFFECT, Difference, Estimate, Interval, checked
from vaegan.errors import UserError

SUPPORTED, REFUTED, INCONCLUSIVE, WITHHELD = "supported", "refuted", "inconclusive", "withheld"


@dataclass(frozen=True)
class Verdict:
    """`outcome` is SUPPORTED, REFUTED or INCONCLUSIVE; `difference` is blurrier minus sharper, px.

    `p` is that of the difference alone, `p_adjusted` what the outcome was decided by; `withheld` are reasons for which
    it must not be taken at its word.
    """

    outcome: str
    difference: Interval
    p: float
    p_adjusted: float
    withheld: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """What may be said aloud: nothing that was decided and is withheld."""
        return WITHHELD if self.withheld and self.outcome != INCONCLUSIVE else self.outcome


def too_few(images: int, whose: str = "a source") -> list[str]:
    """The reason for which so many images are no measurement and no verdict is read from them; [] of enough."""
    counted = f"1 image {whose} is" if images == 1 else f"{images} images {whose} are"
    return [f"{counted} no measurement, give {FEWEST} or more"] if images < FEWEST else []


def p_value(first: Estimate, second: Estimate) -> float:
    """Two-sided p of "no difference" between two estimates, 0 to 1."""
    return Difference(first, second).p


def verdict(blurrier: Estimate, sharper: Estimate, p_adjusted: float | None = None) -> Verdict:
    """Decide "the first is blurrier than the second" from two estimates of sigma_eq in px.

    `supported`: the difference is at least MINIMAL_EFFECT and `p_adjusted`, its p-value corrected for every hypothesis
    declared with it (as it is by default), is below ALPHA, so that its interval excludes 0; `refuted`: the same with
    the opposite sign; `inconclusive`: anything else. The sides' own intervals may overlap: they contain the error of
    the calibration, which cancels in the difference (docs/blur.md).
    """
    difference = Difference(blurrier, sharper)
    interval, p = difference.interval, difference.p
    p_adjusted = p if p_adjusted is None else p_adjusted
    return Verdict(outcome(interval.value, p_adjusted), interval, p, p_adjusted)


def outcome(difference: float, p_adjusted: float) -> str:
    """The rule: a difference in px and its corrected p-value -> a word."""
    if not (p_adjusted < ALPHA and abs(difference) >= MINIMAL_EFFECT):  # NaN: unknown
        return INCONCLUSIVE
    return SUPPORTED if difference > 0 else REFUTED


def worded(outcome: str, grainy: bool, weak: bool = False) -> str:
    """What is said of an outcome whose sharper side has more grain than its blur allows, or whose blurrier side is
    blurrier than a linear VAE."""
    said = [word for word, there in (("with grain", grainy), ("weak opponent", weak)) if there]
    return f"{outcome} ({', '.join(said)})" if said and outcome == SUPPORTED else outcome


def holm(p: ArrayLike) -> np.ndarray:
    """p-values (m,) -> adjusted ones (Holm 1979): with all that stay below a level, the chance of even one false
    rejection is at most that level, however they depend on each other."""
    p = np.asarray(p, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise UserError(f"p-values must be between 0 and 1, got {p.tolist()}")
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def decide(hypotheses: Sequence[tuple[Estimate, Estimate]]) -> list[Verdict]:
    """The verdict on every declared "the first is blurrier than the second", corrected for all of them."""
    return family([verdict(*sides) for sides in hypotheses])


def family(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts of everything that one document claims, corrected together, whatever each was corrected for before."""
    adjusted = holm([own.p for own in verdicts]).tolist()
    return [
        replace(own, outcome=outcome(own.difference.value, p), p_adjusted=p)
        for own, p in zip(verdicts, adjusted, strict=True)
    ]


def agrees(reading: Estimate, truth: float, allowed: float, widest: float) -> bool:
    """Whether an instrument that should read `truth` px does: to within `allowed` px beyond its own interval, which
    must reach no further than `widest` to either side, in px^2 for a blur (near 0 px a root makes any interval wide);
    what is too imprecise to be wrong is not right either."""
    low, high = reading.interval.low, reading.interval.high
    return bool(low - allowed <= truth <= high + allowed and reading.reach <= widest)


def scope(first: Estimate, second: Estimate) -> str:
    """What a verdict speaks for: a side of one run has no spread over seeds, so then for these runs only."""
    if first.seeds == second.seeds:
        return "for this pair of runs" if first.seeds == 1 else f"over {first.seeds} seeds"
    seeds = f"{first.seeds} against {second.seeds} seeds"
    return f"for these runs only, {seeds}" if 1 in (first.seeds, second.seeds) else f"over {seeds}"


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
