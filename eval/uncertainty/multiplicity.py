"""Several hypotheses in one report: their p-values are corrected together, then the rule decides each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from eval.uncertainty.estimates import Estimate, Verdict, p_value, verdict
from vaegan.errors import UserError


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
    adjusted = holm([p_value(*sides) for sides in hypotheses])
    return [verdict(*sides, float(p)) for sides, p in zip(hypotheses, adjusted, strict=True)]
