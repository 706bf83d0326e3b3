"""vaegan.data.splits: a held-out split that no order, copy or later file can spoil, and splits that fit together."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from vaegan.data import load, splits
from vaegan.errors import UserError

pytestmark = pytest.mark.usefixtures("cache")


def contents(count: int, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(2**63, size=count).astype(np.uint64)


@pytest.mark.parametrize("period", [2, 5, 10])
@pytest.mark.parametrize("copies", [False, True], ids=["distinct", "one image a class"])
def test_every_class_is_in_both_splits_whatever_the_order(period, copies):
    labels = torch.arange(500) % period
    items = contents(period)[labels.numpy()] if copies else contents(500)
    chosen = splits.held_out(items, labels)
    for part in (chosen, ~chosen):
        assert labels[torch.from_numpy(part)].unique().tolist() == list(range(period))
    assert chosen.sum() == 50 or copies


@pytest.mark.parametrize("more", [1, 9, 40])
@pytest.mark.parametrize("classes", [1, 3])
def test_added_images_move_at_most_as_many_as_the_held_out_tenth_grows(more, classes):
    for seed in range(20):
        items = contents(60 + more, seed)
        labels = torch.from_numpy((items % np.uint64(classes)).astype(np.int64))
        before, after = splits.held_out(items[:60], labels[:60]), splits.held_out(items, labels)
        moved = ~before & after[:60]
        for stratum in range(classes):
            of = (labels == stratum).numpy()
            assert moved[of[:60]].sum() <= max(1, round(of.sum() / 10)) - max(1, round(of[:60].sum() / 10))


def test_one_more_image_leaves_the_others_where_they_are():
    items = contents(61)
    assert not (~splits.held_out(items[:60]) & splits.held_out(items)[:60]).any()


def test_the_split_does_not_depend_on_order_and_keeps_copies_together():
    items = np.repeat(contents(100), 3)
    order = np.random.default_rng(1).permutation(300)
    chosen = splits.held_out(items)
    assert (splits.held_out(items[order]) == chosen[order]).all()
    assert (chosen.reshape(100, 3).all(axis=1) == chosen.reshape(100, 3).any(axis=1)).all()


@pytest.mark.parametrize("count", range(2, 11))
def test_small_sets_have_an_image_in_each_split(count):
    for seed in range(10):
        assert 0 < splits.held_out(contents(count, seed)).sum() < count


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["train", "val"], ("train", "val")),
        (["Train", "TEST"], ("Train", "TEST")),
        (["test", "train", "valid"], ("train", "test")),
        (["Training", "Validation"], ("Training", "Validation")),
        (["cat", "train"], None),
        (["test", "val"], None),
    ],
)
def test_folders_that_are_splits(names, pair):
    assert splits.of_folders(names) == pair


def test_a_folder_called_train_beside_others_is_read_as_a_class_and_the_note_says_so(tmp_path):
    for name in ("train", "extra"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (32, 32), (i, 0, 9 * len(name))).save(tmp_path / "d" / name / f"{i}.png")
    loaded = load(f"folder:{tmp_path / 'd'}", "train")
    assert loaded.label_names == ("extra", "train")
    assert "warning: the folders extra/, train/ are read as classes, not as splits" in loaded.note


def test_a_held_out_file_of_0_and_1_is_refused(tmp_path):
    name = pair(tmp_path, {"images": images()}, {"images": images(10, seed=1) % 2})
    with pytest.raises(UserError, match="all 0 or 1, which is black"):
        load(name, "test")


def test_two_folders_that_mean_one_split_are_refused(tmp_path):
    for name in ("train", "Train", "test"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (32, 32), "red").save(tmp_path / name / "x.png")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("names here have no case")
    with pytest.raises(UserError, match="are both the training split"):
        load(f"folder:{tmp_path}", "train")


def test_train_alone_is_no_class(tmp_path):
    for i in range(20):
        (tmp_path / "train" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (i, 100, 0)).save(tmp_path / "train" / "ab"[i % 2] / f"{i}.png")
    assert load(f"folder:{tmp_path}", "train").label_names == ("a", "b")


# --- two files


def images(count=40, *shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *(shape or (32, 32))), dtype=np.uint8)


def pair(folder, train: dict, test: dict, names=("d_train.npz", "d_test.npz")) -> str:
    np.savez(folder / names[0], **train)
    np.savez(folder / names[1], **test)
    return f"npz:{folder / names[0]}"


@pytest.mark.parametrize("held_out", ["d_test.npz", "d_val.npz", "D_Validation.npz"])
def test_siblings_are_found_in_any_case(tmp_path, held_out):
    name = pair(tmp_path, {"images": images()}, {"images": images(7, seed=1)}, ("d_train.npz", held_out))
    assert len(load(name, "train").images) == 40 and len(load(name, "test").images) == 7


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("other", [(32, 32, 3), (64, 64), (32, 40)])
def test_files_of_other_channels_or_sizes_are_refused_naming_both(tmp_path, split, other):
    name = pair(tmp_path, {"images": images()}, {"images": images(10, *other, seed=1)})
    with pytest.raises(UserError, match="d_train.npz has images of .*d_test.npz of"):
        load(name, split, image_size=32)


CLASSES, ATTRIBUTES = np.arange(40) % 4, np.ones((10, 4), np.uint8)


@pytest.mark.parametrize(
    ("train", "test", "fault"),
    [
        ({"labels": CLASSES}, {}, "d_train.npz has labels, .*d_test.npz has none"),
        ({}, {"labels": CLASSES[:10]}, "d_test.npz has labels, .*d_train.npz has none"),
        ({"labels": CLASSES}, {"labels": CLASSES[:10] + 2}, "class '4' of .*d_test.npz has no image in .*d_train.npz"),
        ({"labels": CLASSES}, {"labels": CLASSES[:10] - 1}, "has images without a class"),
        ({"labels": CLASSES}, {"labels": ATTRIBUTES}, "d_train.npz has classes, .*d_test.npz has 4 attributes"),
        (
            {"labels": CLASSES, "label_names": list("abcd")},
            {"labels": CLASSES[:10], "label_names": list("abdc")},
            "'c'",
        ),
        ({"labels": np.arange(40)}, {"labels": np.arange(10)}, "40 classes for 50 images"),
    ],
)
def test_labels_that_do_not_belong_together_are_left_out_and_the_note_says_so(tmp_path, train, test, fault):
    name = pair(tmp_path, {"images": images(), **train}, {"images": images(10, seed=1), **test})
    for split in ("train", "test"):
        loaded = load(name, split)
        assert loaded.labels is None and loaded.label_names == ()
        assert re.search(fault, loaded.unusable_labels) and loaded.unusable_labels in loaded.note


def test_labels_that_count_the_images_are_no_classes(tmp_path):
    np.savez(tmp_path / "a.npz", images=images(60), labels=np.arange(60))
    loaded = load(f"npz:{tmp_path / 'a.npz'}", "train")
    assert loaded.labels is None and "60 classes for 60 images" in loaded.note
    np.savez(tmp_path / "a.npz", images=images(60), labels=np.full(60, 20_261_125))
    with pytest.raises(UserError, match="class 20261125"):
        load(f"npz:{tmp_path / 'a.npz'}", "train")


def test_held_out_images_that_are_trained_on_are_counted(tmp_path):
    name = pair(tmp_path, {"images": images()}, {"images": np.concatenate([images()[:3], images(5, seed=1)])})
    assert "3 of 8 held-out images are training images too" in load(name, "test").note


def test_a_grey_split_beside_a_coloured_one_is_refused(tmp_path):
    for mode, split in (("L", "train"), ("RGB", "val")):
        (tmp_path / split).mkdir()
        for i in range(3):
            Image.new(mode, (32, 32), 50 * i).save(tmp_path / split / f"{i}.png")
    with pytest.raises(UserError, match="train are grey, those of .*val coloured"):
        load(f"folder:{tmp_path}", "train")
