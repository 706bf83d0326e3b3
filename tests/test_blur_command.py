"""python -m eval.blur: its table, JSON and page; what cannot be measured is one line, nothing is written by halves."""

import json
import os
import re

import numpy as np
import pytest
import torch
from folders import save_folder
from PIL import Image
from stand_in import photographs, save_npz
from torch import Tensor

from eval.blur.__main__ import main
from eval.blur.measures import PRIMARY, gaussian_blur
from eval.images.streams import of_tensor
from eval.readings import command, table
from eval.readings.comparison import compare

pytestmark = pytest.mark.usefixtures("short_ladder")


@pytest.fixture(scope="module")
def real() -> Tensor:
    return photographs(440, seed=1)


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
        assert said.startswith("error: not shown to be within --target 0.3 px:") and "blurred reads" in said
    else:
        call(*arguments)
    assert json.loads((folders / "x.json").read_text())["passed"] is (code is None)


def test_too_few_images_of_either_side_are_no_measurement(folders, capsys, real):
    save_folder(folders / "few", gaussian_blur(real[100:106], 2.0))
    save_folder(folders / "twelve", real[200:212])
    for images, reference, short in (("few", "twelve", 2), ("blurred", "twelve", 1), ("few", "real", 1)):
        arguments = (folders / images, "--reference", folders / reference, "--target", "4")
        with pytest.raises(SystemExit) as stop:
            call(*arguments, "--json", folders / "x.json", "--html", folders / "x.html")
        said = capsys.readouterr()
        row = json.loads((folders / "x.json").read_text())["rows"][1]
        assert stop.value.code == 1 and len(row["withheld"]) == short
        assert "images of" in row["withheld"][0] and "are no measurement, give 30 or more" in row["withheld"][0]
        assert f"No verdict on {row['title']} ({'; '.join(row['withheld'])}), which reads: " in said.out
        assert row["blur"][PRIMARY]["text"] in said.out and row["withheld"][0] in said.err
        for text in (said.out, (folders / "x.html").read_text()):
            assert " than the reference" not in text and "may be as sharp" not in text


def test_sharper_images_are_no_finding_either_where_they_are_few(real):
    found = compare([of_tensor("x", photographs(8, seed=2))], of_tensor("real", gaussian_blur(real[:200], 1.0)))
    assert found.rows[1]["blur"][PRIMARY]["high"] < 0 and not any("sharper" in note for note in found.notes)


def test_a_reading_beyond_the_range_misses_every_target():
    found = compare([of_tensor("x", gaussian_blur(photographs(20), 30.0))], of_tensor("real", photographs(16, seed=1)))
    assert found.rows[1]["blur"][PRIMARY]["value"] == np.inf and command.missed(found, 100.0)
    assert json.loads(command.as_json(found, None, []))["rows"][1]["blur"][PRIMARY]["value"] is None
    found.rows[1]["smallest"] = found.controls[0]["read"]["value"] = np.inf
    said = table.text(found)
    assert "blurred 1 px reads beyond" in said and not re.search(r"\binf\b|∞|\bnan\b", said)


def test_a_blurred_reference_is_named(real):
    found = compare([of_tensor("x", photographs(200, seed=2))], of_tensor("real", gaussian_blur(real[:200], 1.0)))
    assert any("is the reference itself blurred" in note for note in found.notes)
    assert table.answers(found.rows)[0].startswith("x is sharper than the reference: ")


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
