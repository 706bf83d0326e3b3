"""Calibration: known blur is read back in pixels, and nothing outside the calibrated range becomes a number."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scenes import IMAGES, halves, scenes

from eval.blur.calibration import SIGMAS, Calibration, calibrate
from eval.blur.damages import DAMAGES
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur, grey, smooth
from eval.uncertainty.estimates import difference_interval
from eval.uncertainty.spread import Scale
from eval.uncertainty.verdicts import verdict
from vaegan.errors import UserError

held_out = pytest.fixture(scope="module")(halves)


@pytest.fixture(scope="module")
def calibrations(held_out) -> dict[str, Calibration]:
    return {name: calibrate(measure, held_out[0]) for name, measure in MEASURES.items()}


by_name = pytest.mark.parametrize("name", MEASURES)


@by_name
@pytest.mark.parametrize("sigma", [0.3, 0.4, 0.5, 0.8, 1.2, 2.0])
def test_known_blur_of_other_images_is_read_back(calibrations, held_out, name, sigma):
    calibration, report = calibrations[name], held_out[1]
    blurred = calibration.measure.function(gaussian_blur(report, sigma))
    originals = calibration.measure.function(report)
    assert calibration.sigma_eq(blurred, originals) == pytest.approx(sigma, rel=0.05, abs=0.03)
    interval = calibration.estimate(blurred).interval
    assert interval.low - 0.05 <= sigma <= interval.high + 0.05


@by_name
@pytest.mark.parametrize("sigma", [0.25, 0.45, 0.65, 1.45, 2.7])
def test_between_nodes_the_calibration_images_themselves_are_read_to_a_hundredth(calibrations, held_out, name, sigma):
    calibration = calibrations[name]
    values = calibration.measure.function(gaussian_blur(held_out[0], sigma))
    assert calibration.sigma_eq(values) == pytest.approx(sigma, abs=0.01)


@by_name
def test_real_images_are_at_zero_and_nodes_where_they_are(calibrations, name):
    calibration = calibrations[name]
    assert calibration.sigma_eq(calibration.values) == 0
    for index, sigma in enumerate(SIGMAS):
        if calibration.limits[0] <= sigma <= calibration.limits[1]:
            assert calibration.sigma_eq(calibration.ladder[:, index]) == pytest.approx(sigma, abs=1e-6)
            assert calibration.value_at(sigma) == pytest.approx(calibration.ladder[:, index].mean())


@pytest.mark.parametrize("sigma", [0.3, 0.5, 0.7])
def test_images_sharper_than_real_are_negative_never_zero(calibrations, held_out, sigma):
    """Real images are made by blurring these: they are sharper than real by that blur."""
    calibration = calibrations[PRIMARY]
    sharper = calibration.measure.on_planes(smooth(grey(held_out[1]), -sigma))
    originals = calibration.measure.function(held_out[1])
    assert calibration.sigma_eq(sharper, originals) == pytest.approx(-sigma, abs=0.05)


@by_name
def test_beyond_the_ladder_is_marked_and_never_a_number(calibrations, held_out, name):
    calibration = calibrations[name]
    low, high = calibration.limits
    flat = calibration.measure.function(torch.full((5, 1, 32, 32), 90, dtype=torch.uint8))
    assert calibration.sigma_eq(flat) == math.inf
    assert calibration.estimate(flat).interval.low == math.inf
    assert calibration.pixels(math.inf) == f"beyond {high:g} px"
    assert calibration.pixels(-math.inf) == f"sharper than real by more than {-low:g} px"
    assert calibration.pixels(math.nan) == "unknown"
    assert calibration.pixels(0.456) == "0.46 px"
    assert high == 5 and low <= -0.7


def test_paired_reading_is_far_narrower(calibrations, held_out):
    calibration = calibrations[PRIMARY]
    values = calibration.measure.function(gaussian_blur(held_out[1], 0.5))
    unpaired = calibration.estimate(values).interval
    paired = calibration.estimate(values, calibration.measure.function(held_out[1])).interval
    assert paired.low <= 0.5 + 0.01 and paired.high >= 0.5 - 0.01
    assert paired.high - paired.low < 0.3 * (unpaired.high - unpaired.low)


def test_one_calibration_for_two_sources_cancels_in_their_difference(calibrations, held_out):
    calibration = calibrations[PRIMARY]
    first, second = (
        calibration.estimate(calibration.measure.function(gaussian_blur(held_out[1], sigma))) for sigma in (0.8, 0.6)
    )
    difference = difference_interval(first, second)
    assert difference.low < 0.2 < difference.high
    assert difference.high - difference.low < first.interval.high - first.interval.low
    assert verdict(second, first).outcome != "supported"


def test_intervals_over_images_cover_known_blur(held_out):
    """New images, new calibration images, each time: 95 % intervals, unpaired, must cover."""
    measure = MEASURES[PRIMARY]
    real = np.asarray(measure.function(torch.cat(held_out)))
    blurred = np.asarray(measure.function(gaussian_blur(torch.cat(held_out), 1.0)))
    ladder = calibrate(measure, torch.cat(held_out)).ladder
    rng, covered = np.random.default_rng(0), 0
    truth = Calibration(measure, real, ladder).sigma_eq(blurred)
    for _ in range(60):
        rows, others = rng.integers(len(real), size=(2, 100))
        interval = Calibration(measure, real[rows], ladder[rows]).estimate(blurred[others]).interval
        covered += interval.low <= truth <= interval.high
    assert covered / 60 >= 0.87


def test_replicates_are_repeatable(calibrations, held_out):
    calibration = calibrations[PRIMARY]
    values = calibration.measure.function(held_out[1])
    assert calibration.estimate(values).scale == Scale(2, *calibration.limits)  # px^2
    assert np.array_equal(calibration.estimate(values).replicates, calibration.estimate(values).replicates)
    assert not np.array_equal(calibration.estimate(values).replicates, calibration.estimate(values, seed=5).replicates)


def test_noise_and_contrast_leave_the_primary_measure_within_15_percent(calibrations, held_out):
    calibration, report = calibrations[PRIMARY], held_out[1]
    originals = calibration.measure.function(report)
    for sigma in (0.5, 0.8, 1.2):
        for damage in DAMAGES.values():
            values = calibration.measure.function(damage(gaussian_blur(report, sigma), 0))
            assert calibration.sigma_eq(values, originals) == pytest.approx(sigma, rel=0.15)


@by_name
def test_the_report_keeps_plain_json(calibrations, name):
    kept = json.loads(json.dumps(calibrations[name].to_dict(), allow_nan=False))
    assert set(kept) == {"measure", "unit", "curve", "limits", "images", "ladder_images"}
    assert (kept["measure"], kept["unit"]) == (name, MEASURES[name].unit)
    assert kept["limits"] == list(calibrations[name].limits)
    assert len(kept["curve"]["sigma"]) == len(kept["curve"]["value"]) == len(SIGMAS)
    assert kept["images"] == kept["ladder_images"] == IMAGES


def test_flat_images_calibrate_nothing_and_say_so():
    flat = torch.full((4, 1, 32, 32), 128, dtype=torch.uint8)
    with pytest.raises(UserError, match="does not follow blur"):
        calibrate(MEASURES[PRIMARY], flat).sigma_eq(np.ones(4))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(1, 1, 32, 32, dtype=torch.uint8), "at least 2 images, got 1"),
        (torch.zeros(0, 1, 32, 32, dtype=torch.uint8), "no images"),
        (torch.zeros(4, 1, 32, 32), "must be uint8"),
    ],
)
def test_calibrating_on_too_little_is_one_clear_line(images, message):
    with pytest.raises(UserError, match=message):
        calibrate(MEASURES[PRIMARY], images)


def test_reading_nonsense_is_one_clear_line(calibrations):
    calibration = calibrations[PRIMARY]
    with pytest.raises(UserError, match="not finite"):
        calibration.sigma_eq(np.array([1.0, math.nan]))
    with pytest.raises(UserError, match="one shape"):
        calibration.sigma_eq(np.ones(4), np.ones(5))
    with pytest.raises(UserError, match="got 1"):
        calibration.sigma_eq(np.ones(1))


def test_false_alarms_between_two_halves_of_one_source(calibrations, held_out):
    calibration = calibrations[PRIMARY]
    values = np.asarray(calibration.measure.function(gaussian_blur(scenes(400, seed=9), 0.6)))
    rng = np.random.default_rng(0)
    halves = [np.split(values[rng.permutation(len(values))], 2) for _ in range(40)]
    outcomes = [verdict(*(calibration.estimate(half) for half in pair)).outcome for pair in halves]
    assert sum(outcome != "inconclusive" for outcome in outcomes) <= 2


@by_name
def test_the_curve_is_level_beyond_its_ladder(calibrations, name):
    calibration = calibrations[name]
    for beyond, end in ((9.0, SIGMAS[-1]), (math.inf, SIGMAS[-1]), (-3.0, SIGMAS[0]), (-math.inf, SIGMAS[0])):
        assert calibration.value_at(beyond) == calibration.value_at(end)


@by_name
def test_the_curve_has_the_level_of_all_images_though_few_are_blurred(monkeypatch, held_out, name):
    monkeypatch.setattr("eval.blur.calibration.LADDER_IMAGES", 15)
    calibration = calibrate(MEASURES[name], held_out[0])
    assert calibration.ladder.shape == (15, len(SIGMAS)) and calibration.values.shape == (IMAGES,)
    assert calibration.value_at(0.0) == pytest.approx(calibration.values.mean(), rel=1e-9)
    assert calibration.ladder[:, SIGMAS.index(0.0)].mean() != pytest.approx(calibration.values.mean(), rel=1e-3)


def test_a_curve_made_of_few_images_widens_what_is_read_off_it(calibrations, held_out):
    """Paired, the level cancels, and away from 0 the curve's own error is most of what is left."""
    whole = calibrations[PRIMARY]
    few = Calibration(whole.measure, whole.values, whole.ladder[:6])
    values, originals = (whole.measure.function(images) for images in (gaussian_blur(held_out[1], 2.0), held_out[1]))

    def width(calibration: Calibration) -> float:
        interval = calibration.estimate(values, originals).interval
        return interval.high - interval.low

    assert width(few) > 1.5 * width(whole)


def test_colour_is_seen_as_grey_by_rec_601_at_every_blur():
    """Pillow's conversion, of images whose colours differ most where the weights do."""
    colour = torch.cat([scenes(20, seed) for seed in (1, 2, 3)], dim=1)
    grey_images = np.stack([np.asarray(Image.fromarray(c.permute(1, 2, 0).numpy()).convert("L")) for c in colour])
    of_colour, of_grey = (
        calibrate(MEASURES[PRIMARY], images).ladder.mean(axis=0)
        for images in (colour, torch.from_numpy(grey_images.copy())[:, None])
    )
    steps = [i for i, sigma in enumerate(SIGMAS) if abs(sigma) <= 1.3]  # further out rounding to 8 bits counts
    assert of_colour[steps] == pytest.approx(of_grey[steps], rel=0.01)


def test_the_range_ends_where_the_measure_turns(calibrations):
    whole = calibrations[PRIMARY]
    for turned in (SIGMAS.index(1.6), SIGMAS.index(-0.55)):
        ladder = whole.ladder.copy()
        outwards = 1 if SIGMAS[turned] > 0 else -1
        ladder[:, turned + outwards] = ladder[:, turned]  # as much as one step nearer: not strictly monotone
        calibration = Calibration(whole.measure, whole.values, ladder)
        end = 1 if outwards > 0 else 0
        assert calibration.limits[end] == SIGMAS[turned] and calibration.limits[1 - end] == whole.limits[1 - end]
        beyond = whole.values * (0.5 if outwards > 0 else 1.5) * whole.value_at(SIGMAS[turned]) / whole.value_at(0.0)
        assert calibration.sigma_eq(beyond) == outwards * math.inf
        assert calibration.estimate(whole.values).interval.value == 0


def test_a_measure_against_its_own_direction_calibrates_nothing(calibrations):
    whole = calibrations[PRIMARY]
    rising = Calibration(whole.measure, whole.values, whole.ladder[:, ::-1])
    with pytest.raises(UserError, match="does not follow blur"):
        rising.sigma_eq(whole.values)


def test_near_the_end_of_the_range_the_interval_goes_beyond_it(calibrations, held_out):
    calibration = calibrations[PRIMARY]
    found = calibration.estimate(calibration.measure.function(gaussian_blur(held_out[1], 4.8))).interval
    assert found.high == math.inf and found.low > 3 and found.value < 5
