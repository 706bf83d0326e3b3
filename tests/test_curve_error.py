"""What a calibration's own images leave unknown: replicate b is what the curve of resample b would have read."""

import numpy as np
import pytest
import torch
from stand_in import dead_leaves

from eval.blur.calibration import CALIBRATION_SEED, SIGMAS, Calibration, calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.uncertainty import estimates

TIME = np.sign(SIGMAS) * np.square(SIGMAS)  # px^2
FALL = 0.2  # of the logarithm of the measure, a px^2


def values_at(sigma: float, spread: float, n: int = 200, seed: int = 0) -> np.ndarray:
    """Measured values whose mean is that of real images under a blur of `sigma` px, exactly."""
    noise = np.random.default_rng(seed).standard_normal(n)
    return np.exp(-FALL * sigma * abs(sigma)) * (1 + spread * (noise - noise.mean()))


def made(noise: float, images: int = 50) -> Calibration:
    """A calibration whose logarithmic curve is a straight line in px^2; every node but that of 0 px errs for itself."""
    draws = np.random.default_rng(1).standard_normal((images, len(SIGMAS)))
    draws[:, SIGMAS.index(0.0)] = 0
    ladder = np.exp(-FALL * TIME) * (1 + noise * (draws - draws.mean(axis=0)))
    return Calibration(MEASURES[PRIMARY], np.ones(images), ladder)


def squares(sigma: np.ndarray) -> np.ndarray:
    return np.sign(sigma) * np.square(sigma)


@pytest.mark.parametrize("sigma", [-0.96, -0.6, 0.16, 0.84, 1.17, 4.3])
def test_a_replicate_is_what_its_own_resampled_curve_reads(sigma):
    """The same blur at no node, without an error of its own, read off the curves of the first 200 resamples."""
    whole, images = made(noise=0.01), np.ones(50)
    source = np.full(50, values_at(sigma, 0).mean())
    replicates = whole.estimate(source, images).replicates[:200]
    counts = estimates._counts(50, CALIBRATION_SEED)[:200]
    curves = [Calibration(whole.measure, images, np.repeat(whole.ladder, c, 0)) for c in counts]
    read = np.array([curve.sigma_eq(source, images) for curve in curves])
    assert np.corrcoef(squares(replicates), squares(read))[0, 1] > 0.9  # a line and a smooth curve between two nodes
    assert squares(replicates).std() == pytest.approx(squares(read).std(), rel=0.3)


@pytest.mark.parametrize("sigma", [-0.98, 0.0, 4.97])
def test_a_straight_curve_goes_on_straight_beyond_its_ends(sigma):
    """Replicates of a value inside the range are those of the mean measure's logarithm, on both sides of the end."""
    source, originals = values_at(sigma, 0.1), np.ones(200)
    replicates = squares(made(noise=0).estimate(source, originals).replicates)
    assert replicates == pytest.approx(-np.log(estimates.resampled_means(source)) / FALL, abs=1e-9)
    assert sigma == 0 or (squares(sigma) - replicates).min() < 0 < (squares(sigma) - replicates).max()


def test_the_ladder_is_rounded_to_bytes_as_sources_are():
    images = dead_leaves(40)
    calibration = calibrate(MEASURES[PRIMARY], images)
    for sigma in (0.2, 0.5, 0.95, 2.0):
        values = calibration.measure.function(gaussian_blur(images, sigma))
        assert calibration.sigma_eq(values) == pytest.approx(sigma, abs=1e-9)


def test_paired_images_are_resampled_together_whatever_the_seed():
    calibration, values = made(noise=0), values_at(0.0, 0.3)
    for seed in (0, 1, 5):
        assert abs(squares(calibration.estimate(values, values, seed).replicates)).max() < 1e-9


def test_a_source_is_resampled_apart_from_the_calibration():
    """As many images of the same values: were they drawn together, two independent errors would cancel."""
    values = values_at(0.0, 0.3)
    calibration = Calibration(MEASURES[PRIMARY], values, made(noise=0).ladder)
    variance = values.var() / len(values) / FALL**2
    assert squares(calibration.estimate(values).replicates).var() == pytest.approx(2 * variance, rel=0.15)
    assert np.array_equal(calibration.estimate(values).replicates, calibration.estimate(values, seed=0).replicates)


@pytest.mark.filterwarnings("error")
def test_images_without_any_detail_are_beyond_the_range_without_a_warning():
    assert made(noise=0).estimate(torch.zeros(5)).interval.low == np.inf
