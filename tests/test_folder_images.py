"""vaegan.data.readers.folder: which images of a tree are read, how they are split and labelled, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaegan.data import load, native_size
from vaegan.errors import UserError

pytestmark = pytest.mark.usefixtures("cache")


def save_image(path: Path, size=(40, 32), value=0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value // 2, 255 - value)).save(path)


@pytest.fixture
def tree(tmp_path) -> Path:
    """20 images of two classes; image i of class c has red value 100 * c + i."""
    for label, name in enumerate(["cat", "dog"]):
        for i in range(10):
            save_image(tmp_path / "tree" / name / f"{i:02d}.png", value=100 * label + i)
    (tmp_path / "tree" / "README.txt").write_text("not an image")
    return tmp_path / "tree"


def test_labelled_tree(tree):
    train, test = load(f"folder:{tree}", "train"), load(f"folder:{tree}", "test")
    levels = [part.images[:, 0, 0, 0].tolist() for part in (train, test)]
    assert sorted(levels[0] + levels[1]) == [*range(10), *range(100, 110)]
    assert levels == [sorted(part) for part in levels] and test.label_names == ("cat", "dog")
    for part in (train, test):
        assert torch.equal(part.labels, (part.images[:, 0, 0, 0] >= 100).long()) and part.labels.unique().tolist() == [
            0,
            1,
        ]
    assert f"{len(levels[1])} of 20 images" in train.note and "held out" in train.note


def test_train_and_test_folders_are_the_splits(tmp_path):
    for i, (split, name) in enumerate([("train", "a"), ("train", "b"), ("train", "b"), ("train", "a"), ("test", "b")]):
        save_image(tmp_path / split / name / f"{i}.png", value=40 * i)
    train, test = load(f"folder:{tmp_path}", "train"), load(f"folder:{tmp_path}", "test")
    assert train.label_names == test.label_names == ("a", "b")
    assert train.labels.tolist() == [0, 0, 1, 1] and test.labels.tolist() == [1]
    assert "train/ and test/" in test.note
    save_image(tmp_path / "test" / "loose.png", value=9)
    assert load(f"folder:{tmp_path}", "train").labels is None
    (tmp_path / "test" / "loose.png").rename(tmp_path / "test" / "b" / "loose.png")
    save_image(tmp_path / "test" / "c" / "x.png", value=7)
    assert "class 'c' of" in load(f"folder:{tmp_path}", "test").unusable_labels


def test_unlabelled_nested_tree_in_every_format(tmp_path):
    for i, suffix in enumerate(["png", "JPG", "bmp", "webp", "tiff", "ppm"]):
        save_image(tmp_path / "all" / str(i % 2) / f"{i}.{suffix}")
    save_image(tmp_path / "all" / ".hidden" / "thumbnail.png")
    (tmp_path / "all" / "._0.png").write_text("a resource fork, not an image")
    images = load(f"folder:{tmp_path}", "train")
    assert len(images.images) == 3 and images.labels is None and images.label_names == ()


@pytest.mark.parametrize(
    ("modes", "channels"), [(["L", "LA", "1"], 1), (["L", "RGB", "L"], 3), (["RGBA", "P", "LA"], 3)]
)
def test_folders_are_grey_only_when_every_file_is(tmp_path, modes, channels):
    (tmp_path / "all").mkdir()
    for i, mode in enumerate(modes):
        Image.new(mode, (32, 32)).save(tmp_path / "all" / f"{i}.png")
    assert load(f"folder:{tmp_path / 'all'}", "train").channels == channels


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([(70, 64), (250, 65)], 64), ([(63, 200), (64, 64)], 32), ([(20, 20), (28, 28)], 32), ([(500, 128)] * 2, 128)],
)
def test_default_size_enlarges_nothing(tmp_path, sizes, expected):
    for i, size in enumerate(sizes):
        save_image(tmp_path / f"{i}.png", size=size)
    assert native_size(f"folder:{tmp_path}") == expected
    assert load(f"folder:{tmp_path}", "train").image_size == expected


def test_enlarged_images_are_counted_in_the_note(tree):
    assert " images are smaller than 64 pixels" in load(f"folder:{tree}", "train", image_size=64).note


def test_turned_photographs_are_set_upright(tmp_path):
    upright = np.zeros((32, 40, 3), np.uint8)
    upright[:16] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    for i in range(2):
        Image.fromarray(upright).save(tmp_path / f"{i}.png", exif=exif)
    image = load(f"folder:{tmp_path}", "train").images[0]
    assert image[:, 0].max() == 0 and image[:, -1].min() == 255


def test_corrupt_images_are_counted_and_named(tree):
    (tree / "cat" / "03.png").write_bytes(b"no image at all")
    (tree / "dog" / "05.png").write_bytes(b"")
    with pytest.raises(UserError, match="2 of 20 images cannot be read, first .*cat/03.png"):
        load(f"folder:{tree}", "train")


def test_a_truncated_image_is_named_and_nothing_is_cached(tree, cache):
    file = tree / "cat" / "03.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:3000])
    for _ in range(2):
        with pytest.raises(UserError, match="1 of 20 images cannot be read, first .*cat/03.png"):
            load(f"folder:{tree}", "train")
    assert len(list(cache.glob("*.npy"))) == 1  # the headers alone


def test_sixteen_bit_images_are_refused_rather_than_clipped(tmp_path):
    for i in range(2):
        Image.fromarray(np.full((32, 32), 40_000, np.uint16)).save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match="2 of 2 images cannot be read.*not 8-bit"):
        load(f"folder:{tmp_path}", "train")


def test_folders_without_enough_images(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        load(f"folder:{tmp_path / 'nowhere'}", "train")
    with pytest.raises(UserError, match="no images under"):
        load(f"folder:{tmp_path}", "train")
    save_image(tmp_path / "only.png")
    with pytest.raises(UserError, match="a single image"):
        load(f"folder:{tmp_path}", "train")
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(UserError, match="no images under .*train"):
        load(f"folder:{tmp_path}", "train")


def test_a_changed_folder_is_decoded_anew(tree):
    load(f"folder:{tree}", "train")
    save_image(tree / "cat" / "00.png", size=(32, 32), value=77)
    assert 77 in torch.cat([load(f"folder:{tree}", split).images[:, 0, 0, 0] for split in ("train", "test")])
