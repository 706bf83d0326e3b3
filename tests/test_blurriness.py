"""Blur measures: closed forms, theorems, scikit-image as reference, and bad input."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import blur_effect

from eval.blur import measures as blurriness
from eval.blur.audits import AUDITS, checkerboard_index, noise_estimate, nyquist_power
from eval.blur.calibration import SIGMAS, Calibration, calibrate
from eval.blur.measures import (
    MEASURES,
    blur_matrix,
    crete_blur_effect,
    gaussian_blur,
    gradient_energy,
    grey,
    laplacian_variance,
    smooth,
)
from eval.blur.spectrum import band_frequencies, power_spectrum
from vaegan.errors import UserError

ALL = [*MEASURES.values(), *AUDITS.values()]
by_name = pytest.mark.parametrize("measure", ALL, ids=lambda measure: measure.name)


def scenes(n: int = 8, channels: int = 1, height: int = 32, width: int = 32, seed: int = 0) -> torch.Tensor:
    """Edges and shading: overlapping rectangles of random levels on a ramp, uint8 (n, channels, height, width)."""
    generator = np.random.default_rng(seed)
    images = np.tile(np.linspace(40, 160, width), (n, channels, height, 1))
    for image in images:
        for _ in range(6):
            top, left = generator.integers(height - 6), generator.integers(width - 6)
            bottom, right = top + generator.integers(4, 16), left + generator.integers(4, 16)
            image[:, top:bottom, left:right] = generator.integers(256, size=(channels, 1, 1))
    return torch.from_numpy(images).round().byte()


def white_noise(sd: float, n: int = 20, size: int = 64) -> torch.Tensor:
    """Float grey images around 0.5, (n, size, size)."""
    return 0.5 + sd * torch.randn(n, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def checkerboard(size: int) -> torch.Tensor:
    rows = torch.arange(size)
    return (1 - 2 * ((rows[:, None] + rows) % 2)).double()


# ------------------------------------------------------------------------------------------------ the reference blur


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5, 1.0, 2.5])
def test_blur_has_exactly_the_variance_it_names(sigma):
    kernel = blur_matrix(101, sigma)[50]
    offsets = torch.arange(101) - 50
    assert kernel.min() > -1e-13
    assert kernel.sum().item() == pytest.approx(1, abs=1e-12)
    assert (kernel * offsets**2).sum().item() == pytest.approx(sigma**2, abs=1e-10)


def test_blurs_compose_and_the_negative_one_is_the_inverse():
    assert torch.allclose(blur_matrix(32, 0.3) @ blur_matrix(32, 0.4), blur_matrix(32, 0.5), atol=1e-12)
    assert torch.allclose(blur_matrix(32, -0.5) @ blur_matrix(32, 0.5), torch.eye(32).double(), atol=1e-12)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_blur_agrees_with_scipy_where_a_sampled_kernel_is_good_enough(sigma):
    image = scenes(1, height=28, width=40)
    expected = ndimage.gaussian_filter(image[0, 0].double().numpy(), sigma, mode="reflect", truncate=8)
    difference = gaussian_blur(image, sigma)[0, 0].numpy() - expected
    assert math.sqrt(np.square(difference).mean()) < 1.5  # of 255 levels


def test_blur_keeps_the_mean_and_zero_is_the_identity():
    images = scenes(channels=3)
    assert torch.equal(gaussian_blur(images, 0.0), images)
    blurred = gaussian_blur(images, 3.0)
    assert (blurred.double().mean(dim=(2, 3)) - images.double().mean(dim=(2, 3))).abs().max() < 0.5


@pytest.mark.parametrize("sigma", [-0.5, math.nan, math.inf])
def test_blur_refuses_what_is_no_sigma(sigma):
    with pytest.raises(UserError, match="finite number of pixels"):
        gaussian_blur(scenes(), sigma)


# ------------------------------------------------------------------------------------------------ closed forms


def test_laplacian_variance_of_white_noise_is_20_variances():
    assert laplacian_variance.__wrapped__(white_noise(0.1)).mean().item() == pytest.approx(20 * 0.1**2, rel=0.02)


def test_laplacian_variance_of_a_checkerboard_is_64_squared_amplitudes():
    x = 0.5 + 0.05 * checkerboard(32)[None]
    assert laplacian_variance.__wrapped__(x).item() == pytest.approx(64 * 0.05**2, rel=1e-3)  # 30x30: mean exactly 0


def test_laplacian_variance_adds_what_is_independent():
    x, noise = grey(scenes(4, height=64, width=64)), white_noise(0.05, 4) - 0.5
    added = laplacian_variance.__wrapped__(x + noise) - laplacian_variance.__wrapped__(x)
    assert added.mean().item() == pytest.approx(20 * 0.05**2, rel=0.05)


def test_contrast_scales_laplacian_variance_by_its_square_and_gradient_energy_not_at_all():
    x = grey(scenes())
    assert torch.allclose(laplacian_variance.__wrapped__(0.7 * x), 0.49 * laplacian_variance.__wrapped__(x))
    assert torch.allclose(gradient_energy.__wrapped__(0.7 * x), gradient_energy.__wrapped__(x), rtol=1e-3)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_gradient_energy_of_a_cosine_is_its_squared_frequency(k):
    n = torch.arange(32).double()
    x = 0.5 + 0.4 * torch.cos(math.pi * k * (n + 0.5) / 32).expand(1, 32, 32)
    expected = (2 - 2 * math.cos(math.pi * k / 32)) * 32 / 31  # a mean over the 31 differences of a row
    assert gradient_energy.__wrapped__(x).item() == pytest.approx(expected, rel=2e-3)


def test_power_spectrum_of_white_noise_is_its_variance_in_every_band():
    spectrum = power_spectrum.__wrapped__(white_noise(0.1, n=200, size=32)).mean(dim=0)
    # Not the first band, which has lost the mean, nor the last, which is a few corner frequencies.
    assert torch.allclose(spectrum[1:-1], torch.full_like(spectrum[1:-1], 0.01), rtol=0.1)


def test_power_spectrum_of_a_sinusoid_peaks_in_its_band_and_nothing_leaks_far():
    n = torch.arange(64).double()
    x = 0.5 + 0.3 * torch.sin(2 * math.pi * 10 * n / 64).expand(1, 64, 64)
    spectrum = power_spectrum.__wrapped__(x)[0]
    frequencies = band_frequencies(64, 64)
    assert frequencies[spectrum.argmax()].item() == pytest.approx(10 / 64)
    assert spectrum[(frequencies - 10 / 64).abs() > 3 / 64].max() < 1e-12 * spectrum.max()


def test_nyquist_power_sees_noise_and_checkerboards_for_what_they_are():
    assert nyquist_power.__wrapped__(white_noise(0.1)).mean().item() == pytest.approx(0.01, rel=0.02)
    x = 0.5 + 0.05 * checkerboard(64)[None]
    share_above = 1 - math.pi * (0.85 / 2) ** 2  # of the frequency plane: all the power a^2 lies in it
    assert nyquist_power.__wrapped__(x).item() == pytest.approx(0.05**2 / share_above, rel=0.02)


def test_noise_estimate_finds_the_noise_between_edges_and_ignores_a_checkerboard():
    x = smooth(grey(scenes(20, height=64, width=64)), 1.0)
    noise = white_noise(0.05) - 0.5
    assert noise_estimate.__wrapped__(x).mean() < 0.005
    assert noise_estimate.__wrapped__(x + noise).mean().item() == pytest.approx(0.05, rel=0.1)
    checkered = noise_estimate.__wrapped__(x + 0.05 * checkerboard(64))
    assert torch.allclose(checkered, noise_estimate.__wrapped__(x), atol=1e-7)


def test_checkerboard_index_is_the_amplitude_and_ignores_noise():
    x = 0.5 + 0.05 * checkerboard(64)[None]
    assert checkerboard_index.__wrapped__(x).item() == pytest.approx(0.05, rel=1e-6)
    assert checkerboard_index.__wrapped__(white_noise(0.05)).mean() < 0.005
    assert checkerboard_index.__wrapped__(x + white_noise(0.02) - 0.5).mean().item() == pytest.approx(0.05, rel=0.05)


# ------------------------------------------------------------------------------------------------ properties


@pytest.mark.parametrize("seed", range(5))
def test_gradient_energy_without_noise_floor_falls_under_every_blur_of_every_image(seed, monkeypatch):
    monkeypatch.setattr(blurriness, "noise_floor", lambda x: x.new_zeros(len(x)))
    x = torch.rand(10, 32, 40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    values = [gradient_energy.__wrapped__(smooth(x, sigma)) for sigma in (-0.6, -0.3, 0, 0.1, 0.3, 0.6, 1, 1.5)]
    assert all((later < earlier).all() for earlier, later in zip(values, values[1:], strict=False))


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_measures_follow_blur_on_images_of_edges(measure, channels):
    images = scenes(16, channels)
    means = [measure.function(gaussian_blur(images, sigma)).mean() for sigma in (0, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 5)]
    falling = [later < earlier for earlier, later in zip(means, means[1:], strict=False)]
    assert all(falling) if measure.sharper_is_higher else not any(falling)


def test_noise_makes_laplacian_variance_call_a_blurred_image_sharper_but_not_gradient_energy():
    sharp = scenes(20, height=64, width=64)
    noise = 25 * torch.randn(sharp.shape, generator=torch.Generator().manual_seed(0))
    blurred = gaussian_blur(sharp, 1.0)
    noisy = (blurred + noise).round().clamp(0, 255).byte()
    assert laplacian_variance(noisy).mean() > laplacian_variance(sharp).mean()
    assert abs(gradient_energy(noisy).mean() / gradient_energy(blurred).mean() - 1) < 0.15
    assert gradient_energy(noisy).mean() < 0.9 * gradient_energy(sharp).mean()


@by_name
def test_grey_as_three_equal_channels_measures_the_same(measure):
    images = scenes()
    assert torch.allclose(measure.function(images.repeat(1, 3, 1, 1)), measure.function(images), rtol=1e-6, atol=1e-9)


@by_name
def test_turning_an_image_does_not_change_it_more_than_rounding(measure):
    images = scenes(height=30, width=44)
    for turned in (images.mT, images.flip(-1), images.rot90(1, (2, 3))):
        assert torch.allclose(measure.function(turned.contiguous()), measure.function(images), rtol=0.05, atol=1e-6)


@by_name
def test_images_do_not_see_each_other_nor_the_chunks(measure, monkeypatch):
    images = scenes(11, 3)
    together = measure.function(images)
    monkeypatch.setattr(blurriness, "CHUNK_PIXELS", 3 * 32 * 32)
    assert torch.allclose(measure.function(images), together, rtol=1e-10)
    assert torch.allclose(measure.function(images[4:5]), together[4:5], rtol=1e-10)


@by_name
@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_images_have_a_value(measure, level):
    flat = torch.full((2, 3, 28, 28), level, dtype=torch.uint8)
    values = measure.function(flat)
    assert values.shape == (2,) and values.dtype == torch.float64
    expected = 1.0 if measure.name == "crete_blur_effect" else 0.0
    assert torch.allclose(values, torch.full_like(values, expected), atol=1e-6)


@by_name
def test_pure_noise_has_a_finite_value(measure):
    images = torch.randint(256, (4, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    assert measure.function(images).isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 45), (61, 64)])
def test_crete_equals_scikit_image(height, width):
    for channels, axis in ((1, None), (3, -1)):
        images = torch.cat([scenes(4, channels, height, width), gaussian_blur(scenes(4, channels, height, width), 1.5)])
        rgb = [image.expand(3, -1, -1).permute(1, 2, 0).numpy() for image in images]
        expected = [blur_effect(image if channels == 3 else image[..., 0], channel_axis=axis) for image in rgb]
        assert np.abs(crete_blur_effect(images).numpy() - expected).max() < 1e-4


# ------------------------------------------------------------------------------------------------ precision


def in_float64(measure, images: torch.Tensor, sigma: float = 0.0) -> np.ndarray:
    """A measure of images under a blur, in float64 from the pixels on."""
    weights = blurriness.REC_709 if measure.name == "crete_blur_effect" else blurriness.REC_601
    x = smooth(images.double(), sigma).round_().clamp_(0, 255) if sigma > 0 else images.double()
    planes = torch.einsum("nchw,c->nhw", x / 255, torch.tensor(weights, dtype=torch.float64))
    return measure.on_planes(smooth(planes, sigma) if sigma < 0 else planes).double().numpy()


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
@pytest.mark.parametrize("size", [32, 144])  # whole blur matrices, and bands of them
def test_float32_moves_no_reading_by_a_thousandth_of_a_pixel(measure, size):
    images, others = scenes(12, 3, size, size), scenes(12, 3, size, size, seed=1)
    exact = Calibration(
        measure, in_float64(measure, images), np.stack([in_float64(measure, images, s) for s in SIGMAS], axis=1)
    )
    found = calibrate(measure, images)
    for sigma in (0.0, 0.3, 0.8, 2.0, 4.0):
        values, precise = measure.function(gaussian_blur(others, sigma)).numpy(), in_float64(measure, others, sigma)
        behind, originals = measure.function(others).numpy(), in_float64(measure, others)
        assert found.sigma_eq(values, behind) == pytest.approx(exact.sigma_eq(precise, originals), abs=1e-3)
        assert found.sigma_eq(values) == pytest.approx(exact.sigma_eq(precise), abs=1e-3)


# ------------------------------------------------------------------------------------------------ bad input


@by_name
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.full((2, 1, 32, 32), math.nan), "must be uint8, got torch.float32"),
        (torch.zeros(2, 1, 32, 32), "to_uint8"),
        (torch.zeros(0, 1, 32, 32, dtype=torch.uint8), "no images"),
        (torch.zeros(2, 32, 32, dtype=torch.uint8), r"got \(2, 32, 32\)"),
        (torch.zeros(2, 2, 32, 32, dtype=torch.uint8), "1 or 3"),
        (torch.zeros(2, 1, 27, 32, dtype=torch.uint8), "27x32"),
        ([torch.zeros(1, 32, 32).byte(), torch.zeros(1, 28, 28).byte()], "of one size, got a list"),
    ],
)
def test_bad_images_are_one_clear_line(measure, images, message):
    with pytest.raises(UserError, match=message) as caught:
        measure.function(images)
    assert "\n" not in str(caught.value)
