"""python -m eval.blur: a known blur comes back, what cannot be measured is one line, nothing is written by halves."""

import json
import os

import numpy as np
import pytest
import torch
from folders import save_folder
from PIL import Image
from real_images import held_out
from stand_in import dead_leaves, save_npz
from torch import Tensor

from eval.blur import instrument
from eval.blur.__main__ import main
from eval.blur.audits import AUDITS
from eval.blur.damages import add_checkerboard, add_noise
from eval.blur.measures import PRIMARY, gaussian_blur
from eval.images.streams import of_tensor
from eval.readings import command, comparison, table
from eval.readings.comparison import compare
from eval.readings.reference import Real, measured

SIGMAS = (0.5, 0.8, 1.2, 2.0, 4.0)  # px


def photographs(count: int, size: tuple[int, int] = (32, 32), channels: int = 1, seed: int = 0) -> Tensor:
    return dead_leaves(count, size=max(size), channels=channels, seed=seed)[..., : size[0], : size[1]]


@pytest.fixture(scope="module", autouse=True)
def short_ladder():
    """A calibration is most of a reading's cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instrument, "LADDER_PIXELS", 48 * 32 * 32)
        yield


@pytest.fixture(scope="module")
def real() -> Tensor:
    return photographs(440, seed=1)


@pytest.fixture(scope="module")
def calibrated(real) -> Real:
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


# --- known blur


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


# --- the command


def call(*arguments) -> None:
    main([str(argument) for argument in arguments])


@pytest.fixture
def folders(tmp_path, real):
    save_folder(tmp_path / "real", real[:60])
    save_folder(tmp_path / "blurred", gaussian_blur(real[:40], 1.0))
    save_folder(tmp_path / "others", photographs(30, seed=4))
    return tmp_path


def test_the_table_the_json_and_the_page(folders, capsys):
    call(folders / "blurred", folders / "others", "--reference", folders / "real", "--json", folders / "a" / "x.json")
    said, written = capsys.readouterr().out, json.loads((folders / "a" / "x.json").read_text())
    floor, blurred, others = written["rows"]
    assert [row["images"] for row in written["rows"]] == [30, 40, 30]
    assert blurred["blur"][PRIMARY]["text"] in said.replace("[", "px [") and written["protocol"]["size"] == [32, 32]
    assert others["blur"][PRIMARY]["value"] < 0.6 < blurred["blur"][PRIMARY]["value"] < 1.4
    assert f"{blurred['title']} is blurrier than the reference: {blurred['blur'][PRIMARY]['text']}" in said
    assert f"{others['title']} may be as sharp as the reference; a blur of " in said
    assert all(control["ok"] for control in written["controls"]) and "all where they belong" in said
    assert f"{folders / 'blurred'}: 40 of 40 images" not in said and written["passed"] is None
    assert not list(folders.glob("**/.*"))


def test_pairs_go_by_name_whatever_the_suffix_and_order(folders, capsys, real):
    save_folder(folders / "codec", gaussian_blur(real[20:50], 0.8), suffix="bmp", first=20)
    call(folders / "codec", "--reference", folders / "real", "--paired", "--json", folders / "x.json")
    row = json.loads((folders / "x.json").read_text())["rows"][1]
    assert row["paired"] and row["blur"][PRIMARY]["value"] == pytest.approx(0.8, abs=0.03)
    assert "paired with 30 of 60 reference images" in capsys.readouterr().out


def test_the_page_loads_nothing_and_puts_sources_between_known_blurs(folders, capsys):
    call(folders / "blurred", "--reference", folders / "real", "--html", folders / "x.html")
    page = (folders / "x.html").read_text()
    assert "http" not in page.replace("http-equiv", "") and page.count("data:image/png;base64,") == 6
    places = [page.index(words) for words in ("blurred 0.5 px", f"{folders / 'blurred'}: ", "blurred 2 px")]
    assert places == sorted(places) and page.index("blurred is blurrier than the reference: ") < places[0]


@pytest.mark.parametrize(("target", "code"), [("0.3", 1), ("3", None)])
def test_a_target_is_an_exit_code(folders, capsys, target, code):
    arguments = (folders / "blurred", "--reference", folders / "real", "--target", target, "--json", folders / "x.json")
    if code:
        with pytest.raises(SystemExit) as stop:
            call(*arguments)
        assert stop.value.code == code
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("error: blurrier than --target 0.3 px:") and "blurred reads" in said
    else:
        call(*arguments)
    assert json.loads((folders / "x.json").read_text())["passed"] is (code is None)


def test_a_reading_beyond_the_range_misses_every_target():
    found = compare([of_tensor("x", gaussian_blur(photographs(20), 30.0))], of_tensor("real", photographs(16, seed=1)))
    assert found.rows[1]["blur"][PRIMARY]["value"] == np.inf and command.missed(found, 100.0)
    assert json.loads(command.as_json(found, None, []))["rows"][1]["blur"][PRIMARY]["value"] is None


def test_a_blurred_reference_is_named(real):
    found = compare([of_tensor("x", photographs(200, seed=2))], of_tensor("real", gaussian_blur(real[:200], 1.0)))
    assert any("is the reference itself blurred" in note for note in found.notes)
    assert table.answers(found.rows)[0].startswith("x is sharper than the reference: -")


def flat(folders):
    save_folder(folders / "x", torch.full((20, 1, 32, 32), 7, dtype=torch.uint8))


def colour(folders):
    save_folder(folders / "x", photographs(20, channels=3))


def large(folders):
    save_folder(folders / "x", photographs(20, (64, 64)))


def names(folders):
    save_folder(folders / "x", photographs(20), first=50)


def sixteen_bits(folders):
    (folders / "x").mkdir()
    for row, image in enumerate(photographs(20)):
        Image.fromarray(image[0].numpy().astype(np.uint16) * 257).save(folders / "x" / f"{row:05}.png")


def two_sizes(folders):
    save_folder(folders / "x", photographs(20))
    save_folder(folders / "x", photographs(3, (40, 40)), first=20)


def copies(folders):
    for first in (0, 100):
        save_folder(folders / "real", photographs(50, seed=1), first=first)
    save_folder(folders / "x", photographs(20))


@pytest.mark.parametrize(
    ("make", "flags", "words"),
    [
        (flat, [], "all 20 images of .*x are flat"),
        (colour, [], "x is in colour and .*real grey"),
        (large, [], "x has images of 64x64 and .*real of 32x32.*--resize 64x64"),
        (names, ["--paired"], "10 of 20 images of .*x have no file of their name in .*real: 00060, 00061.*, ..."),
        (copies, [], "of the 55 images of one half are in the other half too; a floor of copies"),
        (lambda f: save_folder(f / "x", photographs(1)), [], r"x has 1 image\(s\): it needs 4 or more"),
        (lambda f: save_folder(f / "x", photographs(9)[..., :20, :20]), [], "blur needs 28 pixels"),
        (lambda f: None, [], "no such folder"),
        (lambda f: os.mkfifo(f / "x"), [], "x is no folder"),
        (sixteen_bits, [], "x/00000.png has 'I;16' pixels, which are not 8-bit"),
        (two_sizes, [], "x has images of two sizes: 00000.png is 32x32 and 00020.png is 40x40"),
        (lambda f: save_folder(f / "x", photographs(9)), ["--device", "tpu"], "unknown device 'tpu'"),
        (lambda f: save_folder(f / "x", photographs(9)), ["--resize", "big"], "--resize 'big' is no size"),
        (lambda f: save_folder(f / "x", photographs(9)), ["--target", "nan"], "--target nan is not possible"),
        (lambda f: save_folder(f / "x", photographs(9)), ["--seed", "-1"], "use 0 or more"),
        (lambda f: save_folder(f / "x", photographs(9)), ["--refernce", "y"], "--refernce"),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_nothing_is_written(folders, capsys, make, flags, words):
    make(folders)
    with pytest.raises(SystemExit) as stop:
        call(folders / "x", "--reference", folders / "real", "--json", folders / "x.json", *flags)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert stop.value.code == 2 and said.startswith("error: ")
    import re

    assert re.search(words, said), said
    assert not (folders / "x.json").exists()


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_an_output_that_cannot_be_written_is_named_before_anything_is_measured(folders, capsys, flag):
    (folders / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        call(folders / "others", "--reference", folders / "real", flag, folders / "file" / "x")
    said = capsys.readouterr().err.strip().splitlines()
    assert stop.value.code == 1 and len(said) == 1 and "cannot be written" in said[0]


def test_images_of_both_folders_are_counted(folders, capsys, real):
    save_folder(folders / "x", torch.cat([real[:7], photographs(13, seed=5)]))
    call(folders / "x", "--reference", folders / "real")
    assert "x: 7 of 20 images are in" in capsys.readouterr().out


def test_the_side_that_is_too_small_is_blamed(folders, capsys):
    save_folder(folders / "few", photographs(3))
    with pytest.raises(SystemExit):
        call(folders / "others", "--reference", folders / "few")
    assert "few has 3 image(s): as a reference it needs 8 or more" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [([], "nothing to measure"), (["x"], "against which real images")])
def test_an_unfinished_command_is_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_folder(tmp_path / "x", photographs(9))
    with pytest.raises(SystemExit) as stop:
        call(*arguments)
    assert stop.value.code == 2 and words in capsys.readouterr().err


def test_grey_files_stored_as_colour_are_grey(folders, real, capsys):
    save_folder(folders / "rgb", real[:20], mode="RGB")
    call(folders / "rgb", "--reference", folders / "real", "--paired", "--json", folders / "x.json")
    assert abs(json.loads((folders / "x.json").read_text())["rows"][1]["blur"][PRIMARY]["value"]) < 1e-3


def test_npz_files_and_data_sets_are_measured_too(tmp_path, shared_data, capsys):
    from vaegan.data import load

    images = load("mnist", "test", image_size=28, data_dir=shared_data).images
    generated = save_npz(tmp_path / "x.npz", gaussian_blur(images[::100], 0.8))
    arguments = command.Asked((generated,), "mnist", data_dir=shared_data)
    (stream,), reference = command.opened(arguments)
    assert reference.size == (28, 28) and reference.count == 10_000 and stream.count == 100
    assert torch.equal(reference.images(range(0, 300, 100)), images[:300:100])
