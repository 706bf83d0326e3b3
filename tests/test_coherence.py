"""Coherence: known filters come back as transfers, grain as power without coherence, and blur in pixels."""

import math

import numpy as np
import pytest
import torch
from stand_in import dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.damages import NOISE_SD, add_noise, lower_contrast
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence import coherence
from vaegan.errors import UserError

IMAGES = dead_leaves(300, 32, seed=5)


@pytest.fixture(scope="module")
def calibration():
    return calibrate(MEASURES[PRIMARY], dead_leaves(300, 32, seed=6))


def noisy(images, sd, seed=0):
    noise = 255 * sd * torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images + noise).round().clamp(0, 255).byte()


def rows(calibration, versions, originals=IMAGES):
    return coherence.bands(coherence.spectra(originals, versions, calibration))


def test_an_image_is_its_own_and_its_coherent_part_is_as_sharp_as_it(calibration):
    for band in rows(calibration, IMAGES):
        assert (band.transfer, band.coherence, band.power) == pytest.approx((1, 1, 1))
    found = coherence.spectra(IMAGES, IMAGES, calibration)
    assert coherence.coherent_blur(IMAGES, found, calibration).value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("sd", [0.0, 0.1])
def test_a_blur_of_one_pixel_reads_coherent_one_pixel_whatever_grain_lies_on_it(calibration, sd):
    found = coherence.spectra(IMAGES, noisy(gaussian_blur(IMAGES, 1.0), sd), calibration)
    estimate = coherence.coherent_blur(IMAGES, found, calibration)
    assert estimate.value == pytest.approx(1.0, abs=0.01 if sd == 0 else 0.06)
    assert estimate.interval.low <= estimate.value <= estimate.interval.high


def test_the_response_to_a_blur_is_the_blurs_own(calibration):
    response = coherence.spectra(IMAGES, gaussian_blur(IMAGES, 1.0), calibration).response
    n = np.arange(32)
    want = np.exp(-(1 - np.cos(np.pi * n / 32)))
    np.testing.assert_allclose(response.numpy()[:12, :12], np.outer(want, want)[:12, :12], atol=0.02)


def test_independent_noise_loses_coherence_not_transfer(calibration):
    for clean, grainy in zip(rows(calibration, IMAGES), rows(calibration, noisy(IMAGES, 0.1)), strict=True):
        assert grainy.transfer == pytest.approx(clean.transfer, abs=0.06)  # 0.06: what clipping takes
        assert grainy.coherence < clean.coherence and grainy.power > 0.9
    finest = rows(calibration, noisy(IMAGES, 0.1))[-1]
    added = finest.power - finest.transfer**2
    assert (
        finest.coherence == pytest.approx(finest.transfer**2 / (finest.transfer**2 + added)) and finest.coherence < 0.5
    )


def test_less_contrast_is_transfer_and_keeps_coherence(calibration):
    for band in rows(calibration, lower_contrast(IMAGES))[1:]:
        assert band.transfer == pytest.approx(0.7, abs=0.02) and band.coherence > 0.98
        assert band.power == pytest.approx(0.49, abs=0.03)


def test_other_images_have_power_and_no_coherence(calibration):
    for band in rows(calibration, dead_leaves(300, 32, seed=9)):
        assert band.coherence < 0.06 and band.power == pytest.approx(1, abs=0.5)


def test_what_all_images_share_is_no_detail_of_any(calibration):
    mean = IMAGES.float().mean(0, keepdim=True).round().byte().expand_as(IMAGES).contiguous()
    for band in rows(calibration, mean):
        assert (band.coherence, band.power, band.transfer) == pytest.approx((0, 0, 0), abs=1e-12)


def test_bands_cover_every_frequency_but_the_mean_once():
    frequency = coherence.frequencies(32, 32)
    inside = sum(
        (frequency > low) & (frequency <= high) for low, high in zip(coherence.EDGES, coherence.EDGES[1:], strict=False)
    )
    assert inside[0, 0] == 0 and inside.sum() == 32 * 32 - 1 and len(coherence.EDGES) == 8
    assert frequency.max() < math.sqrt(0.5) < coherence.EDGES[-1]


def test_what_cannot_be_paired_is_one_line(calibration):
    with pytest.raises(UserError, match="one shape"):
        coherence.spectra(IMAGES, IMAGES[:5], calibration)
    with pytest.raises(UserError, match="at least 2"):
        coherence.spectra(IMAGES[:1], IMAGES[:1], calibration)


def test_a_control_is_wrong_when_it_reads_another_blur():
    assert coherence.is_coherent({"value": 1.04}, 1.0) and not coherence.is_coherent({"value": 1.06}, 1.0)
    assert not coherence.is_coherent({"value": math.inf}, 1.0)


def control(calibration, originals, versions) -> bool:
    """Whether versions pass for originals under independent white noise of NOISE_SD."""
    found = coherence.spectra(originals, versions, calibration)
    wanted = coherence.under_noise(found, len(originals), coherence.added(originals.shape[1]))
    return coherence.is_incoherent([vars(band) for band in coherence.bands(found)], wanted)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:30], IMAGES.reshape(100, 3, 32, 32)], ids=["300", "30", "colour"])
def test_independent_white_noise_leaves_the_coherence_of_its_closed_form(calibration, images):
    originals = coherence.with_room(images)
    assert all(control(calibration, originals, add_noise(originals, seed)) for seed in range(5))


def test_noise_of_another_level_or_that_is_not_independent_or_not_white_is_found(calibration):
    originals = coherence.with_room(IMAGES)
    for sd in (0.0, 0.045, 0.055, 0.1):
        assert not control(calibration, originals, noisy(originals, sd))
    white = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(0))
    coloured = (white + white.roll(1, dims=-1)) / math.sqrt(2)
    follows = originals.float().roll(3, dims=-1)
    follows = (follows - follows.mean()) / follows.std()
    own = originals.float() - 127.5
    for other in (coloured, (white + follows) / math.sqrt(2), white - 0.1 * own / (255 * NOISE_SD)):
        versions = (originals + 255 * NOISE_SD * other).round().clamp(0, 255).byte()
        assert not control(calibration, originals, versions)
    assert not control(calibration, originals, add_noise(originals).roll(1, dims=0))  # of another image


def test_noise_that_is_cut_off_at_black_is_not_the_known_one_and_the_control_leaves_it_room(calibration):
    dark = torch.where(IMAGES < 128, 0, 255).byte()
    assert not control(calibration, dark, add_noise(dark))
    assert control(calibration, coherence.with_room(dark), add_noise(coherence.with_room(dark)))


def test_chance_is_as_large_as_its_standard_errors_say(calibration):
    originals = coherence.with_room(IMAGES[:60])
    found = [coherence.spectra(originals, add_noise(originals, seed), calibration) for seed in range(60)]
    wanted = coherence.under_noise(found[0], len(originals), coherence.added(1))
    for band, known in enumerate(wanted):
        read = [coherence.bands(one)[band] for one in found]
        assert np.std([one.coherence for one in read]) == pytest.approx(known.coherence_error, rel=0.4)
        assert np.std([one.transfer for one in read]) == pytest.approx(known.transfer_error, rel=0.4)


def test_a_band_without_power_expects_nothing(calibration):
    flat = torch.full((30, 1, 32, 32), 128, dtype=torch.uint8)
    assert control(calibration, flat, add_noise(flat))
