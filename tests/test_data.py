"""vaegan.data: the named sets, how batches are drawn and how images are fitted to a size."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from vaegan.data import DATASETS, SIZES, load, native_size
from vaegan.data.batches import batch_indices
from vaegan.data.fitting import fit
from vaegan.data.readers import torchvision_sets
from vaegan.errors import UsageError, UserError

pytestmark = pytest.mark.usefixtures("cache")


# --- batches


def test_an_epoch_holds_every_image_once_and_epochs_differ():
    batches = torch.stack([batch_indices(12, 4, seed=0, step=step) for step in range(6)])
    first, second = batches.view(2, 12)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()


def test_epochs_are_laid_end_to_end_when_the_batch_does_not_divide_them():
    drawn = torch.cat([batch_indices(10, 4, seed=0, step=step) for step in range(5)])
    assert sorted(drawn.tolist()) == sorted(2 * list(range(10)))
    assert sorted(batch_indices(3, 7, seed=0, step=0)[:6].tolist()) == [0, 0, 1, 1, 2, 2]


def test_a_batch_depends_on_seed_and_step_alone():
    expected = batch_indices(1000, 16, seed=3, step=70)
    batch_indices(1000, 16, seed=4, step=71).zero_()
    torch.manual_seed(9)
    assert torch.equal(batch_indices(1000, 16, seed=3, step=70), expected)
    assert not torch.equal(batch_indices(1000, 16, seed=4, step=70), expected)


# --- fitting


def test_28_pixels_are_padded_not_resampled():
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    fitted = fit(images, 32)
    assert torch.equal(fitted[..., 2:30, 2:30], images)
    black = fit(images, 32, black_ground=True)
    assert torch.equal(black[..., 2:30, 2:30], images) and black[..., :2, :].sum() == black[..., :, 30:].sum() == 0


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (5, 3, 28, 28)])
def test_padding_draws_no_frame(shape):
    images = torch.randint(60, 256, shape, dtype=torch.uint8)
    fitted = fit(images, 32)
    assert fitted.min() >= 60 and torch.equal(fitted[..., 2:30, 1], images[..., :, 0])
    images[..., :1, :], images[..., -1:, :], images[..., :1], images[..., -1:] = 5, 5, 5, 5
    assert fit(images, 32)[..., :2].max() == 0  # black goes on as black, noise of a JPEG or not


def test_digits_and_clothes_are_padded_alike_by_name_and_by_sight(shared_data):
    for name, differing in (("mnist", 0), ("fashion-mnist", 10)):
        padded = load(name, "test", data_dir=shared_data).images
        by_sight = fit(padded[..., 2:30, 2:30], 32)
        assert (by_sight != padded).flatten(1).any(dim=1).sum() <= differing


def test_28_pixels_stay_or_lose_their_border_at_small_sizes():
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    assert torch.equal(fit(images, 28), images)
    assert torch.equal(fit(images, 26), images[..., 1:27, 1:27])


def test_wide_images_are_cropped_to_the_centre_and_reduced_with_antialiasing():
    stripes = torch.zeros(1, 3, 64, 100, dtype=torch.uint8)
    stripes[..., ::2] = 255
    fitted = fit(stripes, 32)
    assert fitted.shape == (1, 3, 32, 32)
    assert 120 <= fitted[..., 1:-1].min() and fitted[..., 1:-1].max() <= 135  # without antialiasing: 0 or 255


# --- named sets


@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_mnist(shared_data, split, count):
    digits = load("mnist", split, data_dir=shared_data)
    assert digits.images.shape == (count, 1, 32, 32) and digits.images.dtype == torch.uint8
    assert digits.labels.shape == (count,) and digits.labels.dtype == torch.int64
    assert digits.label_names == tuple("0123456789") and digits.note == ""
    assert digits.images[..., 2:30, 2:30].float().mean() / 255 == pytest.approx(0.1307, abs=0.003)


def test_fashion_mnist_enlarged_says_so(shared_data):
    clothes = load("fashion-mnist", "test", image_size=64, data_dir=shared_data)
    assert clothes.images.shape == (10_000, 1, 64, 64)
    assert clothes.note == "images enlarged from 28 to 64 pixels"


@pytest.mark.parametrize("name", torchvision_sets.SETS)
def test_absent_and_offline_names_the_file_looked_for(name, tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", offline)
    with pytest.raises(UserError, match=f"{name} is not in .*{tmp_path}.*looked for .*could not be downloaded"):
        load(name, "train", data_dir=tmp_path)


def test_a_damaged_set_is_one_line_and_is_not_deleted(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"\0\0\x08\x03 cut short")
    with pytest.raises(UserError, match="cannot read mnist"):
        load("mnist", "train", data_dir=tmp_path)
    assert len(list(raw.iterdir())) == 4


def save_cifar10(data_dir: Path, count=4) -> None:
    folder = data_dir / "cifar-10-batches-py"
    folder.mkdir()
    for i, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        rows = np.full((count, 3072), i, np.uint8)
        rows[:, :1024] += 100  # the first plane is red
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": [i] * count}))


def test_cifar10_is_read_from_files_that_are_not_the_publishers_own(tmp_path):
    save_cifar10(tmp_path)
    train, test = (load("cifar10", split, data_dir=tmp_path) for split in ("train", "test"))
    assert train.images.shape == (20, 3, 32, 32) and train.labels.tolist() == [i for i in range(5) for _ in range(4)]
    assert test.images[0, :, 0, 0].tolist() == [105, 5, 5] and test.label_names[5] == "dog"


def test_a_truncated_cifar10_is_one_line(tmp_path):
    save_cifar10(tmp_path)
    file = tmp_path / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot read cifar10"):
        load("cifar10", "test", data_dir=tmp_path)


def test_synthfaces_are_drawn_once_then_mapped(monkeypatch):
    from vaegan.data.readers import embedded
    from vaegan.data.synthfaces import renderer as synthfaces

    monkeypatch.setattr(embedded, "COUNTS", {"train": 5, "test": 3})
    monkeypatch.setattr(embedded, "CHUNK", 2)
    faces = load("synthfaces", "test", image_size=32)
    assert faces.images.shape == (3, 3, 32, 32) and faces.images.dtype == torch.uint8
    assert torch.equal(faces.images, torch.as_tensor(synthfaces.render(1, torch.arange(3), 32)))
    assert faces.labels.shape == (3, len(faces.label_names)) and faces.labels.dtype == torch.uint8
    monkeypatch.setattr(embedded, "_rendered", None)  # a second drawing would fail
    assert torch.equal(load("synthfaces", "test", image_size=32).images, faces.images)
    assert native_size("synthfaces") == 64


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="unknown data set 'minst'; did you mean 'mnist'.*known are synthfaces, mnist"):
        load("minst", "train")
    with pytest.raises(UsageError, match="did you mean 'folder:'"):
        native_size("foldr:somewhere")
    with pytest.raises(UsageError, match="'npz:' names no path"):
        load("npz:", "train")


@pytest.mark.parametrize("size", [0, 48, 1024])
def test_impossible_image_sizes_are_refused(size):
    with pytest.raises(UsageError, match=f"image size {size} is not one of 32, 64, 128, 256, 512"):
        load("synthfaces", "train", image_size=size)


def test_every_named_set_has_a_native_size_the_networks_can_do(tmp_path):
    assert {native_size(name, tmp_path) for name in DATASETS} <= set(SIZES)
