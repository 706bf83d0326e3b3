"""Bootstrap intervals, effect sizes and the verdict: coverage, false alarms and power on simulated data."""

import math

import numpy as np
import pytest

from eval.uncertainty.estimates import (
    MINIMAL_EFFECT,
    RESAMPLES,
    SMALLEST_P,
    Estimate,
    Interval,
    difference_interval,
    mean_interval,
    over_seeds,
    p_value,
    resampled_means,
    scope,
    verdict,
)
from vaegan.errors import UserError


def estimate(values: np.ndarray, seed: int = 0) -> Estimate:
    return Estimate(float(values.mean()), resampled_means(values, seed))


def simulated(center: float, spread: float, rng: np.random.Generator) -> Estimate:
    """An estimate whose error is normal with standard deviation `spread`, and which knows so."""
    value = rng.normal(center, spread)
    return Estimate(value, value + spread * rng.standard_normal(RESAMPLES))


def test_resamples_depend_only_on_count_and_seed():
    values = np.arange(50.0)
    assert np.array_equal(resampled_means(values, 3), resampled_means(values, 3))
    assert not np.array_equal(resampled_means(values, 3), resampled_means(values, 4))
    both = resampled_means(np.stack([values, 2 * values], axis=1), 3)
    assert np.allclose(both[:, 0], resampled_means(values, 3)) and np.allclose(both[:, 1], 2 * both[:, 0])


def test_resampled_means_have_the_standard_error():
    values = np.random.default_rng(0).normal(size=2000)
    assert resampled_means(values).std() == pytest.approx(values.std() / math.sqrt(2000), rel=0.1)


@pytest.mark.parametrize("make", [mean_interval, lambda values: estimate(values).interval], ids=["scipy", "replicates"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(make):
    rng = np.random.default_rng(0)
    intervals = [make(rng.gamma(4, size=200)) for _ in range(120)]  # skewed, as measures are
    covered = np.mean([i.low <= 4 <= i.high for i in intervals])
    assert 0.90 <= covered <= 0.99


def test_shared_resamples_make_a_paired_difference_narrow():
    rng = np.random.default_rng(0)
    content = rng.normal(size=500)
    first, second = content + 0.1, content + rng.normal(scale=0.01, size=500)
    paired = difference_interval(estimate(first), estimate(second))
    unpaired = difference_interval(estimate(first), estimate(second, seed=1))
    assert paired.low < 0.1 < paired.high
    assert paired.high - paired.low < 0.05 * (unpaired.high - unpaired.low)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_hierarchical_interval_covers_the_mean_over_seeds(seeds):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        runs = [simulated(rng.normal(0.5, 0.04), 0.01, rng) for _ in range(seeds)]
        interval = over_seeds(runs).interval
        covered += interval.low <= 0.5 <= interval.high
    assert covered / 200 >= 0.85


def test_hierarchical_interval_contains_that_of_the_images():
    rng = np.random.default_rng(0)
    runs = [simulated(center, 0.01, rng) for center in (0.4, 0.5, 0.6)]
    pooled = over_seeds(runs)
    assert pooled.seeds == 3
    assert pooled.value == pytest.approx(np.mean([run.value for run in runs]))
    assert pooled.interval.high - pooled.interval.low > 0.2


def test_one_seed_keeps_its_own_interval():
    run = simulated(0.5, 0.01, np.random.default_rng(0))
    assert over_seeds([run]).interval == run.interval


def test_values_beyond_the_calibrated_range_never_become_numbers():
    inside, beyond = Estimate(0.5, np.full(RESAMPLES, 0.5)), Estimate(math.inf, np.full(RESAMPLES, math.inf))
    assert difference_interval(beyond, inside) == Interval(math.inf, math.inf, math.inf)
    unknown = difference_interval(beyond, beyond)
    assert math.isnan(unknown.value) and (unknown.low, unknown.high) == (-math.inf, math.inf)
    assert over_seeds([inside, beyond]).value == math.inf
    assert verdict(beyond, inside).outcome == "supported"
    assert verdict(beyond, beyond).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(0.5, 0.1, "supported"), (0.1, 0.5, "refuted"), (0.3, 0.3, "inconclusive"), (0.34, 0.3, "inconclusive")],
)
def test_verdict_needs_a_visible_difference(first, second, outcome):
    rng = np.random.default_rng(0)
    blurrier, sharper = (Estimate(v, v + 0.002 * rng.standard_normal(RESAMPLES)) for v in (first, second))
    found = verdict(blurrier, sharper)
    assert found.outcome == outcome
    assert found.difference.value == pytest.approx(first - second, abs=1e-9)
    assert MINIMAL_EFFECT == 0.05


def test_an_error_that_both_sides_share_does_not_hide_a_difference():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(RESAMPLES)  # as of the one calibration: the difference is certain, the values are not
    own = [0.01 * rng.standard_normal(RESAMPLES) for _ in range(2)]
    sides = [Estimate(v, v + shared + error) for v, error in zip((0.6, 0.5), own, strict=True)]
    assert sides[0].interval.overlaps(sides[1].interval)
    assert verdict(*sides).outcome == "supported" and verdict(*sides[::-1]).outcome == "refuted"
    noisy = [Estimate(side.value, side.replicates + 9 * error) for side, error in zip(sides, own, strict=True)]
    assert verdict(*noisy).outcome == "inconclusive"


def test_false_alarms_between_two_halves_of_one_source_and_power_over_three_seeds():
    rng = np.random.default_rng(2)

    def runs(center: float) -> Estimate:
        return over_seeds([simulated(rng.normal(center, 0.005), 0.015, rng) for _ in range(3)])

    alarms = [verdict(simulated(0.5, 0.03, rng), simulated(0.5, 0.03, rng)).outcome for _ in range(400)]
    # Alone and with errors of the size of the minimal effect, the level itself: 0.05, here within two standard errors.
    assert np.mean([outcome != "inconclusive" for outcome in alarms]) <= 0.072
    found = [verdict(runs(0.6), runs(0.5)) for _ in range(60)]
    assert np.mean([v.outcome == "supported" for v in found]) >= 0.9


def test_p_value_counts_the_replicates_on_the_far_side_of_zero():
    nothing = Estimate(0.0, np.zeros(RESAMPLES))
    for far in (0, 9, 400):
        first = Estimate(1.0, np.where(np.arange(RESAMPLES) < far, -1.0, 1.0))
        assert p_value(first, nothing) == p_value(nothing, first) == pytest.approx(2 * (far + 1) / (RESAMPLES + 1))
    assert p_value(nothing, nothing) == 1
    assert p_value(Estimate(1.0, np.ones(RESAMPLES)), nothing) == SMALLEST_P
    unknown = Estimate(math.inf, np.full(RESAMPLES, math.inf))
    assert p_value(unknown, unknown) == 1 and p_value(unknown, nothing) == SMALLEST_P


def test_p_value_agrees_with_the_interval():
    rng = np.random.default_rng(0)
    for shift in np.linspace(0, 4, 30):
        first, second = (Estimate(v, v + rng.standard_normal(RESAMPLES)) for v in (shift, 0.0))
        p, interval = p_value(first, second), difference_interval(first, second)
        if abs(p - 0.05) > 0.005:
            assert (p < 0.05) == (interval.low > 0 or interval.high < 0)


@pytest.mark.parametrize("spreads", [(0.04, 0.01), (0.02, 0.02), (0.0, 0.02)], ids=["runs", "both", "images"])
def test_p_values_of_three_runs_a_side_are_as_rare_as_they_say(spreads):
    """Resampling the three runs themselves gave p = 0.002 in 2 % of comparisons of equal modes."""
    of_runs, of_images = spreads
    rng = np.random.default_rng(4)

    def side() -> Estimate:
        return over_seeds([simulated(rng.normal(0.5, of_runs), of_images, rng) for _ in range(3)])

    p = np.array([p_value(side(), side()) for _ in range(1000)])
    assert np.mean(p < 0.05) <= 0.06 and np.mean(p < 0.05 / 8) <= 0.0125


def test_blur_that_all_runs_share_is_not_taken_for_their_spread():
    """The error of one calibration moves all runs alike: it explains nothing of how they differ."""
    rng = np.random.default_rng(0)
    shared = 0.2 * rng.standard_normal(RESAMPLES)
    runs = [Estimate(v, v + shared + 0.001 * rng.standard_normal(RESAMPLES)) for v in (0.4, 0.5, 0.6)]
    other = Estimate(0.0, shared)
    interval = difference_interval(over_seeds(runs), other)
    assert interval.high - interval.low == pytest.approx(2 * 4.303 * 0.1 / math.sqrt(3), rel=0.2)


def test_draws_of_two_teams_are_independent_and_repeatable():
    rng = np.random.default_rng(0)
    teams = [[simulated(c + base, 0.001, rng) for c in (0.4, 0.5, 0.6)] for base in (0, 0.01)]
    first, second = map(over_seeds, teams)
    assert abs(np.corrcoef(np.argsort(np.argsort([first.replicates, second.replicates])))[0, 1]) < 0.15
    assert np.array_equal(over_seeds(teams[0]).replicates, first.replicates)
    assert not np.array_equal(over_seeds(teams[0], seed=1).replicates, first.replicates)


def test_a_difference_that_is_chance_among_many_hypotheses_settles_nothing():
    sides = [Estimate(v, v + 0.01 * np.random.default_rng(0).standard_normal(RESAMPLES)) for v in (0.5, 0.3)]
    assert verdict(*sides).outcome == verdict(*sides, p_adjusted=0.049).outcome == "supported"
    assert verdict(*sides, p_adjusted=0.05).outcome == "inconclusive"
    assert verdict(*sides, p_adjusted=0.05).p == SMALLEST_P


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((1, 1), "for this pair of runs"),
        ((3, 3), "over 3 seeds"),
        ((3, 2), "over 3 against 2 seeds"),
        ((1, 3), "for these runs only, 1 against 3 seeds"),
    ],
)
def test_scope_says_how_many_seeds_each_side_has(seeds, words):
    sides = [Estimate(0.5, np.full(RESAMPLES, 0.5), n) for n in seeds]
    assert scope(*sides) == words


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "2 images, got 0"), ([1.0], "2 images, got 1"), ([1.0, math.nan], "1 of 2 measured values")],
)
def test_too_few_or_broken_values_are_one_clear_line(values, message):
    for make in (mean_interval, resampled_means):
        with pytest.raises(UserError, match=message):
            make(values)


def test_no_runs_are_one_clear_line():
    with pytest.raises(UserError, match="no runs"):
        over_seeds([])
