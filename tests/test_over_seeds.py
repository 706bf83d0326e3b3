"""Estimates over several runs: Student's t in squares, coverage, p-values as rare as they say, false alarms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from estimates import BLUR, certain, exactly, simulated
from scipy import stats

from eval.uncertainty.estimates import (
    ALPHA,
    MINIMAL_EFFECT,
    RESAMPLES,
    Difference,
    Estimate,
    difference_interval,
    over_seeds,
)
from eval.uncertainty.spread import LINEAR, Spread
from eval.uncertainty.verdicts import decide, p_value, verdict
from vaegan.errors import UserError


def test_of_certain_runs_either_side_errs_by_a_t_of_its_own():
    """Behrens and Fisher's distribution, drawn: a t of 2 and one of 3 degrees of freedom."""
    first, second = (1.31, 1.24, 1.05), (0.4, -0.3, 0.5, 0.2)
    squares = [np.sign(values) * np.square(values) for values in (np.array(first), np.array(second))]
    rng = np.random.default_rng(0)
    errors = sum(own.std(ddof=1) / math.sqrt(len(own)) * rng.standard_t(len(own) - 1, 400_000) for own in squares)
    found = Difference(*[over_seeds([certain(v) for v in values]) for values in (first, second)])
    assert found.sums == pytest.approx(squares[0].mean() - squares[1].mean())
    assert found.p == pytest.approx(np.mean(abs(errors) > found.sums), rel=0.05)
    assert found.spread.reach() == pytest.approx(np.quantile(abs(errors), 0.95), rel=0.01)


def test_a_side_that_does_not_spread_leaves_students_t():
    first, second = (1.31, 1.24, 1.05), (0.4, 0.4, 0.4)
    found = Difference(*[over_seeds([certain(v) for v in values]) for values in (first, second)])
    squares = np.square(first)
    distance = (squares.mean() - 0.16) / (squares.std(ddof=1) / math.sqrt(3))
    assert found.p == pytest.approx(2 * stats.t.sf(distance, 2), rel=1e-4)


def test_one_team_of_certain_runs_has_the_interval_of_students_t_in_squares():
    found = over_seeds([certain(v) for v in (0.5, 0.6, 0.8)])
    squares = np.square([0.5, 0.6, 0.8])
    reach = stats.t.isf(0.025, 2) * squares.std(ddof=1) / math.sqrt(3)
    assert found.value == pytest.approx(math.sqrt(squares.mean()))
    ends = [squares.mean() - reach, squares.mean() + reach]
    assert (found.interval.low, found.interval.high) == pytest.approx(
        [math.copysign(math.sqrt(abs(end)), end) for end in ends], rel=1e-4
    )


def test_what_images_explain_of_the_runs_counts_once():
    """Runs that differ as much as their own images make them: the interval is Student's t, not wider."""
    rng = np.random.default_rng(0)
    runs = [Estimate(v, v + 0.1 * rng.standard_normal(RESAMPLES)) for v in (0.4, 0.5, 0.6)]
    wanted = stats.t.isf(0.025, 2) * 0.1 / math.sqrt(3)
    found = over_seeds(runs).interval
    assert found.high - found.value == pytest.approx(wanted, rel=0.02)
    other = [Estimate(v, v + 0.1 * rng.standard_normal(RESAMPLES)) for v in (0.1, 0.2, 0.3)]
    reach = Spread(0, ((0.1**2 / 3, 2),) * 2).reach()
    assert Difference(over_seeds(runs), over_seeds(other)).spread.reach() == pytest.approx(reach, rel=0.02)


def test_runs_are_never_surer_than_their_images():
    rng = np.random.default_rng(0)
    alike = over_seeds([Estimate(0.5, 0.5 + 0.1 * rng.standard_normal(RESAMPLES)) for _ in range(3)])
    assert alike.interval.high - alike.value >= stats.norm.isf(0.025) * 0.1 / math.sqrt(3)


def test_p_values_have_no_floor():
    assert 0 < p_value(exactly(0.6, 0.01), certain(0.5, LINEAR)) < 1e-20
    sure = [over_seeds([certain(v + d) for d in (-0.001, 0, 0.001)]) for v in (0.9, 0.3)]
    assert 0 < p_value(*sure) < 1e-5


def test_a_shift_of_one_ten_thousandth_of_a_pixel_decides_nothing():
    """Unless p was within 0.001 of the limit; and near and far an interval moves by little more than that."""
    rng = np.random.default_rng(5)
    for _ in range(60):
        runs = [[exactly(rng.normal(c, s), 0.02, BLUR) for _ in range(3)] for c, s in ((1.0, 0.1), (0.5, 0.2))]
        before = verdict(*map(over_seeds, runs))
        run = runs[rng.integers(2)]
        i, step = rng.integers(3), rng.choice([-1e-4, 1e-4])
        run[i] = Estimate(run[i].value + step, run[i].replicates + step, scale=BLUR)
        after = verdict(*map(over_seeds, runs))
        assert after.outcome == before.outcome or abs(before.p - 0.05) < 0.001
        assert abs(after.p - before.p) < 0.001
        assert after.difference.value == pytest.approx(before.difference.value, abs=1e-4)
        ends = [(before.difference.low, after.difference.low), (before.difference.high, after.difference.high)]
        assert all(abs(new - old) < 0.001 for old, new in ends if math.isfinite(old + new) and 0.1 < abs(new) < 1)


ERROR, STEP = 0.02, 1e-4  # px: of a reading, by its images; what one reading is moved by


def anywhere(rng: np.random.Generator) -> list[list[Estimate]]:
    """Two sides of one to five runs each, from -1 to 5 px, often near 0 px, often as far apart as just matters."""
    middle = rng.choice([rng.uniform(-0.9, 4.5), rng.normal(0, 0.05), rng.uniform(-0.5, 1.5)])
    apart = rng.choice([0.0, MINIMAL_EFFECT + rng.uniform(-STEP, STEP), rng.normal(0, 0.3)])
    sides = []
    for centre in (middle, middle - apart):
        drawn = rng.normal(0, 10 ** rng.uniform(-2.5, -0.5), size=rng.integers(1, 6))
        values = np.clip(centre + drawn - drawn.mean(), -0.98, 4.95)
        sides.append([exactly(v, math.hypot(ERROR, 2 * v * ERROR), BLUR) for v in values])
    return [[replace(run, replicates=rng.permutation(run.replicates)) for run in side] for side in sides]


def squares(side: Estimate) -> np.ndarray:
    """Both ends of a side in px^2, those beyond the calibrated range at its ends."""
    return BLUR.sums(np.clip([side.interval.low, side.interval.high], BLUR.low, BLUR.high))


def test_a_shift_decides_nothing_anywhere_whatever_is_declared_beside_it():
    """A verdict changes at two places alone: where p is within 0.001 of its limit under Holm, and where the difference
    is as large as just matters, within 0.0002 px (near 0 px, where a mean is a steep root, as far as it moved)."""
    rng = np.random.default_rng(6)
    for _ in range(250):
        declared = [anywhere(rng) for _ in range(rng.integers(1, 7))]
        sides = [tuple(map(over_seeds, pair)) for pair in declared]
        at, side = rng.integers(len(declared)), rng.integers(2)
        runs = declared[at][side]
        i, step = rng.integers(len(runs)), rng.choice([-STEP, STEP])
        runs[i] = replace(runs[i], value=runs[i].value + step, replicates=runs[i].replicates + step)
        moved = [*sides]
        moved[at] = tuple(map(over_seeds, declared[at]))
        before, after = decide(sides), decide(moved)
        shift = abs(after[at].difference.value - before[at].difference.value)
        assert shift < 2 * STEP or abs(sides[at][side].value) < 0.1
        for own, other in zip(before, after, strict=True):
            near_p = abs(own.p_adjusted - ALPHA) < 0.001 * len(declared)  # its own p within 0.001 of ALPHA / rank
            near_effect = abs(abs(own.difference.value) - MINIMAL_EFFECT) < max(2 * STEP, shift)
            assert own.outcome == other.outcome or near_p or near_effect
        assert before[at].p > 0.1 or abs(after[at].p - before[at].p) < 0.001
        most = 0.002 * max(0.1, *(abs(run.value) for run in runs))  # px^2: 0.001 px at the height of the readings
        assert np.abs(squares(moved[at][side]) - squares(sides[at][side])).max() < most


def test_at_the_smallest_difference_that_matters_a_shift_decides():
    runs = [exactly(value, 0.005, BLUR) for value in (0.55 + STEP / 2, 0.55 - STEP / 2, 0.5)]
    found = [verdict(run, replace(runs[2], replicates=runs[2].replicates[::-1])) for run in runs[:2]]
    assert [one.outcome for one in found] == ["supported", "inconclusive"] and all(one.p < 0.001 for one in found)


def test_no_end_leaves_the_calibrated_range():
    wild = over_seeds([certain(v) for v in (0.1, 4.0)])
    assert wild.interval.low == -math.inf and wild.interval.high == math.inf and 0 < wild.value < 5
    assert exactly(4.99, 1.0, BLUR).interval.high == math.inf
    assert certain(5.0).interval.high == 5.0 and certain(-1.0).interval.low == -1.0
    apart = difference_interval(wild, certain(0.0))
    assert (apart.low, apart.high) == (-math.inf, math.inf)


def test_a_run_beyond_the_range_never_narrows_an_interval():
    inside = [certain(v) for v in (0.50, 0.51)]
    beyond = Estimate(math.inf, np.full(RESAMPLES, math.inf), scale=BLUR)
    team = over_seeds([*inside, beyond])
    assert team.value == math.inf and (team.interval.low, team.interval.high) == (-math.inf, math.inf)
    assert p_value(team, certain(0.1)) == 1 and team.seeds == 3
    partly = Estimate(0.5, np.where(np.arange(RESAMPLES) < 5, math.inf, 0.5), scale=BLUR)
    unsure = over_seeds([*inside, partly])  # a number, of which some replicates are none
    assert p_value(unsure, certain(0.1)) == 1 and not Difference(unsure, certain(0.1)).known
    assert (
        verdict(over_seeds([beyond] * 3), over_seeds([certain(v) for v in (0.1, 0.2, 0.3)])).outcome == "inconclusive"
    )


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_interval_over_seeds_covers_their_mean(seeds):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        runs = [simulated(rng.normal(0.5, 0.04), 0.01, rng) for _ in range(seeds)]
        interval = over_seeds(runs).interval
        covered += interval.low <= 0.5 <= interval.high
    assert covered / 200 >= 0.92


def test_the_interval_over_seeds_contains_that_of_the_images():
    rng = np.random.default_rng(0)
    runs = [simulated(center, 0.01, rng) for center in (0.4, 0.5, 0.6)]
    pooled = over_seeds(runs)
    assert pooled.seeds == 3
    assert pooled.value == pytest.approx(np.mean([run.value for run in runs]))
    assert pooled.interval.high - pooled.interval.low > 0.2


def test_one_seed_keeps_its_own_interval():
    run = simulated(0.5, 0.01, np.random.default_rng(0))
    assert over_seeds([run]) is run


def test_false_alarms_between_two_halves_of_one_source_and_power_over_three_seeds():
    rng = np.random.default_rng(2)

    def runs(center: float) -> Estimate:
        return over_seeds([simulated(rng.normal(center, 0.005), 0.015, rng) for _ in range(3)])

    alarms = [verdict(simulated(0.5, 0.03, rng), simulated(0.5, 0.03, rng)).outcome for _ in range(400)]
    # Alone and with errors of the size of the minimal effect, the level itself: 0.05, here within two standard errors.
    assert np.mean([outcome != "inconclusive" for outcome in alarms]) <= 0.072
    found = [verdict(runs(0.6), runs(0.5)) for _ in range(60)]
    assert np.mean([v.outcome == "supported" for v in found]) >= 0.9


@pytest.mark.parametrize("spreads", [(0.04, 0.01), (0.02, 0.02), (0.0, 0.02)], ids=["runs", "both", "images"])
def test_p_values_of_three_runs_a_side_are_as_rare_as_they_say(spreads):
    """Resampling the three runs themselves gave p = 0.002 in 2 % of comparisons of equal modes."""
    of_runs, of_images = spreads
    rng = np.random.default_rng(4)

    def side() -> Estimate:
        return over_seeds([simulated(rng.normal(0.5, of_runs), of_images, rng) for _ in range(3)])

    p = np.array([p_value(side(), side()) for _ in range(600)])
    assert np.mean(p < 0.05) <= 0.072 and np.mean(p < 0.05 / 8) <= 0.01


def test_blur_that_all_runs_share_is_not_taken_for_their_spread():
    """The error of one calibration moves all runs alike: it explains nothing of how they differ."""
    rng = np.random.default_rng(0)
    shared = 0.2 * rng.standard_normal(RESAMPLES)
    runs = [Estimate(v, v + shared + 0.001 * rng.standard_normal(RESAMPLES)) for v in (0.4, 0.5, 0.6)]
    other = Estimate(0.0, shared)
    interval = difference_interval(over_seeds(runs), other)
    assert interval.high - interval.low == pytest.approx(2 * 4.303 * 0.1 / math.sqrt(3), rel=0.2)


def test_an_error_that_all_runs_share_stays_in_their_interval_whole():
    """Images of their own explain how equal runs differ: that much counts as runs, the rest as what moves all alike."""
    rng = np.random.default_rng(0)
    shared = 0.2 * rng.standard_normal(RESAMPLES)
    runs = [Estimate(0.5, 0.5 + shared + 0.1 * rng.standard_normal(RESAMPLES)) for _ in range(3)]
    assert over_seeds(runs).reach == pytest.approx(Spread(0.2**2, ((0.1**2 / 3, 2),)).reach(), rel=0.05)


def test_no_runs_are_one_clear_line():
    with pytest.raises(UserError, match="no runs"):
        over_seeds([])
