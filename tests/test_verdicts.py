"""Holm's correction and effect sizes against closed forms and by simulation, and the verdicts decided with them."""

import math

import numpy as np
import pytest

from eval.uncertainty.estimates import RESAMPLES, Estimate
from eval.uncertainty.verdicts import Verdict, cliffs_delta, decide, family, holm, outcome, p_value, paired_effect
from vaegan.errors import UserError


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.001, 0.02, 0.03], [0.06, 0.004, 0.06, 0.06]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.0, 0.5], [0.0, 0.5]),
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


def pair(errors: float) -> tuple[Estimate, Estimate]:
    """Two sides 0.3 px apart, which is `errors` standard errors."""
    z = np.sin(np.arange(RESAMPLES))
    z = (z - z.mean()) / z.std(ddof=1)
    return Estimate(0.6, np.full(RESAMPLES, 0.6)), Estimate(0.3, 0.3 + 0.3 / errors * z)


def test_the_same_difference_is_supported_alone_and_not_among_many():
    assert p_value(*pair(2.326)) == pytest.approx(0.02, abs=1e-4)
    (alone,) = decide([pair(2.326)])
    assert alone.outcome == "supported" and alone.p_adjusted == alone.p
    among = decide([pair(2.326), pair(0.5), pair(0.5)])
    assert [row.outcome for row in among] == ["inconclusive"] * 3
    assert among[0].p == alone.p and among[0].p_adjusted == pytest.approx(3 * alone.p)


def test_sure_differences_stay_supported_among_hundreds():
    found = decide([pair(8), *[pair(0.5)] * 300, pair(8)[::-1]])
    assert [row.outcome for row in found] == ["supported", *["inconclusive"] * 300, "refuted"]
    assert found[0].p_adjusted == pytest.approx(302 * found[0].p) and decide([]) == []


def test_several_reports_are_corrected_as_one():
    reports = [decide([pair(2.6), pair(0.5)]), decide([pair(2.6), pair(9)]), decide([pair(0.1)])]
    together = family([found for report in reports for found in report])
    assert together == decide([pair(2.6), pair(0.5), pair(2.6), pair(9), pair(0.1)])
    assert reports[0][0].outcome == "supported" and together[0].outcome == "supported"
    assert [found.outcome for found in family([*together, *decide([pair(0.1)] * 4)])[:1]] == ["inconclusive"]


@pytest.mark.parametrize(
    ("difference", "p", "word"),
    [
        (0.05, 0.049, "supported"),
        (-0.05, 0.049, "refuted"),
        (0.049, 0.001, "inconclusive"),
        (-0.049, 0.001, "inconclusive"),
        (1.0, 0.05, "inconclusive"),
        (math.inf, 0.001, "supported"),
        (math.nan, 0.001, "inconclusive"),
    ],
)
def test_the_rule(difference, p, word):
    assert outcome(difference, p) == word


def test_what_is_withheld_is_not_said():
    found = decide([pair(9), pair(0.5)])
    assert [v.word for v in found] == ["supported", "inconclusive"]
    ill = [Verdict(v.outcome, v.difference, v.p, v.p_adjusted, ("grain",)) for v in found]
    assert [v.word for v in ill] == ["withheld", "inconclusive"]


def test_cliffs_delta_counts_pairs():
    assert cliffs_delta([3, 4], [1, 2]) == 1
    assert cliffs_delta([1, 2], [3, 4]) == -1
    assert cliffs_delta([1, 2, 3], [1, 2, 3]) == 0
    assert cliffs_delta([1, 4], [2, 3, 5]) == pytest.approx((2 - 4) / 6)


@pytest.mark.filterwarnings("error")
def test_paired_effect_is_mean_over_standard_deviation():
    assert paired_effect([2.0, 3.0, 5.0], [1.0, 1.0, 2.0]) == pytest.approx(2.0)
    assert paired_effect([1.0, 2.0], [1.0, 2.0]) == 0
    assert paired_effect([2.0, 3.0], [1.0, 2.0]) == math.inf


def test_pairing_counts():
    content = np.random.default_rng(0).normal(scale=10, size=200)
    moved = content + np.random.default_rng(1).normal(1, 1, size=200)
    assert paired_effect(moved, content) == pytest.approx(1, abs=0.2)
    assert abs(cliffs_delta(moved, content)) < 0.15


@pytest.mark.parametrize("size", [cliffs_delta, paired_effect])
@pytest.mark.parametrize(
    ("first", "message"), [([], "got 0"), ([1.0], "got 1"), ([1.0, math.nan], "1 of 2 measured values are not finite")]
)
def test_too_few_or_broken_values_are_one_clear_line(size, first, message):
    with pytest.raises(UserError, match=message):
        size(first, [1.0, 2.0])


def test_unpaired_values_are_one_clear_line():
    with pytest.raises(UserError, match="one shape"):
        paired_effect([1.0, 2.0], [1.0, 2.0, 3.0])
