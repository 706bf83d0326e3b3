"""Audits of colour and of flat parts: what must raise them does, what must not does not, and blur is not fooled."""

import math

import numpy as np
import pytest
import torch
from stand_in import dead_leaves

from eval.blur.audits import AUDITS, colour_nyquist_power, colour_speckle, flat_parts, luma_and_colour, speckle
from eval.blur.calibration import alarm, calibrate
from eval.blur.damages import COLOUR_DAMAGES, NOISE_SD, add_colour_noise, add_noise, add_speckle, halve_colour
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur, grey

COUNT = 150


@pytest.fixture(scope="module")
def held_out():
    images = dead_leaves(2 * COUNT, 32, channels=3, seed=4)
    return images[:COUNT], images[COUNT:]


@pytest.fixture(scope="module")
def audits(held_out):
    return {name: calibrate(audit, held_out[0]) for name, audit in AUDITS.items()}


def raised(audits, images, sigma=0.0):
    return {name for name, audit in audits.items() if alarm(audit, audit.measure.function(images), sigma) > 1}


def test_colour_noise_leaves_grey_alone_and_is_seen_in_colour_only(audits, held_out):
    noisy = add_colour_noise(held_out[1])
    assert (grey(noisy) - grey(held_out[1])).abs().mean() < 0.01
    assert {"colour_nyquist_power", "colour_speckle"} <= raised(audits, noisy)
    assert not raised(audits, noisy) & {"nyquist_power", "noise_estimate", "checkerboard_index"}


def test_speckle_on_flat_parts_is_seen_by_its_audits(audits, held_out):
    assert {"speckle", "colour_speckle"} <= raised(audits, add_speckle(held_out[1]))
    assert "speckle" in raised(
        {"speckle": calibrate(AUDITS["speckle"], held_out[0][:, :1])}, add_speckle(held_out[1][:, :1])
    )


@pytest.mark.parametrize("sigma", [0.0, 0.5, 2.0])
def test_real_images_and_blurred_ones_raise_nothing(audits, held_out, sigma):
    assert not raised(audits, gaussian_blur(held_out[1], sigma), sigma)


def test_a_blur_of_colour_alone_reads_no_pixels_and_raises_nothing(audits, held_out):
    """What the report says of it: the measures see luma only."""
    halved, calibration = halve_colour(held_out[1]), calibrate(MEASURES[PRIMARY], held_out[0])
    read = calibration.sigma_eq(*(calibration.measure.function(images) for images in (halved, held_out[1])))
    assert abs(read) < 0.1 and not raised(audits, halved)
    assert colour_nyquist_power(halved).mean() < 0.7 * colour_nyquist_power(held_out[1]).mean()


def test_colour_power_is_the_sum_of_both_differences():
    x = torch.full((200, 3, 32, 32), 128, dtype=torch.uint8)
    want = 2 * NOISE_SD**2  # add_colour_noise draws R - Y and B - Y apart
    assert float(colour_nyquist_power(add_colour_noise(x)).mean()) == pytest.approx(want, rel=0.02)
    assert torch.equal(luma_and_colour(x)[:, 1:], torch.zeros(200, 2, 32, 32))


def test_colour_differences_are_red_and_blue_less_luma():
    pixel = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)
    luma = (0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255
    got = luma_and_colour(pixel).flatten()
    np.testing.assert_allclose(got, [luma, 200 / 255 - luma, 50 / 255 - luma], rtol=1e-6)


@pytest.mark.parametrize("name", ["colour_nyquist_power", "colour_speckle"])
def test_grey_images_have_no_colour(name, held_out):
    assert (AUDITS[name].function(add_noise(held_out[1][:, :1])) == 0).all()
    calibration = calibrate(AUDITS[name], held_out[0][:, :1])
    assert alarm(calibration, calibration.measure.function(held_out[1][:, :1]), 0.5) == 0


def test_flat_parts_are_away_from_edges_and_ridges_and_specks_do_not_hide_them():
    x = torch.full((1, 1, 40, 40), 0.2, dtype=torch.float64)
    x[..., 18:22] = 0.9
    assert flat_parts(x)[..., :10].all() and not flat_parts(x)[..., 14:26].any()
    x[..., 5, 5] += 0.25
    assert flat_parts(x)[0, 5, 5]
    assert (
        speckle.__wrapped__(
            torch.rand(2, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        ).max()
        < 0.2
    )


def test_speckle_is_its_root_mean_square_on_what_is_flat():
    x = torch.full((1, 1, 64, 64), 100, dtype=torch.uint8)
    assert speckle(x) < 1e-6
    x[0, 0, 8::16, 8::16] = 151  # 0.2 at one place in 256
    assert float(speckle(x)) == pytest.approx(0.2 / 16 * math.sqrt(1 - 2 * 0.2169 + 0.0952), rel=0.01)
    assert colour_speckle(x) == 0


def test_damages_are_pure_functions_and_leave_grey_images_grey(held_out):
    for damage in COLOUR_DAMAGES.values():
        assert torch.equal(damage(held_out[0], 3), damage(held_out[0], 3))
        assert damage(held_out[0][:, :1], 3).shape == held_out[0][:, :1].shape
    assert torch.equal(halve_colour(held_out[0][:, :1]), held_out[0][:, :1])


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (48, 32), (64, 64), (32, 144)])
@pytest.mark.parametrize("row", [*MEASURES.values(), *AUDITS.values()], ids=lambda row: row.name)
def test_an_image_measures_the_same_to_the_last_digit_whatever_is_measured_with_it(row, size):
    images = torch.randint(0, 256, (19, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = gaussian_blur(images, 0.5)
    whole = row.function(images)
    for count in (1, 2, 3, 7):
        assert torch.equal(torch.cat([row.function(part) for part in images.split(count)]), whole), count
