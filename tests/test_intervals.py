"""Bootstrap intervals, effect sizes and the verdict: coverage, false alarms and power on simulated data."""

import math

import numpy as np
import pytest

from eval.effects import cliffs_delta, paired_effect
from eval.intervals import (
    MINIMAL_EFFECT,
    RESAMPLES,
    Estimate,
    Interval,
    difference_interval,
    mean_interval,
    over_seeds,
    resampled_means,
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


def test_effect_sizes():
    assert cliffs_delta([3, 4], [1, 2]) == 1
    assert cliffs_delta([1, 2], [3, 4]) == -1
    assert cliffs_delta([1, 2, 3], [1, 2, 3]) == 0
    assert paired_effect([2.0, 3.0, 5.0], [1.0, 1.0, 2.0]) == pytest.approx(2.0)
    assert paired_effect([1.0, 2.0], [1.0, 2.0]) == 0
    assert paired_effect([2.0, 3.0], [1.0, 2.0]) == math.inf


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(0.5, 0.1, "supported"), (0.1, 0.5, "refuted"), (0.3, 0.3, "inconclusive"), (0.34, 0.3, "inconclusive")],
)
def test_verdict_needs_a_visible_difference(first, second, outcome):
    rng = np.random.default_rng(0)
    blurrier, sharper = (Estimate(v, v + 0.002 * rng.standard_normal(RESAMPLES)) for v in (first, second))
    found = verdict(blurrier, sharper)
    assert found.outcome == outcome
    assert found.sentence.startswith(f"{outcome} for this pair of runs: VAE is blurrier than VAE/GAN")
    assert f"{first - second:.2f}" in found.sentence
    assert MINIMAL_EFFECT == 0.05


def test_overlapping_intervals_support_nothing():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(RESAMPLES)  # as from paired images: the difference is certain, the two values are not
    assert verdict(Estimate(0.6, 0.6 + shared), Estimate(0.5, 0.5 + shared)).outcome == "inconclusive"


def test_false_alarms_between_two_halves_of_one_source_and_power_over_three_seeds():
    rng = np.random.default_rng(2)

    def runs(center: float) -> Estimate:
        return over_seeds([simulated(rng.normal(center, 0.005), 0.015, rng) for _ in range(3)])

    alarms = [verdict(simulated(0.5, 0.03, rng), simulated(0.5, 0.03, rng)).outcome for _ in range(200)]
    assert np.mean([outcome != "inconclusive" for outcome in alarms]) <= 0.05
    found = [verdict(runs(0.6), runs(0.5)) for _ in range(60)]
    assert np.mean([v.outcome == "supported" for v in found]) >= 0.9
    assert "over 3 seeds" in found[0].sentence


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "2 images, got 0"), ([1.0], "2 images, got 1"), ([1.0, math.nan], "1 of 2 measured values")],
)
def test_too_few_or_broken_values_are_one_clear_line(values, message):
    for make in (mean_interval, resampled_means):
        with pytest.raises(UserError, match=message):
            make(values)


def test_other_bad_input():
    with pytest.raises(UserError, match="no runs"):
        over_seeds([])
    with pytest.raises(UserError, match="one shape"):
        paired_effect([1.0, 2.0], [1.0, 2.0, 3.0])
