"""Holm's correction against closed forms and by simulation, and the verdicts decided with it."""

import math

import numpy as np
import pytest

from eval.uncertainty.estimates import RESAMPLES, SMALLEST_P, Estimate, p_value
from eval.uncertainty.multiplicity import decide, holm
from vaegan.errors import UserError


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.001, 0.02, 0.03], [0.06, 0.004, 0.06, 0.06]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.6, 0.7, 1.0], [1.0, 1.0, 1.0]),
    ],
)
def test_holm_against_closed_forms(p, adjusted):
    assert holm(p).tolist() == pytest.approx(adjusted)


def test_holm_never_lowers_keeps_the_order_and_is_never_above_bonferroni():
    for p in np.random.default_rng(0).uniform(size=(100, 6)):
        adjusted = holm(p)
        assert (adjusted >= p).all() and (adjusted <= np.minimum(1, 6 * p) + 1e-12).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_holm_keeps_the_chance_of_any_false_rejection():
    p = np.random.default_rng(0).uniform(size=(4000, 8))
    assert np.mean((p < 0.05).any(axis=1)) > 0.3
    assert np.mean([(holm(row) < 0.05).any() for row in p]) == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("p", [[0.5, math.nan], [-0.1], [1.1]])
def test_what_is_no_p_value_is_one_clear_line(p):
    with pytest.raises(UserError, match="between 0 and 1"):
        holm(p)


def pair(far: int) -> tuple[Estimate, Estimate]:
    """0.3 px apart, and `far` of the replicates on the other side of 0; the first side's interval is a point."""
    rest = np.where(np.arange(RESAMPLES) < far, 0.7, 0.3)
    return Estimate(0.6, np.full(RESAMPLES, 0.6)), Estimate(0.3, rest)


def test_the_same_difference_is_supported_alone_and_not_among_many():
    assert p_value(*pair(9)) == pytest.approx(0.02, abs=1e-4)
    (alone,) = decide([pair(9)])
    assert alone.outcome == "supported" and alone.p_adjusted == alone.p
    among = decide([pair(9), pair(400), pair(400)])
    assert [row.outcome for row in among] == ["inconclusive"] * 3
    assert among[0].p == alone.p and among[0].p_adjusted == pytest.approx(3 * alone.p)


def test_sure_differences_stay_supported_among_many():
    found = decide([pair(0), pair(400), pair(0)])
    assert [row.outcome for row in found] == ["supported", "inconclusive", "supported"]
    assert found[0].p_adjusted == pytest.approx(3 * SMALLEST_P)
    assert decide([]) == []
