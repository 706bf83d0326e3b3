"""Estimates over images and seeds: closed forms, coverage, false alarms, and how little a verdict may move."""

import math
from dataclasses import replace

import numpy as np
import pytest
from estimates import BLUR, certain, estimate, exactly
from scipy import stats

from eval.uncertainty.estimates import (
    MINIMAL_EFFECT,
    RESAMPLES,
    Estimate,
    Interval,
    combined,
    difference_interval,
    mean_interval,
    mean_of,
    over_seeds,
    reading,
    resampled_means,
)
from eval.uncertainty.spread import LINEAR, Spread
from eval.uncertainty.verdicts import agrees, p_value, scope, verdict
from vaegan.errors import UserError


@pytest.mark.parametrize("freedom", [1.0, 1.3, 2.0, 4.0, 7.7])
@pytest.mark.parametrize("distance", [0.3, 1.0, 4.3, 60.0])
def test_without_images_the_error_is_students_t_and_without_runs_normal(freedom, distance):
    assert Spread(0, ((4, freedom),)).above(distance) == pytest.approx(stats.t.sf(distance / 2, freedom), rel=1e-4)
    assert Spread(4).above(distance) == pytest.approx(stats.norm.sf(distance / 2), rel=1e-6)
    assert Spread(0, ((4, freedom),)).reach() == pytest.approx(2 * stats.t.isf(0.025, freedom), rel=1e-4)
    assert Spread(4).reach() == pytest.approx(2 * stats.norm.isf(0.025), rel=1e-6)
    assert Spread(0).reach() == 0


def test_images_and_runs_together_are_the_convolution_of_the_two():
    rng = np.random.default_rng(0)
    drawn = 0.6 * rng.standard_normal(400_000) + 0.8 * rng.standard_t(2.4, size=400_000)
    error = Spread(0.36, ((0.64, 2.4),))
    assert error.above(2.0) == pytest.approx(np.mean(drawn > 2), abs=0.002)
    assert error.above(error.reach()) == pytest.approx(0.025, abs=1e-9)


def test_other_resamples_of_the_same_images_give_the_same_ends():
    """Of an error as large as that of 1,000 unpaired images, 0.02 px."""
    values = 0.5 + 0.02 * math.sqrt(1000) * np.random.default_rng(0).standard_normal(1000)
    ends = np.array([vars(estimate(values, seed).interval)["low"] for seed in range(12)])
    assert ends.std() < 0.001


def test_the_difference_of_two_readings_is_that_of_their_pixels_and_turns_round():
    first, second = exactly(1.2, 0.05, BLUR), exactly(-0.3, 0.02, BLUR)
    one, other = difference_interval(first, second), difference_interval(second, first)
    assert one.value == pytest.approx(1.5) and one.low < 1.5 < one.high
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


def test_snapshots_average_in_squares_and_keep_one_run():
    last = certain(0.4)
    found, spread = reading(last, [certain(0.3), last])
    assert found.value == pytest.approx(math.sqrt((0.09 + 0.16) / 2)) and found.seeds == 1 and found.by_runs == 0
    assert spread == pytest.approx(0.07 / math.sqrt(2))  # px^2
    single = exactly(0.3, 0.01, BLUR)
    alone, nothing = reading(single, [single])
    assert alone is single and math.isnan(nothing)
    assert reading(single, [])[0] is single


def test_snapshots_of_some_images_move_the_reading_of_all():
    """What they differ by, image for image, is added: an error that all share on those images cancels."""
    rng = np.random.default_rng(0)
    of_all, shared = (0.02 * rng.standard_normal(RESAMPLES) for _ in range(2))
    squares = {"all": 1.0 + of_all, "first": 1.21 + 5 * shared, "then": 1.31 + 5 * shared}
    made = {name: Estimate(float(np.sqrt(s.mean())), np.sqrt(s), scale=BLUR) for name, s in squares.items()}
    found, _ = reading(made["all"], [made["first"], made["then"]])
    assert found.value**2 == pytest.approx(1.0 + (1.21 - 1.31) / 2, abs=0.001) and found.scale == BLUR
    assert np.square(found.replicates).std() == pytest.approx(of_all.std(), rel=1e-6)


@pytest.mark.filterwarnings("error")
def test_a_snapshot_beyond_the_range_leaves_no_number():
    beyond = Estimate(math.inf, np.full(RESAMPLES, math.inf), scale=BLUR)
    for last, snapshots in ((certain(4.9), [beyond, certain(4.9)]), (beyond, [certain(4.9), certain(4.8)])):
        found, spread = reading(last, snapshots)
        assert found.value == math.inf and math.isnan(spread) and found.scale == BLUR
    below = replace(beyond, value=-math.inf, replicates=-beyond.replicates)
    assert math.isnan(reading(certain(4.9), [beyond, below, certain(4.9)])[0].value)


def test_the_mean_of_two_runs_is_image_for_image():
    shared = 0.01 * np.random.default_rng(0).standard_normal(RESAMPLES)
    same = mean_of([Estimate(0.3, 0.3 + shared), Estimate(0.4, 0.4 + shared)])  # the same images move both
    assert same.replicates.std() == pytest.approx(shared.std()) and same.value == pytest.approx(0.35)


def test_a_mean_has_the_ends_of_its_parts_whatever_their_number():
    assert mean_of([certain(0.3)] * 10).scale == BLUR
    run, beyond = exactly(0.3, 0.01, BLUR), Estimate(math.inf, np.full(RESAMPLES, math.inf), scale=BLUR)
    assert mean_of([run]) is run and reading(beyond, [run] * 10)[0].scale == BLUR


def test_a_contrast_may_reach_as_far_as_its_cells_and_no_further():
    most = math.sqrt(26)  # 5^2 + 1^2
    for cells, value in (((5.0, -1.0), most), ((-1.0, 5.0), -most)):
        found = combined([1, -1], [certain(cell) for cell in cells])
        assert (found.value, found.interval.low, found.interval.high) == pytest.approx((value,) * 3)
    further = combined([1, -1], [exactly(5.0, 1.0, BLUR), certain(-1.0)]).interval
    assert further.low < most and further.high == math.inf


def test_beyond_the_range_the_ends_are_percentiles_of_the_replicates():
    ranks = np.arange(RESAMPLES, dtype=np.float64)
    found = Estimate(math.inf, ranks).interval
    assert (found.low, found.high) == pytest.approx((0.025 * RESAMPLES, 0.975 * RESAMPLES), abs=2)
    unknown = Estimate(math.inf, np.where(ranks % 20 == 0, math.nan, ranks)).interval  # 5 %
    assert (unknown.low, unknown.high) == (-math.inf, math.inf)


def test_blur_is_not_mixed_with_what_adds_otherwise():
    with pytest.raises(ValueError, match="two scales"):
        over_seeds([certain(0.5), Estimate(0.5, np.full(RESAMPLES, 0.5))])


@pytest.mark.parametrize(
    ("value", "error", "right"),
    [(1.0, 0.01, True), (1.06, 0.001, False), (1.06, 0.01, True), (1.0, 0.2, False), (1.5, 0.3, False)],
)
def test_an_instrument_is_right_when_it_is_precise_and_near(value, error, right):
    assert agrees(exactly(value, error), truth=1.0, allowed=0.05, widest=0.15) is right


@pytest.mark.parametrize("truth", [0.25, 0.5, 0.75])
def test_what_is_allowed_is_allowed_to_its_end(truth):
    assert agrees(certain(0.5, LINEAR), truth, allowed=0.25, widest=0.0)


def test_an_instrument_is_as_precise_near_0_px_as_elsewhere():
    """0.04 px^2 are 0.02 px at 1 px and 0.2 px at 0 px, of one instrument."""
    assert all(agrees(exactly(value, 0.02, BLUR), truth=value, allowed=0.03, widest=0.05) for value in (0.0, 1.0))
    assert not any(agrees(exactly(value, 0.04, BLUR), truth=value, allowed=0.03, widest=0.05) for value in (0.0, 1.0))


def test_an_instrument_that_reads_beyond_the_range_is_wrong():
    assert not agrees(Estimate(math.inf, np.full(RESAMPLES, math.inf)), truth=1.0, allowed=0.05, widest=0.15)


def test_resamples_depend_only_on_count_and_seed():
    values = np.arange(50.0)
    assert np.array_equal(resampled_means(values, 3), resampled_means(values, 3))
    assert not np.array_equal(resampled_means(values, 3), resampled_means(values, 4))
    both = resampled_means(np.stack([values, 2 * values], axis=1), 3)
    assert np.allclose(both[:, 0], resampled_means(values, 3)) and np.allclose(both[:, 1], 2 * both[:, 0])


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_there_are_as_many_resamples_as_every_estimate_has(shape):
    assert resampled_means(np.ones(shape)) == pytest.approx(np.ones((RESAMPLES, *shape[1:])))


def test_the_interval_of_few_skewed_values_is_between_the_percentiles_of_their_resamples():
    """Other bootstraps put it elsewhere: corrected for skewness by 0.4 standard errors, reflected by 0.9."""
    rng = np.random.default_rng(0)
    values = rng.exponential(size=20) ** 1.5
    means = rng.choice(values, size=(20_000, 20)).mean(axis=1)
    found = mean_interval(values)
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.15 * means.std())


def test_an_interval_of_the_same_values_is_the_same_interval():
    values = np.random.default_rng(0).normal(size=50)
    assert mean_interval(values).value == pytest.approx(values.mean())
    assert mean_interval(values) == mean_interval(values) == mean_interval(values, 0) != mean_interval(values, 1)


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
    [(0.5, 0.1, "supported"), (0.1, 0.5, "refuted"), (0.3, 0.3, "inconclusive"), (0.34, 0.3, "inconclusive")]
    + [(0.3, 0.34, "inconclusive"), (0.3, 0.36, "refuted")],
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
    assert sides[0].interval.low < sides[1].interval.high  # the intervals overlap
    assert verdict(*sides).outcome == "supported" and verdict(*sides[::-1]).outcome == "refuted"
    noisy = [Estimate(side.value, side.replicates + 9 * error) for side, error in zip(sides, own, strict=True)]
    assert verdict(*noisy).outcome == "inconclusive"


def test_beyond_the_range_p_counts_replicates():
    nothing, unknown = Estimate(0.0, np.zeros(RESAMPLES)), Estimate(math.inf, np.full(RESAMPLES, math.inf))
    assert p_value(nothing, nothing) == 1
    assert p_value(unknown, unknown) == 1 and p_value(unknown, nothing) == 2 / (RESAMPLES + 1)
    half = Estimate(math.inf, np.where(np.arange(RESAMPLES) < 100, -1.0, math.inf))
    assert p_value(half, nothing) == pytest.approx(2 * 101 / (RESAMPLES + 1))


def test_p_value_agrees_with_the_interval():
    rng = np.random.default_rng(0)
    for shift in np.linspace(0, 4, 30):
        first, second = (Estimate(v, v + rng.standard_normal(RESAMPLES)) for v in (shift, 0.0))
        p, interval = p_value(first, second), difference_interval(first, second)
        if abs(p - 0.05) > 1e-9:
            assert (p < 0.05) == (interval.low > 0 or interval.high < 0)


def test_a_difference_that_is_chance_among_many_hypotheses_settles_nothing():
    sides = [exactly(v, 0.01) for v in (0.5, 0.3)]
    assert verdict(*sides).outcome == verdict(*sides, p_adjusted=0.049).outcome == "supported"
    assert verdict(*sides, p_adjusted=0.05).outcome == "inconclusive"
    found = verdict(*sides, p_adjusted=0.05)
    assert found.p < 1e-9 and found.p_adjusted == 0.05


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
    [
        ([], "2 images, got 0"),
        ([1.0], "2 images, got 1"),
        ([[1.0, 2.0, 3.0]], "2 images, got 1"),
        (1.0, "2 images, got 1"),
        ([1.0, 2.0, math.nan], "1 of 3 measured values"),
    ],
)
def test_too_few_or_broken_values_are_one_clear_line(values, message):
    for make in (mean_interval, resampled_means):
        with pytest.raises(UserError, match=message):
            make(values)
