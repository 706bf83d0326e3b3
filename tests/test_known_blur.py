"""A reading of eval.blur: a known blur comes back, real images read nothing, and damage is flagged."""

import pytest
import torch
from real_images import held_out
from stand_in import photographs
from torch import Tensor

from eval.blur.audits import AUDITS
from eval.blur.damages import add_checkerboard, add_noise
from eval.blur.measures import PRIMARY, gaussian_blur
from eval.images.streams import of_tensor
from eval.readings import comparison
from eval.readings.comparison import compare
from eval.readings.reference import Real, measured

SIGMAS = (0.5, 0.8, 1.2, 2.0, 4.0)  # px
pytestmark = pytest.mark.usefixtures("short_ladder")


@pytest.fixture(scope="module")
def real() -> Tensor:
    return photographs(440, seed=1)


@pytest.fixture(scope="module")
def calibrated(real, short_ladder) -> Real:
    return measured(of_tensor("real", real))


def read(images: Tensor, real: Real) -> dict:
    """The row of `images`, unpaired."""
    return comparison.row(comparison.look(of_tensor("images", images)), real, real.instrument)


def recovered(images: Tensor, sigmas: tuple[float, ...]) -> dict[float, dict]:
    """The paired readings of the images under each blur, against themselves."""
    blurred = [of_tensor(f"{sigma}", gaussian_blur(images, sigma)) for sigma in sigmas]
    found = compare(blurred, of_tensor("real", images), paired=True).rows[1:]
    return {sigma: row["blur"][PRIMARY] for sigma, row in zip(sigmas, found, strict=True)}


def assert_recovered(found: dict[float, dict]) -> None:
    for sigma, reading in found.items():
        assert abs(reading["value"] - sigma) <= max(0.05 * sigma, 0.03), (sigma, reading)
        assert reading["low"] <= reading["value"] <= reading["high"]


@pytest.mark.parametrize(("size", "channels"), [((28, 28), 1), ((32, 32), 3), ((64, 40), 3), ((48, 64), 1)])
def test_a_known_blur_comes_back_paired(size, channels):
    assert_recovered(recovered(photographs(16, size, channels, seed=3), SIGMAS))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(256, 256), (192, 256), (512, 512)])
def test_a_known_blur_comes_back_from_large_drawings(size):
    from vaegan.data.synthfaces import renderer

    assert_recovered(recovered(renderer.render(5, torch.arange(8), max(size))[..., : size[0], : size[1]], SIGMAS))


@pytest.mark.parametrize("name", ["mnist", "cifar10", "lfw"])
def test_a_known_blur_comes_back_from_real_images(shared_data, name):
    assert_recovered(recovered(held_out(shared_data, name), SIGMAS))


def test_grain_is_flagged_and_does_not_pass_for_sharpness(calibrated):
    blurred = gaussian_blur(photographs(200, seed=2), 1.0)
    row = read(add_noise(blurred), calibrated)
    assert 0.8 < row["blur"][PRIMARY]["value"] < 1.25
    assert row["audits"]["noise_estimate"]["flagged"] and row["audits"]["nyquist_power"]["flagged"]
    assert read(add_checkerboard(blurred), calibrated)["audits"]["checkerboard_index"]["flagged"]
    clean = read(blurred, calibrated)
    assert set(clean["audits"]) == set(AUDITS) and not any(audit["flagged"] for audit in clean["audits"].values())


def test_the_same_folder_twice_reads_nothing(real, calibrated):
    row = read(real, calibrated)["blur"][PRIMARY]
    assert row["low"] <= 0 <= row["high"] and abs(row["value"]) < 0.3
    assert recovered(real[:20], (0.0,))[0.0]["value"] == 0


def test_neither_batches_nor_order_nor_threads_change_a_digit(calibrated, monkeypatch):
    images = gaussian_blur(photographs(90, seed=2), 0.8)
    whole, threads = read(images, calibrated), torch.get_num_threads()
    monkeypatch.setattr("eval.images.streams.MOST_A_BATCH", 7)
    assert read(images.flip(0), calibrated) == whole
    torch.set_num_threads(3)
    try:
        assert read(images, calibrated) == whole and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_a_stream_is_never_held_whole(real, monkeypatch):
    """Each batch may be forgotten when the next comes: at most a few are alive at once."""
    import weakref

    alive: set[int] = set()
    most = 0

    def images(rows):
        nonlocal most
        batch = real[torch.as_tensor(rows)].clone()
        alive.add(id(batch))
        weakref.finalize(batch, alive.discard, id(batch))
        most = max(most, len(alive))
        return batch

    monkeypatch.setattr("eval.images.streams.MOST_A_BATCH", 20)
    assert comparison.look(comparison.Stream("x", 440, (1, 32, 32), images)).count == 440
    assert most <= 2 + torch.get_num_threads()


def test_images_that_are_in_the_reference_too_are_counted(real, calibrated):
    others = photographs(20, seed=2)
    for images, said in ((torch.cat([real[:5], others]), ["x: 5 of 25 images are in real too"]), (others, [])):
        look = comparison.look(of_tensor("x", images))
        notes = comparison.notes(read(images, calibrated), look, calibrated)
        assert [note for note in notes if "are in" in note] == said


def test_few_reference_images_all_calibrate_and_many_leave_half_for_the_floor(real, calibrated):
    few = comparison.protocol(measured(of_tensor("real", real[20:81])), False, 0)
    many = comparison.protocol(calibrated, False, 0)
    assert few["cross_fitted"] and few["calibrating"] == 61
    assert not many["cross_fitted"] and many["calibrating"] == 220


def test_the_smallest_blur_that_could_be_found_falls_with_the_number_of_images_and_is_found(calibrated):
    found = {count: read(photographs(count, seed=2), calibrated)["smallest"] for count in (20, 400)}
    assert 0.05 < found[400] < found[20]
    sigma = 1.5 * found[400]
    assert read(gaussian_blur(photographs(400, seed=2), sigma), calibrated)["blur"][PRIMARY]["low"] > 0


@pytest.mark.parametrize("count", [60, 300])
def test_a_control_is_read_by_images_that_it_is_none_of(real, count):
    """On its own ladder a blur of 1 px would read 1 px to the last digit, whatever the instrument."""
    clean = comparison.controls(measured(of_tensor("real", real[:count])))[0]
    assert clean["applied"] == 1.0 and abs(clean["read"]["value"] - 1) > 1e-3
