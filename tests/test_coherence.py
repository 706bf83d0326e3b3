"""Coherence: known filters come back as transfers, grain as power without coherence, and blur in pixels."""

import math

import numpy as np
import pytest
import torch
from stand_in import dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.damages import lower_contrast
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


def test_a_control_is_wrong_when_it_reads_another_blur_or_when_noise_costs_no_coherence():
    assert coherence.is_coherent({"value": 1.04}, 1.0) and not coherence.is_coherent({"value": 1.06}, 1.0)
    assert not coherence.is_coherent({"value": math.inf}, 1.0)
    bands = [{"transfer": 1.0, "coherence": 1.0}, {"transfer": 0.97, "coherence": 0.6}]
    assert coherence.is_incoherent({"bands": bands})
    assert not coherence.is_incoherent({"bands": [bands[0], {"transfer": 0.8, "coherence": 0.6}]})
    assert not coherence.is_incoherent({"bands": [bands[0]]})
