"""vaegan.data.readers.npz: which arrays are read, how they are split and labelled, and what is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from vaegan.data import load, native_size
from vaegan.errors import UserError

pytestmark = pytest.mark.usefixtures("cache")


def save_npz(path: Path, count=20, shape=(32, 32, 3), **arrays) -> Path:
    images = np.arange(count, dtype=np.uint8).reshape(-1, *[1] * len(shape)) * np.ones((1, *shape), np.uint8)
    np.savez(path, **{"images": images, **arrays})
    return path


def test_npz_of_classes(tmp_path):
    file = save_npz(tmp_path / "a.npz", labels=np.arange(20) % 3 - 1, label_names=np.array(["no", "yes"]))
    train, test = load(f"npz:{file}", "train"), load(f"npz:{file}", "test")
    assert len(train.images) + len(test.images) == 20 and train.images.shape[1:] == (3, 32, 32)
    for part in (train, test):
        assert torch.equal(part.labels, part.images[:, 0, 0, 0].long() % 3 - 1)
    assert train.label_names == ("no", "yes") and "of 20 images of a.npz" in train.note


def test_npz_of_attributes_and_grey(tmp_path):
    file = save_npz(tmp_path / "a.npz", shape=(28, 28), labels=np.ones((20, 4), bool))
    train = load(f"npz:{file}", "train")
    assert train.images.shape[1:] == (1, 32, 32)
    assert train.labels.shape == (len(train.images), 4) and train.labels.dtype == torch.uint8
    assert train.label_names == ("0", "1", "2", "3")


def test_npz_with_a_test_sibling(tmp_path):
    file = save_npz(tmp_path / "faces_train.npz")
    save_npz(tmp_path / "faces_test.npz", images=np.full((5, 32, 32, 3), 99, np.uint8))
    train, test = load(f"npz:{file}", "train"), load(f"npz:{file}", "test")
    assert (len(train.images), len(test.images)) == (20, 5)
    assert train.note == "the test split is the file faces_test.npz" and test.note.startswith(train.note)


@pytest.mark.parametrize(("side", "expected"), [(20, 32), (28, 32), (40, 32), (60, 64), (64, 64), (100, 128)])
def test_npz_default_size_is_the_nearest(tmp_path, side, expected):
    file = save_npz(tmp_path / "a.npz", images=np.full((2, side, side + 3, 1), 99, np.uint8))
    assert native_size(f"npz:{file}") == expected
    assert load(f"npz:{file}", "train").image_size == expected


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"images": np.zeros((9, 32, 32, 3), np.float32)}, "has type float32; it must be uint8"),
        ({"images": np.zeros((9, 3, 32, 32), np.uint8)}, r"shape \(9, 3, 32, 32\); it must be \(N, H, W, C\)"),
        ({"images": np.zeros((32, 32), np.uint8)}, r"shape \(32, 32\); it must be"),
        ({"images": np.zeros((9, 3, 32, 32), np.uint8)}, r"transpose it with \(0, 2, 3, 1\)"),
        ({"images": np.zeros((32, 32, 3), np.uint8)}, "32 rows of 3 pixels"),
        ({"images": np.zeros((28, 28, 900), np.uint8)}, "28 rows of 900 pixels"),
        ({"images": np.eye(32, dtype=np.uint8)[None].repeat(9, 0)}, "are all 0 or 1, which is black"),
        ({"images": np.zeros((0, 32, 32, 3), np.uint8)}, "at least two images"),
        ({"images": np.zeros((9, 0, 32, 3), np.uint8)}, "at least two images"),
        ({"x": np.zeros(3)}, "no array named 'images'"),
        ({"images": np.array([{}, {}], dtype=object)}, "not a readable .npz"),
        ({"labels": np.zeros(7, int)}, r"'labels'.*shape \(7,\); with 20 images"),
        ({"labels": np.zeros(20)}, "'labels'.*float64"),
        ({"labels": np.full((20, 3), 2)}, "attributes other than 0 and 1"),
        ({"labels": np.full(20, -2)}, "class -2"),
        ({"labels": np.arange(20), "label_names": np.array(["a"])}, "1 names for 20 labels"),
        ({"labels": np.arange(20) % 3, "label_names": np.array(["a", "b", "a"])}, "has 'a' 2 times"),
    ],
)
def test_npz_of_the_wrong_kind(tmp_path, arrays, complaint):
    file = tmp_path / "a.npz"
    save_npz(file, **arrays) if "labels" in arrays else np.savez(file, **arrays)
    with pytest.raises(UserError, match=complaint) as error:
        load(f"npz:{file}", "train")
    assert str(file) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_npz(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{tmp_path / 'a.npz'}", "train")


@pytest.mark.parametrize("shape", [(10**6, 1000, 1000, 3), (2**62, 8)])
@pytest.mark.parametrize("key", ["images", "labels"])
def test_a_header_that_claims_more_than_its_file_holds_is_refused_before_allocating(tmp_path, shape, key, monkeypatch):
    file = save_npz(tmp_path / "a.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{key}.npy", header.getvalue() + b"x" * 100)
    monkeypatch.setattr(np, "load", None)  # it would allocate
    with pytest.raises(UserError, match=f"{key}.npy claims"):
        load(f"npz:{file}", "train")


def test_other_npz_files(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{tmp_path / 'a.npy'}", "train")
    cut = save_npz(tmp_path / "cut.npz")
    cut.write_bytes(cut.read_bytes()[:-50])
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{cut}", "train")
    with pytest.raises(UserError, match="no such file"):
        load(f"npz:{tmp_path / 'nowhere.npz'}", "train")
