"""Pairs are calibrated on their own originals: a blur comes back whichever images are on the ladder, and the interval
of anything else has the error of those that are not."""

import numpy as np
import pytest

from eval.blur.calibration import FEWEST_ON_LADDER, REAL, SIGMAS, Calibration
from eval.blur.instrument import Instrument
from eval.blur.measures import MEASURES, PRIMARY

MEASURE = MEASURES[PRIMARY]


def real_ladder(images: int, seed: int = 0) -> np.ndarray:
    """What `images` measure under each sigma, (N, len(SIGMAS)): each has a level, and a fall with blur, of its own."""
    level, fall = np.random.default_rng(seed).lognormal((0.0, -1.0), (0.4, 0.3), (images, 2)).T[:, :, None]
    return level / (1 + fall * np.sign(SIGMAS) * np.square(SIGMAS) / 2.5)


def calibration(ladder: np.ndarray, climbed: int) -> Calibration:
    return Calibration(MEASURE, ladder[:, REAL], ladder[:climbed])


def instrument(ladder: np.ndarray, climbed: int) -> Instrument:
    return Instrument(({PRIMARY: calibration(ladder, climbed)},))


@pytest.mark.parametrize("sigma", [-0.7, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("climbed", [FEWEST_ON_LADDER, 60, 300])
def test_a_blur_is_read_without_error_whichever_images_are_on_the_ladder(sigma, climbed):
    ladder = real_ladder(300)
    blurred, originals = ladder[:, SIGMAS.index(sigma)], ladder[:, REAL]
    found = instrument(ladder, climbed).read(PRIMARY, blurred, originals).interval
    assert found.value == pytest.approx(sigma, abs=1e-6) and found.high - found.low < 0.02 * abs(sigma)
    by_others = calibration(ladder, climbed).sigma_eq(blurred, originals)
    assert climbed == 300 or abs(by_others - sigma) > 1e-3  # as it would be without the originals' own curve


def test_originals_that_the_ladder_has_too_few_of_are_read_by_its_curve():
    ladder, others = real_ladder(100), real_ladder(80, seed=1)
    pairs = np.concatenate([others, ladder[: FEWEST_ON_LADDER - 1]])
    row = calibration(ladder, 100)
    assert row.of_pairs(pairs[:, 10], pairs[:, REAL]) is row
    assert row.of_pairs(np.append(pairs[:, 10], ladder[50, 10]), np.append(pairs[:, REAL], ladder[50, REAL])) is not row


def test_two_halves_that_calibrate_in_turn_calibrate_pairs_together():
    ladder = real_ladder(30)
    folds = tuple({PRIMARY: calibration(half, 15)} for half in np.split(ladder, 2))
    reading = Instrument(folds).read(PRIMARY, ladder[:, SIGMAS.index(4.0)], ladder[:, REAL])
    assert reading.value == pytest.approx(4.0, abs=1e-9) and reading.replicates == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("climbed", [FEWEST_ON_LADDER, 40, 150])
def test_intervals_of_damaged_pairs_hold_what_all_images_would_read(climbed):
    """Blurred by 1.3 px, and changed by 10 % at random on top, which no curve foretells."""
    every = real_ladder(20_000, seed=2)
    changed = every[:, SIGMAS.index(1.3)] * np.random.default_rng(3).lognormal(0, 0.1, len(every))
    truth, draw = calibration(every, len(every)).sigma_eq(changed, every[:, REAL]), np.random.default_rng(4)
    chosen = [draw.choice(len(every), 150, replace=False) for _ in range(100)]
    found = [instrument(every[at], climbed).read(PRIMARY, changed[at], every[at, REAL]).interval for at in chosen]
    assert sum(at.low <= truth <= at.high for at in found) >= 90
