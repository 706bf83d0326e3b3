"""CelebA and LFW from small files in the publishers' layout: splits, labels, crop, and one line for what is absent."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import filters, transform

from vaegan.data import load, native_size
from vaegan.data.readers.celeba import CROP
from vaegan.errors import UserError

CELEBA = [f"{i:06d}.jpg" for i in range(1, 11)]
ATTRIBUTES = ["Bald", "Smiling", "Young"]


pytestmark = pytest.mark.usefixtures("cache")


def photograph(file: Path, size: tuple[int, int], level: int) -> None:
    """A JPEG of one grey level, with a white border that every crop must leave out."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), level, np.uint8)
    pixels[:8], pixels[:, :8], pixels[:, -8:] = 255, 255, 255
    Image.fromarray(pixels).save(file, quality=95)


@pytest.fixture
def celeba(tmp_path) -> Path:
    """Ten faces: six to train, two to validate, two to test; face i is bald when i is even and never young."""
    folder = tmp_path / "celeba"
    for i, name in enumerate(CELEBA):
        photograph(folder / "img_align_celeba" / name, (178, 218), 20 * i)
    parts = [0] * 6 + [1] * 2 + [2] * 2
    (folder / "list_eval_partition.txt").write_text("".join(f"{n} {p}\n" for n, p in zip(CELEBA, parts, strict=True)))
    rows = [f"{name}  {-1 if i % 2 else 1:2d}  1 -1\n" for i, name in enumerate(CELEBA)]
    (folder / "list_attr_celeba.txt").write_text(f"{len(rows)}\n{' '.join(ATTRIBUTES)} \n" + "".join(rows))
    return tmp_path


def test_celeba_has_the_publishers_splits_and_attributes(celeba):
    train, test = (load("celeba", split, data_dir=celeba) for split in ("train", "test"))
    assert train.images.shape == (6, 3, 64, 64) and test.images.shape == (2, 3, 64, 64)
    assert train.images[:, 0].float().mean((1, 2)).tolist() == pytest.approx([0, 20, 40, 60, 80, 100], abs=2)
    assert train.label_names == tuple(ATTRIBUTES) and train.labels.tolist() == [[1, 1, 0], [0, 1, 0]] * 3
    assert test.images.float().std((1, 2, 3)).max() < 2  # nothing of the border is left
    assert test.note == "cut to 148 pixels, smoothed by 0.76 px and brought to 64"
    assert native_size("celeba") == 64 and load("celeba", "test", image_size=32, data_dir=celeba).image_size == 32


def test_the_crop_is_the_released_codes():
    """`dataset/celeba.py`: img[40:188, 15:163], a Gaussian of sqrt(scale) / 2, a cubic resize."""
    photograph = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    box = photograph[40 : 218 - 30, 15 : 178 - 15] / 255
    smooth = filters.gaussian(box, sigma=np.sqrt(148 / 64) / 2, channel_axis=-1)
    expected = transform.resize(smooth, (64, 64, 3), order=3, anti_aliasing=False)
    difference = CROP.cut(photograph, 64).transpose(1, 2, 0) / 255 - expected
    assert abs(difference).max() < 0.01


@pytest.mark.parametrize("missing", ["img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"])
def test_absent_celeba_names_the_file_and_how_to_get_it(celeba, missing):
    (celeba / "celeba" / missing).rename(celeba / "elsewhere")
    with pytest.raises(UserError, match=f"celeba is not in .*looked for .*celeba/{missing}.*mmlab.ie.cuhk.edu.hk"):
        load("celeba", "train", data_dir=celeba)


def test_a_celeba_image_that_is_listed_but_not_there(celeba):
    (celeba / "celeba" / "img_align_celeba" / CELEBA[2]).unlink()
    with pytest.raises(UserError, match="celeba lists .*000003.jpg, which cannot be read: unpack"):
        load("celeba", "train", data_dir=celeba)


def test_damaged_celeba_files_are_one_line(celeba):
    attributes = celeba / "celeba" / "list_attr_celeba.txt"
    whole = attributes.read_text()
    attributes.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="list different images"):
        load("celeba", "train", data_dir=celeba)
    attributes.write_text(whole.replace("1 -1", "1", 1))
    with pytest.raises(UserError, match="list_attr_celeba.txt cannot be read"):
        load("celeba", "train", data_dir=celeba)
    attributes.write_text(whole)
    photograph(celeba / "celeba" / "img_align_celeba" / CELEBA[0], (100, 100), 9)
    with pytest.raises(UserError, match="1 of 6 images cannot be read, first .*000001.jpg .100x100 pixels"):
        load("celeba", "train", data_dir=celeba)


@pytest.fixture
def lfw(tmp_path) -> Path:
    """Twelve people, two photographs each; person i is i * 10 bright."""
    for i in range(12):
        for number in (1, 2):
            name = f"Person_{chr(ord('A') + i)}"
            photograph(tmp_path / "lfw-py" / "lfw_funneled" / name / f"{name}_{number:04d}.jpg", (250, 250), 10 * i)
    return tmp_path


def brightness(split) -> list[int]:
    return [round(level / 10) for level in split.images.float().mean((1, 2, 3)).tolist()]


def test_lfw_without_lists_holds_out_people_by_their_names(lfw):
    train, test = (load("lfw", split, data_dir=lfw) for split in ("train", "test"))
    held_out = set(brightness(test))
    assert 0 < len(held_out) < 6 and brightness(test) == [i for i in sorted(held_out) for _ in range(2)]
    assert brightness(train) == [i for i in range(12) if i not in held_out for _ in range(2)]
    assert train.labels is None and train.images.shape[1:] == (3, 64, 64)
    assert (
        "lfw_funneled, cut to 150 pixels" in test.note
        and f"{len(held_out)} of 12 people, chosen by their names" in test.note
    )


def test_lfw_follows_the_publishers_lists(lfw):
    (lfw / "lfw-py" / "peopleDevTrain.txt").write_text("2\nPerson_B\t2\nPerson_D\t2\n")
    (lfw / "lfw-py" / "peopleDevTest.txt").write_text("1\nPerson_C\t2\n")
    assert brightness(load("lfw", "train", data_dir=lfw)) == [1, 1, 3, 3]
    test = load("lfw", "test", data_dir=lfw)
    assert brightness(test) == [2, 2] and "people of peopleDevTest.txt" in test.note


def test_lfw_attributes_are_labels_and_images_without_any_are_left_out(lfw):
    lines = ["# LFW_attributes.txt v1.4", "#\tperson\timagenum\tMale\tWavy Hair", "Person B\t2\t0.5\t-1.5"]
    (lfw / "lfw-py" / "lfw_attributes.txt").write_text("\n".join([*lines, "Person C\t1\t-0.5\t3"]) + "\n")
    (lfw / "lfw-py" / "peopleDevTrain.txt").write_text("2\nPerson_B\t2\nPerson_C\t2\n")
    (lfw / "lfw-py" / "peopleDevTest.txt").write_text("1\nPerson_D\t2\n")
    train = load("lfw", "train", data_dir=lfw)
    assert train.label_names == ("Male", "Wavy_Hair")
    assert brightness(train) == [1, 2] and train.labels.tolist() == [[1, 0], [0, 1]]


def test_the_better_aligned_lfw_is_read(lfw):
    photograph(lfw / "lfw-py" / "lfw-deepfunneled" / "A" / "A_0001.jpg", (250, 250), 200)
    assert brightness(load("lfw", "train", data_dir=lfw)) == [20]


def test_absent_lfw_names_the_folder_and_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match="lfw is not in .*looked for .*lfw-py/lfw-deepfunneled.*lfw-deepfunneled.tgz"):
        load("lfw", "train", data_dir=tmp_path)


def test_damaged_lfw_attributes_are_one_line(lfw):
    file = lfw / "lfw-py" / "lfw_attributes.txt"
    for text in (
        "",
        "# v1\n#\tperson\timagenum\tMale\nPerson B\tx\t1\n",
        "# v1\n#\tperson\timagenum\tMale\nB\t1\t1\t2\n",
    ):
        file.write_text(text)
        with pytest.raises(UserError, match="lfw_attributes.txt cannot be read"):
            load("lfw", "train", data_dir=lfw)
